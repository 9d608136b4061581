"""What ESP-IDF's heap_trace_dump() prints: who allocated what, and what is still live.

::

    ====== Heap Trace: 3 records (100 capacity) ======
        16 bytes (@ 0x3ffd1914, Internal) allocated CPU 1 ccount 0x419d1cf8 caller 0x4010a09b:0x401
    freed by 0x4010b001:0x4010b0f4
    16 bytes (@ 0x3ffd18cc) allocated CPU 1 ccount 0x419d5680 caller 0x4010a09b

The second line is there if the block was freed (HEAP_TRACE_ALL), without its time; the region is
there from ESP-IDF 5 on. What stands before and between, such as a console's other output, is
skipped. ``ccount`` is a 32-bit counter of cycles for each CPU, which wraps.
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
from pyrns_pool.formats.recording import merged_sites, recording
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_heap_trace", "read_heap_trace"]

START = re.compile(rb"(?m)^(=+ Heap Trace: |[ \d]*\d bytes \(@ 0x)")
RECORD = re.compile(
    r" *(?P<size>\S+) bytes \(@ (?P<address>[^\s,)]+)(?:, *(?P<region>\w+))?\)"
    r" allocated CPU (?P<cpu>\S+) ccount (?P<ccount>\S+) caller ?(?P<caller>\S*)"
)
LIKE_RECORD = re.compile(r" *\S+ bytes \(@ ")
FREED = re.compile(r"freed by ?\S*")
COUNT = re.compile(r"(?:records: |=+ Heap Trace: )(\d+)")
NUMBERS = {
    "size": re.compile(r"\d{1,10}"),
    "address": re.compile(r"0x[0-9a-fA-F]{1,8}"),
    "cpu": re.compile(r"[01]"),
    "ccount": re.compile(r"0x[0-9a-fA-F]{1,8}"),
}
OVERFLOWED = "has overflowed"
CCOUNT_VALUES = 1 << 32


def is_heap_trace(start: bytes) -> bool:
    """Return whether a text has a record or the heading of a dump near its beginning."""
    return START.search(start) is not None


def read_heap_trace(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read what heap_trace_dump() printed.

    Parameters
    ----------
    path : str or path-like
        The console's text.
    options : ImportOptions
        `cpu_mhz` turns the cycle counter into time; without it there is none.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Without times of frees: the blocks that were freed are freed behind the last allocation.
        A thread is a CPU, a site the innermost caller, the region in front if there is one.

    Raises
    ------
    TraceError
        At the first record that is wrong, or if there are fewer than the dump says.

    Notes
    -----
    A pause longer than the counter, 17.9 s at 240 MHz, shortens by as often as it wrapped. The
    counters of two CPUs are no common clock: one takes up where the other was.
    """
    name = os.fspath(path)
    records: list[tuple[int, int, int, int, int]] = []  # size, address, cpu, ccount, line
    sites: list[str] = []
    is_freed: list[bool] = []
    expected, overflowed, previous = 0, False, 0
    for number, line in numbered_lines(path, progress):
        match = RECORD.fullmatch(line.rstrip())
        if match is not None:
            records.append((*_numbers(name, number, match), number))
            site = match["caller"].partition(":")[0] or "?"
            sites.append(f"{match['region']}:{site}" if match["region"] else site)
            is_freed.append(False)
            previous = number
        elif LIKE_RECORD.match(line):
            raise TraceError("is no whole record", path=name, line=number, value=line.strip())
        elif FREED.fullmatch(line.strip()) and records and previous == number - 1:
            is_freed[-1] = True
        else:
            count = COUNT.match(line)
            expected = int(count[1][:10]) if count else expected
            overflowed = overflowed or OVERFLOWED in line
    if len(records) < expected:
        reason = f"is more than the {len(records)} that are there"
        raise TraceError(reason, path=name, field="records", value=str(expected))
    notes = {"recorder": "ESP-IDF heap_trace", **({"overflowed": "yes"} if overflowed else {})}
    table = np.array(records, np.int64).reshape(-1, 5)
    return _trace(path, table, np.array(is_freed, np.bool_), sites, notes, options)


def _numbers(name: str, line: int, match: re.Match[str]) -> tuple[int, int, int, int]:
    for field, form in NUMBERS.items():
        if form.fullmatch(match[field]) is None:
            reason = "is no number that belongs here"
            raise TraceError(reason, path=name, line=line, field=field, value=match[field])
    size, address, cpu, ccount = (match[field] for field in NUMBERS)
    return int(size), int(address, 16), int(cpu), int(ccount, 16)


def _trace(
    path: PathLike,
    table: NDArray[np.int64],
    is_freed: NDArray[np.bool_],
    names: list[str],
    notes: dict[str, str],
    options: ImportOptions,
) -> Trace:
    freed = table[is_freed]
    sites, site = merged_sites(names)
    number = np.arange(len(table))  # An address may come again: identity is the record's number.
    columns: dict[str, NDArray[Any]] = {
        "op": np.repeat((OP_ALLOC, OP_FREE), (len(table), len(freed))),
        "id": np.concatenate((number, number[is_freed])),
        "size": np.concatenate((table[:, 0], np.zeros(len(freed), np.int64))),
        "thread": np.concatenate((table[:, 2], freed[:, 2])),
        "site": np.concatenate((site, np.zeros(len(freed), np.uint32))),
    }
    if options.cpu_mhz is not None and len(table):
        t_ns = (_cycles(table[:, 2], table[:, 3]) * 1000 / options.cpu_mhz).astype(np.int64)
        columns["t_ns"] = np.concatenate((t_ns, np.full(len(freed), t_ns[-1])))
    line = np.concatenate((table[:, 4], freed[:, 4]))
    return recording(path, "heap_trace", columns, line, sites, notes, has_free_times=False)


def _cycles(cpu: NDArray[np.int64], ccount: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return cycles since the first record, which never decrease."""
    own: dict[int, int] = {}
    last: dict[int, int] = {}
    clock = 0
    result = []
    for each, count in zip(cpu.tolist(), ccount.tolist()):
        if each in own:
            own[each] += (count - last[each]) % CCOUNT_VALUES
        else:
            own[each] = clock
        last[each] = count
        clock = max(clock, own[each])
        result.append(clock)
    return np.array(result, np.int64)
