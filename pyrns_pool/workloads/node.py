"""A Reticulum node over a pool, driven in closed loop by a packet log.

What came in over the log's interfaces goes in again; what the node does by itself (forward, send
announces on, answer path requests) is the model's own (``csrc/node/rns_transport.h``), and the
log's packets out are only what it is compared with. Addresses and contents, which a log lacks, are
invented from a seed; ``csrc/lab/rns_traffic.h`` says how.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Union

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool, aligned_memory
from pyrns_pool._regions_run import Placement
from pyrns_pool._timeline import BINS_DEFAULT, Meter, bin_edges
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.packets import DIRECTIONS, TYPES, PacketLog
from pyrns_pool.regions import Machine
from pyrns_pool.stats import TABLE_POLICIES, TableStats, table_from_native
from pyrns_pool.workload_results import WorkloadResult, WorkloadSummary

__all__ = ["NODE_ROLES", "TableSizes", "node_tables", "run_node", "table_sizes"]

NODE_ROLES = ("auto", "transport", "leaf")
TABLE_CAPACITY_MAX = 1 << 20
SEED_MAX = (1 << 64) - 1
CHUNK_ROWS = 2000  # Some tens of milliseconds, after which Ctrl-C is seen.
PACK, OUT, IN = range(len(DIRECTIONS))
ANNOUNCE = TYPES.index("ANNOUNCE")

TableSizes = Mapping[str, Union[int, tuple[int, str]]]
"""Capacity, or capacity and policy, of each table that is not to have its default."""

_ROW_DTYPE = np.dtype(
    [
        ("t_ns", "i8"),
        ("length", "u4"),
        ("direction", "u1"),
        ("type", "u1"),
        ("context", "u1"),
        ("reserved", "u1"),
    ]
)


def run_node(
    log: PacketLog,
    config: PoolConfig,
    *,
    seed: int = 1,
    role: str = "auto",
    tables: Optional[TableSizes] = None,
    headroom_bytes: int = 0,
    machine: Optional[Machine] = None,
    bins: int = BINS_DEFAULT,
    progress: Optional[Callable[[float], object]] = None,
) -> WorkloadResult:
    """Drive a node over a pool from a packet log.

    Parameters
    ----------
    log : PacketLog
        What arrived, and what a leaf's host sent.
    config : PoolConfig
        The pool. Each slot has a header of 16 bytes in front of its slot_bytes.
    seed : int, optional
        Of everything that the log does not say, 1 to 2**64 - 1.
    role : {"auto", "transport", "leaf"}, optional
        A transport node forwards for others; a leaf is an end of every link. "auto" is a leaf if
        the log has packets other than announces that the node made itself.
    tables : mapping, optional
        Name to capacity, or to (capacity, policy); see `node_tables` for names and defaults.
    headroom_bytes : int, optional
        Room wished in front of every packet; 16 spare a leaf copying what it sends over hops.
    machine : Machine, optional
        Where the pool lies; the heaps of its regions serve what the pool misses, the first one's
        first.
    bins : int, optional
        Most bins of the timeline, 1 to 1,000,000.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    WorkloadResult
        Pool and tables as they are when the last packet was handled; ``counts`` has what the node
        counted; by type the packets in the log that came in (``received_*``), those that the
        node sent (``sent_*``) and those that the recorded one did (``recorded_*``); and how much
        traffic was invented (``invented_*``) and found nobody to belong to (``lost_*``). The same
        arguments give an equal result.

    Raises
    ------
    TraceError
        If a packet has a context that Reticulum has not.
    ConfigError
        If an argument is refused.
    Damage
        If pool or node contradict themselves, which only overwritten memory explains.

    Notes
    -----
    A microsecond or two a packet; SHA-256 is computed by Python's hashlib.

    What is sent on or answered differs from a recording where the recorded node had more
    interfaces, or held announces back for a time: the model has no announce queues and no rate
    limits. What is forwarded does not differ while the tables hold all that they should.

    Examples
    --------
    >>> import pyrns_pool as rp
    >>> log = rp.load_packets(rp.shipped("reticulum_mtu500_transport.csv.gz"))
    >>> pool = rp.PoolConfig.parse("64x224,256x160,512x16")
    >>> tables = {"links": 32, "announces": 32, "paths": 160}
    >>> result = rp.run_node(log, pool, tables=tables)
    >>> result.stats.misses, result.counts["sent_data"], result.counts["recorded_data"]
    (0, 16316, 16316)
    """
    _check_number("seed", seed, 1, SEED_MAX)
    if role not in NODE_ROLES:
        raise ConfigError(f"role: {role!r} is not one of {', '.join(NODE_ROLES)}")
    is_leaf, sizes, placement, hook = _is_leaf(log, role), table_sizes(tables), None, None
    if machine is not None:
        placement = Placement(machine, config, none.lib.RNS_BUFFER_HEADER_BYTES)
        config, hook = placement.config, placement.fallback
    run = _Run(log, config, is_leaf, seed, sizes, headroom_bytes, bins, hook)
    try:
        row = 0
        while row < len(log):
            row = run.advance(row, min(row + CHUNK_ROWS, len(log)))
            if progress is not None:
                progress(row / len(log))
        result = run.result()
        if placement is None:
            return result
        stats = result.stats
        use = placement.use(stats, placement.large_by_tier(stats))
        return replace(result, stats=placement.stats(stats), machine=use)
    finally:
        run.close()


def node_tables() -> dict[str, tuple[int, str]]:
    """Return capacity and policy of every table of a node, where nothing else is asked for.

    Examples
    --------
    >>> node_tables()["paths"]
    (16, 'cull')
    """
    native = none.ffi.new("rns_transport_config_t *")
    none.lib.rns_transport_config_default(native)
    return {
        name: (table.capacity, TABLE_POLICIES[table.policy])
        for name, table in zip(_table_names(), native.tables)
    }


def table_sizes(tables: Optional[TableSizes] = None) -> dict[str, tuple[int, str]]:
    """Return capacity and policy of every table: the defaults, changed by `tables`.

    Raises
    ------
    ConfigError
        If a name or a policy is unknown, or a capacity out of range.

    Examples
    --------
    >>> table_sizes({"links": 64, "announces": (16, "cull")})["announces"]
    (16, 'cull')
    """
    sizes = node_tables()
    for name, wanted in (tables or {}).items():
        if name not in sizes:
            raise ConfigError(f"tables: {name!r} is not one of {', '.join(sizes)}")
        capacity, policy = wanted if isinstance(wanted, tuple) else (wanted, sizes[name][1])
        _check_number(f"tables: {name}", capacity, 1, TABLE_CAPACITY_MAX)
        if policy not in TABLE_POLICIES:
            one_of = ", ".join(TABLE_POLICIES)
            raise ConfigError(f"tables: {name}: policy {policy!r} is not one of {one_of}")
        sizes[name] = capacity, policy
    return sizes


def _table_names() -> list[str]:
    lib, ffi = none
    indices = range(lib.RNS_TRANSPORT_TABLES)
    return [ffi.string(lib.rns_transport_table_name(i)).decode() for i in indices]


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{name}: {value!r} is not a whole number from {least} to {most}")


def _is_leaf(log: PacketLog, role: str) -> bool:
    packets = log.packets
    own = (packets["direction"] == PACK) & (packets["type"] != ANNOUNCE)
    return bool(own.any()) if role == "auto" else role == "leaf"


def _context_numbers(log: PacketLog) -> NDArray[np.uint8]:
    prefix = "RNS_CONTEXT_"
    known = none.ffi.typeof("rns_packet_context_t").relements
    for index, name in enumerate(log.contexts):
        if prefix + name not in known:
            row = int((log.packets["context"] == index).argmax())
            reason = "is no context of a Reticulum packet"
            raise TraceError(reason, event=row, field="context", value=name)
    return np.array([known[prefix + name] for name in log.contexts], np.uint8)


def traffic_rows(log: PacketLog) -> NDArray[np.void]:
    """Return the packets of a log as ``rns_traffic_row_t``, with the contexts' own numbers."""
    rows = np.zeros(len(log), _ROW_DTYPE)
    for name in ("t_ns", "length", "direction", "type"):
        rows[name] = log.packets[name]
    rows["context"] = _context_numbers(log)[log.packets["context"]]
    return rows


