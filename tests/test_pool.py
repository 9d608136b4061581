"""The pool for the prompt: what it says and raises, threads, links, callbacks."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter

import numpy as np
import pytest
from model import PoolModel, broken_identities

from pyrns_pool import errors
from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.pool import LiveSlot, Pool, Slot

TWO = PoolConfig.parse("40x2,100x40")
MALLOC = PoolConfig.parse("16x1", fallback="malloc")


def test_a_slot_tells_where_it_is():
    pool = Pool(TWO)
    slot = pool.take(33)
    assert slot == Slot(slot.address, 33, 0, 40)
    assert slot.address % 16 == 0 and pool.live() == [LiveSlot(0, 0, slot.address)]
    assert repr(slot) == f"<Slot of 33 bytes in tier 40 at {slot.address:#x}>"
    assert pool.take(0).address == slot.address + 48
    assert pool.take(100).tier_index == 1


def test_a_block_of_the_fallback_belongs_to_no_tier():
    with Pool(MALLOC) as pool:
        block = pool.take(17)
        assert block == Slot(block.address, 17, None, None)
        assert repr(block) == f"<Slot of 17 bytes in the fallback at {block.address:#x}>"
        assert pool.live() == []


def test_the_pool_tells_how_full_it_is():
    pool = Pool(TWO)
    assert repr(pool) == (
        "<Pool 40x2,100x40 strict; in use 40: 0/2, 100: 0/40; 100.0% of 0 requests served>"
    )
    for size in (1, 2, 50, 400):
        try:
            pool.take(size)
        except errors.TooLarge:
            pass
    assert repr(pool) == (
        "<Pool 40x2,100x40 strict; in use 40: 2/2, 100: 1/40; 75.0% of 4 requests served>"
    )
    assert pool.log_line() == "requests=4 hits=3 spills=0 hit_rate=75.0% 40:2/2^2 100:1/40^1"
    pool.close()
    assert repr(pool) == "<Pool 40x2,100x40 strict, closed>"


def test_the_context_manager_closes_the_pool_whatever_happens():
    with pytest.raises(KeyError):
        with Pool(TWO) as pool:
            assert not pool.closed
            raise KeyError
    assert pool.closed
    pool.close()
    assert pool.closed


@pytest.mark.parametrize(
    "use",
    [
        lambda pool: pool.take(1),
        lambda pool: pool.give(4096),
        lambda pool: pool.stats(),
        lambda pool: pool.reset_window(),
        lambda pool: pool.check(),
        lambda pool: pool.live(),
        lambda pool: pool.log_line(),
        lambda pool: pool.link(Pool(TWO)),
        lambda pool: Pool(TWO).link(pool),
        lambda pool: pool.__enter__(),
    ],
)
def test_a_closed_pool_refuses_every_use(use):
    pool = Pool(TWO)
    pool.close()
    with pytest.raises(errors.PoolError, match="^the pool is closed$"):
        use(pool)


def test_a_pool_is_neither_pickled_nor_copied():
    pool = Pool(TWO)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="^a Pool cannot be pickled; pickle its config$"):
            attempt(pool)


@pytest.mark.parametrize(
    "size, kind, text",
    [
        (True, TypeError, "size_bytes: True is not a whole number"),
        (1.0, TypeError, "size_bytes: 1.0 is not a whole number"),
        ("1", TypeError, "size_bytes: '1' is not a whole number"),
        (None, TypeError, "size_bytes: None is not a whole number"),
        (-1, ValueError, "size_bytes: -1 is not in 0 to 18446744073709551615"),
        (2**64, ValueError, f"size_bytes: {2**64} is not in 0 to 18446744073709551615"),
    ],
)
def test_what_is_no_size_is_refused_and_not_counted(size, kind, text):
    pool = Pool(TWO)
    with pytest.raises(kind) as caught:
        pool.take(size)
    assert str(caught.value) == text and not isinstance(caught.value, errors.PoolError)
    assert pool.stats().requests == 0


@pytest.mark.parametrize(
    "slot, kind, text",
    [
        (True, TypeError, "slot: True is neither a Slot nor an address"),
        ("0x10", TypeError, "slot: '0x10' is neither a Slot nor an address"),
        (None, TypeError, "slot: None is neither a Slot nor an address"),
        (-1, ValueError, "slot: address -1 is not in 0 to 18446744073709551615"),
        (2**64, ValueError, f"slot: address {2**64} is not in 0 to 18446744073709551615"),
    ],
)
def test_what_is_no_address_is_refused_and_not_counted(slot, kind, text):
    pool = Pool(TWO)
    with pytest.raises(kind) as caught:
        pool.give(slot)
    assert str(caught.value) == text and not isinstance(caught.value, errors.PoolError)
    assert pool.stats().misuse == Pool(TWO).stats().misuse


def test_a_miss_is_named_and_is_the_built_in_error_that_it_is():
    pool = Pool(PoolConfig.parse("40x1"))
    pool.take(40)
    with pytest.raises(errors.PoolExhausted) as caught:
        pool.take(7)
    assert isinstance(caught.value, MemoryError)
    assert str(caught.value) == (
        "7 bytes from 40x1 strict: every slot that may serve it is in use (MISS_EXHAUSTED)"
    )
    with pytest.raises(errors.TooLarge) as caught:
        pool.take(41)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        "41 bytes from 40x1 strict: larger than every tier (MISS_OVERSIZE)"
    )


def test_the_fallback_that_refuses_leaves_the_miss():
    pool = Pool(MALLOC)
    with pytest.raises(errors.TooLarge):
        pool.take(2**64 - 1)
    stats = pool.stats()
    assert (stats.oversize, stats.fallbacks, stats.failures) == (1, 0, 1)


MISUSES = {
    "foreign": (
        errors.ForeignPointer,
        lambda slot, free, end: 4096,
        "not in the pool's memory (MISUSE_FOREIGN)",
    ),
    "out_of_range": (
        errors.OutOfRangePointer,
        lambda slot, free, end: end,
        "in the pool's memory, but in no slot (MISUSE_OUT_OF_RANGE)",
    ),
    "interior": (
        errors.InteriorPointer,
        lambda slot, free, end: slot + 16,
        "inside a slot, not at its start (MISUSE_INTERIOR)",
    ),
    "misaligned": (
        errors.MisalignedPointer,
        lambda slot, free, end: slot + 1,
        "in a slot, but not aligned as slots are (MISUSE_MISALIGNED)",
    ),
    "double_give": (
        errors.DoubleGive,
        lambda slot, free, end: free,
        "the slot is already free (MISUSE_DOUBLE_GIVE)",
    ),
}


@pytest.mark.parametrize("kind", MISUSES)
def test_each_misuse_has_its_exception_and_its_counter_and_changes_nothing(kind):
    exception, address_of, reason = MISUSES[kind]
    pool = Pool(PoolConfig.parse("40x40"))
    slot = pool.take(1)
    free = pool.take(1)
    pool.give(free)
    before = pool.stats()
    address = address_of(slot.address, free.address, slot.address + 40 * 48)
    for count in (1, 2):
        with pytest.raises(exception) as caught:
            pool.give(address)
        assert isinstance(caught.value, errors.Misuse) and isinstance(caught.value, ValueError)
        assert str(caught.value) == f"give of {address:#x}: {reason}"
        assert getattr(pool.stats().misuse, kind) == count
    after = pool.stats()
    assert (after.in_use, after.gives, after.requests) == (1, 1, 2)
    assert after.tiers == before.tiers and pool.live() == [LiveSlot(0, 0, slot.address)]
    pool.check()
    pool.give(slot)


@pytest.mark.parametrize("address", [0, 1, 2**63, 2**64 - 16, 2**64 - 1])
def test_no_end_of_the_address_space_is_a_slot(address):
    pool = Pool(PoolConfig.parse("16x2"))
    slot = pool.take(1)
    with pytest.raises(errors.ForeignPointer):
        pool.give(address)
    assert pool.live() == [LiveSlot(0, 0, slot.address)]


def test_the_heap_never_gets_back_what_it_did_not_hand_out():
    pool = Pool(MALLOC)
    first, second = pool.take(17), pool.take(17)
    pool.give(first)
    for address in (first, first.address, second.address + 16, second.address + 1, 0, 4096):
        with pytest.raises(errors.ForeignPointer):
            pool.give(address)
    assert pool.stats().misuse.foreign == 6
    pool.give(second.address)
    stats = pool.stats()
    assert (stats.fallbacks, stats.fallback_gives) == (2, 2)


CHURN = """
import resource
from pyrns_pool import ConfigError, Pool, PoolConfig
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for _ in range(20):
    with Pool(PoolConfig.parse("16x1", fallback="malloc")) as pool:
        pool.take(100 << 20)  # Untouched, so it only takes addresses.
