"""Where Bytes live: a pool, how one user of it wants its slots, and what that user did."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import Any, NamedTuple, Optional, Union

from pyrns_pool._native import atomic
from pyrns_pool._native_store import NativeStore, new_pool
from pyrns_pool.bytes import Bytes, BytesLike, new_bytes, plain
from pyrns_pool.config import SLOT_BYTES_MAX, PoolConfig, whole
from pyrns_pool.errors import ConfigError, PoolError
from pyrns_pool.stats import StoreStats

__all__ = ["Faults", "LiveBytes", "Store"]

LEAKS_NAMED_MAX = 8  # in a warning


class LiveBytes(NamedTuple):
    """Storage in use, whoever took it."""

    tier_index: int
    slot_index: int
    capacity: int
    refs: int
    """As `Bytes.refs`, without views."""
    generation: int
    """Changes whenever the slot is taken."""
    tag: int
    """Of the store that took it."""


class Faults:
    """Makes requests of one store fail on purpose, so that a program's error paths can be tested.

    Without a plan nothing fails and requests are counted: run once so to learn how many there are,
    then fail each in turn. Plans add up. A failure made here is not a request of the pool and is
    in none of its counts. Plan while no other thread uses the store.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> store = rp.Store(rp.PoolConfig.parse("64x4"))
    >>> store.faults.fail_nth(2)
    >>> b = store.bytes(b"first")
    >>> store.bytes(b"second")
    Traceback (most recent call last):
    ...
    pyrns_pool.errors.PoolExhausted: 6 bytes from 64x4 strict: every slot that may serve it is in
    use (MISS_EXHAUSTED)
    >>> store.faults.requests, store.faults.failures
    (2, 1)
    """

    def __init__(self, native: NativeStore) -> None:
        self._native = native

    @property
    def requests(self) -> int:
        """Requests since the start, `fail_nth` or `clear`."""
        return int(self._native.fault.requests)

    @property
    def failures(self) -> int:
        """Those of them that were made to fail."""
        return int(self._native.fault.failures)

    def fail_nth(self, nth: int, *, sticky: bool = False) -> None:
        """Fail one request, and restart the counts.

        Parameters
        ----------
        nth : int
            Which request from now on, from 1.
        sticky : bool, optional
            Whether all after it fail, too.

        Raises
        ------
        ConfigError
            If `nth` is not in 1 to 2**64 - 1.
        """
        whole("nth", nth, 1, 2**64 - 1)
        atomic.lib.rns_fault_fail_nth(self._native.fault, nth, sticky)

    def fail_tier(self, tier_index: int) -> None:
        """Fail all requests of one home tier, even if another tier could have served them.

        Parameters
        ----------
        tier_index : int
            From 0; the number of tiers stands for requests that are larger than every tier.

        Raises
        ------
        ConfigError
            If the pool has no such tier.
        """
        whole("tier_index", tier_index, 0, len(self._native.pool.config.tiers))
        atomic.lib.rns_fault_fail_tier(self._native.fault, tier_index)

    def fail_rate(self, rate: float, seed: int) -> None:
        """Fail requests at random.

        Parameters
        ----------
        rate : float
            Share of the requests that fail, 0 to 1; rounded to 1/65536.
        seed : int
            0 to 2**32 - 1. For the same seed and order of requests the same ones fail.

        Raises
        ------
        ConfigError
            If a value is out of its range.
        """
        if not 0 <= rate <= 1:
            raise ConfigError(f"rate: {rate} is not in 0 to 1")
        whole("seed", seed, 0, 2**32 - 1)
        rate_native = round(rate * atomic.lib.RNS_FAULT_RATE_ONE)
        atomic.lib.rns_fault_fail_rate(self._native.fault, rate_native, seed)

    def clear(self) -> None:
        """Forget all plans and counts."""
        atomic.lib.rns_fault_init(self._native.fault)


class Store:
    """Makes Bytes in the slots of a pool; safe to use from several threads.

    Parameters
    ----------
    source : PoolConfig or Store
        The pool to make, whose slots get 16 bytes in front of their payload; or a store whose pool
        this one shares, with statistics and rooms of its own.
    headroom_bytes, tailroom_bytes : int, optional
        Wished in front of and behind the content of new storage, so that headers and trailers can
        be added in place; less where no tier has so much.
    priority : bool, optional
        Whether the reserve of a tier may be taken.
    tag : int, optional
        0 to 255; tells in `live` which store took the slot.

    Raises
    ------
    ConfigError
        If a value is out of its range.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> store = rp.Store(rp.PoolConfig.parse("64x48,256x24,512x16,1024x16"), headroom_bytes=32)
    >>> packet = store.bytes(b"header and payload")
    >>> payload = packet[11:]
    >>> payload.prepend(b"new ")
    >>> packet, payload
    (<Bytes of 18: 68656164657220616e64207061796c6f...>, <Bytes of 11: 6e6577207061796c6f6164>)
    >>> stats = store.stats()
    >>> stats.copies_avoided, stats.cow_copies, stats.cow_bytes, stats.pool.in_use
    (1, 1, 7, 2)
    """

    def __init__(
        self,
        source: Union[PoolConfig, Store],
        *,
        headroom_bytes: int = 0,
        tailroom_bytes: int = 0,
        priority: bool = False,
        tag: int = 0,
    ) -> None:
        whole("headroom_bytes", headroom_bytes, 0, SLOT_BYTES_MAX)
        whole("tailroom_bytes", tailroom_bytes, 0, SLOT_BYTES_MAX)
        whole("tag", tag, 0, 255)
        lib = atomic.lib
        options = {
            "headroom_bytes": headroom_bytes,
            "tailroom_bytes": tailroom_bytes,
            "priority": lib.RNS_PRIORITY_HIGH if priority else lib.RNS_PRIORITY_NORMAL,
            "tag": tag,
        }
        pool = source._open().pool if isinstance(source, Store) else new_pool(source)
        self.config = pool.config
        self.tag = tag
        self._native: Optional[NativeStore] = NativeStore(pool, options)

    @property
    def faults(self) -> Faults:
        """Makes requests of this store fail on purpose."""
        return Faults(self._open())

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._native is None

    def _open(self) -> NativeStore:
        if self._native is None:
            raise PoolError("the store is closed")
        return self._native

    def bytes(self, data: BytesLike = b"") -> Bytes:
        """Return Bytes with a copy of `data`.

        Parameters
        ----------
        data : bytes-like, optional
            The content.

        Raises
        ------
        PoolExhausted
            If every slot that may serve it is in use. Also a MemoryError.
        TooLarge
            If no tier is large enough. Also a ValueError.
        """
        return new_bytes(self._open(), plain(data))

    def fromhex(self, text: str) -> Bytes:
        """Return Bytes with what hexadecimal text stands for; spaces are skipped.

        Examples
        --------
        >>> import pyrns_pool as rp
        >>> rp.Store(rp.PoolConfig.parse("64x4")).fromhex("2d 2E").hex()
        '2d2e'
        """
        return new_bytes(self._open(), bytes.fromhex(text))

    def concat(self, *parts: BytesLike) -> Bytes:
        """Return Bytes with all parts one after the other, in storage of its own."""
        return new_bytes(self._open(), b"".join(map(plain, parts)))

    def stats(self) -> StoreStats:
        """Return a snapshot: exact at rest, never contradictory under load."""
        return self._open().stats()

    def check(self) -> None:
        """Verify every invariant of pool and store, at rest.

        Raises
        ------
        Damage
            With the number of the first broken invariant (csrc/core), tier and slot.
        """
        self._open().check()

    def live(self) -> list[LiveBytes]:
        """Return all storage in use in the pool, by tier and index, at rest.

        Blocks of the fallback are not listed; the pool's statistics count them.
        """
        native = self._open()
        found: list[LiveBytes] = []
        handle = atomic.ffi.new_handle(found)
        atomic.lib.rns_store_each_live(native.store, atomic.lib.pyrns_visit_buffer, handle)
        return found

    def leak_check(self) -> list[LiveBytes]:
        """Return what is still in use of this store's tag, with a ResourceWarning if anything is.

        Examples
        --------
        >>> import pyrns_pool as rp
        >>> store = rp.Store(rp.PoolConfig.parse("64x4"))
        >>> b = store.bytes(b"kept")
        >>> b.release()
        >>> store.leak_check()
        []
        """
        leaks = [live for live in self.live() if live.tag == self.tag]
        if leaks:
            places = [f"tier {x.tier_index} slot {x.slot_index}" for x in leaks[:LEAKS_NAMED_MAX]]
            more = ["..."] if len(leaks) > LEAKS_NAMED_MAX else []
            what = f"{len(leaks)} slots with tag {self.tag} are in use"
            text = f"{what}: {', '.join([*places, *more])}"
            warnings.warn(text, ResourceWarning, stacklevel=2)
        return leaks

    def close(self) -> None:
        """Refuse all further use of the store itself.

        Bytes and views that came from it stay valid; the pool's memory goes with the last of them.
        """
        self._native = None

    def __enter__(self) -> Store:
        """Return the store itself."""
        self._open()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close the store."""
        self.close()

    def __reduce__(self) -> Any:
        """Refuse: a store's addresses mean nothing in another process."""
        raise TypeError("a Store cannot be pickled; pickle its config")

    def __repr__(self) -> str:
        """Return the configuration and how much is in use."""
        if self._native is None:
            return f"<Store {self.config}, closed>"
        return f"<Store {self.config}; {self.stats().pool.in_use} slots in use>"


@atomic.ffi.def_extern()  # type: ignore[misc]
def pyrns_visit_buffer(context: Any, native: Any) -> None:
    """Append storage in use to the list; called by C."""
    live = LiveBytes(*(getattr(native, name) for name in LiveBytes._fields))
    atomic.ffi.from_handle(context).append(live)
