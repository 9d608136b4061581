"""Programs and workloads watched over a pool while they run."""

from pyrns_pool.live.recorded import Recorded
from pyrns_pool.live.sample import ALARMS, Alarm, HeapNow, Miss, Sample, TierNow, Window
from pyrns_pool.live.source import Source
from pyrns_pool.live.workload import LIVE_WORKLOADS, Workload

__all__ = [
    "ALARMS",
    "LIVE_WORKLOADS",
    "Alarm",
    "HeapNow",
    "Miss",
    "Recorded",
    "Sample",
    "Source",
    "TierNow",
    "Window",
    "Workload",
]
