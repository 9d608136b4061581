"""Which sites to keep out of the pool, or in a pool of their own, within the same budget.

Lifetimes decide more than sizes: a block that stays takes its slot from all the short ones of its
size. Each choice is tuned anew and exact; which sites are tried is a rule of thumb, those whose
blocks hold most bytes for longest.
"""

from __future__ import annotations

from typing import Callable, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._tune_ranges import Ranges
from pyrns_pool._tune_table import Choice, Rules, Table
from pyrns_pool.trace import Trace
from pyrns_pool.tune_pins import lifetimes
from pyrns_pool.tune_results import Goal, SiteChoice

__all__ = ["best_split", "site_choices", "site_sets"]

Progress = Optional[Callable[[float], object]]
Verify = Callable[[Ranges, Choice], object]


def site_sets(traces: Sequence[Trace], number: int) -> list[tuple[str, ...]]:
    """Return the sets of sites to try: each of the first, the first two, the first three, ...

    The first sites are those with most bytes times lifetime, summed over their blocks.
    """
    held: dict[str, float] = {}
    for trace in traces:
        lived, whole = lifetimes(trace)
        bytes_held = trace.block_sizes.astype(np.float64) * lived / max(whole, 1)
        used = trace.events["site"][trace.alloc_rows]
        sums = np.bincount(used, bytes_held, len(trace.sites))
        for site, total in zip(trace.sites, sums.tolist()):
            held[site] = held.get(site, 0.0) + total
    first = sorted((site for site in held if held[site]), key=lambda site: -held[site])[:number]
    together = [tuple(first[:count]) for count in range(2, len(first) + 1)]
    return [(site,) for site in first] + together


def site_choices(
    traces: Sequence[Trace],
    weights: Sequence[int],
    goal: Goal,
    boundaries: Sequence[int],
    budget_bytes: int,
    number: int,
    verify: Verify,
    progress: Progress = None,
) -> tuple[SiteChoice, ...]:
    """Return what keeping sites apart gives, most hits first.

    Parameters
    ----------
    traces, weights, goal
        As of `tune`. A pool and the one beside it have ``goal.max_tiers`` tiers together.
    boundaries : sequence of int
        Slot sizes to choose from.
    budget_bytes : int
        Most bytes of both pools together.
    number : int
        Sites to try alone, and the largest number to try together.
    verify : callable
        Replays a pool on the trace of its ranges, and raises if it does not do as predicted.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.
    """
    sets = site_sets(traces, number)
    choices: list[SiteChoice] = []
    for done, sites in enumerate(sets):
        choices += _apart(traces, weights, goal, boundaries, budget_bytes, sites, verify)
        if progress is not None:
            progress((done + 1) / len(sets))
    return tuple(sorted(choices, key=lambda one: (-one.hits, len(one.sites), one.place)))


def _apart(
    traces: Sequence[Trace],
    weights: Sequence[int],
    goal: Goal,
    boundaries: Sequence[int],
    budget_bytes: int,
    sites: tuple[str, ...],
    verify: Verify,
) -> list[SiteChoice]:
    others = _Part(traces, weights, sites, False, boundaries, goal, budget_bytes)
    own = _Part(traces, weights, sites, True, boundaries, goal, budget_bytes)
    requests = sum(trace.block_count for trace in traces)
    found: list[tuple[Choice, Optional[Choice]]] = []
    alone = others.table.choice(budget_bytes) if others.traces else None
    if alone is not None:
        found.append((alone, None))
    if others.traces and own.traces and goal.max_tiers > 1:
        pair = best_split(others.table, own.table, goal.max_tiers)
        found += [] if pair is None else [pair]
    rows = []
    for pool, second in found:
        other_hits = others.hits(pool, verify)
        own_hits = 0 if second is None else own.hits(second, verify)
        rows.append(
            SiteChoice(
                sites=sites,
                place="out" if second is None else "own pool",
                config=pool.config,
                own=None if second is None else second.config,
                requests=requests,
                hits=other_hits + own_hits,
                other_requests=others.requests,
                other_hits=other_hits,
            )
        )
    return rows


class _Part:
    """Some sites of all traces: their curves and their table."""

    def __init__(
        self,
        traces: Sequence[Trace],
        weights: Sequence[int],
        sites: tuple[str, ...],
        inside: bool,
        boundaries: Sequence[int],
        goal: Goal,
        bytes_max: int,
    ) -> None:
        pairs = [(_part(trace, sites, inside), weight) for trace, weight in zip(traces, weights)]
        kept = [(trace, weight) for trace, weight in pairs if trace is not None]
        self.traces = [trace for trace, _ in kept]
        self.requests = sum(trace.block_count for trace in self.traces)
        if not kept:
            return
        self.ranges = [Ranges(trace, boundaries) for trace in self.traces]
        factors = [weight for _, weight in kept]
        # What is required is required of the pool of the other sites.
        require = () if inside else goal.require
        rules = Rules(self.ranges, factors, require, goal.max_fragmentation)
        self.table = Table(rules, goal.max_tiers, bytes_max)

    def hits(self, choice: Choice, verify: Verify) -> int:
        """Return the hits of a pool on these sites, once the real pool has shown them."""
        total = 0
        for ranges in self.ranges:
            verify(ranges, choice)
            for (lower, upper, slots), tier in zip(choice.parts, choice.config.tiers):
                total += ranges.hits_with(lower, upper, slots - tier.reserve_count)
        return total


def _part(trace: Trace, sites: tuple[str, ...], inside: bool) -> Optional[Trace]:
    """Return the blocks of these sites, or all the others; None if there is none."""
    chosen = np.isin(np.array(trace.sites), sites)
    keep: NDArray[np.bool_] = chosen[trace.events["site"][trace.alloc_rows]] == inside
    if not keep.any():
        return None
    events = trace.events[keep[trace.blocks]]
    events.flags.writeable = False
    what = f"sites {'' if inside else 'other than '}{', '.join(sites)}"
    provenance = {**trace.provenance, "filter": what}
    return Trace(events, trace.sites, provenance, trace.has_time, trace.has_identity)


def best_split(one: Table, other: Table, tiers_max: int) -> Optional[tuple[Choice, Choice]]:
    """Return two pools with most hits together, in the bytes of one table and so many tiers."""
    best: Optional[tuple[int, int, int, int]] = None
    units = one.front.shape[1] - 1
    for tiers in range(1, tiers_max):
        for rest in range(1, tiers_max - tiers + 1):
            first, second = one.front[tiers - 1], other.front[rest - 1][::-1]
            sums = np.where((first >= 0) & (second >= 0), first + second, -1)
            at = int(sums.argmax())
            if sums[at] >= 0 and (best is None or sums[at] > best[0]):
                best = (int(sums[at]), at, tiers, rest)
    if best is None:
        return None
    _, at, tiers, rest = best
    parts = one.choice(at * one.unit, tiers), other.choice((units - at) * other.unit, rest)
    assert parts[0] is not None and parts[1] is not None
    return parts[0], parts[1]
