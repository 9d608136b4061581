"""The verb sweep as a user types it, interrupted and killed as well."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sweep_fixture import journal_lines, short_log, small_trace
from test_cli import pyrns_pool

import pyrns_pool as rp

SWEEP = """
[[trace]]
path = "node.npz"
[[node]]
path = "log.csv"
seed = [1, 2]
[[pool]]
tiers = [{slot_bytes = 64, slots = [4, 16]}, {slot_bytes = 512, slots = {from = 2, to = 6}}]
policy = ["strict", "spill"]
[[pool]]
preset = ["design", "pyxis"]
"""
# In the background of a shell Ctrl-C is ignored, and what that shell starts would ignore it too.
PROGRAM = """
import signal, sys
from pyrns_pool.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def file(tmp_path):
    """Return the path of a sweep of three inputs over 22 pools."""
    small_trace(tmp_path / "node.npz")
    short_log(tmp_path / "log.csv", 500)
    path = tmp_path / "s.toml"
    path.write_text(SWEEP)
    return path


def test_the_json_is_a_row_for_each_run_and_the_files_hold_the_same(file, tmp_path):
    out = tmp_path / "out"
    rows = json.loads(pyrns_pool("sweep", file, "--json", "-o", out))
    plan = rp.load_sweep(file)
    result = rp.sweep(plan.configs, plan.inputs)
    assert rows == result.to_list() == json.loads((out / "summary.json").read_text())
    assert len(rows) == 3 * 22
    with open(out / "table.csv", newline="") as table:
        assert [list(row.values()) for row in csv.DictReader(table)] == [
            [str(value) for value in row.values()] for row in rows
        ]
    assert rp.load_result(out).table.tolist() == result.table.tolist()
    assert len(journal_lines(out / "journal.jsonl")) == 66
    files = {"result.npz", "summary.json", "table.csv", "journal.jsonl"}
    assert {path.name for path in out.iterdir()} == files
    assert "pools.png" in pyrns_pool("plot", out)


def test_the_text_says_what_is_exact_and_which_pools_are_best(file, tmp_path):
    out = tmp_path / "out"
    text = pyrns_pool("sweep", file, "--jobs", "1", "-o", out)
    assert "3 inputs over 22 pools: 66 runs\n" in text
    assert text.count("in closed loop: simulated") == 2 and text.count("replayed: exact") == 1
    result = rp.load_result(out)
    best = result.pools[result.pools["is_best"]]
    print(f"{len(best)} best pools")
    assert len(best) > 3 and all(str(result.configs[i]) in text for i in best["config"])
    assert "exists" in pyrns_pool("sweep", file, "-o", out, status=1)
    again = pyrns_pool("sweep", file, "-o", out, "--force")
    assert "66 runs, 66 of them from the journal" in again


def started(*arguments):
    """Start the command."""
    command = [sys.executable, "-c", PROGRAM, "sweep", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes)


def stop_when_longer(process, journal, runs, how):
    """Send a signal once the journal holds more than so many runs; return how many it kept."""
    while not (journal.exists() and journal.read_bytes().count(b"\n") > runs + 1):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(how)
    words = process.communicate()
    return journal.read_bytes().count(b"\n") - 1, words


def test_interrupted_and_killed_and_gone_on_with_it_is_the_table_of_an_undisturbed_run(tmp_path):
    small_trace(tmp_path / "node.csv", 50_000)
    path, through, part = (tmp_path / name for name in ("s.toml", "through", "part"))
    path.write_text(
        "[[trace]]\npath = 'node.csv'\n[[pool]]\n"
        "tiers = [{slot_bytes = 64, slots = {from = 1, to = 1200}}]\n"
    )
    pyrns_pool("sweep", path, "-o", through)
    journal = part / "journal.jsonl"
    with started(path, "-o", part) as process:
        first, words = stop_when_longer(process, journal, 0, signal.SIGINT)
    says = f"interrupted; {journal} keeps what is done, and the same command goes on"
    assert (process.returncode, *words) == (130, "", f"pyrns-pool: {says}\n")
    assert [file.name for file in part.iterdir()] == ["journal.jsonl"]
    with started(path, "-o", part) as process:
        second, _ = stop_when_longer(process, journal, first, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    os.truncate(journal, journal.stat().st_size - 7)  # As if it had been writing.
    print(f"{first} runs before Ctrl-C, {second} before it was killed, of 1,200")
    assert 0 < first < second < 1200
    text = pyrns_pool("sweep", path, "-o", part)
    assert f"1,200 runs, {second - 1:,} of them from the journal" in text
    for name in ("result.npz", "table.csv", "summary.json"):
        assert (part / name).read_bytes() == (through / name).read_bytes()
    lines = journal_lines(journal)
    assert len(lines) == len({key for key, _ in lines}) == 1200


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["none.toml"], 1, "none.toml: cannot be read"),
        (["s.toml", "--jobs", "0"], 2, "'0' is not a whole number from 1 to 1024"),
        (["s.toml", "--jobs", "2", "--dask", "tcp://h:1"], 2, "not allowed with"),
        (["s.toml", "--dask", "h:1"], 2, "dask: 'h:1' is not like tcp://127.0.0.1:8786"),
        (["wrong.toml"], 1, "wrong.toml: pool[0].policy: 'lax' is not one of strict, spill"),
        (["gone.toml"], 1, "gone.npz: cannot be read by this worker"),
    ],
)
def test_wrong_use_and_bad_data_are_one_line(file, arguments, status, says):
    folder = file.parent
    trace = "[[trace]]\npath = '{}.npz'\n[[pool]]\npreset = 'design'\n"
    (folder / "wrong.toml").write_text(trace.format("node") + "policy = 'lax'\n")
    (folder / "gone.toml").write_text(trace.format("gone"))
    assert says in pyrns_pool("sweep", *arguments, cwd=folder, status=status)


def test_without_distributed_one_line_says_what_to_install(file):
    program = (
        "import sys\n"
        "sys.modules['distributed'] = None\n"
        "from pyrns_pool.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", program, "sweep", str(file), "--dask", "tcp://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pyrns-pool: --dask needs distributed: install python3-dist")
