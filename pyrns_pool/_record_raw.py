"""The file that one recorded process left behind, as a trace. Its form: csrc/lab/rns_record.h."""

from __future__ import annotations

import mmap
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._record_names import Module, names_of
from pyrns_pool._trace_pair import pair
from pyrns_pool.errors import TraceError, printable
from pyrns_pool.formats.files import Progress
from pyrns_pool.trace import EVENT_DTYPE, OP_ALLOC, Trace

__all__ = ["Process", "read_process", "site_names"]

MODULES_MAX = 4096
BETWEEN_FRAMES = " <- "


@dataclass(frozen=True)
class Process:
    """What one process image did: from its start, a fork or an exec, to its end.

    ``events + void + lost + beyond_limit == numbered``.
    """

    program: str
    """Path of the executable."""
    command: str
    """Its arguments; long ones are cut."""
    pid: int
    parent_pid: int
    start_ns: int
    """On the system's monotonic clock."""
    threads: int
    """Those that allocated or freed."""
    trace: Optional[Trace]
    """None: it allocated nothing."""
    numbered: int
    """Events that took a number in the process."""
    events: int
    """Those that were written, and read here."""
    void: int
    """Frees of a realloc that failed: they did not happen."""
    lost: int
    """Without a record: no room on disk, or made by a signal handler in the middle of one."""
    beyond_limit: int
    """After the first RNS_TRACE_EVENTS_MAX, where a trace ends."""
    unpaired_frees: int
    """Not in the trace: of blocks that a child of fork inherited, or whose allocation was lost."""
    unfreed_reuses: int
    """Blocks at whose address another was allocated: their free was lost."""
    damaged_chunks: int
    error: int
    """errno of the first piece of the file that could not be had; 0: none."""
    raw_bytes: int
    """Records as the process wrote them, in bytes."""

    @property
    def is_complete(self) -> bool:
        """Whether the trace holds all that happened to the blocks that this image allocated."""
        wrong = (self.lost, self.beyond_limit, self.unfreed_reuses, self.damaged_chunks)
        return not any((*wrong, self.error))


def start_ns_of(path: Path) -> int:
    """Return when the process began to record, 0 if the file is no recording."""
    info = none.ffi.new("rns_record_info_t *")
    with open(path, "rb") as file:
        page = file.read(none.lib.RNS_RECORD_PAGE_BYTES)
    return int(info.start_ns) if none.lib.rns_record_info(page, len(page), info) else 0


def read_process(path: Path, progress: Optional[Progress] = None) -> Process:
    """Read what a process recorded, also while it still runs.

    Parameters
    ----------
    path : Path
        Its file.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Process
        With its trace; blocks are numbered from 0, and never freed if they were not.

    Raises
    ------
    TraceError
        If the file is no recording.

    Notes
    -----
    O(events log events), for the pairing of frees with allocations.
    """
    lib, ffi = none
    info = ffi.new("rns_record_info_t *")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    if not lib.rns_record_info(ffi.from_buffer(data), size, info):
        raise TraceError("is no recording of this version", path=os.fspath(path))
    reader, keep = _new_reader(info)
    damaged, raw_bytes = _read_chunks(data, min(size, info.file_bytes), reader, progress)
    events, frames, modules = keep
    capacity = int(reader.event_capacity)
    paired, unpaired_frees, unfreed_reuses = pair(events)
    counts: dict[str, Any] = {
        "numbered": int(info.event_count),
        "events": int(reader.event_count - reader.void_count),
        "void": int(reader.void_count),
        "lost": capacity - int(reader.event_count),
        "beyond_limit": int(info.event_count) - capacity,
        "unpaired_frees": unpaired_frees,
        "unfreed_reuses": unfreed_reuses,
        "damaged_chunks": damaged,
        "error": int(info.error),
    }
    facts: dict[str, Any] = {
        "program": _text(info.program),
        "command": _text(info.command),
        "pid": int(info.pid),
        "parent_pid": int(info.parent_pid),
    }
    trace = None
    if len(paired):
        found = [
            Module(m.first, m.end, m.offset, ffi.string(m.path).decode("utf-8", "replace"))
            for m in modules[0 : reader.module_count]
        ]
        sites = _name_sites(paired, frames, found)
        paired.flags.writeable = False  # So that the trace takes it without a copy.
        origin = {key: str(value) for key, value in {**facts, **counts}.items() if value != ""}
        trace = Trace(paired, sites, {**origin, "machine": _machine(), "recorder": "pyrns-pool"})
    return Process(
        **facts,
        **counts,
        start_ns=int(info.start_ns),
        threads=int(info.thread_count),
        trace=trace,
        raw_bytes=raw_bytes,
    )


