"""Days in simulated time: the same from a seed, summing up, without drift, and with alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtp_calls_model import calls

import pyrns_pool as rp
from pyrns_pool._native import none
from pyrns_pool.workloads.soak import HOUR_DTYPE, HOUR_NS, Soak, coarsen_hours, soak_dict, spec_of
from pyrns_pool.workloads.soak_ages import AGE_DTYPE, leaks
from pyrns_pool.workloads.soak_watch import ABOVE, Watch, default_watches

AMPLE = rp.PoolConfig.parse("64x320,256x224,512x8")
SMALL = rp.PoolConfig.parse("64x100,256x60,512x2")
NODE = rp.SoakSpec(AMPLE, hours=3, seed=7)
RTP = rp.SoakSpec(rp.PoolConfig.parse("160x16,512x24"), "rtp", hours=3, seed=7)
MIXED = rp.SoakSpec(rp.PoolConfig.parse("64x320,256x240,512x32"), "mixed", hours=3, seed=7)
HARD = rp.SoakSpec(rp.PoolConfig.parse("64x40,256x24,512x8"), "adversarial", hours=8, seed=3)


@pytest.fixture(scope="module")
def node():
    return rp.run_soak(NODE)


@pytest.fixture(scope="module")
def starved():
    return rp.run_soak(rp.SoakSpec(SMALL, hours=2, seed=7))


@pytest.fixture(scope="module")
def hard():
    return rp.run_soak(HARD)


@pytest.fixture(scope="module")
def rtp():
    return rp.run_soak(RTP)


@pytest.fixture(scope="module")
def mixed():
    return rp.run_soak(MIXED)


def file_of(result, path):
    result.save(path, overwrite=True)
    return path.read_bytes()


def test_a_seed_gives_the_same_soak_to_the_byte_and_another_one_another(node, tmp_path):
    again = rp.run_soak(NODE)
    other = rp.run_soak(rp.SoakSpec(AMPLE, hours=3, seed=8))
    mine = file_of(node, tmp_path / "a.npz")
    print(f"{len(mine):,} bytes, {node.workload.events:,} events")
    assert node.workload.events > 1_000_000
    assert file_of(again, tmp_path / "b.npz") == mine
    assert file_of(other, tmp_path / "c.npz") != mine


@pytest.mark.parametrize("spec", [NODE, RTP, MIXED, HARD], ids=lambda spec: spec.workload)
def test_an_interrupted_soak_that_is_resumed_is_the_soak_run_through(spec, tmp_path, request):
    through = request.getfixturevalue("hard" if spec is HARD else spec.workload)
    first = Soak(spec)
    first.hour()
    first.hour()
    first.result().save(tmp_path / "part.npz")
    part = rp.load_result(tmp_path / "part.npz")
    assert len(part.series["hours"]) == len(part.timeline.oversize) == 2
    assert spec_of(part) == spec
    resumed = rp.run_soak(spec, part)
    assert file_of(resumed, tmp_path / "a.npz") == file_of(through, tmp_path / "b.npz")


def test_what_is_resumed_has_to_come_out_as_before(node, starved):
    hours = node.series["hours"].copy()
    hours["requests"][1] += 1
    wrong = rp.WorkloadResult(**{**vars(node), "series": {**node.series, "hours": hours}})
    with pytest.raises(rp.ResultError, match="hour 2 differs"):
        rp.run_soak(NODE, wrong)
    with pytest.raises(rp.ConfigError, match="another soak"):
        Soak(NODE, starved)


@pytest.mark.parametrize("name", ["node", "rtp", "mixed", "starved", "hard"])
def test_hours_add_up_to_the_totals(name, request):
    result = request.getfixturevalue(name)
    hours, stats, bins = result.series["hours"], result.stats, result.timeline.bins
    print(f"{len(hours)} hours, {stats.requests:,} requests, {stats.misses:,} missed")
    for field in ("requests", "hits", "spills", "misses"):
        assert hours[field].sum() == getattr(stats, field)
    assert (hours["requests"] == hours["hits"] + hours["spills"] + hours["misses"]).all()
    assert hours["events"].sum() == result.workload.events
    assert (bins["requests"].sum(axis=1) + result.timeline.oversize == hours["requests"]).all()
    assert bins["requests"].sum(axis=0).tolist() == [tier.requests for tier in stats.tiers]
    assert hours["in_use"][-1] == stats.in_use
    assert result.series["fills"][-1].tolist() == [table.count for table in result.tables]
    slots = result.config.slots_bytes
    assert (hours["free_bytes_min"] <= hours["free_bytes"]).all() and hours["free_bytes"][
        0
    ] < slots
    assert (hours["heap_largest_free_min"] <= hours["heap_free_min"]).all()


def test_a_busy_node_misses_nothing_and_does_not_drift(node):
    hours, counts = node.series["hours"], node.counts
    rate = counts["frames"] / (3600 * len(hours))
    print(f"{rate:.1f} packets a second, {counts['forwarded']:,} forwarded")
    assert 95 < rate < 105
    assert counts["forwarded"] > 0.9 * counts["frames"]
    assert hours["drift"].tolist() == [0] * 3 and node.stats.misses == 0
    assert hours["heap_requests"].tolist() == hours["requests"].tolist()
    assert len(leaks(node.series["ages"])) == 0


@pytest.mark.parametrize("seed", [2**64 - 1])
def test_calls_are_what_the_slow_model_lists(seed):
    spec = rp.SoakSpec(RTP.config, "rtp", hours=2, seed=seed)
    result = rp.run_soak(spec)
    packets, lost = calls(seed, 2 * HOUR_NS)
    counts, hours = result.counts, result.series["hours"]
    late = sum(packet.end == packet.arrival for packet in packets)
    played = sum(packet.arrival < packet.end < 2 * HOUR_NS for packet in packets)
    print(f"{len(packets):,} packets, {lost:,} lost, {late:,} late, {played:,} played")
    assert late > 1000 and lost > 100 and played > 100_000
    # The next that arrives is sent already, and what was lost before it is known.
    ahead = counts["rtp_sent"] - len(packets) - counts["rtp_lost"]
    assert ahead == 1 and counts["rtp_lost"] >= lost
    assert (counts["rtp_late"], counts["rtp_played"]) == (late, played)
    assert counts["receiver_packets"] == len(packets) == result.stats.requests
    assert counts["receiver_takes"] > 1000 and counts["receiver_refusals"] == 0
    for hour, row in enumerate(hours):
        begin, end = hour * HOUR_NS, (hour + 1) * HOUR_NS
        mine = [packet for packet in packets if begin <= packet.arrival < end]
        waiting = [packet for packet in packets if packet.arrival < end <= packet.end]
        plays = [packet for packet in packets if packet.arrival < packet.end]
        events = len(mine) + sum(begin <= packet.end < end for packet in plays)
        want = (len(mine), len(waiting), events, 0)
        assert (row["requests"], row["in_use"], row["events"], row["drift"]) == want
        assert row["heap_requests"] == len(mine)
    small = sum(packet.size <= 160 for packet in packets)
    assert [tier.requests for tier in result.stats.tiers] == [small, len(packets) - small]


def test_calls_and_node_together_are_both_in_one_time(node, rtp, mixed):
    counts = {**node.counts, **rtp.counts}
    assert mixed.counts == counts
    hours = mixed.series["hours"]
    for name in ("events", "requests", "heap_requests"):
        assert (hours[name] == node.series["hours"][name] + rtp.series["hours"][name]).all()
    assert mixed.tables == (*node.tables, *rtp.tables)
    assert hours["drift"].tolist() == [0] * 3 and mixed.stats.misses == 0
    slots = mixed.series["ages"]["slots"].reshape(3, 2)
    assert slots[:, 0].tolist() == node.series["hours"]["in_use"].tolist()
    assert slots[:, 1].tolist() == rtp.series["hours"]["in_use"].tolist()
    most = [max(result.timeline.bins["in_use_max"][:, -1]) for result in (node, rtp, mixed)]
    print(f"512-byte slots in use at most: node {most[0]}, rtp {most[1]}, mixed {most[2]}")
    assert max(most[:2]) < most[2] <= most[0] + most[1]


def test_calls_that_find_no_slot_go_on_and_hold_what_they_got():
    result = rp.run_soak(rp.SoakSpec(rp.PoolConfig.parse("160x4,512x3"), "rtp", hours=1))
    hours, counts = result.series["hours"], result.counts
    print(hours["misses"], hours["heap_failures"])
    assert hours["misses"][0] > 0 and hours["heap_failures"][0] > 0 and hours["drift"][0] == 0
    assert result.stats.requests == counts["receiver_packets"]


def test_a_reference_that_no_table_holds_is_drift():
    run = Soak(rp.SoakSpec(AMPLE, hours=2))
    run.hour()
    handle = none.lib.rns_handle_new(run._stores[0], b"lost", 4)
    assert handle
    run.hour()
    none.lib.rns_handle_drop(handle)
    assert run.result().series["hours"]["drift"].tolist() == [0, 1]


def test_what_the_heap_refuses_is_counted_and_the_requests_go_on(starved):
    hours = starved.series["hours"]
    print(hours["misses"], hours["heap_failures"], hours["heap_requests"])
    assert (hours["misses"] > 0).all() and (hours["heap_failures"] > 0).all()
    assert (hours["heap_failures"] < hours["heap_requests"]).all()
    assert (hours["heap_no_packet"] > 0).all()
    assert (hours["drift"] == 0).all()


def test_a_million_drills_leave_every_tier_as_it_was(hard):
    counts = hard.counts
    print(f"{counts['drills']:,} drills, {counts['drill_requests']:,} requests")
    assert counts["drills"] == 1_000_000 and counts["drill_faults"] == 0
    assert counts["drill_requests"] > 10 * counts["drills"]
    asked = hard.stats.requests - counts["drill_requests"]
    assert hard.series["hours"]["heap_requests"].sum() == asked
    assert [tier.high_water for tier in hard.stats.tiers] == [40, 24, 8]


def test_the_slow_leak_is_drift_and_found_by_site_and_age(hard):
    hours, found = hard.series["hours"], leaks(hard.series["ages"])
    print(found)
    assert hours["drift"].tolist() == hours["in_use"].tolist() == list(range(1, 9))
    assert found.tolist() == [(7, "log", 8, 6, 7)]


@pytest.mark.parametrize(
    "old, is_leak",
    [
        ([0, 0, 0, 1, 2, 3, 4], True),
        ([1, 2, 3, 4, 5, 5], False),  # Full tables, for instance.
        ([5, 6, 7, 6, 8, 9], False),
        ([1, 2, 3, 4], False),  # Not seen for long enough.
        ([], False),
    ],
)
def test_a_leak_is_what_became_more_in_each_of_the_last_four_hours(old, is_leak):
    rows = [(hour, "other", 3, 3, hour) for hour in range(len(old))]
    rows += [(hour, "mine", 9, count, hour) for hour, count in enumerate(old)]
    found = leaks(np.array(rows, AGE_DTYPE))
    assert found["site"].tolist() == (["mine"] if is_leak else [])


def test_alarms_alternate_and_are_on_the_bad_side(starved, hard):
    count = 0
    for result in (starved, hard):
        arena = int(result.workload.provenance["arena_bytes"])
        alarms = result.series["alarms"]
        assert (np.diff(alarms["t_ns"]) >= 0).all() and (alarms["t_ns"] % 10**9 == 0).all()
        for watch in default_watches(result.config, arena):
            tier = -1 if watch.tier is None else watch.tier
            which = (alarms["metric"] == watch.metric) & (alarms["level"] == watch.level)
            mine = alarms[which & (alarms["tier"] == tier)]
            assert (mine["raised"] == (np.arange(len(mine)) % 2 == 0)).all()
            sign = -1 if watch.metric in ABOVE else 1
            value = sign * mine["value"].astype(np.int64)
            bad, good = sign * watch.bad, sign * watch.good
            raised = mine["raised"]
            assert (value[raised] < bad + (sign < 0)).all()
            assert (value[~raised] >= good + (sign < 0)).all()
            count += len(mine)
        assert result.counts["alarms_lost"] == 0
    print(f"{count:,} alarms")
    assert count == len(starved.series["alarms"]) + len(hard.series["alarms"]) > 1000


@given(
    st.booleans(),
    st.integers(0, 20),
    st.integers(0, 20),
    st.lists(st.integers(0, 25), min_size=1, max_size=60),
)
def test_a_watch_does_what_its_two_thresholds_say(is_above, one, other, values):
    bad, good = (max(one, other), min(one, other)) if is_above else sorted((one, other))
    watch = none.ffi.new("rns_watch_t *", {"is_above": is_above, "bad": bad, "good": good})
    is_on = False
    for value in values:
        is_bad = value >= bad if is_above else value < bad
        is_good = value < good if is_above else value >= good
        expected = (is_on and not is_good) or (not is_on and is_bad)
        change = none.lib.rns_watch_step(watch, value)
        raised, ended = none.lib.RNS_WATCH_RAISED, none.lib.RNS_WATCH_ENDED
        assert (change == raised) == (expected and not is_on)
        assert (change == ended) == (is_on and not expected)
        is_on = expected


@pytest.mark.parametrize(
    "values, reason",
    [
        (("heat", "warn", 1, 2), "metric"),
        (("pool_free_bytes", "loud", 1, 2), "level"),
        (("pool_free_bytes", "warn", 3, 2), "good"),
        (("heap_fragmentation_ppm", "warn", 2, 3), "good"),
        (("tier_free_slots", "warn", 1, 2), "tier"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(values, reason):
    with pytest.raises(rp.ConfigError, match=f"^{reason}: "):
        Watch(*values)


@pytest.mark.parametrize(
    "values, reason",
    [
        ({"workload": "idle"}, "workload: 'idle' is not one of node, rtp, mixed, adversarial"),
        ({"hours": 0}, "hours: 0 is not a whole number from 1"),
        ({"seed": 0}, "seed: 0 is not"),
        ({"seed": True}, "seed: True is not"),
    ],
)
def test_a_soak_that_cannot_be_is_refused(values, reason):
    with pytest.raises(rp.ConfigError, match=reason):
        rp.SoakSpec(AMPLE, **values)


@pytest.mark.parametrize("count, rows_max", [(8, 1), (8, 3), (8, 7), (8, 8), (5, 100), (48, 24)])
def test_fewer_rows_say_what_a_slow_sum_says(count, rows_max):
    rng = np.random.default_rng(count)
    hours = np.zeros(count, HOUR_DTYPE)
    for name in HOUR_DTYPE.names:
        hours[name] = rng.integers(1, 1000, count)
    rows = coarsen_hours(hours, rows_max)
    step = -(-count // rows_max)
    groups = [hours[first : first + step] for first in range(0, count, step)]
    assert len(rows) == len(groups) <= rows_max
    for row, group in zip(rows.tolist(), groups):
        mean = sum((group["events"] * group["heap_fragmentation_mean_ppm"]).tolist())
        for name, value in zip(HOUR_DTYPE.names, row):
            values = group[name].tolist()
            if name == "heap_fragmentation_mean_ppm":
                assert value == mean // sum(group["events"].tolist())
            elif name.endswith("_min"):
                assert value == min(values)
            elif name == "heap_fragmentation_max_ppm":
                assert value == max(values)
            elif name in ("in_use", "free_bytes", "drift"):
                assert value == values[-1]
            else:
                assert value == sum(values)


def test_the_summary_has_a_row_for_each_hour_with_every_table(node):
    summary = soak_dict(node)
    assert len(summary["hours"]) == 3 and len(summary["ages"]) == 3
    paths = [row["tables"]["paths"] for row in summary["hours"]]
    assert paths == [128] * 3
    assert summary["alarms"][0].keys() >= {"t_ns", "metric", "value", "raised"}
    assert node.workload.provenance["hash"] == "mix64, a stand-in for SHA-256"


def test_the_result_of_another_workload_is_no_soak():
    ops = rp.Workload()
    ops.drop(ops.create(10))
    with pytest.raises(rp.ResultError, match="not of a soak"):
        spec_of(rp.run_ops(ops.repeat(np.array([0])), AMPLE))


@pytest.mark.parametrize("seed", [1, 2, 2**64 - 1])
def test_rows_of_a_minute_ascend_lie_in_it_and_fit(seed):
    lib, ffi = none
    memory = ffi.new("rns_traffic_row_t[]", lib.RNS_NODE_ROWS_MAX)
    rows = ffi.new("rns_node_rows_t *", {"rows": memory, "random": seed})
    assert lib.rns_node_rows_population(rows) == 128
    total = most = 0
    for minute in range(120):
        lib.rns_node_rows_minute(rows)
        times = [row.t_ns for row in memory[0 : rows.ready]]
        assert times == sorted(times)
        assert times[0] >= minute * 60 * 10**9 and times[-1] < (minute + 1) * 60 * 10**9
        assert rows.count == rows.ready or memory[rows.ready].t_ns >= (minute + 1) * 60 * 10**9
        total, most = total + rows.ready, max(most, rows.count)
    print(f"{total:,} rows, at most {most:,} at once")
    assert 95 < total / 7200 < 108 and most < lib.RNS_NODE_ROWS_MAX // 2


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_the_stand_in_for_a_hash_sees_the_content_and_not_the_spans(content, cuts):
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    parts = [content[a:b] for a, b in zip(edges, edges[1:])]
    assert mixed_hash(*parts) == mixed_hash(content)
    assert mixed_hash(content + b"\0") != mixed_hash(content)


def mixed_hash(*parts):
    ffi = none.ffi
    held = [ffi.from_buffer(part) for part in parts]
    spans = ffi.new("rns_span_t[]", [(start, len(start)) for start in held])
    out = ffi.new("uint8_t[32]")
    hook = none.lib.rns_mix_hook()
    hook.sha256(hook.context, spans, len(parts), out)
    return bytes(out)
