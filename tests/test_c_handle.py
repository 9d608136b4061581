"""The C suite of rns_handle, and its lock taken away."""

import re

import cbuild
import pytest

TESTS = cbuild.ROOT / "tests" / "c"
HANDLE = cbuild.CSRC / "lab" / "rns_handle.c"
FIXTURES = [TESTS / "bytes_fixture.c", TESTS / "pool_fixture.c", TESTS / "check.c"]
SOURCES = [TESTS / "handle_main.c", *FIXTURES, *cbuild.sources("port", "core")]


def run(program, sync, *arguments):
    __tracebackhide__ = True
    output = cbuild.run(program, *arguments, timeout=300)
    print(output)
    tests = 5 if sync == "NONE" else 6
    assert re.search(rf"{tests} tests, \d+ checks, .*, 0 failures", output), output


@pytest.mark.parametrize("compiler, sync", [("gcc", "NONE"), ("clang", "LOCK"), ("gcc", "ATOMIC")])
def test_the_suite(compiler, sync, tmp_path):
    run(cbuild.build(tmp_path, [*SOURCES, HANDLE], compiler, sync), sync)


@pytest.mark.parametrize("compiler, sync", [("gcc", "NONE"), ("clang", "ATOMIC")])
def test_the_suite_under_the_address_and_undefined_sanitizers(compiler, sync, tmp_path):
    run(cbuild.build(tmp_path, [*SOURCES, HANDLE], compiler, sync, sanitize="address"), sync)


def test_the_suite_under_the_thread_sanitizer(tmp_path):
    program = cbuild.build(tmp_path, [*SOURCES, HANDLE], "clang", "ATOMIC", sanitize="thread")
    run(program, "ATOMIC", "3000")


def test_without_the_lock_the_thread_sanitizer_sees_a_race(tmp_path):
    planted = tmp_path / "rns_handle.c"
    text = HANDLE.read_text()
    assert text.count("pthread_mutex_lock") == text.count("pthread_mutex_unlock") == 1
    planted.write_text(
        re.sub(r"\(void\)pthread_mutex_(un)?lock\(&self->lock\)", "(void)self", text)
    )
    program = cbuild.build(tmp_path, [*SOURCES, planted], "clang", "ATOMIC", sanitize="thread")
    with pytest.raises(AssertionError, match="data race"):
        run(program, "ATOMIC", "3000")
