"""Pool and heaps beside each other, as values; written to one file and read back from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import Members, SavedResult, checked
from pyrns_pool.config import PoolConfig
from pyrns_pool.results import RegionUse, TraceSummary

__all__ = ["CompareResult", "Contender", "FAILURE_DTYPE", "FREE_DTYPE", "MallocRun"]

POOL_PREFIX = "pool_"
MALLOC = "malloc"

FREE_DTYPE = np.dtype(
    [(name, "<u8") for name in ("events", "requests", "failures", "probe_failures")]
    + [(f"{what}_{how}", "<u8") for what in ("free", "largest") for how in ("sum", "min", "max")]
    + [("fragmentation_ppm_sum", "<u8")]
    + [(f"fragmentation_ppm_{how}", "<u4") for how in ("min", "max")]
)
"""One contender during one bin. ``free`` and ``largest`` are bytes, fragmentation millionths;
minima and maxima are of any moment of the bin, sums of the states after each event."""

FAILURE_DTYPE = np.dtype([("event", "<i8"), ("t_ns", "<i8"), ("size_bytes", "<u8")])
"""One request that failed: the row of the trace, when, and what was asked for."""


@dataclass(frozen=True)
class MallocRun:
    """What the process's own malloc did with the trace: it has no arena and refuses nothing."""

    library: str
    """What ``LD_PRELOAD`` names, else "libc"."""
    ns_per_event: float
    """Median of some rounds; each page of a block was written to."""
    rss_bytes: Optional[int]
    """Most by which the resident memory of its process grew; None where that is not known."""


@dataclass(frozen=True, eq=False)
class Contender:
    """What one contender did with the trace.

    Parameters
    ----------
    contender : str
        A heap's kind, or ``pool_strict`` or ``pool_spill``.
    arena_bytes : int
        What it was given.
    ram_bytes : int
        What it takes: the arena, but of a pool that is larger than it, the pool.
    heap : str
        Kind of the heap behind the pool, or the contender's own; "" if there was no room for one.
    requests, failures : int
        Allocations of the trace, and those that nothing served.
    first_failure_event, first_failure_ns : int or None
        Row of the trace and time; None: no failure.
    events, probe_failures : int
        States looked at, one after each event, and those in which a request of
        `CompareResult.probe_bytes` would have failed.
    fragmentation_mean, fragmentation_worst : float
        External fragmentation of its heap over these states, 0 to 1; 0 without a heap.
    peak_used_bytes : int
        Most of `ram_bytes` that was not free: headers, control structure, metadata and the
        unused ends of slots included.
    overhead_bytes_per_block : float
        What was used beyond the requested bytes, over the states, for each live block.
    zero_failure_bytes : int or None
        RAM in which nothing fails. Of a heap, the smallest arena found by bisection; of a pool,
        slots at the high-water marks of its sizes, metadata, and a heap for larger requests.
        None where that is out of reach of the model.
    zero_failure_with_heap_bytes : int or None
        Of a pool, as it is configured, with the smallest heap behind it that lets nothing fail.
    regions : tuple of RegionUse
        What lies where.
    bins : ndarray of FREE_DTYPE, shape (n,)
        The same over time.
    failed : ndarray of FAILURE_DTYPE, shape (m,)
        The first failures, at most 10,000 of them.
    ns_per_event : float or None
        Measured beside malloc's; None: malloc was not asked for.
    """

    contender: str
    arena_bytes: int
    ram_bytes: int
    heap: str
    requests: int
    failures: int
    first_failure_event: Optional[int]
    first_failure_ns: Optional[int]
    events: int
    probe_failures: int
    fragmentation_mean: float
    fragmentation_worst: float
    peak_used_bytes: int
    overhead_bytes_per_block: float
    zero_failure_bytes: Optional[int]
    zero_failure_with_heap_bytes: Optional[int]
    regions: tuple[RegionUse, ...]
    bins: NDArray[np.void]
    failed: NDArray[np.void]
    ns_per_event: Optional[float] = None

    def __post_init__(self) -> None:
        """Keep arrays that cannot be written to."""
        for array in (self.bins, self.failed):
            array.flags.writeable = False

    @property
    def is_pool(self) -> bool:
        """Whether it is a pool."""
        return self.contender.startswith(POOL_PREFIX)


