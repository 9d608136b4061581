"""The tuner: no pool does better, every answer is replayed, every refusal is one line."""

import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tune_model import every_pool, fragmentation_of, hits_of, ranked

import pyrns_pool as rp
from pyrns_pool._tune_ranges import candidate_sizes
from pyrns_pool.config import PoolConfig, Tier, preset_names
from pyrns_pool.errors import ConfigError, PredictionError, ResultError
from pyrns_pool.trace import Trace
from pyrns_pool.tune import tune

search_module = sys.modules["pyrns_pool._tune_search"]

SIZES = (8, 16, 24)
BYTES_MAX = 64


@pytest.fixture(scope="module")
def recorded():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.fixture(scope="module")
def beginning(recorded):
    return Trace(recorded.events[:80_000], recorded.sites)


@pytest.fixture(scope="module")
def found(recorded):
    presets = [(name, PoolConfig.preset(name)) for name in preset_names()]
    return tune(recorded, budget_bytes=32768, compared=presets)


def trace_of(steps):
    """Return a trace in which a number allocates so many bytes, and None frees one that lives."""
    columns = {name: [] for name in ("t_ns", "op", "id", "size")}
    live = []
    for t_ns, (size, which) in enumerate(steps):
        if size is None and not live:
            continue
        op = int(size is None)
        block = live.pop(which % len(live)) if op else t_ns
        live += [] if op else [block]
        for name, value in zip(columns, (t_ns, op, block, size or 0)):
            columns[name].append(value)
    return Trace.from_events(columns)


STEPS = st.tuples(st.integers(-20, 26).map(lambda n: None if n < 0 else n), st.integers(0, 9))
TRACES = st.lists(STEPS, min_size=6, max_size=40).filter(
    lambda steps: any(size is not None for size, _ in steps)
)


def best_of(rows):
    return min((-hits, size, tiers) for hits, size, tiers in rows)


def as_ranked(result):
    hits = sum(one.hits * weight for one, weight in zip(result.predicted, result.weights))
    return (-hits, result.config.slots_bytes, len(result.config.tiers))


def test_no_pool_within_the_budget_does_better():
    seen = Counter()

    @settings(max_examples=150)
    @given(
        st.lists(TRACES.map(trace_of), min_size=1, max_size=2),
        st.integers(1, 3),
        st.integers(20, BYTES_MAX),
        st.sampled_from([None, None, None, 0.3, 0.5]),
        st.sampled_from([(), (), (Tier(16, 2),), (Tier(8, 2, 1), Tier(24, 1))]),
    )
    def check(traces, tiers_max, budget, cap, require):
        if len(require) > tiers_max:
            return
        weights = [1 + 2 * i for i in range(len(traces))]
        limits = (SIZES, budget, tiers_max, require, cap)
        rows = ranked(traces, weights, *limits)
        arguments = {"budget_bytes": budget, "max_tiers": tiers_max, "max_fragmentation": cap}
        try:
            result = tune(traces, **arguments, weights=weights, require=require, candidates=SIZES)
        except ConfigError:
            assert rows == []
            seen["none"] += 1
            return
        assert as_ranked(result) == best_of(rows)
        for trace, counts, real in zip(traces, result.predicted, result.replayed):
            assert hits_of(trace, result.config) == counts.hits == real["hits"]
        shares = fragmentation_of(traces, result.config)
        assert [tier.fragmentation for tier in result.tiers] == pytest.approx(shares)
        seen["cases"] += 1
        seen["missing"] += result.total.hits < result.total.requests
        seen["tiers"] += len(result.config.tiers) > 1
        seen["required"] += bool(require)

    check()
    print(seen)
    assert seen["cases"] >= 80 and seen["missing"] >= 60
    assert seen["tiers"] >= 15 and seen["required"] >= 8 and seen["none"] >= 1


def test_the_worst_served_trace_is_served_no_less_than_by_the_sum_and_no_more_than_the_bound():
    seen = Counter()

    @settings(max_examples=30)
    @given(st.lists(TRACES.map(trace_of), min_size=2, max_size=3), st.integers(16, 48))
    def check(traces, budget):
        arguments = {"budget_bytes": budget, "max_tiers": 2, "candidates": SIZES}
        result = tune(traces, **arguments, worst=True)
        rates = [hits_of(t, result.config) / t.block_count for t in traces]
        assert min(rates) == min(one.hit_rate for one in result.predicted)
        best = max(
            min(hits_of(trace, pool) / trace.block_count for trace in traces)
            for pool in every_pool(SIZES, budget, 2)
        )
        assert min(rates) <= best <= result.worst_bound
        assert result.is_best == (min(rates) == result.worst_bound)
        by_sum = tune(traces, **arguments)
        seen["better"] += min(rates) > min(one.hit_rate for one in by_sum.predicted)
        seen["best"] += min(rates) == best
        seen["known"] += result.is_best
        seen["cases"] += 1

    check()
    print(seen)
    assert seen["cases"] >= 25 and seen["best"] >= 20 and seen["better"] >= 3
    assert seen["known"] >= 3


