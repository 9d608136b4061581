"""What Prometheus reads of a live view; the names of the pool are those of a replay's export.

======================================= ======= =================================================
metric, beside those of the pool        kind    labels and meaning
======================================= ======= =================================================
pyrns_pool_running                      gauge   1 until the program or workload has ended
pyrns_pool_missed_bytes                 gauge   bytes that are live and that no tier served
pyrns_pool_alarm                        gauge   alarm, tier: 1 while it is on
pyrns_pool_alarms_raised_total          counter alarm, tier: how often it was raised
pyrns_pool_heap_free_bytes              gauge   heap: free bytes of the heap beside the pool
pyrns_pool_heap_largest_free_bytes      gauge   heap: its largest free block
pyrns_pool_heap_fragmentation_ratio     gauge   heap: 1 - largest free / free
pyrns_pool_heap_failures_total          counter heap: requests that it refused
pyrns_pool_events_lost_total            counter events that the recorder could not keep
======================================= ======= =================================================
"""

from __future__ import annotations

from typing import Any, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pyrns_pool.exports.prometheus import NO_TIER, pool_metrics
from pyrns_pool.live.sample import HeapNow, Sample

__all__ = ["metrics_text"]


class _Collector:
    """Hands the numbers of one sample to the client."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def collect(self) -> Iterator[Any]:
        """Yield every metric."""
        sample = self.sample
        yield from pool_metrics(sample.tiers, sample.oversize)
        about = "1 until the program or workload has ended."
        yield GaugeMetricFamily("pyrns_pool_running", about, value=sample.state != "ended")
        about = "Bytes that are live and that no tier served."
        yield GaugeMetricFamily("pyrns_pool_missed_bytes", about, value=sample.missed_bytes)
        labels = ["alarm", "tier"]
        is_on = GaugeMetricFamily("pyrns_pool_alarm", "1 while it is on.", labels=labels)
        about = "How often the alarm was raised."
        raised = CounterMetricFamily("pyrns_pool_alarms_raised", about, labels=labels)
        for alarm in sample.alarms:
            tier = NO_TIER if alarm.slot_bytes is None else str(alarm.slot_bytes)
            is_on.add_metric([alarm.name, tier], alarm.is_on)
            raised.add_metric([alarm.name, tier], alarm.raised)
        yield from (is_on, raised)
        if sample.heap is not None:
            yield from _heap_metrics(sample.heap)
        about = "Events that the recorder could not keep."
        yield CounterMetricFamily("pyrns_pool_events_lost", about, value=sample.lost)


def _heap_metrics(heap: HeapNow) -> Iterator[Any]:
    for name, about, value in (
        ("free_bytes", "Free bytes of the heap beside the pool.", heap.total_free),
        ("largest_free_bytes", "Its largest free block.", heap.largest_free),
        ("fragmentation_ratio", "1 - largest free / free.", heap.fragmentation),
    ):
        gauge = GaugeMetricFamily(f"pyrns_pool_heap_{name}", about, labels=["heap"])
        gauge.add_metric([heap.kind], value)
        yield gauge
    about = "Requests that the heap refused."
    counter = CounterMetricFamily("pyrns_pool_heap_failures", about, labels=["heap"])
    counter.add_metric([heap.kind], heap.failures)
    yield counter


def metrics_text(sample: Sample) -> str:
    """Return what a scrape reads, in the text form 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sample))  # type: ignore[arg-type]
    text: str = generate_latest(registry).decode()
    return text
