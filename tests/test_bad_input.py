"""Bad input: each case of the corpus ends as it has to, soon, in little memory, in one line."""

import collections
import json
import subprocess
import sys
from pathlib import Path

import bad_input
import pytest
from bad_case import DATA

SECONDS_MAX, PEAK_BYTES_MAX = 1.0, 256 << 20
"""Processor time and memory of one case."""
CASES_MIN = 500
GROUPS = bad_input.groups()


def outcomes(group):
    """Return what came of each case of a group, in one process that measures them."""
    script = Path(bad_input.__file__).with_name("bad_case.py")
    done = subprocess.run(
        [sys.executable, script, group], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout[-300:]}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(case, outcome):
    """Return what is wrong with the outcome of a case, in words."""
    expected = case.error and f"{case.error.__module__}.{case.error.__name__}"
    if outcome["raised"] != expected:
        yield f"raised {outcome['raised']}, not {expected}: {outcome['text']}"
    if case.says not in outcome["text"]:
        yield f"said {outcome['text']!r}, not {case.says!r}"
    if case.error and not outcome["text"].isprintable():
        yield f"said {outcome['text']!r}, which is not one line of text"
    if outcome["seconds"] > SECONDS_MAX:
        yield f"took {outcome['seconds']:.2f} s"
    if outcome["peak_bytes"] > PEAK_BYTES_MAX:
        yield f"took {outcome['peak_bytes'] >> 20} MiB"
    line = outcome.get("command")
    if line and (line["out"] or line["err"] != f"pyrns-pool: {outcome['text']}\n"):
        yield f"the command printed {line['out']!r} and {line['err']!r}"
    if line and line["status"] not in (1, 2):
        yield f"the command ended with {line['status']}"


@pytest.mark.parametrize("group", GROUPS)
def test_each_case_ends_as_it_has_to_soon_and_in_little_memory(group):
    cases, found = bad_input.cases(group), outcomes(group)
    seconds, peak = max(o["seconds"] for o in found), max(o["peak_bytes"] for o in found)
    print(f"{group}: {len(found)} cases, up to {seconds:.2f} s and {peak >> 20} MiB")
    assert len(found) == len(cases) > 0
    wrong = [f"{c.name}: {fault}" for c, o in zip(cases, found) for fault in faults(c, o)]
    assert wrong == []


def test_the_corpus_is_as_large_as_it_was_and_every_file_in_it_is_used():
    counts = {group: len(bad_input.cases(group)) for group in GROUPS}
    print(*(f"{count:4} {group}" for group, count in counts.items()), sep="\n")
    names = [(group, case.name) for group in GROUPS for case in bad_input.cases(group)]
    assert collections.Counter(names).most_common(1)[0][1] == 1
    used = {f"{group}/{name}" for group, name in names}
    files = {str(path.relative_to(DATA)) for path in DATA.glob("*/*")}
    assert files <= used and len(files) > 300
    total = sum(counts.values())
    print(total, "cases")
    assert total >= CASES_MIN


def test_a_case_that_goes_wrong_is_told():
    case = bad_input.cases("numbers")[0]
    good = {"raised": "pyrns_pool.errors.TraceError", "text": case.says, "seconds": 0.1}
    good |= {"peak_bytes": 1 << 20}
    good["command"] = {"status": 1, "out": "", "err": f"pyrns-pool: {case.says}\n"}
    assert list(faults(case, good)) == []
    for part, bad in (
        ("raised", None),
        ("raised", "builtins.ValueError"),
        ("text", "two\nlines"),
        ("seconds", 1.1),
        ("peak_bytes", 257 << 20),
        ("command", {**good["command"], "status": 0}),
        ("command", {**good["command"], "err": "Traceback (most recent call last):\n"}),
    ):
        assert list(faults(case, {**good, part: bad}))
