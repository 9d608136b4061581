"""Measure what the live page costs a browser: an hour of samples, then ten more a second.

Run by `make bench`. The samples are the largest there are: eight tiers, sixteen misses that are
other ones each time. The first hour is handed to the page's own function as fast as it takes it;
what is measured then comes through the server and its WebSocket.
"""

import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import report

sys.path.insert(0, str(report.ROOT / "tests"))

import browser  # noqa: E402
import live_server  # noqa: E402

from pyrns_pool.live import Alarm, HeapNow, Miss, Window  # noqa: E402

NS = 10**9
SAMPLES = 36_000
STEP_MS = 100
MEASURED_S = 10
WINDOWS = ("10 s", "1 min", "10 min", "1 h")
FEED = """(() => {
    const last = JSON.stringify(live.last);
    for (let i = 1; i <= %d; i++) {
        const message = JSON.parse(last);
        message.at_ms = i * %d;
        for (const tier of message.sample.tiers) tier.in_use = Math.floor(Math.random() * 101);
        message.sample.heap.fragmentation = Math.random();
        take(message);
    }
})()""" % (
    SAMPLES,
    STEP_MS,
)


def made(number, draw):
    """Return the number-th sample."""
    tiers = tuple(
        live_server.tier(64 << i, 100, in_use=draw.randrange(101), high_water=100, requests=number)
        for i in range(8)
    )
    misses = tuple(
        Miss(number * NS // 10 + i, draw.randrange(9000), 64, f"Some::Class::function_{i}")
        for i in range(16)
    )
    return replace(
        live_server.sample(),
        time_ns=number * NS // 10,
        requests=number,
        tiers=tiers,
        window=Window(10 * NS, 1000, draw.randrange(100)),
        heap=HeapNow("tlsf", 1 << 20, 1000, draw.randrange(1000), number, 0),
        alarms=(Alarm("misses", None, True, 1, 0),),
        last_misses=misses,
    )


def processes(chromium):
    """Return processor seconds so far and process ids, by type of Chromium's processes."""
    found = {}
    for process in chromium.send("SystemInfo.getProcessInfo")["processInfo"]:
        found.setdefault(process["type"], []).append((process["id"], process["cpuTime"]))
    return found


def seconds(chromium):
    """Return the processor seconds of the page's processes, and of all of Chromium's."""
    by_type = {kind: sum(cpu for _, cpu in found) for kind, found in processes(chromium).items()}
    return by_type["renderer"], sum(by_type.values())


def memory(pid):
    """Return resident and private bytes of a process."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, _ = line.split()
        sizes[name] = int(size) * 1024
    return sizes["Rss:"], sizes["Private_Clean:"] + sizes["Private_Dirty:"]


def at_ten_a_second(chromium, page, server, number, draw):
    """Publish for some seconds; return the shares of a core that were used, and the number."""
    page.wait(1)
    begin, before = time.monotonic(), seconds(chromium)
    for i in range(MEASURED_S * 1000 // STEP_MS):
        number += 1
        server.publish(number * STEP_MS, made(number, draw))
        page.wait(max(0, begin + (i + 1) * STEP_MS / 1000 - time.monotonic()))
    wall = time.monotonic() - begin
    return [(now - then) / wall for now, then in zip(seconds(chromium), before)], number


def main():
    """Measure and publish."""
    draw = random.Random(1)
    rows, number = [], SAMPLES
    with live_server.running() as server, browser.chromium() as chromium:
        server.publish(0, made(0, draw))
        page = chromium.open(server.url)
        page.wait_for("live.last !== null && !isAsked")
        page.evaluate(FEED)
        for window, name in enumerate(WINDOWS, 1):
            page.click(f"#window label:nth-of-type({window})")
            shares, number = at_ten_a_second(chromium, page, server, number, draw)
            rows.append([name, *(f"{100 * share:.1f} %" for share in shares)])
        assert page.evaluate("live.last.at_ms") == number * STEP_MS and page.errors == []
        page.send("HeapProfiler.collectGarbage")
        page.send("Performance.enable")
        metrics = page.send("Performance.getMetrics")["metrics"]
        heap = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
        kept = page.evaluate("live.grains.reduce((sum, { rows }) => sum + rows.length, 0)")
        sizes = [memory(pid) for pid, _ in processes(chromium)["renderer"]]
        version = chromium.send("Browser.getVersion")["product"]
    resident, private = max(sizes)
    text = f"""{report.header("The live page in a browser")}
- browser: {version}, without a graphics processor, 1200 x 900 pixels

{SAMPLES:,} samples of eight tiers and sixteen misses, then ten a second, for {MEASURED_S} s in
each window. Shares are of one core: of the process that runs the page, and of all of Chromium.

{report.table(["window", "page", "all of Chromium"], rows)}

Of {number:,} samples the page keeps {kept:,} rows. Its JavaScript uses {heap / 1e6:.1f} MB after a
collection; its process has {resident / 1e6:.0f} MB resident, {private / 1e6:.0f} MB of it its own.
"""
    report.publish("live-page", text)


if __name__ == "__main__":
    main()
