"""A pool in use for days of simulated time, hour by hour, with a heap of equal RAM beside it.

The workload runs twice, over the pool and over a heap model that sees the same requests. What the
model refuses is counted and served from elsewhere, so that it goes on seeing the same requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool._timeline import Meter, bin_edges, tier_times
from pyrns_pool.config import FALLBACKS, PoolConfig, Tier
from pyrns_pool.errors import ConfigError, ResultError
from pyrns_pool.heaps import Heap
from pyrns_pool.results import TierTimes
from pyrns_pool.stats import PoolStats, bytes_from_native
from pyrns_pool.workload_results import WorkloadResult, WorkloadSummary
from pyrns_pool.workloads._soak_hard import SoakHard
from pyrns_pool.workloads._soak_node import SoakNode
from pyrns_pool.workloads._soak_rtp import SoakMixed, SoakRtp
from pyrns_pool.workloads.soak_ages import Ages
from pyrns_pool.workloads.soak_watch import Watches, default_watches

__all__ = [
    "HOUR_DTYPE",
    "SOAK_WORKLOADS",
    "Soak",
    "SoakSpec",
    "coarsen_hours",
    "run_soak",
    "soak_dict",
    "spec_of",
]

HOUR_NS = 3_600_000_000_000
HOURS_MAX = 10_000
SEED_MAX = (1 << 64) - 1
HEAP = "tlsf"
HEAP_ALIGNMENT = 4  # As ESP-IDF builds it.
TAG = 1
U64_MAX = (1 << 64) - 1

_WORKLOADS: Mapping[str, Any] = {
    "node": SoakNode,
    "rtp": SoakRtp,
    "mixed": SoakMixed,
    "adversarial": SoakHard,
}
SOAK_WORKLOADS = tuple(_WORKLOADS)

_POOL = [("requests", "<u8"), ("hits", "<u8"), ("spills", "<u8"), ("misses", "<u8")]
_SLOTS = [("in_use", "<u4"), ("free_bytes", "<u8"), ("free_bytes_min", "<u8"), ("drift", "<i8")]
_HEAP = [
    ("heap_requests", "<u8"),
    ("heap_failures", "<u8"),
    ("heap_no_packet", "<u8"),
    ("heap_fragmentation_mean_ppm", "<u4"),
    ("heap_fragmentation_max_ppm", "<u4"),
    ("heap_largest_free_min", "<u4"),
    ("heap_free_min", "<u4"),
]
_COUNTED = ("events", "requests", "hits", "spills", "misses")
_SUMS = (*_COUNTED, "heap_requests", "heap_failures", "heap_no_packet")
HOUR_DTYPE = np.dtype([("events", "<u8"), *_POOL, *_SLOTS, *_HEAP])
"""One hour. ``events`` of the workload; of the pool ``requests = hits + spills + misses``; at the
hour's end slots ``in_use``, bytes of free slots, and ``drift``, the references to slots that
nobody in the workload holds; ``free_bytes_min`` at any second. Of the heap the same requests,
those it refused, events after which a packet of 500 bytes could not be had, external
fragmentation in millionths over all events, and the smallest that the largest free block and all
free blocks were."""


@dataclass(frozen=True)
class SoakSpec:
    """What to run.

    Parameters
    ----------
    config : PoolConfig
        The pool. Each slot has a header of 16 bytes in front of its slot_bytes.
    workload : str, optional
        One of `SOAK_WORKLOADS`.
    hours : int, optional
        Of simulated time, 1 to 10,000.
    seed : int, optional
        Of everything that is drawn, 1 to 2**64 - 1.
    """

    config: PoolConfig
    workload: str = "node"
    hours: int = 48
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.workload not in _WORKLOADS:
            one_of = ", ".join(_WORKLOADS)
            raise ConfigError(f"workload: {self.workload!r} is not one of {one_of}")
        for name, most in (("hours", HOURS_MAX), ("seed", SEED_MAX)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise ConfigError(f"{name}: {value!r} is not a whole number from 1 to {most}")


class Soak:
    """A soak that is run an hour at a time.

    Parameters
    ----------
    spec : SoakSpec
        What to run.
    before : WorkloadResult, optional
        What an interrupted soak of the same `spec` gave; its hours are run again, which takes a
        second or two each, and have to come out the same.

    Raises
    ------
    ConfigError
        If the pool is refused, or is too small to be a heap, or `before` is of another `spec`.

    Examples
    --------
    >>> run = Soak(SoakSpec(PoolConfig.parse("64x224,256x160,512x64"), hours=2))
    >>> run.hour()
    >>> run.result().series["hours"]["drift"]
    array([0])
    """

    def __init__(self, spec: SoakSpec, before: Optional[WorkloadResult] = None) -> None:
        lib, ffi = none
        self.spec, self._before = spec, before
        self.misses = ffi.new("rns_misses_t *", {"header_bytes": lib.RNS_BUFFER_HEADER_BYTES})
        """The last misses, as C keeps them; none where a fallback serves them."""
        self._native = NativePool(
            none,
            spec.config,
            header_bytes=lib.RNS_BUFFER_HEADER_BYTES,
            fallback=lib.rns_misses_fallback(self.misses)
            if spec.config.fallback == FALLBACKS[0]
            else None,
        )
        self.arena_bytes = self._native.storage_bytes
        if before is not None:
            _require_same(_summary(spec, self.arena_bytes), before)
        self.heap = Heap(HEAP, self.arena_bytes, alignment=HEAP_ALIGNMENT)
        """Beside the pool."""
        self._shadow = ffi.new("rns_shadow_t *", {"heap": self.heap.native})
        lib.rns_shadow_clear(self._shadow)
        beside = _passing_pool(self._shadow)
        stores = [pool.new_store(tag=TAG) for pool in (self._native, beside)]
        self._beside, self._stores = beside, stores
        self._edges = bin_edges(0, spec.hours * HOUR_NS, spec.hours, spec.config)
        self._meter = Meter(self._native, spec.config, self._edges, stores[0])
        self._watches = Watches(default_watches(spec.config, self.arena_bytes))
        self._soak = ffi.new(
            "rns_soak_t *",
            {
                "pool": self._native.pool,
                "meter": self._meter.state,
                "shadow": self._shadow,
                "watches": self._watches.native,
                "watch_count": len(self._watches),
                "alarms": self._watches.alarms,
                "alarm_capacity": len(self._watches.alarms),
                "pool_free_min": U64_MAX,
            },
        )
        self.misses.now_ns = ffi.addressof(self._soak, "now_ns")
        pools = (self._native, beside)
        self._workload = _WORKLOADS[spec.workload](self._soak, pools, stores, spec)
        self._ages = Ages(self._native, stores[0], self._workload.tags)
        self._hours = np.zeros(spec.hours, HOUR_DTYPE)
        self._fills: list[list[int]] = []
        self._counted = dict.fromkeys(_COUNTED, 0)
        self.done = 0
        """Hours run."""

    @property
    def is_done(self) -> bool:
        """Whether all hours were run."""
        return self.done == self.spec.hours

    @property
    def has_parts(self) -> bool:
        """Whether the workload runs in parts of hours, too."""
        return hasattr(self._workload, "until")

    @property
    def events(self) -> int:
        """Moments at which the workload acted so far."""
        return int(self._soak.events)

    @property
    def heap_tally(self) -> Any:
        """What the heap did in the hour that was begun, as C counts it."""
        return self._shadow.tally

    def stats(self) -> PoolStats:
        """Return the statistics of the pool now."""
        return self._native.stats()

    def tier_times(self) -> tuple[TierTimes, ...]:
        """Return when the tiers reached their high-water marks, and first missed."""
        return tier_times(self._meter.state.tiers, len(self.spec.config.tiers))

    def hours(self) -> NDArray[np.void]:
        """Return the hours that were run: HOUR_DTYPE."""
        return self._hours[: self.done].copy()

    def until(self, end_ns: int) -> None:
        """Run a part of the next hour, which `hour` completes; it makes no difference.

        Parameters
        ----------
        end_ns : int
            A moment of that hour.

        Raises
        ------
        ConfigError
            If the workload only runs in hours.
        """
        if not self.has_parts:
            raise ConfigError(f"workload: {self.spec.workload!r} only runs in hours")
        self._workload.until(end_ns)

    def hour(self) -> None:
        """Run the next hour, or what is left of it.

        Raises
        ------
        Damage
            If pool, Bytes or tables contradict themselves.
        ResultError
            If the hour does not come out as it did before the interruption.
        """
        self._workload.hour()
        none.lib.rns_soak_finish(self._soak, (self.done + 1) * HOUR_NS)
        self._native.check()
        self._workload.check()
        self._fills.append([table.count for table in self._workload.tables()])
        self._write_row(self._hours[self.done])
        none.lib.rns_shadow_clear(self._shadow)
        self._soak.pool_free_min = U64_MAX
        self.done += 1
        self._require_as_before()

    def _write_row(self, row: Any) -> None:
        stats, tally = self._native.stats(), self._shadow.tally
        counted = {"events": self.events}
        counted.update({name: getattr(stats, name) for name in _COUNTED[1:]})
        for name, count in counted.items():
            row[name] = count - self._counted[name]
        self._counted = counted
        tiers = stats.tiers
        row["in_use"] = stats.in_use
        row["free_bytes"] = sum((t.slot_count - t.in_use) * t.slot_bytes for t in tiers)
        row["free_bytes_min"] = self._soak.pool_free_min
        row["drift"] = self._ages.look() - self._workload.held()
        row["heap_requests"] = tally.requests
        row["heap_failures"] = tally.failures
        row["heap_no_packet"] = tally.probe_failures
        mean = tally.fragmentation_ppm_sum // max(1, tally.samples)
        row["heap_fragmentation_mean_ppm"] = mean
        row["heap_fragmentation_max_ppm"] = tally.fragmentation_ppm_max
        row["heap_largest_free_min"] = tally.largest_free_min
        row["heap_free_min"] = tally.total_free_min

    def _require_as_before(self) -> None:
        before = None if self._before is None else self._before.series["hours"]
        index = self.done - 1
        if before is not None and index < len(before) and before[index] != self._hours[index]:
            raise ResultError(f"hour {self.done} differs from the result that is to be resumed")

    def result(self) -> WorkloadResult:
        """Return the result of the hours run so far, one or more; it is a result like any other.

        Its series are ``hours`` (HOUR_DTYPE), ``alarms`` (ALARM_DTYPE), ``ages`` (AGE_DTYPE) and
        ``fills``, entries of each table at each hour's end, shape (hours, tables). Its timeline
        has a bin for each hour.
        """
        lib = none.lib
        count = self.done
        if self.is_done:
            meter = self._meter.end()
            timeline, cow = meter["timeline"], meter["cow"]
        else:
            timeline, cow = self._meter.partial(count)
        tables = self._workload.tables()
        fills = np.array(self._fills, np.uint32).reshape(count, len(tables))
        return WorkloadResult(
            config=self.spec.config,
            stats=self._native.stats(),
            tier_times=self.tier_times(),
            timeline=timeline,
            workload=_summary(self.spec, self.arena_bytes, count, self.events),
            bytes=bytes_from_native(lib.rns_store_stats(self._stores[0])),
            cow=cow,
            tables=tables,
            counts={**self._workload.counts(), "alarms_lost": int(self._soak.alarms_lost)},
            series={
                "hours": self.hours(),
                "alarms": self._watches.rows(int(self._soak.alarm_count)),
                "ages": self._ages.rows(),
                "fills": fills,
            },
        )

    def close(self) -> None:
        """Give back all that the workload holds or leaked; no hour can be run any more."""
        self._workload.close()
        none.lib.rns_shadow_drop(self._shadow)


def run_soak(spec: SoakSpec, before: Optional[WorkloadResult] = None) -> WorkloadResult:
    """Run all hours; return what `Soak.result` does.

    Parameters
    ----------
    spec : SoakSpec
        What to run.
    before : WorkloadResult, optional
        As for `Soak`.

    Notes
    -----
    An hour of the node takes about a second. Its packets are hashed by a fast stand-in for
    SHA-256, which ``workload.provenance`` says too: what a node does depends on hashes only in
    that they differ.
    """
    run = Soak(spec, before)
    try:
        while not run.is_done:
            run.hour()
        return run.result()
    finally:
        run.close()


def soak_dict(result: WorkloadResult) -> dict[str, Any]:
    """Return the summary of a soak: ``result.to_dict()``, and its series as lists of rows.

    Parameters
    ----------
    result : WorkloadResult
        Of a soak.
    """
    names = [table.name for table in result.tables]
    fills = [dict(zip(names, row)) for row in result.series["fills"].tolist()]
    hours = [{**row, "tables": fill} for row, fill in zip(_rows(result, "hours"), fills)]
    return {
        **result.to_dict(),
        "hours": hours,
        "alarms": _rows(result, "alarms"),
        "ages": _rows(result, "ages"),
    }


def coarsen_hours(hours: NDArray[np.void], rows_max: int) -> NDArray[np.void]:
    """Return the same hours in at most `rows_max` rows, each of equally many but the last.

    Parameters
    ----------
    hours : ndarray of HOUR_DTYPE
        Of a soak.
    rows_max : int
        1 or more.

    Returns
    -------
    ndarray of HOUR_DTYPE
        Counts are sums, states those of the last hour, extremes those of all; the mean of the
        fragmentation is over all events, rounded down.
    """
    first = np.arange(0, len(hours), max(1, -(-len(hours) // rows_max)))
    # States are right with that.
    coarse: NDArray[np.void] = hours[np.append(first[1:], len(hours)) - 1].copy()
    for name in _SUMS:
        coarse[name] = np.add.reduceat(hours[name], first)
    for name in HOUR_DTYPE.names or ():
        if name.endswith("_min"):
            coarse[name] = np.minimum.reduceat(hours[name], first)
    worst, mean = "heap_fragmentation_max_ppm", "heap_fragmentation_mean_ppm"
    coarse[worst] = np.maximum.reduceat(hours[worst], first)
    weighted = np.add.reduceat(hours[mean] * hours["events"], first)
    coarse[mean] = weighted // np.maximum(coarse["events"], 1)
    return coarse


def spec_of(result: WorkloadResult) -> SoakSpec:
    """Return what a soak was to run.

    Raises
    ------
    ResultError
        If the result is not of a soak.
    """
    run = result.workload
    kind, _, name = run.name.partition(" ")
    if kind != "soak" or "hours" not in result.series or run.seed is None:
        raise ResultError(f"the result is of {run.name!r}, not of a soak")
    return SoakSpec(result.config, name, int(run.provenance["hours"]), run.seed)


def _rows(result: WorkloadResult, name: str) -> list[dict[str, Any]]:
    series = result.series[name]
    return [dict(zip(series.dtype.names or (), row)) for row in series.tolist()]


def _passing_pool(shadow: Any) -> NativePool:
    """Return a pool that serves nothing: its only slot is taken."""
    lib, ffi = none
    header_bytes = lib.RNS_BUFFER_HEADER_BYTES
    hook = lib.rns_shadow_fallback(shadow)
    config = PoolConfig((Tier(1, 1),))
    pool = NativePool(none, config, header_bytes=header_bytes, fallback=hook)
    pool.require(lib.rns_pool_take(pool.pool, 1, lib.RNS_PRIORITY_NORMAL, ffi.new("void **")), "")
    return pool


def _summary(spec: SoakSpec, arena_bytes: int, hours: int = 0, events: int = 0) -> WorkloadSummary:
    return WorkloadSummary(
        name=f"soak {spec.workload}",
        events=events,
        duration_ns=hours * HOUR_NS,
        seed=spec.seed,
        provenance={
            "hours": str(spec.hours),
            **_WORKLOADS[spec.workload].provenance,
            "heap": HEAP,
            "arena_bytes": str(arena_bytes),
        },
    )


def _require_same(summary: WorkloadSummary, before: WorkloadResult) -> None:
    run = before.workload
    if (run.name, run.seed, run.provenance) != (summary.name, summary.seed, summary.provenance):
        raise ConfigError("the result that is to be resumed is of another soak")
