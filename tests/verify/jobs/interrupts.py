"""Ctrl-C at random moments of every long verb."""

import random
import sys
from functools import partial

from interrupts import VERBS, faults, interrupt
from job import Job, Room

PER_VERB, SOAK_PER_VERB = 8, 100
SOON_S, LATE_S = 0.1, 2.0
"""What is aimed at, and what is a fault."""


def look(room: Room) -> dict[str, int]:
    draw, stopped, late = random.Random(1), 0, []
    for verb, (_, span_s) in VERBS.items():
        for number in range(SOAK_PER_VERB if room.soak else PER_VERB):
            folder = room.tmp / f"{verb}-{number}"
            folder.mkdir()
            ending = interrupt(verb, draw.uniform(0, span_s), folder)
            wrong = list(faults(ending))
            assert not wrong, f"{verb}: {wrong}"
            stopped += ending.in_time
            if ending.in_time and ending.seconds > SOON_S:
                late.append((round(ending.seconds, 3), verb))
    assert all(seconds < LATE_S for seconds, _ in late), sorted(late)[-9:]
    # How many are late depends on the load of the machine, so it is told and not held.
    print(f"{len(late)} of {stopped} later than {SOON_S} s: {sorted(late)[-9:]}", file=sys.stderr)
    return {"verbs": len(VERBS), "interrupts": stopped // 10 * 10}


def find(verb: str, text: str, room: Room) -> str:
    """Interrupt a verb with a fault until what it leaves or says is wrong."""
    draw = random.Random(2)
    for number in range(60):
        folder = room.tmp / str(number)
        folder.mkdir()
        for wrong in faults(interrupt(verb, draw.uniform(0, 1), folder, text)):
            return wrong
    return ""


PLANTS = {
    "a partial file stays": (
        "import",
        "from pathlib import Path; Path.unlink = lambda *_, **__: None\n",
    ),
    "another status": ("replay", "import pyrns_pool.cli as c; c.EXIT_INTERRUPTED = 1\n"),
}
JOBS = [
    Job(
        name="interrupts",
        tool="SIGINT",
        shows="Ctrl-C ends any verb at any moment with 130 and leaves nothing half done",
        run=look,
        plants={name: partial(find, *fault) for name, fault in PLANTS.items()},
    )
]
