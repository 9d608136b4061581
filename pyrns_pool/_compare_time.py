"""How long an event of a trace takes pool, heap models and the process's malloc."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional, Sequence

from pyrns_pool._native import CORE_NONE_FILE, none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.compare_results import MallocRun
from pyrns_pool.errors import PyrnsPoolError
from pyrns_pool.heaps import Heap
from pyrns_pool.trace import Trace

__all__ = ["ns_per_event", "run_malloc"]

ROUNDS = 5
CHUNK_EVENTS = 1 << 18  # Some ten milliseconds, after which Ctrl-C is seen.
PROGRAM = Path(__file__).with_name("_compare_malloc.py")


class Timed:
    """A trace as C times it; the memory that `native` points into lives as long as this.

    Parameters
    ----------
    trace : Trace
        The events, sent to malloc unless `native` is given a pool or heaps.
    """

    def __init__(self, trace: Trace):
        ffi = none.ffi
        self._held = {
            "events": ffi.from_buffer("rns_event_t[]", trace.events),
            "block": ffi.from_buffer("uint32_t[]", trace.blocks),
            "blocks": ffi.new("unsigned char *[]", trace.block_count),
        }
        fields = {**self._held, "block_count": trace.block_count}
        self.native: Any = ffi.new("rns_timed_t *", fields)


def ns_per_event(
    trace: Trace, pool: Optional[NativePool], heaps: Sequence[Optional[Heap]]
) -> float:
    """Return the median over some rounds; pool and heaps are empty before and after.

    Parameters
    ----------
    trace : Trace
        The events.
    pool : NativePool, optional
        With the heaps behind it.
    heaps : sequence of Heap or None
        In the order in which they are asked.
    """
    lib, ffi = none
    timed = Timed(trace)
    state = timed.native
    state.pool = ffi.NULL if pool is None else pool.pool
    for index, heap in enumerate(heaps):
        state.heaps[index] = ffi.NULL if heap is None else heap.native
    rounds = []
    for _ in range(ROUNDS):
        lib.rns_timed_begin(state)
        begin = time.perf_counter_ns()
        for first in range(0, len(trace), CHUNK_EVENTS):
            lib.rns_timed_run(state, first, min(first + CHUNK_EVENTS, len(trace)))
        rounds.append(time.perf_counter_ns() - begin)
        lib.rns_timed_end(state)
    return statistics.median(rounds) / len(trace)


def run_malloc(trace: Trace) -> MallocRun:
    """Send a trace to the malloc of a process of its own, with this one's ``LD_PRELOAD``.

    Parameters
    ----------
    trace : Trace
        The events.

    Raises
    ------
    PyrnsPoolError
        If the process fails, or malloc refuses a request: it would be timed for doing less.
    """
    counts = (len(trace), trace.block_count)
    given = [count.to_bytes(8, "little") for count in counts]
    given += [trace.events.tobytes(), trace.blocks.tobytes()]
    # -I: what is in this directory and in PYTHONPATH is not meant for it.
    command = [sys.executable, "-I", str(PROGRAM), CORE_NONE_FILE]
    done = subprocess.run(command, input=b"".join(given), capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise PyrnsPoolError(f"malloc: the process that times it failed: {(said or ['?'])[-1]}")
    seen = json.loads(done.stdout)
    if seen["failures"]:
        largest = int(trace.events["size"].max())
        raise PyrnsPoolError(f"malloc: refused requests; the largest is of {largest:,} bytes")
    preloaded = os.environ.get("LD_PRELOAD", "").replace(":", " ").split()
    return MallocRun(
        library=", ".join(Path(name).name for name in preloaded) or "libc",
        ns_per_event=statistics.median(seen["ns"]) / len(trace),
        rss_bytes=seen["rss_bytes"],
    )
