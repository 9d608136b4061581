"""The data twins of what is known of slots and blocks, once a replay has followed them.

``tier`` is the index of a tier, or -1 (NO_TIER) for the requests larger than every tier.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.results import ReplayResult
from pyrns_pool.slot_results import EPISODE_DTYPE, PINNED_DTYPE, SlotUse

__all__ = [
    "episodes_data",
    "holders_data",
    "lifetimes_data",
    "pinned_data",
    "raster_data",
    "slots_of",
]

_TIER = [("tier", "<i4"), ("slot_bytes", "<u8")]
RASTER_DTYPE = np.dtype(
    [*_TIER, ("first_slot", "<i4"), ("slots", "<i4"), ("start_ns", "<i8"), ("end_ns", "<i8")]
    + [("busy", "<f8"), ("pinned", "<f8"), ("takes", "<i8")]
)
LIFETIMES_DTYPE = np.dtype(
    [*_TIER, ("age_ns", "<i8"), ("blocks", "<i8"), ("held", "<i8"), ("held_share", "<f8")]
)


def slots_of(result: ReplayResult) -> SlotUse:
    """Return what is known of a result's blocks; raise ValueError if they were not followed."""
    if result.slots is None:
        raise ValueError("result: the blocks were not followed; replay with slots=True")
    return result.slots


def raster_data(result: ReplayResult) -> NDArray[np.void]:
    """Return what `raster_figure` shows.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each cell in which a slot was in use: ``tier``, ``slot_bytes``,
        ``first_slot`` and how many ``slots`` share the cell; ``start_ns``, ``end_ns`` (the bin is
        [start, end)); the shares of the slots' time, 0 to 1, that they were in use, ``busy``, and
        ``pinned``; and how often one was taken, ``takes``.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use = slots_of(result)
    row, column = np.nonzero((use.cells["busy_ns"] > 0) | (use.cells["takes"] > 0))
    rows = np.zeros(len(row), RASTER_DTYPE)
    for name in ("tier", "first_slot", "slots"):
        rows[name] = use.rows[name][row]
    rows["slot_bytes"] = _slot_bytes(result, rows["tier"])
    rows["start_ns"], rows["end_ns"] = use.edges_ns[column], use.edges_ns[column + 1]
    for name, share in zip(("busy", "pinned"), use.shares()):
        rows[name] = share[row, column]
    rows["takes"] = use.cells["takes"][row, column]
    return rows


def pinned_data(result: ReplayResult) -> NDArray[np.void]:
    """Return the slots that `raster_figure` counts as pinned.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each slot that one block has for more than half of the trace: ``tier``,
        ``slot``, the ``site`` by name and ``size_bytes`` of the block, ``begin_ns``, ``end_ns``.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use = slots_of(result)
    return _with_sites(use, use.pinned, PINNED_DTYPE)


def holders_data(result: ReplayResult) -> NDArray[np.void]:
    """Return what `holders_figure` shows.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    structured ndarray, shape (n,)
        For each tier every site that holds slots at the high-water mark, most first: ``tier``,
        ``site`` by name, ``slots``, the ``bytes`` requested for them, how many are ``pinned``,
        ``slot_bytes``, and ``share``, of the slots in use then, 0 to 1.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use = slots_of(result)
    dtype = np.dtype([*use.holders.dtype.descr, ("slot_bytes", "<u8"), ("share", "<f8")])
    rows = _with_sites(use, use.holders, dtype)
    rows["slot_bytes"] = _slot_bytes(result, rows["tier"])
    high_water = np.array([tier.high_water for tier in result.stats.tiers])
    rows["share"] = rows["slots"] / high_water[rows["tier"]]
    return rows


def lifetimes_data(result: ReplayResult) -> NDArray[np.void]:
    """Return what `lifetimes` shows.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    structured ndarray, shape (n,)
        For each home tier with requests, by rising age: ``tier``, ``slot_bytes`` (0 of the
        oversize requests), ``age_ns``, ``blocks``, how many of them were not freed so long after
        their allocation, ``held``, and ``held_share``, 0 to 1.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use = slots_of(result)
    rows = np.zeros(len(use.ages), LIFETIMES_DTYPE)
    for name in use.ages.dtype.names or ():
        rows[name] = use.ages[name]
    rows["slot_bytes"] = _slot_bytes(result, rows["tier"])
    for tier, blocks, *_ in use.lifetimes.tolist():
        rows["blocks"][rows["tier"] == tier] = blocks
    rows["held_share"] = rows["held"] / rows["blocks"]
    return rows


def episodes_data(result: ReplayResult) -> NDArray[np.void]:
    """Return what `episodes_figure` shows.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each stretch of time in which the tiers that might serve a request were full,
        and in which something was missed, by the first miss: the fields of
        `pyrns_pool.slot_results.EPISODE_DTYPE`, the ``site`` by name, and ``slot_bytes`` (0 of
        the oversize requests).

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use = slots_of(result)
    dtype = np.dtype([*EPISODE_DTYPE.descr, ("slot_bytes", "<u8")])
    rows = _with_sites(use, use.episodes, dtype)
    rows["slot_bytes"] = _slot_bytes(result, rows["tier"])
    return rows


def _with_sites(use: SlotUse, rows: NDArray[np.void], dtype: Any) -> NDArray[np.void]:
    """Return rows of this dtype, but that their ``site`` is its name."""
    names = np.array([use.site(index) for index in range(len(use.sites))])
    fields = [(name, names.dtype if name == "site" else kind) for name, kind in dtype.descr]
    named = np.zeros(len(rows), np.dtype(fields))
    for name in rows.dtype.names or ():
        named[name] = names[rows[name]] if name == "site" else rows[name]
    return named


def _slot_bytes(result: ReplayResult, tiers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the slot size of each tier, 0 of none."""
    sizes = np.array([*(tier.slot_bytes for tier in result.config.tiers), 0])
    found: NDArray[np.int64] = sizes[tiers]
    return found
