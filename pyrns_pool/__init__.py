"""Tiered memory pool for packet stacks, and the laboratory that sizes it from real traces.

The C core under ``csrc`` is what runs in firmware. Here it runs the same: `replay` sends a
recorded trace through it, `Pool` is one for the prompt.

>>> import pyrns_pool as rp
>>> trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
>>> result = rp.replay(trace, rp.PoolConfig.preset("design"))
>>> f"{result.stats.hit_rate:.1%} of {result.stats.requests:,} requests served"
'1.5% of 451,138 requests served'
"""

from pyrns_pool._version import VERSION as __version__
from pyrns_pool.any_result import load_result
from pyrns_pool.audit import Finding, Findings, Rules, audit_source, audit_trace
from pyrns_pool.bytes import Bytes
from pyrns_pool.compare import compare, sized_pool
from pyrns_pool.compare_results import CompareResult
from pyrns_pool.config import PoolConfig, Tier, preset_names, preset_origin
from pyrns_pool.curve import hit_curve
from pyrns_pool.curve_results import CurveSet, HitCurve
from pyrns_pool.erlang import erlang_b, erlang_slots, offered_load
from pyrns_pool.errors import (
    AuditError,
    ConfigError,
    Damage,
    DoubleGive,
    ForeignPointer,
    InteriorPointer,
    MisalignedPointer,
    Misuse,
    OutOfRangePointer,
    PoolError,
    PoolExhausted,
    PredictionError,
    PyrnsPoolError,
    ResultError,
    Shared,
    SweepError,
    TooLarge,
    TraceError,
    WrongPool,
)
from pyrns_pool.explore import explore
from pyrns_pool.exports import load_config
from pyrns_pool.formats import ImportOptions, load_trace, save_trace, shipped
from pyrns_pool.gate import Limits, Verdict, check_trace
from pyrns_pool.heaps import HEAPS, Heap
from pyrns_pool.packets import PacketLog, load_packets
from pyrns_pool.pool import Pool, Slot
from pyrns_pool.record import record
from pyrns_pool.recorder import Recorder
from pyrns_pool.regions import MACHINES, Machine, machine, scale_32
from pyrns_pool.replay import replay
from pyrns_pool.results import ReplayResult
from pyrns_pool.slot_results import SlotUse
from pyrns_pool.slot_use import slot_use
from pyrns_pool.slots import slot_spans
from pyrns_pool.stats import BytesStats, PoolStats, StoreStats
from pyrns_pool.store import Store
from pyrns_pool.sweep import sweep
from pyrns_pool.sweep_file import load_sweep
from pyrns_pool.sweep_inputs import NodeInput, TraceInput
from pyrns_pool.sweep_results import SweepResult
from pyrns_pool.trace import EVENT_DTYPE, Trace
from pyrns_pool.tune import tune
from pyrns_pool.tune_results import TuneResult
from pyrns_pool.workload_results import WorkloadResult
from pyrns_pool.workloads import (
    OP_DTYPE,
    Op,
    SoakSpec,
    Workload,
    packet_node,
    run_node,
    run_ops,
    run_rtp,
    run_soak,
)

__all__ = [
    "AuditError",
    "EVENT_DTYPE",
    "HEAPS",
    "MACHINES",
    "OP_DTYPE",
    "Bytes",
    "BytesStats",
    "CompareResult",
    "ConfigError",
    "CurveSet",
    "Damage",
    "DoubleGive",
    "Finding",
    "Findings",
    "ForeignPointer",
    "Heap",
    "HitCurve",
    "ImportOptions",
    "InteriorPointer",
    "Limits",
    "Machine",
    "MisalignedPointer",
    "Misuse",
    "NodeInput",
    "Op",
    "OutOfRangePointer",
    "PacketLog",
    "Pool",
    "PoolConfig",
    "PoolError",
    "PoolExhausted",
    "PoolStats",
    "PredictionError",
    "PyrnsPoolError",
    "Recorder",
    "ReplayResult",
    "ResultError",
    "Rules",
    "Shared",
    "Slot",
    "SlotUse",
    "SoakSpec",
    "Store",
    "StoreStats",
    "SweepError",
    "SweepResult",
    "Tier",
    "TooLarge",
    "Trace",
    "TraceError",
    "TraceInput",
    "Verdict",
    "TuneResult",
    "Workload",
    "WorkloadResult",
    "WrongPool",
    "__version__",
    "check_trace",
    "audit_source",
    "audit_trace",
    "compare",
    "erlang_b",
    "erlang_slots",
    "explore",
    "hit_curve",
    "load_config",
    "load_packets",
    "load_result",
    "load_sweep",
    "load_trace",
    "machine",
    "offered_load",
    "packet_node",
    "preset_names",
    "preset_origin",
    "record",
    "replay",
    "run_node",
    "run_ops",
    "run_rtp",
    "run_soak",
    "save_trace",
    "scale_32",
    "shipped",
    "sized_pool",
    "sweep",
    "tune",
    "slot_spans",
    "slot_use",
]
