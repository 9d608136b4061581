"""The same tiers for the pools that a system already has: lwIP's and Zephyr's.

The prediction in the comments is that of tiers as such, and so of these as far as they choose as
csrc/core does: the smallest that fits, and under spill the next larger one.
"""

from __future__ import annotations

from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError
from pyrns_pool.exports.facts import ALIGN_BYTES_32, padded, pool_facts, pool_of, require_plain
from pyrns_pool.exports.header import c_comment
from pyrns_pool.results import ReplayResult

__all__ = ["lwip_text", "zephyr_text"]

LWIP_COUNT_MAX = 0xFFFF
LWIP_BYTES_MAX = 0xFFFF - 15
"""memp_desc holds both in a u16_t; lwIP puts its own record in front of the payload."""


def lwip_text(*results: ReplayResult) -> str:
    """Return a pool as lwIP's ``lwippools.h``; as `pyrns_pool.exports.header_text`.

    Raises
    ------
    ConfigError
        If a tier exceeds lwIP's 16 bits, or has a reserve, a low-water mark or a region.
    """
    config = pool_of(results)
    require_plain(config, "lwip")
    for index, tier in enumerate(config.tiers):
        _require_fits(f"tier {index} ({tier}): slot_bytes", tier.slot_bytes, LWIP_BYTES_MAX)
        _require_fits(f"tier {index} ({tier}): slot_count", tier.slot_count, LWIP_COUNT_MAX)
    bigger = int(config.policy == "spill")
    usage = [
        "",
        "lwIP includes this file several times: it has no include guard. lwipopts.h needs",
        "    #define MEM_USE_POOLS                1",
        "    #define MEMP_USE_CUSTOM_POOLS        1",
        f"    #define MEM_USE_POOLS_TRY_BIGGER_POOL {bigger}",
    ]
    lines = [f"LWIP_MALLOC_MEMPOOL({tier.slot_count}, {tier.slot_bytes})" for tier in config.tiers]
    body = ["LWIP_MALLOC_MEMPOOL_START", *lines, "LWIP_MALLOC_MEMPOOL_END"]
    facts = pool_facts(results, "and lwIP's records in front of them")
    return c_comment([*facts, *usage]) + "\n".join(body) + "\n"


def zephyr_text(*results: ReplayResult) -> str:
    """Return a pool as a list of Zephyr memory slabs; as `pyrns_pool.exports.header_text`.

    Raises
    ------
    ConfigError
        If a tier has a reserve, a low-water mark or a region.
    """
    config = pool_of(results)
    require_plain(config, "zephyr")
    usage = [
        "",
        "One source file defines the slabs and lists them, smallest first:",
        "    #define DEFINE(name, bytes, count, align) \\",
        "        K_MEM_SLAB_DEFINE_STATIC(name, bytes, count, align);",
        "    #define ENTRY(name, bytes, count, align) &name,",
        "    RNS_SLABS(DEFINE)",
        "    static struct k_mem_slab* const slabs[RNS_SLAB_COUNT] = {RNS_SLABS(ENTRY)};",
    ]
    facts = pool_facts(results, "and one struct k_mem_slab for each tier")
    return (
        f"{c_comment([*facts, *usage])}"
        "#ifndef RNS_SLABS_H\n"
        "#define RNS_SLABS_H\n\n"
        f"#define RNS_SLAB_COUNT {len(config.tiers)}\n"
        f"#define RNS_SLAB_SPILL {int(config.policy == 'spill')}\n"
        f"#define RNS_SLABS(slab) \\\n{_slabs(config)}\n\n"
        "#endif\n"
    )


def _slabs(config: PoolConfig) -> str:
    """Return one line for each tier; Zephyr wants block sizes to be multiples of the alignment."""
    lines = [
        f"    slab(rns_slab_{tier.slot_bytes}, {padded(tier.slot_bytes)}, {tier.slot_count},"
        f" {ALIGN_BYTES_32})"
        for tier in config.tiers
    ]
    return " \\\n".join(lines)


def _require_fits(what: str, value: int, most: int) -> None:
    if value > most:
        raise ConfigError(f"{what}: {value} is not in 1 to {most}, which is all that lwIP holds")
