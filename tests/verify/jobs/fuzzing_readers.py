"""Every reader of files in Python under text that was damaged by seed."""

import sys
from functools import partial
from unittest import mock

from fuzzing import FUZZ
from job import Job, Room, found

sys.path.append(str(FUZZ))
import readers  # noqa: E402

RUNS = dict.fromkeys(readers.READERS, 5_000) | dict.fromkeys(
    ("packets", "pool", "sweep", "rules", "result"), 3_000
)
SOAK_TIMES, PLANTED_RUNS = 100, 10_000
PLANTS = {
    # the fault: the reader that has it, and the name that is replaced by what
    "damage of a zip file is not caught": ("npz", "pyrns_pool.formats.npz.DAMAGE", ()),
    "any size is a size": ("systemview", "pyrns_pool.formats.systemview._is_size", lambda _: True),
}


def look(room: Room) -> dict[str, int]:
    times = SOAK_TIMES if room.soak else 1
    counts = [readers.fuzz(name, times * runs, room.tmp) for name, runs in RUNS.items()]
    read, refused = (sum(count[kind] for count in counts) for kind in ("read", "refused"))
    assert all(count["read"] > 0 and count["refused"] > 0 for count in counts), counts
    return {"readers": len(counts), "files": read + refused}


def find(fault: str, room: Room) -> str:
    reader, name, replacement = PLANTS[fault]
    with mock.patch(name, replacement):
        return found(lambda: readers.fuzz(reader, PLANTED_RUNS, room.tmp), "raised")


JOBS = [
    Job(
        name="fuzz-readers",
        tool="seeded mutation",
        shows="any file is read, or refused in one line that names it, and nothing else",
        run=look,
        plants={fault: partial(find, fault) for fault in PLANTS},
    )
]
