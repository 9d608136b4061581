"""What the tuner found, as values; written to one file and read back from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import Members, SavedResult, checked
from pyrns_pool.config import TIERS_MAX, PoolConfig, Tier, whole
from pyrns_pool.errors import ConfigError
from pyrns_pool.results import TraceSummary

__all__ = ["FRONT_DTYPE", "Compared", "Counts", "Goal", "Pin", "SiteChoice", "TierNeed"]
__all__ += ["TuneResult"]

BUDGET_BYTES_MAX = 1 << 32

FRONT_DTYPE = np.dtype(
    [
        ("max_tiers", "<i4"),
        ("budget_bytes", "<i8"),
        ("bytes", "<i8"),
        ("hits", "<i8"),
        ("requests", "<i8"),
        ("fragmentation", "<f8"),
        ("is_pareto", "?"),
    ]
)
"""The best pool of at most ``max_tiers`` tiers within ``budget_bytes``; ``hits`` and ``requests``
are weighted. ``is_pareto``: no other row has fewer bytes, more hits or less fragmentation without
being worse in another of them."""


@dataclass(frozen=True)
class Goal:
    """What is asked of a pool; exactly one of the first three is given.

    Parameters
    ----------
    budget_bytes : int, optional
        Most hits within so many bytes of slots.
    min_hit_rate : float, optional
        Fewest bytes for this share of the requests, above 0 and up to 1.
    max_misses : int, optional
        Fewest bytes with which no more requests than this are missed.
    max_tiers : int, optional
        Most tiers.
    max_fragmentation : float, optional
        Share of its slots' bytes that the requests of a tier may leave unused on average, 0 to 1.
    require : tuple of Tier, optional
        The pool has a tier of each of these sizes, with at least so many slots, of which the
        reserve is kept for requests with priority.

    Raises
    ------
    ConfigError
        If a value is refused; names the field, the value and the limit.
    """

    budget_bytes: Optional[int] = None
    min_hit_rate: Optional[float] = None
    max_misses: Optional[int] = None
    max_tiers: int = 4
    max_fragmentation: Optional[float] = None
    require: tuple[Tier, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        names = ("budget_bytes", "min_hit_rate", "max_misses")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            what = "none" if not given else " and ".join(given)
            raise ConfigError(f"goal: needs one of {', '.join(names)}; {what} is given")
        whole("max_tiers", self.max_tiers, 1, TIERS_MAX)
        if self.budget_bytes is not None:
            whole("budget_bytes", self.budget_bytes, 1, BUDGET_BYTES_MAX)
        if self.max_misses is not None:
            whole("max_misses", self.max_misses, 0, 1 << 62)
        if self.min_hit_rate is not None and not 0 < self.min_hit_rate <= 1:
            raise ConfigError(f"min_hit_rate: {self.min_hit_rate} is not above 0 and up to 1")
        cap = self.max_fragmentation
        if cap is not None and not 0 <= cap <= 1:
            raise ConfigError(f"max_fragmentation: {cap} is not in 0 to 1")
        object.__setattr__(self, "require", tuple(self.require))
        if len(self.require) > self.max_tiers:
            limit = f"max_tiers is {self.max_tiers}"
            raise ConfigError(f"require: {len(self.require)} tiers are too many, {limit}")
        if self.require:
            PoolConfig(self.require)

    def words(self) -> str:
        """Return the goal in a line."""
        if self.budget_bytes is not None:
            parts = [f"most hits within {self.budget_bytes:,} bytes of slots"]
        elif self.min_hit_rate is not None:
            parts = [f"fewest bytes for a hit rate of {100 * self.min_hit_rate:g} %"]
        else:
            parts = [f"fewest bytes for at most {self.max_misses:,} misses"]
        parts.append(f"at most {self.max_tiers} tiers")
        if self.max_fragmentation is not None:
            parts.append(f"at most {100 * self.max_fragmentation:g} % of a tier unused")
        for tier in self.require:
            kept = f", {tier.reserve_count} of them in reserve" if tier.reserve_count else ""
            parts.append(f"at least {tier.slot_count} slots of {tier.slot_bytes} bytes{kept}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Counts:
    """What becomes of the requests of one trace."""

    requests: int
    hits: int
    exhausted: int
    oversize: int

    @property
    def hit_rate(self) -> float:
        """Share that is served."""
        return self.hits / self.requests

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, named as those of a replay."""
        return {
            **asdict(self),
            "misses": self.exhausted + self.oversize,
            "hit_rate": self.hit_rate,
        }


