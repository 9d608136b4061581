"""The live page as a reader sees it in Chromium, and the command that serves it."""

import json
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request

import browser
import live_server
import pytest
from live_server import NS, sample

from pyrns_pool import cli
from pyrns_pool.live import Alarm, Miss, Window
from pyrns_pool.plot._style import MISS, TIER_COLOURS

WIDTHS = (1200, 390)
NASTY = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
MISSES = (
    Miss(3 * NS, 200, 256, NASTY),
    Miss(4 * NS, 1500, None, ""),
)
ALARMS = (
    Alarm("tier_filling", 256, True, 2, 3 * NS),
    Alarm("misses", None, False, 1, 4 * NS),
    Alarm("heap_fragmentation", None, True, 1, 5 * NS),
)
BUSY = sample(9, 4, time_ns=12 * NS, oversize=1, requests=1413, alarms=ALARMS, last_misses=MISSES)
STATE = "document.querySelector('#status').textContent"
TIP = "[...document.querySelectorAll('#occupancy .tip span')].map(e => e.textContent)"
COMMAND = [sys.executable, "-m", "pyrns_pool"]


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as running:
        yield running


@pytest.fixture
def server():
    with live_server.running(about=f"{NASTY} --verbose") as found:
        yield found


def texts(page, selector):
    elements = f"[...document.querySelectorAll({json.dumps(selector)})]"
    return page.evaluate(f"{elements}.map(e => e.textContent)")


def published(page, server, at_ms, shown):
    """Publish a sample, and wait until the page has drawn it."""
    server.publish(at_ms, shown)
    page.wait_for(f"live.last && live.last.at_ms === {at_ms} && !isAsked")


def nodes(page, role):
    """Return what a screen reader has of every element of a role: name and value."""
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    mine = [node for node in tree if not node["ignored"] and node["role"]["value"] == role]
    return [(node["name"]["value"], node.get("value", {}).get("value", "")) for node in mine]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_shows_the_sample_and_asks_only_its_server(chromium, server, width):
    page = chromium.open(server.url, width=width)
    published(page, server, 100, BUSY)
    assert texts(page, "#numbers dd") == [
        "0.9 %".replace(" ", "\u00a0"),  # 13 of 1,413, rounded down.
        "1,413",
        "1",
        "0",
        "13 of 14",
        "25.0 %".replace(" ", "\u00a0"),
    ]
    assert texts(page, "#tiers .count") == ["9 of 10", "4 of 4"]
    assert texts(page, "#alarms .on") == [
        "256 B: nine slots of ten in use, since 3.000 s; raised 2 times",
        "half of the heap's free memory is in pieces, since 5.000 s; raised once",
    ]
    assert texts(page, "#alarms .over") == ["requests are missed, over at 4.000 s; raised once"]
    assert page.evaluate(STATE) == "running, 12.0 s"
    meters = [("slots in use of the tier of 64 B", 9), ("slots in use of the tier of 256 B", 4)]
    assert nodes(page, "meter") == meters
    assert page.overflow() == 0
    names = ["", "page.css", "chart.js", "page.js", "icon.svg"]
    live = f"ws://127.0.0.1:{server.port}/api/live"
    assert set(page.requests) <= {*(server.url + name for name in names), live}
    assert len(page.requests) >= 5 and page.errors == []
    page.close()


def test_names_of_programs_and_sites_are_text_whatever_is_in_them(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 100, BUSY)
    rows = [texts(page, f"#last-misses tr:nth-child({n}) td") for n in (1, 2)]
    assert rows == [["4.000 s", "1,500 B", "oversize", "–"], ["3.000 s", "200 B", "256 B", NASTY]]
    assert texts(page, "h1") == [f"{NASTY} --verbose"]
    assert page.evaluate("document.title") == f"{NASTY} --verbose - pyrns_pool"
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert page.errors == []
    page.close()


