"""Audits of traces: against slow models, and what they find on the recorded node."""

import collections
from unittest import mock

import numpy as np
import pytest
from audit_model import (
    events_of,
    model_copies,
    model_groups,
    model_growth,
    model_tables,
    site_of,
    traces,
)
from hypothesis import given, settings

import pyrns_pool as rp
from pyrns_pool.audit import groups, sites, tables
from pyrns_pool.audit.trace import POOL_DEFAULT

seen = collections.Counter()


@pytest.fixture(scope="module")
def node():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.fixture(scope="module")
def findings(node):
    return rp.audit_trace(node)


def find(findings, where, pattern):
    """Return the one finding of a place and pattern."""
    (found,) = [x for x in findings if x.where.endswith(where) and x.pattern == pattern]
    return found


@settings(max_examples=80)
@given(traces())
def test_groups_are_those_of_the_model(trace):
    with mock.patch.object(groups, "KIND_COUNT_MIN", 2):
        found = groups.find_groups(trace)
        wanted = model_groups(trace)
    members = collections.defaultdict(list)
    for block in range(trace.block_count):
        if found.kind[block] >= 0:
            members[int(found.first[block])].append((int(found.role[block]), block))
    got = []
    for first, blocks in members.items():
        kind = found.kinds[found.kind[first]]
        got.append((kind.sites, kind.offsets, tuple(block for _, block in sorted(blocks))))
    assert sorted(got) == sorted(wanted)
    assert sum(kind.count for kind in found.kinds) == len(wanted)
    seen["groups"] += len(wanted)


def test_the_model_saw_groups():
    print(f"{seen['groups']} groups, {seen['grown']} grown, {seen['copies']} copies")
    assert seen["groups"] > 100


@settings(max_examples=60)
@given(traces())
def test_growth_is_that_of_the_model(trace):
    grown = set(np.flatnonzero(groups.find_growth(trace)).tolist())
    assert grown == model_growth(trace)
    seen["grown"] += len(grown)


@settings(max_examples=60)
@given(traces())
def test_copies_are_those_of_the_model(trace):
    maker = np.arange(trace.block_count) % 2
    for site in set(site_of(trace)):
        got = groups.copy_test(trace, site, maker)
        counts = {key: (test.buffers, test.as_one, test.as_two) for key, test in got.items()}
        assert counts == model_copies(trace, site, maker)
        assert all(0 <= test.chance <= 1 and 0 <= test.share <= 1 for test in got.values())
        seen["copies"] += sum(test.as_one + test.as_two for test in got.values())


@settings(max_examples=80)
@given(traces())
def test_tables_are_those_of_the_model(trace):
    with mock.patch.multiple(tables, KEPT_NS=2, NODES_MIN=1, HOLDS_SHARE_MIN=0.5):
        found = tables.find_tables(trace)
        wanted = model_tables(trace)
    got = {
        table.site: (
            table.nodes,
            round(table.holds_share * table.nodes),
            round(table.ends_share * table.nodes),
            table.held_small,
            table.held_small_peak,
        )
        for table in found
    }
    assert got == wanted
    seen["tables"] += len(found)


def test_the_models_saw_growth_copies_and_tables():
    print(dict(seen))
    assert min(seen[name] for name in ("grown", "copies", "tables")) > 20


@settings(max_examples=60)
@given(traces())
def test_statistics_of_sites_are_those_of_counting(trace):
    site, size = site_of(trace), trace.block_sizes.tolist()
    live, peak = collections.Counter(), collections.Counter()
    born, lived = {}, {}
    for t_ns, is_free, block, _ in events_of(trace):
        live[site[block]] += -1 if is_free else 1
        peak[site[block]] = max(peak[site[block]], live[site[block]])
        if is_free:
            lived[block] = t_ns - born[block]
        else:
            born[block] = t_ns
    end = int(trace.events["t_ns"][-1])
    for row in sites.site_stats(trace):
        mine = [block for block in range(trace.block_count) if site[block] == row.index]
        assert row.count == len(mine) and row.bytes == sum(size[block] for block in mine)
        assert row.peak_live_blocks == peak[row.index]
        assert row.never_freed == len([block for block in mine if block not in lived])
        times = sorted(lived.get(block, end - born[block]) for block in mine)
        if row.lifetimes is not None:
            assert row.lifetimes.max_ns == times[-1]
            assert sum(time <= row.lifetimes.p50_ns for time in times) * 2 >= len(times)
            assert sum(time < row.lifetimes.p50_ns for time in times) * 2 < len(times)


