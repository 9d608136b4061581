"""The preloaded recorder: what programs do is in their traces, all of it and in order."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from record_fixture import by_valgrind, program, recorded, sequence

import pyrns_pool as rp
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.record import run_recorded

record_module = sys.modules["pyrns_pool.record"]  # rp.record is the function in it.
THREADS = program("record_threads.cc")
ENDS = program("record_ends.c")
SQL = """
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000)
insert into t select x, hex(x) || x from c;
select a % 7, count(*), length(group_concat(b)) from t group by 1;
"""
JQ = "[range(500) | {a: ., b: tostring}] | group_by(.a % 7) | map(length)"


def sizes_from(trace, least, most):
    """Return the sizes of a trace's allocations that are in a range, in order."""
    return [size for size in sequence(trace) if size is not None and least <= size <= most]


# ---- What is recorded ----


@pytest.mark.parametrize(
    "command",
    [
        ["sqlite3", "-init", os.devnull, ":memory:", SQL],
        ["jq", "-n", JQ],
        [program("record_new.cc"), "nothing fails"],
    ],
    ids=["sqlite3", "jq", "C++"],
)
def test_every_event_is_one_that_valgrind_sees_and_the_other_way_round(command, monkeypatch):
    for name in set(os.environ) - {"PATH", "HOME"}:
        monkeypatch.delenv(name)
    expected = by_valgrind(*command)
    trace = recorded(*command).trace
    print(f"{len(expected)} events")
    assert len(expected) > 20
    assert sequence(trace) == expected


def test_every_function_of_the_malloc_family_is_recorded_with_its_size_and_its_free():
    process = recorded(program("record_family.c"))
    wanted = [1001, 1010, 1003, 1004, 1005, 1006, 1070, 1088, 1009, 1010, 1011, 1012, 13]
    wanted += [1013, 1014]
    trace = process.trace
    main = [site.endswith(":main") for site in trace.sites]
    rows = [row for row in trace.alloc_rows if main[trace.events["site"][row]]]
    sizes = [int(trace.events["size"][row]) for row in rows]
    assert sizes == [size for size in wanted if size != 13] or sizes == wanted
    assert 13 in sizes_from(trace, 13, 13)  # of strdup, inside the C library
    freed = set(trace.blocks[trace.events["op"] == rp.trace.OP_FREE].tolist())
    assert {int(trace.blocks[row]) for row in rows} <= freed


def test_a_realloc_that_fails_is_no_event():
    process = recorded(program("record_family.c"))
    assert process.void == 1  # reallocarray() overflows before it asks
    assert sizes_from(process.trace, 1013, 1013) == [1013]


@pytest.mark.parametrize("options, depth", [((), 1), (("-static-libstdc++",), 4)])
def test_the_site_of_operator_new_is_its_caller(options, depth):
    path = program("record_new.cc", *options)
    trace = recorded(path, depth=depth).trace
    sites = [trace.sites[trace.events["site"][row]] for row in trace.alloc_rows]
    callers = [site.split(" <- ")[0] for site in sites]
    module = os.path.basename(path)
    found = dict(zip(callers, trace.block_sizes.tolist()))
    wanted = {"one": 1, "array": 2002, "one_nothrow": 2003, "array_nothrow": 2004}
    wanted.update({"one_aligned": 64, "array_aligned": 128, "one_both": 192, "array_both": 256})
    wanted.update({"plain": 2009, "Box<>::fill": 2004})
    for name, size in wanted.items():
        assert found[f"{module}:made::{name}"] == size, callers
    assert f"{module}:made::fails" not in callers  # Its exception is the C++ library's block.


