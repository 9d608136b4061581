"""Time take + give of the core beside the heaps that a user would pick instead.

Every contender is called through the same two function pointers in one process, in an order that
rotates each round (core_peers.c). A ratio is the median over rounds of that round's ratio to
glibc; `harness` hands out a fixed buffer and shows what calling costs. Run by `make bench`.
"""

import argparse
import collections
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import report

ROOT = report.ROOT
CFLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
# Name, and how the core is built for it.
VARIANTS = {
    "pool NONE": ["-DRNS_SYNC=RNS_SYNC_NONE"],
    "pool LOCK": ["-DRNS_SYNC=RNS_SYNC_LOCK"],
    "pool ATOMIC": ["-DRNS_SYNC=RNS_SYNC_ATOMIC"],
    "NONE, unchecked, no statistics": ["-DRNS_BENCHMARK_UNCHECKED=1", "-DRNS_STATS=0"],
    "NONE, no statistics": ["-DRNS_STATS=0"],
    "NONE + canary": ["-DRNS_CANARY=1"],
    "NONE + poison": ["-DRNS_POISON=1"],
    "NONE + timing": ["-DRNS_TIMING=1"],
}
HEAPS = {
    "glibc": ("self", "malloc", "free"),
    "jemalloc": ("libjemalloc.so.2", "malloc", "free"),
    "mimalloc": ("libmimalloc.so.2", "mi_malloc", "mi_free"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "tc_malloc", "tc_free"),
}
WORKLOADS = ("a256", "a512", "a1024", "b", "c")
BASE = "glibc"
UNCHECKED = "NONE, unchecked, no statistics"


def compile_all(folder):
    """Build the harness and one shared object per variant; return name -> (path, take, give)."""
    contenders = {"harness": (folder / "nothing.so", "bench_take", "bench_give"), **HEAPS}
    shared = [*CFLAGS, "-fPIC", "-shared", "-fvisibility=hidden"]
    include = [f"-I{ROOT / 'csrc' / part}" for part in ("port", "core")]
    core = sorted((ROOT / "csrc" / "core").glob("*.c"))
    run("gcc", *shared, ROOT / "benchmarks" / "nothing.c", "-o", folder / "nothing.so")
    for number, (name, defines) in enumerate(VARIANTS.items()):
        library = folder / f"variant{number}.so"
        source = ROOT / "benchmarks" / "pool_variant.c"
        run("gcc", *shared, *defines, *include, source, *core, "-o", library)
        contenders[name] = (library, "bench_take", "bench_give")
    run("gcc", *CFLAGS, ROOT / "benchmarks" / "core_peers.c", "-ldl", "-o", folder / "core_peers")
    return contenders


def run(*command, **options):
    """Run a command that must succeed."""
    return subprocess.run(list(map(str, command)), check=True, text=True, **options)


def measure(folder, contenders, rounds):
    """Return {(contender, workload): [ns of each round]}."""
    arguments = [f"{name}={path}:{take}:{give}" for name, (path, take, give) in contenders.items()]
    # jemalloc wants static thread-local storage, which a library loaded later gets only so.
    tunables = {**os.environ, "GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"}
    done = run(folder / "core_peers", rounds, *arguments, env=tunables, stdout=subprocess.PIPE)
    times = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        name, workload, _, ns = line.rsplit(" ", 3)
        times[name, workload].append(float(ns))
    return times


def ratio(times, name, workload, base=BASE):
    """Return the median of the per-round ratios of two contenders."""
    pairs = zip(times[name, workload], times[base, workload])
    return statistics.median(mine / theirs for mine, theirs in pairs)


def goals(times, heaps):
    """Return the rows that hold the figures against the project's goals."""
    best = min((ratio(times, name, "b"), name) for name in heaps if name != BASE)
    rows = [
        ("NONE, b, of glibc", ratio(times, "pool NONE", "b"), 0.60),
        (f"NONE, b, of the best other ({best[1]})", ratio(times, "pool NONE", "b", best[1]), 0.90),
        *((f"NONE, {w}, of glibc", ratio(times, "pool NONE", w), 0.80) for w in WORKLOADS[:3]),
        ("LOCK, b, of glibc", ratio(times, "pool LOCK", "b"), 0.70),
        ("ATOMIC, b, of glibc", ratio(times, "pool ATOMIC", "b"), 1.00),
        (
            "checks and statistics, b, of unchecked",
            ratio(times, "pool NONE", "b", UNCHECKED),
            1.25,
        ),
    ]
    return [
        (what, f"{got:.2f}", f"{goal:.2f}", "yes" if got <= goal else "NO")
        for what, got, goal in rows
    ]


def main():
    """Compile, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contenders = compile_all(folder)
        times = measure(folder, contenders, rounds)
    rows = [
        [name]
        + [
            f"{statistics.median(times[name, w]):.1f} ({ratio(times, name, w):.2f})"
            for w in WORKLOADS
        ]
        for name in contenders
    ]
    text = "\n\n".join(
        [
            report.header("take + give beside the heaps"),
            f"Median ns a pair (ratio to glibc), {rounds} rounds of 20,000 pairs. a: take, touch, "
            "give; b: 12 live buffers per tier, replaced at random; c: 16 takes, then 16 gives. "
            "harness: the calls alone, contained in every figure.",
            report.table(["contender", *WORKLOADS], rows),
            report.table(["figure", "measured", "goal", "met"], goals(times, HEAPS)),
        ]
    )
    report.publish("core", text)


if __name__ == "__main__":
    main()
