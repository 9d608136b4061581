"""Ctrl-C at random moments of every verb.

What is held: the status is 130; no traceback; every file that is left is the one that the verb
writes when nobody interrupts it, byte for byte, or, where a verb keeps what was done so far, can
be read; no process is left; and nine in ten end within a tenth of a second of their own time. That
is the time from the signal to the end, without what the process waited for a processor: a busy
machine makes no fault. No end may take longer than `LATE_S`.

What is let pass, and why: status 0, or the signal as the status, where all files are there. The
signal came when the verb had nothing left to do but to end, and Python heard it no more. `record`
has something to finish first, which takes as long as it takes.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from interrupts import ENDLESS, FINISHES, VERBS, faults, interrupt
from job import Job, Room, found

PER_VERB, SOAK_PER_VERB = 4, 100
SOON_S, LATE_S = 0.1, 2.0
LATE_SHARE, IN_TIME_SHARE = 0.1, 5 / 6


def look(room: Room) -> dict[str, int]:
    """Two verbs at a time, each on its processor."""
    verbs, count = [*VERBS, *ENDLESS], SOAK_PER_VERB if room.soak else PER_VERB
    with ThreadPoolExecutor(2) as threads:
        seconds = dict(zip(verbs, threads.map(lambda one: interrupted(one, count, room), verbs)))
    tell(seconds)
    hold(seconds)
    sent, in_time = len(verbs) * count, sum(map(len, seconds.values()))
    assert in_time >= IN_TIME_SHARE * sent, f"{in_time} of {sent} came while a verb was at work"
    return {"verbs": len(verbs), "interrupts": sent}


def interrupted(verb: str, count: int, room: Room, fault: str = "") -> list[float]:
    """Interrupt a verb so often; return in which time of its own it ended, sorted."""
    draw, seconds = random.Random(verb), []
    for number in range(count):
        folder = room.tmp / f"{verb}-{number}"
        folder.mkdir()
        # Evenly over its time.
        ending = interrupt(verb, (number + draw.random()) / count, folder, fault)
        wrong = list(faults(ending))
        assert not wrong, f"{verb}: {wrong}"
        if ending.in_time:
            seconds.append(ending.seconds - ending.waited_s)
    assert seconds, f"{verb} was never at work"
    return sorted(seconds)


def tell(seconds: dict[str, list[float]]) -> None:
    print("interrupts  in time  median s  nine in ten  worst", file=sys.stderr)
    for verb, row in seconds.items():
        median, ninth = (row[len(row) * tenth // 10] for tenth in (5, 9))
        print(f"{verb:12}{len(row):7}{median:10.3f}{ninth:13.3f}{row[-1]:7.3f}", file=sys.stderr)


def hold(seconds: dict[str, list[float]]) -> None:
    for verb, row in seconds.items():
        assert row[-1] < LATE_S, f"{verb}: {row[-1]:.3f} s"
    held = [one for verb, row in seconds.items() if verb not in FINISHES for one in row]
    late = sum(one > SOON_S for one in held)
    assert late <= LATE_SHARE * len(held), f"{late} of {len(held)} later than {SOON_S} s"


def find(verb: str, count: int, text: str, words: str, room: Room) -> str:
    """Interrupt a verb with a fault, so often."""
    return found(lambda: hold({verb: interrupted(verb, count, room, text)}), words)


PLANTS = {
    "a partial file stays": (
        "import",
        12,
        "from pathlib import Path; Path.unlink = lambda *_, **__: None\n",
        ".part",
    ),
    "another status": (
        "info",
        2,
        "import pyrns_pool.cli as c; c.EXIT_INTERRUPTED = 1\n",
        "ended with 1",
    ),
    "Ctrl-C is not heard": (
        "info",
        3,
        "import signal; signal.signal(2, signal.SIG_IGN); signal.signal = lambda *_: None\n",
        "later than",
    ),
}
JOBS = [
    Job(
        name="interrupts",
        tool="SIGINT",
        shows="Ctrl-C ends any verb at any moment with 130 and leaves nothing half done",
        run=look,
        plants={name: partial(find, *fault) for name, fault in PLANTS.items()},
        cores=2,
    )
]
