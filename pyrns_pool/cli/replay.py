"""Send a recorded trace through a pool and show what every tier did."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

from pyrns_pool.any_result import AnyResult, Result
from pyrns_pool.cli import output
from pyrns_pool.cli.plot import FORMATS, draw
from pyrns_pool.config import FALLBACKS, POLICIES, PoolConfig, preset_names
from pyrns_pool.errors import ConfigError
from pyrns_pool.exports import load_config
from pyrns_pool.formats import load_trace
from pyrns_pool.regions import MACHINES, Machine, machine
from pyrns_pool.replay import BINS_DEFAULT, replay
from pyrns_pool.results import RESULT_NAME, MachineUse, RegionUse, ReplayResult, SiteMisses
from pyrns_pool.slot_results import EPISODE_COLUMNS
from pyrns_pool.stats import PoolStats
from pyrns_pool.trace import Trace

SUMMARY_NAME = "summary.json"
SITES_SHOWN = 8
EPISODES_SHOWN = 4
CONFIG_HELP = "a TOML file, as export --to toml writes it"


def add_trace_arguments(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """Declare the trace, which may be `optional`, and what part of it is meant."""
    about = "a trace, or a recording of another tool"
    if optional:
        parser.add_argument("trace", metavar="TRACE", nargs="?", help=about)
    else:
        parser.add_argument("trace", metavar="TRACE", help=about)
    parser.add_argument("--site", metavar="PATTERN", help="only these sites: 'RNS::Bytes::*'")
    parser.add_argument("--thread", metavar="N", type=int, help="only this allocating thread")


def read_trace(given: argparse.Namespace) -> Trace:
    """Return the trace that the arguments mean."""
    with output.progress(f"reading {given.trace}") as report:
        trace = load_trace(given.trace, report)
    if given.site is None and given.thread is None:
        return trace
    return trace.filter(site=given.site, thread=given.thread)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_trace_arguments(parser)
    add_run_arguments(parser, PoolConfig.preset("design"))


def add_run_arguments(parser: argparse.ArgumentParser, pool: PoolConfig) -> None:
    """Declare the pool, which is `pool` if none is named, the timeline and the output."""
    add_pool_arguments(parser, pool)
    add_fallback_argument(parser)
    names = ", ".join(known.name for known in MACHINES)
    parser.add_argument(
        "--machine", metavar="NAME", help=f"its heaps serve a miss; one of {names}"
    )
    parser.add_argument(
        "--bins",
        metavar="N",
        type=int,
        default=BINS_DEFAULT,
        help=f"most bins of the timeline [{BINS_DEFAULT}]",
    )
    add_output_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Declare where the result goes, and `more` that is written there; and whether it is drawn."""
    files = f"{RESULT_NAME}, {SUMMARY_NAME}{more}" if more else f"{RESULT_NAME} and {SUMMARY_NAME}"
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help=f"write {files}")
    parser.add_argument(
        "--plot", action="store_true", help="draw there what 'pyrns-pool plot DIR' draws"
    )


def add_pool_arguments(parser: argparse.ArgumentParser, pool: Optional[PoolConfig]) -> None:
    """Declare the pool, which is `pool` if none is named, or has to be named."""
    tiers = parser.add_mutually_exclusive_group()
    default = "" if pool is None else f" [{','.join(map(str, pool.tiers))}]"
    tiers.add_argument("--tiers", metavar="LIST", help=f"SIZExSLOTS, ascending{default}")
    tiers.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(preset_names())}")
    tiers.add_argument("--config", metavar="FILE", help=CONFIG_HELP)
    parser.set_defaults(default_pool=pool, fallback=None)
    parser.add_argument("--policy", choices=POLICIES, help="[the pool's own; strict for --tiers]")


def add_fallback_argument(parser: argparse.ArgumentParser) -> None:
    """Declare what serves a miss."""
    parser.add_argument(
        "--fallback", choices=FALLBACKS, help="what serves a miss [the pool's own; none]"
    )


