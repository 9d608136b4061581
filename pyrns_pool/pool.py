"""A pool for the prompt: the thread-safe build of the C core, one call at a time.

A call from Python costs some hundred nanoseconds, fifty times what the pool itself does: for
traces there is `pyrns_pool.replay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, NamedTuple, Optional, Union

from pyrns_pool._native import atomic
from pyrns_pool._native_pool import NativePool
from pyrns_pool._pool_watch import Watch
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import PoolError
from pyrns_pool.stats import PoolStats

__all__ = ["LiveSlot", "Pool", "Slot"]

LowWaterCallback = Callable[[int, int, bool], None]
SIZE_MAX = 2**64 - 1


@dataclass(frozen=True)
class Slot:
    """What `Pool.take` handed out."""

    address: int
    size_bytes: int
    """As requested."""
    tier_index: Optional[int]
    """None: a block of the fallback."""
    slot_bytes: Optional[int]
    """What the tier's slots hold; None: a block of the fallback."""

    def __repr__(self) -> str:
        """Return size, place and address."""
        where = "the fallback" if self.tier_index is None else f"tier {self.slot_bytes}"
        return f"<Slot of {self.size_bytes} bytes in {where} at {self.address:#x}>"


class LiveSlot(NamedTuple):
    """One slot in use."""

    tier_index: int
    slot_index: int
    address: int


class Pool:
    """A tiered memory pool; safe to use from several threads.

    Parameters
    ----------
    config : PoolConfig
        Tiers, policy and fallback.
    on_low_water : callable, optional
        Called as ``on_low_water(tier_index, free_count, low)`` by the take or give that crosses a
        tier's low-water mark: ``low`` is True when fewer than ``low_water_count`` slots are free,
        False when ``hysteresis_count`` more are. What it raises is printed, not propagated.

    Raises
    ------
    ConfigError
        If the configuration is refused.

    Examples
    --------
    >>> with Pool(PoolConfig.parse("256x16,512x16")) as pool:
    ...     slot = pool.take(200)
    ...     pool.give(slot)
    ...     pool.stats().hits
    1
    """

    def __init__(
        self, config: PoolConfig, *, on_low_water: Optional[LowWaterCallback] = None
    ) -> None:
        self.config = config
        self._handle = None if on_low_water is None else atomic.ffi.new_handle(on_low_water)
        self._native: Optional[NativePool] = NativePool(atomic, config, self._handle)
        self._fallback_blocks: set[int] = set()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._native is None

    def _open(self) -> NativePool:
        """Return what `close` drops; whoever calls C holds it, for another thread may close."""
        if self._native is None:
            raise PoolError("the pool is closed")
        return self._native

    def take(self, size_bytes: int, *, priority: bool = False) -> Slot:
        """Take a slot for `size_bytes` of payload.

        Parameters
        ----------
        size_bytes : int
            0 to 2**64 - 1; 0 is a request of the smallest tier.
        priority : bool, optional
            Whether the reserve may be taken.

        Returns
        -------
        Slot
            Give it back with `give`.

        Raises
        ------
        PoolExhausted
            If every slot that may serve it is in use. Also a MemoryError.
        TooLarge
            If no tier is large enough. Also a ValueError.
        """
        native = self._open()
        if isinstance(size_bytes, bool) or not isinstance(size_bytes, int):
            raise TypeError(f"size_bytes: {size_bytes!r} is not a whole number")
        if not 0 <= size_bytes <= SIZE_MAX:
            raise ValueError(f"size_bytes: {size_bytes} is not in 0 to {SIZE_MAX}")
        lib, ffi = atomic
        out = ffi.new("void **")
        level = lib.RNS_PRIORITY_HIGH if priority else lib.RNS_PRIORITY_NORMAL
        status = lib.rns_pool_take(native.pool, size_bytes, level, out)
        native.require(status, f"{size_bytes} bytes from {self.config}")
        place = ffi.new("uint32_t[2]")
        found = lib.rns_pool_locate(native.pool, out[0], place, place + 1) == lib.RNS_OK
        tier_index = int(place[0]) if found else None
        address = int(ffi.cast("uintptr_t", out[0]))
        if tier_index is None:
            self._fallback_blocks.add(address)
        return Slot(
            address=address,
            size_bytes=size_bytes,
            tier_index=tier_index,
            slot_bytes=None if tier_index is None else self.config.tiers[tier_index].slot_bytes,
        )

    def give(self, slot: Union[Slot, int]) -> None:
        """Give back what `take` handed out.

        Parameters
        ----------
        slot : Slot or int
            The slot or its address.

        Raises
        ------
        Misuse
            If it is no slot in use of this pool; it is counted, and nothing changes. Its kinds are
            ForeignPointer, OutOfRangePointer, InteriorPointer, MisalignedPointer, DoubleGive and
            WrongPool.
        """
        native = self._open()
        address = slot.address if isinstance(slot, Slot) else slot
        if isinstance(address, bool) or not isinstance(address, int):
            raise TypeError(f"slot: {slot!r} is neither a Slot nor an address")
        if not 0 <= address <= SIZE_MAX:
            raise ValueError(f"slot: address {address} is not in 0 to {SIZE_MAX}")
        status = _give(native, address, self._fallback_blocks)
        native.require(status, f"give of {address:#x}")

    def stats(self) -> PoolStats:
        """Return a snapshot: exact at rest, never contradictory under load."""
        return self._open().stats()

    def watch(self, *, period_s: float = 0.5) -> Watch:
        """Return a look at the statistics that keeps up with them in a notebook.

        Parameters
        ----------
        period_s : float, optional
            Seconds between two looks while the block of a ``with`` runs.

        Returns
        -------
        Watch
            As a cell's last line it shows a table, drawn anew after each cell that runs. With
            ``with pool.watch():`` also while the block runs. Elsewhere its text is a table.

        Examples
        --------
        >>> with Pool(PoolConfig.parse("256x16,512x16")) as pool:
        ...     slot = pool.take(200)
        ...     print(pool.watch())
        tier  in use  slots  high  requests  spills  exhausted
         256       1     16     1         1       0          0
         512       0     16     0         0       0          0
        100.0 % of 1 request served, 0 missed, 0 of them oversize
        """
        return Watch(self.stats, period_s)

    def reset_window(self) -> None:
        """Begin a new window: each tier's window_high_water becomes its in_use."""
        native = self._open()
        atomic.lib.rns_pool_reset_window(native.pool)

    def check(self) -> None:
        """Verify every invariant of the pool, at rest.

        Raises
        ------
        Damage
            With the number of the first broken invariant (csrc/core/rns_pool.h), tier and slot.
        """
        self._open().check()

    def live(self) -> list[LiveSlot]:
        """Return every slot in use, by tier and index."""
        native = self._open()
        found: list[LiveSlot] = []
        handle = atomic.ffi.new_handle(found)
        atomic.lib.rns_pool_each_live(native.pool, atomic.lib.pyrns_visit, handle)
        return found

    def log_line(self) -> str:
        """Return the line that firmware prints: requests, hits, hit rate, and every tier."""
        native = self._open()
        text: list[bytes] = []
        handle = atomic.ffi.new_handle(text)
        sink = {"write": atomic.lib.pyrns_write, "context": handle}
        atomic.lib.rns_pool_log(native.pool, sink)
        return b"".join(text).decode().rstrip("\n")

    def link(self, other: Pool) -> None:
        """Let both pools recognise each other's slots, so that give raises WrongPool for them."""
        self._open().link(other._open())

    def close(self) -> None:
        """Release the pool's memory. Slots still out must not be used again."""
        native, self._native = self._native, None
        if native is not None:
            for address in list(self._fallback_blocks):
                _give(native, address, self._fallback_blocks)
            native.unlink()

    def __enter__(self) -> Pool:
        """Return the pool itself."""
        self._open()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close the pool."""
        self.close()

    def __reduce__(self) -> Any:
        """Refuse: a pool's addresses mean nothing in another process."""
        raise TypeError("a Pool cannot be pickled; pickle its config")

    def __repr__(self) -> str:
        """Return the configuration and how full each tier is."""
        if self._native is None:
            return f"<Pool {self.config}, closed>"
        stats = self.stats()
        tiers = ", ".join(f"{t.slot_bytes}: {t.in_use}/{t.slot_count}" for t in stats.tiers)
        rate = f"{stats.hit_rate:.1%} of {stats.requests:,} requests served"
        return f"<Pool {self.config}; in use {tiers}; {rate}>"


