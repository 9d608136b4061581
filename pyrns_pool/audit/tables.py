"""Tables that pin small blocks, found by how they are torn down: what a node holds goes before it.

A block that stays keeps its slot, or the hole around it, for as long as its table keeps the entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.audit.sites import lifetimes_ns, peak_live_by
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["KEPT_NS", "SMALL_BYTES", "Table", "find_tables"]

KEPT_NS = 1_000_000_000
"""A block that lives at least so long is kept."""
SMALL_BYTES = 64
"""A block of at most so many bytes is small: a hash, a key, a handle, a control block."""
NODES_MIN = 30
"""Kept blocks of a site that were freed, below which it says nothing."""
HOLDS_SHARE_MIN = 0.9
"""Share of a table's nodes that are freed directly after kept blocks of other sites."""
ENDS_SHARE_MIN = 0.25
"""Share of them that end such a run of frees; a member in the middle of an object never does."""


@dataclass(frozen=True)
class Table:
    """A site that allocates the nodes of a table."""

    site: int
    nodes: int
    """Kept nodes that were freed; the numbers below are of these."""
    nodes_peak: int
    """Kept nodes live at once, those that were never freed among them."""
    node_bytes_min: int
    node_bytes_max: int
    holds_share: float
    ends_share: float
    held_small: int
    """Small kept blocks that went right before the nodes."""
    held_small_bytes: int
    held_small_peak: int
    """Most of them live at once."""
    held_sites: tuple[int, ...]
    """Where they were allocated, most first."""


def find_tables(trace: Trace) -> tuple[Table, ...]:
    """Return the tables, those that hold most small blocks first.

    Parameters
    ----------
    trace : Trace
        With time, identity and frees.

    Returns
    -------
    tuple of Table
        Sites that pass `NODES_MIN`, `HOLDS_SHARE_MIN` and `ENDS_SHARE_MIN`.

    Notes
    -----
    O(events log events). A block belongs to the first node that is freed after it in the same
    unbroken run of frees of kept blocks by one thread.
    """
    site = trace.events["site"][trace.alloc_rows].astype(np.int64)
    kept = lifetimes_ns(trace) >= KEPT_NS
    order = np.argsort(trace.events["thread"], kind="stable")
    blocks = trace.blocks[order].astype(np.int64)
    is_kept_free = (trace.events["op"][order] != OP_ALLOC) & kept[blocks]
    thread = trace.events["thread"][order].astype(np.int64)
    begins = np.diff(thread, prepend=-1) != 0
    run = np.cumsum(~is_kept_free | begins)[is_kept_free]
    freed = blocks[is_kept_free]
    if not len(freed):
        return ()
    nodes, holds, ends = _teardown(site[freed], run, len(trace.sites))
    at_least = np.maximum(nodes, 1)
    is_table = (nodes >= NODES_MIN) & (holds >= HOLDS_SHARE_MIN * at_least)
    is_table &= ends >= ENDS_SHARE_MIN * at_least

    owner = _owners(is_table[site[freed]], run)
    small = trace.block_sizes[freed] <= SMALL_BYTES
    held = (owner >= 0) & small & ~is_table[site[freed]]
    table_of_block = np.full(trace.block_count, -1, np.int64)
    table_of_block[freed[held]] = site[freed[owner[held]]]
    held_peaks = peak_live_by(trace, table_of_block, len(trace.sites))
    node_peaks = peak_live_by(trace, np.where(kept, site, -1), len(trace.sites))

    tables = []
    for index in np.flatnonzero(is_table).tolist():
        mine = np.flatnonzero(table_of_block == index)
        sizes = trace.block_sizes[freed[site[freed] == index]]
        makers, counts = np.unique(site[mine], return_counts=True)
        tables.append(
            Table(
                site=index,
                nodes=int(nodes[index]),
                nodes_peak=int(node_peaks[index]),
                node_bytes_min=int(sizes.min()),
                node_bytes_max=int(sizes.max()),
                holds_share=float(holds[index] / nodes[index]),
                ends_share=float(ends[index] / nodes[index]),
                held_small=len(mine),
                held_small_bytes=int(trace.block_sizes[mine].sum()),
                held_small_peak=int(held_peaks[index]),
                held_sites=tuple(makers[np.argsort(-counts, kind="stable")].tolist()),
            )
        )
    return tuple(sorted(tables, key=lambda table: (-table.held_small, table.site)))


def _teardown(
    site: NDArray[np.int64], run: NDArray[np.int64], site_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return for each site its frees, those right after another site's, and those ending a run."""
    follows = np.zeros(len(site), np.bool_)
    follows[1:] = (run[1:] == run[:-1]) & (site[1:] != site[:-1])
    ends = np.ones(len(site), np.bool_)
    ends[:-1] = run[1:] != run[:-1]

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(site[which], minlength=site_count)

    return count(np.ones(len(site), np.bool_)), count(follows), count(ends)


def _owners(is_node: NDArray[np.bool_], run: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the first node at or after each free is in its run, -1 if there is none."""
    nodes = np.flatnonzero(is_node)
    if not len(nodes):
        return np.full(len(run), -1, np.int64)
    after = np.searchsorted(nodes, np.arange(len(run)))
    owner = nodes[np.minimum(after, len(nodes) - 1)]
    same = (after < len(nodes)) & (run[owner] == run)
    return np.where(same, owner, -1)
