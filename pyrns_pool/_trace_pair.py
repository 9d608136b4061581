"""Which block a free means, when a recorder told addresses and some of its events may be lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none


def pair(events: NDArray[np.void]) -> tuple[NDArray[np.void], int, int]:
    """Make events those of a trace: ids are block numbers, and times never decrease.

    Parameters
    ----------
    events : ndarray of EVENT_DTYPE, shape (n,)
        In the order in which they happened; ids are addresses. Changed in place. Rows whose ``op``
        is none are left out.

    Returns
    -------
    events : ndarray of EVENT_DTYPE, shape (m,)
        The front of the array, without the frees that free nothing known.
    unpaired_frees : int
        How many those were.
    unfreed_reuses : int
        Allocations at an address that is not free.

    Raises
    ------
    MemoryError
        If there is none for 64 bytes an allocation.
    """
    lib, ffi = none
    out = ffi.new("rns_trace_pairing_t *")
    rows = ffi.cast("rns_event_t *", events.ctypes.data)
    if not lib.rns_trace_pair(rows, len(events), out):
        raise MemoryError(f"no memory to pair {len(events):,} events")
    return events[: out.event_count], int(out.unpaired_frees), int(out.unfreed_reuses)
