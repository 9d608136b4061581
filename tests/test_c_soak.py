"""The C suite of soaks, under compilers and sanitizers."""

import re

import cbuild
import pytest

NAMES = ("heap", "heap_buddy", "heap_check", "meter", "mix", "node_rows", "replay")
NAMES += ("rtp_run", "shadow")
LAB = [f"csrc/lab/rns_{name}.c" for name in NAMES]
LAB += sorted((cbuild.CSRC / "lab").glob("rns_soak*.c"))
LAB += sorted((cbuild.CSRC / "lab").glob("rns_traffic*.c"))
SOURCES = ["tests/c/test_soak.c", "tests/c/check.c", *LAB, *cbuild.sources("core", "node")]
TEST_COUNT = 6
VARIANTS = [
    pytest.param({"compiler": compiler, **options}, id="-".join([compiler, name]))
    for compiler, name, options in [
        ("gcc", "none", {}),
        ("clang", "atomic", {"sync": "ATOMIC"}),
        ("gcc", "address", {"sanitize": "address"}),
        ("gcc", "m32", {"m32": True}),
    ]
]


@pytest.mark.parametrize("options", VARIANTS)
def test_soaks_hold_what_they_promise(tmp_path, options):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **options))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, failures) == (TEST_COUNT, 0)
    assert operations > 1_000_000 and checks > 90
