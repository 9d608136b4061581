"""Workloads: code that drives a pool and its Bytes in closed loop, with a clock of its own.

`run_ops` runs operations that a script wrote down with `Workload` or as an array.
"""

from pyrns_pool.workloads.ops import OP_DTYPE, Op, Workload, merge, repeat
from pyrns_pool.workloads.run_ops import run_ops

__all__ = ["OP_DTYPE", "Op", "Workload", "merge", "repeat", "run_ops"]
