"""What memray records, read by memray's own reader: only that knows its versions of the file."""

from __future__ import annotations

import importlib
import os
from typing import Any, Optional

import numpy as np

from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import PathLike, Progress, input_file
from pyrns_pool.formats.options import ImportOptions
from pyrns_pool.formats.recording import merged_sites, recording, site_name
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

__all__ = ["is_memray", "read_memray"]

MAGICS = (b"memray\0", b"\x04\x22\x4d\x18")  # The second is LZ4, in which memray packs its files.
FREES = ("FREE", "PYMALLOC_FREE")
MAPPINGS = ("MMAP", "MUNMAP")  # Pages from the system, freed in other pieces than taken.
REPORT_EVERY = 1 << 14


def is_memray(start: bytes) -> bool:
    """Return whether a file begins like one of memray."""
    return start.startswith(MAGICS)


def read_memray(
    path: PathLike, options: ImportOptions, progress: Optional[Progress] = None
) -> Trace:
    """Read a file of ``memray run``.

    Parameters
    ----------
    path : str or path-like
        The file; not one of ``--aggregate``.
    options : ImportOptions
        None applies.
    progress : callable, optional
        Called with the fraction that was read, 0 to 1.

    Returns
    -------
    Trace
        Without time. A site is ``file:function`` of the innermost Python frame. Mappings of pages
        are left out.

    Raises
    ------
    TraceError
        If memray refuses the file, or its events contradict each other.
    ImportError
        If memray is not installed.
    """
    name = os.fspath(path)
    with input_file(path):
        pass  # The usual errors of files in the usual words.
    try:
        memray = importlib.import_module("memray")
    except ImportError:
        raise ImportError(
            f"{name}: a recording of memray is read by memray, which is not installed: "
            "pip install memray"
        ) from None
    kinds = {kind.value: kind.name for kind in memray.AllocatorType}
    try:
        with memray.FileReader(name) as reader:
            return _trace(path, reader, kinds, progress)
    except TraceError:
        raise
    except (OSError, ValueError, NotImplementedError) as error:
        raise TraceError(f"is refused by memray ({error})", path=name) from None


def _trace(
    path: PathLike, reader: Any, kinds: dict[int, str], progress: Optional[Progress]
) -> Trace:
    count = reader.metadata.total_allocations or 1
    rows: list[tuple[int, int, int, int]] = []  # op, address, size, thread
    names: list[str] = []
    threads: dict[int, int] = {}
    for number, record in enumerate(reader.get_allocation_records()):
        kind = kinds.get(record.allocator, "")
        if progress is not None and number % REPORT_EVERY == 0:
            progress(min(number / count, 1.0))
        if kind in MAPPINGS:
            continue
        thread = threads.setdefault(record.tid, len(threads))
        if kind in FREES:
            rows.append((OP_FREE, record.address, 0, thread))
            continue
        frames = record.stack_trace(max_stacks=1)
        names.append(site_name(frames[0][1], frames[0][0]) if frames else "")
        rows.append((OP_ALLOC, record.address, record.size, thread))
    sites, site = merged_sites(names)
    table = np.array(rows, np.uint64).reshape(-1, 4)
    columns: dict[str, Any] = dict(zip(("op", "id", "size", "thread"), table.T))
    columns["site"] = np.zeros(len(table), np.uint32)
    columns["site"][table[:, 0] == OP_ALLOC] = site
    notes = {"recorder": "memray", "program": str(reader.metadata.command_line)}
    place = np.arange(len(table))
    return recording(path, "memray", columns, place, sites, notes, has_lines=False)
