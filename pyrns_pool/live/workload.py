"""A workload that is watched while it runs over its pool, with a heap of equal RAM beside it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Iterator, Optional

from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.live.sample import HeapNow, Sample, TierNow
from pyrns_pool.live.source import Alarms, Windows, miss_numbers, misses_of
from pyrns_pool.results import SiteMisses
from pyrns_pool.workloads.soak import HEAP, HOUR_NS, Soak, SoakSpec

__all__ = ["LIVE_WORKLOADS", "Workload"]

LIVE_WORKLOADS = ("node", "rtp", "mixed")
"""Those of a soak that can stop at any moment."""
STEP_NS = 60_000_000_000  # Some hundredths of a second to run.
SPEED_MAX = 1e6


class Workload:
    """A workload of a soak; it gives what `run_soak` does, however it is watched.

    Parameters
    ----------
    spec : SoakSpec
        What to run.
    speed : float, optional
        Seconds of the workload's clock in a real one, above 0 to a million; None: as fast as it
        goes.

    Raises
    ------
    ConfigError
        If the workload only runs in hours, or `speed` or the pool is refused.
    """

    def __init__(self, spec: SoakSpec, *, speed: Optional[float] = None) -> None:
        if spec.workload not in LIVE_WORKLOADS:
            one_of = ", ".join(LIVE_WORKLOADS)
            raise ConfigError(f"workload: {spec.workload!r} is not one of {one_of}")
        if speed is not None and not 0 < speed <= SPEED_MAX:
            raise ConfigError(f"speed: {speed!r} is not above 0 and at most {SPEED_MAX:,.0f}")
        self.config: PoolConfig = spec.config
        pace = "as fast as it goes" if speed is None else f"at {speed:g} times its speed"
        self.about = f"{spec.workload} workload, seed {spec.seed}, {pace}"
        self._spec, self._speed = spec, speed
        self._stopped = threading.Event()
        self.soak = Soak(spec)
        """What runs; `Soak.result` once it has ended at a whole hour."""
        self._time_ns = 0
        self._alarms, self._windows = Alarms(spec.config), Windows()
        self._heap_before = (0, 0)  # Of the hours before this one.
        self._high_water = [0] * len(spec.config.tiers)

    def __enter__(self) -> Workload:
        """Return the workload."""
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Drop what the workload holds."""
        self.soak.close()

    def sites(self) -> tuple[SiteMisses, ...]:
        """Return nothing: a workload's requests have no sites."""
        return ()

    def send_signal(self, number: int) -> None:
        """End it at the next step."""
        self.stop()

    def stop(self) -> None:
        """End it at the next step."""
        self._stopped.set()

    def samples(self, period_s: float) -> Iterator[Sample]:
        """Yield a sample now and every `period_s` seconds, and one of the end."""
        begin = next_s = time.monotonic()
        yield self._sample("running")
        while not self._stopped.is_set() and not self.soak.is_done:
            next_s += period_s
            self._run_until(begin, next_s)
            if not self.soak.is_done and not self._stopped.is_set():
                yield self._sample("running")
                next_s = max(next_s, time.monotonic())
        yield self._sample("ended")

    def _run_until(self, begin: float, end_s: float) -> None:
        """Run for that real time, at the pace that is wanted."""
        while not self.soak.is_done and not self._stopped.is_set():
            now = time.monotonic()
            if now >= end_s:
                return
            if self._speed is None:
                self._advance(self._time_ns + STEP_NS)
                continue
            due_ns = int((now - begin) * 1e9 * self._speed)
            if due_ns > self._time_ns:
                self._advance(min(due_ns, self._time_ns + STEP_NS))
            else:
                self._stopped.wait(end_s - now)

    def _advance(self, end_ns: int) -> None:
        """Run up to a moment, or to the end of the hour if that is before it."""
        hour_end_ns = (self.soak.done + 1) * HOUR_NS
        if end_ns < hour_end_ns:
            self.soak.until(end_ns)
            self._time_ns = end_ns
            return
        self.soak.hour()
        hours = self.soak.hours()
        self._heap_before = tuple(  # type: ignore[assignment]
            int(hours[name].sum()) for name in ("heap_requests", "heap_failures")
        )
        self._time_ns = hour_end_ns

    def _heap(self) -> HeapNow:
        heap, tally = self.soak.heap, self.soak.heap_tally
        requests, failures = self._heap_before
        return HeapNow(
            HEAP,
            self.soak.arena_bytes,
            heap.total_free,
            heap.largest_free,
            requests + int(tally.requests),
            failures + int(tally.failures),
        )

    def _sample(self, state: str) -> Sample:
        soak, time_ns = self.soak, self._time_ns
        stats, misses = soak.stats(), soak.misses
        peaks = [  # A new mark was reached in between, even if it is over.
            tier.high_water if tier.high_water > before else tier.in_use
            for tier, before in zip(stats.tiers, self._high_water)
        ]
        self._high_water = [tier.high_water for tier in stats.tiers]
        heap = self._heap()
        alarms = self._alarms.step(time_ns, peaks, misses, heap)
        if state == "ended":  # What is full no more at the end is no alarm.
            in_use = [tier.in_use for tier in stats.tiers]
            alarms = self._alarms.step(time_ns, in_use, misses, heap)
        return Sample(
            time_ns=time_ns,
            state=state,
            status=0 if state == "ended" else None,
            events=soak.events,
            requests=stats.requests,
            hits=stats.hits,
            spills=stats.spills,
            exhausted=stats.exhausted,
            oversize=stats.oversize,
            in_use=stats.in_use,
            missed_bytes=0,
            missed_bytes_peak=0,
            window=self._windows.step(time_ns, stats.requests, stats.misses),
            tiers=tuple(
                TierNow(
                    slot_bytes=tier.slot_bytes,
                    slot_count=tier.slot_count,
                    in_use=tier.in_use,
                    high_water=tier.high_water,
                    high_water_ns=times.high_water_ns,
                    requests=tier.requests,
                    hits=tier.hits,
                    spills=tier.spills,
                    spills_in=tier.spills_in,
                    exhausted=tier.exhausted,
                    first_full_ns=times.high_water_ns
                    if tier.high_water == tier.slot_count
                    else None,
                    first_miss_ns=times.first_miss_ns,
                )
                for tier, times in zip(stats.tiers, soak.tier_times())
            ),
            heap=heap,
            alarms=alarms,
            last_misses=misses_of(misses, self.config, [""] * len(miss_numbers(misses))),
        )
