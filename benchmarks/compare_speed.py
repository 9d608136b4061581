"""Time `compare`: each contender with its timeline on, and the whole with the arenas it looks for.

Run by `make bench`.
"""

import argparse
import statistics
import time

import report

import pyrns_pool as rp
from pyrns_pool._compare_run import Run
from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.compare import BINS_DEFAULT
from pyrns_pool.config import POLICIES

RECORDING = "microreticulum_node_a.npz"
ARENA_BYTES = 320 * 1024
SLOT_BYTES = (32, 64, 128, 256, 512, 1024, 2048, 4096)


def seconds(make, rounds):
    """Return the median wall time of what `make` returns, made anew for each round."""
    times = []
    for _ in range(rounds):
        function = make()
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    recording = rp.load_trace(rp.shipped(RECORDING))
    generated = rp.packet_node(ARENA_BYTES * 8 // 10, events=2_000_000)
    rows = []
    for name, trace in (("recorded node", recording), ("packet node", generated)):
        config = rp.sized_pool(trace, SLOT_BYTES)
        edges = rp.replay(trace, config, bins=BINS_DEFAULT).timeline.edges_ns

        def run(pool, heap):
            return lambda: Run(trace, pool, [heap]).timeline(edges)

        makers = {
            f"pool_{policy}": lambda policy=policy: run(
                NativePool(none, config.with_policy(policy)), None
            )
            for policy in POLICIES
        }
        for kind in rp.HEAPS:
            makers[kind] = lambda kind=kind: run(None, rp.Heap(kind, ARENA_BYTES))
        for contender, make in makers.items():
            wall = seconds(make, rounds)
            rows.append([name, contender, f"{wall * 1e3:.1f}", f"{len(trace) / wall / 1e6:.1f}"])
        wall = seconds(lambda: lambda: rp.compare(trace, config, [ARENA_BYTES]), 1)
        rows.append([name, "compare, all of it", f"{wall * 1e3:.1f}", ""])
    text = "\n\n".join(
        [
            report.header("compare: events a second with the timeline on"),
            f"Median of {rounds} rounds, {BINS_DEFAULT} bins, arena of {ARENA_BYTES:,} bytes; "
            "after each event a look at what is free and at whether 500 bytes could be had.",
            report.table(["trace", "contender", "ms", "million events/s"], rows),
        ]
    )
    report.publish("compare", text)


if __name__ == "__main__":
    main()
