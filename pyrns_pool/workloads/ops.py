"""A workload of one's own: operations on Bytes, as an array or written down step by step.

A row says when, what, and to which handle. Handles are numbers; one that was never made, or was
dropped, is empty. `Workload` writes such rows for people, `repeat` and `merge` make traffic of
them, and NumPy changes them as any array.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyrns_pool._native import none
from pyrns_pool._trace_rows import RowKind

__all__ = ["OP_DTYPE", "Op", "Workload", "check_ops", "merge", "repeat"]

OPS_MAX = 1 << 26
OP_HANDLES_MAX = 1 << 24
OP_TIME_NS_MAX: int = none.lib.RNS_TRACE_TIME_NS_MAX
OP_LENGTH_BYTES_MAX: int = none.lib.RNS_OPS_LENGTH_MAX
"""That of the largest slot."""

OP_DTYPE = np.dtype(
    [
        ("t_ns", "i8"),
        ("op", "u4"),
        ("handle", "u4"),
        ("other", "u4"),
        ("length", "u4"),
        ("start", "u8"),
    ],
    align=True,
)
"""One operation; what it does not need is 0. Laid out as in C, without gaps."""


class Op(IntEnum):
    """What an operation does; the comments name the columns that it reads."""

    CREATE = none.lib.RNS_OP_CREATE
    """``handle`` becomes ``length`` new bytes; empty if there is no slot for them."""
    SHARE = none.lib.RNS_OP_SHARE
    """``handle`` becomes another handle of ``other``."""
    SLICE = none.lib.RNS_OP_SLICE
    """``handle`` becomes the ``length`` bytes of ``other`` from ``start`` on, or what is there."""
    WRITE = none.lib.RNS_OP_WRITE
    """Write ``length`` bytes of ``handle`` from ``start`` on; refused beyond its end."""
    APPEND = none.lib.RNS_OP_APPEND
    """Put ``length`` bytes behind ``handle``."""
    PREPEND = none.lib.RNS_OP_PREPEND
    """Put ``length`` bytes in front of ``handle``."""
    CONCAT = none.lib.RNS_OP_CONCAT
    """Put the content of ``other`` behind ``handle``."""
    COMPACT = none.lib.RNS_OP_COMPACT
    """Move ``handle`` to the smallest tier that holds it."""
    DROP = none.lib.RNS_OP_DROP
    """``handle`` becomes empty."""


_ROW_KIND = RowKind(
    "OP_DTYPE",
    OP_DTYPE,
    "operation",
    "operations",
    OPS_MAX,
    "OPS_MAX",
    (
        ("t_ns", 0, OP_TIME_NS_MAX, "OP_TIME_NS_MAX"),
        ("op", 0, max(Op), "Op"),
        ("handle", 0, OP_HANDLES_MAX - 1, "OP_HANDLES_MAX"),
        ("other", 0, OP_HANDLES_MAX - 1, "OP_HANDLES_MAX"),
        ("length", 0, OP_LENGTH_BYTES_MAX, "OP_LENGTH_BYTES_MAX"),
        ("start", 0, OP_LENGTH_BYTES_MAX, "OP_LENGTH_BYTES_MAX"),
    ),
)


class Workload:
    """Writes operations down; each stands at the time that `at` set last.

    Examples
    --------
    >>> packet = Workload()
    >>> whole = packet.create(200)
    >>> header = packet.slice(whole, 0, 19)
    >>> packet.at(2_000_000)
    >>> packet.drop(whole, header)
    >>> ops = packet.repeat(np.arange(1000) * 500_000)  # a packet every half millisecond
    >>> len(ops), int(ops["handle"].max())
    (4000, 1999)
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        self._t_ns = 0
        self._handles = 0

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self._rows)

    @property
    def ops(self) -> NDArray[np.void]:
        """What was written down: a new array of OP_DTYPE."""
        return np.array(self._rows, OP_DTYPE)

    def at(self, t_ns: int) -> None:
        """Put the clock at `t_ns` nanoseconds; it does not go back."""
        if t_ns < self._t_ns:
            raise ValueError(f"t_ns: {t_ns} is before {self._t_ns}, where the clock stands")
        self._t_ns = t_ns

    def create(self, length: int) -> int:
        """Make `length` new bytes; return their handle."""
        return self._add(Op.CREATE, self._new(), length=length)

    def share(self, other: int) -> int:
        """Return another handle of the same content."""
        return self._add(Op.SHARE, self._new(), other)

    def slice(self, other: int, start: int, length: int) -> int:
        """Return a handle of a part of the content, which shares its storage."""
        return self._add(Op.SLICE, self._new(), other, start, length)

    def write(self, handle: int, start: int, length: int) -> None:
        """Write over a part of the content; whoever shares it keeps the old."""
        self._add(Op.WRITE, handle, 0, start, length)

    def append(self, handle: int, length: int) -> None:
        """Put `length` new bytes behind the content."""
        self._add(Op.APPEND, handle, length=length)

    def prepend(self, handle: int, length: int) -> None:
        """Put `length` new bytes in front of the content."""
        self._add(Op.PREPEND, handle, length=length)

    def concat(self, handle: int, other: int) -> None:
        """Put the content of another handle behind the content."""
        self._add(Op.CONCAT, handle, other)

    def compact(self, handle: int) -> None:
        """Move the content to the smallest tier that holds it."""
        self._add(Op.COMPACT, handle)

    def drop(self, *handles: int) -> None:
        """Drop handles; the last one of a buffer gives its slot back."""
        for handle in handles:
            self._add(Op.DROP, handle)

    def repeat(self, times_ns: ArrayLike) -> NDArray[np.void]:
        """Return what was written down once for each of `times_ns`, as `repeat`."""
        return repeat(self.ops, times_ns)

    def _new(self) -> int:
        self._handles += 1
        return self._handles - 1

    def _add(self, op: Op, handle: int, other: int = 0, start: int = 0, length: int = 0) -> int:
        for name, value in (("handle", handle), ("other", other)):
            if not 0 <= value < max(self._handles, 1):
                raise ValueError(f"{name}: {value!r} is no handle of this workload")
        for name, value in (("start", start), ("length", length)):
            if not 0 <= value <= OP_LENGTH_BYTES_MAX:
                limit = f"0 to {OP_LENGTH_BYTES_MAX} (OP_LENGTH_BYTES_MAX)"
                raise ValueError(f"{name}: {value!r} is outside {limit}")
        self._rows.append((self._t_ns, int(op), handle, other, length, start))
        return handle


