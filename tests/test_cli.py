"""The command line as a user types it, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pyrns_pool as rp

NODE = rp.shipped("microreticulum_node_a.npz")
PACKETS = rp.shipped("reticulum_mtu500_transport.csv.gz")
TRACE = """t_ns,op,id,size,thread,site
0,a,1,100,0,app:first
10,a,2,300,0,app:second
20,a,3,200,1,app:first
30,f,1,,0,
"""
FIGURES = ("occupancy", "hit_rate", "sizes", "raster", "holders", "lifetimes", "episodes")
TABLES = tuple(f"{name}.csv" for name in (*FIGURES, "tiers", "pinned"))


def pyrns_pool(*arguments, cwd=None, status=0):
    """Run the command; return its output once its exit status was checked."""
    done = subprocess.run(
        [sys.executable, "-m", "pyrns_pool", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    if status:
        assert done.stdout == "" and done.stderr.count("\n") == 1, done.stdout + done.stderr
        return done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def small(tmp_path):
    """Return the path of a trace of three requests."""
    path = tmp_path / "small.csv"
    path.write_text(TRACE)
    return path


def test_replay_json_has_the_documented_keys_and_adds_up(small):
    result = json.loads(pyrns_pool("replay", small, "--tiers", "128x1,256x1", "--json"))
    counts = [
        result[name]
        for name in (
            "requests",
            "hits",
            "spills",
            "exhausted",
            "oversize",
            "fallbacks",
            "failures",
        )
    ]
    assert counts == [3, 2, 0, 0, 1, 0, 1]
    assert result["hit_rate"] == pytest.approx(2 / 3)
    names = ("slot_bytes", "slots", "requests", "hits", "spills", "exhausted", "high_water")
    tiers = [[tier[name] for name in names] for tier in result["tiers"]]
    assert tiers == [[128, 1, 1, 1, 0, 0, 1], [256, 1, 1, 1, 0, 0, 1]]


def test_spill_counts_for_the_home_tier_in_the_json(small):
    arguments = ("--tiers", "200x1,512x2", "--policy", "spill", "--json")
    result = json.loads(pyrns_pool("replay", small, *arguments))
    assert [tier["spills"] for tier in result["tiers"]] == [1, 0]
    assert result["hits"] + result["spills"] == result["requests"] == 3


def test_the_recorded_node_is_served_to_one_and_a_half_per_cent_by_the_design_preset():
    result = json.loads(pyrns_pool("replay", NODE, "--preset", "design", "--json"))
    assert (result["requests"], result["hits"]) == (451_138, 6_968)
    assert f"{result['hit_rate']:.1%}" == "1.5%"


def test_replay_prints_tiers_sites_and_verdict(small):
    text = pyrns_pool("replay", small, "--tiers", "128x1,256x1")
    assert "128x1,256x1 strict: 384 bytes of slots" in text
    assert "app:second" in text and "66.6 % of 3 requests served by the pool." in text


def test_a_site_and_a_thread_cut_the_trace_down(small):
    by_site = json.loads(pyrns_pool("replay", small, "--site", "first", "--json"))
    by_thread = json.loads(pyrns_pool("replay", small, "--thread", "1", "--json"))
    assert (by_site["requests"], by_thread["requests"]) == (2, 1)
    assert "nearest: 'app:first'" in pyrns_pool("replay", small, "--site", "frist", status=1)


def test_the_same_command_writes_the_same_bytes_twice(tmp_path):
    for name in ("one", "two"):
        pyrns_pool("replay", NODE, "--site", "RNS::Bytes::*", "-o", tmp_path / name)
        pyrns_pool("plot", tmp_path / name, "--format", "svg")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"result.npz", "summary.json", *TABLES} < set(files)
    assert len(files) == 2 + len(TABLES) + len(FIGURES)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_plot_draws_every_figure_from_the_directory_or_the_file(tmp_path, small):
    pyrns_pool("replay", small, "-o", tmp_path / "out")
    listed = pyrns_pool("plot", tmp_path / "out").splitlines()
    drawn = {f"{figure}.{end}" for figure in FIGURES for end in ("svg", "png")}
    assert {Path(line).name for line in listed} == drawn | set(TABLES)
    again = pyrns_pool(
        "plot",
        tmp_path / "out" / "result.npz",
        "-o",
        tmp_path / "again",
        "--format",
        "png",
        "--json",
    )
    files = json.loads(again)["files"]
    assert len(files) == len(FIGURES) + len(TABLES) and all(
        Path(file).stat().st_size for file in files
    )


@pytest.mark.parametrize(
    "run",
    [
        ("replay", "small.csv"),
        ("compare", "small.csv", "--arena", "4KiB"),
        ("soak", "--hours", "1"),
    ],
)
def test_plot_draws_at_once_what_the_verb_plot_draws(tmp_path, small, run):
    run = [small if word == small.name else word for word in run]
    text = pyrns_pool(*run, "-o", tmp_path / "one", "--plot")
    assert text.endswith(f"\nwritten to {tmp_path / 'one'}, with figures\n")
    pyrns_pool(*run, "-o", tmp_path / "two")
    pyrns_pool("plot", tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    print(f"{run[0]}: {len(files)} files")
    assert len(files) >= 2 + 3 * 3 and files == sorted(os.listdir(tmp_path / "two"))
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_nothing_is_overwritten_without_force(tmp_path, small):
    out = tmp_path / "out"
    pyrns_pool("replay", small, "-o", out)
    pyrns_pool("plot", out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for verb in (["replay", small, "--tiers", "64x1", "-o", out], ["plot", out]):
        assert "--force overwrites it" in pyrns_pool(*verb, status=1)
    assert before == {path: path.read_bytes() for path in out.iterdir()}
    (out / "result.npz").unlink()
    (out / "summary.json").unlink()
    said = pyrns_pool("replay", small, "-o", out, "--plot", status=1)
    assert said == f"pyrns-pool: {out / 'occupancy.svg'} exists; --force overwrites it\n"
    pyrns_pool("replay", small, "--tiers", "64x1", "-o", out, "--force")
    pyrns_pool("plot", out, "--force")
    assert before.keys() == set(out.iterdir())
    assert before != {path: path.read_bytes() for path in out.iterdir()}


def test_info_shows_a_trace_and_a_packet_log(tmp_path, small):
    text = pyrns_pool("info", small)
    assert "3 requests" in text and "app:first" in text
    info = json.loads(pyrns_pool("info", small, "--top", "1", "--json", "-o", tmp_path / "info"))
    assert json.loads((tmp_path / "info" / "info.json").read_text()) == info
    assert info["peak_live"]["bytes"] == 600 and len(info["top_sites"]) == 1
    packets = json.loads(pyrns_pool("info", PACKETS, "--json"))
    assert packets["packets"] == sum(kind["packets"] for kind in packets["kinds"]) == 41_969


def test_the_demo_shows_the_recorded_node_and_draws_it(tmp_path):
    text = pyrns_pool("demo", cwd=tmp_path)
    assert "1.5 % of 451,138 requests served by the pool." in text
    assert {path.stem for path in (tmp_path / "demo").glob("*.png")} == set(FIGURES)
    assert "exists" in pyrns_pool("demo", cwd=tmp_path, status=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "VERB"),
        (["replay"], "TRACE"),
        (["fly"], "'fly'"),
        (["replay", "x", "--tiers", "16"], "'16' is not like 256x16"),
        (["replay", "x", "--tiers", "512x1,256x1"], "must ascend"),
        (["replay", "x", "--preset", "none"], "design, prism, fork, pyxis"),
        (["replay", "x", "--policy", "lax"], "'lax'"),
        (["replay", NODE, "--bins", "0"], "1 to 1000000"),
        (["replay", "x", "--tiers", "64x1", "--preset", "fork"], "not allowed with"),
        (["replay", "x", "--pre", "fork"], "--pre"),
        (["replay", NODE, "--plot"], "plot: needs -o DIR"),
        (["compare", "packet-node", "--arena", "4KiB", "--plot"], "plot: needs -o DIR"),
        (["node", PACKETS, "--plot"], "plot: needs -o DIR"),
        (["soak", "--hours", "1", "--plot"], "plot: needs -o DIR"),
        (["plot", "x", "--format", "bmp"], "'bmp' is not one of svg, png"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, says):
    assert says in pyrns_pool(*arguments, status=2)


def test_bad_data_is_one_line_and_status_1(tmp_path):
    broken = tmp_path / "broken.csv"
    broken.write_text(TRACE.replace("300", "3o0"))
    assert "broken.csv:3" in pyrns_pool("replay", broken, status=1)
    assert "3o0" in pyrns_pool("info", broken, status=1)
    assert "no such file" in pyrns_pool("replay", tmp_path / "absent", status=1)
    assert "is a directory" in pyrns_pool("info", tmp_path, status=1)
    assert "packet log" in pyrns_pool("replay", PACKETS, status=1)
    assert "not a result" in pyrns_pool("plot", broken, status=1)
    assert "no such file" in pyrns_pool("plot", tmp_path, status=1)


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, small):
    (tmp_path / "file").write_text("")
    assert "file" in pyrns_pool("replay", small, "-o", tmp_path / "file", status=1)


def test_a_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} -m pyrns_pool info {NODE} --json --top 50 | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_ends_with_130_and_leaves_no_file_behind(tmp_path):
    out = tmp_path / "out"
    # A million bins take a while to write. On a busy machine another process might look too late.
    program = f"""
