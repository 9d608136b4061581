"""Numbers for the configuration systems of firmware; ``csrc/core/rns_pool_static.h`` reads them.

Kconfig: the symbols are declared in ``csrc/core/Kconfig``; the fragment sets them. It is merged by
``sdkconfig.defaults`` of ESP-IDF and by ``EXTRA_CONF_FILE`` of Zephyr.

PlatformIO: a section of its own, which platformio.ini includes and names::

    [platformio]
    extra_configs = rns_pool.ini

    [env]
    build_flags = ${rns_pool.build_flags}
"""

from __future__ import annotations

from pyrns_pool.config import PoolConfig
from pyrns_pool.exports.facts import pool_facts, pool_of, require_plain
from pyrns_pool.results import ReplayResult

__all__ = ["kconfig_text", "platformio_text"]


def kconfig_text(*results: ReplayResult) -> str:
    """Return a pool as a Kconfig fragment; as `pyrns_pool.exports.header_text`.

    Raises
    ------
    ConfigError
        If a tier has a reserve, a low-water mark or a region.
    """
    config = pool_of(results)
    require_plain(config, "kconfig")
    lines = [f"# {line}".rstrip() for line in pool_facts(results)]
    is_spill = config.policy == "spill"
    lines += [
        "CONFIG_RNS_POOL_SPILL=y" if is_spill else "# CONFIG_RNS_POOL_SPILL is not set",
        *(f"{name}={value}" for name, value in _numbers(config)),
    ]
    return "\n".join(lines) + "\n"


def platformio_text(*results: ReplayResult) -> str:
    """Return a pool as PlatformIO build flags; as `kconfig_text`."""
    config = pool_of(results)
    require_plain(config, "platformio")
    lines = [f"; {line}".rstrip() for line in pool_facts(results)]
    lines += ["[rns_pool]", "build_flags ="]
    lines += ["    -DCONFIG_RNS_POOL_SPILL=1"] if config.policy == "spill" else []
    lines += [f"    -D{name}={value}" for name, value in _numbers(config)]
    return "\n".join(lines) + "\n"


def _numbers(config: PoolConfig) -> list[tuple[str, int]]:
    numbers = [("CONFIG_RNS_POOL_TIER_COUNT", len(config.tiers))]
    for index, tier in enumerate(config.tiers):
        numbers.append((f"CONFIG_RNS_POOL_TIER_{index}_SLOT_BYTES", tier.slot_bytes))
        numbers.append((f"CONFIG_RNS_POOL_TIER_{index}_SLOT_COUNT", tier.slot_count))
    return numbers
