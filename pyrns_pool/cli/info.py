"""Show what a trace or a packet log holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Union

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_trace_arguments, read_trace
from pyrns_pool.packets import is_packet_log, load_packets
from pyrns_pool.trace_info import PacketInfo, TraceInfo, packet_info, trace_info

INFO_NAME = "info.json"
TOP_DEFAULT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_trace_arguments(parser)
    parser.add_argument(
        "--top", metavar="N", type=int, default=TOP_DEFAULT, help=f"sites shown [{TOP_DEFAULT}]"
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help=f"write {INFO_NAME}")


def run(given: argparse.Namespace) -> None:
    """Read, write, print."""
    path = None if given.output is None else given.output / INFO_NAME
    if path is not None:
        output.refuse_existing([path], given.force)
    info: Union[PacketInfo, TraceInfo]
    if is_packet_log(given.trace):
        info = packet_info(load_packets(given.trace))
    else:
        info = trace_info(read_trace(given), given.top)
    if path is not None:
        output.write_json(path, info.to_dict(), given.force)
    if given.json:
        output.print_json(info.to_dict())
    elif isinstance(info, PacketInfo):
        print_packets(info)
    else:
        print_trace(info)


def _events(count: int) -> str:
    return output.plural(count, "event")


def print_trace(info: TraceInfo) -> None:
    """Print extent, size classes and sites."""
    extent = output.duration(info.duration_ns) if info.has_time else "no time"
    counts = [(info.events, "event"), (info.requests, "request"), (info.threads, "thread")]
    parts = [output.plural(count, noun) for count, noun in counts]
    print(f"trace {info.name}: {', '.join([*parts, output.plural(info.sites, 'site'), extent])}")
    if info.filter:
        print(f"  only {info.filter}")
    if not info.has_identity:
        print("  which block a free means was guessed")
    if not info.has_free_times:
        print("  when blocks were freed is not known: the peaks are the most they can be")
    peak = info.peak_live
    moment = output.duration if info.has_time else output.event
    lifetime = output.duration if info.has_time else _events
    print(f"  peak live {peak.bytes:,} bytes at {moment(peak.bytes_at_ns)},")
    print(f"            {peak.blocks:,} blocks at {moment(peak.blocks_at_ns)}")
    print(f"  never freed {output.plural(info.never_freed, 'block')}")
    print(f"  largest request {info.largest_request_bytes:,} bytes\n")
    output.print_table(
        ["size up to", "requests", "share", "bytes", "peak live blocks", "median lifetime"],
        [
            [
                f"{row.size_bytes_max:,}",
                f"{row.requests:,}",
                output.percent(row.requests / info.requests),
                f"{row.bytes:,}",
                f"{row.peak_live_blocks:,}",
                "-" if row.lifetime_median_ns < 0 else lifetime(row.lifetime_median_ns),
            ]
            for row in info.size_classes
        ],
    )
    print()
    output.print_table(
        ["site", "requests", "share", "bytes", "peak live blocks"],
        [
            [
                row.site or "(no site)",
                f"{row.allocations:,}",
                output.percent(row.allocations / info.requests),
                f"{row.bytes:,}",
                f"{row.peak_live_blocks:,}",
            ]
            for row in info.top_sites
        ],
    )


def print_packets(info: PacketInfo) -> None:
    """Print extent and kinds."""
    extent = [output.plural(info.packets, "packet"), output.plural(info.bytes, "byte")]
    print(f"packet log {info.name}: {', '.join([*extent, output.duration(info.duration_ns)])}\n")
    output.print_table(
        ["direction, type", "packets", "bytes", "shortest", "median", "longest"],
        [
            [f"{row.direction} {row.type}"]
            + [f"{count:,}" for count in (row.packets, row.bytes)]
            + [f"{length:,}" for length in (row.length_min, row.length_median, row.length_max)]
            for row in info.kinds
        ],
    )
