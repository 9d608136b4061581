"""Run a stream of RTP packets through the receiver of a bandwidth estimator, in C."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool, aligned_memory
from pyrns_pool._timeline import BINS_DEFAULT, Meter, bin_edges
from pyrns_pool._trace_rows import RowKind
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.stats import table_from_native
from pyrns_pool.workload_results import WorkloadResult, WorkloadSummary
from pyrns_pool.workloads.rtp_stream import RTP_DTYPE

__all__ = ["RATE_DTYPE", "RTP_FILTERS", "RTP_SIGNALS", "RTP_STATES", "Receiver", "run_rtp"]

CHUNK_PACKETS = 1 << 16  # Some ten milliseconds, after which Ctrl-C is seen.
PACKETS_MAX = 1 << 26
TIME_NS_MAX = 1 << 54
"""Half a year: the sender's clock, in units of 2^-18 s times 1953125, fits 64 bits."""
SIZE_BYTES_MIN: int = none.lib.RNS_RTP_RUN_HEADER_BYTES
SIZE_BYTES_MAX: int = none.lib.RNS_RTP_RUN_PACKET_BYTES

RTP_FILTERS = ("trendline", "kalman")
RTP_SIGNALS = ("normal", "overuse", "underuse")
RTP_STATES = ("increase", "hold", "decrease")
RATE_DTYPE = np.dtype(
    [
        ("t_ns", "<i8"),
        ("trend_ns", "<i8"),
        ("threshold_ns", "<i8"),
        ("incoming_bps", "<u4"),
        ("estimate_bps", "<u4"),
        ("signal", "<u4"),
        ("state", "<u4"),
    ]
)
"""The receiver after the packet that arrived at ``t_ns``: trend of the delay, its threshold, the
rate that comes in (0 while it is not known), the estimate, indices of RTP_SIGNALS, RTP_STATES."""

_ROW_KIND = RowKind(
    "RTP_DTYPE",
    RTP_DTYPE,
    "packet",
    "packets",
    PACKETS_MAX,
    "PACKETS_MAX",
    (
        ("arrival_ns", 0, TIME_NS_MAX, "TIME_NS_MAX"),
        ("send_ns", 0, TIME_NS_MAX, "TIME_NS_MAX"),
        ("size", SIZE_BYTES_MIN, SIZE_BYTES_MAX, "SIZE_BYTES_MIN, SIZE_BYTES_MAX"),
    ),
    time="arrival_ns",
)
_PACKET_DTYPE = np.dtype([(name, RTP_DTYPE[name]) for name in RTP_DTYPE.names or ()], align=True)
_COUNTS = [
    *("packets", "malformed", "rejected", "duplicates", "timeless", "late", "missed", "grouped"),
    *("beyond", "takes", "gives", "refusals", "groups", "restarts", "overuses", "rembs"),
]


