"""Write everything about traces and results into one HTML file that can be mailed."""

from __future__ import annotations

import argparse
import os
import shlex
import zipfile
from pathlib import Path
from typing import Optional, Union

from pyrns_pool.any_result import AnyResult, load_result
from pyrns_pool.cli import output
from pyrns_pool.cli.replay import add_fallback_argument, add_pool_arguments, config_of
from pyrns_pool.config import PoolConfig
from pyrns_pool.formats import load_trace
from pyrns_pool.trace import Trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    parser.add_argument(
        "sources",
        metavar="TRACE_OR_RESULT",
        nargs="+",
        help="a trace; or what -o of another verb wrote, which joins the chapter of its trace",
    )
    parser.add_argument("--site", metavar="PATTERN", help="only these sites of the traces")
    add_pool_arguments(parser, PoolConfig.preset("design"))
    add_fallback_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="[report.html, report.md]"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="write Markdown: words and tables, no figures"
    )


def run(given: argparse.Namespace) -> None:
    """Read, compute, write, and print the verdicts."""
    from pyrns_pool.report import make_report

    if not given.markdown:  # What is missing is said before the work.
        import pyrns_pool.report._html  # noqa: F401

    config = config_of(given)
    file = given.output or Path("report.md" if given.markdown else "report.html")
    output.refuse_existing([file], given.force)
    sources = [_read(path, given.site) for path in given.sources]
    with output.progress("reporting") as report:
        made = make_report(sources, config, command=_command(given, config), progress=report)
    file.parent.mkdir(parents=True, exist_ok=True)
    made.save(file, markdown=given.markdown, overwrite=given.force)
    if given.json:
        chapters = [{"title": c.title, "verdict": list(c.verdict)} for c in made.chapters]
        output.print_json({"file": str(file), "chapters": chapters})
        return
    for chapter in made.chapters:
        print(f"{chapter.title}: {' '.join(chapter.verdict)}")
    print(f"\nwritten to {file}: {os.path.getsize(file):,} bytes")


def _read(path: str, site: Optional[str]) -> Union[Trace, AnyResult]:
    if _is_result(path):
        return load_result(path)
    with output.progress(f"reading {path}") as report:
        trace = load_trace(path, report)
    return trace if site is None else trace.filter(site=site)


def _is_result(path: str) -> bool:
    """Return whether a path is a directory of results, or a file of one."""
    if Path(path).is_dir():
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return "values.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False  # A trace, or a file that the reader of traces says more about.


def _command(given: argparse.Namespace, config: PoolConfig) -> str:
    """Return what makes this report again, wherever its file is put."""
    words = ["pyrns-pool", "report", *given.sources]
    if not all(map(_is_result, given.sources)):
        words += ["--tiers", ",".join(map(str, config.tiers)), "--policy", config.policy]
        words += [] if config.fallback == "none" else ["--fallback", config.fallback]
        words += [] if given.site is None else ["--site", given.site]
    return shlex.join(words + (["--markdown"] if given.markdown else []))
