"""RAM against hit rate: what others have built, what is possible, and what the tuner chose."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.plot._sheet import Panel, Sheet, stack, table_in, text_table
from pyrns_pool.plot._style import (
    GRID,
    INK,
    MISS,
    TEXT_PT,
    duration_text,
    frame,
    house_style,
    percent,
    tier_colour,
    tint,
)
from pyrns_pool.tune_results import FRONT_DTYPE, Compared, TuneResult
from pyrns_pool.words import plural

__all__ = ["tune_data", "tune_figure", "tune_front", "tune_front_data"]

_ABOVE_IN, _RATE_IN, _UNUSED_IN, _BELOW_IN = 0.1, 2.9, 1.0, 0.3
_MARK_PT = 8.5
_AXIS_IN, _FOOT_IN = 0.55, -0.3  # Over the table, and of the legend's room for an axis.

POOL_DTYPE = np.dtype(
    [("pool", "U24"), ("tiers", "U120"), ("policy", "U8"), ("bytes", "<i8"), ("requests", "<i8")]
    + [("served", "<i8"), ("hit_rate", "<f8"), ("fragmentation", "<f8")]
)


def tune_front_data(result: TuneResult) -> NDArray[np.void]:
    """Return the best pools that `tune_figure` draws as lines.

    Parameters
    ----------
    result : TuneResult
        What was found.

    Returns
    -------
    structured ndarray, shape (n,)
        FRONT_DTYPE, and ``hit_rate``, 0 to 1: the best pool of at most ``max_tiers`` tiers for
        each of some budgets.
    """
    rows = np.empty(len(result.front), [*FRONT_DTYPE.descr, ("hit_rate", "<f8")])
    for name in FRONT_DTYPE.names or ():
        rows[name] = result.front[name]
    rows["hit_rate"] = rows["hits"] / rows["requests"]
    return rows


def tune_data(result: TuneResult) -> NDArray[np.void]:
    """Return the pools that `tune_figure` marks.

    Parameters
    ----------
    result : TuneResult
        What was found.

    Returns
    -------
    structured ndarray, shape (n,)
        ``pool`` is the name of a pool of others, or ``tuned``, the answer, or ``tuned for`` and a
        name: the best of no more bytes, of which ``fragmentation`` is NaN. With each ``tiers``,
        ``policy``, ``bytes``, ``requests``, ``served`` by a replay, and ``hit_rate``.
    """
    config, total = result.config, result.total
    tiers, share = _tiers(config), result.fragmentation
    size = config.slots_bytes
    rows = [("tuned", tiers, "strict", size, total.requests, total.hits, total.hit_rate, share)]
    for one in result.compared:
        what, asked = one.config, one.requests
        row = (one.name, _tiers(what), what.policy, what.slots_bytes, asked, one.served)
        rows.append((*row, one.hit_rate, one.fragmentation))
        if one.tuned is not None:
            best = (_tiers(one.tuned), "strict", one.tuned.slots_bytes, asked, one.replayed)
            rows.append((f"tuned for {one.name}", *best, one.tuned_hit_rate, np.nan))
    return np.array(rows, POOL_DTYPE)


def _tiers(config: Any) -> str:
    return ",".join(map(str, config.tiers))


def tune_front(result: TuneResult, ax: Axes, *, unused: bool = False) -> Axes:
    """Draw hit rate, or the share of slots left unused, against bytes of slots.

    Parameters
    ----------
    result : TuneResult
        What was found.
    ax : matplotlib Axes
        Where to draw.
    unused : bool, optional
        Whether to draw the unused share, not the hit rate.

    Returns
    -------
    matplotlib Axes
        `ax`. The numbers are those of `tune_front_data` and `tune_data`; with the hit rate, the
        pools of others are numbered by rising bytes.
    """
    rows = tune_front_data(result)
    most = int(rows["max_tiers"].max())
    name = "fragmentation" if unused else "hit_rate"
    for number in range(1, most + 1):
        mine = rows[rows["max_tiers"] == number]
        # Steps, since between two budgets that were tried no more is known than of the smaller.
        line = {"color": _colour(number, most), "linewidth": 1.2, "drawstyle": "steps-post"}
        ax.plot(mine["bytes"] / 1024, 100 * mine[name], **line)
        mine = mine[mine["is_pareto"]]
        dots = {"color": _colour(number, most), "linestyle": "none", "markersize": 4}
        ax.plot(mine["bytes"] / 1024, 100 * mine[name], marker=".", **dots)
    _axes(result, unused, ax)
    mark = {"linestyle": "none", "clip_on": False}
    for one in result.compared:
        x = one.config.slots_bytes / 1024
        y = one.fragmentation if unused else one.hit_rate
        ax.plot([x], [100 * y], marker="s", markersize=_MARK_PT, color=MISS, zorder=5, **mark)
        if not unused and one.tuned is not None:
            ax.plot([x, x], [100 * y, 100 * one.tuned_hit_rate], color=MISS, linewidth=0.8)
    if not unused:
        _write_numbers(result, ax)
    x, y = result.config.slots_bytes / 1024, result.fragmentation if unused else result.hit_rate
    ax.plot([x], [100 * y], marker="*", markersize=13, color=INK, zorder=6, **mark)
    return ax


def _write_numbers(result: TuneResult, ax: Axes) -> None:
    """Write the number of each pool of others in its mark, over it where one is there already."""
    places: list[NDArray[np.float64]] = []
    for number, one in enumerate(_pools(result), start=1):
        x, y = one.config.slots_bytes / 1024, 100 * one.hit_rate
        at = ax.transData.transform((x, y)) * 72 / ax.figure.dpi
        level = 0
        while any((abs(at - other) < (_MARK_PT, _MARK_PT)).all() for other in places):
            at, level = at + (0, _MARK_PT), level + 1
        places.append(at)
        look = {"fontsize": 6.5, "weight": "bold", "color": MISS if level else "white"}
        look.update(ha="center", va="center_baseline", zorder=7, annotation_clip=False)
        offset = {"xytext": (0, level * _MARK_PT), "textcoords": "offset points"}
        ax.annotate(str(number), (x, y), **offset, **look)


def _colour(number: int, most: int) -> Any:
    """Return the blue of a number of tiers: the more, the darker."""
    return tint(tier_colour(0), 0.25 + 0.75 * number / most)


def _axes(result: TuneResult, unused: bool, ax: Axes) -> None:
    sizes = [int(result.front["bytes"].max()), result.config.slots_bytes]
    sizes += [one.config.slots_bytes for one in result.compared]
    ax.set_xlim(0, 1.04 * max(sizes) / 1024)
    ax.set_ylim(0, 100)
    ax.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 4, 8, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    ax.yaxis.set_major_locator(MaxNLocator(2 if unused else 5))
    ax.set_xlabel("slots (KiB)")
    ax.set_ylabel("unused (%)" if unused else "hit rate (%)")
    if unused:
        words = "slots left unused by the requests at home in them"
        ax.set_title(words, loc="left", fontsize=TEXT_PT, pad=4)
    ax.grid(True, color=GRID, linewidth=0.6)
    frame(ax)


def _pools(result: TuneResult) -> list[Compared]:
    """Return the pools of others in the order of their numbers."""
    return sorted(result.compared, key=lambda one: one.config.slots_bytes)


def _table(result: TuneResult) -> list[tuple[str, ...]]:
    """Return for each of them what it serves and what the best of its bytes does."""
    rows: list[tuple[str, ...]] = []
    for number, one in enumerate(_pools(result), start=1):
        tuned = ("-", "-")
        if one.tuned is not None:
            tuned = (percent(one.replayed, one.requests), _tiers(one.tuned))
        size, share = f"{one.config.slots_bytes:,}", percent(one.served, one.requests)
        rows.append((f"{number}  {one.name}", size, share, *tuned))
    return rows


@house_style()
def tune_figure(result: TuneResult) -> Sheet:
    """Draw `tune_front` on a sheet: the hit rate, and under it the share left unused.

    Parameters
    ----------
    result : TuneResult
        What was found.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.
    """
    total = result.total
    share = percent(total.hits, total.requests)
    title = f"RAM against hit rate: {share} in {result.config.slots_bytes:,} bytes, exact"
    names = ", ".join(trace.name or "unnamed trace" for trace in result.traces)
    events = sum(trace.events for trace in result.traces)
    extent = [names, *sorted({t.filter for t in result.traces if t.filter})]
    extent += [plural(events, "event")]
    if all(trace.has_time for trace in result.traces):
        extent.append(duration_text(sum(trace.duration_ns for trace in result.traces)))

    def upper(ax: Axes) -> None:
        tune_front(result, ax).tick_params(axis="x", labelbottom=False)
        ax.set_xlabel("")

    panels = [
        Panel(_ABOVE_IN, _RATE_IN, _BELOW_IN, upper),
        Panel(0.0, _UNUSED_IN, 0.0, partial(tune_front, result, unused=True)),
    ]
    if result.compared:
        columns = ("pool:", "bytes", "serves", "tuned", "the best of no more bytes:")
        table = _table(result)
        write = partial(text_table, columns=columns, rows=table, colours=[MISS] * len(table))
        panels[-1] = panels[-1]._replace(below_in=_AXIS_IN)
        panels.append(Panel(0.0, table_in(len(table)), _FOOT_IN, write))
    lines = [", ".join(extent), f"tuned {result.config}"]
    return stack(title, lines, panels, _handles(result))


def _handles(result: TuneResult) -> list[Any]:
    most = int(result.front["max_tiers"].max())
    handles: list[Any] = []
    for number in range(most, 0, -1):
        words = plural(number, "tier")
        label = f"best of at most {words}" if number > 1 else f"best of {words}"
        handles.append(Line2D([], [], color=_colour(number, most), linewidth=1.5, label=label))
    dots = {"color": _colour(most, most), "linestyle": "none", "marker": "."}
    handles.append(Line2D([], [], label="no pool is better in all three", **dots))
    star = {"linestyle": "none", "marker": "*", "markersize": 11, "color": INK}
    handles.append(Line2D([], [], label="tuned", **star))
    if result.compared:
        square = {"linestyle": "none", "marker": "s", "markersize": 6, "color": MISS}
        handles.append(Line2D([], [], label="pools of others", **square))
    return handles
