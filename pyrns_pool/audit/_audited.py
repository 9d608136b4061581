"""What the findings of a trace are made of: the trace with everything derived from it once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.audit.groups import Groups
from pyrns_pool.audit.rules import Rules
from pyrns_pool.audit.sites import SiteStats, peak_live_by
from pyrns_pool.audit.tables import Table
from pyrns_pool.config import PoolConfig
from pyrns_pool.results import ReplayResult
from pyrns_pool.trace import Trace

__all__ = ["LARGE_BYTES", "Audited"]

LARGE_BYTES = 1024
"""Larger blocks belong outside of internal memory."""


@dataclass(frozen=True)
class Audited:
    """What the findings are made of."""

    trace: Trace
    config: PoolConfig
    rules: Rules
    result: ReplayResult
    stats: tuple[SiteStats, ...]
    groups: Optional[Groups]
    """None, as `grown`, where the trace has no frees or does not say what they free."""
    grown: Optional[NDArray[np.bool_]]
    tables: tuple[Table, ...]

    @cached_property
    def site(self) -> NDArray[np.int64]:
        """Site of each block."""
        return self.trace.events["site"][self.trace.alloc_rows].astype(np.int64)

    @cached_property
    def frequency(self) -> dict[int, str]:
        """Frequency class of each site."""
        return {row.index: self.rules.frequency(row) for row in self.stats}

    def region(self, site: int) -> str:
        """Return the region of a site."""
        return self.rules.region(self.trace.sites[site])

    def home(self, size_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the home tier of each size; the number of tiers where it is oversize."""
        bounds = np.array([tier.slot_bytes for tier in self.config.tiers])
        return np.searchsorted(bounds, size_bytes, side="left")

    @cached_property
    def peak_slots(self) -> NDArray[np.int64]:
        """Most blocks live at once, by site and home tier: shape (sites, tiers + 1)."""
        count = len(self.config.tiers) + 1
        key = self.site * count + self.home(self.trace.block_sizes.astype(np.int64))
        peaks = peak_live_by(self.trace, key, len(self.trace.sites) * count)
        return peaks.reshape(len(self.trace.sites), count)

    @cached_property
    def misses(self) -> dict[str, int]:
        """Requests that the audited pool missed, by site; sites without are left out."""
        return {row.site: row.misses for row in self.result.sites}

    @cached_property
    def oversize(self) -> NDArray[np.int64]:
        """Allocations larger than the largest tier, by site."""
        return self.per_site(self.trace.block_sizes > self.config.tiers[-1].slot_bytes)

    @cached_property
    def grown_count(self) -> NDArray[np.int64]:
        """Blocks that replaced a smaller one, by site."""
        none = np.zeros(self.trace.block_count, np.bool_)
        return self.per_site(none if self.grown is None else self.grown)

    @cached_property
    def grouped_count(self) -> NDArray[np.int64]:
        """Blocks in a group, by site."""
        none = np.zeros(self.trace.block_count, np.bool_)
        return self.per_site(none if self.groups is None else self.groups.kind >= 0)

    def per_site(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many of these blocks each site has."""
        return np.bincount(self.site[which], minlength=len(self.trace.sites))

    @cached_property
    def large_peak_bytes(self) -> NDArray[np.int64]:
        """Most bytes live at once in blocks above `LARGE_BYTES`, by site."""
        size = self.trace.block_sizes.astype(np.int64)
        key = np.where(size > LARGE_BYTES, self.site, -1)
        return peak_live_by(self.trace, key, len(self.trace.sites), size)
