"""Hit rate against slot count, as values; written to one file and read back from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, ClassVar, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import Members, SavedResult, checked
from pyrns_pool.erlang import Load, erlang_b
from pyrns_pool.errors import ConfigError
from pyrns_pool.results import TraceSummary
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["POINT_DTYPE", "CurveSet", "HitCurve", "TierCurve"]

EXACT, SIMULATED = "exact", "simulated"

POINT_DTYPE = np.dtype(
    [(name, "<i8") for name in ("slots", "requests", "hits", "spills")]
    + [(name, "<i8") for name in ("pool_requests", "pool_served")]
)
"""A tier with so many slots: its requests, and how many of them it and larger tiers served. The
same of the whole pool in a simulation; 0 in an exact curve, where tiers do not interact."""


@dataclass(frozen=True, eq=False)
class TierCurve:
    """One tier, by number of slots.

    Parameters
    ----------
    slot_bytes : int
        Largest size that is at home in it.
    points : ndarray of POINT_DTYPE, shape (n,)
        By ascending ``slots``. In an exact curve 1, 2, ... up to the number that misses nothing,
        none if there is no request; in a simulation those that were asked for.
    is_exact : bool
        Whether that holds for every number of slots.
    """

    slot_bytes: int
    points: NDArray[np.void]
    is_exact: bool

    @property
    def requests(self) -> int:
        """Requests of this home tier; in closed loop, with the most slots tried."""
        return int(self.points["requests"][-1]) if len(self.points) else 0

    @property
    def served(self) -> NDArray[np.int64]:
        """Requests served at each point, by this tier or, if the pool spills, a larger one."""
        served: NDArray[np.int64] = self.points["hits"] + self.points["spills"]
        return served

    @property
    def hit_rate(self) -> NDArray[np.float64]:
        """Share of the tier's requests that was served, at each point; 1 where there is none."""
        requests = self.points["requests"]
        whole = np.ones(len(requests))
        return np.divide(self.served, requests, out=whole, where=requests > 0)

    @property
    def pool_hit_rate(self) -> NDArray[np.float64]:
        """Share of all requests of the pool that was served, at each point; NaN if exact."""
        requests = self.points["pool_requests"]
        unknown = np.full(len(requests), np.nan)
        return np.divide(self.points["pool_served"], requests, out=unknown, where=requests > 0)

    @property
    def zero_miss_slots(self) -> Optional[int]:
        """Fewest slots with which no request is missed; None if no number tried suffices."""
        return self.slots_for(1.0)

    @property
    def anomaly(self) -> Optional[tuple[int, int]]:
        """Two neighbouring slot counts, of which the larger one serves fewer of the same requests.

        The first such pair, of the whole pool; None if there is none, as in every exact curve.
        """
        requests, served = self.points["pool_requests"], self.points["pool_served"]
        falls = np.flatnonzero((np.diff(requests) == 0) & (np.diff(served) < 0))
        if not len(falls):
            return None
        before, after = self.points["slots"][falls[0] : falls[0] + 2].tolist()
        return before, after

    def slots_for(self, hit_rate: float) -> Optional[int]:
        """Return the fewest slots that serve this share of the tier's requests.

        None if no number tried suffices.
        """
        if self.is_exact and not self.requests:
            return 0
        share = Fraction(hit_rate).limit_denominator(10**9)
        wanted = [-(-int(requests) * share // 1) for requests in self.points["requests"]]
        found = np.flatnonzero(self.served >= np.array(wanted, np.int64))
        return int(self.points["slots"][found[0]]) if len(found) else None

    def hits(self, slots: int) -> int:
        """Return the hits with so many slots.

        Raises
        ------
        ConfigError
            If the curve is simulated, and was not for that number.
        """
        if self.is_exact and slots >= 0:
            at = min(slots, len(self.points))
            return int(self.points["hits"][at - 1]) if at else 0
        found = np.flatnonzero(self.points["slots"] == slots)
        if not len(found):
            raise ConfigError(f"slots: {slots} is not among those that were simulated")
        return int(self.points["hits"][found[0]])

    def hit_rate_with(self, slots: int) -> Optional[float]:
        """Return the share of requests served with so many slots.

        None if the tier has no request, or that number was not simulated.
        """
        if not self.requests:
            return None
        if self.is_exact:
            return self.hits(slots) / self.requests
        found = np.flatnonzero(self.points["slots"] == slots)
        return float(self.hit_rate[found[0]]) if len(found) else None

    def high_water(self, slots: int) -> int:
        """Return the most slots that are in use at once if there are so many.

        Raises
        ------
        ConfigError
            If the curve is not exact.
        """
        if not self.is_exact:
            raise ConfigError("high_water: is known of an exact curve only")
        return min(slots, len(self.points))


@dataclass(frozen=True, eq=False)
class HitCurve:
    """What one trace or workload needs: every tier, by number of slots.

    Parameters
    ----------
    method : {"exact", "simulated"}
        Counted for every number of slots in one pass, or run anew for each number tried.
    policy : {"strict", "spill"}
        Of the pool.
    trace : TraceSummary or None
        What was replayed; None of a workload.
    name : str
        Of the trace's file or of the workload.
    tiers : tuple of TierCurve
        In a simulation one tier at a time has another number of slots, the others their `chosen`.
    oversize : int
        Requests larger than every tier.
    caveat : str
        What the trace does not say of its frees, "" if it says all.
    chosen : tuple of int or None
        Slots that the tiers have, or would have.
    loads : tuple of Load or None
        For Erlang's formula, where it was asked for; None for a tier without any.
    index : ndarray of uint32, shape (blocks,), or None
        Index that each block would get in a tier with slots without end; indeterminate for
        oversize ones. Not written to files.
    """

    method: str
    policy: str
    trace: Optional[TraceSummary]
    name: str
    tiers: tuple[TierCurve, ...]
    oversize: int
    caveat: str = ""
    chosen: Optional[tuple[int, ...]] = None
    loads: tuple[Optional[Load], ...] = ()
    index: Optional[NDArray[np.uint32]] = None

    @property
    def is_exact(self) -> bool:
        """Whether the curve holds for every number of slots."""
        return self.method == EXACT

    def load(self, tier: int) -> Optional[Load]:
        """Return the load of a tier, None if there is none or it was not asked for."""
        return self.loads[tier] if self.loads else None

    def erlang_hit_rate(self, tier: int) -> NDArray[np.float64]:
        """Return the hit rate by Erlang's formula at each point; NaN without a load."""
        slots, load = self.tiers[tier].points["slots"], self.load(tier)
        if load is None:
            return np.full(len(slots), np.nan)
        rates: NDArray[np.float64] = 1 - erlang_b(load.erlangs, int(slots[-1]))[slots]
        return rates

    def occupancy(self, trace: Trace, tier: int, slots: int) -> NDArray[np.int64]:
        """Return how many of `slots` slots of a tier are in use after each event of the trace.

        Parameters
        ----------
        trace : Trace
            The one that the curve was made of.
        tier : int
            Index of the tier.
        slots : int
            Any number, 0 or more.

        Returns
        -------
        ndarray of int64, shape (len(trace),)
            Of the strict pool with so many slots in that tier; no pool is run for it.

        Raises
        ------
        ConfigError
            If the curve is simulated, was read from a file, or is that of another trace.
        """
        if self.index is None or self.trace is None:
            raise ConfigError("occupancy: needs an exact curve that was not read from a file")
        if trace.sha256 != self.trace.sha256:
            raise ConfigError("occupancy: is asked of another trace than the curve's")
        low = self.tiers[tier - 1].slot_bytes if tier else -1
        sizes = trace.block_sizes.astype(np.int64)
        is_held = (low < sizes) & (sizes <= self.tiers[tier].slot_bytes) & (self.index < slots)
        step = np.where(trace.events["op"] == OP_ALLOC, 1, -1)
        return np.cumsum(np.where(is_held[trace.blocks], step, 0), dtype=np.int64)

    def to_list(self) -> list[dict[str, Any]]:
        """Return a value for each tier, as ``curve --json`` prints for one trace."""
        rows = []
        for i, tier in enumerate(self.tiers):
            load = self.load(i)
            row: dict[str, Any] = {
                "slot_bytes": tier.slot_bytes,
                "zero_miss_slots": tier.zero_miss_slots,
                "hits": tier.points["hits"].tolist(),
                "requests": tier.requests,
                "method": self.method,
                "policy": self.policy,
                "erlangs": None if load is None else load.erlangs,
                "peakedness": None if load is None else load.peakedness,
            }
            if not self.is_exact:
                names = [name for name in POINT_DTYPE.names or () if name != "hits"]
                row.update({name: tier.points[name].tolist() for name in names})
            rows.append(row)
        return rows


@dataclass(frozen=True, eq=False)
class CurveSet(SavedResult):
    """The curves of one or several traces with the same tiers.

    Parameters
    ----------
    curves : tuple of HitCurve
        One or more; same tiers, policy and method.
    """

    FORMAT: ClassVar[str] = "pyrns_pool curve 1"

    curves: tuple[HitCurve, ...]

    def __post_init__(self) -> None:
        """Validate."""
        kinds = {(one.method, one.policy, self._sizes(one)) for one in self.curves}
        if len(kinds) != 1:
            raise ConfigError(f"curves: {len(kinds)} kinds, and not one of the same tiers")

    @staticmethod
    def _sizes(curve: HitCurve) -> tuple[int, ...]:
        return tuple(tier.slot_bytes for tier in curve.tiers)

    @property
    def boundaries(self) -> tuple[int, ...]:
        """slot_bytes of the tiers."""
        return self._sizes(self.curves[0])

    def band(self, tier: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the hit rate of every curve, by slot count.

        Parameters
        ----------
        tier : int
            Index of the tier.

        Returns
        -------
        slots : ndarray of int64, shape (n,)
            Every number at which a curve has a point, ascending.
        hit_rate : ndarray of float64, shape (n, len(curves))
            Its minimum and maximum along axis 1 are the band. NaN where a trace has no such
            request, or a simulation was not run.
        """
        parts = [curve.tiers[tier] for curve in self.curves]
        slots: NDArray[np.int64] = np.unique(np.concatenate([p.points["slots"] for p in parts]))
        rates = np.full((len(slots), len(parts)), np.nan)
        for column, part in enumerate(parts):
            if not part.requests:
                continue
            at = np.searchsorted(part.points["slots"], slots, side="left")
            if part.is_exact:
                rates[:, column] = part.hit_rate[np.minimum(at, len(part.points) - 1)]
            else:
                known = np.isin(slots, part.points["slots"])
                rates[known, column] = part.hit_rate[at[known]]
        return slots, rates

    def to_json(self) -> list[Any]:
        """Return what ``curve --json`` prints: `HitCurve.to_list`, of several one for each."""
        if len(self.curves) == 1:
            return self.curves[0].to_list()
        return [{"trace": curve.name, "tiers": curve.to_list()} for curve in self.curves]

    def _parts(self) -> tuple[dict[str, Any], Members]:
        curves, arrays = [], {}
        for i, curve in enumerate(self.curves):
            values = {k: v for k, v in vars(curve).items() if k not in ("tiers", "index")}
            values["trace"] = None if curve.trace is None else asdict(curve.trace)
            values["loads"] = [None if load is None else asdict(load) for load in curve.loads]
            values["slot_bytes"] = [tier.slot_bytes for tier in curve.tiers]
            curves.append(values)
            arrays.update({f"points.{i}.{j}": t.points for j, t in enumerate(curve.tiers)})
        return {"curves": curves}, arrays

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> CurveSet:
        return curves_from(values, members)


def curves_from(values: dict[str, Any], members: Members) -> CurveSet:
    """Return the curves that a file holds; raise anything if it is damaged."""
    curves = []
    for i, one in enumerate(values["curves"]):
        sizes = one.pop("slot_bytes")
        tiers = (
            checked(members, f"points.{i}.{j}", POINT_DTYPE, (-1,)) for j in range(len(sizes))
        )
        exact = one["method"] == EXACT
        parts = {
            "trace": None if one["trace"] is None else TraceSummary(**one["trace"]),
            "tiers": tuple(TierCurve(s, points, exact) for s, points in zip(sizes, tiers)),
            "chosen": None if one["chosen"] is None else tuple(one["chosen"]),
            "loads": tuple(None if load is None else Load(**load) for load in one["loads"]),
        }
        curves.append(HitCurve(**{**one, **parts}))
    return CurveSet(tuple(curves))
