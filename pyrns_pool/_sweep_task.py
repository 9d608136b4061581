"""What a worker of a sweep does: functions that any executor can call, with small arguments.

Threads, processes and the workers of a cluster all run this. An input that was read is kept, so
that the next batch over it only runs.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional

from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import SweepError, TraceError
from pyrns_pool.sweep_inputs import SweepInput

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

__all__ = ["Batch", "Facts", "heed", "read_facts", "run_batch", "stop"]

KEPT_COST_MAX = 1 << 24
"""Of the inputs that a worker keeps, as events of a trace: about half a gigabyte."""

_stopped: set[str] = set()
_over: Optional[Event] = None


class _Stopped(Exception):
    """The sweep that wanted this is over."""


@dataclass(frozen=True)
class Batch:
    """Pools for one input: what is sent to a worker."""

    sweep: str
    """Name of the sweep, for `stop`."""
    version: str
    input: SweepInput
    sha256: str
    configs: tuple[PoolConfig, ...]


@dataclass(frozen=True)
class Facts:
    """What a sweep has to know of an input."""

    sha256: str
    events: int


@dataclass
class _Kept:
    """An input that was read, or is being read by who holds the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    data: Any = None
    sha256: str = ""
    cost: int = 0


_kept: OrderedDict[tuple[str, int, int], _Kept] = OrderedDict()
_kept_lock = threading.Lock()


def read_facts(sweep: str, version: str, one: SweepInput) -> Facts:
    """Read an input; what is wrong with it is found before anything runs.

    Raises
    ------
    TraceError
        If it cannot be read.
    SweepError
        If this worker is of another version.
    """
    _check_version(version)
    kept = _read(one, _reporter(sweep))
    return Facts(kept.sha256, len(kept.data))


def run_batch(batch: Batch) -> list[tuple[int, ...]]:
    """Run one input over pools.

    Returns
    -------
    list of tuple of int
        The numbers of `sweep_results.COUNTS`, one tuple for each pool in order.

    Raises
    ------
    SweepError
        If this worker is of another version, or its input is not the one that was meant.
    """
    _check_version(batch.version)
    report = _reporter(batch.sweep)
    kept = _read(batch.input, report)
    if kept.sha256 != batch.sha256:
        what = f"is another than when the sweep began, or than other workers read: {kept.sha256}"
        raise SweepError(f"{batch.input.path}: {what}, not {batch.sha256}")
    # Both methods belong to the same class of input, which mypy cannot know.
    run: Callable[..., tuple[int, ...]] = batch.input.run
    return [run(kept.data, config, report) for config in batch.configs]


def stop(sweep: str) -> None:
    """Let the threads of this process that work for a sweep leave within milliseconds."""
    _stopped.add(sweep)


def heed(over: Event) -> None:
    """Let this process leave its work when an event of its parent is set, and not by Ctrl-C.

    Ctrl-C at a terminal reaches the children as well; each would print a traceback.
    """
    global _over
    _over = over
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_version(wanted: str) -> None:
    if wanted != VERSION:
        raise SweepError(f"version: this worker has pyrns_pool {VERSION}, not {wanted}")


def _reporter(sweep: str) -> Callable[[float], None]:
    def report(_: float) -> None:
        if sweep in _stopped or (_over is not None and _over.is_set()):
            raise _Stopped

    report(0.0)
    return report


def _read(one: SweepInput, report: Callable[[float], None]) -> _Kept:
    """Return an input, read if it is not kept or if its file has changed."""
    try:
        stat = os.stat(one.path)
    except OSError as error:
        what = f"cannot be read by this worker ({error.strerror})"
        raise TraceError(what, path=one.path) from None
    key = (repr(one), stat.st_mtime_ns, stat.st_size)
    with _kept_lock:
        kept = _kept.setdefault(key, _Kept())
        _kept.move_to_end(key)
    with kept.lock:
        if kept.data is None:
            data: Any = one.load(report)
            kept.sha256, kept.cost = one.sha256(data), one.cost * len(data)
            kept.data = data
    with _kept_lock:
        while len(_kept) > 1 and sum(other.cost for other in _kept.values()) > KEPT_COST_MAX:
            _kept.popitem(last=False)
    return kept
