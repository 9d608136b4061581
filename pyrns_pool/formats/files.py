"""Reading files that may be damaged or hostile, and writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import zlib
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, Optional, Union

from pyrns_pool.errors import TraceError, printable
from pyrns_pool.formats.zstd import zstd_chunks

__all__ = [
    "PathLike",
    "Progress",
    "file_exists",
    "input_file",
    "origin",
    "output_file",
    "start_of",
    "text_chunks",
    "text_start",
]

PathLike = Union[str, "os.PathLike[str]"]
Progress = Callable[[float], object]

CHUNK_BYTES = 1 << 18
"""Read, and decompressed, at a time."""
TRACE_TEXT_BYTES_MAX = 1 << 32
"""Text of one file, after decompression: RNS_TRACE_EVENTS_MAX events of usual length fit."""
TRACE_GZIP_RATIO_MAX = 200
"""Text bytes per compressed byte; recordings reach about 7."""
TRACE_GZIP_FREE_BYTES = 1 << 24
"""Text bytes to which the ratio does not apply yet."""

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK"
ZSTD_MAGIC = b"\x28\xb5"
GZIP_WINDOW = 16 + zlib.MAX_WBITS


@contextmanager
def input_file(path: PathLike) -> Iterator[BufferedReader]:
    """Open a file for reading; every trouble of the operating system becomes a `TraceError`.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    binary file
        At its first byte; there is one.

    Raises
    ------
    TraceError
        If it is missing, no regular file, empty, or cannot be read.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise TraceError("no such file: a name cannot hold a NUL", path=name)
    try:
        if os.path.isdir(name):
            raise TraceError("is a directory", path=name)
        if os.path.exists(name) and not os.path.isfile(name):
            raise TraceError("is no regular file", path=name)  # Opening a pipe may wait for ever.
        with open(name, "rb") as file:
            if not file.peek(1):
                raise TraceError("file is empty", path=name)
            yield file
    except FileNotFoundError:
        raise TraceError("no such file", path=name) from None
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", path=name) from error


def start_of(path: PathLike) -> bytes:
    """Return the first two bytes of a file, which tell gzip, zip and text apart."""
    with input_file(path) as file:
        return file.read(2)


def origin(path: PathLike, form: Optional[str] = None) -> dict[str, str]:
    """Return the part of a provenance that is known of any file.

    Parameters
    ----------
    path : str or path-like
        The file.
    form : str, optional
        What it is, unless it is one of the package's own.

    Returns
    -------
    dict of str to str
        ``file``, its name without directories, and ``format``: csv, csv.gz, csv.zst, npz, or
        that given.
    """
    if form is None:
        own = {GZIP_MAGIC: "csv.gz", ZIP_MAGIC: "npz", ZSTD_MAGIC: "csv.zst"}
        form = own.get(start_of(path), "csv")
    return {"file": printable(os.path.basename(path)).strip(), "format": form}


def text_chunks(path: PathLike, progress: Optional[Progress] = None) -> Iterator[bytes]:
    """Read a text, compressed by gzip or zstd or not at all, in pieces of bounded size.

    Parameters
    ----------
    path : str or path-like
        The file.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Yields
    ------
    bytes
        At most `CHUNK_BYTES`, not empty.

    Raises
    ------
    TraceError
        As `input_file`; if compressed data are damaged, cut or followed by something else; if the
        text is longer than TRACE_TEXT_BYTES_MAX or gzip data expand by more than
        TRACE_GZIP_RATIO_MAX.
    ImportError
        If neither python3-zstandard nor the program zstd is there to read zstd data.
    """
    name = os.fspath(path)
    with input_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        text_bytes = 0
        magic = file.peek(2)[:2]
        is_gzip = magic == GZIP_MAGIC
        unpack = {GZIP_MAGIC: _gzip_chunks, ZSTD_MAGIC: zstd_chunks}.get(magic, _plain_chunks)
        for chunk, file_bytes in unpack(file, name):
            text_bytes += len(chunk)
            if text_bytes > TRACE_TEXT_BYTES_MAX:
                limit = TRACE_TEXT_BYTES_MAX
                reason = f"text is longer than {limit} bytes (TRACE_TEXT_BYTES_MAX)"
                raise TraceError(reason, path=name, limit=limit)
            if is_gzip and text_bytes > max(
                TRACE_GZIP_FREE_BYTES, TRACE_GZIP_RATIO_MAX * file_bytes
            ):
                limit = TRACE_GZIP_RATIO_MAX
                reason = f"gzip data expand more than {limit} times (TRACE_GZIP_RATIO_MAX)"
                raise TraceError(reason, path=name, limit=limit)
            yield chunk
            if progress is not None and size > 0:
                progress(min(file_bytes / size, 1.0))
    if progress is not None:
        progress(1.0)


def text_start(path: PathLike) -> bytes:
    """Return the first bytes of a text, decompressed, which tell text formats apart."""
    for chunk in text_chunks(path):
        return chunk
    return b""


def file_exists(path: PathLike) -> FileExistsError:
    """Return the error that a file is not replaced unasked; its ``filename`` is the path."""
    reason = "exists; pass overwrite=True to replace it"
    return FileExistsError(errno.EEXIST, reason, str(path))


@contextmanager
def output_file(path: PathLike, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only once it is complete.

    Parameters
    ----------
    path : str or path-like
        Its name at the end; until then it has a temporary one in the same directory.
    overwrite : bool
        Whether it may replace a file.

    Yields
    ------
    binary file
        Removed again if the block raises.

    Raises
    ------
    FileExistsError
        If there is such a file and `overwrite` is False.
    OSError
        If it cannot be written; names it.
    """
    target = Path(path)
    if target.exists() and not overwrite:
        raise file_exists(target)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with open(partial, "xb") as file:
            yield file
        os.replace(partial, target)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(target)  # A full disk is told without it.
        raise


def _plain_chunks(file: BufferedReader, name: str) -> Iterator[tuple[bytes, int]]:
    file_bytes = 0
    while chunk := file.read(CHUNK_BYTES):
        file_bytes += len(chunk)
        yield chunk, file_bytes


def _gzip_chunks(file: BufferedReader, name: str) -> Iterator[tuple[bytes, int]]:
    """Yield text and the number of compressed bytes it took; no call expands without bound."""
    file_bytes = 0
    data = b""
    member: Optional[zlib._Decompress] = None
    while data or (data := file.read(CHUNK_BYTES)):
        if member is None:
            data += file.read(1) if len(data) == 1 else b""
            if data[:2] != GZIP_MAGIC:
                raise TraceError("gzip data are followed by something else", path=name)
            member = zlib.decompressobj(GZIP_WINDOW)
        try:
            chunk = member.decompress(data, CHUNK_BYTES)
        except zlib.error as error:
            what = str(error).rpartition(": ")[2]
            raise TraceError(f"gzip data are damaged ({what})", path=name) from None
        rest = member.unused_data if member.eof else member.unconsumed_tail
        file_bytes += len(data) - len(rest)
        data = rest
        if chunk:
            yield chunk, file_bytes
        if member.eof:
            member = None
    if member is not None:
        raise TraceError("gzip data are cut off", path=name)