def _give(native: NativePool, address: int, fallback_blocks: set[int]) -> int:
    """Give an address to C; return its status.

    ``free()`` cannot tell a foreign pointer, so the fallback only ever sees its own blocks.
    """
    lib, ffi = atomic
    place = ffi.new("uint32_t[2]")
    slot = ffi.cast("void *", address)
    if lib.rns_pool_locate(native.pool, slot, place, place + 1) == lib.RNS_MISUSE_FOREIGN:
        try:
            fallback_blocks.remove(address)
        except KeyError:
            slot = ffi.NULL  # Refused and counted as foreign.
    return int(lib.rns_pool_give(native.pool, slot))


@atomic.ffi.def_extern()  # type: ignore[misc]
def pyrns_notify(context: Any, tier_index: int, free_count: int, low: bool) -> None:
    """Pass a low-water event on; called by C."""
    atomic.ffi.from_handle(context)(tier_index, free_count, low)


@atomic.ffi.def_extern()  # type: ignore[misc]
def pyrns_visit(context: Any, tier_index: int, slot_index: int, slot: Any) -> None:
    """Append a live slot to the list; called by C."""
    address = int(atomic.ffi.cast("uintptr_t", slot))
    atomic.ffi.from_handle(context).append(LiveSlot(tier_index, slot_index, address))


@atomic.ffi.def_extern()  # type: ignore[misc]
def pyrns_write(context: Any, text: Any, text_bytes: int) -> None:
    """Append a piece of the log line to the list; called by C."""
    atomic.ffi.from_handle(context).append(atomic.ffi.buffer(text, text_bytes)[:])
