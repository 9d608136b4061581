"""How long slots have been in use, as a device can tell: by walking its pool once an hour."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool

__all__ = ["AGE_DTYPE", "OLD_HOURS", "Ages", "leaks"]

OLD_HOURS = 2
LEAK_HOURS = 4

AGE_DTYPE = np.dtype(
    [("hour", "<u4"), ("site", "<U16"), ("slots", "<u4"), ("old", "<u4"), ("oldest_hours", "<u4")]
)
"""One site at the end of one hour: its slots in use, how many of them have been for `OLD_HOURS`
or longer, and for how long the oldest has."""


class Ages:
    """Slots in use, each with the hour at whose end it was first seen.

    Notes
    -----
    A slot is the same one as an hour ago if its generation, which counts takes in 8 bits, and its
    tag are. One that was taken again exactly 256 times, or a multiple, is taken for it.
    """

    def __init__(self, native: NativePool, store: Any, sites: Sequence[str]) -> None:
        self._store, self._sites = store, sites
        slots = sum(tier.slot_count for tier in native.config.tiers)
        self._live = none.ffi.new("rns_soak_live_t[]", slots)
        self._since: dict[tuple[int, int], tuple[int, int, int]] = {}
        self._rows: list[tuple[int, str, int, int, int]] = []
        self._hour = 0

    def look(self) -> int:
        """Look at the end of an hour; return the references to all slots."""
        refs = none.ffi.new("uint64_t *")
        count = none.lib.rns_soak_live(self._store, self._live, len(self._live), refs)
        since = {}
        for live in self._live[0:count]:
            place, which = (live.tier_index, live.slot_index), (live.generation, live.tag)
            before = self._since.get(place)
            first = before[2] if before is not None and before[:2] == which else self._hour
            since[place] = (*which, first)
        self._since = since
        for tag, site in enumerate(self._sites, start=1):
            ages = [self._hour - first for _, mine, first in since.values() if mine == tag]
            old = sum(age >= OLD_HOURS for age in ages)
            self._rows.append((self._hour, site, len(ages), old, max(ages, default=0)))
        self._hour += 1
        return int(refs[0])

    def rows(self) -> NDArray[np.void]:
        """Return a row of AGE_DTYPE for each hour and site."""
        return np.array(self._rows, AGE_DTYPE)


def leaks(ages: NDArray[np.void]) -> NDArray[np.void]:
    """Return the sites that leak: whose old slots became more in each of the last four hours.

    Parameters
    ----------
    ages : ndarray of AGE_DTYPE
        Of a soak, as ``series["ages"]``.

    Returns
    -------
    ndarray of AGE_DTYPE
        Of each such site the last row.

    Examples
    --------
    >>> rows = [(hour, "log", 1 + hour, max(0, hour - 1), hour) for hour in range(8)]
    >>> leaks(np.array(rows, AGE_DTYPE)).tolist()
    [(7, 'log', 8, 6, 7)]
    """
    found = []
    for site in dict.fromkeys(ages["site"].tolist()):
        mine = ages[ages["site"] == site]
        last = mine["old"][-LEAK_HOURS - 1 :].astype(np.int64)
        if len(last) == LEAK_HOURS + 1 and (np.diff(last) > 0).all():
            found.append(mine[-1])
    return np.array(found, AGE_DTYPE)
