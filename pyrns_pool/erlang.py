"""Erlang's formula: how often a request is missed, from rate and mean lifetime alone.

It needs no trace, and holds for requests that come independently of each other (a Poisson
process), whatever their lifetimes. Packets come in bursts, which miss far more often; how far off
it is for a recording, its *peakedness* tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["Load", "erlang_b", "erlang_slots", "offered_load"]

SLOTS_MAX = 1 << 20


@dataclass(frozen=True)
class Load:
    """What some requests would hold if no slot were ever missing."""

    requests: int
    duration_ns: int
    """From the first event of the trace to its last; a number of events if it has no time."""
    erlangs: float
    """Blocks live at once, mean over time: the rate of requests times their mean lifetime."""
    variance: float
    """Of the same number over time."""

    @property
    def peakedness(self) -> float:
        """Variance / mean: 1 for what Erlang's formula describes, more for bursts."""
        return self.variance / self.erlangs if self.erlangs else 0.0

    @property
    def rate_hz(self) -> float:
        """Requests a second."""
        return self.requests * 1e9 / self.duration_ns

    @property
    def mean_lifetime_ns(self) -> float:
        """Mean time that a block is live; one that is never freed counts up to the end."""
        return self.erlangs * self.duration_ns / self.requests


def offered_load(trace: Trace, least: int, most: int) -> Optional[Load]:
    """Return the load that requests of `least` to `most` bytes are; None if it has no extent.

    Parameters
    ----------
    trace : Trace
        What was recorded.
    least, most : int
        Sizes, both included.

    Notes
    -----
    O(events). A trace that begins with an idle or an empty program has a variance that is not
    that of its traffic; so have blocks that pile up and stay.

    Examples
    --------
    >>> columns = {"t_ns": [0, 0, 5, 10], "op": [0, 0, 1, 1], "id": [1, 2, 1, 2]}
    >>> load = offered_load(Trace.from_events({**columns, "size": [32, 32, 0, 0]}), 0, 64)
    >>> load.erlangs, load.mean_lifetime_ns, load.peakedness
    (1.5, 7.5, 0.16666666666666666)
    """
    sizes = trace.block_sizes
    mine = (least <= sizes) & (sizes <= most)
    requests = int(np.count_nonzero(mine))
    if not requests or not trace.duration_ns:
        return None
    rows = np.flatnonzero(mine[trace.blocks])
    step = np.where(trace.events["op"][rows] == OP_ALLOC, 1, -1)
    live = np.concatenate(([0], np.cumsum(step))).astype(np.float64)
    t_ns = trace.events["t_ns"]
    share = np.diff(t_ns[rows], prepend=t_ns[0], append=t_ns[-1]) / trace.duration_ns
    # No product of matrices: its last digits depend on how many threads the BLAS has.
    mean = float((live * share).sum())
    variance = float(((live - mean) ** 2 * share).sum())
    return Load(requests, trace.duration_ns, mean, variance)


def erlang_b(erlangs: float, slots_max: int) -> NDArray[np.float64]:
    """Return Erlang's share of requests that are missed, for every number of slots.

    Parameters
    ----------
    erlangs : float
        Rate times mean lifetime, 0 or more.
    slots_max : int
        Largest number of slots.

    Returns
    -------
    ndarray of float64, shape (slots_max + 1,)
        By number of slots from 0, falling from 1.

    Notes
    -----
    B(0) = 1, B(s) = A B(s - 1) / (s + A B(s - 1)).

    Examples
    --------
    >>> erlang_b(8.0, 16)[[8, 12, 16]].round(4)
    array([0.2356, 0.0514, 0.0045])
    """
    missed = 1.0
    shares = [missed]
    for slots in range(1, slots_max + 1):
        missed = erlangs * missed / (slots + erlangs * missed)
        shares.append(missed)
    return np.array(shares)


def erlang_slots(erlangs: float, miss_rate: float) -> Optional[int]:
    """Return the fewest slots with which Erlang's formula misses no larger share.

    None if that takes more than 2**20, or none suffice: the formula never gives 0 for a load.

    Examples
    --------
    >>> erlang_slots(8.0, 0.01)
    15
    """
    missed = 1.0
    for slots in range(SLOTS_MAX + 1):
        if missed <= miss_rate:
            return slots
        if missed < math.ulp(0.0) * 2**52:  # A denormal loses its digits; it is as good as 0.
            return None
        missed = erlangs * missed / (slots + 1 + erlangs * missed)
    return None
