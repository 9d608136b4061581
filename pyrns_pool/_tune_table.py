"""The table of best pools for every number of tiers and bytes, filled in C, read back here."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._tune_ranges import Progress, Ranges
from pyrns_pool.config import SLOT_COUNT_MAX, PoolConfig, Tier
from pyrns_pool.errors import ConfigError

__all__ = ["Choice", "Rules", "Table"]

HITS_MAX: int = none.lib.RNS_TUNE_HITS_MAX
CALL_ENTRIES = 1 << 24  # Some five milliseconds, after which Ctrl-C is seen.
TABLE_ENTRIES_MAX = 1 << 28  # 1 GiB.


class Choice(NamedTuple):
    """The best pool of its bytes."""

    config: PoolConfig
    hits: int
    """Weighted, of all traces together."""
    parts: tuple[tuple[int, int, int], ...]
    """Lower boundary, upper boundary and slots of each tier, as `Ranges` numbers them."""


class Rules:
    """Which tiers a pool may have, and what each of them hits over several traces.

    Parameters
    ----------
    ranges : sequence of Ranges
        One for each trace, of the same boundaries.
    weights : sequence of int
        What a hit counts in each trace.
    require : sequence of Tier
        Sizes that the pool must have, with at least so many slots and such a reserve.
    max_fragmentation : float, optional
        Share of a tier's slots that its requests may leave unused on average.
    """

    def __init__(
        self,
        ranges: Sequence[Ranges],
        weights: Sequence[int],
        require: Sequence[Tier] = (),
        max_fragmentation: Optional[float] = None,
    ) -> None:
        self.ranges, self.weights = tuple(ranges), tuple(weights)
        self.boundaries = self.ranges[0].boundaries
        self.required = {self.boundaries.index(tier.slot_bytes) + 1: tier for tier in require}
        self.last_required = max(self.required, default=0)
        self.max_fragmentation = max_fragmentation
        self._choices: dict[tuple[int, int], tuple[int, NDArray[np.int32]]] = {}
        self.requests = sum(r.trace.block_count * w for r, w in zip(ranges, weights))
        if self.requests > HITS_MAX:
            raise ConfigError(
                f"weights: {self.requests} weighted requests are more than {HITS_MAX}"
            )

    def size(self, boundary: int) -> int:
        """Return the slot size of a boundary."""
        return self.boundaries[boundary - 1]

    def fragmentation(self, lower: int, upper: int) -> tuple[int, int]:
        """Return the bytes that the requests of a tier leave unused, and those of their slots."""
        requests = sum(int(r.requests[upper] - r.requests[lower]) for r in self.ranges)
        asked = sum(int(r.requested_bytes[upper] - r.requested_bytes[lower]) for r in self.ranges)
        return requests * self.size(upper) - asked, requests * self.size(upper)

    def allows(self, lower: int, upper: int) -> bool:
        """Return whether a tier may follow one so much smaller."""
        if any(lower < boundary < upper for boundary in self.required):
            return False
        if self.max_fragmentation is None:
            return True
        unused, slots = self.fragmentation(lower, upper)
        return unused <= self.max_fragmentation * slots

    def most(self, tiers_max: int) -> tuple[int, int]:
        """Return the most hits that any pool has, and the fewest bytes for them."""
        count = len(self.boundaries)
        fewest: dict[tuple[int, int], int] = {(0, 0): 0}
        for upper in range(1, count + 1):
            for lower in range(upper):
                if not self.allows(lower, upper):
                    continue
                slots, hits = self.choices(lower, upper)
                size = (slots + len(hits) - 1) * self.size(upper)
                for number in range(1, tiers_max + 1):
                    if (number - 1, lower) in fewest:
                        total = fewest[number - 1, lower] + size
                        total = min(total, fewest.get((number, upper), total))
                        fewest[number, upper] = total
        ends = {upper for _, upper in fewest if upper >= max(self.last_required, 1)}
        if not ends:
            raise ConfigError(
                f"max_fragmentation: {self.max_fragmentation} is kept by no pool of at most "
                f"{tiers_max} tiers"
            )
        last = max(ends)
        served = sum(int(r.requests[last]) * w for r, w in zip(self.ranges, self.weights))
        return served, min(total for (_, upper), total in fewest.items() if upper == last)

    def choices(self, lower: int, upper: int) -> tuple[int, NDArray[np.int32]]:
        """Return the fewest slots that a tier may have, and the hits with so many and more."""
        if (lower, upper) not in self._choices:
            self._choices[lower, upper] = self._sum(lower, upper)
        return self._choices[lower, upper]

    def _sum(self, lower: int, upper: int) -> tuple[int, NDArray[np.int32]]:
        curves = [r.hits[lower, upper] for r in self.ranges]
        hits = np.zeros(max(1, *(len(curve) for curve in curves)), np.int32)
        for curve, weight in zip(curves, self.weights):
            if len(curve):
                hits[: len(curve)] += weight * curve
                hits[len(curve) :] += weight * curve[-1]
        tier = self.required.get(upper)
        if tier is None:
            return 1, hits[:SLOT_COUNT_MAX]
        # Requests without priority find the slots of the reserve taken.
        hits = np.concatenate((np.zeros(tier.reserve_count, np.int32), hits))
        return tier.slot_count, hits[min(tier.slot_count, len(hits)) - 1 : SLOT_COUNT_MAX]


class Table:
    """The most hits of every number of tiers, last boundary and number of bytes.

    Parameters
    ----------
    rules : Rules
        Which tiers there may be.
    tiers_max : int
        Most tiers.
    bytes_max : int
        Most bytes of slots.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Attributes
    ----------
    unit : int
        Bytes that every slot size is a multiple of.
    front : ndarray of int32, shape (tiers_max, units + 1)
        Most hits of exactly so many tiers, row 0 for one, in so many units; below 0: no pool.

    Raises
    ------
    ConfigError
        If the table would be larger than a gibibyte.
    """

    def __init__(
        self, rules: Rules, tiers_max: int, bytes_max: int, progress: Progress = None
    ) -> None:
        self.rules = rules
        self.unit = gcd(*rules.boundaries)
        self.bytes_max = bytes_max
        units, count = bytes_max // self.unit, len(rules.boundaries)
        if tiers_max * count * (units + 1) > TABLE_ENTRIES_MAX:
            raise ConfigError(
                f"budget: {bytes_max} bytes in units of {self.unit} and {count} candidates make a "
                f"table of more than {TABLE_ENTRIES_MAX} entries; take larger units or fewer sizes"
            )
        self.best = np.empty((tiers_max, count, units + 1), np.int32)
        self._fill(progress)
        ends = self.best[:, max(rules.last_required, 1) - 1 :]
        self.front: NDArray[np.int32] = ends.max(axis=1)

    def _fill(self, progress: Progress) -> None:
        lib, ffi = none
        tiers_max, count, entries = self.best.shape
        best = ffi.from_buffer("int32_t[]", self.best)
        table = ffi.new("rns_tune_t *", [tiers_max, count, entries - 1, best])
        lib.rns_tune_begin(table)
        part = max(1, CALL_ENTRIES // (tiers_max * entries))
        for upper in range(1, count + 1):
            size = self.rules.size(upper) // self.unit
            for lower in range(upper):
                if not self.rules.allows(lower, upper):
                    continue
                slots, hits = self.rules.choices(lower, upper)
                hits = np.ascontiguousarray(hits[: max(0, (entries - 1) // size - slots + 1)])
                held = ffi.from_buffer("int32_t[]", hits)
                for first in range(0, len(hits), part):
                    some = min(part, len(hits) - first)
                    values = [lower, upper, size, slots + first, some, held + first]
                    lib.rns_tune_offer(table, ffi.new("rns_tune_range_t *", values))
            if progress is not None:
                progress(upper / count)

    def choice(self, bytes_max: int, tiers: Optional[int] = None) -> Optional[Choice]:
        """Return the pool with the most hits, of those the smallest, of those the fewest tiers.

        Parameters
        ----------
        bytes_max : int
            Most bytes; more than the table has are as good as those.
        tiers : int, optional
            Exactly so many tiers; any number without.

        Returns
        -------
        Choice or None
            None if no pool is that small.
        """
        at = min(bytes_max, self.bytes_max) // self.unit
        numbers = range(1, len(self.front) + 1) if tiers is None else (tiers,)
        found = []
        for number in numbers:
            row = self.front[number - 1]
            hits = int(row[at])
            if hits >= 0:
                found.append((-hits, int(np.searchsorted(row, hits)), number))
        return self._trace(*min(found)[1:]) if found else None

    def smallest(self, hits: int) -> Optional[Choice]:
        """Return the smallest pool with so many hits, None if the table has none."""
        found = []
        for number, row in enumerate(self.front, start=1):
            at = int(np.searchsorted(row, hits))
            if at < len(row):
                found.append((at, -int(row[at]), number))
        if not found:
            return None
        at, _, number = min(found)
        return self._trace(at, number)

    def _trace(self, at: int, tiers: int) -> Choice:
        """Return a pool that has what `front` says."""
        wanted = hits = int(self.front[tiers - 1, at])
        ends = self.best[tiers - 1, :, at]
        ends = np.where(np.arange(len(ends)) + 1 >= self.rules.last_required, ends, -1)
        upper = int(np.flatnonzero(ends == hits)[0]) + 1
        parts: list[tuple[int, int, int]] = []
        for number in range(tiers, 0, -1):
            lower, slots, gained = self._step(number, upper, at, wanted)
            parts.append((lower, upper, slots))
            at -= slots * self.rules.size(upper) // self.unit
            wanted -= gained
            upper = lower
        parts.reverse()
        return Choice(self._config(parts), hits, tuple(parts))

    def _step(self, number: int, upper: int, at: int, wanted: int) -> tuple[int, int, int]:
        """Return the boundary below, the slots and the hits of the last of `number` tiers."""
        size = self.rules.size(upper) // self.unit
        for lower in range(upper) if number > 1 else (0,):
            if (lower == 0) != (number == 1) or not self.rules.allows(lower, upper):
                continue
            first, hits = self.rules.choices(lower, upper)
            slots = np.arange(first, first + len(hits))
            slots = slots[slots * size <= at]
            hits = hits[: len(slots)]
            sums = hits.copy()
            if number > 1:
                sums += self.best[number - 2, lower - 1, at - slots * size]
            found = np.flatnonzero(sums == wanted)
            if len(found):
                return lower, int(slots[found[0]]), int(hits[found[0]])
        raise AssertionError("the table contradicts itself")

    def _config(self, parts: Sequence[tuple[int, int, int]]) -> PoolConfig:
        tiers = []
        for _, upper, slots in parts:
            needed = self.rules.required.get(upper)
            reserve = 0 if needed is None else needed.reserve_count
            tiers.append(Tier(self.rules.size(upper), slots, reserve))
        return PoolConfig(tuple(tiers))