def test_a_paused_page_stands_still_and_catches_up(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 100, sample(3, 1))
    page.click("#pause")
    assert texts(page, "#pause") == ["Resume"]
    published(page, server, 200, sample(7, 2))
    assert texts(page, "#tiers .count") == ["3 of 10", "1 of 4"]
    assert page.evaluate(STATE) == "paused, 0.000 s"
    rows = "[shown, live].map(({ grains }) => grains[0].rows.length)"
    assert page.evaluate(rows) == [1, 2]
    page.evaluate("document.querySelector('#pause').focus()")
    page.press(" ")
    page.wait_for("!isAsked")
    assert texts(page, "#tiers .count") == ["7 of 10", "2 of 4"]
    assert texts(page, "#pause") == ["Pause"]
    assert page.evaluate(STATE) == "running, 0.000 s"
    assert page.evaluate(rows) == [2, 2]
    page.close()


def peaks(page):
    """Return how many lines reach the upper edge of the chart of the occupancy."""
    return page.evaluate(
        """(() => {
        const canvas = document.querySelector("#occupancy canvas");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, 3).data;
        const columns = new Set();
        for (let i = 3; i < data.length; i += 4)
            if (data[i]) columns.add(((i - 3) / 4) % canvas.width);
        return [...columns].filter((x) => !columns.has(x - 1)).length;
    })()"""
    )


def test_every_window_shows_a_peak_of_one_sample_and_only_its_own_time(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 0, sample(1, 0))
    wanted = {10_000: 1, 60_000: 2, 600_000: 3, 3_600_000: 4}
    for at_ms in (500_000, 3_100_000, 3_570_500, 3_596_000):  # Each in one window more.
        server.publish(at_ms, sample(10, 0))
        server.publish(at_ms + 1, sample(1, 0))
    published(page, server, 3_600_000, sample(1, 0))
    seen = {}
    for number in range(1, 5):
        page.click(f"#window label:nth-of-type({number})")
        page.wait_for("!isAsked")
        seen[page.evaluate("windowMs")] = peaks(page)
    assert seen == wanted
    page.evaluate("document.querySelector('#window input:checked').focus()")
    page.press("ArrowLeft")
    assert page.evaluate("windowMs") == 600000
    page.close()


def test_pointer_and_keys_read_the_values_of_a_moment(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 0, sample(2, 1))
    published(page, server, 30_000, sample(3, 1))
    server.publish(30_020, sample(6, 1, window=Window(NS, 8, 2), heap=None))
    published(page, server, 60_000, sample(4, 2))
    page.hover("#occupancy .area", 0.52, 0.5)
    assert page.evaluate(TIP) == ["30.0 s ago", "64 B: 3 of 10 to 6 of 10", "256 B: 1 of 4"]
    page.hover("#hit_rate .area", 0.49, 0.5)
    shown = page.evaluate(TIP.replace("#occupancy", "#hit_rate"))
    assert shown == ["30.0 s ago", "hit rate: 75.0\u00a0% to 100.0\u00a0%"]
    assert page.evaluate("document.querySelector('#occupancy .tip').hidden")
    page.evaluate("document.querySelector('#misses_per_s .plot').focus()")
    spoken = "document.querySelector('#misses_per_s output').textContent"
    for key, wanted in (
        ("Home", "60.0 s ago, misses: 0 / s"),
        ("End", "0.0 s ago, misses: 0 / s"),
        ("ArrowLeft", "0.0 s ago, misses: 0 / s"),
    ):
        page.press(key)
        assert page.evaluate(spoken) == wanted
    for _ in range(4):
        page.press("ArrowLeft", shift=True)
    assert page.evaluate(spoken) == "30.0 s ago, misses: 0 / s to 2 / s"
    page.press("Escape")
    assert page.evaluate("document.querySelector('#misses_per_s .tip').hidden")
    assert page.errors == []
    page.close()


