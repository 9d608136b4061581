"""The C suites of the RTP receiver, in every build that changes what they test."""

import re

import cbuild
import pytest

CORE = "status tier pool pool_init pool_stats table table_init table_check".split()
NODE = "rtp rtp_delay rtp_rate rtp_receiver".split()
SOURCES = [f"tests/c/{name}.c" for name in "rtp_main rtp_fixture pool_fixture check".split()]
SOURCES += [
    f"tests/c/test_{name}.c" for name in "rtp rtp_receiver rtp_slots rtp_random rtp_vector".split()
]
SOURCES += [f"csrc/core/rns_{name}.c" for name in CORE]
SOURCES += [f"csrc/node/rns_{name}.c" for name in NODE]
TEST_COUNT, CHECKS_MIN = 49, 9_000_000
OPERATIONS = 200_000 + 100_000 + 100_000 + 6 * 50_000 + 84 * 20_000
PLAIN = [{"compiler": name, "sync": sync} for name in cbuild.COMPILERS for sync in cbuild.SYNCS]
VARIANTS = PLAIN + [
    {"defines": ["PACKETS_MANY=100000u"]},
    {"compiler": "gcc", "sanitize": "address"},
    {"compiler": "clang", "sanitize": "address"},
    {"compiler": "gcc", "sync": "NONE", "m32": True},
    {"defines": ["RNS_STATS=0"]},
    {"defines": ["RNS_CANARY=1", "RNS_POISON=1"]},
]
# What a compiler for a small target may call: copies, and division and products of 64 bits.
LIBRARY_CALLS = {"memcpy", "memset", "memmove"}


def name(options):
    """Return a name for pytest -k, like gcc-address."""
    return "-".join("-".join(v) if isinstance(v, list) else str(v) for v in options.values())


@pytest.mark.parametrize("options", VARIANTS, ids=name)
def test_the_suites_of_the_rtp_receiver_pass(tmp_path, options):
    output = cbuild.run(cbuild.build(tmp_path, SOURCES, **options))
    print(output)
    counts = [int(number) for number in re.findall(r"\d+", output.splitlines()[-1])]
    tests, checks, operations, failures = counts
    left_out = "RNS_POISON=1" in options.get("defines", ())  # A test that reads what was given.
    assert (tests, operations, failures) == (TEST_COUNT - left_out, OPERATIONS, 0)
    assert checks > CHECKS_MIN


@pytest.mark.parametrize("target", cbuild.TARGETS)
def test_the_receiver_needs_pool_and_table_but_no_library_and_no_float(tmp_path, target):
    objects = cbuild.compile_freestanding(tmp_path, target, parts=("port", "core", "node"))
    rtp = [path for path in objects if path.stem.startswith("rns_rtp")]
    assert len(rtp) == len(NODE)
    needed = cbuild.undefined_symbols(target, rtp)
    print(target, needed)
    needed = {name for name in needed if not name.startswith(("rns_pool_", "rns_table_"))}
    assert not {name for name in needed if re.search("[sd]f|float|[df]mul|[df]add", name)}
    assert {name for name in needed if not name.startswith("__")} <= LIBRARY_CALLS
