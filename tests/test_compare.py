"""Pool and heaps on the same events: as the slow model counts, and as the results say."""

import json
from collections import Counter

import numpy as np
import pytest
from compare_model import compare_model
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool import errors
from pyrns_pool._compare_run import PROBE_BYTES
from pyrns_pool.compare import STEP_BYTES, pool_ram_bytes
from pyrns_pool.compare_results import FREE_DTYPE
from pyrns_pool.heaps import HEAPS
from pyrns_pool.regions import SCALE_RULES, Machine, Region, ScaleRule

SEEN = Counter()
TINY = Machine(
    "tiny", (Region("internal", 4096, "first_fit"), Region("psram", 2048, "tlsf")), alignment=4
)


@st.composite
def traces(draw):
    """Return a trace of up to 80 events, some at the same time, some far apart."""
    columns = {"t_ns": [], "op": [], "id": [], "size": []}
    live, t_ns = [], 0
    for number in range(draw(st.integers(1, 80))):
        t_ns += draw(st.sampled_from([0, 1, 1, 7, 40]))
        is_free = bool(live) and draw(st.integers(0, 9)) < 4
        block = live.pop(draw(st.integers(0, len(live) - 1))) if is_free else number
        size = 0 if is_free else draw(st.sampled_from([0, 1, 16, 30, 64, 100, 300, 500, 900]))
        if not is_free:
            live.append(block)
        for name, value in (("t_ns", t_ns), ("op", int(is_free)), ("id", block), ("size", size)):
            columns[name].append(value)
    return rp.Trace.from_events(columns)


