"""RTP packets as a receiver hears them, made from a seed: a queue that fills, loss, jitter.

A sender of video sends a frame 30 times a second, whatever the receiver says. Its packets go
through one link: what comes faster than the link's capacity waits, and what would wait for more
than half a second is lost. All draws and sums are of integers, so that a seed gives the same
stream on every machine.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.errors import ConfigError

__all__ = ["RTP_DTYPE", "rtp_stream"]

RTP_DTYPE = np.dtype(
    [("arrival_ns", "<i8"), ("send_ns", "<i8"), ("size", "<u4"), ("ssrc", "<u4"), ("seq", "<u2")]
)
"""One packet; ``size`` is that of the whole RTP packet in bytes."""

DURATION_S_MAX = 86_400
RATE_BPS_MAX = 1_000_000_000
SEED_MAX = (1 << 32) - 1

NS = 1_000_000_000
FRAMES_PER_S = 30
PACKET_BYTES = 1200
HEADER_BYTES = 20
PACING_NS = 200_000  # Between packets of a frame.
DELAY_NS = 20_000_000  # Of the way, without waiting.
QUEUE_NS = NS // 2
FIRST_SSRC = 0x1001

Steps = Sequence[tuple[int, int]]


def rtp_stream(
    seed: int,
    duration_s: int = 60,
    *,
    bitrate_bps: int = 1_000_000,
    capacity_bps: Steps = ((0, 2_000_000), (20, 700_000), (40, 2_000_000)),
    jitter_ns: int = 2_000_000,
    loss_per_mille: int = 2,
    streams: int = 1,
) -> NDArray[np.void]:
    """Return the packets of one sender in the order of their arrival.

    Parameters
    ----------
    seed : int
        Of everything that is drawn, 0 to 2^32 - 1; the same one gives the same stream.
    duration_s : int, optional
        Seconds, 1 to 86,400.
    bitrate_bps : int, optional
        What is sent, in bits a second, over all streams; a frame differs by up to a fifth from
        the mean.
    capacity_bps : sequence of (int, int), optional
        The link's capacity in bits a second, from a second on: at first 0, ascending. The default
        is too narrow for 20 seconds.
    jitter_ns : int, optional
        Most by which the way of a packet is longer than that of another; it may overtake.
    loss_per_mille : int, optional
        Packets of 1000 that are lost, beside those for which the queue is too long.
    streams : int, optional
        SSRCs among which frames take turns, 1 to 64.

    Returns
    -------
    ndarray of RTP_DTYPE, shape (n,)
        Those that arrive.

    Raises
    ------
    ConfigError
        If a value is out of range.

    Examples
    --------
    >>> stream = rtp_stream(1, duration_s=30)
    >>> late_ms = (stream["arrival_ns"] - stream["send_ns"]) // 1_000_000
    >>> int(late_ms[stream["send_ns"] < 20 * 10**9].max()), int(late_ms.max())
    (41, 535)
    """
    given = {
        "seed": (seed, 0, SEED_MAX),
        "duration_s": (duration_s, 1, DURATION_S_MAX),
        "bitrate_bps": (bitrate_bps, 1, RATE_BPS_MAX),
        "jitter_ns": (jitter_ns, 0, NS),
        "loss_per_mille": (loss_per_mille, 0, 1000),
        "streams": (streams, 1, 64),
    }
    for name, (value, low, high) in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{name}: {value!r} is not in {low} to {high}")
    steps = _check_steps(capacity_bps)
    # NumPy promises the same numbers of this generator in every version.
    random = np.random.RandomState(seed)
    rows = []
    free_ns, step = 0, 0  # When the link is free again.
    sequence = [0] * streams
    for send_ns, size, stream in _sent(random, duration_s, bitrate_bps, streams):
        seq = sequence[stream]
        sequence[stream] = (seq + 1) % (1 << 16)
        late_ns = int(random.randint(0, jitter_ns + 1, dtype=np.int64))
        is_lost = int(random.randint(0, 1000)) < loss_per_mille
        while step + 1 < len(steps) and send_ns >= steps[step + 1][0] * NS:
            step += 1
        begin_ns = max(send_ns, free_ns)
        if begin_ns - send_ns > QUEUE_NS:
            continue
        free_ns = begin_ns + size * 8 * NS // steps[step][1]
        if not is_lost:
            arrival_ns = free_ns + DELAY_NS + late_ns
            rows.append((arrival_ns, send_ns, size, FIRST_SSRC + stream, seq))
    rows.sort()
    return np.array(rows, RTP_DTYPE)


def _sent(
    random: np.random.RandomState, duration_s: int, bitrate_bps: int, streams: int
) -> list[tuple[int, int, int]]:
    """Return time, size and stream of every packet that is sent."""
    packets = []
    mean = max(bitrate_bps // (8 * FRAMES_PER_S), 1)
    for frame in range(duration_s * FRAMES_PER_S):
        rest = mean - mean // 5 + int(random.randint(0, 2 * (mean // 5) + 1, dtype=np.int64))
        now = frame * NS // FRAMES_PER_S
        while rest > 0:
            size = max(min(rest, PACKET_BYTES), HEADER_BYTES)
            packets.append((now, size, frame % streams))
            rest -= size
            now += PACING_NS
    return sorted(packets)


def _check_steps(steps: Steps) -> Steps:
    times = [time for time, _ in steps]
    if not times or times[0] != 0 or times != sorted(set(times)):
        raise ConfigError(f"capacity_bps: the seconds {times} do not ascend from 0")
    for _, bps in steps:
        if not 1 <= bps <= RATE_BPS_MAX:
            raise ConfigError(f"capacity_bps: {bps!r} is not in 1 to {RATE_BPS_MAX}")
    return steps
