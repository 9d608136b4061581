"""Random operations on pools, Bytes and tables beside their models, under sanitizers."""

import re
from functools import partial
from typing import NamedTuple

import cbuild
from job import Job, Room, found
from plant import plant

SOURCES = [
    *(f"tests/c/{name}_walk.c" for name in ("pool", "bytes", "table")),
    *(f"tests/c/{name}_fixture.c" for name in ("pool", "bytes", "table")),
    *cbuild.sources("core"),
]
SOURCES = ["tests/c/random_main.c", "tests/c/check.c", *SOURCES]

SMALL, LEAST = "RNS_PROFILE=RNS_PROFILE_SMALL", "RNS_PROFILE=RNS_PROFILE_LEAST"

# Millions of operations in each build; together more than 100.
SUITES = {
    "pool": {(): 66, ("RNS_CANARY=1", "RNS_POISON=1"): 5, (SMALL,): 5, (LEAST,): 5},
    # Where an observer is told of gives, free slots are hidden by the sanitizer.
    "bytes": {(): 5, ("RNS_OBSERVE=1",): 3},
    "table": {(): 12},
}
SOAK = 100
SHOWS = {
    "pool": "pools drawn by seed take, give and count as their model does",
    "bytes": "Bytes read and share as if each had its own copy",
    "table": "tables keep, cull and tell as an array does",
}


class Planted(NamedTuple):
    """A fault, and the words by which it is found."""

    source: str
    old: str
    new: str
    words: str = "not true"
    defines: tuple = ()


PLANTS = {
    "pool": {
        "a double give is taken": Planted(
            "tier_inline.h", "(gate & bit) != 0)", "(gate & bit) > bit)", "rns_pool_give"
        ),
        "a spill is counted where it is served": Planted(
            "pool.c", "&self->tiers[home].spills", "&tier->spills", "spills is"
        ),
        "half of a reserve is kept": Planted(
            "pool_inline.h",
            "0 : tier->reserve_count;",
            "0 : tier->reserve_count / 2u;",
            "is OK, not",
        ),
        "a window keeps the record of the last": Planted(
            "tier.c", "rns_cell_exchange(&self->window_least_free, free_count);", "", "high_water"
        ),
        "a free slot is written": Planted(
            "pool.c",
            "    return pool_finish_give(self, tier_index, given, was_low);",
            "    tier->tier.slots[(size_t)index * tier->tier.stride_bytes] = 0;\n"
            "    return pool_finish_give(self, tier_index, given, was_low);",
            "use-after-poison",
        ),
        "half of a reserve is kept by a small pool": Planted(
            "small.c",
            "0 : tier->reserve_count)",
            "0 : tier->reserve_count / 2u)",
            "is OK, not",
            (SMALL,),
        ),
        "the first take of the least pool is no record": Planted(
            "small.c",
            "tier->high_water <= index",
            "tier->high_water < index",
            "high_water is",
            (LEAST,),
        ),
    },
    "bytes": {
        "a share is not counted": Planted(
            "store.h", "put(&self->refs, 2u);", "put(&self->refs, 1u);", "heap-use-after-free"
        ),
        "a shared buffer is written": Planted(
            "bytes.h",
            "rns_bytes_refs(self, store) == 1u;",
            "rns_bytes_refs(self, store) - 1u <= 1u;",
        ),
        "a tail is claimed twice": Planted("bytes.c", "end + (uint32_t)count);", "end);"),
        "content moves as if it did not overlap": Planted(
            "bytes.c", "memmove(base + offset, old,", "memcpy(base + offset, old,", "param-overlap"
        ),
        "a buffer is written after it was given": Planted(
            "store.c",
            "    return pool_give_believed(self->pool, buffer->tier, buffer);",
            "    const rns_status_t given ="
            " pool_give_believed(self->pool, buffer->tier, buffer);\n"
            "    buffer->tag = 0;\n"
            "    return given;",
            "use-after-poison",
            ("RNS_OBSERVE=1",),
        ),
    },
    "table": {
        "of two as old the later is culled": Planted(
            "table.c", "left->rank < right->rank", "left->rank > right->rank", "number is"
        ),
        "the last of a full heap is not sunk": Planted(
            "table.c", "sink(self, 0, heap_count);", "", "number is"
        ),
        "an update is not told": Planted(
            "table.c", "            tell(self, place.entry);\n", "", "drop_count is"
        ),
    },
}


def look(suite: str, room: Room) -> dict[str, int]:
    counts, factor = {"operations": 0}, SOAK if room.soak else 1
    for defines, millions in SUITES[suite].items():
        program = cbuild.build(room.tmp, SOURCES, sanitize="address", defines=defines)
        operations = millions * 1_000_000 * factor
        output = cbuild.run(program, f"{suite}={operations}", timeout=600 * factor)
        done = re.search(r" (\d+) random operations, 0 failures", output)
        assert done and int(done[1]) >= operations, output
        counts["operations"] += int(done[1])
        for name, count in re.findall(r"^met (\w+) (\d+)$", output, re.M):
            name = name.replace("_", " ")
            counts[name] = counts.get(name, 0) + int(count)
    return counts


def look_for(suite: str, planted: Planted, room: Room) -> str:
    source = f"csrc/core/rns_{planted.source}"
    tree = plant(room.tmp, source, planted.old, planted.new)
    program = cbuild.build(
        room.tmp, SOURCES, sanitize="address", defines=planted.defines, tree=tree
    )
    return found(lambda: cbuild.run(program, f"{suite}=1000000"), planted.words)


JOBS = [
    Job(
        name=f"random-{suite}",
        tool="ASan, UBSan",
        shows=SHOWS[suite],
        run=partial(look, suite),
        plants={name: partial(look_for, suite, fault) for name, fault in PLANTS[suite].items()},
        is_long=suite == "pool",
    )
    for suite in SUITES
]
