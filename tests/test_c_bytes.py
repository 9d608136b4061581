"""The C suites of Bytes: each compiler with each synchronisation, sanitizers, small targets."""

import re

import cbuild
import pytest

TESTS = cbuild.ROOT / "tests" / "c"
SOURCES = [
    TESTS / "bytes_main.c",
    TESTS / "bytes_fixture.c",
    TESTS / "bytes_walk.c",
    TESTS / "pool_fixture.c",
    TESTS / "check.c",
    *sorted(TESTS.glob("test_bytes*.c")),
    TESTS / "test_store.c",
    *cbuild.sources("port", "core"),
]
TEST_COUNT = 77
LEAST_TEST_COUNT = 64  # where a pool has no fallback, no reserve and no link to others
OPERATIONS = 225_000  # at random, in all suites but the one with threads
PEER_FAULTS = 8 + 7


def run(program, *suites):
    """Run suites; return how many tests, checks and random operations they made."""
    __tracebackhide__ = True
    output = cbuild.run(program, *suites, timeout=300)
    numbers = re.search(r"(\d+) tests, (\d+) checks, (\d+) random operations, 0 failures", output)
    assert numbers, output
    return (*map(int, numbers.groups()), output)


@pytest.mark.parametrize("sync", cbuild.SYNCS)
@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_all_suites(compiler, sync, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, compiler, sync)
    tests, checks, operations, output = run(program)
    assert tests == TEST_COUNT and operations == OPERATIONS
    assert checks > OPERATIONS
    assert len(re.findall(r"^ok   (?:peer|fork) \d", output, re.M)) == PEER_FAULTS
    if sync != "NONE":  # a lost claim of the tail shows about once in 100,000 rounds
        run(program, f"bytes_threads={150_000 if (compiler, sync) == ('gcc', 'ATOMIC') else 5000}")


@pytest.mark.parametrize("compiler, sync", [("gcc", "NONE"), ("clang", "ATOMIC")])
def test_all_suites_under_the_address_and_undefined_sanitizers(compiler, sync, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, compiler, sync, sanitize="address")
    tests, _, operations, _ = run(program)
    assert tests == TEST_COUNT and operations == OPERATIONS


@pytest.mark.parametrize(
    "defines", [["RNS_STATS=0"], ["RNS_POISON=1", "RNS_CANARY=1", "RNS_OBSERVE=1"]], ids=" ".join
)
def test_all_suites_with_other_switches(defines, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, "gcc", "ATOMIC", defines=defines)
    assert run(program)[0] == TEST_COUNT


@pytest.mark.parametrize("profile, count", [("SMALL", TEST_COUNT), ("LEAST", LEAST_TEST_COUNT)])
def test_all_suites_over_the_small_pools(profile, count, tmp_path):
    defines = [f"RNS_PROFILE=RNS_PROFILE_{profile}"]
    program = cbuild.build(tmp_path, SOURCES, "gcc", "LOCK", sanitize="address", defines=defines)
    assert run(program)[0] == count


def test_all_suites_with_32_bit_pointers(tmp_path):
    tests, _, _, _ = run(cbuild.build(tmp_path, SOURCES, "gcc", "NONE", m32=True))
    assert tests == TEST_COUNT - 1  # nothing lies 4 GiB away


@pytest.mark.parametrize("sync", ["LOCK", "ATOMIC"])
def test_threads_under_the_thread_sanitizer(sync, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, "clang", sync, sanitize="thread")
    run(program, "bytes_threads=3000")


def test_the_thread_sanitizer_sees_the_race_of_a_plain_count(tmp_path):
    program = cbuild.build(tmp_path, SOURCES, "clang", "NONE", sanitize="thread")
    with pytest.raises(AssertionError, match="data race"):
        run(program, "bytes_threads=1000")


@pytest.mark.parametrize("target", cbuild.TARGETS)
def test_bytes_compile_without_a_libc(target, tmp_path):
    names = {path.stem for path in cbuild.compile_freestanding(tmp_path, target)}
    assert {"rns_bytes", "rns_bytes_share", "rns_bytes_text", "rns_store", "rns_fault"} <= names
