"""Traces as CSV text, optionally compressed by gzip.

::

    #program: node 1.2
    t_ns,op,id,size,thread,site
    0,a,0,40,0,app:main
    9050,f,0,,1,

``op`` is ``a`` (allocate) or ``f`` (free); a free has neither size nor site. Leading lines of the
form ``#key: value`` are the provenance; those with any other text are comments and not kept.
``#has_time: false``, ``#has_identity: false`` and ``#has_free_times: false`` are the quality
flags. The site is the rest of its line. What else is accepted is said in
``csrc/lab/rns_trace_csv.h``, which does the reading.
"""

from __future__ import annotations

import gzip
import os
from typing import Any, BinaryIO, Iterator, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._trace_checks import KEY
from pyrns_pool._trace_fault import HEADER_LINE, error_of
from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, text_chunks
from pyrns_pool.formats.meta import flags_and_provenance, meta_of
from pyrns_pool.trace import EVENT_DTYPE, OP_ALLOC, Trace

__all__ = ["read_csv", "write_csv"]

BLOCK_ROWS = 1 << 16
GZIP_LEVEL = 6  # 9 takes three times as long for 1 % less.
PACKET_LOG = "t_s,dir,type"


def read_csv(path: PathLike, progress: Optional[Progress] = None) -> Trace:
    """Read a trace from CSV text, compressed by gzip or not.

    Parameters
    ----------
    path : str or path-like
        The file.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Returns
    -------
    Trace
        Its provenance has ``file`` (without directories) and ``format`` besides the file's own.

    Raises
    ------
    TraceError
        If the file cannot be read, or the first line that is wrong.

    Notes
    -----
    O(bytes); the events are in memory twice for a moment, the text never is as a whole.
    """
    name = os.fspath(path)
    lib, ffi = none
    reader = ffi.new("rns_trace_csv_t*")
    lib.rns_trace_csv_init(reader)
    try:
        events = _read_events(path, reader, progress)
        sites = [text.decode() for text in _names(reader.sites)]
        meta = _pairs([text.decode() for text in _names(reader.metas)], name)
        header_line = int(reader.meta_count) + 1
    finally:
        lib.rns_trace_csv_drop(reader)
    try:
        flags, provenance = flags_and_provenance(meta, path)
        return Trace(events, tuple(sites), provenance, **flags)
    except TraceError as error:
        line = None if error.event is None else header_line + 1 + error.event
        raise error.at(name, line) from None


def write_csv(trace: Trace, file: BinaryIO, *, compress: bool) -> None:
    """Write a trace as CSV text; the same trace gives the same bytes.

    Parameters
    ----------
    trace : Trace
        Sites that no allocation has are not kept.
    file : binary file
        Open for writing.
    compress : bool
        Whether to compress by gzip, without a name or time in its header.
    """
    if not compress:
        for chunk in _text(trace):
            file.write(chunk)
        return
    with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
        for chunk in _text(trace):
            packed.write(chunk)


def _read_events(path: PathLike, reader: Any, progress: Optional[Progress]) -> NDArray[np.void]:
    lib, ffi = none
    blocks: list[NDArray[np.uint64]] = []  # Four words an event: copied faster than by field.
    rows = ffi.new("rns_trace_rows_t*")

    def make_room() -> None:
        if rows.count == rows.capacity:
            blocks.append(np.empty((BLOCK_ROWS, 4), np.uint64))
            rows.event = ffi.cast("rns_event_t*", blocks[-1].ctypes.data)
            rows.capacity = BLOCK_ROWS
            rows.count = 0

    make_room()
    for chunk in text_chunks(path, progress):
        text = ffi.from_buffer(chunk)
        done = 0
        while done < len(chunk):
            make_room()
            done += lib.rns_trace_csv_feed(reader, text + done, len(chunk) - done, rows)
            if reader.fault.code:
                raise _refusal(reader, path)
    make_room()
    if lib.rns_trace_csv_finish(reader, rows):
        raise _refusal(reader, path)
    words = np.concatenate([*blocks[:-1], blocks[-1][: rows.count]])
    events: NDArray[np.void] = words.view(EVENT_DTYPE)[:, 0]
    events.flags.writeable = False
    return events


def _refusal(reader: Any, path: PathLike) -> TraceError:
    error = error_of(reader.fault, os.fspath(path))
    if (error.value or "").startswith(PACKET_LOG):
        reason = "is the header of a packet log, not of a trace: node takes a packet log"
        return TraceError(reason, path=error.path, line=error.line, value=error.value)
    return error


def _names(names: Any) -> list[bytes]:
    if names.bytes == 0:
        return []
    return bytes(none.ffi.buffer(names.text, names.bytes)).split(b"\0")[:-1]


def _pairs(comments: list[str], path: str) -> dict[str, str]:
    meta: dict[str, str] = {}
    for line, comment in enumerate(comments, start=1):
        key, colon, value = comment.partition(":")
        key = key.strip()
        if not colon or not KEY.fullmatch(key):
            continue  # A comment for people.
        if key in meta:
            raise TraceError("is there twice", path=path, line=line, field="#", value=key)
        meta[key] = value.strip()
    return meta


def _text(trace: Trace) -> Iterator[bytes]:
    meta = "".join(f"#{key}: {value}\n" for key, value in meta_of(trace).items())
    yield f"{meta}{HEADER_LINE}\n".encode()
    for begin in range(0, len(trace), BLOCK_ROWS):
        part = trace.events[begin : begin + BLOCK_ROWS]
        columns = [part[name].tolist() for name in ("t_ns", "op", "id", "size", "thread", "site")]
        yield "".join(
            f"{t_ns},a,{id_},{size},{thread},{trace.sites[site]}\n"
            if op == OP_ALLOC
            else f"{t_ns},f,{id_},,{thread},\n"
            for t_ns, op, id_, size, thread, site in zip(*columns)
        ).encode()
