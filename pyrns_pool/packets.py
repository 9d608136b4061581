"""Packet logs: when a node sent and received packets of which kind and length.

A log is CSV text, compressed by gzip or not, that starts with this header line::

    t_s,dir,type,context,length
    0.978578,in,DATA,NONE,195

``t_s`` is in seconds since the process started, with up to nine decimals. ``dir`` is ``pack`` (a
packet that this node just built), ``out`` (handed to an interface; a broadcast counts once for
each) or ``in`` (received). ``length`` is that of the whole packet, header included. A byte order
mark, CR LF line ends and a last line without an end are accepted.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._trace_checks import check_provenance
from pyrns_pool._trace_fault import HEADER_LINE as TRACE_HEADER_LINE
from pyrns_pool._trace_rows import RowKind
from pyrns_pool.errors import TraceError
from pyrns_pool.formats.files import (
    ZIP_MAGIC,
    PathLike,
    Progress,
    origin,
    start_of,
    text_chunks,
)

__all__ = ["DIRECTIONS", "PACKET_DTYPE", "TYPES", "PacketLog", "is_packet_log", "load_packets"]

PACKET_DTYPE = np.dtype(
    [("t_ns", "i8"), ("length", "u4"), ("direction", "u1"), ("type", "u1"), ("context", "u1")]
)
DIRECTIONS = ("pack", "out", "in")
TYPES = ("DATA", "ANNOUNCE", "LINKREQUEST", "PROOF")
"""Packet types of Reticulum; the index is the number in a packet's header."""

PACKETS_MAX = 1 << 22
PACKET_LENGTH_BYTES_MAX = 1 << 20
"""Four times the largest MTU that Reticulum negotiates for a link."""
PACKET_CONTEXTS_MAX = 256
PACKET_LINE_BYTES_MAX = 256
PACKET_TIME_NS_MAX: int = none.lib.RNS_TRACE_TIME_NS_MAX

HEADER_LINE = "t_s,dir,type,context,length"
LIMIT_NAMES = {
    "t_s": " ns (PACKET_TIME_NS_MAX)",
    "length": " (PACKET_LENGTH_BYTES_MAX)",
    "context": " contexts (PACKET_CONTEXTS_MAX)",
}
FIELDS = tuple(HEADER_LINE.split(","))
TIME = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,9}))?")
LENGTH = re.compile(r"[0-9]{1,10}")
CONTEXT = re.compile(r"[A-Z0-9_]{1,32}")


@dataclass(frozen=True, eq=False, repr=False)
class PacketLog:
    """Packets in time order, with the names that their numbers stand for.

    Parameters
    ----------
    packets : ndarray of PACKET_DTYPE, shape (n,)
        ``t_ns`` in nanoseconds, not decreasing; ``length`` in bytes, from 1; ``direction``,
        ``type`` and ``context`` are indices of DIRECTIONS, TYPES and `contexts`. Copied.
    contexts : tuple of str
        Names of capital letters, digits and underscores; distinct.
    provenance : mapping of str to str, optional
        Where the log comes from; one line of text each.

    Raises
    ------
    TraceError
        If there is no packet, or one breaks a rule above or a limit of this module.
    """

    packets: NDArray[np.void]
    contexts: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate, and make what is kept read-only."""
        packets = np.array(self.packets, order="C")
        _check_contexts(self.contexts)
        _row_kind(len(self.contexts)).check(packets)
        packets.flags.writeable = False
        object.__setattr__(self, "packets", packets)
        object.__setattr__(self, "contexts", tuple(self.contexts))
        object.__setattr__(self, "provenance", check_provenance(self.provenance))

    def __len__(self) -> int:
        """Return the number of packets."""
        return len(self.packets)

    def __repr__(self) -> str:
        """Return source and extent on one line."""
        name = self.provenance.get("file")
        bytes_max = int(self.packets["length"].max())
        return (
            f"<PacketLog{' ' + name if name else ''}: {len(self):,} packets "
            f"up to {bytes_max} bytes, {self.duration_ns / 10**9:.3f} s>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the log was built from; unpickling validates it again."""
        return (PacketLog, (self.packets, self.contexts, dict(self.provenance)))

    @property
    def duration_ns(self) -> int:
        """Time from the first packet to the last, in nanoseconds."""
        return int(self.packets["t_ns"][-1]) - int(self.packets["t_ns"][0])


def load_packets(path: PathLike, progress: Optional[Progress] = None) -> PacketLog:
    """Read a packet log.

    Parameters
    ----------
    path : str or path-like
        CSV text, compressed by gzip or not.
    progress : callable, optional
        Called with the fraction of the file that was read, 0 to 1.

    Returns
    -------
    PacketLog
        Validated; its provenance names the file and the format.

    Raises
    ------
    TraceError
        If the file cannot be read, or the first line that is wrong.

    Examples
    --------
    >>> from pyrns_pool.formats import shipped
    >>> from pyrns_pool.packets import load_packets
    >>> load_packets(shipped("reticulum_mtu500_transport.csv.gz"))
    <PacketLog reticulum_mtu500_transport.csv.gz: 41,969 packets up to 499 bytes, 244.047 s>
    """
    name = os.fspath(path)
    if start_of(path) == ZIP_MAGIC:
        reason = "an NPZ file, a trace perhaps, and not a packet log: replay takes a trace"
        raise TraceError(reason, path=name)
    contexts: dict[str, int] = {}
    rows: list[tuple[int, int, int, int, int]] = []
    line = 0
    try:
        for line, text in enumerate(_lines(path, progress), start=1):
            if line == 1:
                _check_header(text)
            elif len(rows) == PACKETS_MAX:
                reason = f"more than {PACKETS_MAX} packets (PACKETS_MAX)"
                raise TraceError(reason, limit=PACKETS_MAX)
            else:
                rows.append(_row(text, contexts))
    except TraceError as error:
        raise error if error.path else error.at(name, line) from None
    if not rows:
        raise TraceError("no packets", path=name, line=line)
    try:
        return PacketLog(np.array(rows, PACKET_DTYPE), tuple(contexts), origin(path))
    except TraceError as error:
        raise error.at(name, None if error.event is None else error.event + 2) from None


