"""A Recorder on a live pool: the trace is what was done, whoever did it."""

import dataclasses
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.errors import ConfigError, DoubleGive, PoolError, PoolExhausted, TraceError
from pyrns_pool.trace import OP_FREE

CONFIG = rp.PoolConfig.parse("32x3,64x2,256x1")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300), st.integers(0, 9))))
def test_the_trace_of_a_pool_is_what_was_taken_and_given(steps):
    live, expected, blocks = [], [], 0
    with rp.Pool(CONFIG) as pool, rp.Recorder(pool) as recorder:
        for takes, size, index in steps:
            try:
                if takes:
                    live.append((pool.take(size), blocks))
                    expected.append((0, blocks, size))
                    blocks += 1
                elif live:
                    slot, block = live.pop(index % len(live))
                    pool.give(slot)
                    expected.append((1, block, 0))
            except PoolError:
                assert takes
    if not expected:
        with pytest.raises(TraceError):
            recorder.trace
        return
    trace = recorder.trace
    columns = zip(trace.events["op"], trace.blocks, trace.events["size"])
    assert [tuple(map(int, row)) for row in columns] == expected
    told = [trace.provenance[key] for key in ("lost", "unpaired_frees", "unfreed_reuses")]
    assert told == ["0", "0", "0"]


def test_a_recorded_pool_replays_to_the_same_counts():
    config = rp.PoolConfig.parse("32x24,64x8,256x4")
    store = rp.Store(config)
    with rp.Recorder(store) as recorder:
        kept = [store.bytes(bytes(n % 250)) for n in range(1, 19)]
        kept[3] += b"grows out of its slot, more and more" * 3
        del kept[::2]
    stats, replayed = store.stats().pool, rp.replay(recorder.trace, config).stats
    assert (stats.requests, stats.takes, stats.gives) == (
        replayed.requests,
        replayed.takes,
        replayed.gives,
    )
    assert [tier.high_water for tier in stats.tiers] == [t.high_water for t in replayed.tiers]
    assert stats.requests > 18


def test_threads_that_share_a_pool_are_recorded_without_a_gap():
    pool = rp.Pool(rp.PoolConfig.parse("64x16,256x16"))
    rounds, handed = 3000, []
    recorder = rp.Recorder(pool)

    def work(number):
        for i in range(rounds):
            try:
                handed.append(pool.take(i % 250))
            except PoolExhausted:
                pass
            try:
                pool.give(handed.pop(0))
            except IndexError:
                pass

    with recorder:
        threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    stats, trace = pool.stats(), recorder.trace
    assert recorder.lost == 0
    assert trace.block_count == stats.takes
    assert len(trace) == stats.takes + stats.gives
    assert (trace.provenance["unpaired_frees"], trace.provenance["unfreed_reuses"]) == ("0", "0")
    assert len(set(trace.events["thread"].tolist())) == 4
    print(f"{len(trace)} events")
    assert len(trace) > rounds


def test_sites_are_named_by_blocks_of_with():
    store = rp.Store(rp.PoolConfig.parse("64x8"))
    with rp.Recorder(store) as recorder:
        kept = [store.bytes(b"1")]
        with recorder.site("app:rx"):
            kept.append(store.bytes(b"2"))
            with recorder.site("app:decode"):
                kept.append(store.bytes(b"3"))
            kept.append(store.bytes(b"4"))
        kept.append(store.bytes(b"5"))
    trace = recorder.trace
    sites = [trace.sites[event["site"]] for event in trace.events]
    assert sites == ["pool", "app:rx", "app:decode", "app:rx", "pool"]
    assert len(kept) == 5


def test_a_refused_give_is_no_event():
    with rp.Pool(CONFIG) as pool, rp.Recorder(pool) as recorder:
        slot = pool.take(10)
        pool.give(slot)
        with pytest.raises(DoubleGive):
            pool.give(slot)
        pool.take(20)
    assert recorder.trace.events["op"].tolist() == [0, 1, 0]
    assert recorder.trace.provenance["unpaired_frees"] == "0"


def test_blocks_of_the_fallback_are_recorded_as_well():
    config = dataclasses.replace(rp.PoolConfig.parse("32x1"), fallback="malloc")
    with rp.Pool(config) as pool, rp.Recorder(pool) as recorder:
        slots = [pool.take(20), pool.take(21), pool.take(5000)]
        for slot in slots:
            pool.give(slot)
    assert recorder.trace.block_sizes.tolist() == [20, 21, 5000]
    assert int((recorder.trace.events["op"] == OP_FREE).sum()) == 3


def test_what_was_taken_before_is_not_in_the_trace():
    with rp.Pool(CONFIG) as pool:
        before = pool.take(1)
        with rp.Recorder(pool) as recorder:
            pool.take(2)
            pool.give(before)
        pool.take(3)
    assert recorder.trace.block_sizes.tolist() == [2]
    assert recorder.trace.provenance["unpaired_frees"] == "1"


def test_events_without_room_are_counted():
    with rp.Pool(CONFIG) as pool, rp.Recorder(pool, events_max=4) as recorder:
        for _ in range(5):
            pool.give(pool.take(1))
    assert recorder.lost == 6
    assert len(recorder.trace) == 4
    assert recorder.trace.provenance["lost"] == "6"


def test_a_pool_has_one_recorder_at_a_time_and_a_recorder_one_recording():
    with rp.Pool(CONFIG) as pool:
        first = rp.Recorder(pool)
        with first:
            with pytest.raises(PoolError, match="has not ended"):
                first.trace
            with pytest.raises(PoolError, match="being recorded already"):
                rp.Recorder(pool).__enter__()
            pool.take(1)
        with pytest.raises(PoolError, match="records once"):
            first.__enter__()
        with rp.Recorder(pool) as second:
            pool.take(2)
    assert second.trace.block_sizes.tolist() == [2]
    with pytest.raises(PoolError, match="closed"):
        rp.Recorder(pool).__enter__()


@pytest.mark.parametrize("events_max", [0, 2**26 + 1, 1.5])
def test_room_for_no_or_too_many_events_is_refused(events_max):
    with pytest.raises(ConfigError, match="events_max"):
        rp.Recorder(rp.Pool(CONFIG), events_max=events_max)


def test_a_recorder_that_is_dropped_in_the_middle_does_no_harm():
    pool = rp.Pool(CONFIG)
    rp.Recorder(pool).__enter__()
    for _ in range(100):
        pool.give(pool.take(1))
    assert pool.stats().takes == 100
