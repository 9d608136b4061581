"""The tools that the C suites rely on each find the bug that is planted for them."""

import itertools

import cbuild
import pytest

PLANTED = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void* count(void* unused)
{
    shared += 1;
    return unused;
}

int main(int argument_count, char** arguments)
{
    const char* const bug = argument_count > 1 ? arguments[1] : "none";
    char* volatile block = malloc(4);
    if (strcmp(bug, "overflow") == 0) {
        printf("%d\n", block[argument_count + 2]);
    } else if (strcmp(bug, "shift") == 0) {
        volatile int bits = 31 + argument_count;
        printf("%d\n", 1 << bits);
    } else if (strcmp(bug, "race") == 0) {
        pthread_t other;
        pthread_create(&other, NULL, count, NULL);
        count(NULL);
        pthread_join(other, NULL);
    } else if (strcmp(bug, "leak") == 0) {
        block = malloc(4);
    } else if (strcmp(bug, "hang") == 0) {
        puts("before the end");
        fflush(stdout);
        for (;;) {
        }
    }
    free(block);
    printf("%d-bit pointers\n", (int)sizeof(void*) * 8);
    return 0;
}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("planted") / "planted.c"
    path.write_text(PLANTED)
    return path


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
@pytest.mark.parametrize(
    "bug, report",
    [
        ("overflow", "heap-buffer-overflow"),
        ("shift", "shift exponent 33 is too large"),
        ("leak", "detected memory leaks"),
    ],
)
def test_the_address_sanitizer_build_reports(bug, report, compiler, source, tmp_path):
    program = cbuild.build(tmp_path, [source], compiler, sanitize="address")
    assert "pointers" in cbuild.run(program)
    with pytest.raises(AssertionError, match=report):
        cbuild.run(program, bug)


def test_the_thread_sanitizer_build_reports_a_race(source, tmp_path):
    program = cbuild.build(tmp_path, [source], "clang", sanitize="thread")
    assert "pointers" in cbuild.run(program)
    with pytest.raises(AssertionError, match="data race"):
        cbuild.run(program, "race")


@pytest.mark.parametrize(
    "bug, report", [("overflow", "Invalid read"), ("leak", "definitely lost")]
)
def test_valgrind_reports(bug, report, source, tmp_path):
    program = cbuild.build(tmp_path, [source])
    assert "pointers" in cbuild.run(program, under=cbuild.VALGRIND)
    with pytest.raises(AssertionError, match=report):
        cbuild.run(program, bug, under=cbuild.VALGRIND)


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_a_32_bit_build_runs_here(compiler, source, tmp_path):
    assert "32-bit" in cbuild.run(cbuild.build(tmp_path, [source], compiler, m32=True))


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_a_warning_fails_the_build(compiler, source, tmp_path):
    source = source.with_name("warned.c")
    source.write_text("int main(void) { int unused; return 0; }\n")
    with pytest.raises(AssertionError, match="unused"):
        cbuild.build(tmp_path, [source], compiler)


def test_a_program_that_hangs_is_ended_and_its_output_shown(source, tmp_path):
    with pytest.raises(AssertionError, match="no end after 1 s.*\n.*before the end"):
        cbuild.run(cbuild.build(tmp_path, [source]), "hang", timeout=1)


# cortex-m0 has no atomic flag: its lock would come with RNS_LOCK_HEADER.
@pytest.mark.parametrize(
    "target, sync",
    sorted({*itertools.product(cbuild.TARGETS, ["NONE", "LOCK"])} - {("cortex-m0", "LOCK")}),
)
def test_the_firmware_library_needs_no_libc(target, sync, tmp_path):
    objects = cbuild.compile_freestanding(tmp_path, target, sync, parts=("port", "core", "node"))
    assert {"rns_pool", "rns_bytes", "rns_packet", "rns_transport"} <= {o.stem for o in objects}
    copies = {"memset", "memcpy", "memmove", "memcmp"}  # a freestanding compiler may call these
    wanted = cbuild.undefined_symbols(target, objects) - copies
    assert {name for name in wanted if not name.startswith("__")} == set()
