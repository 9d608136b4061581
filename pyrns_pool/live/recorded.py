"""A program that is watched while it runs, through the recorder, over a pool that it knows not."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Iterator, Optional, Sequence

from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.live._follow import Follower, read_info
from pyrns_pool.live.engine import HEAP_DEFAULT, Engine
from pyrns_pool.live.sample import Sample
from pyrns_pool.live.source import Alarms, Windows, miss_numbers, misses_of
from pyrns_pool.record import Stream, nothing_recorded, recording_environment
from pyrns_pool.results import SiteMisses

__all__ = ["Recorded"]

POLL_S = 0.02
END_S = 5.0
"""What a program has between SIGTERM and SIGKILL."""
SPOOL = Path("/var/tmp")  # On disk; /tmp may be memory.


class Recorded:
    """A command under the recorder, whose requests go to a pool as it makes them.

    Parameters
    ----------
    config : PoolConfig
        The pool. A fallback is not used: what it would serve is a miss.
    command : sequence of str
        Program and arguments.
    heap : str, optional
        The heap beside the pool, one of `HEAPS`; None: none.
    process : int, optional
        Which process is watched, from 1 in the order in which they started. By default it is the
        command itself, and after an exec what it became, from an empty pool on.
    spool : Path, optional
        Folder that keeps the recording, for `read_process`: some 6 bytes an event. By default
        what was read is given back to the disk, in $TMPDIR or else /var/tmp.
    stdout, stderr : file or int, optional
        Of the command, as in `subprocess.Popen`.

    Raises
    ------
    ConfigError
        If the pool, the heap or the number is refused, or there is no command.

    Notes
    -----
    Events are read in the order in which they happened, whatever the threads did. One that is
    missing for two seconds while others come is counted as lost.
    """

    def __init__(
        self,
        config: PoolConfig,
        command: Sequence[str],
        *,
        heap: Optional[str] = HEAP_DEFAULT,
        process: Optional[int] = None,
        spool: Optional[Path] = None,
        stdout: Stream = None,
        stderr: Stream = None,
    ) -> None:
        if process is not None and (isinstance(process, bool) or process < 1):
            raise ConfigError(f"process: {process!r} is not 1 or more")
        self.config, self.about = config, " ".join(command)
        self._command, self._heap, self._wanted = list(command), heap, process
        self._spool, self._streams = spool, (stdout, stderr)
        self._cleanup = ExitStack()
        self._follower: Optional[Follower] = None
        self._started: dict[Path, int] = {}  # Files of processes, and when they began.
        self._others = self._removed = 0
        self._begin_ns = time.monotonic_ns()
        self._early: list[int] = []
        self._new_engine()

    def _new_engine(self) -> None:
        self._engine = Engine(self.config, self._heap)
        self._alarms, self._windows = Alarms(self.config), Windows()

    def __enter__(self) -> Recorded:
        """Start the command.

        Raises
        ------
        ConfigError
            If there is no command.
        OSError
            If it cannot be started.
        """
        with ExitStack() as stack:
            if self._spool is None:
                folder = os.environ.get("TMPDIR") or (SPOOL if SPOOL.is_dir() else None)
                name = tempfile.TemporaryDirectory(prefix="pyrns-pool-live-", dir=folder)
                self._folder = Path(stack.enter_context(name))
            else:
                self._folder = self._spool
            environment = stack.enter_context(
                recording_environment(self._command, self._folder, endless=True)
            )
            stdout, stderr = self._streams
            self._begin_ns = time.monotonic_ns()
            self.process = subprocess.Popen(
                self._command, env=environment, stdout=stdout, stderr=stderr
            )
            stack.callback(self._end_process)
            self._cleanup = stack.pop_all()
        for number in self._early:
            self.process.send_signal(number)
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End the command if it still runs, and remove what it recorded."""
        if self._follower is not None:
            self._follower.close()
        self._cleanup.close()

    def _end_process(self) -> None:
        if self.process.poll() is None:
            self.stop()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self) -> None:
        """Ask the command to end, by SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        """Pass a signal on to the command, or keep it until that has started."""
        if hasattr(self, "process"):
            self.process.send_signal(number)
        else:
            self._early.append(number)

    def samples(self, period_s: float) -> Iterator[Sample]:
        """Yield a sample now and every `period_s` seconds, and one of the end.

        Raises
        ------
        TraceError
            If the command recorded nothing, or there was no such process.
        Damage
            If pool or heap contradict themselves.
        """
        next_s = time.monotonic()
        while self.process.poll() is None:
            now = time.monotonic()
            if now >= next_s:
                self._choose()
                yield self._sample()
                next_s = max(next_s + period_s, now)
            if self._follower is None:
                self._choose()
            if self._follower is None or not self._follower.read():
                time.sleep(max(0.0, min(POLL_S, next_s - time.monotonic())))
        self._choose()
        if self._follower is None:
            raise self._nothing()
        self._follower.finish()
        self._engine.check()
        yield self._sample()

    def _nothing(self) -> TraceError:
        if self._wanted is None or self._others == 0:
            return nothing_recorded(self._command)
        reason = f"there is no such process; there were {self._others}"
        return TraceError(reason, field="process", value=str(self._wanted))

    def _choose(self) -> None:
        """See which processes there are, and follow the one that is wanted."""
        for path in self._folder.glob("*.raw"):
            info = None if path in self._started else read_info(path)
            if info is not None:
                self._started[path] = int(info.start_ns)
        paths = sorted(self._started, key=self._started.__getitem__)
        mine: Optional[Path] = None
        if self._wanted is None:
            images = [path for path in paths if path.name.startswith(f"{self.process.pid}.")]
            mine = images[-1] if images else None
        elif self._follower is not None:
            mine = self._follower.path
        elif self._wanted <= len(paths):
            mine = paths[self._wanted - 1]
        self._others = self._removed + len(paths) - (mine is not None)
        if mine is None:
            return
        if self._follower is None or mine != self._follower.path:
            if self._follower is not None:
                self._follower.close()
                self._new_engine()
            self._follower = Follower(mine, self._engine.feed_native, self._spool is not None)
        if self._spool is None:
            self._remove_others(mine)

    def _remove_others(self, mine: Path) -> None:
        """Remove the files that nobody reads; their processes go on without recording more."""
        for path in self._started.keys() - {mine}:
            path.unlink()
            del self._started[path]
            self._removed += 1

    def _sample(self) -> Sample:
        engine, follower = self._engine, self._follower
        stats, misses = engine.stats(), engine.misses
        heap = engine.heap(stats)
        start_ns = self._begin_ns if follower is None else int(follower.info.start_ns)
        time_ns = max(0, time.monotonic_ns() - start_ns)
        status = self.process.returncode
        state = "waiting" if follower is None else "running"
        sites = [int(misses.last[i % len(misses.last)].site) for i in miss_numbers(misses)]
        names = {} if follower is None else follower.site_names(set(sites))
        alarms = self._alarms.step(time_ns, engine.peaks(), misses, heap)
        if status is not None:  # What is full no more at the end is no alarm.
            alarms = self._alarms.step(time_ns, engine.peaks(), misses, heap)
        return Sample(
            time_ns=time_ns,
            state=state if status is None else "ended",
            status=status if status is None or status >= 0 else 128 - status,
            events=engine.events,
            requests=stats.requests,
            hits=stats.hits,
            spills=stats.spills,
            exhausted=stats.exhausted,
            oversize=stats.oversize,
            in_use=stats.in_use,
            missed_bytes=engine.missed_bytes,
            missed_bytes_peak=engine.missed_bytes_peak,
            window=self._windows.step(time_ns, stats.requests, stats.misses),
            tiers=engine.tiers(stats),
            heap=heap,
            alarms=alarms,
            last_misses=misses_of(misses, self.config, [names[site] for site in sites]),
            behind=0 if follower is None else follower.behind,
            lost=0 if follower is None else follower.lost,
            unpaired_frees=engine.unpaired_frees,
            unfreed_reuses=engine.unfreed_reuses,
            other_processes=self._others,
        )

    def sites(self) -> tuple[SiteMisses, ...]:
        """Return the sites that missed, most misses first; names are looked for."""
        if self._follower is None:
            return ()
        counts = self._engine.site_counts()
        names = self._follower.site_names({site for site, _, _ in counts})
        sums: dict[str, SiteMisses] = {}
        for site, requests, misses in counts:
            before = sums.get(names[site], SiteMisses(names[site], 0, 0))
            sums[before.site] = SiteMisses(
                before.site, before.requests + requests, before.misses + misses
            )
        found = [row for row in sums.values() if row.misses]
        return tuple(sorted(found, key=lambda row: (-row.misses, row.site)))
