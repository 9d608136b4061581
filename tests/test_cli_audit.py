"""The verb audit as a user types it."""

import json

import pytest
from test_cli import pyrns_pool

import pyrns_pool as rp

ROWS = """t_ns,op,id,size,thread,site
0,a,0,24,0,app:Bytes::make
1,a,1,3000,0,app:Bytes::make
1000,f,0,,0,
2000000000,f,1,,0,
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.csv"
    path.write_text(ROWS)
    return path


def test_the_report_is_written_and_its_summary_printed(small, tmp_path):
    report = tmp_path / "out" / "findings.md"
    text = pyrns_pool("audit", small, "--tiers", "64x1", "-o", report)
    print(text)
    assert text.startswith("audit of small.csv: 1 critical, 0 high, 0 medium, 0 low\n")
    assert "app:Bytes::make  C1        P1      2" in text
    assert text.endswith(f"written to {report}\n")
    markdown = report.read_text()
    assert markdown.startswith("# Audit of `small.csv`\n")
    assert "The pool 64x1 strict (64 bytes of slots) serves 50.0 % of the allocations" in markdown
    assert "exists; --force overwrites it" in pyrns_pool("audit", small, "-o", report, status=1)
    pyrns_pool("audit", small, "-o", report, "--force")


def test_the_json_is_that_of_the_file(small, tmp_path):
    path = tmp_path / "findings.json"
    printed = json.loads(pyrns_pool("audit", small, "--json", "-o", path))
    assert printed == json.loads(path.read_text())
    assert rp.Findings.load(path).to_dict() == printed
    assert printed["counts"] == {"critical": 1, "high": 0, "medium": 0, "low": 0}


def test_rules_change_region_and_class(small, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[[region]]\nsite = "Bytes::*"\nregion = "psram"\n')
    result = json.loads(pyrns_pool("audit", small, "--region-rules", rules, "--json"))
    assert [row["severity"] for row in result["findings"]] == ["low"]
    assert [check["state"] for check in result["regions"]] == ["verified"]


@pytest.mark.parametrize(
    "words, status, text",
    [
        (["--rules", "none.toml"], 1, "none.toml: No such file"),
        (["--tiers", "64"], 2, "tiers: '64' is not like 256x16"),
        (["--site", "nothing"], 1, "matches no site"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(small, words, status, text):
    error = pyrns_pool("audit", small, *words, status=status)
    assert text in error and error.count("\n") == 1


def test_the_recorded_node_is_audited(tmp_path):
    report = tmp_path / "findings.md"
    text = pyrns_pool("audit", rp.shipped("microreticulum_node_a.npz"), "-o", report)
    print(text)
    assert "5 critical, 24 high, 19 medium, 19 low" in text.splitlines()[0]
    assert "52.8 % of all (exact)" in text
    for words in ("object, buffer and control block", "copy of a live buffer", "table that pins"):
        assert words in report.read_text()