import os, pathlib, signal, sys, threading, time
from pyrns_pool.cli import main
def interrupt():
    while not pathlib.Path({str(out)!r}).exists():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
sys.exit(main(["replay", {str(NODE)!r}, "--bins", "1000000", "-o", {str(out)!r}]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (130, "pyrns-pool: interrupted\n")
    assert list(out.iterdir()) == []


INTERRUPTED = """
import sys, pyrns_pool.cli as cli

class Kept:
    def __del__(self):
        print("went through")

class Wraps:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt  # Python before 3.12 says RuntimeError of it.

def interrupt(given):
    kept = Kept()
    kept.itself = kept
    if {wrapped}:
        type("Figure", (), {{"wraps": Wraps()}})
    raise KeyboardInterrupt

cli.info.run = interrupt
sys.exit(cli.main(["info", "trace"]))
"""


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_interrupted_verb_leaves_at_once_also_where_the_interrupt_comes_wrapped(wrapped):
    command = [sys.executable, "-c", INTERRUPTED.format(wrapped=wrapped)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "pyrns-pool: interrupted\n")


DROPPED = """
import os, signal, sys, time, weakref
import pyrns_pool.cli as cli
signal.signal(signal.SIGINT, signal.default_int_handler)
drops = []

class Kept:
    def __del__(self):
        drop(self)

def drop(_):
    drops.append(1)
    if len(drops) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)

def interrupt(given):
    for _ in range(3):
        kept = {kept}
        del kept
    time.sleep(10)

cli.info.run = interrupt
status = cli.main(["info", "trace"])
print(len(drops))
sys.exit(status)
"""


@pytest.mark.parametrize("kept", ["Kept()", "{1}; reference = weakref.ref(kept, drop)"])
def test_an_interrupt_that_python_drops_comes_again_until_it_is_heard(kept):
    command = [sys.executable, "-c", DROPPED.format(kept=kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (130, "pyrns-pool: interrupted\n")
    assert done.stdout == "3\n"


def test_help_loads_neither_matplotlib_nor_rich():
    program = (
        "import sys, pyrns_pool.cli\n"
        "pyrns_pool.cli.main(['--help'])\n"
        "print(sorted({'matplotlib', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")
