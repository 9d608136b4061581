"""What glibc's mtrace() writes: every call with its caller, but neither time nor thread.

::

    = Start
    @ ./w:(main+0x12)[0x11c0] + 0x557117dd84a0 0x64
    @ ./w:[0x120c] < 0x557117dd8580
    @ ./w:[0x120c] > 0x557117dd8580 0x7d0
    @ ./w:[0x121c] - 0x557117dd84a0

``+`` allocates, ``-`` frees, ``<`` and ``>`` are the two halves of a realloc, ``!`` one that
failed. Numbers are hexadecimal. The function is there only where the program exports it.
"""

from __future__ import annotations

import os
import re
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress
from pyrns_pool.formats.scan import read_rows
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import merged_sites, recording, site_name
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_mtrace", "read_mtrace"]

FIELDS = {
    "+": ("address", "size"),
    "-": ("address",),
    "<": ("address",),
    ">": ("address", "size"),
}
CALLER = re.compile(r"(?P<module>.*?):?(?:\((?P<symbol>[^()+]*)[^()]*\))?\[(?P<address>[^\]]*)\]")
FAILED = re.compile(rb"(?:@ .*\] )?(?:[+>] \(nil\)|!) .*")
MARKS = (b"= Start", b"= End")


def is_mtrace(start: bytes) -> bool:
    """Return whether a text begins like one of mtrace."""
    return start.startswith(MARKS[0])


def read_mtrace(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read a file of mtrace().

    Parameters
    ----------
    path : str or path-like
        The file that MALLOC_TRACE named.
    options : ImportOptions
        None applies.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Without time. A site is ``module:function``, or ``module:address`` where that is unknown.

    Raises
    ------
    TraceError
        At the first line that is wrong.
    """
    failed = 0

    def other(line: bytes, number: int) -> bool:
        nonlocal failed
        is_failed = FAILED.fullmatch(line) is not None
        failed += is_failed
        return is_failed or line in MARKS

    rows, callers = read_rows(path, "mtrace", FIELDS, other, progress)
    _require_pairs(path, rows)
    letter = rows["letter"]
    is_alloc = (letter == ord("+")) | (letter == ord(">"))
    sites, site_of = merged_sites([*(_site(name) for name in callers), ""])
    columns = {
        "op": np.where(is_alloc, OP_ALLOC, OP_FREE),
        "id": rows["value"][:, 0],
        "size": rows["value"][:, 1],
        "site": np.where(is_alloc, site_of[np.minimum(rows["caller"], len(callers))], 0),
    }
    notes = {"recorder": "glibc mtrace", **({"failed": str(failed)} if failed else {})}
    return recording(path, "mtrace", columns, rows["line"], sites, notes)


def _site(caller: str) -> str:
    match = CALLER.fullmatch(caller)
    if match is None:
        return site_name("", caller)
    return site_name(match["module"], match["symbol"] or match["address"])


def _require_pairs(path: PathLike, rows: NDArray[np.void]) -> None:
    """Raise TraceError unless every '<' stands before a '>' and every '>' behind a '<'."""
    is_old, is_new = rows["letter"] == ord("<"), rows["letter"] == ord(">")
    lonely = (is_new & ~np.roll(is_old, 1)) | (is_old & ~np.roll(is_new, -1))
    if len(rows) and is_new[0]:
        lonely[0] = True
    if len(rows) and is_old[-1]:
        lonely[-1] = True
    if lonely.any():
        at = int(np.argmax(lonely))
        reason = "stands before no '>'" if is_old[at] else "stands behind no '<'"
        raise TraceError(
            reason,
            path=os.fspath(path),
            line=int(rows["line"][at]),
            field="op",
            value=chr(rows["letter"][at]),
        )
