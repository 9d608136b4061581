"""What ``valgrind --trace-malloc=yes`` writes: every call of any program, without time or site.

::

    --28161-- malloc(100) = 0x4A45040
    --28161-- calloc(4,25) = 0x4A450F0
    --28161-- realloc(0x4A451A0,2000) = 0x4A453E0
    --28161-- memalign(al 64, size 512) = 0x4A45F40
    --28161-- _ZdlPvm(0x4A45040)

A call that ends in another one stands on the same line: ``realloc(0x4A451A0,0)free(0x4A451A0)``,
``realloc(0x0,40)malloc(40) = 0x4A45040``. Sizes are decimal. Lines that do not begin with a
process number are the program's own and skipped.
"""

from __future__ import annotations

import os
import re
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress
from pyrns_pool.formats.scan import numbered_lines
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import recording
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_valgrind", "read_valgrind"]

PREFIX = re.compile(r"--([0-9]+)-- (.*)")
START = re.compile(rb"(?m)^(==|--)([0-9]+)\1 ")
CALL = re.compile(r"([A-Za-z_]\w*)\(([^()]*)\)(?: = 0x([0-9A-Fa-f]{1,16}))?")
ABOUT_MEMORY = re.compile(r"(?:[a-z_]*alloc|c?free|[a-z_]*memalign|malloc_\w+|_Z[nd][wal]\w*)\(")
POINTER = re.compile(r"0x([0-9A-Fa-f]{1,16})")
SIZES = (
    re.compile(r"(?P<size>[0-9]{1,20})"),
    re.compile(r"(?P<count>[0-9]{1,20}),(?P<size>[0-9]{1,20})"),
    re.compile(r"al [0-9]+, size (?P<size>[0-9]{1,20})"),
    re.compile(r"size (?P<size>[0-9]{1,20}), al [0-9]+"),
)
REALLOC = re.compile(r"0x([0-9A-Fa-f]{1,16}),([0-9]{1,20})")
SEVERAL_HELP = "record one with --child-silent-after-fork=yes"
QUERIES = ("malloc_usable_size", "malloc_stats", "malloc_trim")


def is_valgrind(start: bytes) -> bool:
    """Return whether a text begins like one of valgrind, perhaps below some of the program's."""
    return START.search(start) is not None


def read_valgrind(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read what ``valgrind --trace-malloc=yes --log-file=FILE`` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    options : ImportOptions
        None applies.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Without time; its one site has no name.

    Raises
    ------
    TraceError
        At the first line that is wrong, or if several processes wrote into the file.
    """
    events: list[tuple[int, int, int, int]] = []  # op, address, size, line
    process = ""
    for number, line in numbered_lines(path, progress):
        match = PREFIX.fullmatch(line)
        if match is None:
            continue
        calls = _events(os.fspath(path), number, match[2])
        if calls and match[1] != (process or match[1]):
            reason = f"is a second process, after {process}: {SEVERAL_HELP}"
            raise TraceError(
                reason, path=os.fspath(path), line=number, field="process", value=match[1]
            )
        if calls:
            process = match[1]
            events += calls
    table = np.array(events, np.uint64).reshape(-1, 4)
    columns: dict[str, NDArray[Any]] = {
        "op": table[:, 0].astype(np.uint8),
        "id": table[:, 1],
        "size": table[:, 2],
        "site": np.zeros(len(table), np.uint32),
    }
    notes = {"recorder": "valgrind --trace-malloc", "process": process}
    return recording(path, "valgrind", columns, table[:, 3].astype(np.int64), [""], notes)


def _events(path: str, number: int, text: str) -> list[tuple[int, int, int, int]]:
    """Return the events of a line; none if it is not about memory."""
    if ABOUT_MEMORY.match(text) is None:
        return []
    calls = list(CALL.finditer(text))
    if "".join(call[0] for call in calls) != text:
        raise TraceError("is no whole call", path=path, line=number, value=text)
    events: list[tuple[int, int, int, int]] = []
    for call in calls:
        name, arguments, result = call.groups()
        if name in QUERIES:
            continue
        freed, size_bytes = _meaning(path, number, arguments)
        if size_bytes is not None and result is None:
            if call is calls[-1]:
                raise TraceError("is no whole call", path=path, line=number, value=text)
            continue  # A realloc that the next call on the line does the work of.
        if result is not None and int(result, 16) == 0:
            continue  # It failed; a realloc has kept its block.
        if freed:
            events.append((OP_FREE, freed, 0, number))
        if size_bytes is not None:
            events.append((OP_ALLOC, int(result or "0", 16), size_bytes, number))
    return events


def _meaning(path: str, number: int, arguments: str) -> tuple[int, Optional[int]]:
    """Return the address that is freed, 0 if none, and the bytes requested, None if none."""
    pointer, realloc = POINTER.fullmatch(arguments), REALLOC.fullmatch(arguments)
    if pointer is not None:
        return int(pointer[1], 16), None
    if realloc is not None:
        return int(realloc[1], 16), _in_64_bits(path, number, realloc[2])
    for form in SIZES:
        match = form.fullmatch(arguments)
        if match is not None:
            count = int(match.groupdict().get("count") or 1)
            return 0, _in_64_bits(path, number, str(count * int(match["size"])))
    reason = "is neither a size nor an address"
    raise TraceError(reason, path=path, line=number, field="arguments", value=arguments)


def _in_64_bits(path: str, number: int, digits: str) -> int:
    size_bytes = int(digits)
    if size_bytes >> 64:
        reason = "is no size of up to 64 bits"
        raise TraceError(reason, path=path, line=number, field="size", value=digits)
    return size_bytes
