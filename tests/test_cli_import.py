"""The verb import as a user types it, and the flags of a trace in what other verbs print."""

import contextlib
import json
import signal

import pytest
import recorders

from pyrns_pool import load_trace
from pyrns_pool.cli import main, output

MTRACE = """= Start
@ ./node:(send+0x12)[0x11c0] + 0xa0 0x64
@ ./node:(send+0x12)[0x11c0] + 0xb0 0x64
@ ./node:(send+0x40)[0x11f0] - 0xa0
@ ./node:(send+0x40)[0x11f0] - 0x70
"""


@pytest.fixture
def pyrns_pool(capsys):
    """Return what runs the command in this process and returns its output."""

    def run(*arguments, status=0):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == status
        said = capsys.readouterr()
        assert (said.err if status == 0 else said.out) == ""
        assert status == 0 or said.err.count("\n") == 1
        return said.err or said.out

    return run


def write(tmp_path, text=MTRACE):
    path = tmp_path / "m.txt"
    path.write_text(text)
    return path


def test_import_says_what_was_read_and_what_is_missing(tmp_path, pyrns_pool):
    text = pyrns_pool("import", write(tmp_path), "-o", tmp_path / "t.npz")
    assert text == (
        "m.txt (mtrace): 3 events, 2 requests, 1 site, no time\n"
        "  left out: 1 free of blocks older than the recording\n"
        "  no time: results count events instead\n"
        f"written to {tmp_path}/t.npz\n"
    )
    trace = load_trace(tmp_path / "t.npz")
    assert trace.sites == ("node:send",) and trace.provenance["recorder"] == "glibc mtrace"


def test_import_json_names_the_file_and_the_flags(tmp_path, pyrns_pool):
    said = json.loads(pyrns_pool("import", write(tmp_path), "-o", tmp_path / "t.csv", "--json"))
    assert said["file"] == f"{tmp_path}/t.csv" and said["provenance"]["format"] == "mtrace"
    flags = [said[name] for name in ("has_time", "has_identity", "has_free_times", "has_frees")]
    assert flags == [False, True, True, True] and said["requests"] == 2


def test_import_of_guessed_frees_tells_how_to_accept_the_guess(tmp_path, pyrns_pool):
    path, _ = recorders.recorded("heaptrack")
    text = pyrns_pool("import", path, "-o", tmp_path / "t.npz")
    assert (
        "  frees name no block: no replay, no curve, unless imported with --pairing fifo" in text
    )
    error = pyrns_pool("replay", tmp_path / "t.npz", status=1)
    assert "does not say which block each free means, as a replay needs" in error
    error = pyrns_pool("compare", tmp_path / "t.npz", "--arena", "65536", status=1)
    assert "as a comparison needs" in error
    pyrns_pool("import", path, "-o", tmp_path / "t.npz", "--pairing", "fifo", "--force")
    text = pyrns_pool("replay", tmp_path / "t.npz")
    assert "assumed: each free is of the oldest block of its kind (fifo)" in text
    said = json.loads(pyrns_pool("replay", tmp_path / "t.npz", "--json"))
    assert said["trace"]["pairing"] == "fifo"


def test_a_heap_trace_has_no_replay_but_info(tmp_path, pyrns_pool):
    path = recorders.DATA / "heap_trace.txt"
    text = pyrns_pool("import", path, "-o", tmp_path / "t.csv.gz")
    assert (
        "  no times of frees: sizes, sites and what was never freed; nothing over time\n" in text
    )
    error = pyrns_pool("replay", tmp_path / "t.csv.gz", status=1)
    assert error.endswith("the recording does not say when blocks were freed, as a replay needs\n")
    said = pyrns_pool("info", tmp_path / "t.csv.gz")
    assert "when blocks were freed is not known: the peaks are the most they can be" in said
    timed = pyrns_pool("import", path, "-o", tmp_path / "u.csv", "--cpu-mhz", "240")
    assert "7 events, 5 requests, 3 sites, 69.900 us\n" in timed


def test_every_verb_opens_a_recording_and_counts_events_where_there_is_no_time(
    tmp_path, pyrns_pool
):
    path = write(tmp_path)
    text = pyrns_pool("replay", path, "--tiers", "128x1")
    assert "trace m.txt: 3 events, 2 requests, no time" in text
    assert "1 at event 0" in text and "event 1" in text and " ns" not in text
    text = pyrns_pool("info", path)
    assert "peak live 200 bytes at event 1" in text and "2 events" in text and " ns" not in text


def test_a_profile_is_drawn_with_its_seed(tmp_path, pyrns_pool):
    (tmp_path / "p.csv").write_text("size,alloc_rate,num_live\n64,100,5\n")
    drawn = []
    for seed in (1, 1, 2):
        arguments = ("--seed", seed, "--duration", 2, "--force", "--json")
        said = json.loads(
            pyrns_pool("import", tmp_path / "p.csv", "-o", tmp_path / "t.npz", *arguments)
        )
        drawn.append(said["sha256"])
    assert drawn[0] == drawn[1] != drawn[2]


def test_wrong_use_and_wrong_data_have_their_exit_status(tmp_path, pyrns_pool):
    path = write(tmp_path)
    target = ("-o", tmp_path / "t.npz")
    assert "invalid choice: 'pcap'" in pyrns_pool(
        "import", path, "--format", "pcap", *target, status=2
    )
    assert "-o/--output" in pyrns_pool("import", path, status=2)
    error = pyrns_pool("import", path, "--format", "valgrind", *target, status=1)
    assert error == f"pyrns-pool: {path}: no allocations\n"
    error = pyrns_pool("import", path, "-o", tmp_path / "t.txt", status=2)
    assert "ends in none of .csv, .csv.gz, .npz" in error
    (tmp_path / "t.npz").write_bytes(b"precious")
    assert "--force overwrites it" in pyrns_pool("import", path, *target, status=1)
    assert (tmp_path / "t.npz").read_bytes() == b"precious"


def test_ctrl_c_stops_an_import_and_leaves_no_file(tmp_path, pyrns_pool, monkeypatch):
    path = write(tmp_path, "= Start\n" + "".join(f"+ {n:x} 8\n" for n in range(1, 100_000)))
    seen = []

    @contextlib.contextmanager
    def interrupted(what):
        def report(fraction):
            seen.append(fraction)
            signal.raise_signal(signal.SIGINT)

        yield report

    monkeypatch.setattr(output, "progress", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        error = pyrns_pool("import", path, "-o", tmp_path / "t.csv", status=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert error == "pyrns-pool: interrupted\n" and len(seen) == 1 and 0 < seen[0] < 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.txt"]
