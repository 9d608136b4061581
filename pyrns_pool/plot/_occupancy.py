"""Slots in use over time, tier by tier, with what was missed under them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from pyrns_pool.plot._data import OCCUPANCY_BINS_MAX, occupancy_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    INK,
    MISS,
    TEXT_PT,
    TimeAxis,
    count_tick,
    extent_pt,
    frame,
    house_style,
    legend_pt,
    panel_title,
    percent,
    tier_colour,
    tier_name,
    tint,
    top_legend,
)
from pyrns_pool.results import NO_TIER, PoolResult
from pyrns_pool.stats import TierStats
from pyrns_pool.words import plural

__all__ = ["occupancy", "occupancy_figure", "oversize"]

# The band above the slots, where no data can be, is kept for words: its height. Rows of ticks lie
# below zero; theirs are shares of the slots.
_WORDS_PT = 18.0
_ROW = 0.24
_ROWS_GAP = 0.09
_PANEL_IN, _ROW_IN, _OVERSIZE_IN = 1.35, 0.16, 0.52
_TITLE_IN, _GAP_IN = 0.2, 0.1


def occupancy(result: PoolResult, ax: Axes, *, tier: int = 0, legend: bool = True) -> Axes:
    """Draw the slots of one tier in use over time, and its misses under them.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.
    ax : matplotlib Axes
        Where to draw.
    tier : int, optional
        Index of the tier.
    legend : bool, optional
        Whether to explain the marks, in the band above the slots that no data can reach.

    Returns
    -------
    matplotlib Axes
        `ax`. A bin's smallest and largest number in use are both drawn, so a peak of one event
        shows at any width. The numbers are those of `occupancy_data` and `tiers_data`.

    Raises
    ------
    ValueError
        If there is no such tier.
    """
    tiers = len(result.config.tiers)
    if not 0 <= tier < tiers:
        raise ValueError(f"tier: {tier!r} is not in 0 to {tiers - 1}")
    rows = _rows(result, tier)
    return _draw_tier(result, ax, tier, rows, legend)


def oversize(result: PoolResult, ax: Axes) -> Axes:
    """Draw when requests larger than every tier came, one tick for each bin that has some.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.
    ax : matplotlib Axes
        Where to draw; a low one is enough.

    Returns
    -------
    matplotlib Axes
        `ax`.
    """
    axis = TimeAxis.of(result)
    rows = _rows(result, NO_TIER)
    _draw_ticks(ax, axis, rows, "oversize", (0.0, 0.9), _most(result), MISS)
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_locator(NullLocator())
    _row_label(ax, 0.45, "missed", MISS)
    axis.apply(ax)
    ax.set_xlabel(_x_label(result, axis))
    stats = result.stats
    share = percent(stats.oversize, stats.requests)
    name = tier_name(result, NO_TIER)
    panel_title(ax, name, f"missed {stats.oversize:,}, {share} of all requests", MISS)
    frame(ax)
    return ax


@house_style()
def occupancy_figure(result: PoolResult) -> Sheet:
    """Draw the occupancy of every tier on one sheet, over the same time.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. One Axes for each tier, smallest first,
        and one for the oversize requests if there are any.
    """
    panels, handles = occupancy_panels(result), occupancy_handles(result)
    return stack(_headline(result), run_lines(result), panels, handles)


def occupancy_panels(result: PoolResult) -> list[Panel]:
    """Return the panels of `occupancy_figure`; only the last has words under its time axis."""
    tiers = len(result.config.tiers)
    panel_in = _PANEL_IN + _ROW_IN * len(_tick_kinds(result))
    heights_in = [panel_in] * tiers + [_OVERSIZE_IN] * (result.stats.oversize > 0)

    def draw(ax: Axes, index: int) -> None:
        if index < tiers:
            occupancy(result, ax, tier=index, legend=False)
        else:
            oversize(result, ax)
        if index < len(heights_in) - 1:
            ax.set_xlabel("")
            ax.tick_params(axis="x", labelbottom=False)

    return [
        Panel(_TITLE_IN, height_in - _TITLE_IN - _GAP_IN, _GAP_IN, partial(draw, index=index))
        for index, height_in in enumerate(heights_in)
    ]


def _draw_tier(
    result: PoolResult, ax: Axes, tier: int, rows: NDArray[np.void], legend: bool
) -> Axes:
    axis = TimeAxis.of(result)
    stats, times = result.stats.tiers[tier], result.tier_times[tier]
    slots, colour = stats.slot_count, tier_colour(tier)
    edges = axis.positions(np.append(rows["start_ns"], rows["end_ns"][-1:]))
    low, mean, high = (rows[f"in_use_{name}"].astype(float) for name in ("min", "mean", "max"))

    zero, full = np.zeros(len(low)), np.where(low == slots, low, 0.0)
    _fill(ax, edges, zero, low, tint(colour, 0.2))
    _fill(ax, edges, zero, full, tint(colour, 0.48))
    _fill(ax, edges, low, high, tint(colour, 0.75))
    _line(ax, edges, high, colour, "in_use_max")
    _line(ax, edges, mean, INK, "in_use_mean")
    ax.axhline(slots, color=INK, linewidth=1.0, linestyle=(0, (5, 2)), label="capacity")
    ax.axhline(0, color=FAINT, linewidth=0.8)

    kinds, handles = _tick_kinds(result), occupancy_handles(result, colour)
    for row, (name, word, row_colour) in enumerate(kinds):
        bottom = -(_ROWS_GAP + (row + 1) * _ROW) * slots
        _draw_ticks(ax, axis, rows, name, (bottom, 0.85 * _ROW * slots), _most(result), row_colour)
        _row_label(ax, bottom + 0.42 * _ROW * slots, word, row_colour)
    half = [slots // 2] if slots % 2 == 0 or slots > 9 else []
    ax.yaxis.set_major_locator(FixedLocator([0, *half, slots]))
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    below = _ROWS_GAP + len(kinds) * _ROW
    top = 1 + _band(ax, 1 + below, legend_pt(ax, handles) if legend else 0.0)
    ax.set_ylim(-below * slots, top * slots)
    ax.set_ylabel("slots in use", fontsize=TEXT_PT)
    beside = ax.transAxes + ScaledTranslation(-41 / 72, 0, ax.figure.dpi_scale_trans)
    ax.yaxis.set_label_coords(0, (below + 0.5) / (below + top), beside)
    axis.apply(ax)
    ax.set_xlabel(_x_label(result, axis))
    if stats.high_water:
        _mark_high_water(ax, axis, stats, times.high_water_ns)
    facts_colour = MISS if stats.exhausted else FAINT
    panel_title(ax, tier_name(result, tier), _facts(result, axis, tier), facts_colour)
    if legend:
        top_legend(ax, handles)
    frame(ax)
    return ax


def _band(ax: Axes, rest: float, words_pt: float) -> float:
    """Return the height of the band for words over a part that is `rest` high, in its unit."""
    height = extent_pt(ax)[1]
    words = min(_WORDS_PT + words_pt, 0.6 * height)
    return rest * words / (height - words)


def _tick_kinds(result: PoolResult) -> list[tuple[str, str, str]]:
    """Return column, word and colour of each row of ticks."""
    kinds = [("exhausted", "missed", MISS)]
    return kinds + ([("spills", "spilled", FAINT)] if result.config.policy == "spill" else [])


def _rows(result: PoolResult, tier: int) -> NDArray[np.void]:
    rows = occupancy_data(result)
    mine: NDArray[np.void] = rows[rows["tier"] == tier]
    return mine


def _most(result: PoolResult) -> int:
    """Return the most misses or spills of one bin; the ticks of all panels are scaled to it."""
    rows = occupancy_data(result)
    return int(max(rows[name].max() for name in ("spills", "exhausted", "oversize")))


def _fill(
    ax: Axes,
    edges: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    colour: Any,
) -> None:
    """Fill between two step curves; bins in which neither changes are drawn as one."""
    kept = _changes(np.stack([low, high]))
    steps = {"baseline": low[kept], "fill": True, "color": colour, "linewidth": 0}
    ax.stairs(high[kept], edges[np.append(kept, len(low))], **steps)


def _line(
    ax: Axes, edges: NDArray[np.float64], values: NDArray[np.float64], colour: str, label: str
) -> None:
    """Draw a step curve; as a line, a peak of one bin is never too narrow to be seen."""
    kept = _changes(values[np.newaxis])
    steps = {"baseline": None, "color": colour, "linewidth": 0.9, "label": label}
    ax.stairs(values[kept], edges[np.append(kept, len(values))], **steps)


def _changes(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that differ from the one before, the first among them."""
    return np.flatnonzero(np.append(True, (np.diff(values) != 0).any(axis=0)))


