"""The node of a soak, twice: over the pool, and over the heap beside it."""

from __future__ import annotations

import hashlib
from typing import Any, Sequence

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool, aligned_memory
from pyrns_pool.stats import TABLE_POLICIES, TableStats, table_from_native
from pyrns_pool.workloads.node import node_tables, table_sizes

HOUR_NS = 3_600_000_000_000
TABLES = {"seen": 1024, "paths": 160, "announces": 96, "reverse": 128, "links": 256}
"""Larger than the defaults, with which such a node has no route for most of what arrives."""


class SoakNode:
    """A transport node and what arrives at it.

    Parameters
    ----------
    soak : C ``rns_soak_t *``
        Clock and monitor.
    pools : sequence of NativePool
        The pool, and that which passes all to the heap.
    stores : sequence of C ``rns_store_t *``
        Over each of them.
    spec : SoakSpec
        Seed and hours.
    rtp : C ``rns_soak_rtp_t *``, optional
        Calls that go on meanwhile.
    """

    tags = ("node",)
    provenance = {"hash": "mix64, a stand-in for SHA-256"}

    def __init__(
        self,
        soak: Any,
        pools: Sequence[NativePool],
        stores: Sequence[Any],
        spec: Any,
        rtp: Any = none.ffi.NULL,
    ) -> None:
        lib, ffi = none
        self._pool, seed = pools[0], spec.seed
        hook = lib.rns_mix_hook()
        # C keeps the addresses only: what is in here has to outlive the run.
        self._held: dict[str, Any] = {
            "rows": ffi.new("rns_traffic_row_t[]", lib.RNS_NODE_ROWS_MAX),
            "buffer": ffi.new("uint8_t[]", lib.RNS_PACKET_MTU_BYTES),
            "traffic": ffi.new("rns_traffic_t *"),
            "nodes": [ffi.new("rns_transport_t *") for _ in stores],
        }
        self._nodes = self._held["nodes"]
        self._held["storage"] = [
            self._init_node(node, store, seed, hook) for node, store in zip(self._nodes, stores)
        ]
        self._rows = ffi.new("rns_node_rows_t *", {"rows": self._held["rows"], "random": seed})
        traffic = self._held["traffic"]
        traffic.buffer, traffic.random, traffic.hash = self._held["buffer"], seed, hook
        traffic.identity = _identity()
        self._state = ffi.new(
            "rns_soak_node_t *",
            {
                "soak": soak,
                "nodes": self._nodes,
                "traffic": traffic,
                "rows": self._rows,
                "rtp": rtp,
            },
        )
        lib.rns_soak_node_begin(self._state)
        self._end_ns = 0

    def _init_node(self, node: Any, store: Any, seed: int, hook: Any) -> Any:
        lib, ffi = none
        wanted = ffi.new("rns_transport_config_t *")
        lib.rns_transport_config_default(wanted)
        wanted.interface_count, wanted.identity, wanted.seed = 2, _identity(), seed
        for table, (capacity, policy) in zip(wanted.tables, table_sizes(TABLES).values()):
            table.capacity, table.policy = capacity, TABLE_POLICIES.index(policy)
        wanted.hooks = lib.rns_soak_node_hooks(hook)
        needed = ffi.new("size_t *")
        pool = self._pool
        pool.require(lib.rns_transport_storage_bytes(wanted, needed), "tables")
        held, storage = aligned_memory(none, int(needed[0]))
        pool.require(lib.rns_transport_init(node, store, wanted, storage), "node")
        return held

    def until(self, end_ns: int) -> None:
        """Run up to a moment of the hour."""
        none.lib.rns_soak_node_until(self._state, end_ns)

    def hour(self) -> None:
        """Run one hour, or what is left of it."""
        self._end_ns += HOUR_NS
        self.until(self._end_ns)

    def held(self) -> int:
        """Return how many references to slots of the pool the node holds."""
        return int(none.lib.rns_transport_handles(self._nodes[0]))

    def check(self) -> None:
        """Verify the node's invariants; raise Damage."""
        self._pool.require_no(none.lib.rns_transport_check(self._nodes[0]))

    def tables(self) -> tuple[TableStats, ...]:
        """Return the tables of the node over the pool."""
        lib, ffi = none
        native = ffi.new("rns_table_stats_t *")
        rows = []
        for index, name in enumerate(node_tables()):
            table = lib.rns_transport_table(self._nodes[0], index)
            lib.rns_table_stats(table, native)
            rows.append(table_from_native(name, table.policy, native))
        return tuple(rows)

    def counts(self) -> dict[str, int]:
        """Return what the node over the pool counted."""
        stats = none.lib.rns_transport_stats(self._nodes[0])
        counts = {name: int(getattr(stats, name)) for name, _ in none.ffi.typeof(stats).fields}
        return {**counts, "frames": int(self._state.frames), "timers": int(self._state.timers)}

    def close(self) -> None:
        """Drop everything that the nodes hold."""
        for node in self._nodes:
            none.lib.rns_transport_reset(node)


def _identity() -> bytes:
    return hashlib.sha256(b"node").digest()[:16]
