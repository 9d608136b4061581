"""Arrays in a zip file: NumPy's NPZ, but the same arrays always give the same bytes."""

from __future__ import annotations

import io
import zipfile
from typing import Any, BinaryIO, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["write_members"]


def write_members(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as compressed members ``<name>.npy`` that `numpy.load` reads.

    Parameters
    ----------
    file : binary file
        Open for writing.
    arrays : mapping of str to ndarray
        Written in this order; no object arrays.
    """
    archive = zipfile.ZipFile(file, "w")
    try:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Else the bytes tell on which system they were written.
            info.external_attr = 0o644 << 16
            archive.writestr(info, data.getbuffer(), zipfile.ZIP_DEFLATED, compresslevel=9)
        archive.close()
    finally:
        # Closing an archive that Ctrl-C stopped inside a member raises an error of its own, which
        # would hide the interrupt. Without its file the archive is as good as closed.
        archive.fp = None
