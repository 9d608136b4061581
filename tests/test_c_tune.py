"""The C suite of rns_tune: the table of best pools, in every build."""

import re

import cbuild
import pytest

SOURCES = ["tests/c/test_tune.c", "tests/c/check.c", "csrc/lab/rns_tune.c"]
SOURCES += [str(path) for path in cbuild.sources("core")]
TEST_COUNT, CHECKS_MIN = 4, 180_000
VARIANTS = {
    "gcc": {},
    "clang": {"compiler": "clang"},
    "gcc-address": {"sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_is_what_trying_every_pool_gives_whatever_the_build(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, failures) == (TEST_COUNT, 0)
    assert checks > CHECKS_MIN and operations > 0
