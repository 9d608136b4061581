"""What a pool went through, as values; written to one file and read back from it.

A result holds everything that a figure or a report shows: those only draw.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import RESULT_NAME, Members, SavedResult, checked
from pyrns_pool.config import PoolConfig
from pyrns_pool.slot_results import SlotUse, use_from
from pyrns_pool.stats import MisuseStats, PoolStats, RegionStats, TierStats
from pyrns_pool.trace import Trace

__all__ = [
    "BIN_DTYPE",
    "MachineUse",
    "RESULT_NAME",
    "SIZE_DTYPE",
    "PoolResult",
    "RegionUse",
    "ReplayResult",
    "SiteLarge",
    "SiteMisses",
    "SizeFit",
    "TierTimes",
    "Timeline",
    "TraceSummary",
]

NO_TIER = -1
EPISODES_SHOWN = 8
"""In a summary, those that missed most; the file of a result has them all."""

BIN_DTYPE = np.dtype(
    [
        ("in_use_ns", "<u8"),
        ("requests", "<u8"),
        ("spills", "<u8"),
        ("exhausted", "<u8"),
        ("in_use_min", "<u4"),
        ("in_use_max", "<u4"),
    ]
)
"""One tier during one bin; ``in_use_ns`` is slots in use summed over nanoseconds."""

SIZE_DTYPE = np.dtype([("size_bytes", "<u8"), ("requests", "<i8"), ("tier", "<i4")])
"""Requests of one size; ``tier`` is the index of their home tier, -1 if they are oversize."""


@dataclass(frozen=True)
class TraceSummary:
    """Which trace was replayed."""

    name: str
    sha256: str
    filter: str
    """How the trace was cut down before, "" if it was not."""
    events: int
    blocks: int
    duration_ns: int
    has_time: bool
    peak_live_bytes: int
    peak_live_blocks: int
    pairing: str = ""
    """How frees were paired with blocks that the recording does not name, "" if it does."""

    @classmethod
    def of(cls, trace: Trace) -> TraceSummary:
        """Return the summary of a trace."""
        peak = trace.peak_live()
        return cls(
            name=trace.provenance.get("file", trace.provenance.get("workload", "")),
            sha256=trace.sha256,
            filter=trace.provenance.get("filter", ""),
            events=len(trace),
            blocks=trace.block_count,
            duration_ns=trace.duration_ns,
            has_time=trace.has_time,
            peak_live_bytes=peak.bytes,
            peak_live_blocks=peak.blocks,
            pairing=trace.pairing,
        )


@dataclass(frozen=True)
class TierTimes:
    """When things first happened to a tier, in nanoseconds of the trace or the workload."""

    high_water_ns: int
    """When the high-water mark was reached."""
    first_miss_ns: Optional[int]
    """When a request of this home tier was first missed; None if none was."""


@dataclass(frozen=True)
class SiteMisses:
    """What one site requested, and how much of it no tier served."""

    site: str
    requests: int
    misses: int


@dataclass(frozen=True)
class RegionUse:
    """What of a pool, or of a heap, lies in one region of a machine."""

    region: str
    what: str
    """``pool slots``, ``pool metadata``, or the kind of a heap."""
    bytes: int
    """What is set aside."""
    peak_bytes: int
    """Most of it in use, a heap's headers and control structure included; of the slots, in
    `MachineUse`, each tier at its own high-water mark."""
    served: int
    """Requests."""
    refused: int
    """Requests that it was asked for in vain; another region may have served them."""


@dataclass(frozen=True)
class SiteLarge:
    """How many large requests of one site were served outside PSRAM."""

    site: str
    requests: int


@dataclass(frozen=True)
class MachineUse:
    """What lay where on a machine, and which requests above 1,024 bytes were not in PSRAM."""

    machine: str
    regions: tuple[RegionUse, ...]
    """Slots, metadata, and the heap of each region that the pool leaves room for."""
    outside_psram: Optional[tuple[SiteLarge, ...]]
    """Most first; None: the machine has no PSRAM."""


@dataclass(frozen=True)
class SizeFit:
    """How the requests of one home tier fill its slots, whether they were served or not."""

    slot_bytes: int
    requests: int
    requested_bytes: int
    internal_fragmentation_bytes: int
    """slot_bytes - size_bytes, summed over the requests."""

    @property
    def fragmentation(self) -> float:
        """Share of the slots' bytes that the requests leave unused, 0 to 1."""
        slots = self.requested_bytes + self.internal_fragmentation_bytes
        return self.internal_fragmentation_bytes / slots if slots else 0.0