def test_operator_new_of_a_library_that_was_loaded_for_itself_alone_works(tmp_path):
    source = tmp_path / "made.cc"
    source.write_text('extern "C" void made() { delete[] new char[7777]; }\n')
    library = tmp_path / "made.so"
    subprocess.run(["g++", "-O0", "-shared", "-fPIC", source, "-o", library], check=True)
    script = f"import ctypes; ctypes.CDLL({str(library)!r}).made()"
    trace = recorded("/usr/bin/python3", "-I", "-S", "-c", script).trace
    (row,) = [row for row in trace.alloc_rows if trace.events["size"][row] == 7777]
    assert trace.sites[trace.events["site"][row]] == "made.so:made"


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_site_has_as_many_callers_as_was_asked_for_the_inner_one_first(depth):
    trace = recorded(program("record_depth.c"), depth=depth).trace
    (row,) = [row for row in trace.alloc_rows if trace.events["size"][row] == 5002]
    site = trace.sites[trace.events["site"][row]]
    frames = [f"record_depth:{name}" for name in ("leaf", "middle", "outer", "main")]
    assert site == " <- ".join(frames[:depth])


# ---- Threads, processes, ends ----


def test_threads_that_free_the_blocks_of_others_leave_a_trace_without_a_gap():
    threads, rounds = 8, 4000
    process = recorded(THREADS, threads, rounds, 0)
    trace = process.trace
    passed = [size for size in sizes_from(trace, 16, 215)]
    print(f"{process.events} events of {process.threads} threads, {len(passed)} small blocks")
    site = next(n for n, name in enumerate(trace.sites) if name.endswith(":pass_on"))
    assert np_count(trace, site) == threads * rounds
    assert process.threads == threads + 1
    freed_elsewhere = 0
    owner = trace.events["thread"][trace.alloc_rows]
    is_free = trace.events["op"] == rp.trace.OP_FREE
    freed_elsewhere = int((owner[trace.blocks[is_free]] != trace.events["thread"][is_free]).sum())
    print(f"{freed_elsewhere} blocks freed by another thread")
    assert freed_elsewhere > 0


def test_a_block_that_another_thread_gets_at_the_worst_moment_keeps_its_identity(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", program("record_slow.c", "-shared", "-fPIC"))
    tunables = "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"
    monkeypatch.setenv("GLIBC_TUNABLES", tunables)  # Then any thread gets any block.
    process = recorded(THREADS, 4, 1500, 0)
    trace = process.trace
    site = next(n for n, name in enumerate(trace.sites) if name.endswith(":pass_on"))
    assert np_count(trace, site) == 4 * 1500


def np_count(trace, site):
    """Return the number of allocations of a site."""
    return int(trace.site_requests[site])


def test_threads_that_come_and_go_reuse_the_pieces_of_the_file(tmp_path):
    status, (path,) = run_recorded([THREADS, "0", "0", "400"], tmp_path)
    process = record_module.read_process(path)
    assert status == 0 and process.is_complete
    assert process.threads == 401
    assert sizes_from(process.trace, 4, 5) == [4, 5] * 400
    small = process.trace.block_sizes <= 5
    freed = process.trace.blocks[process.trace.events["op"] == rp.trace.OP_FREE]
    assert int(small[freed].sum()) == 800
    assert path.stat().st_size <= 4096 + 6 * 65536


def test_a_program_that_closes_all_descriptors_is_recorded_to_its_end():
    process = recorded(THREADS, 2, 40000, 0, "close")
    assert process.raw_bytes > 4 * 65536
    assert len(sizes_from(process.trace, 16, 215)) >= 80000


@pytest.mark.parametrize("how, status", [("_exit", 5), ("kill", 128 + signal.SIGKILL), ("", 0)])
def test_what_was_recorded_is_there_however_the_program_ends(how, status):
    got, (process,) = rp.record([ENDS, how])
    assert got == status
    assert process.is_complete
    assert sizes_from(process.trace, 3001, 3001) == [3001]


def test_a_child_of_fork_has_a_file_and_events_of_its_own():
    status, (parent, *children) = rp.record([ENDS, "fork"])
    assert status == 0 and len(children) == 3
    for number, child in enumerate(children):
        assert child.is_complete and child.parent_pid == parent.pid
        assert sequence(child.trace) == [4000 + number]


def test_children_that_are_forked_while_a_thread_allocates_are_recorded():
    status, (parent, *children) = rp.record([ENDS, "threads"])
    assert status == 0 and len(children) == 20
    assert sorted(sizes_from(child.trace, 4000, 4100)[0] for child in children) == [
        *range(4000, 4020)
    ]
    assert all(child.is_complete for child in children)
    assert parent.lost <= 1  # The other thread may have been in the middle of an event at the end.


def test_the_images_before_and_after_exec_are_two_recordings_of_one_process():
    status, (before, after) = rp.record([ENDS, "exec"])
    assert status == 5
    assert before.pid == after.pid
    assert before.is_complete and after.is_complete
    assert before.command.endswith(" exec") and after.command.endswith(" _exit")


@pytest.mark.parametrize(
    "command",
    [
        ["git", "log", "--oneline", "-3"],
        ["/usr/bin/python3", "-c", "import threading, json; json.dumps(list(range(1000)))"],
    ],
    ids=["git", "python3"],
)
def test_programs_of_debian_leave_complete_traces(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, "commit", "-qm", "x", "--allow-empty"], check=True)
    status, processes = rp.record(command)
    print([(process.program, process.events) for process in processes])
    assert status == 0 and processes[0].events > 100
    assert all(process.is_complete for process in processes)


