"""Pools that are configured or used badly: from C, and from Python."""

import pickle
import threading

from bad_case import Case

from pyrns_pool import Pool, PoolConfig, Tier, errors
from pyrns_pool._native import atomic
from pyrns_pool._native_pool import NativePool, aligned_memory

CASES = []
lib, ffi = atomic
HUGE = 2**64 - 1


def bad(group, error, says):
    """Add a case: the decorated function is called, and raises or returns that."""

    def add(use):
        CASES.append(Case(group, use.__name__, lambda _: use, lambda use: use(), error, says))
        return use

    return add


# ---- Arguments of the C functions ----


def tier(slot_bytes=64, slot_count=4, **more):
    return {"slot_bytes": slot_bytes, "slot_count": slot_count, **more}


def refused(name, tiers, status, call="storage_bytes", storage=None, **more):
    """Add a case: a configuration in C, and the name of the status that it is answered with."""

    def use(_):
        array = ffi.new("rns_tier_config_t[]", tiers) if tiers else ffi.NULL
        config = ffi.new("rns_pool_config_t *", {"tiers": array, "tier_count": len(tiers), **more})
        out = ffi.new("size_t *", 7)
        answer = lib.rns_pool_storage_bytes(config, out)
        if call == "init":
            assert answer == lib.RNS_OK
            memory, place = aligned_memory(atomic, out[0] + 64)
            pool = ffi.new("rns_pool_t *")
            answer = lib.rns_pool_init(pool, config, storage(place["start"], out[0]))
        else:
            assert out[0] == 0
        return ffi.string(lib.rns_status_name(answer)).decode()

    CASES.append(Case("C arguments", name, lambda _: None, use, None, status))


refused("no_tier", [], "CONFIG_TIER_COUNT")
refused("nine_tiers", [tier(8 * n) for n in range(1, 10)], "CONFIG_TIER_COUNT")
refused("tiers_equal", [tier(64), tier(64)], "CONFIG_TIER_ORDER")
refused("tiers_unsorted", [tier(64), tier(32)], "CONFIG_TIER_ORDER")
refused("slot_bytes_0", [tier(0)], "CONFIG_SLOT_BYTES")
refused("slot_bytes_over_limit", [tier(2**24 + 1)], "CONFIG_SLOT_BYTES")
refused("slot_bytes_largest", [tier(HUGE)], "CONFIG_SLOT_BYTES")
refused("slot_bytes_2_63", [tier(2**63)], "CONFIG_SLOT_BYTES")
refused("slot_count_0", [tier(64, 0)], "CONFIG_SLOT_COUNT")
refused("slot_count_over_limit", [tier(64, 2**24 + 1)], "CONFIG_SLOT_COUNT")
refused("slot_count_largest", [tier(64, 2**32 - 1)], "CONFIG_SLOT_COUNT")
refused("product_over_32_bits", [tier(2**24, 2**24)], "CONFIG_OVERFLOW")
refused("product_just_over_32_bits", [tier(65536, 65536)], "CONFIG_OVERFLOW")
refused("second_tier_over_32_bits", [tier(8), tier(2**24, 256)], "CONFIG_OVERFLOW")
refused(
    "header_pushes_over_32_bits", [tier(2**24 - 16, 256)], "CONFIG_OVERFLOW", header_bytes=16
)
refused("reserve_over_count", [tier(reserve_count=5)], "CONFIG_RESERVE")
refused("low_water_over_count", [tier(low_water_count=5)], "CONFIG_LOW_WATER")
refused(
    "low_water_wraps_around",
    [tier(low_water_count=3, hysteresis_count=2**32 - 2)],
    "CONFIG_LOW_WATER",
)
refused("region_fifth", [tier(region=4)], "CONFIG_REGION")
refused("region_largest", [tier(region=255)], "CONFIG_REGION")
refused("policy_third", [tier()], "CONFIG_POLICY", policy=2)
refused("policy_largest", [tier()], "CONFIG_POLICY", policy=2**31 - 1)
refused("header_of_one_byte", [tier()], "CONFIG_HEADER", header_bytes=1)
refused("header_largest", [tier()], "CONFIG_HEADER", header_bytes=2**32 - 16)
refused(
    "fallback_without_give",
    [tier()],
    "CONFIG_FALLBACK",
    fallback={"take": lib.rns_malloc_fallback().take},
)
refused(
    "fallback_without_take",
    [tier()],
    "CONFIG_FALLBACK",
    fallback={"give": lib.rns_malloc_fallback().give},
)
refused(
    "storage_null",
    [tier()],
    "CONFIG_STORAGE_ALIGN",
    "init",
    lambda at, size: {"start": ffi.NULL, "bytes": size},
)
refused(
    "storage_one_byte_less",
    [tier()],
    "CONFIG_STORAGE_SMALL",
    "init",
    lambda at, size: {"start": at, "bytes": size - 1},
)
refused(
    "storage_empty",
    [tier()],
    "CONFIG_STORAGE_SMALL",
    "init",
    lambda at, size: {"start": at, "bytes": 0},
)
refused(
    "storage_one_byte_off",
    [tier()],
    "CONFIG_STORAGE_ALIGN",
    "init",
    lambda at, size: {"start": at + 1, "bytes": size},
)
refused(
    "storage_eight_bytes_off",
    [tier()],
    "CONFIG_STORAGE_ALIGN",
    "init",
    lambda at, size: {"start": at + 8, "bytes": size},
)


