"""What a workload did to a pool: the result of code that drives pool and Bytes in closed loop."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._results_file import Members, checked
from pyrns_pool.results import (
    MachineUse,
    PoolResult,
    machine_from,
    pool_from,
)
from pyrns_pool.stats import BytesStats, TableStats

__all__ = [
    "COW_DTYPE",
    "WorkloadResult",
    "WorkloadSummary",
    "coarsen_cow",
]

SERIES_PREFIX = "series."

COW_DTYPE = np.dtype([("copies_avoided", "<u8"), ("cow_copies", "<u8"), ("cow_bytes", "<u8")])
"""Copy-on-write during one bin: shares and slices, writes that copied, and what they copied."""


@dataclass(frozen=True)
class WorkloadSummary:
    """Which workload was run."""

    name: str
    """Its kind, such as ``node`` or ``rtp``; of operations what the caller named them."""
    events: int
    """Moments at which the workload acted: operations, or packets and timers."""
    duration_ns: int
    seed: Optional[int] = None
    """Of what was drawn at random; None if nothing was."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Where its input comes from, such as ``file`` and ``sha256``."""

    def __post_init__(self) -> None:
        """Keep a copy of its own."""
        object.__setattr__(self, "provenance", dict(self.provenance))


@dataclass(frozen=True, eq=False)
class WorkloadResult(PoolResult):
    """A workload that ran over a pool.

    Parameters
    ----------
    workload : WorkloadSummary
        What ran.
    bytes : BytesStats, optional
        What its Bytes did; None if it had none.
    cow : ndarray of COW_DTYPE, shape (n,)
        The same over time, one row for each bin of the timeline; zero if it had none.
    tables : tuple of TableStats
        Its tables at the end.
    counts : mapping of str to int
        What else it counted, packets forwarded for instance.
    series : mapping of str to ndarray
        What else it recorded: the status of each operation, or a rate over time. No objects.
    machine : MachineUse, optional
        What lay where, if a machine was meant.
    """

    FORMAT: ClassVar[str] = "pyrns_pool workload 1"

    workload: WorkloadSummary
    bytes: Optional[BytesStats]
    cow: NDArray[np.void]
    tables: tuple[TableStats, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    series: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    machine: Optional[MachineUse] = None

    def __post_init__(self) -> None:
        """Keep mappings of its own, and arrays that cannot be written to."""
        object.__setattr__(self, "counts", dict(self.counts))
        object.__setattr__(self, "series", dict(self.series))
        for array in (self.cow, *self.series.values()):
            array.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """Return the summary: that of the pool, and ``bytes``, ``tables`` and ``counts``."""
        return {
            **super().to_dict(),
            "bytes": None if self.bytes is None else asdict(self.bytes),
            "tables": [asdict(table) for table in self.tables],
            "counts": dict(self.counts),
            "workload": asdict(self.workload),
            "machine": None if self.machine is None else asdict(self.machine),
        }

    def _parts(self) -> tuple[dict[str, Any], Members]:
        values = {
            "workload": asdict(self.workload),
            **self.pool_values(),
            "bytes": None if self.bytes is None else asdict(self.bytes),
            "tables": [asdict(table) for table in self.tables],
            "counts": dict(self.counts),
            "machine": None if self.machine is None else asdict(self.machine),
        }
        series = {SERIES_PREFIX + name: array for name, array in self.series.items()}
        return values, {**self.pool_arrays(), "cow": self.cow, **series}

    @classmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> WorkloadResult:
        return workload_from(values, members)


def workload_from(values: dict[str, Any], members: Members) -> WorkloadResult:
    """Return the result that a file holds; raise anything if it is damaged."""
    pool = pool_from(values, members)
    bins = len(pool["timeline"].oversize)
    return WorkloadResult(
        **pool,
        workload=WorkloadSummary(**values["workload"]),
        bytes=None if values["bytes"] is None else BytesStats(**values["bytes"]),
        cow=checked(members, "cow", COW_DTYPE, (bins,)),
        tables=tuple(TableStats(**table) for table in values["tables"]),
        counts=values["counts"],
        series={
            name.removeprefix(SERIES_PREFIX): array
            for name, array in members.items()
            if name.startswith(SERIES_PREFIX)
        },
        machine=machine_from(values),
    )


def coarsen_cow(cow: NDArray[np.void], bins_max: int) -> NDArray[np.void]:
    """Return the same counts in the bins of `Timeline.coarsen`.

    Parameters
    ----------
    cow : ndarray of COW_DTYPE, shape (n,)
        One row for each bin.
    bins_max : int
        Most bins that are left, 1 or more.

    Examples
    --------
    >>> rows = np.array([(1, 0, 0), (2, 1, 40), (3, 0, 0)], COW_DTYPE)
    >>> coarsen_cow(rows, 2)["copies_avoided"]
    array([1, 5], dtype=uint64)
    """
    count = len(cow)
    if count <= bins_max:
        return cow
    first = np.arange(bins_max) * count // bins_max
    coarse = np.empty(bins_max, COW_DTYPE)
    for name in COW_DTYPE.names or ():
        coarse[name] = np.add.reduceat(cow[name], first)
    return coarse
