"""The verb curve as a user types it."""

import json

import pytest
from test_cli import NODE, PACKETS, pyrns_pool

import pyrns_pool as rp

COUNTED = """t_ns,op,id,size,thread,site
0,a,1,30,0,app:first
10,a,2,30,0,app:first
20,f,1,,0,
30,a,3,200,0,app:second
40,a,4,20,1,app:first
50,a,5,9000,1,app:second
"""


@pytest.fixture
def small(tmp_path):
    """Return the path of a trace of five requests."""
    path = tmp_path / "small.csv"
    path.write_text(COUNTED)
    return path


def test_the_json_of_one_trace_is_a_list_of_tiers(small):
    tiers = json.loads(pyrns_pool("curve", small, "--bounds", "64,256,512", "--json"))
    assert [{name: tier[name] for name in list(tier)[:3]} for tier in tiers] == [
        {"slot_bytes": 64, "zero_miss_slots": 2, "hits": [2, 3]},
        {"slot_bytes": 256, "zero_miss_slots": 1, "hits": [1]},
        {"slot_bytes": 512, "zero_miss_slots": 0, "hits": []},
    ]
    assert {tier["method"] for tier in tiers} == {"exact"}


def test_the_json_of_several_traces_names_each(small):
    traces = json.loads(pyrns_pool("curve", small, small, "--json"))
    assert [trace["trace"] for trace in traces] == ["small.csv"] * 2
    assert traces[0]["tiers"] == json.loads(pyrns_pool("curve", small, "--json"))


def test_the_table_has_slots_for_shares_and_erlangs_answer_beside_them(small):
    text = pyrns_pool("curve", small, "--tiers", "64x1,256x1")
    lines = {line.split("  ")[1]: line.split() for line in text.splitlines() if line[:2] == "  "}
    assert lines["64"] == ["64", "3", "1", "2", "2", "2", "2", "1.4", "0.2", "1", "66.6", "%"]
    assert lines["256"][:7] == ["256", "1", "1", "1", "1", "1", "1"]
    assert lines["oversize"] == ["oversize", "1"]
    assert text.count("Erlang-B") == 2 and "Exact: for a strict pool" in text


def test_a_trace_without_frees_says_so(tmp_path):
    path = tmp_path / "pinned.csv"
    path.write_text(COUNTED.replace("20,f,1,,0,\n", ""))
    assert "no block is ever freed" in pyrns_pool("curve", path)


def test_several_traces_end_with_what_all_of_them_need(small, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(COUNTED.replace("20,f,1,,0,\n", ""))
    text = pyrns_pool("curve", small, other, "--bounds", "64")
    assert text.count("trace ") == 2
    rows = [line.split() for line in text.split("any of them needs")[1].splitlines()]
    assert ["64", "2", "3", "3", "3", "3"] in rows


def test_a_site_cuts_the_trace_down(small):
    tiers = json.loads(pyrns_pool("curve", small, "--site", "first", "--json"))
    assert [tier["requests"] for tier in tiers] == [3, 0, 0, 0]
    assert "only site='first'" in pyrns_pool("curve", small, "--site", "first")


def test_a_pool_that_spills_is_simulated_and_says_so(small):
    arguments = ("curve", small, "--policy", "spill", "--tiers", "32x1,256x1", "--counts", "2,1")
    tiers = json.loads(pyrns_pool(*arguments, "--json"))
    assert {tier["method"] for tier in tiers} == {"simulated"}
    assert [tier["slots"] for tier in tiers] == [[1, 2], [1, 2]]
    assert (tiers[0]["hits"], tiers[0]["spills"]) == ([2, 3], [1, 0])
    text = pyrns_pool(*arguments)
    assert "Simulated: a pool that spills was run" in text and "Erlang" not in text


def test_fewer_hits_with_more_slots_are_pointed_out(tmp_path):
    path = tmp_path / "anomaly.csv"
    sizes = [1, 32, 32, None, 64, None, 64]  # The ids freed are 1 and 4.
    rows = [
        f"{i},a,{i},{n},0,x" if n else f"{i},f,{[1, 4][i > 3]},,0," for i, n in enumerate(sizes)
    ]
    path.write_text("\n".join(["t_ns,op,id,size,thread,site", *rows, ""]))
    text = pyrns_pool("curve", path, "--policy", "spill", "--tiers", "32x1,64x1")
    assert "More is less: the pool serves fewer with 2 of 32 bytes than with 1." in text
    assert "More is less" not in pyrns_pool("curve", path, "--bounds", "32,64")


def test_a_packet_log_is_run_in_closed_loop():
    arguments = ("curve", PACKETS, "--tiers", "64x217,256x148,512x13", "--counts", "13,4")
    tables = ("--table", "paths=141", "--table", "announces=26", "--table", "links=28")
    tiers = json.loads(pyrns_pool(*arguments, *tables, "--json"))
    assert [tier["method"] for tier in tiers] == ["simulated"] * 3
    pool = rp.PoolConfig.parse("64x217,256x148,512x4")
    sizes = {"paths": 141, "announces": 26, "links": 28}
    run = rp.run_node(rp.load_packets(PACKETS), pool, tables=sizes)
    assert tiers[2]["hits"] == [run.stats.tiers[2].hits, 13601]
    assert tiers[2]["zero_miss_slots"] == 13


def test_a_result_is_written_and_drawn(small, tmp_path):
    out = tmp_path / "out"
    text = pyrns_pool("curve", small, "--tiers", "64x1,256x1", "-o", out)
    assert f"pyrns-pool plot {out}" in text
    assert json.loads((out / "summary.json").read_text())[0]["hits"] == [2, 3]
    assert rp.load_result(out).curves[0].chosen == (1, 1)
    assert "exists; --force" in pyrns_pool("curve", small, "-o", out, status=1)
    pyrns_pool("plot", out, "--format", "svg")
    names = {path.name for path in out.iterdir()}
    assert names == {"hit_curve.svg", "hit_curve.csv", "result.npz", "summary.json"}


REFUSED = {
    "bounds": (["--bounds", "64,x"], 2, "bounds: 'x' is not a whole number"),
    "order": (["--bounds", "64,32"], 2, "sizes must ascend"),
    "tiers": (["--tiers", "64"], 2, "'64' is not like 256x16"),
    "both": (["--tiers", "64x1", "--bounds", "64"], 2, "not allowed with"),
    "spill": (["--policy", "spill"], 2, "needs the slots of each tier"),
    "counts": (["--counts", "0"], 2, "slot_count: 0 is not in"),
    "site": (["--site", "nowhere"], 1, "nearest"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why_in_one_line(small, name):
    arguments, status, text = REFUSED[name]
    assert text in pyrns_pool("curve", small, *arguments, status=status)


def test_a_packet_log_has_no_sites_and_needs_slots(tmp_path):
    assert "no sites" in pyrns_pool("curve", PACKETS, "--site", "x", status=2)
    assert "needs the slots" in pyrns_pool("curve", PACKETS, status=2)
    assert "no such file" in pyrns_pool("curve", tmp_path / "none.csv", status=1)


def test_the_recorded_node_needs_2585_slots_of_64_bytes():
    tiers = json.loads(pyrns_pool("curve", NODE, "--bounds", "64,256,512,1024", "--json"))
    assert [tier["zero_miss_slots"] for tier in tiers] == [2585, 278, 148, 3]
    assert [len(tier["hits"]) for tier in tiers] == [2585, 278, 148, 3]
    assert [tier["hits"][-1] for tier in tiers] == [tier["requests"] for tier in tiers]