def c_value(name, error, says, field, value):
    """Add a case: a number that its C type does not hold, refused before C sees it."""

    def use(_):
        ffi.new("rns_tier_config_t *", {field: value})

    CASES.append(Case("C arguments", name, lambda _: None, use, error, says))


c_value("count_negative", OverflowError, "can't convert negative", "slot_count", -1)
c_value("count_2_32", OverflowError, "4294967296", "slot_count", 2**32)
c_value("count_float", TypeError, "an integer is required", "slot_count", 1.5)
c_value("count_text", TypeError, "an integer is required", "slot_count", "4")
c_value("bytes_negative", OverflowError, "negative", "slot_bytes", -1)
c_value("bytes_2_64", OverflowError, "too big", "slot_bytes", 2**64)


# ---- Configurations in Python ----


def config(name, error, says, make):
    CASES.append(Case("config", name, lambda _: None, lambda _: make(), error, says))


C = errors.ConfigError
config("count_bool", C, "slot_count: True is not a whole number", lambda: Tier(8, True))
config("count_float", C, "slot_count: 4.0 is not a whole number", lambda: Tier(8, 4.0))
config("count_nan", C, "slot_count: nan is not a whole number", lambda: Tier(8, float("nan")))
config("count_none", C, "slot_count: None is not a whole number", lambda: Tier(8, None))
config("count_1e9", C, "slot_count: 1000000000 is not in 1 to 16777216", lambda: Tier(8, 10**9))
config("bytes_2_63", C, f"slot_bytes: {2**63} is not in 1 to", lambda: Tier(2**63, 1))
config("bytes_negative", C, "slot_bytes: -1 is not in 1 to", lambda: Tier(-1, 1))
config("tiers_none", C, "tiers: 0 tiers are not 1 to 8", lambda: PoolConfig(()))
config("tiers_of_pairs", C, "tiers: (8, 1) is not a Tier", lambda: PoolConfig(((8, 1),)))
config("tiers_text", C, "tiers: 'a' is not a Tier", lambda: PoolConfig("a"))
config(
    "policy_none",
    C,
    "policy: None is not one of strict, spill",
    lambda: PoolConfig((Tier(8, 1),), None),
)
config("parse_empty", C, "tiers: '' is not like 256x16", lambda: PoolConfig.parse(""))
config(
    "parse_hexadecimal",
    C,
    "slot_bytes: 0 is not in 1 to 16777216",
    lambda: PoolConfig.parse("0x10"),
)
config("parse_sign", C, "tiers: '-8x1' is not like 256x16", lambda: PoolConfig.parse("-8x1"))
config("parse_other_digits", C, "is not like 256x16", lambda: PoolConfig.parse("٨x١"))
config("parse_ten_digits", C, "is not like 256x16", lambda: PoolConfig.parse("8x1000000000"))
config("parse_5000_digits", C, "is not like 256x16", lambda: PoolConfig.parse("9" * 5000 + "x1"))
config(
    "parse_escape", C, "tiers: '\\x1b[2J' is not like 256x16", lambda: PoolConfig.parse("\x1b[2J")
)
config(
    "preset_unknown", C, "preset: 'mine' is not one of design", lambda: PoolConfig.preset("mine")
)
config(
    "dict_key_unknown",
    C,
    "not a pool configuration",
    lambda: PoolConfig.from_dict({"tiers": [], "x": 1}),
)
config(
    "more_than_memory",
    C,
    "bytes do not fit in memory",
    lambda: Pool(PoolConfig.parse("16777216x255")),
)
config("total_over_32_bits", C, "CONFIG_OVERFLOW", lambda: Pool(PoolConfig.parse("16777216x256")))


