"""The C suites of the table, under every compiler and sanitizer of the firmware library."""

import re

import cbuild
import pytest

CORE = ["table", "table_init", "table_check", "status", "tier", "pool", "pool_init", "pool_stats"]
CORE = [f"csrc/core/rns_{name}.c" for name in CORE]
SUITES = ["table", "table_index", "table_each", "table_config", "table_random", "table_check"]
SOURCES = [f"tests/c/{name}.c" for name in ["table_main", "table_fixture", "table_walk", "check"]]
SOURCES += [f"tests/c/test_{name}.c" for name in SUITES]
SOURCES += ["tests/c/pool_fixture.c", *CORE]
TEST_COUNT, CHECKS_MIN = 44, 23_000_000
# A million for each policy, then those with the invariants verified after each.
OPERATIONS = 3 * 1_020_000 + 3 * 5 * 4_000 + 2 * 3 * 4_000
VARIANTS = [
    pytest.param({"compiler": compiler, **options}, id="-".join([compiler, *names]))
    for compiler in cbuild.COMPILERS
    for names, options in [
        ((), {}),
        (("address",), {"sanitize": "address"}),
        (("m32",), {"m32": True}),
        (("no-statistics",), {"defines": ["RNS_STATS=0"]}),
    ]
]
LIBRARY_CALLS = {"memcpy", "memset", "memmove", "__aeabi_uidiv", "__aeabi_lmul"}


def counts(output):
    """Return the numbers of the harness's last line."""
    print(output)
    return [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]


@pytest.mark.parametrize("options", VARIANTS)
def test_the_suites_of_the_table_pass(tmp_path, options):
    program = cbuild.build(tmp_path, SOURCES, **options)
    tests, checks, operations, failures = counts(cbuild.run(program))
    assert (tests, operations, failures) == (TEST_COUNT, OPERATIONS, 0)
    assert checks > CHECKS_MIN


@pytest.mark.parametrize("target", cbuild.TARGETS)
def test_the_table_needs_neither_a_library_nor_an_allocator(tmp_path, target):
    objects = cbuild.compile_freestanding(tmp_path, target)
    table = [path for path in objects if path.stem.startswith("rns_table")]
    assert table
    needed = cbuild.undefined_symbols(target, table)
    print(target, needed)
    assert needed <= LIBRARY_CALLS
