"""Programs to record, compiled once, and what valgrind says of the same programs."""

import functools
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pyrns_pool as rp
from pyrns_pool.trace import OP_ALLOC

PROGRAMS = Path(__file__).resolve().parent / "programs"
_FOLDER = tempfile.TemporaryDirectory(prefix="record-programs-")


@functools.lru_cache(maxsize=None)
def program(name, *options):
    """Compile a program of tests/programs; return its path."""
    source = PROGRAMS / name
    compiler = "g++" if source.suffix == ".cc" else "gcc"
    path = Path(_FOLDER.name) / "-".join([source.stem, *(word.strip("-") for word in options)])
    flags = ["-O1", "-g", "-fno-builtin", "-pthread", "-Wall", "-Wextra", "-Werror"]
    done = subprocess.run(
        [compiler, *flags, *options, source, "-o", path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return str(path)


def sequence(trace):
    """Return a trace as a list of sizes, None for a free."""
    return [int(event["size"]) if event["op"] == OP_ALLOC else None for event in trace.events]


def recorded(*command, **options):
    """Record a command that ends well; return its only process, of which nothing is lost."""
    status, (process,) = rp.record([str(word) for word in command], **options)
    assert status == 0
    assert process.is_complete and process.unpaired_frees == 0, process
    assert process.numbered == process.events + process.void
    return process


def by_valgrind(*command):
    """Return what valgrind sees of a command, as `sequence` does."""
    tool = ["valgrind", "--trace-malloc=yes", "--run-libc-freeres=no", "--leak-check=no"]
    tool.append("--run-cxx-freeres=no")
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [*tool, *map(str, command)],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = []
    for line in done.stderr.splitlines():
        if match := re.match(r"--\d+-- ([a-zA-Z_]\w*\(.*)", line):
            found += _events(match[1])
    return found


def _events(call):
    """Return the events of a line such as ``realloc(0x4A451A0,2000) = 0x4A453E0``."""
    name, _, rest = call.partition("(")
    numbers = [int(word, 0) for word in re.findall(r"0x[0-9A-F]+|\d+", rest)]
    if name == "free" or name.startswith(("_ZdlPv", "_ZdaPv")):
        return [None] if numbers[0] else []
    if name == "calloc":
        return [numbers[0] * numbers[1]]
    if name == "memalign":
        return [numbers[1]]
    if name == "realloc":
        return [numbers[1]] if numbers[0] == 0 else [None, numbers[1]]
    assert name == "malloc" or name.startswith(("_Znwm", "_Znam")), call
    return [numbers[0]]
