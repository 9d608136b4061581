"""How outcomes are shown: a line each, and a table in docs/verify.md."""

import os
import platform
from datetime import date
from pathlib import Path

PAGE = "docs/verify.md"
HEADER = [
    f"Processor {platform.machine()}, {os.cpu_count()} cores, all jobs side by side.",
    "",
    "| job | tool | what holds | planted faults found | looked at | s | date |",
    "| --- | --- | --- | --- | --- | --- | --- |",
]
ROOT = Path(__file__).resolve().parent.parent.parent


def row(outcome):
    """Return the line for a terminal."""
    plants = f"{sum(map(bool, outcome['plants'].values()))} of {len(outcome['plants'])} planted"
    verdict = "FAILED" if outcome["faults"] else "ok"
    start = f"{outcome['name']:24} {verdict:7}{outcome['seconds']:7.1f} s"
    return f"{start}  {plants:16}  {counts(outcome)}"


def counts(outcome):
    """Return what was looked at, in words."""
    return ", ".join(f"{count:,} {name}" for name, count in outcome["counts"].items())


def write(outcome, jobs, soak):
    """Put the row of an outcome into the table; rows of jobs that are gone go."""
    kind = "soak" if soak else "verify"
    begin, end = f"<!-- {kind}: begin -->", f"<!-- {kind}: end -->"
    page = ROOT / PAGE
    head, rest = page.read_text().split(begin)
    table, tail = rest.split(end)
    rows = {line.split(" | ")[0][2:]: line for line in table.splitlines() if line[:2] == "| "}
    job = jobs[outcome["name"]]
    cells = [job.name, job.tool, job.shows, str(len(outcome["plants"])), counts(outcome)]
    cells += [f"{outcome['seconds']:.0f}", str(date.today())]
    rows[job.name] = f"| {' | '.join(cells)} |"
    lines = [rows[name] for name in sorted(rows.keys() & jobs.keys())]
    page.write_text("\n".join([head + begin, *HEADER, *lines, end + tail]))
