"""The pools of a sweep: hit rate over bytes, and those that none beats."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.plot._style import (
    FAINT,
    GRID,
    HEADER_IN,
    INK,
    Sheet,
    count_tick,
    foot_in,
    foot_legend,
    frame,
    header_text,
    house_style,
    new_sheet,
    panel,
    plain,
)
from pyrns_pool.sweep_results import POOL_DTYPE, SweepResult
from pyrns_pool.words import plural

__all__ = ["pools_data", "pools_figure"]

_HEIGHT_IN = 3.6
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


@house_style()
def pools_figure(result: SweepResult) -> Sheet:
    """Draw the hit rate of every pool over its bytes, all inputs together.

    Parameters
    ----------
    result : SweepResult
        Inputs and pools.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide. The line joins the pools that no other of as many bytes or fewer beats.
    """
    rows = pools_data(result)
    best = rows[rows["is_best"]]
    figure = new_sheet(HEADER_IN + _HEIGHT_IN + foot_in(range(3)))
    ax = panel(figure, HEADER_IN + 0.05, _HEIGHT_IN)
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
    label = "no pool of as many bytes serves more"
    ax.plot(
        line_bytes, rates, drawstyle="steps-post", color=INK, linewidth=1.1, label=label, zorder=3
    )
    _axes(ax)
    inputs = plural(len(result.inputs), "input")
    what = f"{inputs}: {', '.join(one.name for one in result.inputs)}"
    extent = f"{plural(len(rows), 'pool')}, {len(best):,} of them on the line"
    header_text(figure, "Hit rate over RAM", [plain(what), plain(extent)])
    foot_legend(figure, ax.get_legend_handles_labels()[0])
    return figure


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
