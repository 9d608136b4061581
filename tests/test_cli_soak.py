"""The verb soak as a user types it."""

import json
import os
import signal

import pytest
from test_cli import pyrns_pool

from pyrns_pool import cli
from pyrns_pool.workloads.soak import Soak

HARD = ("--workload", "adversarial", "--hours", "6", "--tiers", "64x40,256x24,512x8")


def test_the_table_has_a_row_for_each_hour_tiers_tables_and_alarms():
    text = pyrns_pool("soak", "--hours", "2", "--seed", "5")
    print(text)
    lines = text.splitlines()
    assert lines[0].startswith("soak node: 2 hours, seed 5, 7")
    assert lines[1] == "pool    64x320,256x224,512x8 strict: 81,920 bytes of slots"
    assert lines[2].startswith("beside  tlsf in ") and lines[3].startswith("hash    mix64")
    rows = {words[0]: words[1:] for words in map(str.split, lines) if words}
    assert rows["1"][1:4] == rows["2"][1:4] == ["100.0", "%", "0"]
    assert rows["paths"][:4] == ["(cull)", "160", "128", "128"]
    assert rows["64"][0] == "320"
    # Of this seed: 8 times above 30 %, the last column the worst of them.
    assert rows["heap"] == ["fragmentation", "warn", "8", "0.011", "h", "47.3", "%"]
    assert "100.0 % of " in lines[-1] and "drift 0; 0 refused" in lines[-1]


def test_a_long_soak_takes_at_most_24_rows_and_names_the_leak():
    text = pyrns_pool("soak", *HARD[:3], "50", *HARD[4:])
    hours_table = text.split("\n\n")[1].splitlines()
    hours = [int(line.split()[0]) for line in hours_table[1:]]
    assert hours == [*range(3, 50, 3), 50]
    leak = next(line for line in text.splitlines() if line.startswith("leak"))
    print(leak)
    assert leak.startswith("leak    log: 48 of its 50 slots in use for 2 hours or more")
    assert "hash" not in text


@pytest.mark.parametrize("workload", ["rtp", "mixed"])
def test_calls_have_a_pool_that_misses_nothing_and_can_be_resumed(workload, tmp_path):
    out = tmp_path / "out"
    text = pyrns_pool("soak", "--hours", "1", "--workload", workload, "-o", out)
    result = json.loads((out / "summary.json").read_text())
    assert text.startswith(f"soak {workload}: 1 hour, seed 1, ") and "  streams (cull)  " in text
    print(workload, result["requests"], [tier["high_water"] for tier in result["tiers"]])
    assert result["hits"] == result["requests"] > 0 and result["hours"][0]["drift"] == 0
    through = (out / "result.npz").read_bytes()
    pyrns_pool("soak", "--resume", out)
    assert (out / "result.npz").read_bytes() == through


def test_the_json_has_hours_alarms_and_ages(tmp_path):
    out = tmp_path / "out"
    result = json.loads(pyrns_pool("soak", *HARD, "--json", "-o", out))
    assert sum(hour["requests"] for hour in result["hours"]) == result["requests"]
    assert result["counts"]["drill_faults"] == 0 and len(result["hours"]) == 6
    assert result["ages"][-1]["site"] == "log" and len(result["alarms"]) > 0
    assert json.loads((out / "summary.json").read_text()) == result
    assert "soak.svg" in pyrns_pool("plot", out)


def interrupted(arguments, hours, capsys, monkeypatch):
    """Run a soak that is interrupted in the hour after so many, as by Ctrl-C."""

    class Interrupted(Soak):
        def until(self, end_ns):
            super().until(end_ns)
            if self.done == hours:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(cli.soak, "Soak", Interrupted)
    status = cli.main(["soak", *map(str, arguments)])
    monkeypatch.undo()
    printed = capsys.readouterr()
    assert (status, printed.out, printed.err) == (130, "", "pyrns-pool: interrupted\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_at_ctrl_c_the_whole_hours_are_kept_and_resume_finishes(tmp_path, capsys, monkeypatch):
    through, part, none = (tmp_path / name for name in ("through", "part", "none"))
    arguments = ["--hours", 8, "--seed", 9]
    pyrns_pool("soak", *arguments, "-o", through)
    interrupted([*arguments, "-o", none], 0, capsys, monkeypatch)
    assert not none.exists() or list(none.iterdir()) == []
    interrupted([*arguments, "-o", part], 3, capsys, monkeypatch)
    interrupted(["--resume", part], 1, capsys, monkeypatch)  # The first three take a while again.
    assert len(json.loads((part / "summary.json").read_text())["hours"]) == 3
    interrupted(["--resume", part], 5, capsys, monkeypatch)
    assert len(json.loads((part / "summary.json").read_text())["hours"]) == 5
    pyrns_pool("soak", "--resume", part)
    for name in ("result.npz", "summary.json"):
        assert (part / name).read_bytes() == (through / name).read_bytes()


def test_wrong_use_is_refused_in_one_line(tmp_path):
    resume = ("--resume", tmp_path)
    assert "--hours: --resume goes on" in pyrns_pool("soak", *resume, "--hours", "2", status=2)
    assert "no such file" in pyrns_pool("soak", *resume, status=1)
    assert "hours: 0 is not" in pyrns_pool("soak", "--hours", "0", status=2)
    (tmp_path / "result.npz").touch()
    assert "exists" in pyrns_pool("soak", "-o", tmp_path, status=1)
