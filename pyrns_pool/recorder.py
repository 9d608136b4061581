"""Record what is taken from a live pool and given back, as a trace."""

from __future__ import annotations

from contextlib import contextmanager
from types import TracebackType
from typing import Any, Iterator, Optional, Union

import numpy as np

from pyrns_pool._native import atomic
from pyrns_pool._native_pool import NativePool
from pyrns_pool._trace_checks import check_sites
from pyrns_pool._trace_pair import pair
from pyrns_pool.config import whole
from pyrns_pool.errors import PoolError
from pyrns_pool.pool import Pool
from pyrns_pool.store import Store
from pyrns_pool.trace import EVENT_DTYPE, Trace

__all__ = ["Recorder"]

EVENTS_DEFAULT = 1 << 20
SITE_DEFAULT = "pool"


class Recorder:
    """Records a pool while its block of ``with`` runs, whatever thread uses it.

    Parameters
    ----------
    source : Pool or Store
        The pool, or a store in it: then all stores of that pool are recorded, with the size of the
        content and the rooms wished around it.
    events_max : int, optional
        Events to make room for, 32 bytes each; what comes after is counted in `lost`.

    Raises
    ------
    ConfigError
        If `events_max` is not in 1 to RNS_TRACE_EVENTS_MAX.

    Notes
    -----
    A refused give is no event. What was taken before is not in the trace when it is given.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> store = rp.Store(rp.PoolConfig.parse("64x48,256x24"))
    >>> with rp.Recorder(store) as recorder:
    ...     with recorder.site("app:receive"):
    ...         packet = store.bytes(bytes(200))
    ...     packet.release()
    >>> recorder.trace.top_sites()
    [SiteUse(site='app:receive', allocations=1, bytes=200, peak_live_blocks=1)]
    >>> recorder.lost
    0
    """

    def __init__(self, source: Union[Pool, Store], *, events_max: int = EVENTS_DEFAULT) -> None:
        whole("events_max", events_max, 1, atomic.lib.RNS_TRACE_EVENTS_MAX)
        self._source = source
        self._events_max = events_max
        self._native: Optional[NativePool] = None
        self._recording: Any = None
        self._rows = np.zeros(0, EVENT_DTYPE)
        self._site = SITE_DEFAULT
        self._sites = {SITE_DEFAULT: 0}
        self._trace: Optional[Trace] = None

    @property
    def trace(self) -> Trace:
        """What was recorded.

        Raises
        ------
        PoolError
            Before the end of the block.
        TraceError
            If nothing was taken.
        """
        if self._native is not None or self._recording is None:
            raise PoolError("the recording has not ended")
        if self._trace is None:
            self._trace = self._make_trace()
        return self._trace

    @property
    def lost(self) -> int:
        """Events that found no room so far."""
        if self._recording is None:
            return 0
        count = int(atomic.lib.rns_recording_count(self._recording))
        return max(0, count - self._events_max)

    @contextmanager
    def site(self, name: str) -> Iterator[None]:
        """Let what any thread takes meanwhile be of the site `name`."""
        check_sites([name])
        before = self._site
        self._set_site(name)
        try:
            yield
        finally:
            self._set_site(before)

    def _set_site(self, name: str) -> None:
        self._site = name
        number = self._sites.setdefault(name, len(self._sites))
        if self._recording is not None:
            atomic.lib.rns_recording_set_site(self._recording, number)

    def __enter__(self) -> Recorder:
        """Begin to record.

        Raises
        ------
        PoolError
            If the pool is closed, or being recorded already, or this recorder was used before.
        """
        lib, ffi = atomic
        if self._recording is not None:
            raise PoolError("a Recorder records once")
        opened = self._source._open()
        native = opened if isinstance(opened, NativePool) else opened.pool
        if native.recorder is not None:
            raise PoolError("the pool is being recorded already")
        self._rows = np.zeros(self._events_max, EVENT_DTYPE)
        self._recording = ffi.new("rns_recording_t *")
        rows = ffi.cast("rns_event_t *", self._rows.ctypes.data)
        lib.rns_recording_init(self._recording, rows, self._events_max)
        lib.rns_recording_set_site(self._recording, self._sites[self._site])
        native.recorder = self  # Also keeps the rows alive, whatever happens to this object.
        lib.rns_pool_observe(native.pool, ffi.addressof(self._recording.observer))
        self._native = native
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End the recording."""
        native, self._native = self._native, None
        if native is not None:
            atomic.lib.rns_pool_observe(native.pool, atomic.ffi.NULL)
            native.recorder = None

    def _make_trace(self) -> Trace:
        count = int(atomic.lib.rns_recording_count(self._recording))
        rows, self._rows = self._rows[:count], self._rows[:0]
        events, unpaired_frees, unfreed_reuses = pair(rows)
        counts = {"lost": self.lost, "unpaired_frees": unpaired_frees}
        counts["unfreed_reuses"] = unfreed_reuses
        told = {key: str(value) for key, value in counts.items()}
        config = str(self._source.config)
        return Trace(events, tuple(self._sites), {"recorder": "Recorder", "pool": config, **told})
