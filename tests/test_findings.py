"""Findings as values: rubric, order, files, Markdown; and the rules of an audit."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.audit import FixedPool, RegionCheck, Thresholds
from pyrns_pool.audit.findings import (
    EFFORTS,
    FREQUENCIES,
    PRIORITIES,
    SEVERITIES,
    SIZE_RISKS,
    module_of,
)
from pyrns_pool.audit.markdown import code

TEXT = st.text(max_size=20)


def finding(**changes):
    values = {
        "where": "app:f",
        "module": "app",
        "pattern": "one size",
        "count": 1,
        "size_min_bytes": 8,
        "size_max_bytes": 8,
        "frequency": "startup",
        "region": "internal",
        "severity": "low",
        "effort": "low",
        "problem": "A problem.",
        "recommendation": "A cure.",
    }
    return rp.Finding(**{**values, **changes})


@st.composite
def finding_lists(draw):
    size = draw(st.none() | st.integers(0, 5000))
    return rp.Finding(
        where=draw(TEXT),
        module=draw(TEXT),
        pattern=draw(TEXT),
        count=draw(st.integers(0, 10**12)),
        size_min_bytes=size,
        size_max_bytes=None if size is None else size + draw(st.integers(0, 5000)),
        frequency=draw(st.sampled_from(list(FREQUENCIES))),
        region=draw(TEXT),
        severity=draw(st.sampled_from(list(SEVERITIES))),
        effort=draw(st.sampled_from(list(EFFORTS))),
        problem=draw(TEXT),
        recommendation=draw(TEXT),
        evidence=draw(st.dictionaries(TEXT, st.integers() | TEXT, max_size=3)),
        also=tuple(draw(st.lists(TEXT, max_size=3))),
        symbol=draw(TEXT),
    )


def audit_of(*items):
    return rp.Findings(
        "a.npz",
        "trace",
        items,
        summary=("One.", "Two."),
        regions=(RegionCheck("app:f", "psram", "verified", "a note", 12),),
        pools=(FixedPool("tier 64", 4, 64, "miss", 10, 2, 4),),
        method=(("Counts", "Exact."),),
    )


@settings(max_examples=40)
@given(st.lists(finding_lists(), max_size=6))
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("f") / "findings.json"
    audit = audit_of(*items)
    audit.save(path)
    assert rp.Findings.load(path) == audit
    assert rp.Findings.from_dict(json.loads(json.dumps(audit.to_dict()))) == audit


@settings(max_examples=40)
@given(st.lists(finding_lists(), max_size=8))
def test_findings_are_in_order_and_ids_count_each_severity(items):
    audit = audit_of(*items)
    assert sorted(map(hash_of, audit)) == sorted(map(hash_of, items))
    order = [(list(SEVERITIES).index(x.severity), -x.count, -x.risk) for x in audit]
    assert order == sorted(order)
    assert sum(audit.counts.values()) == len(audit) == len(set(audit.ids))
    ranked = [x.priority for _, x in audit.ranked]
    assert ranked == sorted(ranked)


def hash_of(item):
    return json.dumps(item.to_dict())


@given(finding_lists())
def test_risk_wsjf_and_priority_are_those_of_the_rubric(item):
    size = item.size_max_bytes
    part = 2 if size is None else 1 + (size > 64) + (size > 256) + (size > 1024)
    assert SIZE_RISKS == (64, 256, 1024)
    assert item.risk == part * FREQUENCIES[item.frequency]
    assert item.wsjf == SEVERITIES[item.severity] / EFFORTS[item.effort]
    wanted = [p for p, least in PRIORITIES.items() if item.wsjf >= least][0]
    assert item.priority == wanted


@pytest.mark.parametrize(
    "size, part",
    [(0, 1), (64, 1), (65, 2), (256, 2), (257, 3), (1024, 3), (1025, 4), (None, 2)],
)
def test_the_risk_of_a_size_at_its_bounds(size, part):
    item = finding(size_min_bytes=size, size_max_bytes=size, frequency="per-packet")
    assert item.risk == 5 * part


@pytest.mark.parametrize(
    "severity, effort, priority",
    [
        ("critical", "low", "P1"),
        ("high", "low", "P1"),
        ("high", "medium", "P3"),
        ("medium", "low", "P2"),
        ("medium", "high", "P3"),
        ("low", "high", "P4"),
    ],
)
def test_priorities_at_their_bounds(severity, effort, priority):
    assert finding(severity=severity, effort=effort).priority == priority


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"severity": "bad"}, "severity: 'bad' is not one of critical, high, medium, low"),
        ({"effort": "x"}, "effort: 'x' is not one of trivial, low, medium, high"),
        ({"frequency": "x" * 99}, f"frequency: '{'x' * 40}...' is not one of startup"),
        ({"count": -1}, "count: -1 is negative"),
        ({"size_min_bytes": 9}, "size_min_bytes: 9 to 8 is no range of sizes"),
        ({"size_min_bytes": None}, "size_min_bytes: None to 8 is no range of sizes"),
    ],
)
def test_a_finding_that_is_none_is_refused(changes, text):
    with pytest.raises(rp.AuditError, match=re.escape(text)):
        finding(**changes)


@pytest.mark.parametrize(
    "data, text",
    [
        (b"", "no findings of pyrns_pool"),
        (b"[1]", "no findings of pyrns_pool"),
        (b'{"format": "other"}', "its format is 'other'"),
        (b"\xff\xfe", "no findings of pyrns_pool"),
        (b"[" * 100_000, "no findings of pyrns_pool"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, data, text):
    path = tmp_path / "f.json"
    path.write_bytes(data)
    with pytest.raises(rp.ResultError, match=re.escape(text)) as caught:
        rp.Findings.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_each_field_that_is_missing_or_wrong_is_refused(tmp_path):
    path = tmp_path / "f.json"
    values = audit_of(finding()).to_dict()
    for name in ("format", "subject", "source", "summary", "findings", "regions", "pools"):
        path.write_text(json.dumps({key: v for key, v in values.items() if key != name}))
        with pytest.raises(rp.ResultError, match=name):
            rp.Findings.load(path)
    with pytest.raises(rp.ResultError, match="no such file"):
        rp.Findings.load(tmp_path / "none.json")


def test_a_file_is_overwritten_only_when_asked(tmp_path):
    path = tmp_path / "f.md"
    audit_of(finding()).save(path)
    with pytest.raises(FileExistsError):
        audit_of().save(path)
    audit_of().save(path, overwrite=True)
    assert path.read_text() == audit_of().to_markdown()


def cells_of(line):
    """Return the cells of a row of a Markdown table; an escaped bar divides none."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


