"""The C suite of what follows a recording, under compilers and sanitizers."""

import re

import cbuild
import pytest

NAMES = ("follow", "heap", "heap_buddy", "heap_check", "live", "misses", "record")
SOURCES = ["tests/c/test_live.c", "tests/c/check.c", *cbuild.sources("core")]
SOURCES += [f"csrc/lab/rns_{name}.c" for name in NAMES]
TEST_COUNT, OPERATIONS, CHECKS_MIN = 5, 450_000, 3000
VARIANTS = {
    "gcc": {},
    "clang": {"compiler": "clang"},
    "gcc-address": {"sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_recording_is_followed_in_pieces_in_every_build(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, failures) == (TEST_COUNT, 0)
    assert operations > OPERATIONS and checks > CHECKS_MIN