def _new_reader(info: Any) -> tuple[Any, tuple[NDArray[np.void], NDArray[np.uint64], Any]]:
    lib, ffi = none
    events = np.zeros(min(info.event_count, lib.RNS_TRACE_EVENTS_MAX), EVENT_DTYPE)
    events["op"] = lib.RNS_RECORD_MISSING
    frames = np.zeros((lib.RNS_TRACE_SITES_MAX, info.depth), np.uint64)
    modules = ffi.new("rns_record_module_t[]", MODULES_MAX)
    reader = ffi.new("rns_record_reader_t *")
    reader.event = ffi.cast("rns_event_t *", events.ctypes.data)
    reader.event_capacity = len(events)
    reader.frame = ffi.cast("uint64_t *", frames.ctypes.data)
    reader.depth = info.depth
    reader.module = modules
    reader.module_capacity = MODULES_MAX
    return reader, (events, frames, modules)


def _read_chunks(
    data: Any, end: int, reader: Any, progress: Optional[Progress]
) -> tuple[int, int]:
    """Read every chunk; return how many are damaged, and the bytes that were used."""
    lib, ffi = none
    bytes_ = ffi.from_buffer(data)
    damaged = used = 0
    for at in range(lib.RNS_RECORD_PAGE_BYTES, end, lib.RNS_RECORD_CHUNK_BYTES):
        size = min(lib.RNS_RECORD_CHUNK_BYTES, end - at)
        used += int.from_bytes(data[at : at + 4], "little")
        damaged += not lib.rns_record_read_chunk(reader, bytes_ + at, size)
        if progress is not None:
            progress(at / end)
    return damaged, used


def _name_sites(
    events: NDArray[np.void], frames: NDArray[np.uint64], modules: list[Module]
) -> tuple[str, ...]:
    """Give the events the numbers of their sites' names; return the names."""
    is_alloc = events["op"] == OP_ALLOC
    used = np.flatnonzero(np.bincount(events["site"], is_alloc, len(frames)))
    numbers: dict[str, int] = {}
    new = [numbers.setdefault(text, len(numbers)) for text in site_names(used, frames, modules)]
    number = np.zeros(len(frames), np.uint32)
    number[used] = new
    events["site"] = np.where(is_alloc, number[events["site"]], 0)
    return tuple(numbers)


def site_names(
    sites: Iterable[int], frames: NDArray[np.uint64], modules: list[Module]
) -> list[str]:
    """Return a name for each site of a recording.

    Parameters
    ----------
    sites : iterable of int
        Their numbers.
    frames : ndarray of uint64, shape (sites, depth)
        Return addresses, the inner one first; 0: none.
    modules : list of Module
        What lay in memory.
    """
    stacks = [[int(address) for address in frames[site] if address] for site in sites]
    names = names_of((address for stack in stacks for address in stack), modules)
    limit = none.lib.RNS_TRACE_SITE_BYTES_MAX
    texts = [
        BETWEEN_FRAMES.join(_asked([names[address] for address in stack])) for stack in stacks
    ]
    return [printable(text).encode()[:limit].decode("utf-8", "ignore") for text in texts]


def _asked(frames: list[str]) -> list[str]:
    """Return a stack from the caller of operator new on, if it is deep enough to hold that."""
    for at, name in enumerate(frames):
        if name.partition(":")[2] not in ("operator new", "operator new[]"):
            return frames[at:]
    return frames


def _text(chars: Any) -> str:
    return printable(none.ffi.string(chars).decode("utf-8", "replace")).strip()[:400]


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {platform.libc_ver()[0]}"
