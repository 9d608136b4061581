"""The finding of one site."""

from __future__ import annotations

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.audit._audited import LARGE_BYTES, Audited
from pyrns_pool.audit.findings import Finding, module_of
from pyrns_pool.audit.rules import EXTERNAL_REGIONS
from pyrns_pool.audit.sites import SiteStats
from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.words import percent, plural

__all__ = ["GROWTH_SHARE_MIN", "of_all", "site_finding"]

FEW_TIERS = 2
"""A pool of so few tiers is little work."""
GROWTH_SHARE_MIN = 0.1
"""Share of a site's blocks that replace a smaller one, from which the site grows its blocks."""
MAIN_SHARE = 0.5
"""Share of never freed, or grouped, blocks from which a site is named after them."""


def site_finding(audited: Audited, row: SiteStats) -> Finding:
    """Return the finding of one site: its row in the table, and what to do about it."""
    frequency, region = audited.frequency[row.index], audited.region(row.index)
    slots = audited.peak_slots[row.index, :-1]
    oversize = int(audited.oversize[row.index])
    pool = _own_pool(audited, slots)
    misses = audited.misses.get(row.site, 0)
    is_external = region in EXTERNAL_REGIONS
    if row.count_above_1k and not is_external:
        severity, effort = "critical", "low"
    elif frequency == "per-packet" and oversize < row.count:
        severity, effort = "high", "low" if np.count_nonzero(slots) <= FEW_TIERS else "medium"
    else:
        severity, effort = "low", "low"
    evidence: dict[str, float] = {
        "bytes": row.bytes,
        "distinct_sizes": row.distinct_sizes,
        "count_above_1k": row.count_above_1k,
        "never_freed": row.never_freed,
        "peak_live_blocks": row.peak_live_blocks,
        "peak_live_bytes": row.peak_live_bytes,
        "pool_misses": misses,
        "pool_hit_rate": 1 - misses / row.count,
        "own_slots": int(slots.sum()),
        "own_slots_bytes": 0 if pool is None else pool.slots_bytes,
    }
    if row.rate_hz is not None:
        evidence["rate_hz"] = row.rate_hz
    if row.lifetimes is not None:
        evidence["lifetime_p50_ns"] = row.lifetimes.p50_ns
        evidence["lifetime_p99_ns"] = row.lifetimes.p99_ns
        evidence["lifetime_max_ns"] = row.lifetimes.max_ns
    large_peak = int(audited.large_peak_bytes[row.index])
    return Finding(
        where=row.site or "(no site)",
        module=module_of(row.site),
        pattern=_pattern(audited, row),
        count=row.count,
        size_min_bytes=row.size_min_bytes,
        size_max_bytes=row.size_max_bytes,
        frequency=frequency,
        region=region,
        severity=severity,
        effort=effort,
        problem=_problem(row, severity, large_peak),
        recommendation=_advice(row, severity, pool, oversize, misses, large_peak),
        evidence=evidence,
        symbol=row.site.partition(":")[2] or row.site,
    )


def _own_pool(audited: Audited, slots: NDArray[np.int64]) -> Optional[PoolConfig]:
    """Return the pool of the audited sizes with so many slots each; None if that is not known."""
    if not audited.trace.has_frees:
        return None
    pairs = zip(audited.config.tiers, slots.tolist())
    tiers = tuple(Tier(tier.slot_bytes, count) for tier, count in pairs if count)
    return PoolConfig(tiers) if tiers else None


def of_all(count: int, audited: Audited) -> str:
    """Return a number of allocations with its share of the trace, if it is worth a decimal."""
    share = count / audited.trace.block_count
    return f"{count:,} allocations" + (f", {percent(share)} of all" if share >= 0.001 else "")


def _pattern(audited: Audited, row: SiteStats) -> str:
    """Return in a few words how a site allocates; the first that holds."""
    if any(table.site == row.index for table in audited.tables):
        return "table node"
    if audited.grown_count[row.index] >= GROWTH_SHARE_MIN * row.count:
        return "grows"
    if audited.grouped_count[row.index] >= MAIN_SHARE * row.count:
        return "part of a group"
    if row.never_freed >= MAIN_SHARE * row.count:
        return "kept to the end"
    return "one size" if row.distinct_sizes == 1 else f"{row.distinct_sizes:,} sizes"


def _problem(row: SiteStats, severity: str, large_peak: int) -> str:
    text = plural(row.count, "allocation")
    if row.rate_hz is not None and row.rate_hz >= 1:
        text += f", {row.rate_hz:,.0f} a second"
    text += f"; at most {row.peak_live_blocks:,} live at once ({row.peak_live_bytes:,} bytes)."
    if severity == "critical":
        large = row.count_above_1k
        text += f" {'All' if large == row.count else f'{large:,}'} are larger than {LARGE_BYTES:,}"
        text += f" bytes and outside of PSRAM: up to {row.size_max_bytes:,} bytes each, at most"
        text += f" {large_peak:,} bytes of them live at once."
    return text


def _advice(
    row: SiteStats,
    severity: str,
    pool: Optional[PoolConfig],
    oversize: int,
    misses: int,
    large_peak: int,
) -> str:
    parts = []
    if severity == "critical":
        parts.append(
            f"Move what is above {LARGE_BYTES:,} bytes to PSRAM, or to fixed buffers of"
            f" {large_peak:,} bytes together (exact)."
        )
    small = row.count - oversize
    if pool is not None and (severity == "high" or (severity == "critical" and small > oversize)):
        tiers = ",".join(map(str, pool.tiers))
        tiers += f" of its own, {pool.slots_bytes:,} bytes"
        if row.distinct_sizes == 1:
            exact = row.size_max_bytes * row.peak_live_blocks
            tiers += f" ({exact:,} in slots of {row.size_max_bytes:,})"
        all_of = "all" if small == row.count else f"the other {small:,}"
        parts.append(
            f"Serve {all_of} from a pool: {tiers}, never misses (exact); the audited pool serves"
            f" {percent(1 - misses / row.count)} (replayed)."
        )
    if severity == "low":
        parts.append("Leave it as it is.")
    return " ".join(parts)
