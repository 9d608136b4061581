"""Memory that runs out in the package, at each call that asks for some."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from typing import Any

import cbuild
from job import Job, Room, found

DRIVER = cbuild.ROOT / "tests" / "verify" / "oom_python.py"
PACKAGE = cbuild.ROOT / "pyrns_pool"
SITES_MIN = 7
"""Four of malloc and its kin in the laboratory, three in NumPy."""

PLANTS = {
    "callers are not freed": (
        "formats/scan.py",
        'lib.rns_trace_names_drop(ffi.addressof(reader, "callers"))',
        "pass",
        "import mtrace",
        "leaks",
    ),
    "no memory passes for too many callers": (
        "formats/scan.py",
        "if reader.is_out_of_memory:",
        "if False:",
        "import mtrace",
        "comes from more than",
    ),
    "a pairing without memory passes for done": (
        "_trace_pair.py",
        "if not lib.rns_trace_pair(rows, len(events), out):",
        "if lib.rns_trace_pair(rows, len(events), out) is None:",
        "record",
        "record: ",
    ),
    "no memory passes for a wrong configuration": (
        "replay.py",
        "    lib.rns_replay_begin(state)\n",
        "    lib.rns_replay_begin(state)\n    try:\n        trace.alloc_rows.copy()\n"
        "    except MemoryError:\n        raise ValueError('config') from None\n",
        "replay",
        "ValueError: config",
    ),
}


def run_out(room: Room, *verbs: str, package_in: Any = None) -> dict[str, Any]:
    """Run the driver; raise AssertionError with the faults it finds."""
    library = cbuild.build_library(room.tmp, ["tests/c/oom_preload.c"])
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    if package_in is not None:
        environment["PYTHONPATH"] = str(package_in)
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(room.tmp), *verbs],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, f"exit {done.returncode}:\n{done.stderr}"
    verdict = json.loads(done.stdout)
    faults = [f"{name}: {f}" for name, one in verdict["verbs"].items() for f in one["faults"]]
    assert not faults, "\n".join(faults)
    return verdict


def look(room: Room) -> dict[str, int]:
    verdict = run_out(room)
    verbs = verdict["verbs"]
    assert verdict["sites"] >= SITES_MIN, verdict["sites"]
    for name, one in verbs.items():
        assert one["calls"] > 0 and one["refused"] + one["served"] > 0, name
    return {
        "verbs": len(verbs),
        "sites": verdict["sites"],
        "calls made to fail": sum(one["refused"] + one["served"] for one in verbs.values()),
    }


def look_for(file: str, old: str, new: str, verb: str, words: str, room: Room) -> str:
    shutil.copytree(PACKAGE, room.tmp / "pyrns_pool")
    path = room.tmp / "pyrns_pool" / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new))
    return found(lambda: run_out(room, verb, package_in=room.tmp), words)


JOBS = [
    Job(
        name="oom-python",
        tool="LD_PRELOAD",
        shows="without memory every verb says so, leaks nothing, and works again with it",
        run=look,
        plants={name: partial(look_for, *fault) for name, fault in PLANTS.items()},
    )
]
