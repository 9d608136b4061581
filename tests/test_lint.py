"""Each linter is one test; a failure shows what the tool printed. `make lint` runs this file."""

import sys
from concurrent.futures import ThreadPoolExecutor

import cbuild
import pytest

CSRC, TESTS, BENCHMARKS = (cbuild.ROOT / name for name in ("csrc", "tests/c", "benchmarks"))
C_FILES = [path for top in (CSRC, TESTS, BENCHMARKS) for path in sorted(top.rglob("*.[ch]"))]
# What a compiler for this machine can read alone: the firmware is for other machines, and the
# benchmarks include their peers.
HOST_FILES = [path for path in C_FILES if not {CSRC / "firmware", BENCHMARKS} & {*path.parents}]
PRODUCT_SOURCES, SUITE_SOURCES = (
    [path for path in HOST_FILES if path.suffix == ".c" and top in path.parents]
    for top in (CSRC, TESTS)
)
HOST_SOURCES = PRODUCT_SOURCES + SUITE_SOURCES
HOST_HEADERS = [path for path in HOST_FILES if path.suffix == ".h"]
PYTHON_FILES = ["setup.py", "pytest_pyrns_pool.py", "pyrns_pool", "tests", "benchmarks"]


def python_tool(name, *args):
    """Run a linter of the Debian packages, whatever stands first on PATH."""
    __tracebackhide__ = True
    return cbuild.execute([sys.executable, "-m", name, *args], timeout=300)


def test_there_are_files_to_lint():
    print(f"{len(C_FILES)} C files, {len(HOST_SOURCES)} of them sources for this machine")
    assert PRODUCT_SOURCES and SUITE_SOURCES and HOST_HEADERS


@pytest.mark.parametrize("sync", cbuild.SYNCS)
@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_every_source_compiles_without_a_warning(compiler, sync):
    flags = [*cbuild.STRICT, *cbuild.INCLUDES, f"-DRNS_SYNC=RNS_SYNC_{sync}"]
    cbuild.execute([compiler, *flags, "-fsyntax-only", *HOST_SOURCES])


def test_every_header_compiles_alone():
    for header in HOST_HEADERS:
        flags = [*cbuild.STRICT, *cbuild.INCLUDES, "-Wno-unused-function"]
        flags += ["-isystem", cbuild.ROOT / "tests" / "data" / "ports"]  # for locks of others
        cbuild.execute(["gcc", *flags, "-fsyntax-only", "-x", "c", header])


def test_clang_format_would_change_nothing():
    cbuild.execute(["clang-format", "--dry-run", "--Werror", *C_FILES])


def clang_tidy(sources, *options):
    """Run clang-tidy on all processors; raise AssertionError with all that it finds."""

    def findings(source):
        command = ["clang-tidy", "--quiet", f"--config-file={cbuild.ROOT / '.clang-tidy'}"]
        command += [*options, source, "--", *cbuild.STRICT, *cbuild.INCLUDES]
        try:
            cbuild.execute(command, timeout=300)
        except AssertionError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor() as executor:
        found = "".join(executor.map(findings, sources))
    assert not found, found


def cppcheck(sources):
    """Run cppcheck on all processors; raise AssertionError with all that it finds."""
    checks = ["--enable=warning,performance,portability", "--inline-suppr", "--std=c11"]
    quiet = ["--quiet", "--error-exitcode=1", "-j2", "--suppress=missingIncludeSystem"]
    cbuild.execute(["cppcheck", *checks, *quiet, *cbuild.INCLUDES, *sources], timeout=600)


# Where paths are followed takes longest. Here it is the sources that users get; those of the
# suites are run by the sanitizers here, and their paths followed by `make verify` (analysis).
def test_clang_tidy_finds_nothing():
    clang_tidy(PRODUCT_SOURCES)
    clang_tidy(SUITE_SOURCES, "--checks=-clang-analyzer-*")


def test_cppcheck_finds_nothing():
    cppcheck(PRODUCT_SOURCES)


def test_black_would_change_nothing():
    python_tool("black", "--check", "--diff", "--quiet", "-l99", "-tpy39", *PYTHON_FILES)


def test_flake8_finds_nothing():
    python_tool("flake8", *PYTHON_FILES)


def test_mypy_finds_nothing():
    python_tool("mypy")


def test_pydocstyle_finds_nothing():
    python_tool("pydocstyle", "pyrns_pool", "pytest_pyrns_pool.py")
