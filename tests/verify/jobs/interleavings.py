"""Every schedule of two and three threads over the code of the core, one step an atomic operation.

Each job follows all states that schedules can reach; `interleavings-each` follows the schedules
themselves, one by one, where these are a few million, and both ways have to count the same.
"""

from functools import partial

import cbuild
import explored
from job import Job, Room, found

SHOWS = {
    "pool": "takes, gives, double gives, statistics and windows in every order of atomic steps",
    "bytes": "sharing, writing and dropping a buffer in every order of atomic steps",
}


def look(program: str, room: Room) -> dict[str, int]:
    counts = {}
    for build in explored.BUILDS:
        path = explored.build(room.tmp, program, build)
        _, _, states = explored.explore(path, "all" if room.soak else "states")
        counts[f"states ({build})"] = states
    return counts


def look_at_each(room: Room) -> dict[str, int]:
    counts = [
        explored.explore(explored.build(room.tmp, name), "each") for name in explored.EXPLORERS
    ]
    return {
        "schedules": sum(schedules for _, schedules, _ in counts),
        "states": sum(states for _, _, states in counts),
    }


def plant(name: str, room: Room, mode: str = "states") -> str:
    program, build, *_ = explored.PLANTS[name]
    path = explored.build(room.tmp, program, build, name)
    return found(lambda: cbuild.run(path, mode), "FAIL ")


JOBS = [
    Job(
        name=f"interleavings-{program}",
        tool="own explorer",
        shows=shows,
        run=partial(look, program),
        plants={
            name: partial(plant, name)
            for name, (with_program, *_) in explored.PLANTS.items()
            if with_program == program
        },
    )
    for program, shows in SHOWS.items()
]
JOBS += [
    Job(
        name="interleavings-each",
        tool="own explorer",
        shows="schedules followed one by one to their ends are as many as the states say",
        run=look_at_each,
        plants={name: partial(plant, name, mode="each") for name in list(explored.PLANTS)[:1]},
    )
]
