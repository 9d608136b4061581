"""Bytes and threads: counts that are exact, and memory that is safe even if a Bytes is misused."""

import sys
import threading

import pytest

import pyrns_pool as rp

THREADS = 4
PAIRS = 100_000
MISUSES = 30_000


def run(work):
    """Run `work(index)` in each thread at once; return what they raised."""
    errors = []
    start = threading.Barrier(THREADS)

    def guarded(index):
        start.wait()
        try:
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
    finally:
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    return errors


def test_slices_of_one_bytes_are_made_and_dropped_in_all_threads_and_none_is_miscounted():
    store = rp.Store(rp.PoolConfig.parse("64x8"))
    b = store.bytes(bytes(range(64)))
    own = [b.copy() for _ in range(THREADS)]

    def work(index):
        mine = own[index]
        for i in range(PAIRS):
            part = mine[i % 60 :]
            if i % 100 == index:
                assert part[0] == i % 60

    assert run(work) == []
    stats = store.stats()
    print(f"{stats.slices} slices in {THREADS} threads")
    assert stats.slices == THREADS * PAIRS and stats.shares == THREADS
    assert stats.cow_copies == 0 and stats.pool.in_use == 1 and stats.pool.requests == 1
    own.clear()
    assert not b.will_copy
    store.check()


def test_threads_that_write_what_they_share_see_their_own_content_only():
    store = rp.Store(rp.PoolConfig.parse("16x200,64x40", "spill"), headroom_bytes=4)
    b = store.bytes(b"shared by all")
    rounds = 4_000
    writes = [0] * THREADS

    def work(index):
        for i in range(rounds):
            mine = b[:] if i % 2 else b.copy()
            view = mine.view()
            mine[0] = index
            mine += b"tail %d" % index
            mine.prepend(b"%d" % index)
            assert view == b"shared by all"
            assert mine == b"%d%chared by alltail %d" % (index, index, index)
            writes[index] += 1

    assert run(work) == []
    stats = store.stats()
    print(f"{stats.cow_copies} copies on write, {stats.grows} grows")
    assert sum(writes) == stats.cow_copies == THREADS * rounds
    assert stats.shares + stats.slices == 2 * THREADS * rounds
    assert b == b"shared by all" and stats.pool.in_use == 1
    store.check()


@pytest.mark.parametrize("tiers, fallback", [("16x4,64x8,256x8", "none"), ("16x4", "malloc")])
def test_a_bytes_that_threads_use_at_once_may_be_garbled_but_no_memory_is(tiers, fallback):
    store = rp.Store(rp.PoolConfig.parse(tiers, "spill", fallback), headroom_bytes=4)
    guard = store.bytes(b"guard")
    victims = [store.bytes(b"victim")]
    done = [0] * THREADS
    noticed = [0] * THREADS
    acts = [
        lambda x: x.append(1),
        lambda x: x.prepend(b"ab"),
        lambda x: x.__setitem__(0, 3),
        lambda x: x.__setitem__(slice(0, 2), b"xyz"),
        lambda x: x.__delitem__(slice(None, 3)),
        lambda x: x.resize(5),
        lambda x: x.compact(),
        lambda x: x.clear(),
        lambda x: x[1:].append(1),
        lambda x: bytes(x.view()),
        lambda x: x == b"victim",
        lambda x: x.hex(),
        lambda x: x.__iadd__(bytes(20)),
        lambda x: x.copy().reverse(),
    ]

    def work(index):
        for i in range(MISUSES):
            try:
                acts[(i * (index + 1) + index) % len(acts)](victims[0])
            except (rp.PoolExhausted, rp.TooLarge, IndexError):
                pass
            except (rp.Shared, RuntimeError, OverflowError, ValueError):
                noticed[index] += 1
            done[index] += 1

    errors = run(work)
    assert errors == [] and done == [MISUSES] * THREADS
    print(f"{sum(noticed)} of {sum(done)} calls noticed another thread")
    store.check()
    assert guard == b"guard"
    victims.clear()
    assert set(vars(store.stats().pool.misuse).values()) == {0}
    del guard
    stats = store.stats().pool
    assert stats.in_use == 0 and stats.fallbacks == stats.fallback_gives
