"""What a recording holds, at a glance: extent, size classes, sites; or packets by kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.packets import DIRECTIONS, TYPES, PacketLog
from pyrns_pool.trace import OP_ALLOC, PeakLive, SiteUse, Trace

__all__ = ["PacketInfo", "PacketKind", "SizeClass", "TraceInfo", "packet_info", "trace_info"]

SMALLEST_CLASS_BYTES = 16


@dataclass(frozen=True)
class SizeClass:
    """Requests above half of a power of two, up to it."""

    size_bytes_max: int
    """The power of two; the smallest class, 16, holds everything from 0."""
    requests: int
    bytes: int
    peak_live_blocks: int
    """Largest number of its blocks that were live at once: slots that would have sufficed."""
    lifetime_median_ns: int
    """Of the blocks that were freed; -1 if none was."""


@dataclass(frozen=True)
class TraceInfo:
    """A trace at a glance."""

    name: str
    sha256: str
    filter: str
    provenance: dict[str, str]
    events: int
    requests: int
    frees: int
    never_freed: int
    threads: int
    sites: int
    duration_ns: int
    has_time: bool
    has_identity: bool
    has_free_times: bool
    has_frees: bool
    largest_request_bytes: int
    peak_live: PeakLive
    size_classes: tuple[SizeClass, ...]
    top_sites: tuple[SiteUse, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class PacketKind:
    """Packets of one direction and type."""

    direction: str
    type: str
    packets: int
    bytes: int
    length_min: int
    length_median: int
    length_max: int


@dataclass(frozen=True)
class PacketInfo:
    """A packet log at a glance."""

    name: str
    packets: int
    bytes: int
    duration_ns: int
    kinds: tuple[PacketKind, ...]
    """Most packets first."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


def trace_info(trace: Trace, top: int = 10) -> TraceInfo:
    """Describe a trace.

    Parameters
    ----------
    trace : Trace
        Any.
    top : int, optional
        How many sites at most.

    Returns
    -------
    TraceInfo
        Exact counts.

    Notes
    -----
    O(events log events).

    Examples
    --------
    >>> from pyrns_pool import Trace
    >>> columns = {"t_ns": [0, 1, 5], "op": [0, 0, 1], "id": [1, 2, 1], "size": [24, 300, 0]}
    >>> info = trace_info(Trace.from_events(columns, ["app:main"]))
    >>> [(row.size_bytes_max, row.requests, row.lifetime_median_ns) for row in info.size_classes]
    [(32, 1, 5), (512, 1, -1)]
    """
    used = np.unique(trace.events["site"][trace.alloc_rows])
    frees = len(trace) - trace.block_count
    return TraceInfo(
        name=trace.provenance.get("file", ""),
        sha256=trace.sha256,
        filter=trace.provenance.get("filter", ""),
        provenance=dict(trace.provenance),
        events=len(trace),
        requests=trace.block_count,
        frees=frees,
        never_freed=trace.block_count - frees,
        threads=len(np.unique(trace.events["thread"])),
        sites=len(used),
        duration_ns=trace.duration_ns,
        has_time=trace.has_time,
        has_identity=trace.has_identity,
        has_free_times=trace.has_free_times,
        has_frees=trace.has_frees,
        largest_request_bytes=int(trace.block_sizes.max()),
        peak_live=trace.peak_live(),
        size_classes=_size_classes(trace),
        top_sites=tuple(trace.top_sites(top)),
    )


def _size_classes(trace: Trace) -> tuple[SizeClass, ...]:
    is_alloc = trace.events["op"] == OP_ALLOC
    lifetime_ns = np.full(trace.block_count, -1, np.int64)
    freed = trace.blocks[~is_alloc]
    allocated_ns = trace.events["t_ns"][trace.alloc_rows]
    lifetime_ns[freed] = trace.events["t_ns"][~is_alloc] - allocated_ns[freed]
    step = np.where(is_alloc, 1, -1)
    class_of = _class_bytes(trace.block_sizes)
    rows = []
    for bound in np.unique(class_of):
        mine = class_of == bound
        ages = lifetime_ns[mine & (lifetime_ns >= 0)]
        rows.append(
            SizeClass(
                size_bytes_max=int(bound),
                requests=int(mine.sum()),
                bytes=int(trace.block_sizes[mine].sum()),
                peak_live_blocks=int(np.cumsum(step * mine[trace.blocks]).max()),
                lifetime_median_ns=int(np.median(ages)) if len(ages) else -1,
            )
        )
    return tuple(rows)


def _class_bytes(size_bytes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the smallest power of two, from 16, that is not below each size."""
    distinct, where = np.unique(size_bytes, return_inverse=True)
    bounds = [1 << max(int(size) - 1, SMALLEST_CLASS_BYTES - 1).bit_length() for size in distinct]
    result: NDArray[np.int64] = np.array(bounds, np.int64)[where]
    return result


def packet_info(log: PacketLog) -> PacketInfo:
    """Describe a packet log.

    Parameters
    ----------
    log : PacketLog
        Any.

    Returns
    -------
    PacketInfo
        Exact counts; lengths in bytes of whole packets.
    """
    packets = log.packets
    kinds = []
    pairs = np.unique(packets[["direction", "type"]])
    for direction, kind in pairs:
        mine = packets["direction"] == direction
        length = packets["length"][mine & (packets["type"] == kind)]
        kinds.append(
            PacketKind(
                direction=DIRECTIONS[direction],
                type=TYPES[kind],
                packets=len(length),
                bytes=int(length.sum()),
                length_min=int(length.min()),
                length_median=int(np.median(length)),
                length_max=int(length.max()),
            )
        )
    kinds.sort(key=lambda row: (-row.packets, row.direction, row.type))
    return PacketInfo(
        name=log.provenance.get("file", ""),
        packets=len(packets),
        bytes=int(packets["length"].sum()),
        duration_ns=log.duration_ns,
        kinds=tuple(kinds),
    )
