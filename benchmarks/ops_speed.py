"""Time operations on Bytes as a batch in C beside calls of the methods of `Bytes`.

Run by `make bench`.
"""

import argparse
import statistics
import time

import numpy as np
import report

import pyrns_pool as rp
from pyrns_pool.workloads.run_ops import _Run

CONFIG = rp.PoolConfig.parse("64x48,256x24,512x16,1024x16")
HEADROOM = 32
PACKETS = 20_000
LENGTH = 400


def packet():
    """Return the operations of one packet through a node; `calls` does the same."""
    work = rp.Workload()
    raw = work.create(LENGTH)
    header = work.slice(raw, 0, 19)
    payload = work.slice(raw, 19, LENGTH)
    work.write(raw, 1, 1)
    reply = work.share(payload)
    work.append(reply, 32)
    work.prepend(reply, 19)
    work.drop(header, payload, reply, raw)
    return work


def calls(store, count):
    """Do what `packet` writes down with a call for each operation."""
    data, one, tail, front = bytes(LENGTH), 7, bytes(32), bytes(19)
    for _ in range(count):
        raw = store.bytes(data)
        header = raw[0:19]
        payload = raw[19:LENGTH]
        raw[1] = one
        reply = payload.copy()
        reply += tail
        reply.prepend(front)
        header.release()
        payload.release()
        reply.release()
        raw.release()


def batch_ns(ops):
    """Return the time of the operations alone, in C: the arrays are there."""
    run = _Run(ops, CONFIG, HEADROOM, 2000)
    begin = time.process_time_ns()
    run.advance(0, len(ops))
    spent = time.process_time_ns() - begin
    run.close()
    return spent


def whole_ns(ops):
    """Return the time of `run_ops` with checks, hash and result."""
    begin = time.process_time_ns()
    rp.run_ops(ops, CONFIG, headroom_bytes=HEADROOM)
    return time.process_time_ns() - begin


def calls_ns(_):
    """Return the time of as many calls of methods."""
    with rp.Store(CONFIG, headroom_bytes=HEADROOM) as store:
        begin = time.process_time_ns()
        calls(store, PACKETS)
        return time.process_time_ns() - begin


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    one = packet()
    ops = one.repeat(np.arange(PACKETS) * 1_000_000)
    ways = {
        "batch in C, with the timeline": batch_ns,
        "run_ops, with checks and result": whole_ns,
        "calls of the methods of Bytes": calls_ns,
    }
    times = {name: [] for name in ways}
    for _ in range(rounds):  # Interleaved, so that what disturbs one disturbs all.
        for name, measure in ways.items():
            times[name].append(measure(ops) / len(ops))
    medians = {name: statistics.median(each) for name, each in times.items()}
    batch, whole, slow = medians.values()
    rows = [[name, f"{ns:.1f}", f"{slow / ns:.1f}"] for name, ns in medians.items()]
    text = "\n\n".join(
        [
            report.header("Operations on Bytes, as a batch and as calls"),
            f"Processor time, median of {rounds} interleaved rounds of {len(ops):,} operations: "
            f"{PACKETS:,} packets of {LENGTH} bytes, each created, sliced twice, written (a "
            "copy), shared, extended at both ends and dropped.",
            report.table(["way", "ns an operation", "times as fast as calls"], rows),
            f"run_ops: {slow / whole:.1f} times as fast as calls, {slow / batch:.1f} without what "
            "it does once (goal: 10).",
        ]
    )
    report.publish("ops", text)


if __name__ == "__main__":
    main()
