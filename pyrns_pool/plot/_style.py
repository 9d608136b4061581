"""What all figures share: colours, frames, words for numbers, and the time axis."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pyrns_pool.errors import printable
from pyrns_pool.results import PoolResult
from pyrns_pool.words import plural

# One for each of RNS_TIERS_MAX tiers, neighbours unlike in lightness. Every two, MISS included,
# differ by a CIELAB distance of 15 or more under simulated (Machado 2009) protanopia,
# deuteranopia and tritanopia; the first six are close to Okabe and Ito's.
TIER_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#332288",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#555555",
    "#D4C95A",
)
TIER_HATCHES = ("", "//", "..", "\\\\", "xx", "--", "||", "++")
MISS = "#8F0A1E"
MISS_AREA = "#F4CFCB"
INK = "#1A1A1A"
FAINT = "#666666"
GRID = "#D9D9D9"

TEXT_PT = 8.5
CHAR_PT = 5.0  # Of that size, on average.
_HEADER_CHARS_MAX = 108

_RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "hatch.linewidth": 0.7,
    "legend.fontsize": TEXT_PT,
    "svg.hashsalt": "pyrns_pool",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": TEXT_PT,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": TEXT_PT,
}
_STEPS = [1, 2, 2.5, 5, 10]
_UNITS_NS = (
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("µs", 1_000),
    ("ns", 1),
)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw as these figures do, whatever the user's settings of matplotlib are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def tier_colour(index: int) -> str:
    """Return the colour that this tier has in every figure; of no tier, that of a miss."""
    return TIER_COLOURS[index] if index >= 0 else MISS


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """Return a colour mixed with white; `strength` is 0 (white) to 1 (the colour itself)."""
    rgb = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (1 - strength * (1 - value) for value in rgb)
    return red, green, blue


def shade(colour: str) -> tuple[float, float, float]:
    """Return the dark of a colour, about the same in grey for all of them."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    scale = 0.2 / max(0.3 * red + 0.59 * green + 0.11 * blue, 0.2)
    return scale * red, scale * green, scale * blue


def tier_name(result: PoolResult, index: int) -> str:
    """Return how figures call a tier."""
    tiers = result.config.tiers
    if index < 0:
        return f"oversize, above {tiers[-1].slot_bytes:,} B"
    return f"{tiers[index].slot_bytes:,} B × {plural(tiers[index].slot_count, 'slot')}"


def last_of(text: str, chars: int) -> str:
    """Return as much of the end of a name as has room; its end tells more than its beginning."""
    return text if len(text) <= chars else f"...{text[3 - chars :]}" if chars > 3 else ""


def percent(part: int, whole: int) -> str:
    """Return a share rounded down, as the tables have it; only nothing is "0 %"."""
    if part in (0, whole):
        return "0 %" if part == 0 else "100 %"
    thousandths = 1000 * part // whole
    return f"{thousandths / 10:.1f} %" if thousandths else "<0.1 %"


def duration_text(ns: float) -> str:
    """Return a duration in the unit that fits, to four digits.

    Examples
    --------
    >>> duration_text(3_547_875), duration_text(49_193_931_722), duration_text(7.2e12)
    ('3.548 ms', '49.19 s', '2 h')
    """
    limits = {"min": 5 * 60_000_000_000, "h": 2 * 3_600_000_000_000}
    for unit, unit_ns in _UNITS_NS:
        if abs(ns) >= limits.get(unit, unit_ns):
            break
    value = ns / unit_ns
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}"


