"""A pool on a machine: which kind of memory holds what, and which heap serves what it misses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Optional

from pyrns_pool._native import none
from pyrns_pool.config import FALLBACKS, PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.heaps import Heap
from pyrns_pool.regions import PSRAM, Machine, pool_ram_bytes
from pyrns_pool.results import MachineUse, RegionUse, SiteLarge
from pyrns_pool.stats import PoolStats, RegionStats

__all__ = ["LARGE_BYTES", "Placement"]

LARGE_BYTES: int = none.lib.RNS_REGIONS_LARGE_BYTES


class Placement:
    """Where a pool and the heaps behind it lie on a machine.

    Parameters
    ----------
    machine : Machine
        The device.
    config : PoolConfig
        The pool.
    header_bytes : int, optional
        In front of each slot.

    Raises
    ------
    ConfigError
        If the pool has another fallback, or does not fit in its region.
    """

    def __init__(self, machine: Machine, config: PoolConfig, header_bytes: int = 0) -> None:
        if config.fallback != FALLBACKS[0]:
            raise ConfigError(
                f"fallback: {config.fallback!r} is this process's heap; {machine.name} has its own"
            )
        lib, ffi = none
        self.machine = machine
        self._names = [region.name for region in machine.regions]
        index = self._names.index(machine.pool_region)
        tiers = tuple(replace(tier, region=index) for tier in config.tiers)
        self.config = replace(config, tiers=tiers)
        """The same pool, each tier in its region."""
        slots_bytes, metadata_bytes = pool_ram_bytes(config, header_bytes)
        self._parts = {
            "pool slots": (machine.pool_region, slots_bytes),
            "pool metadata": (machine.metadata_region, metadata_bytes),
        }
        self._header_bytes = header_bytes
        self._heaps = [self._heap(region) for region in machine.regions]
        self.state = ffi.new("rns_regions_t *", {"header_bytes": header_bytes})
        """The C ``rns_regions_t``."""
        for native, region, heap in zip(self.state.regions, machine.regions, self._heaps):
            native.heap = ffi.NULL if heap is None else heap.native
            native.is_psram = region.name == PSRAM
        lib.rns_regions_begin(self.state)
        self.fallback = lib.rns_regions_fallback(self.state)
        """The hook for `NativePool`."""

    def _heap(self, region: Any) -> Optional[Heap]:
        """Return the heap in what the pool leaves of a region, None if that is too little."""
        taken = sum(size for name, size in self._parts.values() if name == region.name)
        if taken > region.bytes:
            raise ConfigError(
                f"machine: the pool takes {taken} bytes of {self.machine.name}'s {region.name} "
                f"memory, which has {region.bytes}"
            )
        machine = self.machine
        options = {"alignment": machine.alignment, "header_bits": machine.header_bits}
        try:
            return Heap(region.heap, max(1, region.bytes - taken), **options)
        except ConfigError:
            return None

    @property
    def is_pool_in_psram(self) -> bool:
        """Whether the slots are."""
        return self.machine.pool_region == PSRAM

    def stats(self, stats: PoolStats) -> PoolStats:
        """Return the pool's statistics with each fallback in the region that served it."""
        known = {region.region: region for region in stats.regions}
        regions = []
        for index in range(len(self._names)):
            served = int(self.state.regions[index].served)
            before = known.get(index, RegionStats(index, 0, 0, 0, 0, 0, 0, 0))
            if before.slot_count or served:
                regions.append(replace(before, fallbacks=served))
        return replace(stats, regions=tuple(regions))

    def use(self, stats: PoolStats, large: Mapping[str, int]) -> MachineUse:
        """Return what lay where.

        Parameters
        ----------
        stats : PoolStats
            At the end.
        large : mapping of str to int
            By site, the requests above `LARGE_BYTES` that were served outside PSRAM.
        """
        header = self._header_bytes
        most = sum(tier.high_water * (tier.slot_bytes + header) for tier in stats.tiers)
        (there, slots_bytes), (where, metadata_bytes) = self._parts.values()
        served = stats.hits + stats.spills
        uses = [
            RegionUse(there, "pool slots", slots_bytes, most, served, stats.misses),
            RegionUse(where, "pool metadata", metadata_bytes, metadata_bytes, 0, 0),
        ]
        for native, name, heap in zip(self.state.regions, self._names, self._heaps):
            if heap is not None:
                peak = heap.arena_bytes - int(native.free_min_bytes)
                counts = (int(native.served), int(native.refused))
                uses.append(RegionUse(name, heap.kind, heap.arena_bytes, peak, *counts))
        sites = [SiteLarge(site, count) for site, count in large.items() if count]
        sites.sort(key=lambda row: (-row.requests, row.site))
        outside = tuple(sites) if PSRAM in self._names else None
        return MachineUse(self.machine.name, tuple(uses), outside)

    def large_by_tier(self, stats: PoolStats) -> dict[str, int]:
        """Return what `use` takes of a run without sites: by tier, and of the heaps.

        A tier that is home to requests on both sides of `LARGE_BYTES` counts all of them, and
        says so, once one was above.
        """
        large: dict[str, int] = {}
        below = 0
        for tier in stats.tiers if not self.is_pool_in_psram else ():
            if tier.largest_request_bytes > LARGE_BYTES:
                words = f"tier {tier.slot_bytes}" + (", at most" if below < LARGE_BYTES else "")
                large[words] = tier.hits + tier.spills
            below = tier.slot_bytes
        for native, name in zip(self.state.regions, self._names):
            if not native.is_psram:
                large[f"heap in {name} memory"] = int(native.large)
        return large