def test_who_comes_late_sees_what_one_sees_who_was_there(chromium, server):
    draw = random.Random(1)
    early = chromium.open(server.url)
    at_ms = 0
    for _ in range(3000):
        at_ms += draw.randrange(1, 4000)
        hits = draw.choice([0, draw.randrange(1, 9)])
        window = Window(NS, hits, draw.randrange(hits + 1))
        server.publish(at_ms, sample(draw.randrange(11), draw.randrange(5), window=window))
        if not at_ms % 20:
            early.wait(0)
    early.wait_for(f"live.last.at_ms === {at_ms} && !isAsked")
    late = chromium.open(server.url)
    late.wait_for("live.last !== null && !isAsked")
    with urllib.request.urlopen(f"{server.url}api/history") as answer:
        kept = json.load(answer)["grains"]
    print([len(grain["rows"]) for grain in kept])
    assert [len(grain["rows"]) for grain in kept][1:] == [600, 600]
    assert early.evaluate("live.grains") == late.evaluate("live.grains") == kept
    for selector in ("#numbers dd", "#tiers .count", "#status"):
        assert texts(early, selector) == texts(late, selector)
    early.close()
    published(late, server, at_ms + 1, sample(10, 4))  # One who leaves harms nobody.
    assert texts(late, "#tiers .count") == ["10 of 10", "4 of 4"]
    late.close()


def test_after_a_restart_of_the_server_the_page_starts_anew(chromium):
    with live_server.running(about="before") as server:
        page = chromium.open(server.url)
        published(page, server, 5000, sample(3, 1))
        port = server.port
    page.wait_for(f"{STATE}.startsWith('server away, next try in')")
    assert texts(page, "#tiers .count") == ["3 of 10", "1 of 4"]
    page.wait_for("connection.retryMs > 1000")  # It asks less and less often.
    assert page.evaluate("RETRY_MS_MAX") == 10_000
    with live_server.running(port, about="after") as server:
        server.publish(0, sample(2, 2, heap=None))
        page.wait_for("live.last.at_ms === 0 && !isAsked")
        assert texts(page, "h1") == ["after"]
        assert texts(page, "#tiers .count") == ["2 of 10", "2 of 4"]
        assert page.evaluate(STATE) == "running, 0.000 s"
        assert page.evaluate("live.grains[0].rows.length") == 1
        assert page.evaluate("connection.retryMs") == 500
        assert page.evaluate("document.querySelector('#heap_fragmentation').hidden")
        page.close()
    assert page.errors and all("ERR_CONNECTION_REFUSED" in error for error in page.errors)


def test_an_hour_of_ten_samples_a_second_stays_small(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 0, BUSY)
    page.evaluate(
        """(() => {
        const message = live.last;
        for (let i = 1; i <= 36000; i++) {
            const copy = structuredClone(message);
            copy.at_ms = 100 * i;
            copy.sample.tiers[0].in_use = i % 11;
            take(copy);
        }
    })()"""
    )
    page.wait_for("!isAsked")
    assert page.evaluate("live.grains.map(({ rows }) => rows.length)") == [600, 600, 600]
    page.send("HeapProfiler.collectGarbage")
    used = page.evaluate("performance.memory.usedJSHeapSize")
    print(f"{used:,} bytes")
    assert 0 < used < 20_000_000
    page.close()


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))


def test_tiers_have_the_colours_of_the_figures_and_on_black_ones_that_are_seen(chromium, server):
    page = chromium.open(server.url)
    published(page, server, 0, BUSY)
    names = [f"tier-{i}" for i in range(len(TIER_COLOURS))]
    light = page.evaluate("colours")
    assert [light[name].upper() for name in names] == [c.upper() for c in TIER_COLOURS]
    assert light["miss"].upper() == MISS
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.send("Emulation.setEmulatedMedia", features=dark)
    page.wait_for(f"colours.ink !== {json.dumps(light['ink'])}")
    found = page.evaluate("colours")
    style = "getComputedStyle(document.documentElement).getPropertyValue('--panel')"
    ground = luminance(page.evaluate(style))
    contrasts = {name: (luminance(found[name]) + 0.05) / (ground + 0.05) for name in found}
    print({name: round(contrast, 1) for name, contrast in contrasts.items()})
    assert len(contrasts) == 10 and min(contrasts.values()) >= 4
    assert len(set(found.values())) == 10
    page.close()


