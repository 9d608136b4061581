"""The C suite of rns_trace_scan: damaged text, in every build."""

import re

import cbuild
import pytest

SOURCES = ["tests/c/test_trace_scan.c", "tests/c/check.c", "csrc/core/rns_status.c"]
SOURCES += ["csrc/lab/rns_trace_scan.c", "csrc/lab/rns_trace_names.c"]
TEST_COUNT, TEXTS, CHECKS_MIN = 2, 10_000, 200_000
VARIANTS = {
    "gcc": {},
    "clang": {"compiler": "clang"},
    "gcc-address": {"sanitize": "address"},
    "gcc-32-bit": {"m32": True},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_damaged_text_is_read_to_its_end_and_no_further(tmp_path, name):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **VARIANTS[name]))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, texts, failures = numbers
    assert (tests, texts, failures) == (TEST_COUNT, TEXTS, 0)
    assert checks > CHECKS_MIN
