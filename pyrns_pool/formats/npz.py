"""Traces as NPZ: a zip file of one NumPy array per column, small and fast to read.

========= =================== ==================================================================
member    dtype               content
========= =================== ==================================================================
dt_ns     u1, u2, u4 or u8    time since the event before; since 0 for the first
id_step   i1, i2, i4 or i8    id less the id of the event before, modulo 2^64; the id for the first
size      u1, u2, u4 or u8    requested bytes; 0 in a free
op        u1                  0 allocate, 1 free
thread    u1 or u2            number of the thread
site      u1, u2 or u4        index of the site; 0 in a free
sites     u1                  site names, UTF-8, joined by line feeds
meta      u1                  JSON object of strings: provenance and quality flags
========= =================== ==================================================================

Times and ids are kept as differences because those compress: a recording takes 1 to 2 bytes per
event. Every member is ``<name>.npy`` of format version 1.0, one-dimensional, little-endian; the
first six have one element per event. ``numpy.load`` reads the file too. Nothing is decompressed
before the directory of the zip file and the header of every member agree with these rules.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
import zlib
from typing import Any, BinaryIO, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, input_file
from pyrns_pool.formats.members import MEMBERS_RATIO_MAX, expands_too_much, write_members
from pyrns_pool.formats.meta import flags_and_provenance, meta_of
from pyrns_pool.trace import Trace

__all__ = ["read_npz", "write_npz"]

DTYPES = {
    "dt_ns": ("u1", "u2", "u4", "u8"),
    "id_step": ("i1", "i2", "i4", "i8"),
    "size": ("u1", "u2", "u4", "u8"),
    "op": ("u1",),
    "thread": ("u1", "u2"),
    "site": ("u1", "u2", "u4"),
    "sites": ("u1",),
    "meta": ("u1",),
}
COLUMNS = ("dt_ns", "id_step", "size", "op", "thread", "site")

NPZ_META_BYTES_MAX = 1 << 18
"""JSON text of the member ``meta``: twice what a full provenance takes."""
NPZ_DIRECTORY_BYTES_MAX = 1 << 12
"""Directory of the zip file; that of a trace takes about 400 bytes."""
NPY_HEADER = re.compile(
    rb"\{'descr': '[<|]([a-zA-Z]\d+)', 'fortran_order': False, 'shape': \((\d{1,10}),\), \} *\n"
)
NPY_MAGIC = b"\x93NUMPY\x01\x00"
NPY_HEADER_BYTES_MAX = 256

END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
END_MAGIC = b"PK\x05\x06"
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,  # An encrypted member; too deeply nested JSON.
    ValueError,
)


def read_npz(path: PathLike, progress: Optional[Progress] = None) -> Trace:
    """Read a trace from an NPZ file.

    Parameters
    ----------
    path : str or path-like
        The file.
    progress : callable, optional
        Called with the fraction of the columns that were read, 0 to 1.

    Returns
    -------
    Trace
        Its provenance has ``file`` (without directories) and ``format`` besides the file's own.

    Raises
    ------
    TraceError
        If the file cannot be read, breaks a rule of this module, or holds no valid trace.

    Notes
    -----
    O(events). Memory is bounded by RNS_TRACE_EVENTS_MAX, whatever the file says.
    """
    name = os.fspath(path)
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with input_file(path) as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                lengths = _lengths(archive)
                if expands_too_much(archive, os.fstat(file.fileno()).st_size):
                    reason = f"members expand more than {MEMBERS_RATIO_MAX} times"
                    raise TraceError(f"{reason} (MEMBERS_RATIO_MAX)", limit=MEMBERS_RATIO_MAX)
                for done, member in enumerate(DTYPES, start=1):
                    arrays[member] = _array(archive, member, lengths[member])
                    if progress is not None:
                        progress(done / len(DTYPES))
        return _trace(arrays, path)
    except TraceError as error:
        raise error.at(name) from None
    except DAMAGE as error:
        raise TraceError(f"zip file is damaged ({error})", path=name) from None


def write_npz(trace: Trace, file: BinaryIO) -> None:
    """Write a trace as NPZ; the same trace gives the same bytes with the same zlib.

    Parameters
    ----------
    trace : Trace
        The trace.
    file : binary file
        Open for writing.
    """
    events = trace.events
    meta = json.dumps(meta_of(trace), ensure_ascii=False)
    arrays: dict[str, NDArray[Any]] = {
        "dt_ns": np.diff(events["t_ns"], prepend=np.int64(0)).view(np.uint64),
        "id_step": np.diff(events["id"], prepend=np.uint64(0)).view(np.int64),
        **{name: events[name] for name in ("size", "op", "thread", "site")},
        "sites": np.frombuffer("\n".join(trace.sites).encode(), np.uint8),
        "meta": np.frombuffer(meta.encode(), np.uint8),
    }
    write_members(
        file, {name: _smallest(arrays[name], allowed) for name, allowed in DTYPES.items()}
    )


def _smallest(values: NDArray[Any], allowed: tuple[str, ...]) -> NDArray[Any]:
    for name in allowed:
        bounds = np.iinfo(name)
        if len(values) == 0 or (values.min() >= bounds.min and values.max() <= bounds.max):
            break
    return values.astype(f"<{name}")


def _check_end(file: BinaryIO) -> None:
    """Bound what zipfile is going to read as directory; comments and zip64 are not for traces."""
    size = file.seek(0, os.SEEK_END)
    end = b""
    if size >= END_OF_DIRECTORY.size:
        file.seek(size - END_OF_DIRECTORY.size)
        end = file.read(END_OF_DIRECTORY.size)
    file.seek(0)
    if end[:4] != END_MAGIC:
        raise TraceError("zip file is cut off, or followed by something else")
    _, _, _, _, count, directory_bytes, _, _ = END_OF_DIRECTORY.unpack(end)
    if count > len(DTYPES) or directory_bytes > NPZ_DIRECTORY_BYTES_MAX:
        limit = NPZ_DIRECTORY_BYTES_MAX
        reason = f"is more than {len(DTYPES)} members or {limit} bytes (NPZ_DIRECTORY_BYTES_MAX)"
        value = f"{count} members, {directory_bytes} bytes"
        raise TraceError(reason, field="directory", value=value, limit=limit)


def _lengths(archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the number of elements of each member, after checking all that they declare."""
    expected = {f"{member}.npy": member for member in DTYPES}
    lengths: dict[str, int] = {}
    for info in archive.infolist():
        member = expected.get(info.filename)
        if member is None:
            raise TraceError("is no member of a trace", field="directory", value=info.filename)
        if member in lengths:
            raise TraceError("is there twice", field="directory", value=info.filename)
        lengths[member] = _length(archive, info, member)
    for member in DTYPES:
        if member not in lengths:
            raise TraceError("member is missing", field=member)
    for member in COLUMNS:
        if lengths[member] != lengths["dt_ns"]:
            reason = f"is not the length of 'dt_ns', {lengths['dt_ns']}"
            raise TraceError(reason, field=member, value=str(lengths[member]))
    return lengths


