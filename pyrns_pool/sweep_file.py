"""The file of a sweep: TOML that says which recordings to run over which pools.

Every input is run over every pool::

    [[trace]]                       # replayed; as many of these as there are traces
    path = "node.npz"               # relative to this file
    site = "RNS::Bytes::*"          # optional: only these sites
    thread = 1                      # optional: only this allocating thread
    name = "node, buffers"          # optional: what the table calls it

    [[node]]                        # a packet log that drives a node in closed loop
    path = "packets.csv.gz"
    seed = [1, 2, 3]                # optional; a list is one input for each
    role = "auto"                   # optional: auto, transport or leaf
    headroom_bytes = 16             # optional
    tables = {links = 32, paths = {capacity = 160, policy = "cull"}}        # optional
    name = "busy hour"              # optional

    [[pool]]                        # every combination of what is listed is a pool
    tiers = [
        {slot_bytes = 64, slots = [64, 128, 256]},
        {slot_bytes = 512, slots = {from = 8, to = 32, step = 8}},
        {slot_bytes = [1024, 2048], slots = 4},
    ]
    policy = ["strict", "spill"]    # optional; strict is the default
    fallback = "none"               # optional: none or malloc

    [[pool]]
    preset = ["design", "prism"]
    policy = "spill"                # optional; the preset's own is the default

Where a list may stand, a single value may as well, and where numbers are listed, a range
``{from, to, step}`` with both ends; step is 1 unless given. Combinations whose sizes do not
ascend are refused. There may be 100,000 pools.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from pyrns_pool._toml import TomlError, read_toml
from pyrns_pool.config import (
    FALLBACKS,
    POLICIES,
    SLOT_BYTES_MAX,
    SLOT_COUNT_MAX,
    PoolConfig,
    Tier,
    preset_names,
)
from pyrns_pool.errors import ConfigError, SweepError, printable
from pyrns_pool.formats.files import PathLike
from pyrns_pool.stats import TABLE_POLICIES
from pyrns_pool.sweep import SWEEP_CONFIGS_MAX
from pyrns_pool.sweep_inputs import HEADROOM_BYTES_MAX, NodeInput, SweepInput, TraceInput
from pyrns_pool.workloads.node import NODE_ROLES, SEED_MAX, TABLE_CAPACITY_MAX, node_tables

__all__ = ["SweepPlan", "load_sweep"]

SWEEP_FILE_BYTES_MAX = 1 << 20
TEXT_CHARS_MAX = 1 << 12
THREAD_MAX = (1 << 16) - 1
VALUE_CHARS = 40

_Check = Callable[[str, Any], Any]
"""Returns the value of a key, or raises _Refused."""
_MISSING = object()


@dataclass(frozen=True)
class SweepPlan:
    """What a file asks for; both are arguments of `sweep`."""

    configs: tuple[PoolConfig, ...]
    inputs: tuple[SweepInput, ...]


def load_sweep(path: PathLike) -> SweepPlan:
    """Read the file of a sweep.

    Parameters
    ----------
    path : str or path-like
        TOML as in `pyrns_pool.sweep_file`; the files that it names are not read.

    Returns
    -------
    SweepPlan
        Pools and inputs, in the order of the file.

    Raises
    ------
    SweepError
        If the file cannot be read or breaks a rule; names the key, the value and the limit.
    ImportError
        If this Python is older than 3.11 and has no tomli.
    """
    file = Path(path)
    try:
        values = _read(file)
        top = _Table(values, "", ("trace", "node", "pool"))
        pools: list[PoolConfig] = []
        for table in top.tables("pool", _POOL_KEYS):
            pools += _pools(table)
            _check_count("pool", len(pools))
        inputs = [_trace(table, file) for table in top.tables("trace", _TRACE_KEYS)]
        nodes = [one for table in top.tables("node", _NODE_KEYS) for one in _nodes(table, file)]
        if not inputs + nodes:
            raise _Refused("", "has neither [[trace]] nor [[node]]")
        if not pools:
            raise _Refused("", "has no [[pool]]")
    except _Refused as error:
        where = f"{error.key}: " if error.key else ""
        raise SweepError(printable(f"{file}: {where}{error.reason}")) from None
    return SweepPlan(tuple(dict.fromkeys(pools)), (*inputs, *nodes))


_TRACE_KEYS = ("path", "site", "thread", "name")
_NODE_KEYS = ("path", "seed", "role", "headroom_bytes", "tables", "name")
_POOL_KEYS = ("tiers", "preset", "policy", "fallback")
_TIER_KEYS = ("slot_bytes", "slots")
_RANGE_KEYS = ("from", "to", "step")
_SIZE_KEYS = ("capacity", "policy")


class _Refused(Exception):
    """What a key holds cannot be used."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file, SWEEP_FILE_BYTES_MAX)
    except OSError as error:
        raise _Refused("", f"cannot be read ({error.strerror})") from None
    except TomlError as error:
        raise _Refused("", str(error)) from None


