"""One program for each misuse, under the address sanitizer too."""

from functools import partial
from pathlib import Path

import cbuild
import misuse
from job import Job, Room, found
from plant import plant

ASAN = cbuild.SANITIZERS["address"]
CHECKING = [f"-D{define}" for define in misuse.CHECKING]
BUILDS = {
    "plain": [],
    "checking": CHECKING,
    "plain-address": ASAN,
    "checking-address": [*ASAN, *CHECKING],
}

PLANTS = {
    # name: source, text, its replacement, the program that tells, build
    "a misaligned address passes for one inside": (
        "core/rns_pool.c",
        "offset % RNS_ALIGN_BYTES != 0 ? RNS_MISUSE_MISALIGNED",
        "offset % RNS_ALIGN_BYTES > RNS_ALIGN_BYTES ? RNS_MISUSE_MISALIGNED",
        "misaligned",
        "plain",
    ),
    "a refusal is not counted": (
        "core/rns_pool.c",
        "rns_cell_add(&self->misuse[RNS_MISUSE_FOREIGN - status], 1u);",
        "(void)self;",
        "interior",
        "plain",
    ),
    "a slot given twice is free twice": (
        "core/rns_tier_inline.h",
        "(gate & bit) != 0)",
        "(gate & bit) > bit)",
        "double_give",
        "plain",
    ),
    "the last padding byte is not looked at": (
        "core/rns_tier.c",
        "    if (RNS_CANARY &&\n"
        "        !rns_guard_is_filled(slot, self->payload_end, self->stride_bytes,",
        "    if (RNS_CANARY &&\n"
        "        !rns_guard_is_filled(slot, self->payload_end, self->stride_bytes - 1u,",
        "write_far_past_the_end",
        "checking",
    ),
    "a free slot is not looked at when it is taken": (
        "core/rns_tier.c",
        "        rns_cell_add(&self->writes_after_give, 1u);\n",
        "",
        "take_after_write_after_give",
        "checking",
    ),
    "what is given is read before it is known": (
        "core/rns_pool_inline.h",
        "    if (owner == NULL) {\n        return rns_pool_give_elsewhere",
        "    if (owner == NULL) {\n        offset += ((unsigned char*)slot)[64];\n"
        "        return rns_pool_give_elsewhere",
        "heap",
        "plain-address",
    ),
}


def ask(folder: Path, build: str, cases: list[misuse.Case], tree: Path = cbuild.ROOT) -> int:
    """Run programs in one build; return how many said what they have to."""
    folder.mkdir()
    flags = BUILDS[build]
    core = misuse.library(folder, *flags, tree=tree)
    for case in cases:
        says = misuse.run(case, core, *flags, tree=tree).rstrip("\n")
        meant = case.says_checking if build.startswith("checking") else case.says
        assert says == meant, f"{case.path.stem}: {says}; not: {meant}"
    return len(cases)


def look(room: Room) -> dict[str, int]:
    cases = misuse.cases()
    runs = sum(ask(room.tmp / build, build, cases) for build in BUILDS)
    return {"programs": len(cases), "runs": runs}


def look_for(source: str, old: str, new: str, name: str, build: str, room: Room) -> str:
    tree = plant(room.tmp, f"csrc/{source}", old, new)
    cases = [case for case in misuse.cases() if case.path.stem == name]
    words = "heap-buffer-overflow" if build.endswith("address") else f"{name}: "
    return found(lambda: ask(room.tmp / build, build, cases, tree), words)


JOBS = [
    Job(
        name="misuse",
        tool="ASan, UBSan",
        shows="each misuse has its status, counter and message, and reads nothing it may not",
        run=look,
        plants={name: partial(look_for, *fault) for name, fault in PLANTS.items()},
    )
]
