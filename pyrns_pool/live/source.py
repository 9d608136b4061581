"""What is common to everything that can be watched: how it is used, alarms, and the window."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, Iterator, Optional, Protocol, Sequence

from pyrns_pool._native import none
from pyrns_pool.config import PoolConfig
from pyrns_pool.live.sample import ALARMS, Alarm, HeapNow, Miss, Sample, Window
from pyrns_pool.results import SiteMisses

__all__ = ["Alarms", "Source", "Windows", "misses_of", "or_never"]

WINDOW_NS = 10_000_000_000
PPM = 1_000_000
QUIET_NS: int = none.lib.RNS_MISSES_QUIET_NS


class Source(Protocol):
    """A program or a workload that is watched; a context manager."""

    config: PoolConfig
    """The pool."""
    about: str
    """What is watched, in a few words."""

    def samples(self, period_s: float) -> Iterator[Sample]:
        """Yield a sample now and every `period_s` seconds; the last one has the state ``ended``.

        One thread may use it. It blocks in between.
        """

    def sites(self) -> tuple[SiteMisses, ...]:
        """Return the sites that missed, most misses first; none if they are not known."""

    def send_signal(self, number: int) -> None:
        """Pass a signal on to the program, or end the workload."""

    def stop(self) -> None:
        """Ask for the end; the last sample comes soon. May be called from any thread."""

    def __enter__(self) -> Source:
        """Begin."""

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End what still runs, and drop everything."""


class Windows:
    """Keeps as many earlier counts as a window needs."""

    def __init__(self) -> None:
        self._past: deque[tuple[int, int, int]] = deque([(0, 0, 0)])

    def step(self, time_ns: int, requests: int, misses: int) -> Window:
        """Return the window that ends now."""
        past = self._past
        while len(past) > 1 and past[1][0] <= time_ns - WINDOW_NS:
            past.popleft()
        begin = past[0]
        past.append((time_ns, requests, misses))
        return Window(max(0, time_ns - begin[0]), requests - begin[1], misses - begin[2])


class Alarms:
    """The alarms of a pool and of the heap beside it."""

    def __init__(self, config: PoolConfig) -> None:
        ffi = none.ffi
        self._tiers = config.tiers
        self._watches = [  # At or above 90 %, and until below 80 %, in whole slots.
            ffi.new(
                "rns_watch_t *",
                {
                    "is_above": True,
                    "bad": -(-9 * tier.slot_count // 10),
                    "good": -(-8 * tier.slot_count // 10),
                },
            )
            for tier in config.tiers
        ]
        limits = {"is_above": True, "bad": PPM // 2, "good": 45 * PPM // 100}
        self._heap = ffi.new("rns_watch_t *", limits)
        self._known: dict[tuple[str, Optional[int]], Alarm] = {}

    def step(
        self, time_ns: int, peaks: Sequence[int], misses: Any, heap: Optional[HeapNow]
    ) -> tuple[Alarm, ...]:
        """Return the alarms that were raised so far.

        Parameters
        ----------
        time_ns : int
            Now.
        peaks : sequence of int
            Most slots of each tier that were in use since the last step.
        misses : C ``rns_misses_t *``
            Of the pool.
        heap : HeapNow, optional
            Beside it.
        """
        for tier, watch, peak in zip(self._tiers, self._watches, peaks):
            self._look(ALARMS[0], tier.slot_bytes, watch, peak, time_ns)
        if heap is not None and heap.total_free:
            ppm = (heap.total_free - heap.largest_free) * PPM // heap.total_free
            self._look(ALARMS[2], None, self._heap, ppm, time_ns)
        if misses.episodes:
            last_ns = misses.last[(misses.count - 1) % len(misses.last)].t_ns
            is_on = time_ns - last_ns < QUIET_NS
            since_ns = misses.episode_ns if is_on else last_ns + QUIET_NS
            alarm = Alarm(ALARMS[1], None, is_on, int(misses.episodes), int(since_ns))
            self._known[ALARMS[1], None] = alarm
        return tuple(self._known.values())

    def _look(
        self, name: str, slot_bytes: Optional[int], watch: Any, value: int, time_ns: int
    ) -> None:
        change = none.lib.rns_watch_step(watch, value)
        if change != none.lib.RNS_WATCH_SAME:
            is_on = change == none.lib.RNS_WATCH_RAISED
            before = self._known.get((name, slot_bytes))
            raised = int(is_on) + (0 if before is None else before.raised)
            self._known[name, slot_bytes] = Alarm(name, slot_bytes, is_on, raised, time_ns)


def misses_of(misses: Any, config: PoolConfig, names: Sequence[str]) -> tuple[Miss, ...]:
    """Return the misses that C keeps.

    Parameters
    ----------
    misses : C ``rns_misses_t *``
        Of a pool.
    config : PoolConfig
        Of that pool.
    names : sequence of str
        Of the site of each miss, the oldest first.
    """
    kept = [misses.last[i % len(misses.last)] for i in miss_numbers(misses)]
    found = []
    for miss, name in zip(kept, names):
        size = int(miss.size_bytes)
        home = next((t.slot_bytes for t in config.tiers if t.slot_bytes >= size), None)
        found.append(Miss(int(miss.t_ns), size, home, name))
    return tuple(found)


def miss_numbers(misses: Any) -> range:
    """Return the numbers of the misses that C keeps, the oldest first."""
    return range(max(0, int(misses.count) - len(misses.last)), int(misses.count))


def or_never(time_ns: int) -> Optional[int]:
    """Return a time of C, where -1 is never."""
    return None if time_ns < 0 else int(time_ns)
