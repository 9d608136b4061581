"""The verb node as a user types it."""

import json

import numpy as np
import pytest
from test_cli import PACKETS, pyrns_pool

import pyrns_pool as rp

SMALL = ("--tiers", "64x20,256x20,512x4")
ENOUGH = "--tiers 64x217,256x148,512x13 --table paths=141 --table announces=26 --table links=28"
LOG = """t_s,dir,type,context,length
0.5,in,ANNOUNCE,NONE,199
0.7,in,DATA,NONE,195
0.7,out,DATA,NONE,179
0.8,in,PROOF,NONE,83
"""


@pytest.fixture
def log(tmp_path):
    """Return the path of a log of one packet that is forwarded and proven."""
    path = tmp_path / "small.csv"
    path.write_text(LOG)
    return path


def test_the_table_says_what_pool_bytes_and_tables_did(log):
    text = pyrns_pool("node", log, "--tiers", "64x4,256x4", "--seed", "7")
    lines = text.splitlines()
    print(text)
    assert lines[0] == "packets small.csv: 4 packets, 300.000 ms, as a transport node, seed 7"
    assert lines[1] == "pool    64x4,256x4 strict: 1,280 bytes of slots"
    assert "paths (cull)" in text and "requests (reject)" not in text
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert rows["data"] == ["1", "1", "1"]
    assert rows["announce"] == ["1", "2", "0"]
    assert rows["proof"] == ["1", "1", "0"]
    assert lines[-1] == "100.0 % of 6 requests served by the pool."
    assert "of 3 packets in: 2 forwarded, 1 accepted announces" in lines


def test_the_json_is_that_of_replay_with_bytes_tables_and_counts(log):
    replayed = json.loads(pyrns_pool("replay", rp.shipped("microreticulum_node_a.npz"), "--json"))
    result = json.loads(pyrns_pool("node", log, "--json"))
    names = [name for name in replayed if not name.startswith(("trace", "missed", "episode"))]
    names.remove("machine")
    assert list(result) == [*names, "bytes", "tables", "counts", "workload", "machine"]
    assert (
        result["bytes"]["copies_avoided"] == result["bytes"]["shares"] + result["bytes"]["slices"]
    )
    assert len(result["tables"]) == 16 and result["tables"][1]["name"] == "paths"
    assert result["counts"]["forwarded"] == 2
    assert result["workload"]["seed"] == 1


def test_what_would_have_sufficed_does():
    text = pyrns_pool("node", PACKETS, *SMALL)
    print(text)
    *_, pool_title, pool, all_title, everything = text.splitlines()
    assert pool_title == "Nothing would be missed with 31,296 bytes of slots:"
    assert (pool, everything) == ("  --tiers 64x217,256x56,512x6", f"  {ENOUGH}")
    assert all_title.endswith("would reject or cull, with 58,432 bytes of slots:")
    again = pyrns_pool("node", PACKETS, *pool.split())
    assert "100.0 % of 21,489 requests served by the pool." in again
    assert "Nothing would be missed with" not in again
    last = pyrns_pool("node", PACKETS, *everything.split())
    assert "18,858 forwarded" in last and "Nothing would" not in last


def test_the_heap_behind_the_pool_is_told_of(log):
    text = pyrns_pool("node", log, "--tiers", "64x4", "--fallback", "malloc")
    assert "4 of the 4 missed served by the heap." in text


def test_the_result_is_written_once_and_drawn(log, tmp_path):
    out = tmp_path / "out"
    text = pyrns_pool("node", log, "-o", out)
    assert text.endswith(f"written to {out}; for figures: pyrns-pool plot {out}\n")
    assert sorted(path.name for path in out.iterdir()) == ["result.npz", "summary.json"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(pyrns_pool("node", log, "--json"))
    assert rp.load_result(out).to_dict() == summary
    assert "exists; --force overwrites it" in pyrns_pool("node", log, "-o", out, status=1)
    pyrns_pool("node", log, "-o", out, "--force")
    drawn = pyrns_pool("plot", out, "--format", "png").split()
    pictures = ["occupancy", "hit_rate", "cow", "overview", "table_fill"]
    assert [f"{out}/{name}.png" for name in pictures] == [n for n in drawn if n.endswith("png")]


def test_table_and_policy_and_role_are_taken(log):
    arguments = ("--table", "paths=9", "--table", "known=3:ring", "--role", "leaf", "--json")
    result = json.loads(pyrns_pool("node", log, *arguments))
    tables = {row["name"]: (row["capacity"], row["policy"]) for row in result["tables"]}
    assert (tables["paths"], tables["known"]) == ((9, "cull"), (3, "ring"))
    assert result["workload"]["provenance"]["role"] == "leaf"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--table", "links"], "tables: 'links' is not like links=32 or links=32:cull"),
        (["--table", "links=-1"], "tables: 'links=-1' is not like links=32"),
        (["--table", "links=1:x"], "tables: links: policy 'x' is not one of reject, cull, ring"),
        (["--table", "rooms=1"], "tables: 'rooms' is not one of seen, paths"),
        (["--seed", "0"], "seed: 0 is not a whole number from 1"),
        (["--role", "king"], "invalid choice: 'king'"),
        (["--tiers", "1x1", "--preset", "fork"], "not allowed with argument --tiers"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(log, arguments, words):
    assert words in pyrns_pool("node", log, *arguments, status=2)


def test_a_trace_is_told_from_a_packet_log_and_the_other_way_round(tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("t_ns,op,id,size,thread,site\n0,a,1,100,0,app:first\n")
    assert "the header of a trace, not of a packet log" in pyrns_pool("node", trace, status=1)
    npz = rp.shipped("microreticulum_node_a.npz")
    assert "a trace perhaps, and not a packet log" in pyrns_pool("node", npz, status=1)
    assert "header of a packet log, not of a trace" in pyrns_pool("replay", PACKETS, status=1)
    assert "no such file" in pyrns_pool("node", tmp_path / "none.csv", status=1)


def test_a_log_that_is_broken_is_refused_with_its_line(log):
    log.write_text(LOG + "0.9,in,DATA,NOSUCH,99\n")
    text = pyrns_pool("node", log, status=1)
    assert "event 4: field 'context': value 'NOSUCH' is no context" in text
    log.write_text(LOG + "0.1,in,DATA,NONE,99\n")
    assert f"{log}:6: event 4: field 't_ns'" in pyrns_pool("node", log, status=1)


def test_the_shipped_log_is_run_over_the_default_pool_without_a_miss(tmp_path):
    pyrns_pool("node", PACKETS, "-o", tmp_path / "out")
    result = rp.load_result(tmp_path / "out")
    assert result.stats.misses == 0 and result.stats.requests == 21_489
    assert result.timeline.bins.shape == (2000, 3)
    assert int(np.sum(result.cow["cow_copies"])) == result.bytes.cow_copies
