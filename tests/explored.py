"""Build the programs that explore every schedule, also over a core with a planted fault.

A fault is planted in a copy of csrc/core by replacing text that has to be there exactly once.
"""

import re
import shutil

import cbuild

MAINS = {
    "pool": "tests/c/explore_main.c",
    "bytes": "tests/c/explore_bytes_main.c",
    "steps": "tests/c/explore_steps_main.c",
}
EXPLORERS = ["pool", "bytes"]
OTHERS = ["tests/c/explore.c", "tests/c/check.c"]
OTHERS += [f"csrc/core/rns_{name}.c" for name in ("pool_init", "status", "fault")]

SMALL = ["RNS_TIERS_MAX=4u", "RNS_REGIONS_MAX=1u"]  # each state is that much smaller
ATOMIC = ["RNS_SYNC=RNS_SYNC_ATOMIC"]
BUILDS = {
    "atomic": ATOMIC,
    "atomic, no statistics": [*ATOMIC, "RNS_STATS=0"],
    "atomic, poison, canary": [*ATOMIC, "RNS_POISON=1", "RNS_CANARY=1"],
    "lock": ["RNS_SYNC=RNS_SYNC_LOCK", 'RNS_LOCK_HEADER="explore_lock.h"'],
}

TAKE = "next = gate - (bits & (0u - bits)) - RNS_GATE_ONE_FREE + RNS_GATE_ONE_TAKE;"
CAS = "    } while (!rns_cell_cas(&self->gate, &gate, next));\n"
RELEASE = "while (refs > 1u && !rns_cell_cas(&self->refs, &refs, refs - 1u)) {\n    }"
PLANTS = {
    # name: program, build, file, the texts that are replaced
    "used counted apart from the slot": (
        "pool",
        "atomic",
        "rns_tier_inline.h",
        {
            f"{TAKE}\n{CAS}": f"next = gate - (bits & (0u - bits)) + RNS_GATE_ONE_TAKE;\n{CAS}"
            "    rns_cell_add(&self->gate, (rns_gate_t)0 - RNS_GATE_ONE_FREE);\n"
        },
    ),
    "load and store for compare-and-swap": (
        "pool",
        "atomic",
        "rns_tier_inline.h",
        {
            f"{TAKE}\n{CAS}": f"{TAKE}\n    }} while (false);\n"
            "    rns_cell_store(&self->gate, next);\n"
        },
    ),
    "what fetch-or returned is not looked at": (
        "pool",
        "atomic",
        "rns_tier.c",
        {
            "if ((rns_cell_or(&self->words[word_index], bit) & bit) != 0)": "const uint32_t seen "
            "= rns_cell_load(&self->words[word_index]);\n"
            "    (void)rns_cell_or(&self->words[word_index], bit);\n    if ((seen & bit) != 0)"
        },
    ),
    "a new window looks once": (
        "pool",
        "atomic",
        "rns_tier.c",
        {
            "free_count = tier_free_count(self, rns_cell_load(&self->gate));\n"
            "    lower(&self->least_free, free_count);\n"
            "    lower(&self->window_least_free, free_count);": ""
        },
    ),
    "the whole is read before its part": (
        "pool",
        "atomic",
        "rns_pool_stats.c",
        {
            "    out->spills_in = rns_cell_load(&tier->spills_in);\n": "",
            "    out->hits = ": "    out->spills_in = rns_cell_load(&tier->spills_in);\n"
            "    out->hits = ",
        },
    ),
    "poisoned while others may give": (
        "pool",
        "atomic, poison, canary",
        "rns_tier.c",
        {
            "(rns_cell_and(owned, ~bit) & bit) == 0": "(rns_cell_load(owned) & bit) == 0",
            "RNS_POISON_BYTE);\n    }\n    return RNS_OK;": "RNS_POISON_BYTE);\n    }\n"
            "    (void)rns_cell_and(owned, ~bit);\n    return RNS_OK;",
        },
    ),
    "references dropped in two steps": (
        "bytes",
        "atomic",
        "rns_store.h",
        {RELEASE: "if (refs > 1u) {\n        rns_cell_store(&self->refs, refs - 1u);\n    }"},
    ),
    "a tail claimed in two steps": (
        "bytes",
        "atomic",
        "rns_bytes.c",
        {
            "is_claimed = rns_cell_cas(&self->buffer->used, &used, end + (uint32_t)count);": ""
            "rns_cell_store(&self->buffer->used, end + (uint32_t)count);\n"
            "        is_claimed = true;"
        },
    ),
    "a shared buffer is written": (
        "bytes",
        "atomic",
        "rns_bytes.h",
        {"if (!rns_bytes_is_unique(self, store)) {": "if (rns_bytes_refs(self, store) > 2u) {"},
    ),
    "the lock is left between load and store": (
        "bytes",
        "lock",
        "rns_store.h",
        {
            RELEASE: "rns_lock_leave(&store->pool->lock, 0);\n"
            "    (void)rns_lock_enter(&store->pool->lock);\n"
            "    while (refs > 1u && !rns_cell_cas(&self->refs, &refs, refs - 1u)) {\n    }"
        },
    ),
}


def build(tmp, program, build="atomic", plant=None):
    """Compile a program of MAINS in one of BUILDS, with none or one of PLANTS; return its path."""
    __tracebackhide__ = True
    core = cbuild.CSRC / "core"
    if plant:
        core = planted(tmp, *PLANTS[plant][2:])
    path = tmp / f"{program}, {build}"
    defines = [f"-D{define}" for define in SMALL + BUILDS[build]]
    sources = [cbuild.ROOT / source for source in [MAINS[program], *OTHERS]]
    cbuild.execute(
        ["gcc", *cbuild.STRICT, "-O2", "-g", *defines]
        + [f"-I{core}", *cbuild.INCLUDES, *sources, "-o", path]
    )
    return path


def planted(tmp, name, replacements):
    """Return a copy of csrc/core in which text was replaced in the file called `name`."""
    core = tmp / "core"
    shutil.copytree(cbuild.CSRC / "core", core)
    text = (core / name).read_text()
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{name} does not have once: {old}"
        text = text.replace(old, new)
    (core / name).write_text(text)
    return core


def explore(program, mode):
    """Run one of EXPLORERS; return what it printed, how many schedules it ran, how many states."""
    __tracebackhide__ = True
    output = cbuild.run(program, mode, timeout=3600)
    assert re.search(r"^[1-9]\d* tests, .* 0 failures$", output, re.M), output
    counts = {
        kind: re.findall(rf" schedules, (\d+) {kind},", output) for kind in ("run", "states")
    }
    schedules, states = (sum(map(int, found)) for found in counts.values())
    return output, schedules, states
