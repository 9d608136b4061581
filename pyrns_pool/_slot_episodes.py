"""Misses grouped by the stretches of time in which the tiers that might serve them are full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._slot_follow import Followed
from pyrns_pool.slot_results import EPISODE_DTYPE

__all__ = ["episodes_of"]


def episodes_of(followed: Followed) -> NDArray[np.void]:
    """Return ``episodes`` of a `SlotUse`."""
    missed = followed.trace.alloc_rows[followed.spans["tier"] < 0]
    home = followed.home[followed.spans["tier"] < 0]
    tiers = followed.config.tiers
    # Oversize requests find no slot at any time: to them the pool is full from the beginning.
    full = np.ones(len(followed.trace), np.bool_)
    larger_free = np.zeros(len(followed.trace), np.int64)
    tables = [_stretches(followed, missed[home == len(tiers)], full, larger_free, -1)]
    for index in reversed(range(len(tiers))):
        usable = tiers[index].slot_count - tiers[index].reserve_count
        free = usable - followed.in_use(index)
        full = (free == 0) & (full if followed.config.policy == "spill" else True)
        tables.append(_stretches(followed, missed[home == index], full, larger_free, index))
        larger_free = larger_free + free
    rows = np.concatenate(tables)
    ordered: NDArray[np.void] = rows[np.lexsort((rows["tier"], rows["first_ns"]))]
    return ordered


def _stretches(
    followed: Followed,
    missed: NDArray[np.int64],
    full: NDArray[np.bool_],
    larger_free: NDArray[np.int64],
    tier: int,
) -> NDArray[np.void]:
    """Return an episode for each stretch of events that are `full` with `missed` events in it."""
    change = np.flatnonzero(np.diff(np.pad(full, 1)))
    begin, end = change[::2], change[1::2]  # From event begin up to event end, by turns.
    stretch = np.searchsorted(begin, missed, side="right") - 1
    which, first, misses = np.unique(stretch, return_index=True, return_counts=True)
    rows = np.zeros(len(which), EPISODE_DTYPE)
    if not len(which):
        return rows
    clock, events = followed.clock, followed.trace.events
    sizes = events["size"][missed]
    rows["tier"], rows["misses"] = tier, misses
    rows["first_ns"], rows["last_ns"] = clock[missed[first]], clock[missed[first + misses - 1]]
    rows["full_from_ns"], rows["full_until_ns"] = clock[begin[which]], clock[end[which]]
    rows["size_min"] = np.minimum.reduceat(sizes, first)
    rows["size_max"] = np.maximum.reduceat(sizes, first)
    rows["bytes"] = np.add.reduceat(sizes, first)
    rows["larger_free"] = np.minimum.reduceat(larger_free[missed], first)
    sites = events["site"][missed].astype(np.int64)
    leading = _leading_sites(np.repeat(np.arange(len(which)), misses), sites)
    rows["site"], rows["site_misses"] = leading
    return rows


def _leading_sites(
    episode: NDArray[np.int64], site: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each episode the site that missed most, of equals the first, and its misses."""
    sites = int(site.max()) + 1
    keys, counts = np.unique(episode * sites + site, return_counts=True)
    order = np.lexsort((keys % sites, -counts, keys // sites))
    _, first = np.unique(keys[order] // sites, return_index=True)
    leading = order[first]
    return keys[leading] % sites, counts[leading]
