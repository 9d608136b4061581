"""The verb compare as a user types it."""

import json
from pathlib import Path

import pytest
from test_cli import NODE, pyrns_pool

import pyrns_pool as rp

REQUESTS = [(24, "RNS::Bytes::newData"), (300, "RNS::Bytes::newData"), (500, "other")] * 9
TRACE = "t_ns,op,id,size,thread,site\n" + "".join(
    f"{i},a,{i},{size},0,app:{site}\n" for i, (size, site) in enumerate(REQUESTS)
)
SMALL = ("--arena", "4KiB,16KiB", "--heaps", "first_fit,tlsf")


@pytest.fixture
def small(tmp_path):
    """Return the path of a trace of 27 requests."""
    path = tmp_path / "small.csv"
    path.write_text(TRACE)
    return path


def test_the_json_is_a_row_for_each_contender_and_arena(small):
    rows = json.loads(pyrns_pool("compare", small, *SMALL, "--tiers", "32x9,512x4", "--json"))
    names = ["pool_strict", "pool_spill", "first_fit", "tlsf"]
    assert [row["contender"] for row in rows] == names * 2
    assert [row["arena_bytes"] for row in rows] == [4096] * 4 + [16384] * 4
    trace = rp.load_trace(small)
    config = rp.PoolConfig.parse("32x9,512x4")
    same = rp.compare(trace, config, [4096, 16384], heaps=["first_fit", "tlsf"])
    assert rows == same.to_list()


def test_sizes_alone_get_the_slots_that_the_trace_needs(small):
    rows = json.loads(pyrns_pool("compare", small, *SMALL, "--tiers", "32,512", "--json"))
    assert {row["pool"] for row in rows} == {"32x9,512x18", None}
    assert rows[4]["failures"] == 0 < rows[2]["failures"]


def test_the_table_says_what_each_takes_and_the_verdict_what_the_pool_costs(small):
    text = pyrns_pool("compare", small, *SMALL, "--tiers", "32,512")
    assert text.count("pool_spill") == 2 and "4,096 bytes\n" in text and "16,384 bytes\n" in text
    assert "To let nothing fail the pool takes" in text and ", more than first_fit" in text


def test_a_machine_names_its_arena_and_its_regions_and_scaling_is_said(small):
    text = pyrns_pool("compare", small, "--machine", "esp32s3", "--scale", "32")
    assert "327,680 bytes of esp32s3" in text and "psram" in text
    assert "sizes scaled to 32 bits by site: 18 of 27 blocks" in text


def test_a_site_cuts_the_trace_down(small):
    rows = json.loads(pyrns_pool("compare", small, *SMALL, "--site", "other", "--json"))
    assert {row["requests"] for row in rows} == {9}
    assert "nearest: 'app:other'" in pyrns_pool(
        "compare", small, *SMALL, "--site", "ohter", status=1
    )


def test_generated_events_need_no_file_and_are_the_same_for_the_same_seed():
    arguments = ("compare", "packet-node", "--arena", "8KiB", "--heaps", "tlsf", "--json")
    texts = [pyrns_pool(*arguments, "--load", "70", "--seed", seed) for seed in ("1", "1", "2")]
    assert texts[0] == texts[1] != texts[2]


def test_the_recorded_node_fits_its_device_and_the_pool_costs_more_than_tlsf(tmp_path):
    out = tmp_path / "out"
    tiers = ("--tiers", "32,64,128,256,512,1024,2048,4096")
    arguments = ("--arena", "320KiB", "--heaps", "tlsf", "--bins", "50", *tiers, "-o", out)
    pyrns_pool("compare", NODE, *arguments)
    rows = json.loads((out / "summary.json").read_text())
    strict, _, tlsf = rows
    assert strict["failures"] == tlsf["failures"] == 0
    assert 1.2 < strict["zero_failure_bytes"] / tlsf["zero_failure_bytes"] < 1.4
    assert "exists" in pyrns_pool("compare", NODE, *arguments, status=1)
    names = {Path(line).name for line in pyrns_pool("plot", out).splitlines()}
    assert {"largest_free.png", "heap_fragmentation.svg", "ram.csv", "failures.csv"} < names


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x"], "--arena 64KiB"),
        (["x", "--arena", "64KB"], "'64KB' is not like 64KiB"),
        (["x", "--machine", "pdp11"], "'pdp11' is not one of esp32s3"),
        ([NODE, "--arena", "4KiB", "--seed", "1"], "only for packet-node"),
        (["packet-node", "--arena", "4KiB", "--load", "0"], "load: 0"),
        (["packet-node", "--arena", "4KiB", "--tiers", "4"], "no request is of 4 bytes or less"),
        (["packet-node", "--arena", "4KiB", "--heaps", "slab"], "'slab' is none of"),
        (["x", "--tiers", "64x1", "--preset", "fork"], "not allowed with"),
        (["x", "--scale", "16"], "--scale"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, says):
    assert says in pyrns_pool("compare", *arguments, status=2)
