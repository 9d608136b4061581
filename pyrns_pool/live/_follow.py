"""Follows the file of a recorded process while it is written. Its form: csrc/lab/rns_record.h."""

from __future__ import annotations

import ctypes
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

from pyrns_pool._native import none
from pyrns_pool._record_names import Module
from pyrns_pool._record_raw import MODULES_MAX, site_names
from pyrns_pool.live.engine import BATCH_EVENTS
from pyrns_pool.trace import EVENT_DTYPE

__all__ = ["Follower", "read_info"]

WINDOW_EVENTS = 1 << 17
GAP_S = 2.0
"""How long a number may be missing while the process takes others, until it is given up."""
FULL_S = 0.25
"""How long after it was full a chunk is looked at again."""
HEAD_BYTES = none.ffi.sizeof("rns_record_chunk_t")
PAGE_BYTES: int = none.lib.RNS_RECORD_PAGE_BYTES
CHUNK_BYTES: int = none.lib.RNS_RECORD_CHUNK_BYTES
ROOM_BYTES = 2 * 1536 + 4 * 64  # Below this the recorder goes on in another chunk.
UNKNOWN = "[unknown]"  # A module of which no record was read yet.
PUNCH_HOLE = 1 | 2  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE


def read_info(path: Path) -> Any:
    """Return what the first page of a file says, None if it is not there yet."""
    info = none.ffi.new("rns_record_info_t *")
    with open(path, "rb") as file:
        page = file.read(PAGE_BYTES)
    return info if none.lib.rns_record_info(page, len(page), info) else None


@dataclass
class _Chunk:
    """A chunk that is not read to its end."""

    offset: int
    state: Any
    look_s: float = 0.0
    """When it is looked at again, once it is full."""
    taken: int = 0
    """Numbers given out when it was last read: once these were handed on, and it is full, nobody
    writes to it any more."""