def test_no_smaller_pool_misses_as_few():
    seen = Counter()

    @settings(max_examples=40)
    @given(TRACES.map(trace_of), st.integers(1, 3), st.integers(0, 8), st.booleans())
    def check(trace, tiers_max, misses, as_rate):
        requests = trace.block_count
        most = 16 * trace.peak_live().blocks
        rows = ranked([trace], [1], SIZES[:2], min(most, 96), tiers_max)
        wanted = max(requests - misses, 1)
        goal = {"min_hit_rate": wanted / requests} if as_rate else {"max_misses": misses}
        enough = [row for row in rows if row[0] >= (wanted if as_rate else requests - misses)]
        try:
            result = tune(trace, **goal, max_tiers=tiers_max, candidates=SIZES[:2])
        except ConfigError as error:
            assert "out of reach" in str(error) and not enough
            seen["out of reach"] += 1
            return
        if not enough:  # More than the model tries.
            assert result.config.slots_bytes > 96
            return
        least = min((size, -hits, tiers) for hits, size, tiers in enough)
        total = result.total
        assert (result.config.slots_bytes, -total.hits, len(result.config.tiers)) == least
        seen["cases"] += 1
        seen["some missed"] += total.hits < requests

    check()
    print(seen)
    assert seen["cases"] >= 20 and seen["some missed"] >= 8 and seen["out of reach"] >= 1


def steps_of(*parts):
    return trace_of([step for part in parts for step in part])


def test_the_slot_that_gains_most_next_is_not_the_way_to_the_best_pool():
    """One block that stays and short ones after it: the first slot of its size gains one hit."""
    short = [(8, 0), (None, 1)] * 100
    pairs = [(24, 0), (24, 0), (None, 1), (None, 1)] * 20
    trace = steps_of([(8, 0)], short, pairs)
    curves = rp.hit_curve(trace, [8, 24]).tiers
    slots, left = [0, 0], 48
    while True:
        gains = [
            (curve.hits(slots[i] + 1) - curve.hits(slots[i])) / curve.slot_bytes
            for i, curve in enumerate(curves)
        ]
        best = max(range(2), key=lambda i: gains[i] if curves[i].slot_bytes <= left else -1)
        if curves[best].slot_bytes > left:
            break
        slots[best] += 1
        left -= curves[best].slot_bytes
    greedy = sum(curve.hits(count) for curve, count in zip(curves, slots))
    result = tune(trace, budget_bytes=48, candidates=[8, 24])
    print(slots, greedy, result.config, result.total.hits)
    assert (slots, greedy) == ([0, 2], 40)
    assert (str(result.config), result.total.hits) == ("8x2,24x1 strict", 121)


def test_the_recording_is_served_better_than_by_every_preset_of_equal_ram(found, recorded):
    assert len(found.compared) == 4
    for one in found.compared:
        assert one.predicted == one.replayed > one.served
        assert one.tuned.slots_bytes <= one.config.slots_bytes
        stats = rp.replay(recorded, one.tuned, bins=1).stats
        assert stats.hits == one.predicted
    assert found.config.slots_bytes <= 32768
    assert found.replayed[0] == rp.replay(recorded, found.config).to_dict()
    assert found.total.hits > 270_000


def test_more_bytes_never_serve_less_and_more_tiers_never_either(found):
    front = found.front
    for number in range(1, 5):
        mine = front[front["max_tiers"] == number]
        assert (np.diff(mine["bytes"]) >= 0).all() and (np.diff(mine["hits"]) >= 0).all()
        assert (mine["bytes"] <= mine["budget_bytes"]).all()
        assert len(mine) > 30
    for fewer, more in zip(range(1, 4), range(2, 5)):
        hits = [
            dict(mine[["budget_bytes", "hits"]].tolist())
            for mine in (front[front["max_tiers"] == number] for number in (fewer, more))
        ]
        assert all(hits[1][budget] >= count for budget, count in hits[0].items())
    at_answer = front[front["budget_bytes"] == found.config.slots_bytes]
    assert at_answer["hits"].max() == found.total.hits


