"""From what was parsed to findings: severity, problem and recommendation of each place."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

from pyrns_pool.audit._audited import LARGE_BYTES
from pyrns_pool.audit.findings import FREQUENCIES, EvidenceValue, Finding, FixedPool, RegionCheck
from pyrns_pool.audit.rules import REGION_DEFAULT
from pyrns_pool.audit.source_model import Container, FixedArray, Function, Parsed, Site
from pyrns_pool.audit.source_names import EXTERNAL
from pyrns_pool.audit.source_reach import is_named

__all__ = ["Tree", "pools", "regions", "site_findings", "unbounded_findings"]

ARRAY_BYTES_MIN = 64
"""Smaller arrays of bytes are no pool."""
PATTERNS = {
    "new": "new",
    "new[]": "new[]",
    "shared_ptr(new)": "object and control block",
    "control block": "control block",
    "make_shared": "make_shared",
    "make_unique": "make_unique",
    "malloc": "heap call",
    "growth": "container growth",
    "construction": "container construction",
}
"""What each kind of site is called in the report."""


@dataclass(frozen=True)
class Tree:
    """Everything that was parsed, put together."""

    sites: tuple[Site, ...]
    functions: dict[str, Function]
    containers: dict[str, Container]
    arrays: dict[str, FixedArray]
    uses: dict[tuple[str, str], set[str]]
    """Functions by variable and how they use it."""
    refusals: dict[str, str]
    frequency: dict[str, str]
    regions: tuple[tuple[str, str], ...] = ()
    """Pattern of functions, and the region their blocks lie in."""

    @classmethod
    def of(cls, parsed: list[Parsed]) -> Tree:
        """Return what all parses say together; a header is the same in each."""
        sites: set[Site] = set()
        tree = cls((), {}, {}, {}, {}, {}, {})
        for part in parsed:
            sites |= part.sites
            tree.functions.update(part.functions)
            tree.containers.update(part.containers)
            tree.arrays.update(part.arrays)
            tree.refusals.update(part.refusals)
            for use in part.uses:
                tree.uses.setdefault((use.variable, use.how), set()).add(use.function)
        # One parse may know a type that another lacks.
        known = {(site.file, site.line) for site in sites if site.resolved}
        kept = [site for site in sites if site.resolved or (site.file, site.line) not in known]
        kept.sort(key=lambda site: (site.file, site.line, site.kind, site.what))
        return cls(
            tuple(kept),
            tree.functions,
            tree.containers,
            tree.arrays,
            tree.uses,
            tree.refusals,
            tree.frequency,
        )

    def users(self, variable: str, how: str) -> set[str]:
        """Return the functions that use a variable so."""
        return self.uses.get((variable, how), set())

    def symbol(self, site: Site) -> str:
        """Return the name of the function that a site is in."""
        function = self.functions.get(site.function)
        return "" if function is None else function.name

    def region(self, site: Site) -> str:
        """Return the region that a rule, or an allocator, puts the blocks of a site into."""
        symbol = self.symbol(site)
        found = (region for pattern, region in self.regions if is_named(symbol, pattern))
        external = "psram" if EXTERNAL.search(site.allocator) else REGION_DEFAULT
        return next(found, external)

    @cached_property
    def reserved(self) -> set[str]:
        """Containers that are reserved somewhere."""
        return {variable for variable, how in self.uses if how == "reserve"}


def site_findings(tree: Tree) -> list[Finding]:
    """Return one finding for each place; those of one line, kind and type are one."""
    findings = []
    for site, count in Counter(tree.sites).items():
        findings.append(_finding(tree, site, count))
    return findings


def _finding(tree: Tree, site: Site, count: int) -> Finding:
    function = tree.functions.get(site.function)
    symbol = tree.symbol(site)
    frequency = tree.frequency.get(site.function, "startup" if not site.function else "unknown")
    region = tree.region(site)
    is_external = region != REGION_DEFAULT
    large = site.size_bytes is not None and site.size_bytes > LARGE_BYTES
    if large and not is_external:
        severity, effort = "critical", "low"
    elif frequency == "per-packet":
        severity, effort = "high", "medium" if site.size_bytes is None else "low"
    elif site.kind in ("shared_ptr(new)", "control block"):
        severity, effort = "medium", "trivial"
    elif _grows_in_loop(tree, site):
        severity, effort = "medium", "trivial"
    else:
        severity, effort = "low", "low"
    evidence: dict[str, EvidenceValue] = {"kind": site.kind, "what": site.what}
    if site.element_bytes is not None:
        evidence["element_bytes"] = site.element_bytes
    evidence["in_loop"] = int(site.in_loop)
    evidence["resolved"] = int(site.resolved)
    return Finding(
        where=f"{site.file}:{site.line}",
        module=(function.owner if function is not None else "") or _unit(site.file),
        pattern=_pattern(site),
        count=count,
        size_min_bytes=site.size_bytes,
        size_max_bytes=site.size_bytes,
        frequency=frequency,
        region=region,
        severity=severity,
        effort=effort,
        problem=_problem(site, symbol, frequency, large and not is_external),
        recommendation=_advice(tree, site, severity),
        evidence=evidence,
        symbol=symbol,
    )


def _unit(file: str) -> str:
    """Return what a function that is in no class is grouped under: its file without suffix."""
    return os.path.splitext(file)[0]


def _grows_in_loop(tree: Tree, site: Site) -> bool:
    """Return whether a vector or string grows in a loop without having been reserved."""
    is_contiguous = site.what.partition("::")[0] in ("vector", "basic_string")
    grows = site.kind == "growth" and site.in_loop and is_contiguous
    return grows and site.variable not in tree.reserved and not site.what.endswith("reserve")


def _pattern(site: Site) -> str:
    what = f"{PATTERNS[site.kind]}: {site.what.replace('basic_string', 'string')}"
    return f"{what}, in a loop" if site.in_loop else what


def _problem(site: Site, symbol: str, frequency: str, large: bool) -> str:
    blocks = "Two blocks" if site.kind == "shared_ptr(new)" else "A block"
    size = "" if site.size_bytes is None else f" of {site.size_bytes:,} bytes"
    if site.kind == "shared_ptr(new)" and size:
        size = f", one{size},"
    verb = "are" if blocks.startswith("Two") else "is"
    text = f"{blocks}{size} {verb} taken from the heap"
    text += f" by {symbol}" if symbol else " before main()"
    if frequency == "per-packet":
        text += ", which a hot entry point reaches"
    if site.in_loop:
        text += ", in a loop"
    text += "."
    if large:
        text += f" It is larger than {LARGE_BYTES:,} bytes and outside of PSRAM."
    if site.kind in ("growth", "construction") and site.element_bytes is not None:
        unit = "node" if site.size_bytes == site.element_bytes else "element"
        text += f" An {unit} has" if unit == "element" else f" A {unit} has"
        text += f" {site.element_bytes:,} byte{'' if site.element_bytes == 1 else 's'}."
    if not site.resolved:
        text += " Types are missing here; it was found by its words."
    return text


def _advice(tree: Tree, site: Site, severity: str) -> str:
    parts = []
    if severity == "critical":
        parts.append(f"Move the {site.size_bytes:,} bytes to PSRAM or to a fixed buffer.")
    if site.kind == "shared_ptr(new)":
        parts.append(f"make_shared<{site.what}>() is one block instead of two.")
    elif site.kind == "control block":
        parts.append("Make object and control block one: make_shared, where the object is made.")
    elif severity == "high":
        if site.kind in ("growth", "construction"):
            parts.append("Hold the elements in a fixed array, or the bytes in a pooled Bytes.")
        elif site.size_bytes is not None:
            parts.append(f"Take it from a pool with slots of {site.size_bytes:,} bytes or more.")
        else:
            parts.append("Take it from a pool; a trace of the function says which slots.")
    if _grows_in_loop(tree, site):
        parts.append("Call reserve() before the loop: one block instead of one per doubling.")
    return " ".join(parts) or "Leave it as it is."


def unbounded_findings(tree: Tree) -> list[Finding]:
    """Return a finding for each container that grows and whose size nobody who adds looks at."""
    findings = []
    for container in tree.containers.values():
        growers = tree.users(container.usr, "grow")
        sized = tree.users(container.usr, "size") | tree.users(container.usr, "shrink")
        unchecked = sorted(growers - sized)
        if not unchecked:
            continue
        shrinks = bool(tree.users(container.usr, "shrink"))
        classes = [tree.frequency.get(usr, "unknown") for usr in unchecked]
        frequency = max(classes, key=lambda name: FREQUENCIES[name])
        if frequency == "startup":
            continue
        names = [tree.functions[usr].name for usr in unchecked if usr in tree.functions]
        never = "and nothing takes them out" if not shrinks else "and none looks at its size"
        element = container.element_bytes
        external = EXTERNAL.search(container.allocator)
        evidence: dict[str, EvidenceValue] = {"kind": "unbounded", "what": container.kind}
        findings.append(
            Finding(
                where=f"{container.file}:{container.line}",
                module=container.owner or _unit(container.file),
                pattern=f"unbounded {container.kind.replace('basic_string', 'string')}",
                count=1,
                size_min_bytes=element,
                size_max_bytes=element,
                frequency=frequency,
                region="psram" if external else REGION_DEFAULT,
                severity="medium" if shrinks else "high",
                effort="medium",
                problem=f"{container.name} grows in {', '.join(names)}, {never}.",
                recommendation="Give it a fixed number of entries, and say what happens when it"
                " is full: cull the oldest (a cache) or refuse (a buffer).",
                evidence=evidence,
                symbol=names[0] if names else "",
            )
        )
    return findings


def regions(tree: Tree) -> tuple[RegionCheck, ...]:
    """Return of each container whether it has an allocator for memory outside of the chip."""
    checks = []
    for container in sorted(tree.containers.values(), key=lambda row: (row.file, row.line)):
        is_external = EXTERNAL.search(container.allocator) is not None
        note = f"{container.name}: {container.type}"
        if container.allocator and not is_external:
            note += f"; {container.allocator} is not known to be one of PSRAM"
        checks.append(
            RegionCheck(
                where=f"{container.file}:{container.line}",
                region="psram" if is_external else REGION_DEFAULT,
                state="verified" if is_external else "missing",
                note=note,
            )
        )
    return tuple(sorted(checks, key=lambda check: check.state != "missing"))


def pools(tree: Tree) -> tuple[FixedPool, ...]:
    """Return the fixed arrays and pools, and how those who use them say that they are full."""
    found = []
    for array in sorted(tree.arrays.values(), key=lambda row: (row.file, row.line)):
        size = array.slot_bytes
        if array.slots == 1 or (size == 1 and array.slots < ARRAY_BYTES_MIN):
            continue
        found.append(
            FixedPool(
                name=f"{array.name} ({array.file}:{array.line})",
                slots=array.slots,
                slot_bytes=size,
                overflow=_overflow(tree, array) or "not seen in the source",
            )
        )
    return tuple(found)


def _overflow(tree: Tree, array: FixedArray) -> Optional[str]:
    """Return what those who touch an array, or a method of a pool, say when it is full."""
    kind = array.type.partition("<")[0].rpartition("::")[2].strip()
    for usr, row in tree.functions.items():
        if "<" in array.type and row.owner.rpartition("::")[2] == kind and usr in tree.refusals:
            return f"{tree.refusals[usr]} ({row.name})"
    for usr in sorted(tree.users(array.usr, "touch")):
        if usr in tree.refusals and usr in tree.functions:
            return f"{tree.refusals[usr]} ({tree.functions[usr].name})"
    return None
