"""Send the same events to a pool and to heaps: who fails, when, and what each takes in RAM."""

from __future__ import annotations

import argparse
import re
from typing import Sequence

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import (
    CONFIG_HELP,
    add_output_arguments,
    print_regions,
    print_written,
    refuse_existing_result,
    write_files,
)
from pyrns_pool.compare import BINS_DEFAULT, compare, sized_pool
from pyrns_pool.compare_results import MALLOC, CompareResult, Contender
from pyrns_pool.config import PoolConfig, preset_names
from pyrns_pool.errors import ConfigError
from pyrns_pool.exports import load_config
from pyrns_pool.formats import load_trace
from pyrns_pool.heaps import HEAPS
from pyrns_pool.regions import MACHINES, machine, scale_32
from pyrns_pool.trace import Trace
from pyrns_pool.workloads import packet_node

GENERATED = "packet-node"
_BYTES_TEXT = re.compile(r"([1-9][0-9]{0,9})(KiB|MiB)?", re.ASCII)
_UNITS = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "trace",
        metavar="TRACE",
        help=f"a .csv, .csv.gz or .npz file; or {GENERATED}, events made from --load and --seed",
    )
    parser.add_argument("--site", metavar="PATTERN", help="only these sites: 'RNS::Bytes::*'")
    parser.add_argument(
        "--load", metavar="PERCENT", type=int, help="most that is live, of the first arena [80]"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="other events [1]")
    parser.add_argument(
        "--arena", metavar="LIST", help="64KiB,160KiB, of each in turn [the machine's]"
    )
    parser.add_argument("--machine", metavar="NAME", help=f"one of {_names()}")
    parser.add_argument(
        "--heaps",
        metavar="LIST",
        default=",".join(HEAPS),
        help=f"of {', '.join(HEAPS)} [all of these]; {MALLOC}, this process's, times all",
    )
    tiers = parser.add_mutually_exclusive_group()
    tiers.add_argument(
        "--tiers",
        metavar="LIST",
        help="SIZExSLOTS; or SIZE alone, with as many slots as the trace needs [preset design]",
    )
    tiers.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(preset_names())}")
    tiers.add_argument("--config", metavar="FILE", help=CONFIG_HELP)
    parser.add_argument(
        "--scale", type=int, choices=(32,), help="shrink objects of a 64-bit recording by site"
    )
    parser.add_argument(
        "--bins",
        metavar="N",
        type=int,
        default=BINS_DEFAULT,
        help=f"most bins of the timeline [{BINS_DEFAULT}]",
    )
    add_output_arguments(parser)


def _names() -> str:
    return ", ".join(known.name for known in MACHINES)


def parse_bytes(text: str, name: str = "arena") -> int:
    """Return a number of bytes such as 65536, 64KiB or 8MiB.

    Examples
    --------
    >>> parse_bytes("64KiB"), parse_bytes("500")
    (65536, 500)
    """
    match = _BYTES_TEXT.fullmatch(text)
    if match is None:
        raise ConfigError(f"{name}: '{text[:40]}' is not like 64KiB")
    return int(match[1]) * _UNITS[match[2]]


