"""Show how many slots each tier needs: hit rate against slot count, every count at once."""

from __future__ import annotations

import argparse
from typing import Any, Optional

from pyrns_pool.cli import output
from pyrns_pool.cli.node import tables_of
from pyrns_pool.cli.replay import (
    add_output_arguments,
    print_written,
    refuse_existing_result,
    write_files,
)
from pyrns_pool.config import POLICIES, PoolConfig
from pyrns_pool.curve import hit_curve
from pyrns_pool.curve_results import CurveSet, HitCurve, TierCurve
from pyrns_pool.erlang import erlang_slots
from pyrns_pool.errors import ConfigError
from pyrns_pool.formats import load_trace
from pyrns_pool.packets import is_packet_log, load_packets
from pyrns_pool.workloads.node import run_node

BOUNDS_DEFAULT = "64,256,512,1024"
RATES = (0.5, 0.9, 0.99, 0.999, 1.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "traces",
        metavar="TRACE",
        nargs="+",
        help="a .csv, .csv.gz or .npz file; of a packet log, what a node on it needs",
    )
    tiers = parser.add_mutually_exclusive_group()
    tiers.add_argument("--bounds", metavar="LIST", help=f"sizes, ascending [{BOUNDS_DEFAULT}]")
    tiers.add_argument(
        "--tiers", metavar="LIST", help="SIZExSLOTS, ascending: the slots are marked as chosen"
    )
    parser.add_argument(
        "--policy", choices=POLICIES, default="strict", help="strict is exact [strict]"
    )
    parser.add_argument(
        "--counts", metavar="LIST", help="slot counts to simulate [some 20 in each tier]"
    )
    parser.add_argument("--site", metavar="PATTERN", help="only these sites: 'RNS::Bytes::*'")
    parser.add_argument(
        "--table",
        metavar="NAME=N[:POLICY]",
        action="append",
        default=[],
        help="of a node on a packet log; may be repeated",
    )
    add_output_arguments(parser)


def whole_numbers(name: str, text: str) -> list[int]:
    """Return the numbers of a comma-separated list.

    Examples
    --------
    >>> whole_numbers("bounds", "64,256")
    [64, 256]
    """
    words = text.split(",")
    for word in words:
        if not (word.isascii() and word.isdecimal() and len(word) < 10):
            raise ConfigError(f"{name}: '{word[:40]}' is not a whole number")
    return [int(word) for word in words]


def run(given: argparse.Namespace) -> None:
    """Count or simulate, write, print."""
    refuse_existing_result(given.output, given.force, given.plot)
    arguments: dict[str, Any] = {"policy": given.policy}
    arguments["loads"] = given.policy == "strict"  # Erlang's formula knows no spills.
    if given.tiers is None:
        bounds = whole_numbers("bounds", given.bounds or BOUNDS_DEFAULT)
    else:
        pool = PoolConfig.parse(given.tiers)
        bounds = [tier.slot_bytes for tier in pool.tiers]
        arguments["chosen"] = [tier.slot_count for tier in pool.tiers]
    if given.counts is not None:
        arguments["counts"] = whole_numbers("counts", given.counts)
    result = CurveSet(tuple(_curve(path, bounds, given, arguments) for path in given.traces))
    if given.output is not None:
        write_files(result, result.to_json(), given.output, given.force, given.plot)
    if given.json:
        output.print_json(result.to_json())
        return
    print_result(result)
    print_written(given.output, given.plot)


def _curve(
    path: str, bounds: list[int], given: argparse.Namespace, arguments: dict[str, Any]
) -> HitCurve:
    if is_packet_log(path):
        if given.site is not None:
            raise ConfigError(f"site: {path} is a packet log, which has no sites")
        log, tables = load_packets(path), tables_of(given.table)
        with output.progress(f"running a node on {path}") as report:
            return hit_curve(
                lambda pool: run_node(log, pool, tables=tables, bins=1),
                bounds,
                **arguments,
                progress=report,
            )
    with output.progress(f"reading {path}") as report:
        trace = load_trace(path, report)
    if given.site is not None:
        trace = trace.filter(site=given.site)
    with output.progress(f"counting {path}") as report:
        return hit_curve(trace, bounds, **arguments, progress=report)


