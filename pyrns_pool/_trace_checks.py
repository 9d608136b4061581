"""What a trace is checked for in Python: columns, site names and provenance.

Order, identity and the limits of single events are C's part (csrc/lab/rns_trace.h).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError

EVENT_DTYPE = np.dtype(
    {
        "names": ["t_ns", "id", "size", "site", "thread", "op"],
        "formats": ["i8", "u8", "u8", "u4", "u2", "u1"],
        "offsets": [0, 8, 16, 24, 28, 30],
        "itemsize": 32,
    }
)

PROVENANCE_MAX = 60
"""Entries of a provenance; the rest of RNS_TRACE_META_MAX lines is for quality flags."""
PROVENANCE_VALUE_BYTES_MAX = 1900
"""UTF-8 bytes of one value; with its key it fits RNS_TRACE_LINE_BYTES_MAX."""
RESERVED_KEYS = ("has_time", "has_identity", "has_free_times")
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # UTF-8 has no surrogates either.


def events_of_columns(columns: Mapping[str, ArrayLike]) -> NDArray[np.void]:
    """Return columns of any integer dtype as events.

    Parameters
    ----------
    columns : mapping of str to array_like of integers, shape (n,)
        ``t_ns``, ``id``, ``size`` and ``op``; ``site`` and ``thread`` are 0 when left out.

    Returns
    -------
    ndarray of EVENT_DTYPE, shape (n,)
        A new array.

    Raises
    ------
    TraceError
        If a column is missing, unknown, no row of integers, of another length than ``t_ns``, or
        holds a number that its field of EVENT_DTYPE does not.
    """
    fields = {name: EVENT_DTYPE[name] for name in EVENT_DTYPE.names or ()}
    for name in ("t_ns", "id", "size", "op"):
        if name not in columns:
            raise TraceError("column is missing", field=name)
    events = np.zeros(len(np.atleast_1d(columns["t_ns"])), EVENT_DTYPE)
    for name, column in columns.items():
        if name not in fields:
            raise TraceError(f"column is none of {', '.join(fields)}", field=name)
        values = np.asarray(column)
        if values.dtype.kind not in "iu":
            raise TraceError("is no integer dtype", field=name, value=str(values.dtype))
        if values.shape != events.shape:
            expected = f"is not the shape of 't_ns', {events.shape}"
            raise TraceError(expected, field=name, value=str(values.shape))
        if values.dtype != fields[name]:
            check_range(name, values, fields[name])
        events[name] = values
    return events


def check_range(name: str, values: NDArray[Any], dtype: np.dtype[Any]) -> None:
    """Raise TraceError at the first of `values` that `dtype` does not hold."""
    if len(values) == 0:
        return
    bounds = np.iinfo(dtype)
    for extreme, limit, is_outside in (
        (int(values.max()), int(bounds.max), int(values.max()) > bounds.max),
        (int(values.min()), int(bounds.min), int(values.min()) < bounds.min),
    ):
        if is_outside:
            raise TraceError(
                f"is outside {bounds.min} to {bounds.max}",
                event=int(np.argmax(values == extreme)),
                field=name,
                value=str(extreme),
                limit=limit,
            )


def check_sites(sites: Sequence[str]) -> tuple[str, ...]:
    """Return site names as a tuple, or raise TraceError: distinct, printable, within limits."""
    lib = none.lib
    if isinstance(sites, str):
        raise TraceError("is one str, not a sequence of them", field="sites", value=sites)
    names = tuple(sites)
    if len(names) > lib.RNS_TRACE_SITES_MAX:
        raise TraceError(
            f"is beyond the limit of {lib.RNS_TRACE_SITES_MAX} sites (RNS_TRACE_SITES_MAX)",
            field="sites",
            value=str(len(names)),
            limit=lib.RNS_TRACE_SITES_MAX,
        )
    for name in names:
        if not isinstance(name, str):
            raise TraceError("is no str", field="sites", value=repr(name))
        if CONTROLS.search(name):
            raise TraceError("has a control character", field="sites", value=name)
        if len(name.encode()) > lib.RNS_TRACE_SITE_BYTES_MAX:
            limit = lib.RNS_TRACE_SITE_BYTES_MAX
            reason = f"is longer than {limit} bytes (RNS_TRACE_SITE_BYTES_MAX)"
            raise TraceError(reason, field="sites", value=name, limit=limit)
    if len(set(names)) != len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore
        raise TraceError("is there twice", field="sites", value=twice)
    return names


def check_provenance(provenance: Mapping[str, str]) -> Mapping[str, str]:
    """Return a read-only copy of a provenance, or raise TraceError if a file could not hold it."""
    if len(provenance) > PROVENANCE_MAX:
        raise TraceError(
            f"is beyond the limit of {PROVENANCE_MAX} entries (PROVENANCE_MAX)",
            field="provenance",
            value=str(len(provenance)),
            limit=PROVENANCE_MAX,
        )
    for key, value in provenance.items():
        if not (isinstance(key, str) and KEY.fullmatch(key)) or key in RESERVED_KEYS:
            raise TraceError("is no key for a provenance", field="provenance", value=str(key))
        if not isinstance(value, str) or CONTROLS.search(value) or value != value.strip():
            reason = f"of '{key}' is not one line of text without space around it"
            raise TraceError(reason, field="provenance", value=str(value))
        if len(value.encode()) > PROVENANCE_VALUE_BYTES_MAX:
            limit = PROVENANCE_VALUE_BYTES_MAX
            reason = f"of '{key}' is longer than {limit} bytes (PROVENANCE_VALUE_BYTES_MAX)"
            raise TraceError(reason, field="provenance", value=value, limit=limit)
    return MappingProxyType(dict(provenance))
