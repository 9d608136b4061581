"""Workloads of operations: exactly what the model does, refused when wrong, and interruptible."""

import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model import broken_identities
from ops_model import run_model

import pyrns_pool as rp
from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.workloads import OP_DTYPE, Op, Workload, merge, repeat, run_ops

# The module; the package has a function of that name.
run_module = sys.modules["pyrns_pool.workloads.run_ops"]

HANDLES = 5
LARGEST = 64


def found(ops, config, headroom_bytes=0, bins=7):
    """Run operations; return result and contents, named as the model's."""
    run = run_module._Run(ops, config, headroom_bytes, bins)
    try:
        run.advance(0, len(ops))
        result = run.result("ops")
        handles = range(run._handle_count)
        return result, [run.content(handle) for handle in handles]
    finally:
        run.close()


def disagreements(ops, config, headroom_bytes=0, bins=7):
    """Return what C and the model find, where they differ; {} if nowhere."""
    result, contents = found(ops, config, headroom_bytes, bins)
    assert broken_identities(result.stats) == []
    edges = result.timeline.edges_ns.tolist()
    expected = run_model(ops, config, headroom_bytes, len(contents), edges)
    pairs = {
        "status": (result.series["status"].tolist(), expected.status),
        "bins": (result.timeline.bins.tolist(), expected.bins),
        "oversize": (result.timeline.oversize.tolist(), expected.oversize),
        "cow": (result.cow.tolist(), expected.cow),
        "high_water_ns": (
            [times.high_water_ns for times in result.tier_times],
            expected.high_water_ns,
        ),
        "first_miss_ns": (
            [times.first_miss_ns for times in result.tier_times],
            expected.first_miss_ns,
        ),
        "stats": (result.stats, expected.stats),
        "bytes": (result.bytes, expected.bytes),
        "contents": (contents, expected.contents),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def random_ops(rng, count, handles=HANDLES, longest=LARGEST + 16):
    ops = np.zeros(count, OP_DTYPE)
    ops["t_ns"] = np.sort(rng.integers(0, 3 * count, count))
    ops["op"] = rng.integers(0, len(Op), count)
    for name in ("handle", "other"):
        ops[name] = rng.integers(0, handles, count)
    ops["start"] = rng.integers(0, longest // 2, count)
    ops["length"] = rng.integers(0, longest, count) >> rng.integers(0, 4, count)
    return ops


rows = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(list(Op)),
        st.integers(0, HANDLES - 1),
        st.integers(0, HANDLES - 1),
        st.integers(0, LARGEST + 2),
        st.integers(0, LARGEST + 2),
    ),
    min_size=1,
    max_size=40,
)
configs = st.builds(
    PoolConfig,
    st.sampled_from(
        [
            (Tier(LARGEST, 3),),
            (Tier(16, 2), Tier(32, 1), Tier(LARGEST, 2)),
            (Tier(8, 40), Tier(LARGEST, 1)),
        ]
    ),
    st.sampled_from(["strict", "spill"]),
    st.sampled_from(["none", "malloc"]),
)


def test_any_operations_give_exactly_what_the_model_gives():
    seen = Counter()

    @settings(max_examples=400, deadline=None)
    @given(rows, configs, st.sampled_from([0, 1, 8, 40]), st.integers(1, 9))
    def compare(steps, config, headroom_bytes, bins):
        ops = np.array(sorted(steps, key=lambda row: row[0]), OP_DTYPE)
        assert disagreements(ops, config, headroom_bytes, bins) == {}
        seen["examples"] += 1
        seen["operations"] += len(ops)

    compare()
    print(dict(seen))
    assert seen["examples"] >= 400


@pytest.mark.parametrize("fallback", ["none", "malloc"])
@pytest.mark.parametrize("policy", ["strict", "spill"])
def test_long_runs_give_exactly_what_the_model_gives(policy, fallback):
    rng = np.random.default_rng(11)
    reached = Counter()
    for headroom_bytes in (0, 3, 16):
        ops = random_ops(rng, 1500)
        config = PoolConfig((Tier(16, 2), Tier(32, 2), Tier(LARGEST, 3)), policy, fallback)
        assert disagreements(ops, config, headroom_bytes, bins=60) == {}
        result = run_ops(ops, config, headroom_bytes=headroom_bytes)
        reached.update(Counter(result.series["status"].tolist()))
        for name, count in result.to_dict()["bytes"].items():
            reached[name] += count
    print(dict(reached))
    assert min(reached[name] for name in (0, -42, "cow_copies", "tail_appends")) > 20
    assert min(reached[name] for name in ("grows", "compactions", "slices", "shares")) > 20
    assert fallback == "malloc" or min(reached[1], reached[2]) > 20


