"""Tables of a report: rows of results in words."""

from __future__ import annotations

from functools import partial
from typing import Optional, Sequence

import numpy as np

from pyrns_pool.audit import Finding
from pyrns_pool.compare_results import CompareResult
from pyrns_pool.curve_results import HitCurve
from pyrns_pool.plot._style import duration_text, percent
from pyrns_pool.report.content import Table
from pyrns_pool.results import PoolResult, ReplayResult
from pyrns_pool.slot_results import EPISODE_COLUMNS
from pyrns_pool.tune_results import TuneResult

__all__ = [
    "beside",
    "contenders",
    "episodes",
    "findings",
    "fit",
    "holders",
    "pins",
    "sites",
    "slots",
    "tiers",
    "tuned",
]

ROWS_MAX = 12
"""Of sites and pins; there may be hundreds."""
FINDINGS_MAX = 24
RATES = (0.5, 0.9, 0.99, 0.999, 1.0)


def tiers(result: PoolResult) -> Table:
    """Return what every tier did."""
    columns = ("tier:", "slots:", "requests:", "hits:", "spills:", "exhausted:", "hit rate:")
    rows = []
    for tier, times in zip(result.stats.tiers, result.tier_times):
        counts = (tier.slot_count, tier.requests, tier.hits, tier.spills, tier.exhausted)
        rate = percent(tier.hits + tier.spills, tier.requests) if tier.requests else "-"
        first = "-" if times.first_miss_ns is None else _moment(result, times.first_miss_ns)
        high = f"{tier.high_water:,} at {_moment(result, times.high_water_ns)}"
        rows.append((str(tier.slot_bytes), *_numbers(counts), rate, high, first))
    oversize = f"{result.stats.oversize:,}"
    rows.append(("oversize", "-", oversize, "-", "-", "-", "-", "-", "-"))
    return Table("What every tier did", (*columns, "high-water mark:", "first miss:"), tuple(rows))


def sites(result: ReplayResult) -> Table:
    """Return where it missed most."""
    rows = [
        (row.site or "(no site)", *_numbers((row.requests, row.misses)))
        for row in result.sites[:ROWS_MAX]
    ]
    rest = result.sites[ROWS_MAX:]
    if rest:
        sums = (sum(row.requests for row in rest), sum(row.misses for row in rest))
        rows.append((f"{len(rest)} more", *_numbers(sums)))
    return Table("Where it missed", ("site", "requests:", "misses:"), tuple(rows))


def episodes(result: ReplayResult) -> Table:
    """Return the episodes that missed most."""
    assert result.slots is not None
    use, rows = result.slots, []
    for row in use.worst_episodes(ROWS_MAX):
        is_large = row["tier"] < 0
        tier = "oversize" if is_large else str(result.config.tiers[row["tier"]].slot_bytes)
        *cells, site = use.episode_words(row, partial(_moment, result), partial(_span, result))
        rows.append((tier, *cells, f"{site}, {row['site_misses']:,}"))
    rest = len(use.episodes) - len(rows)
    caption = "When it missed, from full to not full" + (f"; {rest:,} more" if rest else "")
    *columns, site = EPISODE_COLUMNS
    return Table(caption, ("tier:", *(f"{name}:" for name in columns), site), tuple(rows))


def holders(result: ReplayResult) -> Table:
    """Return the sites that hold most slots at the high-water marks."""
    assert result.slots is not None
    use, held = result.slots, result.slots.holders
    order = np.argsort(-held["slots"], kind="stable")
    rows = []
    for row in held[order[:ROWS_MAX]]:
        tier = result.stats.tiers[row["tier"]]
        share = percent(int(row["slots"]), tier.high_water)
        counts = _numbers((row["slots"], row["pinned"], row["bytes"]))
        rows.append((use.site(int(row["site"])), str(tier.slot_bytes), *counts, share))
    columns = ("site", "tier:", "slots:", "pinned:", "bytes:", "of the tier's slots in use:")
    return Table("Who holds slots at the high-water marks", columns, tuple(rows))


def fit(result: ReplayResult) -> Table:
    """Return what requests leave unused of slots."""
    rows = [
        (
            str(one.slot_bytes),
            *_numbers((one.requests, one.requested_bytes, one.internal_fragmentation_bytes)),
            f"{100 * one.fragmentation:.1f} %" if one.requests else "-",
        )
        for one in result.fit
    ]
    columns = ("tier:", "requests:", "requested bytes:", "unused bytes:", "unused:")
    return Table("What requests leave unused of their slots", columns, tuple(rows))


