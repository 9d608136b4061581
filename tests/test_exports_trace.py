"""Traces as files of other tools: held to those tools' documented rules."""

import csv
import gzip
import io
import json
import sys
from decimal import Decimal

import numpy as np
import pytest
import trace_model
from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from pyrns_pool import PoolConfig, Trace, load_trace, replay, shipped
from pyrns_pool.cli import main
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.exports import FORMATS, Source, export, export_format
from pyrns_pool.trace import EVENT_DTYPE

POOL = PoolConfig.parse("64x2,300x1,600x2", "spill")
OF_TRACES = ("prometheus", "perfetto", "minimalloc", "csv", "npz")
COLUMNS = {
    "t_ns": [0, 1500, 1500, 1_000_000_001, 1_000_000_002],
    "op": [0, 0, 1, 0, 0],
    "id": [1, 2, 1, 3, 4],
    "size": [64, 900, 0, 60, 64],
}
SMALL = Trace.from_events(COLUMNS, ['app:"main"\\'], {"file": "small.csv"})


def written(name, trace, pool=POOL):
    """Return what a form writes."""
    file = io.BytesIO()
    result = replay(trace, pool) if export_format(name).needs_pool else None
    export_format(name).write(Source(trace, result), file)
    return file.getvalue()


def perfetto(trace, pool=POOL):
    """Return the JSON, with times as exact decimals."""
    return json.loads(gzip.decompress(written("perfetto", trace, pool)), parse_float=Decimal)


# The rules: github.com/google/perfetto docs, "JSON trace format", and the Trace Event Format.
KEYS = {
    "M": {"ph", "name", "pid", "tid", "args"},
    "X": {"ph", "name", "pid", "tid", "ts", "dur", "args"},
    "i": {"ph", "name", "s", "pid", "tid", "ts", "args"},
    "C": {"ph", "name", "pid", "ts", "args"},
}


def check_rules(document):
    """Assert what the viewer demands; return the number of events of each phase."""
    assert document["displayTimeUnit"] in ("ms", "ns")
    counts = dict.fromkeys(KEYS, 0)
    tracks = {}
    for event in document["traceEvents"]:
        phase = event["ph"]
        counts[phase] += 1
        assert set(event) == KEYS[phase] and isinstance(event["name"], str)
        assert all(type(event[key]) is int for key in ("pid", "tid") if key in event)
        assert all(event[key] >= 0 for key in ("ts", "dur") if key in event)
        if phase == "i":
            assert event["s"] in ("g", "p", "t")
        if phase == "C":
            assert all(type(value) is int and value >= 0 for value in event["args"].values())
        if phase == "X":
            span = (event["ts"], event["ts"] + event["dur"])
            tracks.setdefault((event["pid"], event["tid"]), []).append(span)
    for spans in tracks.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:]))
    return counts


@given(trace_model.valid_traces())
def test_perfetto_obeys_the_rules_and_holds_every_block_once(drawn):
    rows, sites = drawn
    trace = Trace.from_events(np.array(rows, EVENT_DTYPE), sites)
    document = perfetto(trace)
    counts = check_rules(document)
    stats = replay(trace, POOL).stats
    assert counts["X"] == stats.hits + stats.spills and counts["i"] == stats.misses
    assert counts["C"] == stats.takes + stats.gives
    blocks = [event["args"]["block"] for event in document["traceEvents"] if event["ph"] in "Xi"]
    assert sorted(blocks) == list(range(trace.block_count))
    last = {e["pid"]: e["args"]["slots"] for e in document["traceEvents"] if e["ph"] == "C"}
    used = {pid: tier.in_use for pid, tier in enumerate(stats.tiers, start=1)}
    assert {**dict.fromkeys(used, 0), **last} == used


def test_perfetto_of_a_recording_obeys_the_rules():
    whole = load_trace(shipped("microreticulum_node_a.npz"))
    trace = Trace(whole.events[:60_000], whole.sites, whole.provenance)
    counts = check_rules(perfetto(trace, PoolConfig.parse("32x64,64x300,256x64,1024x8")))
    print(counts)
    assert counts["X"] > 1000 and counts["i"] > 1000 and counts["C"] > 1000


def test_perfetto_times_are_microseconds_to_the_nanosecond():
    events = perfetto(SMALL)["traceEvents"]
    slices = [(e["pid"], e["tid"], str(e["ts"]), str(e["dur"])) for e in events if e["ph"] == "X"]
    assert slices == [
        (1, 1, "0.000", "1.500"),
        (1, 1, "1000000.001", "0.001"),
        (1, 2, "1000000.002", "0.000"),
    ]
    (miss,) = [e for e in events if e["ph"] == "i"]
    assert (miss["pid"], miss["args"], miss["name"]) == (
        4,
        {"bytes": 900, "block": 1},
        'app:"main"\\',
    )
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"][-4:] == "name"}
    assert names[1, 0] == "tier 64" and names[3, 2] == "slot 1" and names[4, 0] == "oversize"


