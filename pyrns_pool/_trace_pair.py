"""Which block a free means, when a recorder told addresses and some of its events may be lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.trace import OP_ALLOC


def pair(events: NDArray[np.void]) -> tuple[NDArray[np.void], int, int]:
    """Return events whose ids are block numbers instead of addresses.

    Parameters
    ----------
    events : ndarray of EVENT_DTYPE, shape (n,)
        In the order in which they happened; ids are addresses.

    Returns
    -------
    events : ndarray of EVENT_DTYPE, shape (m,)
        Without the frees that free nothing known; times never decrease.
    unpaired_frees : int
        How many those were.
    unfreed_reuses : int
        Allocations at an address that is not free.
    """
    is_alloc = events["op"] == OP_ALLOC
    order = np.argsort(events["id"], kind="stable")
    follows = np.zeros(len(events), np.bool_)  # An allocation of the same address.
    follows[1:] = np.diff(events["id"][order]) == 0
    follows[1:] &= is_alloc[order][:-1]
    block = np.cumsum(is_alloc) - 1
    paired = events.copy()
    paired["id"][order[1:]] = block[order[:-1]]
    paired["id"][is_alloc] = block[is_alloc]
    has_block = np.zeros(len(events), np.bool_)
    has_block[order] = follows
    kept = is_alloc | has_block
    # A thread may read the clock before another one, and take its number after it.
    paired["t_ns"] = np.maximum.accumulate(paired["t_ns"])
    reuses = int(np.count_nonzero(has_block & is_alloc))
    return paired[kept], int(np.count_nonzero(~kept)), reuses
