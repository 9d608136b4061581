"""Reports say what replay, tuner and audit say, in one file, whatever the names in it."""

import html.parser
import json
import subprocess
import sys

import pytest
from workload_fixture import ops_result

import pyrns_pool as rp
from pyrns_pool.cli import main
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.plot import figures_of
from pyrns_pool.report import _html, make_report

NASTY = "app:</script><script>alert(1)</script>|`*_x_*`\u202e"
POOL = rp.PoolConfig.parse("32x2,64x1")


def small_trace(nasty=NASTY):
    """Return 40 rounds of four requests, one of them oversize, at two sites."""
    rows = {"t_ns": [], "op": [], "id": [], "size": [], "site": []}
    for number in range(40):
        for step, size in enumerate((20, 24, 60, 3000)):
            add(rows, 10_000 * number + step, 0, 4 * number + step, size, step % 2)
        for step in range(4):
            add(rows, 10_000 * number + 100 + step, 1, 4 * number + step, 0, 0)
    return rp.Trace.from_events(rows, [nasty, "app:Bytes::make"])


def add(rows, *values):
    for column, value in zip(rows.values(), values):
        column.append(value)


class Reader(html.parser.HTMLParser):
    """Keeps elements and text, as a browser would see them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.texts.append(text)

    def of(self, tag, **wanted):
        return [a for t, a in self.elements if t == tag and wanted.items() <= a.items()]


@pytest.fixture(scope="module")
def trace():
    return small_trace()


@pytest.fixture(scope="module")
def report(trace):
    return make_report([trace], POOL, command="pyrns-pool report small.csv")


@pytest.fixture(scope="module")
def page(report):
    return report.html()


def test_the_verdict_has_the_numbers_of_replay_and_tuner(trace, report):
    stats = rp.replay(trace, POOL).stats
    best = rp.tune(trace, budget_bytes=POOL.slots_bytes)
    assert (stats.misses, stats.oversize, stats.requests) == (40, 40, 160)
    first, second = report.chapters[0].verdict
    assert first == (
        "The pool 32x2,64x1 strict (128 bytes of slots) serves 75.0 % of 160 requests"
        " and misses 40: 40 larger than every tier."
    )
    assert best.total.hits == 120
    assert second == "No strict pool of at most 4 tiers does better in its bytes."


def test_a_better_pool_is_named_with_its_hits(trace):
    poor = rp.PoolConfig.parse("64x2")
    best = rp.tune(trace, budget_bytes=128)
    second = make_report([trace], poor).chapters[0].verdict[1]
    assert ",".join(map(str, best.config.tiers)) in second
    assert f"serves 75.0 %: {best.total.hits:,} requests, replayed." in second


def test_of_a_pool_that_misses_nothing_the_smallest_is_named(trace):
    verdict = make_report([trace], rp.PoolConfig.parse("64x9,4096x2")).chapters[0].verdict
    best = rp.tune(trace, max_misses=0)
    tiers = ",".join(map(str, best.config.tiers))
    assert "serves 100 % of 160 requests." in verdict[0]
    assert verdict[1] == (
        f"A strict {tiers} would serve all of it in {best.config.slots_bytes:,} bytes,"
        f" {1000 * best.config.slots_bytes // 8768 / 10} % of these."
    )


def test_what_was_measured_and_how_is_in_it(trace, report, page):
    facts = dict(report.chapters[0].facts)
    assert facts["SHA-256 of the events"] == trace.sha256
    assert facts["pool"] == "32x2,64x1" and facts["slots"] == "128 bytes"
    for word in (trace.sha256, report.command, f"pyrns_pool {rp.__version__}"):
        assert word in page and word in report.markdown().replace("pyrns_pool: ", "pyrns_pool ")


def test_the_findings_are_those_of_the_audit(trace, report):
    findings = rp.audit_trace(trace, POOL)
    section = report.chapters[0].sections[-1]
    wanted = [(name, item.where) for name, item in findings.ranked if item.severity != "low"]
    assert [(row[0], row[2]) for row in section.tables[0].rows] == wanted and wanted
    assert section.text[1:] == findings.summary


def test_the_recommendation_ends_in_the_command_that_exports_it(trace):
    report = make_report([trace.filter(site="*::make")], POOL)
    best = rp.tune(trace.filter(site="*::make"), budget_bytes=POOL.slots_bytes)
    (command,) = report.chapters[0].sections[0].commands
    tiers = ",".join(map(str, best.config.tiers))
    assert command == f"pyrns-pool export TRACE --to header '--site=*::make' --tiers {tiers}"


def test_where_no_pool_is_possible_the_reason_stands_in_place_of_the_recommendation(trace):
    report = make_report([trace], rp.PoolConfig.parse("8x1"))
    section = report.chapters[0].sections[0]
    assert section.name == "tune" and section.figures == ()
    assert section.text[0].startswith("There is none: budget_bytes: ")
    assert len(report.chapters[0].verdict) == 2


def test_the_same_inputs_give_the_same_bytes(report, page, tmp_path):
    again = make_report([small_trace()], POOL, command="pyrns-pool report small.csv")
    again.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_bytes() == page.encode()
    assert again.markdown() == report.markdown()
    with pytest.raises(FileExistsError):
        report.save(tmp_path / "a.html", markdown=True)


def test_no_name_is_markup_and_every_figure_has_words(report, page):
    seen = Reader(page)
    scripts = seen.of("script")
    points = seen.of("script", type="application/json")
    assert len(scripts) == len(points) + 1 and len(points) == 3
    pictures = seen.of("div", role="img")
    assert len(pictures) == len([s for s in report.chapters[0].sections if s.figures]) == 9
    assert all(len(picture["aria-label"]) > 40 for picture in pictures)
    assert any("</script><script>alert(1)" in text for text in seen.texts)
    assert "\u202e" not in page


def test_a_name_does_not_break_a_table_of_markdown(report):
    text = report.markdown()
    rows = [line for line in text.splitlines() if "alert(1)" in line and line.startswith("|")]
    assert rows
    for row in rows:
        assert r"\<script\>" in row and r"\|" in row


def test_results_join_the_chapter_of_their_trace_and_no_other(results):
    other = rp.replay(small_trace("app:other"), POOL)
    report = make_report([results["replay"], results["compare"], results["ops"], other], POOL)
    assert len(report.chapters) == 3
    names = [section.name for section in report.chapters[0].sections]
    assert "occupancy" in names and "largest_free" in names
    joined = report.chapters[0].sections[names.index("largest_free")]
    assert joined.text[0] == results["compare"].verdict()
    twice = make_report([results["replay"], results["replay"]], POOL).chapters[0]
    assert [s.name for s in twice.sections].count("occupancy-2") == 1
    assert len({s.name for s in twice.sections}) == len(twice.sections)


@pytest.fixture(scope="module")
def results(trace):
    """Return a result of every kind, all of one trace but the last."""
    return {
        "replay": rp.replay(trace, POOL),
        "curve": CurveSet((rp.hit_curve(trace, [32, 64]),)),
        "tune": rp.tune(trace, budget_bytes=256),
        "compare": rp.compare(trace, POOL, arenas=[1024, 4096]),
        "sweep": rp.sweep([POOL, rp.PoolConfig.parse("64x4")], [trace]),
        "ops": ops_result(),
    }


@pytest.fixture(scope="module")
def every_page(results):
    report = make_report(list(results.values()), POOL)
    return report, Reader(report.html())


def test_every_figure_of_every_result_is_in_one_page_under_ids_of_its_own(results, every_page):
    report, seen = every_page
    figures = sum(len(figures_of(result)) for result in results.values())
    assert len(seen.of("div", role="img")) == figures > 10
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 1000
    used = [attributes["href"] for _, attributes in seen.elements if "href" in attributes]
    assert {name[1:] for name in used if name.startswith("#")} <= set(ids)


@pytest.mark.parametrize("kind", ["replay", "curve", "tune", "compare", "sweep", "ops"])
def test_every_result_has_a_verdict_with_numbers(results, kind):
    (chapter,) = make_report([results[kind]], POOL).chapters
    print(chapter.title, chapter.verdict)
    assert chapter.title and any(c.isdigit() for c in " ".join(chapter.verdict))
    assert " ".join(chapter.verdict).count(". ") >= 1


def test_a_figure_that_is_too_large_becomes_a_picture(report, monkeypatch):
    monkeypatch.setattr(_html, "SVG_BYTES_MAX", 50_000)
    seen = Reader(report.html())
    assert len(seen.of("img")) + len(seen.of("svg")) == 9
    assert seen.of("img") and len(seen.of("div", role="img")) == 9
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in seen.of("img"))


def test_the_verb_writes_prints_and_refuses(tmp_path, monkeypatch, capsys):
    def pyrns_pool(*words, status=0):
        assert main(words) == status
        out, err = capsys.readouterr()
        assert (out if status else err) == ""
        return err if status else out

    monkeypatch.chdir(tmp_path)
    rp.save_trace(small_trace(), "small.npz")
    text = pyrns_pool("report", "small.npz", "--tiers", "32x2,64x1")
    size = (tmp_path / "report.html").stat().st_size
    assert text.startswith("small.npz: The pool 32x2,64x1 strict (128 bytes of slots) serves")
    assert text.endswith(f"written to report.html: {size:,} bytes\n")
    page = (tmp_path / "report.html").read_text()
    assert "pyrns-pool report small.npz --tiers 32x2,64x1 --policy strict<" in page
    refused = pyrns_pool("report", "small.npz", status=1)
    assert "report.html exists; --force overwrites it" in refused
    pyrns_pool("replay", "small.npz", "-o", "run")
    values = json.loads(pyrns_pool("report", "run", "--markdown", "--json"))
    assert values["file"] == "report.md" and len(values["chapters"]) == 1
    assert (tmp_path / "report.md").read_text().endswith("matplotlib: " + mpl_version() + "\n")
    refused = pyrns_pool("report", "none.npz", "-o", "report.html", status=1)
    assert "report.html exists" in refused  # Before anything is read.
    assert "no such file" in pyrns_pool("report", "none.npz", "-o", "x.html", status=1)
    assert "is not like 256x16" in pyrns_pool("report", "small.npz", "--tiers", "1", status=2)
    assert not (tmp_path / "x.html").exists()


def mpl_version():
    import matplotlib

    return matplotlib.__version__


def test_a_missing_jinja2_is_one_helpful_line_before_any_work():
    code = "import sys; sys.modules['jinja2'] = None; from pyrns_pool.cli import main; "
    code += "sys.exit(main(['report', 'none.npz']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("pyrns-pool: an HTML report needs Jinja2: install ")
    assert done.stderr.count("\n") == 1
