"""A table of samples as CSV, written while they come: whole rows only."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Optional

from pyrns_pool.config import PoolConfig
from pyrns_pool.formats.files import file_exists
from pyrns_pool.live.sample import Sample

__all__ = ["Log"]

COUNTS = ("events", "requests", "hits", "spills", "exhausted", "oversize", "in_use")
TIER = ("in_use", "high_water", "requests", "spills", "exhausted")
HEAP = ("total_free", "largest_free", "failures")
QUALITY = ("missed_bytes", "behind", "lost")


class Log:
    """A CSV file with a row for each sample; a context manager.

    Parameters
    ----------
    path : Path
        The file.
    config : PoolConfig
        The pool, whose tiers have columns of their own: ``tier512_in_use`` and so on.
    force : bool, optional
        Whether an existing file may be overwritten.

    Raises
    ------
    FileExistsError
        If the file exists, and may not be overwritten.

    Notes
    -----
    Every value is a whole number; those of the heap are empty where there is none. A row is
    written by one call, so that whoever reads meanwhile sees whole rows.
    """

    def __init__(self, path: Path, config: PoolConfig, force: bool = False) -> None:
        if path.exists() and not force:
            raise file_exists(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        tiers = [f"tier{tier.slot_bytes}_{name}" for tier in config.tiers for name in TIER]
        heap = [f"heap_{name}" for name in HEAP]
        self._write(["time_ns", *COUNTS, *tiers, *heap, *QUALITY])

    def write(self, sample: Sample) -> None:
        """Write the row of a sample."""
        row = [sample.time_ns, *(getattr(sample, name) for name in COUNTS)]
        row += [getattr(tier, name) for tier in sample.tiers for name in TIER]
        heap = sample.heap
        row += ["" if heap is None else getattr(heap, name) for name in HEAP]
        self._write([str(value) for value in row + [getattr(sample, name) for name in QUALITY]])

    def _write(self, cells: list[str]) -> None:
        os.write(self._file, (",".join(cells) + "\n").encode())

    def __enter__(self) -> Log:
        """Return the log."""
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close the file."""
        os.close(self._file)