def config_of(given: argparse.Namespace) -> PoolConfig:
    """Return the pool that the arguments mean."""
    pool: Optional[PoolConfig] = given.default_pool
    if given.tiers is not None:
        pool = PoolConfig.parse(given.tiers)
    elif given.preset is not None:
        pool = PoolConfig.preset(given.preset)
    elif given.config is not None:
        pool = load_config(given.config)
    if pool is None:
        raise ConfigError("no pool: name one with --tiers, --preset or --config")
    return PoolConfig(pool.tiers, given.policy or pool.policy, given.fallback or pool.fallback)


def machine_of(given: argparse.Namespace) -> Optional[Machine]:
    """Return the machine that the arguments mean."""
    return None if given.machine is None else machine(given.machine)


def refuse_existing_result(directory: Optional[Path], force: bool, plot: bool = False) -> None:
    """Raise before any work is done for a result that may not be written, or cannot be drawn."""
    if plot:
        if directory is None:
            raise ConfigError("plot: needs -o DIR, where the figures go")
        import pyrns_pool.plot  # noqa: F401
    if directory is not None:
        output.refuse_existing([directory / RESULT_NAME, directory / SUMMARY_NAME], force)


def write_result(result: Result, directory: Path, force: bool, plot: bool = False) -> None:
    """Write the result and its summary, and draw it if `plot`."""
    write_files(result, result.to_dict(), directory, force, plot)


def write_files(
    result: AnyResult, summary: Any, directory: Path, force: bool, plot: bool = False
) -> None:
    """Write a result of any kind, and its summary as JSON; draw it if `plot`."""
    directory.mkdir(parents=True, exist_ok=True)
    result.save(directory / RESULT_NAME, overwrite=force)
    output.write_json(directory / SUMMARY_NAME, summary, force)
    if plot:
        draw(result, directory, FORMATS, force)


def print_written(directory: Optional[Path], plot: bool) -> None:
    """Print where the result is, and how to draw it if it is not."""
    if directory is not None:
        how = ", with figures" if plot else f"; for figures: pyrns-pool plot {directory}"
        print(f"\nwritten to {directory}{how}")


def run(given: argparse.Namespace) -> None:
    """Replay, write, print."""
    config, device = config_of(given), machine_of(given)
    directory = given.output
    refuse_existing_result(directory, given.force, given.plot)
    trace = read_trace(given)
    with output.progress("replaying") as report:
        result = replay(
            trace, config, machine=device, bins=given.bins, slots=True, progress=report
        )
    if directory is not None:
        write_result(result, directory, given.force, given.plot)
    if given.json:
        output.print_json(result.to_dict())
        return
    print_result(result)
    print_written(directory, given.plot)


def print_result(result: ReplayResult) -> None:
    """Print trace, pool, a row for each tier, where it missed, and the verdict."""
    trace, stats, config = result.trace, result.stats, result.config
    extent = [output.plural(trace.events, "event"), output.plural(trace.blocks, "request")]
    extent += [output.duration(trace.duration_ns) if trace.has_time else "no time"]
    live = f"peak live {trace.peak_live_bytes:,} bytes in {trace.peak_live_blocks:,} blocks"
    print(f"trace {trace.name}: {', '.join([*extent, live])}")
    if trace.filter:
        print(f"      only {trace.filter}")
    if trace.pairing:
        print(f"      assumed: each free is of the oldest block of its kind ({trace.pairing})")
    print(f"pool  {config}: {config.slots_bytes:,} bytes of slots\n")
    print_tiers(result)
    print_sites(result.sites)
    print_episodes(result)
    print_machine(result.machine)
    served = f"{output.percent(stats.hit_rate)} of {output.plural(stats.requests, 'request')}"
    print(f"\n{served} served by the pool.")
    if result.machine is not None:
        print_served(stats)
    elif stats.misses:
        heap = f"a heap behind it would hold up to {result.missed_bytes_peak:,} bytes"
        print(f"For the {stats.misses:,} missed, {heap}.")


def print_tiers(result: Result) -> None:
    """Print a row for each tier, the oversize requests, and the sum."""
    moment = output.duration if result.has_time else output.event
    print_tier_rows(result.stats, result.tier_times, moment)


