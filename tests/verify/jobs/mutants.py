"""Whether the C suites notice small faults: made by rule in every function, and planted by hand.

`tests/verify/mutants` lists the planted ones with their class, and those made by rule that change
nothing, each with the reason. A suite that notices one of the latter makes it an error.
"""

from pathlib import Path
from typing import Iterator

import cbuild
import mutate
from job import Job, Room
from mutate import Mutant
from mutation import Build, Programs

Name = tuple[str, str, str]
"""Of a change: its file, the text before and after."""
LISTS = Path(__file__).resolve().parent.parent / "mutants"
FILES = sorted(
    str(path.relative_to(cbuild.ROOT))
    for part in ("core", "node")
    for path in (cbuild.CSRC / part).glob("*.[ch]")
)
SHAKEN = cbuild.ROOT / "tests" / "c" / "shaken.h"
GUARDED = "-DRNS_CANARY=1 -DRNS_POISON=1 -DRNS_TIERS_MAX=4u -DRNS_SYNC=RNS_SYNC_ATOMIC".split()
SANITIZED = ("-D_GNU_SOURCE", "-include", str(SHAKEN), *cbuild.SANITIZERS["address"])
OF_POOLS = ("core", "bytes")
BUILDS = [
    Build(),
    Build(tuple(GUARDED), SANITIZED),
    Build(tools=("-m32",)),
    Build(suites=OF_POOLS, profile="SMALL"),
    Build(tools=("-m32", *cbuild.SANITIZERS["address"]), suites=OF_POOLS, profile="LEAST"),
]
"""What one build does not notice, the next may: what only it compiles, or what only overflows
there."""
EACH = {False: 25, True: 10}
"""Of so many changes that can be made of a function one is, and one more; True: in `make soak`."""
MADE = 330
"""Of those, in `make verify`: the functions that are left out are always the same ones."""


def listed(name: str) -> dict[Name, str]:
    """Return a list of changes: the words before each, by file, text before and text after."""
    changes = {}
    for block in (LISTS / name).read_text().strip().split("\n\n"):
        *words, file, before, after = block.splitlines()
        assert words and before[:2] == "- " and after[:2] == "+ ", block
        reason = " ".join(word.removeprefix("# ") for word in words)
        change = (file, before[2:], after[2:])
        assert change not in changes, block
        changes[change] = reason
    return changes


def planted() -> Iterator[Mutant]:
    for (file, before, after), fault in listed("planted.txt").items():
        text = (cbuild.ROOT / file).read_text()
        assert text.count(before) == 1, f"{file}: {before}: {text.count(before)} times"
        yield Mutant(file, fault, before, after, text.replace(before, after))


def made() -> tuple[list[Mutant], dict[Build, set[Name]]]:
    """Return every change made by rule, and the names of those in code that a build compiles."""
    found: dict[Name, Mutant] = {}
    compiled: dict[Build, set[Name]] = {}
    for build in BUILDS:
        flags = [*cbuild.INCLUDES, *build.code_flags]
        some = {m.name: m for file in FILES for m in mutate.mutants(cbuild.ROOT, file, flags)}
        compiled[build] = set(some)
        found = some | found
    return list(found.values()), compiled


def judge(
    tmp: Path, mutants: list[Mutant], compiled: dict[Build, set[Name]]
) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with the suite that noticed it: "" if none did, in any build.

    What is planted by hand counts as compiled where anything is of its file.
    """
    by_rule = set().union(*compiled.values())
    for build, names in compiled.items():
        files = {file for file, _, _ in names}
        here = [m for m in mutants if (m.name in names if m.name in by_rule else m.file in files)]
        unnoticed = [m for m in mutants if m not in here]
        for mutant, caught_by in Programs(tmp, build).judge_all(here):
            if caught_by:
                yield mutant, caught_by
            else:
                unnoticed.append(mutant)
        mutants = unnoticed
    yield from ((mutant, "") for mutant in mutants)


def look(room: Room) -> dict[str, int]:
    equivalents, by_hand, (every, compiled) = listed("equivalent.txt"), list(planted()), made()
    stale = equivalents.keys() - {mutant.name for mutant in every}
    faults = [f"listed as equivalent, but not made any more: {name}" for name in stale]
    by_rule = [m for m in mutate.sample(every, EACH[room.soak]) if m.name not in equivalents]
    counts = {"made": 0, "planted": 0}
    if room.soak:  # Every suite of every build runs for each of them.
        by_rule += [m for m in every if m.name in equivalents]
        counts["equivalent"] = 0
    else:
        by_rule = by_rule[:MADE]
    for mutant, caught_by in judge(room.tmp, by_hand + by_rule, compiled):
        if caught_by == "compiler":
            if mutant in by_hand:
                faults.append(f"does not compile: {mutant}")
        elif caught_by and mutant.name in equivalents:
            faults.append(f"listed as equivalent, but {caught_by} noticed it: {mutant}")
        elif caught_by:
            counts["planted" if mutant in by_hand else "made"] += 1
        elif mutant.name in equivalents:
            counts["equivalent"] += 1
        else:
            faults.append(f"not noticed: {mutant}")
    assert not faults, "\n".join(faults)
    return counts


def plant(room: Room) -> str:
    """Make a change that means nothing: a fault that no suite can notice must be told of."""
    file, before = "csrc/core/rns_tier.c", "counts.slot_count = self->slot_count;"
    text = (cbuild.ROOT / file).read_text()
    assert text.count(before) == 1
    mutant = Mutant(file, "", before, f"{before} {before}", text.replace(before, 2 * before))
    ((_, caught_by),) = Programs(room.tmp).judge_all([mutant])
    return "" if caught_by else f"not noticed: {mutant.after}"


JOBS = [
    Job(
        name="mutants",
        tool="libclang, gcc",
        shows="the C suites notice small faults",
        run=look,
        plants={"a fault that none notices": plant},
        cores=2,
    )
]