def repeat(ops: NDArray[np.void], times_ns: ArrayLike) -> NDArray[np.void]:
    """Return operations once for each of several moments, each time with handles of its own.

    Parameters
    ----------
    ops : ndarray of OP_DTYPE, shape (n,)
        In time order.
    times_ns : array_like of int, shape (m,)
        What is added to their times; repetitions may overlap.

    Returns
    -------
    ndarray of OP_DTYPE, shape (m * n,)
        In time order; of equal times the earlier repetition first.

    Examples
    --------
    >>> beat = Workload()
    >>> _ = beat.create(8)
    >>> beat.repeat([0, 5, 9])["t_ns"]
    array([0, 5, 9])
    """
    shifts = np.asarray(times_ns, np.int64)
    rows = np.tile(ops, (len(shifts), 1))
    rows["t_ns"] += shifts[:, np.newaxis]
    first = np.arange(len(shifts), dtype=np.uint32)[:, np.newaxis] * np.uint32(_handle_count(ops))
    rows["handle"] += first
    rows["other"] += first
    return _in_time_order(rows.reshape(-1))


def merge(*parts: NDArray[np.void]) -> NDArray[np.void]:
    """Return several workloads as one, their handles kept apart.

    Parameters
    ----------
    *parts : ndarray of OP_DTYPE
        Each in time order.

    Returns
    -------
    ndarray of OP_DTYPE
        In time order; of equal times those of the earlier part first.

    Examples
    --------
    >>> one, two = Workload(), Workload()
    >>> _ = one.create(8), two.create(9)
    >>> merge(one.ops, two.ops)[["handle", "length"]].tolist()
    [(0, 8), (1, 9)]
    """
    moved = []
    first = 0
    for part in parts:
        rows = part.copy()
        rows["handle"] += np.uint32(first)
        rows["other"] += np.uint32(first)
        first += _handle_count(part)
        moved.append(rows)
    return _in_time_order(np.concatenate(moved))


def check_ops(ops: NDArray[np.void]) -> int:
    """Return how many handles operations need.

    Parameters
    ----------
    ops : ndarray of OP_DTYPE, shape (n,)
        A workload.

    Raises
    ------
    TraceError
        If there is none, or a row breaks a limit of this module or stands before the row in
        front of it; names row, field, value and limit.
    """
    _ROW_KIND.check(ops)
    return _handle_count(ops)


def _handle_count(ops: NDArray[np.void]) -> int:
    return max((int(ops[name].max()) + 1 for name in ("handle", "other")), default=0)


def _in_time_order(rows: NDArray[np.void]) -> NDArray[np.void]:
    ordered: NDArray[np.void] = rows[np.argsort(rows["t_ns"], kind="stable")]
    return ordered
