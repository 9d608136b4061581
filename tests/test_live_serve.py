"""The server of the live page: whom it answers, with what, and who is left out."""

import asyncio
import base64
import http.client
import json
import random
import re
import socket
import time
from pathlib import Path

import aiohttp
import live_server
import pytest
from live_server import sample
from prometheus_client.parser import text_string_to_metric_families

from pyrns_pool.live import Alarm, serve
from pyrns_pool.live._history import ROWS_MAX, STEPS_MS, History, columns, values

ROOT = Path(__file__).resolve().parent.parent
ROUTES = ("/", "/page.js", "/chart.js", "/page.css", "/icon.svg")
DATA = ("/api/sample", "/api/history", "/metrics")


@pytest.fixture(scope="module")
def server():
    with live_server.running() as found:
        found.publish(100, sample(3, 1))
        yield found


def get(server, path, **headers):
    """Return status, headers and body of a GET, with Host as a browser sends it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{server.port}", **headers}.items():
        if value is not None:
            connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    with connection.getresponse() as answer:
        found = answer.status, dict(answer.getheaders()), answer.read().decode()
    connection.close()
    return found


def handshake(server, **headers):
    """Return a socket on which a WebSocket was asked for, and the status of the answer."""
    key = base64.b64encode(bytes(16)).decode()
    wanted = {
        "Host": f"127.0.0.1:{server.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        **headers,
    }
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(60)
    opened.connect(("127.0.0.1", server.port))
    lines = ["GET /api/live HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items())]
    opened.sendall("\r\n".join([*lines, "", ""]).encode())
    return opened, int(opened.recv(12).split()[1])


def readers(server):
    return server.call(lambda: len(server.server._readers))


def wait_until(what):
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def messages(server, count, after=None):
    """Return the first messages of the WebSocket; `after` is called when the first has come."""

    async def read():
        found = []
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{server.url}api/live") as live:
                while len(found) < count:
                    found.append(await live.receive_json(timeout=30))
                    if after is not None and len(found) == 1:
                        await asyncio.to_thread(after)
        return found

    return asyncio.run(read())


@pytest.mark.parametrize("path", ROUTES + DATA)
def test_every_answer_forbids_what_the_page_does_not_need(server, path):
    status, headers, body = get(server, path)
    assert status == 200 and body
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "pyrns-pool/0.1.0"


def test_the_page_asks_for_nothing_but_its_own_files(server):
    pages = [get(server, path)[2] for path in ROUTES]
    named = {path for page in pages for path in re.findall(r'(?:src|href)="([^"#]+)"', page)}
    assert named == {*ROUTES[1:], *DATA}
    assert [re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page) for page in pages] == [[]] * 5


@pytest.mark.parametrize(
    "path",
    [
        "/../setup.cfg",
        "/..%2fsetup.cfg",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.js/../../serve.py",
        "/serve.py",
        "/page.html",
        "//etc/passwd",
        "/etc/passwd",
        "/./__init__.py",
        "/page.js%00",
        "/static/",
    ],
)
def test_no_file_is_found_by_its_path(server, path):
    status, headers, body = get(server, path)
    assert (status, body) == (404, "404: Not Found")
    assert "Content-Security-Policy" in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(server, method):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, "/api/sample", body=b"{}")
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01 nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["nonsense", "half a line", "long header", "no upgrade"],
)
def test_what_is_no_request_is_refused_and_nothing_is_printed_of_it(server, sent, caplog, capfd):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as opened:
        opened.sendall(sent)
        assert opened.recv(12).split()[1] == b"400"
    assert caplog.records == [] and capfd.readouterr() == ("", "")
    assert get(server, "/")[0] == 200


@pytest.mark.parametrize("path", [*ROUTES, *DATA, "/api/live"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil", None]
)
def test_a_name_that_somebody_has_pointed_here_is_refused(server, path, host):
    status, headers, body = get(server, path, Host=host)
    assert (status, body) == (403, "403: this server has another name\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:9000"])
def test_addresses_and_localhost_are_served_by_any_port_since_a_tunnel_changes_it(server, host):
    assert get(server, "/", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "", "x"])
def test_a_page_of_another_site_reads_nothing(server, origin):
    for path in (*DATA, "/"):
        assert get(server, path, Origin=origin)[0] == 403
    opened, status = handshake(server, Origin=origin)
    opened.close()
    assert status == 403 and readers(server) == 0


def test_the_page_of_this_server_is_connected():
    with live_server.running() as server:
        opened, status = handshake(server, Origin=f"http://127.0.0.1:{server.port}")
        assert status == 101 and readers(server) == 1
        opened.close()
        wait_until(lambda: readers(server) == 0)


def test_before_the_first_sample_there_is_an_empty_history():
    with live_server.running(about="sqlite3 :memory:") as server:
        assert [get(server, path)[0] for path in DATA] == [503, 200, 503]
        document = json.loads(get(server, "/api/history")[2])
        (message,) = messages(server, 1)
    assert message == {"history": document}
    assert (document["about"], document["pool"]) == ("sqlite3 :memory:", live_server.POOL)
    assert document["last"] is None and [grain["rows"] for grain in document["grains"]] == [[]] * 3


def test_the_first_message_is_the_history_and_then_every_sample_comes():
    made = [sample(number, 4 - number) for number in range(5)]
    sent = [
        {"at_ms": 100 * number, "sample": json.loads(json.dumps(one.to_dict()))}
        for number, one in enumerate(made)
    ]

    def publish():
        for number, one in enumerate(made[1:], 1):
            server.publish(100 * number, one)

    with live_server.running() as server:
        server.publish(0, made[0])
        first, *found = messages(server, 5, publish)
        last = json.loads(get(server, "/api/sample")[2])
    assert first["history"]["last"] == sent[0]
    kept = [0, 4, 1.0, 0.0, 0.25]
    assert [grain["rows"] for grain in first["history"]["grains"]] == [[[0, *kept, *kept]]] * 3
    assert (found, last) == (sent[1:], sent[-1])


def test_one_who_never_reads_is_dropped_and_another_sees_everything():
    count = 20_000
    shown = sample(1, 1)
    server_sent = len(json.dumps(shown.to_dict()))

    async def read(server):
        """Publish as long as the silent one is there, and read along."""
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{server.url}api/live") as live:
                assert "history" in await live.receive_json(timeout=30)
                for number in range(1, count):
                    server.publish(number, shown)
                    assert (await live.receive_json(timeout=30))["at_ms"] == number
                    if readers(server) == 1:
                        return number
        raise AssertionError(f"there after {count:,} samples")

    with live_server.running() as server:
        server.publish(0, shown)
        opened, status = handshake(server)
        assert status == 101
        number = asyncio.run(read(server))
        while opened.recv(1 << 20):  # The connection ends behind what had been sent before.
            pass
        opened.close()
    print(f"dropped after {number:,} samples of {server_sent:,} bytes")
    assert number > serve.BACKLOG_MAX


def test_one_more_reader_than_there_may_be_is_refused():
    with live_server.running() as server:
        opened = [handshake(server) for _ in range(serve.CLIENTS_MAX + 1)]
        assert [status for _, status in opened] == [101] * serve.CLIENTS_MAX + [503]
        for one, _ in opened:
            one.close()
        wait_until(lambda: readers(server) == 0)
        opened, status = handshake(server)
        assert status == 101
        opened.close()


def test_a_reader_who_talks_too_much_is_dropped():
    with live_server.running() as server:
        opened, status = handshake(server)
        assert status == 101
        opened.sendall(b"\x81\xfe\xff\xff" + bytes(4) + bytes(0xFFFF))
        wait_until(lambda: readers(server) == 0)
        opened.close()


def lowest_and_highest(added, step_ms, width):
    """Return the rows of one grain the slow way."""
    found = {}
    for at_ms, row in added:
        found.setdefault(at_ms // step_ms, []).append(row)
    rows = []
    for number, kept in list(found.items())[-ROWS_MAX:]:
        known = [[row[i] for row in kept if row[i] is not None] for i in range(width)]
        rows.append(
            [number]
            + [min(column, default=None) for column in known]
            + [max(column, default=None) for column in known]
        )
    return rows


def test_the_history_of_an_hour_is_its_lowest_and_highest_in_three_grains():
    history, draw = History(), random.Random(1)
    added = []
    for number in range(36_000):
        row = [draw.randrange(10), draw.choice([None, draw.random()])]
        added.append((100 * number + draw.randrange(50), row))
        history.add(*added[-1])
    grains = history.to_list()
    print(f"{len(added):,} samples, {sum(len(grain['rows']) for grain in grains):,} rows")
    assert [grain["step_ms"] for grain in grains] == [*STEPS_MS]
    for grain in grains:
        assert grain["rows"] == lowest_and_highest(added, grain["step_ms"], 2)
        assert len(grain["rows"]) == ROWS_MAX
    assert ROWS_MAX * STEPS_MS[-1] == 3_600_000


def test_the_columns_of_the_history_are_named():
    shown = sample(3, 1).to_dict()
    named = dict(zip(columns(shown), values(shown)))
    wanted = {"in_use_64": 3, "in_use_256": 1, "hit_rate": 1.0, "misses_per_s": 0.0}
    assert named == {**wanted, "heap_fragmentation": 0.25}
    assert values(sample(3, 1, heap=None).to_dict())[-1] is None


def families(server):
    text = get(server, "/metrics")[2]
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_metrics_are_those_of_the_sample():
    alarm = Alarm("tier_filling", 256, True, 2, 0)
    with live_server.running() as server:
        server.publish(0, sample(3, 4, alarms=(alarm,), lost=7, oversize=5))
        found = families(server)
    by_tier = {
        name: {s.labels["tier"]: s.value for s in found[f"pyrns_pool_{name}"].samples}
        for name in ("slots_total", "slots_in_use", "high_water", "alarm", "alarms_raised")
    }
    assert by_tier == {
        "slots_total": {"64": 10, "256": 4},
        "slots_in_use": {"64": 3, "256": 4},
        "high_water": {"64": 3, "256": 4},
        "alarm": {"256": 1},
        "alarms_raised": {"256": 2},
    }
    results = found["pyrns_pool_requests"].samples
    assert sum(one.value for one in results) == 3 + 4 + 5
    assert found["pyrns_pool_heap_fragmentation_ratio"].samples[0].value == 0.25
    assert found["pyrns_pool_events_lost"].samples[0].value == 7
    assert found["pyrns_pool_running"].samples[0].value == 1


def test_every_metric_of_the_dashboard_exists(server):
    board = json.loads((ROOT / "docs/grafana.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"pyrns_pool_\w+", text)}
    named = {one.name for family in families(server).values() for one in family.samples}
    empty = {f"{name}{end}" for name in families(server) for end in ("", "_total")}
    print(f"{len(used)} metrics in {len(expressions)} expressions")
    assert len(used) >= 6 and used <= named | empty, used - named - empty
