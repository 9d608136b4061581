"""All states of small pools; `make verify` runs the same program over all there are."""

import re

import cbuild
import pytest

SOURCES = ["tests/c/exhaustive_main.c", "tests/c/check.c", *cbuild.sources("core")]
WORDS, LENGTH = 1 << 22, 6
GIVES = (1 << 16) * (16 * 48 + 2 * 32)
MOVES, POLICIES = 9, 2
SUITES = {
    "words": (f"words={WORDS}", WORDS),
    "gives": ("gives", GIVES),
    "sequences": (f"sequences={LENGTH}", POLICIES * MOVES**LENGTH),
}


@pytest.fixture(scope="module", params=["RNS_STATS=1", "RNS_STATS=0"])
def program(request, tmp_path_factory):
    return cbuild.build(tmp_path_factory.mktemp("exhaustive"), SOURCES, defines=[request.param])


@pytest.mark.parametrize("suite", SUITES)
def test_nothing_is_left_out_and_nothing_is_wrong(suite, program):
    argument, count = SUITES[suite]
    output = cbuild.run(program, argument)
    print(output)
    assert re.search(rf"{count} random operations, 0 failures", output)


@pytest.mark.parametrize("plant, suite", enumerate(SUITES, 1))
def test_a_planted_bug_is_found(plant, suite, tmp_path):
    program = cbuild.build(tmp_path, SOURCES, defines=[f"EXHAUSTIVE_PLANT={plant}"])
    with pytest.raises(AssertionError, match="FAIL "):
        cbuild.run(program, SUITES[suite][0])
