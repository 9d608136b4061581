"""The runner of `make verify`; what its jobs find is not for `make test`."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cbuild
import pytest
from cbuild import ROOT
from verify import __main__ as runner
from verify.job import Job, found
from verify.plant import plant

VERIFY = ROOT / "tests" / "verify"


def job(run, **plants):
    return Job("job", "pytest", "is shown", run, plants)


def refuse(room):
    raise AssertionError("seed 3: high_water 5 of 4 slots")


def stumble(room):
    return {"seeds": 1 // 0}


def test_a_job_that_finds_what_was_planted_and_no_more_tells_its_counts():
    def look(room):
        assert room.soak and list(room.tmp.iterdir()) == []
        return {"seeds": 7}

    outcome = runner.carry_out(job(look, a=lambda room: found(lambda: refuse(room), "of 4")), True)
    assert outcome["plants"] == {"a": "seed 3: high_water 5 of 4 slots"}
    assert (outcome["counts"], outcome["faults"]) == ({"seeds": 7}, [])


@pytest.mark.parametrize(
    "bad, says",
    [
        (job(refuse), "run: seed 3: high_water 5 of 4 slots"),
        (job(stumble), "ZeroDivisionError"),
        (job(lambda room: {}, a=lambda room: ""), "planted a: was not found"),
        (job(lambda room: {}, a=lambda room: found(lambda: refuse(room), "leak")), "planted a"),
        (job(lambda room: {}, a=stumble), "ZeroDivisionError"),
    ],
)
def test_whatever_goes_wrong_in_a_job_is_its_fault(bad, says):
    (fault,) = runner.carry_out(bad, False)["faults"]
    assert says in fault


def test_a_job_may_look_at_more_than_was_recorded_but_not_at_less():
    outcome = runner.carry_out(job(lambda room: {"seeds": 7, "runs": 1}), False)
    runner.fault_of_counts(outcome, {"seeds": 6, "runs": 1})
    assert outcome["faults"] == []
    runner.fault_of_counts(outcome, {"seeds": 6, "runs": 2000})
    assert outcome["faults"] == ["runs: 1 is below the recorded 2,000"]
    outcome["faults"].clear()
    runner.fault_of_counts(outcome, {"gone": 1})
    assert outcome["faults"] == ["gone: 0 is below the recorded 1"]


def test_a_planted_fault_is_compiled_from_a_copy_and_two_may_be_planted(tmp_path):
    program = tmp_path / "main.c"
    program.write_text(
        '#include "rns_status.h"\n#include <stdio.h>\n'
        "int main(void) { puts(rns_status_name(RNS_MISS_ABSENT)); return RNS_MISS_PRESENT - 5; }\n"
    )
    build = partial(cbuild.build, tmp_path, [program, "csrc/core/rns_status.c"])
    tree = plant(tmp_path, "csrc/core/rns_status.c", '"MISS_ABSENT"', '"MISS_LOST"')
    plant(tmp_path, "csrc/core/rns_status.h", "RNS_MISS_PRESENT = 5", "RNS_MISS_PRESENT = 9")
    with pytest.raises(AssertionError, match="exit 4.*\nMISS_LOST"):
        cbuild.run(build(tree=tree))
    assert cbuild.run(build()) == "MISS_ABSENT\n"


@pytest.mark.parametrize("text", ["rns_nothing", "RNS_STATUS_H"])
def test_what_is_not_there_once_is_no_place_for_a_fault(text, tmp_path):
    with pytest.raises(AssertionError, match=f"rns_status.h has [02] times: {text}"):
        plant(tmp_path, "csrc/core/rns_status.h", text, "")


def test_each_job_has_planted_faults_and_what_is_recorded_has_a_row_in_the_docs():
    known = runner.known_jobs()
    recorded = json.loads((VERIFY / "counts.json").read_text())["verify"]
    page = (ROOT / "docs" / "verify.md").read_text()
    print(f"{len(known)} jobs, {sum(len(one.plants) for one in known.values())} planted faults")
    assert all(one.plants for one in known.values())
    assert known.keys() == recorded.keys()
    for name, counts in recorded.items():
        assert f"| {name} | " in page, name
        assert counts and all(count > 0 for count in counts.values()), name


def verify(*arguments):
    command = [sys.executable, str(VERIFY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_jobs_are_listed_and_one_that_is_not_there_is_named():
    done = verify("--list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(runner.known_jobs())
    done = verify("exhaustive-nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no job is called exhaustive-nothing" in done.stderr


def processes(token):
    """Return the processes whose environment holds the token."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if token in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:  # It has ended.
            pass
    return found


def test_ctrl_c_ends_the_jobs_too_and_leaves_no_file(tmp_path):
    token = f"VERIFY_TEST={os.getpid()}"
    process = subprocess.Popen(
        [sys.executable, str(VERIFY), "exhaustive-words"],
        env={**os.environ, **dict([token.split("=")]), "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    while len(processes(token.encode())) < 3:  # The runner, the job, its compiler.
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    deadline = time.monotonic() + 30
    while processes(token.encode()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes(token.encode()) == []
    assert list(tmp_path.iterdir()) == []