@dataclass(frozen=True)
class TierNeed:
    """One tier of the pool found, over all traces."""

    slot_bytes: int
    slots: int
    requests: int
    hits: int
    sufficient_slots: int
    """With so many nothing of this home tier would have been missed, in any trace."""
    fragmentation: float
    """Share of the slots' bytes that its requests leave unused, served or not."""


@dataclass(frozen=True)
class Compared:
    """Somebody's pool beside the best of no more bytes."""

    name: str
    config: PoolConfig
    requests: int
    served: int
    """Hits and spills of a replay under the pool's own policy."""
    fragmentation: float
    tuned: Optional[PoolConfig]
    """The best pool of at most as many bytes; None if no pool is that small."""
    predicted: int
    """Its hits, by the curves."""
    replayed: int
    """Its hits, counted by the real pool."""

    @property
    def hit_rate(self) -> float:
        """Share that is served."""
        return self.served / self.requests

    @property
    def tuned_hit_rate(self) -> float:
        """Share that the tuned pool serves."""
        return self.replayed / self.requests

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "pool": str(self.config),
            "bytes": self.config.slots_bytes,
            "served": self.served,
            "hit_rate": self.hit_rate,
            "fragmentation": self.fragmentation,
            "tuned": None if self.tuned is None else str(self.tuned),
            "tuned_bytes": 0 if self.tuned is None else self.tuned.slots_bytes,
            "predicted": self.predicted,
            "replayed": self.replayed,
            "tuned_hit_rate": self.tuned_hit_rate,
        }


@dataclass(frozen=True)
class Pin:
    """A site whose long-lived blocks keep slots of a tier to themselves."""

    trace: str
    site: str
    slot_bytes: int
    blocks: int
    """Long-lived blocks that are in slots."""
    slots: int
    """Most slots that they hold at once."""


@dataclass(frozen=True)
class SiteChoice:
    """What becomes of all requests if some sites are treated apart, within the same budget."""

    sites: tuple[str, ...]
    place: str
    """"out": not from the pool, all missed; "own pool": from a pool of their own."""
    config: PoolConfig
    """The pool of the other sites."""
    own: Optional[PoolConfig]
    """The pool of these sites."""
    requests: int
    hits: int
    """Of all requests, those of these sites among them."""
    other_requests: int
    other_hits: int
    """Of the other sites."""

    @property
    def hit_rate(self) -> float:
        """Share of all requests that is served."""
        return self.hits / self.requests

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "sites": list(self.sites),
            "place": self.place,
            "pool": str(self.config),
            "own_pool": None if self.own is None else str(self.own),
            "hits": self.hits,
            "hit_rate": self.hit_rate,
            "other_requests": self.other_requests,
            "other_hits": self.other_hits,
        }


