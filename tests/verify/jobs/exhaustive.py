"""Every state of a bitmap's word, and of small pools."""

import re
from functools import partial
from pathlib import Path

import cbuild
from job import Job, Room, found
from plant import plant as planted
from test_c_exhaustive import GIVES, MOVES, POLICIES, SOURCES

SUITES = {
    # name: its argument, a short one that meets the planted fault, number of states, what holds
    "words": ("words=4294967296", "words=4096", 1 << 32, "take, in all states of a word"),
    "gives": ("gives", "gives", GIVES, "give, in all states of 16 slots, at all addresses around"),
    "sequences": ("sequences=8", "sequences=6", POLICIES * MOVES**8, "all sequences of 8 steps"),
}
SMALL = {"words=67108864": 1 << 26, "gives": GIVES, "sequences=7": POLICIES * MOVES**7}
"""Arguments and numbers of states for each of the small profiles."""
PROFILES = ("SMALL", "LEAST")


def run(program: Path, argument: str, count: int) -> int:
    output = cbuild.run(program, argument, timeout=600)
    assert re.search(rf"\b{count} random operations, 0 failures", output), output
    return count


def look(suite: str, room: Room) -> dict[str, int]:
    argument, _, count, _ = SUITES[suite]
    return {"states": run(cbuild.build(room.tmp, SOURCES), argument, count)}


def build_small(room: Room, profile: str, tree: Path = cbuild.ROOT) -> Path:
    defines = [f"RNS_PROFILE=RNS_PROFILE_{profile}"]
    return cbuild.build(room.tmp, SOURCES, defines=defines, tree=tree)


def look_small(room: Room) -> dict[str, int]:
    programs = [build_small(room, profile) for profile in PROFILES]
    return {
        argument.partition("=")[0]: sum(run(program, argument, count) for program in programs)
        for argument, count in SMALL.items()
    }


def plant_small(profile: str, argument: str, before: str, after: str, room: Room) -> str:
    tree = planted(room.tmp, "csrc/core/rns_small.c", before, after)
    return found(lambda: cbuild.run(build_small(room, profile, tree), argument), "FAIL ")


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
JOBS.append(
    Job(
        name="exhaustive-small",
        tool="gcc",
        shows="the same in the two small profiles; of words a 64th",
        run=look_small,
        plants={
            "in words": partial(
                plant_small,
                "SMALL",
                "words=4096",
                "*word = bits & (bits - 1u)",
                "*word = bits / 2u",
            ),
            "in gives": partial(plant_small, "SMALL", "gives", "+ (was_free ? 0u : 1u)", "+ 1u"),
            "in sequences": partial(
                plant_small, "LEAST", "sequences=4", "? tier + 1 : end", "? end : end"
            ),
        },
    )
)
