"""Time programs under `live` beside `record` and beside nothing, in the same rounds.

Run by `make bench`. What counts is what the program notices: its own processor time, and how long
it takes by the clock, while whoever watches works on another core.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import report

FOLDER = report.ROOT / "benchmarks"
POOL = "--tiers=32x4096,64x1024,128x256,512x64,2048x16"
SQL = """
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 150000)
insert into t select x, hex(randomblob(x % 90)) from c;
create index i on t(b);
select count(*), max(b) from t order by b;
"""
JQ = "[range(150000)|tostring]|group_by(length)|map(length)|tostring"
OURS = [sys.executable, "-m", "pyrns_pool"]


def programs(folder, count):
    """Return the programs by name, and compile the one that runs them."""
    runner, busy = folder / "runner", folder / "busy"
    for source, program in (("live_speed.c", runner), ("record_speed.c", busy)):
        subprocess.run(["gcc", "-O2", FOLDER / source, "-o", program], check=True)
    return runner, {
        "sqlite3": ["sqlite3", ":memory:", SQL],
        "jq": ["jq", "-n", JQ],
        "nothing but allocations": [str(busy), str(count)],
    }


def watchers(folder):
    """Return the arguments in front of a command, by name."""
    record = [*OURS, "record", "--force", "-o", str(folder / "trace.npz"), "--"]
    live = [*OURS, "live", POOL, "--process", "2", "--period", "0.5"]
    return {
        "nothing": [],
        "record": record,
        "live": [*live, "--"],
        "live --heap none": [*live, "--heap", "none", "--"],
    }


def timed(command):
    """Run; return processor and clock time of the program, in ns."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=2_000_000)
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as top:
        folder = Path(top)
        runner, commands = programs(folder, given.count)
        for name, command in commands.items():
            found = {watcher: [] for watcher in watchers(folder)}
            for _ in range(given.rounds):  # All of them in each, so that load hits all alike.
                for watcher, front in watchers(folder).items():
                    found[watcher].append(timed([*front, runner, *command]))
            rows += table_rows(name, found)
    columns = ["program", "watched by", "processor", "record = 1", "clock", "record = 1"]
    text = "\n\n".join(
        [
            report.header("live: what watching costs the program, beside recording alone"),
            f"Median of {given.rounds} rounds in which all take turns: milliseconds that the "
            "program takes, and the median of the ratios to `record` within a round. Reading, "
            "pairing and replaying go on in another process, which steps back behind the program "
            "where cores are scarce. The last program does nothing but free and allocate.",
            report.table(columns, rows),
        ]
    )
    report.publish("live", text)


def table_rows(name, found):
    """Return a row for each watcher: medians, and medians of the ratios within a round."""
    rows = []
    for watcher, times in found.items():
        row = [name, watcher]
        for kind in (0, 1):
            ratios = [mine[kind] / base[kind] for mine, base in zip(times, found["record"])]
            row.append(f"{statistics.median(t[kind] for t in times) / 1e6:,.0f}")
            row.append(f"{statistics.median(ratios):.3f}")
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