def test_a_point_of_the_front_is_beaten_by_none_in_all_of_ram_hits_and_fragmentation(found):
    rows = found.front[["bytes", "hits", "fragmentation", "is_pareto"]].tolist()
    for size, hits, share, is_pareto in rows:
        beaten = any(
            other[0] <= size
            and other[1] >= hits
            and other[2] <= share
            and other[:3] != (size, hits, share)
            for other in rows
        )
        assert is_pareto == (not beaten)
    assert 10 < sum(row[3] for row in rows) < len(rows)


def test_what_would_have_sufficed_suffices_and_one_slot_less_does_not(beginning):
    result = tune(beginning, budget_bytes=16384, max_tiers=3)
    assert len(result.tiers) == 3
    enough = [tier.sufficient_slots for tier in result.tiers]
    sizes = [tier.slot_bytes for tier in result.tiers]
    stats = rp.replay(beginning, PoolConfig(tuple(map(Tier, sizes, enough))), bins=1).stats
    assert [tier.exhausted for tier in stats.tiers] == [0, 0, 0]
    less = PoolConfig(tuple(Tier(size, count - 1) for size, count in zip(sizes, enough)))
    assert all(tier.exhausted for tier in rp.replay(beginning, less, bins=1).stats.tiers)


def test_blocks_that_stay_are_named_by_their_site():
    columns = {
        "t_ns": [0, 1, 2, 3, 4, 100],
        "op": [0, 0, 0, 0, 1, 0],
        "id": [1, 2, 3, 4, 4, 5],
        "size": [8, 8, 8, 8, 0, 8],
        "site": [0, 0, 1, 1, 0, 1],
    }
    trace = Trace.from_events(columns, ["routes", "packets"])
    result = tune(trace, max_misses=0)
    rows = [(pin.site, pin.slot_bytes, pin.slots, pin.blocks) for pin in result.pins]
    # Of "packets" one stays, one goes at once, and one comes at the very end.
    assert rows == [("routes", 8, 2, 2), ("packets", 8, 1, 1)]
    one_slot = tune(trace, budget_bytes=8)
    assert [(pin.site, pin.slots) for pin in one_slot.pins] == [("routes", 1)]


def test_a_reserve_is_kept_and_predicted(beginning):
    result = tune(beginning, budget_bytes=32768, require=[Tier(512, 16, 4)])
    assert result.config.tiers[-1] == Tier(512, 16, 4)
    stats = rp.replay(beginning, result.config, bins=1).stats
    assert stats.hits == result.total.hits and stats.tiers[-1].high_water <= 12


def test_a_held_back_trace_is_replayed_and_not_tuned_on(beginning):
    half = len(beginning) // 2
    first = Trace(beginning.events[:half], beginning.sites)
    result = tune(first, budget_bytes=16384, max_tiers=2, validate=[beginning])
    alone = tune(first, budget_bytes=16384, max_tiers=2)
    assert result.config == alone.config and alone.held_back == ()
    (held,) = result.held_back
    assert held == rp.replay(beginning, result.config, bins=1).to_dict()
    assert held["requests"] > result.total.requests


def test_sizes_are_left_out_where_the_next_larger_slot_costs_least():
    columns = {"op": [0] * 5, "id": range(5), "size": [8, 8, 8, 16, 32], "t_ns": range(5)}
    trace = Trace.from_events(columns)
    assert candidate_sizes([trace], 8, 3) == ([8, 16, 32], 3)
    # 3 blocks 8 bytes larger would take 24 bytes more, 1 block 16 larger takes 16.
    assert candidate_sizes([trace], 8, 2) == ([8, 32], 3)
    assert candidate_sizes([trace], 8, 1) == ([32], 3)
    assert candidate_sizes([trace], 8, 2, [24]) == ([24, 32], 4)
    # Once 8 has gone, its blocks lie in slots of 16, and go on with those.
    both = Trace.from_events({**columns, "size": [8, 16, 16, 24, 40]})
    assert candidate_sizes([both], 8, 3) == ([16, 24, 40], 4)
    assert candidate_sizes([both], 8, 2) == ([16, 40], 4)
    assert candidate_sizes([trace], 20, 9) == ([20, 40], 2)


