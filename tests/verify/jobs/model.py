"""A model of one tier in Promela, exhausted by Spin, and held to the C code step by step."""

import re
from functools import partial

import cbuild
import explored
from job import Job, Room, found

MODEL = cbuild.ROOT / "tests" / "verify" / "models" / "tier.pml"
# Processes, cycles, slots, whether slot 0 is contested.
SIZES = [(3, 2, 2, 0), (3, 2, 3, 0), (3, 3, 2, 0), (3, 0, 1, 1)]
SOAK_SIZES = [(4, 2, 2, 0)]
TRACED = [(2, 2, 2, 0), (3, 1, 1, 0), (3, 1, 2, 0), (3, 2, 2, 0), (3, 0, 1, 1)]
PLANTS = {
    "used counted apart from the slot": ((3, 2, 2, 0), "PLANT_COUNT"),
    "load and store for compare-and-swap": ((3, 2, 2, 0), "PLANT_STORE"),
    "a bit set after a look at it": ((3, 0, 1, 1), "PLANT_TEST"),
}


def exhaust(room: Room, size: tuple[int, ...], *flags: str) -> str:
    """Let Spin look at every state of the model; return what it printed."""
    __tracebackhide__ = True
    processes, cycles, slots, is_contested = size
    defines = [f"PROCESSES={processes}", f"CYCLES={cycles}", f"SLOTS={slots}", *flags]
    options = " ".join(f"-D{name}" for name in [*defines, *["CONTESTED"] * is_contested])
    # Reduced by partial order, the model would leave out steps that have to be compared.
    compiler = "-O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE" + " -DPRINTF" * ("TRACE" in flags)
    commands = f"cd '{room.tmp}' && spin {options} -a '{MODEL}' && gcc {compiler} -o pan pan.c"
    cbuild.execute(["sh", "-c", commands])
    output = cbuild.execute(["sh", "-c", f"cd '{room.tmp}' && ./pan -m100000"], timeout=1800)
    assert re.search(r"errors: 0\n", output), output
    assert "max search depth too small" not in output, output
    return output


def look(room: Room) -> dict[str, int]:
    sizes = SIZES + (SOAK_SIZES if room.soak else [])
    outputs = [exhaust(room, size) for size in sizes]
    return {"states": sum(int(re.search(r"(\d+) states, stored", out)[1]) for out in outputs)}


def plant(name: str, room: Room) -> str:
    size, flag = PLANTS[name]
    return found(lambda: exhaust(room, size, flag), "assertion violated")


def steps_of_model(room: Room, size: tuple[int, ...], *flags: str) -> set[str]:
    return steps(exhaust(room, size, "TRACE", *flags))


def steps(output: str) -> set[str]:
    """Return the different steps that were printed: whose, the state before and after."""
    return set(re.findall(r"^ *(step \d.*)$", output, re.M))


def compare(room: Room) -> dict[str, int]:
    program = explored.build(room.tmp, "steps")
    count = 0
    for size in TRACED:
        in_code = steps(cbuild.run(program, *size))
        assert in_code == steps_of_model(room, size), f"{size}: model and code differ"
        count += len(in_code)
    return {"steps": count}


def compare_with_planted(room: Room) -> str:
    """Compare the model with code that stores where it should compare and swap."""
    size = (2, 2, 2, 0)
    program = explored.build(room.tmp, "steps", plant="load and store for compare-and-swap")
    strange = steps(cbuild.run(program, *size)) - steps_of_model(room, size)
    return f"{len(strange)} steps are not of the model" if strange else ""


JOBS = [
    Job(
        name="model-states",
        tool="Spin",
        shows="a tier's word and its statistics, three processes of 2 and 3 cycles: all states",
        run=look,
        plants={name: partial(plant, name) for name in PLANTS},
    ),
    Job(
        name="model-steps",
        tool="Spin, own explorer",
        shows="model and C code have the same steps from the same states",
        run=compare,
        plants={"load and store for compare-and-swap": compare_with_planted},
    ),
]
