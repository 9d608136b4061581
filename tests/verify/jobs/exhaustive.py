"""Every state of a bitmap's word, and of small pools."""

import re
from functools import partial

import cbuild
from job import Job, Room, found
from test_c_exhaustive import GIVES, MOVES, POLICIES, SOURCES

SUITES = {
    # name: its argument, a short one that meets the planted fault, number of states, what holds
    "words": ("words=4294967296", "words=4096", 1 << 32, "take, in all states of a word"),
    "gives": ("gives", "gives", GIVES, "give, in all states of 16 slots, at all addresses around"),
    "sequences": ("sequences=8", "sequences=6", POLICIES * MOVES**8, "all sequences of 8 steps"),
}


def look(suite: str, room: Room) -> dict[str, int]:
    argument, _, count, _ = SUITES[suite]
    output = cbuild.run(cbuild.build(room.tmp, SOURCES), argument, timeout=600)
    assert re.search(rf"\b{count} random operations, 0 failures", output), output
    return {"states": count}


def plant(number: int, suite: str, room: Room) -> str:
    program = cbuild.build(room.tmp, SOURCES, defines=[f"EXHAUSTIVE_PLANT={number}"])
    return found(lambda: cbuild.run(program, SUITES[suite][1]), "FAIL ")


JOBS = [
    Job(
        name=f"exhaustive-{suite}",
        tool="gcc",
        shows=shows,
        run=partial(look, suite),
        plants={f"in {suite}": partial(plant, number, suite)},
    )
    for number, (suite, (_, _, _, shows)) in enumerate(SUITES.items(), 1)
]
