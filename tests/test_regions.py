"""Pools on machines: what lies in which memory, whose heap serves a miss, what is for PSRAM."""

import json
from collections import Counter

import numpy as np
import pytest
from compare_model import SlowContender
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import NODE, PACKETS, pyrns_pool

import pyrns_pool as rp
from pyrns_pool._results_file import read_result
from pyrns_pool.errors import ConfigError
from pyrns_pool.regions import Machine, Region, pool_ram_bytes
from pyrns_pool.results import MachineUse, SiteLarge
from pyrns_pool.trace import OP_ALLOC

INTERNAL, PSRAM = Region("internal", 9000, "first_fit"), Region("psram", 9000, "tlsf")
FAR = {"pool_region": "psram", "metadata_region": "psram"}
TINY = [
    Machine("both", (INTERNAL, PSRAM), alignment=4),
    Machine("far", (INTERNAL, PSRAM), pool_region="psram"),
    Machine("alone", (INTERNAL,)),
    Machine("psram first", (PSRAM, INTERNAL), **FAR),
]
SITES = ["a", "b"]
SEEN = Counter()


@st.composite
def traces(draw):
    """Return a trace of up to 60 events, with sizes on both sides of 1,024 bytes."""
    columns = {"t_ns": [], "op": [], "id": [], "size": [], "site": []}
    live = []
    for number in range(draw(st.integers(1, 60))):
        is_free = bool(live) and draw(st.integers(0, 9)) < 3
        block = live.pop(draw(st.integers(0, len(live) - 1))) if is_free else number
        size = 0 if is_free else draw(st.sampled_from([0, 30, 300, 900, 1024, 1025, 1500, 3000]))
        if not is_free:
            live.append(block)
        site = 0 if is_free else draw(st.integers(0, 1))
        for name, value in zip(columns, (number, int(is_free), block, size, site)):
            columns[name].append(value)
    return rp.Trace.from_events(columns, SITES)


