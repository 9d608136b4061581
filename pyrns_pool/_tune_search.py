"""The search behind `pyrns_pool.tune.tune`: curves, table, answer, and what stands around it."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._tune_ranges import Ranges
from pyrns_pool._tune_table import Choice, Rules, Table
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, PredictionError
from pyrns_pool.replay import replay
from pyrns_pool.results import ReplayResult
from pyrns_pool.trace import Trace
from pyrns_pool.tune_results import FRONT_DTYPE, Compared, Counts, Goal, TierNeed

__all__ = ["Tuner", "counts", "part_of", "verified"]

FIRST_BYTES = 1 << 15  # The first table where no budget says how large it must be.
FRONT_STEPS = 120
WORST_ROUNDS, WORST_STEP = 12, 8.0

Progress = Optional[Callable[[float], object]]


def part_of(progress: Progress, begin: float, share: float) -> Progress:
    """Return a callback for a part of the work."""
    if progress is None:
        return None
    report = progress
    return lambda done: report(begin + share * done)


class Hits(NamedTuple):
    """Requests and hits of one tier."""

    requests: int
    hits: int


def tier_hits(ranges: Ranges, choice: Choice) -> list[Hits]:
    """Return what the curves say of each tier of a pool."""
    rows = []
    for (lower, upper, slots), tier in zip(choice.parts, choice.config.tiers):
        requests = int(ranges.requests[upper] - ranges.requests[lower])
        rows.append(Hits(requests, ranges.hits_with(lower, upper, slots - tier.reserve_count)))
    return rows


def counts(ranges: Ranges, choice: Choice) -> Counts:
    """Return what the curves say of a pool."""
    rows = tier_hits(ranges, choice)
    requests, hits = (sum(column) for column in zip(*rows))
    total = ranges.trace.block_count
    return Counts(total, hits, exhausted=requests - hits, oversize=total - requests)


def verified(ranges: Ranges, choice: Choice) -> ReplayResult:
    """Replay a pool, and raise PredictionError unless every tier does what was predicted."""
    result = replay(ranges.trace, choice.config, bins=1)
    for tier, wanted in zip(result.stats.tiers, tier_hits(ranges, choice)):
        if (tier.requests, tier.hits) != wanted:
            name = ranges.trace.provenance.get("file", "trace")
            raise PredictionError(
                f"{name}: {choice.config}: tier {tier.slot_bytes}: predicted {wanted.hits} hits "
                f"of {wanted.requests} requests, the pool had {tier.hits} of {tier.requests}"
            )
    return result


class Tuner:
    """Curves and table of one call of `tune`.

    Parameters
    ----------
    traces, weights, goal, sizes
        As `tune` has checked them.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.
    """

    def __init__(
        self,
        traces: Sequence[Trace],
        weights: Sequence[int],
        goal: Goal,
        sizes: Sequence[int],
        progress: Progress = None,
    ) -> None:
        self.goal, self.progress = goal, progress
        share = 0.5 / len(traces)
        self.ranges = [
            Ranges(trace, sizes, part_of(progress, i * share, share))
            for i, trace in enumerate(traces)
        ]
        self.rules = Rules(self.ranges, weights, goal.require, goal.max_fragmentation)
        self.table: Table

    def worst(self, bytes_wanted: Sequence[int] = ()) -> tuple[Choice, float]:
        """Return the pool with the largest smallest hit rate that weighing finds, and a bound.

        The smallest of several rates is at most any weighted mean of them, and the table has the
        largest of those. So each weighing gives a pool and a bound; the next one weighs more
        what was served less.
        """
        goal, asked = self.goal, [ranges.trace.block_count for ranges in self.ranges]
        shares = np.full(len(asked), 1 / len(asked))
        bound, kept = 1.0, None
        for _ in range(WORST_ROUNDS):
            weights = [max(1, int(share * (1 << 29) / n)) for share, n in zip(shares, asked)]
            self.rules = Rules(self.ranges, weights, goal.require, goal.max_fragmentation)
            found = self.answer(bytes_wanted)
            rates = np.array([counts(ranges, found).hit_rate for ranges in self.ranges])
            bound = min(bound, found.hits / self.rules.requests)
            if kept is None or rates.min() > kept[0]:
                kept = (float(rates.min()), found, self.rules, self.table)
            if kept[0] >= bound:
                break
            shares *= np.exp(WORST_STEP * (rates.mean() - rates))
            shares /= shares.sum()
        assert kept is not None
        rate, found, self.rules, self.table = kept
        return found, max(rate, bound)

    def answer(self, bytes_wanted: Sequence[int] = ()) -> Choice:
        """Fill the table, also for pools of so many bytes, and return the best pool."""
        goal, (most_hits, most_bytes) = self.goal, self.rules.most(self.goal.max_tiers)
        fill = part_of(self.progress, 0.5, 0.4)
        if goal.budget_bytes is not None:
            bytes_max = min(most_bytes, max(goal.budget_bytes, *bytes_wanted, 0))
            self.table = Table(self.rules, goal.max_tiers, bytes_max, fill)
            found = self.table.choice(goal.budget_bytes)
            if found is None:
                raise ConfigError(
                    f"budget_bytes: {goal.budget_bytes} bytes hold no pool as required"
                )
            return found
        hits = self._hits_asked(most_hits)
        bytes_max = most_bytes if hits == most_hits else max(FIRST_BYTES, *bytes_wanted, 0)
        while True:
            bytes_max = min(bytes_max, most_bytes)
            self.table = Table(self.rules, goal.max_tiers, bytes_max, fill)
            found = self.table.smallest(hits)
            if found is not None:
                return found
            bytes_max *= 2

    def _hits_asked(self, most_hits: int) -> int:
        goal, requests = self.goal, self.rules.requests
        if goal.max_misses is not None:
            name, value, hits = "max_misses", str(goal.max_misses), requests - goal.max_misses
        else:
            assert goal.min_hit_rate is not None
            name, value = "min_hit_rate", str(goal.min_hit_rate)
            hits = int(goal.min_hit_rate * requests)
            while hits / requests < goal.min_hit_rate:
                hits += 1
        if hits > most_hits:
            raise ConfigError(
                f"{name}: {value} is out of reach: pools as required serve at most {most_hits} of "
                f"{requests} requests"
            )
        return max(hits, 0)

    def needs(self, choice: Choice) -> tuple[TierNeed, ...]:
        """Return what each tier serves, and what would have sufficed."""
        rows = []
        per_trace = [tier_hits(ranges, choice) for ranges in self.ranges]
        for i, (lower, upper, slots) in enumerate(choice.parts):
            unused, whole_slots = self.rules.fragmentation(lower, upper)
            reserve = choice.config.tiers[i].reserve_count
            rows.append(
                TierNeed(
                    slot_bytes=self.rules.size(upper),
                    slots=slots,
                    requests=sum(hits[i].requests for hits in per_trace),
                    hits=sum(hits[i].hits for hits in per_trace),
                    sufficient_slots=reserve + max(len(r.hits[lower, upper]) for r in self.ranges),
                    fragmentation=unused / whole_slots if whole_slots else 0.0,
                )
            )
        return tuple(rows)

    def beside(self, name: str, config: PoolConfig) -> Compared:
        """Replay another pool, and the best of no more bytes."""
        others = [replay(ranges.trace, config, bins=1) for ranges in self.ranges]
        fits = [fit for other in others for fit in other.fit]
        unused = sum(fit.internal_fragmentation_bytes for fit in fits)
        slots = unused + sum(fit.requested_bytes for fit in fits)
        best = self.table.choice(config.slots_bytes)
        predicted = replayed = 0
        if best is not None:
            predicted = sum(counts(ranges, best).hits for ranges in self.ranges)
            results = [verified(ranges, best) for ranges in self.ranges]
            replayed = sum(result.stats.hits for result in results)
        return Compared(
            name=name,
            config=config,
            requests=sum(other.stats.requests for other in others),
            served=sum(other.stats.hits + other.stats.spills for other in others),
            fragmentation=unused / slots if slots else 0.0,
            tuned=None if best is None else best.config,
            predicted=predicted,
            replayed=replayed,
        )

    def front(self, budgets: Sequence[int]) -> NDArray[np.void]:
        """Return the best pools of these budgets, and of some between none and the largest."""
        table = self.table
        least = int(np.argmax((table.front >= 0).any(axis=0))) * table.unit
        most = table.bytes_max
        steps = np.linspace(least, most, FRONT_STEPS).round().astype(int)
        wanted = sorted({*steps.tolist(), *(b for b in budgets if least <= b <= most)})
        rows = []
        for budget in wanted:
            best: Optional[Choice] = None
            for number in range(1, self.goal.max_tiers + 1):
                found = table.choice(budget, number)
                if found is not None and (best is None or found.hits > best.hits):
                    best = found
                if best is not None:
                    rows.append(self._front_row(number, budget, best))
        front = np.array(sorted(rows), FRONT_DTYPE)
        front["is_pareto"] = ~_is_dominated(front)
        front.flags.writeable = False
        return front

    def _front_row(self, tiers_max: int, budget: int, choice: Choice) -> tuple[object, ...]:
        size, share = choice.config.slots_bytes, self._fragmentation(choice)
        return (tiers_max, budget, size, choice.hits, self.rules.requests, share, False)

    def _fragmentation(self, choice: Choice) -> float:
        pairs = [self.rules.fragmentation(lower, upper) for lower, upper, _ in choice.parts]
        slots = sum(pair[1] for pair in pairs)
        return sum(pair[0] for pair in pairs) / slots if slots else 0.0


def _is_dominated(front: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return of which rows another is better in one thing and worse in none."""
    better = np.zeros((len(front), len(front)), np.bool_)
    no_worse = np.ones((len(front), len(front)), np.bool_)
    for name, sign in (("bytes", 1), ("hits", -1), ("fragmentation", 1)):
        values = sign * front[name]
        better |= values[:, np.newaxis] < values
        no_worse &= values[:, np.newaxis] <= values
    dominated: NDArray[np.bool_] = (better & no_worse).any(axis=0)
    return dominated
