"""The verb tune as a user types it."""

import json

import pytest
from test_cli import pyrns_pool

import pyrns_pool as rp
from pyrns_pool.exports import header_text

REQUESTS = [(24, "RNS::Bytes::newData"), (300, "RNS::Bytes::newData"), (500, "other")] * 9
TRACE = "t_ns,op,id,size,thread,site\n" + "".join(
    f"{i},a,{i},{size},0,app:{site}\n" for i, (size, site) in enumerate(REQUESTS)
)


@pytest.fixture
def small(tmp_path):
    """Return the path of a trace of 27 requests that are never given back."""
    path = tmp_path / "small.csv"
    path.write_text(TRACE)
    return path


def test_the_json_has_tiers_bytes_what_is_predicted_and_the_same_replayed(small):
    found = json.loads(pyrns_pool("tune", small, "--budget", "1KiB", "--json"))
    pairs = [(tier["slot_bytes"], tier["slots"]) for tier in found["tiers"]]
    assert pairs == [(24, 9), (304, 2)] and found["bytes"] == 824 and found["exact"] is True
    config = rp.PoolConfig.parse("24x9,304x2")
    assert found["replayed"] == rp.replay(rp.load_trace(small), config).to_dict()
    for name in ("requests", "hits", "exhausted", "oversize", "hit_rate"):
        assert found["predicted"][name] == found["replayed"][name]
    assert [one["name"] for one in found["compared"]] == list(rp.preset_names())


def test_the_other_goals_and_limits_are_those_of_the_function(small, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(TRACE.replace(",24,", ",40,"))
    command = ["tune", small, other, "--max-misses", "4", "--weights", "1,2", "--max-tiers", "3"]
    command += ["--require", "512x20", "--reserve", "512x1", "--align", "16", "--validate", small]
    found = json.loads(pyrns_pool(*command, "--preset", "fork", "--json"))
    traces = [rp.load_trace(path) for path in (small, other)]
    same = rp.tune(
        traces,
        max_misses=4,
        weights=[1, 2],
        max_tiers=3,
        require=[rp.Tier(512, 20, 1)],
        alignment=16,
        validate=traces[:1],
        compared=[("fork", rp.PoolConfig.preset("fork"))],
    )
    assert found == same.to_dict()
    assert found["tiers"][-1]["reserve"] == 1 and found["weights"] == [1, 2]
    assert [one["requests"] for one in found["replayed"]] == [27, 27]


def test_candidates_and_a_rate_are_kept_and_a_site_cuts_the_trace_down(small):
    command = ("tune", small, "--min-hit-rate", "0.5", "--candidates", "512", "--json")
    assert json.loads(pyrns_pool(*command))["tiers"][0]["slots"] == 14
    found = json.loads(pyrns_pool(*command, "--site", "other"))
    assert found["predicted"]["requests"] == 9 and found["bytes"] == 5 * 512


def test_the_tables_name_the_pool_what_pins_it_and_what_others_serve(small):
    text = pyrns_pool("tune", small, "--budget", "1KiB", "--tiers", "512x2")
    assert "pool  24x9,304x2 strict: 824 bytes of slots" in text
    assert "goal  most hits within 1,024 bytes of slots; at most 4 tiers" in text
    assert "replayed through the pool: the same 11 hits" in text
    assert "app:RNS::Bytes::newData" in text and "Give them a table of their own" in text
    (current,) = [line.split() for line in text.splitlines() if line.startswith("  current")]
    words = "current 1,024 strict 2 7.4 % 11 11 40.7 % 24x9,304x2"
    assert current == words.split()


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((), "one of the arguments --budget --min-hit-rate --max-misses is required"),
        (("--budget", "1GB"), "budget: '1GB' is not like 64KiB"),
        (("--budget", "8"), "budget_bytes: 8 bytes hold no pool as required"),
        (("--max-misses", "0", "--weights", "a"), "weights: 'a' is not a whole number"),
        (("--max-misses", "0", "--require", "9"), "tiers: '9' is not like 256x16"),
        (
            ("--max-misses", "0", "--require", "8x1", "--reserve", "8x2"),
            "reserve: 8x2 is more than the 1 slots required",
        ),
    ],
)
def test_wrong_use_is_one_line_and_status_2(small, arguments, text):
    assert text in pyrns_pool("tune", small, *arguments, status=2)


def test_files_are_written_drawn_and_not_overwritten(small, tmp_path):
    out = tmp_path / "out"
    command = ("tune", small, "--budget", "4KiB", "-o", out)
    assert f"pyrns-pool plot {out}" in pyrns_pool(*command)
    summary = json.loads((out / "summary.json").read_text())
    assert summary == rp.load_result(out).to_dict()
    assert "exists; --force overwrites it" in pyrns_pool(*command, status=1)
    drawn = tmp_path / "drawn"
    pyrns_pool("tune", small, "--budget", "4KiB", "--plot", "-o", drawn)
    assert (drawn / "tune.svg").exists()
    files = json.loads(pyrns_pool("plot", out, "--format", "png", "--json"))["files"]
    assert [path.rpartition("/")[2] for path in files] == [
        "tune.png",
        "tune.csv",
        "tune_pools.csv",
    ]


def test_the_header_is_that_of_the_pool_and_names_every_trace(small, tmp_path):
    header = tmp_path / "rns_pool_config.h"
    command = ("tune", small, small, "--budget", "1KiB", "--header", header)
    assert f"written to {header}" in pyrns_pool(*command)
    result = rp.replay(rp.load_trace(small), rp.PoolConfig.parse("24x9,304x2"))
    assert header.read_text() == header_text(result, result)
    assert "exists; --force overwrites it" in pyrns_pool(*command, status=1)


def test_the_worst_served_of_several_traces_can_count(small, tmp_path):
    other = tmp_path / "other.csv"
    rows = "".join(f"{i},a,{i},16,0,app:other\n" for i in range(90))
    other.write_text("t_ns,op,id,size,thread,site\n" + rows)
    command = ["tune", small, other, other, "--budget", "32", "--worst"]
    found = json.loads(pyrns_pool(*command, "--json"))
    rates = [one["hit_rate"] for one in found["predicted"]["traces"]]
    assert found["exact"] == (min(rates) == found["worst_bound"])
    by_sum = json.loads(pyrns_pool(*command[:-1], "--json"))
    assert min(rates) > min(one["hit_rate"] for one in by_sum["predicted"]["traces"])
    assert "no pool serves each of them more than" in pyrns_pool(*command)


def test_sites_apart_are_printed_with_what_each_choice_serves(small):
    text = pyrns_pool("tune", small, "--budget", "1KiB", "--sites", "2")
    assert "sites kept apart, all within 1,024 bytes and 4 tiers" in text
    lines = [line.split(None, 3) for line in text.splitlines() if line.endswith((" out", " own"))]
    assert len(lines) == 4
    assert {line[0] for line in lines} == {"2", "11"}