@settings(max_examples=40)
@given(st.lists(finding_lists(), min_size=1, max_size=5))
def test_every_row_of_every_table_has_the_cells_of_its_header(items):
    # Places are code whatever they hold; the other fields are words of the audit itself.
    audit = audit_of(
        *(finding(where=x.where, module=x.module, severity=x.severity, also=x.also) for x in items)
    )
    lines = audit.to_markdown().splitlines()
    tables, width = 0, None
    for line in lines:
        if not line.startswith("|"):
            width = None
            continue
        if width is None:
            width, tables = len(cells_of(line)), tables + 1
        assert len(cells_of(line)) == width
    assert tables >= 4
    assert not any(line.endswith(" ") and not line.endswith("  ") for line in lines)


def test_the_report_has_its_sections_in_order():
    items = [finding(severity=severity) for severity in SEVERITIES]
    titles = re.findall("^## (.*)$", audit_of(*items).to_markdown(), re.M)
    assert titles == [
        "Executive summary",
        "Issues by severity",
        "Recommendations by priority",
        "Modules",
        "Regions",
        "Overflow of fixed pools",
        "How the numbers were derived",
    ]


@pytest.mark.parametrize(
    "text, shown",
    [("a|b", r"`a\|b`"), ("a`b", "`` a`b ``"), ("a\nb", r"`a\nb`"), ("", "-")],
)
def test_names_become_code_that_breaks_no_table(text, shown):
    assert code(text) == shown


@pytest.mark.parametrize(
    "site, module",
    [
        ("app:RNS::Bytes::newData", "app:RNS::Bytes"),
        ("std::vector<std::pair<a::b, c> >::reserve(unsigned long)", "std::vector"),
        ("app:f(std::string const&)", "app"),
        ("libc.so.6+0x3ddff", "libc.so.6"),
        ("main", "(no module)"),
        ("", "(no module)"),
        ("app:operator<", "app"),
    ],
)
def test_the_module_of_a_site(site, module):
    assert module_of(site) == module


RULES = """
[[region]]
site = "app:store::*"
region = "psram"

[[region]]
site = "*"
region = "dram"

[[frequency]]
site = "Link::*"
class = "per-link"

[thresholds]
per_packet_hz = 20
"""


def test_rules_are_read_and_the_first_that_matches_counts(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    rules = rp.Rules.load(path)
    assert rules.region("app:store::put") == "psram"
    assert rules.region("app:main") == "dram"
    assert rules.frequencies == (("Link::*", "per-link"),)
    assert rules.thresholds == Thresholds(per_packet_hz=20)
    assert "from 20 allocations a second" in rules.thresholds.explained()


@pytest.mark.parametrize(
    "text, message",
    [
        ("a = [", "is no TOML: "),
        ("x = 1", "'x' is not one of region, frequency, thresholds"),
        ("region = 1", "region: is no array of tables; write [[region]]"),
        ("[[region]]\nsite = 'a'", "region 1: needs 'site' and 'region', both text"),
        ("[[frequency]]\nsite = 'a'\nclass = 'x'", "frequency: class: 'x' is not one of startup"),
        ("[thresholds]\nx = 1", "thresholds: 'x' is not one of startup_share"),
        ("[thresholds]\nper_link_s = -1", "thresholds: per_link_s: '-1' is not a number from 0"),
        ("[thresholds]\nper_link_s = nan", "thresholds: per_link_s: 'nan' is not a number from 0"),
        ("[thresholds]\nper_link_s = true", "thresholds: per_link_s: 'True' is not a number"),
        ("thresholds = 1", "thresholds: is no table"),
    ],
)
def test_rules_that_are_none_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(rp.AuditError, match=re.escape(message)) as caught:
        rp.Rules.load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
