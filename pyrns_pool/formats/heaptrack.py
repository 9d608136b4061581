"""What heaptrack writes, format version 3: raw (``--raw``) or interpreted, packed or not.

==================== =============================== ===========================================
line                 raw                             interpreted
==================== =============================== ===========================================
``v``                version of heaptrack, of the format
``x``                path of the program             --
``m``                module: path, base, segments    --
``s``                --                              string, numbered from 1
``i``                --                              instruction: address, module, function, ...
``t``                stack: address, parent          stack: instruction, parent
``a``                --                              kind of allocation: size, stack
``+``                size, stack, address            kind
``-``                address                         kind
``c``                milliseconds, every ten         same
==================== =============================== ===========================================

Numbers are hexadecimal; strings have their length in front. Times are those of the last ``c``.

An interpreted file says of which kind a freed block is, not which block. Blocks of one kind have
one size and one site, so that sizes, sites and live bytes are right all the same; which slot is
free when is not. The oldest block of the kind is taken, the trace has no identity, and what
depends on it is refused unless the user accepts the pairing.
"""

from __future__ import annotations

import os
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, text_start
from pyrns_pool.formats.heaptrack_names import HeaptrackNames
from pyrns_pool.formats.scan import read_rows
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import merged_sites, recording
from pyrns_pool.trace import OP_ALLOC, OP_FREE, PAIRING_KEY, Trace

__all__ = ["is_heaptrack", "read_heaptrack"]

COMMON = {"t": ("frame", "parent"), "c": ("milliseconds",), "R": ("pages",)}
RAW = {**COMMON, "+": ("size", "stack", "address"), "-": ("address",)}
INTERPRETED = {**COMMON, "+": ("kind",), "-": ("kind",), "a": ("size", "stack")}
NS_OF_MS = 10**6
MILLISECONDS_MAX = (1 << 62) // NS_OF_MS - 1


def is_heaptrack(start: bytes) -> bool:
    """Return whether a text begins like one of heaptrack."""
    words = start.partition(b"\n")[0].split(b" ")
    return words[0] == b"v" and len(words) == 3


