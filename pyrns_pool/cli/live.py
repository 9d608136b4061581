"""Watch what a program, or a workload, would do to a pool while it runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Optional

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_pool_arguments, config_of, print_sites, print_tier_rows
from pyrns_pool.cli.soak import POOLS
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.heaps import HEAPS
from pyrns_pool.live import LIVE_WORKLOADS, Recorded, Sample, Source, Workload
from pyrns_pool.live.engine import HEAP_DEFAULT
from pyrns_pool.live.log import Log
from pyrns_pool.live.terminal import View, view_for
from pyrns_pool.record import PASSED_ON
from pyrns_pool.workloads.soak import SoakSpec

EXIT_INTERRUPTED = 130
STDERR = 2
NICENESS = 10
PUMP_S = 1.0  # A child that the command leaves behind may never close what it prints to.
PERIOD_MIN, PERIOD_MAX = 0.05, 3600.0
HOURS_DEFAULT = 48
ONLY_OF = {"workload": ("hours", "seed", "speed"), "CMD": ("heap", "process")}


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is watched, and over which pool."""
    add = parser.add_argument
    add("command", metavar="CMD", nargs="*", help="behind --: the program and its arguments")
    add("--process", metavar="N", type=int, help="which one of CMD, from 1 [CMD itself]")
    add("--heap", choices=(*HEAPS, "none"), help=f"beside the pool, of CMD [{HEAP_DEFAULT}]")
    add("--workload", choices=LIVE_WORKLOADS, help="instead of CMD, as of soak")
    add("--hours", metavar="N", type=int, help=f"of the workload [{HOURS_DEFAULT}]")
    add("--seed", metavar="N", type=int, help="of all that the workload draws [1]")
    add("--speed", metavar="X", type=float, help="of its clock; 1: real time [as it goes]")
    add_pool_arguments(parser, PoolConfig.preset("design"))
    parser.set_defaults(fallback="none")


def source_of(given: argparse.Namespace, **streams: Any) -> Source:
    """Return what the arguments mean to watch; `streams` are stdout and stderr of a command."""
    kind = "CMD" if given.workload is None else "workload"
    for other, names in ONLY_OF.items():
        for name in names:
            if other != kind and getattr(given, name) is not None:
                raise ConfigError(f"--{name}: goes with {other}, not with {kind}")
    if given.workload is None:
        if not given.command:
            raise ConfigError("command: is needed behind --, or --workload")
        heap = given.heap or HEAP_DEFAULT
        heap = None if heap == "none" else heap
        config = config_of(given)
        return Recorded(config, given.command, heap=heap, process=given.process, **streams)
    if given.command:
        raise ConfigError("command: is one of CMD and --workload, not both")
    given.default_pool = POOLS[given.workload]
    hours = HOURS_DEFAULT if given.hours is None else given.hours
    seed = 1 if given.seed is None else given.seed
    spec = SoakSpec(config_of(given), given.workload, hours, seed)
    return Workload(spec, speed=given.speed)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_source_arguments(parser)
    add = parser.add_argument
    add("--period", metavar="S", type=float, default=1.0, help="seconds between samples [1]")
    add("--log", metavar="FILE", type=Path, help="CSV with a row for each sample")


def run(given: argparse.Namespace) -> int:
    """Watch, print what it came to; return the exit status of the command.

    The command keeps stdout, so everything goes to stderr. With --json a line for each sample goes
    to stdout, and what the command prints to stderr. Where a picture is drawn, what the command
    would print over it scrolls by above it.
    """
    if not PERIOD_MIN <= given.period <= PERIOD_MAX:
        raise ConfigError(f"period: {given.period} is not in {PERIOD_MIN} to {PERIOD_MAX:.0f}")
    if given.log is not None:
        output.refuse_existing([given.log], given.force)
    if given.json:
        return _watch(given, source_of(given, stdout=STDERR), None)
    is_picture = sys.stderr.isatty() and _has_rich()
    streams = {
        name: subprocess.PIPE
        for name in ("stdout", "stderr")
        if is_picture and getattr(sys, name).isatty()
    }
    source = source_of(given, **streams)
    return _watch(given, source, view_for(source, sys.stderr))


