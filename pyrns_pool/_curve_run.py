"""The pass behind an exact curve: a trace through tiers with slots without end, in C."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.trace import Trace

__all__ = ["STEP_DTYPE", "EndlessTier", "run_tiers"]

CHUNK_EVENTS = 1 << 16  # A millisecond; its steps stay in the processor's cache.
CAPACITY_FIRST = 1 << 10
STEP_DTYPE = np.dtype([("block", "<u4"), ("size", "<u4")])


class EndlessTier:
    """A C ``rns_curve_t`` with tables that grow.

    Parameters
    ----------
    index : ndarray of uint32, shape (blocks,)
        Receives the index that each block of the tier gets; tiers of one trace may share it.
    capacity : int, optional
        Slots that there is room for at first.
    """

    def __init__(self, index: NDArray[np.uint32], capacity: int = CAPACITY_FIRST) -> None:
        # C keeps the addresses only: the buffers have to outlive its state.
        self._index = none.ffi.from_buffer("uint32_t[]", index)
        self._taken, self._words = _tables(capacity)
        self._state = none.ffi.new(
            "rns_curve_t *", [capacity, self._taken, self._words, self._index]
        )
        none.lib.rns_curve_begin(self._state)

    def run(self, steps: Any, count: int) -> None:
        """Take and give as `count` steps say, a C ``rns_curve_step_t *``."""
        done = none.lib.rns_curve_run(self._state, steps, count)
        while done < count:
            capacity = 2 * int(self._state.capacity)
            taken, words = _tables(capacity)
            none.lib.rns_curve_grow(self._state, capacity, taken, words)
            self._taken, self._words = taken, words
            done += none.lib.rns_curve_run(self._state, steps + done, count - done)

    @property
    def hits(self) -> NDArray[np.int64]:
        """Hits with 1 slot, 2, ... up to the number of slots that misses nothing."""
        taken = np.frombuffer(none.ffi.buffer(self._taken), np.uint32)
        return np.cumsum(taken[: self._state.high_water], dtype=np.int64)


def _tables(capacity: int) -> tuple[Any, Any]:
    """Return counts and words for so many slots, as C arrays."""
    words = none.lib.rns_curve_words(capacity)
    return none.ffi.new("uint32_t[]", capacity), none.ffi.new("uint64_t[]", words)


def run_tiers(
    trace: Trace,
    boundaries: Sequence[int],
    progress: Optional[Callable[[float], object]] = None,
) -> tuple[list[NDArray[np.int64]], NDArray[np.uint32]]:
    """Return the hits of every tier for every slot count, and the index of each block.

    The index of a block that is larger than every tier is indeterminate.
    """
    lib, ffi = none
    chunk = min(CHUNK_EVENTS, len(trace))
    index = np.empty(trace.block_count, np.uint32)
    tiers = [EndlessTier(index) for _ in boundaries]
    least = [0, *(boundary + 1 for boundary in boundaries)]
    events = ffi.from_buffer("rns_event_t[]", trace.events)
    block = ffi.from_buffer("uint32_t[]", trace.blocks)
    sizes = ffi.from_buffer("uint32_t[]", np.empty(trace.block_count, np.uint32))
    steps, mine = (
        ffi.from_buffer("rns_curve_step_t[]", np.empty(chunk, STEP_DTYPE)) for _ in range(2)
    )
    for first in range(0, len(trace), chunk):
        end = min(first + chunk, len(trace))
        lib.rns_curve_steps(events, block, first, end, sizes, steps)
        for tier, low, high in zip(tiers, least, boundaries):
            tier.run(mine, lib.rns_curve_select(steps, end - first, low, high, mine))
        if progress is not None:
            progress(end / len(trace))
    index.flags.writeable = False
    return [tier.hits for tier in tiers], index
