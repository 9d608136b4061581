"""Numbers in words, the same in every table, report and figure."""

from __future__ import annotations

__all__ = ["duration", "percent", "plural"]


def percent(share: float) -> str:
    """Return a share as per cent with one decimal, rounded down so that 100 % means all.

    Examples
    --------
    >>> percent(2 / 3), percent(0.9999), percent(1)
    ('66.6 %', '99.9 %', '100.0 %')
    """
    return f"{int(share * 1000) / 10:.1f} %"


def plural(count: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> plural(1, "slot"), plural(1024, "slot")
    ('1 slot', '1,024 slots')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(ns: int) -> str:
    """Return a time in the unit that fits, to three digits.

    Examples
    --------
    >>> duration(3_547_875), duration(49_193_931_722), duration(17)
    ('3.55 ms', '49.2 s', '17 ns')
    """
    for scale, unit in ((10**9, "s"), (10**6, "ms"), (10**3, "us")):
        if ns >= scale:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns} ns"
