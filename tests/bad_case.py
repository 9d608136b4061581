"""What a case of bad input is, and how it is measured: ``python tests/bad_case.py GROUP``."""

import contextlib
import io
import json
import os
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

DATA = Path(__file__).resolve().parent / "data" / "bad"
ADDRESSES_MAX = 4 << 30
"""Of a measured process, so that what runs away fails instead of taking the machine with it."""


@dataclass(frozen=True)
class Case:
    """One thing that a user or an attacker may do, and what has to come of it."""

    group: str
    name: str
    make: Callable[[Path], object]
    """Gets an empty folder, and returns what is bad; is not measured."""
    run: Callable[[object], object]
    """Uses that. What it returns counts where nothing is raised."""
    error: Optional[type]
    """Class of what is raised, exactly; None: nothing is."""
    says: str
    """Part of the error's text, or of what is returned."""
    command: Optional[tuple] = None
    """Arguments of ``pyrns-pool`` in front of what is bad; it is to fail in one line."""


def measure(case, folder):
    """Return what came of a case, with processor seconds and peak of memory, as plain values."""
    folder.mkdir()
    bad = case.make(folder)
    Path("/proc/self/clear_refs").write_text("5")  # The peak begins anew.
    before = sum(os.times()[:4])
    raised, text = None, ""
    try:
        text = str(case.run(bad))
    except BaseException as error:
        raised, text = f"{type(error).__module__}.{type(error).__name__}", str(error)
    seconds = sum(os.times()[:4]) - before
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").open())
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(int(status["VmHWM"].split()[0]), children) << 10
    outcome = {"raised": raised, "text": text, "seconds": seconds, "peak_bytes": peak}
    if case.command:
        outcome["command"] = command([*case.command, bad])
    return outcome


def command(arguments):
    """Return exit status and both outputs of a command line, run in this process."""
    from pyrns_pool.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}


def main(group):
    import bad_input

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_MAX, ADDRESSES_MAX))
    with tempfile.TemporaryDirectory() as tmp:
        for number, case in enumerate(bad_input.cases(group)):
            print(json.dumps(measure(case, Path(tmp, str(number)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