@dataclass(frozen=True, eq=False)
class Timeline:
    """Every tier over time, in bins of equal width.

    Parameters
    ----------
    edges_ns : ndarray of int64, shape (n + 1,)
        Bin ``i`` holds the events with ``edges_ns[i] <= t_ns < edges_ns[i + 1]``.
    bins : ndarray of BIN_DTYPE, shape (n, tiers)
        ``in_use_min`` and ``in_use_max`` are of any moment of the bin.
    oversize : ndarray of uint64, shape (n,)
        Requests larger than every tier.
    """

    edges_ns: NDArray[np.int64]
    bins: NDArray[np.void]
    oversize: NDArray[np.uint64]

    @property
    def in_use_mean(self) -> NDArray[np.float64]:
        """Slots in use, mean over each bin's time: float64, shape (n, tiers)."""
        width = np.diff(self.edges_ns)[:, np.newaxis]
        mean: NDArray[np.float64] = self.bins["in_use_ns"] / width
        return mean

    @property
    def hit_rate(self) -> NDArray[np.float64]:
        """Share of each bin's requests that was served, by home tier: float64, shape (n, tiers).

        NaN where a bin has no request.
        """
        requests = self.bins["requests"].astype(np.float64)
        served = requests - self.bins["exhausted"]
        return np.divide(served, requests, out=np.full_like(served, np.nan), where=requests > 0)

    def coarsen(self, bins_max: int) -> Timeline:
        """Return the same timeline in fewer bins, neighbours merged; no count or extreme is lost.

        Parameters
        ----------
        bins_max : int
            Most bins of the new timeline, 1 or more.

        Examples
        --------
        >>> bins = np.zeros((3, 1), BIN_DTYPE)
        >>> bins["requests"][:, 0], bins["in_use_max"][:, 0] = [4, 1, 2], [1, 7, 2]
        >>> fine = Timeline(np.array([0, 10, 20, 30]), bins, np.array([0, 5, 6], np.uint64))
        >>> coarse = fine.coarsen(2)
        >>> coarse.edges_ns, coarse.bins["requests"][:, 0], coarse.bins["in_use_max"][:, 0]
        (array([ 0, 10, 30]), array([4, 3], dtype=uint64), array([1, 7], dtype=uint32))
        """
        count = len(self.oversize)
        if count <= bins_max:
            return self
        first = np.arange(bins_max) * count // bins_max
        bins = np.empty((bins_max, self.bins.shape[1]), BIN_DTYPE)
        for name in ("in_use_ns", "requests", "spills", "exhausted"):
            bins[name] = np.add.reduceat(self.bins[name], first)
        bins["in_use_min"] = np.minimum.reduceat(self.bins["in_use_min"], first)
        bins["in_use_max"] = np.maximum.reduceat(self.bins["in_use_max"], first)
        oversize = np.add.reduceat(self.oversize, first)
        return Timeline(self.edges_ns[np.append(first, count)], bins, oversize)


@dataclass(frozen=True, eq=False)
class PoolResult(SavedResult):
    """What is known of a pool after a run, whatever drove it."""

    config: PoolConfig
    stats: PoolStats
    """The pool's own statistics at the end of the run."""
    tier_times: tuple[TierTimes, ...]
    timeline: Timeline

    @property
    def has_time(self) -> bool:
        """Whether times are times, and not numbers of events."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return the summary of the pool; plain values in a fixed order."""
        stats = self.stats
        names = ("requests", "hits", "spills", "exhausted", "oversize", "fallbacks", "failures")
        return {
            **{name: getattr(stats, name) for name in names},
            "hit_rate": stats.hit_rate,
            "tiers": [
                {
                    "slot_bytes": tier.slot_bytes,
                    "slots": tier.slot_count,
                    "requests": tier.requests,
                    "hits": tier.hits,
                    "spills": tier.spills,
                    "exhausted": tier.exhausted,
                    "high_water": tier.high_water,
                    "high_water_ns": times.high_water_ns,
                    "first_miss_ns": times.first_miss_ns,
                    "in_use": tier.in_use,
                    "spills_in": tier.spills_in,
                    "largest_request_bytes": tier.largest_request_bytes,
                }
                for tier, times in zip(stats.tiers, self.tier_times)
            ],
            "policy": self.config.policy,
            "fallback": self.config.fallback,
            "slots_bytes": self.config.slots_bytes,
        }

    def pool_values(self) -> dict[str, Any]:
        """Return what a file holds of the pool as JSON; `pool_from` is the other way."""
        return {
            "config": self.config.to_dict(),
            "stats": asdict(self.stats),
            "tier_times": [asdict(times) for times in self.tier_times],
        }

    def pool_arrays(self) -> Members:
        """Return what a file holds of the pool as arrays."""
        timeline = self.timeline
        return {
            "edges_ns": timeline.edges_ns,
            "bins": timeline.bins,
            "oversize": timeline.oversize,
        }


