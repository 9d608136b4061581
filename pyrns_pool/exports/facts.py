"""What the comments of every exported pool say: trace, prediction, RAM and version."""

from __future__ import annotations

from pyrns_pool._version import VERSION
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.results import ReplayResult
from pyrns_pool.stats import percent

__all__ = [
    "ALIGN_BYTES_32",
    "POOL_BYTES_32",
    "metadata_bytes_32",
    "padded",
    "pool_facts",
    "pool_of",
    "require_plain",
]

ALIGN_BYTES_32 = 8  # RNS_ALIGN_BYTES where pointers have 32 bits.
POOL_BYTES_32 = 1128
"""sizeof(rns_pool_t) on a Cortex-M3 or RV32 with the switches' defaults."""


def pool_of(results: tuple[ReplayResult, ...]) -> PoolConfig:
    """Return the pool that all these replays are of.

    Raises
    ------
    ConfigError
        If there is no replay, or two are of different pools.
    """
    configs = {result.config for result in results}
    if len(configs) != 1:
        raise ConfigError(f"results: replays of {len(configs)} pools are not of one pool")
    return configs.pop()


def metadata_bytes_32(config: PoolConfig) -> int:
    """Return what csrc/core needs beside the slots' payload on a device with 32-bit pointers.

    Padding of the slots, bitmaps of tiers of more than 32 slots, and one ``rns_pool_t``.
    """
    storage_bytes = 0
    for tier in config.tiers:
        words = (tier.slot_count + 31) // 32 if tier.slot_count > 32 else 0
        storage_bytes += tier.slot_count * padded(tier.slot_bytes)
        storage_bytes += padded((words + (words + 31) // 32) * 4)
    return storage_bytes - config.slots_bytes + POOL_BYTES_32


def pool_facts(results: tuple[ReplayResult, ...], metadata: str = "") -> list[str]:
    """Return the lines that stand in the comments of an exported pool.

    Parameters
    ----------
    results : tuple of ReplayResult
        What the traces made of the pool, one or more.
    metadata : str, optional
        What is to be said of metadata where it is not csrc/core that uses the file.
    """
    config = pool_of(results)
    core = f"{metadata_bytes_32(config):,} bytes of metadata on a 32-bit device"
    lines = [
        f"Written by pyrns_pool {VERSION}; pyrns-pool export writes it anew from a trace.",
        "",
        f"Pool       {config}",
        f"RAM        {config.slots_bytes:,} bytes of slots, {metadata or core}",
    ]
    for result in results:
        stats, trace = result.stats, result.trace
        only = f", only {trace.filter}" if trace.filter else ""
        lines += [
            f"Trace      {trace.name or '(no file)'}{only}",
            f"           sha256 {trace.sha256}",
            f"Predicted  hit rate {percent(stats.hits + stats.spills, stats.requests)}:"
            f" {stats.hits:,} hits and {stats.spills:,} spills of {stats.requests:,} requests,",
            f"           {stats.exhausted:,} exhausted, {stats.oversize:,} oversize",
        ]
    return lines


def require_plain(config: PoolConfig, name: str) -> None:
    """Refuse what a form cannot say: slots kept back, low-water marks, regions.

    Raises
    ------
    ConfigError
        Names the form, the tier and the field.
    """
    for index, tier in enumerate(config.tiers):
        for field in ("reserve_count", "low_water_count", "hysteresis_count", "region"):
            value = getattr(tier, field)
            if value:
                where = f"tier {index} ({tier}): {field}"
                raise ConfigError(
                    f"{where}: {value} cannot be said in {name}; header and toml can"
                )


def padded(size_bytes: int) -> int:
    """Return the size that slots of this payload have on a device with 32-bit pointers."""
    return -(-size_bytes // ALIGN_BYTES_32) * ALIGN_BYTES_32
