"""The report of an audit as Markdown: tables that also read well as plain text."""

from __future__ import annotations

from typing import Iterable, Mapping, Sequence

from pyrns_pool.audit.findings import PRIORITIES, SEVERITIES, Finding, Findings, without_templates
from pyrns_pool.errors import printable
from pyrns_pool.words import duration

__all__ = ["markdown"]

FIRST_SHOWN = 5
"""Recommendations in the executive summary."""
HEADINGS = {
    "critical": "more than 1 KB outside of PSRAM",
    "high": "per-packet where a pool could serve, or slots pinned",
    "medium": "several blocks where one would do",
    "low": "minor",
}
REGION_STATES = {
    "missing": "Missing",
    "unused": "Rules that match nothing",
    "verified": "Verified",
}
Row = tuple[str, Finding]


def markdown(findings: Findings) -> str:
    """Return the report.

    Parameters
    ----------
    findings : Findings
        Any.

    Returns
    -------
    str
        One document: summary, issues, recommendations, modules, regions, overflow, method.
    """
    rows = list(zip(findings.ids, findings))
    ranked = list(findings.ranked)
    lines = [f"# Audit of {code(findings.subject)}", ""]
    lines += _summary(findings, ranked)
    lines += _issues(rows)
    lines += _recommendations(ranked)
    lines += _modules(rows)
    lines += _regions(findings)
    lines += _overflow(findings)
    if findings.method:
        lines += ["## How the numbers were derived", ""]
        lines += [f"- **{what}.** {how}" for what, how in findings.method]
    return "\n".join(lines).rstrip() + "\n"


