"""Results of every kind: one function reads them all."""

from __future__ import annotations

from typing import Any, Callable, Union

from pyrns_pool._results_file import Members, read_result
from pyrns_pool.compare_results import COMPARE_FORMAT, CompareResult, compare_from
from pyrns_pool.curve_results import CURVE_FORMAT, CurveSet, curves_from
from pyrns_pool.formats.files import PathLike
from pyrns_pool.results import RESULT_FORMAT, ReplayResult, replay_from
from pyrns_pool.sweep_results import SWEEP_FORMAT, SweepResult, sweep_from
from pyrns_pool.tune_results import TUNE_FORMAT, TuneResult, tune_from
from pyrns_pool.workload_results import WORKLOAD_FORMAT, WorkloadResult, workload_from

__all__ = ["AnyResult", "Result", "load_result"]

Result = Union[ReplayResult, WorkloadResult]
"""What a pool did."""
AnyResult = Union[Result, CompareResult, CurveSet, SweepResult, TuneResult]

_KINDS: dict[str, Callable[[dict[str, Any], Members], AnyResult]] = {
    RESULT_FORMAT: replay_from,
    WORKLOAD_FORMAT: workload_from,
    COMPARE_FORMAT: compare_from,
    CURVE_FORMAT: curves_from,
    SWEEP_FORMAT: sweep_from,
    TUNE_FORMAT: tune_from,
}


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
    return read_result(path, _KINDS)
