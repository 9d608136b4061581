"""The file of a result: one JSON text and named arrays, in NumPy's NPZ form."""

from __future__ import annotations

import json
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Callable, ClassVar, Mapping, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pyrns_pool.errors import ResultError, printable
from pyrns_pool.formats.files import PathLike, output_file
from pyrns_pool.formats.members import MEMBERS_RATIO_MAX, expands_too_much, write_members

__all__ = ["RESULT_NAME", "Members", "SavedResult", "checked", "read_result"]

RESULT_NAME = "result.npz"
MEMBER_BYTES_MAX = 1 << 28

Members = Mapping[str, NDArray[Any]]
ResultT = TypeVar("ResultT")
SavedT = TypeVar("SavedT", bound="SavedResult")


class SavedResult(ABC):
    """A result that goes to one file, in NumPy's NPZ form, and comes back."""

    FORMAT: ClassVar[str]
    """What kind of result a file holds, and which version of its form."""

    @abstractmethod
    def _parts(self) -> tuple[dict[str, Any], Members]:
        """Return what JSON can hold, and arrays: no object arrays, none called ``values``."""

    @classmethod
    @abstractmethod
    def _of_parts(cls, values: dict[str, Any], members: Members) -> Any:
        """Return the result of these parts; raise anything if they are damaged."""

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the whole result to one file; the same result gives the same bytes.

        Parameters
        ----------
        path : str or path-like
            The file; it appears once it is complete.
        overwrite : bool, optional
            Whether to replace a file of that name.

        Raises
        ------
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        values, arrays = self._parts()
        text = json.dumps({"format": self.FORMAT, **values}, separators=(",", ":")).encode()
        with output_file(path, overwrite) as file:
            write_members(file, {"values": np.frombuffer(text, np.uint8), **arrays})

    @classmethod
    def load(cls: type[SavedT], path: PathLike) -> SavedT:
        """Read a result that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file, or the directory that holds ``result.npz``.

        Raises
        ------
        ResultError
            If it cannot be read, or is not a result of this kind and version.
        """
        result: SavedT = read_result(path, {cls.FORMAT: cls._of_parts})
        return result


def read_result(
    path: PathLike, kinds: Mapping[str, Callable[[dict[str, Any], Members], ResultT]]
) -> ResultT:
    """Read what `SavedResult.save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file, or the directory that holds `RESULT_NAME`.
    kinds : mapping of str to callable
        For each ``format`` that is accepted, what makes the result of values and arrays.

    Raises
    ------
    ResultError
        If it cannot be read, or is not a result of one of these formats.
    """
    file = Path(path)
    if file.is_dir():
        file = file / RESULT_NAME
    try:
        members = _read_members(file)
        values = json.loads(checked(members, "values", "u1", (-1,)).tobytes())
        if values["format"] not in kinds:
            raise ValueError(f"its format is {values['format']!r}")
        return kinds[values["format"]](values, members)
    except FileNotFoundError:
        raise ResultError(printable(f"{file}: no such file")) from None
    # Damage shows as anything: zlib.error, TokenError, EOFError, ...
    except Exception as error:
        text = f"{file}: not a result of pyrns_pool ({error})"
        raise ResultError(printable(text)) from None


def checked(members: Members, name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a member of this dtype and shape, in which -1 is any length; or raise ValueError."""
    array = members[name]
    if array.dtype != np.dtype(dtype):
        raise ValueError(f"{name} is {array.dtype}")
    wanted = tuple(have if want < 0 else want for have, want in zip(array.shape, shape))
    if array.ndim != len(shape) or array.shape != wanted:
        raise ValueError(f"{name} has the shape {array.shape}, not {wanted}")
    return array


def _read_members(file: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays, after their declared sizes were found to be bounded."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.file_size > MEMBER_BYTES_MAX:
                raise ValueError(f"{info.filename} is longer than {MEMBER_BYTES_MAX} bytes")
        if expands_too_much(archive, file.stat().st_size):
            times = f"{MEMBERS_RATIO_MAX} times (MEMBERS_RATIO_MAX)"
            raise ValueError(f"members expand more than {times}")
    with np.load(file, allow_pickle=False) as archive:
        members = {name: archive[name] for name in archive.files}
    for array in members.values():
        array.flags.writeable = False
    return members
