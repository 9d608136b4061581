"""The data twins: the rows that a figure draws, and that its CSV file holds.

In every table ``tier`` is the index of a tier, or -1 (NO_TIER) for the requests larger than every
tier; those rows are there only if there are such requests. So counts add up to the pool's.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.results import NO_TIER, PoolResult, ReplayResult, Timeline
from pyrns_pool.stats import TableStats
from pyrns_pool.workload_results import COW_DTYPE, WorkloadResult, coarsen_cow

__all__ = [
    "alarms_data",
    "cow_data",
    "hit_rate_data",
    "occupancy_data",
    "rate_data",
    "sizes_data",
    "soak_data",
    "table_fill_data",
    "tiers_data",
]

OCCUPANCY_BINS_MAX = 2000
HIT_RATE_BINS_MAX = 100
COW_BINS_MAX = 200
RATE_BINS_MAX = 1000

_BIN = [("tier", "<i4"), ("slot_bytes", "<u8"), ("start_ns", "<i8"), ("end_ns", "<i8")]
_REQUESTS = [("requests", "<u8"), ("spills", "<u8"), ("exhausted", "<u8"), ("oversize", "<u8")]
_IN_USE = [("in_use_min", "<u4"), ("in_use_mean", "<f8"), ("in_use_max", "<u4")]
OCCUPANCY_DTYPE = np.dtype(_BIN + [("slot_count", "<u4")] + _IN_USE + _REQUESTS)
HIT_RATE_DTYPE = np.dtype(_BIN + _REQUESTS + [("hit_rate", "<f8")])
SIZES_DTYPE = np.dtype(
    [("tier", "<i4"), ("above_bytes", "<u8"), ("up_to_bytes", "<u8"), ("requests", "<u8")]
)
COW_ROW_DTYPE = np.dtype([("start_ns", "<i8"), ("end_ns", "<i8"), *COW_DTYPE.descr])
_RATES = [("incoming_bps", "<u4"), ("estimate_bps", "<u4")]
_DELAYS = [("trend_ns", "<i8"), ("threshold_ns", "<i8")]
_EXTREMES = [("incoming_max_bps", "<u4"), ("estimate_min_bps", "<u4"), ("estimate_max_bps", "<u4")]
_EXTREMES += [("trend_min_ns", "<i8"), ("trend_max_ns", "<i8")]
RATE_ROW_DTYPE = np.dtype(
    [("start_ns", "<i8"), ("end_ns", "<i8"), ("packets", "<u8"), ("overused", "<u8")]
    + _RATES
    + _DELAYS
    + _EXTREMES
)
OVERUSE = 1  # Of pyrns_pool.workloads.run_rtp.RTP_SIGNALS.
TEXTS = ("name", "policy")  # The columns of a table that are no counts.
_TIERS = [
    ("tier", "<i4"),
    ("slot_bytes", "<u8"),
    ("slot_count", "<u4"),
    ("requests", "<u8"),
    ("hits", "<u8"),
    ("spills", "<u8"),
    ("spills_in", "<u8"),
    ("exhausted", "<u8"),
    ("oversize", "<u8"),
    ("hit_rate", "<f8"),
    ("high_water", "<u4"),
    ("high_water_ns", "<i8"),
    ("first_miss_ns", "<i8"),
]
_FIT = [
    ("requested_bytes", "<u8"),
    ("internal_fragmentation_bytes", "<u8"),
    ("fragmentation", "<f8"),
]
_LIVES = [("pinned", "<i8"), ("kept", "<i8")]
_LIVES += [("half_ns", "<i8"), ("most_ns", "<i8"), ("longest_ns", "<i8")]


def occupancy_data(result: PoolResult) -> NDArray[np.void]:
    """Return what `occupancy_figure` shows over time.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each tier and bin, tier by tier, at most 2000 bins: ``tier``, ``slot_bytes``,
        ``start_ns``, ``end_ns`` (the bin is [start, end)), ``slot_count``; slots in use
        ``in_use_min``, ``in_use_mean`` (over time), ``in_use_max``; and of the requests of this
        home tier ``requests``, ``spills``, ``exhausted``, ``oversize``.
    """
    timeline = result.timeline.coarsen(OCCUPANCY_BINS_MAX)
    rows = _by_tier(result, timeline, OCCUPANCY_DTYPE)
    mean = timeline.in_use_mean
    for index, tier in enumerate(result.config.tiers):
        mine = rows[index]
        mine["slot_count"] = tier.slot_count
        mine["in_use_mean"] = mean[:, index]
        for name in ("in_use_min", "in_use_max"):
            mine[name] = timeline.bins[name][:, index]
    return rows.reshape(-1)


def hit_rate_data(result: PoolResult) -> NDArray[np.void]:
    """Return what `hit_rate` shows over time.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each tier and bin, tier by tier, at most 100 bins: ``tier``, ``slot_bytes``,
        ``start_ns``, ``end_ns``, ``requests``, ``spills``, ``exhausted``, ``oversize`` as in
        `occupancy_data`, and ``hit_rate``, 0 to 1, NaN where there was no request.
    """
    timeline = result.timeline.coarsen(HIT_RATE_BINS_MAX)
    rows = _by_tier(result, timeline, HIT_RATE_DTYPE)
    tiers = len(result.config.tiers)
    rows["hit_rate"][:tiers] = timeline.hit_rate.T
    rows["hit_rate"][tiers:] = np.where(timeline.oversize > 0, 0.0, np.nan)
    return rows.reshape(-1)


def sizes_data(result: ReplayResult) -> NDArray[np.void]:
    """Return the bars of `sizes`.

    Parameters
    ----------
    result : ReplayResult
        A replay.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each class of sizes that was requested, ascending: ``tier``, their home;
        ``above_bytes`` and ``up_to_bytes``, the class being above < size <= up_to (the first
        class also holds size 0); ``requests``. Classes end at 1, 2, 3, 4, 6, 8, 12, 16, 24, ...
        bytes, and at every tier's slot_bytes.
    """
    sizes = result.sizes
    largest = int(sizes["size_bytes"][-1]) if len(sizes) else 1
    powers = [1 << exponent for exponent in range(largest.bit_length() + 1)]
    ends = {
        *powers,
        *(3 * power for power in powers),
        *(t.slot_bytes for t in result.config.tiers),
    }
    bounds = np.array([0, *sorted(ends)], np.uint64)
    of_size = np.searchsorted(bounds[1:], sizes["size_bytes"], side="left")
    classes, first = np.unique(of_size, return_index=True)
    rows = np.zeros(len(classes), SIZES_DTYPE)
    rows["tier"] = sizes["tier"][first]
    rows["above_bytes"] = bounds[classes]
    rows["up_to_bytes"] = bounds[classes + 1]
    if len(classes):
        rows["requests"] = np.add.reduceat(sizes["requests"], first)
    return rows


def tiers_data(result: PoolResult) -> NDArray[np.void]:
    """Return the numbers that the figures write beside each tier.

    Parameters
    ----------
    result : ReplayResult or WorkloadResult
        What ran.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each tier: ``tier``, ``slot_bytes``, ``slot_count``; ``requests``, ``hits``,
        ``spills``, ``spills_in``, ``exhausted``, ``oversize``, ``hit_rate``; ``high_water`` and
        ``high_water_ns``, when it was first reached; and ``first_miss_ns``, -1 if there was no
        miss or it is not known. Of a replay also, of all requests of this home tier, served or
        not, ``requested_bytes``, ``internal_fragmentation_bytes`` and ``fragmentation``, its
        share of the slots' bytes, 0 to 1. If the blocks were followed also ``pinned``, slots that
        one block has for more than half of the trace, and ``kept``, ``half_ns``, ``most_ns`` and
        ``longest_ns`` as in `pyrns_pool.slot_results.LIFETIME_DTYPE`, -1 without requests.
    """
    stats = result.stats
    use = result.slots if isinstance(result, ReplayResult) else None
    dtype = np.dtype(
        _TIERS
        + (_FIT if isinstance(result, ReplayResult) else [])
        + ([] if use is None else _LIVES)
    )
    rows = np.zeros(len(stats.tiers) + (stats.oversize > 0), dtype)
    for row, tier, times in zip(rows, stats.tiers, result.tier_times):
        for name in ("slot_bytes", "slot_count", "requests", "hits", "spills", "spills_in"):
            row[name] = getattr(tier, name)
        for name in ("exhausted", "hit_rate", "high_water"):
            row[name] = getattr(tier, name)
        row["high_water_ns"] = times.high_water_ns
        row["first_miss_ns"] = -1 if times.first_miss_ns is None else times.first_miss_ns
    rows["tier"][: len(stats.tiers)] = np.arange(len(stats.tiers))
    if stats.oversize:
        last = rows[-1]
        last["tier"], last["high_water_ns"], last["first_miss_ns"] = NO_TIER, -1, -1
        last["requests"] = last["oversize"] = stats.oversize
    if isinstance(result, ReplayResult):
        _add_fit(rows, result)
    if use is not None:
        for row in rows:
            row["pinned"] = np.count_nonzero(use.pinned["tier"] == row["tier"])
            lives = use.lifetimes[use.lifetimes["tier"] == row["tier"]]
            for name, _ in _LIVES[1:]:
                row[name] = lives[0][name] if len(lives) else -1
    return rows


def _add_fit(rows: NDArray[np.void], result: ReplayResult) -> None:
    for row, fit in zip(rows, result.fit):
        for name, _ in _FIT:
            row[name] = getattr(fit, name)
    if result.stats.oversize:
        large = result.sizes[result.sizes["tier"] == NO_TIER]
        requests = large["requests"].astype(np.uint64)
        rows[-1]["requested_bytes"] = (large["size_bytes"] * requests).sum()


def cow_data(result: WorkloadResult) -> NDArray[np.void]:
    """Return what `cow_figure` shows.

    Parameters
    ----------
    result : WorkloadResult
        What ran.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each of at most 200 bins: ``start_ns``, ``end_ns`` (the bin is [start, end)),
        ``copies_avoided``, ``cow_copies`` and ``cow_bytes``.
    """
    edges_ns = result.timeline.coarsen(COW_BINS_MAX).edges_ns
    counts = coarsen_cow(result.cow, COW_BINS_MAX)
    rows = np.zeros(len(counts), COW_ROW_DTYPE)
    rows["start_ns"], rows["end_ns"] = edges_ns[:-1], edges_ns[1:]
    for name in COW_DTYPE.names or ():
        rows[name] = counts[name]
    return rows


def rate_data(result: WorkloadResult) -> NDArray[np.void]:
    """Return what `rate_figure` shows.

    Parameters
    ----------
    result : WorkloadResult
        What ran; its series has ``rate``, as that of `run_rtp`.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each of at most 1000 bins in which packets arrived: ``start_ns``, ``end_ns``
        (the bin is [start, end)), ``packets``, how many of them found over-use, ``overused``; and
        what the receiver knew at the bin's last packet: ``incoming_bps``, ``estimate_bps``,
        ``trend_ns`` and ``threshold_ns``; and the extremes of its packets:
        ``incoming_max_bps``, ``estimate_min_bps``, ``estimate_max_bps``, ``trend_min_ns`` and
        ``trend_max_ns``.

    Raises
    ------
    ValueError
        If there is no such series.
    """
    if "rate" not in result.series:
        raise ValueError(f"result: the workload {result.workload.name!r} has no rate")
    rate = result.series["rate"]
    edges_ns = result.timeline.coarsen(RATE_BINS_MAX).edges_ns
    of_bin = np.searchsorted(edges_ns, rate["t_ns"], side="right") - 1
    bins, first, counts = np.unique(of_bin, return_index=True, return_counts=True)
    rows = np.zeros(len(bins), RATE_ROW_DTYPE)
    rows["start_ns"], rows["end_ns"] = edges_ns[bins], edges_ns[bins + 1]
    rows["packets"] = counts
    rows["overused"] = np.add.reduceat((rate["signal"] == OVERUSE).astype(np.uint64), first)
    for name, _ in _RATES + _DELAYS:
        rows[name] = rate[name][first + counts - 1]
    for name, _ in _EXTREMES:
        what, end, unit = name.split("_")
        reduce = np.minimum.reduceat if end == "min" else np.maximum.reduceat
        rows[name] = reduce(rate[f"{what}_{unit}"], first)
    return rows


def soak_data(result: WorkloadResult) -> NDArray[np.void]:
    """Return what `soak_figure` shows.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each hour: ``start_ns``, ``end_ns``, and the fields of
        `pyrns_pool.workloads.soak.HOUR_DTYPE`.

    Raises
    ------
    ValueError
        If the result is not of a soak.
    """
    hours = _soak_series(result, "hours")
    rows = np.zeros(len(hours), [("start_ns", "<i8"), ("end_ns", "<i8"), *hours.dtype.descr])
    rows["start_ns"], rows["end_ns"] = result.timeline.edges_ns[:-1], result.timeline.edges_ns[1:]
    for name in hours.dtype.names or ():
        rows[name] = hours[name]
    return rows


def alarms_data(result: WorkloadResult) -> NDArray[np.void]:
    """Return what `alarms_figure` shows.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each change of an alarm, in the order of time, with the fields of
        `pyrns_pool.workloads.soak_watch.ALARM_DTYPE`.

    Raises
    ------
    ValueError
        If the result is not of a soak.
    """
    return _soak_series(result, "alarms")


def _soak_series(result: WorkloadResult, name: str) -> NDArray[np.void]:
    if name not in result.series:
        raise ValueError(f"result: the workload {result.workload.name!r} is no soak")
    series: NDArray[np.void] = result.series[name]
    return series


def table_fill_data(result: WorkloadResult) -> NDArray[np.void]:
    """Return what `table_fill` shows.

    Parameters
    ----------
    result : WorkloadResult
        What ran.

    Returns
    -------
    structured ndarray, shape (n,)
        One row for each table, with the fields of `TableStats`.
    """
    names = [field.name for field in fields(TableStats)]
    texts = {
        name: max((len(getattr(t, name)) for t in result.tables), default=1) for name in TEXTS
    }
    kinds = [(name, f"<U{texts[name]}" if name in texts else "<u8") for name in names]
    values = [tuple(getattr(table, name) for name in names) for table in result.tables]
    return np.array(values, np.dtype(kinds))


def _by_tier(result: PoolResult, timeline: Timeline, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return one row of rows for each tier, and one for the oversize requests if there are any."""
    tiers = result.config.tiers
    groups = len(tiers) + (result.stats.oversize > 0)
    rows = np.zeros((groups, len(timeline.oversize)), dtype)
    rows["start_ns"] = timeline.edges_ns[:-1]
    rows["end_ns"] = timeline.edges_ns[1:]
    for index, tier in enumerate(tiers):
        rows["tier"][index] = index
        rows["slot_bytes"][index] = tier.slot_bytes
        for name in ("requests", "spills", "exhausted"):
            rows[name][index] = timeline.bins[name][:, index]
    if groups > len(tiers):
        rows["tier"][-1] = NO_TIER
        rows["requests"][-1] = rows["oversize"][-1] = timeline.oversize
    return rows
