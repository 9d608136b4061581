"""Hold traces against limits for a pool; exit 1 with what broke them."""

from __future__ import annotations

import argparse

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_fallback_argument, add_pool_arguments, config_of
from pyrns_pool.formats import load_trace
from pyrns_pool.gate import Limits, check_trace

EXIT_BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("traces", metavar="TRACE", nargs="+", help="recorded traces")
    parser.add_argument("--site", metavar="PATTERN", help="only these sites: 'RNS::Bytes::*'")
    add_pool_arguments(parser, None)
    add_fallback_argument(parser)
    parser.add_argument(
        "--min-hit-rate", metavar="SHARE", type=float, help="least share that tiers serve: 0.99"
    )
    parser.add_argument(
        "--max-failures",
        metavar="N",
        type=int,
        help="most requests that nothing serves [0 if no other rule is given]",
    )
    parser.add_argument(
        "--max-heap-allocations", metavar="N", type=int, help="most requests that no tier serves"
    )


def run(given: argparse.Namespace) -> int:
    """Replay each trace, print what holds or what broke; return the exit status."""
    config = config_of(given)
    limits = Limits(given.min_hit_rate, given.max_failures, given.max_heap_allocations)
    limits = Limits(max_failures=0) if limits == Limits() else limits
    verdicts = []
    for path in given.traces:
        with output.progress(f"checking {path}") as report:
            trace = load_trace(path)
            trace = trace if given.site is None else trace.filter(site=given.site)
            verdicts.append(check_trace(trace, config, limits, progress=report))
    if given.json:
        output.print_json([verdict.to_dict() for verdict in verdicts])
    else:
        print("\n".join(line for verdict in verdicts for line in verdict.lines()))
    return 0 if all(verdict.holds for verdict in verdicts) else EXIT_BROKEN
