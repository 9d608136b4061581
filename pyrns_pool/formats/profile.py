"""Allocation profiles: rows of size, rate and live blocks, from which a trace is drawn.

::

    size,alloc_rate,num_live
    64,1200.0,35.5
    1024,80,4

``alloc_rate`` is allocations a second, ``num_live`` how many blocks of the size are live on
average: the columns in which fleet profiles of tcmalloc are published. By Little's law the mean
lifetime is num_live / alloc_rate. A trace is drawn from it, with a seed: allocations come at
random (Poisson), lifetimes are exponential, and each size starts with about num_live blocks. What
is measured on it holds for such random traffic; a recording has bursts and patterns that a profile
has lost.
"""

from __future__ import annotations

import csv
import math
import os
from typing import Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress
from pyrns_pool.formats.scan import numbered_lines
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import merged_sites, recording
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_profile", "read_profile"]

HEADER = ("size", "alloc_rate", "num_live")
ROWS_MAX = 100_000
RATE_MAX = 10**9
NS_OF_S = 10**9


def is_profile(start: bytes) -> bool:
    """Return whether a text begins with the header line of a profile, perhaps below comments."""
    lines = (line for line in start.splitlines() if not line.startswith(b"#"))
    first = next(lines, b"").decode("utf-8", "replace")
    return tuple(word.strip() for word in first.split(",")) == HEADER


def read_profile(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Draw a trace from a profile.

    Parameters
    ----------
    path : str or path-like
        CSV text; lines that begin with '#' are comments.
    options : ImportOptions
        `seed` and `duration_s` apply; the same ones give the same trace.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Synthetic, as its provenance says. A site is the row: ``profile:64``.

    Raises
    ------
    TraceError
        At the first row that is wrong, or if the trace would have too many events.
    """
    name = os.fspath(path)
    rows = _rows(name, path, progress)
    expected = sum(2 * (rate * options.duration_s + live) for _, rate, live, _ in rows)
    limit = none.lib.RNS_TRACE_EVENTS_MAX
    if expected > limit // 2:
        reason = (
            f"(seconds) would take about {expected:.3g} events, more than {limit // 2}: shorten it"
        )
        value = f"{options.duration_s:g}"
        raise TraceError(reason, path=name, field="duration_s", value=value, limit=limit // 2)
    random = np.random.default_rng(options.seed)
    parts = [_draw(random, rate, live, options.duration_s) for _, rate, live, _ in rows]
    begin = np.concatenate([part[0] for part in parts])
    end = np.concatenate([part[1] for part in parts])
    row = np.repeat(np.arange(len(rows)), [len(part[0]) for part in parts])
    return _trace(path, rows, begin, end, row, options)


def _rows(
    name: str, path: PathLike, progress: Optional[Progress]
) -> list[tuple[int, float, float, int]]:
    """Return size, rate, live blocks and line of each row."""
    rows: list[tuple[int, float, float, int]] = []
    has_header = False
    for number, line in numbered_lines(path, progress):
        try:
            words = [word.strip() for word in next(csv.reader([line]), [])]
        except csv.Error:
            raise TraceError("is no CSV", path=name, line=number, value=line) from None
        if not words or words[0].startswith("#"):
            continue
        if not has_header:
            if tuple(words) != HEADER:
                reason = f"is not the header line '{','.join(HEADER)}'"
                raise TraceError(reason, path=name, line=number, value=line)
            has_header = True
            continue
        if len(words) != len(HEADER):
            reason = f"has {len(words)} fields, not {len(HEADER)} ({', '.join(HEADER)})"
            raise TraceError(reason, path=name, line=number, value=line)
        if len(rows) == ROWS_MAX:
            reason = f"more than {ROWS_MAX} rows (ROWS_MAX)"
            raise TraceError(reason, path=name, line=number, limit=ROWS_MAX)
        size, rate, live = (_number(name, number, *pair) for pair in zip(HEADER, words))
        rows.append((int(size), rate, live, number))
    if not rows:
        raise TraceError("no rows", path=name)
    return rows


def _number(name: str, line: int, field: str, text: str) -> float:
    limit = none.lib.RNS_TRACE_SIZE_BYTES_MAX if field == "size" else RATE_MAX
    try:
        number = float(int(text)) if field == "size" else float(text)
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= limit:
        kind = "whole number" if field == "size" else "number"
        reason = f"is no {kind} from 0 to {limit}"
        raise TraceError(reason, path=name, line=line, field=field, value=text)
    return number


def _draw(
    random: np.random.Generator, rate: float, live: float, duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the blocks of one row are allocated and freed, in seconds.

    Exponential lifetimes have no memory: what is left of those live at the start is as long as a
    whole one.
    """
    old = np.zeros(random.poisson(live))
    new = random.uniform(0.0, duration_s, random.poisson(rate * duration_s))
    begin = np.concatenate((old, new))
    mean_s = live / rate if rate > 0 else math.inf
    lifetime = random.exponential(1.0, len(begin))
    return begin, begin + (lifetime * mean_s if math.isfinite(mean_s) else math.inf)


def _trace(
    path: PathLike,
    rows: Sequence[tuple[int, float, float, int]],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    row: NDArray[np.intp],
    options: ImportOptions,
) -> Trace:
    block = np.arange(len(begin))
    freed = block[end <= options.duration_s]
    t_ns = (np.concatenate((begin, end[freed])) * NS_OF_S).astype(np.int64)
    op = np.repeat((OP_ALLOC, OP_FREE), (len(block), len(freed)))
    order = np.lexsort((op, t_ns))  # A block that lives for no nanosecond is allocated first.
    id_ = np.concatenate((block, freed))[order]
    is_alloc = op[order] == OP_ALLOC
    size = np.array([size for size, *_ in rows], np.uint64)
    line = np.array([line for *_, line in rows])
    sites, site = merged_sites([f"profile:{size}" for size, *_ in rows])
    columns = {
        "t_ns": t_ns[order],
        "op": op[order],
        "id": id_,
        "size": np.where(is_alloc, size[row[id_]], 0),
        "site": np.where(is_alloc, site[row[id_]], 0),
    }
    notes = {
        "recorder": "synthetic, from an allocation profile",
        "seed": str(options.seed),
        "duration_s": f"{options.duration_s:g}",
    }
    return recording(path, "profile", columns, line[row[id_]], sites, notes)
