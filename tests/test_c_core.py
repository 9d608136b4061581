"""The C suites of csrc/core, in every build that changes what they test.

All suites are one program, tests/c/suite_main.c, so that each build is compiled once. Each run has
to print counts no lower than the ones recorded here: a suite that does nothing fails.
"""

import itertools
import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cbuild
import pytest

CORE = ["status", "tier", "pool", "pool_init", "pool_stats", "preset"]
CORE += ["small", "small_init", "small_stats"]
SUITES = (
    "tier tier_locate tier_check pool pool_low_water pool_stats pool_random pool_config".split()
)
SUITES += "pool_memory pool_misuse pool_guard pool_observe pool_shaken preset status".split()
SUITES += "pool_threads pool_races".split()
SOURCES = [f"tests/c/{name}.c" for name in ["suite_main", "check", "pool_fixture", "pool_walk"]]
SOURCES += [f"tests/c/test_{name}.c" for name in SUITES]
SOURCES += [f"csrc/core/rns_{name}.c" for name in CORE]
LEFT_OUT = {
    "FULL": [],
    "SMALL": "tier tier_locate tier_check pool_guard pool_observe pool_shaken".split(),
}
LEFT_OUT["LEAST"] = LEFT_OUT["SMALL"] + [
    f"pool_{name}" for name in "low_water memory threads races".split()
]
SMALL, LEAST = "RNS_PROFILE=RNS_PROFILE_SMALL", "RNS_PROFILE=RNS_PROFILE_LEAST"


def sources_in(profile):
    """Return those of SOURCES that there are in a profile."""
    left_out = {f"tests/c/test_{name}.c" for name in LEFT_OUT[profile]}
    return [path for path in SOURCES if path not in left_out]


# It includes the sources whose threads it interleaves.
INTERLEAVED = ["tests/c/interleave_main.c", "tests/c/check.c"]
INTERLEAVED += ["csrc/core/rns_pool_init.c", "csrc/core/rns_status.c"]

# With statistics, without, and checks; in the profiles that have no tiers apart from a pool fewer.
LEAST_TESTS = {
    "FULL": (90, 80, 4_480_000),
    "SMALL": (66, 61, 2_600_000),
    "LEAST": (39, 36, 2_300_000),
}
LEAST_OPERATIONS = 1_200_000
LEAST_SWITCHES = 3_000_000

COUNTS = re.compile(r"^(\d+) tests, (\d+) checks, (\d+) random operations, 0 failures$", re.M)
IRQ_LOCK = 'RNS_LOCK_HEADER="rns_lock_irq.h"'


class Variant(NamedTuple):
    """One way to build the program."""

    compiler: str
    sync: str
    sanitize: str = None
    defines: tuple = ()
    m32: bool = False

    def build(self, tmp):
        """Compile the program; return its path."""
        return cbuild.build(tmp, sources_in(self.profile), *self)

    @property
    def profile(self):
        """Return the end of the profile's name."""
        return next(
            (d.rpartition("_")[2] for d in self.defines if d.startswith("RNS_PROFILE=")), "FULL"
        )

    def __str__(self):
        """Return a name for pytest -k, like gcc-LOCK-m32."""
        switches = [define.partition('="')[0] for define in self.defines]
        return "-".join([self.compiler, self.sync, *switches, *(["m32"] if self.m32 else [])])


BUILDS = [Variant(*pair) for pair in itertools.product(cbuild.COMPILERS, cbuild.SYNCS)]
SHARED = [variant for variant in BUILDS if variant.sync != "NONE"]
SWITCHED = [
    Variant("gcc", "NONE", m32=True),
    Variant("gcc", "NONE", defines=("RNS_STATS=0",)),
    Variant("clang", "ATOMIC", defines=("RNS_STATS=0",)),
    Variant("gcc", "NONE", defines=("RNS_TIERS_MAX=4u",)),
    Variant("clang", "NONE", defines=("RNS_COUNTER_BITS=32",)),
    Variant("gcc", "NONE", defines=("RNS_CANARY=1",)),
    Variant("clang", "LOCK", defines=("RNS_POISON=1",)),
    Variant(
        "clang",
        "ATOMIC",
        defines=("RNS_CANARY=1", "RNS_POISON=1", "RNS_TIMING=1", "RNS_OBSERVE=1"),
    ),
    Variant("gcc", "LOCK", defines=("RNS_TIMING=1", IRQ_LOCK)),
]
SWITCHED += [Variant("gcc", "LOCK", defines=(SMALL, IRQ_LOCK))]
SANITIZED = [variant._replace(sanitize="address") for variant in BUILDS]
SANITIZED += [Variant("gcc", "NONE", "address", ("RNS_CANARY=1", "RNS_POISON=1"))]
SANITIZED += [Variant("gcc", "NONE", "address", (SMALL, "RNS_STATS=0"), m32=True)]
SANITIZED += [Variant("clang", "NONE", "address", (LEAST,))]
WATCHED = [Variant("clang", sync, "thread") for sync in ["LOCK", "ATOMIC"]]
WATCHED += [Variant("clang", "LOCK", "thread", (SMALL,))]
UNPROTECTED = Variant("clang", "NONE", "thread")