@dataclass(frozen=True, eq=False)
class TuneResult(SavedResult):
    """The best pool for one or several traces, and what is known around it.

    Parameters
    ----------
    goal : Goal
        What was asked.
    traces : tuple of TraceSummary
        What it was tuned on.
    weights : tuple of int
        What a hit counted in each trace.
    candidates : tuple of int
        Slot sizes that were tried.
    candidates_of : int
        Sizes there were, of which the candidates are a choice if they are fewer.
    config : PoolConfig
        The answer.
    metadata_bytes : int
        What the pool takes beside its slots, on this machine.
    tiers : tuple of TierNeed
        One for each tier.
    predicted : tuple of Counts
        By the curves, one for each trace.
    replayed : tuple of dict
        By the real pool, one for each trace: `ReplayResult.to_dict`. Equal to what is predicted.
    held_back : tuple of dict
        Replays of traces that it was not tuned on.
    compared : tuple of Compared
        Other pools beside it.
    front : ndarray of FRONT_DTYPE, shape (n,)
        Best pools of other budgets.
    pins : tuple of Pin
        Sites whose long-lived blocks keep slots, most slots first.
    sites : tuple of SiteChoice
        Sites treated apart, most hits first.
    worst_bound : float or None
        Where the worst served trace counts: no pool as asked serves all of them a larger share.
        What was found is the best there is if it reaches that.
    """

    FORMAT: ClassVar[str] = "pyrns_pool tune 1"

    goal: Goal
    traces: tuple[TraceSummary, ...]
    weights: tuple[int, ...]
    candidates: tuple[int, ...]
    candidates_of: int
    config: PoolConfig
    metadata_bytes: int
    tiers: tuple[TierNeed, ...]
    predicted: tuple[Counts, ...]
    replayed: tuple[dict[str, Any], ...]
    held_back: tuple[dict[str, Any], ...]
    compared: tuple[Compared, ...]
    front: NDArray[np.void]
    pins: tuple[Pin, ...] = ()
    sites: tuple[SiteChoice, ...] = ()
    worst_bound: Optional[float] = None

    @property
    def total(self) -> Counts:
        """What is predicted for all traces together."""
        names = ("requests", "hits", "exhausted", "oversize")
        return Counts(*(sum(getattr(one, name) for one in self.predicted) for name in names))

    @property
    def is_best(self) -> bool:
        """Whether it is known that no pool as asked is better."""
        if self.worst_bound is None:
            return True
        return min(one.hit_rate for one in self.predicted) >= self.worst_bound

    @property
    def hit_rate(self) -> float:
        """Share of the requests of all traces that is served."""
        return self.total.hit_rate

    @property
    def fragmentation(self) -> float:
        """Share of the slots' bytes that the requests leave unused, served or not."""
        slots = sum(tier.requests * tier.slot_bytes for tier in self.tiers)
        unused = sum(t.requests * t.slot_bytes * t.fragmentation for t in self.tiers)
        return unused / slots if slots else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what ``tune --json`` prints; plain values in a fixed order."""
        several = len(self.traces) > 1
        predicted = self.total.to_dict()
        if several:
            predicted["traces"] = [one.to_dict() for one in self.predicted]
        return {
            "tiers": [{**asdict(need), **self._reserve(i)} for i, need in enumerate(self.tiers)],
            "bytes": self.config.slots_bytes,
            "metadata_bytes": self.metadata_bytes,
            "predicted": predicted,
            "replayed": list(self.replayed) if several else self.replayed[0],
            "exact": self.is_best,
            **({} if self.worst_bound is None else {"worst_bound": self.worst_bound}),
            "goal": self.goal.words(),
            "weights": list(self.weights),
            "candidates": list(self.candidates),
            "candidates_of": self.candidates_of,
            "validated": list(self.held_back),
            "compared": [one.to_dict() for one in self.compared],
            "pins": [asdict(one) for one in self.pins],
            "sites": [one.to_dict() for one in self.sites],
        }

    def _reserve(self, tier: int) -> dict[str, int]:
        reserve = self.config.tiers[tier].reserve_count
        return {"reserve": reserve} if reserve else {}

    def _parts(self) -> tuple[dict[str, Any], Members]:
        values = {
            name: _plain(getattr(self, name))
            for name in self.__dataclass_fields__
            if name != "front"
        }
        return values, {"front": self.front}

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> TuneResult:
        return tune_from(values, members)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def tune_from(values: dict[str, Any], members: Members) -> TuneResult:
    """Return the result that a file holds; raise anything if it is damaged."""
    goal: dict[str, Any] = {
        **values["goal"],
        "require": tuple(Tier(**t) for t in values["goal"]["require"]),
    }
    compared = [
        Compared(**{**one, "config": _pool(one["config"]), "tuned": _pool(one["tuned"])})
        for one in values["compared"]
    ]
    sites = [
        SiteChoice(
            **{
                **one,
                "sites": tuple(one["sites"]),
                "config": _pool(one["config"]),
                "own": _pool(one["own"]),
            }
        )
        for one in values["sites"]
    ]
    return TuneResult(
        goal=Goal(**goal),
        traces=tuple(TraceSummary(**one) for one in values["traces"]),
        weights=tuple(values["weights"]),
        candidates=tuple(values["candidates"]),
        candidates_of=values["candidates_of"],
        config=PoolConfig.from_dict(values["config"]),
        metadata_bytes=values["metadata_bytes"],
        tiers=tuple(TierNeed(**one) for one in values["tiers"]),
        predicted=tuple(Counts(**one) for one in values["predicted"]),
        replayed=tuple(values["replayed"]),
        held_back=tuple(values["held_back"]),
        compared=tuple(compared),
        front=checked(members, "front", FRONT_DTYPE, (-1,)),
        pins=tuple(Pin(**one) for one in values["pins"]),
        sites=tuple(sites),
        worst_bound=values["worst_bound"],
    )


def _pool(values: Optional[dict[str, Any]]) -> Any:
    return None if values is None else PoolConfig.from_dict(values)
