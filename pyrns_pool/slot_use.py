"""Follow every block of a trace through a pool: who has which slot, and when there is none."""

from __future__ import annotations

from typing import Callable, Optional

from pyrns_pool._slot_blocks import ages_of, holders_of
from pyrns_pool._slot_episodes import episodes_of
from pyrns_pool._slot_follow import Followed
from pyrns_pool._slot_raster import raster_of
from pyrns_pool.config import PoolConfig
from pyrns_pool.slot_results import SlotUse
from pyrns_pool.trace import Trace

__all__ = ["slot_use"]


def slot_use(
    trace: Trace,
    config: PoolConfig,
    *,
    progress: Optional[Callable[[float], object]] = None,
) -> SlotUse:
    """Send a trace through a pool and follow each of its blocks.

    Parameters
    ----------
    trace : Trace
        What was recorded.
    config : PoolConfig
        The pool. What serves a miss plays no part.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    SlotUse
        Slots over time, those that are pinned, who holds them at the high-water marks, how long
        blocks live, and episodes of misses. All counts are exact.

    Raises
    ------
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).
    ConfigError
        If the pool does not fit in memory.
    Damage
        If the pool contradicts itself, which only overwritten memory explains.

    Notes
    -----
    O(events log events), some 300 nanoseconds each.

    Examples
    --------
    >>> columns = {"t_ns": [0, 10, 20, 30], "op": [0, 0, 1, 0], "id": [1, 2, 1, 3]}
    >>> trace = Trace.from_events({**columns, "size": [8, 9, 0, 8]}, ["app:main"])
    >>> use = slot_use(trace, PoolConfig.parse("64x1"))
    >>> use.episode_values(use.episodes[0])["misses"], use.pinned["slot"].tolist()
    (1, [0])
    """
    followed = Followed.of(trace, config, progress)
    ages, lifetimes = ages_of(followed)
    return SlotUse(
        sites=trace.sites,
        **raster_of(followed),
        pinned=followed.pinned_slots(),
        holders=holders_of(followed),
        ages=ages,
        lifetimes=lifetimes,
        episodes=episodes_of(followed),
    )
