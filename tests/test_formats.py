"""Trace files: any form gives the same trace; what gzip and the system can do to one."""

import gzip
import io
import os
import re

import numpy as np
import pytest
import refusals
import trace_model
from hypothesis import given

from pyrns_pool.errors import TraceError
from pyrns_pool.formats import SUFFIXES, csv, files, load_trace, npz, save_trace, shipped
from pyrns_pool.trace import EVENT_DTYPE, OP_FREE, Trace

HEADER = b"t_ns,op,id,size,thread,site\n"
TEXT = HEADER + b"0,a,5,40,0,app:main\n9050,f,5,,1,\n"
TRACE = Trace.from_events(
    {"t_ns": [0, 9050], "op": [0, 1], "id": [5, 5], "size": [40, 0], "thread": [0, 1]},
    ["app:main"],
    {"program": "node 1.2"},
    has_time=False,
)


def saved(form, trace=TRACE):
    """Return the bytes of a trace in one of the three forms."""
    file = io.BytesIO()
    if form == ".npz":
        npz.write_npz(trace, file)
    else:
        csv.write_csv(trace, file, compress=form == ".csv.gz")
    return file.getvalue()


@pytest.mark.parametrize("form", SUFFIXES)
@given(trace_model.valid_traces())
def test_a_trace_comes_back_from_every_form_as_it_was(tmp_path_factory, form, drawn):
    rows, sites = drawn
    trace = Trace.from_events(np.array(rows, EVENT_DTYPE), sites, {"k": "v"})
    path = tmp_path_factory.mktemp("round") / f"t{form}"
    save_trace(trace, path)
    again = load_trace(path)
    assert again == trace and again.sha256 == trace.sha256
    for name in ("t_ns", "id", "size", "thread", "op"):
        assert (again.events[name] == trace.events[name]).all()
    names = [[each.sites[site] for site in each.events["site"]] for each in (again, trace)]
    frees = trace.events["op"] == OP_FREE
    assert (np.array(names[0])[~frees] == np.array(names[1])[~frees]).all()
    assert again.provenance == {"file": f"t{form}", "format": form[1:], "k": "v"}


@pytest.mark.parametrize("form", SUFFIXES)
def test_quality_flags_and_provenance_come_back(tmp_path, form):
    save_trace(TRACE, tmp_path / f"t{form}")
    again = load_trace(tmp_path / f"t{form}")
    assert (again.has_time, again.has_identity, again.has_frees) == (False, True, True)
    save_trace(again, tmp_path / "again.npz")
    last = load_trace(tmp_path / "again.npz")
    assert dict(last.provenance) == {"file": "again.npz", "format": "npz", "program": "node 1.2"}


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_same_trace_gives_the_same_bytes(form, monkeypatch):
    first = saved(form)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert saved(form) == first


def test_the_content_tells_the_form_whatever_the_name(tmp_path):
    for form, name in ((".csv", "a.npz"), (".csv.gz", "b.csv"), (".npz", "c.csv.gz")):
        (tmp_path / name).write_bytes(saved(form))
        assert load_trace(tmp_path / name) == TRACE
        assert load_trace(tmp_path / name).provenance["format"] == form[1:]


def test_several_gzip_members_are_one_text(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in (TEXT[:31], b"", TEXT[31:])))
    assert load_trace(path) == TRACE


@pytest.mark.parametrize("form", SUFFIXES)
def test_progress_rises_to_one(tmp_path, form):
    ids = np.random.default_rng(1).permutation(120_000)
    zeros = [0] * len(ids)
    trace = Trace.from_events({"t_ns": zeros, "op": zeros, "id": ids, "size": zeros})
    save_trace(trace, tmp_path / f"t{form}")
    seen = []
    load_trace(tmp_path / f"t{form}", seen.append)
    assert seen == sorted(seen) and len(seen) > 2 and 0 < seen[0] < 1 and seen[-1] == 1.0


def test_a_file_name_with_control_characters_stays_on_one_line(tmp_path):
    path = tmp_path / "a\nb.csv"
    path.write_bytes(HEADER)
    with pytest.raises(TraceError) as caught:
        load_trace(path)
    assert str(caught.value) == f"{tmp_path}/a\\nb.csv:1: no events"
    path.write_bytes(TEXT)
    assert load_trace(path).provenance["file"] == "a\\nb.csv"


