"""The workers behind an executor: how many there are, and whether they have the same package."""

from __future__ import annotations

import re
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Iterator

from pyrns_pool._version import VERSION
from pyrns_pool.errors import ConfigError, SweepError

__all__ = ["check", "cluster"]

CONNECT_TIMEOUT_S = 10


def check(executor: Executor) -> int:
    """Return how many tasks an executor runs at a time.

    Raises
    ------
    SweepError
        If it is a cluster without workers, or one of them has another version of the package.
    """
    # ClientExecutor of distributed; it has no public way to its client.
    client = getattr(executor, "_client", None)
    if client is None:
        return int(getattr(executor, "_max_workers", 1))
    found = client.run(_version_function())
    if not found:
        raise SweepError("workers: the cluster has none")
    for worker, version in sorted(found.items()):
        if version != VERSION:
            has = f"has pyrns_pool {version}" if version else "cannot import pyrns_pool"
            raise SweepError(f"worker {worker}: {has}, and {VERSION} is needed")
    return sum(client.nthreads().values())


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Connect to a Dask scheduler and yield the executor.

    Raises
    ------
    ConfigError
        If the address is none.
    ImportError
        If distributed is not installed.
    SweepError
        If nobody answers.
    """
    if not re.fullmatch(r"(tcp|tls)://[^\s/:]+:[0-9]{1,5}", address):
        raise ConfigError(f"dask: '{address}' is not like tcp://127.0.0.1:8786")
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--dask needs distributed: install python3-distributed by apt, or distributed by pip"
        ) from None
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except OSError as error:
        raise SweepError(f"dask: no scheduler at {address} ({type(error).__name__})") from None
    try:
        yield client.get_executor()
    finally:
        client.close()


def _version_function() -> Any:
    def version() -> str:
        """Say which version there is; sent as code, since an older one may lack this module."""
        try:
            import pyrns_pool
        except ImportError:
            return ""
        return str(pyrns_pool.__version__)

    return version
