"""The journal of a sweep: a file to which each run is appended once it is done.

JSON lines. The first is ``{"counts": [names], "format": "pyrns_pool sweep journal 1"}``, each
other ``["key",[counts]]``; the key is a hash of version, input and pool. A process that is killed
while it writes leaves a last line without an end, which is dropped when the file is opened again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from types import TracebackType
from typing import Any, Iterable, Optional

from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import SweepError, printable
from pyrns_pool.formats.files import PathLike
from pyrns_pool.sweep_inputs import SweepInput
from pyrns_pool.sweep_results import COUNTS

__all__ = ["Journal", "pool_texts", "run_keys"]

HEADER = {"format": "pyrns_pool sweep journal 1", "counts": list(COUNTS)}
KEY_CHARS = 32  # 128 bits: no two runs share a key.


def pool_texts(configs: Iterable[PoolConfig]) -> list[bytes]:
    """Return what `run_keys` takes pools by: all that decides what they do."""
    return [_text(config.to_dict()) for config in configs]


def run_keys(one: SweepInput, sha256: str, pools: Iterable[bytes]) -> list[str]:
    """Return what the runs of one input are known by.

    Parameters
    ----------
    one : TraceInput or NodeInput
        The input; its path and name do not matter.
    sha256 : str
        Hash of what was read from it.
    pools : iterable of bytes
        From `pool_texts`.

    Returns
    -------
    list of str
        One for each pool.
    """
    of_input = hashlib.sha256(_text([VERSION, one.kind, sha256, one.options()]))
    keys = []
    for pool in pools:
        digest = of_input.copy()
        digest.update(pool)
        keys.append(digest.hexdigest()[:KEY_CHARS])
    return keys


def _text(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True).encode()


class Journal:
    """The runs that were done, in a file that one sweep at a time may write.

    Parameters
    ----------
    path : str or path-like
        The file; it is made if it is missing.

    Attributes
    ----------
    done : dict of str to tuple of int
        Key and counts of every run that the file held when it was opened.

    Raises
    ------
    SweepError
        If another sweep is writing it, or it is no journal of this version.
    OSError
        If it cannot be read or written.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = os.fspath(path)
        # Unbuffered: a batch is one write, which no Ctrl-C divides.
        self._file = open(self._path, "a+b", buffering=0)
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SweepError(f"{self._path}: another sweep is writing it") from None
            self.done = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close the file."""
        self._file.close()

    def add(self, keys: Iterable[str], rows: Iterable[tuple[int, ...]]) -> None:
        """Append runs that are done."""
        lines = (json.dumps([key, row], separators=(",", ":")) for key, row in zip(keys, rows))
        self._write("".join(line + "\n" for line in lines).encode())

    def _write(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None
        if written != len(data):
            raise SweepError(f"{self._path}: only {written} of {len(data)} bytes could be written")

    def _read(self) -> dict[str, tuple[int, ...]]:
        done = {}
        whole_bytes = 0
        with open(self._path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    self._check_header(line)
                if not line.endswith(b"\n"):
                    break  # Torn: the process was killed here.
                whole_bytes += len(line)
                if number > 1:
                    key, counts = self._run(line, number)
                    done[key] = counts
        # Not before: a file that is no journal is left as it is.
        self._file.truncate(whole_bytes)
        if whole_bytes == 0:
            self._write(_text(HEADER) + b"\n")
        return done

    def _check_header(self, line: bytes) -> None:
        header = _text(HEADER) + b"\n"
        if line != header[: len(line)]:
            start = printable(line.decode("ascii", "backslashreplace").strip(), 40)
            raise SweepError(f"{self._path}:1: '{start}' starts no journal of {VERSION}")

    def _run(self, line: bytes, number: int) -> tuple[str, tuple[int, ...]]:
        try:
            key, counts = json.loads(line)
            if len(key) == KEY_CHARS and len(counts) == len(COUNTS):
                if all(type(count) is int and 0 <= count < 1 << 64 for count in counts):
                    return key, tuple(counts)
        except (ValueError, TypeError):
            pass
        start = printable(line.decode("ascii", "backslashreplace").strip(), 40)
        raise SweepError(f"{self._path}:{number}: '{start}' is no run; delete the file to restart")
