"""What a trace says in words, and how a site is meant by a pattern."""

from __future__ import annotations

import difflib
import fnmatch
from typing import Sequence

FREE_TIMES_MISSING = "the recording does not say when blocks were freed, as {} needs"
IDENTITY_MISSING = (
    "the recording does not say which block each free means, as {} needs: record with "
    "'heaptrack --raw', or import it with --pairing fifo to take the oldest each time"
)


def site_matches(site: str, pattern: str) -> bool:
    """Return whether a pattern matches a name, or the part of it behind the first colon."""
    names = (site, site.partition(":")[2])
    return site == pattern or any(fnmatch.fnmatchcase(name, pattern) for name in names)


def nearest_sites(sites: Sequence[str], pattern: str) -> list[str]:
    """Return up to three of the sites that a pattern which matches none may have meant."""
    names: dict[str, str] = {}
    for site in sites:
        names.setdefault(site, site)
        names.setdefault(site.partition(":")[2] or site, site)
    found = difflib.get_close_matches(pattern.replace("*", ""), names, n=6, cutoff=0.0)
    return list(dict.fromkeys(names[text] for text in found))[:3]
