"""What a receiver believes the path carries, beside what comes in, and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.plot._data import rate_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    INK,
    MISS,
    TEXT_PT,
    TimeAxis,
    frame,
    house_style,
    panel_title,
    tint,
)
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.words import plural

__all__ = ["rate_figure", "rate_panel", "rate_trend"]

_BLUE = "#0072B2"
_TITLE_IN, _RATE_IN, _TREND_IN, _GAP_IN, _AXIS_IN = 0.24, 1.6, 1.0, 0.1, 0.5


def rate_panel(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw the estimate and the incoming rate over time.

    Parameters
    ----------
    result : WorkloadResult
        What ran; its series has ``rate``, as that of `run_rtp`.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `rate_data`.

    Raises
    ------
    ValueError
        If there is no such series.
    """
    axis, rows = TimeAxis.of(result), rate_data(result)
    x = axis.positions(rows["end_ns"])
    incoming = rows["incoming_max_bps"] / 1e6
    low, estimate, high = (rows[f"estimate{end}_bps"] / 1e6 for end in ("_min", "", "_max"))
    ax.fill_between(x, 0, incoming, step="pre", color=tint(FAINT, 0.3), linewidth=0)
    _envelope(ax, x, low, high, _BLUE)
    ax.plot(x, estimate, color=_BLUE, linewidth=1.2, drawstyle="steps-pre", label="estimate_bps")
    ax.set_ylim(0, 1.1 * max(incoming.max(), high.max()))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.set_ylabel("Mbit/s", fontsize=TEXT_PT)
    facts = f"least {low.min():,.3g}, most {high.max():,.3g}, last {estimate[-1]:,.3g}"
    panel_title(ax, "Estimate", f"{facts} Mbit/s; grey is what comes in", _BLUE)
    _finish(ax, axis, rows)
    return ax


def rate_trend(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw the trend of the delay between its thresholds, and when it passed the upper one.

    Parameters
    ----------
    result : WorkloadResult
        What ran; its series has ``rate``, as that of `run_rtp`.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `rate_data`; a bin's least and most are both drawn.

    Raises
    ------
    ValueError
        If there is no such series.
    """
    axis, rows = TimeAxis.of(result), rate_data(result)
    x = axis.positions(rows["end_ns"])
    threshold, trend = rows["threshold_ns"] / 1e6, rows["trend_ns"] / 1e6
    over = rows["overused"] > 0
    for side in (-1, 1):
        ax.plot(x, side * threshold, color=INK, linewidth=0.8, linestyle=(0, (5, 2)))
    low, high = (rows[f"trend_{end}_ns"] / 1e6 for end in ("min", "max"))
    _envelope(ax, x, low, high, FAINT)
    ax.plot(x, trend, color=FAINT, linewidth=0.9, label="trend_ns")
    ax.plot(x[over], trend[over], "|", color=MISS, markersize=6, label="overused")
    reach = 1.15 * max(-float(low.min()), float(high.max()), float(threshold.max()))
    ax.set_ylim(-reach, reach)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.set_ylabel("ms", fontsize=TEXT_PT)
    signals = plural(result.counts.get("overuses", 0), "signal")
    facts = f"dashed is the threshold; {signals} of over-use, marked"
    panel_title(ax, "Trend of the delay", facts, MISS)
    _finish(ax, axis, rows)
    return ax


@house_style()
def rate_figure(result: WorkloadResult) -> Sheet:
    """Draw `rate_panel`, and the trend of the delay under it.

    Parameters
    ----------
    result : WorkloadResult
        What ran; its series has ``rate``, as that of `run_rtp`.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.

    Raises
    ------
    ValueError
        If there is no such series.
    """
    rows = rate_data(result)

    def upper(ax: Axes) -> None:
        rate_panel(result, ax)
        ax.set_xlabel("")
        ax.tick_params(axis="x", labelbottom=False)

    panels = [
        Panel(_TITLE_IN, _RATE_IN, _GAP_IN, upper),
        Panel(_TITLE_IN, _TREND_IN, _AXIS_IN, partial(rate_trend, result)),
    ]
    last = int(rows["estimate_bps"][-1]) / 1e6
    packets = plural(int(rows["packets"].sum()), "packet")
    title = f"Rate: {last:,.3g} Mbit/s estimated after {packets}"
    return stack(title, run_lines(result), panels)


def _envelope(
    ax: Axes, x: NDArray[np.float64], low: NDArray[Any], high: NDArray[Any], colour: str
) -> None:
    """Draw from the least to the most of each bin; as lines, so that none is too narrow."""
    ax.vlines(x, low, high, color=tint(colour, 0.5), linewidth=0.9)


def _finish(ax: Axes, axis: TimeAxis, rows: NDArray[np.void]) -> None:
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    axis.apply(ax)
    width = axis.span(float(rows["end_ns"][0] - rows["start_ns"][0]))
    ax.set_xlabel(f"{axis.label}, in bins of {width}")
    frame(ax)