def _length(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: str) -> int:
    dtype, length, header_bytes = _npy_header(archive, info, member)
    if dtype not in DTYPES[member]:
        reason = f"is no dtype for it; use {' or '.join(DTYPES[member])}"
        raise TraceError(reason, field=member, value=dtype)
    lib = none.lib
    limit, limit_name = {
        "sites": (lib.RNS_TRACE_SITES_MAX * (lib.RNS_TRACE_SITE_BYTES_MAX + 1), "site names"),
        "meta": (NPZ_META_BYTES_MAX, "NPZ_META_BYTES_MAX"),
    }.get(member, (lib.RNS_TRACE_EVENTS_MAX, "RNS_TRACE_EVENTS_MAX"))
    if length > limit:
        reason = f"is longer than the limit of {limit} ({limit_name})"
        raise TraceError(reason, field=member, value=str(length), limit=limit)
    if header_bytes + length * int(dtype[1:]) != info.file_size:
        reason = f"is not the size of {length} elements of {dtype}"
        raise TraceError(reason, field=member, value=str(info.file_size))
    return length


def _npy_header(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: str
) -> tuple[str, int, int]:
    """Return dtype, length and header bytes; the only form accepted is the one that is written.

    NumPy's own reader evaluates the header as Python text of up to 64 KiB.
    """
    with archive.open(info) as file:
        start = file.read(NPY_HEADER_BYTES_MAX)
    prefix_bytes = len(NPY_MAGIC) + 2
    header_bytes = prefix_bytes + int.from_bytes(start[len(NPY_MAGIC) : prefix_bytes], "little")
    header = NPY_HEADER.fullmatch(start[prefix_bytes:header_bytes])
    if not start.startswith(NPY_MAGIC) or header is None:
        value = start[prefix_bytes:].split(b"\n")[0].decode("ascii", "backslashreplace")
        reason = "is no header of a one-dimensional array in npy format 1.0"
        raise TraceError(reason, field=member, value=value)
    return header[1].decode(), int(header[2]), header_bytes


def _array(archive: zipfile.ZipFile, member: str, length: int) -> NDArray[Any]:
    info = archive.getinfo(f"{member}.npy")
    dtype, _, header_bytes = _npy_header(archive, info, member)
    with archive.open(info) as file:
        data = file.read(info.file_size)  # Without a number, more than declared may be expanded.
    if len(data) != info.file_size:
        raise TraceError("member is cut off", field=member)
    return np.frombuffer(data, f"<{dtype}", length, header_bytes)


def _trace(arrays: dict[str, NDArray[Any]], path: PathLike) -> Trace:
    meta = _text(arrays, "meta")
    try:
        pairs = json.loads(meta)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, dict) or not all(isinstance(text, str) for text in pairs.values()):
        raise TraceError("is no JSON object of strings", field="meta", value=meta)
    flags, provenance = flags_and_provenance(pairs, path)
    columns = {
        # A sum that wraps around is less than the one before, so the order check finds it.
        "t_ns": np.cumsum(arrays["dt_ns"], dtype=np.uint64),
        "id": np.cumsum(arrays["id_step"], dtype=np.int64).view(np.uint64),
        **{name: arrays[name] for name in ("size", "op", "thread", "site")},
    }
    return Trace.from_events(columns, _text(arrays, "sites").split("\n"), provenance, **flags)


def _text(arrays: dict[str, NDArray[Any]], member: str) -> str:
    data = arrays[member].tobytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        value = data[error.start : error.start + 8].decode("ascii", "backslashreplace")
        raise TraceError("is not UTF-8", field=member, value=value) from None
