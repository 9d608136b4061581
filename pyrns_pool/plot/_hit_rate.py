"""How much of the requests each tier served over time."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator

from numpy.typing import NDArray

from pyrns_pool.plot._data import HIT_RATE_BINS_MAX, hit_rate_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    INK,
    MISS,
    MISS_AREA,
    TEXT_PT,
    TimeAxis,
    extent_pt,
    frame,
    house_style,
    legend_pt,
    percent,
    tier_colour,
    tier_name,
    tint,
    top_legend,
)
from pyrns_pool.results import PoolResult
from pyrns_pool.words import plural

__all__ = ["hit_rate", "hit_rate_figure"]

_PITCH = 1.55  # Of the lanes, each of which is 1 high; the rest is for its words.
_TICK = 0.16
_LANE_IN = 0.66
_TITLE_IN = 0.3


def hit_rate(result: PoolResult, ax: Axes, *, legend: bool = True) -> Axes:
    """Draw which share of each tier's requests was served over time, a lane for each tier.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.
    ax : matplotlib Axes
        Where to draw.
    legend : bool, optional
        Whether to explain the colours, above the lanes.

    Returns
    -------
    matplotlib Axes
        `ax`. A lane is empty where there was no request; it says nothing about how many there
        were. The numbers are those of `hit_rate_data`, the words over a lane of `tiers_data`.
    """
    axis = TimeAxis.of(result)
    rows = hit_rate_data(result)
    lanes = list(dict.fromkeys(rows["tier"].tolist()))
    for index, tier in enumerate(lanes):
        mine = rows[rows["tier"] == tier]
        base = (len(lanes) - 1 - index) * _PITCH
        edges = axis.positions(np.append(mine["start_ns"], mine["end_ns"][-1:]))
        asked = np.maximum(mine["requests"], 1).astype(np.float64)
        hits = base + mine["hit_rate"] - mine["spills"] / asked
        served = base + mine["hit_rate"]
        top = np.where(mine["requests"] > 0, base + 1, np.nan)
        colour = tier_colour(tier)
        floor = np.full(len(mine), base)
        hatch = {"hatch": "///", "edgecolor": colour, "linewidth": 0}
        ax.stairs(top, edges, baseline=served, fill=True, color=MISS_AREA, linewidth=0)
        ax.stairs(served, edges, baseline=hits, fill=True, facecolor=tint(colour, 0.3), **hatch)
        ax.stairs(hits, edges, baseline=floor, fill=True, color=tint(colour, 0.75), linewidth=0)
        ax.stairs(served, edges, baseline=None, color=INK, linewidth=0.9, label=f"tier {tier}")
        missed = mine["exhausted"] + mine["oversize"] > 0
        _draw_ticks(ax, edges[:-1][missed] + np.diff(edges)[missed] / 2, base + 1, tier)
        for level in (base, base + 1):
            ax.axhline(level, color=FAINT, linewidth=0.6)
        _write_over_lane(ax, base + 1, tier_name(result, tier), _facts(result, tier))

    bases = [(len(lanes) - 1 - index) * _PITCH for index in range(len(lanes))]
    handles = _handles(result)
    height, words = extent_pt(ax)[1], legend_pt(ax, handles) + TEXT_PT if legend else 0.0
    ax.set_ylim(-0.08, (bases[0] + _PITCH) * height / max(height - words, height / 3))
    # Where the lanes are low, the 0 of one would lie on the 100 of the next.
    gap_pt = (_PITCH - 1) * height / ax.get_ylim()[1]
    marks = {0: "0", 1: "100"} if gap_pt > TEXT_PT else {1: "100"}
    ax.yaxis.set_major_locator(FixedLocator([base + y for base in bases for y in marks]))
    ax.yaxis.set_major_formatter(FixedFormatter([*marks.values()] * len(bases)))
    ax.set_ylabel("hit rate (%)")
    axis.apply(ax)
    bins = min(len(result.timeline.oversize), HIT_RATE_BINS_MAX)
    width = axis.span((axis.end_ns - axis.start_ns) / bins)
    ax.set_xlabel(f"{axis.label}, in {plural(bins, 'bin')} of {width}")
    ax.set_title("Hit rate by home tier", loc="left", weight="bold")
    if legend:
        top_legend(ax, handles)
    frame(ax)
    return ax


@house_style()
def hit_rate_figure(result: PoolResult) -> Sheet:
    """Draw `hit_rate` on a sheet of its own.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.
    """
    lanes = len(result.config.tiers) + (result.stats.oversize > 0)
    stats = result.stats
    served = f"{stats.hits + stats.spills:,} of {plural(stats.requests, 'request')}"
    share = percent(stats.hits + stats.spills, stats.requests)
    panels = [Panel(_TITLE_IN, lanes * _LANE_IN, 0.0, partial(hit_rate, result, legend=False))]
    title = f"Hit rate: {served} served ({share})"
    return stack(title, run_lines(result), panels, _handles(result))


def _draw_ticks(ax: Axes, x: NDArray[np.float64], top: float, tier: int) -> None:
    """Mark the bins that missed something, were it one request of a million."""
    path = np.stack([x, x, np.full(len(x), np.nan)], axis=1).ravel()
    y = np.tile([top - _TICK, top, np.nan], len(x))
    look = {"color": MISS, "linewidth": 0.9, "solid_capstyle": "butt"}
    ax.plot(path, y, label=f"missed {tier}", **look)


def _write_over_lane(ax: Axes, top: float, name: str, facts: str) -> None:
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "bottom"}
    ax.annotate(name, (0, top), (3, 2), ha="left", fontsize=TEXT_PT, weight="bold", **place)
    ax.annotate(facts, (1, top), (-3, 2), ha="right", fontsize=TEXT_PT, color=INK, **place)


def _facts(result: PoolResult, tier: int) -> str:
    """Return in words what became of a tier's requests over the whole trace."""
    if tier < 0:
        return f"served 0 of {result.stats.oversize:,}"
    stats = result.stats.tiers[tier]
    if not stats.requests:
        return "no requests"
    served = stats.hits + stats.spills
    spilled = f", {stats.spills:,} by a larger tier" if stats.spills else ""
    share = percent(served, stats.requests)
    return f"served {served:,} of {stats.requests:,}, {share}{spilled}"


def _handles(result: PoolResult) -> list[Any]:
    grey = "#777777"
    handles = [Patch(facecolor=tint(grey, 0.75), label="served by the home tier")]
    if result.stats.spills:
        hatch = {"hatch": "///", "facecolor": tint(grey, 0.3), "edgecolor": grey}
        handles.append(Patch(label="spilled: served by a larger tier", linewidth=0, **hatch))
    if result.stats.misses:
        handles.append(Patch(facecolor=MISS_AREA, label="missed"))
        tick = {"marker": "|", "linestyle": "", "markersize": 6, "color": MISS}
        handles.append(Line2D([], [], label="one or more missed in the bin", **tick))
    handles.append(Patch(facecolor="white", edgecolor=FAINT, label="no request in the bin"))
    return handles
