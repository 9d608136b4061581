"""The live view as a web page, for whoever sits at this machine.

One page, its data as JSON through a WebSocket, and ``/metrics`` for Prometheus. Nothing is read
from the file system but the files of the page, whose names are listed here. There is no password:
the server listens on this machine alone unless it is told otherwise. A page of somebody else, open
in the same browser, is kept out by what browsers say of themselves: the names of Host and Origin.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import logging
import os
import signal
import time
from importlib import resources
from typing import Any, Awaitable, Callable, Optional

from pyrns_pool._version import VERSION
from pyrns_pool.live._history import History, columns, values
from pyrns_pool.live.sample import Sample
from pyrns_pool.live.source import Source
from pyrns_pool.live.workload import Workload
from pyrns_pool.record import PASSED_ON

try:
    from aiohttp import web
    from aiohttp.http_exceptions import HttpProcessingError
    from prometheus_client import CONTENT_TYPE_LATEST

    from pyrns_pool.live._metrics import metrics_text
except ImportError as missing:
    raise ImportError(
        "serve needs aiohttp and prometheus-client: install python3-aiohttp and"
        " python3-prometheus-client by apt, or pyrns_pool[serve] by pip; live works without"
    ) from missing

__all__ = ["Server", "serve"]

CLIENTS_MAX = 32
"""Readers at a time; the next one is refused with 503."""
BACKLOG_MAX = 64
"""Samples that wait for a reader; who is slower than that is dropped, and may come again."""
PING_S = 20
CLOSE_S = 1
GRACE_S = 2
"""What a program has to end by itself, then after SIGTERM."""
MESSAGE_BYTES_MAX = 1024
"""What a reader may say, which is nothing that is listened to."""

PAGE = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/chart.js": ("chart.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": f"pyrns-pool/{VERSION}",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """What is shown, and those who look at it; all in one event loop.

    Parameters
    ----------
    about : str
        What runs, in words.
    pool : str
        The pool, in words.
    host : str, optional
        Name that is listened to, which may then stand in the address of the page.
    """

    def __init__(self, about: str, pool: str, host: str = "localhost") -> None:
        self.about, self.pool, self.host = about, pool, host
        self.history = History()
        self.sample: Optional[Sample] = None
        self._said: dict[str, Any] = {}
        self._readers: dict[asyncio.Queue[str], web.Request] = {}

    def runner(self) -> web.AppRunner:
        """Return the routes, of which there are no others, for aiohttp to run."""
        files = resources.files("pyrns_pool.live")
        app = web.Application(middlewares=[self._guard])
        app.on_response_prepare.append(_add_headers)
        for path, (name, kind) in PAGE.items():
            app.router.add_get(path, _page(files.joinpath(name).read_bytes(), kind))
        app.router.add_get("/api/sample", self._get_sample)
        app.router.add_get("/api/history", self._get_history)
        app.router.add_get("/api/live", self._get_live)
        app.router.add_get("/metrics", self._get_metrics)
        return web.AppRunner(app, access_log=None, logger=_logger())

    def publish(self, at_ms: int, sample: Sample) -> None:
        """Show a sample, taken `at_ms` after the start, to everybody."""
        self.sample = sample
        self._said = {"at_ms": at_ms, "sample": sample.to_dict()}
        self.history.add(at_ms, values(self._said["sample"]))
        text = _json(self._said)
        for queue, request in list(self._readers.items()):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                del self._readers[queue]
                if request.transport is not None:
                    request.transport.abort()

    def _document(self) -> dict[str, Any]:
        sample = self._said.get("sample")
        return {
            "version": VERSION,
            "about": self.about,
            "pool": self.pool,
            "columns": [] if sample is None else columns(sample),
            "grains": self.history.to_list(),
            "last": self._said or None,
        }

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what a browser sends on behalf of another site.

        A name that an attacker has pointed to this machine stands in Host; an address there is
        nobody's name.
        """
        host = request.headers.get("Host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        if name.lower() not in ("localhost", self.host.lower()) and not _is_address(name):
            raise web.HTTPForbidden(text="403: this server has another name\n")
        if request.headers.get("Origin", f"http://{host}").partition("://")[2] != host:
            raise web.HTTPForbidden(text="403: asked for by a page of another site\n")
        return await handler(request)

    async def _get_sample(self, request: web.Request) -> web.Response:
        if not self._said:
            raise web.HTTPServiceUnavailable(text="503: there is no sample yet\n")
        return web.json_response(self._said, dumps=_json)

    async def _get_history(self, request: web.Request) -> web.Response:
        return web.json_response(self._document(), dumps=_json)

    async def _get_metrics(self, request: web.Request) -> web.Response:
        if self.sample is None:
            raise web.HTTPServiceUnavailable(text="503: there is no sample yet\n")
        text = metrics_text(self.sample)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _get_live(self, request: web.Request) -> web.WebSocketResponse:
        """Send the history, then every sample."""
        if len(self._readers) >= CLIENTS_MAX:
            raise web.HTTPServiceUnavailable(text=f"503: {CLIENTS_MAX} are looking already\n")
        socket = web.WebSocketResponse(
            timeout=CLOSE_S, heartbeat=PING_S, compress=False, max_msg_size=MESSAGE_BYTES_MAX
        )
        await socket.prepare(request)
        queue: asyncio.Queue[str] = asyncio.Queue(BACKLOG_MAX)
        queue.put_nowait(_json({"history": self._document()}))
        self._readers[queue] = request
        sender = asyncio.create_task(_send(socket, queue))
        try:
            async for _ in socket:  # Nothing is listened to, but this is how one's end is noticed.
                pass
        finally:
            self._readers.pop(queue, None)
            sender.cancel()
        return socket


async def _send(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    try:
        while True:
            await socket.send_str(await queue.get())
    except ConnectionError:
        pass  # The one who reads has left, which the other half notices.


def _page(body: bytes, kind: str) -> Handler:
    async def get(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return get


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _logger() -> logging.Logger:
    """Return a log without tracebacks for what somebody sends who speaks no HTTP."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_of_ours)
    return logger


def _is_of_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def serve(
    source: Source,
    host: str,
    port: int,
    period_s: float,
    ready: Callable[[str], object],
) -> tuple[int, Optional[Sample]]:
    """Run a source and show it in a web page, until this process is told to end.

    The page stays when the program or workload has ended. Ctrl-C ends both.

    Parameters
    ----------
    source : Source
        What is looked at; is not started if the port is taken.
    host, port : str and int
        Where to listen; port 0 takes one that is free.
    period_s : float
        Between two samples, in seconds.
    ready : callable
        Is told the address of the page as soon as that can be opened.

    Returns
    -------
    status : int
        The exit status for this process: 128 + the number of the signal that ended it.
    sample : Sample or None
        The last one.

    Raises
    ------
    OSError
        If the port is taken or not ours, or the program cannot be started.
    TraceError
        If the program cannot be recorded.
    """
    return asyncio.run(_serve(source, host, port, period_s, ready))


async def _serve(
    source: Source, host: str, port: int, period_s: float, ready: Callable[[str], object]
) -> tuple[int, Optional[Sample]]:
    loop = asyncio.get_running_loop()
    signals: asyncio.Queue[int] = asyncio.Queue()
    for kind in (signal.SIGINT, *PASSED_ON):
        if signal.getsignal(kind) != signal.SIG_IGN:  # As under nohup.
            loop.add_signal_handler(kind, signals.put_nowait, kind)
    server = Server(source.about, str(source.config), host)

    def run() -> None:
        begin = time.monotonic()
        for sample in source.samples(period_s):
            at_ms = int(1000 * (time.monotonic() - begin))
            loop.call_soon_threadsafe(server.publish, at_ms, sample)

    runner = server.runner()
    await runner.setup()
    try:
        await _listen(runner, host, port)
        with source:
            ran = loop.run_in_executor(None, run)
            ready(_address(runner.addresses[0]))
            signalled = asyncio.ensure_future(signals.get())
            both: list[asyncio.Future[Any]] = [ran, signalled]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not signalled.done():
                await ran
            number = await signalled
            await _end(source, ran, number)
            return 128 + number, server.sample
    finally:
        await runner.cleanup()


async def _end(source: Source, ran: asyncio.Future[None], number: int) -> None:
    """End the program or workload, by force in the end. Ctrl-C is the program's already."""
    if number != signal.SIGINT or isinstance(source, Workload):
        source.send_signal(number)
    for harder in (signal.SIGTERM, signal.SIGKILL):
        if (await asyncio.wait({ran}, timeout=GRACE_S))[0]:
            break
        source.send_signal(harder)
    await ran


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=CLOSE_S).start()
    except OSError as error:
        # What asyncio says is about itself. A name that is not known has a negative number.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror
        hint = "; --port 0 takes one that is free" if number == errno.EADDRINUSE else ""
        raise OSError(number, f"{why}{hint}", f"{host}:{port}") from None


def _address(name: tuple[Any, ...]) -> str:
    """Return the address of the page for what a socket is bound to."""
    host, port = name[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