class _Hash:
    """SHA-256 for C, from hashlib."""

    def __init__(self) -> None:
        self.handle = none.ffi.new_handle(self)
        self.error: Optional[BaseException] = None
        """What was raised while C was running, Ctrl-C for instance."""

    @property
    def hook(self) -> Any:
        return {"sha256": none.lib.pyrns_sha256, "context": self.handle}


def _keep_error(kind: type, error: BaseException, traceback: Any) -> None:
    """Keep what must not be lost in C: an interrupt is seen wherever Python code runs next."""
    context = traceback.tb_frame.f_locals["context"]
    none.ffi.from_handle(context).error = error


@none.ffi.def_extern(onerror=_keep_error)  # type: ignore[misc]
def pyrns_sha256(context: Any, spans: Any, count: int, out: Any) -> None:
    """Hash spans that follow one another."""
    buffer = none.ffi.buffer
    hasher = hashlib.sha256()
    for i in range(count):
        span = spans[i]
        if span.bytes:
            hasher.update(buffer(span.start, span.bytes))
    none.ffi.memmove(out, hasher.digest(), 32)


class _Run:
    """A pool, a node on it, and the traffic of a log."""

    def __init__(
        self,
        log: PacketLog,
        config: PoolConfig,
        is_leaf: bool,
        seed: int,
        sizes: Mapping[str, tuple[int, str]],
        headroom_bytes: int,
        bins: int,
        fallback: Optional[Any] = None,
    ) -> None:
        lib, ffi = none
        self._log, self._config, self._is_leaf, self._seed = log, config, is_leaf, seed
        rows = traffic_rows(log)
        start, end = int(rows["t_ns"][0]), int(rows["t_ns"][-1]) + 1
        header_bytes = lib.RNS_BUFFER_HEADER_BYTES
        self._native = NativePool(none, config, header_bytes=header_bytes, fallback=fallback)
        self._store = self._native.new_store(headroom_bytes)
        self._meter = Meter(self._native, config, bin_edges(start, end, bins, config), self._store)
        self._hash = _Hash()
        longest = max(int(rows["length"].max()), lib.RNS_PACKET_MTU_BYTES)
        identity = hashlib.sha256(b"node").digest()[:16]
        # C keeps the addresses only: what is in here has to outlive the run.
        self._held: dict[str, Any] = {
            "rows": ffi.from_buffer("rns_traffic_row_t[]", rows),
            "buffer": ffi.new("uint8_t[]", longest),
            "node": ffi.new("rns_transport_t *"),
            "traffic": ffi.new("rns_traffic_t *"),
        }
        self._traffic, self._node = self._held["traffic"], self._held["node"]
        self._state = ffi.new(
            "rns_node_run_t *",
            {"node": self._node, "traffic": self._traffic, "meter": self._meter.state},
        )
        self._init_node(sizes, identity, longest)
        traffic = self._traffic
        traffic.rows, traffic.row_count = self._held["rows"], len(rows)
        traffic.buffer, traffic.is_leaf = self._held["buffer"], is_leaf
        traffic.identity, traffic.random, traffic.hash = identity, seed, self._hash.hook
        lib.rns_node_run_begin(self._state)

    def _init_node(
        self, sizes: Mapping[str, tuple[int, str]], identity: bytes, mtu_bytes: int
    ) -> None:
        lib, ffi = none
        wanted = ffi.new("rns_transport_config_t *")
        lib.rns_transport_config_default(wanted)
        wanted.is_transport = not self._is_leaf
        wanted.interface_count = 1 if self._is_leaf else 2
        wanted.identity, wanted.seed = identity, self._seed
        wanted.mtu_bytes = mtu_bytes
        for table, (capacity, policy) in zip(wanted.tables, sizes.values()):
            table.capacity, table.policy = capacity, TABLE_POLICIES.index(policy)
        wanted.hooks = lib.rns_node_run_hooks(self._state, self._hash.hook)
        needed = ffi.new("size_t *")
        self._native.require(lib.rns_transport_storage_bytes(wanted, needed), "tables")
        self._held["storage"], storage = aligned_memory(none, int(needed[0]))
        status = lib.rns_transport_init(self._node, self._store, wanted, storage)
        self._native.require(status, "node")

    def advance(self, first: int, end: int) -> int:
        """Run rows from `first` up to `end`, or as far as one call goes; return the next."""
        next_row = none.ffi.new("size_t *")
        none.lib.rns_node_run_rows(self._state, first, end, next_row)
        if self._hash.error is not None:
            raise self._hash.error
        return int(next_row[0])

    def result(self) -> WorkloadResult:
        """Return the result; the node is as it was."""
        meter = self._meter.end()
        self._native.check()
        self._native.require_no(none.lib.rns_transport_check(self._node))
        provenance = {"role": "leaf" if self._is_leaf else "transport node"}
        if "file" in self._log.provenance:
            provenance["file"] = self._log.provenance["file"]
        return WorkloadResult(
            config=self._config,
            stats=self._native.stats(),
            workload=WorkloadSummary(
                name="node",
                events=int(self._state.inputs + self._state.timers),
                duration_ns=self._log.duration_ns,
                seed=self._seed,
                provenance=provenance,
            ),
            tables=self._tables(),
            counts=self._counts(),
            **meter,
        )

    def _tables(self) -> tuple[TableStats, ...]:
        lib, ffi = none
        native = ffi.new("rns_table_stats_t *")
        rows = []
        for index, name in enumerate(_table_names()):
            table = lib.rns_transport_table(self._node, index)
            lib.rns_table_stats(table, native)
            rows.append(table_from_native(name, table.policy, native))
        return tuple(rows)

    def _counts(self) -> dict[str, int]:
        stats = none.lib.rns_transport_stats(self._node)
        traffic, packets = self._traffic.stats, self._log.packets
        counts = {name: int(getattr(stats, name)) for name, _ in none.ffi.typeof(stats).fields}
        for index, name in enumerate(TYPES):
            mine = packets["direction"][packets["type"] == index]
            counts[f"received_{name.lower()}"] = int(np.count_nonzero(mine == IN))
            counts[f"sent_{name.lower()}"] = sum(self._state.out[index])
            counts[f"recorded_{name.lower()}"] = int(np.count_nonzero(mine == OUT))
        for name in ("destinations", "links", "transfers"):
            counts[f"invented_{name}"] = int(getattr(traffic, name))
        for name in ("destination", "link", "packet"):
            counts[f"lost_without_{name}"] = int(getattr(traffic, f"without_{name}"))
        counts["path_requests_refused"] = int(self._state.asks_refused)
        counts["timers"] = int(self._state.timers)
        return counts

    def close(self) -> None:
        """Drop everything that the node keeps."""
        none.lib.rns_transport_reset(self._node)
