"""Runs a program under the recorders that Debian has, and reads what it wrote of itself."""

import functools
import os
import subprocess
import tempfile
from pathlib import Path

import cbuild

DATA = Path(__file__).resolve().parent / "data"
PROGRAM = "recorded"


def run(directory, arguments, **environment):
    """Run a command in a directory; return its standard output."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@functools.lru_cache(maxsize=None)
def directory():
    """Return where the two programs lie; removed at the end."""
    folder = tempfile.TemporaryDirectory()
    directory.kept = folder
    for name, flags in ((PROGRAM, []), ("with_mtrace", ["-DMTRACE"])):
        source = DATA / "recorded.c"
        cbuild.execute(["gcc", "-O1", "-g", *flags, "-o", Path(folder.name) / name, source])
    return Path(folder.name)


def truth(text):
    """Return (op, address, size) of each event that the program says it made."""
    words = [line.split() for line in text.splitlines() if line[:2] in ("a ", "f ")]
    return [(op == "f", int(address), int(size)) for op, address, size in words]


@functools.lru_cache(maxsize=None)
def recorded(tool, steps=2000):
    """Return the file that a tool wrote, and the truth."""
    where = directory()
    if tool == "mtrace":
        path = where / "mtrace.txt"
        preload = {"MALLOC_TRACE": str(path), "LD_PRELOAD": "libc_malloc_debug.so.0"}
        return path, truth(run(where, ["./with_mtrace", steps], **preload))
    if tool == "valgrind":
        path = where / "valgrind.txt"
        log = ["--trace-malloc=yes", f"--log-file={path}"]
        return path, truth(run(where, ["valgrind", *log, f"./{PROGRAM}", steps]))
    raw = ["--raw"] if tool == "heaptrack raw" else []
    name = where / f"{'raw' if raw else 'interpreted'}{steps}"
    said = run(where, ["heaptrack", *raw, "-o", name, f"./{PROGRAM}", steps])
    (path,) = where.glob(f"{name.name}*.zst")
    return path, truth(said)
