"""Copy-on-write over time: the copies that sharing avoided, and those that were made."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pyrns_pool.plot._data import cow_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    MISS,
    TEXT_PT,
    TimeAxis,
    count_tick,
    frame,
    house_style,
    panel_title,
    tint,
)
from pyrns_pool.stats import BytesStats
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.words import plural

__all__ = ["cow_figure", "cow_panel"]

_AVOIDED = "#00684A"
_COLOURS = {"copies_avoided": _AVOIDED, "cow_copies": MISS, "cow_bytes": MISS}
_TITLE_IN, _PANEL_IN, _GAP_IN, _AXIS_IN = 0.24, 0.85, 0.1, 0.5


def cow_panel(result: WorkloadResult, ax: Axes, *, column: str = "copies_avoided") -> Axes:
    """Draw one count of copy-on-write over time, with its total in words.

    Parameters
    ----------
    result : WorkloadResult
        What ran; it had Bytes.
    ax : matplotlib Axes
        Where to draw.
    column : {"copies_avoided", "cow_copies", "cow_bytes"}, optional
        Shares and slices, writes that had to copy, or the content that these copied.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `cow_data`; each panel has a scale of its own.

    Raises
    ------
    ValueError
        If there is no such column, or the workload had no Bytes.
    """
    if column not in _COLOURS:
        raise ValueError(f"column: {column!r} is not one of {', '.join(_COLOURS)}")
    name, facts = _words(_bytes_of(result), column)
    axis, rows, colour = TimeAxis.of(result), cow_data(result), _COLOURS[column]
    edges = axis.positions(np.append(rows["start_ns"], rows["end_ns"][-1:]))
    values = rows[column].astype(np.float64)
    ax.stairs(values, edges, fill=True, color=tint(colour, 0.35), linewidth=0)
    # As a line as well, a bin that is small beside the largest can still be seen.
    line = {"baseline": None, "color": colour, "linewidth": 0.9, "label": column}
    ax.stairs(np.where(values > 0, values, np.nan), edges, **line)
    ax.axhline(0, color=FAINT, linewidth=0.8)
    ax.set_ylim(0, max(1.0, 1.12 * values.max()))
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    ax.set_ylabel("bytes" if column == "cow_bytes" else "in a bin", fontsize=TEXT_PT)
    axis.apply(ax)
    width = axis.span((axis.end_ns - axis.start_ns) / len(rows))
    ax.set_xlabel(f"{axis.label}, in {plural(len(rows), 'bin')} of {width}")
    panel_title(ax, name, facts, colour)
    frame(ax)
    return ax


@house_style()
def cow_figure(result: WorkloadResult) -> Sheet:
    """Draw copies avoided, copies made and bytes copied on one sheet.

    Parameters
    ----------
    result : WorkloadResult
        What ran; it had Bytes.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.

    Raises
    ------
    ValueError
        If the workload had no Bytes.
    """
    return stack(f"Copy-on-write: {cow_words(result)}", run_lines(result), cow_panels(result))


def cow_panels(result: WorkloadResult) -> list[Panel]:
    """Return the panels of `cow_figure`; only the last has words under its time axis."""
    last = list(_COLOURS)[-1]

    def draw(ax: Axes, column: str) -> None:
        cow_panel(result, ax, column=column)
        if column != last:
            ax.set_xlabel("")
            ax.tick_params(axis="x", labelbottom=False)

    return [
        Panel(
            _TITLE_IN, _PANEL_IN, _AXIS_IN if name == last else _GAP_IN, partial(draw, column=name)
        )
        for name in _COLOURS
    ]


def cow_words(result: WorkloadResult) -> str:
    """Return how many copies were made and avoided."""
    stats = _bytes_of(result)
    made = plural(stats.cow_copies, "copy").replace("copys", "copies")
    return f"{made} made, {stats.copies_avoided:,} avoided"


def _bytes_of(result: WorkloadResult) -> BytesStats:
    if result.bytes is None:
        raise ValueError(f"result: the workload {result.workload.name!r} has no Bytes")
    return result.bytes


def _words(stats: BytesStats, column: str) -> tuple[str, str]:
    """Return a panel's name, and the totals that it is about."""
    if column == "copies_avoided":
        parts = f"{plural(stats.shares, 'share')}, {plural(stats.slices, 'slice')}"
        tails = f"; {plural(stats.tail_appends, 'append')} to shared storage"
        return "Copies avoided", f"{parts}{tails if stats.tail_appends else ''}"
    if column == "cow_copies":
        moves = f"; {stats.grows:,} to grow, {stats.compactions:,} to compact"
        return "Copies made", f"{stats.cow_copies:,} to write what was shared{moves}"
    mean = f", {stats.cow_bytes / stats.cow_copies:,.0f} a copy" if stats.cow_copies else ""
    return "Bytes copied", f"{stats.cow_bytes:,}{mean}"
