"""C header for ``csrc/core``: the tiers as a list, the policy, and the storage as a constant.

Firmware gives the pool memory when it is compiled, and fills in the rest::

    #include "rns_pool_config.h"

    static const rns_tier_config_t tiers[] = {RNS_POOL_TIERS};
    static _Alignas(RNS_ALIGN_BYTES) unsigned char storage[RNS_POOL_STORAGE_BYTES(0)];
    static rns_pool_t pool;

    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = RNS_POOL_TIER_COUNT, .policy = RNS_POOL_POLICY};
    const rns_memory_t memory = {.start = storage, .bytes = sizeof storage};
    rns_status_t status = rns_pool_init(&pool, &config, memory);

The argument of ``RNS_POOL_STORAGE_BYTES`` is the pool's header_bytes: ``RNS_BYTES_HEADER_BYTES``
for a pool of Bytes. The fallback of the configuration is not in the header: it is a function of
the firmware.
"""

from __future__ import annotations

from dataclasses import fields

from pyrns_pool.config import Tier
from pyrns_pool.exports.facts import pool_facts, pool_of
from pyrns_pool.results import ReplayResult

__all__ = ["c_comment", "header_text"]


def c_comment(lines: list[str]) -> str:
    """Return a C comment of these lines; none of them can end it."""
    safe = [line.replace("*/", "* /").replace("/*", "/ *") for line in lines]
    return "/* " + "\n".join([safe[0], *(f" * {line}".rstrip() for line in safe[1:])]) + "\n */\n"


def header_text(*results: ReplayResult) -> str:
    """Return a pool as a C header.

    Parameters
    ----------
    *results : ReplayResult
        Traces sent through one pool; each is named with what it predicts.

    Returns
    -------
    str
        The same results give the same text.

    Examples
    --------
    >>> from pyrns_pool import PoolConfig, Trace, replay
    >>> trace = Trace.from_events({"t_ns": [0], "op": [0], "id": [1], "size": [32]})
    >>> text = header_text(replay(trace, PoolConfig.parse("64x2")))
    >>> [line for line in text.splitlines() if "POLICY" in line]
    ['#define RNS_POOL_POLICY     RNS_POLICY_STRICT']
    """
    config = pool_of(results)
    tiers = " \\\n".join(f"    {{{_tier(tier)}}}," for tier in config.tiers)
    storage = " + \\\n     ".join(
        f"RNS_TIER_STORAGE_BYTES({tier.slot_bytes}, {tier.slot_count}, header_bytes)"
        for tier in config.tiers
    )
    return (
        f"{c_comment(pool_facts(results))}"
        "#ifndef RNS_POOL_CONFIG_H\n"
        "#define RNS_POOL_CONFIG_H\n\n"
        f"#define RNS_POOL_POLICY     RNS_POLICY_{config.policy.upper()}\n"
        f"#define RNS_POOL_TIER_COUNT {len(config.tiers)}\n"
        f"#define RNS_POOL_TIERS \\\n{tiers}\n"
        f"#define RNS_POOL_STORAGE_BYTES(header_bytes) \\\n    ({storage})\n\n"
        '#include "rns_pool_static.h"\n\n'
        "#endif\n"
    )


def _tier(tier: Tier) -> str:
    """Return the fields that are not off."""
    values = [(field.name, getattr(tier, field.name)) for field in fields(Tier)]
    return ", ".join(f".{name} = {value}" for name, value in values if value)
