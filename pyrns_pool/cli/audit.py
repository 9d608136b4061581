"""Say of every allocation site how bad it is and what to do, with numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyrns_pool.audit import Findings, Rules, audit_trace
from pyrns_pool.audit.trace import POOL_DEFAULT
from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_pool_arguments, add_trace_arguments, config_of, read_trace
from pyrns_pool.config import PoolConfig

FINDINGS_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_trace_arguments(parser)
    add_pool_arguments(parser, PoolConfig.preset(POOL_DEFAULT))
    parser.add_argument(
        "--rules",
        "--region-rules",
        metavar="FILE",
        type=Path,
        help="TOML: regions, frequency classes and thresholds of sites",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write the report: .md, else JSON"
    )


def run(given: argparse.Namespace) -> None:
    """Audit, write, print."""
    config = config_of(given)
    rules = Rules() if given.rules is None else Rules.load(given.rules)
    if given.output is not None:
        output.refuse_existing([given.output], given.force)
    trace = read_trace(given)
    with output.progress("auditing") as report:
        findings = audit_trace(trace, config, rules, progress=report)
    if given.output is not None:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        findings.save(given.output, overwrite=given.force)
    if given.json:
        output.print_json(findings.to_dict())
        return
    print_findings(findings)
    if given.output is not None:
        print(f"\nwritten to {given.output}")


def print_findings(findings: Findings) -> None:
    """Print the summary, and the findings that pay most."""
    counts = ", ".join(f"{count} {severity}" for severity, count in findings.counts.items())
    print(f"audit of {findings.subject}: {counts}")
    for line in findings.summary:
        print(f"  {line}")
    shown = [row for row in findings.ranked if row[1].severity != "low"]
    if not shown:
        return
    print()
    output.print_table(
        ["where", "id", "priority", "count", "pattern"],
        [
            [item.where, name, item.priority, f"{item.count:,}", item.pattern]
            for name, item in shown[:FINDINGS_SHOWN]
        ],
    )
    if len(shown) > FINDINGS_SHOWN:
        print(f"  {len(shown) - FINDINGS_SHOWN} more, in the report that -o writes")
