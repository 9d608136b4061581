"""What ESP-IDF's SystemView host tool prints with ``-j``: heap events with time, task and core.

``sysviewtrace_proc.py -j -i heap ... > FILE`` writes one JSON object of version 1.0. Its
``streams.heap`` gives the numbers of the two events that matter; all others are mixed in between::

    {"addr": "0x3ffbaf70", "callers": ["0x40081eff", "0x400d3bb4", "0x0"], "core_id": 0,
     "ctx_name": "alloc0", "id": 512, "in_irq": false, "size": 5, "ts": 0.1226249}
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Callable, Optional, Sequence

import numpy as np

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, text_chunks
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import merged_sites, recording, site_name
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_systemview", "read_systemview"]

VERSION = "1.0"
JSON_BYTES_MAX = 1 << 27
"""Text of one file: some half a million events, which take ten times as much memory."""
HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")
NS_OF_S = 10**9
TS_MAX = 4e9


def is_systemview(start: bytes) -> bool:
    """Return whether a text begins like JSON."""
    return start.lstrip().startswith(b"{")


def read_systemview(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read what ``sysviewtrace_proc.py -j`` printed.

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
        A thread is a task or interrupt, in order of appearance. A site is ``task:caller``, the
        innermost caller that not every allocation shares: the others are the heap's own.

    Raises
    ------
    TraceError
        If the file is no such JSON; names the event, counted from 0 in its list.
    """
    document = _document(path, progress)
    name = os.fspath(path)
    alloc_id, free_id, events = _parts(name, document)
    rows: list[tuple[int, int, int, int, int]] = []
    contexts: dict[str, int] = {}
    stacks: list[tuple[str, list[str]]] = []
    at: list[int] = []
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            raise TraceError("is no object", path=name, event=index, value=repr(event))
        if event.get("id") not in (alloc_id, free_id):
            continue
        take = _Taker(name, index, event)
        context = take("ctx_name", lambda value: isinstance(value, str), "is no text")
        thread = contexts.setdefault(context, len(contexts))
        t_ns = round(take("ts", _is_time, "is no time in seconds") * NS_OF_S)
        address = int(take("addr", _is_hexadecimal, "is no hexadecimal number"), 16)
        if event["id"] == free_id:
            rows.append((t_ns, OP_FREE, address, 0, thread))
        elif address == 0:
            continue  # It failed.
        else:
            size = take("size", _is_size, "is no number of bytes")
            callers = take("callers", _are_addresses, "is no list of hexadecimal numbers")
            stacks.append((context, [caller for caller in callers if int(caller, 16)]))
            rows.append((t_ns, OP_ALLOC, address, size, thread))
        at.append(index)
    return _trace(path, rows, at, stacks)


def _trace(
    path: PathLike,
    rows: Sequence[tuple[int, ...]],
    at: Sequence[int],
    stacks: Sequence[tuple[str, list[str]]],
) -> Trace:
    shared = len(os.path.commonprefix([callers for _, callers in stacks]))
    names = [
        site_name(context, callers[min(shared, len(callers) - 1)] if callers else "?")
        for context, callers in stacks
    ]
    sites, number = merged_sites(names)
    table = np.array(rows, np.uint64).reshape(-1, 5)
    columns: dict[str, Any] = dict(zip(("t_ns", "op", "id", "size", "thread"), table.T))
    columns["site"] = np.zeros(len(table), np.uint32)
    columns["site"][table[:, 1] == OP_ALLOC] = number
    notes = {"recorder": "ESP-IDF SystemView"}
    return recording(path, "systemview", columns, np.array(at), sites, notes, has_lines=False)


class _Taker:
    """Takes checked values out of one event."""

    def __init__(self, path: str, index: int, event: dict[str, Any]) -> None:
        self.path, self.index, self.event = path, index, event

    def __call__(self, field: str, is_right: Callable[[Any], bool], reason: str) -> Any:
        """Return the value of a field, or raise TraceError."""
        place = {"path": self.path, "event": self.index, "field": field}
        if field not in self.event:
            raise TraceError("is missing", **place)  # type: ignore[arg-type]
        value = self.event[field]
        if isinstance(value, bool) or not is_right(value):
            raise TraceError(reason, value=str(value), **place)  # type: ignore[arg-type]
        return value


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < TS_MAX


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 64


def _is_hexadecimal(value: Any) -> bool:
    return isinstance(value, str) and HEX.fullmatch(value) is not None


def _are_addresses(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_hexadecimal, value))


def _parts(name: str, document: Any) -> tuple[int, int, list[Any]]:
    """Return the numbers of the two heap events, and all events."""
    if not isinstance(document, dict) or "events" not in document or "streams" not in document:
        raise TraceError("is no SystemView JSON: it has no 'events' and 'streams'", path=name)
    version = document.get("version")
    if version != VERSION:
        reason = f"is no version of SystemView JSON that is known; {VERSION} is"
        raise TraceError(reason, path=name, field="version", value=str(version))
    streams, events = document["streams"], document["events"]
    heap = streams.get("heap") if isinstance(streams, dict) else None
    pair = [heap.get(key) for key in ("alloc", "free")] if isinstance(heap, dict) else []
    ids = [number for number in pair if isinstance(number, int)]
    if len(ids) != 2:
        reason = "has no numbers 'alloc' and 'free': record with '-i heap' or '-i all'"
        raise TraceError(reason, path=name, field="streams.heap", value=json.dumps(heap))
    if not isinstance(events, list):
        raise TraceError("is no list", path=name, field="events", value=type(events).__name__)
    return ids[0], ids[1], events


def _document(path: PathLike, progress: Optional[Progress]) -> Any:
    name = os.fspath(path)
    text = bytearray()
    for chunk in text_chunks(path, progress):
        text += chunk
        if max(len(text), os.path.getsize(name)) > JSON_BYTES_MAX:
            limit = JSON_BYTES_MAX
            reason = f"text is longer than {limit} bytes (JSON_BYTES_MAX)"
            raise TraceError(reason, path=name, limit=limit)
    try:
        return json.loads(bytes(text), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise TraceError(f"is no JSON ({error.msg})", path=name, line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise TraceError(f"is no JSON ({error})", path=name) from None


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
