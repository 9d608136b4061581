"""Hit curves: for every slot count what the real pool gives, and what a slow model gives."""

import signal
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from curve_model import tier_with
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool import _curve_run
from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.curve import hit_curve
from pyrns_pool.curve_results import POINT_DTYPE, CurveSet
from pyrns_pool.errors import ConfigError, ResultError, TraceError
from pyrns_pool.replay import replay
from pyrns_pool.trace import Trace

BOUNDS = [64, 256, 512, 1024]


@pytest.fixture(scope="module")
def recorded():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


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


STEPS = st.tuples(st.integers(-18, 40).map(lambda n: None if n < 0 else n), st.integers(0, 9))
TRACES = st.lists(STEPS, min_size=8, max_size=80).filter(
    lambda steps: any(size is not None for size, _ in steps)
)
BOUNDARIES = st.lists(st.integers(1, 36), min_size=1, max_size=4, unique=True).map(sorted)


def pool_of(sizes, slots):
    return PoolConfig(tuple(Tier(size, slots) for size in sizes))


def test_every_slot_count_gives_what_a_replay_and_the_model_give():
    seen = Counter()

    @settings(max_examples=200)
    @given(TRACES.map(trace_of), BOUNDARIES)
    def check(trace, bounds):
        curve = hit_curve(trace, bounds)
        most = max(tier.zero_miss_slots for tier in curve.tiers)
        for slots in range(1, most + 2):
            stats = replay(trace, pool_of(bounds, slots), bins=1).stats
            assert stats.oversize == curve.oversize
            for number, (tier, real) in enumerate(zip(curve.tiers, stats.tiers)):
                found = (tier.requests, tier.hits(slots), tier.high_water(slots))
                assert found == (real.requests, real.hits, real.high_water)
                low = bounds[number - 1] if number else -1
                hits, in_use = tier_with(trace, low, bounds[number], slots)
                assert tier.hits(slots) == hits
                assert curve.occupancy(trace, number, slots).tolist() == in_use
                seen["cases"] += 1
                seen["missing"] += hits < real.requests

    check()
    print(seen)
    assert seen["cases"] > 1200 and seen["missing"] > 250


def test_zero_miss_slots_are_the_fewest_that_miss_nothing():
    @settings(max_examples=60)
    @given(TRACES.map(trace_of), BOUNDARIES)
    def check(trace, bounds):
        for number, tier in enumerate(hit_curve(trace, bounds).tiers):
            slots = tier.zero_miss_slots
            if not tier.requests:
                assert slots == 0 and tier.points.tolist() == []
                continue
            real = replay(trace, pool_of(bounds, slots), bins=1).stats.tiers[number]
            assert real.exhausted == 0 and real.high_water == slots
            assert slots == 1 or tier.hits(slots - 1) < tier.requests

    check()


@pytest.mark.parametrize("slots", [1, 16, 148, 1000, 2585])
def test_the_recorded_node_gets_what_a_replay_gives(recorded, slots):
    curve = hit_curve(recorded, BOUNDS)
    result = replay(recorded, pool_of(BOUNDS, slots), bins=1)
    for number, (tier, real) in enumerate(zip(curve.tiers, result.stats.tiers)):
        found = (tier.requests, tier.hits(slots), tier.high_water(slots))
        assert found == (real.requests, real.hits, real.high_water)
        in_use = curve.occupancy(recorded, number, slots)
        assert (in_use.max(), in_use[-1]) == (real.high_water, real.in_use)
    assert curve.oversize == result.stats.oversize > 0
    assert [tier.zero_miss_slots for tier in curve.tiers] == [2585, 278, 148, 3]


def test_any_chunks_and_any_first_tables_give_the_same(recorded, monkeypatch):
    beginning = Trace(recorded.events[:30_000], recorded.sites)
    whole = hit_curve(beginning, BOUNDS)
    for chunk, capacity in ((1 << 16, 1), (1, 1 << 10), (77, 3), (29_999, 64)):
        monkeypatch.setattr(_curve_run, "CHUNK_EVENTS", chunk)
        monkeypatch.setattr(_curve_run.EndlessTier.__init__, "__defaults__", (capacity,))
        again = hit_curve(beginning, BOUNDS)
        for tier, other in zip(whole.tiers, again.tiers):
            assert np.array_equal(tier.points, other.points)
        inside = beginning.block_sizes <= BOUNDS[-1]
        assert np.array_equal(whole.index[inside], again.index[inside])
    assert max(tier.zero_miss_slots for tier in whole.tiers) > 500


