"""A node in closed loop: equal for equal seeds, adds up, and needs what it says it needs."""

import dataclasses
import signal

import numpy as np
import pytest

import pyrns_pool as rp
from pyrns_pool._native import none
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.packets import DIRECTIONS, PACKET_DTYPE, TYPES
from pyrns_pool.workloads import node_tables, run_node, sufficient_pool, sufficient_tables
from pyrns_pool.workloads.node import _Run, table_sizes

LOG = rp.load_packets(rp.shipped("reticulum_mtu500_transport.csv.gz"))
AMPLE = rp.PoolConfig.parse("64x1000,256x1000,512x1000")
SMALL = rp.PoolConfig.parse("64x20,256x20,512x4")
TABLES = {"paths": 141, "announces": 26, "links": 28}
SLOT_BYTES = (64, 256, 512)
FORWARDED = 18_858
OUTCOMES = ("forwarded", "delivered", "announces", "path_requests", "duplicates")
DROPS = ("malformed", "no_memory", "table_full", "no_route", "hops", "stale")


def log_of(*rows):
    """Return a log of (milliseconds, direction, type, context, length) rows."""
    contexts = tuple(dict.fromkeys(row[3] for row in rows))
    packets = [
        (t * 10**6, length, DIRECTIONS.index(d), TYPES.index(kind), contexts.index(context))
        for t, d, kind, context, length in rows
    ]
    return rp.PacketLog(np.array(packets, PACKET_DTYPE), contexts)


def values(result):
    """Return all that a result holds, as values that compare."""
    arrays = (result.timeline.edges_ns, result.timeline.bins, result.timeline.oversize, result.cow)
    return [result.to_dict(), result.stats, *(array.tobytes() for array in arrays)]


def add_up(result):
    """Assert every identity that a result has to obey."""
    stats, counts, bins = result.stats, result.counts, result.timeline.bins
    assert stats.requests == stats.hits + stats.spills + stats.exhausted + stats.oversize
    assert stats.misses == stats.fallbacks + stats.failures
    assert stats.in_use == stats.takes - stats.gives
    assert all(tier.high_water <= tier.slot_count for tier in stats.tiers)
    for index, tier in enumerate(stats.tiers):
        assert int(bins["requests"][:, index].sum()) == tier.requests
        assert int(bins["exhausted"][:, index].sum()) == tier.exhausted
        assert int(bins["in_use_max"][:, index].max()) == tier.high_water
    for name in ("copies_avoided", "cow_copies", "cow_bytes"):
        assert int(result.cow[name].sum()) == getattr(result.bytes, name)
    dropped = sum(counts[f"dropped_{name}"] for name in DROPS)
    assert counts["packets_in"] == sum(counts[name] for name in OUTCOMES) + dropped
    kinds = ("forwarded", "originated", "rebroadcasts", "path_responses")
    assert counts["packets_out"] == sum(counts[name] for name in kinds)
    assert counts["packets_out"] == sum(counts[f"sent_{name.lower()}"] for name in TYPES)
    for table in result.tables:
        left = table.removes + table.culls + table.overwrites + table.expired
        assert table.inserts == table.count + left
        assert table.puts == table.inserts + table.updates + table.rejects


@pytest.fixture(scope="module")
def full():
    """Return the recording through a node with room for everything."""
    return run_node(LOG, AMPLE, tables=TABLES)


def test_the_same_seed_gives_an_equal_result_and_another_another(full):
    assert values(run_node(LOG, AMPLE, tables=TABLES)) == values(full)
    assert values(run_node(LOG, AMPLE, tables=TABLES, seed=2)) != values(full)


@pytest.mark.parametrize("config", [AMPLE, SMALL, SMALL.with_policy("spill")], ids=str)
@pytest.mark.parametrize("tables", [None, TABLES], ids=["inventory", "enough"])
def test_counts_add_up_whatever_is_missed(config, tables):
    result = run_node(LOG, config, tables=tables, bins=100)
    add_up(result)
    print(config, result.stats.misses, result.counts["dropped_no_memory"])
    assert (result.stats.misses > 0) == (config is not AMPLE)


def test_a_transport_node_with_room_forwards_exactly_what_the_recorded_one_did(full):
    kinds = [name.lower() for name in TYPES if name != "ANNOUNCE"]
    sent = {kind: full.counts[f"sent_{kind}"] for kind in kinds}
    assert sent == {kind: full.counts[f"recorded_{kind}"] for kind in kinds}
    assert full.counts["forwarded"] == sum(sent.values()) == FORWARDED
    # The recorded one did not know where two packets of 195 bytes were to go, either.
    assert full.counts["dropped_no_route"] == full.counts["lost_without_destination"] == 2
    assert full.counts["lost_without_link"] == full.counts["lost_without_packet"] == 0


