"""How outcomes are shown: a line each, and a table in docs/verify.md."""

import os
import platform
from datetime import date
from pathlib import Path

PAGE = "docs/verify.md"
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


def write(outcomes, jobs, soak):
    """Put a table of these outcomes in the place of the last one."""
    kind = "soak" if soak else "verify"
    begin, end = f"<!-- {kind}: begin -->", f"<!-- {kind}: end -->"
    seconds = sum(outcome["seconds"] for outcome in outcomes)
    lines = [
        f"`make {kind}` on {date.today()}: {platform.machine()}, {os.cpu_count()} cores, "
        f"{len(outcomes)} jobs, {seconds:,.0f} s of work, no fault.",
        "",
        "| job | tool | what holds | planted faults found | looked at | s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for outcome in sorted(outcomes, key=lambda outcome: outcome["name"]):
        job = jobs[outcome["name"]]
        cells = [job.name, job.tool, job.shows, str(len(outcome["plants"])), counts(outcome)]
        lines.append(f"| {' | '.join(cells)} | {outcome['seconds']:.0f} |")
    page = ROOT / PAGE
    head, rest = page.read_text().split(begin)
    _, tail = rest.split(end)
    page.write_text("\n".join([head + begin, *lines, end + tail]))