class Serving:
    """A `pyrns-pool serve` that runs, and the address of its page."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stderr.readline()
        match = re.fullmatch(r"live at (http://127\.0\.0\.1:\d+/) until Ctrl-C\n", line)
        assert match, line + self.process.stderr.read()
        self.url = match[1]

    def end(self, number=signal.SIGINT):
        """Return exit status, stdout and stderr after a signal."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def test_the_last_numbers_are_those_of_the_same_workload_without_a_browser(chromium, capsys):
    arguments = ["--workload", "node", "--hours", "1", "--seed", "3", "--tiers", "64x300,256x140"]
    assert cli.main(["live", *arguments, "--json"]) == 0
    wanted = json.loads(capsys.readouterr().out.splitlines()[-1])
    serving = Serving(*arguments, "--json")
    page = chromium.open(serving.url)
    page.wait_for(f"{STATE}.startsWith('ended, exit status 0, ')")
    counts = texts(page, "#numbers dd")[1:3] + texts(page, "#tiers .count")
    shown = [int(text.split(" ")[0].replace(",", "")) for text in counts]
    in_use = [tier["in_use"] for tier in wanted["tiers"]]
    assert shown == [wanted["requests"], wanted["misses"], *in_use] and wanted["misses"] > 0
    high_water = [text.split(",")[0] for text in texts(page, "#tiers .more")]
    assert high_water == [f"high water {tier['high_water']}" for tier in wanted["tiers"]]
    assert page.errors == []
    status, out, err = serving.end()
    assert (status, err) == (130, "")
    last = json.loads(out)
    names = [name for name in wanted if name not in ("window", "alarms")]
    assert {name: last[name] for name in names} == {name: wanted[name] for name in names}
    page.wait_for(f"{STATE}.startsWith('server away')")
    page.close()


def test_the_page_of_a_program_tells_its_exit_status_and_stays(chromium):
    serving = Serving("--tiers", "64x4,1024x2", "--", "sh", "-c", "echo said; exit 3")
    page = chromium.open(serving.url)
    page.wait_for(f"{STATE}.startsWith('ended, exit status 3, ')")
    assert texts(page, "h1") == ["sh -c echo said; exit 3"]
    assert page.evaluate("live.last.sample.requests") > 10
    page.close()
    assert serving.end(signal.SIGTERM) == (143, "said\n", "")


def test_ctrl_c_ends_the_program_even_if_it_does_not_want_to():
    script = "trap '' TERM INT; echo $$; while :; do sleep 0.1; done"
    serving = Serving("--", "sh", "-c", script)
    pid = serving.process.stdout.readline().strip()
    begin = time.monotonic()
    assert serving.end() == (130, "", "")
    print(f"{time.monotonic() - begin:.1f} s")
    assert subprocess.run(["kill", "-0", pid], capture_output=True).returncode == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--port", "{taken}"], "127.0.0.1:{taken}: Address already in use; --port 0 takes one"),
        (["--port", "70000"], "port: 70000 is not in 0 to 65535"),
        (["--host", "no.such.name.invalid"], "no.such.name.invalid:8765: Name or service not"),
        (["--period", "0"], "period: 0.0 is not in 0.05 to 3600"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_starts_nothing(tmp_path, arguments, words, capsys):
    with live_server.running() as other:
        words = words.replace("{taken}", str(other.port))
        arguments = [word.replace("{taken}", str(other.port)) for word in arguments]
        status = cli.main(["serve", *arguments, "--", "touch", str(tmp_path / "made")])
    out, err = capsys.readouterr()
    assert status in (1, 2) and out == ""
    assert err.startswith(f"pyrns-pool: {words}") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_aiohttp_one_line_says_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == "aiohttp"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "pyrns_pool.live.serve", raising=False)
    assert cli.main(["serve", "--workload", "node"]) == 1
    assert capsys.readouterr().err == (
        "pyrns-pool: serve needs aiohttp and prometheus-client: install python3-aiohttp and"
        " python3-prometheus-client by apt, or pyrns_pool[serve] by pip; live works without\n"
    )
