"""Time `record` beside heaptrack and mtrace on one program, and weigh what they write.

Run by `make bench`. The program takes its own processor time: what compresses in another
process does not count.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import report

import pyrns_pool as rp
from pyrns_pool.record import read_process, run_recorded

SOURCE = report.ROOT / "benchmarks" / "record_speed.c"


def printed(command, **environment):
    """Return the figure that the program prints as its last line but heaptrack's own."""
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return next(float(line) for line in done.stdout.splitlines() if is_figure(line))


def is_figure(line):
    """Return whether a line is nothing but a number."""
    return line.replace(".", "", 1).isdigit()


def ours(program, count, folder, depth):
    """Record; return the figure, and the bytes written and kept."""
    output = folder / "stdout"
    with open(output, "w", encoding="utf-8") as stdout:
        command = [str(program), str(count)]
        _, (path,) = run_recorded(command, folder, depth=depth, stdout=stdout)
    process = read_process(path)
    assert process.is_complete, process
    assert process.events >= 2 * count
    kept = folder / "trace.npz"
    rp.save_trace(process.trace, kept)
    figure = float(output.read_text(encoding="utf-8"))
    return figure, process.raw_bytes / process.events, kept.stat().st_size / process.events


def heaptrack(program, count, folder, *options):
    """Run heaptrack; return the figure and the bytes written."""
    figure = printed(["heaptrack", *options, "-o", folder / "h", program, count])
    (path,) = folder.glob("h*")
    return figure, path.stat().st_size / (2 * count), path.stat().st_size / (2 * count)


def mtrace(program, count, folder):
    """Run glibc's mtrace; return the figure and the bytes written."""
    path = folder / "m"
    preload = {"LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_TRACE": str(path)}
    figure = printed([program, count], **preload)
    return figure, path.stat().st_size / (2 * count), path.stat().st_size / (2 * count)


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=500_000)
    given = parser.parse_args()
    runs = {
        "nothing": lambda *these: (printed(these[:2]), 0, 0),
        "pyrns-pool record": lambda *these: ours(*these, 1),
        "pyrns-pool record --depth 8": lambda *these: ours(*these, 8),
        "mtrace": mtrace,
    }
    if shutil.which("heaptrack"):
        runs["heaptrack --raw"] = lambda *these: heaptrack(*these, "--raw")
        runs["heaptrack"] = heaptrack
    figures = {name: [] for name in runs}
    with tempfile.TemporaryDirectory() as top:
        program = Path(top) / "program"
        subprocess.run(["gcc", "-O2", SOURCE, "-o", program], check=True)
        for _ in range(given.rounds):  # All of them in each round, so that load hits all alike.
            for name, run in runs.items():
                with tempfile.TemporaryDirectory(dir=top) as folder:
                    figures[name].append(run(program, given.count, Path(folder)))
    times = {name: statistics.median(f[0] for f in found) for name, found in figures.items()}
    bare = times["nothing"]
    rows = []
    for name, found in figures.items():
        ratio = (times[name] - bare) / (times["pyrns-pool record"] - bare)
        weight = [f"{found[-1][i]:.1f}" if found[-1][i] else "" for i in (1, 2)]
        rows.append([name, f"{times[name]:.0f}", f"{ratio:.2f}", *weight])
    columns = ["recorder", "ns an event", "cost, record = 1", "bytes written", "bytes kept"]
    text = "\n\n".join(
        [
            report.header("record: what recording costs, beside heaptrack and mtrace"),
            f"Median of {given.rounds} rounds of {2 * given.count:,} events; processor time of "
            "the program, and what of it is above nothing. Bytes are for each event: as written "
            "while it runs, and in the file that is kept (an NPZ; others keep what they wrote). "
            "heaptrack keeps a whole stack for each site, mtrace neither time nor thread.",
            report.table(columns, rows),
        ]
    )
    report.publish("record", text)


if __name__ == "__main__":
    main()
