"""Turn a recording of another tool into a trace file."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyrns_pool.cli import output
from pyrns_pool.formats import FORMATS, SUFFIXES, ImportOptions, load_trace, save_trace
from pyrns_pool.formats.options import PAIRINGS
from pyrns_pool.trace import Trace
from pyrns_pool.trace_info import TraceInfo, trace_info

DEFAULTS = ImportOptions()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("recording", metavar="FILE", help="plain, or packed by gzip or zstd")
    parser.add_argument(
        "--format",
        metavar="NAME",
        choices=FORMATS,
        help=f"{', '.join(FORMATS)} [the content tells]",
    )
    parser.add_argument(
        "--pairing",
        choices=PAIRINGS,
        help="accept that a free which names no block (heaptrack without --raw) is of the oldest",
    )
    parser.add_argument(
        "--symbols",
        metavar="FILE",
        help="what heaptrack_interpret makes of a raw heaptrack file: its functions' names",
    )
    parser.add_argument(
        "--cpu-mhz", metavar="F", type=float, help="clock of the cycles in an ESP-IDF heap trace"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=DEFAULTS.seed, help="to draw a profile with [1]"
    )
    parser.add_argument(
        "--duration",
        metavar="S",
        type=float,
        default=DEFAULTS.duration_s,
        help=f"seconds to draw of a profile [{DEFAULTS.duration_s:g}]",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="TRACE",
        type=output.trace_path,
        required=True,
        help=f"ends in {', '.join(SUFFIXES)}",
    )


def run(given: argparse.Namespace) -> None:
    """Read, write, print."""
    options = ImportOptions(
        given.pairing, given.cpu_mhz, given.seed, given.duration, given.symbols
    )
    output.refuse_existing([given.output], given.force)
    with output.progress(f"reading {given.recording}") as report:
        trace = load_trace(given.recording, report, form=given.format, options=options)
    save_trace(trace, given.output, overwrite=given.force)
    info = trace_info(trace)
    if given.json:
        output.print_json({"file": str(given.output), **info.to_dict()})
        return
    print_import(trace, info, given.output)


def print_import(trace: Trace, info: TraceInfo, path: Path) -> None:
    """Print what was read, and what it does not say."""
    extent = output.duration(trace.duration_ns) if trace.has_time else "no time"
    counts = [
        output.plural(info.events, "event"),
        output.plural(info.requests, "request"),
        output.plural(info.sites, "site"),
    ]
    source = trace.provenance
    print(f"{source['file']} ({source['format']}): {', '.join([*counts, extent])}")
    older = source.get("frees_of_older_blocks")
    if older is not None:
        print(
            f"  left out: {output.plural(int(older), 'free')} of blocks older than the recording"
        )
    if not trace.has_time:
        print("  no time: results count events instead")
    if not trace.has_free_times:
        print("  no times of frees: sizes, sites and what was never freed; nothing over time")
    if trace.pairing:
        print(f"  frees name no block; assumed is the oldest of its kind ({trace.pairing})")
    elif not trace.has_identity:
        print("  frees name no block: no replay, no curve, unless imported with --pairing fifo")
    print(f"written to {path}")
