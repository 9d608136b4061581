"""The pools of a sweep: hit rate over bytes, and those that none beats."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.plot._sheet import Panel, Sheet, stack
from pyrns_pool.plot._style import FAINT, GRID, INK, count_tick, frame, house_style
from pyrns_pool.sweep_results import POOL_DTYPE, SweepResult
from pyrns_pool.words import plural

__all__ = ["pools", "pools_data", "pools_figure"]

_HEIGHT_IN = 3.6
_BEST = "no pool of as many bytes serves more"
_MARKS = {"strict": ("#0072B2", "o"), "spill": ("#D55E00", "^")}


def pools_data(result: SweepResult) -> NDArray[np.void]:
    """Return what `pools_figure` shows.

    Parameters
    ----------
    result : SweepResult
        Inputs and pools.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each pool by rising ``slots_bytes``: ``tiers``, ``policy``, ``fallback`` and
        the rest of `SweepResult.pools`.
    """
    configs = [result.configs[i] for i in result.pools["config"]]
    columns = {
        "tiers": np.array([",".join(map(str, config.tiers)) for config in configs]),
        "policy": np.array([config.policy for config in configs]),
        "fallback": np.array([config.fallback for config in configs]),
        **{name: result.pools[name] for name in (POOL_DTYPE.names or ())[1:]},
    }
    rows = np.empty(len(configs), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    return rows


def pools(result: SweepResult, ax: Axes) -> Axes:
    """Draw the hit rate of every pool over its bytes, all inputs together.

    Parameters
    ----------
    result : SweepResult
        Inputs and pools.
    ax : matplotlib Axes
        Where to draw.

    Returns
    -------
    matplotlib Axes
        `ax`, labelled for a legend. The line joins the pools that no other of as many bytes or
        fewer beats. The numbers are those of `pools_data`.
    """
    rows = pools_data(result)
    best = rows[rows["is_best"]]
    for policy, (colour, marker) in _MARKS.items():
        mine = rows[rows["policy"] == policy]
        if len(mine):
            look = {"s": 14, "marker": marker, "color": colour, "alpha": 0.5, "linewidths": 0}
            # As pixels, since there may be a hundred thousand.
            ax.scatter(
                mine["slots_bytes"], 100 * mine["hit_rate"], label=policy, rasterized=True, **look
            )
    # Out to the largest pool, which serves no more than the last of the best.
    line_bytes = np.append(best["slots_bytes"], rows["slots_bytes"].max())
    rates = 100 * np.append(best["hit_rate"], best["hit_rate"][-1:])
    ax.plot(
        line_bytes, rates, drawstyle="steps-post", color=INK, linewidth=1.1, label=_BEST, zorder=3
    )
    _axes(ax)
    return ax


@house_style()
def pools_figure(result: SweepResult) -> Sheet:
    """Draw `pools` on a sheet of its own.

    Parameters
    ----------
    result : SweepResult
        Inputs and pools.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.
    """
    rows = pools_data(result)
    best = int(rows["is_best"].sum())
    inputs = plural(len(result.inputs), "input")
    what = f"{inputs}: {', '.join(one.name for one in result.inputs)}"
    extent = f"{plural(len(rows), 'pool')}, {best:,} of them on the line"
    panels = [Panel(0.05, _HEIGHT_IN, 0.0, partial(pools, result))]
    return stack("Hit rate over RAM", [what, extent], panels, _handles(rows))


def _handles(rows: NDArray[np.void]) -> list[Any]:
    handles: list[Any] = []
    for policy, (colour, marker) in _MARKS.items():
        if (rows["policy"] == policy).any():
            mark = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 4}
            handles.append(Line2D([], [], label=policy, **mark))
    return [*handles, Line2D([], [], color=INK, linewidth=1.1, label=_BEST)]


def _axes(ax: Axes) -> None:
    ax.set_ylim(0, 103)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.set_xlabel("slots (bytes)")
    ax.set_ylabel("hit rate of all inputs (%)")
    ax.grid(True, color=GRID, linewidth=0.6)
    ax.tick_params(color=FAINT)
    frame(ax)
