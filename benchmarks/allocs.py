"""Count the heap allocations of each path of the library, exactly.

The process's own malloc family is counted by definitions in the program (heap_counter.c), first
shown to catch planted allocations. Each path runs on a pool of exactly its own high-water marks,
where it must not reach the heap, and on the same with a slot of each tier held back, where malloc
serves the misses and must be called as often as the pool says. Counts are exact; times are only
reported. Run by `make allocs`; exit status 1 if a count is wrong, with the sites it came from.
"""

import argparse
import functools
import json
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import report

import pyrns_pool as rp
from pyrns_pool.workloads.node import traffic_rows

ROOT = report.ROOT
HERE = ROOT / "benchmarks"
PARTS = ("port", "core", "node", "lab")
LOG = "reticulum_mtu500_transport.csv.gz"
FLAGS = ["-O2", "-g", "-Wall", "-Wextra", "-pthread"]
# A function that ends in a call of malloc would otherwise not be in the list of callers.
FLAGS += ["-fno-optimize-sibling-calls"]
CONTROLS = {
    "planted": Fraction(1, 8),
    "planted, whole family": Fraction(14),
    "planted, 4 threads": Fraction(1),
}
PLANTED_SITE = "planted_allocation"
# Rows that differ in a number only are one line of the table.
FOLDED = "RTP receive, "


def compile_program(folder, sync):
    """Build the counting program; return its path."""
    include = [f"-I{ROOT / 'csrc' / part}" for part in PARTS]
    sources = [HERE / "heap_counter.c", *sorted(HERE.glob("allocs_*.c"))]
    sources += [path for part in PARTS for path in sorted((ROOT / "csrc" / part).glob("*.c"))]
    define = f"-DRNS_SYNC=RNS_SYNC_{sync}"
    run("gcc", "-std=gnu11", *FLAGS, define, *include, "-c", *sources, cwd=folder)
    run("g++", "-std=c++17", *FLAGS, "-c", HERE / "allocs_peers.cc", cwd=folder)
    program = folder / "allocs"
    run("g++", "-pthread", *sorted(folder.glob("*.o")), "-lnettle", "-o", program)
    return program


def run(*command, **options):
    """Run a command that must succeed; return what it printed."""
    command = list(map(str, command))
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def write_log(folder):
    """Write the recorded packets as the node's traffic wants them; return the path."""
    path = folder / "log.bin"
    traffic_rows(rp.load_packets(rp.shipped(LOG))).tofile(path)
    return path


def measure(folder, operations, sync="NONE"):
    """Return what the program counted, a mapping for each run of a path, with sites by name."""
    program, log = compile_program(folder, sync), write_log(folder)
    rows = [json.loads(line) for line in run(program, operations, log).splitlines()]
    for row in rows:
        for site in row.get("sites", []):
            site["frames"] = [frame_name(*frame) for frame in site["frames"]]
    return rows


@functools.lru_cache(maxsize=None)
def frame_name(module, offset, symbol):
    """Return "module: function (file:line)" of a return address, as far as it is known."""
    # A return address may belong to the line, even the function, behind the call.
    function, place = run("addr2line", "-Cfe", module, hex(offset - 1)).splitlines()
    name = symbol if function.startswith("??") else function
    where = "" if place.startswith("??") else f" ({Path(place).name.split(' ')[0]})"
    return f"{Path(module).name}: {name}{where}"


def per_operation(row, counter):
    """Return a count of a row for each of its operations, exactly."""
    return Fraction(row[counter], row["operations"])


def ratio(fraction):
    """Return a fraction as text: "0" or "1/8" or "12/1"."""
    return f"{fraction.numerator}/{fraction.denominator}" if fraction else "0"


def faults(rows):
    """Return what is wrong with the counts, a line each; nothing if all is well."""
    found = [f"{row['name']}: the counter allocated" for row in rows if row["own"]]
    controls = {row["name"]: row for row in rows if row["kind"] == "control"}
    for name, expected in CONTROLS.items():
        if name not in controls or per_operation(controls[name], "allocations") != expected:
            found.append(f"{name}: {ratio(expected)} allocations an operation were not counted")
    sites = controls.get("planted", {}).get("sites", [])
    if len(sites) != 1 or f": {PLANTED_SITE} " not in sites[0]["frames"][0]:
        found.append("planted: its site was not named")
    paths = [row for row in rows if row["kind"] == "path"]
    if not paths:
        found.append("no path was run")
    for row in paths:
        found += exact_faults(row) if row["pool"] == "exact" else too_small_faults(row)
    return found


def exact_faults(row):
    """Return what is wrong with a run on a pool of the path's own high-water marks."""
    counters = ("allocations", "frees", "misses")
    wrong = [f"{row[name]} {name}" for name in counters if row[name]]
    wrong += [] if row["operations"] else ["no operations"]
    return [f"{row['name']}: {', '.join(wrong)} in {row['operations']} operations"] * bool(wrong)


