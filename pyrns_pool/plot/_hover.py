"""Numbers under the pointer: where the panels of a figure are, and what they show there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pyrns_pool.curve_results import CurveSet
from pyrns_pool.plot._curve import hit_curve_data
from pyrns_pool.plot._data import occupancy_data
from pyrns_pool.plot._sheet import Sheet
from pyrns_pool.plot._style import TimeAxis
from pyrns_pool.plot._slots_data import slots_of
from pyrns_pool.results import PoolResult, ReplayResult

__all__ = ["hover_data"]

POINTS_MAX = 400
"""Of each panel; a finger or a pointer cannot tell more apart."""


def hover_data(name: str, result: Any, sheet: Sheet) -> list[dict[str, Any]]:
    """Return what a figure shows at each place, for those that can say it in a line.

    Parameters
    ----------
    name : str
        Of the figure, as `figures_of` calls it.
    result : any result
        What is drawn.
    sheet : Sheet
        The figure.

    Returns
    -------
    list of dict
        For each panel: ``box`` (left, top, right and bottom as shares of the sheet), ``x`` (the
        limits of its axis), ``name``, ``unit``, ``at`` (ascending positions on the axis) and
        ``values``, pairs of a name and as many numbers. Empty for other figures.
    """
    if name == "occupancy" and isinstance(result, PoolResult):
        return _occupancy(result, sheet)
    if name == "raster" and isinstance(result, ReplayResult):
        return _raster(result, sheet)
    if name == "hit_curve" and isinstance(result, CurveSet) and len(result.curves) == 1:
        return _curve(result, sheet)
    return []


def _occupancy(result: PoolResult, sheet: Sheet) -> list[dict[str, Any]]:
    axis = TimeAxis.of(result)
    rows = occupancy_data(replace(result, timeline=result.timeline.coarsen(POINTS_MAX)))
    panels = []
    for index, tier in enumerate(result.config.tiers):
        mine = rows[rows["tier"] == index]
        values = [
            (f"in use of {tier.slot_count:,}: at least", mine["in_use_min"]),
            ("at most", mine["in_use_max"]),
            ("requests", mine["requests"]),
            ("missed", mine["exhausted"]),
        ]
        at = axis.positions(mine["start_ns"])
        panels.append(_panel(sheet.axes[index], f"{tier.slot_bytes:,} B", axis.unit, at, values))
    return panels


def _raster(result: ReplayResult, sheet: Sheet) -> list[dict[str, Any]]:
    use, axis = slots_of(result).coarsen(POINTS_MAX), TimeAxis.of(result)
    at, width = axis.positions(use.edges_ns[:-1]), np.diff(use.edges_ns)
    panels = []
    for index, tier in enumerate(result.config.tiers):
        cells = use.cells[use.rows["tier"] == index]
        busy, pinned = (cells[name].sum(axis=0) / width for name in ("busy_ns", "pinned_ns"))
        values = [
            (f"in use of {tier.slot_count:,}: mean", np.round(busy, 2)),
            ("pinned", np.round(pinned, 2)),
            ("taken", cells["takes"].sum(axis=0)),
        ]
        panels.append(_panel(sheet.axes[index], f"{tier.slot_bytes:,} B", axis.unit, at, values))
    return panels


def _curve(result: CurveSet, sheet: Sheet) -> list[dict[str, Any]]:
    rows = hit_curve_data(result)
    panels = []
    for index, size in enumerate(result.boundaries):
        mine = rows[rows["tier"] == index]
        keep = np.unique(np.linspace(0, max(0, len(mine) - 1), POINTS_MAX).astype(np.int64))
        mine = mine[keep] if len(mine) else mine
        rates = np.floor(10_000 * mine["hit_rate"]) / 100  # Only all is 100 %.
        values = [("hit rate in %", rates), ("hits", mine["hits"])]
        panels.append(_panel(sheet.axes[index], f"{size:,} B", "slots", mine["slots"], values))
    return panels


def _panel(
    ax: Axes,
    name: str,
    unit: str,
    at: NDArray[Any],
    values: Sequence[tuple[str, NDArray[Any]]],
) -> dict[str, Any]:
    box = ax.get_position()
    left, right = ax.get_xlim()
    shares = (box.x0, 1 - box.y1, box.x1, 1 - box.y0)
    return {
        "box": [round(float(share), 5) for share in shares],
        "x": [float(left), float(right)],
        "name": name,
        "unit": unit,
        "at": [round(float(place), 6) for place in at],
        "values": [[label, [_number(one) for one in column]] for label, column in values],
    }


def _number(value: Any) -> Optional[float]:
    """Return what JSON can hold."""
    plain = value.item()
    return None if plain != plain else plain
