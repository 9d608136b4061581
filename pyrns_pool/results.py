"""What a replay found, as values; written to one file and read back from it.

A result holds everything that a figure or a report shows: those only draw.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ResultError, printable
from pyrns_pool.formats.files import PathLike, output_file
from pyrns_pool.formats.members import write_members
from pyrns_pool.stats import MisuseStats, PoolStats, RegionStats, TierStats

__all__ = [
    "BIN_DTYPE",
    "SIZE_DTYPE",
    "ReplayResult",
    "SiteMisses",
    "SizeFit",
    "TierTimes",
    "Timeline",
    "TraceSummary",
]

RESULT_FORMAT = "pyrns_pool replay 1"
RESULT_NAME = "result.npz"
MEMBER_BYTES_MAX = 1 << 28
NO_TIER = -1

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


@dataclass(frozen=True)
class TierTimes:
    """When things first happened to a tier, in nanoseconds of the trace."""

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
class ReplayResult:
    """A trace sent through a pool; see `pyrns_pool.replay.replay`."""

    trace: TraceSummary
    config: PoolConfig
    stats: PoolStats
    """The pool's own statistics at the end of the trace."""
    tier_times: tuple[TierTimes, ...]
    timeline: Timeline
    sizes: NDArray[np.void]
    """Distinct sizes, ascending: SIZE_DTYPE, shape (k,)."""
    fit: tuple[SizeFit, ...]
    """One for each tier."""
    sites: tuple[SiteMisses, ...]
    """Sites with misses, most first."""
    missed_bytes_peak: int
    """Most bytes of live blocks that no tier served: what a heap behind the pool must hold."""
    missed_bytes_peak_ns: int

    def to_dict(self) -> dict[str, Any]:
        """Return the summary that ``replay --json`` prints; plain values in a fixed order."""
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
            "missed_bytes_peak": self.missed_bytes_peak,
            "missed_bytes_peak_ns": self.missed_bytes_peak_ns,
            "trace": asdict(self.trace),
        }

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the whole result to one file, in NumPy's NPZ form.

        The same result gives the same bytes.

        Parameters
        ----------
        path : str or path-like
            The file; it appears once it is complete.
        overwrite : bool, optional
            Whether to replace a file of that name.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        values = {
            "format": RESULT_FORMAT,
            "trace": asdict(self.trace),
            "config": self.config.to_dict(),
            "stats": asdict(self.stats),
            "tier_times": [asdict(times) for times in self.tier_times],
            "fit": [asdict(fit) for fit in self.fit],
            "sites": [asdict(site) for site in self.sites],
            "missed_bytes_peak": self.missed_bytes_peak,
            "missed_bytes_peak_ns": self.missed_bytes_peak_ns,
        }
        text = json.dumps(values, separators=(",", ":")).encode()
        with output_file(path, overwrite) as file:
            write_members(
                file,
                {
                    "values": np.frombuffer(text, np.uint8),
                    "edges_ns": self.timeline.edges_ns,
                    "bins": self.timeline.bins,
                    "oversize": self.timeline.oversize,
                    "sizes": self.sizes,
                },
            )

    @classmethod
    def load(cls, path: PathLike) -> ReplayResult:
        """Read a result that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file, or the directory that holds ``result.npz``.

        Raises
        ------
        ResultError
            If it cannot be read, or is not a result of this version.
        """
        file = Path(path)
        if file.is_dir():
            file = file / RESULT_NAME
        try:
            members = _read_members(file)
            values = json.loads(members["values"].tobytes())
            if values["format"] != RESULT_FORMAT:
                raise ValueError(f"its format is {values['format']!r}")
            return _from_values(values, members)
        except FileNotFoundError:
            raise ResultError(printable(f"{file}: no such file")) from None
        # Damage shows as anything: zlib.error, TokenError, EOFError, ...
        except Exception as error:
            text = f"{file}: not a result of 'pyrns-pool replay' ({error})"
            raise ResultError(printable(text)) from None


def _read_members(file: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays, after their declared sizes were found to be bounded."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.file_size > MEMBER_BYTES_MAX:
                raise ValueError(f"{info.filename} is longer than {MEMBER_BYTES_MAX} bytes")
    with np.load(file, allow_pickle=False) as archive:
        members = {name: archive[name] for name in archive.files}
    plain = {"values": "u1", "edges_ns": "<i8", "oversize": "<u8"}
    wanted = {name: np.dtype(text) for name, text in plain.items()}
    for name, dtype in {**wanted, "bins": BIN_DTYPE, "sizes": SIZE_DTYPE}.items():
        if members[name].dtype != dtype:
            raise ValueError(f"{name} is {members[name].dtype}")
        members[name].flags.writeable = False
    return members


def _check_shapes(members: dict[str, NDArray[Any]], tier_count: int) -> None:
    count = members["oversize"].size
    shapes = {"edges_ns": (count + 1,), "bins": (count, tier_count), "oversize": (count,)}
    shapes["sizes"] = (members["sizes"].size,)
    for name, shape in shapes.items():
        if members[name].shape != shape:
            raise ValueError(f"{name} has the shape {members[name].shape}, not {shape}")


def _from_values(values: dict[str, Any], members: dict[str, NDArray[Any]]) -> ReplayResult:
    stats = values["stats"]
    _check_shapes(members, len(stats["tiers"]))
    parts = {
        "tiers": tuple(TierStats(**tier) for tier in stats["tiers"]),
        "regions": tuple(RegionStats(**region) for region in stats["regions"]),
        "misuse": MisuseStats(**stats["misuse"]),
    }
    return ReplayResult(
        trace=TraceSummary(**values["trace"]),
        config=PoolConfig.from_dict(values["config"]),
        stats=PoolStats(**{**stats, **parts}),
        tier_times=tuple(TierTimes(**times) for times in values["tier_times"]),
        timeline=Timeline(members["edges_ns"], members["bins"], members["oversize"]),
        sizes=members["sizes"],
        fit=tuple(SizeFit(**fit) for fit in values["fit"]),
        sites=tuple(SiteMisses(**site) for site in values["sites"]),
        missed_bytes_peak=values["missed_bytes_peak"],
        missed_bytes_peak_ns=values["missed_bytes_peak_ns"],
    )
