"""What became of each slot and each block of a replay, as arrays; `slot_use` computes it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Callable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pyrns_pool._results_file import Members, checked

__all__ = [
    "AGE_DTYPE",
    "CELL_DTYPE",
    "EPISODE_COLUMNS",
    "EPISODE_DTYPE",
    "HOLDER_DTYPE",
    "LIFETIME_DTYPE",
    "PINNED_DTYPE",
    "ROW_DTYPE",
    "SlotUse",
]

ROW_DTYPE = np.dtype([("tier", "<i4"), ("first_slot", "<i4"), ("slots", "<i4")])
"""One row of the raster: neighbouring slots of a tier, one if the tier has few."""

CELL_DTYPE = np.dtype([("busy_ns", "<i8"), ("pinned_ns", "<i8"), ("takes", "<i8")])
"""The slots of one row during one bin: nanoseconds in use, summed over the slots; of them, by
blocks that pin their slot; and how often a slot was taken."""

PINNED_DTYPE = np.dtype(
    [("tier", "<i4"), ("slot", "<i4"), ("site", "<i4"), ("size_bytes", "<u8")]
    + [("begin_ns", "<i8"), ("end_ns", "<i8")]
)
"""One pinned slot, and the block that has it for more than half of the trace."""

HOLDER_DTYPE = np.dtype(
    [("tier", "<i4"), ("site", "<i4"), ("slots", "<i8"), ("bytes", "<u8"), ("pinned", "<i8")]
)
"""What one site holds of a tier at the moment of its high-water mark: slots, the bytes requested
for them, and how many of the slots are pinned."""

AGE_DTYPE = np.dtype([("tier", "<i4"), ("age_ns", "<i8"), ("held", "<i8")])
"""How many blocks of a home tier were not freed ``age_ns`` after their allocation."""

LIFETIME_DTYPE = np.dtype(
    [("tier", "<i4"), ("blocks", "<i8"), ("kept", "<i8"), ("half_ns", "<i8"), ("most_ns", "<i8")]
    + [("longest_ns", "<i8")]
)
"""The blocks of one home tier: how many; how many are never freed; the ages at which half and
99 % of them are freed, -1 if so many never are; and the longest life of a freed one, -1 if none
is."""

EPISODE_DTYPE = np.dtype(
    [("tier", "<i4"), ("misses", "<i8"), ("first_ns", "<i8"), ("last_ns", "<i8")]
    + [("full_from_ns", "<i8"), ("full_until_ns", "<i8"), ("size_min", "<u8"), ("size_max", "<u8")]
    + [("bytes", "<u8"), ("larger_free", "<i8"), ("site", "<i4"), ("site_misses", "<i8")]
)
"""One stretch of time in which every tier that might serve a home tier's requests was full, and
what was missed in it: how many, when, the sizes and their sum; ``larger_free``, the fewest slots
that larger tiers had free at one of the misses; and the site that missed most, with its misses.
The oversize requests, ``tier`` -1, are one episode of the length of the trace."""

_ARRAYS: dict[str, DTypeLike] = {
    "rows": ROW_DTYPE,
    "pinned": PINNED_DTYPE,
    "holders": HOLDER_DTYPE,
    "ages": AGE_DTYPE,
    "lifetimes": LIFETIME_DTYPE,
    "episodes": EPISODE_DTYPE,
}
_PREFIX = "slots_"
EPISODE_COLUMNS = ("misses", "in", "full for", "from", "sizes", "larger free", "mostly at")
"""Of a table of episodes, behind the tier."""


@dataclass(frozen=True, eq=False)
class SlotUse:
    """Who had which slot and for how long, and when there was none left.

    In every array ``tier`` is an index, -1 for requests larger than every tier, and ``site`` an
    index into `sites`. Where the trace has no time, nanoseconds are numbers of events.

    Parameters
    ----------
    sites : tuple of str
        Names of the trace's sites.
    edges_ns : ndarray of int64, shape (n + 1,)
        Bin ``i`` of the raster holds ``edges_ns[i] <= t_ns < edges_ns[i + 1]``.
    rows : ndarray of ROW_DTYPE, shape (r,)
        Rows of the raster: slots by tier and index.
    cells : ndarray of CELL_DTYPE, shape (r, n)
        The raster.
    pinned : ndarray of PINNED_DTYPE
        Slots that one block has for more than half of the trace, by tier and slot.
    holders : ndarray of HOLDER_DTYPE
        For each tier at its high-water mark the sites that hold slots, most slots first.
    ages : ndarray of AGE_DTYPE
        For each home tier with requests how many blocks live how long, by rising age.
    lifetimes : ndarray of LIFETIME_DTYPE
        One row for each home tier with requests.
    episodes : ndarray of EPISODE_DTYPE
        In the order of their first misses.
    """

    sites: tuple[str, ...]
    edges_ns: NDArray[np.int64]
    rows: NDArray[np.void]
    cells: NDArray[np.void]
    pinned: NDArray[np.void]
    holders: NDArray[np.void]
    ages: NDArray[np.void]
    lifetimes: NDArray[np.void]
    episodes: NDArray[np.void]

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for field in fields(self)[1:]:
            getattr(self, field.name).flags.writeable = False

    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the share of each cell's time in use, and of it pinned: shape of `cells`."""
        whole = self.rows["slots"][:, np.newaxis] * np.diff(self.edges_ns)
        return self.cells["busy_ns"] / whole, self.cells["pinned_ns"] / whole

    def coarsen(self, bins_max: int) -> SlotUse:
        """Return the same with a raster of at most `bins_max` bins; no take is lost."""
        count = self.cells.shape[1]
        if count <= bins_max:
            return self
        first = np.arange(bins_max) * count // bins_max
        cells = np.empty((len(self.rows), bins_max), CELL_DTYPE)
        for name in CELL_DTYPE.names or ():
            cells[name] = np.add.reduceat(self.cells[name], first, axis=1)
        return replace(self, edges_ns=self.edges_ns[np.append(first, count)], cells=cells)

    def site(self, index: int) -> str:
        """Return the name of a site as tables show it."""
        return self.sites[index] or "(no site)"

    def worst_episodes(self, count: int) -> NDArray[np.void]:
        """Return the episodes that missed most, most first; of equals the earlier first."""
        order = np.argsort(-self.episodes["misses"], kind="stable")
        worst: NDArray[np.void] = self.episodes[order[:count]]
        return worst

    def episode_words(
        self, row: np.void, moment: Callable[[int], str], span: Callable[[int], str]
    ) -> tuple[str, ...]:
        """Return the cells of EPISODE_COLUMNS; "-" is what requests for no tier do not have.

        `moment` and `span` say a time, and a length of time, in nanoseconds.
        """
        is_large = row["tier"] < 0
        least, most = f"{row['size_min']:,}", f"{row['size_max']:,}"
        return (
            f"{row['misses']:,}",
            span(int(row["last_ns"] - row["first_ns"])),
            "-" if is_large else span(int(row["full_until_ns"] - row["full_from_ns"])),
            moment(int(row["first_ns"])),
            least if least == most else f"{least} to {most}",
            "-" if is_large else f"{row['larger_free']:,}",
            self.site(int(row["site"])),
        )

    def episode_values(self, row: np.void) -> dict[str, Any]:
        """Return an episode as plain values, its site by name."""
        values = dict(zip(EPISODE_DTYPE.names or (), row.tolist()))
        return {**values, "site": self.sites[values["site"]]}

    def arrays(self) -> Members:
        """Return what a file holds beside `sites`; `use_from` is the other way."""
        return {f"{_PREFIX}{field.name}": getattr(self, field.name) for field in fields(self)[1:]}


def use_from(sites: list[str], members: Members) -> SlotUse:
    """Return what a file holds; raise anything if it is damaged."""
    named = {
        name: checked(members, f"{_PREFIX}{name}", dtype, (-1,)) for name, dtype in _ARRAYS.items()
    }
    edges_ns = checked(members, f"{_PREFIX}edges_ns", "<i8", (-1,))
    shape = (len(named["rows"]), len(edges_ns) - 1)
    cells = checked(members, f"{_PREFIX}cells", CELL_DTYPE, shape)
    for name in ("pinned", "holders", "episodes"):
        if len(named[name]) and not named[name]["site"].max() < len(sites):
            raise ValueError(f"{name} names a site that is not there")
    return SlotUse(tuple(sites), edges_ns=edges_ns, cells=cells, **named)
