"""Arrays in a zip file: NumPy's NPZ, but the same arrays always give the same bytes.

What expands beyond all measure is not read, so it is not written either: arrays that would are
stored as they are.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any, BinaryIO, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEMBERS_RATIO_MAX", "expands_too_much", "write_members"]

MEMBERS_RATIO_MAX = 200
"""Bytes of all members per byte of the file, as TRACE_GZIP_RATIO_MAX; recordings reach about 8."""
MEMBERS_FREE_BYTES = 1 << 24
"""Bytes of all members to which the ratio does not apply yet."""


def expands_too_much(archive: zipfile.ZipFile, file_bytes: int) -> bool:
    """Return whether the members of a file of that length are refused for what they declare."""
    members_bytes = sum(info.file_size for info in archive.infolist())
    return members_bytes > max(MEMBERS_FREE_BYTES, MEMBERS_RATIO_MAX * file_bytes)


def write_members(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as compressed members ``<name>.npy`` that `numpy.load` reads.

    Parameters
    ----------
    file : binary file
        Open for writing.
    arrays : mapping of str to ndarray
        Written in this order; no object arrays.
    """
    start = file.tell()
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        file.seek(start)
        file.truncate()
        archive = zipfile.ZipFile(file, "w", compression, compresslevel=9)
        try:
            for name, array in arrays.items():
                data = io.BytesIO()
                np.save(data, array, allow_pickle=False)
                info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                info.create_system = 3  # Else the bytes tell on which system they were written.
                info.external_attr = 0o644 << 16
                archive.writestr(info, data.getbuffer(), compression, compresslevel=9)
            archive.close()
        finally:
            # Closing an archive that Ctrl-C stopped inside a member raises an error of its own,
            # which would hide the interrupt. Without its file it is as good as closed.
            archive.fp = None
        if not expands_too_much(archive, file.tell() - start):
            return
