"""Readers and interpreters in C under libFuzzer and AFL++: bytes that nobody would write."""

from functools import partial

from fuzzing import run_afl, run_libfuzzer
from job import Job, Room, found
from plant import plant

RUNS = {"csv": 800_000, "scan": 800_000, "record": 500_000, "pool": 200_000, "ops": 150_000}
"""Inputs of each harness; two and a half million in all are about 80 seconds at rest."""
SOAK_RUNS = {name: 10_000_000 for name in RUNS} | {"csv": 100_000_000}
AFL_SECONDS, AFL_SOAK_SECONDS = 8, 1800
SHOWS = {
    "csv": "any text is read or refused, the same however it is cut",
    "scan": "any lines of other tools are read to where they stop making sense",
    "record": "any chunk of a recording is read within its arrays",
    "pool": "any takes and gives are answered as by the model",
    "ops": "any operations on Bytes leave the content that the model has",
}
PLANTS = {
    # harness: the fault, where it is, and the words of what finds it
    "csv": (
        "the front of a cut line is lost",
        ("csrc/lab/rns_trace_csv.c", "self->line_bytes == 0 && end != NULL", "end != NULL"),
        "DEMAND",
    ),
    "scan": (
        "a fourth number has no place",
        ("csrc/lab/rns_trace_scan.c", "row->value_count < RNS_TRACE_SCAN_VALUES", "true"),
        "DEMAND",
    ),
    "record": (
        "a name is longer than its chunk",
        ("csrc/lab/rns_record.c", "path_bytes > (size_t)(cursor->end - cursor->next)", "false"),
        "ERROR: AddressSanitizer",
    ),
    "pool": (
        "a double give is taken",
        ("csrc/core/rns_tier_inline.h", "(gate & bit) != 0)", "(gate & bit) > bit)"),
        "DEMAND",
    ),
    "ops": (
        "a write begins inside and ends outside",
        ("csrc/lab/rns_ops.c", "op->length > bytes->length - op->start", "false"),
        "runtime error",
    ),
}
PLANTED_RUNS, PLANTED_SECONDS = 1_000_000, 60


def fuzz(harness: str, room: Room) -> dict[str, int]:
    runs = (SOAK_RUNS if room.soak else RUNS)[harness]
    return {"inputs": run_libfuzzer(room.tmp, harness, runs) // 1000 * 1000}


def find(harness: str, room: Room) -> str:
    _, fault, words = PLANTS[harness]
    tree = plant(room.tmp, *fault)
    return found(lambda: run_libfuzzer(room.tmp, harness, PLANTED_RUNS, tree), words)


def fuzz_afl(harness: str, room: Room) -> dict[str, int]:
    seconds = AFL_SOAK_SECONDS if room.soak else AFL_SECONDS
    inputs = run_afl(room.tmp, harness, seconds)
    # How many there are depends on the machine: what is held is that it was not next to nothing.
    return {"thousand inputs, at least": min(inputs // 1000, 10)}


def find_afl(harness: str, room: Room) -> str:
    tree = plant(room.tmp, *PLANTS[harness][1])
    return found(lambda: run_afl(room.tmp, harness, PLANTED_SECONDS, tree), "AFL++ crashes")


JOBS = [
    *(
        Job(
            name=f"fuzz-{harness}",
            tool="libFuzzer, ASan",
            shows=shows,
            run=partial(fuzz, harness),
            plants={PLANTS[harness][0]: partial(find, harness)},
        )
        for harness, shows in SHOWS.items()
    ),
    *(
        Job(
            name=f"afl-{harness}",
            tool="AFL++",
            shows=SHOWS[harness],
            run=partial(fuzz_afl, harness),
            plants={PLANTS[harness][0]: partial(find_afl, harness)},
        )
        for harness in ("csv", "pool")
    ),
]