def print_result(result: CurveSet) -> None:
    """Print a table for each trace, and of several what all of them together need."""
    for curve in result.curves:
        print_extent(curve)
        print_tiers(curve)
        print_anomalies(curve)
        print()
    if len(result.curves) > 1:
        print("all: the most slots that any of them needs\n")
        rows = []
        for i, size in enumerate(result.boundaries):
            needed = [_needed(curve.tiers[i]) for curve in result.curves]
            cells = [_most(column) for column in zip(*needed)]
            rows.append([str(size), *map(_count, cells)])
        output.print_table(["tier", *map(_share, RATES)], rows)
        print()
    print(_method(result.curves[0]))


def print_extent(curve: HitCurve) -> None:
    """Print what was replayed or run."""
    trace = curve.trace
    if trace is None:
        print(f"node on {curve.name}, a run for each slot count\n")
        return
    extent = [output.plural(trace.events, "event"), output.plural(trace.blocks, "request")]
    extent += [output.duration(trace.duration_ns) if trace.has_time else "no time"]
    print(f"trace {trace.name}: {', '.join(extent)}")
    if trace.filter:
        print(f"      only {trace.filter}")
    if curve.caveat:
        print(f"      {curve.caveat}")
    print()


def print_tiers(curve: HitCurve) -> None:
    """Print the slots that each tier needs, and what Erlang's formula would give it."""
    columns = ["slots for", "requests", *map(_share, RATES), "erlangs", "peakedness"]
    if curve.chosen is not None:
        columns += ["slots", "served"]
    rows = []
    for i, tier in enumerate(curve.tiers):
        load = curve.load(i)
        row = [str(tier.slot_bytes), f"{tier.requests:,}", *map(_count, _needed(tier))]
        row += ["", ""] if load is None else [f"{load.erlangs:,.1f}", f"{load.peakedness:,.1f}"]
        if curve.chosen is not None:
            row += [f"{curve.chosen[i]:,}", _served(tier, curve.chosen[i])]
        rows.append(row)
        if load is not None:
            guesses = [erlang_slots(load.erlangs, 1 - rate) for rate in RATES]
            blank = [""] * (len(columns) - 2 - len(guesses))
            rows.append(["  Erlang-B", "", *map(_count, guesses), *blank])
    rows.append(["oversize", f"{curve.oversize:,}", *[""] * (len(columns) - 2)])
    output.print_table(columns, rows)


def print_anomalies(curve: HitCurve) -> None:
    """Print where more slots serve fewer requests, once for a tier."""
    for tier in curve.tiers:
        if tier.anomaly is not None:
            before, after = (f"{count:,}" for count in tier.anomaly)
            print(
                f"  More is less: the pool serves fewer with {after} of {tier.slot_bytes}", end=""
            )
            print(f" bytes than with {before}.")


def _needed(tier: TierCurve) -> list[Optional[int]]:
    return [tier.slots_for(rate) for rate in RATES]


def _served(tier: TierCurve, slots: int) -> str:
    share = tier.hit_rate_with(slots)
    return "-" if share is None else output.percent(share)


def _most(counts: tuple[Optional[int], ...]) -> Optional[int]:
    known = [count for count in counts if count is not None]
    return max(known) if len(known) == len(counts) else None


def _share(rate: float) -> str:
    return f"{100 * rate:g} %"


def _count(count: Optional[int]) -> str:
    return "-" if count is None else f"{count:,}"


def _method(curve: HitCurve) -> str:
    if curve.is_exact:
        return "Exact: for a strict pool and this recording, every slot count is counted."
    what = "a pool that spills" if curve.trace is not None else "a workload in closed loop"
    return (
        f"Simulated: {what} was run with each of these slot counts in one tier, and the slots "
        "given in the others."
    )
