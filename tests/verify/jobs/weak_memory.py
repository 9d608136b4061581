"""The core under Relacy: what threads may see of each other's memory in the model of C11.

The C code is compiled as it is; each atomic operation is carried out by an object of Relacy. What
users write to slots and buffers is a variable of which Relacy finds every race.
"""

import re
from functools import lru_cache, partial
from pathlib import Path

import cbuild
import explored
from job import Job, Room, found

HERE = cbuild.ROOT / "tests" / "verify" / "relacy"
INCLUDES = [f"-I{HERE}", f"-I{cbuild.CSRC / 'port'}"]

# Every execution; all with so many switches by force; so many drawn at random.
SUITES = {
    "take-give-2x1": ("full",),
    "take-give-2x2": ("bound", 3),
    "take-give-3x3": ("random", 50_000),
    "write-if-alone-2": ("full",),
    "write-if-alone-3": ("bound", 2),
    "drop-then-make-2": ("bound", 3),
    "drop-then-make-3": ("random", 50_000),
    "write-a-copy-2": ("bound", 2),
    "write-a-copy-3": ("random", 50_000),
    "share-then-write-2": ("bound", 3),
    "share-then-write-3": ("random", 50_000),
}
SOAK = {"full": (), "bound": (4,), "random": (10_000_000,)}

LOAD = "const uint32_t refs = rns_cell_load(&self->refs);"
RELAXED = "atomic_fetch_add_explicit(&self->refs, {}, memory_order_relaxed);"
PLANTS = {
    # name: suite, how it is run, the order of what is ordered, the texts that are replaced
    "a gate that orders nothing": ("take-give-2x1", ("bound", 1), "relaxed", {}),
    "references read in no order": (
        "write-a-copy-2",
        ("bound", 1),
        "seq_cst",
        {LOAD: f"const uint32_t refs = {RELAXED.format('0u')}"},
    ),
    "references dropped in no order": (
        "write-if-alone-2",
        ("bound", 1),
        "seq_cst",
        {
            explored.RELEASE: "if (refs > 1u) {\n"
            f"        refs = {RELAXED.format('UINT32_MAX')}\n    }}"
        },
    ),
}


def build(room: Room, order: str = "seq_cst", replacements: dict[str, str] | None = None) -> str:
    """Compile the program, over a core with a planted fault if there are texts to replace."""
    __tracebackhide__ = True
    core = cbuild.CSRC / "core"
    if replacements:
        core = explored.planted(room.tmp, "rns_store.h", replacements)
    defines = ["-DRNS_SYNC=RNS_SYNC_ATOMIC", "-DRNS_TIERS_MAX=4u"]
    defines += [f"-DCELL_ORDER=memory_order_{order}"]
    world, program = room.tmp / "world.o", room.tmp / "relacy"
    cbuild.execute(
        ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-cast-qual", *defines]
        + [*INCLUDES, f"-I{core}", "-c", HERE / "world.c", "-o", world]
    )
    cbuild.execute(["g++", scheduler(room.tmp.parent), world, "-o", program])
    return program


@lru_cache
def scheduler(folder: Path) -> Path:
    """Compile what is the same whatever the core is, and takes ten seconds: the suites."""
    path = folder / "scheduler.o"
    # The headers of Relacy are of 2013: no compiler is without a warning over them.
    cbuild.execute(
        ["g++", "-std=c++17", "-O2", "-w", "-fpermissive", *INCLUDES]
        + ["-c", HERE / "main.cpp", "-o", path]
    )
    return path


def run(program: str, suite: str, how: tuple[object, ...]) -> int:
    """Run a suite; return the number of executions."""
    __tracebackhide__ = True
    output = cbuild.run(program, suite, *how, timeout=7200)
    done = re.search(rf"^{suite}: (\d+) executions, no fault$", output, re.M)
    assert done, output
    return int(done[1])


def look(room: Room) -> dict[str, int]:
    program = build(room)
    counts = dict.fromkeys(("full", "bound", "random"), 0)
    for suite, (mode, *number) in SUITES.items():
        how = (mode, *(SOAK[mode] if room.soak else number))
        counts[mode] += run(program, suite, how)
    return {f"executions ({mode})": count for mode, count in counts.items()}


def plant(name: str, room: Room) -> str:
    suite, how, order, replacements = PLANTS[name]
    program = build(room, order, replacements)
    return found(lambda: run(program, suite, how), "DATA RACE")


JOBS = [
    Job(
        name="weak-memory",
        tool="Relacy",
        shows="slots and buffers are handed over in order, in the memory model of C11",
        run=look,
        plants={name: partial(plant, name) for name in PLANTS},
        is_long=True,
    )
]