def _draw_ticks(
    ax: Axes,
    axis: TimeAxis,
    rows: NDArray[np.void],
    name: str,
    place: tuple[float, float],
    most: int,
    colour: str,
) -> None:
    """Draw a tick in every bin with a count; its height is the count's logarithm."""
    rows = rows[rows[name] > 0]
    bottom, full = place
    # A line of its own for each tick: a filled shape narrower than a pixel would fade away.
    share = np.log(rows[name].astype(np.float64)) / np.log(most) if most > 1 else 1.0
    centre = axis.positions((rows["start_ns"] + rows["end_ns"]) // 2)
    x = np.repeat(centre, 3)
    y = np.empty(3 * len(rows))
    y[0::3], y[1::3], y[2::3] = bottom, bottom + full * (0.35 + 0.65 * share), np.nan
    ax.plot(x, y, color=colour, linewidth=0.9, solid_capstyle="butt", label=name)


def _row_label(ax: Axes, y: float, word: str, colour: str) -> None:
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    look = {"ha": "right", "va": "center", "fontsize": 8, "color": colour}
    ax.annotate(word, (0, y), (-4, 0), annotation_clip=False, **where, **look)


def _mark_high_water(ax: Axes, axis: TimeAxis, stats: TierStats, ns: int) -> None:
    """Mark the high-water mark; its words stand above the capacity, where no data can be."""
    slots, mark = stats.slot_count, stats.high_water
    x = axis.position(ns)
    left, right = axis.position(axis.start_ns), axis.position(axis.end_ns)
    on_left = x - left < (right - left) / 2
    full = " (full)" if mark == slots else ""
    low, high = ax.get_ylim()
    band = (high - low) * min(0.4, _WORDS_PT / extent_pt(ax)[1])
    ax.plot([x, x], [mark, slots + 0.9 * band], color=INK, linewidth=0.7)
    ax.plot([x], [mark], "o", markersize=4.5, color="white", markeredgecolor=INK, clip_on=False)
    ax.annotate(
        f"high water {mark:,} of {slots:,}{full}, first at {axis.moment(ns)}",
        (x, slots + 0.55 * band),
        (5 if on_left else -5, 0),
        textcoords="offset points",
        ha="left" if on_left else "right",
        va="center",
        fontsize=TEXT_PT,
    )


def _facts(result: PoolResult, axis: TimeAxis, tier: int) -> str:
    """Return in words what became of the requests of a tier."""
    stats, first_ns = result.stats.tiers[tier], result.tier_times[tier].first_miss_ns
    if not stats.requests:
        text = "no requests"
    elif not stats.exhausted:
        text = f"missed 0 of {stats.requests:,}"
    else:
        share = percent(stats.exhausted, stats.requests)
        text = f"missed {stats.exhausted:,} of {stats.requests:,}, {share}"
        text += "" if first_ns is None else f", first at {axis.moment(first_ns)}"
    spilled = [f"{stats.spills:,} out"] if stats.spills else []
    spilled += [f"{stats.spills_in:,} in"] if stats.spills_in else []
    return text + (f"; spilled {', '.join(spilled)}" if spilled else "")


def _headline(result: PoolResult) -> str:
    """Return which tiers were full, and what was missed, in one line."""
    stats = result.stats
    full = sum(tier.high_water == tier.slot_count for tier in stats.tiers)
    missed = f"missed {stats.misses:,} of {plural(stats.requests, 'request')}"
    share = f" ({percent(stats.misses, stats.requests)})" if stats.misses else ""
    tiers = plural(len(stats.tiers), "tier")
    return f"Occupancy: {full} of {tiers} ran full, {missed}{share}"


def _x_label(result: PoolResult, axis: TimeAxis) -> str:
    bins = min(len(result.timeline.oversize), OCCUPANCY_BINS_MAX)
    width = axis.span((axis.end_ns - axis.start_ns) / bins)
    return f"{axis.label}, in {plural(bins, 'bin')} of {width}"


def occupancy_handles(result: PoolResult, colour: str = "#777777") -> list[Any]:
    """Return what the legend explains; ticks are in it only if there are some."""
    most = _most(result)
    scale = f"per bin (log scale, tallest {most:,})" if most > 1 else "in the bin, once"
    handles = [
        Patch(facecolor=tint(colour, 0.2), label="in use all through a bin"),
        Patch(facecolor=tint(colour, 0.48), label="full all through a bin"),
        Patch(facecolor=tint(colour, 0.75), edgecolor=colour, label="in use in part of a bin"),
        Line2D([], [], color=INK, linewidth=0.9, label="mean of a bin's time"),
        Line2D([], [], color=INK, linewidth=1.0, linestyle=(0, (5, 2)), label="slots of the tier"),
    ]
    kinds = [("missed", MISS, result.stats.misses), ("spilled", FAINT, result.stats.spills)]
    for word, tick_colour, count in kinds:
        if count:
            tick = {"marker": "|", "linestyle": "", "markersize": 8, "color": tick_colour}
            handles.append(Line2D([], [], label=f"{word} {scale}", **tick))
    return handles
