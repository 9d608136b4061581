"""Hit rate against slot count, a panel for each tier."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.curve_results import CurveSet
from pyrns_pool.plot._sheet import Panel, Sheet, stack, trace_words
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    INK,
    MISS,
    count_tick,
    frame,
    house_style,
    panel_title,
    percent,
    tier_colour,
    tint,
)
from pyrns_pool.words import plural

__all__ = ["hit_curve", "hit_curve_data", "hit_curve_figure"]

_ABOVE_IN, _PANEL_IN, _TICKS_IN = 0.3, 1.05, 0.26
_MARKED_MAX = 40  # Points that are marked one by one; more would hide the line.

_COUNTS = ("slots", "requests", "hits", "spills")
CURVE_ROW_DTYPE = np.dtype(
    [("curve", "<i4"), ("tier", "<i4"), ("slot_bytes", "<i8")]
    + [(name, "<i8") for name in _COUNTS]
    + [(name, "<f8") for name in ("hit_rate", "erlang_b", "pool_hit_rate")]
)


def hit_curve_data(result: CurveSet) -> NDArray[np.void]:
    """Return what `hit_curve_figure` shows.

    Parameters
    ----------
    result : CurveSet
        Curves.

    Returns
    -------
    structured ndarray, shape (n,)
        A row for each point: ``curve`` (number of the trace), ``tier``, ``slot_bytes``,
        ``slots``, ``requests``, ``hits``, ``spills``, ``hit_rate``; ``erlang_b``, the hit rate
        by Erlang's formula (NaN: no load), and ``pool_hit_rate``, of the whole pool (NaN unless
        simulated).
    """
    tables = []
    for number, curve in enumerate(result.curves):
        for index, tier in enumerate(curve.tiers):
            rows = np.zeros(len(tier.points), CURVE_ROW_DTYPE)
            rows["curve"], rows["tier"], rows["slot_bytes"] = number, index, tier.slot_bytes
            for name in _COUNTS:
                rows[name] = tier.points[name]
            rows["hit_rate"] = tier.hit_rate
            rows["erlang_b"] = curve.erlang_hit_rate(index)
            rows["pool_hit_rate"] = tier.pool_hit_rate
            tables.append(rows)
    return np.concatenate(tables)


def hit_curve(result: CurveSet, tier: int, ax: Axes) -> Axes:
    """Draw the hit rate of one tier against its number of slots.

    Parameters
    ----------
    result : CurveSet
        Curves; of several, their band is filled.
    tier : int
        Index of the tier.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The points are those of `hit_curve_data`; Erlang's formula is drawn for a single
        curve, and so is the whole pool, if it was simulated.
    """
    colour = tier_colour(tier)
    slots, rates = result.band(tier)
    used = [column for column in range(rates.shape[1]) if not np.isnan(rates[:, column]).all()]
    if len(used) > 1:
        common = ~np.isnan(rates[:, used]).any(axis=1)
        least, most = rates[:, used].min(axis=1)[common], rates[:, used].max(axis=1)[common]
        step = {"step": "post"} if result.curves[0].is_exact else {}
        ax.fill_between(slots[common], least, most, color=tint(colour, 0.3), linewidth=0, **step)
    for column in used:
        part = result.curves[column].tiers[tier]
        line = {"color": colour, "linewidth": 1.5 if len(used) == 1 else 0.7}
        is_marked = len(part.points) <= _MARKED_MAX and (len(used) == 1 or not part.is_exact)
        few = {"marker": "o", "markersize": 3} if is_marked else {}
        if part.is_exact:  # From no slots, and one step for each.
            x, y = np.append(0, part.points["slots"]), np.append(0.0, part.hit_rate)
            ax.plot(x, y, drawstyle="steps-post", **line, **few)
        else:
            ax.plot(part.points["slots"], part.hit_rate, **line, **few)
    if len(used) == 1:
        _draw_beside(result, used[0], tier, ax)
    for column in used:
        _mark(result, column, tier, ax)
    panel_title(ax, f"{result.boundaries[tier]:,} B", _facts(result, tier))
    _axes(result, tier, ax)
    return ax


def _draw_beside(result: CurveSet, column: int, tier: int, ax: Axes) -> None:
    """Draw Erlang's formula and the whole pool, where they are known."""
    curve = result.curves[column]
    part = curve.tiers[tier]
    if curve.load(tier) is not None:
        x, y = np.append(0, part.points["slots"]), np.append(0.0, curve.erlang_hit_rate(tier))
        ax.plot(x, y, color=FAINT, linewidth=1.0, linestyle="--")
    if not part.is_exact:
        ax.plot(part.points["slots"], part.pool_hit_rate, color=INK, linewidth=0.9, linestyle=":")


