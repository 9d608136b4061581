"""Ctrl-C at a random moment of a verb: how soon it ends, how, and what it leaves behind."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pyrns_pool as rp
from pyrns_pool.any_result import load_result

NODE = rp.shipped("microreticulum_node_a.npz")
PACKETS = rp.shipped("reticulum_mtu500_transport.csv.gz")
SWEEP = f"""
[[trace]]
path = "{NODE}"

[[pool]]
tiers = [{{slot_bytes = 64, slots = {{from = 1, to = 60}}}}]
"""
# From its start on, so that what is interrupted is the verb and not the loading of Python.
DRIVER = """
import signal, sys
from pyrns_pool.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.stderr.write("begun\\n")
sys.stderr.flush()
sys.exit(main(sys.argv[1:]))
"""
VERBS = {
    "import": f"{NODE} -o out/t.csv",
    "info": f"{NODE} -o out",
    "replay": f"{NODE} -o out",
    "node": f"{PACKETS} -o out",
    "compare": f"{NODE} --site *Bytes* --arena 64KiB -o out",
    "curve": f"{NODE} -o out",
    "tune": f"{NODE} --site *Bytes* --budget 32KiB -o out",
    "sweep": "sweep.toml -o out",
    "audit": f"{NODE} -o out/audit.json",
    "report": f"{NODE} -o out/report.html",
    "plot": "result.npz -o out",
    "export": f"{NODE} --preset design --to header -o out/h.h",
    "check": f"{NODE} --preset design --max-failures 1000000",
    "demo": "-o out",
}
ENDLESS = {
    "record": "-o out/t.npz -- sleep 60",
    "live": "--workload node --period 0.05 --log out/log.csv",
    "serve": "--workload node --port 0",
    "soak": "--hours 10000 -o out",
}
"""They go on until they are interrupted, and keep what was done so far: it is whole."""
ENDLESS_S = 1.0
FINISHES = ("record",)
"""They have something to finish first: to read and to write what the command left."""
HANGS_S = 60


class Whole(NamedTuple):
    """A verb that nobody interrupted."""

    seconds: float
    files: dict
    """Digests by name."""


class Ending(NamedTuple):
    """What came of one Ctrl-C."""

    status: int
    seconds: float
    """From the signal to the end of the process."""
    waited_s: float
    """How much of it the process waited for a processor: the other work of the machine."""
    in_time: bool
    """Whether the verb was still at work."""
    said: str
    left: list
    """Files that are not whole, and processes."""
    is_complete: bool
    """Whether all files are there that the verb writes."""


def words(verb):
    force = [] if verb in ("record", "live", "serve") else ["--force"]
    return [verb, *force, *(VERBS.get(verb) or ENDLESS[verb]).split()]


@lru_cache(maxsize=None)
def result_bytes():
    """Return a file for `plot`."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "result.npz")
        rp.replay(rp.load_trace(NODE), rp.PoolConfig.preset("design")).save(path)
        return path.read_bytes()


def begin(verb, folder, fault=""):
    """Start a verb in an empty folder; return the process and what holds its stderr."""
    for name in ("tmp", "out"):
        (folder / name).mkdir()
    (folder / "sweep.toml").write_text(SWEEP)
    (folder / "result.npz").write_bytes(result_bytes())
    said = folder / "stderr"
    with open(said, "w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", fault + DRIVER, *words(verb)],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder / "tmp"), "MPLBACKEND": "Agg"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    start = time.monotonic()
    while not said.read_text().startswith("begun\n"):
        assert process.poll() is None and time.monotonic() - start < HANGS_S, said.read_text()
        time.sleep(0.001)
    return process, said


@lru_cache(maxsize=None)
def whole(verb):
    """Run a verb to its end, which has to be a good one."""
    if verb in ENDLESS:
        return Whole(ENDLESS_S, {})
    with TemporaryDirectory() as name:
        process, said = begin(verb, Path(name))
        start = time.monotonic()
        status = process.wait(timeout=HANGS_S)
        assert status == 0, f"{verb} ended with {status}: {said.read_text()}"
        return Whole(time.monotonic() - start, digests(Path(name)))


def digests(folder):
    """Return the digest of each file that a verb wrote."""
    paths = [path for part in ("tmp", "out") for path in (folder / part).rglob("*")]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if not path.is_dir()
    }


def interrupt(verb, share, folder, fault=""):
    """Start a verb in an empty folder, interrupt it as a terminal does, and tell how it ended.

    `share` is the moment, as a share of the time that it takes. `fault` is Python text that runs
    first, to plant one.
    """
    expected = whole(verb)
    process, said = begin(verb, Path(folder), fault)
    try:
        time.sleep(share * expected.seconds)
        in_time = not has_ended(process)
        waited_ns, start = waiting_ns(process), time.monotonic()
        if in_time:
            os.killpg(process.pid, signal.SIGINT)
        while not has_ended(process):
            assert time.monotonic() - start < HANGS_S, f"{verb} hangs: {said.read_text()}"
            time.sleep(0.001)
        seconds = time.monotonic() - start
        waited_ns = waiting_ns(process) - waited_ns
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        process.wait()
    files = digests(Path(folder))
    return Ending(
        process.returncode,
        seconds,
        waited_ns / 1e9,
        in_time,
        said.read_text(),
        left_behind(verb, Path(folder), files, process.pid),
        expected.files.keys() <= files.keys(),
    )


def has_ended(process):
    """Tell whether a process has ended, and let /proc go on telling of it."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, options) is not None


def waiting_ns(process):
    """Return how long a process was ready to run and did not."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1])


def left_behind(verb, folder, files, group):
    """Return what is there and should not be: files that are not whole, processes."""
    expected = whole(verb).files
    left = [
        name
        for name, digest in files.items()
        if digest != expected.get(name) and not is_kept(verb, folder / name)
    ]
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return left
    return [*left, "a process"]


def is_kept(verb, path):
    """Tell whether a file is what a verb keeps of what was done so far, and can be read."""
    name = (verb, path.name)
    try:
        if name == ("record", "t.npz"):
            rp.load_trace(path)
        elif name == ("soak", "result.npz"):
            load_result(path)
        elif name == ("soak", "summary.json"):
            json.loads(path.read_text())
        elif name in (("sweep", "journal.jsonl"), ("live", "log.csv")):
            return path.read_bytes()[-1:] in (b"", b"\n")
        else:
            return False
    except (rp.PyrnsPoolError, ValueError):
        return False
    return True


def faults(ending):
    """Yield what is wrong with the end of an interrupted verb.

    Where the signal came after the last file was written, Python may end as if there had been
    none, with 0, or by the signal itself, which a shell tells as 130.
    """
    if not ending.in_time:
        return
    is_done = ending.is_complete and ending.status in (0, -signal.SIGINT)
    if ending.status != 130 and not is_done:
        yield f"ended with {ending.status}: {ending.said}"
    if "Traceback" in ending.said:
        yield f"said {ending.said}"
    if ending.left:
        yield f"left {ending.left}"
