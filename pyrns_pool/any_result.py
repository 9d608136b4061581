"""Results of every kind: one function reads them all."""

from __future__ import annotations

from typing import Union

from pyrns_pool._results_file import SavedResult, read_result
from pyrns_pool.compare_results import CompareResult
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.formats.files import PathLike
from pyrns_pool.results import ReplayResult
from pyrns_pool.sweep_results import SweepResult
from pyrns_pool.tune_results import TuneResult
from pyrns_pool.workload_results import WorkloadResult

__all__ = ["AnyResult", "Result", "load_result"]

Result = Union[ReplayResult, WorkloadResult]
"""What a pool did."""
AnyResult = Union[Result, CompareResult, CurveSet, SweepResult, TuneResult]

_KINDS: tuple[type[SavedResult], ...] = (
    ReplayResult,
    WorkloadResult,
    CompareResult,
    CurveSet,
    SweepResult,
    TuneResult,
)


def load_result(path: PathLike) -> AnyResult:
    """Read a result, whichever kind it is.

    Parameters
    ----------
    path : str or path-like
        The file, or the directory that holds ``result.npz``.

    Returns
    -------
    ReplayResult, WorkloadResult, CompareResult, CurveSet, SweepResult or TuneResult
        As it was saved.

    Raises
    ------
    ResultError
        If it cannot be read, or is not a result of this version.
    """
    result: AnyResult = read_result(path, {kind.FORMAT: kind._of_parts for kind in _KINDS})
    return result
