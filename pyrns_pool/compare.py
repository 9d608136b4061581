"""The same events against a pool and against heaps: who fails, when, and what each takes in RAM.

Every contender gets the same arena. A pool lies in it with a heap in what is left; if it is larger
than the arena it has no heap behind it, and its result says that it takes more. All is replayed
open-loop, by one engine (``csrc/lab/rns_compare.h``) that looks at what is free after each event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Optional, Sequence

import numpy as np

from pyrns_pool._compare_run import FAILURES_KEPT, PROBE_BYTES, Run
from pyrns_pool._compare_time import ns_per_event, run_malloc
from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool._timeline import bin_edges
from pyrns_pool.compare_results import MALLOC, CompareResult, Contender
from pyrns_pool.config import POLICIES, TIERS_MAX, PoolConfig, Tier
from pyrns_pool.errors import ConfigError
from pyrns_pool.heaps import HEAPS, Heap
from pyrns_pool.regions import Machine, pool_ram_bytes
from pyrns_pool.results import RegionUse, TraceSummary
from pyrns_pool.trace import Trace

__all__ = ["compare", "pool_ram_bytes", "sized_pool"]

BINS_DEFAULT = 1000
STEP_BYTES = 64  # Arenas are told apart by it when the smallest is looked for.
FALLBACK_HEAP = "tlsf"
_ARENA_BYTES_MAX: int = none.lib.RNS_HEAP_ARENA_BYTES_MAX


def compare(
    trace: Trace,
    config: PoolConfig,
    arenas: Sequence[int],
    *,
    heaps: Sequence[str] = HEAPS,
    machine: Optional[Machine] = None,
    bins: int = BINS_DEFAULT,
    progress: Optional[Callable[[float], object]] = None,
) -> CompareResult:
    """Send a trace to a pool, strict and spill, and to heaps.

    Parameters
    ----------
    trace : Trace
        What was recorded or generated.
    config : PoolConfig
        The pool; its policy and fallback do not matter.
    arenas : sequence of int
        Bytes that each contender is given, of each arena in turn.
    heaps : sequence of str, optional
        Of `pyrns_pool.heaps.HEAPS`; and "malloc", the process's own, for time and resident memory
        only. With it every contender is timed.
    machine : Machine, optional
        Its alignment and width of headers hold for every heap, its first region's heap lies
        behind the pool (else TLSF), and a second region serves what the first refuses.
    bins : int, optional
        Most bins of the timeline.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    CompareResult
        The same arguments give an equal one, always, but for what is measured with malloc.

    Raises
    ------
    ConfigError
        If an arena, a heap or `bins` is out of range.

    Notes
    -----
    Some fifty nanoseconds for each event and contender, and about as much for each of some 15
    arenas tried until the smallest is found that lets nothing fail. On the packet-node workload
    these arenas come within 2 % of those published of the originals (tests/test_compare.py).

    Examples
    --------
    >>> from pyrns_pool.workloads import packet_node
    >>> trace = packet_node(52_000, events=50_000)
    >>> result = compare(trace, sized_pool(trace, [112, 200, 504]), [65_536], heaps=["tlsf"])
    >>> [(one.contender, one.failures) for one in result.contenders]
    [('pool_strict', 0), ('pool_spill', 0), ('tlsf', 35)]
    """
    for arena in arenas:
        if isinstance(arena, bool) or not 1 <= arena <= _ARENA_BYTES_MAX:
            raise ConfigError(f"arenas: {arena!r} is not in 1 to {_ARENA_BYTES_MAX}")
    for name in heaps:
        if name not in (*HEAPS, MALLOC):
            raise ConfigError(f"heaps: {name!r} is none of {', '.join(HEAPS)}, {MALLOC}")
    trace.require_identity("a comparison")
    is_timed = MALLOC in heaps
    bench = _Bench(trace, config, machine, bins, is_timed)
    models = [name for name in dict.fromkeys(heaps) if name != MALLOC]
    names = [*(f"pool_{policy}" for policy in POLICIES), *models]
    contenders = []
    for arena in arenas:
        for name in names:
            contenders.append(bench.contender(name, arena))
            if progress is not None:
                progress(len(contenders) / (len(arenas) * len(names)))
    return CompareResult(
        trace=TraceSummary.of(trace),
        scaled=trace.provenance.get("scaled", ""),
        config=config,
        machine="" if machine is None else machine.name,
        probe_bytes=PROBE_BYTES,
        edges_ns=bench.edges_ns,
        contenders=tuple(contenders),
        malloc=run_malloc(trace) if is_timed else None,
    )


def sized_pool(trace: Trace, slot_bytes: Sequence[int]) -> PoolConfig:
    """Return the pool of these sizes that has no slot too few for a trace, and none too many.

    Parameters
    ----------
    trace : Trace
        What it has to serve.
    slot_bytes : sequence of int
        Ascending; a size that would be no request's home is left out.

    Returns
    -------
    PoolConfig
        Strict. Requests above the largest size are not served.

    Raises
    ------
    ConfigError
        If no request is as small as the largest of the sizes, or there are too many.

    Examples
    --------
    >>> columns = {"t_ns": [0, 1, 2, 3], "op": [0, 1, 0, 0], "id": [1, 1, 2, 3]}
    >>> trace = Trace.from_events({**columns, "size": [30, 0, 20, 100]})
    >>> str(sized_pool(trace, [32, 64, 128]))
    '32x1,128x1 strict'
    """
    if not 1 <= len(slot_bytes) <= TIERS_MAX:
        raise ConfigError(f"slot_bytes: {len(slot_bytes)} sizes are not 1 to {TIERS_MAX}")
    home = np.searchsorted(np.array(slot_bytes, np.uint64), trace.block_sizes, side="left")
    home_of_event = home[trace.blocks]
    step = np.where(trace.events["op"] == none.lib.RNS_EVENT_ALLOC, 1, -1)
    tiers = []
    for index, size in enumerate(slot_bytes):
        mine = step[home_of_event == index]
        if len(mine):
            tiers.append(Tier(size, int(np.cumsum(mine).max())))
    if not tiers:
        raise ConfigError(f"slot_bytes: no request is of {max(slot_bytes)} bytes or less")
    return PoolConfig(tuple(tiers))


class _Bench:
    """A trace and what it is sent to; keeps the arenas that were found, as they cost most."""

    def __init__(
        self,
        trace: Trace,
        config: PoolConfig,
        machine: Optional[Machine],
        bins: int,
        is_timed: bool,
    ) -> None:
        self.trace, self.machine, self.is_timed = trace, machine, is_timed
        self.config = PoolConfig(config.tiers)
        start_ns, last_ns = (int(trace.events["t_ns"][row]) for row in (0, -1))
        self.edges_ns = bin_edges(start_ns, last_ns + 1, bins, self.config)
        self.heap_options = (
            {}
            if machine is None
            else {"alignment": machine.alignment, "header_bits": machine.header_bits}
        )
        self.fallback = FALLBACK_HEAP if machine is None else machine.regions[0].heap
        slots_bytes, metadata_bytes = pool_ram_bytes(config)
        first = "" if machine is None else machine.regions[0].name
        self.pool_parts = [
            ("pool slots", slots_bytes, first if machine is None else machine.pool_region),
            (
                "pool metadata",
                metadata_bytes,
                first if machine is None else machine.metadata_region,
            ),
        ]
        self._smallest: dict[Any, Optional[int]] = {}

    def contender(self, name: str, arena_bytes: int) -> Contender:
        """Run one contender in one arena."""
        policy = name.removeprefix("pool_") if name.startswith("pool_") else None
        kind = self.fallback if policy else name
        first = "" if self.machine is None else self.machine.regions[0].name
        inside = sum(n for _, n, region in self.pool_parts if region == first) if policy else 0
        heaps = [(first, self._heap(kind, arena_bytes - inside))]
        if self.machine is not None and len(self.machine.regions) > 1:
            second = self.machine.regions[1]
            outside = sum(n for _, n, region in self.pool_parts if region == second.name)
            room = second.bytes - (outside if policy else 0)
            heaps.append((second.name, self._heap(second.heap, room)))
        if policy is None and heaps[0][1] is None:
            raise ConfigError(f"arenas: {arena_bytes} do not hold a heap of kind {kind}")
        run = Run(self.trace, self._pool(policy), [heap for _, heap in heaps])
        run.timeline(self.edges_ns)
        result = self._result(name, arena_bytes, max(arena_bytes, inside), run, heaps)
        if not self.is_timed:
            return result
        fresh = [
            None if heap is None else self._heap(heap.kind, heap.arena_bytes) for _, heap in heaps
        ]
        return replace(result, ns_per_event=ns_per_event(self.trace, self._pool(policy), fresh))

    def _heap(self, kind: str, arena_bytes: int) -> Optional[Heap]:
        """Return an empty heap, or None if the arena is too small for one."""
        try:
            return Heap(kind, arena_bytes, **self.heap_options)
        except ConfigError:
            if kind not in HEAPS:
                raise
            return None

    def _pool(self, policy: Optional[str]) -> Optional[NativePool]:
        return None if policy is None else NativePool(none, self.config.with_policy(policy))

    def _result(
        self,
        name: str,
        arena_bytes: int,
        ram_bytes: int,
        run: Run,
        heaps: list[tuple[str, Optional[Heap]]],
    ) -> Contender:
        state, bins = run.state, run.bins
        events = int(bins["events"].sum())
        heap = heaps[0][1]
        policy = name.removeprefix("pool_") if run.pool else None
        inside = ram_bytes if heap is None or policy is None else arena_bytes
        used_sum = inside * events - sum(bins["free_sum"].tolist())
        blocks_sum = int(state.live_blocks_sum)
        over = (used_sum - int(state.live_bytes_sum)) / blocks_sum if blocks_sum else 0.0
        failures = int(state.failure_count)
        first = run.failed[0] if failures else None
        return Contender(
            contender=name,
            arena_bytes=arena_bytes,
            ram_bytes=ram_bytes,
            heap="" if heap is None else heap.kind,
            requests=int(bins["requests"].sum()),
            failures=failures,
            first_failure_event=None if first is None else int(first["event"]),
            first_failure_ns=None if first is None else int(first["t_ns"]),
            events=events,
            probe_failures=int(bins["probe_failures"].sum()),
            fragmentation_mean=int(bins["fragmentation_ppm_sum"].sum()) / events / 1e6,
            fragmentation_worst=int(bins["fragmentation_ppm_max"].max()) / 1e6,
            peak_used_bytes=inside - int(state.free_min_bytes),
            overhead_bytes_per_block=over,
            zero_failure_bytes=self._alone(name) if policy is None else self._pool_alone(),
            zero_failure_with_heap_bytes=None if policy is None else self._pool_with_heap(policy),
            regions=self._regions(run, heaps),
            bins=bins,
            failed=run.failed[: min(failures, FAILURES_KEPT)].copy(),
        )

    def _regions(self, run: Run, heaps: list[tuple[str, Optional[Heap]]]) -> tuple[RegionUse, ...]:
        state, asked = run.state, run.trace.block_count
        uses: list[RegionUse] = []
        if run.pool is not None:
            (slots, slots_bytes, where), (metadata, metadata_bytes, there) = self.pool_parts
            peak, served = slots_bytes - int(state.pool_free_min_bytes), int(state.pool_served)
            asked -= served
            uses.append(RegionUse(where, slots, slots_bytes, peak, served, asked))
            uses.append(RegionUse(there, metadata, metadata_bytes, metadata_bytes, 0, 0))
        for index, (region, heap) in enumerate(heaps):
            if heap is None:
                continue
            native = state.heaps[index]
            peak = heap.arena_bytes - int(native.free_min_bytes)
            served = int(native.served)
            asked -= served
            uses.append(RegionUse(region, heap.kind, heap.arena_bytes, peak, served, asked))
        return tuple(uses)

    # ---- The smallest RAM in which nothing fails ------------------------------------------------

    def _alone(self, kind: str) -> Optional[int]:
        """Return the smallest arena of a heap."""
        return self._cached((kind,), lambda: self._bisect(self.trace, None, kind))

    def _pool_alone(self) -> Optional[int]:
        """Return slots at high-water marks, metadata, and a heap for what is above every tier."""
        return self._cached("pool", self._find_pool_alone)

    def _find_pool_alone(self) -> Optional[int]:
        sizes = [tier.slot_bytes for tier in self.config.tiers]
        large = self.trace.block_sizes > sizes[-1]
        ram = 0 if large.all() else sum(pool_ram_bytes(sized_pool(self.trace, sizes)))
        if not large.any():
            return ram
        events = self.trace.events[large[self.trace.blocks]]
        rest = Trace.from_events(events, self.trace.sites)
        heap = self._bisect(rest, None, self.fallback)
        return None if heap is None else ram + heap

    def _pool_with_heap(self, policy: str) -> Optional[int]:
        """Return the pool as it is, and the smallest heap behind it."""
        ram = sum(pool_ram_bytes(self.config))
        found = self._cached(
            ("with heap", policy), lambda: self._bisect(self.trace, policy, self.fallback)
        )
        return None if found is None else ram + found

    def _cached(self, key: Any, find: Callable[[], Optional[int]]) -> Optional[int]:
        if key not in self._smallest:
            self._smallest[key] = find()
        return self._smallest[key]

    def _serves(self, trace: Trace, policy: Optional[str], kind: str, arena_bytes: int) -> bool:
        heap = self._heap(kind, arena_bytes) if arena_bytes else None
        if arena_bytes and heap is None:
            return False
        pool = self._pool(policy)
        return Run(trace, pool, [heap]).serves()

    def _bisect(self, trace: Trace, policy: Optional[str], kind: str) -> Optional[int]:
        """Return an arena in which nothing fails while a step below something does.

        Whether requests fail need not grow with less room for every heap, so that there may be a
        smaller one by luck.
        """
        if policy is not None and self._serves(trace, policy, kind, 0):
            return 0
        fails, serves = 0, STEP_BYTES
        while not self._serves(trace, policy, kind, serves):
            fails, serves = serves, serves * 2
            if serves > _ARENA_BYTES_MAX:
                return None
        while serves - fails > STEP_BYTES:
            middle = (fails + serves) // 2 // STEP_BYTES * STEP_BYTES
            if self._serves(trace, policy, kind, middle):
                serves = middle
            else:
                fails = middle
        return serves
