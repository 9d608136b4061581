"""Show in a browser what a program, or a workload, would do to a pool while it runs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pyrns_pool.cli import output
from pyrns_pool.cli.live import PERIOD_MAX, PERIOD_MIN, STDERR, add_source_arguments, source_of
from pyrns_pool.errors import ConfigError

HOST_DEFAULT, PORT_DEFAULT, PERIOD_DEFAULT = "127.0.0.1", 8765, 0.1
PORT_MAX = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    add_source_arguments(parser)
    add = parser.add_argument
    host = f"address to listen on; there is no password [{HOST_DEFAULT}]"
    add("--host", metavar="HOST", default=HOST_DEFAULT, help=host)
    port = f"0: one that is free [{PORT_DEFAULT}]"
    add("--port", metavar="N", type=int, default=PORT_DEFAULT, help=port)
    period = f"seconds between samples [{PERIOD_DEFAULT}]"
    add("--period", metavar="S", type=float, default=PERIOD_DEFAULT, help=period)


def run(given: argparse.Namespace) -> int:
    """Serve until Ctrl-C; with --json, print the last sample then.

    As with `live` the command keeps stdout, or with --json stderr.
    """
    if not PERIOD_MIN <= given.period <= PERIOD_MAX:
        raise ConfigError(f"period: {given.period} is not in {PERIOD_MIN} to {PERIOD_MAX:.0f}")
    if not 0 <= given.port <= PORT_MAX:
        raise ConfigError(f"port: {given.port} is not in 0 to {PORT_MAX}")
    if not given.host:
        raise ConfigError("host: is empty")
    from pyrns_pool.live.serve import serve

    streams: dict[str, Any] = {"stdout": STDERR} if given.json else {}
    source = source_of(given, **streams)

    def tell(address: str) -> None:
        print(f"live at {address} until Ctrl-C", file=sys.stderr, flush=True)

    status, sample = serve(source, given.host, given.port, given.period, tell)
    if given.json and sample is not None:
        output.print_json(sample.to_dict())
    return status
