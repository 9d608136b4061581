"""Memory that runs out in the package, at each call that asks for some.

In the C of the extension these are the calls of malloc and its kin in csrc/lab: each has to be the
first that fails, in one verb or another. csrc/core and csrc/node have none.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from typing import Any

import cbuild
from extension import built
from job import Job, Room, found
from plant import replace

DRIVER = cbuild.ROOT / "tests" / "verify" / "oom_python.py"
PACKAGE = cbuild.ROOT / "pyrns_pool"
PARTS = ("core", "node", "lab")
CALL = re.compile(r"\b(?:malloc|calloc|realloc\w*|aligned_alloc|posix_memalign|strn?dup)\(")
COMMENT = re.compile(r"//.*|/\*.*?(?:\*/|$)|^ \*.*")
FLAGS = ["-O1", "-g", "-fno-optimize-sibling-calls"]
"""What asks for memory last has to return to its own line, not to that of its caller."""
CALLS_MAX, SOAK_CALLS_MAX = 16, 1000
"""So many are made to fail of a verb that has many, evenly among them."""

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
    most = SOAK_CALLS_MAX if room.soak else CALLS_MAX
    library = cbuild.build_library(room.tmp, ["tests/c/oom_preload.c"])
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    if package_in is not None:
        environment["PYTHONPATH"] = str(package_in)
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(room.tmp), str(most), *verbs],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=7200,
    )
    assert done.returncode == 0, f"exit {done.returncode}:\n{done.stderr}"
    verdict = json.loads(done.stdout)
    faults = [f"{name}: {f}" for name, one in verdict["verbs"].items() for f in one["faults"]]
    assert not faults, "\n".join(faults)
    return verdict


def calls_in_source() -> dict[str, set[str]]:
    """Return the calls that ask for memory, as file:line, by part of csrc."""
    calls: dict[str, set[str]] = {}
    for part in PARTS:
        for path in sorted((cbuild.ROOT / "csrc" / part).glob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if CALL.search(COMMENT.sub("", line)):
                    calls.setdefault(part, set()).add(f"{part}/{path.name}:{number}")
    return calls


def calls_behind(module: Any, addresses: list[int]) -> set[str]:
    """Return of which calls these are the addresses behind."""
    if not addresses:
        return set()
    offsets = [hex(address - 1) for address in addresses]
    lines = cbuild.execute(["addr2line", "-e", module, *offsets]).splitlines()
    return {line.split(" ")[0].partition("csrc/")[2] for line in lines}


def look(room: Room) -> dict[str, int]:
    package = built(room.tmp / "package", "gcc", FLAGS)
    verdict = run_out(room, package_in=package)
    verbs, places = verdict["verbs"], verdict["places"]
    for name, one in verbs.items():
        assert one["calls"] > 0 and one["refused"] + one["served"] > 0, name
    calls = calls_in_source()
    assert list(calls) == ["lab"], calls
    met = set()
    for module, addresses in places.items():
        (file,) = package.glob(f"{module}*.so")
        met |= calls_behind(file, addresses)
    assert (
        met == calls["lab"]
    ), f"never failed: {calls['lab'] - met}; no calls: {met - calls['lab']}"
    in_numpy = verdict["sites"] - sum(map(len, places.values()))
    assert in_numpy > 0
    return {
        "verbs": len(verbs),
        "calls in C": len(met),
        "calls in NumPy": in_numpy,
        "calls made to fail": sum(one["refused"] + one["served"] for one in verbs.values()),
    }


def look_for(file: str, old: str, new: str, verb: str, words: str, room: Room) -> str:
    shutil.copytree(PACKAGE, room.tmp / "pyrns_pool")
    replace(room.tmp / "pyrns_pool" / file, old, new)
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