def test_the_node_makes_every_bytes_of_an_object_a_buffer_and_a_control_block(node, findings):
    made = find(findings, "Bytes::newData", "object, buffer and control block")
    assert made.evidence["member_bytes"].startswith("24 + 1 to ")
    assert made.evidence["member_bytes"].endswith(" + 24")
    assert made.also == ("app:std::vector<>::reserve",)
    requests = node.site_requests[node.sites.index("app:RNS::Bytes::newData")]
    freed = requests - 1063  # Blocks that are live at the end.
    print(made.problem)
    assert 0.99 <= 2 * made.count / freed <= 1
    assert made.evidence["group_share"] == pytest.approx(2 * made.count / freed)
    assert made.severity == "medium"


def test_the_node_has_objects_with_a_control_block_of_24_bytes(findings):
    pairs = [x for x in findings if x.pattern == "object and control block"]
    found = {x.where.rpartition("::")[2]: x.evidence["member_bytes"] for x in pairs}
    print(found)
    assert found["Packet"] == "504 + 24"
    assert found["Destination"] == "384 + 24"
    assert found["PacketReceipt"] == "152 + 24"


def test_the_node_copies_in_exclusive_data_and_nowhere_else(findings):
    copies = [x for x in findings if x.pattern == "copy of a live buffer"]
    assert [x.where for x in copies] == ["app:RNS::Bytes::exclusiveData"]
    evidence = copies[0].evidence
    print(copies[0].problem)
    assert evidence["share"] > 0.9 and evidence["chance"] < 0.4
    matches = round(evidence["share"] * evidence["buffers"])
    assert evidence["as_one"] + evidence["as_two"] == matches
    assert 10_000 < evidence["copies_estimated"] < evidence["buffers"] == copies[0].count


def test_the_node_has_two_tables_that_pin_small_blocks(findings):
    pins = [x for x in findings if x.pattern == "table that pins small blocks"]
    names = {x.where.rpartition("::")[2]: x for x in pins}
    assert list(names) == ["_M_insert_<>", "_M_allocate_node<>"]
    tree = names["_M_insert_<>"]
    print(tree.problem)
    assert tree.severity == "high"
    assert tree.also[0] == "app:RNS::Bytes::newData"
    assert tree.evidence["held_small_peak"] > 1000
    assert tree.evidence["held_small"] / tree.evidence["nodes_freed"] > 7


def test_no_finding_depends_on_a_name(node, findings):
    names = tuple(f"x{i}" for i in range(len(node.sites)))
    renamed = rp.audit_trace(rp.Trace(node.events, names, {}))
    number = {name: f"x{i}" for i, name in enumerate(node.sites)}
    rows = sorted((number[x.where], x.pattern, x.count, x.severity, x.risk) for x in findings)
    assert rows == sorted((x.where, x.pattern, x.count, x.severity, x.risk) for x in renamed)
    assert len(rows) > 60


def test_every_site_has_a_row_and_the_counts_add_up(node, findings):
    rows = [x for x in findings if "peak_live_blocks" in x.evidence]
    assert sorted(x.where for x in rows) == sorted({node.sites[s] for s in site_of(node)})
    assert sum(x.count for x in rows) == node.block_count
    assert sum(x.evidence["bytes"] for x in rows) == int(node.block_sizes.sum())
    result = rp.replay(node, rp.PoolConfig.preset(POOL_DEFAULT), bins=1)
    assert sum(x.evidence["pool_misses"] for x in rows) == result.stats.misses
    assert sum(pool.misses for pool in findings.pools) == result.stats.exhausted


def test_a_pool_of_its_own_never_misses_and_is_not_too_large(node, findings):
    for name in ("RNS::Packet::Packet", "std::_Rb_tree<>::_M_insert_<>"):
        mine = node.filter(site=name)
        slots = [t.slot_bytes for t in rp.PoolConfig.preset(POOL_DEFAULT).tiers]
        pool = rp.sized_pool(mine, slots)
        assert rp.replay(mine, pool, bins=1).stats.misses == 0
        (row,) = [x for x in findings if x.where == "app:" + name and "own_slots" in x.evidence]
        assert row.evidence["own_slots_bytes"] == pool.slots_bytes
        assert ",".join(map(str, pool.tiers)) in row.recommendation


