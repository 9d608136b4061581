"""A soak: what was free hour by hour, how the heap beside the pool broke up, and the alarms."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from pyrns_pool.plot._data import alarms_data, soak_data
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    INK,
    MISS,
    TEXT_PT,
    TimeAxis,
    count_tick,
    frame,
    house_style,
    panel_title,
    tint,
)
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.words import plural

__all__ = ["alarms", "alarms_figure", "soak_figure", "soak_fragmentation", "soak_free"]

_POOL, _HEAP = "#0072B2", "#E69F00"
_LEVEL_COLOURS = {"warn": _HEAP, "critical": MISS}
_LIMITS = (30, 50)  # Per cent of fragmentation at which devices warn.
_TITLE_IN, _PANEL_IN, _GAP_IN, _AXIS_IN = 0.24, 1.3, 0.12, 0.5
_PITCH, _BAR, _LANE_IN = 1.0, 0.3, 0.42


def _steps(result: WorkloadResult, ax: Axes, name: str, scale: float, **look: Any) -> None:
    axis, rows = TimeAxis.of(result), soak_data(result)
    edges = axis.positions(np.append(rows["start_ns"], rows["end_ns"][-1:]))
    ax.stairs(rows[name] / scale, edges, baseline=None, linewidth=1.3, label=name, **look)


def _finish(result: WorkloadResult, ax: Axes) -> Axes:
    axis = TimeAxis.of(result)
    ax.grid(True, axis="y", color=GRID, linewidth=0.6)
    axis.apply(ax)
    ax.set_xlabel(axis.label)
    frame(ax)
    return ax


def soak_free(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw the least that was free in pool and heap in each hour.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`, its lines labelled for a legend. The numbers are those of `soak_data`.

    Raises
    ------
    ValueError
        If the result is not of a soak.
    """
    rows = soak_data(result)
    _steps(result, ax, "free_bytes_min", 1, color=_POOL)
    _steps(result, ax, "heap_free_min", 1, color=_HEAP, linestyle=(0, (4, 2)))
    _steps(result, ax, "heap_largest_free_min", 1, color=_HEAP)
    most = max(int(rows[name].max()) for name in ("free_bytes_min", "heap_free_min"))
    ax.set_ylim(0, max(1.0, 1.15 * most))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.set_ylabel("bytes", fontsize=TEXT_PT)
    drift = int(rows["drift"][-1])
    panel_title(ax, "Least that was free", f"in each hour; the pool's drift is {drift}", _POOL)
    return _finish(result, ax)


