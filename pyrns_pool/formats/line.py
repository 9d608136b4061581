"""Traces as a device sent them: the records of ``csrc/firmware/rns_trace_line.h``.

A serial line drops bytes, and other output may be mixed in. So a record begins with 0x7E and ends
with a checksum, and its number, modulo 64, tells how many were lost in front of it. What is no
record is skipped; the provenance says how many bytes that were.
"""

from __future__ import annotations

import binascii
import os
from typing import Optional

import numpy as np

from pyrns_pool._native import none
from pyrns_pool._trace_pair import pair
from pyrns_pool.errors import TraceError, printable
from pyrns_pool.formats.files import PathLike, Progress, input_file, origin
from pyrns_pool.trace import EVENT_DTYPE, OP_ALLOC, OP_FREE, Trace

__all__ = ["LINE_SUFFIX", "RECORD_MARK", "read_line"]

LINE_SUFFIX = ".rns"
RECORD_MARK = b"\x7e"
LINE_BYTES_MAX = 1 << 27
"""Of one capture: some ten million events, which take twenty times as much memory."""
PROGRESS_EVERY = 1 << 14
OP_SITE = 2
FIELDS = {OP_ALLOC: 5, OP_FREE: 3, OP_SITE: 2}
NUMBER_BYTES_MAX = 10
CRC_INIT, CRC_BYTES = 0xFFFF, 2


def read_line(path: PathLike, progress: Optional[Progress] = None) -> Trace:
    """Read what a device sent.

    Parameters
    ----------
    path : str or path-like
        The capture, not compressed; anything may stand between its records.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Returns
    -------
    Trace
        Its provenance has ``records_lost``, of 64 in a row that many less; ``bytes_skipped``;
        ``unpaired_frees`` of blocks whose allocation was lost, which are left out; and
        ``unfreed_reuses``, blocks whose free was lost. Sites without a name are ``site N``.

    Raises
    ------
    TraceError
        If the file cannot be read or holds no event; or as `Trace`.

    Notes
    -----
    O(bytes), some microseconds a record.
    """
    name = os.fspath(path)
    with input_file(path) as file:
        if os.fstat(file.fileno()).st_size > LINE_BYTES_MAX:
            reason = f"is longer than {LINE_BYTES_MAX} bytes (LINE_BYTES_MAX)"
            raise TraceError(reason, path=name, limit=LINE_BYTES_MAX)
        data = file.read(LINE_BYTES_MAX)
    rows: list[tuple[int, int, int, int, int, int]] = []
    names: dict[int, str] = {}
    skipped = lost = at = records = 0
    expected: Optional[int] = None
    while at < len(data):
        found = _record(data, at) if data[at] == RECORD_MARK[0] else None
        if found is None:
            # What looks like no record may hold the beginning of one.
            mark = data.find(RECORD_MARK, at + 1)
            mark = len(data) if mark < 0 else mark
            skipped += mark - at
            at = mark
            continue
        op, count, fields, text, at = found
        lost += 0 if expected is None else (count - expected) % 64
        expected = (count + 1) % 64
        if op == OP_SITE:
            names[fields[0]] = printable(text.decode("utf-8", "replace"))
        else:
            size, site = (fields[3], fields[4]) if op == OP_ALLOC else (0, 0)
            rows.append((fields[0], fields[1], size, site, fields[2], op))
        records += 1
        if progress is not None and records % PROGRESS_EVERY == 0:
            progress(at / len(data))
    if not rows:
        raise TraceError("holds no record of an event", path=name)
    try:
        counts = {"bytes_skipped": skipped, "records_lost": lost}
        return _trace(rows, names, {**origin(path), "format": "line"}, counts)
    except TraceError as error:
        raise error.at(name) from None


def _record(data: bytes, start: int) -> Optional[tuple[int, int, list[int], bytes, int]]:
    """Return op, count, numbers, text and end of the record at `start`; None if it is none."""
    at = start + 2
    if at >= len(data) or data[start + 1] >> 6 not in FIELDS:
        return None
    op = data[start + 1] >> 6
    fields = []
    for _ in range(FIELDS[op]):
        value = 0
        for index in range(NUMBER_BYTES_MAX):
            if at >= len(data):
                return None
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                break
        else:
            return None
        fields.append(value)
    text = b""
    if op == OP_SITE:
        if fields[1] > none.lib.RNS_TRACE_SITE_BYTES_MAX:
            return None
        text = data[at : at + fields[1]]
        at += fields[1]
    crc = int.from_bytes(data[at : at + CRC_BYTES], "big")
    if at + CRC_BYTES > len(data) or binascii.crc_hqx(data[start + 1 : at], CRC_INIT) != crc:
        return None
    if max(fields) >= 1 << 64:
        return None
    return op, data[start + 1] & 63, fields, text, at + CRC_BYTES


def _trace(
    rows: list[tuple[int, int, int, int, int, int]],
    names: dict[int, str],
    provenance: dict[str, str],
    counts: dict[str, int],
) -> Trace:
    lib = none.lib
    sites: dict[str, int] = {}
    number = {
        site: sites.setdefault(names.get(site, f"site {site}"), len(sites))
        for site in dict.fromkeys(row[3] for row in rows if row[5] == OP_ALLOC)
    }
    time_max, thread_max = lib.RNS_TRACE_TIME_NS_MAX, lib.RNS_TRACE_THREAD_MAX
    for event, row in enumerate(rows):
        for field, value, limit in (("t_ns", row[0], time_max), ("thread", row[4], thread_max)):
            if value > limit:
                reason = f"is greater than {limit}"
                raise TraceError(reason, event=event, field=field, value=str(value), limit=limit)
    events = np.array(
        [
            (t, i, size, number.get(site, 0) if op == OP_ALLOC else 0, th, op)
            for t, i, size, site, th, op in rows
        ],
        EVENT_DTYPE,
    )
    paired, counts["unpaired_frees"], counts["unfreed_reuses"] = pair(events)
    told = {key: str(value) for key, value in counts.items()}
    return Trace(paired, tuple(sites) or ("",), {**provenance, **told})
