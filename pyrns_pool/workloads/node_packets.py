"""Traffic for a node, made from a seed: announces, single packets, links, resource transfers.

Sizes are those of Reticulum at an MTU of 500 bytes, and how much there is of each kind is close to
the log that comes with the package. All draws and sums are of integers, so that a seed gives the
same log on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pyrns_pool.errors import ConfigError
from pyrns_pool.packets import DIRECTIONS, PACKET_DTYPE, TYPES, PacketLog

__all__ = ["node_packets"]

DURATION_S_MAX = 86_400
RATE_MAX = 10_000
SEED_MAX = (1 << 32) - 1

MS = 1_000_000
S = 1_000_000_000
HEADER, TRANSPORT, TOKEN = 19, 16, 48  # Bytes; TRANSPORT is the next hop's id in header 2.
PART = 464  # Of a resource, the largest payload.
HASHES = 74  # Of parts, in one advertisement.
BURST = 40  # Announces of one burst, within a second.

CONTEXTS = (
    "NONE",
    "PATH_RESPONSE",
    "RESOURCE",
    "RESOURCE_ADV",
    "RESOURCE_REQ",
    "RESOURCE_HMU",
    "RESOURCE_PRF",
    "REQUEST",
    "RESPONSE",
    "CHANNEL",
    "KEEPALIVE",
    "LINKIDENTIFY",
    "LINKCLOSE",
    "LRRTT",
    "LRPROOF",
)


def node_packets(
    seed: int,
    duration_s: int = 60,
    *,
    announces_per_s: int = 3,
    packets_per_s: int = 8,
    links_per_min: int = 7,
    bursts: int = 0,
) -> PacketLog:
    """Return what arrives at a transport node.

    Parameters
    ----------
    seed : int
        Of everything that is drawn, 0 to 2^32 - 1; the same one gives the same log.
    duration_s : int, optional
        Seconds, 1 to 86,400.
    announces_per_s : int, optional
        Announces of some 100 destinations, in the mean.
    packets_per_s : int, optional
        Data for single destinations, most of it proven, in the mean.
    links_per_min : int, optional
        Links that are opened, each with messages, requests and some 8 resource transfers.
    bursts : int, optional
        Moments at which 40 announces arrive within a second.

    Returns
    -------
    PacketLog
        Only ``in`` rows: what the node then sends is the model's to say.

    Raises
    ------
    ConfigError
        If a value is out of range, or so small that nothing arrives.

    Examples
    --------
    >>> log = node_packets(1, duration_s=10)
    >>> log
    <PacketLog node_packets: 199 packets up to 499 bytes, 9.903 s>
    """
    given = {
        "seed": (seed, 0, SEED_MAX),
        "duration_s": (duration_s, 1, DURATION_S_MAX),
        "announces_per_s": (announces_per_s, 0, RATE_MAX),
        "packets_per_s": (packets_per_s, 0, RATE_MAX),
        "links_per_min": (links_per_min, 0, RATE_MAX),
        "bursts": (bursts, 0, RATE_MAX),
    }
    for name, (value, low, high) in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{name}: {value!r} is not in {low} to {high}")
    traffic = _Traffic(seed, duration_s * S)
    traffic.announces(announces_per_s * duration_s, bursts)
    traffic.singles(packets_per_s * duration_s)
    traffic.links(-(-links_per_min * duration_s // 60))
    rows = sorted(row for row in traffic.rows if row[0] < duration_s * S)
    if not rows:
        raise ConfigError("announces_per_s, packets_per_s and links_per_min: nothing arrives")
    values = {name: str(value) for name, (value, _, _) in given.items()}
    provenance = {"file": "node_packets", **values}
    return PacketLog(np.array(rows, PACKET_DTYPE), CONTEXTS, provenance)


def _sealed(payload: int) -> int:
    """Return the length of an encrypted payload: a token, and padding to blocks of 16."""
    return TOKEN + 16 * (payload // 16 + 1)


class _Traffic:
    """Rows of PACKET_DTYPE, in no order."""

    def __init__(self, seed: int, duration_ns: int) -> None:
        # NumPy promises the same numbers of this generator in every version.
        self._random = np.random.RandomState(seed)
        self._duration_ns = duration_ns
        self.rows: list[tuple[int, int, int, int, int]] = []

    def _below(self, count: int) -> int:
        return int(self._random.randint(0, count, dtype=np.int64))

    def _between(self, low: int, high: int) -> int:
        return low + self._below(high - low + 1)

    def _times(self, count: int) -> list[int]:
        """Return moments at random, which ascend: a Poisson process of a known count."""
        times: Any = np.sort(self._random.randint(0, self._duration_ns, count, dtype=np.int64))
        return [int(time) for time in times]

    def _add(self, t_ns: int, kind: str, length: int, context: str = "NONE") -> None:
        codes = DIRECTIONS.index("in"), TYPES.index(kind), CONTEXTS.index(context)
        self.rows.append((t_ns, length, *codes))

    def announces(self, count: int, bursts: int) -> None:
        """Add announces of destinations that keep their length, a quarter with a ratchet."""
        lengths = [
            HEADER + 148 + 32 * (self._below(4) == 0) + 8 * self._below(9) for _ in range(100)
        ]
        times = self._times(count)
        for start in self._times(bursts):
            times += [start + self._below(S) for _ in range(BURST)]
        for t_ns in times:
            self._add(t_ns, "ANNOUNCE", lengths[self._below(len(lengths))])

    def singles(self, count: int) -> None:
        """Add data for single destinations, most of it proven, and path requests."""
        for t_ns in self._times(count):
            length = HEADER + TRANSPORT + 32 + _sealed(self._below(384))
            self._add(t_ns, "DATA", length)
            if self._below(10) < 7:
                self._add(t_ns + self._between(2 * MS, 40 * MS), "PROOF", HEADER + 64)
        for t_ns in self._times(count // 14):
            self._add(t_ns, "DATA", HEADER + 32 + TRANSPORT * self._below(2))

    def links(self, count: int) -> None:
        """Add links from their request to their end."""
        for t_ns in self._times(count):
            self._add(t_ns, "LINKREQUEST", HEADER + TRANSPORT + 67)
            self._add(t_ns + 3 * MS, "PROOF", 118, "LRPROOF")
            self._add(t_ns + 6 * MS, "DATA", HEADER + _sealed(9), "LRRTT")
            if self._below(2):
                self._add(t_ns + 9 * MS, "DATA", HEADER + _sealed(128), "LINKIDENTIFY")
            end_ns = t_ns + self._between(10 * S, 60 * S)
            self._messages(t_ns + 12 * MS, end_ns)
            self._transfers(t_ns + 12 * MS, self._between(5, 11))
            self._add(end_ns, "DATA", HEADER + _sealed(16), "LINKCLOSE")

    def _messages(self, start_ns: int, end_ns: int) -> None:
        """Add what is small on a link: proven data and channel, requests, keepalives."""

        def moments(low: int, high: int) -> list[int]:
            span = end_ns - start_ns
            return [start_ns + self._below(span) for _ in range(self._between(low, high))]

        for context, often in (("NONE", (9, 27)), ("CHANNEL", (7, 21))):
            for t_ns in moments(*often):
                longest = 431 if context == "NONE" else 399
                self._add(t_ns, "DATA", HEADER + _sealed(self._below(longest)), context)
                self._add(t_ns + self._between(2 * MS, 9 * MS), "PROOF", HEADER + 96)
        for t_ns in moments(2, 9):
            request, response = ((31, 63), (47, 223), (191, 431))[self._below(3)]
            self._add(t_ns, "DATA", HEADER + _sealed(request), "REQUEST")
            if self._below(4):
                self._add(t_ns + 5 * MS, "DATA", HEADER + _sealed(response), "RESPONSE")
        for t_ns in moments(1, 4):
            self._add(t_ns, "DATA", HEADER + 1, "KEEPALIVE")
            self._add(t_ns + 4 * MS, "DATA", HEADER + 1, "KEEPALIVE")

    def _transfers(self, start_ns: int, count: int) -> None:
        """Add resource transfers, one after the other: many are short, few have 258 parts."""
        now = start_ns
        for _ in range(count):
            low, high = ((3, 5), (3, 5), (13, 16), (70, 258))[self._below(4)]
            now = self._transfer(now + self._between(50 * MS, 3 * S), self._between(low, high))

    def _transfer(self, now: int, parts: int) -> int:
        """Add one transfer; return when it was proven. Each request asks for a window of parts."""
        hashes = min(parts, HASHES)
        self._add(now, "DATA", HEADER + _sealed(119 + 4 * hashes), "RESOURCE_ADV")
        sent, known, window = 0, hashes, 4
        while sent < parts:
            now += self._between(3 * MS, 6 * MS)
            asked = min(window, known - sent)
            if asked == 0:
                more = min(parts - known, HASHES)
                known += more
                self._add(now, "DATA", HEADER + _sealed(36 + 4 * more), "RESOURCE_HMU")
                continue
            self._add(now, "DATA", HEADER + _sealed(33 + 4 * asked), "RESOURCE_REQ")
            for _ in range(asked):
                now += self._between(MS // 2, 2 * MS)
                sent += 1
                last = sent == parts
                length = HEADER + (self._between(48, PART) if last else PART)
                self._add(now, "DATA", length, "RESOURCE")
            window = min(window + 4, 36)
        self._add(now + 4 * MS, "PROOF", HEADER + 64, "RESOURCE_PRF")
        return now + 4 * MS