def test_sizes_beyond_32_bits_are_oversize():
    sizes = [64, 65, (1 << 32) + 64, 1 << 36]
    columns = {"t_ns": range(4), "op": [0] * 4, "id": range(4), "size": sizes}
    curve = hit_curve(Trace.from_events(columns), [64])
    assert (curve.oversize, curve.tiers[0].requests) == (3, 1)


ANOMALY = [(32, 0), (32, 0), (None, 0), (64, 0), (None, 1), (64, 0)]


def test_one_slot_more_can_mean_fewer_hits_where_a_pool_spills():
    trace = trace_of(ANOMALY)

    def served(tiers, policy):
        stats = replay(trace, PoolConfig.parse(tiers, policy)).stats
        return stats.hits + stats.spills

    assert served("64x1", "spill") == 3
    assert served("32x1,64x1", "spill") == 2 < served("32x1,64x1", "strict") == 3


def test_a_simulated_curve_shows_the_anomaly_and_an_exact_one_never_falls():
    trace = trace_of([(1, 0), *((size, which + 1) for size, which in ANOMALY)])
    curve = hit_curve(trace, [32, 64], "spill", chosen=[1, 1], counts=[1, 2, 3])
    assert (curve.method, curve.policy) == ("simulated", "spill")
    assert curve.tiers[0].points["pool_served"].tolist() == [4, 3, 5]
    assert [tier.anomaly for tier in curve.tiers] == [(1, 2), None]
    strict = hit_curve(trace, [32, 64])
    assert strict.method == "exact"
    assert [tier.points["hits"].tolist() for tier in strict.tiers] == [[1, 2, 3], [2]]


def test_a_spilling_pool_is_replayed_for_each_count(recorded):
    trace = Trace(recorded.events[:20_000], recorded.sites)
    chosen, counts = [40, 30, 20, 2], [200, 8, 40]
    told = []
    curve = hit_curve(trace, BOUNDS, "spill", chosen=chosen, counts=counts, progress=told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) == 12
    spills = 0
    for number, tier in enumerate(curve.tiers):
        assert tier.points["slots"].tolist() == [8, 40, 200]
        for point in tier.points:
            tiers = [Tier(*pair) for pair in zip(BOUNDS, chosen)]
            tiers[number] = Tier(BOUNDS[number], int(point["slots"]))
            stats = replay(trace, PoolConfig(tuple(tiers), "spill"), bins=1).stats
            real = stats.tiers[number]
            served = stats.hits + stats.spills
            whole = (real.requests, real.hits, real.spills, stats.requests, served)
            assert point.tolist()[1:] == whole
            spills += real.spills
    assert spills > 200


def loop(pool):
    """Run packets that are shared and answered by writing; a copy that failed is not dropped."""
    packet = rp.Workload()
    whole = packet.create(60)
    reply = packet.share(whole)
    packet.write(reply, 1, 1)
    packet.at(900)
    packet.drop(whole, reply)
    return rp.run_ops(packet.repeat(np.arange(0, 20_000, 100)), pool, name="loop")


def test_a_workload_in_closed_loop_is_run_for_each_count():
    curve = hit_curve(loop, [64, 128], chosen=[18, 2], counts=[1, 9, 18])
    assert (curve.method, curve.policy, curve.trace, curve.name) == (
        "simulated",
        "strict",
        None,
        "loop",
    )
    for point in curve.tiers[0].points:
        stats = loop(PoolConfig((Tier(64, int(point["slots"])), Tier(128, 2)))).stats
        assert point["requests"] == stats.tiers[0].requests
        assert point["hits"] == stats.tiers[0].hits
    # The requests themselves depend on the slots, which no curve over a trace can know.
    assert len(set(curve.tiers[0].points["requests"].tolist())) > 1
    assert curve.tiers[0].zero_miss_slots == 18
    assert curve.tiers[1].requests == 0 and curve.tiers[1].hit_rate.tolist() == [1, 1, 1]