def _has_rich() -> bool:
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


def _watch(given: argparse.Namespace, source: Source, view: Optional[View]) -> int:
    """Show samples until the end, then print the last one; with no view, samples as JSON."""
    interrupted: list[int] = []
    with ExitStack() as stack:
        stack.enter_context(_signals(source, interrupted))
        log = None
        if given.log is not None:
            log = stack.enter_context(Log(given.log, source.config, given.force))
        stack.enter_context(source)
        if isinstance(source, Recorded):
            os.nice(NICENESS)  # Where cores are scarce the command comes first.
        if view is None:
            last = _show(source, given.period, log, _print_line)
        else:
            with view:
                pumps = _pumps(source, view)
                last = _show(source, given.period, log, view.show)
                for pump in pumps:
                    pump.join(PUMP_S)
            with contextlib.redirect_stdout(sys.stderr):
                print_end(last, source)
    if interrupted and isinstance(source, Workload):
        return EXIT_INTERRUPTED
    return last.status or 0


def _show(
    source: Source, period_s: float, log: Optional[Log], show: Callable[[Sample], None]
) -> Sample:
    """Log and show every sample; return the last."""
    for sample in source.samples(period_s):
        if log is not None:
            log.write(sample)
        show(sample)
    return sample


def _print_line(sample: Sample) -> None:
    print(json.dumps(sample.to_dict(), allow_nan=False), flush=True)


@contextlib.contextmanager
def _signals(source: Source, interrupted: list[int]) -> Iterator[None]:
    """Let Ctrl-C end the workload; of a command it is the command's, as the terminal sends it."""

    def handle(number: int, frame: object) -> None:
        interrupted.append(number)
        if number != signal.SIGINT or isinstance(source, Workload):
            source.send_signal(number)

    before = {}
    for kind in (signal.SIGINT, *PASSED_ON):
        if signal.getsignal(kind) != signal.SIG_IGN:  # As under nohup: so for the command.
            before[kind] = signal.signal(kind, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pumps(source: Source, view: View) -> list[threading.Thread]:
    """Begin to pass on what the command prints, line by line."""
    process = getattr(source, "process", None)
    streams = [] if process is None else [process.stdout, process.stderr]

    def pump(stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                view.write(line.decode("utf-8", "replace").rstrip("\r\n"))

    threads = [
        threading.Thread(target=pump, args=(stream,), daemon=True)
        for stream in streams
        if stream is not None
    ]
    for thread in threads:
        thread.start()
    return threads


def print_end(sample: Sample, source: Source) -> None:
    """Print a row for each tier, where it missed, alarms, what is not whole, and the verdict."""
    config = source.config
    print(f"live  {source.about}: {sample.events:,} events, {output.duration(sample.time_ns)}")
    print(f"pool  {config}: {config.slots_bytes:,} bytes of slots\n")
    print_tier_rows(sample, sample.tiers, output.duration)
    print_sites(source.sites())
    for alarm in sample.alarms:
        tier = "" if alarm.slot_bytes is None else f" of {alarm.slot_bytes}"
        what = (
            f"{alarm.name.replace('_', ' ')}{tier}: raised {output.plural(alarm.raised, 'time')}"
        )
        print(f"alarm   {what}, {'still on' if alarm.is_on else 'ended'}")
    for line in _shortcomings(sample):
        print(f"  {line}")
    served = f"{output.percent(sample.hit_rate)} of {output.plural(sample.requests, 'request')}"
    print(f"\n{served} served by the pool.")
    if sample.heap is not None:
        heap = sample.heap
        what = f"{heap.kind} of {heap.arena_bytes:,} bytes beside it refused {heap.failures:,}"
        print(f"The {what}, {output.percent(heap.fragmentation)} fragmented at the end.")


def _shortcomings(sample: Sample) -> Iterator[str]:
    if sample.lost:
        yield f"{output.plural(sample.lost, 'event')} lost: no record came"
    if sample.unfreed_reuses:
        yield f"{output.plural(sample.unfreed_reuses, 'free')} lost"
    if sample.other_processes:
        count = sample.other_processes
        words = "1 other process was" if count == 1 else f"{count} other processes were"
        yield f"{words} not watched; --process N watches another"
