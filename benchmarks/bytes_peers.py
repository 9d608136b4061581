"""Time Bytes beside the shared buffers that a user would pick instead.

Every peer is a shared object of the same loops (bytes_peers/workloads.h) over its own calls; all
are loaded into one process and timed in an order that rotates each round (bytes_peers/harness.c),
after each has shown that its results are equal byte for byte. Ours come three ways: `ours .so` is
the thread-safe build as a library, every call a call; the other two are compiled into the caller,
with link-time optimisation. A ratio is the median over rounds of that round's ratio.

A second thread sleeps meanwhile: without one std::shared_ptr would not count atomically. The last
table is the same without it. Run by `make bench`.
"""

import argparse
import collections
import statistics
import subprocess
import tempfile
from pathlib import Path

import report

ROOT = report.ROOT
HERE = ROOT / "benchmarks" / "bytes_peers"
OPTIMISE = ["-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"]
C = ["gcc", "-std=gnu11", *OPTIMISE]
CXX = ["g++", "-std=c++17", *OPTIMISE]
INCLUDE = [f"-I{ROOT / 'csrc' / part}" for part in ("port", "core")]
CORE = sorted((ROOT / "csrc" / "core").glob("*.c"))
SHARED, ATOMIC, NONE = "ours .so", "ours inline ATOMIC", "ours inline NONE"
COPIES = "the copies alone"
# Name, and how it is compiled; pkg-config names what it needs.
PEERS = {
    "new+shared_ptr": (CXX, "shared_ptr.cc", None),
    "make_shared": ([*CXX, "-DMAKE_SHARED"], "shared_ptr.cc", None),
    "GBytes": (C, "gbytes.c", "glib-2.0"),
    "Cord": (CXX, "cord.cc", "absl_cord"),
    "QByteArray": (CXX, "qbytearray.cc", "Qt5Core"),
    COPIES: (C, "copies.c", None),
}
OPERATIONS = {
    ("create", 16): "create 16",
    ("create", 500): "create 500",
    ("create", 1000): "create 1000",
    ("share", 500): "share",
    ("slice", 500): "slice",
    ("write", 500): "COW write",
    ("append", 500): "append 32",
    ("concat", 500): "concat 19+500",
    ("packet", 500): "packet",
}
OURS_ONLY = {
    ("prepend", 500): "prepend 19",
    ("concat", 500): "concat 19+500",
    ("tail", 500): "tail append 32",
    ("cow_append", 500): "COW append 32",
}
GOALS = [  # operation, the slower, the faster, how many times
    ("packet", "new+shared_ptr", SHARED, 3.5),
    ("packet", "make_shared", SHARED, 2.3),
    ("packet", "GBytes", SHARED, 2.0),
    ("packet", "Cord", SHARED, 3.0),
    ("packet", "QByteArray", SHARED, 1.6),
    ("slice", "new+shared_ptr", SHARED, 6.0),
    ("slice", "GBytes", SHARED, 3.0),
    ("slice", "QByteArray", SHARED, 3.0),
    ("write", "new+shared_ptr", SHARED, 2.3),
    ("packet", "new+shared_ptr", NONE, 6.0),
]


def run(*command, **options):
    """Run a command that must succeed."""
    return subprocess.run(list(map(str, command)), check=True, text=True, **options)


def flags(package):
    """Return the compiler flags of a package."""
    asked = ["pkg-config", "--cflags", "--libs", package]
    return run(*asked, stdout=subprocess.PIPE).stdout.split() if package else []


def build_ours(folder):
    """Build the library and the three ways to use it; return name -> path."""
    atomic = "-DRNS_SYNC=RNS_SYNC_ATOMIC"
    source = HERE / "ours.c"
    library = folder / "librns.so"
    exported = ["-fvisibility=default", "-fno-semantic-interposition", "-Wl,-Bsymbolic-functions"]
    run(*C, *exported, atomic, *INCLUDE, *CORE, "-shared", "-o", library)
    paths = {name: folder / f"ours{i}.so" for i, name in enumerate((SHARED, ATOMIC, NONE))}
    # The bodies in the headers are there to be inlined, and may not be.
    calls = ["-DRNS_INLINE=extern inline __attribute__((gnu_inline))", "-fno-inline"]
    link = ["-shared", library, f"-Wl,-rpath,{folder}"]
    run(*C, *calls, atomic, *INCLUDE, source, *link, "-o", paths[SHARED])
    for name, defines in ((ATOMIC, [atomic]), (NONE, [])):
        run(*C, "-flto", *defines, *INCLUDE, source, *CORE, "-shared", "-o", paths[name])
    return paths


