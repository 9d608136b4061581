"""What is known of a pool at one moment while a program runs over it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Optional

__all__ = ["ALARMS", "Alarm", "HeapNow", "Miss", "Sample", "TierNow", "Window"]

ALARMS = ("tier_filling", "misses", "heap_fragmentation")
"""``tier_filling``: 90 % of a tier's slots were in use, until it stays below 80 %. ``misses``: a
request was missed, until none was for ten seconds. ``heap_fragmentation``: external fragmentation
of the heap beside was 50 % or more, until it is below 45 %."""


@dataclass(frozen=True)
class TierNow:
    """One tier; requests are those whose home tier it is."""

    slot_bytes: int
    slot_count: int
    in_use: int
    high_water: int
    high_water_ns: int
    """When the high-water mark was first reached."""
    requests: int
    hits: int
    spills: int
    spills_in: int
    exhausted: int
    first_full_ns: Optional[int]
    """When all slots were first in use; None: never."""
    first_miss_ns: Optional[int]

    @property
    def hit_rate(self) -> float:
        """Share of the requests that a tier served, 0 to 1; 1 if there were none."""
        return (self.hits + self.spills) / self.requests if self.requests else 1.0


@dataclass(frozen=True)
class HeapNow:
    """The heap beside the pool, which sees the same requests."""

    kind: str
    arena_bytes: int
    total_free: int
    largest_free: int
    requests: int
    failures: int

    @property
    def fragmentation(self) -> float:
        """External fragmentation, 1 - largest_free / total_free, 0 to 1; 0 if nothing is free."""
        return 1 - self.largest_free / self.total_free if self.total_free else 0.0


@dataclass(frozen=True)
class Alarm:
    """An alarm that was raised at least once."""

    name: str
    """One of `ALARMS`."""
    slot_bytes: Optional[int]
    """Of the tier, if it is one of a tier."""
    is_on: bool
    raised: int
    """How often."""
    since_ns: int
    """When it was raised last, or ended if it is not on."""


@dataclass(frozen=True)
class Miss:
    """A request that no tier served."""

    time_ns: int
    size_bytes: int
    slot_bytes: Optional[int]
    """Of its home tier; None: larger than every tier."""
    site: str
    """Where it came from; empty if that is not known."""


@dataclass(frozen=True)
class Window:
    """What happened lately: ten seconds, or since the sample before if that is longer ago."""

    ns: int
    requests: int
    misses: int

    @property
    def hit_rate(self) -> Optional[float]:
        """Share of the window's requests that a tier served; None if there were none."""
        return 1 - self.misses / self.requests if self.requests else None

    @property
    def misses_per_s(self) -> float:
        """Misses in a second of the window; 0 if it has no length."""
        return self.misses * 1e9 / self.ns if self.ns else 0.0


@dataclass(frozen=True)
class Sample:
    """A pool, and the heap beside it, at one moment.

    All counts are since the start, and exact: of the events that were seen so far, which are all
    but `behind`.
    """

    time_ns: int
    """Since the start of the program, or of the workload's clock."""
    state: str
    """``waiting`` for the process to watch, ``running`` or ``ended``."""
    status: Optional[int]
    """Exit status, once it has ended."""
    events: int
    requests: int
    hits: int
    spills: int
    exhausted: int
    oversize: int
    in_use: int
    missed_bytes: int
    """Bytes of blocks in use that no tier serves."""
    missed_bytes_peak: int
    window: Window
    tiers: tuple[TierNow, ...]
    heap: Optional[HeapNow]
    alarms: tuple[Alarm, ...]
    last_misses: tuple[Miss, ...]
    """The newest at the end."""
    behind: int = 0
    """Events that happened but were not seen yet."""
    lost: int = 0
    """Events of which no record came."""
    unpaired_frees: int = 0
    """Left out: frees of blocks whose allocation is not known."""
    unfreed_reuses: int = 0
    """Allocations where a block was, whose free was lost; it keeps its slot."""
    other_processes: int = 0
    """Those of the program that are not watched."""

    @property
    def misses(self) -> int:
        """Requests that no tier served."""
        return self.exhausted + self.oversize

    @property
    def hit_rate(self) -> float:
        """Share of the requests that a tier served, 0 to 1; 1 if there were none."""
        return (self.hits + self.spills) / self.requests if self.requests else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the sample as plain values; counts are whole numbers, rates are 0 to 1."""
        values = asdict(self)
        values["misses"], values["hit_rate"] = self.misses, self.hit_rate
        window = self.window
        values["window"]["hit_rate"] = window.hit_rate
        values["window"]["misses_per_s"] = window.misses_per_s
        if self.heap is not None:
            values["heap"]["fragmentation"] = self.heap.fragmentation
        return values
