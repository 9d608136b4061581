"""Recordings that the real tools write here say what the program itself says it did."""

import gzip
import shutil
import subprocess

import numpy as np
import pytest
import recorders

from pyrns_pool import ImportOptions, PoolConfig, load_trace, replay, save_trace
from pyrns_pool.errors import TraceError
from pyrns_pool.formats import SUFFIXES
from pyrns_pool.trace import OP_FREE

TOOLS = ("mtrace", "valgrind", "heaptrack raw", "heaptrack")
FIFO = ImportOptions(pairing="fifo")


def own_events(trace):
    """Return the events of the program's own blocks, of none of its libraries'."""
    own = trace if trace.sites == ("",) else trace.filter(site=f"{recorders.PROGRAM}:*")
    return own.events


def triples(events):
    """Return (is free, id, size) of each event."""
    return [(op == OP_FREE, int(id_), int(size)) for op, id_, size in events[["op", "id", "size"]]]


@pytest.mark.parametrize("tool", ["mtrace", "valgrind", "heaptrack raw"])
def test_a_recording_holds_every_event_of_the_program_and_no_other(tool):
    path, truth = recorders.recorded(tool)
    trace = load_trace(path)
    events = trace.events if tool == "mtrace" else own_events(trace)
    print(f"{tool}: {len(events)} events")
    assert triples(events) == truth and len(truth) > 2000
    assert trace.provenance["format"] == tool
    assert (trace.has_identity, trace.has_free_times) == (True, True)
    assert trace.has_time == (tool == "heaptrack raw")


def test_an_interpreted_recording_has_the_live_bytes_but_guesses_the_blocks():
    path, truth = recorders.recorded("heaptrack")
    trace = load_trace(path).filter(site=f"{recorders.PROGRAM}:*")
    sizes = {}
    live = []
    for is_free, address, size in truth:
        sizes[address] = 0 if is_free else size
        live.append(sum(sizes.values()))
    assert trace.live_curve()[0].tolist() == live
    assert (trace.has_identity, trace.has_time) == (False, True)


def test_sites_are_functions_where_the_recording_has_them():
    path, truth = recorders.recorded("heaptrack")
    trace = load_trace(path).filter(site=f"{recorders.PROGRAM}:*")
    counts = {row.site: row.allocations for row in trace.top_sites()}
    names = {f"{recorders.PROGRAM}:{name}" for name in ("make_small", "make_aligned", "grow")}
    assert names < set(counts) and len(counts) == 4
    assert sum(counts.values()) == sum(not is_free for is_free, _, _ in truth)
    raw = load_trace(recorders.recorded("heaptrack raw")[0])
    assert len(raw.filter(site=f"{recorders.PROGRAM}:0x*").top_sites()) == 4
    called = load_trace(recorders.recorded("mtrace")[0])
    assert {row.site[: len("with_mtrace:0x")] for row in called.top_sites()} == {"with_mtrace:0x"}


INTERPRET = "/usr/lib/heaptrack/libexec/heaptrack_interpret"


def test_a_raw_recording_gets_functions_from_its_interpreted_form(tmp_path):
    path, truth = recorders.recorded("heaptrack raw")
    text = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    done = subprocess.run([INTERPRET], input=text, capture_output=True, check=True)
    (tmp_path / "names").write_bytes(done.stdout)
    options = ImportOptions(symbols=str(tmp_path / "names"))
    trace = load_trace(path, options=options).filter(site=f"{recorders.PROGRAM}:*")
    assert triples(trace.events) == truth and trace.has_identity
    assert f"{recorders.PROGRAM}:make_small" in {row.site for row in trace.top_sites()}
    other = recorders.recorded("heaptrack", 1)[0]
    with pytest.raises(TraceError) as caught:
        load_trace(path, options=ImportOptions(symbols=str(other)))
    assert str(caught.value) == f"{other}: is not heaptrack_interpret's form of this recording"


def test_a_replay_of_guessed_frees_is_refused_until_the_guess_is_accepted():
    path, _ = recorders.recorded("heaptrack")
    pool = PoolConfig.parse("128x8,256x8")
    with pytest.raises(TraceError) as caught:
        replay(load_trace(path), pool)
    assert str(caught.value) == (
        f"{path.name}: the recording does not say which block each free means, as a replay needs: "
        "record with 'heaptrack --raw', or import it with --pairing fifo to take the oldest each "
        "time"
    )
    result = replay(load_trace(path, options=FIFO), pool)
    assert result.trace.pairing == "fifo" and result.stats.requests > 1000
    assert replay(load_trace(recorders.recorded("mtrace")[0]), pool).trace.pairing == ""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("tool", TOOLS)
def test_an_imported_recording_comes_back_from_the_own_forms(tmp_path, tool, suffix):
    trace = load_trace(recorders.recorded(tool)[0], options=FIFO)
    save_trace(trace, tmp_path / f"t{suffix}")
    again = load_trace(tmp_path / f"t{suffix}")
    assert again == trace and again.pairing == trace.pairing == ("fifo" * (tool == "heaptrack"))
    for flag in ("has_time", "has_identity", "has_free_times"):
        assert getattr(again, flag) == getattr(trace, flag)


def test_text_is_read_plain_packed_by_gzip_or_by_zstd(tmp_path, monkeypatch):
    path, _ = recorders.recorded("heaptrack raw")
    expected = load_trace(path)
    text = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    (tmp_path / "plain").write_bytes(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text))
    assert load_trace(tmp_path / "plain") == expected
    assert load_trace(tmp_path / "packed.gz") == expected
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)  # Now the program does it.
    seen = []
    assert load_trace(path, seen.append) == expected and seen[-1] == 1.0
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImportError, match="python3-zstandard"):
        load_trace(path)


@pytest.mark.parametrize("without_package", [False, True])
def test_damaged_zstd_is_refused_in_one_line(tmp_path, monkeypatch, without_package):
    if without_package:
        monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    data = recorders.recorded("heaptrack raw")[0].read_bytes()
    broken = {
        "cut": (data[:-9], "cut off"),
        "cut_in_header": (data[:3], ""),
        "behind": (data + b"junk", ""),
        "bits": (data[:200] + bytes(40) + data[240:], "damaged"),
    }
    for name, (content, word) in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TraceError) as caught:
            load_trace(tmp_path / name)
        text = str(caught.value)
        assert text.startswith(f"{tmp_path / name}: zstd data are ") and word in text, text
        assert text.isprintable()


def test_a_recording_that_began_late_loses_the_frees_of_older_blocks_and_says_so(tmp_path):
    path, truth = recorders.recorded("mtrace")
    lines = path.read_text().splitlines(keepends=True)
    late = tmp_path / "late.txt"
    begin = next(at for at in range(500, len(lines)) if " > " not in lines[at])
    late.write_text("".join(["= Start\n", *lines[begin:]]))
    trace = load_trace(late)
    kept = truth[begin - 1 :]
    known, expected, older = set(), [], 0
    for is_free, address, size in kept:
        if is_free and address not in known:
            older += 1
            continue
        known.add(address)
        expected.append((is_free, address, size))
    assert older > 5 and trace.provenance["frees_of_older_blocks"] == str(older)
    assert triples(trace.events) == expected
    assert np.array_equal(trace.events["t_ns"], np.arange(len(trace)))


def test_the_tools_are_there():
    assert all(shutil.which(tool) for tool in ("heaptrack", "valgrind", "zstd"))
