"""What the recordings of other tools have in common, once their text is read."""

from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError, printable
from pyrns_pool.formats.files import PathLike, origin
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["merged_sites", "recording", "site_name"]

VALUE_CHARS_MAX = 400


def site_name(module: str, symbol: str) -> str:
    """Return the name of a site, ``module:symbol``, without the module's directories.

    Parameters
    ----------
    module : str
        Path of the program or library; may be empty.
    symbol : str
        Function, or offset in the module.

    Returns
    -------
    str
        Printable, and no longer than a trace allows.
    """
    module = module.rpartition("/")[2]
    name = printable(f"{module}:{symbol}" if module else symbol).encode()
    return name[: none.lib.RNS_TRACE_SITE_BYTES_MAX].decode("utf-8", "ignore")


def merged_sites(names: Sequence[str]) -> tuple[list[str], NDArray[np.uint32]]:
    """Return distinct names, and the number among them of each name given.

    Parameters
    ----------
    names : sequence of str
        May repeat.

    Returns
    -------
    sites : list of str
        In order of appearance; one that is empty if there are no names.
    number : ndarray of uint32, shape (len(names),)
        Index in `sites`.
    """
    table: dict[str, int] = {}
    number = np.array([table.setdefault(name, len(table)) for name in names], np.uint32)
    return list(table) or [""], number


def recording(
    path: PathLike,
    form: str,
    columns: Mapping[str, NDArray[Any]],
    place: NDArray[Any],
    sites: Sequence[str],
    provenance: Mapping[str, str],
    *,
    has_lines: bool = True,
    **flags: bool,
) -> Trace:
    """Build the trace of a recording that may have begun after the program did.

    Parameters
    ----------
    path : str or path-like
        The file.
    form : str
        What it is, for the provenance.
    columns : mapping of str to ndarray
        As for `Trace.from_events`; without ``t_ns`` events are counted instead. Frees of blocks
        that no earlier event allocated are left out and counted in the provenance: the block is
        older than the recording.
    place : ndarray of integers, shape (n,)
        Line of each event in the file, for errors.
    sites : sequence of str
        As in `Trace`.
    provenance : mapping of str to str
        What else is known; long values are cut.
    has_lines : bool
        False if `place` counts the file's events instead.
    **flags : bool
        Quality flags of `Trace`.

    Returns
    -------
    Trace
        Validated.

    Raises
    ------
    TraceError
        If the events contradict each other; names the line, and ids as addresses.
    """
    name = os.fspath(path)
    op, id_ = columns["op"], columns["id"]
    known = _is_known(op, id_)
    older = len(known) - int(np.count_nonzero(known))
    kept = {key: column if older == 0 else column[known] for key, column in columns.items()}
    kept.setdefault("t_ns", np.arange(len(kept["op"])))
    names, kept["site"] = _used_sites(sites, kept["op"] == OP_ALLOC, kept["site"])
    notes = {key: printable(text.strip(), VALUE_CHARS_MAX) for key, text in provenance.items()}
    if older:
        notes["frees_of_older_blocks"] = str(older)
    if len(kept["op"]) == 0:
        raise TraceError("no allocations", path=name)
    try:
        provenance = {**origin(path, form), **notes}
        return Trace.from_events(kept, names, provenance, has_time="t_ns" in columns, **flags)
    except TraceError as error:
        if error.event is None:
            raise error.at(name) from None
        at = int(place[known][error.event])
        is_id = error.field == "id"
        raise TraceError(
            error.reason,
            path=name,
            line=at if has_lines else None,
            event=None if has_lines else at,
            field="address" if is_id else error.field,
            value=f"{int(error.value or 0):#x}" if is_id else error.value,
            limit=error.limit,
        ) from None


def _used_sites(
    sites: Sequence[str], is_alloc: NDArray[np.bool_], site: NDArray[Any]
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the sites that allocate, and the number among them of each event, 0 for a free."""
    is_used = np.bincount(site[is_alloc].astype(np.int64), minlength=len(sites)) > 0
    number = np.cumsum(is_used) - 1
    names = [name for name, used in zip(sites, is_used.tolist()) if used]
    return names, np.where(is_alloc, number[site], 0)


def _is_known(op: NDArray[Any], id_: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each event whether its block was allocated in the recording."""
    known: NDArray[np.bool_] = np.asarray(op == OP_ALLOC)
    allocs, frees = np.flatnonzero(op == OP_ALLOC), np.flatnonzero(op == OP_FREE)
    if len(allocs) == 0:
        return known
    distinct, first = np.unique(id_[allocs], return_index=True)
    place = np.minimum(np.searchsorted(distinct, id_[frees]), len(distinct) - 1)
    known[frees] = (distinct[place] == id_[frees]) & (allocs[first[place]] < frees)
    return known
