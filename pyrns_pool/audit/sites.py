"""What each site of a trace did: how often, how large, how long, how much at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["EARLY_SHARE", "Lifetimes", "SiteStats", "lifetimes_ns", "peak_live_by", "site_stats"]

EARLY_SHARE = 0.05
"""Part of the run that counts as its start."""


@dataclass(frozen=True)
class Lifetimes:
    """How long the blocks of a site lived, in nanoseconds; by nearest rank."""

    p50_ns: int
    p99_ns: int
    max_ns: int


@dataclass(frozen=True)
class SiteStats:
    """One site; every count is exact."""

    site: str
    index: int
    """Its number in ``Trace.sites``."""
    count: int
    bytes: int
    size_min_bytes: int
    size_max_bytes: int
    distinct_sizes: int
    count_above_1k: int
    """Allocations of more than 1,024 bytes."""
    never_freed: int
    peak_live_blocks: int
    peak_live_bytes: int
    rate_hz: Optional[float]
    """Allocations per second of the whole run; None if the trace has no time."""
    early_share: float
    """Share of the allocations in the first `EARLY_SHARE` of the run."""
    lifetimes: Optional[Lifetimes]
    """None if the trace has no time or no frees."""


def lifetimes_ns(trace: Trace) -> NDArray[np.int64]:
    """Return how long each block lived; one that is never freed, to the end of the trace.

    Parameters
    ----------
    trace : Trace
        Any.

    Returns
    -------
    ndarray of int64, shape (block_count,)
        Nanoseconds, 0 or more.
    """
    is_free = trace.events["op"] != OP_ALLOC
    end_ns = np.full(trace.block_count, trace.events["t_ns"][-1], np.int64)
    end_ns[trace.blocks[is_free]] = trace.events["t_ns"][is_free]
    lived: NDArray[np.int64] = end_ns - trace.events["t_ns"][trace.alloc_rows]
    return lived


def peak_live_by(
    trace: Trace,
    key: NDArray[np.int64],
    key_count: int,
    weight: Optional[NDArray[np.int64]] = None,
) -> NDArray[np.int64]:
    """Return the most that was live at once of the blocks of each key.

    Parameters
    ----------
    trace : Trace
        Any.
    key : ndarray of int64, shape (block_count,)
        0 to ``key_count - 1``; -1 leaves a block out.
    key_count : int
        Number of keys.
    weight : ndarray of int64, shape (block_count,), optional
        Bytes of each block, for instance; 1 without.

    Returns
    -------
    ndarray of int64, shape (key_count,)
        0 for a key that no block has.

    Notes
    -----
    O(events log events).
    """
    of_event = key[trace.blocks]
    rows = np.flatnonzero(of_event >= 0)
    rows = rows[np.argsort(of_event[rows], kind="stable")]
    peaks = np.zeros(key_count, np.int64)
    if not len(rows):
        return peaks
    step = np.where(trace.events["op"][rows] == OP_ALLOC, np.int64(1), np.int64(-1))
    if weight is not None:
        step = step * weight[trace.blocks[rows]]
    live = np.cumsum(step)
    begin = np.flatnonzero(np.diff(of_event[rows], prepend=-1))
    before = np.concatenate(([0], live[begin[1:] - 1]))
    peaks[of_event[rows][begin]] = np.maximum.reduceat(live, begin) - before
    return peaks


def site_stats(trace: Trace) -> tuple[SiteStats, ...]:
    """Return the statistics of every site that allocates, most allocations first.

    Parameters
    ----------
    trace : Trace
        Any.

    Examples
    --------
    >>> columns = {"t_ns": [0, 1, 5], "op": [0, 0, 1], "id": [1, 2, 1], "size": [24, 300, 0]}
    >>> (row,) = site_stats(Trace.from_events(columns, ["app:main"]))
    >>> row.count, row.size_max_bytes, row.never_freed, row.lifetimes.p50_ns
    (2, 300, 1, 4)
    """
    site = trace.events["site"][trace.alloc_rows].astype(np.int64)
    size = trace.block_sizes.astype(np.int64)
    lived = lifetimes_ns(trace)
    peak_blocks = peak_live_by(trace, site, len(trace.sites))
    peak_bytes = peak_live_by(trace, site, len(trace.sites), size)
    begin_ns = int(trace.events["t_ns"][0])
    is_early = trace.events["t_ns"][trace.alloc_rows] - begin_ns <= trace.duration_ns * EARLY_SHARE
    unfreed = np.ones(trace.block_count, np.bool_)
    unfreed[trace.blocks[trace.events["op"] != OP_ALLOC]] = False
    order = np.lexsort((lived, site))
    rows = []
    for mine in np.split(order, np.flatnonzero(np.diff(site[order])) + 1):
        index = int(site[mine[0]])
        sizes = np.unique(size[mine])
        rows.append(
            SiteStats(
                site=trace.sites[index],
                index=index,
                count=len(mine),
                bytes=int(size[mine].sum()),
                size_min_bytes=int(sizes[0]),
                size_max_bytes=int(sizes[-1]),
                distinct_sizes=len(sizes),
                count_above_1k=int(np.count_nonzero(size[mine] > 1024)),
                never_freed=int(np.count_nonzero(unfreed[mine])),
                peak_live_blocks=int(peak_blocks[index]),
                peak_live_bytes=int(peak_bytes[index]),
                rate_hz=_rate(trace, len(mine)),
                early_share=float(np.mean(is_early[mine])),
                lifetimes=_lifetimes(lived[mine]) if trace.has_time and trace.has_frees else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.count, row.site)))


def _rate(trace: Trace, count: int) -> Optional[float]:
    if not trace.has_time or trace.duration_ns == 0:
        return None
    return count * 1e9 / trace.duration_ns


def _lifetimes(ascending_ns: NDArray[np.int64]) -> Lifetimes:
    count = len(ascending_ns)
    p50, p99 = (int(ascending_ns[-(-count * part // 100) - 1]) for part in (50, 99))
    return Lifetimes(p50, p99, int(ascending_ns[-1]))
