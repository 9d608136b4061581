"""Reports of traces and results: everything is computed elsewhere, and put into words here."""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib.metadata import version
from platform import python_version
from typing import Callable, Iterable, Optional, Sequence, Union

from pyrns_pool._version import VERSION
from pyrns_pool.any_result import AnyResult
from pyrns_pool.audit import Findings, audit_trace
from pyrns_pool.compare_results import CompareResult
from pyrns_pool.config import PoolConfig
from pyrns_pool.curve import hit_curve
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.errors import ConfigError
from pyrns_pool.plot import figures_of
from pyrns_pool.replay import replay
from pyrns_pool.report import _tables as tables
from pyrns_pool.report import _words as words
from pyrns_pool.report.content import Chapter, Figure, Report, Section, Table
from pyrns_pool.results import PoolResult, ReplayResult, TraceSummary
from pyrns_pool.sweep_results import SweepResult
from pyrns_pool.trace import Trace
from pyrns_pool.tune import tune
from pyrns_pool.tune_results import TuneResult
from pyrns_pool.workload_results import WorkloadResult

__all__ = ["make_report"]

Progress = Callable[[float], object]
TITLES = {
    "cow": "Copies",
    "heap_fragmentation": "Heap fragmentation",
    "hit_curve": "Slots needed",
    "hit_rate": "Hit rate",
    "largest_free": "Heaps",
    "pools": "Pools",
    "ram": "RAM",
    "raster": "Slots",
    "rate": "Rate",
    "soak": "Hours",
    "table_fill": "Tables",
    "tune": "Recommendation",
}
"""Of sections, where it is not the name of the figure."""


def make_report(
    sources: Sequence[Union[Trace, AnyResult]],
    config: PoolConfig,
    *,
    command: str = "",
    progress: Optional[Progress] = None,
) -> Report:
    """Return a report of traces and of results of other verbs.

    Parameters
    ----------
    sources : sequence of Trace or result
        In the order of the chapters. Results of a trace join the chapter of that trace.
    config : PoolConfig
        The pool that traces are replayed through.
    command : str, optional
        What is asked, as one would type it.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    Report
        The same for the same arguments and versions.

    Raises
    ------
    TraceError
        If a trace does not say which block is freed when.

    Notes
    -----
    A trace is replayed, tuned and audited: some eight seconds for a million events.

    Examples
    --------
    >>> columns = {"t_ns": [0, 5, 9], "op": [0, 0, 1], "id": [1, 2, 1], "size": [24, 30, 0]}
    >>> report = make_report([Trace.from_events(columns)], PoolConfig.parse("32x1"))
    >>> print(report.chapters[0].verdict[0])
    The pool 32x1 strict (32 bytes of slots) serves 50.0 % of 2 requests and misses 1: 1 when the
    tiers were full.
    """
    chapters: list[Chapter] = []
    keys: list[str] = []
    for number, source in enumerate(sources):
        report = _part(progress, number / len(sources), 1 / len(sources))
        if isinstance(source, Trace):
            made = _of_trace(source, config, report)
        else:
            made = _of_result(source)
        key = _key(source)
        if key and key in keys and not isinstance(source, Trace):
            at = keys.index(key)
            chapters[at] = _joined(chapters[at], made)
        else:
            chapters.append(made)
            keys.append(key)
    versions = (
        ("pyrns_pool", VERSION),
        ("Python", python_version()),
        ("NumPy", version("numpy")),
        ("matplotlib", version("matplotlib")),
    )
    return Report(tuple(chapters), command, versions)


def _part(progress: Optional[Progress], begin: float, share: float) -> Progress:
    """Return what tells the progress of one part."""
    done = progress or (lambda fraction: None)
    return lambda fraction: done(begin + share * fraction)


def _of_trace(trace: Trace, config: PoolConfig, progress: Progress) -> Chapter:
    """Replay, count, tune and audit a trace."""
    result = replay(trace, config, slots=True, progress=_part(progress, 0.0, 0.05))
    sizes = [tier.slot_bytes for tier in config.tiers]
    slots = [tier.slot_count for tier in config.tiers]
    curve = hit_curve(trace, sizes, chosen=slots, loads=True, progress=_part(progress, 0.05, 0.05))
    is_enough = not result.stats.misses
    tuned: Optional[TuneResult] = None
    try:
        tuned = tune(
            trace,
            budget_bytes=None if is_enough else config.slots_bytes,
            max_misses=0 if is_enough else None,
            compared=[("this pool", config)],
            progress=_part(progress, 0.1, 0.6),
        )
        advice = list(_sections(tuned))
    except ConfigError as error:  # No pool is so small, or it is larger than the tuner's reach.
        advice = [Section("tune", TITLES["tune"], (f"There is none: {error}.",))]
    findings = audit_trace(trace, config, progress=_part(progress, 0.7, 0.25))
    sections = [*advice, *_sections(result), *_sections(CurveSet((curve,)))]
    sections.append(_findings(findings))
    facts = [*words.trace_facts(result.trace), *_pool_facts(config)]
    progress(1.0)
    return Chapter(
        result.trace.name or "trace",
        words.pool_verdict(result, tuned),
        tuple(facts),
        tuple(sections),
    )


