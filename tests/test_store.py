"""The store: its statistics, who lives in it, leaks, planned faults, and closing."""

import dataclasses
import gc
import pickle
import warnings

import pytest
from model import broken_identities

import pyrns_pool as rp
from pyrns_pool._native import atomic
from pyrns_pool.store import LiveBytes

CONFIG = rp.PoolConfig.parse("16x2,40x2,64x1")


def test_every_field_of_the_c_struct_is_there_under_its_name():
    in_c = [name for name, _ in atomic.ffi.typeof("rns_store_stats_t").fields]
    assert [*in_c, "pool"] == [field.name for field in dataclasses.fields(rp.StoreStats)]


def test_each_count_of_a_short_program_is_exact():
    store = rp.Store(CONFIG)
    b = store.bytes(b"0123456789")
    kept = [b.copy(), b[2:], b[3:5], b[4:4], b.view()]
    b += b"tail"
    b[0] = 65
    b += bytes(10)
    kept[2].compact()
    kept[1].clear()
    kept[1] += bytes(30)
    kept[1].resize(8)
    kept[1].compact()
    stats = store.stats()
    counts = [getattr(stats, field.name) for field in dataclasses.fields(rp.BytesStats)]
    assert counts == [2, 2, 4, 1, 14, 1, 1, 1]
    assert stats.pool.in_use == len(store.live()) == 3
    assert broken_identities(stats.pool) == []


def test_stores_of_one_pool_count_apart_and_have_their_own_rooms_and_tags():
    first = rp.Store(CONFIG, tag=1)
    second = rp.Store(first, headroom_bytes=8, tag=2)
    mine, theirs = first.bytes(b"mine"), second.bytes(b"theirs")
    part = mine[1:]
    assert (mine.headroom, theirs.headroom, second.config) == (0, 8, CONFIG)
    assert (first.stats().slices, second.stats().slices) == (1, 0)
    assert first.stats().pool == second.stats().pool
    assert (
        first.live()
        == second.live()
        == [
            LiveBytes(0, 0, 16, 1, 1, tag=1),
            LiveBytes(0, 1, 16, 1, 1, tag=2),
        ]
    )
    part += bytes(20)
    assert second.live()[2] == LiveBytes(1, 0, 40, 1, 1, tag=1)


def test_priority_takes_the_reserve():
    config = rp.PoolConfig((rp.Tier(16, 2, reserve_count=1),))
    store = rp.Store(config)
    urgent = rp.Store(store, priority=True)
    kept = [store.bytes(b"1")]
    with pytest.raises(rp.PoolExhausted):
        store.bytes(b"2")
    kept.append(urgent.bytes(b"2"))
    assert store.stats().pool.in_use == len(kept) == 2


def test_a_leak_is_a_warning_that_names_its_place():
    store = rp.Store(CONFIG, tag=7)
    other = rp.Store(store, tag=8)
    assert store.leak_check() == []
    kept = [store.bytes(bytes(size)) for size in (1, 20)] + [other.bytes(b"x")]
    text = "2 slots with tag 7 are in use: tier 0 slot 0, tier 1 slot 0"
    with pytest.warns(ResourceWarning) as caught:
        leaks = store.leak_check()
    assert [str(w.message) for w in caught] == [text] and caught[0].filename == __file__
    assert leaks == [live for live in store.live() if live.tag == 7]
    del kept[:2]
    assert store.leak_check() == [] and len(kept) == 1


def test_many_leaks_are_not_all_named():
    store = rp.Store(rp.PoolConfig.parse("16x40"))
    kept = [store.bytes(b"x") for _ in range(40)]
    with pytest.warns(ResourceWarning, match=r"^40 slots .* tier 0 slot 7, \.\.\.$"):
        assert len(store.leak_check()) == len(kept)


