"""What a node would need: the pool that misses nothing, and the tables that refuse nothing.

In closed loop that cannot be read off a run that missed: a packet that was refused is not kept,
not forwarded and not answered. So each function runs the node again with more than it needs.
"""

from __future__ import annotations

from typing import Any, Optional

from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.packets import PacketLog
from pyrns_pool.stats import TableStats
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.workloads.node import TableSizes, run_node, table_sizes

__all__ = ["sufficient_pool", "sufficient_tables"]

AMPLE_SLOTS = 1 << 12
AMPLE_FACTOR = 4
SLOT_STEP_BYTES = 16
CULL_AT_PERCENT = 90  # RNS_TABLE_CULL_AT_PERCENT


def sufficient_pool(log: PacketLog, slot_bytes: tuple[int, ...], **arguments: Any) -> PoolConfig:
    """Return the smallest pool with slots of these sizes in which the node misses nothing.

    Parameters
    ----------
    log : PacketLog
        As for `run_node`.
    slot_bytes : tuple of int
        Ascending. Tiers that are not needed are left out, one is added for what fits in none.
    **arguments
        As for `run_node`.

    Returns
    -------
    PoolConfig
        Strict; each tier has as many slots as the node had in use at once.

    Notes
    -----
    Takes as long as one run, or two.
    """
    stats = _ample_run(log, slot_bytes, arguments).stats
    if stats.oversize:
        largest = -(-stats.largest_request_bytes // SLOT_STEP_BYTES) * SLOT_STEP_BYTES
        return sufficient_pool(log, (*slot_bytes, largest), **arguments)
    used = tuple(Tier(tier.slot_bytes, tier.high_water) for tier in stats.tiers if tier.requests)
    return PoolConfig(used or (Tier(slot_bytes[0], 1),))


def sufficient_tables(
    log: PacketLog,
    slot_bytes: tuple[int, ...],
    tables: Optional[TableSizes] = None,
    **arguments: Any,
) -> dict[str, int]:
    """Return the smallest capacities with which the node's tables refuse and cull nothing.

    Parameters
    ----------
    log : PacketLog
        As for `run_node`.
    slot_bytes : tuple of int
        Of a pool that is not full; the largest holds every packet.
    tables, **arguments
        As for `run_node`.

    Returns
    -------
    dict of str to int
        Only tables that did not suffice as they are; rings overwrite by design and are left out.

    Notes
    -----
    Takes as long as a few runs.
    """
    sizes = table_sizes(tables)
    grown: set[str] = set()
    while True:
        rows = _ample_run(log, slot_bytes, {**arguments, "tables": sizes}).tables
        short = [row for row in rows if row.policy != "ring" and row.rejects + row.culls]
        if not short:
            return {row.name: _capacity(row) for row in rows if row.name in grown}
        for row in short:
            grown.add(row.name)
            sizes[row.name] = row.capacity * AMPLE_FACTOR, row.policy


def _ample_run(
    log: PacketLog, slot_bytes: tuple[int, ...], arguments: dict[str, Any]
) -> WorkloadResult:
    slots = AMPLE_SLOTS
    while True:
        ample = PoolConfig(tuple(Tier(size, slots) for size in slot_bytes))
        result = run_node(log, ample, **arguments)
        if not result.stats.exhausted:
            return result
        slots *= AMPLE_FACTOR


def _capacity(row: TableStats) -> int:
    """Return the smallest capacity that holds a table's high-water mark."""
    if row.policy != "cull":
        return row.high_water
    # It culls for a new entry that finds this share of the capacity in use, rounded up.
    return (row.high_water - 1) * 100 // CULL_AT_PERCENT + 1
