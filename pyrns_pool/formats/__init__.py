"""Files of traces: what they look like, how they are read and written.

`load_trace` looks at the content, `save_trace` at the name. The forms are described in
`pyrns_pool.formats.csv`, `pyrns_pool.formats.npz` and `pyrns_pool.formats.line`.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.csv import read_csv, write_csv
from pyrns_pool.formats.files import (
    ZIP_MAGIC,
    PathLike,
    Progress,
    output_file,
    start_of,
    text_start,
)
from pyrns_pool.formats.heap_trace import is_heap_trace, read_heap_trace
from pyrns_pool.formats.heaptrack import is_heaptrack, read_heaptrack
from pyrns_pool.formats.line import LINE_SUFFIX, RECORD_MARK, read_line
from pyrns_pool.formats.memray import is_memray, read_memray
from pyrns_pool.formats.mtrace import is_mtrace, read_mtrace
from pyrns_pool.formats.npz import read_npz, write_npz
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.profile import is_profile, read_profile
from pyrns_pool.formats.systemview import is_systemview, read_systemview
from pyrns_pool.formats.valgrind import is_valgrind, read_valgrind
from pyrns_pool.trace import Trace

__all__ = ["FORMATS", "SUFFIXES", "ImportOptions", "load_trace", "save_trace", "shipped"]

SUFFIXES = (".csv", ".csv.gz", ".npz")


class Importer(NamedTuple):
    """A form of recording that another tool writes."""

    matches: Callable[[bytes], bool]
    """Whether a text that begins so is of this form."""
    read: Callable[[PathLike, ImportOptions, Optional[Progress]], Trace]


IMPORTERS = {
    "heaptrack": Importer(is_heaptrack, read_heaptrack),
    "mtrace": Importer(is_mtrace, read_mtrace),
    "valgrind": Importer(is_valgrind, read_valgrind),
    "systemview": Importer(is_systemview, read_systemview),
    "heap_trace": Importer(is_heap_trace, read_heap_trace),
    "memray": Importer(is_memray, read_memray),
    "profile": Importer(is_profile, read_profile),
}
FORMATS = ("csv", "npz", "line", *IMPORTERS)
"""Names of the forms that `load_trace` reads."""


def load_trace(
    path: PathLike,
    progress: Optional[Progress] = None,
    *,
    form: Optional[str] = None,
    options: ImportOptions = ImportOptions(),
) -> Trace:
    """Read a trace, whatever its form: the package's own, or a recording of another tool.

    Parameters
    ----------
    path : str or path-like
        The file. Its name does not matter, but records that other output stands in front of are
        known by its end, ``.rns``.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.
    form : str, optional
        One of `FORMATS`; by default the content tells. Text may be compressed by gzip or zstd.
    options : ImportOptions
        What the recording does not say.

    Returns
    -------
    Trace
        Validated; its provenance names the file and the format, its flags say what it lacks.

    Raises
    ------
    TraceError
        If the file cannot be read, or at the first thing in it that is wrong.
    ImportError
        If the form needs a package that is not installed; names it.

    Examples
    --------
    >>> from pyrns_pool.formats import load_trace, shipped
    >>> trace = load_trace(shipped("microreticulum_node_a.npz"))
    >>> trace.peak_live().blocks
    2962
    """
    if form is None:
        form = _form_of(path)
    if form == "npz":
        return read_npz(path, progress)
    if form == "csv":
        return read_csv(path, progress)
    if form == "line":
        return read_line(path, progress)
    if form not in IMPORTERS:
        raise TraceError(f"is none of {', '.join(FORMATS)}", field="format", value=form)
    return IMPORTERS[form].read(path, options, progress)


def _form_of(path: PathLike) -> str:
    if start_of(path) == ZIP_MAGIC:
        return "npz"
    if os.fspath(path).endswith(LINE_SUFFIX) or start_of(path)[:1] == RECORD_MARK:
        return "line"
    start = text_start(path)
    return next((name for name, each in IMPORTERS.items() if each.matches(start)), "csv")


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
