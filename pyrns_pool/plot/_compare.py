"""Pool and heaps beside each other: largest free block and failures, fragmentation, RAM."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.compare_results import CompareResult, Contender
from pyrns_pool.plot._compare_data import bin_starts, compare_data
from pyrns_pool.plot._sheet import Panel, Sheet, stack, trace_words
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    INK,
    TEXT_PT,
    TimeAxis,
    count_tick,
    extent_pt,
    frame,
    house_style,
    panel_title,
    tick_count,
    tint,
)
from pyrns_pool.words import plural

__all__ = [
    "heap_failures",
    "heap_fragmentation",
    "heap_fragmentation_figure",
    "largest_free",
    "largest_free_figure",
    "ram",
    "ram_figure",
]

_FACTS_PT = 130.0  # Kept for the words beside the bars.
# Of Okabe and Ito, the pool in ink: it is what the heaps are compared with.
_COLOURS = {
    "pool_strict": INK,
    "pool_spill": "#AAAAAA",
    "first_fit": "#0072B2",
    "best_fit": "#56B4E9",
    "tlsf": "#D55E00",
    "half_fit": "#009E73",
    "buddy": "#CC79A7",
}
_DASHES = {"pool_spill": (0, (4, 2)), "best_fit": (0, (5, 1)), "buddy": (0, (1, 1))}


def largest_free(result: CompareResult, ax: Axes, *, arena_bytes: Optional[int] = None) -> Axes:
    """Draw the largest free block of every contender over time, the least of each bin.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.
    ax : matplotlib Axes
        Where to draw.
    arena_bytes : int, optional
        Which arena; by default the first.

    Returns
    -------
    matplotlib Axes
        `ax`, its lines labelled for a legend. The numbers are those of `compare_data`.

    Raises
    ------
    ValueError
        If there is no such arena.
    """
    contenders = _contenders(result, arena_bytes)
    for one, rows in contenders:
        _steps(ax, result, one, rows["largest_min"])
    lowest = min(int(rows["largest_min"].min()) for _, rows in contenders)
    highest = max(10.0, ax.dataLim.ymax)
    if lowest > highest / 20:
        ax.set_ylim(0, 1.1 * highest)
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    else:
        _from_zero(ax, 100, highest)
    takes = next((one.ram_bytes for one, _ in contenders if one.is_pool), 0)
    facts = f"least of each bin; the pool takes {takes:,} bytes"
    return _finish(result, ax, contenders, "largest free (B)", facts)


def heap_failures(result: CompareResult, ax: Axes, *, arena_bytes: Optional[int] = None) -> Axes:
    """Draw how many requests of every contender had failed so far.

    Parameters
    ----------
    result, ax, arena_bytes
        As in `largest_free`.

    Returns
    -------
    matplotlib Axes
        `ax`, its lines labelled for a legend. The numbers are those of `compare_data`.

    Raises
    ------
    ValueError
        If there is no such arena.
    """
    contenders = _contenders(result, arena_bytes)
    for one, rows in contenders:
        _steps(ax, result, one, np.cumsum(rows["failures"]))
    _from_zero(ax, 1, max(10.0, ax.dataLim.ymax))
    failing = sum(one.failures > 0 for one, _ in contenders)
    facts = f"{failing} of {plural(len(contenders), 'contender')} fail"
    return _finish(
        result, ax, contenders, "failures so far", facts if failing else "nothing fails"
    )


def heap_fragmentation(
    result: CompareResult, ax: Axes, *, arena_bytes: Optional[int] = None
) -> Axes:
    """Draw external fragmentation, 1 - largest free / total free, of every heap over time.

    Parameters
    ----------
    result, ax, arena_bytes
        As in `largest_free`.

    Returns
    -------
    matplotlib Axes
        `ax`, its lines labelled for a legend: the mean of each bin, and thin the worst state in
        it. The numbers are those of `compare_data`.

    Raises
    ------
    ValueError
        If there is no such arena.
    """
    heaps = [(one, rows) for one, rows in _contenders(result, arena_bytes) if not one.is_pool]
    for one, rows in heaps:
        worst = {"linewidth": 0.5, "linestyle": "-", "label": f"{one.contender}, worst"}
        _steps(ax, result, one, 100 * rows["fragmentation_max"], alpha=0.6, **worst)
    for one, rows in heaps:
        _steps(ax, result, one, 100 * rows["fragmentation_mean"])
    ax.set_ylim(0, 100)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    facts = "no heaps"
    if heaps:
        highest = max((one for one, _ in heaps), key=lambda one: one.fragmentation_mean)
        facts = f"highest mean: {highest.contender}, {100 * highest.fragmentation_mean:.0f} %"
    contenders = _contenders(result, arena_bytes)
    return _finish(result, ax, contenders, "mean, worst (%)", facts)


def ram(result: CompareResult, ax: Axes) -> Axes:
    """Draw the RAM in which nothing fails, a bar for each contender.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `ram_data`.
    """
    contenders = result.of_arena(result.arenas[0])
    live = result.trace.peak_live_bytes
    longest = max([live, *(one.zero_failure_bytes or 0 for one in contenders)])
    for lane, one in enumerate(contenders):
        needed, colour = one.zero_failure_bytes, _COLOURS[one.contender]
        ax.barh(-lane, needed or 0, 0.62, color=tint(colour, 0.75), linewidth=0)
        times = result.of_peak_live(one)
        words = "not known" if needed is None else f"{needed:,} B"
        words += "" if times is None else f", {times:.2f} × live"
        at = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(words, (needed or 0, -lane), fontsize=TEXT_PT, **at)
    ax.axvline(live, color=FAINT, linewidth=1.0, linestyle=(0, (4, 2)))
    width = extent_pt(ax)[0]
    ax.set_xlim(0, longest * width / max(width - _FACTS_PT, width / 3))
    ax.set_ylim(-len(contenders) + 0.5, 0.5)
    ax.set_yticks([-lane for lane in range(len(contenders))])
    ax.set_yticklabels([one.contender for one in contenders])
    ax.xaxis.set_major_locator(MaxNLocator(tick_count(ax), integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.set_xlabel("bytes")
    ax.set_title(f"dashed: peak live, {live:,} B", loc="left", fontsize=TEXT_PT, color=FAINT)
    frame(ax)
    return ax


@house_style()
def largest_free_figure(result: CompareResult) -> Sheet:
    """Draw `largest_free` and `heap_failures` for every arena.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution; two panels for each arena.
    """
    parts = [(largest_free, 1.7), (heap_failures, 1.2)]
    handles = [_handle(one) for one in result.of_arena(result.arenas[0])]
    return _over_time("Largest free block, and failures", result, parts, handles)


@house_style()
def heap_fragmentation_figure(result: CompareResult) -> Sheet:
    """Draw `heap_fragmentation` for every arena.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide; a panel for each arena.
    """
    heaps = [one for one in result.of_arena(result.arenas[0]) if not one.is_pool]
    thin = {"color": "#777777", "linewidth": 0.5, "alpha": 0.6}
    handles = [_handle(one) for one in heaps]
    handles += [Line2D([], [], label="thin: worst of a bin", **thin)] if heaps else []
    title = "External fragmentation of the heaps"
    return _over_time(title, result, [(heap_fragmentation, 2.2)], handles)


@house_style()
def ram_figure(result: CompareResult) -> Sheet:
    """Draw `ram` on a sheet of its own.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide.
    """
    height_in = 0.3 * len(result.of_arena(result.arenas[0]))
    panels = [Panel(0.25, height_in, 0.55, partial(ram, result))]
    return stack("RAM in which nothing fails", _lines(result), panels)


def _over_time(
    title: str,
    result: CompareResult,
    parts: Sequence[tuple[Callable[..., Axes], float]],
    handles: Sequence[Line2D],
) -> Sheet:
    """Return a sheet with these panels, of these heights, for each arena."""
    drawn = [(draw, arena, height) for arena in result.arenas for draw, height in parts]

    def draw_part(ax: Axes, number: int) -> None:
        draw, arena, _ = drawn[number]
        draw(result, ax, arena_bytes=arena)
        if number < len(drawn) - 1:
            ax.tick_params(axis="x", labelbottom=False)
            ax.set_xlabel("")

    panels = [
        Panel(0.28, height, 0.06, partial(draw_part, number=number))
        for number, (_, _, height) in enumerate(drawn)
    ]
    if not handles:  # Whose place at the foot has room for the axis.
        panels[-1] = panels[-1]._replace(below_in=0.55)
    return stack(title, _lines(result), panels, handles)


def _contenders(
    result: CompareResult, arena_bytes: Optional[int]
) -> list[tuple[Contender, NDArray[np.void]]]:
    """Return the contenders of an arena with their rows, in the order in which to draw them.

    The pools last, spill dashed over strict: both are seen where they coincide.
    """
    arena = result.arenas[0] if arena_bytes is None else arena_bytes
    if arena not in result.arenas:
        known = ", ".join(map(str, result.arenas))
        raise ValueError(f"arena_bytes: {arena_bytes!r} is not one of {known}")
    rows = compare_data(result)
    rows = rows[rows["arena_bytes"] == arena]
    ordered = sorted(result.of_arena(arena), key=lambda one: one.is_pool)
    return [(one, rows[rows["contender"] == one.contender]) for one in ordered]


def _axis(result: CompareResult) -> TimeAxis:
    start, end = (int(result.edges_ns[i]) for i in (0, -1))
    return TimeAxis.between(start, end, result.trace.has_time)


def _steps(
    ax: Axes, result: CompareResult, one: Contender, values: NDArray[Any], **look: Any
) -> None:
    edges_ns = np.append(result.edges_ns[bin_starts(result)], result.edges_ns[-1])
    edges = _axis(result).positions(edges_ns)
    ax.stairs(values, edges, baseline=None, **{"label": one.contender, **_line(one), **look})


def _line(one: Contender) -> dict[str, Any]:
    return {
        "color": _COLOURS[one.contender],
        "linestyle": _DASHES.get(one.contender, "-"),
        "linewidth": 1.6 if one.is_pool else 1.1,
    }


def _handle(one: Contender) -> Line2D:
    return Line2D([], [], label=one.contender, **_line(one))


def _from_zero(ax: Axes, linear_to: int, highest: float) -> None:
    """Scale from 0 to millions: what fails once has to be seen beside what fails all the time."""
    ax.set_yscale("symlog", linthresh=linear_to)
    ax.set_ylim(-0.15 * linear_to if linear_to > 1 else -0.3, 2 * highest)


def _finish(
    result: CompareResult,
    ax: Axes,
    contenders: Sequence[tuple[Contender, Any]],
    label: str,
    facts: str,
) -> Axes:
    axis = _axis(result)
    axis.apply(ax)
    ax.set_xlabel(axis.label)
    ax.set_ylabel(label, fontsize=TEXT_PT)
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    panel_title(ax, f"{contenders[0][0].arena_bytes:,} bytes", facts)
    frame(ax)
    return ax


def _lines(result: CompareResult) -> list[str]:
    """Return which trace it was, on what machine, and the pool."""
    parts = trace_words(result.trace)
    parts += [f"sizes scaled {result.scaled.split(':')[0]}"] if result.scaled else []
    parts += [result.machine] if result.machine else []
    return [", ".join(parts), f"pool {str(result.config).split()[0]}"]
