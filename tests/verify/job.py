"""What a job of `make verify` is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping


@dataclass(frozen=True)
class Room:
    """Where a job runs, and how long it may take."""

    tmp: Path
    """An empty folder of its own, gone afterwards."""
    soak: bool
    """Whether this is the long run, `make soak`."""


@dataclass(frozen=True)
class Job:
    """One way to find faults, which first has to find those that were planted for it."""

    name: str
    tool: str
    """What finds the faults."""
    shows: str
    """What holds if it passes, in one line for the table."""
    run: Callable[[Room], Mapping[str, int]]
    """Look for faults; AssertionError if there is one. Returns how much was looked at, by name:
    never less than when that was recorded."""
    plants: Mapping[str, Callable[[Room], str]] = field(default_factory=dict)
    """By the name of a planted fault: look for it, and return the line that tells of it, or ``""``
    if it was not found."""
    cores: int = 1
    """Processors that it keeps busy."""
    is_long: bool = False
    """Whether it takes a minute or more, and so begins first."""


def found(check: Callable[[], object], words: str) -> str:
    """Return the line with these `words` of what a failing `check` says, ``""`` if it passes.

    `check` fails as the functions of `cbuild` do, by an AssertionError with all that was printed.
    """
    try:
        check()
    except AssertionError as error:
        return next((line.strip() for line in str(error).splitlines() if words in line), "")
    return ""
