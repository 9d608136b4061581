"""The C suite of what follows a recording, under a sanitizer and with 32 bits."""

import re

import cbuild
import pytest

NAMES = ("follow", "heap", "heap_buddy", "heap_check", "live", "misses", "record")
CORE = ("pool", "pool_init", "pool_stats", "status", "tier")
SOURCES = ["tests/c/test_live.c", "tests/c/check.c"]
SOURCES += [f"csrc/lab/rns_{name}.c" for name in NAMES]
SOURCES += [f"csrc/core/rns_{name}.c" for name in CORE]
TEST_COUNT, OPERATIONS, CHECKS_MIN = 5, 450_000, 3000
VARIANTS = {
    "clang-address": {"compiler": "clang", "sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_recording_is_followed_in_pieces_in_each_build(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, failures) == (TEST_COUNT, 0)
    assert operations > OPERATIONS and checks > CHECKS_MIN
