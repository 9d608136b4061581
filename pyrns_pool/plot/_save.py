"""Writing the figures and their data twins to files."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.any_result import AnyResult
from pyrns_pool.compare_results import CompareResult
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.formats.files import PathLike, file_exists, output_file
from pyrns_pool.plot._compare import (
    heap_fragmentation_figure,
    largest_free_figure,
    ram_figure,
)
from pyrns_pool.plot._compare_data import compare_data, failures_data, ram_data
from pyrns_pool.plot._cow import cow_figure
from pyrns_pool.plot._curve import hit_curve_data, hit_curve_figure
from pyrns_pool.plot._data import (
    alarms_data,
    cow_data,
    hit_rate_data,
    occupancy_data,
    rate_data,
    sizes_data,
    soak_data,
    table_fill_data,
    tiers_data,
)
from pyrns_pool.plot._episodes import episodes_figure
from pyrns_pool.plot._hit_rate import hit_rate_figure
from pyrns_pool.plot._holders import holders_figure
from pyrns_pool.plot._lifetimes import lifetimes_figure
from pyrns_pool.plot._occupancy import occupancy_figure
from pyrns_pool.plot._overview import overview_figure
from pyrns_pool.plot._rate import rate_figure
from pyrns_pool.plot._raster import raster_figure
from pyrns_pool.plot._sizes import sizes_figure
from pyrns_pool.plot._slots_data import (
    episodes_data,
    holders_data,
    lifetimes_data,
    pinned_data,
    raster_data,
)
from pyrns_pool.plot._soak import alarms_figure, soak_figure
from pyrns_pool.plot._sheet import Sheet
from pyrns_pool.plot._sweep import pools_data, pools_figure
from pyrns_pool.plot._tables import table_fill_figure
from pyrns_pool.plot._tune import tune_data, tune_figure, tune_front_data
from pyrns_pool.results import ReplayResult
from pyrns_pool.sweep_results import SweepResult
from pyrns_pool.tune_results import TuneResult

__all__ = ["figures_of", "save_figures"]

FORMATS = ("svg", "png")
_Draw = Callable[[Any], Sheet]
_Twin = Optional[Callable[[Any], NDArray[np.void]]]


_OF_SLOTS: dict[str, tuple[_Draw, _Twin]] = {
    "raster": (raster_figure, raster_data),
    "holders": (holders_figure, holders_data),
    "lifetimes": (lifetimes_figure, lifetimes_data),
    "episodes": (episodes_figure, episodes_data),
}


def figures_of(result: AnyResult) -> dict[str, tuple[_Draw, _Twin]]:
    """Return the figures that a result has something to show in, each with its data twin.

    The overview has none, since it repeats what others show.
    """
    if isinstance(result, CompareResult):
        return {
            "largest_free": (largest_free_figure, compare_data),
            "heap_fragmentation": (heap_fragmentation_figure, compare_data),
            "ram": (ram_figure, ram_data),
        }
    if isinstance(result, CurveSet):
        return {"hit_curve": (hit_curve_figure, hit_curve_data)}
    if isinstance(result, SweepResult):
        return {"pools": (pools_figure, pools_data)}
    if isinstance(result, TuneResult):
        return {"tune": (tune_figure, tune_front_data)}
    sheets: dict[str, tuple[_Draw, _Twin]] = {
        "occupancy": (occupancy_figure, occupancy_data),
        "hit_rate": (hit_rate_figure, hit_rate_data),
    }
    if isinstance(result, ReplayResult):
        sheets["sizes"] = (sizes_figure, sizes_data)
        return sheets if result.slots is None else {**sheets, **_OF_SLOTS}
    if result.bytes is not None:
        sheets["cow"] = (cow_figure, cow_data)
        sheets["overview"] = (overview_figure, None)
    if "rate" in result.series:
        sheets["rate"] = (rate_figure, rate_data)
    if "hours" in result.series:
        sheets["soak"] = (soak_figure, soak_data)
        if len(result.series["alarms"]):
            sheets["alarms"] = (alarms_figure, alarms_data)
    if result.tables:
        sheets["table_fill"] = (table_fill_figure, table_fill_data)
    return sheets


def save_figures(
    result: AnyResult,
    directory: PathLike,
    *,
    formats: Sequence[str] = FORMATS,
    overwrite: bool = False,
) -> list[Path]:
    """Write every figure that a result has something to show in, and the numbers that it shows.

    Parameters
    ----------
    result : any result that `load_result` returns
        What ran.
    directory : str or path-like
        Where to; it is made if it is missing.
    formats : sequence of {"svg", "png"}, optional
        Of the figures; PNG is 1200 pixels wide.
    overwrite : bool, optional
        Whether to replace files.

    Returns
    -------
    list of Path
        The files: ``occupancy``, ``hit_rate``, and of a replay ``sizes``, of one that followed
        its blocks ``raster``, ``holders``, ``lifetimes`` and ``episodes``, of a workload with
        Bytes ``cow``, with a rate ``rate``, of a soak ``soak`` and ``alarms``, and with tables
        ``table_fill``, in every format and as ``.csv``; ``overview`` (occupancy and copies) of a
        workload with Bytes, in every format; and ``tiers.csv``, the numbers that the figures
        write beside the tiers, with a raster also ``pinned.csv``. Of a comparison
        ``largest_free``, ``heap_fragmentation`` and ``ram``, each as ``.csv`` too, and
        ``failures.csv``, the first failures. Of curves ``hit_curve``, of a sweep ``pools``, of
        tuning ``tune``, and ``tune_pools.csv``, the pools
        that are marked in it.

    Raises
    ------
    ValueError
        If a format is unknown.
    FileExistsError
        If one of the files exists and `overwrite` is False; then none is written.

    Notes
    -----
    The first line of a CSV file names its columns; `occupancy_data` and the like say what they
    hold. The same result gives the same bytes with the same version of matplotlib.
    """
    for name in [formats] if isinstance(formats, str) else formats:
        if name not in FORMATS or isinstance(formats, str):
            raise ValueError(f"formats: {name!r} is not among {', '.join(FORMATS)}, in a sequence")
    folder = Path(directory)
    kinds = list(dict.fromkeys(formats))
    sheets = figures_of(result)
    figures = {folder / f"{name}.{kind}": (name, kind) for name in sheets for kind in kinds}
    tables = {folder / f"{name}.csv": twin for name, (_, twin) in sheets.items() if twin}
    if isinstance(result, CompareResult):
        tables[folder / "failures.csv"] = failures_data
    elif isinstance(result, TuneResult):
        tables[folder / "tune_pools.csv"] = tune_data
    elif not isinstance(result, (CurveSet, SweepResult)):
        tables[folder / "tiers.csv"] = tiers_data
        if "raster" in sheets:
            tables[folder / "pinned.csv"] = pinned_data
    for path in (*figures, *tables):
        if path.exists() and not overwrite:
            raise file_exists(path)

    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: draw(result) for name, (draw, _) in sheets.items()} if kinds else {}
    for path, (name, kind) in figures.items():
        with output_file(path, overwrite) as file:
            file.write(drawn[name].image(kind))
    for path, table in tables.items():
        with output_file(path, overwrite) as file:
            file.write(_csv(table(result)))
    return [*figures, *tables]


def _csv(rows: NDArray[np.void]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.dtype.names or ())
    writer.writerows(rows.tolist())  # csv writes a float by repr.
    return text.getvalue().encode()
