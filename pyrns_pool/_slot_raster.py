"""Slots against time: in use for how long in each bin, and by blocks that pin them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._slot_follow import Followed
from pyrns_pool._timeline import bin_edges
from pyrns_pool.config import PoolConfig
from pyrns_pool.slot_results import CELL_DTYPE, ROW_DTYPE

__all__ = ["raster_of"]

BINS_MAX = 320
ROWS_MAX = 48
"""Of a tier; one with more slots has several in a row."""


def raster_of(followed: Followed) -> dict[str, NDArray[Any]]:
    """Return ``edges_ns``, ``rows`` and ``cells`` of a `SlotUse`."""
    extent_ns = int(followed.clock[0]), int(followed.clock[-1])
    edges_ns = bin_edges(*extent_ns, BINS_MAX, followed.config)
    rows = _rows(followed.config)
    cells = np.zeros((len(rows), len(edges_ns) - 1), CELL_DTYPE)

    served = np.flatnonzero(followed.spans["tier"] >= 0)
    spans = followed.spans[served]
    first_row = np.searchsorted(rows["tier"], np.arange(len(followed.config.tiers)))
    per_row = rows["slots"][first_row]
    row = first_row[spans["tier"]] + spans["slot"] // per_row[spans["tier"]]
    begin_ns, end_ns = followed.begin_ns[served], followed.end_ns[served]
    cells["busy_ns"] = _time_in_cells(row, begin_ns, end_ns, edges_ns, len(rows))
    pinning = followed.is_pinning[served]
    cells["pinned_ns"] = _time_in_cells(
        row[pinning], begin_ns[pinning], end_ns[pinning], edges_ns, len(rows)
    )
    bins = np.searchsorted(edges_ns, begin_ns, side="right") - 1
    takes = np.bincount(row * cells.shape[1] + bins, minlength=cells.size)
    cells["takes"] = takes.reshape(cells.shape)
    return {"edges_ns": edges_ns, "rows": rows, "cells": cells}


def _rows(config: PoolConfig) -> NDArray[np.void]:
    """Return the rows; all of a tier, but for the last, have as many slots as the first."""
    rows = []
    for index, tier in enumerate(config.tiers):
        size = -(-tier.slot_count // ROWS_MAX)
        for first in range(0, tier.slot_count, size):
            rows.append((index, first, min(size, tier.slot_count - first)))
    return np.array(rows, ROW_DTYPE)


def _time_in_cells(
    row: NDArray[np.int64],
    begin_ns: NDArray[np.int64],
    end_ns: NDArray[np.int64],
    edges_ns: NDArray[np.int64],
    row_count: int,
) -> NDArray[np.int64]:
    """Return how long the spans from `begin_ns` to `end_ns` are in each bin, summed by row.

    A span counts from its begin to the end of that bin and through all later bins; from its end
    on, that is taken back.
    """
    # A last bin without width holds the moments at the end.
    edges_ns = np.append(edges_ns, edges_ns[-1:])
    width = np.diff(edges_ns)
    total = np.zeros((row_count, len(width)), np.int64)
    running = np.zeros((row_count, len(width) + 1), np.int64)
    for sign, t_ns in ((1, begin_ns), (-1, end_ns)):
        at = np.searchsorted(edges_ns[:-1], t_ns, side="right") - 1
        np.add.at(total, (row, at), sign * (edges_ns[at + 1] - t_ns))
        np.add.at(running, (row, at + 1), sign)
    in_use = np.cumsum(running, axis=1)[:, :-1]
    times: NDArray[np.int64] = (total + in_use * width)[:, :-1]
    return times