class SlowMachine:
    """A pool and the heaps of a machine, asked one by one; everything is written down."""

    def __init__(self, machine, config):
        sizes = dict(zip(("slots", "metadata"), pool_ram_bytes(config)))
        at = {"slots": machine.pool_region, "metadata": machine.metadata_region}
        arenas = [
            region.bytes - sum(sizes[part] for part in sizes if at[part] == region.name)
            for region in machine.regions
        ]
        layout = (machine.alignment, machine.header_bits // 8)
        heaps = [(region.heap, n, *layout) for region, n in zip(machine.regions, arenas)]
        self.slow = SlowContender(config, heaps)
        self.regions = [region.name for region in machine.regions]
        self.pool_region = machine.pool_region
        self.large, self.served, self.refused = Counter(), Counter(), Counter()
        self.free_min = [heap.total_free for heap in self.slow.heaps]

    def run(self, trace):
        for event, block in zip(trace.events, trace.blocks.tolist()):
            if event["op"] == OP_ALLOC:
                self.take(trace.sites[event["site"]], block, int(event["size"]))
            else:
                self.slow.give(block)
            free = [heap.total_free for heap in self.slow.heaps]
            self.free_min = [min(pair) for pair in zip(free, self.free_min)]

    def take(self, site, block, size):
        is_served = self.slow.take(block, size)
        place = self.slow.where[block][0] if is_served else "nowhere"
        self.served[place] += 1
        for asked in ("pool", *range(len(self.regions))):
            if asked == place:
                break
            self.refused[asked] += 1
        region = self.pool_region if place == "pool" else is_served and self.regions[place]
        if is_served and size > 1024 and region != "psram":
            self.large[site] += 1


@settings(max_examples=80, deadline=None)
@given(
    trace=traces(),
    tiers=st.sampled_from(["32x2,512x3", "64x1,1024x1,2048x1", "2048x2"]),
    policy=st.sampled_from(["strict", "spill"]),
    machine=st.sampled_from(TINY),
)
def test_a_replay_on_a_machine_is_what_the_slow_model_writes_down(trace, tiers, policy, machine):
    config = rp.PoolConfig.parse(tiers, policy)
    result = rp.replay(trace, config, machine=machine)
    slow = SlowMachine(machine, config)
    slow.run(trace)
    slots, metadata, *heaps = result.machine.regions
    slots_bytes, metadata_bytes = pool_ram_bytes(config)
    assert (slots.region, slots.bytes) == (machine.pool_region, slots_bytes)
    assert (metadata.region, metadata.bytes) == (machine.metadata_region, metadata_bytes)
    assert (slots.served, slots.refused) == (slow.served["pool"], slow.refused["pool"])
    assert [(use.region, use.what) for use in heaps] == [(r.name, r.heap) for r in machine.regions]
    for index, use in enumerate(heaps):
        assert (use.served, use.refused) == (slow.served[index], slow.refused[index])
        assert use.bytes - use.peak_bytes == slow.free_min[index]
        inside = sum(u.bytes for u in result.machine.regions if u.region == use.region)
        assert inside == machine.regions[index].bytes
    stats = result.stats
    assert (stats.fallbacks, stats.failures) == (
        slow.served[0] + slow.served[1],
        slow.served["nowhere"],
    )
    by_region = {region.region: region.fallbacks for region in stats.regions}
    assert sum(by_region.values()) == stats.fallbacks
    assert all(by_region.get(i, 0) == use.served for i, use in enumerate(heaps))
    outside = result.machine.outside_psram
    if machine.name == "alone":
        assert outside is None
    else:
        assert {row.site: row.requests for row in outside} == dict(slow.large)
        assert [row.requests for row in outside] == sorted(slow.large.values(), reverse=True)
    SEEN[machine.name, "second"] += len(heaps) > 1 and heaps[1].served
    SEEN[machine.name, "nowhere"] += stats.failures
    SEEN[machine.name, "large"] += sum(slow.large.values())


def test_those_traces_used_every_region_and_failed():
    print(SEEN)
    assert all(SEEN[machine.name, "nowhere"] > 0 for machine in TINY)
    assert all(SEEN[name, "second"] > 0 for name in ("both", "far", "psram first"))
    assert all(SEEN[name, "large"] > 0 for name in ("both", "far", "psram first"))


def test_a_replay_on_a_machine_is_the_pool_of_compare_on_it():
    trace = rp.packet_node(30_000, events=5000)
    config = rp.PoolConfig.parse("200x40,504x5")
    small = Machine("small", (Region("internal", 24_000, "tlsf"), Region("psram", 65_536, "tlsf")))
    compared = rp.compare(trace, config, [24_000], machine=small, heaps=[]).contenders
    for one in compared:
        result = rp.replay(trace, config.with_policy(one.contender[5:]), machine=small)
        uses = [vars(use) for use in result.machine.regions]
        for mine, other in zip(uses, map(vars, one.regions)):
            keys = set(mine) - {"peak_bytes"} if "slots" in mine["what"] else set(mine)
            assert {key: mine[key] for key in keys} == {key: other[key] for key in keys}
        print(one.contender, [(use["region"], use["served"], use["refused"]) for use in uses])
        assert uses[-1]["served"] > 0


def test_without_a_machine_nothing_is_said_of_regions_and_misses_are_as_they_were():
    trace = rp.packet_node(3000, events=500)
    config = rp.PoolConfig.parse("64x2")
    plain = rp.replay(trace, config)
    placed = rp.replay(trace, config, machine=rp.machine("esp32s3"))
    assert plain.machine is None and plain.stats.failures == plain.stats.misses > 0
    assert placed.stats.fallbacks == placed.stats.misses == plain.stats.misses
    assert placed.timeline.bins.tolist() == plain.timeline.bins.tolist()
    assert placed.sites == plain.sites


@pytest.mark.parametrize("run", ["replay", "node"])
def test_a_result_on_a_machine_comes_back_whole(run, tmp_path):
    if run == "replay":
        columns = {"t_ns": [0, 1], "op": [0, 0], "id": [1, 2], "size": [1500, 70], "site": [0, 1]}
        trace = rp.Trace.from_events(columns, SITES)
        result = rp.replay(trace, rp.PoolConfig.parse("64x1"), machine=rp.machine("esp32s3"))
        assert result.machine.outside_psram == (SiteLarge("a", 1),)
    else:
        log = rp.load_packets(PACKETS)
        part = rp.PacketLog(log.packets[:3000], log.contexts, log.provenance)
        result = rp.run_node(
            part, rp.PoolConfig.parse("64x9,512x9"), machine=rp.machine("nrf52840")
        )
        assert result.machine.outside_psram is None
    result.save(tmp_path / "result.npz")
    again = rp.load_result(tmp_path)
    assert isinstance(again.machine, MachineUse) and again.machine == result.machine
    assert again.to_dict() == result.to_dict() and again.to_dict()["machine"] is not None


def test_a_result_from_before_machines_has_none(tmp_path):
    trace = rp.packet_node(3000, events=500)
    rp.replay(trace, rp.PoolConfig.parse("64x2")).save(tmp_path / "result.npz")
    values, members = read_result(tmp_path, {rp.ReplayResult.FORMAT: lambda *both: both})
    del values["machine"]
    text = np.frombuffer(json.dumps(values).encode(), np.uint8)
    np.savez(tmp_path / "old.npz", **{**members, "values": text})
    assert rp.load_result(tmp_path / "old.npz").machine is None


def test_a_node_on_a_machine_gets_from_its_heaps_what_the_pool_misses():
    log = rp.load_packets(PACKETS)
    part = rp.PacketLog(log.packets[:6000], log.contexts, log.provenance)
    config = rp.PoolConfig.parse("64x20,256x9,512x2")
    ample = rp.run_node(part, rp.PoolConfig.parse("64x320,256x224,512x64"))
    result = rp.run_node(part, config, machine=rp.machine("esp32s3"))
    slots, metadata, near, far = result.machine.regions
    print(result.machine)
    assert slots.bytes == sum(t.slots_bytes + 16 * t.slot_count for t in config.tiers)
    assert slots.bytes + metadata.bytes + near.bytes == 320 * 1024
    assert near.served == result.stats.fallbacks == result.stats.misses > 1000
    assert far.served == result.stats.failures == 0
    assert result.counts["sent_data"] == ample.counts["sent_data"]
    assert result.machine.outside_psram == ()


@pytest.mark.parametrize(
    ("tiers", "words"),
    [("2048x64", "tier 2048, at most"), ("1024x1,2048x64", "tier 2048")],
)
def test_a_node_names_the_tier_where_large_packets_lie_outside_psram(tiers, words):
    log = rp.load_packets(PACKETS)
    packets = log.packets[:300].copy()
    data = packets["type"] == 0
    packets["length"][data] = np.where(packets["direction"][data] == 2, 1500, 100)
    packets["length"][~data] = log.packets[:300]["length"][~data]
    large = rp.PacketLog(packets, log.contexts, log.provenance)
    config = rp.PoolConfig.parse(tiers)
    near = rp.run_node(large, config, machine=rp.machine("esp32s3")).machine.outside_psram
    print(near)
    assert words in {row.site for row in near} and all(row.requests for row in near)
    psram = Machine("far", (Region("internal", 1 << 19, "tlsf"), PSRAM), **FAR)
    with pytest.raises(ConfigError, match="^machine: the pool takes [0-9]+ bytes of far's psram"):
        rp.run_node(large, config, machine=psram)
    roomy = Machine(
        "far",
        (Region("internal", 1 << 19, "tlsf"), Region("psram", 1 << 20, "tlsf")),
        pool_region="psram",
    )
    rows = rp.run_node(large, config, machine=roomy).machine.outside_psram
    assert not [row for row in rows if row.site.startswith("tier")]


def test_the_recorded_node_has_its_large_requests_named_by_site():
    text = pyrns_pool("replay", NODE, "--machine", "esp32s3")
    assert "more than 1 KiB outside PSRAM: 1,537 requests" in text
    result = json.loads(pyrns_pool("replay", NODE, "--machine", "esp32s3", "--json"))
    use = result["machine"]
    assert use["machine"] == "esp32s3" and len(use["regions"]) == 4
    trace = rp.load_trace(NODE)
    is_large = (trace.events["op"] == OP_ALLOC) & (trace.events["size"] > 1024)
    sites = Counter(trace.sites[site] for site in trace.events["site"][is_large].tolist())
    assert {row["site"]: row["requests"] for row in use["outside_psram"]} == sites
    assert all(f"{site}  " in text for site in sites)
    assert (
        f"Of the {result['fallbacks']:,} missed, {result['fallbacks']:,} served by a heap" in text
    )


def test_the_table_of_a_node_says_what_lies_where_and_nothing_of_psram_without_one():
    text = pyrns_pool("node", PACKETS, "--tiers", "64x9,512x9", "--machine", "cortex-m3-64k")
    rows = [line.split() for line in text[text.index("on cortex-m3-64k") :].splitlines()]
    assert [row[:2] for row in rows[2:5]] == [
        ["internal", "pool"],
        ["internal", "pool"],
        ["internal", "first_fit"],
    ]
    assert "PSRAM" not in text


@pytest.mark.parametrize("verb", [("replay", NODE), ("node", PACKETS)], ids=lambda verb: verb[0])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--machine", "pdp11"), "'pdp11' is not one of esp32s3"),
        (("--machine", "host", "--fallback", "malloc"), "fallback: 'malloc' is this process's"),
        (
            ("--machine", "cortex-m3-64k", "--tiers", "512x200"),
            "bytes of cortex-m3-64k's internal",
        ),
    ],
)
def test_wrong_use_is_one_line_and_status_2(verb, arguments, says):
    assert says in pyrns_pool(*verb, *arguments, status=2)
