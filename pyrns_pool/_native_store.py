"""A C store with its pool, and the counts of what shares without a call of C."""

from __future__ import annotations

import itertools
import threading
from dataclasses import fields
from typing import Any, NoReturn

from pyrns_pool._native import atomic
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.stats import BytesStats, StoreStats

HEADER_BYTES: int = atomic.lib.RNS_BUFFER_HEADER_BYTES


class Tally:
    """Counts the calls of `add`, in any thread: itertools.count is atomic, and ``+=`` is not."""

    __slots__ = ("add", "_lock", "_reads")

    def __init__(self) -> None:
        self.add = itertools.count().__next__
        self._lock = threading.Lock()
        self._reads = 0

    def read(self) -> int:
        """Return how often `add` was called."""
        with self._lock:  # The only way to read a count is to count once more.
            self._reads += 1
            return self.add() - self._reads + 1


def new_pool(config: PoolConfig) -> NativePool:
    """Return a pool whose slots have the header of Bytes in front."""
    return NativePool(atomic, config, header_bytes=HEADER_BYTES)


class NativeStore:
    """Owns a C store; lives as long as anything that came from it."""

    def __init__(self, pool: NativePool, options: dict[str, Any]) -> None:
        self.lib, self.ffi = atomic
        self.pool = pool
        self.fault = self.ffi.new("rns_fault_t *")
        self.store = self.ffi.new("rns_store_t *")
        wanted = self.ffi.new("rns_store_options_t *", {**options, "fault": self.fault})
        pool.require(self.lib.rns_store_init(self.store, pool.pool, wanted), "store")
        self.shares = Tally()
        self.slices = Tally()
        self.separations = Tally()
        """Slices that C makes of what `slices` has counted already."""

    def fail(self, status: int, length: int) -> NoReturn:
        """Raise what a status other than OK means, of a request for so much content."""
        if status == self.lib.RNS_INPUT_RANGE:
            raise RuntimeError("another thread changed the Bytes during the call")
        self.pool.require(status, f"{length} bytes from {self.pool.config}")
        raise AssertionError("a status that is OK")

    def stats(self) -> StoreStats:
        """Return a snapshot."""
        separations = self.separations.read()  # first: those that follow count as slices
        native = self.lib.rns_store_stats(self.store)
        counts = {f.name: getattr(native, f.name) for f in fields(BytesStats)}
        counts["shares"] += self.shares.read()
        counts["slices"] += self.slices.read() - separations
        counts["copies_avoided"] = counts["shares"] + counts["slices"]
        return StoreStats(pool=self.pool.stats(), **counts)

    def check(self) -> None:
        """Verify every invariant of pool and store; raise Damage with the first that is broken."""
        self.pool.require_no(self.lib.rns_store_check(self.store))