# ---- Free misuse ----

PLAIN = PoolConfig.parse("40x40,100x8")


def misused(name, error, address_of, count=None):
    """Add a case: an address that is no slot in use is counted, and changes nothing."""

    def use(_):
        pool = Pool(PLAIN)
        slot, freed = pool.take(33), pool.take(33)
        pool.give(freed)
        before = pool.stats()
        try:
            pool.give(address_of(pool, slot, freed))
        finally:
            after = pool.stats()
            assert (after.in_use, after.tiers) == (before.in_use, before.tiers)
            counted = 0 if count is None else getattr(after.misuse, count)
            assert counted == (count is not None)
            pool.check()
            pool.give(slot)

    says = "give of 0x" if count else "slot: "
    CASES.append(Case("free misuse", name, lambda _: None, use, error, says))


STRIDE = 48
E = errors
misused("twice", E.DoubleGive, lambda pool, slot, freed: freed, "double_give")
misused(
    "never_taken", E.DoubleGive, lambda pool, slot, freed: slot.address + 2 * STRIDE, "double_give"
)
misused("one_byte_inside", E.MisalignedPointer, lambda p, slot, f: slot.address + 1, "misaligned")
misused("one_byte_before", E.ForeignPointer, lambda p, slot, f: slot.address - 1, "foreign")
misused("aligned_inside", E.InteriorPointer, lambda p, slot, f: slot.address + 16, "interior")
misused(
    "last_byte", E.MisalignedPointer, lambda p, slot, f: slot.address + STRIDE - 1, "misaligned"
)
misused(
    "behind_the_last",
    E.OutOfRangePointer,
    lambda p, slot, f: slot.address + 40 * STRIDE + 8 * 112,
    "out_of_range",
)
misused("null", E.ForeignPointer, lambda *_: 0, "foreign")
misused("first_byte_of_memory", E.ForeignPointer, lambda *_: 1, "foreign")
misused("last_byte_of_memory", E.ForeignPointer, lambda *_: HUGE, "foreign")
misused(
    "text_of_a_program",
    E.ForeignPointer,
    lambda *_: int(ffi.cast("uintptr_t", ffi.addressof(lib, "rns_pool_give"))),
    "foreign",
)
misused("memory_of_python", E.ForeignPointer, lambda *_: id(PLAIN), "foreign")
misused("slot_of_another_pool", E.ForeignPointer, lambda *_: OTHER.take(1), "foreign")
misused("negative", ValueError, lambda *_: -1)
misused("2_64", ValueError, lambda *_: 2**64)
misused("truth", TypeError, lambda *_: True)
misused("address_as_text", TypeError, lambda *_: "0x10")
OTHER = Pool(PLAIN)


@bad("free misuse", E.WrongPool, "a slot of a linked pool (MISUSE_WRONG_POOL)")
def slot_of_a_linked_pool():
    pool = Pool(PLAIN)
    pool.link(OTHER)
    try:
        pool.give(OTHER.take(50))
    finally:
        assert pool.stats().misuse.wrong_pool == 1
        pool.close()


@bad("free misuse", E.ForeignPointer, "not in the pool's memory")
def block_of_the_heap_twice():
    with Pool(PoolConfig.parse("8x1", fallback="malloc")) as pool:
        block = pool.take(100)
        pool.give(block)
        pool.give(block)


@bad("free misuse", E.PoolError, "the pool is closed")
def give_after_close():
    pool = Pool(PLAIN)
    slot = pool.take(1)
    pool.close()
    pool.give(slot)


