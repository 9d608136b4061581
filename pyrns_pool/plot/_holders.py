"""Who holds the slots of each tier at its high-water mark."""

from __future__ import annotations

from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from pyrns_pool.plot._slots_data import holders_data, slots_of
from pyrns_pool.plot._sheet import Panel, Sheet, run_lines, stack
from pyrns_pool.plot._style import (
    CHAR_PT,
    FAINT,
    TEXT_PT,
    TimeAxis,
    extent_pt,
    frame,
    house_style,
    last_of,
    panel_title,
    percent,
    plain,
    shade,
    tier_colour,
    tier_name,
    tint,
)
from pyrns_pool.results import ReplayResult
from pyrns_pool.words import plural

__all__ = ["holders", "holders_figure"]

_SITES_MAX = 5
"""Of a tier; the others are one bar together."""
_LANE_IN, _TITLE_IN, _GAP_IN = 0.19, 0.26, 0.12
_NAMES = 0.46  # Share of the width that is for the names of sites.
_FACTS_PT = 118.0


def holders(result: ReplayResult, ax: Axes, *, tier: int = 0) -> Axes:
    """Draw which sites hold the slots of a tier at its high-water mark, a bar for each.

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
        `ax`. The five sites with most slots, and the others together; dark are slots that are
        pinned. The numbers are those of `holders_data`.

    Raises
    ------
    ValueError
        If there is no such tier, or the blocks were not followed.
    """
    tiers = len(result.config.tiers)
    if not 0 <= tier < tiers:
        raise ValueError(f"tier: {tier!r} is not in 0 to {tiers - 1}")
    bars, high_water = _bars(result, tier), result.stats.tiers[tier].high_water
    width = extent_pt(ax)[0]
    room = int(_NAMES * width / CHAR_PT)
    colour = tier_colour(tier)
    for lane, (site, slots, pinned) in enumerate(bars):
        share, dark = 100 * slots / high_water, 100 * pinned / high_water
        ax.barh(lane, share, 0.7, color=tint(colour, 0.5), linewidth=0)
        ax.barh(lane, dark, 0.7, color=shade(colour), linewidth=0)
        at = {"textcoords": "offset points", "va": "center", "fontsize": TEXT_PT}
        ax.annotate(plain(last_of(site, room)), (0, lane), (-4, 0), ha="right", **at)
        facts = f"{slots:,}, {percent(slots, high_water)}"
        facts += f"; {pinned:,} pinned" if pinned else ""
        ax.annotate(facts, (share, lane), (4, 0), ha="left", **at)
    bars_pt = max((1 - _NAMES) * width - _FACTS_PT, width / 8)
    ax.set_xlim(-100 * _NAMES * width / bars_pt, 100 * (1 - _NAMES) * width / bars_pt)
    ax.set_ylim(max(len(bars), 1) - 0.4, -0.6)
    ax.xaxis.set_major_locator(FixedLocator([0, 50, 100]))
    ax.yaxis.set_major_locator(NullLocator())
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.axvline(0, color=FAINT, linewidth=0.8)
    ax.set_xlabel("share of the slots in use (%)")
    panel_title(ax, tier_name(result, tier), _facts(result, tier), FAINT)
    frame(ax)
    return ax


def _bars(result: ReplayResult, tier: int) -> list[tuple[str, int, int]]:
    """Return site, slots and pinned slots of each bar."""
    rows: NDArray[Any] = holders_data(result)
    rows = rows[rows["tier"] == tier]
    bars: list[tuple[str, int, int]]
    bars = rows[: _SITES_MAX + 1][["site", "slots", "pinned"]].tolist()
    if len(rows) > _SITES_MAX + 1:
        rest = rows[_SITES_MAX:]
        words = f"{len(rest)} other sites"
        bars[_SITES_MAX:] = [(words, int(rest["slots"].sum()), int(rest["pinned"].sum()))]
    return bars


def _facts(result: ReplayResult, tier: int) -> str:
    high_water = result.stats.tiers[tier].high_water
    if not high_water:
        return "never used"
    moment = TimeAxis.of(result).moment(result.tier_times[tier].high_water_ns)
    return f"high water {plural(high_water, 'slot')}, first at {moment}"


@house_style()
def holders_figure(result: ReplayResult) -> Sheet:
    """Draw `holders` for every tier on one sheet.

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
    sites = len(set(slots_of(result).holders["site"].tolist()))
    title = f"At the high-water marks: {plural(sites, 'site')} hold the slots"
    last = len(result.config.tiers) - 1

    def draw(ax: Axes, index: int) -> None:
        holders(result, ax, tier=index)
        if index < last:
            ax.set_xlabel("")
            ax.tick_params(axis="x", bottom=False, labelbottom=False)

    panels = [
        Panel(
            _TITLE_IN,
            _LANE_IN * max(1, len(_bars(result, index))),
            _GAP_IN,
            partial(draw, index=index),
        )
        for index in range(last + 1)
    ]
    return stack(title, run_lines(result), panels, _handles())


def _handles() -> list[Any]:
    grey = "#777777"
    return [
        Patch(facecolor=tint(grey, 0.5), label="slots of the site"),
        Patch(facecolor=shade(grey), label="pinned: by one block, over half of the time"),
    ]
