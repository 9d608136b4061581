"""The bins of a timeline: their edges, and the rows that C fills while a workload runs."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.results import BIN_DTYPE, TierTimes, Timeline
from pyrns_pool.stats import bytes_from_native
from pyrns_pool.workload_results import COW_DTYPE

__all__ = ["BINS_DEFAULT", "Meter", "bin_edges", "tier_times"]

BINS_DEFAULT = 2000
BINS_MAX = 1_000_000


def bin_edges(start_ns: int, end_ns: int, bins: int, config: PoolConfig) -> NDArray[np.int64]:
    """Return the edges of at most `bins` bins of equal width from `start_ns` to `end_ns`.

    Raises
    ------
    ConfigError
        If `bins` is out of range, or so few that slots in use, summed over the nanoseconds of a
        bin, might pass 64 bits.
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= BINS_MAX:
        raise ConfigError(f"bins: {bins!r} is not in 1 to {BINS_MAX}")
    span = end_ns - start_ns
    count = min(bins, span)
    edges = np.array([start_ns + span * i // count for i in range(count + 1)], np.int64)
    slots = max(tier.slot_count for tier in config.tiers)
    widest_ns = int(np.diff(edges).max())
    if slots * widest_ns >= 1 << 64:
        raise ConfigError(
            f"bins: {slots} slots over {widest_ns} ns exceed 64 bits; take more bins than {count}"
        )
    edges.flags.writeable = False
    return edges


def tier_times(native: Any, tier_count: int) -> tuple[TierTimes, ...]:
    """Return the times that C keeps of each tier, where -1 is never."""
    return tuple(
        TierTimes(tier.high_water_ns, None if tier.first_miss_ns < 0 else tier.first_miss_ns)
        for tier in native[0:tier_count]
    )


class Meter:
    """A C ``rns_meter_t`` over a pool and its store, and the rows that it fills.

    Parameters
    ----------
    native : NativePool
        The pool.
    config : PoolConfig
        What it was made from.
    edges_ns : ndarray of int64, shape (n + 1,)
        Of `bin_edges`.
    store : C ``rns_store_t *``, optional
        That of the workload's Bytes.
    """

    def __init__(
        self,
        native: NativePool,
        config: PoolConfig,
        edges_ns: NDArray[np.int64],
        store: Optional[Any] = None,
    ) -> None:
        lib, ffi = native.lib, native.ffi
        count, tiers = len(edges_ns) - 1, len(config.tiers)
        self._lib, self._store = lib, store
        self._tier_count = tiers
        self._timeline = Timeline(
            edges_ns, np.zeros((count, tiers), BIN_DTYPE), np.zeros(count, np.uint64)
        )
        self._cow = np.zeros(count, COW_DTYPE)
        # C keeps the addresses only: the buffers have to outlive the run.
        self._held = {
            "edges_ns": ffi.from_buffer("int64_t[]", edges_ns),
            "bins": ffi.from_buffer("rns_replay_bin_t[]", self._timeline.bins),
            "oversize": ffi.from_buffer("uint64_t[]", self._timeline.oversize),
            "cow": ffi.from_buffer("rns_meter_cow_t[]", self._cow),
        }
        values = {"pool": native.pool, "bin_count": count, **self._held}
        self.state = ffi.new("rns_meter_t *", {**values, "store": store or ffi.NULL})
        """The C meter, begun; advance and sample it, in C."""
        lib.rns_meter_begin(self.state)

    def end(self) -> dict[str, Any]:
        """Complete the timeline; return fields of `WorkloadResult`: tier_times, timeline, ..."""
        self._lib.rns_meter_end(self.state)
        for array in (self._timeline.bins, self._timeline.oversize):
            array.flags.writeable = False
        store = self._store
        return {
            "tier_times": tier_times(self.state.tiers, self._tier_count),
            "timeline": self._timeline,
            "bytes": None
            if store is None
            else bytes_from_native(self._lib.rns_store_stats(store)),
            "cow": self._cow,
        }

    def partial(self, bins: int) -> tuple[Timeline, NDArray[np.void]]:
        """Return copies of the timeline and of copy-on-write, up to the end of a complete bin."""
        whole = self._timeline
        edges_ns = whole.edges_ns[: bins + 1].copy()
        edges_ns.flags.writeable = False
        timeline = Timeline(edges_ns, whole.bins[:bins].copy(), whole.oversize[:bins].copy())
        return timeline, self._cow[:bins].copy()
