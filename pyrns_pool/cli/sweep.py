"""Run every recording of a file over every pool that it lists, and show which pools are best."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from pyrns_pool._sweep_workers import cluster, processes
from pyrns_pool.cli import output
from pyrns_pool.cli.replay import (
    add_output_arguments,
    print_written,
    refuse_existing_result,
    write_files,
)
from pyrns_pool.sweep import sweep
from pyrns_pool.sweep_file import SweepPlan, load_sweep
from pyrns_pool.sweep_results import SweepResult

TABLE_NAME = "table.csv"
JOURNAL_NAME = "journal.jsonl"
POOLS_SHOWN = 20
JOBS_MAX = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("file", metavar="FILE.toml", type=Path, help="recordings and pools")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        metavar="N",
        type=job_count,
        help="threads; processes if a packet log is there [one for each processor]",
    )
    where.add_argument("--dask", metavar="tcp://HOST:PORT", help="the scheduler of a cluster")
    add_output_arguments(
        parser, f", {TABLE_NAME} and {JOURNAL_NAME}, from which the same command goes on"
    )


def job_count(text: str) -> int:
    """Return the number of jobs that a text means."""
    if not text.isdecimal() or not 1 <= int(text) <= JOBS_MAX:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {JOBS_MAX}")
    return int(text)


def local(jobs: int, plan: SweepPlan) -> AbstractContextManager[Executor]:
    """Return threads, or processes where threads would wait for each other."""
    if all(one.kind == "trace" for one in plan.inputs):
        return ThreadPoolExecutor(jobs)
    return processes(jobs)


def run(given: argparse.Namespace) -> None:
    """Sweep, write, print."""
    directory = given.output
    distant = None if given.dask is None else cluster(given.dask)
    refuse_existing_result(directory, given.force, given.plot)
    if directory is not None:
        output.refuse_existing([directory / TABLE_NAME], given.force)
        directory.mkdir(parents=True, exist_ok=True)
    plan = load_sweep(given.file)
    journal = None if directory is None else directory / JOURNAL_NAME
    workers = distant or local(given.jobs or os.cpu_count() or 1, plan)
    try:
        with workers as chosen, output.progress("sweeping") as report:
            result = sweep(plan.configs, plan.inputs, chosen, journal=journal, progress=report)
    except KeyboardInterrupt:
        kept = f"; {journal} keeps what is done, and the same command goes on"
        raise KeyboardInterrupt(f"interrupted{kept if journal else ''}") from None
    if directory is not None:
        result.save_csv(directory / TABLE_NAME, overwrite=given.force)
        write_files(result, result.to_list(), directory, given.force, given.plot)
    if given.json:
        output.print_json(result.to_list())
        return
    print_result(result)
    print_written(directory, given.plot)


def print_result(result: SweepResult) -> None:
    """Print the extent, and a row for each pool that no pool of as few bytes beats."""
    inputs = output.plural(len(result.inputs), "input")
    extent = f"{inputs} over {output.plural(len(result.configs), 'pool')}"
    runs = output.plural(len(result.rows), "run")
    before = f", {result.resumed:,} of them from the journal" if result.resumed else ""
    print(f"{extent}: {runs}{before}\n")
    kinds = {"trace": "replayed: exact", "node": "in closed loop: simulated"}
    rows = [[one.name, f"{one.events:,}", kinds[one.kind]] for one in result.inputs]
    output.print_table(["input", "events", ""], rows[:POOLS_SHOWN])
    best = result.pools[result.pools["is_best"]]
    rows = []
    for pool in best[-POOLS_SHOWN:]:
        rates = [output.percent(pool[name]) for name in ("hit_rate", "hit_rate_worst")]
        rows.append([str(result.configs[pool["config"]]), f"{pool['slots_bytes']:,}", *rates])
    print("\npools that no other of as many bytes or fewer beats")
    output.print_table(["pool", "bytes", "hit rate", "of the worst input"], rows)
    if len(best) > POOLS_SHOWN:
        print(f"  and {len(best) - POOLS_SHOWN:,} smaller")
