"""Send a recorded trace through the real pool, in C, and see what every tier did.

What is replayed is the program's requests as they were recorded: the trace does not react to a
miss (it is *open-loop*). The result for a strict or spill pool is then exact, not an estimate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool._regions_run import Placement
from pyrns_pool._timeline import BINS_DEFAULT, bin_edges, tier_times
from pyrns_pool.config import PoolConfig
from pyrns_pool.regions import Machine
from pyrns_pool.results import (
    BIN_DTYPE,
    NO_TIER,
    SIZE_DTYPE,
    ReplayResult,
    SiteMisses,
    SizeFit,
    Timeline,
    TraceSummary,
)
from pyrns_pool.slot_use import slot_use
from pyrns_pool.trace import Trace

__all__ = ["BINS_DEFAULT", "replay", "replay_blocks"]

CHUNK_EVENTS = 1 << 18  # A few milliseconds, after which Ctrl-C is seen.
_BLOCK_DTYPE = np.dtype([("slot", np.uintp), ("tier", np.uint32)], align=True)


def replay(
    trace: Trace,
    config: PoolConfig,
    *,
    machine: Optional[Machine] = None,
    bins: int = BINS_DEFAULT,
    slots: bool = False,
    progress: Optional[Callable[[float], object]] = None,
) -> ReplayResult:
    """Send every request of a trace through a pool.

    Parameters
    ----------
    trace : Trace
        What was recorded; `Trace.filter` cuts it down to a site or a thread.
    config : PoolConfig
        The pool. Its reserve is never touched: a trace has no priorities.
    machine : Machine, optional
        Where the pool lies; the heaps of its regions serve what the pool misses, the first one's
        first.
    bins : int, optional
        Most bins of the timeline, 1 to 1,000,000; a trace shorter than that many nanoseconds
        has fewer.
    slots : bool, optional
        Whether to follow each block through its slot too (`slot_use`): `ReplayResult.slots` then
        has what `plot.raster`, `plot.lifetimes`, `plot.episodes` and `plot.holders` show. It takes
        twenty times as long.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    ReplayResult
        The same trace and configuration give an equal one, always.

    Raises
    ------
    ConfigError
        If `bins` is out of range, or the pool does not fit in memory or in its region.
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).
    Damage
        If the pool contradicts itself, which only overwritten memory explains.

    Notes
    -----
    Ten to twenty nanoseconds an event; benchmarks/replay_speed.py measures it.

    Examples
    --------
    >>> from pyrns_pool import PoolConfig, Trace
    >>> columns = {"t_ns": [0, 10, 20], "op": [0, 0, 1], "id": [1, 2, 1], "size": [32, 64, 0]}
    >>> result = replay(Trace.from_events(columns), PoolConfig.parse("64x1"))
    >>> result.stats.hits, result.stats.exhausted, result.tier_times[0].first_miss_ns
    (1, 1, 10)
    """
    result = replay_blocks(trace, config, machine=machine, bins=bins, progress=progress)[0]
    return replace(result, slots=slot_use(trace, config)) if slots else result


def replay_blocks(
    trace: Trace,
    config: PoolConfig,
    *,
    machine: Optional[Machine] = None,
    bins: int = BINS_DEFAULT,
    progress: Optional[Callable[[float], object]] = None,
) -> tuple[ReplayResult, NDArray[np.int32]]:
    """Send every request of a trace through a pool; also tell what became of each.

    Parameters
    ----------
    trace, config, machine, bins, progress
        As in `replay`.

    Returns
    -------
    result : ReplayResult
        As of `replay`.
    tiers : ndarray of int32, shape (trace.block_count,)
        Index of the tier that served each block, NO_TIER where none did.
    """
    trace.require_identity("a replay")
    start_ns, last_ns = (int(trace.events["t_ns"][row]) for row in (0, -1))
    edges_ns = bin_edges(start_ns, last_ns + 1, bins, config)
    lib, ffi = none
    placement = None if machine is None else Placement(machine, config)
    config = config if placement is None else placement.config
    native = NativePool(none, config, fallback=None if placement is None else placement.fallback)
    timeline = np.zeros((len(edges_ns) - 1, len(config.tiers)), BIN_DTYPE)
    oversize = np.zeros(len(edges_ns) - 1, np.uint64)
    site_misses, site_large = (np.zeros(len(trace.sites), np.uint64) for _ in range(2))
    blocks = np.zeros(trace.block_count, _BLOCK_DTYPE)
    arrays = {
        "blocks": ("rns_replay_block_t[]", blocks),
        "edges_ns": ("int64_t[]", edges_ns),
        "bins": ("rns_replay_bin_t[]", timeline),
        "oversize": ("uint64_t[]", oversize),
        "site_misses": ("uint64_t[]", site_misses),
        "site_large": ("uint64_t[]", site_large),
        "events": ("rns_event_t[]", trace.events),
        "block": ("uint32_t[]", trace.blocks),
        "alloc_rows": ("int64_t[]", trace.alloc_rows),
    }
    # C keeps the addresses only: the buffers have to outlive the replay.
    held = {name: ffi.from_buffer(kind, array) for name, (kind, array) in arrays.items()}
    state = ffi.new("rns_replay_t *", {"pool": native.pool, "bin_count": len(oversize), **held})
    if placement is not None:
        state.regions, state.is_pool_in_psram = placement.state, placement.is_pool_in_psram

    lib.rns_replay_begin(state)
    try:
        for first in range(0, len(trace), CHUNK_EVENTS):
            end = min(first + CHUNK_EVENTS, len(trace))
            native.require(lib.rns_replay_run(state, first, end), f"events {first} to {end}")
            if progress is not None:
                progress(end / len(trace))
        lib.rns_replay_end(state)
        stats = native.stats()
        native.check()
    finally:
        _free_fallbacks(native, blocks[blocks["tier"] == lib.RNS_REPLAY_NO_TIER])

    for array in (timeline, oversize):
        array.flags.writeable = False
    use = None
    if placement is not None:
        use = placement.use(stats, dict(zip(trace.sites, site_large.tolist())))
        stats = placement.stats(stats)
    sizes = _sizes(trace, config)
    result = ReplayResult(
        trace=TraceSummary.of(trace),
        config=config,
        stats=stats,
        tier_times=tier_times(state.tiers, len(config.tiers)),
        timeline=Timeline(edges_ns, timeline, oversize),
        sizes=sizes,
        fit=_fit(sizes, config),
        sites=_sites(trace, site_misses),
        missed_bytes_peak=int(state.missed_bytes_peak),
        missed_bytes_peak_ns=int(state.missed_bytes_peak_ns),
        machine=use,
    )
    return result, blocks["tier"].astype(np.int32)  # RNS_REPLAY_NO_TIER becomes NO_TIER.


def _free_fallbacks(native: NativePool, blocks: NDArray[np.void]) -> None:
    """Give back what the trace did not: the heap's blocks do not go with the pool."""
    lib, ffi = none
    for address in blocks["slot"][blocks["slot"] != 0].tolist():
        lib.rns_pool_give(native.pool, ffi.cast("void *", address))


