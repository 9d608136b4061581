"""Run a workload over a pool for days of simulated time, with a heap of equal RAM beside it."""

from __future__ import annotations

import argparse
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

from pyrns_pool.cli import output
from pyrns_pool.cli.node import print_tables
from pyrns_pool.cli.replay import (
    add_output_arguments,
    add_pool_arguments,
    config_of,
    print_tiers,
    print_written,
    refuse_existing_result,
    write_files,
)
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.workloads.soak import (
    HOUR_NS,
    SOAK_WORKLOADS,
    Soak,
    SoakSpec,
    coarsen_hours,
    soak_dict,
    spec_of,
)
from pyrns_pool.workloads.soak_ages import OLD_HOURS, leaks
from pyrns_pool.workloads.soak_watch import ABOVE

NODE_POOL = PoolConfig.parse("64x320,256x224,512x8")
RTP_POOL = PoolConfig.parse("160x16,512x24")
MIXED_POOL = PoolConfig.parse("64x320,256x240,512x32")
POOLS = {"node": NODE_POOL, "rtp": RTP_POOL, "mixed": MIXED_POOL, "adversarial": NODE_POOL}
"""What each workload needs, with some slots more; bad orders take whatever there is."""
HOURS_DEFAULT, SEED_DEFAULT = 48, 1
PARTS = 16
"""Of an hour, after each of which Ctrl-C is seen: some hundredths of a second."""
ROWS_MAX = 24
OPTIONS = ("hours", "workload", "seed", "tiers", "preset", "config", "policy", "output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add = parser.add_argument
    add("--hours", metavar="N", type=int, help=f"simulated [{HOURS_DEFAULT}]")
    add("--workload", choices=SOAK_WORKLOADS, help=f"[{SOAK_WORKLOADS[0]}]")
    add("--seed", metavar="N", type=int, help=f"of all that is drawn [{SEED_DEFAULT}]")
    add_pool_arguments(parser, NODE_POOL)
    add_output_arguments(parser)
    add("--resume", metavar="DIR", type=Path, help="finish what an interrupted -o DIR began")
    parser.set_defaults(fallback="none")


def run(given: argparse.Namespace) -> None:
    """Run, write, print; on Ctrl-C the hours that are whole are written."""
    before: Optional[WorkloadResult] = None
    directory = given.output
    if given.resume is not None:
        _refuse_others(given)
        directory, before = given.resume, WorkloadResult.load(given.resume)
        spec = spec_of(before)
    else:
        workload = given.workload or SOAK_WORKLOADS[0]
        given.default_pool = POOLS[workload]
        spec = SoakSpec(
            config_of(given),
            workload,
            HOURS_DEFAULT if given.hours is None else given.hours,
            SEED_DEFAULT if given.seed is None else given.seed,
        )
    force = given.force or before is not None
    refuse_existing_result(directory, force, given.plot)
    result = run_hours(spec, before)
    is_done = result is not None and len(result.series["hours"]) == spec.hours
    if result is not None and directory is not None:
        write_files(result, soak_dict(result), directory, force, given.plot and is_done)
    if result is None or not is_done:
        raise KeyboardInterrupt
    if given.json:
        output.print_json(soak_dict(result))
        return
    print_result(result)
    print_written(directory, given.plot)


def _refuse_others(given: argparse.Namespace) -> None:
    for name in OPTIONS:
        if getattr(given, name) is not None:
            raise ConfigError(f"--{name}: --resume goes on with what was given then")


def run_hours(spec: SoakSpec, before: Optional[WorkloadResult]) -> Optional[WorkloadResult]:
    """Run all hours; at Ctrl-C return those that are whole, or `before` if that has more.

    None if there are none: neither before nor now.
    """
    run, whole = Soak(spec, before), before
    kept = 0 if before is None else len(before.series["hours"])
    try:
        with _interruption() as is_interrupted, output.progress("soaking") as report:
            while not run.is_done:
                for part in range(1, PARTS if run.has_parts else 1):
                    run.until(run.done * HOUR_NS + part * HOUR_NS // PARTS)
                    if is_interrupted():
                        return whole
                run.hour()
                is_over = run.is_done or is_interrupted()
                if run.done > kept and (is_over or run.has_parts):
                    whole = run.result()
                if report is not None:
                    report(run.done / spec.hours)
                if is_over:
                    break
        return whole
    finally:
        run.close()


@contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C was pressed, which then does nothing else."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def print_result(result: WorkloadResult) -> None:
    """Print what ran, a row for each hour or some of them, tiers, tables, alarms and leaks."""
    run, stats = result.workload, result.stats
    hours = result.series["hours"]
    arena = int(run.provenance["arena_bytes"])
    extent = f"{output.plural(len(hours), 'hour')}, seed {run.seed}"
    print(f"{run.name}: {extent}, {output.plural(run.events, 'event')}")
    print(f"pool    {result.config}: {result.config.slots_bytes:,} bytes of slots")
    print(f"beside  {run.provenance['heap']} in {arena:,} bytes, as the pool with its headers")
    if "hash" in run.provenance:
        print(f"hash    {run.provenance['hash']}")
    print()
    print_hours(result)
    print()
    print_tiers(result)
    if any(table.puts for table in result.tables):
        print()
        print_tables(result)
    print_alarms(result)
    print_leaks(result)
    served = f"{output.percent(stats.hit_rate)} of {output.plural(stats.requests, 'request')}"
    refused = f"{int(hours['heap_failures'].sum()):,} refused by the heap beside it"
    print(f"\n{served} served by the pool, drift {int(hours['drift'][-1])}; {refused}.")


def print_hours(result: WorkloadResult) -> None:
    """Print the hours, in at most `ROWS_MAX` rows."""
    hours = result.series["hours"]
    rows = coarsen_hours(hours, ROWS_MAX)
    step = -(-len(hours) // ROWS_MAX)
    cells = []
    for index, row in enumerate(rows):
        end = min((index + 1) * step, len(hours))
        served = int(row["hits"] + row["spills"])
        rate = output.percent(served / int(row["requests"])) if row["requests"] else "-"
        counts = [f"{row[name]:,}" for name in ("misses", "in_use", "free_bytes_min", "drift")]
        shares = [
            output.percent(int(row[f"heap_fragmentation_{name}_ppm"]) / 10**6)
            for name in ("mean", "max")
        ]
        heap = [f"{row['heap_failures']:,}", *shares, f"{row['heap_largest_free_min']:,}"]
        cells.append([str(end), f"{row['requests']:,}", rate, *counts, *heap])
    columns = ["hour", "requests", "hit rate", "misses", "in use", "free, min", "drift"]
    heap_columns = ["heap: refused", "fragmentation", "worst", "largest free, min"]
    output.print_table([*columns, *heap_columns], cells)


def print_alarms(result: WorkloadResult) -> None:
    """Print for each alarm how often it was raised, when first, and the worst value."""
    alarms = result.series["alarms"]
    raised = alarms[alarms["raised"]]
    kinds = dict.fromkeys(zip(*(raised[name].tolist() for name in ("metric", "tier", "level"))))
    rows = []
    for metric, tier, level in kinds:
        is_mine = (raised["metric"] == metric) & (raised["tier"] == tier)
        mine = raised[is_mine & (raised["level"] == level)]
        name = metric if tier < 0 else f"{metric} of {result.config.tiers[tier].slot_bytes}"
        worst = int(mine["value"].max() if metric in ABOVE else mine["value"].min())
        shown = output.percent(worst / 10**6) if metric.endswith("_ppm") else f"{worst:,}"
        first = f"{int(mine['t_ns'][0]) / 3.6e12:.3f} h"
        words = name.removesuffix("_ppm").replace("_", " ")
        rows.append([words, level, f"{len(mine):,}", first, shown])
    print()
    if not rows:
        print("No alarm was raised.")
        return
    output.print_table(["alarm", "level", "raised", "first at", "worst when raised"], rows)


def print_leaks(result: WorkloadResult) -> None:
    """Print the sites that leak."""
    for row in leaks(result.series["ages"]):
        old = f"{row['old']:,} of its {row['slots']:,} slots in use for {OLD_HOURS} hours or more"
        print(f"\nleak    {row['site']}: {old}, the oldest for {row['oldest_hours']:,}; ever more")
