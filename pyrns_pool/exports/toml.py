r"""TOML: the form of a pool that this package reads again, as ``--config FILE``.

::

    policy = "strict"     # or "spill"; strict if left out
    fallback = "none"     # or "malloc"; none if left out

    [[tiers]]
    slot_bytes = 256
    slot_count = 16
    reserve_count = 0     # from here on optional, as in pyrns_pool.Tier
    low_water_count = 0
    hysteresis_count = 0
    region = 0
"""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

from pyrns_pool._toml import TomlError, read_toml
from pyrns_pool.config import FALLBACKS, POLICIES, PoolConfig, Tier
from pyrns_pool.errors import ConfigError, printable
from pyrns_pool.exports.facts import pool_facts, pool_of
from pyrns_pool.formats.files import PathLike
from pyrns_pool.results import ReplayResult

__all__ = ["load_config", "toml_text"]

CONFIG_BYTES_MAX = 1 << 20
NAMES = {"policy": POLICIES, "fallback": FALLBACKS}


def toml_text(*results: ReplayResult) -> str:
    """Return a pool as TOML; as `pyrns_pool.exports.header_text`."""
    config = pool_of(results)
    lines = [f"# {line}".rstrip() for line in pool_facts(results)]
    lines += ["", f'policy = "{config.policy}"', f'fallback = "{config.fallback}"']
    for tier in config.tiers:
        values = [(field.name, getattr(tier, field.name)) for field in fields(Tier)]
        lines += ["", "[[tiers]]", *(f"{name} = {value}" for name, value in values if value)]
    return "\n".join(lines) + "\n"


def load_config(path: PathLike) -> PoolConfig:
    """Read a pool from a TOML file, such as ``pyrns-pool export --to toml`` writes.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    PoolConfig
        Validated.

    Raises
    ------
    ConfigError
        If the file is no TOML or does not describe a pool; names the file, the key, the value
        and the limit.
    OSError
        If it cannot be read.
    """
    name = printable(os.fspath(path))
    try:
        return _config_of(read_toml(path, CONFIG_BYTES_MAX))
    except (ConfigError, TomlError) as error:
        raise ConfigError(f"{name}: {error}") from None


def _config_of(values: dict[str, Any]) -> PoolConfig:
    _require_known(values, ("tiers", *NAMES), "")
    for key, allowed in NAMES.items():
        if key in values and values[key] not in allowed:
            value = printable(repr(values[key]), 40)
            raise ConfigError(f"{key}: {value} is not one of {', '.join(allowed)}")
    tiers = values.get("tiers")
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        raise ConfigError("tiers: there is no [[tiers]], one for each tier")
    return PoolConfig(
        tuple(_tier_of(tier, f"tiers[{index}]") for index, tier in enumerate(tiers)),
        **{key: values[key] for key in NAMES if key in values},
    )


def _tier_of(values: dict[str, Any], where: str) -> Tier:
    known = [field.name for field in fields(Tier)]
    _require_known(values, known, f"{where}.")
    for key in known[:2]:
        if key not in values:
            raise ConfigError(f"{where}.{key} is missing")
    try:
        return Tier(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}.{error}") from None


def _require_known(values: dict[str, Any], known: Any, where: str) -> None:
    for key in values:
        if key not in known:
            names = ", ".join(known)
            raise ConfigError(f"{where}{printable(key, 40)} is not one of {names}")