def test_a_worked_example_is_counted_by_hand():
    packet = Workload()
    whole = packet.create(40)
    packet.at(4)
    part = packet.slice(whole, 8, 16)
    packet.at(10)
    packet.write(part, 0, 4)  # A copy of 16 bytes, in the tier of 16.
    packet.append(part, 1)  # 17 do not fit there.
    packet.at(20)
    packet.drop(whole)
    missed = packet.create(65)
    packet.at(29)
    packet.write(missed, 0, 1)
    result, contents = found(packet.ops, PoolConfig.parse("16x1,64x2"), bins=3)
    assert result.timeline.edges_ns.tolist() == [0, 10, 20, 30]
    assert result.timeline.bins.tolist() == [
        [(0, 0, 0, 0, 0, 0), (10, 1, 0, 0, 0, 1)],
        [(0, 1, 0, 0, 0, 1), (20, 1, 0, 0, 1, 2)],
        [(0, 0, 0, 0, 0, 0), (10, 0, 0, 0, 1, 2)],
    ]
    assert result.timeline.oversize.tolist() == [0, 0, 1]
    assert result.cow.tolist() == [(1, 0, 0), (0, 1, 16), (0, 0, 0)]
    assert [times.high_water_ns for times in result.tier_times] == [10, 10]
    assert result.series["status"].tolist() == [0, 0, 0, 0, 0, 2, -42]
    assert (result.bytes.grows, result.bytes.slices) == (1, 1)
    assert contents == [b"", bytes([2, 3, 4, 5, *range(12, 24), 3]), b""]
    assert result.counts["create"] == 2 and result.counts["write"] == 2
    assert (result.counts["missed"], result.counts["out_of_range"]) == (1, 1)


def test_a_peak_inside_one_operation_shows():
    packet = Workload()
    packet.create(10)
    spilt = packet.create(10)
    packet.at(5)
    packet.compact(spilt)  # Takes a slot of its own tier, and gives it back: no smaller is free.
    packet.at(9)
    packet.drop(spilt)
    ops, config = packet.ops, PoolConfig.parse("16x1,64x2", "spill")
    result, _ = found(ops, config, bins=1)
    assert disagreements(ops, config) == {}
    assert result.series["status"].tolist() == [0, 0, 1, 0]
    assert result.timeline.bins["in_use_max"].tolist() == [[1, 2]]
    assert (result.tier_times[1].high_water_ns, result.stats.in_use) == (5, 1)


def test_the_same_operations_give_an_equal_result(tmp_path):
    ops = random_ops(np.random.default_rng(1), 500)
    config = PoolConfig.parse("16x2,64x3", "spill", "malloc")
    results = [run_ops(ops, config), run_ops(ops.copy(), config), run_ops(ops, config, bins=9)]
    for name, result in zip("abc", results):
        result.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("chunk", [1, 7, 499, 500, 501])
