"""Which sizes were requested, which tier is their home, and how well they fit it."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pyrns_pool.plot._data import sizes_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    GRID,
    INK,
    MISS,
    TEXT_PT,
    TIER_HATCHES,
    count_tick,
    extent_pt,
    frame,
    house_style,
    percent,
    tier_colour,
    tier_name,
)
from pyrns_pool.results import NO_TIER, ReplayResult
from pyrns_pool.words import plural

__all__ = ["fragmentation", "sizes", "sizes_figure"]

_BARS = 0.68  # Part of the height that bars may fill; over it stand the words.
_HISTOGRAM_IN = 2.7
_ROW_IN = 0.34
_FACTS_PT = 150.0  # Kept for the words beside the bars.
_TITLE_IN, _AXIS_IN = 0.3, 0.5


def sizes(result: ReplayResult, ax: Axes) -> Axes:
    """Draw how many requests there were of which size, coloured by home tier.

    Parameters
    ----------
    result : ReplayResult
        A replay.
    ax : matplotlib Axes
        Where to draw; both scales become logarithmic.

    Returns
    -------
    matplotlib Axes
        `ax`. The bars are the rows of `sizes_data`; each tier's largest size is marked.
    """
    rows = sizes_data(result)
    tiers = result.config.tiers
    left = np.maximum(rows["above_bytes"], 0.5).astype(np.float64)
    right = rows["up_to_bytes"].astype(np.float64)
    for tier in (*range(len(tiers)), NO_TIER):
        mine = rows["tier"] == tier
        if mine.any():
            ax.bar(
                left[mine],
                rows["requests"][mine],
                (right - left)[mine],
                align="edge",
                label=tier_name(result, tier),
                **_face(tier),
            )
    ends = [float(tier.slot_bytes) for tier in tiers]
    low = math.log2(min([*left, ends[0] / 2]))
    high = math.log2(max([*right, ends[-1]])) + 0.25
    most = int(rows["requests"].max()) if len(rows) else 1

    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(2**low, 2**high)
    ax.set_ylim(0.7, 0.7 * (most / 0.7) ** (1 / _BARS))
    every = math.ceil((high - low) * 36 / extent_pt(ax)[0])
    exponents = range(math.ceil(low), math.floor(high) + 1, every)
    ax.xaxis.set_major_locator(FixedLocator([2.0**exponent for exponent in exponents]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}" if x >= 1 else "0"))
    decades = range(len(str(most)))
    ax.yaxis.set_major_locator(FixedLocator([10.0**decade for decade in decades]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    ax.set_xlabel("size of the request (bytes, log scale)")
    ax.set_ylabel("requests (log scale)")
    ax.set_title("Requests by size, and the tier that is their home", loc="left", weight="bold")
    _mark_tiers(result, ax, ends, (low, high))
    frame(ax)
    return ax


def fragmentation(result: ReplayResult, ax: Axes) -> Axes:
    """Draw which part of each tier's slots its requests use, and leave unused.

    Parameters
    ----------
    result : ReplayResult
        A replay.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. Counted are all requests of a home tier, whether it served them or not; the numbers
        are in `tiers_data`.
    """
    for index, fit in enumerate(result.fit):
        unused = 100 * fit.fragmentation
        used = 100 - unused if fit.requests else 0.0
        ax.barh(index, used, 0.62, **_face(index))
        ax.barh(index, unused, 0.62, left=used, color="white", edgecolor=tier_colour(index))
        slots = fit.requested_bytes + fit.internal_fragmentation_bytes
        share = percent(fit.internal_fragmentation_bytes, slots)
        text = f"{fit.internal_fragmentation_bytes:,} B unused, {share}"
        look = {"va": "center", "ha": "left", "fontsize": TEXT_PT, "color": INK}
        where = {"xytext": (6, 0), "textcoords": "offset points"}
        ax.annotate(text if fit.requests else "no requests", (100, index), **where, **look)
    width = extent_pt(ax)[0]
    whole = 100 * width / max(width - _FACTS_PT, width / 3)
    ax.set_xlim(0, whole)
    ax.set_ylim(len(result.fit) - 0.45, -0.55)
    ax.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
    ax.yaxis.set_major_locator(FixedLocator(range(len(result.fit))))
    names = [f"{tier.slot_bytes:,} B" for tier in result.config.tiers]
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: names[round(y)]))
    ax.tick_params(axis="y", length=0)
    ax.spines["bottom"].set_bounds(0, 100)
    ax.set_xlabel("share of the slots' bytes, over all requests (%)", x=50 / whole)
    ax.set_ylabel("slot size")
    ax.set_title("Internal fragmentation: filled is used, white is not", loc="left", weight="bold")
    frame(ax)
    return ax


@house_style()
def sizes_figure(result: ReplayResult) -> Sheet:
    """Draw `sizes` and `fragmentation` on one sheet.

    Parameters
    ----------
    result : ReplayResult
        A replay.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.
    """
    rows_in = 0.1 + _ROW_IN * len(result.fit)
    stats = result.stats
    large = f", {stats.oversize:,} oversize" if stats.oversize else ""
    distinct = plural(len(result.sizes), "size")
    title = f"Sizes: {plural(stats.requests, 'request')} of {distinct}{large}"
    panels = [
        Panel(_TITLE_IN, _HISTOGRAM_IN, _AXIS_IN, partial(sizes, result)),
        Panel(_TITLE_IN, rows_in, _AXIS_IN, partial(fragmentation, result)),
    ]
    return stack(title, run_lines(result), panels)


def _face(tier: int) -> dict[str, object]:
    """Return how an area of a tier is filled; white hatches tell tiers apart in grey."""
    if tier < 0:
        return {"facecolor": "white", "edgecolor": MISS, "hatch": "xxx", "linewidth": 0.8}
    look = {"facecolor": tier_colour(tier), "edgecolor": "white", "linewidth": 0}
    return {**look, "hatch": TIER_HATCHES[tier]}


def _mark_tiers(
    result: ReplayResult, ax: Axes, ends: list[float], extent: tuple[float, float]
) -> None:
    """Mark the largest size of each tier; the words stand over the bars, side by side."""
    low, high = extent
    gap = (high - low) * 0.024
    at = low
    words = [(end, f"tier {end:,.0f} B", -0.6, INK) for end in ends]
    if result.stats.oversize:
        words.append((ends[-1], "oversize", 0.7, MISS))
    for end, text, side, colour in words:
        ax.axvline(end, color=INK, linewidth=0.9, linestyle=(0, (5, 2)), zorder=0.6)
        beside = math.log2(end) + side * gap
        at = beside if beside >= at + gap else max(at + gap, math.log2(end) + 0.7 * gap)
        ax.annotate(
            text,
            (2**at, 0.985),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="center",
            va="top",
            fontsize=TEXT_PT,
            color=colour,
        )
