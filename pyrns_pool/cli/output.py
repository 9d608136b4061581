"""What the verbs share: tables, units, progress, and no file overwritten by accident."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence

from pyrns_pool.formats import SUFFIXES
from pyrns_pool.formats.files import file_exists, output_file
from pyrns_pool.words import percent, plural

__all__ = [
    "duration",
    "percent",
    "plural",
    "print_json",
    "print_table",
    "progress",
    "refuse_existing",
    "trace_path",
    "write_json",
]

PROGRESS_AFTER_S = 2.0


def print_json(values: Any) -> None:
    """Print one JSON value, indented."""
    print(json.dumps(values, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header: the first column to the left, the others to the right.

    Text that is wider than the terminal is not cut: a number that is half there is worse than a
    broken line.
    """
    table: list[Sequence[str]] = [columns, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def duration(ns: int) -> str:
    """Return a time in the unit that fits."""
    for scale, unit in ((10**9, "s"), (10**6, "ms"), (10**3, "us")):
        if ns >= scale:
            return f"{ns / scale:,.3f} {unit}"
    return f"{ns} ns"


def event(number: int) -> str:
    """Return which event, where the recording has no time and events are counted."""
    return f"event {number:,}"


def refuse_existing(paths: Iterable[Path], force: bool) -> None:
    """Raise FileExistsError before any work is done for files that may not be written."""
    for path in paths:
        if path.exists() and not force:
            raise file_exists(path)


def trace_path(text: str) -> Path:
    """Return the path of a trace that is to be written: the type of such an argument.

    Its name tells the form, and is looked at before an hour of work ends in nothing.
    """
    if not text.endswith(SUFFIXES):
        reason = f"ends in none of {', '.join(SUFFIXES)}"
        raise argparse.ArgumentTypeError(f"{Path(text).name!r} {reason}")
    return Path(text)


def write_json(path: Path, values: Any, force: bool) -> None:
    """Write one JSON value to a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with output_file(path, force) as file:
        file.write((json.dumps(values, indent=2, allow_nan=False) + "\n").encode())


@contextmanager
def progress(what: str) -> Iterator[Optional[Callable[[float], None]]]:
    """Yield a callback that shows a bar on stderr once the work takes more than two seconds.

    Yields None, and nothing is shown, where stderr is no terminal or rich is not installed.
    """
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=1.0)
    begin = time.monotonic()
    shown = False

    def report(fraction: float) -> None:
        nonlocal shown
        if not shown and time.monotonic() - begin > PROGRESS_AFTER_S:
            bar.start()
            shown = True
        bar.update(task, completed=fraction)

    try:
        yield report
    finally:
        if shown:
            bar.stop()
