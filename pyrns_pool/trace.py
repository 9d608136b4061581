"""Recorded allocation events, validated, with what is derived from them.

A trace says which requests a program made, in which order, and when it gave each block back. It
is what tiers and slots are chosen from. Files are read and written by `pyrns_pool.formats`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyrns_pool._native import none
from pyrns_pool._trace_checks import (
    EVENT_DTYPE,
    check_provenance,
    check_sites,
    events_of_columns,
)
from pyrns_pool._trace_fault import error_of
from pyrns_pool._trace_text import (
    FREE_TIMES_MISSING,
    IDENTITY_MISSING,
    nearest_sites,
    site_matches,
)
from pyrns_pool.errors import TraceError
from pyrns_pool.words import duration, plural

__all__ = ["EVENT_DTYPE", "OP_ALLOC", "OP_FREE", "PeakLive", "SiteUse", "Trace"]

OP_ALLOC: int = none.lib.RNS_EVENT_ALLOC
OP_FREE: int = none.lib.RNS_EVENT_FREE
COUNTED_SIZES = 1 << 20  # Below it a table of counts is faster than sorting.
PAIRING_KEY = "pairing"  # In the provenance, so that every file keeps it.
NEAREST_AMONG = 2000  # Sites that a mistyped pattern is compared with; it is no more than a hint.


@dataclass(frozen=True)
class PeakLive:
    """The most that was live at once; the two peaks need not be at the same time."""

    bytes: int
    """Largest sum of requested bytes, without any allocator's overhead."""
    bytes_at_ns: int
    """When it was first reached."""
    blocks: int
    """Largest number of blocks."""
    blocks_at_ns: int
    """When it was first reached."""


