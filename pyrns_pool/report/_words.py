"""Verdicts of results in sentences with numbers."""

from __future__ import annotations

from typing import Optional

from pyrns_pool.curve_results import CurveSet
from pyrns_pool.plot._style import duration_text, percent
from pyrns_pool.results import PoolResult, ReplayResult, TraceSummary
from pyrns_pool.sweep_results import SweepResult
from pyrns_pool.tune_results import TuneResult
from pyrns_pool.words import plural

__all__ = ["curve_verdict", "pool_verdict", "sweep_verdict", "trace_facts", "tune_verdict"]


def trace_facts(trace: TraceSummary) -> list[tuple[str, str]]:
    """Return which trace was measured."""
    facts = [("trace", trace.name or "(no file)")]
    if trace.filter:
        facts.append(("only", trace.filter))
    extent = [plural(trace.events, "event"), plural(trace.blocks, "request")]
    extent += [duration_text(trace.duration_ns) if trace.has_time else "no time"]
    facts.append(("recorded", ", ".join(extent)))
    if trace.pairing:
        facts.append(("assumed", f"each free is of the oldest block of its kind: {trace.pairing}"))
    peak = f"{trace.peak_live_bytes:,} bytes in {plural(trace.peak_live_blocks, 'block')}"
    return [*facts, ("peak live", peak), ("SHA-256 of the events", trace.sha256)]


def pool_verdict(result: PoolResult, tuned: Optional[TuneResult] = None) -> tuple[str, ...]:
    """Return what the pool serves, and what is to be done about what it does not."""
    stats, pool = result.stats, f"The pool {result.config}"
    served = f"{percent(stats.hits + stats.spills, stats.requests)} of"
    first = f"{pool} ({result.config.slots_bytes:,} bytes of slots) serves {served}"
    first += f" {plural(stats.requests, 'request')}"
    if stats.misses:
        first += f" and misses {stats.misses:,}"
        why = []
        if stats.exhausted:
            why.append(f"{stats.exhausted:,} when the tiers were full")
        if stats.oversize:
            why.append(f"{stats.oversize:,} larger than every tier")
        first += f": {' and '.join(why)}"
    if tuned is not None:
        return f"{first}.", _instead(result, tuned)
    if not isinstance(result, ReplayResult) or not stats.misses:
        full = sum(tier.high_water == tier.slot_count for tier in stats.tiers)
        return f"{first}.", f"{full} of {plural(len(stats.tiers), 'tier')} ran full."
    return f"{first}.", f"A heap behind it would hold up to {result.missed_bytes_peak:,} bytes."


def _instead(result: PoolResult, tuned: TuneResult) -> str:
    """Return what the tuner would do, as a sentence."""
    pool, total = tuned.config, tuned.total
    tiers = ",".join(map(str, pool.tiers))
    rate = percent(total.hits, total.requests)
    has = result.stats.hits + result.stats.spills
    if total.hits == total.requests and pool.slots_bytes < result.config.slots_bytes:
        size = f"{pool.slots_bytes:,} bytes"
        share = percent(pool.slots_bytes, result.config.slots_bytes)
        return f"A strict {tiers} would serve all of it in {size}, {share} of these."
    if total.hits <= has:
        return f"No strict pool of at most {tuned.goal.max_tiers} tiers does better in its bytes."
    return (
        f"In no more bytes ({pool.slots_bytes:,}) the best strict pool of at most"
        f" {tuned.goal.max_tiers} tiers, {tiers}, serves {rate}: {total.hits:,} requests,"
        " replayed."
    )


def tune_verdict(result: TuneResult) -> tuple[str, ...]:
    """Return what was found for which goal."""
    total, pool = result.total, result.config
    rate = percent(total.hits, total.requests)
    return (
        f"The best pool is {pool}: {pool.slots_bytes:,} bytes of slots serve {rate} of"
        f" {plural(total.requests, 'request')}.",
        f"The goal was {result.goal.words()}.",
    )


def curve_verdict(result: CurveSet) -> tuple[str, ...]:
    """Return how many slots of each tier suffice."""
    words = []
    for index, slot_bytes in enumerate(result.boundaries):
        needs = [curve.tiers[index].zero_miss_slots for curve in result.curves]
        known = [need for need in needs if need is not None]
        words.append(
            f"{slot_bytes}x{max(known)}" if len(known) == len(needs) else f"{slot_bytes}x?"
        )
    oversize = sum(curve.oversize for curve in result.curves)
    method = result.curves[0].method
    return (
        f"Nothing of these sizes is missed with {','.join(words)} ({method}).",
        f"Larger than every tier: {plural(oversize, 'request')}.",
    )


def sweep_verdict(result: SweepResult) -> tuple[str, ...]:
    """Return what ran, and which pool was best."""
    best = result.pools[result.pools["is_best"]][-1]
    pool = result.configs[int(best["config"])]
    return (
        f"{plural(len(result.configs), 'pool')} ran on {plural(len(result.inputs), 'input')}.",
        f"The highest hit rate has {pool} with {int(best['slots_bytes']):,} bytes of slots:"
        f" {100 * float(best['hit_rate']):.1f} %.",
    )
