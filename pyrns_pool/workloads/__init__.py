"""Workloads: code that drives a pool and its Bytes in closed loop, with a clock of its own.

`run_ops` runs operations that a script wrote down with `Workload` or as an array. `run_node` is a
Reticulum node that a packet log drives; `sufficient_pool` and `sufficient_tables` say what it
would need. `run_rtp` is the receiver of a bandwidth estimator. `node_packets` and `rtp_stream`
make traffic for both from a seed, and `packet_node` a trace.
`run_soak` is a node for days, with a heap beside the pool.

>>> import numpy as np
>>> import pyrns_pool as rp
>>> packet = rp.Workload()  # One packet through a node that answers:
>>> whole = packet.create(300)
>>> header = packet.slice(whole, 0, 19)
>>> reply = packet.share(whole)
>>> packet.write(reply, 1, 1)
>>> packet.at(40_000_000)
>>> packet.drop(whole, header, reply)
>>> rng = np.random.default_rng(1)  # 5000 of them within 10 s, of 51 to 499 bytes:
>>> ops = packet.repeat(np.sort(rng.integers(0, 10**10, 5000)))
>>> made = ops["op"] == rp.Op.CREATE
>>> ops["length"][made] = rng.integers(51, 500, made.sum())
>>> for slots in (16, 32, 48):
...     config = rp.PoolConfig.parse(f"128x{slots},256x{slots},512x{slots}")
...     result = rp.run_ops(ops, config, name=f"{slots} slots")
...     print(f"{result.workload.name}: {result.stats.hit_rate:.1%} served")
16 slots: 86.4% served
32 slots: 98.8% served
48 slots: 100.0% served
"""

from pyrns_pool.workloads.node import node_tables, run_node
from pyrns_pool.workloads.node_packets import node_packets
from pyrns_pool.workloads.node_size import sufficient_pool, sufficient_tables
from pyrns_pool.workloads.ops import OP_DTYPE, Op, Workload, merge, repeat
from pyrns_pool.workloads.packet_node import packet_node
from pyrns_pool.workloads.rtp_stream import RTP_DTYPE, rtp_stream
from pyrns_pool.workloads.run_ops import run_ops
from pyrns_pool.workloads.run_rtp import RATE_DTYPE, run_rtp
from pyrns_pool.workloads.soak import Soak, SoakSpec, run_soak

__all__ = [
    "OP_DTYPE",
    "RATE_DTYPE",
    "RTP_DTYPE",
    "Op",
    "Soak",
    "SoakSpec",
    "Workload",
    "merge",
    "node_packets",
    "node_tables",
    "packet_node",
    "repeat",
    "rtp_stream",
    "run_node",
    "run_ops",
    "run_rtp",
    "run_soak",
    "sufficient_pool",
    "sufficient_tables",
]
