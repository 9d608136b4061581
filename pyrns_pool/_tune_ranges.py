"""What every tier that a pool could have would hit: the exact curve of each range of sizes."""

from __future__ import annotations

import heapq
from typing import Any, Callable, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._curve_run import STEP_DTYPE, EndlessTier
from pyrns_pool._native import none
from pyrns_pool.config import SLOT_BYTES_MAX
from pyrns_pool.errors import ConfigError
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["Ranges", "candidate_sizes"]

Progress = Optional[Callable[[float], object]]
CHUNK_STEPS = 1 << 20  # Some ten milliseconds, after which Ctrl-C is seen.


def candidate_sizes(
    traces: Sequence[Trace], alignment: int, count_max: int, required: Sequence[int] = ()
) -> tuple[list[int], int]:
    """Return the slot sizes worth a trial, ascending, and how many of them there were at first.

    Every size that was requested, rounded up to `alignment`: a slot between two of them serves no
    more than the smaller one. Of more than `count_max` those are left out first whose blocks
    would take the fewest bytes more in the next larger slot, if all that were ever live together
    were given one. What is `required` stays.
    """
    peaks: dict[int, int] = {}
    for trace in traces:
        for size, peak in _peaks(trace, alignment):
            peaks[size] = max(peak, peaks.get(size, 0))
    for size in required:
        peaks.setdefault(size, 0)
    sizes = sorted(size for size in peaks if size <= SLOT_BYTES_MAX)
    if not sizes:
        raise ConfigError(f"candidates: no request is of {SLOT_BYTES_MAX} bytes or less")
    return _thin(sizes, peaks, max(count_max, len(required)), set(required)), len(sizes)


def _peaks(trace: Trace, alignment: int) -> list[tuple[int, int]]:
    """Return the rounded sizes, and how many blocks of each are live at most."""
    rounded = -(-np.maximum(trace.block_sizes, 1).astype(np.int64) // alignment) * alignment
    of_event = rounded[trace.blocks]
    order = np.argsort(of_event, kind="stable")
    begin = np.flatnonzero(np.diff(of_event[order], prepend=-1))
    live = np.cumsum(np.where(trace.events["op"][order] == OP_ALLOC, 1, -1))
    peaks = np.maximum.reduceat(live, begin) - np.concatenate(([0], live[begin[1:] - 1]))
    return list(zip(of_event[order][begin].tolist(), peaks.tolist()))


def _thin(sizes: list[int], peaks: dict[int, int], count: int, kept: set[int]) -> list[int]:
    """Leave out sizes until `count` remain; the largest stays."""
    above = dict(zip(sizes, sizes[1:]))
    below = dict(zip(sizes[1:], sizes))
    live = dict(peaks)  # Blocks that lie in slots of a size once smaller ones are left out.

    def cost(size: int) -> int:
        return live[size] * (above[size] - size)

    heap = [(cost(size), size) for size in sizes[:-1] if size not in kept]
    heapq.heapify(heap)
    left = set(sizes)
    while len(left) > count and heap:
        price, size = heapq.heappop(heap)
        if size not in left or price != cost(size):
            continue  # Its neighbour has changed since; it is in the heap again.
        left.remove(size)
        larger, smaller = above[size], below.get(size)
        live[larger] += live[size]
        below.pop(larger)
        if smaller is not None:
            above[smaller], below[larger] = larger, smaller
        for changed in (smaller, larger):
            if changed in above and changed not in kept:
                heapq.heappush(heap, (cost(changed), changed))
    return sorted(left)


class Ranges:
    """The exact curve of every range between two boundaries, for one trace.

    Parameters
    ----------
    trace : Trace
        What was recorded.
    boundaries : sequence of int
        Slot sizes, ascending. Boundary number 0 is that of no tier, number ``i`` is
        ``boundaries[i - 1]``; range ``(lower, upper)`` is of the sizes above one boundary and up
        to the other.

    Attributes
    ----------
    hits : dict of (int, int) to ndarray of int32
        Hits with 1 slot, 2, ... up to the number that misses nothing.
    requests, requested_bytes : ndarray of int64, shape (boundaries + 1,)
        Of all sizes up to each boundary.

    Notes
    -----
    One pass over the events of each range: n (n + 1) / 2 of them for n boundaries, some ten
    nanoseconds an event.
    """

    def __init__(self, trace: Trace, boundaries: Sequence[int], progress: Progress = None) -> None:
        self.trace = trace
        self.boundaries = tuple(boundaries)
        sizes, counts = trace.sizes()
        upto = np.searchsorted(sizes, [0, *boundaries], side="right")
        upto[0] = 0  # Requests of no byte are at home in the first tier.
        self.requests = _sums(counts, upto)
        self.requested_bytes = _sums(counts * sizes.astype(np.int64), upto)
        self.hits: dict[tuple[int, int], NDArray[np.int32]] = {}
        for upper, hits in enumerate(self._count(progress), start=1):
            self.hits.update({(lower, upper): found for lower, found in enumerate(hits)})

    def _count(self, progress: Progress) -> Any:
        """Yield for each upper boundary the hits of the ranges from every lower one."""
        trace, count = self.trace, len(self.boundaries)
        every, steps = (
            none.ffi.from_buffer("rns_curve_step_t[]", np.empty(len(trace), STEP_DTYPE))
            for _ in range(2)
        )
        self._write_steps(every)
        index = np.empty(trace.block_count, np.uint32)
        least = [0, *(boundary + 1 for boundary in self.boundaries)]
        for upper, most in enumerate(self.boundaries, start=1):
            # The ranges of one upper boundary lie in each other.
            kept = _select(every, len(trace), 0, most, steps)
            hits = []
            for lower in range(upper):
                kept = _select(steps, kept, least[lower], most, steps)
                tier = EndlessTier(index)
                for first in range(0, kept, CHUNK_STEPS):
                    tier.run(steps + first, min(CHUNK_STEPS, kept - first))
                hits.append(tier.hits.astype(np.int32))
            yield hits
            if progress is not None:
                progress(upper * (upper + 1) / (count * (count + 1)))

    def _write_steps(self, out: Any) -> None:
        lib, ffi = none
        events = ffi.from_buffer("rns_event_t[]", self.trace.events)
        block = ffi.from_buffer("uint32_t[]", self.trace.blocks)
        sizes = ffi.from_buffer("uint32_t[]", np.empty(self.trace.block_count, np.uint32))
        for first in range(0, len(self.trace), CHUNK_STEPS):
            end = min(first + CHUNK_STEPS, len(self.trace))
            lib.rns_curve_steps(events, block, first, end, sizes, out + first)

    def hits_with(self, lower: int, upper: int, slots: int) -> int:
        """Return the hits of a range with so many slots."""
        hits = self.hits[lower, upper]
        at = min(slots, len(hits))
        return int(hits[at - 1]) if at > 0 else 0


def _sums(values: NDArray[np.int64], upto: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums[upto]


def _select(steps: Any, count: int, least: int, most: int, out: Any) -> int:
    kept = 0
    for first in range(0, count, CHUNK_STEPS):
        part = min(CHUNK_STEPS, count - first)
        kept += int(none.lib.rns_curve_select(steps + first, part, least, most, out + kept))
    return kept