def run_rtp(
    stream: NDArray[np.void],
    config: PoolConfig,
    *,
    filter: str = "trendline",
    bins: int = BINS_DEFAULT,
    progress: Optional[Callable[[float], object]] = None,
) -> WorkloadResult:
    """Send RTP packets through a receiver whose packet infos are slots of a pool.

    Parameters
    ----------
    stream : ndarray of RTP_DTYPE, shape (n,)
        In the order of arrival; `rtp_stream` makes one.
    config : PoolConfig
        The pool; one tier of 32 bytes with 6 slots never misses.
    filter : {"trendline", "kalman"}, optional
        What estimates the trend of the delay.
    bins : int, optional
        Most bins of the timeline, 1 to 1,000,000.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    WorkloadResult
        Its ``series["rate"]`` is an array of RATE_DTYPE, one row for each packet; ``counts`` are
        those of the receiver, ``tables`` its streams; it has no Bytes. The same stream gives an
        equal result, always.

    Raises
    ------
    TraceError
        If there is no packet, or one is out of range or arrives before the one in front of it.
    ConfigError
        If the pool, `filter` or `bins` is refused.
    Damage
        If receiver or pool contradicts itself, which only overwritten memory explains.

    Notes
    -----
    The stream is what was sent: it does not follow the estimate.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> from pyrns_pool.workloads import rtp_stream, run_rtp
    >>> result = run_rtp(rtp_stream(1), rp.PoolConfig.parse("32x6"))
    >>> result.stats.misses, result.counts["overuses"] > 0
    (0, True)
    """
    if filter not in RTP_FILTERS:
        raise ConfigError(f"filter: {filter!r} is not one of {', '.join(RTP_FILTERS)}")
    _ROW_KIND.check(stream)
    start_ns, last_ns = (int(stream["arrival_ns"][row]) for row in (0, -1))
    native = NativePool(none, config)
    meter = Meter(native, config, bin_edges(start_ns, last_ns + 1, bins, config))
    receiver = Receiver.over(native, filter, str(config))
    packets = stream.astype(_PACKET_DTYPE)
    rate = np.zeros(len(stream), RATE_DTYPE)
    # C keeps the addresses only: the buffers have to outlive the run.
    held = {
        "receiver": receiver.state,
        "meter": meter.state,
        "buffer": none.ffi.new("uint8_t[]", SIZE_BYTES_MAX),
        "packets": none.ffi.from_buffer("rns_rtp_run_packet_t[]", packets),
        "points": none.ffi.from_buffer("rns_rtp_run_point_t[]", rate),
    }
    state = none.ffi.new("rns_rtp_run_t *", held)
    try:
        for first in range(0, len(stream), CHUNK_PACKETS):
            end = min(first + CHUNK_PACKETS, len(stream))
            native.require(none.lib.rns_rtp_run(state, first, end), f"packets {first} to {end}")
            if progress is not None:
                progress(end / len(stream))
        receiver.check(native)
        native.check()
        seen = receiver.stats()
        return WorkloadResult(
            config=config,
            stats=native.stats(),
            workload=WorkloadSummary(
                name="rtp",
                events=len(stream),
                duration_ns=last_ns - start_ns,
                provenance={"sha256": hashlib.sha256(stream.tobytes()).hexdigest()},
            ),
            tables=(table_from_native("streams", receiver.policy, seen.streams),),
            counts={name: int(getattr(seen.counts, name)) for name in _COUNTS},
            series={"rate": rate},
            **meter.end(),
        )
    finally:
        none.lib.rns_rtp_receiver_reset(receiver.state)


@dataclass(frozen=True)
class Receiver:
    """A C receiver of default configuration, with what has to live as long."""

    state: Any
    policy: int
    memory: Any

    @classmethod
    def over(cls, native: NativePool, filter: str, what: str) -> Receiver:
        """Return a receiver of default configuration that takes from a pool, `what` in words."""
        lib, ffi = none
        wanted = ffi.new("rns_rtp_config_t *", lib.rns_rtp_config_default(native.pool))
        wanted.extension_id = lib.RNS_RTP_RUN_EXTENSION_ID
        wanted.filter = RTP_FILTERS.index(filter)
        size = ffi.new("size_t *")
        native.require(lib.rns_rtp_receiver_storage_bytes(wanted, size), "receiver")
        memory, storage = aligned_memory(none, size[0])
        state = ffi.new("rns_rtp_receiver_t *")
        native.require(lib.rns_rtp_receiver_init(state, wanted, storage), what)
        return cls(state, int(wanted.stream_policy), memory)

    def stats(self) -> Any:
        """Return a C ``rns_rtp_stats_t *``."""
        stats = none.ffi.new("rns_rtp_stats_t *")
        none.lib.rns_rtp_receiver_stats(self.state, stats)
        return stats

    def check(self, native: NativePool) -> None:
        """Verify every invariant; raise Damage with the first that is broken."""
        native.require_no(none.lib.rns_rtp_receiver_check(self.state))