def read_heaptrack(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read a file of heaptrack.

    Parameters
    ----------
    path : str or path-like
        Raw or interpreted; plain, .gz or .zst.
    options : ImportOptions
        `pairing` applies to an interpreted file, `symbols` to a raw one.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        With identity if raw. A site is the innermost frame outside ``operator new``:
        ``module:function``, or ``module:offset`` in a raw file without symbols.

    Raises
    ------
    TraceError
        At the first line that is wrong, or if the version of the format is not 3.
    """
    start = text_start(path)
    is_raw = b"\nx " in start or b"\nm " in start
    names = HeaptrackNames(os.fspath(path))
    fields = RAW if is_raw else INTERPRETED
    rows, _ = read_rows(path, "heaptrack", fields, names.take, progress)
    is_event = (rows["letter"] == ord("+")) | (rows["letter"] == ord("-"))
    events = rows[is_event]
    op = np.where(events["letter"] == ord("+"), OP_ALLOC, OP_FREE)
    if is_raw:
        size, stack, id_ = (events["value"][:, column] for column in range(3))
        id_ = np.where(op == OP_ALLOC, id_, size)  # A free has one number, its address.
    else:
        size, stack = _of_kind(path, events, rows[rows["letter"] == ord("a")])
        id_ = _oldest_of_kind(path, op, events)
    stacks = rows[rows["letter"] == ord("t")]
    if is_raw and options.symbols is not None:
        texts, which = _named_sites(options.symbols, stacks)
    else:
        texts, which = names.sites(stacks, is_raw)
    sites, number = merged_sites(texts)
    columns = {
        "t_ns": _times(path, rows)[is_event],
        "op": op,
        "id": id_,
        "size": np.where(op == OP_ALLOC, size, 0),
        "site": _site_of_stack(path, events, np.where(op == OP_ALLOC, stack, 0), number[which]),
    }
    notes = {"recorder": f"heaptrack {names.version}", "program": names.command}
    if not is_raw and options.pairing is not None:
        notes[PAIRING_KEY] = options.pairing
    form = "heaptrack raw" if is_raw else "heaptrack"
    return recording(path, form, columns, events["line"], sites, notes, has_identity=is_raw)


def _named_sites(path: str, stacks: NDArray[np.void]) -> tuple[list[str], NDArray[np.intp]]:
    """Return the sites of a raw file's stacks as its interpreted form names them."""
    names = HeaptrackNames(path)
    rows, _ = read_rows(path, "heaptrack", INTERPRETED, names.take)
    told = rows[rows["letter"] == ord("t")]
    if not np.array_equal(told["value"][:, 1], stacks["value"][:, 1]):
        raise TraceError("is not heaptrack_interpret's form of this recording", path=path)
    return names.sites(told, False)


def _times(path: PathLike, rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the time of each row, which is that of the last tick before it."""
    is_tick = rows["letter"] == ord("c")
    milliseconds = rows["value"][:, 0]
    is_late = is_tick & (milliseconds > MILLISECONDS_MAX)
    _require(path, rows, ~is_late, milliseconds, "milliseconds", "is more than 146 years")
    last_tick = np.maximum.accumulate(np.where(is_tick, np.arange(len(rows)), -1))
    t_ms = np.where(last_tick >= 0, milliseconds[last_tick], 0)
    return t_ms.astype(np.int64) * NS_OF_MS


def _of_kind(
    path: PathLike, events: NDArray[np.void], kinds: NDArray[np.void]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return size and stack of each event's kind; kinds are numbered from 0."""
    kind = events["value"][:, 0]
    # Ascending lines: so many kinds were declared above the event.
    declared = np.searchsorted(kinds["line"], events["line"])
    _require(path, events, kind < declared, kind, "kind", "is declared by no line above")
    return kinds["value"][kind, 0], kinds["value"][kind, 1]


def _oldest_of_kind(
    path: PathLike, op: NDArray[Any], events: NDArray[np.void]
) -> NDArray[np.int64]:
    """Return which allocation each event is or frees, the oldest of its kind that is live."""
    kind = events["value"][:, 0]
    allocs, frees = (
        rows[np.argsort(kind[rows], kind="stable")]
        for rows in (np.flatnonzero(op == OP_ALLOC), np.flatnonzero(op == OP_FREE))
    )
    # The n-th free of a kind frees its n-th allocation.
    rank = np.arange(len(frees)) - np.searchsorted(kind[frees], kind[frees])
    place = np.searchsorted(kind[allocs], kind[frees]) + rank
    is_there = place < np.searchsorted(kind[allocs], kind[frees], side="right")
    freed = allocs[np.minimum(place, len(allocs) - 1)] if len(allocs) else frees
    is_live = np.ones(len(op), np.bool_)
    is_live[frees] = is_there & (freed < frees)
    _require(path, events, is_live, kind, "kind", "has no live block to free")
    block = np.arange(len(op))
    block[frees] = freed
    return block


def _site_of_stack(
    path: PathLike,
    events: NDArray[np.void],
    stack: NDArray[np.uint64],
    site: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    """Return the site of each event; stacks are numbered from 1, and 0 has no frame."""
    is_known = stack < len(site)
    _require(path, events, is_known, stack, "stack", "is the number of no stack")
    result: NDArray[np.uint32] = site[stack]
    return result


def _require(
    path: PathLike,
    rows: NDArray[np.void],
    holds: NDArray[np.bool_],
    value: NDArray[Any],
    field: str,
    reason: str,
) -> None:
    """Raise TraceError at the first row for which something does not hold."""
    if not holds.all():
        at = int(np.argmin(holds))
        line: Any = rows["line"][at]
        text = f"{int(value[at]):x}"
        raise TraceError(reason, path=os.fspath(path), line=int(line), field=field, value=text)