def test_what_does_not_fit_names_its_size_and_the_tiers():
    store = rp.Store(CONFIG)
    with pytest.raises(rp.TooLarge) as caught:
        store.bytes(bytes(65))
    tiers = "16x2,40x2,64x1 strict"
    assert str(caught.value) == f"65 bytes from {tiers}: larger than every tier (MISS_OVERSIZE)"
    kept = store.bytes(bytes(41))
    with pytest.raises(rp.PoolExhausted) as caught:
        store.bytes(bytes(64))
    reason = "every slot that may serve it is in use (MISS_EXHAUSTED)"
    assert str(caught.value) == f"64 bytes from {tiers}: {reason}"
    assert isinstance(caught.value, MemoryError) and len(kept) == 41
    with pytest.raises(rp.TooLarge, match="^66 bytes"):
        kept += bytes(25)
    assert kept == bytes(41)


def test_the_fallback_serves_what_no_tier_does_and_gets_it_back():
    store = rp.Store(rp.PoolConfig.parse("16x1", fallback="malloc"))
    b = store.bytes(bytes(100))
    view = b[50:].view()
    b[0] = 1
    assert store.live() == [] and store.stats().pool.fallbacks == 2
    del b
    assert view == bytes(50)
    del view
    stats = store.stats().pool
    assert stats.fallbacks == stats.fallback_gives == 2