# ---- Loss ----


def test_what_finds_no_room_is_counted_and_the_rest_is_a_trace(tmp_path):
    limit = 4096 + 2 * 65536
    script = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
    script += "os.execv(sys.argv[1], sys.argv[1:])"
    status, processes = rp.record(
        ["/usr/bin/python3", "-I", "-c", script.format(limit), ENDS, "many"]
    )
    process = processes[-1]
    assert status == 0 and not process.is_complete
    assert os.strerror(process.error) == "File too large"
    print(f"{process.events} of {process.numbered} events, {process.lost} lost")
    assert process.events + process.lost + process.void == process.numbered
    assert process.numbered >= 200000 and process.lost > 100000
    assert process.trace.provenance["lost"] == str(process.lost)


def test_without_room_for_any_file_the_program_runs_all_the_same(tmp_path):
    def run(folder):
        environment = {**os.environ, "RNS_RECORD_DIR": str(folder), "RNS_RECORD_DEPTH": "1"}
        with record_module._preloadable() as library:
            environment["LD_PRELOAD"] = str(library)
            return subprocess.run([ENDS, "many"], env=environment).returncode

    assert run(tmp_path / "missing") == 0
    assert list(tmp_path.iterdir()) == []
    assert run(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 1


# ---- Use ----


@pytest.mark.parametrize("depth", [0, 65, True, 1.0])
def test_a_depth_out_of_range_is_refused(depth):
    with pytest.raises(ConfigError, match="depth: .* is not in 1 to 64"):
        rp.record(["true"], depth=depth)


def test_no_command_is_refused():
    with pytest.raises(ConfigError, match="command: is needed"):
        rp.record([])


def test_a_command_that_is_not_there_is_an_error_of_the_system():
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        rp.record(["no-such-program"])


def test_a_static_program_leaves_no_recording_and_the_error_says_so():
    with pytest.raises(TraceError, match="left no recording: it is linked statically"):
        rp.record([program("record_depth.c", "-static")])


def test_a_package_in_a_folder_with_a_space_still_preloads(tmp_path, monkeypatch):
    folder = tmp_path / "a folder: here"
    folder.mkdir()
    with record_module._preloadable() as library:
        shutil.copy(library, folder / library.name)
    monkeypatch.setattr(record_module.resources, "files", lambda name: folder)
    assert sizes_from(recorded(ENDS).trace, 3001, 3001) == [3001]


def cli(*arguments, **options):
    """Run the command line; return what it did."""
    command = [sys.executable, "-m", "pyrns_pool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_the_verb_writes_a_trace_for_each_process_and_passes_the_status_on(tmp_path):
    done = cli("record", "-o", tmp_path / "a.csv.gz", "--", "sh", "-c", f"{ENDS} kill; exit 9")
    assert done.returncode == 9
    assert done.stdout == ""
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[:2] == ["a.2.csv.gz", "a.csv.gz"] and set(names) <= {*names[:2], "a.3.csv.gz"}
    table = done.stderr.splitlines()[-len(names) - 1 :]
    assert table[0].split()[:4] == ["trace", "program", "pid", "events"]
    traces = [rp.load_trace(tmp_path / name) for name in names]
    (of_program,) = [t for t in traces if t.provenance["program"] == os.path.realpath(ENDS)]
    assert sizes_from(of_program, 3001, 3001) == [3001]


def test_the_json_is_one_value_whatever_the_command_prints(tmp_path):
    command = ["sqlite3", "-init", os.devnull, ":memory:", "select 42"]
    done = cli("record", "--json", "-o", tmp_path / "a.npz", "--", *command)
    value = json.loads(done.stdout)
    assert "42" in done.stderr.split()
    assert value["status"] == done.returncode == 0
    (process,) = value["processes"]
    assert process["lost"] == 0 and process["error"] is None
    assert process["events"] == len(rp.load_trace(process["file"]))


def test_an_existing_file_is_not_overwritten_and_the_command_not_run(tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("mine")
    done = cli("record", "-o", path, "--", "touch", tmp_path / "ran")
    assert (done.returncode, done.stderr) == (
        1,
        f"pyrns-pool: {path} exists; --force overwrites it\n",
    )
    assert [path.read_text(), *tmp_path.iterdir()] == ["mine", path]
    assert cli("record", "--force", "-o", path, "--", ENDS).returncode == 0
    assert sizes_from(rp.load_trace(path), 3001, 3001) == [3001]


def test_a_file_with_the_name_of_a_childs_trace_stops_the_command_as_well(tmp_path):
    (tmp_path / "a.2.npz").write_text("mine")
    done = cli("record", "-o", tmp_path / "a.npz", "--", "touch", tmp_path / "ran")
    assert (done.returncode, [*tmp_path.iterdir()]) == (1, [tmp_path / "a.2.npz"])


def test_a_loss_is_told_with_its_reason(tmp_path):
    script = f"ulimit -f 136; exec {ENDS} many"  # In units of 512 bytes.
    done = cli("record", "-o", tmp_path / "a.npz", "--", "sh", "-c", script)
    assert done.returncode == 0
    assert re.search(r"a.*.npz: [0-9,]+ events are lost \(File too large\)$", done.stderr, re.M)


def test_a_name_without_a_known_end_is_wrong_use(tmp_path):
    done = cli("record", "-o", tmp_path / "a.txt", "--", "true")
    assert done.returncode == 2
    assert "'a.txt' ends in none of .csv, .csv.gz, .npz" in done.stderr


def test_arguments_behind_the_dashes_belong_to_the_command(tmp_path):
    done = cli("record", "-o", tmp_path / "a.npz", "--", "echo", "--json", "--", "-o", "x")
    assert done.stdout == "--json -- -o x\n"


def test_ctrl_c_is_for_the_command_and_the_trace_is_written(tmp_path):
    path = tmp_path / "a.npz"
    process = subprocess.Popen(
        [sys.executable, "-m", "pyrns_pool", "record", "-o", path, "--", ENDS, "interrupt"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # Shells ignore it in &.
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 7, error
    assert sizes_from(rp.load_trace(path), 3001, 3001) == [3001]


def test_a_signal_that_is_ignored_stays_so_for_the_command(tmp_path):
    script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    command = ["record", "-o", tmp_path / "a.npz", "--", "/usr/bin/python3", "-I", "-c", script]
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    assert cli(*command, **ignore).stdout == "True\n"


def test_a_signal_to_the_recording_process_ends_the_command(tmp_path):
    path = tmp_path / "a.npz"
    process = subprocess.Popen(
        [sys.executable, "-m", "pyrns_pool", "record", "-o", path, "--", ENDS, "interrupt"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    print(f"{time.monotonic() - begin:.1f} s")
    assert process.returncode == 128 + signal.SIGTERM
    assert sizes_from(rp.load_trace(path), 3001, 3001) == [3001]