def code(text: str) -> str:
    """Return a name as Markdown code that survives in a table, whatever is in it."""
    safe = printable(text).replace("|", "\\|")
    ticks = "``" if "`" in safe else "`"
    pad = " " if "`" in safe else ""
    return f"{ticks}{pad}{safe}{pad}{ticks}" if safe else "-"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table and an empty line; a column whose name ends in ":" goes to the right."""
    cells: list[Sequence[str]] = [[name.rstrip(":") for name in columns], *rows]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(columns))]
    rule = [
        "-" * (width - 1) + ":" if name.endswith(":") else "-" * width
        for name, width in zip(columns, widths)
    ]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if name.endswith(":") else cell.ljust(width)
            for cell, width, name in zip(row, widths, columns)
        ]
        return f"| {' | '.join(parts)} |"

    return [line(cells[0]), line(rule), *map(line, cells[1:]), ""]


def _summary(findings: Findings, ranked: list[Row]) -> list[str]:
    lines = ["## Executive summary", ""]
    lines += [f"- {text}" for text in findings.summary] + ([""] if findings.summary else [])
    counted = [
        [
            severity.capitalize(),
            str(sum(item.severity == severity for item in findings)),
            *(
                str(sum(item.severity == severity and item.priority == name for item in findings))
                for name in PRIORITIES
            ),
        ]
        for severity in SEVERITIES
    ]
    lines += table(["Severity", "Findings:", *(f"{name}:" for name in PRIORITIES)], counted)
    first = [row for row in ranked if row[1].severity != "low"][:FIRST_SHOWN]
    if first:
        lines += ["Where to begin:", ""]
        for number, (name, item) in enumerate(first, 1):
            lines.append(f"{number}. **{name}** {code(item.where)}: {item.recommendation}")
        lines.append("")
    return lines


def _issues(rows: list[Row]) -> list[str]:
    lines = ["## Issues by severity", ""]
    for severity in SEVERITIES:
        mine = [row for row in rows if row[1].severity == severity]
        if not mine:
            continue
        lines += [f"### {severity.capitalize()}: {HEADINGS[severity]}", ""]
        if severity == "low":
            lines += [f"{mine[0][0]} to {mine[-1][0]} are in the tables of their modules.", ""]
            continue
        for name, item in mine:
            lines += [
                f"**{name}** {code(item.where)} ({item.pattern}, {item.priority})  ",
                f"{item.problem}  ",
                f"*Recommendation:* {item.recommendation}  ",
            ]
            if item.also:
                lines.append(f"Together with {', '.join(map(code, item.also))}  ")
            # The two spaces that break a line have no place at the end of a paragraph.
            lines[-1] = lines[-1].rstrip()
            lines.append("")
    return lines


def _recommendations(ranked: list[Row]) -> list[str]:
    shown = [
        [
            item.priority,
            f"{item.wsjf:.1f}",
            name,
            item.severity,
            item.effort,
            str(item.risk),
            code(item.where),
            item.pattern,
        ]
        for name, item in ranked
        if item.severity != "low"
    ]
    if not shown:
        return []
    columns = ["Priority", "WSJF:", "Id", "Severity", "Effort", "Risk:", "Where", "Pattern"]
    return ["## Recommendations by priority", "", *table(columns, shown)]


def _modules(rows: list[Row]) -> list[str]:
    modules: dict[str, list[Row]] = {}
    for row in rows:
        modules.setdefault(row[1].module, []).append(row)
    lines = ["## Modules", ""]
    others: list[Row] = []
    for name, mine in modules.items():
        if all(item.severity == "low" for _, item in mine):
            others += mine
        else:
            lines += [f"### {code(name)}", "", *_module_table(mine)]
    if others:
        lines += ["### Modules with minor findings only", "", *_module_table(others)]
    return lines


def _module_table(rows: list[Row]) -> list[str]:
    """Return what was found; columns that nothing fills are left out."""
    columns = ["Id", "Where", "Pattern", "Count:", "Bytes:", "Lifetime p50 / p99 / max:"]
    columns += ["Peak live:", "Frequency", "Region", "Severity", "Risk:", "Priority"]
    cells = [
        [
            name,
            code(_short(item)),
            item.pattern,
            f"{item.count:,}",
            _sizes(item),
            _lifetimes(item.evidence),
            _peak(item.evidence),
            item.frequency,
            item.region,
            item.severity,
            str(item.risk),
            item.priority,
        ]
        for name, item in rows
    ]
    used = [i for i in range(len(columns)) if any(row[i] != "-" for row in cells)]
    return table([columns[i] for i in used], [[row[i] for i in used] for row in cells])


def _short(item: Finding) -> str:
    """Return the place without the name of the module that stands above it."""
    name = without_templates(item.where)
    for end in ("::", ":"):
        if name.startswith(item.module + end):
            return name[len(item.module + end) :]
    return item.where


def _sizes(item: Finding) -> str:
    least, most = item.size_min_bytes, item.size_max_bytes
    if least is None or most is None:
        return "-"
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _lifetimes(evidence: Mapping[str, object]) -> str:
    names = ("lifetime_p50_ns", "lifetime_p99_ns", "lifetime_max_ns")
    times = [evidence.get(name) for name in names]
    return " / ".join(duration(time) for time in times if isinstance(time, int)) or "-"


def _peak(evidence: Mapping[str, object]) -> str:
    blocks = evidence.get("peak_live_blocks")
    return f"{blocks:,}" if isinstance(blocks, int) else "-"


def _regions(findings: Findings) -> list[str]:
    lines = ["## Regions", ""]
    if not findings.regions:
        return [*lines, "No block of more than 1 KB, and no rule that names a region.", ""]
    for state, title in REGION_STATES.items():
        mine = [check for check in findings.regions if check.state == state]
        if mine:
            cells = [
                [
                    code(check.where),
                    check.region,
                    "-" if check.peak_live_bytes is None else f"{check.peak_live_bytes:,}",
                    check.note,
                ]
                for check in mine
            ]
            lines += [f"### {title}", ""]
            lines += table(["Where", "Region", "Peak live bytes:", "Note"], cells)
    return lines


def _overflow(findings: Findings) -> list[str]:
    if not findings.pools:
        return []
    columns = ["Pool", "Slots:", "Slot bytes:", "Bytes:", "Requests:", "High-water mark:"]
    columns += ["Misses:", "When it is full"]
    cells = []
    for pool in findings.pools:
        size = pool.slot_bytes
        numbers = [pool.slots, size, None if size is None else size * pool.slots]
        numbers += [pool.requests, pool.high_water, pool.misses]
        shown = ["-" if number is None else f"{number:,}" for number in numbers]
        cells.append([pool.name, *shown, pool.overflow])
    used = [i for i in range(len(columns)) if any(row[i] != "-" for row in cells)]
    picked = [[row[i] for i in used] for row in cells]
    return ["## Overflow of fixed pools", "", *table([columns[i] for i in used], picked)]