def test_the_tables_of_a_small_device_cost_half_of_what_was_forwarded():
    result = run_node(LOG, AMPLE)
    links = next(table for table in result.tables if table.name == "links")
    assert (links.high_water, links.rejects) == (8, 20)
    assert result.counts["forwarded"] == 9_478
    assert result.counts["dropped_table_full"] == 20
    assert result.counts["dropped_no_route"] == FORWARDED - 9_478 - 20 + 2


def test_a_pool_of_the_high_water_marks_misses_nothing_and_one_slot_fewer_does(full):
    pool = sufficient_pool(LOG, SLOT_BYTES, tables=TABLES)
    assert [tier.slot_count for tier in pool.tiers] == [t.high_water for t in full.stats.tiers]
    enough = run_node(LOG, pool, tables=TABLES)
    assert enough.stats.misses == 0 and enough.counts == full.counts
    for index, tier in enumerate(pool.tiers):
        fewer = list(pool.tiers)
        fewer[index] = dataclasses.replace(tier, slot_count=tier.slot_count - 1)
        stats = run_node(LOG, rp.PoolConfig(tuple(fewer)), tables=TABLES).stats
        print(tier, stats.misses)
        assert stats.tiers[index].exhausted > 0


def test_sufficient_pool_adds_a_tier_for_what_fits_in_none():
    pool = sufficient_pool(LOG, (64, 256), tables=TABLES)
    assert [tier.slot_bytes for tier in pool.tiers] == [64, 256, 512]
    assert run_node(LOG, pool, tables=TABLES).stats.misses == 0


def test_sufficient_pool_tries_more_until_nothing_is_missed(monkeypatch):
    wanted = sufficient_pool(LOG, SLOT_BYTES, tables=TABLES)
    monkeypatch.setattr("pyrns_pool.workloads.node_size.AMPLE_SLOTS", 1)
    assert sufficient_pool(LOG, SLOT_BYTES, tables=TABLES) == wanted


def test_sufficient_tables_refuse_and_cull_nothing_and_one_entry_fewer_does():
    more = sufficient_tables(LOG, SLOT_BYTES)
    assert more == TABLES
    assert sufficient_tables(LOG, SLOT_BYTES, more) == {}
    for name in more:
        fewer = {**more, name: more[name] - 1}
        rows = run_node(LOG, AMPLE, tables=fewer).tables
        assert sum(row.rejects + row.culls for row in rows if row.name == name) > 0


def test_a_pool_that_is_too_small_drops_counts_and_leaks_nothing():
    run = _Run(LOG, SMALL, False, 1, table_sizes(TABLES), 0, 100)
    row = 0
    while row < len(LOG):
        row = run.advance(row, min(row + 1000, len(LOG)))
    result = run.result()
    assert result.counts["dropped_no_memory"] > 0 and result.stats.in_use > 0
    run.close()
    stats = run._native.stats()
    assert (stats.in_use, stats.takes - stats.gives) == (0, 0)
    run._native.check()


def test_the_heap_serves_exactly_what_the_pool_missed_and_gets_it_all_back():
    config = dataclasses.replace(SMALL, fallback="malloc")
    run = _Run(LOG, config, False, 1, table_sizes(TABLES), 0, 100)
    row = 0
    while row < len(LOG):
        row = run.advance(row, min(row + 1000, len(LOG)))
    result = run.result()
    stats = result.stats
    assert stats.fallbacks == stats.misses > 0 and stats.failures == 0
    assert result.counts["forwarded"] == FORWARDED
    run.close()
    assert run._native.stats().fallback_gives == stats.fallbacks


def test_steps_of_any_size_give_the_same(full):
    for step in (1, 7, 40_000):
        run = _Run(LOG, AMPLE, False, 1, table_sizes(TABLES), 0, 2000)
        row = 0
        while row < len(LOG):
            row = run.advance(row, min(row + step, len(LOG)))
        assert values(run.result()) == values(full)
        run.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_a_made_up_log_all_is_forwarded_that_is_for_somebody(seed):
    log = rp.workloads.node_packets(seed, duration_s=60)
    result = run_node(log, AMPLE, tables={**TABLES, "reverse": 1000})
    add_up(result)
    counts = result.counts
    assert counts["recorded_data"] == 0  # There is no packet out to go by.
    lost = {name: counts[f"lost_without_{name}"] for name in ("destination", "link", "packet")}
    print(log, lost, counts["forwarded"])
    assert counts["sent_linkrequest"] == counts["received_linkrequest"]
    assert counts["sent_proof"] == counts["received_proof"] - lost["packet"] - lost["link"]
    data = counts["received_data"] - counts["path_requests"] - lost["destination"]
    assert counts["sent_data"] == data > 1000
    assert sum(lost.values()) <= 2  # Those that arrived before the first announce.