def is_packet_log(path: PathLike) -> bool:
    """Tell whether a file starts like a packet log.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    bool
        False for anything else, a trace for instance.

    Raises
    ------
    TraceError
        If it cannot be read.
    """
    if start_of(path) == ZIP_MAGIC:
        return False
    start = next(text_chunks(path), b"")
    return start.removeprefix(b"\xef\xbb\xbf").startswith(HEADER_LINE.encode())


def _check_contexts(contexts: tuple[str, ...]) -> None:
    if len(contexts) > PACKET_CONTEXTS_MAX:
        reason = f"is beyond the limit of {PACKET_CONTEXTS_MAX} contexts (PACKET_CONTEXTS_MAX)"
        value = str(len(contexts))
        raise TraceError(reason, field="contexts", value=value, limit=PACKET_CONTEXTS_MAX)
    for name in contexts:
        if not CONTEXT.fullmatch(name) or contexts.count(name) > 1:
            reason = "is no name of capital letters, digits and underscores, or is there twice"
            raise TraceError(reason, field="contexts", value=name)


def _row_kind(context_count: int) -> RowKind:
    return RowKind(
        "PACKET_DTYPE",
        PACKET_DTYPE,
        "packet",
        "packets",
        PACKETS_MAX,
        "PACKETS_MAX",
        (
            ("t_ns", 0, PACKET_TIME_NS_MAX, "PACKET_TIME_NS_MAX"),
            ("length", 1, PACKET_LENGTH_BYTES_MAX, "PACKET_LENGTH_BYTES_MAX"),
            ("direction", 0, len(DIRECTIONS) - 1, "DIRECTIONS"),
            ("type", 0, len(TYPES) - 1, "TYPES"),
            ("context", 0, context_count - 1, "contexts"),
        ),
    )


def _lines(path: PathLike, progress: Optional[Progress]) -> Iterator[str]:
    """Yield lines without their ends; no more than one unfinished line is kept."""
    rest = b""
    is_first = True
    for chunk in text_chunks(path, progress):
        *whole, rest = (rest + chunk).split(b"\n")
        for data in whole:
            yield _line(data, is_first)
            is_first = False
        if len(rest) > PACKET_LINE_BYTES_MAX:
            break  # Too long already; what follows cannot mend it.
    if rest:
        yield _line(rest, is_first)


def _line(data: bytes, is_first: bool) -> str:
    text = data.decode("latin-1")  # Every name is ASCII; what is not is refused as a name.
    if is_first and data.startswith(b"\xef\xbb\xbf"):
        text = text[3:]
    return text[:-1] if text.endswith("\r") else text


def _check_header(text: str) -> None:
    if text == TRACE_HEADER_LINE:
        reason = "is the header of a trace, not of a packet log: replay takes a trace"
        raise TraceError(reason, value=text)
    if text != HEADER_LINE:
        raise TraceError(f"is not the header line '{HEADER_LINE}'", value=text)


def _row(text: str, contexts: dict[str, int]) -> tuple[int, int, int, int, int]:
    if len(text) > PACKET_LINE_BYTES_MAX:
        limit = PACKET_LINE_BYTES_MAX
        reason = f"is the start of a line longer than {limit} bytes (PACKET_LINE_BYTES_MAX)"
        raise TraceError(reason, value=text, limit=limit)
    parts = text.split(",")
    if len(parts) != len(FIELDS):
        reason = f"does not have the {len(FIELDS)} fields of '{HEADER_LINE}'"
        raise TraceError(reason, value=text, limit=len(FIELDS))
    t_s, direction, type_, context, length = parts
    time = TIME.fullmatch(t_s)
    if time is None:
        raise TraceError("is no number of seconds", field="t_s", value=t_s)
    if not CONTEXT.fullmatch(context):
        reason = "is no name of capital letters, digits and underscores"
        raise TraceError(reason, field="context", value=context)
    if not LENGTH.fullmatch(length):
        raise TraceError("is not a decimal number", field="length", value=length)
    # A float would move the last digits: 16777217.123456789 has no exact one.
    t_ns = int(time[1]) * 10**9 + int((time[2] or "").ljust(9, "0"))
    number = contexts.setdefault(context, len(contexts))
    for name, value, limit in (
        ("t_s", t_ns, PACKET_TIME_NS_MAX),
        ("length", int(length), PACKET_LENGTH_BYTES_MAX),
        ("context", number + 1, PACKET_CONTEXTS_MAX),
    ):
        if value > limit:
            reason = f"is beyond the limit of {limit}{LIMIT_NAMES[name]}"
            raise TraceError(reason, field=name, value=str(value), limit=limit)
    codes = _index("dir", direction, DIRECTIONS), _index("type", type_, TYPES), number
    return (t_ns, int(length), *codes)


def _index(name: str, text: str, names: tuple[str, ...]) -> int:
    if text not in names:
        raise TraceError(f"is none of {', '.join(names)}", field=name, value=text)
    return names.index(text)