def _trace(given: argparse.Namespace, arenas: Sequence[int]) -> Trace:
    if given.trace == GENERATED:
        load = 80 if given.load is None else given.load
        if not 1 <= load <= 200:
            raise ConfigError(f"load: {load} is not in 1 to 200")
        trace = packet_node(arenas[0] * load // 100, seed=1 if given.seed is None else given.seed)
    else:
        if given.load is not None or given.seed is not None:
            raise ConfigError(f"load, seed: only for {GENERATED}")
        with output.progress(f"reading {given.trace}") as report:
            trace = load_trace(given.trace, report)
    if given.site is not None:
        trace = trace.filter(site=given.site)
    return trace if given.scale is None else scale_32(trace)


def _pool(given: argparse.Namespace, trace: Trace) -> PoolConfig:
    if given.config is not None:
        config = load_config(given.config)
        return PoolConfig(config.tiers, config.policy)  # A fallback would be one more heap.
    if given.tiers is None:
        return PoolConfig.preset(given.preset or "design")
    words = given.tiers.split(",")
    if all(word.isascii() and word.isdecimal() and len(word) < 10 for word in words):
        return sized_pool(trace, [int(word) for word in words])
    return PoolConfig.parse(given.tiers)


def run(given: argparse.Namespace) -> None:
    """Compare, write, print."""
    refuse_existing_result(given.output, given.force, given.plot)
    device = None if given.machine is None else machine(given.machine)
    if given.arena is None and device is None:
        raise ConfigError("arena: is needed, such as --arena 64KiB, unless --machine is given")
    if given.arena is not None:
        arenas = [parse_bytes(word) for word in given.arena.split(",")]
    else:
        arenas = [device.regions[0].bytes] if device else []
    trace = _trace(given, arenas)
    with output.progress("comparing") as report:
        result = compare(
            trace,
            _pool(given, trace),
            arenas,
            heaps=given.heaps.split(","),
            machine=device,
            bins=given.bins,
            progress=report,
        )
    if given.output is not None:
        write_files(result, result.to_list(), given.output, given.force, given.plot)
    if given.json:
        output.print_json(result.to_list())
        return
    print_result(result)
    print_written(given.output, given.plot)


def print_result(result: CompareResult) -> None:
    """Print trace, pool, a table for each arena, and the verdict."""
    trace = result.trace
    extent = [output.plural(trace.events, "event"), output.plural(trace.blocks, "request")]
    extent += [output.duration(trace.duration_ns) if trace.has_time else "no time"]
    print(f"trace {trace.name}: {', '.join(extent)}, peak live {trace.peak_live_bytes:,} bytes")
    for text, what in ((trace.filter, "only"), (result.scaled, "sizes scaled")):
        if text:
            print(f"      {what} {text}")
    print(f"pool  {str(result.config).split()[0]}: {result.config.slots_bytes:,} bytes of slots")
    for arena in result.arenas:
        machine_words = f" of {result.machine}" if result.machine else ""
        print(f"\n{arena:,} bytes{machine_words}\n")
        print_contenders(result, result.of_arena(arena))
        if result.machine:
            print()
            mine = result.of_arena(arena)
            print_regions(
                ["contender"], [([one.contender], use) for one in mine for use in one.regions]
            )
    print(f"\n{result.verdict()}")


def print_contenders(result: CompareResult, contenders: Sequence[Contender]) -> None:
    """Print a row for each contender."""
    columns = ["contender", "takes", "failures", "first", "fragmentation", "worst"]
    columns += [
        f"no {result.probe_bytes} B",
        "peak used",
        "over/block",
        "for no failure",
        "x live",
    ]
    rows = []
    for one in contenders:
        first = "-" if one.first_failure_ns is None else output.duration(one.first_failure_ns)
        needed = one.zero_failure_bytes
        times = result.of_peak_live(one)
        row = [f"{one.contender} + {one.heap}" if one.is_pool and one.heap else one.contender]
        row += [f"{one.ram_bytes:,}", f"{one.failures:,}", first]
        row += [f"{one.fragmentation_mean:.2f}", f"{one.fragmentation_worst:.2f}"]
        row += [output.percent(one.probe_failures / one.events), f"{one.peak_used_bytes:,}"]
        row += [f"{one.overhead_bytes_per_block:.1f}", "-" if needed is None else f"{needed:,}"]
        rows.append([*row, "-" if times is None else f"{times:.2f}"])
    if result.malloc is not None:
        columns += ["ns/event", "RSS growth"]
        for row, one in zip(rows, contenders):
            row += ["-" if one.ns_per_event is None else f"{one.ns_per_event:.1f}", "-"]
        growth = result.malloc.rss_bytes
        name = f"{MALLOC} ({result.malloc.library})"
        row = [name, *["-"] * (len(columns) - 3), f"{result.malloc.ns_per_event:.1f}"]
        rows.append([*row, "-" if growth is None else f"{growth:,}"])
    output.print_table(columns, rows)
