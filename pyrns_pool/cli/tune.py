"""Choose tiers and slots from recorded traces: the best there are within a budget."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional

from pyrns_pool.cli import output
from pyrns_pool.cli.compare import parse_bytes
from pyrns_pool.cli.curve import whole_numbers
from pyrns_pool.cli.replay import (
    add_output_arguments,
    print_written,
    refuse_existing_result,
    write_files,
)
from pyrns_pool.config import PoolConfig, Tier, preset_names
from pyrns_pool.errors import ConfigError
from pyrns_pool.exports import header_text
from pyrns_pool.formats import load_trace
from pyrns_pool.formats.files import output_file
from pyrns_pool.replay import replay
from pyrns_pool.trace import Trace
from pyrns_pool.tune import ALIGNMENT_DEFAULT, CANDIDATES_DEFAULT, tune
from pyrns_pool.tune_results import TuneResult

TIERS_DEFAULT = 4
FENCE_SHARE = 0.01  # A tier of which less is served is there for what it keeps out.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "traces", metavar="TRACE", nargs="+", help="a .csv, .csv.gz or .npz file; hits add up"
    )
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--budget", metavar="BYTES", help="most hits in 32KiB of slots, say")
    goal.add_argument(
        "--min-hit-rate", metavar="SHARE", type=float, help="fewest bytes that serve 0.99, say"
    )
    goal.add_argument(
        "--max-misses", metavar="N", type=int, help="fewest bytes that miss N requests at most"
    )
    parser.add_argument(
        "--max-tiers",
        metavar="N",
        type=int,
        default=TIERS_DEFAULT,
        help=f"1 to 8 [{TIERS_DEFAULT}]",
    )
    parser.add_argument(
        "--max-fragmentation",
        metavar="SHARE",
        type=float,
        help="most of a tier's slots that its requests leave unused on average: 0.25, say",
    )
    parser.add_argument(
        "--require", metavar="LIST", help="tiers it must have: 512x16, at least 16 of 512 bytes"
    )
    parser.add_argument(
        "--reserve", metavar="LIST", help="of these tiers, slots kept for priority: 512x4"
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--candidates", metavar="LIST", help="slot sizes to choose from")
    sizes.add_argument(
        "--align",
        metavar="BYTES",
        type=int,
        default=ALIGNMENT_DEFAULT,
        help=f"slot sizes are multiples of it [{ALIGNMENT_DEFAULT}]",
    )
    parser.add_argument(
        "--max-candidates",
        metavar="N",
        type=int,
        default=CANDIDATES_DEFAULT,
        help=f"sizes to try [{CANDIDATES_DEFAULT}]",
    )
    parser.add_argument("--weights", metavar="LIST", help="what a hit counts, for each trace")
    parser.add_argument(
        "--worst",
        action="store_true",
        help="of several traces the worst served counts, not the sum",
    )
    parser.add_argument(
        "--validate", metavar="TRACE", action="append", default=[], help="replayed, not tuned on"
    )
    parser.add_argument("--site", metavar="PATTERN", help="only these sites: 'RNS::Bytes::*'")
    parser.add_argument(
        "--sites",
        metavar="N",
        type=int,
        default=0,
        help="try the N sites that hold most memory for longest out of the pool, and in their own",
    )
    current = parser.add_mutually_exclusive_group()
    current.add_argument("--tiers", metavar="LIST", help="the pool in use, to stand beside it")
    current.add_argument("--preset", metavar="NAME", help="only this preset beside it [all]")
    parser.add_argument(
        "--header", metavar="FILE", type=Path, help="write the pool as a C header for csrc/core"
    )
    add_output_arguments(parser)


def run(given: argparse.Namespace) -> None:
    """Tune, write, print."""
    refuse_existing_result(given.output, given.force, given.plot)
    output.refuse_existing([] if given.header is None else [given.header], given.force)
    beside = _beside(given)
    require = _require(given.require, given.reserve)
    lists = {name: getattr(given, name) for name in ("candidates", "weights")}
    numbers = {name: text and whole_numbers(name, text) for name, text in lists.items()}
    budget = None if given.budget is None else parse_bytes(given.budget, "budget")
    traces = [_read(path, given.site) for path in given.traces]
    held_back = [_read(path, given.site) for path in given.validate]
    with output.progress("tuning") as report:
        result = tune(
            traces,
            budget_bytes=budget,
            min_hit_rate=given.min_hit_rate,
            max_misses=given.max_misses,
            max_tiers=given.max_tiers,
            max_fragmentation=given.max_fragmentation,
            require=require,
            **numbers,
            alignment=given.align,
            candidates_max=given.max_candidates,
            compared=beside,
            validate=held_back,
            sites=given.sites,
            worst=given.worst,
            progress=report,
        )
    if given.output is not None:
        write_files(result, result.to_dict(), given.output, given.force, given.plot)
    if given.header is not None:
        text = header_text(*(replay(trace, result.config, bins=1) for trace in traces))
        with output_file(given.header, given.force) as file:
            file.write(text.encode())
    if given.json:
        output.print_json(result.to_dict())
        return
    print_result(result)
    print_written(given.output, given.plot)
    if given.header is not None:
        print(f"\nwritten to {given.header}: the pool as a C header")


def _read(path: str, site: Optional[str]) -> Trace:
    with output.progress(f"reading {path}") as report:
        trace = load_trace(path, report)
    return trace if site is None else trace.filter(site=site)


def _beside(given: argparse.Namespace) -> list[tuple[str, PoolConfig]]:
    names = preset_names() if given.preset is None else (given.preset,)
    pools = [(name, PoolConfig.preset(name)) for name in names]
    return pools if given.tiers is None else [("current", PoolConfig.parse(given.tiers)), *pools]


def _require(slots: Optional[str], reserves: Optional[str]) -> list[Tier]:
    needed = () if slots is None else PoolConfig.parse(slots).tiers
    kept = () if reserves is None else PoolConfig.parse(reserves).tiers
    sizes = {tier.slot_bytes: (tier.slot_count, 0) for tier in needed}
    for tier in kept:
        count = sizes.get(tier.slot_bytes, (1, 0))[0]
        if tier.slot_bytes in sizes and tier.slot_count > count:
            raise ConfigError(f"reserve: {tier} is more than the {count} slots required")
        sizes[tier.slot_bytes] = (max(count, tier.slot_count), tier.slot_count)
    return [Tier(size, *counts) for size, counts in sorted(sizes.items())]


def print_result(result: TuneResult) -> None:
    """Print traces, goal, the pool with a row for each tier, and what stands beside it."""
    for trace in result.traces:
        extent = [output.plural(trace.events, "event"), output.plural(trace.blocks, "request")]
        extent += [output.duration(trace.duration_ns) if trace.has_time else "no time"]
        only = f", only {trace.filter}" if trace.filter else ""
        print(f"trace {trace.name}: {', '.join(extent)}{only}")
    tried = output.plural(len(result.candidates), "slot size")
    left = result.candidates_of - len(result.candidates)
    print(f"goal  {result.goal.words()}")
    print(f"      tried {tried}{f', {left} more left out' if left else ''}\n")
    print(f"pool  {result.config}: {result.config.slots_bytes:,} bytes of slots,", end=" ")
    print(f"{result.metadata_bytes:,} of metadata\n")
    print_tiers(result)
    print_pins(result)
    print_sites(result)
    print_compared(result)
    total = result.total
    served = f"{output.percent(total.hit_rate)} of {output.plural(total.requests, 'request')}"
    print(f"\n{served} served; replayed through the pool: the same {total.hits:,} hits.")
    if result.worst_bound is not None:
        least = output.percent(min(one.hit_rate for one in result.predicted))
        bound = f"no pool serves each of them more than {100 * result.worst_bound:.3f} %"
        print(f"The worst served trace: {least}; {bound}.")
    for held in result.held_back:
        name, rate = held["trace"]["name"], output.percent(held["hit_rate"])
        print(f"Held back {name}: {rate} of {output.plural(held['requests'], 'request')}.")


def print_tiers(result: TuneResult) -> None:
    """Print a row for each tier, and what would have sufficed."""
    columns = ["tier", "slots", "bytes", "requests", "hits", "hit rate", "unused"]
    rows = []
    for tier in result.tiers:
        numbers = (tier.slots, tier.slots * tier.slot_bytes, tier.requests, tier.hits)
        rate = output.percent(tier.hits / tier.requests) if tier.requests else "-"
        unused = output.percent(tier.fragmentation)
        cells = [f"{number:,}" for number in numbers]
        rows.append([str(tier.slot_bytes), *cells, rate, unused, f"{tier.sufficient_slots:,}"])
    total = result.total
    rows.append(["oversize", "", "", f"{total.oversize:,}", "", "", "", ""])
    sums = (result.config.slots_bytes, total.requests, total.hits)
    slots = f"{sum(tier.slots for tier in result.tiers):,}"
    cells = [slots, *(f"{number:,}" for number in sums), output.percent(total.hit_rate)]
    rows.append(["all", *cells, output.percent(result.fragmentation), ""])
    output.print_table([*columns, "slots for no miss"], rows)
    for tier in result.tiers:
        if tier.requests and tier.hits < tier.requests * FENCE_SHARE:
            words = "serves next to nothing: it keeps its sizes from filling larger slots"
            print(f"  {tier.slot_bytes}x{tier.slots} {words}")


def print_pins(result: TuneResult) -> None:
    """Print which sites keep slots."""
    if not result.pins:
        return
    print("\nslots kept by blocks that live for a tenth of the trace or longer")
    rows = [
        [pin.site or "(no site)", str(pin.slot_bytes), f"{pin.slots:,}", f"{pin.blocks:,}"]
        for pin in result.pins
    ]
    output.print_table(["site", "tier", "slots at once", "blocks"], rows)
    print("Give them a table of their own; --sites N says what that, or keeping them out, gains.")


def print_sites(result: TuneResult) -> None:
    """Print what keeping sites apart gives."""
    if not result.sites:
        return
    budget = result.goal.budget_bytes or result.config.slots_bytes
    print(f"\nsites kept apart, all within {budget:,} bytes and {result.goal.max_tiers} tiers")
    total = result.total
    rows = [[f"{total.hits:,}", output.percent(total.hit_rate), "none", str(result.config)[:-7]]]
    for one in result.sites:
        words = " + ".join(one.sites) + (" out" if one.own is None else " in a pool of their own")
        pools = [",".join(map(str, pool.tiers)) for pool in (one.config, one.own) if pool]
        rows.append([f"{one.hits:,}", output.percent(one.hit_rate), words, " and ".join(pools)])
    for row in [["hits", "hit rate", "apart", "pools"], *rows]:
        print(f"  {row[0]:>9}  {row[1]:>8}  {row[2]}")
        if row[0] != "hits":
            print(f"  {'':>21}{row[3]}")


def print_compared(result: TuneResult) -> None:
    """Print the pools of others, and the best of as many bytes."""
    print("\nbeside pools of others, each with the best of no more bytes")
    rows = []
    for one in result.compared:
        row = [one.name, f"{one.config.slots_bytes:,}", one.config.policy]
        row += [f"{one.served:,}", output.percent(one.hit_rate)]
        if one.tuned is None:
            rows.append([*row, "-", "-", "-", "-"])
            continue
        row += [f"{one.predicted:,}", f"{one.replayed:,}", output.percent(one.tuned_hit_rate)]
        rows.append([*row, ",".join(map(str, one.tuned.tiers))])
    columns = ["pool", "bytes", "policy", "served", "hit rate"]
    output.print_table([*columns, "tuned: predicted", "replayed", "hit rate", "tiers"], rows)
