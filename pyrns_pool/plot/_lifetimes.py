"""How long blocks live, by home tier."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pyrns_pool.plot._slots_data import lifetimes_data, slots_of
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack, table_in, text_table
from pyrns_pool.plot._style import (
    GRID,
    TimeAxis,
    duration_text,
    extent_pt,
    frame,
    house_style,
    legend_pt,
    tier_colour,
    tier_name,
    top_legend,
)
from pyrns_pool.results import ReplayResult
from pyrns_pool.words import plural

__all__ = ["lifetimes", "lifetimes_figure"]

_CHART_IN, _TITLE_IN, _AXIS_IN, _FOOT_IN = 2.7, 0.3, 0.55, 0.1
_TICK_PT = 46.0
# Round durations that are about as far apart as the decades of the axis.
_ROUND_NS = [*(10**k for k in range(11)), *(60 * 10**k for k in (9, 10))]
_ROUND_NS += [3600 * 10**k for k in (9, 10, 11, 12, 13)]


def lifetimes(result: ReplayResult, ax: Axes, *, legend: bool = True) -> Axes:
    """Draw which share of each home tier's blocks is still held at what age.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.
    ax : matplotlib Axes
        Where to draw; both scales become logarithmic.
    legend : bool, optional
        Whether to name the tiers, above the lines.

    Returns
    -------
    matplotlib Axes
        `ax`. Counted are all requests, whether they were served or not; a line that ends above
        the axis ends in blocks that are never freed. The numbers are those of `lifetimes_data`.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    rows = lifetimes_data(result)
    least, longest = max(1, int(rows["age_ns"].min())), int(rows["age_ns"].max())
    right = 1.6 * max(longest, 10 * least)
    floor = 50 / int(rows["blocks"].max())
    handles = []
    for tier in dict.fromkeys(rows["tier"].tolist()):
        mine = rows[rows["tier"] == tier]
        age = np.concatenate(([least / 1.3], mine["age_ns"], [right]))
        share = 100 * np.concatenate(([1.0], mine["held_share"], mine["held_share"][-1:]))
        if not mine["held"][-1]:
            age[-1] = age[-2]
        look = {"color": tier_colour(tier), "linewidth": 1.4, "label": tier_name(result, tier)}
        look["linestyle"] = "-" if tier >= 0 else (0, (4, 2))
        handles += ax.plot(age, np.maximum(share, floor), **look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(least / 1.3, right)
    words = legend_pt(ax, handles) if legend else 4.0
    height = extent_pt(ax)[1]
    share_of_data = max(height - words, height / 3) / height
    ax.set_ylim(floor, floor * (100 / floor) ** (1 / share_of_data))
    _ticks(ax, TimeAxis.of(result), least, right)
    decades = [10.0**k for k in range(2, -10, -1) if 10.0**k >= floor]
    ax.yaxis.set_major_locator(FixedLocator(decades))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    for one in (ax.xaxis, ax.yaxis):
        one.set_minor_locator(NullLocator())
    ax.grid(True, color=GRID, linewidth=0.6)
    ax.set_xlabel("age (log scale)" if result.has_time else "age in events (log scale)")
    ax.set_ylabel("still held (%, log scale)")
    ax.set_title("Blocks still held, by home tier", loc="left", weight="bold")
    if legend:
        top_legend(ax, handles)
    frame(ax)
    return ax


def _ticks(ax: Axes, axis: TimeAxis, least: float, most: float) -> None:
    """Mark round ages, as many as have room."""
    known = _ROUND_NS if axis.unit else [10**k for k in range(19)]
    inside = [age for age in known if least / 1.3 <= age <= most]
    every = max(1, -(-len(inside) * _TICK_PT // extent_pt(ax)[0]))
    ax.xaxis.set_major_locator(FixedLocator(inside[:: int(every)]))
    text = duration_text if axis.unit else lambda x: f"{x:,.0f}"
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: text(x)))


@house_style()
def lifetimes_figure(result: ReplayResult) -> Sheet:
    """Draw `lifetimes` on a sheet, and under it the ages in figures.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. The table is in `tiers_data`.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    rows, axis = slots_of(result).lifetimes, TimeAxis.of(result)
    kept, blocks = int(rows["kept"].sum()), int(rows["blocks"].sum())
    title = f"Lifetimes: {plural(kept, 'block')} of {blocks:,} never freed"
    columns = ("home tier:", "blocks", "half freed in", "99 % freed in", "longest", "never freed")
    table, colours = [], []
    for tier, count, never, *ages in rows.tolist():
        cells = [axis.span(age) if age >= 0 else "-" for age in ages]
        table.append((tier_name(result, tier), f"{count:,}", *cells, f"{never:,}"))
        colours.append(tier_colour(tier))
    write = partial(text_table, columns=columns, rows=table, colours=colours)
    panels = [
        Panel(_TITLE_IN, _CHART_IN, _AXIS_IN, partial(lifetimes, result, legend=False)),
        Panel(0.0, table_in(len(table)), _FOOT_IN, write),
    ]
    return stack(title, run_lines(result), panels)