def slots(curve: HitCurve) -> Table:
    """Return how many slots serve which share."""
    chosen: Sequence[Optional[int]] = curve.chosen or (None,) * len(curve.tiers)
    rows = []
    for tier, has in zip(curve.tiers, chosen):
        counts = [tier.slots_for(rate) for rate in RATES]
        known = ["-" if count is None else f"{count:,}" for count in counts]
        rate = None if has is None else tier.hit_rate_with(has)
        here = "-" if rate is None else f"{has:,}: {100 * rate:.1f} %"
        rows.append((str(tier.slot_bytes), f"{tier.requests:,}", *known, here))
    shares = [f"{100 * rate:g} %:" for rate in RATES]
    columns = ("tier:", "requests:", *shares, "this pool:")
    return Table(f"Slots that serve a share of {curve.name}", columns, tuple(rows))


def tuned(result: TuneResult) -> Table:
    """Return the tiers that are recommended."""
    rows = []
    for tier in result.tiers:
        numbers = (tier.slot_bytes, tier.slots, tier.slots * tier.slot_bytes)
        counts = _numbers((*numbers, tier.requests, tier.hits))
        rate = percent(tier.hits, tier.requests) if tier.requests else "-"
        unused = f"{100 * tier.fragmentation:.1f} %"
        rows.append((*counts, rate, unused, f"{tier.sufficient_slots:,}"))
    columns = ("tier:", "slots:", "bytes:", "requests:", "hits:", "hit rate:", "unused:")
    return Table("The tiers recommended", (*columns, "slots for no miss:"), tuple(rows))


def beside(result: TuneResult) -> Table:
    """Return other pools and the best of no more bytes."""
    rows = []
    for one in result.compared:
        best = "-" if one.tuned is None else ",".join(map(str, one.tuned.tiers))
        row = (one.name, f"{one.config.slots_bytes:,}", percent(one.served, one.requests))
        rows.append((*row, percent(one.replayed, one.requests), best))
    columns = ("pool", "bytes:", "hit rate:", "tuned:", "tiers")
    return Table("Pools in use, and the best of no more bytes", columns, tuple(rows))


def pins(result: TuneResult) -> Table:
    """Return the sites whose blocks keep slots."""
    shown = result.pins[:ROWS_MAX]
    rows = [
        (pin.site or "(no site)", *_numbers((pin.slot_bytes, pin.slots, pin.blocks)))
        for pin in shown
    ]
    columns = ("site", "tier:", "slots at once:", "blocks:")
    return Table("Slots kept for a tenth of the trace or longer", columns, tuple(rows))


def contenders(result: CompareResult) -> Table:
    """Return what pool and heaps did in every arena."""
    rows = []
    for one in result.contenders:
        needs = "-" if one.zero_failure_bytes is None else f"{one.zero_failure_bytes:,}"
        name = f"{one.contender} + {one.heap}" if one.is_pool and one.heap else one.contender
        numbers = _numbers((one.arena_bytes, one.ram_bytes, one.failures))
        rows.append((name, *numbers, f"{one.fragmentation_worst:.2f}", needs))
    columns = ("contender", "arena:", "takes:", "failures:", "worst fragmentation:")
    return Table("Pool and heaps", (*columns, "for no failure:"), tuple(rows))


def findings(shown: Sequence[tuple[str, Finding]]) -> Table:
    """Return what an audit found, by priority."""
    rows = [
        (name, item.priority, item.where, f"{item.count:,}", item.problem, item.recommendation)
        for name, item in shown[:FINDINGS_MAX]
    ]
    rest = len(shown) - FINDINGS_MAX
    caption = "What to do first" + (f"; {rest} more are in the whole audit" if rest > 0 else "")
    columns = ("id", "priority", "where", "count:", "problem", "recommendation")
    return Table(caption, columns, tuple(rows))


def _numbers(counts: Sequence[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _span(result: PoolResult, ns: int) -> str:
    return duration_text(ns) if result.has_time else f"{ns:,} events"


def _moment(result: PoolResult, ns: int) -> str:
    return duration_text(ns) if result.has_time else f"event {ns:,}"
