"""Findings: what an audit of a trace or of source code says, as values, JSON and Markdown.

The rubric is one for both: severity by what may happen, risk by size and frequency, priority by
severity against effort.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Union

from pyrns_pool.errors import AuditError, ResultError, printable
from pyrns_pool.formats.files import PathLike, output_file

__all__ = [
    "EFFORTS",
    "FREQUENCIES",
    "PRIORITIES",
    "SEVERITIES",
    "Finding",
    "Findings",
    "FixedPool",
    "RegionCheck",
    "module_of",
    "without_templates",
]

FINDINGS_FORMAT = "pyrns_pool findings 1"
FILE_BYTES_MAX = 1 << 26

SEVERITIES: Mapping[str, int] = {"critical": 10, "high": 7, "medium": 4, "low": 1}
"""Worst first. Value: what it weighs in the WSJF score."""
EFFORTS: Mapping[str, int] = {"trivial": 1, "low": 2, "medium": 5, "high": 8}
"""Value: what the WSJF score is divided by."""
FREQUENCIES: Mapping[str, int] = {
    "startup": 1,
    "per-destination": 2,
    "per-announce": 3,
    "per-link": 3,
    "per-transfer": 4,
    "per-packet": 5,
    "unknown": 3,
}
"""Rarest first. Value: its part of the risk."""
PRIORITIES: Mapping[str, float] = {"P1": 3.0, "P2": 1.5, "P3": 0.5, "P4": 0.0}
"""Value: the smallest WSJF score of each."""
SIZE_RISKS = (64, 256, 1024)
"""Largest size of risk 1, 2 and 3; what is larger has 4."""

EvidenceValue = Union[int, float, str]


@dataclass(frozen=True)
class Finding:
    """One row of an audit: a place that allocates, what was seen there, and what to do.

    Parameters
    ----------
    where : str
        A site of the trace, or ``file:line`` of the source.
    module : str
        What the report groups it under: a class, a library, a file.
    pattern : str
        How it allocates, in a few words: "object and buffer", "vector growth".
    count : int
        Allocations in the trace; places in the source.
    size_min_bytes, size_max_bytes : int or None
        Requested bytes; None where the source does not say.
    frequency : str
        A key of `FREQUENCIES`.
    region : str
        Kind of memory the blocks lie in: "internal", "psram".
    severity : str
        A key of `SEVERITIES`.
    effort : str
        A key of `EFFORTS`: what the recommendation takes.
    problem : str
        What is wrong, with the numbers that show it; one sentence or two.
    recommendation : str
        What to do, with the numbers that it would bring.
    evidence : mapping of str to int, float or str, optional
        What was measured, units in the names.
    also : tuple of str, optional
        Other places that belong to the same finding: the second block of a pair.
    symbol : str, optional
        The function; it joins what a trace and the source say of the same place.

    Raises
    ------
    AuditError
        If a value is none of its names, a count negative or a size range upside down.

    Examples
    --------
    >>> finding = Finding(
    ...     "app:Link::send", "app:Link", "buffer", 900, 64, 500, "per-packet", "internal",
    ...     "high", "low", "Each packet allocates.", "Take it from a pool.",
    ... )
    >>> finding.risk, finding.wsjf, finding.priority
    (15, 3.5, 'P1')
    """

    where: str
    module: str
    pattern: str
    count: int
    size_min_bytes: Optional[int]
    size_max_bytes: Optional[int]
    frequency: str
    region: str
    severity: str
    effort: str
    problem: str
    recommendation: str
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    symbol: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        for name, known in (
            ("severity", SEVERITIES),
            ("effort", EFFORTS),
            ("frequency", FREQUENCIES),
        ):
            value = getattr(self, name)
            if value not in known:
                text = printable(str(value), 40)
                raise AuditError(f"{name}: '{text}' is not one of {', '.join(known)}")
        if self.count < 0:
            raise AuditError(f"count: {self.count} is negative")
        least, most = self.size_min_bytes, self.size_max_bytes
        if (least is None) != (most is None) or (
            least is not None and most is not None and not 0 <= least <= most
        ):
            raise AuditError(f"size_min_bytes: {least} to {most} is no range of sizes")
        object.__setattr__(self, "also", tuple(self.also))

    @property
    def risk(self) -> int:
        """Size times frequency, 1 to 20: `SIZE_RISKS` by the largest size, `FREQUENCIES`."""
        largest = self.size_max_bytes
        # A size that is not known counts as a middling one.
        size = 2 if largest is None else 1 + sum(largest > bound for bound in SIZE_RISKS)
        return size * FREQUENCIES[self.frequency]

    @property
    def wsjf(self) -> float:
        """Weighted shortest job first: severity / effort."""
        return SEVERITIES[self.severity] / EFFORTS[self.effort]

    @property
    def priority(self) -> str:
        """P1 to P4 by `wsjf`; see `PRIORITIES`."""
        return next(name for name, least in PRIORITIES.items() if self.wsjf >= least)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; risk, WSJF and priority are among them."""
        derived = {"risk": self.risk, "wsjf": self.wsjf, "priority": self.priority}
        return {**asdict(self), "also": list(self.also), **derived}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_dict` wrote; what is derived is derived again."""
        names = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})


@dataclass(frozen=True)
class RegionCheck:
    """Whether what belongs into a region lies there."""

    where: str
    """A site, a container, or the pattern of a rule."""
    region: str
    """Where it lies."""
    state: str
    """"verified", "missing": it should lie elsewhere; or "unused": a rule matched nothing."""
    note: str
    peak_live_bytes: Optional[int] = None


@dataclass(frozen=True)
class FixedPool:
    """A pool, table or array of fixed size, and what it does when it is full."""

    name: str
    slots: int
    slot_bytes: Optional[int]
    overflow: str
    """What happens to a request that finds it full, in a few words."""
    requests: Optional[int] = None
    misses: Optional[int] = None
    high_water: Optional[int] = None


@dataclass(frozen=True)
class Findings:
    """Everything that one audit says; iterates over its findings, worst first.

    Parameters
    ----------
    subject : str
        What was audited: the name of a trace or of a source tree.
    source : str
        "trace" or "source", or what else it was read from.
    items : tuple of Finding
        Kept by severity, then falling count, then falling risk, then place.
    summary : tuple of str, optional
        What to know first; one sentence or two each.
    regions : tuple of RegionCheck, optional
        For the section on regions.
    pools : tuple of FixedPool, optional
        For the section on overflow.
    method : tuple of (str, str), optional
        How each number was derived: what, and how.

    Examples
    --------
    >>> finding = Finding(
    ...     "a.cpp:7", "a.cpp", "new", 1, None, None, "startup", "internal", "low", "trivial",
    ...     "One object.", "Leave it.",
    ... )
    >>> findings = Findings("demo", "source", (finding,))
    >>> len(findings), findings.ids, findings.counts["low"]
    (1, ('L1',), 1)
    """

    subject: str
    source: str
    items: tuple[Finding, ...]
    summary: tuple[str, ...] = ()
    regions: tuple[RegionCheck, ...] = ()
    pools: tuple[FixedPool, ...] = ()
    method: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Bring into order."""
        order = list(SEVERITIES)
        ordered = sorted(
            self.items,
            key=lambda item: (order.index(item.severity), -item.count, -item.risk, item.where),
        )
        object.__setattr__(self, "items", tuple(ordered))
        for name in ("summary", "regions", "pools"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "method", tuple((what, how) for what, how in self.method))

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.items)

    def __iter__(self) -> Iterator[Finding]:
        """Iterate, worst first."""
        return iter(self.items)

    def __getitem__(self, index: int) -> Finding:
        """Return a finding by its rank."""
        return self.items[index]

    @property
    def ids(self) -> tuple[str, ...]:
        """The name of each finding in the report: C1, H1, H2, M1, ..."""
        seen: Counter[str] = Counter()
        names = []
        for item in self.items:
            seen[item.severity] += 1
            names.append(f"{item.severity[0].upper()}{seen[item.severity]}")
        return tuple(names)

    @property
    def ranked(self) -> tuple[tuple[str, Finding], ...]:
        """Id and finding by priority, then falling count, then severity, then falling risk."""
        pairs = zip(self.ids, self.items)
        return tuple(sorted(pairs, key=lambda row: _rank(row[1])))

    @property
    def counts(self) -> dict[str, int]:
        """Findings of each severity, worst first."""
        found = Counter(item.severity for item in self.items)
        return {severity: found[severity] for severity in SEVERITIES}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        pairs = zip(self.ids, self.items)
        return {
            "format": FINDINGS_FORMAT,
            "subject": self.subject,
            "source": self.source,
            "counts": self.counts,
            "summary": list(self.summary),
            "findings": [{"id": name, **item.to_dict()} for name, item in pairs],
            "regions": [asdict(region) for region in self.regions],
            "pools": [asdict(pool) for pool in self.pools],
            "method": [list(row) for row in self.method],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Findings:
        """Return what `to_dict` wrote; raise anything if it is damaged."""
        if values["format"] != FINDINGS_FORMAT:
            raise AuditError(f"its format is {values['format']!r}")
        return cls(
            subject=values["subject"],
            source=values["source"],
            items=tuple(Finding.from_dict(item) for item in values["findings"]),
            summary=tuple(values["summary"]),
            regions=tuple(RegionCheck(**region) for region in values["regions"]),
            pools=tuple(FixedPool(**pool) for pool in values["pools"]),
            method=tuple((what, how) for what, how in values["method"]),
        )

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the findings: as Markdown if the name ends in ``.md``, else as JSON.

        Parameters
        ----------
        path : str or path-like
            The file; it appears once it is complete.
        overwrite : bool, optional
            Whether to replace a file of that name.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        if Path(path).suffix == ".md":
            text = self.to_markdown()
        else:
            text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        with output_file(path, overwrite) as file:
            file.write(text.encode())

    @classmethod
    def load(cls, path: PathLike) -> Findings:
        """Read the JSON that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.

        Raises
        ------
        ResultError
            If it cannot be read, or holds no findings of this version.
        """
        try:
            with open(path, "rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
            if len(text) > FILE_BYTES_MAX:
                raise AuditError(f"longer than {FILE_BYTES_MAX} bytes")
            return cls.from_dict(json.loads(text))
        except FileNotFoundError:
            raise ResultError(printable(f"{path}: no such file")) from None
        # Damage shows as anything: KeyError, TypeError, RecursionError, ...
        except Exception as error:
            raise ResultError(printable(f"{path}: no findings of pyrns_pool ({error})")) from None

    def to_markdown(self) -> str:
        """Return the report as one Markdown document."""
        from pyrns_pool.audit.markdown import markdown

        return markdown(self)


def without_templates(symbol: str) -> str:
    """Return a symbol without the arguments of templates.

    Examples
    --------
    >>> without_templates("std::map<int, std::vector<a::b> >::insert")
    'std::map::insert'
    """
    while "<" in symbol and (shorter := re.sub(r"<[^<>]*>", "", symbol)) != symbol:
        symbol = shorter
    return symbol


def module_of(site: str) -> str:
    """Return what a report groups a site under: its class, else its library.

    Parameters
    ----------
    site : str
        ``module:symbol``, or a symbol alone.

    Examples
    --------
    >>> module_of("app:RNS::Bytes::newData")
    'app:RNS::Bytes'
    >>> module_of("app:std::vector<std::pair<int, int> >::reserve")
    'app:std::vector'
    >>> module_of("libc.so.6:fopen")
    'libc.so.6'
    """
    site = re.sub(r"\+0x[0-9a-f]+$", ":", site)  # No symbol was known, only an offset.
    library, _, symbol = site.partition(":")
    if ":" not in site or symbol.startswith(":"):  # "std::f" has a colon, but no library in front.
        library, symbol = "", site
    # Arguments of templates and of the function may themselves hold "::".
    scope = without_templates(symbol).partition("(")[0].rpartition("::")[0]
    return ":".join(part for part in (library, scope) if part) or "(no module)"


def _rank(item: Finding) -> tuple[str, int, int, int]:
    return item.priority, -item.count, -SEVERITIES[item.severity], -item.risk