def machine_from(values: dict[str, Any]) -> Optional[MachineUse]:
    """Return the machine that a file names, None where there is none, as in older files."""
    use = values.get("machine")
    if use is None:
        return None
    outside = use["outside_psram"]
    return MachineUse(
        use["machine"],
        tuple(RegionUse(**region) for region in use["regions"]),
        None if outside is None else tuple(SiteLarge(**site) for site in outside),
    )


def pool_from(values: dict[str, Any], members: Members) -> dict[str, Any]:
    """Return the fields of a `PoolResult` that a file holds; raise anything if it is damaged."""
    stats = values["stats"]
    parts = {
        "tiers": tuple(TierStats(**tier) for tier in stats["tiers"]),
        "regions": tuple(RegionStats(**region) for region in stats["regions"]),
        "misuse": MisuseStats(**stats["misuse"]),
    }
    oversize = checked(members, "oversize", "<u8", (-1,))
    bins = checked(members, "bins", BIN_DTYPE, (len(oversize), len(stats["tiers"])))
    edges_ns = checked(members, "edges_ns", "<i8", (len(oversize) + 1,))
    return {
        "config": PoolConfig.from_dict(values["config"]),
        "stats": PoolStats(**{**stats, **parts}),
        "tier_times": tuple(TierTimes(**times) for times in values["tier_times"]),
        "timeline": Timeline(edges_ns, bins, oversize),
    }


@dataclass(frozen=True, eq=False)
class ReplayResult(PoolResult):
    """A trace sent through a pool; see `pyrns_pool.replay.replay`."""

    FORMAT: ClassVar[str] = "pyrns_pool replay 1"

    trace: TraceSummary
    sizes: NDArray[np.void]
    """Distinct sizes, ascending: SIZE_DTYPE, shape (k,)."""
    fit: tuple[SizeFit, ...]
    """One for each tier."""
    sites: tuple[SiteMisses, ...]
    """Sites with misses, most first."""
    missed_bytes_peak: int
    """Most bytes of live blocks that no tier served: what a heap behind the pool must hold."""
    missed_bytes_peak_ns: int
    machine: Optional[MachineUse] = None
    """If one was meant."""
    slots: Optional[SlotUse] = None
    """What became of each slot and block, if they were followed."""

    @property
    def has_time(self) -> bool:
        """Whether the trace has times; else an event's time is its number."""
        return self.trace.has_time

    def to_dict(self) -> dict[str, Any]:
        """Return the summary that ``replay --json`` prints; plain values in a fixed order."""
        return {
            **super().to_dict(),
            "missed_bytes_peak": self.missed_bytes_peak,
            "missed_bytes_peak_ns": self.missed_bytes_peak_ns,
            "trace": asdict(self.trace),
            "machine": None if self.machine is None else asdict(self.machine),
            **self._episodes(),
        }

    def _episodes(self) -> dict[str, Any]:
        use = self.slots
        if use is None:
            return {"episode_count": None, "episodes": None}
        worst = [use.episode_values(row) for row in use.worst_episodes(EPISODES_SHOWN)]
        return {"episode_count": len(use.episodes), "episodes": worst}

    def _parts(self) -> tuple[dict[str, Any], Members]:
        values = {
            "trace": asdict(self.trace),
            **self.pool_values(),
            "fit": [asdict(fit) for fit in self.fit],
            "sites": [asdict(site) for site in self.sites],
            "missed_bytes_peak": self.missed_bytes_peak,
            "missed_bytes_peak_ns": self.missed_bytes_peak_ns,
            "machine": None if self.machine is None else asdict(self.machine),
            "slot_sites": None if self.slots is None else self.slots.sites,
        }
        slots = {} if self.slots is None else self.slots.arrays()
        return values, {**self.pool_arrays(), "sizes": self.sizes, **slots}

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> ReplayResult:
        return replay_from(values, members)


def replay_from(values: dict[str, Any], members: Members) -> ReplayResult:
    """Return the result that a file holds; raise anything if it is damaged."""
    slot_sites = values.get("slot_sites")  # None in older files, and without `slots`.
    return ReplayResult(
        **pool_from(values, members),
        trace=TraceSummary(**values["trace"]),
        sizes=checked(members, "sizes", SIZE_DTYPE, (-1,)),
        fit=tuple(SizeFit(**fit) for fit in values["fit"]),
        sites=tuple(SiteMisses(**site) for site in values["sites"]),
        missed_bytes_peak=values["missed_bytes_peak"],
        missed_bytes_peak_ns=values["missed_bytes_peak_ns"],
        machine=machine_from(values),
        slots=None if slot_sites is None else use_from(slot_sites, members),
    )
