"""A C pool with its storage, in either build; `Pool` and `replay` stand on it."""

from __future__ import annotations

from typing import Any, Optional

from pyrns_pool import errors
from pyrns_pool._native import Build
from pyrns_pool.config import FALLBACKS, POLICIES, PoolConfig
from pyrns_pool.stats import PoolStats, from_native

_EXCEPTIONS: dict[str, tuple[type[errors.PoolError], str]] = {
    "MISS_EXHAUSTED": (errors.PoolExhausted, "every slot that may serve it is in use"),
    "MISS_OVERSIZE": (errors.TooLarge, "larger than every tier"),
    "MISS_SHARED": (errors.Shared, "others share the storage"),
    "MISUSE_FOREIGN": (errors.ForeignPointer, "not in the pool's memory"),
    "MISUSE_OUT_OF_RANGE": (errors.OutOfRangePointer, "in the pool's memory, but in no slot"),
    "MISUSE_INTERIOR": (errors.InteriorPointer, "inside a slot, not at its start"),
    "MISUSE_MISALIGNED": (errors.MisalignedPointer, "in a slot, but not aligned as slots are"),
    "MISUSE_DOUBLE_GIVE": (errors.DoubleGive, "the slot is already free"),
    "MISUSE_WRONG_POOL": (errors.WrongPool, "a slot of a linked pool"),
    "CONFIG": (errors.ConfigError, "refused"),
    "DAMAGE": (errors.Damage, "memory was overwritten"),
}


def aligned_memory(build: Build, size_bytes: int) -> tuple[Any, dict[str, Any]]:
    """Return memory that lives as long as the first value, and a C ``rns_memory_t`` of it."""
    lib, ffi = build
    # One alignment more than needed, since ffi.new aligns to 8 only.
    memory = ffi.new("char[]", size_bytes + lib.RNS_ALIGN_BYTES)
    address = int(ffi.cast("uintptr_t", memory))
    return memory, {"start": memory + (-address) % lib.RNS_ALIGN_BYTES, "bytes": size_bytes}


class NativePool:
    """Owns the memory of one pool; the pool goes when the last reference to this goes."""

    def __init__(
        self,
        build: Build,
        config: PoolConfig,
        notify: Optional[Any] = None,
        header_bytes: int = 0,
        fallback: Optional[Any] = None,
    ) -> None:
        self.config = config
        self.lib, self.ffi = build
        tiers = self.ffi.new("rns_tier_config_t[]", len(config.tiers))
        for native, tier in zip(tiers, config.tiers):
            native.slot_bytes = tier.slot_bytes
            native.slot_count = tier.slot_count
            native.reserve_count = tier.reserve_count
            native.low_water_count = tier.low_water_count
            native.hysteresis_count = tier.hysteresis_count
            native.region = tier.region
        wanted = self.ffi.new("rns_pool_config_t *")
        wanted.tiers = tiers
        wanted.tier_count = len(config.tiers)
        wanted.policy = POLICIES.index(config.policy)
        wanted.header_bytes = header_bytes
        if config.fallback == FALLBACKS[1]:
            wanted.fallback = self.lib.rns_malloc_fallback()
        if fallback is not None:
            wanted.fallback = fallback
        if notify is not None:
            wanted.low_water.notify = self.lib.pyrns_notify
            wanted.low_water.context = notify
        needed = self.ffi.new("size_t *")
        self.require(self.lib.rns_pool_storage_bytes(wanted, needed), str(config))
        self.storage_bytes = int(needed[0])
        try:
            self._memory, storage = aligned_memory(build, self.storage_bytes)
        except MemoryError:
            what = f"{config}: {self.storage_bytes} bytes do not fit in memory"
            raise errors.ConfigError(what) from None
        self.pool = self.ffi.new("rns_pool_t *")
        self.require(self.lib.rns_pool_init(self.pool, wanted, storage), str(config))
        self.recorder: Optional[object] = None
        """Whoever observes the pool; lives at least until it stops to."""
        self._linked: set[NativePool] = set()  # One for all that are linked, this one included.

    def require(self, status: int, what: str) -> None:
        """Raise what a status other than OK means; `what` says of which value."""
        if status != self.lib.RNS_OK:
            name = self.ffi.string(self.lib.rns_status_name(status)).decode()
            kind = name if name in _EXCEPTIONS else name.split("_")[0]
            exception, reason = _EXCEPTIONS[kind]
            raise exception(f"{what}: {reason} ({name})")

    def link(self, other: NativePool) -> None:
        """Let both recognise each other's slots."""
        self.lib.rns_pool_link(self.pool, other.pool)
        # The C pools point at each other in a ring, so each keeps the whole ring alive.
        linked = {self, other} | self._linked | other._linked
        for native in linked:
            native._linked = linked

    def unlink(self) -> None:
        """Leave the linked pools."""
        self.lib.rns_pool_unlink(self.pool)
        self._linked.discard(self)
        self._linked = set()

    def new_store(self, headroom_bytes: int = 0, tag: int = 0) -> Any:
        """Return a C ``rns_store_t *`` over this pool, whose header_bytes has to be that of Bytes.

        Raises
        ------
        ConfigError
            If `headroom_bytes` does not fit 32 bits.
        """
        limit = (1 << 32) - 1
        if not 0 <= headroom_bytes <= limit:
            raise errors.ConfigError(f"headroom_bytes: {headroom_bytes!r} is not in 0 to {limit}")
        store = self.ffi.new("rns_store_t *")
        values = {"headroom_bytes": headroom_bytes, "tag": tag}
        options = self.ffi.new("rns_store_options_t *", values)
        self.require(self.lib.rns_store_init(store, self.pool, options), "store")
        return store

    def stats(self) -> PoolStats:
        """Return a snapshot."""
        native = self.ffi.new("rns_pool_stats_t *")
        self.lib.rns_pool_stats(self.pool, native)
        return from_native(native)

    def check(self) -> None:
        """Verify every invariant; raise Damage with the first that is broken."""
        self.require_no(self.lib.rns_pool_check(self.pool))

    def require_no(self, damage: Any) -> None:
        """Raise Damage if a check found any."""
        if damage.status != self.lib.RNS_OK:
            invariant = self.ffi.string(damage.invariant).decode()
            where = f"{invariant}, tier {damage.tier_index}, slot {damage.slot_index}"
            self.require(damage.status, where)
