"""Many pools for many recordings: every pair is run, on threads, processes or a Dask cluster.

What is swept over is files, since a worker may be another process or another machine: each reads
them itself and is told by a hash whether they are the ones that were meant.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import Counter
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, TypeVar, Union

import numpy as np

from pyrns_pool._sweep_journal import Journal, pool_texts, run_keys
from pyrns_pool._sweep_task import Batch, Facts, read_facts, run_batch, stop
from pyrns_pool._sweep_workers import call_back, workers
from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, PyrnsPoolError, SweepError, printable
from pyrns_pool.formats import save_trace
from pyrns_pool.formats.files import PathLike
from pyrns_pool.sweep_inputs import NodeInput, SweepInput, TraceInput
from pyrns_pool.sweep_results import COUNTS, ROW_DTYPE, InputSummary, SweepResult
from pyrns_pool.trace import Trace

__all__ = ["sweep"]

SWEEP_CONFIGS_MAX = 100_000
SWEEP_RUNS_MAX = 1_000_000
"""Inputs times pools; more is several sweeps."""
BATCH_COST = 1 << 24
"""Events in one task: some 200 milliseconds, beside which the cost of the task is small."""
BATCH_CONFIGS_MAX = 256
IN_FLIGHT_MIN = 16
IN_FLIGHT_PER_WORKER = 4
"""Tasks handed over at a time, so that no worker waits and few have to be called back."""

Progress = Callable[[float], object]
_Key = TypeVar("_Key")
_Call = tuple[_Key, Callable[..., Any], tuple[Any, ...]]
"""What the result is to be known by, the function, its arguments."""


def sweep(
    configs: Iterable[PoolConfig],
    inputs: Iterable[Union[PathLike, Trace, SweepInput]],
    executor: Optional[Executor] = None,
    *,
    journal: Optional[PathLike] = None,
    progress: Optional[Progress] = None,
) -> SweepResult:
    """Run every input over every pool.

    Parameters
    ----------
    configs : iterable of PoolConfig
        The pools, 1 to 100,000; of equal ones the first is taken.
    inputs : iterable of path-like, Trace, TraceInput or NodeInput
        What drives them: a path is that of a trace, and a trace is written to a temporary file,
        which other machines cannot see. Inputs times pools are 1,000,000 at most.
    executor : concurrent.futures.Executor, optional
        Where the work is done: threads (the default, one for each processor; replays run side by
        side in them, nodes one after the other), processes, or
        ``distributed.Client.get_executor()``. It is left open.
    journal : str or path-like, optional
        A file to which every run is appended once it is done, and from which those are taken that
        it holds already: the same call goes on where it was interrupted or killed.
    progress : callable, optional
        Called in this thread with the fraction of the runs that is done, 0 to 1.

    Returns
    -------
    SweepResult
        The same inputs and pools give an equal one, whatever ran them and in how many pieces.

    Raises
    ------
    SweepError
        If there is nothing to run, or too much; if two inputs have the same name; if a worker is
        of another version, cannot be used, or reads another file than the others; if the journal
        cannot be used.
    TraceError
        If an input cannot be read; then nothing was run.
    ConfigError
        If a pool does not fit in memory.
    KeyboardInterrupt
        On Ctrl-C; the journal holds what is done.

    Notes
    -----
    A run costs what `replay` or `run_node` does, and a task, which is up to 256 runs of one input,
    a fraction of a millisecond for threads and a few on a cluster; benchmarks/sweep_speed.py
    measures it. Each input is read once by each worker, twice if the worker keeps no room for it.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> node = rp.TraceInput(rp.shipped("microreticulum_node_a.npz"), site="RNS::Bytes::*")
    >>> pools = [rp.PoolConfig.parse(f"64x{slots},512x16") for slots in (16, 64)]
    >>> result = rp.sweep(pools, [node])
    >>> result.table[["tiers", "slots_bytes", "hits", "exhausted"]].tolist()
    [('64x16,512x16', 9216, 18, 219162), ('64x64,512x16', 12288, 1024, 218156)]
    """
    with ExitStack() as stack:
        threads = executor or stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        chosen = _configs(configs)
        given = [_input(one, number, stack) for number, one in enumerate(inputs, start=1)]
        _check_extent(chosen, given)
        log = None if journal is None else stack.enter_context(Journal(journal))
        result = _Sweep(threads, chosen, given, log, progress).run()
    return result


def _configs(configs: Iterable[PoolConfig]) -> tuple[PoolConfig, ...]:
    chosen = tuple(dict.fromkeys(configs))
    for config in chosen:
        if not isinstance(config, PoolConfig):
            raise ConfigError(f"configs: {config!r} is no PoolConfig")
    return chosen


def _input(one: Union[PathLike, Trace, SweepInput], number: int, stack: ExitStack) -> SweepInput:
    if isinstance(one, (TraceInput, NodeInput)):
        return one
    if not isinstance(one, Trace):
        return TraceInput(os.fspath(one))
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pyrns_pool."))
    path = Path(folder) / "trace.npz"
    save_trace(one, path)
    words = (one.provenance.get(name, "") for name in ("file", "filter"))
    return TraceInput(str(path), name=" ".join(filter(None, words)) or f"trace {number}")


def _check_extent(configs: Sequence[PoolConfig], inputs: Sequence[SweepInput]) -> None:
    for what, count in (("configs", len(configs)), ("inputs", len(inputs))):
        if count == 0:
            raise SweepError(f"{what}: there is none")
    for what, count, limit in (
        ("configs", len(configs), SWEEP_CONFIGS_MAX),
        ("runs", len(configs) * len(inputs), SWEEP_RUNS_MAX),
    ):
        if count > limit:
            raise SweepError(f"{what}: {count} is beyond the limit of {limit}")
    for name, count in Counter(one.name for one in inputs).items():
        if count > 1:
            raise SweepError(
                f"inputs: '{name}' is there twice; give one of them a name of its own"
            )


class _Sweep:
    """One sweep: what is to be run, where, and what is known so far."""

    def __init__(
        self,
        executor: Executor,
        configs: tuple[PoolConfig, ...],
        inputs: list[SweepInput],
        journal: Optional[Journal],
        progress: Optional[Progress],
    ) -> None:
        self._name = secrets.token_hex(8)
        self._executor, self._configs, self._inputs = executor, configs, inputs
        self._journal, self._progress = journal, progress
        self._pending: set[Future[Any]] = set()
        self._in_flight = IN_FLIGHT_MIN
        self._rows = np.zeros((len(inputs), len(configs)), ROW_DTYPE)
        self._rows["input"] = np.arange(len(inputs))[:, np.newaxis]
        self._rows["config"] = np.arange(len(configs))
        self._is_done = np.zeros(self._rows.shape, np.bool_)

    def run(self) -> SweepResult:
        """Read the inputs, run what the journal does not hold, and return all."""
        self._executor, count = workers(self._executor)
        self._in_flight = max(IN_FLIGHT_MIN, IN_FLIGHT_PER_WORKER * count)
        try:
            calls = ((i, read_facts, (self._name, VERSION, one)) for i, one in self._numbered())
            facts: dict[int, Facts] = dict(self._collect(calls))
            keys = self._keys(facts)
            resumed = self._resume(keys)
            for (i, configs), counts in self._collect(self._batches(facts)):
                if self._journal is not None:
                    self._journal.add((keys[i][j] for j in configs), counts)
                self._note(i, configs, counts)
        except BaseException:
            self._abandon()
            raise
        summaries = (
            InputSummary(one.name, one.kind, facts[i].sha256, facts[i].events)
            for i, one in self._numbered()
        )
        return SweepResult(tuple(summaries), self._configs, self._rows.reshape(-1), resumed)

    def _numbered(self) -> Iterator[tuple[int, SweepInput]]:
        return enumerate(self._inputs)

    def _keys(self, facts: dict[int, Facts]) -> list[list[str]]:
        """Return what the journal calls each run, by input; nothing without a journal."""
        if self._journal is None:
            return []
        pools = pool_texts(self._configs)
        return [run_keys(one, facts[i].sha256, pools) for i, one in self._numbered()]

    def _resume(self, keys: list[list[str]]) -> int:
        """Take what the journal holds; return how much that was."""
        done = {} if self._journal is None else self._journal.done
        for i, of_input in enumerate(keys):
            known = [j for j, key in enumerate(of_input) if key in done]
            self._note(i, known, [done[of_input[j]] for j in known])
        return int(self._is_done.sum())

    def _note(self, i: int, configs: Sequence[int], counts: list[tuple[int, ...]]) -> None:
        if not configs:
            return
        for name, column in zip(COUNTS, zip(*counts)):
            self._rows[name][i, configs] = column
        self._is_done[i, configs] = True
        if self._progress is not None:
            self._progress(float(self._is_done.mean()))

    def _batches(self, facts: dict[int, Facts]) -> Iterator[_Call[tuple[int, list[int]]]]:
        """Yield what is left to do, input by input, since a worker keeps what it has read."""
        # A short sweep in long tasks would leave workers idle at its end.
        fair = int((~self._is_done).sum()) // self._in_flight
        for i, one in self._numbered():
            left: list[int] = np.flatnonzero(~self._is_done[i]).tolist()
            cost = one.cost * facts[i].events
            step = max(1, min(BATCH_CONFIGS_MAX, BATCH_COST // cost, fair))
            for first in range(0, len(left), step):
                mine = left[first : first + step]
                pools = tuple(self._configs[j] for j in mine)
                batch = Batch(self._name, VERSION, one, facts[i].sha256, pools)
                yield (i, mine), run_batch, (batch,)

    def _collect(self, calls: Iterator[_Call[_Key]]) -> Iterator[tuple[_Key, Any]]:
        """Have every call made, a bounded number at a time; yield results as they come."""
        finished: SimpleQueue[Future[Any]] = SimpleQueue()
        keys: dict[Future[Any], _Key] = {}
        while True:
            for key, function, arguments in islice(calls, self._in_flight - len(keys)):
                future = self._executor.submit(function, *arguments)
                keys[future] = key
                self._pending.add(future)
                future.add_done_callback(finished.put)
            if not keys:
                return
            future = finished.get()
            self._pending.discard(future)
            yield keys.pop(future), self._result(future)

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except (PyrnsPoolError, MemoryError):
            raise
        except CancelledError:
            raise SweepError("workers: the executor was shut down or lost its scheduler") from None
        except Exception as error:  # Its process was killed too often, or has no such module.
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            raise SweepError(printable(f"workers: {what}")) from error

    def _abandon(self) -> None:
        """Call back what was handed over; what is running in this process ends by itself."""
        stop(self._name)
        call_back(self._executor, self._pending)
