"""Exceptions of the package.

Each is also the built-in exception that it is a case of, so that a caller may catch either.
"""

from __future__ import annotations

from typing import Optional

__all__ = [
    "AuditError",
    "ConfigError",
    "Damage",
    "DoubleGive",
    "ForeignPointer",
    "InteriorPointer",
    "MisalignedPointer",
    "Misuse",
    "OutOfRangePointer",
    "PoolError",
    "PoolExhausted",
    "PredictionError",
    "PyrnsPoolError",
    "ResultError",
    "Shared",
    "SweepError",
    "TooLarge",
    "TraceError",
    "WrongPool",
    "printable",
]

VALUE_CHARS = 40  # As in C: RNS_TRACE_VALUE_CHARS.


def printable(text: str, chars_max: Optional[int] = None) -> str:
    """Return text that stays on one line: control characters escaped, the end cut.

    Parameters
    ----------
    text : str
        Anything.
    chars_max : int, optional
        Length from which the text is cut; without it, it is not.

    Returns
    -------
    str
        Only printable characters; ends in "..." when cut.
    """
    cut = text if chars_max is None else text[:chars_max]
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return safe if len(cut) == len(text) else safe + "..."


class PyrnsPoolError(Exception):
    """Base of every exception that the package defines."""


class TraceError(PyrnsPoolError, ValueError):
    """A trace or a packet log was refused.

    The text is one line: where, which field, the value found, and what is wrong with it.

    Parameters
    ----------
    reason : str
        What is wrong; reads on after the value, "is not a decimal number" for instance.
    path : str, optional
        File, as the caller named it.
    line : int, optional
        Line of a text file, from 1.
    event : int, optional
        Event or record, from 0.
    field : str, optional
        Column of the event, or part of the file.
    value : str, optional
        The value found; what is not printable is escaped, what is long is cut.
    limit : int, optional
        The bound that was broken.

    Attributes
    ----------
    reason, path, line, event, field, value, limit
        As given.

    Examples
    --------
    >>> from pyrns_pool.errors import TraceError
    >>> error = TraceError(
    ...     "is not a decimal number", path="a.csv", line=3, event=1, field="size", value="12x"
    ... )
    >>> str(error)
    "a.csv:3: event 1: field 'size': value '12x' is not a decimal number"
    >>> error.line, error.field
    (3, 'size')
    """

    def __init__(
        self,
        reason: str,
        *,
        path: Optional[str] = None,
        line: Optional[int] = None,
        event: Optional[int] = None,
        field: Optional[str] = None,
        value: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> None:
        where = []
        if path is not None:
            where.append(printable(path if line is None else f"{path}:{line}"))
        if event is not None:
            where.append(f"event {event}")
        if field is not None:
            where.append(f"field '{field}'")
        if value is not None:
            # What C has cut has this length and is not to be cut again.
            fits = len(value) <= VALUE_CHARS + len("...")
            value = printable(value, None if fits else VALUE_CHARS)
        what = reason if value is None else f"value '{value}' {reason}"
        super().__init__(": ".join([*where, what]))
        self.reason = reason
        self.path = path
        self.line = line
        self.event = event
        self.field = field
        self.value = value
        self.limit = limit

    def at(self, path: str, line: Optional[int] = None) -> TraceError:
        """Return the same error with its place in a file.

        Parameters
        ----------
        path : str
            File, as the caller named it.
        line : int, optional
            Line of a text file, from 1.

        Returns
        -------
        TraceError
            A new error; this one is unchanged.
        """
        return TraceError(
            self.reason,
            path=path,
            line=line,
            event=self.event,
            field=self.field,
            value=self.value,
            limit=self.limit,
        )


class ResultError(PyrnsPoolError, ValueError):
    """A file is not a result that this version can read."""


class SweepError(PyrnsPoolError, ValueError):
    """A sweep cannot start or go on: its file, its journal, or a worker that cannot be used."""


class AuditError(PyrnsPoolError, ValueError):
    """Rules of an audit, or a finding, are refused; names the field, the value and the limit."""


class PredictionError(PyrnsPoolError, RuntimeError):
    """The real pool did not do what was predicted of it; names the tier and both counts."""


class PoolError(PyrnsPoolError):
    """Base of everything a pool refuses."""


class ConfigError(PoolError, ValueError):
    """A pool configuration is refused; the text names the field, the value and the limit."""


class PoolExhausted(PoolError, MemoryError):
    """Every slot that might serve the request is in use, and no fallback served it."""


class TooLarge(PoolError, ValueError):
    """The request is larger than the largest tier, and no fallback served it."""


class Shared(PoolError, BufferError):
    """Other Bytes or views share the storage, so that the write would have had to copy it."""


class Misuse(PoolError, ValueError):
    """Base of what give refuses; the pool counted it and changed nothing."""


class ForeignPointer(Misuse):
    """The address is neither in the pool's memory nor a live block of its fallback."""


class OutOfRangePointer(Misuse):
    """The address is in the pool's memory, but in no slot."""


class InteriorPointer(Misuse):
    """The address is inside a slot, not at its start."""


class MisalignedPointer(Misuse):
    """The address is in a slot, but not aligned as slots are."""


class DoubleGive(Misuse):
    """The slot is already free."""


class WrongPool(Misuse):
    """The address is in the memory of a pool that this one is linked to."""


class Damage(PoolError, RuntimeError):
    """A pool's own records contradict each other: memory was overwritten."""
