"""Write a pool as configuration for firmware, or a trace for another tool."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Optional

from pyrns_pool.cli import output
from pyrns_pool.cli.replay import (
    add_fallback_argument,
    add_pool_arguments,
    add_trace_arguments,
    config_of,
    read_trace,
)
from pyrns_pool.errors import ConfigError
from pyrns_pool.exports import FORMATS, ExportFormat, Source, export, export_format
from pyrns_pool.replay import replay
from pyrns_pool.results import ReplayResult
from pyrns_pool.trace import Trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_trace_arguments(parser)
    add_pool_arguments(parser, None)
    add_fallback_argument(parser)
    forms = "; ".join(f"{form.name}: {form.about}" for form in FORMATS)
    parser.add_argument("--to", metavar="FORMAT", required=True, help=forms.replace("%", "%%"))
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the file, or a directory for a file of the format's own name [standard output]",
    )


def run(given: argparse.Namespace) -> None:
    """Replay if the form is of a pool, write, print."""
    form = export_format(given.to)
    target = _target(form, given.output, given.force)
    config = config_of(given) if form.needs_pool or _names_pool(given) else None
    if target is None and given.json:
        raise ConfigError("--json describes a file: name it with -o")
    trace = read_trace(given)
    result = None
    if config is not None:
        with output.progress("replaying") as report:
            result = replay(trace, config, progress=report)
    with output.progress("writing") as report:
        source = Source(trace, result, report)
        if target is None:
            _print(form, source)
            return
        export(source, form.name, target, overwrite=given.force)
    _report(form, target, trace, result, given.json)


def _names_pool(given: argparse.Namespace) -> bool:
    return any(name is not None for name in (given.tiers, given.preset, given.config))


def _target(form: ExportFormat, path: Optional[Path], force: bool) -> Optional[Path]:
    """Return the file that will be written; raise before any work if it may not be."""
    if path is None:
        return None
    target = path / form.file_name if path.is_dir() else path
    output.refuse_existing([target], force)
    return target


def _print(form: ExportFormat, source: Source) -> None:
    """Write to standard output, but nothing of a form that failed on the way."""
    whole = io.BytesIO()
    form.write(source, whole)
    sys.stdout.buffer.write(whole.getvalue())


def _report(
    form: ExportFormat,
    target: Path,
    trace: Trace,
    result: Optional[ReplayResult],
    as_json: bool,
) -> None:
    if as_json:
        values = {
            "file": str(target),
            "format": form.name,
            "bytes": target.stat().st_size,
            "trace_sha256": trace.sha256,
            "replayed": None if result is None else result.to_dict(),
        }
        output.print_json(values)
        return
    print(f"{form.about} written to {target}")
    if result is not None:
        served = output.percent(result.stats.hit_rate)
        print(f"{result.config}: {served} of {result.stats.requests:,} requests served")
