"""The data twins of a comparison: the rows that its figures draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.compare_results import CompareResult

__all__ = ["bin_starts", "compare_data", "failures_data", "ram_data"]

BINS_MAX = 200
_NAME = [("contender", "<U24"), ("arena_bytes", "<u8")]
_SPAN = [("start_ns", "<i8"), ("end_ns", "<i8")]
_COUNTS = [(name, "<u8") for name in ("events", "requests", "failures", "probe_failures")]
_STATES = [
    (f"{what}_{how}", "<f8" if how == "mean" else "<u8")
    for what in ("free", "largest")
    for how in ("min", "mean", "max")
] + [(f"fragmentation_{how}", "<f8") for how in ("min", "mean", "max")]
COMPARE_DTYPE = np.dtype(_NAME + _SPAN + _COUNTS + _STATES)
RAM_DTYPE = np.dtype(
    _NAME
    + [("ram_bytes", "<u8"), ("requests", "<u8"), ("failures", "<u8"), ("peak_used_bytes", "<u8")]
    + [("zero_failure_bytes", "<i8"), ("peak_live_bytes", "<u8"), ("of_peak_live", "<f8")]
)
FAILURES_DTYPE = np.dtype(_NAME + [("event", "<i8"), ("t_ns", "<i8"), ("size_bytes", "<u8")])


def compare_data(result: CompareResult) -> NDArray[np.void]:
    """Return what `largest_free_figure` and `heap_fragmentation_figure` show over time.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each contender and bin, at most 200 bins: ``contender``, ``arena_bytes``,
        ``start_ns``, ``end_ns``; ``events``, ``requests``, ``failures``, ``probe_failures``;
        ``free``, ``largest`` (bytes) and ``fragmentation`` (0 to 1), each with ``_min``,
        ``_mean`` and ``_max``. A mean is over the states after each event; in a bin without
        events it is NaN.
    """
    first = bin_starts(result)
    edges_ns = result.edges_ns[np.append(first, len(result.edges_ns) - 1)]
    tables = []
    for one in result.contenders:
        rows = np.zeros(len(first), COMPARE_DTYPE)
        rows["contender"], rows["arena_bytes"] = one.contender, one.arena_bytes
        rows["start_ns"], rows["end_ns"] = edges_ns[:-1], edges_ns[1:]
        for name, _ in _COUNTS:
            rows[name] = np.add.reduceat(one.bins[name], first)
        for what, unit in (("free", 1), ("largest", 1), ("fragmentation_ppm", 1_000_000)):
            name = what.removesuffix("_ppm")
            rows[f"{name}_min"] = np.minimum.reduceat(one.bins[f"{what}_min"], first) / unit
            rows[f"{name}_max"] = np.maximum.reduceat(one.bins[f"{what}_max"], first) / unit
            total = np.add.reduceat(one.bins[f"{what}_sum"], first).astype(np.float64) / unit
            mean = np.full(len(first), np.nan)
            rows[f"{name}_mean"] = np.divide(
                total, rows["events"], out=mean, where=rows["events"] > 0
            )
        tables.append(rows)
    return np.concatenate(tables)


def bin_starts(result: CompareResult) -> NDArray[np.int64]:
    """Return where each of the bins that are drawn begins among those of the result."""
    count = len(result.edges_ns) - 1
    shown = min(count, BINS_MAX)
    return np.arange(shown) * count // shown


def ram_data(result: CompareResult) -> NDArray[np.void]:
    """Return the bars of `ram_figure`.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each contender: ``contender``, ``arena_bytes``, ``ram_bytes``, ``requests``,
        ``failures``, ``peak_used_bytes``, ``zero_failure_bytes`` (-1: not known),
        ``peak_live_bytes`` of the trace, and ``of_peak_live``, their quotient (NaN: not known).
    """
    rows = np.zeros(len(result.contenders), RAM_DTYPE)
    for row, one in zip(rows, result.contenders):
        for name in ("contender", "arena_bytes", "ram_bytes", "requests", "failures"):
            row[name] = getattr(one, name)
        needed, live = one.zero_failure_bytes, result.trace.peak_live_bytes
        row["peak_used_bytes"], row["peak_live_bytes"] = one.peak_used_bytes, live
        row["zero_failure_bytes"] = -1 if needed is None else needed
        times = result.of_peak_live(one)
        row["of_peak_live"] = np.nan if times is None else times
    return rows


def failures_data(result: CompareResult) -> NDArray[np.void]:
    """Return the first failures of each contender.

    Parameters
    ----------
    result : CompareResult
        Pool and heaps.

    Returns
    -------
    structured ndarray, shape (n,)
        ``contender``, ``arena_bytes``, ``event`` (row of the trace), ``t_ns``, ``size_bytes``.
    """
    tables = []
    for one in result.contenders:
        rows = np.zeros(len(one.failed), FAILURES_DTYPE)
        rows["contender"], rows["arena_bytes"] = one.contender, one.arena_bytes
        for name in one.failed.dtype.names or ():
            rows[name] = one.failed[name]
        tables.append(rows)
    return np.concatenate(tables)
