"""Misses in episodes: when a tier was full, for how long, and what it missed meanwhile."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pyrns_pool.plot._slots_data import episodes_data, slots_of
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack, table_in, text_table
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    INK,
    TimeAxis,
    count_tick,
    extent_pt,
    frame,
    house_style,
    legend_pt,
    panel_title,
    tier_colour,
    tier_name,
    tint,
    top_legend,
)
from pyrns_pool.results import ReplayResult
from pyrns_pool.slot_results import EPISODE_COLUMNS
from pyrns_pool.words import plural

__all__ = ["episodes", "episodes_figure"]

_CHART_IN, _TITLE_IN, _AXIS_IN, _FOOT_IN = 2.4, 0.3, 0.55, 0.1
_SHOWN = 8
_FLOOR = 0.7  # Of the logarithmic scale, under an episode of one miss.


def episodes(result: ReplayResult, ax: Axes, *, legend: bool = True) -> Axes:
    """Draw every episode of misses: when it was, how long the tier was full, how much it missed.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.
    ax : matplotlib Axes
        Where to draw; the scale of the misses becomes logarithmic.
    legend : bool, optional
        Whether to name the tiers, above the episodes.

    Returns
    -------
    matplotlib Axes
        `ax`. Each episode stands on a line at its first miss, so that the shortest can be seen,
        and reaches from the moment when the tier was full to the one when it no longer was.
        Those that `episodes_figure` lists are marked. The numbers are those of `episodes_data`.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    axis, use, rows = TimeAxis.of(result), slots_of(result), episodes_data(result)
    handles = []
    for tier in sorted(set(rows["tier"].tolist()), key=lambda tier: (tier < 0, tier)):
        mine = rows[rows["tier"] == tier]
        first, begin, end = (
            axis.positions(mine[name]) for name in ("first_ns", "full_from_ns", "full_until_ns")
        )
        misses, colour = mine["misses"].astype(np.float64), tier_colour(tier)
        stems = {"color": tint(colour, 0.55), "linewidth": 0.8, "label": f"stems {tier}"}
        ax.plot(*_lines(first, first, np.full(len(mine), _FLOOR), misses), **stems)
        spans = {"color": colour, "linewidth": 2.0, "solid_capstyle": "butt"}
        ax.plot(*_lines(begin, end, misses, misses), **spans, label=f"full {tier}")
        handles.append(Line2D([], [], label=tier_name(result, tier), **spans))
    for row in use.worst_episodes(_SHOWN):
        ring = {"markeredgecolor": INK, "markerfacecolor": "none", "markersize": 5}
        x = axis.position(int(row["first_ns"]))
        ax.plot([x], [row["misses"]], "o", markeredgewidth=0.7, clip_on=False, **ring)
    most = int(rows["misses"].max()) if len(rows) else 1
    words = legend_pt(ax, handles) if legend and handles else 4.0
    height = extent_pt(ax)[1]
    ax.set_yscale("log")
    ax.set_ylim(_FLOOR, _FLOOR * (2 * most / _FLOOR) ** (height / max(height - words, height / 3)))
    ax.yaxis.set_major_locator(FixedLocator([10.0**k for k in range(len(str(most)))]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("misses (log scale)")
    axis.apply(ax)
    ax.set_xlabel(axis.label)
    facts = "from full to not full" if len(rows) else "nothing was missed"
    panel_title(ax, "Episodes of misses", facts, FAINT)
    if legend and handles:
        top_legend(ax, handles)
    frame(ax)
    return ax


def _lines(x0: Any, x1: Any, y0: Any, y1: Any) -> tuple[Any, Any]:
    """Return a path of separate lines, from each (x0, y0) to its (x1, y1)."""
    gap = np.full(len(x0), np.nan)
    return np.stack([x0, x1, gap], axis=1).ravel(), np.stack([y0, y1, gap], axis=1).ravel()


@house_style()
def episodes_figure(result: ReplayResult) -> Sheet:
    """Draw `episodes` on a sheet, and list under it those that missed most.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    use, axis = slots_of(result), TimeAxis.of(result)
    count, misses = len(use.episodes), int(use.episodes["misses"].sum())
    title = f"Misses: {misses:,} in {plural(count, 'episode')}"
    columns = ("tier", *EPISODE_COLUMNS[:-1], f"{EPISODE_COLUMNS[-1]}:")
    table, colours = [], []
    for row in use.worst_episodes(_SHOWN):
        tier = int(row["tier"])
        name = "oversize" if tier < 0 else f"{result.config.tiers[tier].slot_bytes:,} B"
        table.append((name, *use.episode_words(row, axis.moment, axis.span)))
        colours.append(tier_colour(tier))
    panels = [Panel(_TITLE_IN, _CHART_IN, _AXIS_IN, partial(episodes, result, legend=False))]
    if table:
        write = partial(text_table, columns=columns, rows=table, colours=colours)
        panels.append(Panel(0.0, table_in(len(table)), _FOOT_IN, write))
    return stack(title, run_lines(result), panels)
