"""Chrome's JSON trace events, compressed by gzip, for ui.perfetto.dev and chrome://tracing.

Each tier is a process and each of its slots a thread of it, so that slices of one track never
overlap, as the viewer demands. Of each tier there are

- ``M``: names of the tier and its slots;
- ``C``: a counter, slots in use;
- ``X``: a slice for each block from its allocation to its free, or to the end of the trace;
- ``i``: an instant for each request that the tier missed.

Oversize requests are instants of a process of their own. ``ts`` and ``dur`` are microseconds with
three decimals; where the recording has no time, an event is one microsecond, and ``otherData``
says so.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, BinaryIO, Iterator

import numpy as np

from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.exports.source import Source
from pyrns_pool.slots import slot_spans
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = ["write_perfetto"]

GZIP_LEVEL = 6
CHUNK_EVENTS = 1 << 14
NS_OF_EVENT = 1000  # Where there is no time.
SITE_CHARS_MAX = 120


def write_perfetto(source: Source, file: BinaryIO) -> None:
    """Write the trace's way through the pool of its replay; the same one gives the same bytes.

    Parameters
    ----------
    source : Source
        With a result, whose pool it is.
    file : binary file
        Open for writing.

    Raises
    ------
    TraceError
        If the trace does not say which block is freed when (`Trace.require_identity`).
    """
    trace, config = source.trace, source.replayed.config
    with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
        head = {"displayTimeUnit": "ns", "otherData": _about(trace, config)}
        packed.write(json.dumps(head)[:-1].encode() + b', "traceEvents": [\n')
        packed.write(",\n".join(_names(config)).encode())
        for done, part in _parts(trace, config):
            if part:
                packed.write(",\n".join(["", *part]).encode())
            if source.progress is not None:
                source.progress(done / len(trace))
        packed.write(b"\n]}\n")


def _about(trace: Trace, config: PoolConfig) -> dict[str, str]:
    return {
        "writer": f"pyrns_pool {VERSION}",
        "trace": trace.provenance.get("file", ""),
        "trace_sha256": trace.sha256,
        "pool": str(config),
        "time": "recorded" if trace.has_time else "none: one event is one microsecond",
    }


def _names(config: PoolConfig) -> Iterator[str]:
    """Yield the names of processes and threads; tier i is process i + 1, slot j thread j + 1."""
    for pid, tier in enumerate(config.tiers, start=1):
        yield _named("process_name", pid, 0, f"tier {tier.slot_bytes}")
        yield _named("process_sort_index", pid, 0, pid)
        for tid in range(1, tier.slot_count + 1):
            yield _named("thread_name", pid, tid, f"slot {tid - 1}")
            yield _named("thread_sort_index", pid, tid, tid)
    yield _named("process_name", len(config.tiers) + 1, 0, "oversize")


def _named(what: str, pid: int, tid: int, value: Any) -> str:
    args = {"sort_index" if what.endswith("index") else "name": value}
    return json.dumps({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args})


def _parts(trace: Trace, config: PoolConfig) -> Iterator[tuple[int, list[str]]]:
    """Yield how many events of the trace are done, and the JSON of the next of them."""
    spans = slot_spans(trace, config)
    t_ns = trace.events["t_ns"] if trace.has_time else np.arange(len(trace)) * NS_OF_EVENT
    bounds = [tier.slot_bytes for tier in config.tiers]
    home = np.searchsorted(bounds, trace.block_sizes)
    end_ns = np.append(t_ns, t_ns[-1])[spans["end"]]
    names = [json.dumps(site[:SITE_CHARS_MAX] or "(no site)") for site in trace.sites]
    in_use = [0] * len(bounds)
    for first in range(0, len(trace), CHUNK_EVENTS):
        rows = trace.events[first : first + CHUNK_EVENTS]
        block = trace.blocks[first : first + CHUNK_EVENTS]
        columns = (
            t_ns[first : first + CHUNK_EVENTS],
            rows["op"],
            rows["size"],
            rows["site"],
            block,
            spans["tier"][block],
            spans["slot"][block],
            end_ns[block],
            home[block],
        )
        part: list[str] = []
        for t, op, size, site, number, tier, slot, end, at_home in zip(
            *(column.tolist() for column in columns)
        ):
            args = f'"args":{{"bytes":{size},"block":{number}}}'
            if tier < 0:
                if op == OP_ALLOC:
                    where = f'"pid":{at_home + 1},"tid":0,"ts":{_us(t)}'
                    part.append(f'{{"ph":"i","s":"p","name":{names[site]},{where},{args}}}')
                continue
            if op == OP_ALLOC:
                where = f'"pid":{tier + 1},"tid":{slot + 1},"ts":{_us(t)},"dur":{_us(end - t)}'
                part.append(f'{{"ph":"X","name":{names[site]},{where},{args}}}')
            in_use[tier] += 1 if op == OP_ALLOC else -1
            value = f'"args":{{"slots":{in_use[tier]}}}'
            part.append(f'{{"ph":"C","name":"in use","pid":{tier + 1},"ts":{_us(t)},{value}}}')
        yield first + len(rows), part


def _us(ns: int) -> str:
    """Return nanoseconds as microseconds with three decimals, exactly."""
    return f"{ns // 1000}.{ns % 1000:03}"
