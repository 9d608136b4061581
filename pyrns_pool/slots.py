"""Which slot of a pool each block of a trace gets, and for how long."""

from __future__ import annotations

from typing import Callable, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["SPAN_DTYPE", "slot_spans"]

CHUNK_EVENTS = 1 << 18  # A few milliseconds, after which Ctrl-C is seen.
_PLACE_DTYPE = np.dtype([("slot", np.uintp), ("tier", "u4"), ("index", "u4")], align=True)

SPAN_DTYPE = np.dtype([("tier", "i4"), ("slot", "i4"), ("begin", "i8"), ("end", "i8")])
"""One block: tier and slot, -1 where no tier served it, and the events that allocate and free it;
``end`` is the number of events if it is never freed."""


def slot_spans(
    trace: Trace,
    config: PoolConfig,
    *,
    progress: Optional[Callable[[float], object]] = None,
) -> NDArray[np.void]:
    """Send a trace through a pool and return where each block was.

    Parameters
    ----------
    trace : Trace
        What was recorded.
    config : PoolConfig
        The pool. What serves a miss plays no part.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    ndarray of SPAN_DTYPE, shape (trace.block_count,)
        By block. The spans of one slot do not overlap.

    Raises
    ------
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).
    ConfigError
        If the pool does not fit in memory.
    Damage
        If the pool contradicts itself, which only overwritten memory explains.

    Notes
    -----
    O(events), some tens of nanoseconds each.

    Examples
    --------
    >>> from pyrns_pool import PoolConfig, Trace
    >>> columns = {"t_ns": [0, 1, 2, 3], "op": [0, 0, 1, 0], "id": [1, 2, 1, 3]}
    >>> trace = Trace.from_events({**columns, "size": [8, 8, 0, 8]})
    >>> slot_spans(trace, PoolConfig.parse("64x1")).tolist()
    [(0, 0, 0, 2), (-1, -1, 1, 4), (0, 0, 3, 4)]
    """
    trace.require_identity("a slot over time")
    lib, ffi = none
    native = NativePool(none, PoolConfig(config.tiers, config.policy))
    places = np.zeros(trace.block_count, _PLACE_DTYPE)
    held = [
        ffi.from_buffer("rns_event_t[]", trace.events),
        ffi.from_buffer("uint32_t[]", trace.blocks),
        ffi.from_buffer("rns_slot_place_t[]", places),
    ]
    state = ffi.new("rns_slots_t *", [native.pool, *held])
    for first in range(0, len(trace), CHUNK_EVENTS):
        end = min(first + CHUNK_EVENTS, len(trace))
        native.require(lib.rns_slots_run(state, first, end), f"events {first} to {end}")
        if progress is not None:
            progress(end / len(trace))
    spans = np.empty(trace.block_count, SPAN_DTYPE)
    for name, place in (("tier", "tier"), ("slot", "index")):
        spans[name] = places[place].view("i4")  # RNS_SLOTS_NONE is -1 then.
    spans["begin"] = trace.alloc_rows
    spans["end"] = len(trace)
    frees = np.flatnonzero(trace.events["op"] != OP_ALLOC)
    spans["end"][trace.blocks[frees]] = frees
    return spans
