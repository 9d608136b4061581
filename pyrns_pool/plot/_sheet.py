"""Whole sheets: a header, panels one under the other, and what explains the marks."""

from __future__ import annotations

import io
from typing import Any, Callable, NamedTuple, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pyrns_pool.plot._style import (
    CHAR_PT,
    FAINT,
    INK,
    TEXT_PT,
    duration_text,
    extent_pt,
    house_style,
    last_of,
    plain,
)
from pyrns_pool.results import PoolResult, ReplayResult, TraceSummary
from pyrns_pool.words import plural
from pyrns_pool.workload_results import WorkloadResult

__all__ = [
    "Panel",
    "Sheet",
    "run_lines",
    "stack",
    "table_in",
    "text_table",
    "trace_words",
]

WIDTH_IN = 8.0
HEADER_IN = 0.74
DPI = 150
_LEFT_IN, _RIGHT_IN = 0.9, 0.2
_ROW_IN = 0.18
# Of a table: how far it begins to the left of the panels, its marks, and its columns.
_TABLE_PT, _MARK_PT, _GAP_PT = 50.0, 7.0, 9.0

# Without these, the same figure would give other bytes at another time.
_METADATA = {"svg": {"Date": None}, "png": {"Software": None}}


class Sheet(Figure):  # type: ignore[misc]
    """A figure that a notebook shows by itself, without pyplot."""

    def image(self, kind: str) -> bytes:
        """Return the figure as a file of the format `kind`; the same bytes every time."""
        buffer = io.BytesIO()
        with house_style():
            self.savefig(buffer, format=kind, dpi=self.dpi, metadata=_METADATA[kind])
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        """Return what IPython displays."""
        return self.image("png")


class Panel(NamedTuple):
    """One Axes of a sheet: its height, and what is kept free over and under it, in inches."""

    above_in: float
    height_in: float
    below_in: float
    draw: Callable[[Axes], object]


def stack(
    title: str, lines: Sequence[str], panels: Sequence[Panel], handles: Sequence[Any] = ()
) -> Sheet:
    """Return a sheet of the common width, which needs no display.

    Call it, and make `handles`, in `house_style`.

    Parameters
    ----------
    title : str
        What the figure says.
    lines : sequence of str
        One or two: of which run and pool.
    panels : sequence of Panel
        From the top.
    handles : sequence of matplotlib artists, optional
        Of a legend at the foot, which also has room for the last x axis.
    """
    height = HEADER_IN + sum(p.above_in + p.height_in + p.below_in for p in panels)
    height += _foot_in(handles) if handles else 0.0
    figure = Sheet(figsize=(WIDTH_IN, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _header(figure, title, lines)
    top = HEADER_IN
    for part in panels:
        part.draw(_axes(figure, top + part.above_in, part.height_in))
        top += part.above_in + part.height_in + part.below_in
    if handles:
        _foot_legend(figure, handles)
    return figure


def table_in(rows: int) -> float:
    """Return the height of a `text_table` of that many rows."""
    return _ROW_IN * (rows + 1)


def text_table(
    ax: Axes, columns: Sequence[str], rows: Sequence[Sequence[str]], colours: Sequence[str]
) -> None:
    """Write rows of words, each behind a mark of its colour.

    A column whose name ends in ":" goes to the left, and loses its beginning where it is too long.
    """
    ax.set_axis_off()
    room = extent_pt(ax)[0]
    ax.set_xlim(0, room)
    ax.set_ylim(len(rows) + 1, 0)
    at = 0.0 - _TABLE_PT
    for line, colour in enumerate(colours, start=1):
        ax.plot([at], [line + 0.5], "s", color=colour, markersize=5, clip_on=False)
    at += _MARK_PT
    for index, column in enumerate(columns):
        cells = [column.rstrip(":"), *(row[index] for row in rows)]
        width = min(CHAR_PT * max(map(len, cells)), room - at)
        is_left = column.endswith(":")
        for line, text in enumerate(cells):
            ax.text(
                at if is_left else at + width,
                line + 0.5,
                plain(last_of(text, int(width / CHAR_PT))),
                ha="left" if is_left else "right",
                va="center",
                fontsize=TEXT_PT,
                color=INK if line else FAINT,
            )
        at += width + _GAP_PT


def run_lines(result: PoolResult) -> list[str]:
    """Return what drove a pool, and which."""
    if isinstance(result, WorkloadResult):
        run = result.workload
        parts = [f"workload {run.name}"]
        parts += [run.provenance["file"]] if "file" in run.provenance else []
        parts += [] if run.seed is None else [f"seed {run.seed}"]
        parts += [plural(run.events, "event"), duration_text(run.duration_ns)]
    else:
        assert isinstance(result, ReplayResult)
        parts = trace_words(result.trace)
    return [", ".join(parts), f"pool {result.config}"]


def trace_words(trace: TraceSummary) -> list[str]:
    """Return which trace it was, and how long."""
    parts = [trace.name or "unnamed trace"]
    parts += [trace.filter] if trace.filter else []
    parts += [f"frees paired {trace.pairing}"] if trace.pairing else []
    parts += [plural(trace.events, "event")]
    return parts + [duration_text(trace.duration_ns) if trace.has_time else "no time"]


def _header(figure: Figure, title: str, lines: Sequence[str]) -> None:
    height = figure.get_figheight()
    small = {"fontsize": TEXT_PT, "color": FAINT, "va": "top", "ha": "left"}
    left = 0.1 / WIDTH_IN
    figure.text(left, 1 - 0.1 / height, title, fontsize=11.5, weight="bold", va="top", ha="left")
    for top_in, line in zip((0.34, 0.50), lines):
        figure.text(left, 1 - top_in / height, plain(line), **small)


def _axes(figure: Figure, top_in: float, height_in: float) -> Axes:
    """Add an Axes as wide as the sheet, `top_in` inches below its upper edge."""
    width, height = figure.get_size_inches()
    bottom_in = height - top_in - height_in
    span_in = width - _LEFT_IN - _RIGHT_IN
    return figure.add_axes(
        (_LEFT_IN / width, bottom_in / height, span_in / width, height_in / height)
    )


def _foot_in(handles: Sequence[Any]) -> float:
    """Return the height for an x axis and `_foot_legend` under it."""
    return 0.56 + 0.19 * -(-len(handles) // 3)


def _foot_legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Explain the marks at the foot of the sheet, beside no data."""
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.04 / figure.get_figheight()),
        ncol=3,
        frameon=False,
        columnspacing=1.6,
    )
