"""What a sweep drives its pools with, each as a path and options: small enough to send to workers.

An input is read by every worker that needs it; its hash says that all have read the same.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Optional, Union

from pyrns_pool.config import PoolConfig, whole
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.formats import load_trace
from pyrns_pool.packets import PacketLog, load_packets
from pyrns_pool.replay import replay
from pyrns_pool.sweep_results import counts_of
from pyrns_pool.trace import Trace
from pyrns_pool.workloads.node import NODE_ROLES, SEED_MAX, TableSizes, run_node, table_sizes

__all__ = ["NodeInput", "SweepInput", "TraceInput"]

Progress = Callable[[float], object]
HEADROOM_BYTES_MAX = (1 << 32) - 1

_one_node = threading.Lock()
"""A node calls Python for every hash: two threads of it take longer than one after the other."""


@dataclass(frozen=True)
class TraceInput:
    """A recorded trace, or a part of it, to be replayed.

    Parameters
    ----------
    path : str or path-like
        The file, under the same name for every worker; kept as an absolute path.
    site : str, optional
        Only these sites; a pattern as in `Trace.filter`.
    thread : int, optional
        Only this allocating thread.
    name : str, optional
        What the table calls it; the name of the file and what was cut out of it is the default.
    """

    path: str
    site: Optional[str] = None
    thread: Optional[int] = None
    name: str = ""

    kind: ClassVar[str] = "trace"
    cost: ClassVar[int] = 1
    """Of one of its events, in events of a trace."""

    def __post_init__(self) -> None:
        """Make the path absolute and give it a name."""
        _settle(self, site=self.site, thread=self.thread)

    def load(self, progress: Progress) -> Trace:
        """Read it."""
        trace = load_trace(self.path, progress)
        if self.site is None and self.thread is None:
            return trace
        try:
            return trace.filter(site=self.site, thread=self.thread)
        except TraceError as error:
            raise error.at(self.path) from None

    def sha256(self, trace: Trace) -> str:
        """Return the hash of what was read."""
        return trace.sha256

    def options(self) -> dict[str, Any]:
        """Return what else decides the outcome: nothing, since the hash is of what is left."""
        return {}

    def run(self, trace: Trace, config: PoolConfig, progress: Progress) -> tuple[int, ...]:
        """Return the counts of one run."""
        result = replay(trace, config, bins=1, progress=progress)
        return counts_of(result.stats, None, 0)


@dataclass(frozen=True)
class NodeInput:
    """A packet log that drives a node in closed loop; see `run_node`.

    Its runs use one thread of a process: several at a time need processes or a cluster.

    Parameters
    ----------
    path : str or path-like
        The log, under the same name for every worker; kept as an absolute path.
    seed, role, tables, headroom_bytes : optional
        As in `run_node`.
    name : str, optional
        What the table calls it; the name of the file, role and seed is the default.

    Raises
    ------
    ConfigError
        If an option is refused.
    """

    path: str
    seed: int = 1
    role: str = "auto"
    tables: Optional[TableSizes] = None
    headroom_bytes: int = 0
    name: str = ""

    kind: ClassVar[str] = "node"
    cost: ClassVar[int] = 64

    def __post_init__(self) -> None:
        """Validate, make the path absolute and give it a name."""
        whole("seed", self.seed, 1, SEED_MAX)
        whole("headroom_bytes", self.headroom_bytes, 0, HEADROOM_BYTES_MAX)
        if self.role not in NODE_ROLES:
            raise ConfigError(f"role: {self.role!r} is not one of {', '.join(NODE_ROLES)}")
        object.__setattr__(self, "tables", table_sizes(self.tables))
        role = None if self.role == "auto" else self.role
        _settle(self, role=role, seed=None if self.seed == 1 else self.seed)

    def load(self, progress: Progress) -> PacketLog:
        """Read it."""
        return load_packets(self.path, progress)

    def sha256(self, log: PacketLog) -> str:
        """Return the hash of what was read."""
        digest = hashlib.sha256(b"pyrns_pool packets 1\n%d\n" % len(log))
        digest.update(log.packets.tobytes())
        digest.update("".join(name + "\n" for name in log.contexts).encode())
        return digest.hexdigest()

    def options(self) -> dict[str, Any]:
        """Return what else decides the outcome."""
        names = ("seed", "role", "tables", "headroom_bytes")
        return {name: getattr(self, name) for name in names}

    def run(self, log: PacketLog, config: PoolConfig, progress: Progress) -> tuple[int, ...]:
        """Return the counts of one run."""
        with _one_node:
            result = run_node(log, config, bins=1, progress=progress, **self.options())
        return counts_of(result.stats, result.bytes, result.counts["dropped_no_memory"])


SweepInput = Union[TraceInput, NodeInput]


def _settle(one: SweepInput, **said: object) -> None:
    path = os.path.abspath(os.fspath(one.path))
    words = [f"{name}={value}" for name, value in said.items() if value is not None]
    object.__setattr__(one, "name", one.name or " ".join([os.path.basename(path), *words]))
    object.__setattr__(one, "path", path)