# What the operating system and gzip can do to a file.


@pytest.mark.parametrize("load", [load_trace, csv.read_csv, npz.read_npz])
def test_a_directory_a_pipe_and_a_missing_or_empty_file_are_refused(tmp_path, load):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    for name, reason in (
        ("", "is a directory"),
        ("missing", "no such file"),
        ("pipe", "is no regular file"),
        ("empty", "file is empty"),
    ):
        with pytest.raises(TraceError) as caught:
            load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {reason}"


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT)

    def denied(*args):
        raise PermissionError(13, "Permission denied", args[0])

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(TraceError) as caught:
        load_trace(path)
    assert str(caught.value) == f"{path}: cannot be read (Permission denied)"


def test_text_that_expands_too_much_is_refused_with_the_limit(tmp_path):
    bomb = gzip.compress(HEADER + b"0,f,0,,0,\n" * 3_000_000)
    assert len(bomb) < 150_000
    assert (
        refusals.refusal(tmp_path, bomb)
        == ": gzip data expand more than 200 times (TRACE_GZIP_RATIO_MAX)"
    )


def test_no_more_than_one_chunk_is_expanded_at_a_time(tmp_path):
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    sizes = [len(chunk) for chunk in files.text_chunks(path)]
    assert sum(sizes) == 1 << 24 and max(sizes) <= files.CHUNK_BYTES


@pytest.mark.parametrize("form", [".csv", ".csv.gz"])
def test_text_longer_than_the_limit_is_refused(tmp_path, form, monkeypatch):
    data = saved(form)
    monkeypatch.setattr(files, "TRACE_TEXT_BYTES_MAX", 20)
    expected = ": text is longer than 20 bytes (TRACE_TEXT_BYTES_MAX)"
    assert refusals.refusal(tmp_path, data) == expected


# Writing.


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_file_is_only_replaced_when_asked(tmp_path, form):
    path = tmp_path / f"t{form}"
    path.write_bytes(b"precious")
    with pytest.raises(
        FileExistsError, match=f"exists; pass overwrite=True .*{re.escape(str(path))}"
    ):
        save_trace(TRACE, path)
    assert path.read_bytes() == b"precious"
    save_trace(TRACE, path, overwrite=True)
    assert load_trace(path) == TRACE and os.listdir(tmp_path) == [path.name]


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_bytes(b"precious")

    def full(*args):
        yield b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv, "_text", full)
    with pytest.raises(OSError, match="No space left"):
        save_trace(TRACE, path, overwrite=True)
    assert os.listdir(tmp_path) == ["t.csv"] and path.read_bytes() == b"precious"


def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    save_trace(TRACE, tmp_path / "t.npz")
    assert (tmp_path / "t.npz").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_name_without_a_known_end_is_refused(tmp_path):
    with pytest.raises(TraceError) as caught:
        save_trace(TRACE, tmp_path / "t.parquet")
    assert str(caught.value) == (
        f"{tmp_path}/t.parquet: value 't.parquet' ends in none of .csv, .csv.gz, .npz"
    )


def test_the_shipped_recording_is_whole_and_small():
    path = shipped("microreticulum_node_a.npz")
    assert path.stat().st_size < 2_000_000
    trace = load_trace(path)
    assert trace.sha256 == "b13d7a6feed74697c4dea6af09dac7d4b0a56f427f13c21062937bc1421d5456"
    assert (len(trace), trace.block_count, len(trace.sites)) == (900_000, 451_138, 46)
    peak = trace.peak_live()
    assert (peak.bytes, peak.blocks) == (194_740, 2_962)
    assert set(trace.provenance) >= {"program", "compiler", "machine", "workload"}


def test_a_recording_that_is_not_shipped_is_named_with_those_that_are():
    with pytest.raises(TraceError) as caught:
        shipped("../errors.py")
    assert str(caught.value) == (
        "field 'name': value '../errors.py' is no recording of the package; there are "
        "microreticulum_node_a.npz, reticulum_mtu500_transport.csv.gz"
    )