def print_tier_rows(stats: Any, tier_times: Sequence[Any], moment: Callable[[int], str]) -> None:
    """Print them of anything that has the counts of a pool; `moment` words a time."""
    columns = ["tier", "slots", "requests", "hits", "spills", "exhausted", "hit rate"]
    rows = []
    for tier, times in zip(stats.tiers, tier_times):
        numbers = (tier.slot_count, tier.requests, tier.hits, tier.spills, tier.exhausted)
        high_water = f"{tier.high_water:,} at {moment(times.high_water_ns)}"
        first_miss = "-" if times.first_miss_ns is None else moment(times.first_miss_ns)
        rate = output.percent(tier.hit_rate) if tier.requests else "-"
        counts = [f"{number:,}" for number in numbers]
        rows.append([str(tier.slot_bytes), *counts, rate, high_water, first_miss])
    rows.append(["oversize", "", f"{stats.oversize:,}", "", "", "", "", "", ""])
    slots = sum(tier.slot_count for tier in stats.tiers)
    sums = (slots, stats.requests, stats.hits, stats.spills, stats.exhausted)
    rate = output.percent(stats.hit_rate)
    rows.append(["all", *(f"{number:,}" for number in sums), rate, "", ""])
    output.print_table([*columns, "high-water mark", "first miss"], rows)


def print_machine(use: Optional[MachineUse]) -> None:
    """Print what lies in which kind of memory, and what should have been in PSRAM."""
    if use is None:
        return
    print(f"\non {use.machine}")
    print_regions([], [([], region) for region in use.regions])
    if use.outside_psram is None:
        return
    count = sum(row.requests for row in use.outside_psram)
    print(f"\nmore than 1 KiB outside PSRAM: {output.plural(count, 'request')}")
    shown = use.outside_psram[:SITES_SHOWN]
    rows = [[row.site or "(no site)", f"{row.requests:,}"] for row in shown]
    rest = use.outside_psram[SITES_SHOWN:]
    if rest:
        rows.append([f"{len(rest)} more", f"{sum(row.requests for row in rest):,}"])
    if rows:
        output.print_table(["site", "requests"], rows)


def print_regions(columns: Sequence[str], uses: Sequence[tuple[Sequence[str], RegionUse]]) -> None:
    """Print a row for each part of a region, behind cells of these columns."""
    rows = [
        [*cells, use.region, use.what]
        + [f"{count:,}" for count in (use.bytes, use.peak_bytes, use.served, use.refused)]
        for cells, use in uses
    ]
    what = ["region", "what", "bytes", "peak used", "served", "refused"]
    output.print_table([*columns, *what], rows)


def print_served(stats: PoolStats) -> None:
    """Print what became of the requests that the pool missed."""
    if stats.misses:
        what = f"{stats.fallbacks:,} served by a heap, {stats.failures:,} by none"
        print(f"Of the {stats.misses:,} missed, {what}.")


def print_episodes(result: ReplayResult) -> None:
    """Print when the tiers were full and what they missed meanwhile, the worst episodes."""
    use = result.slots
    if use is None or not len(use.episodes):
        return
    moment = output.duration if result.has_time else output.event
    print("\nwhen it missed, from full to not full")
    span = output.duration if result.has_time else _events
    columns = ["tier", *EPISODE_COLUMNS]
    rows = []
    for row in use.worst_episodes(EPISODES_SHOWN):
        is_large = row["tier"] < 0
        tier = "oversize" if is_large else str(result.config.tiers[row["tier"]].slot_bytes)
        rows.append([tier, *use.episode_words(row, moment, span)])
    rest = len(use.episodes) - len(rows)
    if rest:
        shown = int(use.worst_episodes(EPISODES_SHOWN)["misses"].sum())
        missed = f"{result.stats.misses - shown:,}"
        rows.append([f"{rest:,} more", missed, *[""] * (len(columns) - 2)])
    output.print_table(columns, rows)


def _events(count: int) -> str:
    return output.plural(count, "event")


def print_sites(sites: Sequence[SiteMisses]) -> None:
    """Print the sites that missed most, which come first."""
    if not sites:
        return
    print("\nwhere it missed")
    rows = [
        [row.site or "(no site)", f"{row.requests:,}", f"{row.misses:,}"]
        for row in sites[:SITES_SHOWN]
    ]
    rest = sites[SITES_SHOWN:]
    if rest:
        sums = (sum(row.requests for row in rest), sum(row.misses for row in rest))
        rows.append([f"{len(rest)} more", *(f"{number:,}" for number in sums)])
    output.print_table(["site", "requests", "misses"], rows)