def too_small_faults(row):
    """Return what is wrong with a run where the heap served the misses."""
    pairs = (("allocations", "fallbacks"), ("frees", "fallback_gives"))
    wrong = [f"{row[a]} {a} but {row[b]} {b}" for a, b in pairs if row[a] != row[b]]
    wrong += [] if row["fallbacks"] else ["a slot of each tier held back was not missed"]
    return [f"{row['name']}, pool too small: {text}" for text in wrong]


def escapes(rows):
    """Return the sites from which a path on its exact pool reached the heap, as lines."""
    lines = []
    for row in rows:
        if row["kind"] == "path":
            for site in row.get("sites", []):
                lines.append(f"{row['name']}: {site['allocations']} from")
                lines += [f"    {frame}" for frame in site["frames"]]
    return lines


def nanoseconds(row):
    """Return the median ns of an operation over the rounds."""
    return statistics.median(row["ns"]) / (row["operations"] / len(row["ns"]))


def slots(row):
    """Return the slots of a row's pool as a user writes them."""
    return ",".join(f"{size}x{count}" for size, count in row["slots"].items() if count) or "-"


def folded(rows):
    """Return rows of one kind of run, with those of one path at many spacings made one."""
    many = [row for row in rows if row["name"].startswith(FOLDED)]
    if not many:
        return rows
    total = {
        key: sum(row[key] for row in many) if isinstance(value, int) else value
        for key, value in many[0].items()
    }
    if "ns" in total:
        total["ns"] = [sum(rounds) for rounds in zip(*(row["ns"] for row in many))]
    total["slots"] = {size: max(row["slots"][size] for row in many) for size in total["slots"]}
    first, last = (row["name"][len(FOLDED) :] for row in (many[0], many[-1]))
    total["name"] = f"{FOLDED}each of {first} ... {last}"
    place = rows.index(many[0])
    others = [row for row in rows if row not in many]
    return [*others[:place], total, *others[place:]]


def steady(rows):
    """Return the rows of steady states, the peers and the planted ones last."""
    order = ("path", "peer", "control")
    return folded([row for kind in order for row in rows if row["kind"] == kind and "ns" in row])


def steady_table(rows):
    """Return the table of what each path takes from the heap."""
    return report.table(
        [
            "path",
            "operations",
            "allocations",
            "allocations/op",
            "bytes/op",
            "requests/op",
            "ns/op",
            "slots",
        ],
        [
            [
                row["name"],
                f"{row['operations']:,}",
                f"{row['allocations']:,}",
                *(ratio(per_operation(row, name)) for name in ("allocations", "bytes")),
                ratio(per_operation(row, "requests")),
                f"{nanoseconds(row):.1f}",
                slots(row),
            ]
            for row in steady(rows)
        ],
    )


def too_small_table(rows):
    """Return the table of what the heap served where the pool could not."""
    columns = ("operations", "requests", "fallbacks", "allocations", "fallback_gives", "frees")
    small = folded([row for row in rows if row["pool"] == "too small"])
    return report.table(
        ["path", "slots", *(name.replace("_", " ") for name in columns)],
        [[row["name"], slots(row), *(f"{row[name]:,}" for name in columns)] for row in small],
    )


def render(rows):
    """Return the report as Markdown."""
    operations = {row["name"]: row["operation"] for row in steady(rows)}
    (planted,) = [row for row in rows if row["name"] == "planted"]
    escaped = escapes(rows) or ["nothing reached the heap"]
    return "\n\n".join(
        [
            report.header("heap allocations of each path"),
            "Allocations are calls of the malloc family by the whole process (heap_counter.c), "
            "bytes what they ask for; both exact, for each operation as a fraction. Memory taken "
            "by mmap or sbrk past the heap is not seen. Requests are those to the pool, which "
            "has exactly the slots of the path's own high-water marks; 32 bytes of headroom and "
            "64 of tailroom are wished for each buffer, so that 500 bytes lie in 1024. ns: median "
            "of 5 rounds, after a round to warm up, of the build for one thread (RNS_SYNC_NONE).",
            steady_table(rows),
            "One operation is\n\n" + "\n".join(f"- {k}: {v}" for k, v in operations.items()),
            "## Where it reached the heap",
            "```\n" + "\n".join(escaped) + "\n```",
            "The planted allocation, to show what would stand here:",
            "```\n" + "\n".join(planted["sites"][0]["frames"]) + "\n```",
            "## A slot of each tier held back",
            "malloc serves the misses, counted from the first moment of a path to its last. "
            "Fallbacks are the pool's own count, allocations and frees those of the process.",
            too_small_table(rows),
        ]
    )


def main():
    """Compile, count, judge, publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=100000, help="in each of 5 rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, publish nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name), options.operations)
    wrong = faults(rows)
    if options.json:
        print(json.dumps({"rows": rows, "faults": wrong}))
    elif not wrong:
        report.publish("allocs", render(rows))
    if wrong:
        print("\n".join([*wrong, *escapes(rows)]), file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
