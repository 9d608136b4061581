"""The blocks of a trace on their way through a pool, as the analyses of `slot_use` need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.config import PoolConfig
from pyrns_pool.slot_results import PINNED_DTYPE
from pyrns_pool.slots import slot_spans
from pyrns_pool.trace import Trace

__all__ = ["Followed"]


@dataclass(frozen=True, eq=False)
class Followed:
    """A trace, a pool, and where each block was.

    Parameters
    ----------
    trace : Trace
        What was recorded.
    config : PoolConfig
        The pool.
    spans : ndarray of SPAN_DTYPE, shape (trace.block_count,)
        Of `slot_spans`.
    """

    trace: Trace
    config: PoolConfig
    spans: NDArray[np.void]

    @classmethod
    def of(
        cls, trace: Trace, config: PoolConfig, progress: Optional[Callable[[float], object]] = None
    ) -> Followed:
        """Send a trace through a pool."""
        return cls(trace, config, slot_spans(trace, config, progress=progress))

    @cached_property
    def clock(self) -> NDArray[np.int64]:
        """Time of each event, and of the end of the trace behind the last: shape (n + 1,)."""
        t_ns = self.trace.events["t_ns"]
        return np.append(t_ns, t_ns[-1] + 1)

    @cached_property
    def begin_ns(self) -> NDArray[np.int64]:
        """Time at which each block is allocated."""
        begin: NDArray[np.int64] = self.clock[self.spans["begin"]]
        return begin

    @cached_property
    def end_ns(self) -> NDArray[np.int64]:
        """Time at which each block is freed; the end of the trace if it never is."""
        end: NDArray[np.int64] = self.clock[self.spans["end"]]
        return end

    @cached_property
    def sites(self) -> NDArray[np.int64]:
        """Site of each block."""
        return self.trace.events["site"][self.trace.alloc_rows].astype(np.int64)

    @cached_property
    def home(self) -> NDArray[np.int64]:
        """Home tier of each block; the number of tiers if it is larger than every one."""
        bounds = np.array([tier.slot_bytes for tier in self.config.tiers], np.uint64)
        return np.searchsorted(bounds, self.trace.block_sizes)

    @cached_property
    def is_pinning(self) -> NDArray[np.bool_]:
        """Whether each block has its slot for more than half of the trace."""
        half_ns = (self.clock[-1] - self.clock[0]) // 2
        pinning: NDArray[np.bool_] = self.end_ns - self.begin_ns > half_ns
        return pinning & (self.spans["tier"] >= 0)

    def in_use(self, tier: int) -> NDArray[np.int64]:
        """Return the slots of a tier in use after each event: shape (n,)."""
        mine = self.spans[self.spans["tier"] == tier]
        count = len(self.trace) + 1
        begins, ends = (np.bincount(mine[name], minlength=count) for name in ("begin", "end"))
        in_use: NDArray[np.int64] = np.cumsum(begins - ends)[:-1]
        return in_use

    def pinned_slots(self) -> NDArray[np.void]:
        """Return the pinned slots, by tier and slot; two blocks cannot pin the same."""
        blocks = np.flatnonzero(self.is_pinning)
        order = np.lexsort((self.spans["slot"][blocks], self.spans["tier"][blocks]))
        blocks = blocks[order]
        rows = np.empty(len(blocks), PINNED_DTYPE)
        for name in ("tier", "slot"):
            rows[name] = self.spans[name][blocks]
        rows["site"] = self.sites[blocks]
        rows["size_bytes"] = self.trace.block_sizes[blocks]
        rows["begin_ns"], rows["end_ns"] = self.begin_ns[blocks], self.end_ns[blocks]
        return rows
