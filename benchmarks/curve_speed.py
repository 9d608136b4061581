"""Time exact hit curves of the recorded node beside replays for single slot counts.

Run by `make bench`.
"""

import argparse
import statistics
import time

import numpy as np
import report

import pyrns_pool as rp
from pyrns_pool._curve_run import STEP_DTYPE, EndlessTier
from pyrns_pool._native import none

RECORDING = "microreticulum_node_a.npz"
BOUNDS = [64, 256, 512, 1024]
GOAL_M = 40
RANGES = 200


def seconds(function, rounds):
    """Return the median wall time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def ranges(trace):
    """Return a function that makes the curves of many size ranges, as a tuner does."""
    lib, ffi = none
    sizes = np.empty(trace.block_count, np.uint32)
    steps, mine = (np.empty(len(trace), STEP_DTYPE) for _ in range(2))
    index = np.empty(trace.block_count, np.uint32)
    all_steps, kept = (ffi.from_buffer("rns_curve_step_t[]", array) for array in (steps, mine))
    lib.rns_curve_steps(
        ffi.from_buffer("rns_event_t[]", trace.events),
        ffi.from_buffer("uint32_t[]", trace.blocks),
        0,
        len(trace),
        ffi.from_buffer("uint32_t[]", sizes),
        all_steps,
    )
    known = np.unique(trace.block_sizes[trace.block_sizes <= 2048]).tolist()
    rng = np.random.default_rng(1)
    pairs = [sorted(rng.choice(known, 2).tolist()) for _ in range(RANGES)]

    def run():
        for least, most in pairs:
            tier = EndlessTier(index)
            tier.run(kept, lib.rns_curve_select(all_steps, len(trace), least, most, kept))

    return run


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    trace = rp.load_trace(rp.shipped(RECORDING))
    rows = []

    def row(what, function, events, times=rounds):
        wall = seconds(function, times)
        rows.append([what, f"{events:,}", f"{wall * 1e3:.1f}", f"{events / wall / 1e6:.1f}"])
        return wall

    begin = time.perf_counter()
    curve = rp.hit_curve(trace, BOUNDS)
    first = time.perf_counter() - begin
    cells = [f"{len(trace):,}", f"{first * 1e3:.1f}", f"{len(trace) / first / 1e6:.1f}"]
    rows.append(["hit_curve, 4 tiers, the first time", *cells])
    all_counts = row("hit_curve, 4 tiers", lambda: rp.hit_curve(trace, BOUNDS), len(trace))
    row("hit_curve, 1 tier of everything", lambda: rp.hit_curve(trace, [1 << 20]), len(trace))
    row(
        "hit_curve, 4 tiers, with loads",
        lambda: rp.hit_curve(trace, BOUNDS, loads=True),
        len(trace),
    )
    row(f"{RANGES} size ranges drawn at random", ranges(trace), RANGES * len(trace), 3)
    pool = rp.PoolConfig(tuple(rp.Tier(size, 16) for size in BOUNDS))
    one_count = row("replay, 16 slots in each tier", lambda: rp.replay(trace, pool), len(trace))
    most = max(tier.zero_miss_slots for tier in curve.tiers)
    rate = len(trace) / all_counts / 1e6
    text = "\n\n".join(
        [
            report.header("Hit curves of microreticulum_node_a"),
            f"Median of {rounds} rounds, one core. A curve includes splitting the trace into its "
            "tiers; the first one also hashes the trace. Of a size range every event of the trace "
            "is counted.",
            report.table(["what", "events", "ms", "M events/s"], rows),
            f"All {most:,} slot counts at once: {rate:.1f} M events/s (goal: {GOAL_M}), "
            f"{all_counts / one_count:.2f} of the time of a replay with one of them.",
        ]
    )
    report.publish("curve", text)


if __name__ == "__main__":
    main()