def test_a_prediction_that_does_not_hold_is_an_error_and_no_answer(monkeypatch):
    trace = trace_of([(8, 0), (8, 0), (16, 0)])
    real = search_module.replay

    def one_slot_less(trace, config, **arguments):
        tiers = (Tier(config.tiers[0].slot_bytes, config.tiers[0].slot_count - 1),)
        return real(trace, PoolConfig(tiers + config.tiers[1:]), **arguments)

    monkeypatch.setattr(search_module, "replay", one_slot_less)
    with pytest.raises(PredictionError) as caught:
        tune(trace, max_misses=0)
    text = "trace: 8x2,16x1 strict: tier 8: predicted 2 hits of 2 requests, the pool had 1 of 2"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({}, "goal: needs one of budget_bytes, min_hit_rate, max_misses; none is given"),
        (
            {"budget_bytes": 8, "max_misses": 1},
            "goal: needs one of budget_bytes, min_hit_rate, max_misses; "
            "budget_bytes and max_misses is given",
        ),
        ({"budget_bytes": 0}, "budget_bytes: 0 is not in 1 to 4294967296"),
        ({"budget_bytes": 7}, "budget_bytes: 7 bytes hold no pool as required"),
        ({"min_hit_rate": 1.5}, "min_hit_rate: 1.5 is not above 0 and up to 1"),
        ({"max_misses": -1}, "max_misses: -1 is not in 0 to 4611686018427387904"),
        ({"max_misses": 0, "max_tiers": 9}, "max_tiers: 9 is not in 1 to 8"),
        ({"max_misses": 0, "max_fragmentation": 2}, "max_fragmentation: 2 is not in 0 to 1"),
        (
            {"max_misses": 0, "max_fragmentation": 0.0},
            "max_fragmentation: 0.0 is kept by no pool of at most 4 tiers",
        ),
        (
            {"max_misses": 0, "candidates": [8]},
            "max_misses: 0 is out of reach: pools as required serve at most 1 of 2 requests",
        ),
        ({"max_misses": 0, "candidates": [0]}, "candidates: 0 is not in 1 to 16777216"),
        ({"max_misses": 0, "candidates": []}, "candidates: their number: 0 is not in 1 to 256"),
        ({"max_misses": 0, "alignment": 0}, "alignment: 0 is not in 1 to 16777216"),
        ({"max_misses": 0, "candidates_max": 0}, "candidates_max: 0 is not in 1 to 256"),
        ({"max_misses": 0, "weights": [1, 1]}, "weights: 2 weights for 1 traces"),
        (
            {"max_misses": 0, "worst": True},
            "worst: needs budget_bytes, and finds the weights itself",
        ),
        ({"max_misses": 0, "weights": [0]}, "weights: 0 is not in 1 to 1048576"),
        (
            {"max_misses": 0, "max_tiers": 1, "require": [Tier(8, 1), Tier(16, 1)]},
            "require: 2 tiers are too many, max_tiers is 1",
        ),
        (
            {"budget_bytes": 32, "require": [Tier(16, 4)]},
            "budget_bytes: 32 bytes hold no pool as required",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, text):
    with pytest.raises(ConfigError) as caught:
        tune(trace_of([(7, 0), (15, 0)]), **arguments)
    assert str(caught.value) == text


def test_more_weighted_requests_than_fit_are_refused():
    traces = [trace_of([(8, 0)] * 1030)]
    with pytest.raises(ConfigError, match="weights: 1080033280 weighted requests are more than"):
        tune(traces, budget_bytes=8, weights=[1 << 20])
    with pytest.raises(ConfigError, match="traces: none is given"):
        tune([], budget_bytes=8)


def test_a_table_of_more_than_a_gibibyte_is_refused():
    trace = trace_of([(1 << 23, 0)] * 40 + [(1, 0)])
    with pytest.raises(ConfigError, match="in units of 1 and 2 candidates make a table"):
        tune(trace, budget_bytes=1 << 30, alignment=1, max_tiers=2)


def test_a_file_gives_back_the_result(found, tmp_path):
    path = tmp_path / "result.npz"
    found.save(path)
    again = rp.load_result(path)
    assert again.to_dict() == found.to_dict()
    assert np.array_equal(again.front, found.front)
    assert (again.goal, again.config, again.traces) == (found.goal, found.config, found.traces)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ResultError):
        rp.load_result(path)


INTERRUPTED = """
import sys
import pyrns_pool as rp
trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
def report(done):
    print(done, flush=True)
try:
    rp.tune(trace, max_misses=0, alignment=4, candidates_max=128, max_tiers=8, progress=report)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_it_reports_how_far_it_is_and_can_be_interrupted():
    command = [sys.executable, "-c", INTERRUPTED]
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            seen.append(line.strip())
            if len(seen) == 5:
                child.send_signal(signal.SIGINT)
                sent = time.monotonic()
        print(f"{time.monotonic() - sent:.3f} s from Ctrl-C to the end")
    assert child.returncode == 0
    assert seen[-1] == "interrupted"
    fractions = [float(text) for text in seen[:-1]]
    assert fractions == sorted(fractions) and 0 < fractions[0] and fractions[-1] < 0.6
