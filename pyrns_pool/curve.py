"""Hit rate against slot count: of every tier, for every number of slots, from one pass.

A strict tier with `s` slots that takes the lowest free index holds exactly the blocks that have an
index below `s` in a tier with slots without end. So one pass tells the hits for every `s`, and
they are *exact*. Where a pool puts a block does not matter to whether it can: the curve holds for
a pool with free lists as well.

It does not hold where requests depend on the pool. If full tiers spill into larger ones, one more
slot can even mean fewer hits. In a pool with one slot of 64 bytes, a block of up to 32 bytes is
given, one kept, and then two larger ones come and go:

>>> from pyrns_pool import PoolConfig, Trace, replay
>>> columns = {"op": [0, 0, 1, 0, 1, 0], "id": [0, 1, 0, 2, 2, 3], "size": [32, 32, 0, 64, 0, 64]}
>>> trace = Trace.from_events({**columns, "t_ns": range(6)})
>>> for tiers in ("64x1", "32x1,64x1"):
...     stats = replay(trace, PoolConfig.parse(tiers, "spill")).stats
...     print(tiers, stats.hits + stats.spills)
64x1 3
32x1,64x1 2

The slot of 32 bytes lets the second block spill, and it keeps the one of 64. So for pools that
spill, and for workloads in closed loop, each number of slots is *simulated*: run by the real pool.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Callable, Optional, Sequence, Union

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._curve_run import run_tiers
from pyrns_pool.any_result import Result
from pyrns_pool.config import SLOT_COUNT_MAX, PoolConfig, Tier
from pyrns_pool.curve_results import EXACT, POINT_DTYPE, SIMULATED, HitCurve, TierCurve
from pyrns_pool.erlang import Load, offered_load
from pyrns_pool.errors import ConfigError
from pyrns_pool.replay import replay
from pyrns_pool.results import TraceSummary
from pyrns_pool.trace import Trace
from pyrns_pool.workload_results import WorkloadResult

__all__ = ["hit_curve"]

Progress = Optional[Callable[[float], object]]
Source = Union[Trace, Callable[[PoolConfig], WorkloadResult]]


def hit_curve(
    source: Source,
    boundaries: Sequence[int],
    policy: str = "strict",
    *,
    chosen: Optional[Sequence[int]] = None,
    counts: Optional[Sequence[int]] = None,
    loads: bool = False,
    progress: Progress = None,
) -> HitCurve:
    """Return the hits of every tier by number of slots.

    Parameters
    ----------
    source : Trace or callable
        What was recorded; or a workload, which is called with a pool and returns its result, such
        as ``lambda pool: run_node(log, pool)``.
    boundaries : sequence of int
        slot_bytes of the tiers, ascending.
    policy : {"strict", "spill"}, optional
        Of the pool. Strict over a trace is exact; everything else is simulated.
    chosen : sequence of int, optional
        Slots of each tier. A simulation needs them: it varies one tier at a time.
    counts : sequence of int, optional
        Slot counts to simulate in each tier; by default some 20 from 1 to what would miss
        nothing, or of a workload twice what is chosen. An exact curve has them all.
    loads : bool, optional
        Whether to measure rate, lifetime and peakedness for Erlang's formula, too.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    HitCurve
        Says by which `method` it was made.

    Raises
    ------
    ConfigError
        If a boundary, the policy or a slot count is refused, or a simulation lacks `chosen`.
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).

    Notes
    -----
    Exact: some ten nanoseconds an event (benchmarks/curve_speed.py). Simulated: a replay or a run
    of the workload for every tier and count.

    Examples
    --------
    >>> columns = {"op": [0, 0, 1, 0, 0], "id": [1, 2, 1, 3, 4], "size": [8, 8, 0, 8, 40]}
    >>> curve = hit_curve(Trace.from_events({**columns, "t_ns": range(5)}), [16, 64])
    >>> small = curve.tiers[0]
    >>> curve.method, small.points["hits"], small.zero_miss_slots
    ('exact', array([2, 3]), 2)
    >>> small.hits(1), small.high_water(1), curve.tiers[1].hits(100)
    (2, 1, 1)
    """
    # A pool checks boundaries, policy and slots, and says what is wrong with them.
    sizes = list(boundaries)
    slots = [1] * len(sizes) if chosen is None else list(chosen)
    if len(slots) != len(sizes):
        raise ConfigError(f"chosen: {len(slots)} slot counts for {len(sizes)} tiers")
    config = PoolConfig(tuple(Tier(*pair) for pair in zip(sizes, slots)), policy)
    if counts is not None:
        if not len(counts):
            raise ConfigError("counts: there is none")
        for count in counts:
            Tier(1, count)
    marked = None if chosen is None else tuple(slots)
    if isinstance(source, Trace):
        source.require_identity("a hit curve")
        if policy == "strict":
            return _exact(source, config, marked, loads, progress)
        # All that smaller tiers would hold may spill.
        most = list(accumulate(len(tier.points) for tier in _exact(source, config).tiers))
    else:
        most = [2 * count for count in slots]
    if chosen is None:
        what = "a pool that spills" if isinstance(source, Trace) else "a workload"
        raise ConfigError(f"chosen: {what} is simulated, which needs the slots of each tier")
    ladders = [_ladder(max(*pair), pair[0]) for pair in zip(slots, most)]
    asked = ladders if counts is None else [sorted(set(counts))] * len(sizes)
    return _simulated(source, config, asked, loads, progress)


def _exact(
    trace: Trace,
    config: PoolConfig,
    chosen: Optional[tuple[int, ...]] = None,
    loads: bool = False,
    progress: Progress = None,
) -> HitCurve:
    sizes = [tier.slot_bytes for tier in config.tiers]
    hits, index = run_tiers(trace, sizes, progress)
    summary = TraceSummary.of(trace)
    tiers = tuple(TierCurve(size, _points(found), True) for size, found in zip(sizes, hits))
    return HitCurve(
        method=EXACT,
        policy="strict",
        trace=summary,
        name=summary.name,
        tiers=tiers,
        oversize=trace.block_count - sum(tier.requests for tier in tiers),
        caveat=_caveat(trace),
        chosen=chosen,
        loads=_loads(trace, sizes) if loads else (),
        index=index,
    )


def _caveat(trace: Trace) -> str:
    if not trace.has_frees:
        return "no block is ever freed"
    return "" if trace.has_identity else f"which block a free means was guessed: {trace.pairing}"


def _points(hits: NDArray[np.int64]) -> NDArray[np.void]:
    points = np.zeros(len(hits), POINT_DTYPE)
    points["slots"] = np.arange(1, len(hits) + 1)
    points["requests"] = hits[-1:]
    points["hits"] = hits
    points.flags.writeable = False
    return points


def _loads(trace: Trace, sizes: Sequence[int]) -> tuple[Optional[Load], ...]:
    least = [0, *(size + 1 for size in sizes)]
    return tuple(offered_load(trace, low, high) for low, high in zip(least, sizes))


def _simulated(
    source: Source,
    config: PoolConfig,
    asked: Sequence[Sequence[int]],
    loads: bool,
    progress: Progress,
) -> HitCurve:
    """Run the pool with every number of slots asked for, of one tier at a time."""
    total, done = sum(map(len, asked)), 0
    tiers = []
    for number, counts in enumerate(asked):
        points = np.zeros(len(counts), POINT_DTYPE)
        for row, count in enumerate(counts):
            parts = list(config.tiers)
            parts[number] = Tier(parts[number].slot_bytes, count)
            pool = PoolConfig(tuple(parts), config.policy)
            result = _run(source, pool)
            stats, tier = result.stats, result.stats.tiers[number]
            served = stats.hits + stats.spills
            points[row] = (count, tier.requests, tier.hits, tier.spills, stats.requests, served)
            done += 1
            if progress is not None:
                progress(done / total)
        points.flags.writeable = False
        tiers.append(TierCurve(config.tiers[number].slot_bytes, points, False))
    sizes = [tier.slot_bytes for tier in config.tiers]
    return HitCurve(
        method=SIMULATED,
        policy=config.policy,
        trace=TraceSummary.of(source) if isinstance(source, Trace) else None,
        name=_name(result),
        tiers=tuple(tiers),
        oversize=stats.oversize,
        caveat=_caveat(source) if isinstance(source, Trace) else "",
        chosen=tuple(tier.slot_count for tier in config.tiers),
        loads=_loads(source, sizes) if loads and isinstance(source, Trace) else (),
    )


def _run(source: Source, pool: PoolConfig) -> Result:
    return replay(source, pool, bins=1) if isinstance(source, Trace) else source(pool)


def _name(result: Result) -> str:
    """Return the name of the file behind a result, or that of the workload."""
    if isinstance(result, WorkloadResult):
        return result.workload.provenance.get("file", result.workload.name)
    return result.trace.name


def _ladder(most: int, chosen: int) -> list[int]:
    """Return counts from 1 to `most`, each some 1.4 times the one before, and the chosen one."""
    steps = {min(round(2 ** (i / 2)), most) for i in range(2 * most.bit_length() + 1)}
    return sorted(count for count in steps | {chosen} if count <= SLOT_COUNT_MAX)
