"""Workloads: code that drives a pool and its Bytes in closed loop, with a clock of its own.

`run_ops` runs operations that a script wrote down with `Workload` or as an array. `run_node` is a
Reticulum node that a packet log drives; `sufficient_pool` and `sufficient_tables` say what it
would need. `run_rtp` is the receiver of a bandwidth estimator. `node_packets` and `rtp_stream`
make traffic for both from a seed.
"""

from pyrns_pool.workloads.node import node_tables, run_node
from pyrns_pool.workloads.node_packets import node_packets
from pyrns_pool.workloads.node_size import sufficient_pool, sufficient_tables
from pyrns_pool.workloads.ops import OP_DTYPE, Op, Workload, merge, repeat
from pyrns_pool.workloads.rtp_stream import RTP_DTYPE, rtp_stream
from pyrns_pool.workloads.run_ops import run_ops
from pyrns_pool.workloads.run_rtp import RATE_DTYPE, run_rtp

__all__ = [
    "OP_DTYPE",
    "RATE_DTYPE",
    "RTP_DTYPE",
    "Op",
    "Workload",
    "merge",
    "node_packets",
    "node_tables",
    "repeat",
    "rtp_stream",
    "run_node",
    "run_ops",
    "run_rtp",
    "sufficient_pool",
    "sufficient_tables",
]
