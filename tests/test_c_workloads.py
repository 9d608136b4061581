"""The C suite of workloads: operations and RTP streams at random, in every build."""

import re

import cbuild
import pytest

LAB = [f"csrc/lab/rns_{name}.c" for name in ("meter", "ops", "rtp_run", "malloc_fallback")]
RTP = sorted((cbuild.CSRC / "node").glob("rns_rtp*.c"))
SOURCES = ["tests/c/test_workloads.c", "tests/c/check.c", *LAB, *RTP, *cbuild.sources("core")]
TEST_COUNT, CHECKS_MIN = 3, 2000
OPERATIONS = (8 + 4) * 5000
VARIANTS = {
    "gcc": {},
    "clang-lock": {"compiler": "clang", "sync": "LOCK"},
    "gcc-address": {"sanitize": "address"},
    "clang-address": {"compiler": "clang", "sync": "ATOMIC", "sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_workloads_at_random_leave_everything_sound(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, operations, failures) == (TEST_COUNT, OPERATIONS, 0)
    assert checks > CHECKS_MIN
