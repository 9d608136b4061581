"""The last hour of a live view in few numbers: rows of lowest and highest, in three grains.

The page keeps the same rows by the same rule (`page.js`), so a reader who comes late sees what one
sees who was there all the time.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Mapping, Optional

__all__ = ["ROWS_MAX", "STEPS_MS", "History", "columns", "values"]

STEPS_MS = (100, 1_000, 6_000)
ROWS_MAX = 600
"""Rows of each grain: the last minute, ten minutes, and hour."""

Row = list[Optional[float]]


def columns(sample: Mapping[str, Any]) -> list[str]:
    """Return what `values` of a sample, as `Sample.to_dict` has it, are."""
    tiers = [f"in_use_{tier['slot_bytes']}" for tier in sample["tiers"]]
    return [*tiers, "hit_rate", "misses_per_s", "heap_fragmentation"]


def values(sample: Mapping[str, Any]) -> Row:
    """Return the numbers of a sample that are kept; None where there is none."""
    heap = sample["heap"]
    return [
        *(tier["in_use"] for tier in sample["tiers"]),
        sample["window"]["hit_rate"],
        sample["window"]["misses_per_s"],
        None if heap is None else heap["fragmentation"],
    ]


class History:
    """Rows of the last hour; a row is ``[number, lowest of each column, highest of each]``.

    Row ``number`` of a grain is of the samples from ``number * step_ms`` on, of which there is at
    least one.
    """

    def __init__(self) -> None:
        self._grains = [deque[Row](maxlen=ROWS_MAX) for _ in STEPS_MS]

    def add(self, at_ms: int, row: Row) -> None:
        """Add the values of a sample of this moment, which is not before the one before it."""
        for step_ms, rows in zip(STEPS_MS, self._grains):
            number = at_ms // step_ms
            if not rows or rows[-1][0] != number:
                rows.append([number, *row, *row])
                continue
            last, count = rows[-1], len(row)
            for i, value in enumerate(row, 1):
                if value is not None:
                    low, high = last[i], last[i + count]
                    last[i] = value if low is None else min(low, value)
                    last[i + count] = value if high is None else max(high, value)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the grains, finest first, as JSON has them."""
        grains = zip(STEPS_MS, self._grains)
        return [{"step_ms": step_ms, "rows": list(rows)} for step_ms, rows in grains]