def test_counts_by_default_reach_what_misses_nothing():
    trace = rp.packet_node(10_000, events=4000, seed=1)
    curve = hit_curve(trace, [112, 504], "spill", chosen=[4, 4])
    for tier in curve.tiers:
        slots = tier.points["slots"].tolist()
        assert slots == sorted(set(slots)) and slots[0] == 1 and 4 in slots
        assert tier.zero_miss_slots is not None and len(slots) < 25


def test_slots_for_a_share_are_the_fewest(recorded):
    tier = hit_curve(recorded, BOUNDS).tiers[2]
    for share in (0.001, 0.5, 0.9, 0.99, 0.999, 1.0):
        slots = tier.slots_for(share)
        assert tier.hits(slots) >= share * tier.requests > tier.hits(slots - 1)
    assert tier.slots_for(1.0) == tier.zero_miss_slots == 148
    three = hit_curve(trace_of([(1, 0)] * 3), [8]).tiers[0]
    assert [three.slots_for(share) for share in (0.1, 1 / 3, 0.34, 0.5, 0.67)] == [1, 1, 2, 2, 3]


def test_the_band_of_several_traces_holds_each_of_them():
    parts = [rp.packet_node(9_000 + 500 * seed, events=3000, seed=seed) for seed in (1, 2, 3)]
    curves = CurveSet(tuple(hit_curve(part, [112, 504]) for part in parts))
    slots, rates = curves.band(0)
    assert rates.shape == (len(slots), 3)
    for column, curve in enumerate(curves.curves):
        tier = curve.tiers[0]
        assert [tier.hits(int(s)) / tier.requests for s in slots] == rates[:, column].tolist()
    assert slots[-1] == max(curve.tiers[0].zero_miss_slots for curve in curves.curves)


def test_curves_of_other_tiers_are_no_set():
    trace = trace_of(ANOMALY)
    with pytest.raises(ConfigError, match="2 kinds"):
        CurveSet((hit_curve(trace, [32]), hit_curve(trace, [64])))
    with pytest.raises(ConfigError, match="0 kinds"):
        CurveSet(())


def test_a_saved_set_is_read_back_the_same(tmp_path):
    trace = trace_of(ANOMALY)
    exact = CurveSet((hit_curve(trace, [32, 64], chosen=[1, 2], loads=True),) * 2)
    simulated = CurveSet((hit_curve(trace, [32, 64], "spill", chosen=[1, 1]),))
    closed = CurveSet((hit_curve(loop, [64], chosen=[3], counts=[3]),))
    for curves in (exact, simulated, closed):
        curves.save(tmp_path / "result.npz", overwrite=True)
        again = rp.load_result(tmp_path)
        assert again.to_json() == curves.to_json()
        assert [one.chosen for one in again.curves] == [one.chosen for one in curves.curves]
        assert [one.loads for one in again.curves] == [one.loads for one in curves.curves]
        assert [one.trace for one in again.curves] == [one.trace for one in curves.curves]
    with pytest.raises(FileExistsError):
        exact.save(tmp_path / "result.npz")
    exact.save(tmp_path / "other.npz")
    with pytest.raises(ConfigError, match="not read from a file"):
        CurveSet.load(tmp_path / "other.npz").curves[0].occupancy(trace, 0, 1)
    rp.replay(trace, PoolConfig.parse("64x1")).save(tmp_path / "replay.npz")
    with pytest.raises(ResultError, match="pyrns_pool replay 1"):
        CurveSet.load(tmp_path / "replay.npz")


