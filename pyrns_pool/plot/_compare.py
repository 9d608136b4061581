"""Pool and heaps beside each other: largest free block and failures, fragmentation, RAM."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.compare_results import CompareResult, Contender
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    HEADER_IN,
    INK,
    TEXT_PT,
    Sheet,
    TimeAxis,
    count_tick,
    duration_text,
    foot_in,
    foot_legend,
    frame,
    header_text,
    house_style,
    new_sheet,
    panel,
    panel_title,
    plain,
    tint,
)
from pyrns_pool.words import plural

__all__ = [
    "compare_data",
    "failures_data",
    "heap_fragmentation_figure",
    "largest_free_figure",
    "ram_data",
    "ram_figure",
]

BINS_MAX = 200
_NAME = [("contender", "<U24"), ("arena_bytes", "<u8")]
_SPAN = [("start_ns", "<i8"), ("end_ns", "<i8")]
_COUNTS = [(name, "<u8") for name in ("events", "requests", "failures", "probe_failures")]
_STATES = [
    (f"{what}_{how}", "<f8" if how == "mean" else "<u8")
    for what in ("free", "largest")
    for how in ("min", "mean", "max")
] + [(f"fragmentation_{how}", "<f8") for how in ("min", "mean", "max")]
COMPARE_DTYPE = np.dtype(_NAME + _SPAN + _COUNTS + _STATES)
RAM_DTYPE = np.dtype(
    _NAME
    + [("ram_bytes", "<u8"), ("requests", "<u8"), ("failures", "<u8"), ("peak_used_bytes", "<u8")]
    + [("zero_failure_bytes", "<i8"), ("peak_live_bytes", "<u8"), ("of_peak_live", "<f8")]
)
FAILURES_DTYPE = np.dtype(_NAME + [("event", "<i8"), ("t_ns", "<i8"), ("size_bytes", "<u8")])

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


def compare_data(result: CompareResult) -> NDArray[np.void]:
    """Return what `largest_free_figure` and `heap_fragmentation_figure` show over time.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each contender and bin, at most 200 bins: ``contender``, ``arena_bytes``,
        ``start_ns``, ``end_ns``; ``events``, ``requests``, ``failures``, ``probe_failures``;
        ``free``, ``largest`` (bytes) and ``fragmentation`` (0 to 1), each with ``_min``,
        ``_mean`` and ``_max``. A mean is over the states after each event; in a bin without
        events it is NaN.
    """
    count = len(result.edges_ns) - 1
    first = np.arange(min(count, BINS_MAX)) * count // min(count, BINS_MAX)
    edges_ns = result.edges_ns[np.append(first, count)]
    tables = []
    for one in result.contenders:
        rows = np.zeros(len(first), COMPARE_DTYPE)
        rows["contender"], rows["arena_bytes"] = one.contender, one.arena_bytes
        rows["start_ns"], rows["end_ns"] = edges_ns[:-1], edges_ns[1:]
        for name, _ in _COUNTS:
            rows[name] = np.add.reduceat(one.bins[name], first)
        for what, unit in (("free", 1), ("largest", 1), ("fragmentation_ppm", 1_000_000)):
            name = what.removesuffix("_ppm")
            rows[f"{name}_min"] = np.minimum.reduceat(one.bins[f"{what}_min"], first) / unit
            rows[f"{name}_max"] = np.maximum.reduceat(one.bins[f"{what}_max"], first) / unit
            total = np.add.reduceat(one.bins[f"{what}_sum"], first).astype(np.float64) / unit
            mean = np.full(len(first), np.nan)
            rows[f"{name}_mean"] = np.divide(
                total, rows["events"], out=mean, where=rows["events"] > 0
            )
        tables.append(rows)
    return np.concatenate(tables)


def ram_data(result: CompareResult) -> NDArray[np.void]:
    """Return the bars of `ram_figure`.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each contender: ``contender``, ``arena_bytes``, ``ram_bytes``, ``requests``,
        ``failures``, ``peak_used_bytes``, ``zero_failure_bytes`` (-1: not known),
        ``peak_live_bytes`` of the trace, and ``of_peak_live``, their quotient (NaN: not known).
    """
    rows = np.zeros(len(result.contenders), RAM_DTYPE)
    for row, one in zip(rows, result.contenders):
        for name in ("contender", "arena_bytes", "ram_bytes", "requests", "failures"):
            row[name] = getattr(one, name)
        needed, live = one.zero_failure_bytes, result.trace.peak_live_bytes
        row["peak_used_bytes"], row["peak_live_bytes"] = one.peak_used_bytes, live
        row["zero_failure_bytes"] = -1 if needed is None else needed
        times = result.of_peak_live(one)
        row["of_peak_live"] = np.nan if times is None else times
    return rows


def failures_data(result: CompareResult) -> NDArray[np.void]:
    """Return the first failures of each contender.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        ``contender``, ``arena_bytes``, ``event`` (row of the trace), ``t_ns``, ``size_bytes``.
    """
    tables = []
    for one in result.contenders:
        rows = np.zeros(len(one.failed), FAILURES_DTYPE)
        rows["contender"], rows["arena_bytes"] = one.contender, one.arena_bytes
        for name in one.failed.dtype.names or ():
            rows[name] = one.failed[name]
        tables.append(rows)
    return np.concatenate(tables)


@house_style()
def largest_free_figure(result: CompareResult) -> Sheet:
    """Draw the largest free block and the failures of every contender over time.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution; two panels for each arena.
    """
    return _over_time(
        "Largest free block, and failures",
        result,
        [("largest", _draw_largest, 1.7), ("failures", _draw_failures, 1.2)],
    )


@house_style()
def heap_fragmentation_figure(result: CompareResult) -> Sheet:
    """Draw external fragmentation, 1 - largest free / total free, of every heap over time.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide; a panel for each arena.
    """
    panels = [("fragmentation", _draw_fragmentation, 2.2)]
    return _over_time("External fragmentation of the heaps", result, panels)


@house_style()
def ram_figure(result: CompareResult) -> Sheet:
    """Draw the RAM in which nothing fails, a bar for each contender.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide.
    """
    contenders = result.of_arena(result.arenas[0])
    height = 0.3 * len(contenders)
    figure = new_sheet(HEADER_IN + 0.25 + height + 0.55)
    _header(figure, "RAM in which nothing fails", result)
    ax = panel(figure, HEADER_IN + 0.25, height)
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
    ax.set_xlim(0, 1.38 * longest)
    ax.set_ylim(-len(contenders) + 0.5, 0.5)
    ax.set_yticks([-lane for lane in range(len(contenders))])
    ax.set_yticklabels([one.contender for one in contenders])
    ax.xaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.set_xlabel("bytes")
    ax.set_title(f"dashed: peak live, {live:,} B", loc="left", fontsize=TEXT_PT, color=FAINT)
    frame(ax)
    return figure


_Panel = tuple[str, Callable[[Axes, TimeAxis, Contender, NDArray[np.void]], object], float]


def _over_time(title: str, result: CompareResult, parts: Sequence[_Panel]) -> Sheet:
    """Return a sheet with these panels for each arena, one line for each contender."""
    rows = compare_data(result)
    start, end = (int(result.edges_ns[i]) for i in (0, -1))
    axis = TimeAxis.between(start, end, result.trace.has_time)
    arenas = result.arenas
    shown = [one for one in result.of_arena(arenas[0]) if _is_drawn(parts[0][0], one)]
    handles = [_handle(one) for one in shown]
    height = HEADER_IN + len(arenas) * sum(0.34 + part[2] for part in parts) + foot_in(handles)
    figure = new_sheet(height)
    _header(figure, title, result)
    top = HEADER_IN
    for arena in arenas:
        for name, draw, panel_in in parts:
            ax = panel(figure, top + 0.28, panel_in)
            # The pools last, spill dashed over strict: both are seen where they coincide.
            for one in sorted(result.of_arena(arena), key=lambda one: one.is_pool):
                mine = (rows["contender"] == one.contender) & (rows["arena_bytes"] == arena)
                if _is_drawn(name, one):
                    draw(ax, axis, one, rows[mine])
            is_last = arena == arenas[-1] and name == parts[-1][0]
            lowest = int(rows["largest_min"][rows["arena_bytes"] == arena].min())
            _finish(ax, axis, name, lowest)
            ax.tick_params(axis="x", labelbottom=is_last)
            ax.set_xlabel(axis.label if is_last else "")
            facts = _facts(result.of_arena(arena), name)
            panel_title(ax, f"{arena:,} bytes", facts)
            top += 0.34 + panel_in
    foot_legend(figure, handles)
    return figure


def _line(one: Contender) -> dict[str, Any]:
    return {
        "color": _COLOURS[one.contender],
        "linestyle": _DASHES.get(one.contender, "-"),
        "linewidth": 1.6 if one.is_pool else 1.1,
    }


def _handle(one: Contender) -> Line2D:
    return Line2D([], [], label=one.contender, **_line(one))


def _steps(ax: Axes, axis: TimeAxis, one: Contender, rows: Any, values: Any) -> None:
    edges = axis.positions(np.append(rows["start_ns"], rows["end_ns"][-1:]))
    ax.stairs(values, edges, baseline=None, label=one.contender, **_line(one))


def _draw_largest(ax: Axes, axis: TimeAxis, one: Contender, rows: NDArray[np.void]) -> None:
    _steps(ax, axis, one, rows, rows["largest_min"])


def _draw_failures(ax: Axes, axis: TimeAxis, one: Contender, rows: NDArray[np.void]) -> None:
    _steps(ax, axis, one, rows, np.cumsum(rows["failures"]))


def _draw_fragmentation(ax: Axes, axis: TimeAxis, one: Contender, rows: NDArray[np.void]) -> None:
    _steps(ax, axis, one, rows, 100 * rows["fragmentation_mean"])


def _is_drawn(name: str, one: Contender) -> bool:
    """Return whether a contender has something to show: a pool does not fragment."""
    return name != "fragmentation" or not one.is_pool


_LABELS = {
    "largest": "largest free (B)",
    "failures": "failures so far",
    "fragmentation": "mean of a bin (%)",
}


def _finish(ax: Axes, axis: TimeAxis, name: str, lowest: int) -> None:
    axis.apply(ax)
    ax.set_ylabel(_LABELS[name], fontsize=TEXT_PT)
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    highest = max([10.0, ax.dataLim.ymax])
    if name == "fragmentation":
        ax.set_ylim(0, 100)
    elif name == "largest" and lowest > highest / 20:
        ax.set_ylim(0, 1.1 * highest)
    else:
        # From 0 to millions: what fails once has to be seen beside what fails all the time.
        ax.set_yscale("symlog", linthresh=100 if name == "largest" else 1)
        ax.set_ylim(-15 if name == "largest" else -0.3, 2 * highest)
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    if name != "failures" and ax.get_yscale() == "linear":
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    frame(ax)


def _facts(contenders: Sequence[Contender], name: str) -> str:
    """Return in words what a panel shows."""
    if name == "largest":
        takes = next((one.ram_bytes for one in contenders if one.is_pool), 0)
        return f"least of each bin; the pool takes {takes:,} bytes"
    if name == "fragmentation":
        heaps = [one for one in contenders if not one.is_pool]
        worst = max(heaps, key=lambda one: one.fragmentation_mean, default=None)
        if worst is None:
            return "no heaps"
        return f"highest mean: {worst.contender}, {100 * worst.fragmentation_mean:.0f} %"
    failing = [one for one in contenders if one.failures]
    if not failing:
        return "nothing fails"
    return f"{len(failing)} of {plural(len(contenders), 'contender')} fail"


def _header(figure: Sheet, title: str, result: CompareResult) -> None:
    trace = result.trace
    parts = [trace.name or "unnamed trace"]
    parts += [trace.filter] if trace.filter else []
    parts += [f"frees paired {trace.pairing}"] if trace.pairing else []
    parts += [plural(trace.events, "event")]
    parts += [duration_text(trace.duration_ns) if trace.has_time else "no time"]
    parts += [f"sizes scaled {result.scaled.split(':')[0]}"] if result.scaled else []
    parts += [result.machine] if result.machine else []
    pool = f"pool {str(result.config).split()[0]}"
    header_text(figure, title, [plain(", ".join(parts)), plain(pool)])
