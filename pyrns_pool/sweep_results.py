"""What a sweep found, as values: one row for each input and pool, in one file."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import Members, SavedResult, checked
from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.formats.files import PathLike, output_file
from pyrns_pool.stats import BytesStats, PoolStats

__all__ = ["COUNTS", "ROW_DTYPE", "InputSummary", "SweepResult", "counts_of"]


COUNTS = (
    "requests",
    "hits",
    "spills",
    "exhausted",
    "oversize",
    "fallbacks",
    "failures",
    "high_water_bytes",
    "cow_copies",
    "cow_bytes",
    "dropped_no_memory",
)
"""What is kept of each run. ``high_water_bytes`` is the tiers' high-water marks times their
slot_bytes, summed: what the slots that were ever in use take. ``cow_copies`` and ``cow_bytes`` are
of Bytes, and ``dropped_no_memory`` of a node's packets: a replay has neither, and zeros."""

ROW_DTYPE = np.dtype(
    [("input", "<u4"), ("config", "<u4")] + [(name, "<u8") for name in COUNTS],
)
"""One run: which of the inputs, which of the pools, and what was counted."""

POOL_DTYPE = np.dtype(
    [
        ("config", "<u4"),
        ("slots_bytes", "<u8"),
        ("hit_rate", "<f8"),
        ("hit_rate_worst", "<f8"),
        ("is_best", "?"),
    ]
)
"""One pool over all inputs; see `SweepResult.pools`."""


def counts_of(stats: PoolStats, bytes_: Optional[BytesStats], dropped: int) -> tuple[int, ...]:
    """Return the numbers of `COUNTS`.

    Parameters
    ----------
    stats : PoolStats
        The pool at the end of the run.
    bytes_ : BytesStats or None
        Of the run's Bytes, if it had any.
    dropped : int
        Packets that a node dropped for want of memory.
    """
    high_water_bytes = sum(tier.high_water * tier.slot_bytes for tier in stats.tiers)
    copies = (bytes_.cow_copies, bytes_.cow_bytes) if bytes_ else (0, 0)
    of_pool = (getattr(stats, name) for name in COUNTS[:7])
    return (*of_pool, high_water_bytes, *copies, dropped)


@dataclass(frozen=True)
class InputSummary:
    """What drove the pools."""

    name: str
    kind: str
    """``trace``, replayed exactly, or ``node``, simulated in closed loop from a packet log."""
    sha256: str
    """Of the events and site names of the trace, as `Trace.sha256`; or of the packets."""
    events: int
    """Of the trace, or packets of the log."""


