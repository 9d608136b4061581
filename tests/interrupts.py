"""Ctrl-C at a random moment of a verb: how soon it ends, how, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

NODE = "microreticulum_node_a.npz"
PACKETS = "reticulum_mtu500_transport.csv.gz"
SWEEP = """
[[trace]]
path = "{node}"

[[pool]]
tiers = [{{slot_bytes = 64, slots = {{from = 1, to = 400}}}}]
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
    # Arguments; how many seconds from its start the moment is drawn from.
    "record": (["-o", "out/t.npz", "--", "sleep", "60"], 1.0),
    "import": (["{node}", "-o", "out/t.csv"], 1.0),
    "replay": (["{node}", "-o", "out", "--plot"], 1.0),
    "node": (["{packets}", "-o", "out", "--plot"], 1.0),
    "compare": (["{node}", "-o", "out", "--plot"], 3.0),
    "curve": (["{node}", "-o", "out", "--plot"], 1.0),
    "tune": (["{node}", "--budget", "64KiB", "-o", "out"], 2.0),
    "sweep": (["sweep.toml", "-o", "out"], 2.0),
    "audit": (["{node}", "-o", "out/audit.json"], 1.0),
    "report": (["{node}", "-o", "out/report.html"], 3.0),
    "soak": (["--hours", "10000", "-o", "out"], 2.0),
    "export": (["{node}", "--preset", "design", "--to", "header", "-o", "out/h.h"], 1.0),
    "check": (["{node}", "--preset", "design"], 1.0),
}
KEPT = {"record": ".npz", "sweep": ".jsonl", "soak": ("result.npz", "summary.json")}
"""What a verb keeps of what was done so far, on purpose: it is whole, and can be gone on with."""
PAST = (-signal.SIGINT, "")
"""Status and words where the signal found Python on its way out."""
HANGS_S = 60


class Ending(NamedTuple):
    """What came of one Ctrl-C."""

    status: int
    seconds: float
    """From the signal to the end."""
    in_time: bool
    """Whether the verb was still at work."""
    said: str
    left: list
    """Files that are neither its own nor whole."""


def interrupt(verb, after_s, folder, fault=""):
    """Start a verb in an empty folder, interrupt it as a terminal does, and tell how it ended.

    `fault` is Python text that runs first, to plant one.
    """
    from pyrns_pool import shipped

    paths = {"node": str(shipped(NODE)), "packets": str(shipped(PACKETS))}
    temporary = Path(folder) / "tmp"
    temporary.mkdir()
    (Path(folder) / "out").mkdir()
    (Path(folder) / "sweep.toml").write_text(SWEEP.format(**paths))
    arguments = [word.format(**paths) for word in VERBS[verb][0]]
    force = [] if verb == "record" else ["--force"]
    process = subprocess.Popen(
        [sys.executable, "-c", fault + DRIVER, verb, *force, *arguments],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary), "MPLBACKEND": "Agg"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr.readline() == "begun\n"
        time.sleep(after_s)
        in_time = process.poll() is None
        start = time.monotonic()
        if in_time:
            os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=HANGS_S)[1]
        seconds = time.monotonic() - start
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ending(
        process.returncode, seconds, in_time, said, left_behind(verb, folder, process.pid)
    )


def left_behind(verb, folder, group):
    """Return what is there and should not be: files that are not whole, processes."""
    names = [str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()]
    kept = KEPT.get(verb, "\0")
    left = [name for name in names if name != "sweep.toml" and not name.endswith(kept)]
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return left
    return [*left, "a process"]


def faults(ending):
    """Yield what is wrong with the end of an interrupted verb."""
    if not ending.in_time or ending.status == 0 or (ending.status, ending.said) == PAST:
        return  # It had ended, or had nothing left to do but that.
    if ending.status != 130:
        yield f"ended with {ending.status}"
    if "Traceback" in ending.said:
        yield f"said {ending.said}"
    if ending.left:
        yield f"left {ending.left}"
