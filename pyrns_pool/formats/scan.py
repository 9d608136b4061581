"""The text of other tools, line by line: frequent lines as rows, the others one at a time."""

from __future__ import annotations

import os
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, text_chunks

__all__ = ["ROW_DTYPE", "NO_CALLER", "numbered_lines", "read_rows"]

LINE_BYTES_MAX = 1 << 17
"""One line of another tool's text; symbols of C++ reach some thousands."""
NO_CALLER: int = none.lib.RNS_TRACE_NAMES_NONE
BLOCK_ROWS = 1 << 15

ROW_DTYPE = np.dtype(
    [
        ("value", "u8", (none.lib.RNS_TRACE_SCAN_VALUES,)),
        ("line", "u8"),
        ("caller", "u4"),
        ("letter", "u1"),
        ("value_count", "u1"),
        ("reserved", "u2"),
    ]
)
"""One frequent line, as ``rns_trace_scan_row_t``."""


def read_rows(
    path: PathLike,
    tool: str,
    fields: Mapping[str, Sequence[str]],
    other: Callable[[bytes, int], bool],
    progress: Optional[Progress] = None,
) -> tuple[NDArray[np.void], list[str]]:
    """Read lines of a letter and hexadecimal numbers as rows.

    Parameters
    ----------
    path : str or path-like
        The file.
    tool : str
        Who wrote it, for errors.
    fields : mapping of str to sequence of str
        Names of the numbers behind each letter that is meant, for errors.
    other : callable
        Called with every other line, without its end, and its number; returns whether it has a
        place in the file.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Returns
    -------
    rows : ndarray of ROW_DTYPE, shape (n,)
        The frequent lines.
    callers : list of str
        Names of the callers in them.

    Raises
    ------
    TraceError
        If the file cannot be read, ends within a line, or has a bad number.
    """
    lib, ffi = none
    letters = ffi.new("char[]", "".join(fields).encode())
    reader = ffi.new("rns_trace_scan_t*", {"letters": letters})
    rows = ffi.new("rns_trace_scan_rows_t*")
    blocks: list[NDArray[np.void]] = []
    limit = lib.RNS_TRACE_EVENTS_MAX

    def make_room() -> None:
        if rows.count == rows.capacity:
            if len(blocks) * BLOCK_ROWS >= limit:
                reason = f"more than {limit} lines of events (RNS_TRACE_EVENTS_MAX)"
                raise TraceError(reason, path=os.fspath(path), line=reader.line, limit=limit)
            blocks.append(np.empty(BLOCK_ROWS, ROW_DTYPE))
            rows.row = ffi.cast("rns_trace_scan_row_t*", blocks[-1].ctypes.data)
            rows.capacity, rows.count = BLOCK_ROWS, 0

    try:
        for chunk in _whole_lines(path, lambda: int(reader.line) + 1, progress):
            text = ffi.from_buffer(chunk)
            done = 0
            while done < len(chunk):
                make_room()
                done += lib.rns_trace_scan_feed(reader, text + done, len(chunk) - done, rows)
                if reader.is_out_of_memory:
                    reason = "not enough memory to read the trace"
                    raise TraceError(reason, path=os.fspath(path), line=int(reader.line) + 1)
                if done < len(chunk) and rows.count < rows.capacity:
                    end = chunk.index(b"\n", done)
                    reader.line += 1
                    line = chunk[done:end].removesuffix(b"\r")
                    if not other(line, int(reader.line)):
                        raise _refusal(path, tool, line, int(reader.line), fields)
                    done = end + 1
        names = bytes(ffi.buffer(reader.callers.text, reader.callers.bytes or 0))
    finally:
        lib.rns_trace_names_drop(ffi.addressof(reader, "callers"))
    used = [*blocks[:-1], blocks[-1][: rows.count]] if blocks else [np.empty(0, ROW_DTYPE)]
    table = np.concatenate(used)
    _require_counts(path, table, fields)
    return table, [name.decode("utf-8", "backslashreplace") for name in names.split(b"\0")[:-1]]


def numbered_lines(
    path: PathLike, progress: Optional[Progress] = None
) -> Iterator[tuple[int, str]]:
    """Read a text line by line.

    Parameters
    ----------
    path : str or path-like
        The file.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Yields
    ------
    int
        Number of the line, from 1.
    str
        The line without its end; bytes that are not UTF-8 are escaped.

    Raises
    ------
    TraceError
        If the file cannot be read or ends within a line.
    """
    number = 0
    for chunk in _whole_lines(path, lambda: number + 1, progress):
        for line in chunk.split(b"\n")[:-1]:
            number += 1
            yield number, line.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def _whole_lines(
    path: PathLike, line: Callable[[], int], progress: Optional[Progress]
) -> Iterator[bytes]:
    """Yield pieces that end where a line ends; `line` tells the number of the next line."""
    rest = b""
    for chunk in text_chunks(path, progress):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
        if len(rest) > LINE_BYTES_MAX:
            limit = LINE_BYTES_MAX
            reason = f"is the start of a line longer than {limit} bytes (LINE_BYTES_MAX)"
            raise TraceError(reason, path=os.fspath(path), line=line(), value=_text(rest[:64]))
    if rest:
        reason = "is the start of a line that is cut off"
        raise TraceError(reason, path=os.fspath(path), line=line(), value=_text(rest[:64]))


def _refusal(
    path: PathLike, tool: str, line: bytes, number: int, fields: Mapping[str, Sequence[str]]
) -> TraceError:
    """Return what is wrong with a line that is neither a row nor has another place."""
    rest = line.rpartition(b"] ")[2] if line.startswith(b"@ ") else line
    letter, *words = _text(rest).split(" ")
    name = os.fspath(path)
    if letter not in fields:
        return TraceError(f"is no line of {tool}", path=name, line=number, value=_text(line))
    for field, word in zip(fields[letter], words):
        digits = word[2:] if word.startswith("0x") else word
        if not digits.isalnum() or not _is_hexadecimal(digits):
            reason = "is not a hexadecimal number of up to 64 bits"
            return TraceError(reason, path=name, line=number, field=field, value=word)
    if len(words) != len(fields[letter]):
        return _refuse_count(path, number, letter, len(words), fields[letter])
    limit = none.lib.RNS_TRACE_SITES_MAX
    reason = f"comes from more than {limit} callers (RNS_TRACE_SITES_MAX), or from one too long"
    return TraceError(reason, path=name, line=number, value=_text(line))


def _is_hexadecimal(digits: str) -> bool:
    try:
        return len(digits) <= 16 and int(digits, 16) >= 0
    except ValueError:
        return False


def _require_counts(
    path: PathLike, rows: NDArray[np.void], fields: Mapping[str, Sequence[str]]
) -> None:
    expected = np.zeros(256, np.uint8)
    expected[[ord(letter) for letter in fields]] = [len(names) for names in fields.values()]
    is_bad = rows["value_count"] != expected[rows["letter"]]
    if is_bad.any():
        row: Any = rows[np.argmax(is_bad)]
        letter = chr(row["letter"])
        count = int(row["value_count"])
        raise _refuse_count(path, int(row["line"]), letter, count, fields[letter])


def _refuse_count(
    path: PathLike, line: int, letter: str, count: int, names: Sequence[str]
) -> TraceError:
    reason = f"has {count} numbers behind it, not {len(names)} ({', '.join(names)})"
    return TraceError(reason, path=os.fspath(path), line=line, value=letter)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
