"""Drive a Reticulum node over a pool from a packet log, and see what pool and tables did."""

from __future__ import annotations

import argparse
from typing import Any

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import (
    add_run_arguments,
    config_of,
    machine_of,
    print_machine,
    print_served,
    print_tiers,
    print_written,
    refuse_existing_result,
    write_result,
)
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.packets import TYPES, PacketLog, load_packets
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.workloads.node import NODE_ROLES, TableSizes, run_node
from pyrns_pool.workloads.node_size import sufficient_pool, sufficient_tables

POOL_DEFAULT = PoolConfig.parse("64x224,256x64,512x16")
"""What the shipped recording needs with the default tables, 217, 56 and 6 slots, rounded up."""
OUTCOMES = {
    "forwarded": "forwarded",
    "delivered": "delivered",
    "announces": "accepted announces",
    "path_requests": "path requests",
}
DROPS = {
    "duplicates": "duplicates",
    "dropped_no_route": "no route",
    "dropped_table_full": "table full",
    "dropped_no_memory": "no memory",
    "dropped_malformed": "malformed",
    "dropped_hops": "hops",
    "dropped_stale": "nothing new",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument("packets", metavar="PACKETS", help="a packet log, .csv or .csv.gz")
    add_run_arguments(parser, POOL_DEFAULT)
    parser.add_argument(
        "--table",
        metavar="NAME=N[:POLICY]",
        action="append",
        default=[],
        help="capacity of a table, and reject, cull or ring; may be repeated",
    )
    parser.add_argument(
        "--role", choices=NODE_ROLES, default="auto", help="[auto: a leaf if it sent by itself]"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=1, help="of what the log does not say [1]"
    )


def tables_of(texts: list[str]) -> dict[str, Any]:
    """Return the table sizes that the arguments mean."""
    tables: dict[str, Any] = {}
    for text in texts:
        name, _, size = text.partition("=")
        capacity, _, policy = size.partition(":")
        if not capacity.isdecimal():
            raise ConfigError(f"tables: '{text}' is not like links=32 or links=32:cull")
        tables[name] = (int(capacity), policy) if policy else int(capacity)
    return tables


def run(given: argparse.Namespace) -> None:
    """Run, write, print."""
    config, tables = config_of(given), tables_of(given.table)
    arguments = {"seed": given.seed, "role": given.role}
    device = machine_of(given)
    refuse_existing_result(given.output, given.force, given.plot)
    with output.progress(f"reading {given.packets}") as report:
        log = load_packets(given.packets, report)
    with output.progress("running") as report:
        result = run_node(
            log,
            config,
            tables=tables,
            machine=device,
            bins=given.bins,
            progress=report,
            **arguments,
        )
    if given.output is not None:
        write_result(result, given.output, given.force, given.plot)
    if given.json:
        output.print_json(result.to_dict())
        return
    print_result(result, log)
    print_sufficient(result, log, tables, arguments)
    print_written(given.output, given.plot)


def print_result(result: WorkloadResult, log: PacketLog) -> None:
    """Print log, pool, a row for each tier, Bytes, tables, packets, and the verdict."""
    run, stats = result.workload, result.stats
    extent = [output.plural(len(log), "packet"), output.duration(run.duration_ns)]
    extent += [f"as a {run.provenance['role']}", f"seed {run.seed}"]
    print(f"packets {run.provenance.get('file', '')}: {', '.join(extent)}")
    print(f"pool    {result.config}: {result.config.slots_bytes:,} bytes of slots\n")
    print_tiers(result)
    print_bytes(result)
    print_tables(result)
    print_packets(result)
    print_machine(result.machine)
    served = f"{output.percent(stats.hit_rate)} of {output.plural(stats.requests, 'request')}"
    print(f"\n{served} served by the pool.")
    if result.machine is not None:
        print_served(stats)
    elif stats.fallbacks:
        print(f"{stats.fallbacks:,} of the {stats.misses:,} missed served by the heap.")


def print_bytes(result: WorkloadResult) -> None:
    """Print what the packets' Bytes shared and copied."""
    counts = result.bytes
    if counts is None:
        return
    parts = [output.plural(counts.shares, "share"), output.plural(counts.slices, "slice")]
    print(f"\nBytes   {counts.copies_avoided:,} copies avoided: {', '.join(parts)}")
    print(f"        {counts.cow_copies:,} made, of {output.plural(counts.cow_bytes, 'byte')}")
    moves = f"{counts.tail_appends:,} tail appends, {counts.grows:,} moved to grow"
    print(f"        {moves}, {counts.compactions:,} to compact\n")


def print_tables(result: WorkloadResult) -> None:
    """Print a row for each table that was used."""
    rows = [
        [f"{table.name} ({table.policy})"]
        + [f"{count:,}" for count in (table.capacity, table.high_water, table.inserts)]
        + [f"{count:,}" for count in (table.rejects, table.culls, table.overwrites)]
        + [f"{table.expired:,}"]
        for table in result.tables
        if table.puts
    ]
    columns = ["table", "capacity", "high-water mark", "inserted", "rejected", "culled"]
    output.print_table([*columns, "overwritten", "expired"], rows)


def print_packets(result: WorkloadResult) -> None:
    """Print packets in and out by type, beside the recording, and what became of them."""
    counts = result.counts
    rows = [
        [name.lower()]
        + [f"{counts[f'{kind}_{name.lower()}']:,}" for kind in ("received", "sent", "recorded")]
        for name in TYPES
    ]
    print()
    output.print_table(["packets", "in", "out", "recorded out"], rows)
    print(f"\nof {output.plural(counts['packets_in'], 'packet')} in: {_named(counts, OUTCOMES)}")
    if sum(counts[name] for name in DROPS):
        print(f"  dropped: {_named(counts, DROPS)}")


def _named(counts: Any, names: dict[str, str]) -> str:
    parts = [f"{counts[name]:,} {words}" for name, words in names.items() if counts[name]]
    return ", ".join(parts) or "none"


def print_sufficient(
    result: WorkloadResult, log: PacketLog, tables: TableSizes, arguments: dict[str, Any]
) -> None:
    """Print the pool that would miss nothing, and the tables that would refuse nothing."""
    slot_bytes = tuple(tier.slot_bytes for tier in result.config.tiers)
    if result.stats.misses:
        pool = sufficient_pool(log, slot_bytes, tables=tables, **arguments)
        print(f"Nothing would be missed with {pool.slots_bytes:,} bytes of slots:")
        print(f"  {_options(pool, {})}")
    more = sufficient_tables(log, slot_bytes, tables, **arguments)
    if more:
        pool = sufficient_pool(log, slot_bytes, tables={**tables, **more}, **arguments)
        what = "missed, and no table would reject or cull,"
        print(f"Nothing would be {what} with {pool.slots_bytes:,} bytes of slots:")
        print(f"  {_options(pool, more)}")


def _options(pool: PoolConfig, tables: dict[str, int]) -> str:
    words = [f"--tiers {','.join(map(str, pool.tiers))}"]
    return " ".join(words + [f"--table {name}={capacity}" for name, capacity in tables.items()])
