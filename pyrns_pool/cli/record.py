"""Run a command and record what it and its children allocate, one trace for each process."""

from __future__ import annotations

import argparse
import contextlib
import glob
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

from pyrns_pool.cli import output
from pyrns_pool.formats import SUFFIXES, save_trace
from pyrns_pool.record import DEPTH_MAX, Process, read_process, run_recorded

STDERR = 2
SUFFIX_DEFAULT = ".npz"
ROW = "program command pid parent_pid threads events lost beyond_limit unpaired_frees".split()
ROW += "unfreed_reuses damaged_chunks raw_bytes".split()
LOSSES = {
    "lost": "events are lost",
    "beyond_limit": "events after the longest trace are left out",
    "unfreed_reuses": "frees are lost",
    "damaged_chunks": "pieces of the recording are damaged",
}
SPOOL_PREFIX = ".pyrns-pool-record-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "command", metavar="CMD", nargs="+", help="behind --: the program and its arguments"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=output.trace_path,
        help=f"trace of CMD, {', '.join(SUFFIXES)}; children: FILE with .2, .3, ... [CMD.npz]",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=int,
        default=1,
        help=f"callers that make a site, inner one first, at most {DEPTH_MAX} [1]",
    )


def run(given: argparse.Namespace) -> int:
    """Record, write, print; return the exit status of the command.

    The command keeps stdout, so tables go to stderr. With --json it is the other way round.
    """
    first = given.output or Path(Path(given.command[0]).name + SUFFIX_DEFAULT)
    output.refuse_existing([first, *_numbered_already(first)], given.force)
    first.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    # The records go to the disk of the output: /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix=SPOOL_PREFIX, dir=first.parent) as spool:
        stdout = STDERR if given.json else None
        status, paths = run_recorded(given.command, Path(spool), depth=given.depth, stdout=stdout)
        for path in paths:
            with output.progress(f"reading {path.stem}") as report:
                process = read_process(path, report)
            path.unlink()
            file = None
            if process.trace is not None:
                file = _numbered(first, 1 + sum(row["file"] is not None for row in rows))
                save_trace(process.trace, file, overwrite=given.force)
            rows.append(_row(process, file))
    if given.json:
        output.print_json({"status": status, "processes": rows})
    else:
        with contextlib.redirect_stdout(sys.stderr):
            _print_rows(rows)
    return status


def _split(path: Path) -> tuple[str, str]:
    """Return the name without its suffix, and the suffix."""
    suffix = next(end for end in SUFFIXES if path.name.endswith(end))
    return path.name[: -len(suffix)], suffix


def _numbered(path: Path, number: int) -> Path:
    """Return the name of the trace of the number-th process: a.npz, a.2.npz, a.3.npz, ..."""
    stem, suffix = _split(path)
    return path if number == 1 else path.with_name(f"{stem}.{number}{suffix}")


def _numbered_already(path: Path) -> list[Path]:
    """Return the files that have a name which a child's trace may get."""
    stem, suffix = _split(path)
    return sorted(path.parent.glob(f"{glob.escape(stem)}.[2-9]*{suffix}"))


def _row(process: Process, file: Optional[Path]) -> dict[str, Any]:
    row = {name: getattr(process, name) for name in ROW}
    trace = process.trace
    row["error"] = os.strerror(process.error) if process.error else None
    row["file"] = None if file is None else str(file)
    row["allocations"] = 0 if trace is None else trace.block_count
    row["peak_live_bytes"] = 0 if trace is None else trace.peak_live().bytes
    row["sites"] = 0 if trace is None else len(trace.sites)
    return row


def _print_rows(rows: list[dict[str, Any]]) -> None:
    columns = ["trace", "program", "pid", "events", "lost", "threads", "sites", "peak live bytes"]
    output.print_table(
        columns,
        [
            [row["file"] or "(no allocation)", _called(row), str(row["pid"])]
            + [f"{row[name]:,}" for name in ("events", "lost", "threads", "sites")]
            + [f"{row['peak_live_bytes']:,}"]
            for row in rows
        ],
    )
    for row in rows:
        for name, what in LOSSES.items():
            if row[name]:
                why = f" ({row['error']})" if name == "lost" and row["error"] else ""
                print(f"  {row['file'] or row['program']}: {row[name]:,} {what}{why}")


def _called(row: dict[str, Any]) -> str:
    """Return the name the program was called by; the executable behind it may have another."""
    return Path((row["command"] or row["program"]).split(" ")[0]).name
