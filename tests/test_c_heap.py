"""The C suites of the heap models and of the packet-node workload."""

import os
import re

import cbuild
import pytest

SUITES = ["heap", "heap_check", "heap_random", "packet_node"]
SOURCES = [f"tests/c/{name}.c" for name in ["heap_main", "heap_fixture", "pool_fixture", "check"]]
SOURCES += [f"tests/c/test_{name}.c" for name in SUITES]
SOURCES += [f"csrc/lab/rns_{n}.c" for n in ["heap", "heap_buddy", "heap_check", "packet_node"]]
SOURCES += [str(path) for path in cbuild.sources("core")]
TEST_COUNT = 25
KINDS_AND_LAYOUTS = 5 * 3
SHORT = 20_000  # Operations for each kind and layout.
# Ten million and more in all; for a longer run, set the variable.
LONG = int(os.environ.get("RNS_HEAP_OPERATIONS", "670_000"))
VARIANTS = [
    pytest.param({"compiler": compiler, **options}, operations, id="-".join([compiler, *names]))
    for compiler in cbuild.COMPILERS
    for names, options, operations in [
        ((), {}, SHORT),
        (("address",), {"sanitize": "address"}, LONG if compiler == "gcc" else SHORT),
        (("m32",), {"m32": True}, SHORT),
    ]
]


@pytest.mark.parametrize("options, operations", VARIANTS)
def test_the_suites_of_the_heaps_pass(tmp_path, options, operations):
    program = cbuild.build(tmp_path, SOURCES, **options)
    output = cbuild.run(program, operations, timeout=120 + operations // 1000)
    print(output)
    tests, checks, done, failures = map(int, re.findall(r"\d+", output.splitlines()[-1]))
    assert (tests, failures) == (TEST_COUNT, 0)
    assert done == operations * KINDS_AND_LAYOUTS
    assert checks > 2_900_000


PLANTED = [
    # The block behind a free one is not told.
    ("rns_heap.c", "*next |= RNS_HEAP_BEFORE_FREE;", "", "is DAMAGE_INVARIANT, not OK"),
    # A remainder that is too small for a block of its own is split off all the same.
    (
        "rns_heap.c",
        "bytes - wanted_bytes >= self->split_min_bytes",
        "bytes > wanted_bytes",
        "FAIL",
    ),
    # A buddy that was merged stays in the index.
    ("rns_heap_buddy.c", "rns_heap_index_set(&self->index, buddy, 0);", "", "is DAMAGE_INVARIANT"),
]


@pytest.mark.parametrize("name, right, wrong, report", PLANTED)
def test_a_planted_bug_is_found(tmp_path, name, right, wrong, report):
    source = cbuild.CSRC / "lab" / name
    text = source.read_text()
    assert text.count(right) == 1
    planted = tmp_path / name
    planted.write_text(text.replace(right, wrong))
    sources = [path for path in SOURCES if path != f"csrc/lab/{name}"] + [str(planted)]
    program = cbuild.build(tmp_path, sources)
    with pytest.raises(AssertionError, match=report):
        cbuild.run(program, 2000, timeout=20)
