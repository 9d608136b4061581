"""Say of every place that allocates, in a trace or in source, how bad it is and what to do."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyrns_pool.audit import Findings, Rules, annotate, audit_source, audit_trace, join
from pyrns_pool.audit.trace import POOL_DEFAULT
from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_pool_arguments, add_trace_arguments, config_of, read_trace
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.formats.files import output_file

FINDINGS_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_trace_arguments(parser, optional=True)
    parser.add_argument(
        "--source", metavar="DIR", type=Path, help="C and C++ files, with or without a trace"
    )
    parser.add_argument(
        "--compile-commands", metavar="FILE", type=Path, help="compile_commands.json of the source"
    )
    parser.add_argument(
        "--hot",
        metavar="PATTERN",
        nargs="+",
        action="extend",
        default=[],
        help="functions that run for each packet: 'Transport::inbound'",
    )
    parser.add_argument(
        "--annotate", metavar="FILE", type=Path, help="write a patch that comments the source"
    )
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
    _refuse_wrong_use(given)
    paths = [path for path in (given.output, given.annotate) if path is not None]
    output.refuse_existing(paths, given.force)
    rules = Rules() if given.rules is None else Rules.load(given.rules)
    findings, patch = _audit(given, rules)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    if given.annotate is not None:
        with output_file(given.annotate, given.force) as file:
            file.write(patch)
    if given.output is not None:
        findings.save(given.output, overwrite=given.force)
    if given.json:
        output.print_json(findings.to_dict())
        return
    print_findings(findings)
    if paths:
        print(f"\nwritten to {', '.join(map(str, paths))}")


def _refuse_wrong_use(given: argparse.Namespace) -> None:
    if given.trace is None and given.source is None:
        raise ConfigError("audit: give a TRACE, --source DIR, or both")
    for name in ("hot", "compile_commands", "annotate"):
        if given.source is None and getattr(given, name):
            raise ConfigError(f"--{name.replace('_', '-')} is for --source")


def _audit(given: argparse.Namespace, rules: Rules) -> tuple[Findings, bytes]:
    """Return the findings, and the patch if one is wanted."""
    parts = []
    if given.trace is not None:
        config = config_of(given)
        trace = read_trace(given)
        with output.progress("auditing") as report:
            parts.append(audit_trace(trace, config, rules, progress=report))
    if given.source is not None:
        with output.progress(f"reading {given.source}") as report:
            parts.append(
                audit_source(
                    given.source,
                    given.hot,
                    rules,
                    compile_commands=given.compile_commands,
                    progress=report,
                )
            )
    findings = parts[0] if len(parts) == 1 else join(*parts)
    return findings, b"" if given.annotate is None else annotate(findings, given.source)


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
