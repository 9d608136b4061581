"""What a pool counted, as values: the words are those of the README's glossary.

Identities: requests = hits + spills + exhausted + oversize; misses = fallbacks + failures;
in_use = takes - gives; in_use <= high_water <= slot_count; sums over tiers = the pool's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "BytesStats",
    "MisuseStats",
    "PoolStats",
    "RegionStats",
    "StoreStats",
    "TableStats",
    "TierStats",
    "percent",
]


def percent(part: int, whole: int) -> str:
    """Return a share in per cent with four decimals, rounded down so that 100 % means all.

    Examples
    --------
    >>> percent(2, 3), percent(10**9 - 1, 10**9), percent(0, 0)
    ('66.6666 %', '99.9999 %', '100.0000 %')
    """
    millionths = part * 10**6 // whole if whole else 10**6
    return f"{millionths // 10**4}.{millionths % 10**4:04} %"


@dataclass(frozen=True)
class TierStats:
    """One tier; requests are those whose home tier it is."""

    slot_bytes: int
    slot_count: int
    region: int
    in_use: int
    high_water: int
    window_high_water: int
    """Largest in_use since the window was reset."""
    largest_request_bytes: int
    requests: int
    hits: int
    spills: int
    """Requests of this home tier that a larger tier served."""
    spills_in: int
    """Requests of smaller home tiers that this tier served."""
    exhausted: int
    takes: int
    gives: int

    @property
    def occupancy(self) -> float:
        """Share of the slots in use, 0 to 1."""
        return self.in_use / self.slot_count

    @property
    def hit_rate(self) -> float:
        """Share of the requests that a tier served, 0 to 1; 1 if there were none."""
        return (self.hits + self.spills) / self.requests if self.requests else 1.0


@dataclass(frozen=True)
class RegionStats:
    """One kind of memory."""

    region: int
    slot_count: int
    in_use: int
    slots_bytes: int
    """All slots, padding included."""
    in_use_bytes: int
    takes: int
    gives: int
    fallbacks: int
    """Blocks that the fallback served from this region."""


@dataclass(frozen=True)
class MisuseStats:
    """Refusals of give and damage found, each by its kind."""

    foreign: int
    out_of_range: int
    interior: int
    misaligned: int
    double_give: int
    wrong_pool: int
    canary: int
    write_after_give: int


@dataclass(frozen=True)
class PoolStats:
    """A whole pool at one moment."""

    in_use: int
    largest_request_bytes: int
    requests: int
    hits: int
    spills: int
    exhausted: int
    oversize: int
    fallbacks: int
    failures: int
    takes: int
    gives: int
    fallback_gives: int
    tiers: tuple[TierStats, ...]
    regions: tuple[RegionStats, ...]
    """Those that a tier lies in, or that a fallback has served from."""
    misuse: MisuseStats

    @property
    def misses(self) -> int:
        """Requests that no tier served."""
        return self.exhausted + self.oversize

    @property
    def hit_rate(self) -> float:
        """Share of the requests that a tier served, 0 to 1; 1 if there were none."""
        return (self.hits + self.spills) / self.requests if self.requests else 1.0


@dataclass(frozen=True)
class BytesStats:
    """What was done with Bytes: the counts of one store.

    Identities: copies_avoided = shares + slices; each write counts one of cow_copies, grows and
    tail_appends, or none.
    """

    shares: int
    """Copies and views that share the storage."""
    slices: int
    """Slices that share it; empty ones count nowhere."""
    copies_avoided: int
    cow_copies: int
    """Writes that had to copy because the storage was shared."""
    cow_bytes: int
    """Content they copied."""
    tail_appends: int
    """Appends to shared storage that copied nothing."""
    grows: int
    """Moves to another slot because storage that was not shared was too small."""
    compactions: int
    """Moves to a smaller tier."""


@dataclass(frozen=True)
class StoreStats(BytesStats):
    """What was done with the Bytes of one store, and its pool."""

    pool: PoolStats
    """The pool that the store takes its slots from; other stores may do so, too."""


@dataclass(frozen=True)
class TableStats:
    """A keyed table of fixed capacity.

    puts = inserts + updates + rejects; hits <= finds;
    inserts = count + removes + culls + overwrites + expired.
    """

    name: str
    policy: str
    """What a full table does: reject the new, cull the oldest, or ring: overwrite the first."""
    capacity: int
    count: int
    high_water: int
    puts: int
    inserts: int
    updates: int
    rejects: int
    finds: int
    hits: int
    removes: int
    culls: int
    """Entries."""
    cull_runs: int
    overwrites: int
    expired: int


TABLE_POLICIES = ("reject", "cull", "ring")
"""In the order of C's ``rns_table_policy_t``."""


def _plain(cls: type, native: Any, **given: Any) -> Any:
    """Return a `cls` with the fields of a C struct of the same names."""
    names = [field.name for field in fields(cls) if field.name not in given]
    return cls(**{name: getattr(native, name) for name in names}, **given)


def from_native(native: Any) -> PoolStats:
    """Copy a C ``rns_pool_stats_t``."""
    regions = [_plain(RegionStats, r, region=i) for i, r in enumerate(native.regions)]
    result: PoolStats = _plain(
        PoolStats,
        native,
        tiers=tuple(_plain(TierStats, native.tiers[i]) for i in range(native.tier_count)),
        regions=tuple(r for r in regions if r.slot_count or r.fallbacks),
        misuse=_plain(MisuseStats, native.misuse),
    )
    return result


def bytes_from_native(native: Any) -> BytesStats:
    """Copy a C ``rns_store_stats_t``."""
    result: BytesStats = _plain(BytesStats, native)
    return result


def table_from_native(name: str, policy: int, native: Any) -> TableStats:
    """Copy a C ``rns_table_stats_t``."""
    result: TableStats = _plain(TableStats, native, name=name, policy=TABLE_POLICIES[policy])
    return result
