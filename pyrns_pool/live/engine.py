"""A pool, and a heap of equal RAM beside it, that take events as they come."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import Damage
from pyrns_pool.heaps import Heap
from pyrns_pool.live.sample import HeapNow, TierNow
from pyrns_pool.live.source import or_never
from pyrns_pool.stats import PoolStats

__all__ = ["HEAP_DEFAULT", "Engine"]

HEAP_DEFAULT = "tlsf"
HEAP_ALIGNMENT = 4  # As ESP-IDF builds TLSF.
BLOCKS_FIRST = 1 << 12
BATCH_EVENTS = 1 << 15


class Engine:
    """What a replay does to a pool, event by event; every count is that of `replay`.

    Parameters
    ----------
    config : PoolConfig
        The pool. A fallback is not used: what it would serve is a miss.
    heap : str, optional
        One of `HEAPS`, in an arena as large as the pool is with its bookkeeping; None: none.

    Raises
    ------
    ConfigError
        If the pool or the heap is refused.

    Notes
    -----
    Some thirty nanoseconds an event, and 64 to 128 bytes for each block in use.
    """

    def __init__(self, config: PoolConfig, heap: Optional[str] = HEAP_DEFAULT) -> None:
        lib, ffi = none
        self.config = PoolConfig(config.tiers, config.policy)
        self._native = NativePool(none, self.config)
        self._heap: Optional[Heap] = None
        if heap is not None:
            arena = self._native.storage_bytes
            self._heap = Heap(heap, arena, alignment=HEAP_ALIGNMENT)
        self.misses = ffi.new("rns_misses_t *")
        """The last ones, as C keeps them."""
        self._sites = ffi.new("rns_live_site_t[]", lib.RNS_TRACE_SITES_MAX)
        self._blocks = _new_table(BLOCKS_FIRST)
        self._state = ffi.new(
            "rns_live_t *",
            {
                "pool": self._native.pool,
                "heap": ffi.NULL if self._heap is None else self._heap.native,
                "misses": self.misses,
                "sites": self._sites,
                "blocks": self._blocks,
                "block_capacity": BLOCKS_FIRST,
            },
        )
        lib.rns_live_begin(self._state)

    def feed(self, events: NDArray[np.void]) -> None:
        """Send events of a recorder to the pool: their ids are addresses, and not 0.

        Parameters
        ----------
        events : ndarray of EVENT_DTYPE, shape (n,)
            In the order in which they happened.

        Raises
        ------
        Damage
            If pool or heap contradict themselves.
        """
        rows = none.ffi.cast("rns_event_t *", events.ctypes.data)
        for first in range(0, len(events), BATCH_EVENTS):
            self.feed_native(rows + first, min(BATCH_EVENTS, len(events) - first))

    def feed_native(self, events: Any, count: int) -> None:
        """Send events that lie in C memory; at most some BATCH_EVENTS, for the table's sake."""
        lib, state = none.lib, self._state
        capacity = int(lib.rns_live_room(state, count))
        if capacity > state.block_capacity:
            table = _new_table(capacity)
            lib.rns_live_move(state, table, capacity)
            self._blocks = table
        if lib.rns_live_run(state, events, count) != lib.RNS_OK:
            raise Damage(f"after {state.event_count} events a block was not taken back")

    @property
    def events(self) -> int:
        """Events that were sent to the pool."""
        return int(self._state.event_count)

    @property
    def unpaired_frees(self) -> int:
        """Frees of unknown blocks, which were left out."""
        return int(self._state.unpaired_frees)

    @property
    def unfreed_reuses(self) -> int:
        """Allocations where a block was."""
        return int(self._state.unfreed_reuses)

    @property
    def missed_bytes(self) -> int:
        """Bytes of blocks in use that no tier serves."""
        return int(self._state.missed_bytes)

    @property
    def missed_bytes_peak(self) -> int:
        """The most that was."""
        return int(self._state.missed_bytes_peak)

    def stats(self) -> PoolStats:
        """Return the statistics of the pool."""
        return self._native.stats()

    def check(self) -> None:
        """Verify the invariants of pool and heap; raise Damage."""
        self._native.check()
        if self._heap is not None:
            self._heap.check()

    def tiers(self, stats: PoolStats) -> tuple[TierNow, ...]:
        """Return the tiers, of which `stats` are."""
        return tuple(
            TierNow(
                slot_bytes=tier.slot_bytes,
                slot_count=tier.slot_count,
                in_use=tier.in_use,
                high_water=tier.high_water,
                high_water_ns=int(times.high_water_ns),
                requests=tier.requests,
                hits=tier.hits,
                spills=tier.spills,
                spills_in=tier.spills_in,
                exhausted=tier.exhausted,
                first_full_ns=or_never(times.first_full_ns),
                first_miss_ns=or_never(times.first_miss_ns),
            )
            for tier, times in zip(stats.tiers, self._state.tiers)
        )

    def peaks(self) -> list[int]:
        """Return the most slots of each tier in use since the last call."""
        tiers = [self._state.tiers[i] for i in range(len(self.config.tiers))]
        peaks = [int(tier.peak) for tier in tiers]
        for tier in tiers:
            tier.peak = tier.in_use
        return peaks

    def heap(self, stats: PoolStats) -> Optional[HeapNow]:
        """Return the heap beside the pool, of which `stats` are."""
        heap = self._heap
        if heap is None:
            return None
        requests, failures = stats.requests, int(self._state.heap_failures)
        free = heap.total_free, heap.largest_free
        return HeapNow(heap.kind, heap.arena_bytes, *free, requests, failures)

    def site_counts(self) -> list[tuple[int, int, int]]:
        """Return number, requests and misses of each site that made a request."""
        counts = np.frombuffer(none.ffi.buffer(self._sites), np.uint64).reshape(-1, 2)
        used = np.flatnonzero(counts[:, 0])
        return [(int(site), int(counts[site, 0]), int(counts[site, 1])) for site in used]


def _new_table(capacity: int) -> Any:
    return none.ffi.new("rns_live_block_t[]", capacity)
