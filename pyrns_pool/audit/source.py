"""Audit of source code: every place that allocates, and how often it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Callable, Optional, Sequence

from pyrns_pool.audit.findings import Findings
from pyrns_pool.audit.rules import Rules
from pyrns_pool.audit.source_files import parse_tree
from pyrns_pool.audit.source_model import Parsed
from pyrns_pool.audit.source_reach import frequencies, is_named
from pyrns_pool.audit.source_report import (
    Tree,
    pools,
    regions,
    site_findings,
    unbounded_findings,
)
from pyrns_pool.errors import AuditError, printable
from pyrns_pool.formats.files import PathLike

__all__ = ["audit_source"]

MISSING_SHOWN = 8


def audit_source(
    directory: PathLike,
    hot: Sequence[str] = (),
    rules: Optional[Rules] = None,
    *,
    compile_commands: Optional[PathLike] = None,
    progress: Optional[Callable[[float], object]] = None,
) -> Findings:
    """Say of every place in C and C++ files that allocates how bad it is, and what to do.

    Parameters
    ----------
    directory : path-like
        The tree; hidden folders are left out.
    hot : sequence of str, optional
        Patterns of functions that run for each packet: ``Transport::inbound``, ``*::handle_*``.
    rules : Rules, optional
        Regions and frequency classes; their patterns are those of functions, as in `hot`.
    compile_commands : path-like, optional
        A ``compile_commands.json``.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    Findings
        One for each place, and one for each container that grows without bound; containers with
        and without an allocator for PSRAM; arrays and pools of fixed size.

    Raises
    ------
    AuditError
        If the directory, a pattern or the compile commands cannot be used.
    ImportError
        If libclang is not installed.

    Notes
    -----
    About 0.1 s a file and processor, more where much is included. The standard library and
    ESP-IDF's heap are known, other headers that are missing are named in the summary; what
    depends on their types is found by its words and says so. Sizes are those of a 32-bit ARM
    unless a compile command names a target.
    """
    rules = Rules() if rules is None else rules
    parsed = parse_tree(Path(directory), compile_commands, progress)
    tree = Tree.of(parsed)
    for pattern in hot:
        if not any(is_named(row.name, pattern) for row in tree.functions.values()):
            text = printable(pattern, 60)
            raise AuditError(f"hot: '{text}' matches none of {len(tree.functions)} functions")
    frequency = frequencies(tree.functions, hot, rules.frequencies)
    tree = replace(tree, frequency=frequency, regions=rules.regions)
    items = [*site_findings(tree), *unbounded_findings(tree)]
    return Findings(
        subject=Path(directory).resolve().name,
        source="source",
        items=tuple(items),
        summary=_summary(tree, parsed, hot),
        regions=regions(tree),
        pools=pools(tree),
        method=METHOD,
    )


def _summary(tree: Tree, parsed: Sequence[Parsed], hot: Sequence[str]) -> tuple[str, ...]:
    files = {part.file for part in parsed} | {name for part in parsed for name in part.headers}
    lines = [
        f"{len(tree.sites):,} places allocate, in {len(files):,} files with"
        f" {len(tree.functions):,} functions."
    ]
    reached = [usr for usr, name in tree.frequency.items() if name == "per-packet"]
    if hot:
        places = sum(site.function in set(reached) for site in tree.sites)
        lines.append(
            f"{len(reached):,} functions run for each packet, reached from {', '.join(hot)}:"
            f" {places:,} of the places are in them."
        )
    else:
        lines.append("No hot entry points were named (--hot): nothing counts as per-packet.")
    total = sum(row.slots * (row.slot_bytes or 0) for row in tree.arrays.values())
    if tree.arrays:
        lines.append(f"{len(tree.arrays):,} arrays and pools of fixed size hold {total:,} bytes.")
    plain = sum(not row.allocator for row in tree.containers.values())
    if tree.containers:
        lines.append(
            f"{len(tree.containers):,} containers are fields or static; {plain:,} of them have no"
            " allocator of their own."
        )
    words = sum(not site.resolved for site in tree.sites)
    missing = sorted({name for part in parsed for name in part.missing})
    if words or missing:
        shown = ", ".join(printable(name, 60) for name in missing[:MISSING_SHOWN])
        more = len(missing) - MISSING_SHOWN
        shown += f" and {more} more" if more > 0 else ""
        lines.append(
            f"Not resolved: {words:,} places were found by their words alone."
            + (f" Missing: {shown}." if shown else "")
        )
    for part in parsed:
        if part.error:
            lines.append(f"{part.file} was not read: {part.error}.")
    return tuple(lines)


METHOD = (
    (
        "Places",
        "By libclang, of new, the makers of shared and unique pointers, C heaps, and what"
        " containers and strings of the standard library do; placement new does not allocate.",
    ),
    (
        "Sizes",
        "Constants and sizeof() for a 32-bit ARM, or the target of a compile command; nodes as"
        " those of libstdc++. An unknown size is left out.",
    ),
    (
        "Frequency",
        "per-packet: a hot entry point reaches the function by calls, virtual ones included,"
        " those through function pointers not. startup: only constructors and functions called"
        " main, setup, begin, start or init reach it. Else unknown.",
    ),
    (
        "Severity",
        "critical: more than 1 KB outside of PSRAM. high: per-packet, or a container that grows"
        " and never shrinks. medium: shared_ptr(new), growth in a loop without reserve(), a"
        " container without a bound. Else low.",
    ),
    (
        "Fixed pools",
        "Arrays in fields and static storage, and class templates whose last argument is a"
        " number. What happens when one is full: what a function that uses it returns.",
    ),
)