class Follower:
    """Reads what a process recorded, as it comes, in memory of a fixed size.

    Parameters
    ----------
    path : Path
        The file of a process.
    send : callable
        Called with events in C memory and how many there are, in the order of their numbers.
    is_kept : bool
        Otherwise what was read is given back to the disk, so that the file does not grow.
    """

    def __init__(self, path: Path, send: Callable[[Any, int], None], is_kept: bool) -> None:
        lib, ffi = none
        self.path, self._send, self._is_kept = path, send, is_kept
        self._file = open(path, "rb" if is_kept else "r+b", buffering=0)
        info = read_info(path)
        if info is None:
            raise ValueError(f"{path} is no recording")
        self.info = info
        """What the process says of itself."""
        window, out = np.zeros(WINDOW_EVENTS, EVENT_DTYPE), np.zeros(BATCH_EVENTS, EVENT_DTYPE)
        self._frames = np.zeros((lib.RNS_TRACE_SITES_MAX, info.depth), np.uint64)
        self._modules = ffi.new("rns_record_module_t[]", MODULES_MAX)
        # C keeps the addresses only: what is in here has to outlive the follower.
        self._held = {
            "window": ffi.from_buffer("rns_event_t[]", window),
            "frame": ffi.from_buffer("uint64_t[]", self._frames),
        }
        self._out = ffi.from_buffer("rns_event_t[]", out)
        self._state = ffi.new("rns_follow_t *", {"capacity": WINDOW_EVENTS})
        self._state.window = self._held["window"]
        reader = self._state.reader
        reader.frame, reader.depth = self._held["frame"], info.depth
        reader.module, reader.module_capacity = self._modules, MODULES_MAX
        lib.rns_follow_begin(self._state)
        self._found = 0  # Chunks of the file that are known.
        self._open: list[_Chunk] = []
        self._full: deque[_Chunk] = deque()
        self.damaged_chunks = 0
        self._gap = (-1, 0, 0.0)  # Number that is missing, numbers given out then, and when.
        self._names: dict[int, str] = {}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def numbered(self) -> int:
        """Events that took a number, when that was last looked at."""
        return int(self.info.event_count)

    @property
    def behind(self) -> int:
        """Events that were not handed on yet."""
        return max(0, self.numbered - int(self._state.due))

    @property
    def lost(self) -> int:
        """Events that were given up."""
        return int(self._state.lost_count)

    @property
    def void(self) -> int:
        """Frees of a realloc that failed: they did not happen."""
        return int(self._state.void_count)

    def read(self) -> bool:
        """Read and hand on what there is, for a moment; return whether there was anything."""
        self._look()
        due = int(self._state.due)
        chunks, self._open = self._open, []
        for chunk in chunks:
            self._read_chunk(chunk)
        now = time.monotonic()
        while self._full and self._full[0].look_s <= now:
            self._read_chunk(self._full.popleft(), is_again=True)
        self._hand_on()
        self._watch_gap(now)
        return int(self._state.due) > due

    def finish(self) -> None:
        """Read all that is left of a process that has ended, and give up what is missing."""
        for chunk in self._full:
            chunk.look_s = 0.0
        while self.read():
            pass
        while self.behind:
            none.lib.rns_follow_skip(self._state, self.numbered)
            self._hand_on()
            while self.read():
                pass
        for chunk in (*self._open, *self._full):
            self._give_back(chunk)

    def _look(self) -> None:
        """See how far the process is, and which chunks it has taken."""
        page = os.pread(self._file.fileno(), PAGE_BYTES, 0)
        none.lib.rns_record_info(page, len(page), self.info)
        chunks = (int(self.info.file_bytes) - PAGE_BYTES) // CHUNK_BYTES
        for index in range(self._found, chunks):
            state = none.ffi.new("rns_follow_chunk_t *", none.lib.rns_follow_chunk())
            self._open.append(_Chunk(PAGE_BYTES + index * CHUNK_BYTES, state))
        self._found = max(self._found, chunks)

    def _read_chunk(self, chunk: _Chunk, is_again: bool = False) -> None:
        """Read on in a chunk, and put it where it belongs then."""
        file, state = self._file.fileno(), chunk.state
        if state.has_event and state.number - self._state.due >= WINDOW_EVENTS:
            self._open.append(chunk)  # Its turn has not come.
            return
        # The head first: what it says is written by then.
        head = os.pread(file, 4, chunk.offset)
        used, read = int.from_bytes(head, "little"), int(state.last.used_bytes)
        if not HEAD_BYTES <= used <= CHUNK_BYTES:
            used = read  # Nothing was written yet.
        if used > read or state.has_event:
            data = os.pread(file, used - read, chunk.offset + read)
            if not none.lib.rns_follow_read(self._state, state, data, len(data)):
                self.damaged_chunks += 1
                return
            chunk.taken = self.numbered
        elif is_again and int(self._state.due) >= chunk.taken:
            self._give_back(chunk)
            return
        is_read = int(state.last.used_bytes) == used and not state.has_event
        if is_read and used + ROOM_BYTES > CHUNK_BYTES:
            chunk.look_s = time.monotonic() + FULL_S
            self._full.append(chunk)
        else:
            self._open.append(chunk)

    def _give_back(self, chunk: _Chunk) -> None:
        """Give the room of a chunk back to the disk; not every file system can."""
        if not self._is_kept:
            punch(self._file.fileno(), chunk.offset, CHUNK_BYTES)

    def _hand_on(self) -> None:
        lib = none.lib
        count = BATCH_EVENTS
        while count == BATCH_EVENTS:
            count = int(lib.rns_follow_take(self._state, self._out, BATCH_EVENTS))
            self._send(self._out, count)

    def _watch_gap(self, now: float) -> None:
        """Give up a number that is missing for long although the process goes on."""
        due = int(self._state.due)
        if due != self._gap[0] or due >= self.numbered:
            self._gap = (due, self.numbered, now)
        elif now - self._gap[2] > GAP_S and self.numbered > self._gap[1]:
            none.lib.rns_follow_skip(self._state, self._gap[1])

    def site_names(self, sites: set[int]) -> dict[int, str]:
        """Return names of sites; empty where the chunk that describes one was not read yet."""
        new = [site for site in sites - self._names.keys() if self._frames[site, 0]]
        if new:
            count = int(self._state.reader.module_count)
            text = none.ffi.string
            modules = [
                Module(m.first, m.end, m.offset, text(m.path).decode("utf-8", "replace"))
                for m in self._modules[0:count]
            ]
            found = dict(zip(new, site_names(new, self._frames, modules)))
            self._names.update(found)
        names = {site: self._names.get(site, "") for site in sites}
        for site in [site for site in new if UNKNOWN in names[site]]:
            del self._names[site]  # To be looked for once more.
        return names


def punch(file: int, offset: int, size: int) -> None:
    """Make a hole in a file where that can be done."""
    fallocate = getattr(ctypes.CDLL(None), "fallocate", None)
    if fallocate is not None:
        number = ctypes.c_int64
        fallocate(file, PUNCH_HOLE, number(offset), number(size))
