"""The C suite of rns_compare: every kind of contender, in every build."""

import re

import cbuild
import pytest

LAB = ["compare", "heap", "heap_buddy", "heap_check", "packet_node", "regions", "timed"]
LAB += ["trace"]
SOURCES = ["tests/c/test_compare.c", "tests/c/check.c"]
SOURCES += [f"csrc/lab/rns_{name}.c" for name in LAB]
SOURCES += [str(path) for path in cbuild.sources("core")]
TEST_COUNT, CHECKS_MIN = 5, 3000
OPERATIONS = (9 * (4 + 1) + 4) * 20_000
VARIANTS = {
    "gcc": {},
    "clang-lock": {"compiler": "clang", "sync": "LOCK"},
    "gcc-address": {"sanitize": "address"},
    "clang-address": {"compiler": "clang", "sync": "ATOMIC", "sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_contender_keeps_count_whatever_the_build(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, operations, failures) == (TEST_COUNT, OPERATIONS, 0)
    assert checks > CHECKS_MIN
