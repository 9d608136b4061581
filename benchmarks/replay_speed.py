"""Time replay and reading of the recorded node beside a plain Python loop over the same pool.

Run by `make bench`.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import report

import pyrns_pool as rp

RECORDING = "microreticulum_node_a.npz"
LOOP_EVENTS = 50_000


def seconds(function, rounds):
    """Return the median wall time of a call."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def python_loop(trace, config):
    """Replay the first events with one call of `Pool` for each, as one would at the prompt."""
    held = {}
    with rp.Pool(config) as pool:
        for event in trace.events[:LOOP_EVENTS].tolist():
            _, block, size, _, _, op = event
            if op:
                slot = held.pop(block, None)
                if slot is not None:
                    pool.give(slot)
                continue
            try:
                held[block] = pool.take(size)
            except (rp.PoolExhausted, rp.TooLarge):
                pass


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    trace = rp.load_trace(rp.shipped(RECORDING))
    buffers = trace.filter(site="std::vector<>::reserve")
    rows = []

    def row(what, events, wall):
        rows.append([what, f"{events:,}", f"{wall * 1e3:.1f}", f"{events / wall / 1e6:.2f}"])
        return events / wall

    for name in rp.preset_names():
        for policy in ("strict", "spill"):
            config = rp.PoolConfig.preset(name, policy)
            wall = seconds(lambda: rp.replay(trace, config), rounds)
            rate = row(f"replay, {name}, {policy}", len(trace), wall)
            if (name, policy) == ("design", "strict"):
                strict = rate
    wall = seconds(lambda: rp.replay(buffers, rp.PoolConfig.preset("pyxis")), rounds)
    row("replay, pyxis, strict, one site (62 % hits)", len(buffers), wall)
    design = rp.PoolConfig.preset("design")
    loop = row(
        "plain Python loop, design", LOOP_EVENTS, seconds(lambda: python_loop(trace, design), 3)
    )
    row("load .npz", len(trace), seconds(lambda: rp.load_trace(rp.shipped(RECORDING)), 5))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "node.csv.gz"
        rp.save_trace(trace, path)
        row("load .csv.gz", len(trace), seconds(lambda: rp.load_trace(path), 5))
    text = "\n\n".join(
        [
            report.header("Replay of microreticulum_node_a"),
            f"Median of {rounds} rounds, one core, timeline of 2,000 bins and all statistics on.",
            report.table(["what", "events", "ms", "M events/s"], rows),
            f"Strict replay: {strict / 1e6:.1f} M events/s, {strict / loop:,.0f} times the plain "
            "Python loop (goal: 40 M events/s).",
        ]
    )
    report.publish("replay", text)


if __name__ == "__main__":
    main()
