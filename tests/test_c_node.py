"""The C suites of packets and transport: compilers, synchronisations, sanitizers, no libc."""

import re

import cbuild
import pytest

TESTS = cbuild.ROOT / "tests" / "c"
SOURCES = [
    *(TESTS / f"{name}.c" for name in ("node_main", "node_fixture", "bytes_fixture")),
    *(TESTS / f"{name}.c" for name in ("pool_fixture", "check")),
    TESTS / "test_packet.c",
    TESTS / "test_packet_rewrite.c",
    *sorted(TESTS.glob("test_transport*.c")),
    *cbuild.sources("port", "core", "node"),
]
TEST_COUNT, CHECKS_MIN = 93, 100_000
# At random, and plays of the scenario with one request after the other failing.
RANDOM, SCENARIOS_MIN = 4 * 8_000, 1 + 2 * 50
VARIANTS = [
    *(
        {"compiler": compiler, "sync": sync}
        for compiler in cbuild.COMPILERS
        for sync in cbuild.SYNCS
    ),
    *(
        {"compiler": c, "sync": s, "sanitize": "address"}
        for c, s in (("gcc", "NONE"), ("clang", "ATOMIC"))
    ),
    {"defines": ["RNS_STATS=0"]},
    {"defines": ["RNS_POISON=1", "RNS_CANARY=1"]},
    {"m32": True},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_all_suites(options, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, **options)
    output = cbuild.run(program)
    print(output)
    tests, checks, operations, failures = map(int, re.findall(r"\d+", output.splitlines()[-1]))
    assert (tests, failures) == (TEST_COUNT, 0)
    assert checks > CHECKS_MIN and operations > RANDOM + SCENARIOS_MIN


@pytest.mark.parametrize("target", cbuild.TARGETS)
def test_node_compiles_without_a_libc_and_allocates_nothing(target, tmp_path):
    objects = cbuild.compile_freestanding(tmp_path, target, parts=("port", "core", "node"))
    node = [path for path in objects if path.stem.startswith(("rns_packet", "rns_transport"))]
    wanted = cbuild.undefined_symbols(target, objects)
    print(target, len(node), wanted)
    assert len(node) > 5
    assert {name for name in wanted if not name.startswith("__")} <= {
        "memcpy",
        "memmove",
        "memset",
        "memcmp",
    }
