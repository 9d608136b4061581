"""Prometheus's text form of a replayed pool, written by python3-prometheus-client.

======================================= ======= =================================================
metric                                  kind    labels and meaning
======================================= ======= =================================================
pyrns_pool_slots_total                  gauge   tier: slots there are
pyrns_pool_slots_in_use                 gauge   tier: in use behind the last event
pyrns_pool_high_water                   gauge   tier: largest number in use
pyrns_pool_bytes_wasted                 gauge   tier: slot less requested bytes, all its requests
pyrns_pool_requests_total               counter tier, result: by home tier; hit, spill or full
                                                (and oversize, for the tier that is none)
======================================= ======= =================================================
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Sequence

from pyrns_pool.results import ReplayResult

__all__ = ["pool_metrics", "prometheus_text", "tier_gauge"]

NO_TIER = "none"


def tier_gauge(name: str, about: str, tiers: Iterable[Any], values: Iterable[float]) -> Any:
    """Return a gauge that has a value for each tier."""
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(f"pyrns_pool_{name}", about, labels=["tier"])
    for tier, value in zip(tiers, values):
        gauge.add_metric([str(tier.slot_bytes)], value)
    return gauge


def pool_metrics(tiers: Sequence[Any], oversize: int) -> Iterator[Any]:
    """Yield what is counted of every pool, whether it runs or has run.

    Parameters
    ----------
    tiers : sequence of TierStats
        Or of what has the same counts.
    oversize : int
        Requests above the largest tier.
    """
    from prometheus_client.core import CounterMetricFamily

    for name, about, values in (
        ("slots_total", "Slots of the tier.", [tier.slot_count for tier in tiers]),
        ("slots_in_use", "Slots in use at the end.", [tier.in_use for tier in tiers]),
        ("high_water", "Largest number of slots in use.", [tier.high_water for tier in tiers]),
    ):
        yield tier_gauge(name, about, tiers, values)
    about = "Requests by home tier and by what became of them."
    counter = CounterMetricFamily("pyrns_pool_requests", about, labels=["tier", "result"])
    for tier in tiers:
        for outcome, count in (
            ("hit", tier.hits),
            ("spill", tier.spills),
            ("full", tier.exhausted),
        ):
            counter.add_metric([str(tier.slot_bytes), outcome], count)
    counter.add_metric([NO_TIER, "oversize"], oversize)
    yield counter


class _Collector:
    """Hands the numbers of one replay to the client."""

    def __init__(self, result: ReplayResult) -> None:
        self.result = result

    def collect(self) -> Iterator[Any]:
        """Yield every metric."""
        stats = self.result.stats
        yield from pool_metrics(stats.tiers, stats.oversize)
        wasted = [fit.internal_fragmentation_bytes for fit in self.result.fit]
        about = "Slot bytes that the requests of the tier leave unused."
        yield tier_gauge("bytes_wasted", about, stats.tiers, wasted)


def prometheus_text(result: ReplayResult) -> str:
    """Return what a scrape of the replayed pool would read.

    Parameters
    ----------
    result : ReplayResult
        Of `pyrns_pool.replay`.

    Returns
    -------
    str
        In the text form 0.0.4.

    Raises
    ------
    ImportError
        If prometheus-client is not installed; says how to install it.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError:
        raise ImportError(
            "prometheus text needs prometheus-client: pip install prometheus-client "
            "(Debian: python3-prometheus-client)"
        ) from None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(result))  # type: ignore[arg-type]
    text: str = generate_latest(registry).decode()
    return text
