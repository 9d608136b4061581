"""Checks of a structured array that a user may have made: packets, operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pyrns_pool.errors import TraceError

__all__ = ["RowKind"]


@dataclass(frozen=True)
class RowKind:
    """What rows have to be.

    Parameters
    ----------
    name : str
        Of the dtype, for messages.
    dtype : dtype
        That of the rows.
    noun, plural : str
        What a row is called, and many.
    count_max : int
        Most rows.
    count_name : str
        The name of that limit.
    bounds : tuple of (str, int, int, str)
        For each bounded field its smallest and largest value, and the name of that limit.
    time : str
        The field that does not decrease.
    """

    name: str
    dtype: np.dtype[np.void]
    noun: str
    plural: str
    count_max: int
    count_name: str
    bounds: tuple[tuple[str, int, int, str], ...]
    time: str = "t_ns"

    def check(self, rows: Any) -> None:
        """Raise TraceError with row, field, value and limit unless `rows` are of this kind."""
        if not isinstance(rows, np.ndarray) or rows.dtype != self.dtype or rows.ndim != 1:
            is_array = isinstance(rows, np.ndarray)
            kind = f"{rows.ndim}-D, {rows.dtype}" if is_array else type(rows).__name__
            reason = f"is no one-dimensional array of {self.name}"
            raise TraceError(reason, field=self.plural, value=kind)
        if not 0 < len(rows) <= self.count_max:
            reason = f"is not 1 to {self.count_max} {self.plural} ({self.count_name})"
            raise TraceError(reason, value=str(len(rows)), limit=self.count_max)
        for name, low, high, limit_name in self.bounds:
            column = rows[name]
            if (low > 0 or column.dtype.kind == "i") and column.min() < low or column.max() > high:
                row = int(((column < low) | (column > high)).argmax())
                reason = f"is outside {low} to {high} ({limit_name})"
                value = str(rows[name][row])
                raise TraceError(reason, event=row, field=name, value=value, limit=high)
        times = rows[self.time]
        backward = times[1:] < times[:-1]
        if backward.any():
            row = int(backward.argmax()) + 1
            before = int(times[row - 1])
            reason = f"is earlier than the {self.noun} before it, at {before} ns"
            value = str(times[row])
            raise TraceError(reason, event=row, field=self.time, value=value, limit=before)