@pytest.mark.parametrize(
    "options, text",
    [
        ({"headroom_bytes": -1}, "headroom_bytes: -1 is not in 0 to 16777216"),
        ({"tailroom_bytes": 1.5}, "tailroom_bytes: 1.5 is not a whole number"),
        ({"tag": 256}, "tag: 256 is not in 0 to 255"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(rp.ConfigError) as caught:
        rp.Store(CONFIG, **options)
    assert str(caught.value) == text


# ---- Closing ----


def test_a_closed_store_makes_nothing_but_what_it_made_stays():
    with rp.Store(CONFIG) as store:
        b = store.bytes(b"stays")
        view = b.view()
    assert store.closed and repr(store) == "<Store 16x2,40x2,64x1 strict, closed>"
    for use in [
        store.bytes,
        store.stats,
        store.check,
        store.live,
        store.leak_check,
        store.__enter__,
        lambda: store.faults,
        lambda: store.fromhex("00"),
        lambda: store.concat(b"a"),
        lambda: rp.Store(store),
    ]:
        with pytest.raises(rp.PoolError, match="the store is closed"):
            use()
    store.close()
    b += b" and grows"
    b.prepend(b"it ")
    assert (bytes(b), bytes(b[:2]), bytes(view)) == (b"it stays and grows", b"it", b"stays")


def test_a_store_is_not_pickled():
    with pytest.raises(TypeError, match="pickle its config"):
        pickle.dumps(rp.Store(CONFIG))
    assert repr(rp.Store(CONFIG)) == "<Store 16x2,40x2,64x1 strict; 0 slots in use>"


# ---- Planned faults ----


def program(store):
    """Use every public function that may ask for memory; return what became of each."""
    results = []

    def attempt(act):
        before = [bytes(b) for b in kept]
        try:
            made = act()
        except (rp.PoolExhausted, rp.TooLarge) as error:
            assert [bytes(b) for b in kept] == before
            results.append(type(error).__name__)
        else:
            results.append("ok")
            if isinstance(made, rp.Bytes):
                kept.append(made)

    kept = []
    attempt(lambda: store.bytes(b"0123456789"))
    attempt(lambda: store.fromhex("00112233"))
    attempt(lambda: store.concat(b"ab", b"cd"))
    if len(kept) < 3:
        return results
    a, b, c = kept[:3]
    for act in [
        lambda: b.__setitem__(0, 1),
        lambda: b.__setitem__(slice(0, 2), b"xy"),
        lambda: b.__setitem__(slice(0, 2), b"xyz"),
        lambda: b.__setitem__(slice(0, 2, 2), b"x"),
        lambda: b.__setitem__(slice(0, 0), b"front"),
        lambda: b.__setitem__(slice(9, 9), b"back"),
        lambda: b.__delitem__(1),
        lambda: b.append(1),
        lambda: b.extend([1, 2]),
        lambda: b.prepend(b"p"),
        lambda: b.insert(1, 9),
        lambda: b.pop(1),
        lambda: b.remove(b[1]),
        lambda: b.reverse(),
        lambda: b.__iadd__(b"more"),
        lambda: b.__imul__(2),
        lambda: b.resize(30),
        lambda: b.reserve(tailroom_bytes=40),
    ]:
        shared = b.copy()
        attempt(act)
        attempt(act)
        del shared
    for act in [
        lambda: a + b"x",
        lambda: b"x" + a,
        lambda: a * 2,
        lambda: a[::2],
        lambda: a[1:3].compact(),
        lambda: a.copy(),
        lambda: a[2:],
        lambda: a.copy().split_to(2),
        lambda: a.view(),
        lambda: c.try_write(0, b"z"),
        lambda: c.clear(),
    ]:
        attempt(act)
    return results


def roomy():
    return rp.Store(rp.PoolConfig.parse("8x20,16x20,40x20,400x20"))


@pytest.mark.parametrize("sticky", [False, True])
def test_each_request_may_fail_in_turn_and_nothing_is_changed_or_lost(sticky):
    store = roomy()
    assert set(program(store)) == {"ok"}
    count = store.faults.requests
    print(f"{count} requests, each failed in turn")
    assert count > 20 and store.faults.failures == 0
    for nth in range(1, count + 1):
        store = roomy()
        store.faults.fail_nth(nth, sticky=sticky)
        results = program(store)
        assert store.faults.failures == results.count("PoolExhausted")
        assert store.faults.failures >= 1 and (sticky or store.faults.failures == 1)
        assert store.stats().pool.exhausted == 0
        if store.live():
            gc.collect()
        assert store.live() == []
        store.check()


def test_a_tier_can_be_made_to_fail_and_so_can_oversize():
    store = rp.Store(CONFIG)
    store.faults.fail_tier(1)
    store.faults.fail_tier(3)
    kept = [store.bytes(bytes(10)), store.bytes(bytes(50))]
    with pytest.raises(rp.PoolExhausted):
        store.bytes(bytes(30))
    with pytest.raises(rp.TooLarge):
        store.bytes(bytes(100))
    assert (store.faults.requests, store.faults.failures) == (4, 2)
    assert store.stats().pool.oversize == 0
    store.faults.clear()
    kept.append(store.bytes(bytes(30)))
    assert (store.faults.requests, store.faults.failures, len(kept)) == (1, 0, 3)


def test_a_rate_fails_the_same_requests_for_the_same_seed():
    def failures(seed):
        store = rp.Store(CONFIG)
        store.faults.fail_rate(0.25, seed)
        failed = []
        for i in range(1000):
            try:
                store.bytes(b"x")
            except rp.PoolExhausted:
                failed.append(i)
        assert store.faults.failures == len(failed)
        return failed

    counts = [len(failures(seed)) for seed in range(5)]
    print(f"{counts} of 1000 requests failed at a rate of 0.25")
    assert failures(1) == failures(1) != failures(2)
    assert all(200 < count < 300 for count in counts)
    store = rp.Store(CONFIG)
    store.faults.fail_rate(1, 0)
    with pytest.raises(rp.PoolExhausted):
        store.bytes(b"x")


@pytest.mark.parametrize(
    "plan, text",
    [
        (lambda f: f.fail_nth(0), "nth: 0 is not in 1 to 18446744073709551615"),
        (lambda f: f.fail_tier(4), "tier_index: 4 is not in 0 to 3"),
        (lambda f: f.fail_rate(1.5, 0), "rate: 1.5 is not in 0 to 1"),
        (lambda f: f.fail_rate(float("nan"), 0), "rate: nan is not in 0 to 1"),
        (lambda f: f.fail_rate(0.5, -1), "seed: -1 is not in 0 to 4294967295"),
    ],
)
def test_plans_out_of_range_are_refused(plan, text):
    with pytest.raises(rp.ConfigError) as caught:
        plan(rp.Store(CONFIG).faults)
    assert str(caught.value) == text


def test_warnings_of_leaks_can_be_made_errors():
    store = rp.Store(CONFIG)
    kept = store.bytes(b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ResourceWarning):
            store.leak_check()
    assert kept == b"x"