LEAF = [
    (0, "in", "ANNOUNCE", "NONE", 199),
    (10, "pack", "ANNOUNCE", "NONE", 183),
    (20, "pack", "DATA", "NONE", 115),
    (20, "out", "DATA", "NONE", 131),
    (30, "in", "PROOF", "NONE", 83),
    (40, "pack", "LINKREQUEST", "NONE", 86),
    (40, "out", "LINKREQUEST", "NONE", 102),
    (50, "in", "PROOF", "LRPROOF", 118),
    (51, "pack", "DATA", "LRRTT", 83),
    (60, "pack", "DATA", "CHANNEL", 195),
    (70, "in", "PROOF", "NONE", 115),
    (80, "in", "DATA", "RESOURCE_ADV", 211),
    (81, "pack", "DATA", "RESOURCE_REQ", 115),
    (82, "in", "DATA", "RESOURCE", 483),
    (83, "in", "DATA", "RESOURCE", 179),
    (84, "pack", "PROOF", "RESOURCE_PRF", 83),
    (85, "pack", "DATA", "RESOURCE", 483),
    (85, "pack", "DATA", "RESOURCE", 131),
    (86, "pack", "DATA", "RESOURCE_ADV", 211),
    (87, "in", "DATA", "RESOURCE_REQ", 115),
    (88, "out", "DATA", "RESOURCE", 483),
    (88, "out", "DATA", "RESOURCE", 131),
    (89, "in", "PROOF", "RESOURCE_PRF", 83),
    (90, "pack", "DATA", "LINKCLOSE", 99),
    (95, "pack", "DATA", "NONE", 51),
    (99, "in", "ANNOUNCE", "NONE", 183),
]


def test_a_leaf_sends_what_its_host_orders_and_gets_its_proofs():
    result = run_node(log_of(*LEAF), AMPLE)
    counts = result.counts
    add_up(result)
    assert result.workload.provenance["role"] == "leaf"
    assert (counts["originated"], counts["send_failures"]) == (12, 0)
    assert (counts["links_opened"], counts["links_closed"], counts["resources_done"]) == (1, 1, 2)
    assert (counts["proofs"], counts["delivered"], counts["announces"]) == (2, 8, 2)
    assert (counts["invented_links"], counts["invented_transfers"]) == (1, 2)
    parts = [table.high_water for table in result.tables if table.name.startswith("parts")]
    assert parts == [2, 2]  # Kept by the receiver, and by the sender, until the proof.
    assert sum(counts[f"lost_without_{name}"] for name in ("destination", "link", "packet")) == 0


def test_a_link_request_that_the_pool_refused_is_not_proven():
    rows = [(0, "in", "ANNOUNCE", "NONE", 199), (1, "pack", "LINKREQUEST", "NONE", 86)]
    rows += [(2, "in", "PROOF", "LRPROOF", 118), (3, "pack", "DATA", "CHANNEL", 131)]
    counts = run_node(log_of(*rows), rp.PoolConfig.parse("64x9")).counts
    assert (counts["invented_links"], counts["lost_without_link"], counts["sends"]) == (0, 2, 0)
    counts = run_node(log_of(*rows), AMPLE).counts
    assert (counts["invented_links"], counts["lost_without_link"], counts["sends"]) == (1, 0, 2)


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_leaf_tells_transfers_in_its_two_directions_apart(seed):
    rows = [(0, "in", "ANNOUNCE", "NONE", 199)]
    for t in range(1, 4):
        rows += [(t, "pack", "LINKREQUEST", "NONE", 86), (t, "in", "PROOF", "LRPROOF", 118)]
    rows += [(9, "pack", "DATA", "RESOURCE_ADV", 211), (9, "in", "DATA", "RESOURCE_ADV", 211)]
    for t in range(10, 13):
        rows += [(t, "out", "DATA", "RESOURCE", 483), (t, "in", "DATA", "RESOURCE", 483)]
    rows += [(20, "in", "PROOF", "RESOURCE_PRF", 83), (21, "pack", "PROOF", "RESOURCE_PRF", 83)]
    result = run_node(log_of(*rows), AMPLE, seed=seed)
    rows = {table.name: (table.high_water, table.count) for table in result.tables}
    assert (rows["parts_out"], rows["parts_in"]) == ((3, 0), (3, 0))
    assert result.counts["resources_done"] == 2


