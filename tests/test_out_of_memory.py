"""Without memory a verb says so and leaks nothing; `make verify` asks all verbs."""

import sys

import cbuild

sys.path.append(str(cbuild.ROOT / "tests" / "verify"))
from job import Room  # noqa: E402
from jobs import oom  # noqa: E402


VERBS = ("read csv", "read npz", "import mtrace", "machine", "bytes")


def test_verbs_say_that_there_is_no_memory_and_leak_nothing(tmp_path):
    verdict = oom.run_out(Room(tmp_path, False), *VERBS)
    refused = {name: one["refused"] for name, one in verdict["verbs"].items()}
    print(f"{verdict['sites']} sites, refusals: {refused}")
    assert verdict["sites"] >= 7 and refused == {
        name: 2 * one["calls"] for name, one in verdict["verbs"].items()
    }
