"""How long the blocks of each tier live, and who holds the slots at the high-water marks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._slot_follow import Followed
from pyrns_pool.slot_results import AGE_DTYPE, HOLDER_DTYPE, LIFETIME_DTYPE

__all__ = ["ages_of", "holders_of"]

# Whole numbers an eighth of an octave apart, up to the longest trace.
_AGES_NS = np.unique([(8 + eighth) << octave >> 3 for octave in range(63) for eighth in range(8)])


def ages_of(followed: Followed) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return ``ages`` and ``lifetimes`` of a `SlotUse`."""
    lived = followed.end_ns - followed.begin_ns
    is_freed = followed.spans["end"] < len(followed.trace)
    ages, lifetimes = [np.empty(0, AGE_DTYPE)], []
    tiers = len(followed.config.tiers)
    for home in range(tiers + 1):
        is_mine = followed.home == home
        blocks = int(np.count_nonzero(is_mine))
        if not blocks:
            continue
        freed = np.sort(lived[is_mine & is_freed])
        tier = home if home < tiers else -1
        ages.append(_ages(tier, blocks, freed))
        kept, longest = blocks - len(freed), int(freed[-1]) if len(freed) else -1
        passed = (_age_of(freed, -(-blocks // 2)), _age_of(freed, -(-99 * blocks // 100)))
        lifetimes.append((tier, blocks, kept, *passed, longest))
    return np.concatenate(ages), np.array(lifetimes, LIFETIME_DTYPE)


def _ages(tier: int, blocks: int, freed: NDArray[np.int64]) -> NDArray[np.void]:
    """Return rows from the last age at which all blocks are held to the first with the kept."""
    first = last = 0
    if len(freed):
        first = max(0, int(np.searchsorted(_AGES_NS, freed[0])) - 1)
        last = int(np.searchsorted(_AGES_NS, freed[-1]))
    grid = _AGES_NS[first : last + 1]
    rows = np.empty(len(grid), AGE_DTYPE)
    rows["tier"], rows["age_ns"] = tier, grid
    rows["held"] = blocks - np.searchsorted(freed, grid, side="right")
    return rows


def _age_of(freed: NDArray[np.int64], count: int) -> int:
    """Return the age at which `count` blocks are freed, -1 if fewer ever are."""
    return int(freed[count - 1]) if count <= len(freed) else -1


def holders_of(followed: Followed) -> NDArray[np.void]:
    """Return ``holders`` of a `SlotUse`."""
    spans = followed.spans
    tables = [np.empty(0, HOLDER_DTYPE)]
    for tier in range(len(followed.config.tiers)):
        peak = int(followed.in_use(tier).argmax())  # The first of several.
        is_live = (spans["tier"] == tier) & (spans["begin"] <= peak) & (peak < spans["end"])
        blocks = np.flatnonzero(is_live)
        sites, which = np.unique(followed.sites[blocks], return_inverse=True)
        rows = np.zeros(len(sites), HOLDER_DTYPE)
        rows["tier"], rows["site"] = tier, sites
        rows["slots"] = np.bincount(which, minlength=len(sites))
        np.add.at(rows["bytes"], which, followed.trace.block_sizes[blocks])
        np.add.at(rows["pinned"], which, followed.is_pinning[blocks])
        tables.append(rows[np.lexsort((rows["site"], -rows["slots"]))])
    return np.concatenate(tables)