REFUSED = {
    "no tier": (dict(boundaries=[]), "0 tiers are not 1 to 8"),
    "not ascending": (dict(boundaries=[64, 64]), "sizes must ascend"),
    "no size": (dict(boundaries=[0]), "slot_bytes: 0 is not in 1 to"),
    "policy": (dict(boundaries=[64], policy="loose"), "'loose' is not one of strict, spill"),
    "chosen": (dict(boundaries=[64], chosen=[1, 2]), "2 slot counts for 1 tiers"),
    "spill": (dict(boundaries=[64], policy="spill"), "needs the slots of each tier"),
    "count": (
        dict(boundaries=[64], policy="spill", chosen=[1], counts=[0]),
        "slot_count: 0 is not in 1 to",
    ),
    "counts": (
        dict(boundaries=[64], policy="spill", chosen=[1], counts=[]),
        "counts: there is none",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_curve_is_refused_in_one_line(name):
    arguments, text = REFUSED[name]
    with pytest.raises(ConfigError, match=text) as caught:
        hit_curve(trace_of(ANOMALY), **arguments)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="a workload is simulated"):
        hit_curve(loop, [64])


def test_a_simulated_curve_says_nothing_of_other_counts():
    curve = hit_curve(trace_of(ANOMALY), [32, 64], "spill", chosen=[1, 1], counts=[1])
    with pytest.raises(ConfigError, match="2 is not among"):
        curve.tiers[0].hits(2)
    with pytest.raises(ConfigError, match="exact curve only"):
        curve.tiers[0].high_water(1)
    with pytest.raises(ConfigError, match="exact curve"):
        curve.occupancy(trace_of(ANOMALY), 0, 1)
    assert curve.tiers[1].slots_for(1.0) is None


def test_a_trace_that_does_not_say_what_is_freed_is_refused_or_has_a_caveat():
    events = trace_of(ANOMALY).events
    assert hit_curve(Trace(events, ("",)), [64]).caveat == ""
    guessed = Trace(events, ("",), has_identity=False)
    for arguments in ({}, {"policy": "spill", "chosen": [1]}):
        with pytest.raises(TraceError, match="which block each free means, as a hit curve needs"):
            hit_curve(guessed, [64], **arguments)
    accepted = Trace(events, ("",), {"pairing": "fifo"}, has_identity=False)
    assert hit_curve(accepted, [64]).caveat == "which block a free means was guessed: fifo"
    assert hit_curve(trace_of([(8, 0)]), [64]).caveat == "no block is ever freed"


def test_occupancy_of_another_trace_is_refused():
    curve = hit_curve(trace_of(ANOMALY), [32])
    with pytest.raises(ConfigError, match="another trace"):
        curve.occupancy(trace_of(ANOMALY[:3]), 0, 1)


def test_points_of_a_curve_cannot_be_written_to():
    curve = hit_curve(trace_of(ANOMALY), [32])
    assert curve.tiers[0].points.dtype == POINT_DTYPE
    for array in (curve.tiers[0].points, curve.index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


INTERRUPTED = """
import os, signal, threading
import numpy as np
from pyrns_pool import Trace, hit_curve
signal.signal(signal.SIGINT, signal.default_int_handler)  # A background process ignores it.
n = 1 << 20
rows = np.arange(n)
columns = {"t_ns": rows, "op": rows % 2, "id": rows // 2, "size": (rows % 2 == 0) * 40}
trace = Trace.from_events(columns)
trace.sha256
running, sent = threading.Event(), threading.Event()

def interrupt():
    running.wait()
    os.kill(os.getpid(), signal.SIGINT)
    sent.set()

def progress(fraction):
    print(fraction, flush=True)
    if fraction > 0.2:
        running.set()  # From here on C is running most of the time.
    if fraction > 0.8:
        sent.wait()  # However slow the other thread is, the signal comes before the end.

threading.Thread(target=interrupt, daemon=True).start()
hit_curve(trace, [16, 64], progress=progress)
print("done")
"""


def test_ctrl_c_ends_a_curve_before_the_trace_is_done():
    program = [sys.executable, "-c", INTERRUPTED]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    assert result.returncode == -signal.SIGINT
    assert result.stderr.rstrip().endswith("KeyboardInterrupt")
    told = result.stdout.split()
    print(told)
    assert "done" not in told and 0.2 < float(told[-1]) < 1
