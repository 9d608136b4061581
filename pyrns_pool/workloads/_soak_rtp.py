"""The calls of a soak, by themselves and beside a node in the same simulated time."""

from __future__ import annotations

from typing import Any, Sequence

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.stats import TableStats, table_from_native
from pyrns_pool.workloads._soak_node import SoakNode
from pyrns_pool.workloads.run_rtp import RTP_FILTERS, Receiver

HOUR_NS = 3_600_000_000_000
INFOS = PoolConfig.parse("32x6")
"""The receiver's own: its infos lie in slots without headers, in a pool of their own."""


class SoakRtp:
    """Calls whose packets wait as Bytes until they are played.

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
    """

    tags = ("rtp",)
    provenance: dict[str, str] = {}

    def __init__(
        self, soak: Any, pools: Sequence[NativePool], stores: Sequence[Any], spec: Any
    ) -> None:
        ffi = none.ffi
        self._infos = NativePool(none, INFOS)
        self._receiver = Receiver.over(self._infos, RTP_FILTERS[0], str(INFOS))
        # C keeps the addresses only: what is in here has to outlive the run.
        self._held: dict[str, Any] = {
            "stores": list(stores),
            "receiver": self._receiver.state,
            "buffer": ffi.new("uint8_t[]", none.lib.RNS_SOAK_RTP_PACKET_BYTES),
        }
        self.state = ffi.new("rns_soak_rtp_t *", {"soak": soak, "random": spec.seed, **self._held})
        """The C calls."""
        self._end_ns = 0

    def until(self, end_ns: int) -> None:
        """Run up to a moment of the hour."""
        none.lib.rns_soak_rtp_until(self.state, end_ns)

    def hour(self) -> None:
        """Run one hour, or what is left of it."""
        self._end_ns += HOUR_NS
        self.until(self._end_ns)

    def held(self) -> int:
        """Return how many slots of the pool wait to be played."""
        return int(none.lib.rns_soak_rtp_held(self.state))

    def check(self) -> None:
        """Verify the receiver's invariants, and that it never wanted for a slot; raise Damage."""
        self._receiver.check(self._infos)
        self._infos.check()

    def tables(self) -> tuple[TableStats, ...]:
        """Return the streams that the receiver knows."""
        streams = self._receiver.stats().streams
        return (table_from_native("streams", self._receiver.policy, streams),)

    def counts(self) -> dict[str, int]:
        """Return what became of the packets, and what the receiver took for itself."""
        names = ("calls", "sent", "lost", "late", "played")
        counts = {f"rtp_{name}": int(getattr(self.state, name)) for name in names}
        heard = self._receiver.stats().counts
        names = ("packets", "overuses", "rembs", "takes", "refusals")
        return {**counts, **{f"receiver_{name}": int(getattr(heard, name)) for name in names}}

    def close(self) -> None:
        """Drop what waits, and what the receiver holds."""
        none.lib.rns_soak_rtp_drop(self.state)
        none.lib.rns_rtp_receiver_reset(self._receiver.state)


class SoakMixed:
    """A node and calls over one pool, each with a store of its own; parameters as `SoakRtp`."""

    tags = (*SoakNode.tags, *SoakRtp.tags)
    provenance = SoakNode.provenance

    def __init__(
        self, soak: Any, pools: Sequence[NativePool], stores: Sequence[Any], spec: Any
    ) -> None:
        more = [pool.new_store(tag=self.tags.index("rtp") + 1) for pool in pools]
        self._rtp = SoakRtp(soak, pools, more, spec)
        self._node = SoakNode(soak, pools, stores, spec, self._rtp.state)

    def until(self, end_ns: int) -> None:
        """Run up to a moment of the hour; calls go as far as the node did, which comes first."""
        self._node.until(end_ns)

    def hour(self) -> None:
        """Run one hour, or what is left of it."""
        self._node.hour()
        self._rtp.hour()

    def held(self) -> int:
        """Return how many references to slots of the pool both hold."""
        return self._node.held() + self._rtp.held()

    def check(self) -> None:
        """Verify the invariants of both; raise Damage."""
        self._node.check()
        self._rtp.check()

    def tables(self) -> tuple[TableStats, ...]:
        """Return the tables of both."""
        return (*self._node.tables(), *self._rtp.tables())

    def counts(self) -> dict[str, int]:
        """Return what both counted."""
        return {**self._node.counts(), **self._rtp.counts()}

    def close(self) -> None:
        """Drop everything that both hold."""
        self._node.close()
        self._rtp.close()
