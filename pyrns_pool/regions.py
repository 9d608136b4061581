"""Machines: which kinds of memory a device has and what lies where; and its sizes of objects.

A recording from a 64-bit machine holds pointers twice as wide as those of the device. `scale_32`
changes the sizes by a stated rule for each site; the trace, and every result of it, says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.heaps import HEAPS
from pyrns_pool.trace import OP_ALLOC, Trace

__all__ = [
    "MACHINES",
    "Machine",
    "PSRAM",
    "Region",
    "SCALE_RULES",
    "ScaleRule",
    "machine",
    "pool_ram_bytes",
    "scale_32",
]

KIB = 1024
PSRAM = "psram"
"""The region that large blocks belong into, by name."""
REGIONS_MAX = 2  # RNS_COMPARE_HEAPS_MAX


@dataclass(frozen=True)
class Region:
    """One kind of memory, and the heap that the device's system runs in it.

    Raises
    ------
    ConfigError
        If a field is out of range.
    """

    name: str
    bytes: int
    heap: str
    """One of `pyrns_pool.heaps.HEAPS`."""

    def __post_init__(self) -> None:
        """Validate."""
        if self.heap not in HEAPS:
            raise ConfigError(f"heap: {self.heap!r} is none of {', '.join(HEAPS)}")
        if not isinstance(self.bytes, int) or not 0 < self.bytes <= 1 << 30:
            raise ConfigError(f"bytes: {self.bytes!r} is not in 1 to {1 << 30}")


@dataclass(frozen=True)
class Machine:
    """A device.

    Parameters
    ----------
    name : str
        How the command line calls it.
    regions : tuple of Region
        One or two. A request that the first one's heap refuses goes to the second's.
    pool_region, metadata_region : str
        Where the slots of a pool lie, and where its bitmaps and counters.
    alignment, header_bits : int
        As in `pyrns_pool.heaps.Heap`.

    Raises
    ------
    ConfigError
        If there are no regions or too many, or the pool's is none of them.
    """

    name: str
    regions: tuple[Region, ...]
    pool_region: str = "internal"
    metadata_region: str = "internal"
    alignment: int = 8
    header_bits: int = 32

    def __post_init__(self) -> None:
        """Validate."""
        object.__setattr__(self, "regions", tuple(self.regions))
        if not 1 <= len(self.regions) <= REGIONS_MAX:
            raise ConfigError(f"regions: {len(self.regions)} are not 1 to {REGIONS_MAX}")
        names = [region.name for region in self.regions]
        for field in ("pool_region", "metadata_region"):
            if getattr(self, field) not in names:
                raise ConfigError(f"{field}: {getattr(self, field)!r} is none of {names}")


MACHINES: tuple[Machine, ...] = (
    Machine(
        "esp32s3",
        (Region("internal", 320 * KIB, "tlsf"), Region(PSRAM, 8192 * KIB, "tlsf")),
        alignment=4,
    ),
    Machine("nrf52840", (Region("internal", 256 * KIB, "first_fit"),)),
    Machine("cortex-m3-64k", (Region("internal", 64 * KIB, "first_fit"),)),
    Machine("host", (Region("internal", 16384 * KIB, "tlsf"),), header_bits=64),
)
"""ESP-IDF runs TLSF in each kind of memory, aligned to 4; the small ones are as FreeRTOS with
heap_4 would be. The sizes are those of the chips: a program leaves less to its heap."""


def machine(name: str) -> Machine:
    """Return a machine of `MACHINES`.

    Raises
    ------
    ConfigError
        If there is none of that name.

    Examples
    --------
    >>> [(region.name, region.bytes, region.heap) for region in machine("esp32s3").regions]
    [('internal', 327680, 'tlsf'), ('psram', 8388608, 'tlsf')]
    """
    for known in MACHINES:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in MACHINES)
    raise ConfigError(f"machine: {name!r} is not one of {names}")


def pool_ram_bytes(config: PoolConfig, header_bytes: int = 0) -> tuple[int, int]:
    """Return what a pool takes: bytes of its slots, and of its metadata.

    Parameters
    ----------
    config : PoolConfig
        The pool.
    header_bytes : int, optional
        In front of each slot, and counted with it.

    Returns
    -------
    slots_bytes, metadata_bytes : int
        Metadata is bitmaps, padding and the ``rns_pool_t`` of this machine: a device with 32-bit
        pointers needs less.
    """
    storage_bytes = NativePool(
        none, PoolConfig(config.tiers, config.policy), header_bytes=header_bytes
    ).storage_bytes
    slots = config.slots_bytes + header_bytes * sum(tier.slot_count for tier in config.tiers)
    return slots, storage_bytes - slots + int(none.ffi.sizeof("rns_pool_t"))


@dataclass(frozen=True)
class ScaleRule:
    """How the blocks of some sites shrink from 64-bit to 32-bit pointers."""

    site: str
    """Pattern as in `fnmatch`, upper and lower case distinct; the first rule that matches is
    taken."""
    rule: str
    """One of keep, halve, less 8 and less 16."""


SCALE_RULES: tuple[ScaleRule, ...] = (
    ScaleRule("*_Rb_tree<>*", "less 16"),  # A node's colour and three links: 32 to 16 bytes.
    ScaleRule("*_M_allocate_node<>*", "less 8"),  # Hash tables: a link and the hash.
    ScaleRule("*_M_allocate_buckets*", "halve"),  # Links alone.
    ScaleRule("*:std::vector<>*", "keep"),
    ScaleRule("*:RNS::Cryptography::*", "keep"),  # Keys and digests.
    ScaleRule("*PosixFileSystem*", "keep"),  # Buffers of files.
    ScaleRule("*:RNS::*", "halve"),  # Objects that are pointers for the most part.
    ScaleRule("*:microStore::*", "halve"),
    ScaleRule("*", "keep"),
)
"""Content keeps its size; what is made of pointers halves, rounded up to 4 bytes. A rule by site
cannot look into an object, so that the result is an estimate: read it beside the unscaled one."""

_RULES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "keep": lambda size: size,
    "halve": lambda size: (size + np.uint64(7)) // np.uint64(8) * np.uint64(4),
    "less 8": lambda size: np.where(size > 8, size - 8, size),
    "less 16": lambda size: np.where(size > 16, size - 16, size),
}


def scale_32(trace: Trace, rules: tuple[ScaleRule, ...] = SCALE_RULES) -> Trace:
    """Return a trace of a 64-bit machine with the sizes of a 32-bit one.

    Parameters
    ----------
    trace : Trace
        As recorded.
    rules : tuple of ScaleRule, optional
        The last one has to match every site.

    Returns
    -------
    Trace
        The same events; its provenance says under ``scaled`` how many blocks changed.

    Raises
    ------
    TraceError
        If it was scaled before.

    Examples
    --------
    >>> columns = {"t_ns": [0, 1], "op": [0, 0], "id": [1, 2], "size": [24, 24], "site": [0, 1]}
    >>> trace = Trace.from_events(columns, ["app:RNS::Bytes::newData", "app:other"])
    >>> scaled = scale_32(trace)
    >>> scaled.block_sizes.tolist(), scaled.provenance["scaled"]
    ([12, 24], 'to 32 bits by site: 1 of 2 blocks, peak live 48 to 36 bytes')
    """
    if "scaled" in trace.provenance:
        raise TraceError("is scaled already", field="scaled", value=trace.provenance["scaled"])
    events = trace.events.copy()
    is_alloc = events["op"] == OP_ALLOC
    for index, name in enumerate(trace.sites):
        rule = next(rule for rule in rules if fnmatchcase(name, rule.site))
        mine = is_alloc & (events["site"] == index)
        events["size"][mine] = _RULES[rule.rule](events["size"][mine])
    events.flags.writeable = False
    changed = int(np.count_nonzero(events["size"] != trace.events["size"]))
    scaled = Trace(events, trace.sites, {}, trace.has_time, trace.has_identity)
    before, after = trace.peak_live().bytes, scaled.peak_live().bytes
    blocks = f"{changed:,} of {trace.block_count:,} blocks"
    words = f"to 32 bits by site: {blocks}, peak live {before:,} to {after:,} bytes"
    provenance = {**trace.provenance, "scaled": words}
    return Trace(events, trace.sites, provenance, trace.has_time, trace.has_identity)
