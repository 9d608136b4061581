"""Threads that pass slots and Bytes to each other, under clang's thread sanitizer.

(gcc's misses races in memset and memcpy that are inlined.)
"""

import re
from functools import partial
from typing import NamedTuple

import cbuild
from job import Job, Room, found
from plant import plant

SOURCES = [
    *(f"tests/c/{name}.c" for name in ("threads_main", "check", "pool_fixture", "bytes_fixture")),
    *(f"tests/c/test_{name}.c" for name in ("pool_threads", "pool_races", "bytes_threads")),
    *cbuild.sources("core"),
]
ARGUMENTS = {"pool_relay": 1_200_000, "pool_races": 20_000, "bytes_threads": 40_000}
LEAST_OPERATIONS = 10_000_000
SOAK = 100


class Planted(NamedTuple):
    """A fault in a source, and the words by which it is found."""

    source: str
    old: str
    new: str
    words: str = "data race"
    suites: tuple[str, ...] = ("pool_relay=20000", "pool_races=5000", "bytes_threads=20000")
    seconds: int = 120
    """After which what was printed counts."""


RELAXED = "atomic_compare_exchange_weak_explicit({}, memory_order_relaxed, memory_order_relaxed)"
LATER = (
    "__extension__({{ extern int sched_yield(void); const unsigned long was = {0}; "
    "(void)sched_yield(); {0} = was {1}; (void)0; }})"
)
"""Loads and stores with another thread's turn in between, however busy the machine is."""
THEN = (
    "__extension__({{ extern int usleep(unsigned); const bool was_done = {}; "
    "(void)usleep(50); was_done; }})"
)
"""The turns of others before the next operation, which may order what this one did not."""
UNTIL_FOUND = ("bytes_threads=500000",)
"""Long, since on a busy machine threads seldom meet; the first report ends it. None of its threads
waits for what a fault has lost."""
PLANTS = {
    "ATOMIC": {
        "every exchange is relaxed": Planted(
            "port/rns_port.h",
            "atomic_compare_exchange_weak((cell), (expected), (desired))",
            RELAXED.format("(cell), (expected), (desired)"),
        ),
        "every exchange is a store": Planted(
            "port/rns_port.h",
            "atomic_compare_exchange_weak((cell), (expected), (desired))",
            "((void)(expected), atomic_store((cell), (desired)), true)",
            suites=UNTIL_FOUND,
        ),
        "a give to a word loads and stores": Planted(
            "core/rns_tier.c",
            "(rns_cell_or(&self->words[word_index], bit) & bit) != 0",
            "(self->words[word_index] & bit) != 0 ||\n"
            f"        ({LATER.format('self->words[word_index]', '| bit')}, false)",
            ", not ",
            ("pool_races=20000",),
            12,  # Who takes looks for ever for a slot that was lost.
        ),
        "a drop is relaxed": Planted(
            "core/rns_store.h",
            "rns_cell_cas(&self->refs, &refs, refs - 1u)",
            THEN.format(RELAXED.format("&self->refs, &refs, refs - 1u")),
            suites=UNTIL_FOUND,
        ),
        "a tail is claimed by a store": Planted(
            "core/rns_bytes.c",
            "rns_cell_cas(&self->buffer->used, &used, end + (uint32_t)count)",
            "(rns_cell_store(&self->buffer->used, end + (uint32_t)count), true)",
            suites=UNTIL_FOUND,
        ),
        "an addition loads and stores": Planted(
            "port/rns_port.h",
            "((void)atomic_fetch_add_explicit((cell), (value), memory_order_relaxed))",
            f"({LATER.format('*(cell)', '+ (value)')})",
        ),
    },
    "LOCK": {
        "the lock is entered relaxed": Planted(
            "port/rns_port.h", "1u, memory_order_acquire", "1u, memory_order_relaxed"
        ),
        "the lock is left relaxed": Planted(
            "port/rns_port.h",
            "(void)state;\n    atomic_store_explicit(lock, 0u, memory_order_release)",
            "(void)state;\n    atomic_store_explicit(lock, 0u, memory_order_relaxed)",
        ),
        "misses are counted outside the lock": Planted(
            "core/rns_pool.c",
            "    RNS_LOCK_ENTER(&self->lock);\n"
            "    rns_cell_add(home < self->tier_count ? &self->tiers[home].exhausted "
            ": &self->oversize, 1u);\n"
            "    RNS_LOCK_LEAVE(&self->lock);",
            "    rns_cell_add(home < self->tier_count ? &self->tiers[home].exhausted "
            ": &self->oversize, 1u);",
        ),
        "a give is outside the lock": Planted(
            "core/rns_pool_inline.h",
            "    RNS_LOCK_ENTER(&self->lock);\n"
            "    const tier_return_t given = tier_give_bit(&tier->tier, index);\n",
            "    const tier_return_t given = tier_give_bit(&tier->tier, index);\n"
            "    RNS_LOCK_ENTER(&self->lock);\n",
        ),
        "a share is outside the lock": Planted(
            "core/rns_store.h",
            "    RNS_LOCK_ENTER(&store->pool->lock);\n    if (rns_cell_load(&self->refs) == 1u) {",
            "    const bool is_first = rns_cell_load(&self->refs) == 1u;\n"
            "    RNS_LOCK_ENTER(&store->pool->lock);\n    if (is_first) {",
        ),
    },
}


def look(sync: str, room: Room) -> dict[str, int]:
    program = cbuild.build(room.tmp, SOURCES, "clang", sync, sanitize="thread")
    factor = SOAK if room.soak else 1
    arguments = [f"{name}={count * factor}" for name, count in ARGUMENTS.items()]
    output = cbuild.run(program, *arguments, timeout=600 * factor)
    done = re.search(r"(\d+) tests, (\d+) checks, (\d+) random operations, 0 failures", output)
    assert done and int(done[3]) >= LEAST_OPERATIONS * factor, output
    # How often a thread finds a tier full is up to the scheduler: so are the last digits.
    return {"operations in millions": int(done[3]) // (1_000_000 * factor) * factor}


def look_for(planted: Planted, sync: str, room: Room) -> str:
    tree = plant(room.tmp, f"csrc/{planted.source}", planted.old, planted.new)
    program = cbuild.build(room.tmp, SOURCES, "clang", sync, sanitize="thread", tree=tree)
    first = ("env", "TSAN_OPTIONS=halt_on_error=1")
    return found(
        lambda: cbuild.run(program, *planted.suites, under=first, timeout=planted.seconds),
        planted.words,
    )


JOBS = [
    Job(
        name=f"races-{sync.lower()}",
        tool="clang TSan",
        shows=f"4 threads pass slots and Bytes without a race (RNS_SYNC_{sync})",
        run=partial(look, sync),
        plants={name: partial(look_for, fault, sync) for name, fault in PLANTS[sync].items()},
        cores=2,
    )
    for sync in PLANTS
]
