"""Processes: fork, threads, signals, the end of the interpreter, and what surrounds a command."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path

import bad_case
from bad_case import DATA, Case

from pyrns_pool._toml import read_toml

CASES = []
TRACE = "t_ns,op,id,size,thread,site\n0,a,1,40,0,app:main\n10,f,1,,0,\n"
SOON_S = 60
"""After which a process hangs. Long: other tests keep the processors busy."""


def run_program(path):
    """Run one of the small programs and return how it ended."""
    program = [sys.executable, path]
    return ended(subprocess.run(program, capture_output=True, text=True, timeout=SOON_S))


def run_here(path):
    """Run one of the small programs in this process and return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        runpy.run_path(str(path))
    return printed.getvalue()


def ended(done):
    """Return how a process ended: its status, and both its outputs."""
    return f"{done.returncode} | {done.stdout.strip()} | {done.stderr.strip()}"


LISTED = read_toml(DATA / "cases.toml", 1 << 20)
for group, run in (("processes", run_program), ("threads", run_here)):
    for name, says in LISTED[group].items():
        path = DATA / group / name
        CASES.append(Case(group, name, lambda _, path=path: path, run, None, says))


def here(says, arguments, name):
    """Add a case: arguments of ``pyrns-pool``, run in this process, in a folder with t.csv."""

    def run(folder):
        with inside(folder):
            done = bad_case.command(arguments)
        names = [name for name in sorted(os.listdir(folder)) if name != "t.csv"]
        return f"{done['status']} | {done['out']} | {done['err'].strip()} | {names}"

    CASES.append(Case("commands", name, with_trace, run, None, says))


def with_trace(folder):
    """Put a trace into a folder and return that."""
    (folder / "t.csv").write_text(TRACE)
    return folder


@contextlib.contextmanager
def inside(folder):
    """Work in a folder for a while."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def command(says, line, name):
    """Add a case: a line for the shell, in a folder with t.csv; ``$P`` is ``pyrns-pool``."""

    def run(folder):
        before = sorted(os.listdir(folder))
        shell = ["bash", "-c", line]
        env = {**os.environ, "P": str(Path(sys.executable).with_name("pyrns-pool"))}
        done = subprocess.run(
            shell, cwd=folder, env=env, capture_output=True, text=True, timeout=SOON_S
        )
        after = sorted(os.listdir(folder))
        return f"{ended(done)} | {[name for name in after if name not in before]}"

    CASES.append(Case("commands", name, with_trace, run, None, says))


# ---- What surrounds a command ----

WORDS = ["replay", "t.csv", "--tiers", "64x4"]
REPLAY = " ".join(["$P", *WORDS])
command("0 |  |  | []", f"{REPLAY} | true; exit ${{PIPESTATUS[0]}}", "reader_that_does_not_read")
command(
    "1 |  | pyrns-pool: standard output: No space left on device | []",
    f"{REPLAY} > /dev/full",
    "output_on_a_full_disk",
)
command(
    "1 |  | pyrns-pool: standard output is closed | []", f"{REPLAY} >&-", "output_that_is_closed"
)
command(
    "100.0 % of 1 request served by the pool. |  | []", f"{REPLAY} <&-", "input_that_is_closed"
)
command("1 |  |  | []", "$P replay no.csv 2>&-", "errors_that_are_closed")
here(
    "1 |  | pyrns-pool: \\udcff.csv: no such file | []",
    ["info", "\udcff.csv"],
    "argument_that_is_no_utf8",
)
here("2 |  | pyrns-pool: argument VERB: invalid choice: ''", [""], "empty_verb")
here("1 |  | pyrns-pool: : no such file | []", ["info", ""], "empty_file_name")
command(
    "100.0 % of 1 request served by the pool. |  | []",
    f"LC_ALL=nonsense LANG=xx TZ=no/where COLUMNS=-1 {REPLAY}",
    "environment_of_junk",
)
command(
    "100.0 % of 1 request served by the pool. |  | []",
    f"PYTHONIOENCODING=ascii LC_ALL=C {REPLAY}",
    "output_that_is_ascii",
)
here(
    "1 |  | pyrns-pool: t.csv/out: Not a directory | []",
    [*WORDS, "-o", "t.csv/out"],
    "output_below_a_file",
)
here("1 |  | pyrns-pool: /proc/out: ", [*WORDS, "-o", "/proc/out"], "output_where_none_may_be")
here(
    "1 |  | pyrns-pool: t.csv exists; --force overwrites it | []",
    ["import", "t.csv", "-o", "t.csv"],
    "output_over_its_input",
)
here(
    "2 |  | pyrns-pool import: argument -o/--output: 't.txt' ends in none of .csv, .csv.gz, .npz"
    " (see pyrns-pool import --help) | []",
    ["import", "t.csv", "-o", "t.txt"],
    "output_of_no_known_form",
)
command(
    "1 |  | pyrns-pool: out/result.npz: File too large | []",
    f"ulimit -f 0; {REPLAY} -o out; code=$?; rmdir out; exit $code",
    "output_larger_than_the_limit",
)
command(
    "2 |  | pyrns-pool: 16777216x64 strict: 1073741840 bytes do not fit in memory | []",
    "ulimit -v 1000000; $P replay t.csv --tiers 16777216x64",
    "pool_larger_than_memory",
)
command(
    "1 |  | pyrns-pool: t.csv: no such file | []",
    f"mkdir gone; cd gone; rmdir ../gone; {REPLAY}",
    "folder_that_is_gone",
)
command(
    "143 |  |  | []", "$P soak --hours 10000 -o out & sleep 0.7; kill $!; wait $!", "terminated"
)
here(
    "2 |  | pyrns-pool replay: argument --bins: invalid int value: 'x'",
    [*WORDS, "--bins", "x"],
    "number_that_is_none",
)
here("2 |  | pyrns-pool: bins: ", [*WORDS, "--bins", "-1"], "number_that_is_negative")