def _mark(result: CurveSet, column: int, tier: int, ax: Axes) -> None:
    """Mark where nothing is missed, and what is chosen."""
    curve = result.curves[column]
    part = curve.tiers[tier]
    mark = {"linestyle": "none", "clip_on": False}
    if part.zero_miss_slots:
        ax.plot(
            [part.zero_miss_slots], [1.0], marker="D", markersize=4.5, color=INK, zorder=5, **mark
        )
    chosen = None if curve.chosen is None else curve.chosen[tier]
    rate = None if chosen is None else part.hit_rate_with(chosen)
    if rate is not None:
        ax.plot([chosen], [rate], marker="o", markersize=8, color=MISS, zorder=4, **mark)


def _axes(result: CurveSet, tier: int, ax: Axes) -> None:
    ends = [1]
    for curve in result.curves:
        ends += curve.tiers[tier].points["slots"][-1:].tolist()
        ends += [] if curve.chosen is None else [curve.chosen[tier]]
    ax.set_xlim(0, 1.02 * max(ends))
    ax.set_ylim(0, 1.06)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f}"))
    ax.set_xlabel("slots")
    ax.set_ylabel("hit rate (%)")
    ax.grid(True, color=GRID, linewidth=0.6)
    frame(ax)


def _facts(result: CurveSet, tier: int) -> str:
    """Return in words what a tier needs."""
    parts = [curve.tiers[tier] for curve in result.curves]
    words = [plural(sum(part.requests for part in parts), "request")]
    if not any(part.requests for part in parts):
        return "no requests"
    needs = [part.zero_miss_slots for part in parts if part.requests]
    known = [need for need in needs if need is not None]
    if len(known) < len(needs):
        words.append("some missed with any number tried")
    else:
        words.append(f"none missed from {plural(max(known), 'slot')}")
    if len(parts) > 1:
        return ", ".join(words)
    curve = result.curves[0]
    if curve.chosen is not None:
        rate = parts[0].hit_rate_with(curve.chosen[tier])
        words += [] if rate is None else [f"{_percent(rate)} with {curve.chosen[tier]:,}"]
    load = curve.load(tier)
    words += [] if load is None else [f"peakedness {load.peakedness:,.3g}"]
    return ", ".join(words)


def _percent(share: float) -> str:
    """Return a share in words; only all is "100 %"."""
    return percent(int(share * 10**9), 10**9)


@house_style()
def hit_curve_figure(result: CurveSet) -> Sheet:
    """Draw `hit_curve` for every tier on one sheet.

    Parameters
    ----------
    result : CurveSet
        Curves of one or several traces.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. Its title says whether the curves are
        exact or simulated.
    """
    first, last = result.curves[0], len(result.boundaries) - 1
    pool = "closed loop" if first.trace is None else f"{first.policy} pool"
    title = f"Hit rate against slot count: {first.method}, {pool}"

    def draw(ax: Axes, index: int) -> None:
        hit_curve(result, index, ax)
        if index < last:
            ax.set_xlabel("")

    panels = [
        Panel(_ABOVE_IN, _PANEL_IN, _TICKS_IN if index < last else 0.0, partial(draw, index=index))
        for index in range(last + 1)
    ]
    return stack(title, _lines(result), panels, _handles(result))


def _lines(result: CurveSet) -> list[str]:
    first = result.curves[0]
    if len(result.curves) > 1:
        source = f"{len(result.curves)} traces: " + ", ".join(c.name for c in result.curves)
    elif first.trace is None:
        source = f"workload {first.name}"
    else:
        source = ", ".join(trace_words(first.trace))
    source += "".join(f"; {text}" for text in {c.caveat for c in result.curves} if text)
    if first.is_exact:
        sizes = ", ".join(f"{size:,}" for size in result.boundaries)
        oversize = sum(curve.oversize for curve in result.curves)
        return [source, f"tiers of {sizes} B; oversize {oversize:,}"]
    pairs = zip(result.boundaries, first.chosen or ())
    pool = ",".join(f"{size}x{slots}" for size, slots in pairs)
    return [source, f"pool {pool} {first.policy}, one tier at a time varied"]


def _handles(result: CurveSet) -> list[Any]:
    first, grey = result.curves[0], "#777777"
    several = len(result.curves) > 1
    what = "each trace" if several else "served, of the tier's requests"
    handles: list[Any] = [
        Line2D([], [], color=grey, linewidth=1.5, label=f"{what}, {first.method}")
    ]
    if several:
        handles.append(Patch(facecolor=tint(grey, 0.3), label="band of all traces"))
    elif any(first.load(tier) is not None for tier in range(len(first.tiers))):
        erlang = {"color": FAINT, "linewidth": 1.0, "linestyle": "--"}
        handles.append(Line2D([], [], label="Erlang-B, by rate and lifetime", **erlang))
    if not several and not first.is_exact:
        whole = {"color": INK, "linewidth": 0.9, "linestyle": ":"}
        handles.append(Line2D([], [], label="served, of all requests", **whole))
    mark = {"linestyle": "none"}
    handles.append(
        Line2D([], [], marker="D", markersize=4.5, color=INK, label="nothing missed", **mark)
    )
    if first.chosen is not None:
        chosen = {"marker": "o", "markersize": 8, "color": MISS}
        handles.append(Line2D([], [], label="chosen slots", **chosen, **mark))
    return handles