def test_perfetto_counts_events_where_there_is_no_time():
    trace = Trace.from_events({**COLUMNS, "t_ns": [0, 0, 0, 7, 7]}, has_time=False)
    document = perfetto(trace)
    assert document["otherData"]["time"] == "none: one event is one microsecond"
    slices = [e for e in document["traceEvents"] if e["ph"] == "X"]
    assert [(str(e["ts"]), str(e["dur"])) for e in slices] == [
        ("0.000", "2.000"),
        ("3.000", "1.000"),
        ("4.000", "0.000"),
    ]


def test_prometheus_text_is_parsed_by_the_client_and_adds_up():
    result = replay(SMALL, POOL)
    families = {
        f.name: f for f in text_string_to_metric_families(written("prometheus", SMALL).decode())
    }
    assert {name: family.type for name, family in families.items()} == {
        "pyrns_pool_slots_total": "gauge",
        "pyrns_pool_slots_in_use": "gauge",
        "pyrns_pool_high_water": "gauge",
        "pyrns_pool_bytes_wasted": "gauge",
        "pyrns_pool_requests": "counter",
    }
    requests = families["pyrns_pool_requests"].samples
    assert all(sample.name == "pyrns_pool_requests_total" for sample in requests)
    assert sum(sample.value for sample in requests) == result.stats.requests == 4
    by_labels = {(s.labels["tier"], s.labels["result"]): s.value for s in requests}
    assert by_labels["64", "hit"] == 3 and by_labels["none", "oversize"] == 1
    wasted = {s.labels["tier"]: s.value for s in families["pyrns_pool_bytes_wasted"].samples}
    assert wasted == {"64": 4, "300": 0, "600": 0}
    in_use = {s.labels["tier"]: s.value for s in families["pyrns_pool_slots_in_use"].samples}
    assert in_use == {"64": 2, "300": 0, "600": 0}


def test_without_the_client_there_is_one_line(monkeypatch, tmp_path, capsys):
    for name in [name for name in sys.modules if name.startswith("prometheus_client")]:
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "t.csv").write_text("t_ns,op,id,size,thread,site\n0,a,1,8,0,\n")
    arguments = ["export", str(tmp_path / "t.csv"), "--tiers", "8x1", "--to", "prometheus"]
    assert main([*arguments, "-o", str(tmp_path / "p")]) == 1
    assert capsys.readouterr().err == (
        "pyrns-pool: prometheus text needs prometheus-client: pip install prometheus-client "
        "(Debian: python3-prometheus-client)\n"
    )
    assert not (tmp_path / "p").exists()


@given(trace_model.valid_traces())
def test_minimalloc_rows_add_up_to_the_live_bytes(drawn):
    rows, sites = drawn
    trace = Trace.from_events(np.array(rows, EVENT_DTYPE), sites)
    buffers = list(csv.DictReader(io.StringIO(written("minimalloc", trace).decode())))
    assert list(buffers[0]) == ["id", "lower", "upper", "size"]
    assert [int(row["id"]) for row in buffers] == list(range(trace.block_count))
    assert all(int(row["lower"]) < int(row["upper"]) for row in buffers)
    live = [
        sum(int(row["size"]) for row in buffers if int(row["lower"]) <= at < int(row["upper"]))
        for at in range(len(trace))
    ]
    assert live == trace.live_curve()[0].tolist()


@pytest.mark.parametrize("name", ["csv", "npz"])
def test_own_forms_come_back(tmp_path, name):
    path = export(Source(SMALL), name, tmp_path)
    assert path == tmp_path / f"trace.{name}" and load_trace(path) == SMALL


@pytest.mark.parametrize("name", ["perfetto", "minimalloc"])
def test_what_needs_identity_is_refused_without_it(tmp_path, name):
    guessed = Trace(SMALL.events, SMALL.sites, {}, True, False)
    with pytest.raises(TraceError, match="does not say which block each free means"):
        source = Source(guessed, replay(SMALL, POOL))
        export(source, name, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_every_form_of_a_trace_is_on_the_command_line(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("t_ns,op,id,size,thread,site\n0,a,1,8,0,\n")
    known = {form.name: form for form in FORMATS}
    for name in OF_TRACES:
        arguments = ["export", str(tmp_path / "t.csv"), "--to", name, "-o", str(tmp_path / name)]
        pool = ["--tiers", "8x1"] if known[name].needs_pool else []
        assert main([*arguments, *pool, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["format"] == name and said["bytes"] == (tmp_path / name).stat().st_size > 0
        assert main([*arguments, *pool]) == 1  # It is there.
        assert capsys.readouterr().err.endswith("exists; --force overwrites it\n")
        assert main([*arguments, *pool, "--force"]) == 0
        capsys.readouterr()
    with pytest.raises(ConfigError, match="no pool is given"):
        export(Source(SMALL), "perfetto", tmp_path / "y")
