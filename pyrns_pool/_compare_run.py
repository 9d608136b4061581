"""One pass of a trace through ``rns_compare``; `compare` stands on it."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.compare_results import FAILURE_DTYPE, FREE_DTYPE
from pyrns_pool.errors import Damage
from pyrns_pool.heaps import Heap
from pyrns_pool.trace import Trace

__all__ = ["FAILURES_KEPT", "PROBE_BYTES", "Run"]

PROBE_BYTES = 500  # The largest packet of Reticulum.
FAILURES_KEPT = 10_000  # In a result; their number and when they happen is kept of all.
CHUNK_EVENTS = 1 << 18  # Some ten milliseconds, after which Ctrl-C is seen.
_BLOCK_DTYPE = np.dtype([("slot", np.uintp), ("offset", "<u4"), ("place", "<u4")], align=True)


class Run:
    """One pass of a trace over an empty pool and empty heaps."""

    def __init__(
        self, trace: Trace, pool: Optional[NativePool], heaps: list[Optional[Heap]]
    ) -> None:
        lib, ffi = none
        self.trace, self.pool, self.heaps = trace, pool, heaps
        self._blocks = np.zeros(trace.block_count, _BLOCK_DTYPE)
        # C keeps the addresses only: the buffers have to outlive the run.
        self._held = {
            "events": ffi.from_buffer("rns_event_t[]", trace.events),
            "block": ffi.from_buffer("uint32_t[]", trace.blocks),
            "alloc_rows": ffi.from_buffer("int64_t[]", trace.alloc_rows),
            "blocks": ffi.from_buffer("rns_compare_block_t[]", self._blocks),
        }
        self.state = ffi.new("rns_compare_t *", self._held)
        self.state.probe_bytes = PROBE_BYTES
        if pool is not None:
            self.state.pool = pool.pool
        for index, heap in enumerate(heaps):
            if heap is not None:
                self.state.heaps[index].heap = heap.native

    def timeline(self, edges_ns: Any) -> None:
        """Send every event, and keep the timeline in `bins` and the failures in `failed`."""
        self._begin(edges_ns, FAILURES_KEPT)
        for first in range(0, len(self.trace), CHUNK_EVENTS):
            end = min(first + CHUNK_EVENTS, len(self.trace))
            if none.lib.rns_compare_run(self.state, first, end) != none.lib.RNS_OK:
                raise Damage(f"events {first} to {end}: a free was refused")
        none.lib.rns_compare_end(self.state)

    def serves(self) -> bool:
        """Send events until one fails; return whether none does."""
        self._begin(np.array([0, np.iinfo(np.int64).max]), 0)
        lib = none.lib
        for first in range(0, len(self.trace), CHUNK_EVENTS):
            end = min(first + CHUNK_EVENTS, len(self.trace))
            status = lib.rns_compare_serves(self.state, first, end)
            if status == lib.RNS_MISS_EXHAUSTED:
                return False
            if status != lib.RNS_OK:
                raise Damage(f"events {first} to {end}: a free was refused")
        return True

    def _begin(self, edges_ns: Any, failures: int) -> None:
        ffi, state = none.ffi, self.state
        self.bins = np.zeros(len(edges_ns) - 1, FREE_DTYPE)
        self.failed = np.zeros(failures, FAILURE_DTYPE)
        self._tables = (
            ffi.from_buffer("int64_t[]", edges_ns),
            ffi.from_buffer("rns_compare_bin_t[]", self.bins),
            ffi.from_buffer("rns_compare_failure_t[]", self.failed),
        )
        state.bin_count, state.failure_capacity = len(self.bins), failures
        state.edges_ns, state.bins, state.failures = self._tables
        none.lib.rns_compare_begin(state)
