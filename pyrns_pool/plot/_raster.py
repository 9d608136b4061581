"""Every slot over time: what is in use, and what one block keeps for itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from pyrns_pool.plot._slots_data import slots_of
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    FAINT,
    MISS,
    TEXT_PT,
    TimeAxis,
    count_tick,
    extent_pt,
    frame,
    house_style,
    panel_title,
    shade,
    tier_colour,
    tier_name,
    tint,
)
from pyrns_pool.results import ReplayResult
from pyrns_pool.words import plural

__all__ = ["raster", "raster_figure"]

_TITLE_IN, _PANEL_IN, _GAP_IN = 0.24, 0.95, 0.08
_LEAST, _MOST = 0.22, 0.62  # Tints of a slot that is taken once, and of one in use all through.
_BIN_PT = 1.5  # Of the narrowest column that is seen at any resolution.


def raster(result: ReplayResult, ax: Axes, *, tier: int = 0) -> Axes:
    """Draw the slots of one tier over time, lowest at the bottom; dark is what a block pins.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.
    ax : matplotlib Axes
        Where to draw.
    tier : int, optional
        Index of the tier.

    Returns
    -------
    matplotlib Axes
        `ax`. A slot that is taken once in a bin is coloured in it, however short. The numbers are
        those of `raster_data`; of a tier with more than 48 slots, several share a row.

    Raises
    ------
    ValueError
        If there is no such tier, or the blocks were not followed.
    """
    tiers = len(result.config.tiers)
    if not 0 <= tier < tiers:
        raise ValueError(f"tier: {tier!r} is not in 0 to {tiers - 1}")
    use = slots_of(result).coarsen(max(1, int(extent_pt(ax)[0] / _BIN_PT)))
    axis, mine = TimeAxis.of(result), use.rows["tier"] == tier
    busy, pinned = (share[mine] for share in use.shares())
    image = _colours(tier_colour(tier), busy, pinned, use.cells["takes"][mine] > 0)
    slots, rows = result.config.tiers[tier].slot_count, use.rows[mine]
    left, right = axis.positions(use.edges_ns[[0, -1]])
    top = int(rows["slots"][0]) * len(rows)
    ax.imshow(
        image,
        extent=(left, right, -0.5, top - 0.5),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    axis.apply(ax)
    ax.grid(False)
    ax.set_ylim(-0.5, slots - 0.5)
    ax.yaxis.set_major_locator(FixedLocator([0, slots - 1] if slots > 1 else [0]))
    ax.yaxis.set_major_formatter(FuncFormatter(count_tick))
    ax.set_ylabel("slot", fontsize=TEXT_PT)
    bins = busy.shape[1]
    width = axis.span((axis.end_ns - axis.start_ns) / bins)
    ax.set_xlabel(f"{axis.label}, in {plural(bins, 'bin')} of {width}")
    count = int(np.count_nonzero(use.pinned["tier"] == tier))
    panel_title(ax, tier_name(result, tier), _facts(result, tier, count), MISS if count else FAINT)
    frame(ax)
    return ax


def _colours(
    colour: str, busy: NDArray[np.float64], pinned: NDArray[np.float64], taken: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return a colour for each cell: white unused, tinted in use, dark pinned."""
    is_used = taken | (busy > 0)
    strength = np.where(is_used, _LEAST + (_MOST - _LEAST) * busy, 0.0)[..., np.newaxis]
    tinted = 1 - strength * (1 - np.array(to_rgb(colour)))
    dark = np.array(shade(colour))
    share = pinned[..., np.newaxis]
    image: NDArray[np.float64] = tinted + share * (dark - tinted)
    return image


def _facts(result: ReplayResult, tier: int, pinned: int) -> str:
    slots, high_water = result.config.tiers[tier].slot_count, result.stats.tiers[tier].high_water
    unused = f"; {slots - high_water:,} never used" if high_water < slots else ""
    return f"{pinned:,} of {plural(slots, 'slot')} pinned{unused}"


@house_style()
def raster_figure(result: ReplayResult) -> Sheet:
    """Draw `raster` for every tier on one sheet.

    Parameters
    ----------
    result : ReplayResult
        A replay with ``slots=True``.

    Returns
    -------
    Sheet, a matplotlib Figure
        8 inches wide: 1200 pixels at its own resolution.

    Raises
    ------
    ValueError
        If the blocks were not followed.
    """
    last = len(result.config.tiers) - 1
    pinned = len(slots_of(result).pinned)
    slots = sum(tier.slot_count for tier in result.config.tiers)
    title = f"Slots over time: {pinned:,} of {slots:,} have one block for over half of it"

    def draw(ax: Axes, index: int) -> None:
        raster(result, ax, tier=index)
        if index < last:
            ax.set_xlabel("")
            ax.tick_params(axis="x", labelbottom=False)

    panels = [
        Panel(_TITLE_IN, _PANEL_IN, _GAP_IN, partial(draw, index=index))
        for index in range(last + 1)
    ]
    return stack(title, run_lines(result), panels, _handles())


def _handles() -> list[Any]:
    grey = "#777777"
    return [
        Patch(facecolor=tint(grey, _LEAST), label="in use in part of a bin"),
        Patch(facecolor=tint(grey, _MOST), label="in use all through a bin"),
        Patch(facecolor=shade(grey), label="pinned: by one block, over half of the time"),
    ]