def _sizes(trace: Trace, config: PoolConfig) -> NDArray[np.void]:
    size_bytes, counts = trace.sizes()
    bounds = np.array([tier.slot_bytes for tier in config.tiers], np.uint64)
    home = np.searchsorted(bounds, size_bytes, side="left")
    sizes = np.empty(len(size_bytes), SIZE_DTYPE)
    sizes["size_bytes"] = size_bytes
    sizes["requests"] = counts
    sizes["tier"] = np.where(home < len(bounds), home, NO_TIER)
    sizes.flags.writeable = False
    return sizes


def _fit(sizes: NDArray[np.void], config: PoolConfig) -> tuple[SizeFit, ...]:
    rows = []
    for index, tier in enumerate(config.tiers):
        mine = sizes[sizes["tier"] == index]
        requests = int(mine["requests"].sum())
        requested = int((mine["requests"] * mine["size_bytes"].astype(np.int64)).sum())
        unused = requests * tier.slot_bytes - requested
        rows.append(SizeFit(tier.slot_bytes, requests, requested, unused))
    return tuple(rows)


def _sites(trace: Trace, misses: NDArray[np.uint64]) -> tuple[SiteMisses, ...]:
    rows = [
        SiteMisses(name, int(trace.site_requests[i]), int(misses[i]))
        for i, name in enumerate(trace.sites)
        if misses[i]
    ]
    return tuple(sorted(rows, key=lambda row: (-row.misses, row.site)))