@dataclass(frozen=True)
class TimeAxis:
    """How moments of a trace become positions on an x axis, and words."""

    start_ns: int
    end_ns: int
    origin_ns: int
    unit: str
    unit_ns: int

    @classmethod
    def of(cls, result: PoolResult) -> TimeAxis:
        """Return the axis for a result; the same for all its figures."""
        start, end = int(result.timeline.edges_ns[0]), int(result.timeline.edges_ns[-1])
        return cls.between(start, end, result.has_time)

    @classmethod
    def between(cls, start: int, end: int, has_time: bool) -> TimeAxis:
        """Return the axis for this stretch of time, in nanoseconds or in numbers of events."""
        if not has_time:
            return cls(start, end, 0, "", 1)
        # Far from zero a tick would need more digits than there is room for.
        origin = start if abs(start) > 1000 * (end - start) else 0
        reach = max(abs(start - origin), abs(end - origin))
        at_least = {"min": 5, "h": 3}
        for unit, unit_ns in _UNITS_NS:
            if reach >= at_least.get(unit, 2) * unit_ns:
                break
        return cls(start, end, origin, unit, unit_ns)

    @property
    def label(self) -> str:
        """What the axis measures, with its unit."""
        if not self.unit:
            return "event number"
        since = f"time since {self.origin_ns:,} ns" if self.origin_ns else "time"
        return f"{since} ({self.unit})"

    def positions(self, ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return where moments lie on the axis."""
        result: NDArray[np.float64] = (ns - self.origin_ns) / self.unit_ns
        return result

    def position(self, ns: int) -> float:
        """Return where one moment lies on the axis."""
        return (ns - self.origin_ns) / self.unit_ns

    def moment(self, ns: int) -> str:
        """Return a moment in words."""
        if not self.unit:
            return f"event {ns:,}"
        return ("+" if self.origin_ns else "") + duration_text(ns - self.origin_ns)

    def span(self, ns: float) -> str:
        """Return a length of time in words."""
        if self.unit:
            return duration_text(ns)
        return "1 event" if ns == 1 else f"{ns:,.4g} events"

    def apply(self, ax: Axes) -> None:
        """Set the limits, ticks and grid of an x axis; its label is the caller's."""
        left, right = self.position(self.start_ns), self.position(self.end_ns)
        left = min(left, 0.0) if abs(left) < 0.05 * (right - left) else left
        # The margin shows a mark in the first or the last bin beside the frame, not under it.
        margin = 0.006 * (right - left)
        ax.set_xlim(left - margin, right + margin)
        ticks = MaxNLocator(tick_count(ax), integer=not self.unit, steps=_STEPS)
        ax.xaxis.set_major_locator(ticks)
        ax.xaxis.set_major_formatter(FuncFormatter(_tick))
        ax.grid(True, axis="x", color=GRID, linewidth=0.6)


def _tick(value: float, _: Any = None) -> str:
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def count_tick(value: float, _: Any = None) -> str:
    """Return the tick label of a count, short enough for the margin."""
    for unit, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= scale:
            return f"{value / scale:,.4g} {unit}"
    return f"{value:,.0f}"


def plain(text: str, chars_max: int = _HEADER_CHARS_MAX) -> str:
    """Return text that no font and no mathematical notation can spoil."""
    latin = text.encode("latin-1", "backslashreplace").decode("latin-1")
    return printable(latin, chars_max).replace("$", r"\$")


def frame(ax: Axes) -> None:
    """Give an Axes, whoever made it, the common frame."""
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def extent_pt(ax: Axes) -> tuple[float, float]:
    """Return width and height of an Axes in points, as they are before any automatic layout."""
    box = ax.get_window_extent()
    scale = 72 / ax.figure.dpi
    return box.width * scale, box.height * scale


def tick_count(ax: Axes) -> int:
    """Return how many ticks of an x axis have room for numbers."""
    return max(2, min(8, int(extent_pt(ax)[0] // 55)))


def legend_columns(ax: Axes) -> int:
    """Return how many columns of a legend fit into an Axes."""
    return max(1, min(3, int(extent_pt(ax)[0] // 165)))


def legend_pt(ax: Axes, handles: list[Any]) -> float:
    """Return the height of a legend inside an Axes, in points."""
    return 8.0 + 14.0 * -(-len(handles) // legend_columns(ax))


def top_legend(ax: Axes, handles: list[Any]) -> None:
    """Explain the marks in the upper part of an Axes; the caller keeps that free of data."""
    columns = legend_columns(ax)
    ax.legend(handles=handles, loc="upper center", ncol=columns, frameon=False, fontsize=TEXT_PT)


def panel_title(ax: Axes, name: str, facts: str, colour: str = INK) -> None:
    """Write a panel's name, bold, and facts about it on one line, or on two if it is narrow."""
    if 6.0 * len(name) + 4.9 * len(facts) > extent_pt(ax)[0]:
        ax.set_title(f"{name}\n{facts}", loc="left", fontsize=TEXT_PT, color=INK)
        return
    ax.set_title(name, loc="left", fontsize=9, weight="bold", color=INK, pad=4)
    ax.set_title(facts, loc="right", fontsize=TEXT_PT, color=colour, pad=4)
