"""Erlang's formula against its definition and against what it is about, and measured loads."""

import numpy as np
import pytest
from curve_model import erlang_b as defined
from curve_model import load_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_curve import TRACES, trace_of

from pyrns_pool.curve import hit_curve
from pyrns_pool.erlang import SLOTS_MAX, erlang_b, erlang_slots, offered_load
from pyrns_pool.trace import Trace


def test_the_formula_gives_its_definition():
    count = 0
    for erlangs in (0.25, 1.0, 8.0, 33.5):
        for slots, share in enumerate(erlang_b(erlangs, 40)):
            assert share == pytest.approx(float(defined(erlangs, slots)), rel=1e-12)
            count += 1
    assert count == 4 * 41
    assert erlang_b(0.0, 3).tolist() == [1, 0, 0, 0]


def test_the_slots_for_a_share_are_the_fewest():
    for erlangs in (0.25, 8.0, 1600.0):
        shares = erlang_b(erlangs, 2000)
        for miss_rate in (0.5, 0.1, 0.001):
            slots = erlang_slots(erlangs, miss_rate)
            assert shares[slots] <= miss_rate < shares[slots - 1]
    assert erlang_slots(8.0, 1.0) == 0 and erlang_slots(0.0, 0.0) == 1
    assert erlang_slots(8.0, 0.0) is None and erlang_slots(3.0 * SLOTS_MAX, 0.01) is None


def test_a_load_is_what_looking_at_every_moment_gives():
    count = 0

    @settings(max_examples=60)
    @given(TRACES.map(trace_of), st.integers(0, 20), st.integers(0, 20))
    def check(trace, least, more):
        nonlocal count
        load = offered_load(trace, least, least + more)
        inside = (least <= trace.block_sizes) & (trace.block_sizes <= least + more)
        if not inside.any() or trace.duration_ns == 0:
            assert load is None
            return
        mean, variance = load_of(trace, least, least + more)
        assert load.requests == inside.sum()
        assert load.erlangs == pytest.approx(float(mean), abs=1e-12)
        assert load.variance == pytest.approx(float(variance), abs=1e-9)
        count += 1

    check()
    print(count)
    assert count > 30


def test_rate_and_lifetime_multiply_to_the_load():
    columns = {"t_ns": [0, 10, 20, 60, 100], "op": [0, 0, 1, 1, 0], "id": [1, 2, 1, 2, 3]}
    load = offered_load(Trace.from_events({**columns, "size": [8, 8, 0, 0, 8]}), 0, 8)
    assert (load.rate_hz, load.mean_lifetime_ns) == (3e7, pytest.approx(70 / 3))
    assert load.rate_hz * load.mean_lifetime_ns / 1e9 == pytest.approx(load.erlangs) == 0.7


def arrivals(batch_most, seed):
    """Return 120,000 blocks of 8 erlangs that come in batches at random times."""
    rng = np.random.default_rng(seed)
    batches = rng.integers(1, batch_most + 1, 200_000)
    batches = batches[np.cumsum(batches) <= 120_000]
    gaps = rng.exponential(1000.0 * batches.mean(), len(batches))
    begin = np.repeat(np.cumsum(gaps), batches).astype(np.int64)
    end = begin + rng.exponential(8000.0, len(begin)).astype(np.int64) + 1
    ids = np.arange(len(begin))
    # At equal times frees come first: ops are sorted by -op.
    t_ns, op, block = np.r_[begin, end], np.repeat([0, 1], len(ids)), np.r_[ids, ids]
    order = np.lexsort((-op, t_ns))
    size = np.where(op == 0, 32, 0)
    columns = {"t_ns": t_ns, "op": op, "id": block, "size": size}
    return Trace.from_events({name: column[order] for name, column in columns.items()})


def test_independent_requests_miss_as_the_formula_says_and_have_peakedness_one():
    curve = hit_curve(arrivals(1, seed=1), [32], loads=True)
    load, tier = curve.loads[0], curve.tiers[0]
    assert load.erlangs == pytest.approx(8, rel=0.02)
    assert load.peakedness == pytest.approx(1, abs=0.06)
    for slots in (4, 8, 12, 16):
        missed = 1 - tier.hits(slots) / tier.requests
        assert missed == pytest.approx(erlang_b(load.erlangs, slots)[slots], rel=0.05, abs=5e-4)


def test_bursts_miss_far_more_than_the_formula_says_and_their_peakedness_tells():
    curve = hit_curve(arrivals(8, seed=1), [32], loads=True)
    load, tier = curve.loads[0], curve.tiers[0]
    missed = 1 - tier.hits(16) / tier.requests
    assert load.peakedness > 2 and missed > 15 * erlang_b(load.erlangs, 16)[16]
