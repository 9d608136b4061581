"""One set of findings from a trace and the source of the same program, joined by symbol."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional

from pyrns_pool.audit.findings import FREQUENCIES, Finding, Findings

__all__ = ["join"]

PLACES_MAX = 8


def join(trace: Findings, source: Findings) -> Findings:
    """Return the findings of a trace with places, and those of the source with counts.

    Parameters
    ----------
    trace : Findings
        Of `audit_trace`.
    source : Findings
        Of `audit_source`.

    Returns
    -------
    Findings
        All of both. A finding of the trace names in ``also`` the places in its function; one of
        the source has the site in ``also``, and the measured frequency and allocations.

    Notes
    -----
    A function is the same if its name is, with namespaces and without parameters and arguments
    of templates. Overloads are one.
    """
    places: dict[str, list[str]] = {}
    for item in source:
        if item.symbol:
            places.setdefault(plain(item.symbol), []).append(item.where)
    measured = _measured(trace)
    items = [_placed(item, places) for item in trace]
    items += [_counted(item, measured.get(plain(item.symbol))) for item in source]
    both = set(places) & set(measured)
    of_both = sum(site.count for key in both for site in measured[key].values())
    total = sum(site.count for sites in measured.values() for site in sites.values())
    share = int(1000 * of_both / max(total, 1)) / 10
    summary = (
        f"{len(both):,} of the {len(places):,} functions of the source that allocate are in the"
        f" trace, with {of_both:,} of its allocations ({share:.1f} %)."
    )
    return Findings(
        subject=f"{trace.subject} and {source.subject}",
        source="trace and source",
        items=tuple(items),
        summary=(*trace.summary, *source.summary, summary),
        regions=trace.regions + source.regions,
        pools=trace.pools + source.pools,
        method=trace.method + source.method,
    )


def plain(symbol: str) -> str:
    """Return a symbol without the arguments of templates and without parameters.

    Examples
    --------
    >>> plain("RNS::Table<int, std::less<int> >::add(int const&) const")
    'RNS::Table::add'
    """
    depth, kept = 0, []
    for char in symbol.replace("(anonymous namespace)::", ""):
        if char == "(" and depth == 0:
            break
        depth += (char == "<") - (char == ">" and depth > 0)
        if depth == 0 and char != ">":
            kept.append(char)
    return "".join(kept).strip()


def _measured(trace: Findings) -> Mapping[str, Mapping[str, Finding]]:
    """Return for each function its sites, each with the finding that counts most."""
    measured: dict[str, dict[str, Finding]] = {}
    for item in trace:
        key = plain(item.symbol or item.where.partition(":")[2])
        if key:
            sites = measured.setdefault(key, {})
            known = sites.get(item.where)
            if known is None or item.count > known.count:
                sites[item.where] = item
    return measured


def _placed(item: Finding, places: Mapping[str, list[str]]) -> Finding:
    found = places.get(plain(item.symbol or item.where.partition(":")[2]), [])
    return replace(item, also=(*item.also, *dict.fromkeys(found[:PLACES_MAX])))


def _counted(item: Finding, sites: Optional[Mapping[str, Finding]]) -> Finding:
    """Return a finding of the source with what was measured in its function."""
    if not sites or not item.symbol:
        return item
    worst = max(sites.values(), key=lambda site: FREQUENCIES[site.frequency])
    count = sum(site.count for site in sites.values())
    severity, advice = item.severity, item.recommendation
    if worst.frequency == "per-packet" and severity in ("medium", "low"):
        severity, advice = "high", worst.recommendation
    return replace(
        item,
        frequency=item.frequency if worst.frequency == "unknown" else worst.frequency,
        severity=severity,
        problem=f"{item.problem} The trace saw {count:,} allocations by this function.",
        recommendation=advice,
        also=(*item.also, *sites),
        evidence={**item.evidence, "trace_allocations": count},
    )
