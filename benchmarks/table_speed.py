"""Time the table's find and put beside an array that is searched from its start.

Both are called in one process, alternating who begins (table_speed.c). A ratio is the median over
rounds of that round's ratio of the two.
"""

import argparse
import collections
import statistics
import subprocess
import tempfile
from pathlib import Path

import report

ROOT = report.ROOT
CFLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
COUNTS = ("64", "512", "2048")
WORKLOADS = {
    "hit": "find, there",
    "miss": "find, not there",
    "update": "put, there",
    "ring": "put, new, ring",
    "cull": "put, new, culls included",
}


def build(folder):
    """Compile the benchmark with the core; return the program."""
    sources = [ROOT / "benchmarks" / "table_speed.c"]
    sources += sorted((ROOT / "csrc" / "core").glob("*.c"))
    include = [f"-I{ROOT / 'csrc' / part}" for part in ("port", "core")]
    program = folder / "table_speed"
    subprocess.run(["gcc", *CFLAGS, *include, *sources, "-o", program], check=True)
    return program


def measure(program, rounds):
    """Return {(contender, workload, count): [ns a call of each round]}."""
    command = [program, str(rounds)]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    times = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        *key, ns = line.split()
        times[tuple(key)].append(float(ns))
    return times


def cell(times, workload, count):
    """Return "table, scan (scan / table)" as text."""
    table, scan = (times[name, workload, count] for name in ("table", "scan"))
    ratio = statistics.median(slow / fast for slow, fast in zip(scan, table))
    return f"{statistics.median(table):.1f} {statistics.median(scan):.0f} ({ratio:.1f}x)"


def main():
    """Compile, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        times = measure(build(Path(name)), rounds)
    rows = [
        [text, *(cell(times, workload, count) for count in COUNTS)]
        for workload, text in WORKLOADS.items()
    ]
    text = "\n\n".join(
        [
            report.header("the keyed table beside a linear scan"),
            f"Median ns a call: table, scan (ratio of the two), {rounds} rounds of "
            "20,000 calls, full tables of so many entries with 16-byte keys and 32-byte values.",
            report.table(["call", *(f"{count} entries" for count in COUNTS)], rows),
        ]
    )
    report.publish("table", text)


if __name__ == "__main__":
    main()