@dataclass(frozen=True, eq=False)
class CompareResult(SavedResult):
    """The same events against a pool and against heaps.

    Parameters
    ----------
    trace : TraceSummary
        Which events.
    scaled : str
        How the sizes of the recording were changed, "" if they were not.
    config : PoolConfig
        The pool; its policy is that of no contender in particular.
    machine : str
        Name of the machine, "" if none was meant.
    probe_bytes : int
        Size asked for after each event.
    edges_ns : ndarray of int64, shape (n + 1,)
        Bin ``i`` holds the events with ``edges_ns[i] <= t_ns < edges_ns[i + 1]``.
    contenders : tuple of Contender
        Arena by arena, heaps after pools.
    malloc : MallocRun, optional
        If it was asked for.
    """

    FORMAT: ClassVar[str] = "pyrns_pool compare 1"

    trace: TraceSummary
    scaled: str
    config: PoolConfig
    machine: str
    probe_bytes: int
    edges_ns: NDArray[np.int64]
    contenders: tuple[Contender, ...]
    malloc: Optional[MallocRun] = None

    @property
    def arenas(self) -> tuple[int, ...]:
        """Bytes of each arena."""
        return tuple(dict.fromkeys(one.arena_bytes for one in self.contenders))

    def of_arena(self, arena_bytes: int) -> tuple[Contender, ...]:
        """Return the contenders in one arena."""
        return tuple(one for one in self.contenders if one.arena_bytes == arena_bytes)

    def of_peak_live(self, one: Contender) -> Optional[float]:
        """Return the RAM in which nothing fails as a multiple of what is live at the peak.

        None where either is not known: nothing is live if every request is of 0 bytes.
        """
        live = self.trace.peak_live_bytes
        return one.zero_failure_bytes / live if one.zero_failure_bytes and live else None

    def to_list(self) -> list[dict[str, Any]]:
        """Return a row for each contender; plain values in a fixed order.

        The row of malloc, if it ran, is the last and has None for all but time and memory.
        """
        rows = []
        for one in self.contenders:
            row = {name: value for name, value in _plain(one).items() if name not in _LATER}
            row["zero_failure_bytes"] = one.zero_failure_bytes
            row["zero_failure_of_peak_live"] = self.of_peak_live(one)
            row["zero_failure_with_heap_bytes"] = one.zero_failure_with_heap_bytes
            row.update({name: getattr(one, name) for name in _LATER[2:]})
            row["probe_bytes"] = self.probe_bytes
            row["regions"] = [asdict(use) for use in one.regions]
            row["pool"] = str(self.config).split()[0] if one.is_pool else None
            row["machine"] = self.machine or None
            row["scaled"] = self.scaled or None
            row.update(ns_per_event=one.ns_per_event, rss_bytes=None, library=None)
            rows.append(row)
        if self.malloc is not None:
            nothing = dict.fromkeys(rows[0])
            rows.append({**nothing, "contender": MALLOC, **asdict(self.malloc)})
        return rows

    def verdict(self) -> str:
        """Return in two sentences what a pool costs and what it is good for here."""
        return f"{self._price()} {self._failures()}"

    def _price(self) -> str:
        needs = {one.contender: one.zero_failure_bytes for one in self.contenders}
        known = {name: bytes_ for name, bytes_ in needs.items() if bytes_ is not None}
        heaps = {name: n for name, n in known.items() if not name.startswith(POOL_PREFIX)}
        pools = [n for name, n in known.items() if name.startswith(POOL_PREFIX)]
        if not heaps or not pools:
            return "What either needs to let nothing fail is out of the models' reach."
        leanest, pool = min(heaps, key=lambda name: heaps[name]), min(pools)
        more = "more" if pool > heaps[leanest] else "no more"
        return (
            f"To let nothing fail the pool takes {pool:,} bytes, {more} than {leanest} with its "
            f"{heaps[leanest]:,}: {pool / heaps[leanest]:.2f} times."
        )

    def _failures(self) -> str:
        arena = self.arenas[0]
        mine = self.of_arena(arena)
        pool = min((one for one in mine if one.is_pool), key=lambda one: one.failures)
        heaps = sorted((one for one in mine if not one.is_pool), key=lambda one: one.failures)
        over = f" and taking {pool.ram_bytes:,}" if pool.ram_bytes > arena else ""
        text = f"Given {arena:,} bytes{over}, {pool.contender} fails {_share(pool)}"
        if not heaps:
            return f"{text}."
        served = [one.contender for one in heaps if not one.failures]
        if served:
            return f"{text}; of {len(heaps)} heaps {len(served)} fail none: {', '.join(served)}."
        return f"{text}; the best of the heaps, {heaps[0].contender}, {_share(heaps[0])}."

    def _parts(self) -> tuple[dict[str, Any], Members]:
        values = {
            "trace": asdict(self.trace),
            "scaled": self.scaled,
            "config": self.config.to_dict(),
            "machine": self.machine,
            "probe_bytes": self.probe_bytes,
            "malloc": None if self.malloc is None else asdict(self.malloc),
            "contenders": [
                {
                    **_plain(one),
                    "regions": [asdict(use) for use in one.regions],
                    "ns_per_event": one.ns_per_event,
                }
                for one in self.contenders
            ],
        }
        arrays: dict[str, NDArray[Any]] = {"edges_ns": self.edges_ns}
        for i, one in enumerate(self.contenders):
            arrays[f"bins.{i}"], arrays[f"failed.{i}"] = one.bins, one.failed
        return values, arrays

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> CompareResult:
        return compare_from(values, members)


# Keys that the list of `to_list` has behind those that it promises to begin with.
_LATER = (
    "zero_failure_bytes",
    "zero_failure_with_heap_bytes",
    "ram_bytes",
    "heap",
    "events",
    "probe_failures",
    "overhead_bytes_per_block",
)


def _share(one: Contender) -> str:
    return f"{one.failures:,} of {one.requests:,} requests" if one.failures else "none"


def _plain(one: Contender) -> dict[str, Any]:
    parts = ("regions", "bins", "failed", "ns_per_event")
    return {name: value for name, value in vars(one).items() if name not in parts}


def compare_from(values: dict[str, Any], members: Members) -> CompareResult:
    """Return the result that a file holds; raise anything if it is damaged."""
    edges_ns = checked(members, "edges_ns", "<i8", (-1,))
    contenders = []
    for i, one in enumerate(values["contenders"]):
        parts = {
            "regions": tuple(RegionUse(**use) for use in one["regions"]),
            "bins": checked(members, f"bins.{i}", FREE_DTYPE, (len(edges_ns) - 1,)),
            "failed": checked(members, f"failed.{i}", FAILURE_DTYPE, (-1,)),
        }
        contenders.append(Contender(**{**one, **parts}))
    malloc = values.get("malloc")  # Older files have none.
    return CompareResult(
        trace=TraceSummary(**values["trace"]),
        scaled=values["scaled"],
        config=PoolConfig.from_dict(values["config"]),
        machine=values["machine"],
        probe_bytes=values["probe_bytes"],
        edges_ns=edges_ns,
        contenders=tuple(contenders),
        malloc=None if malloc is None else MallocRun(**malloc),
    )