def test_the_role_can_be_given_and_is_a_leaf_only_where_the_log_says_so():
    transit = [row for row in LEAF if row[1] == "in"]
    assert run_node(log_of(*transit), AMPLE).workload.provenance["role"] == "transport node"
    assert run_node(log_of(*transit), AMPLE, role="leaf").workload.provenance["role"] == "leaf"
    as_transport = run_node(log_of(*LEAF), AMPLE, role="transport")
    assert as_transport.counts["originated"] == 0


def test_packets_that_belong_to_nobody_are_counted_and_dropped():
    rows = [(0, "in", "DATA", "CHANNEL", 195), (1, "in", "PROOF", "NONE", 83)]
    rows += [(2, "in", "DATA", "NONE", 195), (3, "in", "LINKREQUEST", "NONE", 102)]
    counts = run_node(log_of(*rows), AMPLE).counts
    lost = [counts[f"lost_without_{name}"] for name in ("link", "packet", "destination")]
    assert (lost, counts["dropped_no_route"]) == ([1, 1, 2], 4)


def test_packets_too_short_for_their_kind_are_malformed():
    kinds = [("DATA", "NONE"), ("ANNOUNCE", "NONE"), ("LINKREQUEST", "NONE"), ("PROOF", "LRPROOF")]
    rows = [(0, "in", kind, context, length) for kind, context in kinds for length in (1, 2, 18)]
    counts = run_node(log_of(*rows), AMPLE).counts
    assert counts["dropped_malformed"] == len(rows) == 12


def test_packets_longer_than_the_mtu_are_oversize_for_the_pool_and_nothing_worse():
    log = log_of((0, "in", "ANNOUNCE", "NONE", 199), (1, "in", "DATA", "RESOURCE", 1 << 20))
    result = run_node(log, AMPLE)
    assert (result.stats.oversize, result.counts["dropped_no_memory"]) == (1, 1)


def test_a_silent_day_is_345_600_timers():
    log = log_of((0, "in", "ANNOUNCE", "NONE", 199), (86_400_000, "in", "ANNOUNCE", "NONE", 199))
    counts = run_node(log, AMPLE).counts
    assert counts["timers"] in (345_600, 345_601)
    assert counts["announces"] == 2


def test_headroom_moves_packets_to_larger_tiers_and_changes_nothing_else(full):
    result = run_node(LOG, AMPLE, tables=TABLES, headroom_bytes=35)
    assert result.counts == full.counts
    assert result.stats.tiers[2].requests > full.stats.tiers[2].requests


def test_progress_ends_at_one_and_may_interrupt():
    seen = []
    run_node(LOG, AMPLE, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 10

    def stop(fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_node(LOG, AMPLE, progress=stop)


def test_ctrl_c_while_python_hashes_for_c_is_not_lost(capfd):
    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.03)
            with pytest.raises(KeyboardInterrupt):
                for _ in range(100):
                    run_node(LOG, AMPLE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert capfd.readouterr().err == ""


def test_a_context_that_no_packet_has_is_refused_with_its_row():
    log = log_of((0, "in", "DATA", "NONE", 99), (1, "in", "DATA", "NOSUCH", 99))
    with pytest.raises(TraceError) as caught:
        run_node(log, AMPLE)
    text = "event 1: field 'context': value 'NOSUCH' is no context of a Reticulum packet"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"seed": 0}, "seed: 0 is not a whole number from 1"),
        ({"seed": 1.5}, "seed: 1.5 is not a whole number"),
        ({"role": "client"}, "role: 'client' is not one of auto, transport, leaf"),
        ({"tables": {"path": 3}}, "tables: 'path' is not one of seen, paths"),
        ({"tables": {"paths": 0}}, "tables: paths: 0 is not a whole number from 1"),
        ({"tables": {"paths": (9, "x")}}, "tables: paths: policy 'x' is not one of reject"),
        ({"bins": 0}, "bins: 0 is not in 1 to"),
        ({"headroom_bytes": -1}, "headroom_bytes: -1"),
    ],
)
def test_arguments_that_are_refused_are_named(arguments, text):
    with pytest.raises(ConfigError) as caught:
        run_node(LOG, AMPLE, **arguments)
    assert str(caught.value).startswith(text)


def test_tables_may_change_their_policy():
    result = run_node(LOG, AMPLE, tables={**TABLES, "announces": (8, "cull")})
    announces = next(table for table in result.tables if table.name == "announces")
    assert (announces.policy, announces.rejects) == ("cull", 0) and announces.culls > 0


def test_the_default_tables_are_those_of_c():
    tables = node_tables()
    assert len(tables) == none.lib.RNS_TRANSPORT_TABLES
    assert tables["seen"] == (64, "ring") and tables["links"] == (8, "reject")


def test_a_result_is_the_same_after_a_file(full, tmp_path):
    full.save(tmp_path / "result.npz")
    assert values(rp.load_result(tmp_path)) == values(full)
