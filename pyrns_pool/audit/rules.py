"""Which region and frequency class a site has: by stated rules, and by a file that overrides them.

The file is TOML::

    [[region]]
    site = "app:microStore::*"
    region = "psram"

    [[frequency]]
    site = "RNS::Link::*"
    class = "per-link"

    [thresholds]
    per_packet_hz = 20

The first entry whose pattern matches a site counts. Patterns are those of ``Trace.filter``. Blocks
of more than 1 KB are in their place in the regions psram, spiram and external.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Mapping

from pyrns_pool._toml import TomlError, read_toml
from pyrns_pool.audit.findings import FREQUENCIES
from pyrns_pool.audit.sites import EARLY_SHARE, SiteStats
from pyrns_pool.errors import AuditError, printable
from pyrns_pool.formats.files import PathLike

__all__ = ["EXTERNAL_REGIONS", "REGION_DEFAULT", "Rules", "Thresholds", "matches"]

REGION_DEFAULT = "internal"
EXTERNAL_REGIONS = ("psram", "spiram", "external")
"""Regions where a block of more than 1 KB is in its place."""
FILE_BYTES_MAX = 1 << 20
TABLES: Mapping[str, tuple[str, str]] = {
    "region": ("site", "region"),
    "frequency": ("site", "class"),
}


@dataclass(frozen=True)
class Thresholds:
    """Bounds of the frequency classes; the first that holds, in this order, names the class."""

    startup_share: float = 0.9
    """startup: this share of the allocations lies in the first 5 % of the run, or"""
    startup_count: int = 3
    """startup: there are no more than this."""
    per_destination_s: float = 10.0
    """per-destination: the median lives at least so long."""
    per_link_s: float = 1.0
    """per-link: the median lives at least so long."""
    per_packet_hz: float = 10.0
    """per-packet: at least so many a second, on average over the run."""
    per_announce_hz: float = 1.0
    """per-announce: at least so many a second, and one in a hundred lives as long as on a link."""

    def __post_init__(self) -> None:
        """Validate."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                text = printable(str(value), 40)
                raise AuditError(f"thresholds: {entry.name}: '{text}' is not a number from 0")

    def explained(self) -> str:
        """Return the rules as one sentence."""
        return (
            f"The first that holds: startup, if {self.startup_share:.0%} of the allocations lie in"
            f" the first {EARLY_SHARE:.0%} of the run or there are at most {self.startup_count};"
            f" per-destination, if the median lives {self.per_destination_s:g} s;"
            f" per-link, {self.per_link_s:g} s;"
            f" per-packet, from {self.per_packet_hz:g} allocations a second on average;"
            f" per-announce, from {self.per_announce_hz:g} a second if one in a hundred lives"
            f" {self.per_link_s:g} s; else per-transfer. Without times or frees it is unknown."
        )


@dataclass(frozen=True)
class Rules:
    """Regions and frequency classes of sites.

    Parameters
    ----------
    regions : tuple of (str, str), optional
        Pattern of sites, and the region their blocks lie in.
    frequencies : tuple of (str, str), optional
        Pattern of sites, and their frequency class.
    thresholds : Thresholds, optional
        For the sites that `frequencies` does not name.

    Raises
    ------
    AuditError
        If a frequency class is unknown.

    Examples
    --------
    >>> rules = Rules(regions=(("microStore::*", "psram"),))
    >>> rules.region("app:microStore::put"), rules.region("app:main")
    ('psram', 'internal')
    """

    regions: tuple[tuple[str, str], ...] = ()
    frequencies: tuple[tuple[str, str], ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        """Validate."""
        for _, name in self.frequencies:
            if name not in FREQUENCIES:
                text = printable(name, 40)
                known = ", ".join(FREQUENCIES)
                raise AuditError(f"frequency: class: '{text}' is not one of {known}")

    @classmethod
    def load(cls, path: PathLike) -> Rules:
        """Read rules from a TOML file.

        Parameters
        ----------
        path : str or path-like
            The file.

        Raises
        ------
        OSError
            If it cannot be read.
        AuditError
            If it is no TOML, or has a key, a class or a number that is not allowed.
        """
        try:
            return cls._from_toml(read_toml(path, FILE_BYTES_MAX))
        except (AuditError, TomlError) as error:
            raise AuditError(f"{printable(str(path))}: {error}") from None

    @classmethod
    def _from_toml(cls, values: Mapping[str, Any]) -> Rules:
        known = [*TABLES, "thresholds"]
        for name in values:
            if name not in known:
                raise AuditError(f"'{printable(name, 40)}' is not one of {', '.join(known)}")
        given = values.get("thresholds", {})
        names = [entry.name for entry in fields(Thresholds)]
        if not isinstance(given, dict):
            raise AuditError("thresholds: is no table")
        for name in given:
            if name not in names:
                text = printable(name, 40)
                raise AuditError(f"thresholds: '{text}' is not one of {', '.join(names)}")
        region, frequency = (_pairs(values.get(name, []), name) for name in TABLES)
        return cls(region, frequency, Thresholds(**given))

    def region(self, site: str) -> str:
        """Return the region that the blocks of a site lie in."""
        found = (region for pattern, region in self.regions if matches(site, pattern))
        return next(found, REGION_DEFAULT)

    def frequency(self, stats: SiteStats) -> str:
        """Return the frequency class of a site; see `Thresholds`."""
        for pattern, name in self.frequencies:
            if matches(stats.site, pattern):
                return name
        limits, rate, lived = self.thresholds, stats.rate_hz, stats.lifetimes
        if rate is None:
            return "unknown"
        if stats.early_share >= limits.startup_share or stats.count <= limits.startup_count:
            return "startup"
        if lived is None:
            return "unknown"
        if lived.p50_ns >= limits.per_destination_s * 1e9:
            return "per-destination"
        if lived.p50_ns >= limits.per_link_s * 1e9:
            return "per-link"
        if rate >= limits.per_packet_hz:
            return "per-packet"
        if rate >= limits.per_announce_hz and lived.p99_ns >= limits.per_link_s * 1e9:
            return "per-announce"
        return "per-transfer"


def matches(site: str, pattern: str) -> bool:
    """Return whether a pattern matches a site, or the part of it behind the first colon."""
    return fnmatchcase(site, pattern) or fnmatchcase(site.partition(":")[2], pattern)


def _pairs(rows: Any, table: str) -> tuple[tuple[str, str], ...]:
    keys = TABLES[table]
    if not isinstance(rows, list):
        raise AuditError(f"{table}: is no array of tables; write [[{table}]]")
    for number, row in enumerate(rows, 1):
        wrong = not isinstance(row, dict) or set(row) != set(keys)
        if wrong or not all(isinstance(row[key], str) and row[key] for key in keys):
            raise AuditError(f"{table} {number}: needs '{keys[0]}' and '{keys[1]}', both text")
    return tuple((row[keys[0]], row[keys[1]]) for row in rows)
