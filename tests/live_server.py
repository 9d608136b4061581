"""A server of the live page in this process, which shows the samples that a test makes."""

import asyncio
import contextlib
import threading
from dataclasses import replace

from aiohttp import web

from pyrns_pool.live import HeapNow, Sample, TierNow, Window
from pyrns_pool.live.serve import Server

NS = 10**9
POOL = "64x10,256x4 strict"


def tier(slot_bytes, slot_count, **counts):
    """Return a tier of which nothing is used, but for what is given."""
    names = ("in_use", "high_water", "high_water_ns", "requests", "hits", "spills", "spills_in")
    zeros = dict.fromkeys((*names, "exhausted"), 0)
    never = {"first_full_ns": None, "first_miss_ns": None}
    return TierNow(slot_bytes, slot_count, **{**zeros, **never, **counts})


def sample(*in_use, **values):
    """Return a sample of two tiers with these slots in use, all hits."""
    first, second = in_use or (0, 0)
    tiers = tuple(
        tier(size, slots, in_use=used, high_water=used, requests=used, hits=used)
        for size, slots, used in ((64, 10, first), (256, 4, second))
    )
    used = first + second
    made = Sample(
        time_ns=0,
        state="running",
        status=None,
        events=used,
        requests=used,
        hits=used,
        spills=0,
        exhausted=0,
        oversize=0,
        in_use=used,
        missed_bytes=0,
        missed_bytes_peak=0,
        window=Window(NS, used, 0),
        tiers=tiers,
        heap=HeapNow("tlsf", 4096, 1000, 750, used, 0),
        alarms=(),
        last_misses=(),
    )
    return replace(made, **values)


class Running:
    """A server that runs: its address, and samples for it."""

    def __init__(self, server, loop):
        self.server, self._loop = server, loop
        self.port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def call(self, function, *args):
        """Return what a function returns that runs where the server does."""

        async def run():
            return function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)

    def publish(self, at_ms, shown):
        self.call(self.server.publish, at_ms, shown)


@contextlib.contextmanager
def running(port=0, about="a test"):
    """Yield a server on this machine; it ends with the context."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    found = Running(Server(about, POOL), loop)
    runner = found.server.runner()

    async def start():
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1).start()
        return runner.addresses[0][1]

    try:
        found.port = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