@pytest.fixture(scope="module")
def programs(request, tmp_path_factory):
    """Compile what the selected tests need, on all processors; map a variant to its program."""
    tmp = tmp_path_factory.mktemp("core")
    tests = [
        item for item in request.session.items if getattr(item, "module", None) is request.module
    ]
    params = [test.callspec.params for test in tests if hasattr(test, "callspec")]
    wanted = dict.fromkeys(param["variant"] for param in params if "variant" in param)
    executor = ThreadPoolExecutor(os.cpu_count())
    futures = {variant: executor.submit(variant.build, tmp) for variant in wanted}
    yield lambda variant: futures[variant].result()
    executor.shutdown(cancel_futures=True)


def counts(output):
    """Return how many tests, checks and random operations a run reports."""
    found = COUNTS.search(output)
    assert found, output
    print(found[0])
    return tuple(map(int, found.groups()))


def run_suites(program, variant):
    """Run all suites without threads; verify that they did what they are recorded to do."""
    tests, checks, operations = counts(cbuild.run(program))
    has_statistics = "RNS_STATS=0" not in variant.defines
    with_statistics, without, least_checks = LEAST_TESTS[variant.profile]
    assert tests >= (with_statistics if has_statistics else without)
    assert checks >= least_checks
    assert operations >= LEAST_OPERATIONS


def run_threads(program, iterations):
    """Run the suite with threads; verify that they shared the pool."""
    tests, checks, operations = counts(
        cbuild.run(program, f"pool_threads={iterations}", "pool_races")
    )
    assert tests >= 7
    assert checks >= 10_000
    # Three tests with four workers. A step in three only moves a slot to another thread.
    assert operations >= 3 * 4 * iterations * 0.6


@pytest.mark.parametrize("variant", BUILDS + SWITCHED, ids=str)
def test_suites_pass(variant, programs):
    run_suites(programs(variant), variant)


@pytest.mark.parametrize("variant", SANITIZED, ids=str)
def test_suites_pass_under_the_address_sanitizer(variant, programs):
    run_suites(programs(variant), variant)


@pytest.mark.parametrize("variant", SHARED, ids=str)
def test_threads_share_a_pool(variant, programs):
    run_threads(programs(variant), 40_000)


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_no_interleaving_of_three_threads_breaks_a_pool(compiler, tmp_path):
    program = cbuild.build(tmp_path, INTERLEAVED, compiler, "ATOMIC")
    _, _, switches = counts(cbuild.run(program, 100_000))
    assert switches >= LEAST_SWITCHES


@pytest.mark.parametrize("variant", [v for v in SANITIZED if v.sync != "NONE"], ids=str)
def test_threads_share_a_pool_under_the_address_sanitizer(variant, programs):
    run_threads(programs(variant), 8_000)


@pytest.mark.parametrize("variant", WATCHED, ids=str)
def test_threads_share_a_pool_under_the_thread_sanitizer(variant, programs):
    run_threads(programs(variant), 8_000)


@pytest.mark.parametrize("variant", [UNPROTECTED], ids=str)
def test_the_thread_sanitizer_reports_a_pool_without_synchronisation(variant, programs):
    with pytest.raises(AssertionError, match="data race"):
        cbuild.run(programs(variant), "pool_threads=1000")


def test_an_unknown_suite_is_an_error(tmp_path):
    with pytest.raises(AssertionError, match='no suite "pools"'):
        cbuild.run(Variant("gcc", "NONE").build(tmp_path), "pools")


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m3", "rv32imac"])
def test_a_target_with_a_lock_of_its_own_needs_no_atomics(target, tmp_path):
    check_freestanding(target, "LOCK", [IRQ_LOCK], tmp_path)


@pytest.mark.parametrize(
    "define",
    ["RNS_STATS=0", "RNS_CANARY=1", "RNS_POISON=1", "RNS_TIMING=1", "RNS_TIERS_MAX=4u"]
    + [SMALL, LEAST],
)
def test_every_switch_compiles_for_the_smallest_target(define, tmp_path):
    check_freestanding("cortex-m0", "NONE", [define], tmp_path)


def check_freestanding(target, sync, defines, tmp_path):
    """Compile the core alone; verify that it asks for nothing but a compiler's own helpers."""
    objects = cbuild.compile_freestanding(tmp_path, target, sync, defines)
    assert len(objects) >= len(CORE)
    wanted = cbuild.undefined_symbols(target, objects)
    wanted -= {"memset", "memcpy", "memmove", "memcmp", "rns_port_ticks"}
    assert {name for name in wanted if not name.startswith("__")} == set()
    assert not {name for name in wanted if "atomic" in name or "sync" in name}
