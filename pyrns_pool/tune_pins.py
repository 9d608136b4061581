"""Which sites keep slots for long: a block that stays takes a slot away from all that pass."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._curve_run import run_tiers
from pyrns_pool.config import PoolConfig
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace
from pyrns_pool.tune_results import Pin

__all__ = ["LONG_SHARE", "lifetimes", "pins_of"]

LONG_SHARE = 0.1  # A block is long-lived that is live for a tenth of the trace or more.
PINS_MAX = 10


def lifetimes(trace: Trace) -> tuple[NDArray[np.int64], int]:
    """Return how long each block is live, to the end if it is never freed, and the whole length.

    In nanoseconds, or in events where the trace has no time.
    """
    events = trace.events
    clock = events["t_ns"].astype(np.int64) if trace.has_time else np.arange(len(trace))
    ends = np.full(trace.block_count, clock[-1])
    frees = np.flatnonzero(events["op"] == OP_FREE)
    ends[trace.blocks[frees]] = clock[frees]
    return ends - clock[trace.alloc_rows], int(clock[-1] - clock[0])


def pins_of(traces: Sequence[Trace], config: PoolConfig) -> tuple[Pin, ...]:
    """Return the sites whose long-lived blocks hold most slots of a strict pool."""
    rows = [pin for trace in traces for pin in _pins(trace, config)]
    rows.sort(key=lambda pin: (-pin.slots, pin.site, pin.slot_bytes))
    return tuple(rows[:PINS_MAX])


def _pins(trace: Trace, config: PoolConfig) -> list[Pin]:
    sizes = [tier.slot_bytes for tier in config.tiers]
    slots = np.array([tier.slot_count - tier.reserve_count for tier in config.tiers] + [0])
    _, index = run_tiers(trace, sizes)
    tier = np.searchsorted(np.array(sizes, np.uint64), trace.block_sizes)
    lived, whole = lifetimes(trace)
    pinned = (index < slots[tier]) & (lived >= max(1, LONG_SHARE * whole))
    group = trace.events["site"][trace.alloc_rows].astype(np.int64) * len(slots) + tier
    rows = np.flatnonzero(pinned[trace.blocks])
    if not len(rows):
        return []
    # Events by group, in time order within each: a running sum that is 0 at first.
    of = group[trace.blocks[rows]]
    order = np.argsort(of, kind="stable")
    begin = np.flatnonzero(np.diff(of[order], prepend=-1))
    takes = trace.events["op"][rows][order] == OP_ALLOC
    live = np.cumsum(np.where(takes, 1, -1))
    peaks = np.maximum.reduceat(live, begin) - np.concatenate(([0], live[begin[1:] - 1]))
    blocks = np.add.reduceat(takes, begin, dtype=np.int64)
    name = trace.provenance.get("file", "")
    keys = of[order][begin]
    return [
        Pin(name, trace.sites[key // len(slots)], sizes[key % len(slots)], int(count), int(peak))
        for key, count, peak in zip(keys.tolist(), blocks, peaks)
    ]