@dataclass(frozen=True, eq=False)
class SweepResult(SavedResult):
    """Every input against every pool.

    Parameters
    ----------
    inputs : tuple of InputSummary
        What drove the pools.
    configs : tuple of PoolConfig
        The pools, no two equal.
    rows : ndarray of ROW_DTYPE, shape (len(inputs) * len(configs),)
        By input, then by pool, in the order of both. Read-only.
    resumed : int
        How many of them were taken from the journal and not run. No file keeps it.
    """

    FORMAT: ClassVar[str] = "pyrns_pool sweep 1"

    inputs: tuple[InputSummary, ...]
    configs: tuple[PoolConfig, ...]
    rows: NDArray[np.void]
    resumed: int = 0

    def __post_init__(self) -> None:
        """Keep an array that cannot be written to."""
        self.rows.flags.writeable = False

    @cached_property
    def table(self) -> NDArray[np.void]:
        """The rows with names instead of numbers: one tidy table, as ``table.csv`` has it.

        Columns: ``input``, ``kind``, ``sha256``; ``tiers`` as the command line writes them,
        ``policy``, ``fallback``, ``slots_bytes``; those of `COUNTS`; ``hit_rate``.
        """
        inputs, configs = self.rows["input"], self.rows["config"]
        columns: dict[str, NDArray[Any]] = {
            name: np.array([getattr(one, name) for one in self.inputs])[inputs]
            for name in ("name", "kind", "sha256")
        }
        columns["tiers"] = np.array([",".join(map(str, c.tiers)) for c in self.configs])[configs]
        for name in ("policy", "fallback"):
            columns[name] = np.array([getattr(c, name) for c in self.configs])[configs]
        columns["slots_bytes"] = self._slots_bytes[configs]
        columns.update({name: self.rows[name] for name in COUNTS})
        columns["hit_rate"] = _hit_rate(self.rows)
        columns = {"input": columns.pop("name"), **columns}
        table = np.empty(len(self.rows), [(name, col.dtype) for name, col in columns.items()])
        for name, column in columns.items():
            table[name] = column
        table.flags.writeable = False
        return table

    @cached_property
    def pools(self) -> NDArray[np.void]:
        """Every pool over all inputs: POOL_DTYPE, by ``slots_bytes``, then falling hit rate.

        ``hit_rate`` is of the requests of all inputs together, ``hit_rate_worst`` that of the
        input it serves worst. ``is_best`` where no pool of as many bytes or fewer has a higher
        hit rate: these are the front from which a pool is chosen.
        """
        by_input = self.rows.reshape(len(self.inputs), len(self.configs))
        pools = np.empty(len(self.configs), POOL_DTYPE)
        pools["config"] = np.arange(len(self.configs))
        pools["slots_bytes"] = self._slots_bytes
        pools["hit_rate_worst"] = _hit_rate(by_input).min(axis=0)
        sums = np.empty(len(self.configs), ROW_DTYPE)
        for name in ("requests", "hits", "spills"):
            sums[name] = by_input[name].sum(axis=0)
        pools["hit_rate"] = _hit_rate(sums)
        pools = pools[np.lexsort((pools["config"], -pools["hit_rate"], pools["slots_bytes"]))]
        best_before = np.maximum.accumulate(np.append(-1.0, pools["hit_rate"]))[:-1]
        pools["is_best"] = pools["hit_rate"] > best_before
        pools.flags.writeable = False
        return pools

    @cached_property
    def _slots_bytes(self) -> NDArray[np.uint64]:
        return np.array([config.slots_bytes for config in self.configs], np.uint64)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the rows of `table` as plain values that JSON can hold."""
        names = self.table.dtype.names or ()
        return [dict(zip(names, row)) for row in self.table.tolist()]

    def save_csv(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write `table` as CSV; the first line names the columns.

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
        with output_file(path, overwrite) as file:
            text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(self.table.dtype.names or ())
            writer.writerows(self.table.tolist())
            text.detach()

    def _parts(self) -> tuple[dict[str, Any], Members]:
        values = {
            "version": VERSION,
            "inputs": [asdict(one) for one in self.inputs],
            "configs": [config.to_dict() for config in self.configs],
        }
        return values, {"rows": self.rows}

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> SweepResult:
        return sweep_from(values, members)


def _hit_rate(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """Return what part of the requests was served; 1 where there were none, as of `PoolStats`."""
    served = (rows["hits"] + rows["spills"]).astype(np.float64)
    rate = np.ones(rows.shape)
    return np.divide(served, rows["requests"], out=rate, where=rows["requests"] > 0)


def sweep_from(values: dict[str, Any], members: Members) -> SweepResult:
    """Return the result that a file holds; raise anything if it is damaged."""
    inputs = tuple(InputSummary(**one) for one in values["inputs"])
    configs = tuple(PoolConfig.from_dict(one) for one in values["configs"])
    rows = checked(members, "rows", ROW_DTYPE, (len(inputs) * len(configs),))
    order = np.arange(len(rows))
    for name, wanted in (("input", order // len(configs)), ("config", order % len(configs))):
        if not np.array_equal(rows[name], wanted):
            raise ValueError(f"rows are not in the order of {name}s")
    return SweepResult(inputs, configs, rows)