@dataclass(frozen=True)
class SiteUse:
    """What one site allocated."""

    site: str
    allocations: int
    bytes: int
    """Sum of requested bytes."""
    peak_live_blocks: int
    """Largest number of its blocks that were live at once."""


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Allocation events in time order, with site names and where they come from.

    Two traces are equal when their `sha256` is: provenance and quality flags do not count.

    Parameters
    ----------
    events : ndarray of EVENT_DTYPE, shape (n,)
        ``t_ns`` in nanoseconds, not decreasing; ``op`` OP_ALLOC or OP_FREE; ``size`` in bytes as
        requested and ``site`` an index of `sites`, both 0 in a free. An ``id`` may come again
        after its free. Taken as it is if it cannot be written to, else copied.
    sites : sequence of str
        Distinct names, ``module:symbol`` by convention; one may be empty.
    provenance : mapping of str to str, optional
        Where the trace comes from; one line of text each.
    has_time : bool
        False when ``t_ns`` only counts events because the recorder kept no time.
    has_identity : bool
        False when the recorder did not say which block a free means, so that it was guessed.
    has_free_times : bool
        False when the recorder did not say when a block was freed, so that the frees stand at the
        end: only sizes, sites and what was never freed mean something.

    Attributes
    ----------
    blocks : ndarray of uint32, shape (n,)
        Which allocation each event is or frees, counted from 0. Read-only, as is `events`.

    Raises
    ------
    TraceError
        If there is no event, or one breaks a rule above or a limit of ``rns_trace.h``.

    Notes
    -----
    Building one costs one pass over the events in C and one over the sites.

    Examples
    --------
    >>> from pyrns_pool.trace import Trace
    >>> columns = {"t_ns": [0, 10, 20], "op": [0, 1, 0], "id": [7, 7, 7], "size": [32, 0, 64]}
    >>> trace = Trace.from_events(columns, ["app:main"])
    >>> trace
    <Trace: 3 events, 2 blocks, 1 site, 1 thread, 20 ns>
    >>> trace.blocks
    array([0, 0, 1], dtype=uint32)
    """

    events: NDArray[np.void]
    sites: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    has_time: bool = True
    has_identity: bool = True
    has_free_times: bool = True
    blocks: NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        """Validate, make what is kept read-only, and number the blocks."""
        events = self.events
        if not isinstance(events, np.ndarray) or events.dtype != EVENT_DTYPE or events.ndim != 1:
            kind = f"{events.ndim}-D, {events.dtype}" if isinstance(events, np.ndarray) else None
            raise TraceError(
                "is no one-dimensional array of EVENT_DTYPE",
                field="events",
                value=kind or type(events).__name__,
            )
        if events.flags.writeable or not (events.flags.c_contiguous and events.flags.aligned):
            events = np.array(events, order="C")
            events.flags.writeable = False
        sites = check_sites(self.sites)
        object.__setattr__(self, "events", events)
        object.__setattr__(self, "sites", sites)
        object.__setattr__(self, "provenance", check_provenance(self.provenance))
        object.__setattr__(self, "blocks", _number_blocks(events, len(sites)))

    @classmethod
    def from_events(
        cls,
        events: Union[NDArray[np.void], Mapping[str, ArrayLike]],
        sites: Sequence[str] = ("",),
        provenance: Optional[Mapping[str, str]] = None,
        *,
        has_time: bool = True,
        has_identity: bool = True,
        has_free_times: bool = True,
    ) -> Trace:
        """Build a trace from events or from columns.

        Parameters
        ----------
        events : ndarray of EVENT_DTYPE, shape (n,), or mapping of str to array_like
            As in `Trace`; or columns of any integer dtype by field name, of which ``site`` and
            ``thread`` may be left out.
        sites : sequence of str
            As in `Trace`; by default one that is empty.
        provenance : mapping of str to str, optional
            As in `Trace`.
        has_time, has_identity, has_free_times : bool
            As in `Trace`.

        Returns
        -------
        Trace
            Validated.

        Raises
        ------
        TraceError
            As in `Trace`; also if a column is missing, unknown or out of range.
        """
        rows = events_of_columns(events) if isinstance(events, Mapping) else events
        if isinstance(events, Mapping):
            rows.flags.writeable = False
        flags = (has_time, has_identity, has_free_times)
        return cls(rows, check_sites(sites), provenance or {}, *flags)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.events)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same events of the same sites."""
        if not isinstance(other, Trace):
            return NotImplemented
        return self is other or (len(self) == len(other) and self.sha256 == other.sha256)

    def __hash__(self) -> int:
        """Return a number that equal traces share."""
        return hash(self.sha256)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the trace was built from; unpickling validates it again."""
        return (Trace, (self.events, self.sites, dict(self.provenance), *self._flags))

    def __repr__(self) -> str:
        """Return source and extent on one line."""
        name = self.provenance.get("file")
        threads = len(np.unique(self.events["thread"]))
        parts = [
            plural(len(self), "event"),
            plural(self.block_count, "block"),
            plural(len(np.unique(self.events["site"][self.alloc_rows])), "site"),
            plural(threads, "thread"),
            duration(self.duration_ns) if self.has_time else "no time",
        ]
        parts += [] if self.has_identity else ["frees guessed"]
        parts += [] if self.has_free_times else ["no times of frees"]
        parts += [] if self.has_frees else ["no frees"]
        return f"<Trace{' ' + name if name else ''}: {', '.join(parts)}>"

    @property
    def _flags(self) -> tuple[bool, bool, bool]:
        return (self.has_time, self.has_identity, self.has_free_times)

    @property
    def pairing(self) -> str:
        """How the user accepted that guessed frees were paired: "fifo", or "" if not at all."""
        return "" if self.has_identity else self.provenance.get(PAIRING_KEY, "")

    def require_identity(self, for_what: str) -> None:
        """Refuse a trace that does not say which block is freed when.

        Parameters
        ----------
        for_what : str
            What cannot be computed without, "a hit rate" for instance.

        Raises
        ------
        TraceError
            If frees were guessed and the user has not accepted how, or have no times.

        Examples
        --------
        >>> from pyrns_pool import Trace
        >>> columns = {"t_ns": [0, 1], "op": [0, 1], "id": [1, 1], "size": [8, 0]}
        >>> Trace.from_events(columns, has_identity=False).require_identity("a hit rate")
        Traceback (most recent call last):
        pyrns_pool.errors.TraceError: the recording does not say which block each free means, as
        a hit rate needs: record with 'heaptrack --raw', or import it with --pairing fifo to
        take the oldest each time
        """
        if not self.has_free_times:
            reason = FREE_TIMES_MISSING
        elif not self.has_identity and not self.pairing:
            reason = IDENTITY_MISSING
        else:
            return
        raise TraceError(reason.format(for_what), path=self.provenance.get("file"))

    @property
    def has_frees(self) -> bool:
        """Whether any block is freed; without frees only sizes and sites mean something."""
        return self.block_count < len(self)

    @property
    def duration_ns(self) -> int:
        """Time from the first event to the last, in nanoseconds."""
        return int(self.events["t_ns"][-1]) - int(self.events["t_ns"][0])

    @property
    def block_count(self) -> int:
        """Number of allocations."""
        return len(self.alloc_rows)

    @cached_property
    def alloc_rows(self) -> NDArray[np.int64]:
        """Event that allocated each block: int64, shape (block_count,), read-only."""
        return _read_only(np.flatnonzero(self.events["op"] == OP_ALLOC))

    @cached_property
    def block_sizes(self) -> NDArray[np.uint64]:
        """Requested bytes of each block: uint64, shape (block_count,), read-only."""
        return _read_only(self.events["size"][self.alloc_rows])

    @cached_property
    def sha256(self) -> str:
        """Hash of events and site names in hexadecimal.

        It does not depend on the file's format, on how sites are numbered, or on sites that no
        allocation has.
        """
        events = self.events
        used = events["site"][self.alloc_rows]
        first = np.full(len(self.sites), len(events))
        first[used[::-1]] = np.arange(len(used))[::-1]  # The last one assigned is the first use.
        order = np.argsort(first, kind="stable")[: int(np.count_nonzero(first < len(events)))]
        number = np.zeros(len(self.sites), "<u4")
        number[order] = np.arange(len(order))
        digest = hashlib.sha256(b"pyrns_pool trace 1\n%d %d\n" % (len(events), len(order)))
        for name, dtype in (("t_ns", "<i8"), ("op", "u1"), ("id", "<u8"), ("size", "<u8")):
            digest.update(events[name].astype(dtype).data)
        digest.update(events["thread"].astype("<u2").data)
        digest.update(number[used].data)
        digest.update("".join(self.sites[site] + "\n" for site in order).encode())
        return digest.hexdigest()

    def filter(self, site: Optional[str] = None, thread: Optional[int] = None) -> Trace:
        """Return the blocks that match, with their frees.

        A block matches by its allocation; it may be freed by another thread. Ids, times and the
        numbering of sites stay.

        Parameters
        ----------
        site : str, optional
            Pattern as in `fnmatch`, upper and lower case distinct. It matches the whole name, or
            the part behind the first colon: ``RNS::Bytes::*`` finds ``app:RNS::Bytes::newData``.
        thread : int, optional
            Number of the thread.

        Returns
        -------
        Trace
            Its provenance says how it was filtered.

        Raises
        ------
        TraceError
            If nothing matches; names the sites or threads that come nearest.
        """
        used, threads = (self.events[name][self.alloc_rows] for name in ("site", "thread"))
        keep = np.ones(self.block_count, np.bool_)
        applied = [self.provenance["filter"]] if "filter" in self.provenance else []
        if site is not None:
            matches = np.array([site_matches(name, site) for name in self.sites], np.bool_)
            keep &= matches[used]
            applied.append(f"site={site!r}")
            if not keep.any():
                nearest = " or ".join(
                    f"'{name}'" for name in nearest_sites(self._used_sites(), site)
                )
                raise TraceError(f"matches no site; nearest: {nearest}", field="site", value=site)
        if thread is not None:
            if not np.any(threads == thread):
                known = np.unique(threads).astype(np.int64)
                nearest = ", ".join(map(str, known[np.argsort(abs(known - thread))][:5]))
                reason = f"is no thread that allocates; nearest: {nearest}"
                raise TraceError(reason, field="thread", value=str(thread))
            keep &= threads == thread
            applied.append(f"thread={thread}")
            if not keep.any():
                reason = f"allocates nothing at a site that matches '{site}'"
                raise TraceError(reason, field="thread", value=str(thread))
        events = _read_only(self.events[keep[self.blocks]])
        provenance = {**self.provenance, **({"filter": "; ".join(applied)} if applied else {})}
        return Trace(events, self.sites, provenance, *self._flags)

    def live_curve(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what is live after each event.

        Returns
        -------
        live_bytes : ndarray of int64, shape (n,)
            Requested bytes.
        live_blocks : ndarray of int64, shape (n,)
            Blocks.

        Notes
        -----
        O(n). No sum overflows: at most 2^26 events of at most 2^36 bytes.
        """
        step = self._live_steps()
        return np.cumsum(step * self._event_sizes()), np.cumsum(step)

    def peak_live(self) -> PeakLive:
        """Return the most bytes and blocks that were live at once, and when.

        Returns
        -------
        PeakLive
            Peaks of `live_curve`; computed once.
        """
        return self._peak_live

    @cached_property
    def _peak_live(self) -> PeakLive:
        live_bytes, live_blocks = self.live_curve()
        at_bytes, at_blocks = int(live_bytes.argmax()), int(live_blocks.argmax())
        return PeakLive(
            bytes=int(live_bytes[at_bytes]),
            bytes_at_ns=int(self.events["t_ns"][at_bytes]),
            blocks=int(live_blocks[at_blocks]),
            blocks_at_ns=int(self.events["t_ns"][at_blocks]),
        )

    def sizes(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return which sizes were requested, and how often.

        Returns
        -------
        size_bytes : ndarray of uint64, shape (k,)
            Distinct sizes, ascending.
        counts : ndarray of int64, shape (k,)
            Requests of each; they add up to `block_count`. Both are read-only and computed once.
        """
        return self._sizes

    @cached_property
    def _sizes(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        if self.block_sizes.max() < COUNTED_SIZES:
            by_size = np.bincount(self.block_sizes.astype(np.int64))
            size_bytes = np.flatnonzero(by_size)
            counts = by_size[size_bytes]
        else:
            size_bytes, counts = np.unique(self.block_sizes, return_counts=True)
        return _read_only(size_bytes.astype(np.uint64)), _read_only(counts)

    @cached_property
    def site_requests(self) -> NDArray[np.int64]:
        """Allocations of each site: int64, shape (len(sites),), read-only."""
        used = self.events["site"][self.alloc_rows]
        return _read_only(np.bincount(used, minlength=len(self.sites)))

    def top_sites(self, n: int = 10) -> list[SiteUse]:
        """Return the sites that allocate most often.

        Parameters
        ----------
        n : int
            How many at most, from 1.

        Returns
        -------
        list of SiteUse
            By falling number of allocations, then bytes, then by name.

        Notes
        -----
        O(events log events), for the peaks.
        """
        # Events by site, in time order within each: the running sum less what it was at the
        # start of the site is the number of the site's live blocks.
        site = self.events["site"][self.alloc_rows][self.blocks]
        order = np.argsort(site, kind="stable")
        begin = np.flatnonzero(np.diff(site[order], prepend=-1))
        live = np.cumsum(self._live_steps()[order])
        peaks = np.maximum.reduceat(live, begin) - np.concatenate(([0], live[begin[1:] - 1]))
        is_alloc = self.events["op"][order] == OP_ALLOC
        allocations = np.add.reduceat(is_alloc, begin, dtype=np.int64)
        totals = np.add.reduceat(self.events["size"][order], begin)  # A free has size 0.
        numbers = zip(site[order][begin], allocations, totals, peaks)
        rows = [
            SiteUse(self.sites[index], int(count), int(total), int(peak))
            for index, count, total, peak in numbers
        ]
        rows.sort(key=lambda row: (-row.allocations, -row.bytes, row.site))
        return rows[:n]

    def _used_sites(self) -> list[str]:
        return [row.site for row in self.top_sites(NEAREST_AMONG)]

    def _live_steps(self) -> NDArray[np.int64]:
        return np.where(self.events["op"] == OP_ALLOC, np.int64(1), np.int64(-1))

    def _event_sizes(self) -> NDArray[np.int64]:
        return self.block_sizes.astype(np.int64)[self.blocks]


def _number_blocks(events: NDArray[np.void], site_count: int) -> NDArray[np.uint32]:
    lib, ffi = none
    blocks = np.empty(len(events), np.uint32)
    event = ffi.cast("rns_event_t*", events.ctypes.data)
    trace = ffi.new("rns_trace_t*", [event, len(events), site_count])
    fault = ffi.new("rns_trace_fault_t*")
    if lib.rns_trace_index(trace, ffi.from_buffer("uint32_t[]", blocks), fault):
        raise error_of(fault)
    return _read_only(blocks)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