def soak_fragmentation(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw the heap's external fragmentation, with the limits at which devices warn.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`, its lines labelled for a legend. The numbers are those of `soak_data`.

    Raises
    ------
    ValueError
        If the result is not of a soak.
    """
    rows = soak_data(result)
    for limit, colour in zip(_LIMITS, _LEVEL_COLOURS.values()):
        ax.axhline(limit, color=colour, linewidth=0.8, linestyle=(0, (1, 2)))
    _steps(result, ax, "heap_fragmentation_mean_ppm", 1e4, color=_HEAP)
    _steps(result, ax, "heap_fragmentation_max_ppm", 1e4, color=MISS)
    ax.set_ylim(0, 100)
    ax.set_ylabel("%", fontsize=TEXT_PT)
    worst = int(rows["heap_fragmentation_max_ppm"].max()) / 1e4
    refused = plural(int(rows["heap_failures"].sum()), "request")
    facts = f"worst {worst:.1f} %, {refused} refused; a pool has none"
    panel_title(ax, "Fragmentation of the heap", facts, MISS)
    return _finish(result, ax)


@house_style()
def soak_figure(result: WorkloadResult) -> Sheet:
    """Draw what was free in pool and heap, and the heap's fragmentation, hour by hour.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. The numbers are those of `soak_data`.

    Raises
    ------
    ValueError
        If the result is not of a soak.
    """
    hours = soak_data(result)
    misses = plural(int(hours["misses"].sum()), "request")
    title = f"{plural(len(hours), 'hour')}: {misses} missed by the pool"

    def upper(ax: Axes) -> None:
        soak_free(result, ax).tick_params(axis="x", labelbottom=False)
        ax.set_xlabel("")

    panels = [
        Panel(_TITLE_IN, _PANEL_IN, _GAP_IN, upper),
        Panel(_TITLE_IN, _PANEL_IN, 0.0, partial(soak_fragmentation, result)),
    ]
    handles = [
        Line2D([], [], color=_POOL, label="pool, free slots"),
        Line2D([], [], color=_HEAP, linestyle=(0, (4, 2)), label="heap, all free blocks"),
        Line2D([], [], color=_HEAP, label="heap, largest free block; mean"),
        Line2D([], [], color=MISS, label="worst fragmentation"),
        Line2D([], [], color=INK, linestyle=(0, (1, 2)), label="30 % and 50 %"),
    ]
    return stack(title, run_lines(result), panels, handles)


def alarms(result: WorkloadResult, ax: Axes) -> Axes:
    """Draw when each alarm was on, a lane for each.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `alarms_data`.

    Raises
    ------
    ValueError
        If no alarm was raised, or the result is not of a soak.
    """
    axis, changes = TimeAxis.of(result), _raised(result)
    end_ns = axis.end_ns
    kinds = _kinds(changes)
    for lane, (metric, tier, level) in enumerate(kinds):
        y = -lane * _PITCH
        is_mine = (changes["metric"] == metric) & (changes["tier"] == tier)
        mine = changes[is_mine & (changes["level"] == level)]
        begins = mine["t_ns"][mine["raised"]]
        ends = mine["t_ns"][~mine["raised"]]
        ends = np.append(ends, [end_ns] * (len(begins) - len(ends)))
        colour = _LEVEL_COLOURS[level]
        ax.axhline(y, color=FAINT, linewidth=0.5)
        # As marks as well, an alarm that is short beside the time axis can still be seen.
        ax.plot(axis.positions(begins), [y] * len(begins), "|", color=colour, label=f"at {lane}")
        ax.hlines([y] * len(begins), axis.positions(begins), axis.positions(ends), colour, lw=5)
        name = metric if tier < 0 else f"{metric} of {result.config.tiers[tier].slot_bytes}"
        share = sum((ends - begins).tolist()) / (axis.end_ns - axis.start_ns)
        times = f"{level}, raised {plural(len(begins), 'time')}"
        facts = f"{times}, on for {100 * share:.2f} % of the time"
        over = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        words = {**over, "va": "bottom", "fontsize": TEXT_PT}
        ax.annotate(name, (0, y + _BAR), (0, 0), weight="bold", ha="left", **words)
        ax.annotate(facts, (1, y + _BAR), (0, 0), color=INK, ha="right", **words)
    ax.set_ylim(-(len(kinds) - 1) * _PITCH - 0.4, 0.75)
    ax.yaxis.set_major_locator(NullLocator())
    ax.spines["left"].set_visible(False)
    axis.apply(ax)
    ax.set_xlabel(axis.label)
    frame(ax)
    return ax


@house_style()
def alarms_figure(result: WorkloadResult) -> Sheet:
    """Draw when each alarm of a soak was on.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak in which an alarm was raised.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution. The numbers are those of `alarms_data`.

    Raises
    ------
    ValueError
        If there was no alarm, or the result is not of a soak.
    """
    changes = _raised(result)
    raised = plural(int(changes["raised"].sum()), "alarm")
    lanes = Panel(0.0, _LANE_IN * len(_kinds(changes)), 0.0, partial(alarms, result))
    handles = [
        Patch(facecolor=tint(colour, 1.0), label=level) for level, colour in _LEVEL_COLOURS.items()
    ]
    return stack(f"{raised} raised", run_lines(result), [lanes], handles)


def _raised(result: WorkloadResult) -> Any:
    changes = alarms_data(result)
    if not len(changes):
        raise ValueError("result: no alarm was raised")
    return changes


def _kinds(changes: Any) -> list[tuple[str, int, str]]:
    names = ("metric", "tier", "level")
    return list(dict.fromkeys(zip(*(changes[name].tolist() for name in names))))
