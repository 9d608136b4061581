"""How full a workload's tables were, and what they refused or let go."""

from __future__ import annotations

from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from pyrns_pool.plot._data import table_fill_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    INK,
    MISS,
    TEXT_PT,
    extent_pt,
    frame,
    house_style,
    plain,
    tint,
)
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.words import plural

__all__ = ["table_fill", "table_fill_figure"]

_COLOUR = "#0072B2"
_PITCH, _BAR = 1.0, 0.36  # Of the lanes; over the bar stand its words.
_LANE_IN, _TITLE_IN = 0.42, 0.3
_CHAR_PT, _BOLD_PT = 5.0, 6.2  # Of one character, at most on average.
_NAME_CHARS_MIN = 8
_LOSSES = {"rejects": "rejected", "culls": "culled", "overwrites": "overwritten"}


def table_fill(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw the fill of each table that was used against its capacity, a lane for each.

    Parameters
    ----------
    result : WorkloadResult
        What ran; it had tables. If none was used, all are drawn.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `table_fill_data`.

    Raises
    ------
    ValueError
        If the workload had no tables.
    """
    rows = _rows(result)
    for lane, row in enumerate(rows):
        y = -lane * _PITCH
        count, high = (100.0 * int(row[n]) / int(row["capacity"]) for n in ("count", "high_water"))
        ax.barh(y, 100, _BAR, color="white", edgecolor=FAINT, linewidth=0.8)
        ax.barh(y, high, _BAR, color=tint(_COLOUR, 0.3), linewidth=0, label=f"high {lane}")
        ax.barh(y, count, _BAR, color=tint(_COLOUR, 0.8), linewidth=0, label=f"count {lane}")
        ax.plot([high, high], [y - 0.75 * _BAR, y + 0.5 * _BAR], color=INK, linewidth=1.2)
        over = {"xycoords": "data", "textcoords": "offset points", "va": "bottom"}
        top = y + 0.5 * _BAR
        facts = _facts(row)
        room = int((extent_pt(ax)[0] - _CHAR_PT * len(facts)) / _BOLD_PT)
        name = plain(f"{row['name']} ({row['policy']})", max(room, _NAME_CHARS_MIN))
        bold = {"fontsize": TEXT_PT, "weight": "bold", "ha": "left"}
        ax.annotate(name, (0, top), (0, 2), **bold, **over)
        colour = MISS if any(row[deed] for deed in _LOSSES) else INK
        look = {"fontsize": TEXT_PT, "ha": "right", "color": colour}
        ax.annotate(facts, (100, top), (0, 2), **look, **over)
    ax.set_xlim(-0.6, 100.6)
    ax.set_ylim(-(len(rows) - 1) * _PITCH - 0.4, 0.75)
    ax.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
    ax.yaxis.set_major_locator(NullLocator())
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("entries, share of the capacity (%)")
    frame(ax)
    return ax


@house_style()
def table_fill_figure(result: WorkloadResult) -> Sheet:
    """Draw `table_fill` on a sheet of its own.

    Parameters
    ----------
    result : WorkloadResult
        What ran; it had tables.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.

    Raises
    ------
    ValueError
        If the workload had no tables.
    """
    rows = _rows(result)
    sums = {word: int(rows[name].sum()) for name, word in _LOSSES.items()}
    lost = ", ".join(f"{count:,} {word}" for word, count in sums.items() if count)
    title = f"Tables: {lost or 'nothing rejected, culled or overwritten'}"
    panels = [Panel(0.0, _LANE_IN * len(rows), 0.0, partial(table_fill, result))]
    return stack(title, run_lines(result), panels, _handles())


def _rows(result: WorkloadResult) -> Any:
    if not result.tables:
        raise ValueError(f"result: the workload {result.workload.name!r} has no tables")
    rows = table_fill_data(result)
    used = rows[rows["puts"] > 0]
    return used if len(used) else rows


def _facts(row: Any) -> str:
    """Return in words how full a table was, and what its policy did."""
    text = f"{row['count']:,} of {row['capacity']:,}, high water {row['high_water']:,}"
    deeds = {
        "rejects": f"rejected {row['rejects']:,}",
        "culls": f"culled {row['culls']:,} in {plural(int(row['cull_runs']), 'run')}",
        "overwrites": f"overwrote {row['overwrites']:,}",
        "expired": f"expired {row['expired']:,}",
    }
    return "; ".join([text, *(words for name, words in deeds.items() if row[name])])


def _handles() -> list[Any]:
    return [
        Patch(facecolor=tint(_COLOUR, 0.8), label="entries at the end"),
        Patch(facecolor=tint(_COLOUR, 0.3), label="at the high-water mark"),
    ]
