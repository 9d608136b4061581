"""The C suite of a node that logs of any shape drive, under compilers and sanitizers."""

import re

import cbuild
import pytest

LAB = [f"csrc/lab/rns_{name}.c" for name in ("node_run", "meter", "replay")]
LAB += sorted((cbuild.CSRC / "lab").glob("rns_traffic*.c"))
SOURCES = ["tests/c/test_node_run.c", "tests/c/check.c", *LAB, *cbuild.sources("core", "node")]
TEST_COUNT, CHECKS_MIN = 4, 60_000
OPERATIONS = 6 * 4000 + 4 * 4000
VARIANTS = [
    pytest.param({"compiler": compiler, "sync": sync, **options}, id="-".join([compiler, *name]))
    for compiler in cbuild.COMPILERS
    for name, sync, options in [
        (("none",), "NONE", {}),
        (("atomic",), "ATOMIC", {}),
        (("address",), "NONE", {"sanitize": "address"}),
        (("m32",), "NONE", {"m32": True}),
    ]
]


@pytest.mark.parametrize("options", VARIANTS)
def test_a_node_survives_logs_of_any_shape(tmp_path, options):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **options))
    print(output)
    numbers = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = numbers
    assert (tests, operations, failures) == (TEST_COUNT, OPERATIONS, 0)
    assert checks > CHECKS_MIN
