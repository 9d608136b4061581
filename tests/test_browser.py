"""The browser that the tests drive notices what they rely on it to notice."""

import browser
import pytest

PAGE = """<!doctype html><html lang="en"><title>a</title>
<button id="more" onclick="document.title += 'b'">more</button>
<div style="width: 700px">wide</div>
<script>
if (location.hash === "#bad") {
    console.error("planted", 1);
    setTimeout(() => { throw new Error("late"); }, 1);
    fetch("http://example.com/x").catch(() => {});
}
</script>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(PAGE)
    return file.as_uri()


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as running:
        yield running


def test_errors_and_requests_are_noticed(chromium, address):
    page = chromium.open(address + "#bad")
    page.wait(0.2)
    assert any("planted 1" in error for error in page.errors)
    assert any("late" in error for error in page.errors)
    assert "http://example.com/x" in page.requests


def test_a_good_page_has_no_error_and_no_request_but_itself(chromium, address):
    page = chromium.open(address)
    page.wait(0.1)
    assert (page.errors, page.requests) == ([], [address])


def test_keys_and_clicks_arrive_and_scripts_can_be_switched_off(chromium, address):
    page = chromium.open(address)
    page.click("#more")
    page.press("Enter")
    assert page.evaluate("document.title") == "abb"
    page = chromium.open(address, scripts=False)
    page.click("#more")
    assert page.evaluate("document.title") == "a"


def test_a_page_that_is_wider_than_its_window_is_noticed(chromium, address, tmp_path):
    page = chromium.open(address, width=390)
    assert page.overflow() > 300
    page.resize(1200)
    assert page.overflow() == 0
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
