"""The workers behind an executor: how many there are, and whether they have the same package."""

from __future__ import annotations

import logging
import multiprocessing
import re
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Iterable, Iterator

from pyrns_pool._sweep_task import heed
from pyrns_pool._version import VERSION
from pyrns_pool.errors import ConfigError, SweepError, printable

__all__ = ["call_back", "cluster", "processes", "workers"]

CONNECT_TIMEOUT_S = 5
CHATTY = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Loggers that tell of every task that was called back; what matters is raised as well."""


def workers(executor: Executor) -> tuple[Executor, int]:
    """Return the executor to use instead of a given one, and how many tasks it runs at a time.

    Raises
    ------
    SweepError
        If it is a cluster without workers, or one of them has another version of the package.
    """
    client = _client(executor)
    if client is None:
        return executor, int(getattr(executor, "_max_workers", 1))
    found = client.run(_version_function())
    if not found:
        raise SweepError("workers: the cluster has none")
    for worker, version in sorted(found.items()):
        if version != VERSION:
            has = f"has pyrns_pool {version}" if version else "cannot import pyrns_pool"
            raise SweepError(f"worker {worker}: {has}, and {VERSION} is needed")
    # One of its own, since only all tasks of an executor are called back by one message.
    options: dict[str, Any] = getattr(executor, "_kwargs", {})
    return client.get_executor(**options), sum(client.nthreads().values())


def call_back(executor: Executor, pending: Iterable[Future[Any]]) -> None:
    """Cancel what an executor that `workers` returned has not begun."""
    if _client(executor) is not None:
        with suppress(OSError):  # The scheduler is gone, which is why.
            executor.shutdown(wait=False)
        return
    for future in pending:
        future.cancel()


def _client(executor: Executor) -> Any:
    """Return the client of a ClientExecutor of distributed, which has no public way to it."""
    return getattr(executor, "_client", None)


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Start processes for a sweep, which end within milliseconds if it is interrupted."""
    # Here, since importing it takes longer than most of the package.
    from concurrent.futures import ProcessPoolExecutor

    over = multiprocessing.Event()
    with ProcessPoolExecutor(jobs, initializer=heed, initargs=(over,)) as executor:
        try:
            yield executor
        except BaseException:
            over.set()
            raise


def cluster(address: str) -> AbstractContextManager[Executor]:
    """Return a connection to a Dask scheduler, which yields the executor once it is entered.

    Raises
    ------
    ConfigError
        If the address is none.
    ImportError
        If distributed is not installed; when it is entered, as is the next.
    SweepError
        If nobody answers.
    """
    if not re.fullmatch(r"(tcp|tls)://[^\s/:]+:[0-9]{1,5}", address):
        shown = printable(address, 40)
        raise ConfigError(f"dask: '{shown}' is not like tcp://127.0.0.1:8786")
    return _connected(address)


@contextmanager
def _connected(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--dask needs distributed: install python3-distributed by apt, or distributed by pip"
        ) from None
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # ValueError: a port above 65535.
        raise SweepError(f"dask: no scheduler at {address} ({type(error).__name__})") from None
    try:
        yield client.get_executor()
    finally:
        client.close()


def _version_function() -> Any:
    def version() -> str:
        """Say which version there is; sent as code, since an older one may lack this module."""
        try:
            from pyrns_pool._version import VERSION
        except ImportError:
            return ""
        return VERSION

    return version