class _Table:
    """A table of the file, each value asked for by its key; knows what to call it in an error."""

    def __init__(self, values: Any, key: str, known: Sequence[str]) -> None:
        if not isinstance(values, dict):
            raise _Refused(key, f"{_shown(values)} is not a table")
        for name in values:
            if name not in known:
                one_of = ", ".join(known)
                raise _Refused(key, f"'{printable(name, VALUE_CHARS)}' is not one of {one_of}")
        self.values, self.key = values, key

    def at(self, name: str) -> str:
        """Return what an error calls a key."""
        return f"{self.key}.{name}" if self.key else name

    def tables(self, name: str, known: Sequence[str]) -> list[_Table]:
        """Return an array of tables; it may be missing."""
        values = self.values.get(name, [])
        if not isinstance(values, list):
            raise _Refused(self.at(name), f"{_shown(values)} is not an array of tables")
        return [_Table(one, f"{self.at(name)}[{i}]", known) for i, one in enumerate(values)]

    def one(self, name: str, check: _Check, default: Any = _MISSING) -> Any:
        """Return the value of a key, or the default if it is missing."""
        if name not in self.values and default is not _MISSING:
            return default
        if name not in self.values:
            raise _Refused(self.at(name), "is missing")
        return check(self.at(name), self.values[name])

    def many(self, name: str, check: _Check, default: Any = _MISSING) -> list[Any]:
        """Return the values of a key: those of a list, or one alone."""
        value = self.values.get(name)
        if not isinstance(value, list):
            return [self.one(name, check, default)]
        if not value:
            raise _Refused(self.at(name), "[] holds no value")
        return [check(f"{self.at(name)}[{i}]", one) for i, one in enumerate(value)]

    def numbers(self, name: str, check: _Check, default: Any = _MISSING) -> list[int]:
        """Return the values of a key: those of a range, of a list, or one alone."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            return self.many(name, check, default)
        span = _Table(value, self.at(name), _RANGE_KEYS)
        first, last = span.one("from", check), span.one("to", check)
        step = span.one("step", _whole(1, max(first, last)), 1)
        if last < first:
            raise _Refused(span.at("to"), f"{last} is less than from, {first}")
        count = (last - first) // step + 1
        if count > SWEEP_CONFIGS_MAX:
            reason = f"{count} values are beyond the limit of {SWEEP_CONFIGS_MAX}"
            raise _Refused(self.at(name), reason)
        return list(range(first, last + 1, step))


def _whole(least: int, most: int) -> _Check:
    def check(key: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Refused(key, f"{_shown(value)} is not a whole number")
        if not least <= value <= most:
            raise _Refused(key, f"{value} is not in {least} to {most}")
        return value

    return check


def _choice(names: Sequence[str]) -> _Check:
    def check(key: str, value: Any) -> Any:
        if value not in names:
            raise _Refused(key, f"{_shown(value)} is not one of {', '.join(names)}")
        return value

    return check


def _text(key: str, value: Any) -> Any:
    if not isinstance(value, str) or not 1 <= len(value) <= TEXT_CHARS_MAX:
        raise _Refused(key, f"{_shown(value)} is not text of 1 to {TEXT_CHARS_MAX} characters")
    if not value.isprintable():
        raise _Refused(key, f"{_shown(value)} has characters that cannot be printed")
    return value


def _shown(value: Any) -> str:
    return printable(repr(value), VALUE_CHARS)


def _trace(table: _Table, file: Path) -> TraceInput:
    return TraceInput(
        str(file.parent / table.one("path", _text)),
        site=table.one("site", _text, None),
        thread=table.one("thread", _whole(0, THREAD_MAX), None),
        name=table.one("name", _text, ""),
    )


def _nodes(table: _Table, file: Path) -> Iterator[NodeInput]:
    seeds = table.numbers("seed", _whole(1, SEED_MAX), 1)
    name = table.one("name", _text, "")
    for seed in seeds:
        yield NodeInput(
            str(file.parent / table.one("path", _text)),
            seed=seed,
            role=table.one("role", _choice(NODE_ROLES), "auto"),
            headroom_bytes=table.one("headroom_bytes", _whole(0, HEADROOM_BYTES_MAX), 0),
            tables=_sizes(table),
            name=f"{name} seed={seed}" if name and len(seeds) > 1 else name,
        )


def _sizes(table: _Table) -> dict[str, tuple[int, str]]:
    defaults = node_tables()
    given = _Table(table.values.get("tables", {}), table.at("tables"), tuple(defaults))
    capacity = _whole(1, TABLE_CAPACITY_MAX)
    sizes = {}
    for name, value in given.values.items():
        if isinstance(value, dict):
            size = _Table(value, given.at(name), _SIZE_KEYS)
            policy = size.one("policy", _choice(TABLE_POLICIES), defaults[name][1])
            sizes[name] = size.one("capacity", capacity, defaults[name][0]), policy
        else:
            sizes[name] = given.one(name, capacity), defaults[name][1]
    return sizes


def _pools(table: _Table) -> list[PoolConfig]:
    """Return every combination of what a [[pool]] lists."""
    if ("tiers" in table.values) == ("preset" in table.values):
        raise _Refused(table.key, "needs either tiers or preset")
    fallbacks = table.many("fallback", _choice(FALLBACKS), "none")
    policies = table.many("policy", _choice(POLICIES), None)
    if "preset" in table.values:
        presets = table.many("preset", _choice(preset_names()))
        bodies = [PoolConfig.preset(name) for name in presets]
        return [
            PoolConfig(body.tiers, policy or body.policy, fallback)
            for body, policy, fallback in itertools.product(bodies, policies, fallbacks)
        ]
    choices = [_tiers(tier) for tier in table.tables("tiers", _TIER_KEYS)]
    _check_count(table.key, math.prod(map(len, [*choices, policies, fallbacks])))
    try:
        return [
            PoolConfig(tiers, policy or "strict", fallback)
            for tiers in itertools.product(*choices)
            for policy, fallback in itertools.product(policies, fallbacks)
        ]
    except ConfigError as error:
        raise _Refused(table.key, str(error)) from None


def _tiers(table: _Table) -> list[Tier]:
    sizes = table.numbers("slot_bytes", _whole(1, SLOT_BYTES_MAX))
    slots = table.numbers("slots", _whole(1, SLOT_COUNT_MAX))
    _check_count(table.key, len(sizes) * len(slots))
    return [Tier(size, count) for size, count in itertools.product(sizes, slots)]


def _check_count(key: str, count: int) -> None:
    if count > SWEEP_CONFIGS_MAX:
        reason = f"{count} pools are beyond the limit of {SWEEP_CONFIGS_MAX} (SWEEP_CONFIGS_MAX)"
        raise _Refused(key, reason)