@bad("free misuse", E.DoubleGive, "the slot is already free")
def twice_from_two_threads():
    pool, raised = Pool(PLAIN), []
    slot = pool.take(1)

    def give():
        try:
            pool.give(slot)
        except E.DoubleGive as error:
            raised.append(error)

    threads = [threading.Thread(target=give) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (error,) = raised
    raise error


@bad("free misuse", None, "the second owner's slot is gone")
def stale_slot_after_reuse():
    """What no pool of raw slots can tell: the address is a slot in use, of somebody else."""
    pool = Pool(PLAIN)
    first = pool.take(1)
    pool.give(first)
    second = pool.take(1)
    assert second.address == first.address
    pool.give(first)
    try:
        pool.give(second)
    except E.DoubleGive:
        return "the second owner's slot is gone"


@bad("free misuse", TypeError, "a Pool cannot be pickled; pickle its config")
def pickled_pool():
    pickle.dumps(Pool(PLAIN))


# ---- Exhaustion ----


def full(policy="strict", fallback="none", tiers="40x2,100x3"):
    """Return a pool of which every slot is in use, and the slots."""
    pool = Pool(PoolConfig.parse(tiers, policy, fallback))
    slots = [pool.take(t.slot_bytes) for t in pool.config.tiers for _ in range(t.slot_count)]
    return pool, slots


def missed(name, error, size, policy="strict", fallback="none", after=None, **more):
    """Add a case: a request of a full pool; all identities of counts hold, and it recovers."""

    def use(_):
        pool, slots = full(policy, fallback)
        if after:
            after(pool, slots)
        try:
            return pool.take(size, **more)
        finally:
            s = pool.stats()
            assert s.requests == s.hits + s.spills + s.exhausted + s.oversize
            assert s.exhausted + s.oversize == s.fallbacks + s.failures
            assert all(t.in_use <= t.high_water <= t.slot_count for t in s.tiers)
            pool.check()
            for slot in [slot for slot in slots if slot]:
                pool.give(slot)
            assert pool.take(40).tier_index == 0

    says = f"{size} bytes from " if error else " bytes in "
    CASES.append(Case("exhaustion", name, lambda _: None, use, error, says))


def free_one(pool, slots, index=0):
    pool.give(slots[index])
    slots[index] = None


missed("small_tier", E.PoolExhausted, 40)
missed("large_tier", E.PoolExhausted, 100)
missed("size_0", E.PoolExhausted, 0)
missed("all_tiers_spill", E.PoolExhausted, 40, "spill")
missed("priority", E.PoolExhausted, 40, priority=True)
missed("other_tier_free_strict", E.PoolExhausted, 40, after=lambda p, s: free_one(p, s, -1))
missed("other_tier_free_spill", None, 40, "spill", after=lambda p, s: free_one(p, s, -1))
missed("one_freed", None, 40, after=free_one)
missed("oversize", E.TooLarge, 101)
missed("oversize_spill", E.TooLarge, 101, "spill")
missed("oversize_2_63", E.TooLarge, 2**63)
missed("oversize_largest", E.TooLarge, HUGE, fallback="malloc")
missed("fallback", None, 40, fallback="malloc")
missed("fallback_oversize", None, 101, fallback="malloc")


@bad("exhaustion", E.PoolExhausted, "8 bytes from 8x4 strict")
def reserve_is_kept_for_priority():
    pool = Pool(PoolConfig((Tier(8, 4, reserve_count=2),)))
    pool.take(8), pool.take(8)
    try:
        pool.take(8)
    finally:
        pool.take(8, priority=True)


@bad("exhaustion", E.PoolExhausted, "every slot that may serve it is in use (MISS_EXHAUSTED)")
def a_million_times():
    """A miss leaves nothing behind: neither memory nor a count that is off."""
    native = NativePool(atomic, PoolConfig.parse("8x1"))
    out = ffi.new("void **")
    assert lib.rns_pool_take(native.pool, 8, lib.RNS_PRIORITY_NORMAL, out) == lib.RNS_OK
    for _ in range(1_000_000):
        status = lib.rns_pool_take(native.pool, 8, lib.RNS_PRIORITY_NORMAL, out)
    assert out[0] == ffi.NULL and native.stats().failures == 1_000_000
    native.require(status, "8 bytes")


for name, error, value, says in (
    ("size_negative", ValueError, -1, "size_bytes: -1 is not in 0 to"),
    ("size_2_64", ValueError, 2**64, "size_bytes: 18446744073709551616 is not in 0 to"),
    ("size_float", TypeError, 1.0, "size_bytes: 1.0 is not a whole number"),
    ("size_truth", TypeError, True, "size_bytes: True is not a whole number"),
    ("size_text", TypeError, "8", "size_bytes: '8' is not a whole number"),
    ("size_none", TypeError, None, "size_bytes: None is not a whole number"),
):
    CASES.append(Case("exhaustion", name, lambda _, v=value: v, OTHER.take, error, says))
