"""Pools that are exhausted and recover, over and over."""

import re
from functools import partial
from typing import NamedTuple

import cbuild
from job import Job, Room, found
from plant import plant

SOURCES = [f"tests/c/{name}.c" for name in ("drill_main", "check", "pool_fixture")]
SOURCES += cbuild.sources("core")
CYCLES, SOAK = 1_000_000, 100


class Planted(NamedTuple):
    """A fault in a source of the core."""

    source: str
    old: str
    new: str


PLANTS = {
    "a give to a word leaves no mark": Planted(
        "tier.c",
        "(void)rns_cell_or(&self->summary[word_index / 32u], (uint32_t)1 << (word_index % 32u));",
        "",
    ),
    "the last slot of a word does not come back": Planted(
        "tier.c",
        "rns_cell_cas(&self->gate, &gate, gate + 1u)",
        "rns_cell_cas(&self->gate, &gate, gate + (bit >> 31 == 0))",
    ),
    "a miss is counted by the smallest tier": Planted(
        "pool.c", "&self->tiers[home].exhausted :", "&self->tiers[0].exhausted :"
    ),
    "low is told once only": Planted(
        "pool.c", "rns_cell_and(&tier->is_low, 0u) != 0", "rns_cell_load(&tier->is_low) != 0"
    ),
    "a block of the fallback does not come back": Planted(
        "pool.c", "    rns_cell_add(&self->fallback_gives, 1u);\n", ""
    ),
}


def run(room: Room, cycles: int, statistics: int, **options) -> str:
    defines = [f"RNS_STATS={statistics}"]
    program = cbuild.build(room.tmp, SOURCES, defines=defines, **options)
    return cbuild.run(program, f"drill={cycles}", timeout=3600)


def look(room: Room) -> dict[str, int]:
    cycles = CYCLES // 2 * (SOAK if room.soak else 1)
    counts = {"cycles": 0}
    for statistics in (1, 0):  # without, all of a pool's words are compared
        output = run(room, cycles, statistics)
        done = re.search(r" (\d+) random operations, 0 failures", output)
        assert done and int(done[1]) >= cycles, output
        counts["cycles"] += int(done[1])
        for name, count in re.findall(r"^met (\w+) (\d+)$", output, re.M):
            name = name.replace("_", " ")
            counts[name] = counts.get(name, 0) + int(count)
    return counts


def look_for(fault: Planted, room: Room) -> str:
    tree = plant(room.tmp, f"csrc/core/rns_{fault.source}", fault.old, fault.new)
    return found(lambda: run(room, 10_000, 1, tree=tree), "FAIL ")


JOBS = [
    Job(
        name="drill",
        tool="gcc",
        shows="an exhausted pool recovers to the same state, bit for bit",
        run=look,
        plants={name: partial(look_for, fault) for name, fault in PLANTS.items()},
    )
]
