"""The report of the recorded node, as a reader sees it in Chromium, wide and on a telephone."""

import json

import browser
import pytest

import pyrns_pool as rp
from pyrns_pool.plot import hit_curve_data
from pyrns_pool.curve_results import CurveSet
from pyrns_pool.report import make_report

BYTES_MAX = 3_000_000
WIDTHS = (1200, 390)
SHOWN = "[...document.querySelectorAll('section')].filter(s => s.offsetHeight > 0).map(s => s.id)"
FOCUS = "document.activeElement.id"


@pytest.fixture(scope="module")
def config():
    return rp.PoolConfig.preset("design")


@pytest.fixture(scope="module")
def trace():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.fixture(scope="module")
def report(trace, config):
    return make_report([trace], config, command="pyrns-pool report node.npz")


@pytest.fixture(scope="module")
def address(report, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    report.save(file)
    print(f"{file.stat().st_size:,} bytes")
    assert file.stat().st_size < BYTES_MAX
    return file.as_uri()


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as running:
        yield running


def names(page, role):
    """Return the names that a screen reader has for everything of a role that is shown."""
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    mine = [n for n in nodes if not n["ignored"] and n["role"]["value"] == role]
    return [node.get("name", {}).get("value", "") for node in mine]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_tab_fits_its_window_without_error_or_request(chromium, address, report, width):
    page = chromium.open(address, width=width)
    sections = [section.name for section in report.chapters[0].sections]
    assert len(sections) == 10
    figures = 0
    for number, name in enumerate(sections, 1):
        page.click(f".tabs a:nth-child({number})")
        assert page.evaluate(SHOWN) == [f"s1-{name}"]
        assert page.overflow() == 0
        drawn = names(page, "image")
        figures += len(drawn)
        assert all(len(label) > 60 for label in drawn)
    assert figures == 9
    fetched = [request for request in page.requests if not request.startswith("data:")]
    assert (page.errors, fetched) == ([], [address])


def test_the_tabs_follow_the_keys_and_are_named(chromium, address):
    page = chromium.open(address)
    page.press("Tab")
    assert page.evaluate(FOCUS) == "tab-s1-tune"
    for key, wanted in (
        ("ArrowRight", "occupancy"),
        ("End", "findings"),
        ("ArrowRight", "tune"),
        ("ArrowLeft", "findings"),
        ("Home", "tune"),
        ("ArrowRight", "occupancy"),
    ):
        page.press(key)
        assert page.evaluate(FOCUS) == f"tab-s1-{wanted}"
        assert page.evaluate(SHOWN) == [f"s1-{wanted}"]
    tabs = names(page, "tab")
    assert tabs[:2] == ["Recommendation", "Occupancy"] and len(tabs) == 10
    assert names(page, "tabpanel") == ["Occupancy"]
    page.press("Tab")  # The other tabs are not on the way, the section is the next stop.
    assert page.evaluate(FOCUS) == "s1-occupancy"
    page.press("Tab", shift=True)
    assert page.evaluate(FOCUS) == "tab-s1-occupancy"


def test_the_numbers_under_pointer_and_keys_are_those_of_the_curve(
    chromium, address, trace, config
):
    sizes = [tier.slot_bytes for tier in config.tiers]
    rows = hit_curve_data(CurveSet((rp.hit_curve(trace, sizes),)))
    rows = rows[rows["tier"] == 1]
    page = chromium.open(address + "#s1-hit_curve")
    assert page.evaluate(SHOWN) == ["s1-hit_curve"]
    readout = "document.querySelector('#s1-hit_curve output').textContent"
    panels = json.loads(
        page.evaluate("document.querySelector('#s1-hit_curve script').textContent")
    )
    left, top, right, bottom = panels[1]["box"]
    begin, end = panels[1]["x"]
    share = left + (right - left) * (40.5 - begin) / (end - begin)
    page.hover("#s1-hit_curve .picture", share, (top + bottom) / 2)
    at = [row for row in rows if row["slots"] <= 40][-1]
    wanted = f"512 B, 40 slots: hit rate in % {int(10_000 * at['hit_rate']) / 100:g}"
    wanted += f", hits {at['hits']:,}"
    assert page.evaluate(readout) == wanted
    page.evaluate("document.querySelector('#s1-hit_curve .sheet').focus()")
    page.press("ArrowRight")
    assert page.evaluate(readout).startswith("512 B, 41 slots: ")
    page.press("ArrowDown")
    page.press("Home")
    assert page.evaluate(readout).startswith("1,024 B, 1 slots: ")


@pytest.mark.parametrize("scripts, media", [(False, ""), (True, "print")])
def test_without_scripts_and_on_paper_every_section_is_shown(
    chromium, address, report, scripts, media
):
    page = chromium.open(address, width=800, scripts=scripts, media=media)
    sections = [f"s1-{section.name}" for section in report.chapters[0].sections]
    assert page.evaluate(SHOWN) == sections
    assert page.overflow() == 0 and page.errors == []


def test_tables_become_blocks_on_a_telephone(chromium, address, report):
    page = chromium.open(address + "#s1-occupancy", width=390)
    boxes = page.evaluate(
        "[...document.querySelectorAll('#s1-occupancy tbody tr:first-child td')]"
        ".map(cell => cell.getBoundingClientRect()).map(box => [box.x, box.y, box.width])"
    )
    assert len(boxes) == 9 and len({x for x, _, _ in boxes}) == 1
    assert all(below > above for (_, above, _), (_, below, _) in zip(boxes, boxes[1:]))
    assert all(300 < width <= 390 for _, _, width in boxes)
    before = "getComputedStyle(document.querySelector('#s1-occupancy td'), '::before').content"
    assert page.evaluate(before) == '"tier"'
    assert names(page, "table") == ["What every tier did"]
