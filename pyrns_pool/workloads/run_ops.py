"""Run a workload of one's own: its operations on Bytes over a pool, in C."""

from __future__ import annotations

from typing import Callable, Optional, Union

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool._timeline import BINS_DEFAULT, Meter, bin_edges
from pyrns_pool.config import PoolConfig
from pyrns_pool.workload_results import WorkloadResult, WorkloadSummary
from pyrns_pool.workloads.ops import Op, Workload, check_ops

__all__ = ["run_ops"]

CHUNK_OPS = 1 << 18  # A few milliseconds, after which Ctrl-C is seen.


def run_ops(
    ops: Union[Workload, NDArray[np.void]],
    config: PoolConfig,
    *,
    name: str = "ops",
    headroom_bytes: int = 0,
    bins: int = BINS_DEFAULT,
    progress: Optional[Callable[[float], object]] = None,
) -> WorkloadResult:
    """Run operations on Bytes over a pool.

    The workload is in closed loop: what misses is noted and the run goes on with what there is.
    A handle that could not be created is empty, one that could not be written is as it was.

    Parameters
    ----------
    ops : Workload, or ndarray of OP_DTYPE, shape (n,)
        In time order.
    config : PoolConfig
        The pool. Each slot has a header of 16 bytes in front of its slot_bytes.
    name : str, optional
        What the result and its figures call the workload.
    headroom_bytes : int, optional
        Room wished in front of the content of every new buffer.
    bins : int, optional
        Most bins of the timeline, 1 to 1,000,000.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    WorkloadResult
        Its ``series["status"]`` is an int16 for each operation: 0 done, 1 exhausted, 2 oversize,
        negative a write beyond the end; ``counts`` has how many there were of each kind. The same
        operations give an equal result, always.

    Raises
    ------
    TraceError
        If the operations break a rule of `pyrns_pool.workloads.ops`.
    ConfigError
        If the pool, `headroom_bytes` or `bins` is refused.
    Damage
        If the pool contradicts itself, which only overwritten memory explains.

    Notes
    -----
    Some tens of nanoseconds an operation; benchmarks/ops_speed.py measures it. Handles that the
    workload does not drop are in use in the statistics.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> packet = rp.Workload()
    >>> whole = packet.create(200)
    >>> reply = packet.share(whole)
    >>> packet.write(reply, 0, 2)
    >>> packet.at(2_000_000)
    >>> packet.drop(whole, reply)
    >>> result = rp.run_ops(packet.repeat([0, 500_000]), rp.PoolConfig.parse("256x3"))
    >>> result.bytes.cow_copies, result.stats.exhausted, result.series["status"].tolist()
    (1, 1, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    """
    rows = ops.ops if isinstance(ops, Workload) else ops
    run = _Run(rows, config, headroom_bytes, bins)
    try:
        for first in range(0, len(rows), CHUNK_OPS):
            end = min(first + CHUNK_OPS, len(rows))
            run.advance(first, end)
            if progress is not None:
                progress(end / len(rows))
        return run.result(name)
    finally:
        run.close()


class _Run:
    """A pool, a store and handles, on which rows of operations act."""

    def __init__(
        self, ops: NDArray[np.void], config: PoolConfig, headroom_bytes: int, bins: int
    ) -> None:
        lib, ffi = none
        self._handle_count = check_ops(ops)
        self._config, self._ops = config, np.require(ops, requirements=["C", "ALIGNED"])
        edges_ns = bin_edges(int(ops["t_ns"][0]), int(ops["t_ns"][-1]) + 1, bins, config)
        self._native = NativePool(none, config, header_bytes=lib.RNS_BUFFER_HEADER_BYTES)
        self._store = self._native.new_store(headroom_bytes)
        self._meter = Meter(self._native, config, edges_ns, self._store)
        self._status = np.zeros(len(ops), np.int16)
        pattern = np.arange(int(ops["length"].max()) + lib.RNS_OPS_PATTERN, dtype=np.uint8)
        # C keeps the addresses only: the buffers have to outlive the run.
        self._held = {
            "handles": ffi.new("rns_bytes_t[]", self._handle_count),
            "pattern": ffi.from_buffer("uint8_t[]", pattern),
            "ops": ffi.from_buffer("rns_op_t[]", self._ops),
            "status": ffi.from_buffer("int16_t[]", self._status),
        }
        self._state = ffi.new(
            "rns_ops_t *", {"store": self._store, "meter": self._meter.state, **self._held}
        )

    def advance(self, first: int, end: int) -> None:
        """Run the operations from `first` up to but not including `end`."""
        status = none.lib.rns_ops_run(self._state, first, end)
        self._native.require(status, f"operations {first} to {end}")

    def content(self, handle: int) -> bytes:
        """Return what a handle holds."""
        native = self._held["handles"] + handle
        data = none.lib.rns_bytes_data(native)
        return bytes(none.ffi.buffer(data, native.length)) if native.length else b""

    def result(self, name: str) -> WorkloadResult:
        """Return the result; the handles are as they were."""
        meter = self._meter.end()
        self._native.check()
        status = self._status
        done = np.bincount(self._ops["op"], minlength=len(Op))
        counts = {op.name.lower(): int(done[op]) for op in Op}
        counts["missed"] = int(np.count_nonzero(status > 0))
        counts["out_of_range"] = int(np.count_nonzero(status < 0))
        t_ns = self._ops["t_ns"]
        summary = WorkloadSummary(
            name=name,
            events=len(self._ops),
            duration_ns=int(t_ns[-1]) - int(t_ns[0]),
        )
        return WorkloadResult(
            config=self._config,
            stats=self._native.stats(),
            workload=summary,
            counts=counts,
            series={"status": self._status},
            **meter,
        )

    def close(self) -> None:
        """Give everything back."""
        none.lib.rns_ops_end(self._state, self._handle_count)