def test_the_number_of_operations_between_looks_does_not_matter(monkeypatch, tmp_path, chunk):
    ops = random_ops(np.random.default_rng(2), 500)
    config = PoolConfig.parse("16x2,64x3")
    run_ops(ops, config).save(tmp_path / "a")
    told = []
    monkeypatch.setattr(run_module, "CHUNK_OPS", chunk)
    run_ops(ops, config, progress=told.append).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(told) == -(-500 // chunk) and told[-1] == 1.0


def test_what_a_progress_callback_raises_ends_the_run_and_leaks_nothing(monkeypatch):
    calls = []

    def interrupt(fraction):
        raise KeyboardInterrupt

    end = run_module._Run.close
    monkeypatch.setattr(run_module._Run, "close", lambda self: calls.append(end(self)))
    with pytest.raises(KeyboardInterrupt):
        ops = random_ops(np.random.default_rng(2), 50)
        run_ops(ops, PoolConfig.parse("16x1", fallback="malloc"), progress=interrupt)
    assert len(calls) == 1


def test_the_workload_that_a_result_names_is_the_one_that_ran():
    ops = random_ops(np.random.default_rng(4), 90)
    result = run_ops(ops, PoolConfig.parse("64x3"), name="mine")
    assert (result.workload.name, result.workload.events) == ("mine", 90)
    assert run_ops(ops, PoolConfig.parse("64x3")).workload.name == "ops"
    assert result.workload.duration_ns == int(ops["t_ns"][-1] - ops["t_ns"][0])
    assert sum(result.counts[op.name.lower()] for op in Op) == 90


def test_repeat_gives_each_repetition_handles_of_its_own():
    packet = Workload()
    whole = packet.create(20)
    part = packet.slice(whole, 0, 5)
    packet.at(10)
    packet.drop(whole, part)
    ops = packet.repeat([0, 5, 20])
    expected = []
    for k, shift in enumerate([0, 5, 20]):
        for t_ns, op, handle, other, length, start in packet.ops.tolist():
            expected.append((t_ns + shift, op, handle + 2 * k, other + 2 * k, length, start))
    assert ops.tolist() == sorted(expected, key=lambda row: row[0])
    assert repeat(packet.ops, np.array([], int)).shape == (0,)
    result = run_ops(ops, PoolConfig.parse("32x2"))
    assert (result.stats.hits, result.stats.tiers[0].high_water, result.stats.in_use) == (3, 2, 0)


def test_merge_keeps_handles_apart_and_time_in_order():
    one, two = Workload(), Workload()
    one.at(3)
    one.drop(one.create(8))
    kept = two.create(9)
    two.at(3)
    two.append(kept, 1)
    rows = merge(one.ops, two.ops)
    assert rows["t_ns"].tolist() == [0, 3, 3, 3]
    assert rows["handle"].tolist() == [1, 0, 0, 1]
    assert run_ops(rows, PoolConfig.parse("16x2")).stats.in_use == 1


@pytest.mark.parametrize(
    "step, text",
    [
        (lambda w: w.at(-1), "t_ns: -1 is before 0, where the clock stands"),
        (lambda w: w.create(-1), "length: -1 is outside 0 to 16777216 (OP_LENGTH_BYTES_MAX)"),
        (lambda w: w.write(0, 1 << 25, 1), "start: 33554432 is outside 0 to 16777216"),
        (lambda w: w.drop(1), "handle: 1 is no handle of this workload"),
        (lambda w: w.share(-2), "other: -2 is no handle of this workload"),
    ],
)
def test_a_wrong_step_is_refused_where_it_is_written(step, text):
    workload = Workload()
    workload.create(1)
    with pytest.raises(ValueError) as caught:
        step(workload)
    assert str(caught.value).startswith(text)
    assert len(workload) == 1


def changed(name, row, value):
    def change(ops):
        ops[name][row] = value
        return ops

    return change


REFUSED = {
    "value 'list' is no one-dimensional array of OP_DTYPE": lambda ops: ops.tolist(),
    "value '2-D": lambda ops: ops.reshape(2, 5),
    "value '1-D, int64' is no one": lambda ops: ops["t_ns"],
    "value '0' is not 1 to 67108864 operations (OPS_MAX)": lambda ops: ops[:0],
    "event 3: field 'op': value '9' is outside 0 to 8 (Op)": changed("op", 3, 9),
    "event 0: field 't_ns': value '-1' is outside 0 to ": changed("t_ns", 0, -1),
    "event 9: field 't_ns': value '4611686018427387904' is out": changed("t_ns", 9, 1 << 62),
    "event 4: field 't_ns': value '0' is earlier than the op": changed("t_ns", 4, 0),
    "event 2: field 'handle': value '16777216' is outside": changed("handle", 2, 1 << 24),
    "event 2: field 'other': value '16777216' is outside": changed("other", 2, 1 << 24),
    "event 8: field 'length': value '16777217' is": changed("length", 8, (1 << 24) + 1),
    "event 8: field 'start': value '18446744073709551615' is": changed("start", 8, 2**64 - 1),
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_operations_are_refused_by_row_field_value_and_limit(text):
    ops = random_ops(np.random.default_rng(6), 10)
    ops["t_ns"] = np.arange(10) + 1
    with pytest.raises(TraceError) as caught:
        run_ops(REFUSED[text](ops), PoolConfig.parse("16x1"))
    assert text in str(caught.value)


@pytest.mark.parametrize("headroom_bytes", [-1, 1 << 32])
def test_a_headroom_out_of_range_is_refused(headroom_bytes):
    ops = random_ops(np.random.default_rng(6), 10)
    with pytest.raises(ConfigError, match=f"^headroom_bytes: {headroom_bytes} is not in 0 to"):
        run_ops(ops, PoolConfig.parse("16x1"), headroom_bytes=headroom_bytes)


def test_the_largest_operations_run():
    workload = Workload()
    whole = workload.create(1 << 24)
    workload.append(whole, 1 << 24)
    result = rp.run_ops(workload, PoolConfig((Tier(1 << 24, 2),), fallback="malloc"))
    assert result.series["status"].tolist() == [0, 0]
    assert (result.stats.oversize, result.stats.fallbacks) == (1, 1)


def test_rows_apart_or_out_of_line_run_as_their_copy():
    ops = random_ops(np.random.default_rng(8), 40)
    config = PoolConfig.parse("16x2,64x3")
    odd = np.frombuffer(b"x" + ops[::2].tobytes(), OP_DTYPE, offset=1)
    summaries = [run_ops(rows, config).to_dict() for rows in (ops[::2], ops[::2].copy(), odd)]
    assert not odd.flags.aligned
    assert summaries[0] == summaries[1] == summaries[2]
