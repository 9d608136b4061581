"""A gate for firmware: what a pool has to hold, and what broke it.

Every rule comes down to a number of requests that may go another way; the one after it broke the
rule, and is named with its tier, time, size and site.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Callable, Optional

import numpy as np

from pyrns_pool.config import PoolConfig, whole
from pyrns_pool.errors import ConfigError, printable
from pyrns_pool.replay import replay_blocks
from pyrns_pool.results import NO_TIER, ReplayResult
from pyrns_pool.stats import PoolStats, percent
from pyrns_pool.trace import Trace

__all__ = ["Breach", "Limits", "Verdict", "check_stats", "check_trace"]

COUNT_MAX = 2**63 - 1


@dataclass(frozen=True)
class Limits:
    """What a pool has to hold; None: anything goes.

    Parameters
    ----------
    min_hit_rate : float, optional
        Least share of the requests that a tier serves, 0 to 1.
    max_failures : int, optional
        Most requests that neither a tier nor the fallback serves.
    max_heap_allocations : int, optional
        Most requests that no tier serves, whether there is a fallback for them or not.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    min_hit_rate: Optional[float] = None
    max_failures: Optional[int] = None
    max_heap_allocations: Optional[int] = None

    def __post_init__(self) -> None:
        """Validate."""
        rate = self.min_hit_rate
        if rate is not None and (not isinstance(rate, (int, float)) or not 0 <= rate <= 1):
            raise ConfigError(f"min_hit_rate: {rate!r} is not in 0 to 1")
        for name in ("max_failures", "max_heap_allocations"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 0, COUNT_MAX)

    def bounds(self, stats: PoolStats) -> list[tuple[str, int, int, str]]:
        """Return rule, requests that went another way, how many may, and both in words."""
        rows = []
        if self.min_hit_rate is not None:
            served = stats.hits + stats.spills
            least = math.ceil(Fraction(str(self.min_hit_rate)) * stats.requests)
            rate = percent(served, stats.requests)
            words = f"hit rate {rate} is below {100 * self.min_hit_rate:g} %"
            rows.append(("min_hit_rate", stats.misses, stats.requests - least, words))
        for name, count in (("failures", stats.failures), ("heap_allocations", stats.misses)):
            most = getattr(self, f"max_{name}")
            if most is not None:
                words = f"{name.replace('_', ' ')}: {count:,}, more than {most:,}"
                rows.append((f"max_{name}", count, most, words))
        return rows


@dataclass(frozen=True)
class Breach:
    """A rule that does not hold, and the request that broke it."""

    rule: str
    text: str
    """Value and limit in words."""
    tier_slot_bytes: Optional[int]
    """Of the request's home tier; None if it is larger than every tier."""
    t_ns: int
    """When; the number of the event if the trace has no time."""
    size_bytes: int
    site: str


@dataclass(frozen=True)
class Verdict:
    """What the limits say of one trace."""

    result: ReplayResult
    breaches: tuple[Breach, ...]
    """One for each rule that does not hold."""

    @property
    def holds(self) -> bool:
        """Whether no rule is broken."""
        return not self.breaches

    def lines(self) -> list[str]:
        """Return one line for each broken rule, or one that says what holds."""
        name = self.result.trace.name or "trace"
        stats, config = self.result.stats, self.result.config
        if self.holds:
            rate = percent(stats.hits + stats.spills, stats.requests)
            return [
                f"{name}: holds with {config}: hit rate {rate}, {stats.failures:,} failures"
                f" of {stats.requests:,} requests"
            ]
        return [f"{name}: {breach.text}; {self._where(breach)}" for breach in self.breaches]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "holds": self.holds,
            "breaches": [asdict(breach) for breach in self.breaches],
            "replayed": self.result.to_dict(),
        }

    def _where(self, breach: Breach) -> str:
        size = f"request of {breach.size_bytes:,} bytes by {printable(breach.site) or '(no site)'}"
        trace = self.result.trace
        at = f"{breach.t_ns / 1e9:,.6f} s" if trace.has_time else f"event {breach.t_ns:,}"
        if breach.tier_slot_bytes is None:
            return f"broken at {at}: {size} is larger than every tier"
        larger = " and all larger ones" if self.result.config.policy == "spill" else ""
        return f"broken at {at}: tier {breach.tier_slot_bytes}{larger} full, {size}"


def check_trace(
    trace: Trace,
    config: PoolConfig,
    limits: Limits,
    *,
    progress: Optional[Callable[[float], object]] = None,
) -> Verdict:
    """Send a trace through a pool and hold the result against limits.

    Parameters
    ----------
    trace : Trace
        What the program requests.
    config : PoolConfig
        The pool.
    limits : Limits
        What has to hold.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    Verdict
        Exact: the trace is replayed through the pool itself.

    Examples
    --------
    >>> columns = {"t_ns": [0, 10], "op": [0, 0], "id": [1, 2], "size": [32, 64]}
    >>> trace = Trace.from_events(columns, ["app:main"])
    >>> verdict = check_trace(trace, PoolConfig.parse("64x1"), Limits(max_failures=0))
    >>> verdict.breaches[0].tier_slot_bytes, verdict.breaches[0].t_ns, verdict.breaches[0].site
    (64, 10, 'app:main')
    """
    result, tiers = replay_blocks(trace, config, progress=progress)
    missed = np.flatnonzero(tiers == NO_TIER)
    breaches = []
    for rule, count, most, text in limits.bounds(result.stats):
        if count > most:
            event = trace.events[trace.alloc_rows[missed[most]]]
            size_bytes = int(event["size"])
            homes = [tier.slot_bytes for tier in config.tiers if tier.slot_bytes >= size_bytes]
            breach = Breach(
                rule=rule,
                text=text,
                tier_slot_bytes=homes[0] if homes else None,
                t_ns=int(event["t_ns"]),
                size_bytes=size_bytes,
                site=trace.sites[event["site"]],
            )
            breaches.append(breach)
    return Verdict(result, tuple(breaches))


def check_stats(stats: PoolStats, limits: Limits) -> list[str]:
    """Hold what a pool counted against limits.

    Parameters
    ----------
    stats : PoolStats
        Of a pool that something has used.
    limits : Limits
        What has to hold.

    Returns
    -------
    list of str
        One line for each broken rule, with the tier that missed most.
    """
    worst = max(stats.tiers, key=lambda tier: tier.exhausted)
    where = f"most at tier {worst.slot_bytes}: {worst.exhausted:,} of {worst.requests:,} requests"
    if stats.oversize > worst.exhausted:
        where = f"most oversize: {stats.oversize:,}, up to {stats.largest_request_bytes:,} bytes"
    return [f"{text}; {where}" for _, count, most, text in limits.bounds(stats) if count > most]