def trace_of(count, size, gap_ns, lived_ns, span_ns=0):
    """Return a trace of `count` blocks, one each `gap_ns`, and one far away to set its length."""
    rows = [(i * gap_ns, 0, i) for i in range(count)]
    rows += [(i * gap_ns + lived_ns, 1, i) for i in range(count)]
    rows += [(max(span_ns, rows[-1][0]), 0, count)]
    rows.sort()
    columns = {name: [row[i] for row in rows] for i, name in enumerate(("t_ns", "op", "id"))}
    sizes = [size if op == 0 else 0 for _, op, _ in rows]
    last = [int(op == 0 and block == count) for _, op, block in rows]
    return rp.Trace.from_events({**columns, "size": sizes, "site": last}, ["app:f", "app:end"])


S = 10**9


@pytest.mark.parametrize(
    "trace, frequency",
    [
        (trace_of(500, 64, S // 50, S // 1000), "per-packet"),
        (trace_of(500, 64, S // 5, S // 1000), "per-transfer"),
        (trace_of(500, 64, S // 5, 2 * S), "per-link"),
        (trace_of(500, 64, S // 5, 20 * S), "per-destination"),
        (trace_of(500, 64, S // 50, S // 1000, 1000 * S), "startup"),
        (trace_of(3, 64, 100 * S, S // 1000), "startup"),
    ],
)
def test_frequency_follows_rate_and_lifetime(trace, frequency):
    (row,) = [x for x in rp.audit_trace(trace) if x.where == "app:f"]
    assert row.frequency == frequency


def test_announces_are_short_except_one_in_a_hundred():
    trace = trace_of(500, 64, S // 5, S // 1000)
    events = trace.events.copy()
    lived = np.where(trace.blocks % 50 == 0, 3 * S, 0)
    events["t_ns"] += np.where(events["op"] == 1, lived, 0)
    events = events[np.argsort(events["t_ns"], kind="stable")]
    (row,) = [x for x in rp.audit_trace(rp.Trace(events, trace.sites)) if x.where == "app:f"]
    assert row.frequency == "per-announce"


@pytest.mark.parametrize(
    "size, region, severity",
    [(1025, "internal", "critical"), (1025, "psram", "low"), (1024, "internal", "high")],
)
def test_severity_follows_size_region_and_frequency(size, region, severity):
    trace = trace_of(500, size, S // 50, S // 1000)
    rules = rp.Rules(regions=(("f", region),))
    found = rp.audit_trace(trace, rules=rules)
    (row,) = [x for x in found if x.where == "app:f"]
    assert (row.severity, row.region) == (severity, region)
    states = [check.state for check in found.regions if check.where == "app:f"]
    assert states == {"critical": ["missing"], "low": ["verified"], "high": []}[severity]


def test_a_rule_that_matches_nothing_is_said():
    trace = trace_of(40, 64, S, S // 1000)
    found = rp.audit_trace(trace, rules=rp.Rules(regions=(("g", "psram"),)))
    assert [(check.where, check.state) for check in found.regions] == [("g", "unused")]


def test_what_a_trace_does_not_know_is_left_out_and_said():
    full = trace_of(500, 64, S // 50, S // 1000)
    blind = rp.Trace(full.events, full.sites, has_time=False)
    guessed = rp.Trace(full.events, full.sites, {"pairing": "fifo"}, has_identity=False)
    allocs = rp.Trace(full.events[full.alloc_rows], full.sites)
    for trace, word in ((blind, "no time"), (guessed, "guessed"), (allocs, "no frees")):
        found = rp.audit_trace(trace)
        assert any(word in line for line in found.summary)
        assert {x.where for x in found} == {"app:f", "app:end"}
    assert {x.frequency for x in rp.audit_trace(blind)} == {"unknown"}
    assert all("lifetime_p50_ns" not in x.evidence for x in rp.audit_trace(allocs))
    events = allocs.events.copy()
    events["size"][0] = 3000  # Critical, of which a pool would serve the rest if it were known.
    (row, _) = rp.audit_trace(rp.Trace(events, allocs.sites))
    assert row.severity == "critical" and "of its own" not in row.recommendation


def test_progress_goes_from_0_to_1():
    parts = []
    rp.audit_trace(trace_of(100, 64, S, 1), progress=parts.append)
    assert parts == sorted(parts) and parts[-1] == 1.0 and len(parts) > 4
