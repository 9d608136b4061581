"""Audit of a trace: every site, and what only several sites together show."""

from __future__ import annotations

from typing import Callable, Optional

from pyrns_pool.audit import issues
from pyrns_pool.audit._audited import Audited
from pyrns_pool.audit._site import site_finding
from pyrns_pool.audit.findings import Finding, Findings, FixedPool, RegionCheck
from pyrns_pool.audit.groups import find_groups, find_growth
from pyrns_pool.audit.rules import EXTERNAL_REGIONS, Rules, matches
from pyrns_pool.audit.sites import site_stats
from pyrns_pool.audit.tables import find_tables
from pyrns_pool.compare import sized_pool
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.replay import replay
from pyrns_pool.trace import Trace
from pyrns_pool.words import duration, percent, plural

__all__ = ["POOL_DEFAULT", "audit_trace"]

POOL_DEFAULT = "fork"


def audit_trace(
    trace: Trace,
    config: Optional[PoolConfig] = None,
    rules: Optional[Rules] = None,
    *,
    progress: Optional[Callable[[float], object]] = None,
) -> Findings:
    """Say of every site how it allocates, how bad that is, and what to do.

    Parameters
    ----------
    trace : Trace
        Any. What it does not say (times, identity, frees) is left out, and the summary says so.
    config : PoolConfig, optional
        The pool that the recommendations are measured with; the preset `POOL_DEFAULT` if None.
    rules : Rules, optional
        Regions and frequency classes; every site is internal without.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    Findings
        One for each site, and one for each group, copy, growth and table that was found. Its
        ``method`` says how each number was derived.

    Notes
    -----
    O(events log events); about two seconds for a million events. Hit rates are replayed, slots of
    its own for a site are exact.

    Examples
    --------
    >>> columns = {"t_ns": [0, 1, 5], "op": [0, 0, 1], "id": [1, 2, 1], "size": [24, 3000, 0]}
    >>> findings = audit_trace(Trace.from_events(columns, ["app:main"]))
    >>> [(item.where, item.severity, item.priority) for item in findings]
    [('app:main', 'critical', 'P1')]
    """
    config = PoolConfig.preset(POOL_DEFAULT) if config is None else config
    rules = Rules() if rules is None else rules
    done = progress or (lambda fraction: None)
    result = replay(trace, config, bins=1, progress=lambda part: done(0.2 * part))
    stats = site_stats(trace)
    done(0.4)
    knows_frees = trace.has_frees and trace.has_identity
    groups = find_groups(trace) if knows_frees else None
    done(0.6)
    grown = find_growth(trace) if knows_frees else None
    tables = find_tables(trace) if knows_frees and trace.has_time else ()
    done(0.8)
    audited = Audited(trace, config, rules, result, stats, groups, grown, tables)
    items = [site_finding(audited, row) for row in stats]
    families = issues.group_findings(audited)
    items += [*families, *issues.copy_findings(audited), *issues.growth_findings(audited)]
    items += issues.table_findings(audited)
    findings = Findings(
        subject=trace.provenance.get("file", "trace"),
        source="trace",
        items=tuple(items),
        summary=_summary(audited, families),
        regions=_regions(audited),
        pools=_pools(audited),
        method=issues.method(audited),
    )
    done(1.0)
    return findings


def _summary(audited: Audited, families: list[Finding]) -> tuple[str, ...]:
    trace, stats = audited.trace, audited.result.stats
    peak = trace.peak_live()
    lasts = f" in {duration(trace.duration_ns)}" if trace.has_time else ""
    lines = [
        f"{trace.block_count:,} allocations{lasts} at {len(audited.stats):,} sites; at most"
        f" {peak.bytes:,} bytes in {peak.blocks:,} blocks are live at once."
    ]
    packet = [row for row in audited.stats if audited.frequency[row.index] == "per-packet"]
    if packet:
        share = sum(row.count for row in packet) / trace.block_count
        lines.append(
            f"{percent(share)} of the allocations are per-packet, from"
            f" {plural(len(packet), 'site')}."
        )
    config = audited.config
    served = f"The pool {config} ({config.slots_bytes:,} bytes of slots) serves"
    served += f" {percent(stats.hit_rate)} of the allocations (replayed)."
    try:
        enough = sized_pool(trace, [tier.slot_bytes for tier in config.tiers])
        text = ",".join(map(str, enough.tiers))
        served += f" With {text} ({enough.slots_bytes:,} bytes) none of its sizes would miss"
        served += f" (exact), and {stats.oversize:,} are larger than its largest tier."
    except ConfigError:
        served += " Every allocation is larger than its largest tier."
    lines.append(served)
    saved = sum(int(item.evidence["allocations_saved"]) for item in families)
    if saved:
        lines.append(
            f"Blocks that come and go together, made one block each, would save {saved:,}"
            f" allocations, {percent(saved / trace.block_count)} of all (exact)."
        )
    if audited.tables:
        pinned = sum(table.held_small for table in audited.tables)
        lines.append(
            f"{plural(len(audited.tables), 'table')} held {pinned:,} small blocks for a"
            " second or more, at most"
            f" {' and '.join(f'{table.held_small_peak:,}' for table in audited.tables)} at once."
        )
    if not trace.has_frees:
        lines.append(
            "The trace has no frees: lifetimes, live blocks, groups and hit rates of it"
            " mean nothing and are left out or zero."
        )
    elif not trace.has_identity:
        lines.append(
            "The trace does not say which block a free means (it was guessed): groups,"
            " copies, growth and tables are left out; live blocks, slots and hit"
            " rates are estimates."
        )
    if not trace.has_time:
        lines.append("The trace has no time: no rates, lifetimes, frequency classes or tables.")
    return tuple(lines)


def _regions(audited: Audited) -> tuple[RegionCheck, ...]:
    checks = []
    for row in audited.stats:
        region = audited.region(row.index)
        peak = int(audited.large_peak_bytes[row.index])
        if region in EXTERNAL_REGIONS:
            note = f"{plural(row.count, 'allocation')}, {row.count_above_1k:,} of more than 1 KB"
            checks.append(RegionCheck(row.site, region, "verified", note, row.peak_live_bytes))
        elif row.count_above_1k:
            note = f"{plural(row.count_above_1k, 'allocation')} of more than 1 KB, for PSRAM"
            checks.append(RegionCheck(row.site, region, "missing", note, peak))
    for pattern, region in audited.rules.regions:
        if not any(matches(row.site, pattern) for row in audited.stats):
            checks.append(RegionCheck(pattern, region, "unused", "the rule matches no site"))
    order = ("missing", "unused", "verified")
    return tuple(sorted(checks, key=lambda check: order.index(check.state)))


def _pools(audited: Audited) -> tuple[FixedPool, ...]:
    config, tiers = audited.config, audited.result.stats.tiers
    heap = {"none": "the request fails", "malloc": "the heap serves it"}[config.fallback]
    pools = []
    for index, tier in enumerate(tiers):
        spills = config.policy == "spill" and index < len(tiers) - 1
        overflow = f"a larger tier serves it; if none can, {heap}" if spills else heap
        pools.append(
            FixedPool(
                name=f"tier {tier.slot_bytes}",
                slots=tier.slot_count,
                slot_bytes=tier.slot_bytes,
                overflow=f"miss, counted: {overflow}",
                requests=tier.requests,
                misses=tier.exhausted,
                high_water=tier.high_water,
            )
        )
    return tuple(pools)
