"""Time the readers of other tools' recordings beside that of the package's own CSV.

The same random calls in each form, written here: what heaptrack and mtrace write is text of this
form, event for event. Run by `make bench`.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

import report

import pyrns_pool as rp

LIVE = 1000
STACKS = 200


def events(count):
    """Return (is free, address, size, stack) of random calls that fit together."""
    draw = random.Random(1)
    live = []
    made = []
    for number in range(count):
        if len(live) > draw.randrange(2 * LIVE):
            at = draw.randrange(len(live))
            live[at], live[-1] = live[-1], live[at]
            made.append((True, live.pop(), 0, 0))
        else:
            live.append(0x55550000_0000 + 16 * number)
            made.append((False, live[-1], draw.randrange(1, 600), draw.randrange(1, STACKS + 1)))
    return made


def mtrace(made):
    """Yield the lines of glibc's mtrace."""
    yield "= Start"
    for is_free, address, size, stack in made:
        caller = f"@ ./node:(function_{stack}+0x12)[{0x1000 + stack:#x}]"
        yield f"{caller} - {address:#x}" if is_free else f"{caller} + {address:#x} {size:#x}"


def raw(made):
    """Yield the lines of heaptrack's raw form."""
    yield from ("v 10400 3", "x 4 node", "m 1 x 1000 0 ffff")
    yield from (f"t {0x1000 + stack:x} 0" for stack in range(1, STACKS + 1))
    for number, (is_free, address, size, stack) in enumerate(made):
        if number % 100 == 0:
            yield f"c {number // 100:x}"
        yield f"- {address:x}" if is_free else f"+ {size:x} {stack:x} {address:x}"


def interpreted(made):
    """Yield the lines of heaptrack's interpreted form."""
    kinds, kind_of = {}, {}
    yield from ("v 10400 3", "s 4 node", "s 4 main", "i 10 1 2", "t 1 0")
    for is_free, address, size, _ in made:
        if not is_free and size not in kinds:
            kinds[size] = len(kinds)
            yield f"a {size:x} 1"
        if not is_free:
            kind_of[address] = kinds[size]
        yield f"{'-' if is_free else '+'} {kind_of[address]:x}"


def valgrind(made):
    """Yield the lines of valgrind --trace-malloc=yes."""
    for is_free, address, size, _ in made:
        yield f"--7-- free({address:#x})" if is_free else f"--7-- malloc({size}) = {address:#x}"


def seconds(path, rounds):
    """Return the trace and the median wall time of reading it."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        trace = rp.load_trace(path)
        times.append(time.perf_counter() - begin)
    return trace, statistics.median(times)


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=1_000_000)
    given = parser.parse_args()
    made = events(given.events)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own.csv"
        forms = {"mtrace": mtrace, "heaptrack raw": raw, "heaptrack": interpreted}
        for name, lines in {**forms, "valgrind": valgrind}.items():
            path = Path(folder) / name
            path.write_text("".join(f"{line}\n" for line in lines(made)))
            trace, wall = seconds(path, given.rounds)
            rp.save_trace(trace, own, overwrite=True)
            _, own_wall = seconds(own, given.rounds)
            speed = len(trace) / wall / 1e6
            rows.append([name, f"{len(trace):,}", f"{speed:.2f}", f"{wall / own_wall:.2f}"])
    columns = ["recording", "events", "M events/s", "time beside the same events as own CSV"]
    text = "\n\n".join(
        [
            report.header("Reading the recordings of other tools"),
            f"Median of {given.rounds} rounds, one core, files in memory, plain text.",
            report.table(columns, rows),
        ]
    )
    report.publish("import", text)


if __name__ == "__main__":
    main()