def build(folder):
    """Build everything; return the harness and name -> path of each peer."""
    harness = folder / "harness"
    run(*C, HERE / "harness.c", "-ldl", "-pthread", "-o", harness)
    paths = build_ours(folder)
    for i, (name, (compiler, source, package)) in enumerate(PEERS.items()):
        paths[name] = folder / f"peer{i}.so"
        run(*compiler, HERE / source, *flags(package), "-shared", "-o", paths[name])
    return harness, paths


def measure(harness, paths, rounds, threads):
    """Return {(peer, operation, bytes): [ns of each round]}."""
    peers = [f"{name}={path}" for name, path in paths.items()]
    done = run(harness, rounds, threads, *peers, stdout=subprocess.PIPE)
    times = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        name, operation, size, ns = line.rsplit(" ", 3)
        times[name, operation, int(size)].append(float(ns))
    return times


def ratio(slower, faster):
    """Return the median of the ratios of two contenders, round by round."""
    return statistics.median(slow / fast for slow, fast in zip(slower, faster))


def cells(times, name, operations):
    """Return "ns (ratio to ours .so)" of each operation as text."""
    row = []
    for operation, size in operations:
        if not times[name, operation, size]:
            row.append("-")
            continue
        mine, theirs = times[name, operation, size], times[SHARED, operation, size]
        row.append(f"{statistics.median(mine):.1f} ({ratio(mine, theirs):.2f})")
    return row


def goals(times):
    """Return the rows that hold the figures against the project's goals."""
    figures = [
        (
            f"{operation}: {faster}, faster than {slower}",
            slower,
            operation,
            faster,
            operation,
            goal,
        )
        for operation, slower, faster, goal in GOALS
    ]
    figures += [
        (f"{SHARED}: {what}", SHARED, slow, SHARED, fast, goal)
        for what, slow, fast, goal in (
            ("prepend in headroom, faster than concat", "concat", "prepend", 5.0),
            ("tail append, faster than COW append", "cow_append", "tail", 3.0),
        )
    ]
    rows = []
    for text, slower, slow, faster, fast, goal in figures:
        got = ratio(times[slower, slow, 500], times[faster, fast, 500])
        rows.append((text, f"{got:.2f}", f"{goal:.1f}", "yes" if got >= goal else "NO"))
    return rows


def floor(times):
    """Return what the copies and the locked instructions leave to the goals of the packet."""
    packet = {
        name: statistics.median(times[name, "packet", 500]) for name in (*PEERS, SHARED, NONE)
    }
    copies, slowest = packet[COPIES], packet["new+shared_ptr"]
    return (
        f"Of a packet's {packet[SHARED]:.0f} ns through the library and {packet[NONE]:.0f} inline "
        f"without synchronisation, the copies alone take {copies:.0f}. To be 3.5 times as fast as "
        f"new+shared_ptr leaves {slowest / 3.5 - copies:.0f} ns for 13 calls with 17 locked "
        f"instructions (7 count references, 4 slots, 6 statistics), which alone take some 2 ns "
        f"each; 2.3 times make_shared, {packet['make_shared'] / 2.3 - copies:.0f} ns; 6 times "
        f"new+shared_ptr inline, {slowest / 6 - copies:.0f} ns for two takes, two gives and all "
        "checks and statistics."
    )


def main():
    """Compile, measure, publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--dry", action="store_true", help="write no result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        harness, paths = build(Path(name))
        times = measure(harness, paths, arguments.rounds, 2)
        alone = measure(harness, paths, arguments.rounds, 1)
    columns = ["contender", *OPERATIONS.values()]
    ours = [name for name in paths if name not in PEERS]
    text = "\n\n".join(
        [
            report.header("Bytes beside other shared buffers"),
            f"Median ns an operation (ratio to {SHARED}), {arguments.rounds} rounds of 4,000 "
            "calls, 500 bytes unless said, with a second thread alive. Each operation includes "
            "the drop of what it makes. packet: make 500 from memory, slice 19 and 481 bytes, "
            "share twice, own with room for 64 more, change one byte, append 64, drop all. "
            "The last row is what remains if all but the copying costs nothing.",
            report.table(columns, [[n, *cells(times, n, OPERATIONS)] for n in paths]),
            "What only ours has; without the drop, but for concat:",
            report.table(
                ["contender", *OURS_ONLY.values()],
                [[n, *cells(times, n, OURS_ONLY)] for n in ours],
            ),
            report.table(["figure", "measured", "goal", "met"], goals(times)),
            floor(times),
            "The first table without a second thread:",
            report.table(columns, [[n, *cells(alone, n, OPERATIONS)] for n in paths]),
        ]
    )
    if arguments.dry:
        print(text)
    else:
        report.publish("bytes", text)


if __name__ == "__main__":
    main()
