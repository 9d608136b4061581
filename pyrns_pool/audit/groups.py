"""Blocks that belong together, found in the order of events alone: no name is looked at.

A *group* is two or three blocks that one thread allocates back to back and one thread frees back
to back: an object, its buffer, the control block that counts its owners. A block *grows* when a
larger one of its site comes and it goes. A *copy* is a new buffer exactly as large as one that is
live, or as two of them together. A *table* is a site whose blocks stay, and go right after what
they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["COPY_SIZE_MIN_BYTES", "CopyTest", "Groups", "Kind", "copy_test"]
__all__ += ["find_groups", "find_growth"]

KIND_COUNT_MIN = 30
"""Groups of the same sites in the same order, below which they may be coincidence."""
TRIPLE_SHARE_MIN = 0.75
"""A triple is one if it makes up this share of the pairs in it; else a pair has a neighbour."""
COPY_SIZE_MIN_BYTES = 33
"""Smaller sizes, those of hashes and keys, are equal too often without a copy."""
COPY_LIVE = 8
"""Live buffers, the youngest, that a new one is compared with."""
COPY_BORN = 32
"""They are looked for among so many that were allocated before it."""
COPY_SHIFT = 997
"""For chance, a buffer gets the size of the one of its maker so many before it."""
UNFREED = -1


@dataclass(frozen=True)
class Kind:
    """Groups of the same sites in the same order.

    Parameters
    ----------
    sites : tuple of int
        Of the members, in order of allocation.
    offsets : tuple of int
        Their places among the thread's allocations: (0, 1, 2); (0, 1); or (0, 2), where the block
        between went earlier, a buffer that was replaced for instance.
    count : int
        How many such groups there are.
    """

    sites: tuple[int, ...]
    offsets: tuple[int, ...]
    count: int

    @property
    def is_whole(self) -> bool:
        """Whether no block between its members went earlier."""
        return self.offsets[-1] == len(self.offsets) - 1


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of a trace.

    Parameters
    ----------
    kinds : tuple of Kind
        In the order in which they were taken.
    kind : ndarray of int32, shape (block_count,)
        Of the group that the block is in, -1 if it is in none.
    role : ndarray of int8, shape (block_count,)
        Which member the block is, 0 to 2; -1 if it is in none.
    first : ndarray of int64, shape (block_count,)
        The first block of its group; -1 if it is in none.
    """

    kinds: tuple[Kind, ...]
    kind: NDArray[np.int32]
    role: NDArray[np.int8]
    first: NDArray[np.int64]


