"""Turns what C reports about a trace into a `TraceError`.

C names the error and fills in row, line, field, value and limit; the sentences are here.
"""

from __future__ import annotations

from typing import Any, Optional

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError

HEADER_LINE = "t_ns,op,id,size,thread,site"

REASONS = {
    "HEADER": f"is not the header line '{HEADER_LINE}'",
    "LINE_EMPTY": "line is empty",
    "LINE_LONG": "is the start of a line longer than {limit} bytes (RNS_TRACE_LINE_BYTES_MAX)",
    "META_COUNT": "more than {limit} comment lines (RNS_TRACE_META_MAX)",
    "FIELD_COUNT": f"has fewer than the {{limit}} fields of '{HEADER_LINE}'",
    "NOT_DECIMAL": "is not a decimal number",
    "NOT_AN_OP": "is neither 'a' (allocate) nor 'f' (free)",
    "NOT_EMPTY": "belongs to no free: size and site are those of its allocation",
    "SITE_LONG": "is longer than {limit} bytes (RNS_TRACE_SITE_BYTES_MAX)",
    "NOT_TEXT": "has a control character or is not UTF-8",
    "SITE_COUNT": "is beyond the limit of {limit} sites (RNS_TRACE_SITES_MAX)",
    "NO_EVENTS": "no events",
    "EVENT_COUNT": "more than {limit} events (RNS_TRACE_EVENTS_MAX)",
    "OVER_LIMIT": "is greater than the limit of {limit}{name}",
    "TIME_NEGATIVE": "is before the start of the recording",
    "TIME_BACKWARD": "is earlier than the event before it, at {limit} ns",
    "OP_UNKNOWN": "is neither 0 (allocate) nor 1 (free)",
    "SITE_UNKNOWN": "is not below {limit}, the number of site names",
    "ID_LIVE": "is already live (since event {limit})",
    "ID_UNKNOWN": "is freed but was never allocated",
    "ID_FREED": "is freed again",
    "MEMORY": "not enough memory to read the trace",
}
LIMIT_NAMES = {
    "t_ns": " (RNS_TRACE_TIME_NS_MAX)",
    "size": " (RNS_TRACE_SIZE_BYTES_MAX)",
    "thread": " (RNS_TRACE_THREAD_MAX)",
}
NO_COLUMN = ("", "#")  # A fault of the whole text or of a line.


def error_of(fault: Any, path: Optional[str] = None) -> TraceError:
    """Return the error that a fault stands for.

    Parameters
    ----------
    fault : cdata ``rns_trace_fault_t``
        With a code other than ``RNS_TRACE_OK``.
    path : str, optional
        File that the trace was read from.

    Returns
    -------
    TraceError
        To be raised by the caller.
    """
    code = none.ffi.string(none.lib.rns_trace_error_name(fault.code)).decode()
    field = none.ffi.string(fault.field).decode()
    value = none.ffi.string(fault.value).decode()
    return TraceError(
        REASONS[code].format(limit=fault.limit, name=LIMIT_NAMES.get(field, "")),
        path=path,
        line=fault.line or None,
        event=fault.row if field not in NO_COLUMN else None,
        field=field or None,
        value=value if value or code in ("HEADER", "NOT_DECIMAL", "NOT_AN_OP") else None,
        limit=fault.limit or None,
    )