def _of_result(result: AnyResult) -> Chapter:
    """Return what a result of another verb says."""
    trace = _trace_of(result)
    facts: list[tuple[str, str]] = [] if trace is None else words.trace_facts(trace)
    title = "" if trace is None else trace.name
    if isinstance(result, WorkloadResult):
        title, run = result.workload.name, result.workload
        facts = [("workload", run.name), ("events", f"{run.events:,}")]
        facts += [] if run.seed is None else [("seed", str(run.seed))]
        facts += sorted(run.provenance.items())
    verdict: tuple[str, ...]
    if isinstance(result, CompareResult):
        facts += _pool_facts(result.config)
        verdict = (result.verdict(),)
    elif isinstance(result, CurveSet):
        verdict, title = words.curve_verdict(result), ", ".join(c.name for c in result.curves)
    elif isinstance(result, SweepResult):
        verdict, title = words.sweep_verdict(result), ", ".join(i.name for i in result.inputs)
        facts = [(f"{one.kind} {one.name}", f"SHA-256 {one.sha256}") for one in result.inputs]
    elif isinstance(result, TuneResult):
        verdict, title = words.tune_verdict(result), ", ".join(t.name for t in result.traces)
        facts = [fact for one in result.traces for fact in words.trace_facts(one)]
    else:
        verdict = words.pool_verdict(result)
        facts += _pool_facts(result.config)
    return Chapter(title or "result", verdict, tuple(facts), tuple(_sections(result)))


def _trace_of(result: AnyResult) -> Optional[TraceSummary]:
    """Return which one trace a result is of."""
    if isinstance(result, (ReplayResult, CompareResult)):
        return result.trace
    if isinstance(result, CurveSet) and len(result.curves) == 1:
        return result.curves[0].trace
    if isinstance(result, TuneResult) and len(result.traces) == 1:
        return result.traces[0]
    return None


def _key(source: Union[Trace, AnyResult]) -> str:
    """Return what tells events apart; "" if there are none or several."""
    if isinstance(source, Trace):
        return source.sha256
    trace = _trace_of(source)
    return "" if trace is None else trace.sha256


def _joined(chapter: Chapter, other: Chapter) -> Chapter:
    """Return a chapter with the sections of another result of the same trace."""
    known = {section.name for section in chapter.sections}
    sections = list(chapter.sections)
    for section in other.sections:
        number, name, title = 1, section.name, section.title
        while name in known:
            number += 1
            name, title = f"{section.name}-{number}", f"{section.title} {number}"
        known.add(name)
        text = section.text
        if section is other.sections[0]:  # What it says as a whole stands above its figures.
            text = (" ".join(other.verdict), *text)
        sections.append(replace(section, name=name, title=title, text=text))
    return replace(chapter, sections=tuple(sections))


def _pool_facts(config: PoolConfig) -> list[tuple[str, str]]:
    pool = ",".join(map(str, config.tiers))
    facts = [("pool", pool), ("policy", config.policy), ("fallback", config.fallback)]
    return [*facts, ("slots", f"{config.slots_bytes:,} bytes")]


def _sections(result: AnyResult) -> Iterable[Section]:
    """Yield a section for every figure, with the words and tables that belong to it."""
    for name, (draw, _) in figures_of(result).items():
        yield Section(
            name,
            TITLES.get(name, name.replace("_", " ").capitalize()),
            text=_text_of(name, result),
            figures=(Figure(name, result, draw),),
            tables=_tables_of(name, result),
            commands=(_export(result),) if isinstance(result, TuneResult) else (),
        )


def _text_of(name: str, result: AnyResult) -> tuple[str, ...]:
    if isinstance(result, TuneResult):
        return (f"{result.goal.words().capitalize()}: {result.config}.",)
    if isinstance(result, CurveSet):
        return (f"Of a {result.curves[0].policy} pool, {result.curves[0].method}.",)
    if isinstance(result, CompareResult) and name == "largest_free":
        pool = ",".join(map(str, result.config.tiers))
        return (f"The pool is {pool}: {result.config.slots_bytes:,} bytes of slots.",)
    return ()


def _export(result: TuneResult) -> str:
    """Return what writes the pool that was found for a device."""
    trace = result.traces[0]
    command = ["pyrns-pool", "export", trace.name or "TRACE", "--to", "header"]
    # "site='a b'; thread=1" reads as the options that made it.
    command += [f"--{word}" for word in shlex.split(trace.filter.replace("; ", " "))]
    return shlex.join([*command, "--tiers", ",".join(map(str, result.config.tiers))])


def _tables_of(name: str, result: AnyResult) -> tuple[Table, ...]:
    if isinstance(result, PoolResult):
        if name == "occupancy":
            return (tables.tiers(result),)
        if name == "hit_rate" and isinstance(result, ReplayResult) and result.sites:
            return (tables.sites(result),)
        if name == "sizes" and isinstance(result, ReplayResult):
            return (tables.fit(result),)
        if name == "episodes" and isinstance(result, ReplayResult):
            return (tables.episodes(result),)
        if name == "holders" and isinstance(result, ReplayResult):
            return (tables.holders(result),)
    if isinstance(result, CurveSet):
        return tuple(tables.slots(curve) for curve in result.curves)
    if isinstance(result, TuneResult):
        pins = (tables.pins(result),) if result.pins else ()
        return (tables.tuned(result), tables.beside(result), *pins)
    if isinstance(result, CompareResult) and name == "largest_free":
        return (tables.contenders(result),)
    return ()


def _findings(findings: Findings) -> Section:
    counts = ", ".join(f"{count} {severity}" for severity, count in findings.counts.items())
    shown = [row for row in findings.ranked if row[1].severity != "low"]
    return Section(
        "findings",
        "Findings",
        (f"{len(findings)} findings: {counts}.", *findings.summary),
        tables=(tables.findings(shown),) if shown else (),
        commands=("pyrns-pool audit TRACE -o findings.md",),
    )