try:
    Pool(PoolConfig.parse("16777216x200"))
except ConfigError as error:
    print(error)
"""


def test_a_process_with_little_memory_gets_it_back_or_a_config_error():
    result = subprocess.run([sys.executable, "-c", CHURN], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout == "16777216x200 strict: 3355443232 bytes do not fit in memory\n"


def test_a_slot_of_a_linked_pool_is_told_from_a_foreign_one():
    mine, theirs = Pool(TWO), Pool(TWO)
    slot = theirs.take(1)
    with pytest.raises(errors.ForeignPointer):
        mine.give(slot)
    mine.link(theirs)
    mine.link(theirs)
    mine.link(mine)
    with pytest.raises(errors.WrongPool) as caught:
        mine.give(slot)
    text = f"give of {slot.address:#x}: a slot of a linked pool (MISUSE_WRONG_POOL)"
    assert str(caught.value) == text
    with pytest.raises(errors.WrongPool):
        theirs.give(mine.take(1))
    assert (mine.stats().misuse.wrong_pool, mine.stats().misuse.foreign) == (1, 1)
    assert theirs.stats().misuse.wrong_pool == 1
    theirs.give(slot)
    theirs.close()
    with pytest.raises(errors.ForeignPointer):
        mine.give(slot)


def test_linked_pools_keep_the_memory_that_they_point_at():
    first, second, third = (Pool(TWO) for _ in range(3))
    first.link(second)
    second.link(third)
    slot = third.take(1)
    memory = weakref.ref(third._native)
    second.close()
    del second, third
    gc.collect()
    assert memory() is not None
    with pytest.raises(errors.WrongPool):
        first.give(slot)
    first.close()
    gc.collect()
    assert memory() is None


def test_damage_to_the_bitmap_is_found_and_located():
    pool = Pool(PoolConfig.parse("16x40"))
    pool.take(1)
    pool.check()
    memory = pool._native.ffi.buffer(pool._native._memory)
    bitmap = pool.live()[0].address - int(pool._native.ffi.cast("uintptr_t", pool._native._memory))
    bitmap += 40 * 16
    memory[bitmap : bitmap + 4] = b"\x02\0\0\0"
    with pytest.raises(errors.Damage) as caught:
        pool.check()
    assert str(caught.value) == ("I2, tier 0, slot 0: memory was overwritten (DAMAGE_INVARIANT)")
    assert isinstance(caught.value, RuntimeError)


def test_the_low_water_callback_is_told_once_on_the_way_down_and_once_on_the_way_up():
    told = []
    config = PoolConfig((Tier(16, 4), Tier(32, 4, low_water_count=2, hysteresis_count=1)))
    pool = Pool(config, on_low_water=lambda *event: told.append(event))
    slots = [pool.take(20) for _ in range(2)]
    assert told == []
    slots += [pool.take(20), pool.take(20)]
    assert told == [(1, 1, True)]
    for slot in slots:
        pool.give(slot)
    assert told == [(1, 1, True), (1, 3, False)]
    assert [type(value) for value in told[0]] == [int, int, bool]


def test_a_callback_may_use_the_pool_and_even_close_it():
    seen = []

    def callback(tier_index, free_count, low):
        seen.append(pool.stats().in_use)
        pool.close()

    pool = Pool(PoolConfig((Tier(16, 2, low_water_count=2),)), on_low_water=callback)
    assert pool.take(1).tier_index == 0
    assert seen == [1] and pool.closed


def test_a_callback_that_raises_does_not_break_the_pool(capfd, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)  # Where a newer cffi prints.

    def callback(tier_index, free_count, low):
        raise LookupError(f"{tier_index} {free_count} {low}")

    config = PoolConfig((Tier(16, 2, low_water_count=2),))
    pool = Pool(config, on_low_water=callback)
    slot = pool.take(1)
    pool.give(slot)
    pool.check()
    assert (pool.stats().hits, pool.stats().gives) == (1, 1)
    text = capfd.readouterr().err + " ".join(str(event.exc_value) for event in told)
    assert "0 1 True" in text and "0 2 False" in text


THREADS = 4
ROUNDS = 3000


def test_threads_that_share_a_pool_lose_no_count():
    pool = Pool(PoolConfig.parse("16x3,40x33,100x5", "spill"))
    outcomes = [Counter() for _ in range(THREADS)]
    broken = []
    start = threading.Barrier(THREADS + 1)

    def work(seed, seen):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(0, 110, ROUNDS).tolist()
        held = []
        start.wait()
        for round_, size in enumerate(sizes):
            try:
                slot = pool.take(size)
            except errors.PoolExhausted:
                seen["exhausted"] += 1
            except errors.TooLarge:
                seen["oversize"] += 1
            else:
                home = next(i for i, tier in enumerate((16, 40, 100)) if size <= tier)
                seen["hits" if slot.tier_index == home else "spills"] += 1
                held.append(slot)
            if len(held) > 12 or round_ % 3 == 0 and held:
                pool.give(held.pop(0))
                seen["gives"] += 1
        for slot in held:
            pool.give(slot)
            seen["gives"] += 1

    threads = [threading.Thread(target=work, args=(i, outcomes[i])) for i in range(THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        start.wait()
        while any(thread.is_alive() for thread in threads):
            stats = pool.stats()
            for tier in stats.tiers:
                if not tier.in_use <= tier.high_water <= tier.slot_count:
                    broken.append(tier)
            if stats.requests != stats.hits + stats.spills + stats.misses:
                broken.append(stats)
            time.sleep(0)
    finally:
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    stats = pool.stats()
    total = sum(outcomes, Counter())
    print(dict(total))
    assert broken == [] and broken_identities(stats) == []
    assert all(total[name] for name in ("hits", "spills", "exhausted", "oversize"))
    names = ("hits", "spills", "exhausted", "oversize", "gives")
    assert {name: getattr(stats, name) for name in names} == {name: total[name] for name in names}
    assert stats.requests == THREADS * ROUNDS and stats.in_use == 0
    assert pool.live() == []
    pool.check()


def test_threads_that_give_the_same_slot_succeed_once():
    pool = Pool(PoolConfig.parse("16x32,40x40"))
    slots = [pool.take(size) for size in (1, 20) for _ in range(30)]
    start = threading.Barrier(THREADS)
    given = Counter()

    def work(seen):
        start.wait()
        for slot in slots:
            try:
                pool.give(slot)
                seen.append(slot)
            except errors.DoubleGive:
                pass

    seen = [[] for _ in range(THREADS)]
    threads = [threading.Thread(target=work, args=(seen[i],)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given.update(slot for part in seen for slot in part)
    assert given == Counter(slots)
    assert pool.stats().gives == len(slots)
    assert pool.stats().misuse.double_give == (THREADS - 1) * len(slots)


def test_a_tier_with_a_summary_of_several_words_serves_the_lowest_free_slot():
    config = PoolConfig.parse("16x2100")
    pool = Pool(config)
    start = pool.take(1).address
    model = PoolModel(config, start, pool._native.storage_bytes)
    model.take(1)
    held = [start]
    rng = np.random.default_rng(1)
    for step, choice in enumerate(rng.random(9000)):
        # Fills up at first, then hovers near full, then empties.
        if choice < (0.9, 0.55, 0.3)[step // 3000]:
            place = model.take(1)
            if place == "MISS_EXHAUSTED":
                with pytest.raises(errors.PoolExhausted):
                    pool.take(1)
            else:
                assert pool.take(1).address == place.address
                held.append(place.address)
        elif held:
            last = len(held) - 1
            index = int(choice * 1e6) % len(held)
            held[index], held[last] = held[last], held[index]
            address = held.pop()
            pool.give(address)
            assert model.give(address) == "OK"
    stats = pool.stats()
    assert stats == model.stats() and stats.exhausted > 0
    assert stats.tiers[0].high_water == 2100
    assert pool.live() == model.live()
    pool.check()