def slow(result, one, trace, machine):
    """Return what the slow model says of one contender."""
    config = result.config.with_policy(one.contender[5:]) if one.is_pool else None
    layout = (8, 4) if machine is None else (machine.alignment, machine.header_bits // 8)
    heaps = [(use.what, use.bytes, *layout) for use in one.regions if use.what in HEAPS]
    heaps = heaps if one.heap else [None, *heaps]
    return compare_model(trace, result.edges_ns.tolist(), config, heaps, PROBE_BYTES)


@settings(max_examples=60, deadline=None)
@given(
    trace=traces(),
    tiers=st.sampled_from(["32x2,128x3", "64x4,512x2,1024x1", "16x1", "500x1"]),
    arena=st.sampled_from([2048, 3000, 4096, 6000]),
    machine=st.sampled_from([None, TINY]),
    bins=st.sampled_from([1, 3, 20]),
)
def test_every_contender_is_what_the_slow_model_counts(trace, tiers, arena, machine, bins):
    config = rp.PoolConfig.parse(tiers)
    result = rp.compare(trace, config, [arena], machine=machine, bins=bins)
    assert [one.contender for one in result.contenders] == ["pool_strict", "pool_spill", *HEAPS]
    for one in result.contenders:
        want = slow(result, one, trace, machine)
        assert one.bins[list(FREE_DTYPE.names)].tolist() == want.bins, one.contender
        assert one.failed.tolist() == want.failed
        assert (one.failures, one.requests) == (len(want.failed), trace.block_count)
        first = want.failed[0][:2] if want.failed else (None, None)
        assert (one.first_failure_event, one.first_failure_ns) == first
        uses = [use for use in one.regions if use.what != "pool metadata"]
        places = (["pool"] * one.is_pool + [0] * bool(one.heap) + [1])[: len(uses)]
        assert [use.served for use in uses] == [want.served[place] for place in places]
        free_min = [use.bytes - use.peak_bytes for use in uses]
        assert free_min == [want.part_free_min[place] for place in places]
        assert sum(use.served for use in uses) == one.requests - one.failures
        inside = one.ram_bytes if one.is_pool and not one.heap else arena
        assert one.peak_used_bytes == inside - want.free_min
        used = inside * len(trace) - sum(row[4] for row in want.bins)
        over = (used - want.live_bytes_sum) / want.live_blocks_sum if want.live_blocks_sum else 0
        assert one.overhead_bytes_per_block == over
        SEEN[one.contender, one.failures > 0, want.served[1] > 0] += 1


def test_those_traces_had_failures_spills_and_a_second_heap():
    print(SEEN)
    pools = [f"pool_{policy}" for policy in ("strict", "spill")]
    assert {key[0] for key in SEEN if key[1]} == {*pools, *HEAPS}
    assert {key[0] for key in SEEN if key[2]} == {*pools, *HEAPS}
    assert {key[0] for key in SEEN if not key[1]} == {*pools, *HEAPS}


@pytest.fixture(scope="module")
def trace():
    return rp.packet_node(13_000, events=40_000, seed=3)


@pytest.fixture(scope="module")
def result(trace):
    return rp.compare(trace, rp.sized_pool(trace, [112, 200, 504]), [16_384, 40_960])


def failures(trace, kind, arena_bytes):
    return rp.Heap(kind, arena_bytes).run(trace).failures


@pytest.mark.parametrize("kind", HEAPS)
def test_nothing_fails_in_the_arena_found_and_something_a_step_below(trace, result, kind):
    (one, again) = [one for one in result.contenders if one.contender == kind]
    assert one.zero_failure_bytes == again.zero_failure_bytes
    print(kind, one.zero_failure_bytes, failures(trace, kind, one.zero_failure_bytes - STEP_BYTES))
    assert failures(trace, kind, one.zero_failure_bytes) == 0
    assert failures(trace, kind, one.zero_failure_bytes - STEP_BYTES) > 0
    assert (one.failures, one.fragmentation_mean, one.fragmentation_worst) == heap_alone(
        trace, one
    )


def heap_alone(trace, one):
    run = rp.Heap(one.contender, one.arena_bytes).run(trace, probe_bytes=PROBE_BYTES)
    assert run.probe_failures == one.probe_failures
    return run.failures, run.fragmentation_mean, run.fragmentation_worst


def test_a_pool_of_the_high_water_marks_serves_all_and_with_a_slot_less_it_does_not(trace, result):
    pool = result.contenders[0]
    assert pool.zero_failure_bytes == sum(pool_ram_bytes(result.config)) > pool.arena_bytes
    assert (pool.ram_bytes, pool.heap, pool.failures) == (pool.zero_failure_bytes, "", 0)
    for index, tier in enumerate(result.config.tiers):
        tiers = list(result.config.tiers)
        tiers[index] = rp.Tier(tier.slot_bytes, tier.slot_count - 1)
        assert rp.replay(trace, rp.PoolConfig(tuple(tiers))).stats.misses > 0
    assert rp.replay(trace, result.config).stats.misses == 0


@pytest.mark.parametrize("policy", ["strict", "spill"])
def test_a_heap_behind_a_small_pool_is_as_large_as_it_has_to_be(trace, policy):
    config = rp.PoolConfig.parse("112x20,504x4")
    one = next(
        one
        for one in rp.compare(trace, config, [32_768], heaps=[]).contenders
        if one.contender == f"pool_{policy}"
    )
    pool = sum(pool_ram_bytes(config))
    assert one.zero_failure_with_heap_bytes > pool
    for bytes_, is_served in ((0, True), (-STEP_BYTES, False)):
        arena = one.zero_failure_with_heap_bytes + bytes_
        found = rp.compare(trace, config, [arena], heaps=[], bins=1).contenders
        again = next(other for other in found if other.contender == one.contender)
        assert (again.failures == 0) == is_served


# What was published of the originals on such a workload, 48 KiB live: RAM for no failure as a
# multiple of what is live at the peak; of a pool, its slots.
PUBLISHED = {"first_fit": 1.33, "tlsf": 1.33, "half_fit": 1.70, "pool_strict": 1.73}


def test_ram_for_no_failure_is_as_published_of_the_originals():
    trace = rp.packet_node(48 * 1024)
    pool = rp.sized_pool(trace, [128, 200, 504])
    result = rp.compare(trace, pool, [65_536], heaps=["first_fit", "tlsf", "half_fit"], bins=1)
    for row in result.to_list():
        if row["contender"] in PUBLISHED:
            ours, published = row["zero_failure_of_peak_live"], PUBLISHED[row["contender"]]
            print(f"{row['contender']} {ours:.3f}, published {published}")
            assert ours == pytest.approx(published, rel=0.02)


def test_requests_above_every_tier_are_paid_for_by_a_heap():
    columns = {"t_ns": [0, 1, 2], "op": [0, 0, 0], "id": [1, 2, 3], "size": [30, 2000, 9000]}
    trace = rp.Trace.from_events(columns)
    config = rp.PoolConfig.parse("32x5")
    pool = rp.compare(trace, config, [65_536], heaps=["tlsf"]).contenders[0]
    rest = rp.compare(trace.from_events({k: v[1:] for k, v in columns.items()}), config, [65_536])
    alone = next(one for one in rest.contenders if one.contender == "tlsf").zero_failure_bytes
    slots = sum(pool_ram_bytes(rp.PoolConfig.parse("32x1")))
    assert pool.zero_failure_bytes == slots + alone > 11_000


def test_the_list_begins_with_the_documented_keys(result):
    rows = json.loads(json.dumps(result.to_list(), allow_nan=False))
    keys = "contender arena_bytes requests failures first_failure_event first_failure_ns "
    keys += "fragmentation_mean fragmentation_worst peak_used_bytes zero_failure_bytes"
    assert len(rows) == 14
    for row in rows:
        assert list(row)[:10] == keys.split()
        assert row["zero_failure_of_peak_live"] > 1 and row["scaled"] is None


def test_a_saved_result_comes_back_whole(result, tmp_path):
    result.save(tmp_path / "result.npz")
    again = rp.load_result(tmp_path)
    assert isinstance(again, rp.CompareResult) and again.to_list() == result.to_list()
    for one, other in zip(result.contenders, again.contenders):
        assert np.array_equal(one.bins, other.bins) and np.array_equal(one.failed, other.failed)
    again.save(tmp_path / "again.npz")
    files = [(tmp_path / name).read_bytes() for name in ("result.npz", "again.npz")]
    assert files[0] == files[1]
    with pytest.raises(FileExistsError):
        result.save(tmp_path / "again.npz")


def test_a_result_with_another_format_or_damage_is_refused(result, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(rp.CompareResult, "FORMAT", "pyrns_pool compare 0")
        result.save(tmp_path / "result.npz")
    with pytest.raises(errors.ResultError, match="compare 0"):
        rp.load_result(tmp_path)


def test_the_verdict_says_that_the_pool_takes_more(result):
    pool, *_ = result.contenders
    text = result.verdict()
    assert f"the pool takes {pool.zero_failure_bytes:,} bytes, more than" in text
    assert f"Given 16,384 bytes and taking {pool.ram_bytes:,}, pool_strict fails none" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"arenas": [0]}, "arenas: 0"),
        ({"arenas": [1 << 31]}, "arenas: 2147483648"),
        ({"arenas": [64]}, "do not hold a heap of kind tlsf"),
        ({"arenas": [4096], "heaps": ["slab"]}, "^heaps: 'slab' is none of first_fit"),
        ({"arenas": [4096], "bins": 0}, "bins: 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(arguments, says):
    trace = rp.packet_node(2000, events=50)
    with pytest.raises(errors.ConfigError, match=says):
        rp.compare(trace, rp.PoolConfig.parse("32x1"), **{"heaps": ["tlsf"], **arguments})
    with pytest.raises(errors.ConfigError, match="no request"):
        rp.sized_pool(trace, [8, 16])


@pytest.mark.parametrize("known", rp.MACHINES, ids=lambda known: known.name)
def test_a_machine_shows_what_lies_in_which_region(known):
    trace = rp.packet_node(30_000, events=5000)
    config = rp.sized_pool(trace, [200, 504])
    result = rp.compare(trace, config, [known.regions[0].bytes], machine=known, bins=10)
    for one in result.contenders:
        uses = {(use.region, use.what): use for use in one.regions}
        heaps = [region.name for region in known.regions]
        assert [use.region for use in one.regions if use.what in HEAPS] == heaps
        if one.is_pool:
            inside = [use.bytes for use in one.regions if use.region == "internal"]
            assert sum(inside) == known.regions[0].bytes
            assert uses["internal", "pool slots"].bytes == config.slots_bytes


def test_what_the_internal_memory_refuses_goes_to_the_second_region():
    trace = rp.packet_node(30_000, events=5000)
    small = Machine("small", (Region("internal", 16_384, "tlsf"), Region("psram", 65_536, "tlsf")))
    result = rp.compare(trace, rp.PoolConfig.parse("200x8"), [16_384], machine=small)
    for one in result.contenders:
        assert one.failures == 0 and one.regions[-1].served > 0
        assert sum(use.served for use in one.regions) == one.requests
        print(one.contender, [(use.region, use.served) for use in one.regions])


def test_slots_in_the_second_region_leave_the_first_to_the_heap():
    trace = rp.packet_node(3_000, events=500)
    regions = (Region("internal", 16_384, "tlsf"), Region("psram", 65_536, "tlsf"))
    far = Machine("far", regions, pool_region="psram")
    pool = rp.compare(trace, rp.PoolConfig.parse("512x16"), [16_384], machine=far).contenders[0]
    slots, metadata, near, second = pool.regions
    assert (slots.region, metadata.region) == ("psram", "internal")
    assert (near.bytes, second.bytes) == (16_384 - metadata.bytes, 65_536 - slots.bytes)


@pytest.mark.parametrize(
    ("site", "sizes"),
    [
        ("app:RNS::Bytes::newData", {24: 12, 25: 16, 0: 0}),
        ("app:std::_Rb_tree<>::_M_insert_<>", {64: 48, 16: 16}),
        ("app:std::__detail::_Hashtable_alloc<>::_M_allocate_node<>", {56: 48}),
        ("app:std::__detail::_Hashtable_alloc<>::_M_allocate_buckets", {104: 52}),
        ("app:std::vector<>::reserve", {500: 500}),
        ("app:RNS::Cryptography::HMAC::HMAC", {120: 120}),
        ("app:main", {208: 208}),
    ],
)
def test_a_site_shrinks_by_its_rule_and_the_trace_says_so(site, sizes):
    count = len(sizes)
    columns = {"t_ns": [0] * count, "op": [0] * count, "id": range(count), "size": list(sizes)}
    scaled = rp.scale_32(rp.Trace.from_events(columns, [site]))
    assert scaled.block_sizes.tolist() == list(sizes.values())
    result = rp.compare(scaled, rp.PoolConfig.parse("512x9"), [65_536], heaps=["tlsf"])
    assert result.scaled == scaled.provenance["scaled"] == result.to_list()[0]["scaled"]
    assert "to 32 bits by site" in result.scaled
    with pytest.raises(errors.TraceError, match="scaled already"):
        rp.scale_32(scaled)


def test_the_first_rule_that_matches_is_taken():
    columns = {"t_ns": [0], "op": [0], "id": [1], "size": [100]}
    trace = rp.Trace.from_events(columns, ["app:main"])
    rules = (ScaleRule("*main", "less 16"), *SCALE_RULES)
    assert rp.scale_32(trace, rules).block_sizes.tolist() == [84]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"regions": ()}, "regions: 0"),
        ({"regions": (Region("ram", 1, "tlsf"),)}, "pool_region: 'internal'"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(arguments, says):
    with pytest.raises(errors.ConfigError, match=says):
        Machine("none", **arguments)
    with pytest.raises(errors.ConfigError, match="machine: 'none' is not one of esp32s3"):
        rp.machine("none")
    with pytest.raises(errors.ConfigError, match="heap: 'slab'"):
        Region("ram", 1, "slab")