@dataclass(frozen=True)
class CopyTest:
    """New buffers of one maker, held against those that were live."""

    buffers: int
    """Of at least `COPY_SIZE_MIN_BYTES`."""
    as_one: int
    """As large as a live one."""
    as_two: int
    """Not that, but as large as two live ones together."""
    chance: float
    """Share that would be either by coincidence."""

    @property
    def share(self) -> float:
        """Share of the buffers that are either."""
        return (self.as_one + self.as_two) / self.buffers if self.buffers else 0.0

    @property
    def copies(self) -> int:
        """Copies there must be, so that chance explains the rest."""
        beyond = (self.share - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0
        return round(max(beyond, 0.0) * self.buffers)


def _positions(trace: Trace) -> NDArray[np.int64]:
    """Return the place of each event in its thread; those of different threads never adjoin."""
    thread = trace.events["thread"]
    order = np.argsort(thread, kind="stable")
    gaps = np.cumsum(np.diff(thread[order].astype(np.int64), prepend=thread[order[0]]) != 0)
    position = np.empty(len(trace), np.int64)
    position[order] = np.arange(len(trace)) + gaps
    return position


def find_groups(trace: Trace) -> Groups:
    """Return the blocks that are allocated back to back and freed back to back.

    Parameters
    ----------
    trace : Trace
        With identity and frees; without frees there is no group.

    Returns
    -------
    Groups
        Each block is in one group at most; kinds that are rarer than `KIND_COUNT_MIN` are left
        out.

    Notes
    -----
    O(events log events). Kinds are taken by falling number of candidates, triples before pairs.
    """
    position = _positions(trace)
    is_free = trace.events["op"] != OP_ALLOC
    freed = np.full(trace.block_count, UNFREED, np.int64)
    freed[trace.blocks[is_free]] = position[is_free]
    born = np.argsort(position[trace.alloc_rows], kind="stable")
    site = trace.events["site"][trace.alloc_rows].astype(np.int64)
    thread = trace.events["thread"][trace.alloc_rows][born]

    kind = np.full(trace.block_count, -1, np.int32)
    role = np.full(trace.block_count, -1, np.int8)
    first = np.full(trace.block_count, -1, np.int64)
    kinds: list[Kind] = []
    used = np.zeros(trace.block_count, np.bool_)
    for members, offsets, starts in _candidates(freed[born], site[born], thread):
        at = _not_overlapping(starts, offsets, used)
        if len(at) < KIND_COUNT_MIN:
            continue
        for offset in offsets:
            used[at + offset] = True
        for number, offset in enumerate(offsets):
            blocks = born[at + offset]
            kind[blocks], role[blocks], first[blocks] = len(kinds), number, born[at]
        kinds.append(Kind(members, offsets, len(at)))
    return Groups(tuple(kinds), kind, role, first)


_Candidate = tuple[tuple[int, ...], tuple[int, ...], "NDArray[np.int64]"]


def _candidates(
    freed: NDArray[np.int64], site: NDArray[np.int64], thread: NDArray[np.uint16]
) -> list[_Candidate]:
    """Return sites, offsets and starts of each kind that is frequent, in order of choice."""
    found: dict[tuple[int, ...], int] = {}
    rows: list[_Candidate] = []
    for offsets in ((0, 1), (0, 2), (0, 1, 2)):
        ends = len(freed) - offsets[-1]
        if ends <= 0:
            continue
        times = np.stack([freed[offset : ends + offset] for offset in offsets])
        least = times.min(axis=0)
        together = (times.max(axis=0) - least == len(offsets) - 1) & (least != UNFREED)
        together &= thread[:ends] == thread[offsets[-1] :]
        starts = np.flatnonzero(together)
        code = np.zeros(len(starts), np.int64)
        for offset in offsets:
            code = code * (int(site.max()) + 1) + site[starts + offset]
        order = np.argsort(code, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
            if len(same) < KIND_COUNT_MIN:
                continue
            mine = starts[same]
            sites = tuple(int(site[mine[0] + offset]) for offset in offsets)
            most = max(found.get(sites[:2], 0), found.get(sites[1:], 0))
            is_one = len(sites) == 2 or len(mine) >= TRIPLE_SHARE_MIN * most
            if is_one:
                rows.append((sites, offsets, mine))
            if offsets == (0, 1):
                found[sites] = len(mine)
    # Of two members, those that adjoin come before those with a gap.
    return sorted(rows, key=lambda row: (-len(row[1]), row[1], -len(row[2]), row[0]))


def _not_overlapping(
    starts: NDArray[np.int64], offsets: tuple[int, ...], used: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the starts whose blocks are neither used nor those of one taken further left."""
    for offset in offsets:
        starts = starts[~used[starts + offset]]
    taken: list[int] = []
    mine: set[int] = set()
    for start in starts.tolist():
        blocks = [start + offset for offset in offsets]
        if mine.isdisjoint(blocks):
            mine.update(blocks)
            taken.append(start)
    return np.array(taken, np.int64)


def find_growth(trace: Trace) -> NDArray[np.bool_]:
    """Return for each block whether it replaced a smaller one of its site.

    Parameters
    ----------
    trace : Trace
        With frees.

    Returns
    -------
    ndarray of bool, shape (block_count,)
        True if the next event of the thread frees a smaller and older block of the same site; or
        if the one before does at the same time, which is how realloc is recorded.
    """
    order = np.argsort(trace.events["thread"], kind="stable")
    event, block = trace.events[order], trace.blocks[order].astype(np.int64)
    site = trace.events["site"][trace.alloc_rows][block]
    size = trace.block_sizes[block]
    is_alloc = event["op"] == OP_ALLOC
    same = (site[:-1] == site[1:]) & (event["thread"][:-1] == event["thread"][1:])
    after = same & is_alloc[:-1] & ~is_alloc[1:] & (size[1:] < size[:-1])
    moved = same & ~is_alloc[:-1] & is_alloc[1:] & (size[:-1] < size[1:])
    moved &= event["t_ns"][:-1] == event["t_ns"][1:]
    grown = np.zeros(trace.block_count, np.bool_)
    grown[block[:-1][after]] = True
    grown[block[1:][moved]] = True
    return grown


def copy_test(trace: Trace, buffer_site: int, maker: NDArray[np.int64]) -> dict[int, CopyTest]:
    """Hold each new buffer of a site against the youngest that are live.

    Parameters
    ----------
    trace : Trace
        With frees.
    buffer_site : int
        Number of the site that allocates the buffers.
    maker : ndarray of int64, shape (block_count,)
        What the result distinguishes; for a buffer, the site of the object it is made with.

    Returns
    -------
    dict of int to CopyTest
        For each maker.

    Notes
    -----
    O(buffers x `COPY_BORN`).
    """
    born = trace.alloc_rows
    freed = np.full(trace.block_count, len(trace), np.int64)
    is_free = trace.events["op"] != OP_ALLOC
    freed[trace.blocks[is_free]] = np.flatnonzero(is_free)
    blocks = np.flatnonzero(trace.events["site"][born] == buffer_site)
    size = trace.block_sizes[blocks].astype(np.int64)
    live = _youngest_live(born[blocks], freed[blocks], size)
    asked = size >= COPY_SIZE_MIN_BYTES
    tests = {}
    for one in np.unique(maker[blocks]).tolist():
        mine = np.flatnonzero((maker[blocks] == one) & asked)
        if not len(mine):
            continue
        as_one, as_two = _matches(live[:, mine], size[mine])
        chance = np.logical_or(*_matches(live[:, mine], np.roll(size[mine], COPY_SHIFT)))
        tests[int(one)] = CopyTest(
            buffers=len(mine),
            as_one=int(np.count_nonzero(as_one)),
            as_two=int(np.count_nonzero(as_two & ~as_one)),
            chance=float(np.mean(chance)),
        )
    return tests


def _youngest_live(
    born: NDArray[np.int64], freed: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return sizes of the youngest buffers live at each birth: shape (COPY_LIVE, n), 0: none."""
    live = np.zeros((COPY_LIVE, len(born)), np.int64)
    found = np.zeros(len(born), np.int64)
    for back in range(1, min(COPY_BORN, len(born) - 1) + 1):
        fits = (freed[:-back] > born[back:]) & (found[back:] < COPY_LIVE)
        at = np.flatnonzero(fits) + back
        live[found[at], at] = size[at - back]
        found[at] += 1
    return live


def _matches(
    live: NDArray[np.int64], size: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    as_one = np.zeros(len(size), np.bool_)
    as_two = np.zeros(len(size), np.bool_)
    for i in range(COPY_LIVE):
        as_one |= live[i] == size
        for j in range(i):
            as_two |= (live[i] > 0) & (live[j] > 0) & (live[i] + live[j] == size)
    return as_one, as_two
