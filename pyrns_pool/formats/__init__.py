"""Files of traces: what they look like, how they are read and written.

`load_trace` looks at the content, `save_trace` at the name. The forms are described in
`pyrns_pool.formats.csv` and `pyrns_pool.formats.npz`.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Optional

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.csv import read_csv, write_csv
from pyrns_pool.formats.files import ZIP_MAGIC, PathLike, Progress, output_file, start_of
from pyrns_pool.formats.npz import read_npz, write_npz
from pyrns_pool.trace import Trace

__all__ = ["SUFFIXES", "load_trace", "save_trace", "shipped"]

SUFFIXES = (".csv", ".csv.gz", ".npz")


def load_trace(path: PathLike, progress: Optional[Progress] = None) -> Trace:
    """Read a trace, whatever its form: CSV, CSV compressed by gzip, or NPZ.

    Parameters
    ----------
    path : str or path-like
        The file; its name does not matter.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Validated; its provenance names the file and the format.

    Raises
    ------
    TraceError
        If the file cannot be read, or at the first thing in it that is wrong.

    Examples
    --------
    >>> from pyrns_pool.formats import load_trace, shipped
    >>> trace = load_trace(shipped("microreticulum_node_a.npz"))
    >>> trace.peak_live().blocks
    2962
    """
    if start_of(path) == ZIP_MAGIC:
        return read_npz(path, progress)
    return read_csv(path, progress)


def save_trace(trace: Trace, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a trace in the form that the name of the file tells.

    The file appears under its name once it is complete. The same trace gives the same bytes.

    Parameters
    ----------
    trace : Trace
        The trace.
    path : str or path-like
        Ends in ``.csv``, ``.csv.gz`` or ``.npz``.
    overwrite : bool
        Whether to replace a file of that name.

    Raises
    ------
    TraceError
        If the name ends in none of these.
    FileExistsError
        If there is such a file and `overwrite` is False.
    OSError
        If the file cannot be written.
    """
    name = os.fspath(path)
    suffix = next((end for end in SUFFIXES if name.endswith(end)), None)
    if suffix is None:
        reason = f"ends in none of {', '.join(SUFFIXES)}"
        raise TraceError(reason, path=name, value=os.path.basename(name))
    with output_file(path, overwrite) as file:
        if suffix == ".npz":
            write_npz(trace, file)
        else:
            write_csv(trace, file, compress=suffix == ".csv.gz")


def shipped(name: str) -> Path:
    """Return where a recording that comes with the package lies.

    Parameters
    ----------
    name : str
        File name, such as ``microreticulum_node_a.npz``.

    Returns
    -------
    pathlib.Path
        The file; what it is, is told by the README.md beside it.

    Raises
    ------
    TraceError
        If there is none of that name; names those that there are.
    """
    # The package is installed as files (zip_safe is False), so the resource has a path.
    folder = Path(str(resources.files("pyrns_pool").joinpath("data")))
    names = sorted(file.name for file in folder.iterdir() if file.name != "README.md")
    if name not in names:
        reason = f"is no recording of the package; there are {', '.join(names)}"
        raise TraceError(reason, field="name", value=name)
    return folder / name
