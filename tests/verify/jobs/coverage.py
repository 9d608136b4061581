"""How much of the firmware library the C suites reach: every line, and every way of each branch.

At -O0 each operand of && and || is a branch of its own, and no decision mixes the two
(`tests/test_c_decisions.py`), so that every operand decides alone at least once.
"""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cbuild
from job import Job, Room, found
from suites import SUITES, sources_of

EXTRAS = ("-DRNS_CANARY=1", "-DRNS_POISON=1", "-DRNS_OBSERVE=1")


class Variant(NamedTuple):
    """One way to build a suite. ATOMIC is with the atomic operations of shaken.h."""

    suite: str
    sync: str = "ATOMIC"
    flags: tuple[str, ...] = ()
    profile: str = "FULL"

    @property
    def kind(self) -> str:
        """Return what decides which branches a line has."""
        return f"{self.sync}-{self.profile}"

    @property
    def sources(self) -> list[Path]:
        return sources_of(self.suite, self.profile)


SHAKEN = ("-D_GNU_SOURCE", "-include", cbuild.ROOT / "tests" / "c" / "shaken.h")
VARIANTS = [
    *(Variant(suite) for suite in SUITES),
    *(Variant(suite, flags=("-m32",)) for suite in ("core", "table", "node")),
    *(Variant(suite, flags=("-DRNS_STATS=0",)) for suite in ("core", "table")),
    Variant("core", flags=(*EXTRAS, "-DRNS_TIMING=1")),
    Variant("bytes", flags=EXTRAS),
    Variant("core", "NONE"),
    # Without statistics, the small pools have no line and no branch that they have not with them.
    *(Variant("core", sync, profile="SMALL") for sync in ("NONE", "LOCK")),
    Variant("core", "NONE", ("-m32",), "SMALL"),
    *(Variant(suite, "NONE", profile="LEAST") for suite in ("core", "bytes")),
    Variant("bytes", "NONE", profile="SMALL"),
]


def run(tmp: Path, variant: Variant, sources: list[Path]) -> None:
    """Build a suite with counters, and run it; gcc writes what it counted beside the program."""
    (tmp / variant.kind).mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=tmp / variant.kind))
    program = folder / variant.suite
    shaken = SHAKEN if variant.sync == "ATOMIC" else ()
    cbuild.execute(
        ["gcc", "-std=c11", "-O0", "-w", "--coverage", "-pthread", *shaken, *variant.flags]
        + [f"-DRNS_SYNC=RNS_SYNC_{variant.sync}", f"-DRNS_PROFILE=RNS_PROFILE_{variant.profile}"]
        + [*cbuild.INCLUDES, *sources, "-o", program]
    )
    cbuild.run(program, timeout=300)


def counted(folder: Path, files: str) -> dict[str, list[int]]:
    """Return how often the runs in `folder` took each line of these files, and its branches."""
    report = folder / "coverage.json"
    command = ["gcovr", f"--root={cbuild.ROOT}", f"--filter={files}", "--json", report, folder]
    cbuild.execute(command)
    return {
        f"{file['file']}:{line['line_number']}": [
            line["count"],
            *(branch["count"] for branch in line["branches"]),
        ]
        for file in json.loads(report.read_text())["files"]
        for line in file["lines"]
        if not line["gcovr/noncode"]
    }


def count(tmp: Path, files: str) -> dict[str, int]:
    """Count what the runs in `tmp` reached of these files; AssertionError if not all.

    A line counts as reached if one kind of build took all its branches: those of ATOMIC and those
    of NONE have others, and so have those of two profiles.
    """
    lines: dict[str, list[int]] = {}
    for folder in sorted(tmp.iterdir()):
        for place, counts in counted(folder, files).items():
            if 0 in lines.get(place, [0]):
                lines[place] = counts
    missed = [f"{place}: not all reached: {n}" for place, n in lines.items() if 0 in n]
    assert not missed, "\n".join(missed)
    return {"lines": len(lines), "branches": sum(len(counts) - 1 for counts in lines.values())}


def look(room: Room) -> dict[str, int]:
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda v: run(room.tmp, v, v.sources), VARIANTS))
    return count(room.tmp, f"{cbuild.CSRC}/(core|node)/")


def plant(variant: Variant, source: str, before: str, fault: str, room: Room) -> str:
    """Count a source with a condition more, which no test meets."""
    path = cbuild.CSRC / source
    planted = Path(tempfile.mkdtemp(dir=room.tmp.parent), path.name)
    text = path.read_text()
    assert text.count(before) == 1
    start = text.index(before)
    planted.write_text(f"{text[:start]}{fault}\n{text[start:]}")
    run(room.tmp, variant, [planted if other == path else other for other in variant.sources])
    place = f"{path.name}:{text.count(chr(10), 0, start) + 1}: not all reached"
    return found(lambda: count(room.tmp, str(planted)), place)


PLANTS = {
    "a condition more": (
        Variant("rtp"),
        "node/rns_rtp_rate.c",
        "    const uint32_t room =",
        "    if (bytes == 4321) { bytes = 0; }",
    ),
    "and in a small pool": (
        Variant("core", "NONE", profile="SMALL"),
        "core/rns_small_stats.c",
        "    for (uint32_t first = 0;",
        "    if (tier->slot_count == 4321) { ++count; }",
    ),
}
JOBS = [
    Job(
        name="coverage",
        tool="gcov, gcovr",
        shows="the C suites reach every line and branch of core and node",
        run=look,
        plants={name: partial(plant, *words) for name, words in PLANTS.items()},
        cores=2,
    )
]
