"""Each misuse says what its program in tests/c/misuse says, in the plain build and another."""

import misuse
import pytest

CASES = misuse.cases()


@pytest.fixture(scope="module", params=["plain", "checking"])
def build(request, tmp_path_factory):
    """Return the library of a build, its flags, and whether it is the checking one."""
    is_checking = request.param == "checking"
    flags = [f"-D{define}" for define in misuse.CHECKING if is_checking]
    return misuse.library(tmp_path_factory.mktemp("misuse"), *flags), flags, is_checking


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_a_misuse_is_told_by_its_status_its_counter_and_the_check(case, build):
    core, flags, is_checking = build
    says = case.says_checking if is_checking else case.says
    assert misuse.run(case, core, *flags) == says + "\n"


def test_there_is_a_program_for_each_kind_of_misuse_and_each_is_in_the_docs():
    assert len(CASES) >= 22 and len({case.does for case in CASES}) == len(CASES)
    told = {word.split(",")[0] for case in CASES for word in (case.says, case.says_checking)}
    print(f"{len(CASES)} programs, {len(told)} statuses: {', '.join(sorted(told))}")
    misuses = "FOREIGN OUT_OF_RANGE INTERIOR MISALIGNED DOUBLE_GIVE WRONG_POOL".split()
    assert told >= {f"MISUSE_{kind}" for kind in misuses} | {"DAMAGE_CANARY"}
    text = misuse.PAGE.read_text()
    assert misuse.page(text) == text, "run: python tests/misuse.py"
