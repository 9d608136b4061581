"""Reading zstd data, by the Python package of that name or by the program."""

from __future__ import annotations

import os
import subprocess
from io import BufferedReader
from typing import Iterator

from pyrns_pool.errors import TraceError, printable

__all__ = ["zstd_chunks"]

CHUNK_BYTES = 1 << 18
INPUT_BYTES = 1 << 8
"""Compressed bytes at a time: a block of four may stand for 128 KiB of text."""
SILENT_BYTES_MAX = 1 << 20
"""Compressed bytes without text: a block takes at most 128 KiB, but may be empty."""


def zstd_chunks(file: BufferedReader, name: str) -> Iterator[tuple[bytes, int]]:
    """Read zstd data in pieces of bounded size.

    Parameters
    ----------
    file : binary file
        At its first byte.
    name : str
        Of the file, for errors.

    Yields
    ------
    bytes
        Text, not empty.
    int
        Compressed bytes read so far.

    Raises
    ------
    TraceError
        If the data are damaged, cut or followed by something else.
    ImportError
        If neither the package nor the program is installed.
    """
    try:
        import zstandard
    except ImportError:
        yield from _by_program(file, name)
        return
    frame = zstandard.ZstdDecompressor().decompressobj()
    file_bytes = silent_bytes = 0
    text = bytearray()
    try:
        while data := file.read(INPUT_BYTES):
            if frame.eof:
                raise TraceError("zstd data are followed by something else", path=name)
            piece = frame.decompress(data)
            text += piece
            file_bytes += len(data)
            silent_bytes = 0 if piece else silent_bytes + len(data)
            if silent_bytes > SILENT_BYTES_MAX:
                reason = f"zstd data hold no text for {SILENT_BYTES_MAX} bytes (SILENT_BYTES_MAX)"
                raise TraceError(reason, path=name, limit=SILENT_BYTES_MAX)
            while len(text) >= CHUNK_BYTES:
                yield bytes(text[:CHUNK_BYTES]), file_bytes
                del text[:CHUNK_BYTES]
    except zstandard.ZstdError as error:
        what = str(error).rpartition(": ")[2]
        raise TraceError(f"zstd data are damaged ({what})", path=name) from None
    if not frame.eof:
        raise TraceError("zstd data are cut off", path=name)
    if frame.unused_data:
        raise TraceError("zstd data are followed by something else", path=name)
    if text:
        yield bytes(text), file_bytes


def _by_program(file: BufferedReader, name: str) -> Iterator[tuple[bytes, int]]:
    file.seek(0)
    position = file.fileno()
    os.lseek(position, 0, os.SEEK_SET)
    try:
        program = subprocess.Popen(
            ["zstd", "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        raise ImportError(
            f"{name}: zstd data need the Python package zstandard (Debian: python3-zstandard) "
            "or the program zstd"
        ) from None
    with program:
        try:
            assert program.stdout is not None and program.stderr is not None
            while chunk := program.stdout.read(CHUNK_BYTES):
                yield chunk, os.lseek(position, 0, os.SEEK_CUR)
            said = program.stderr.read().decode("utf-8", "replace").strip()
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0:
        what = printable(said.splitlines()[-1].rpartition(": ")[2] if said else "zstd failed", 80)
        raise TraceError(f"zstd data are damaged or cut off ({what})", path=name)
