"""The C suite of rns_curve: the lowest free index, in every build."""

import re

import cbuild
import pytest

SOURCES = ["tests/c/test_curve.c", "tests/c/check.c", "csrc/lab/rns_curve.c"]
SOURCES += [str(path) for path in cbuild.sources("core")]
TEST_COUNT, CHECKS_MIN = 5, 3500
OPERATIONS = 3 * 2 * 40_000
VARIANTS = {
    "gcc": {},
    "clang": {"compiler": "clang"},
    "gcc-address": {"sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_each_take_gets_the_lowest_free_index_whatever_the_build(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, operations, failures) == (TEST_COUNT, OPERATIONS, 0)
    assert checks > CHECKS_MIN
