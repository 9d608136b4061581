"""What a pool is made of: tiers, policy, fallback; and the configurations others have built."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any, Mapping, Optional

from pyrns_pool._native import none
from pyrns_pool.errors import ConfigError, printable

__all__ = ["PoolConfig", "Tier", "preset_names", "preset_origin"]

TIERS_MAX: int = none.lib.RNS_TIERS_MAX
REGIONS_MAX: int = none.lib.RNS_REGIONS_MAX
SLOT_BYTES_MAX: int = none.lib.RNS_SLOT_BYTES_MAX
SLOT_COUNT_MAX: int = none.lib.RNS_SLOT_COUNT_MAX
POLICIES = ("strict", "spill")
FALLBACKS = ("none", "malloc")
_TIER_TEXT = re.compile(r"([0-9]{1,9})x([0-9]{1,9})", re.ASCII)


def whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is not a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}: {value!r} is not a whole number")
    if not least <= value <= most:
        raise ConfigError(f"{name}: {value} is not in {least} to {most}")


@dataclass(frozen=True)
class Tier:
    """Equal slots of one size.

    Parameters
    ----------
    slot_bytes : int
        Payload of a slot, 1 to 2**24.
    slot_count : int
        Number of slots, 1 to 2**24.
    reserve_count : int, optional
        Slots that only priority requests may take, up to `slot_count`.
    low_water_count : int, optional
        The low-water callback is told when fewer than this many slots are free; 0: never.
    hysteresis_count : int, optional
        It is told again only after this many more were free.
    region : int, optional
        Kind of memory the slots lie in, 0 to 3; statistics are kept for each.

    Raises
    ------
    ConfigError
        If a value is not a whole number or out of its range.

    Examples
    --------
    >>> Tier(256, 16).slots_bytes
    4096
    """

    slot_bytes: int
    slot_count: int
    reserve_count: int = 0
    low_water_count: int = 0
    hysteresis_count: int = 0
    region: int = 0

    def __post_init__(self) -> None:
        """Validate."""
        whole("slot_bytes", self.slot_bytes, 1, SLOT_BYTES_MAX)
        whole("slot_count", self.slot_count, 1, SLOT_COUNT_MAX)
        whole("reserve_count", self.reserve_count, 0, self.slot_count)
        whole("low_water_count", self.low_water_count, 0, self.slot_count)
        spare = self.slot_count - self.low_water_count
        whole("hysteresis_count", self.hysteresis_count, 0, spare)
        whole("region", self.region, 0, REGIONS_MAX - 1)

    @property
    def slots_bytes(self) -> int:
        """Payload bytes of all slots together."""
        return self.slot_bytes * self.slot_count

    def __str__(self) -> str:
        """Return the tier as the command line writes it, "256x16"."""
        return f"{self.slot_bytes}x{self.slot_count}"


@dataclass(frozen=True)
class PoolConfig:
    """A pool as the caller wants it.

    Parameters
    ----------
    tiers : tuple of Tier
        One to eight, slot_bytes strictly ascending.
    policy : {"strict", "spill"}, optional
        Whether only the home tier serves a request, or a larger one where the home tier is full.
    fallback : {"none", "malloc"}, optional
        What serves a miss: nothing, or this process's heap.

    Raises
    ------
    ConfigError
        If the tiers are none, too many or unsorted, or a name is unknown.

    Examples
    --------
    >>> config = PoolConfig.parse("256x16,512x16,1024x16")
    >>> config.slots_bytes
    28672
    >>> PoolConfig.preset("prism").policy
    'spill'
    """

    tiers: tuple[Tier, ...]
    policy: str = "strict"
    fallback: str = "none"

    def __post_init__(self) -> None:
        """Validate."""
        object.__setattr__(self, "tiers", tuple(self.tiers))
        if not 1 <= len(self.tiers) <= TIERS_MAX:
            raise ConfigError(f"tiers: {len(self.tiers)} tiers are not 1 to {TIERS_MAX}")
        for tier in self.tiers:
            if not isinstance(tier, Tier):
                raise ConfigError(f"tiers: {tier!r} is not a Tier")
        for smaller, larger in zip(self.tiers, self.tiers[1:]):
            if smaller.slot_bytes >= larger.slot_bytes:
                raise ConfigError(
                    f"tiers: {larger.slot_bytes} after {smaller.slot_bytes}: sizes must ascend"
                )
        if self.policy not in POLICIES:
            raise ConfigError(f"policy: {self.policy!r} is not one of {', '.join(POLICIES)}")
        if self.fallback not in FALLBACKS:
            raise ConfigError(f"fallback: {self.fallback!r} is not one of {', '.join(FALLBACKS)}")

    @classmethod
    def parse(cls, text: str, policy: str = "strict", fallback: str = "none") -> PoolConfig:
        """Read tiers as the command line writes them.

        Parameters
        ----------
        text : str
            Tiers as "slot_bytes x slot_count", joined by commas: "256x16,512x16".
        policy, fallback : str, optional
            As in `PoolConfig`.

        Raises
        ------
        ConfigError
            If a tier does not read so, or the configuration is refused.
        """
        tiers = []
        for part in text.split(","):
            match = _TIER_TEXT.fullmatch(part.strip())
            if match is None:
                raise ConfigError(f"tiers: '{printable(part, 40)}' is not like 256x16")
            tiers.append(Tier(int(match[1]), int(match[2])))
        return cls(tuple(tiers), policy, fallback)

    @classmethod
    def preset(cls, name: str, policy: Optional[str] = None) -> PoolConfig:
        """Return a configuration that others have built; see `preset_names`.

        Parameters
        ----------
        name : str
            One of `preset_names`.
        policy : str, optional
            Instead of the preset's own.

        Raises
        ------
        ConfigError
            If there is no such preset.
        """
        found = _preset(name)
        tiers = tuple(
            Tier(tier.slot_bytes, tier.slot_count) for tier in found.tiers[0 : found.tier_count]
        )
        return cls(tiers, POLICIES[found.policy] if policy is None else policy)

    @property
    def slots_bytes(self) -> int:
        """Payload bytes of all tiers together; bitmaps, headers and padding are not in it."""
        return sum(tier.slots_bytes for tier in self.tiers)

    def with_policy(self, policy: str) -> PoolConfig:
        """Return the same tiers under another policy."""
        return replace(self, policy=policy)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold and `from_dict` reads."""
        tiers = [{f.name: getattr(tier, f.name) for f in fields(Tier)} for tier in self.tiers]
        return {"tiers": tiers, "policy": self.policy, "fallback": self.fallback}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PoolConfig:
        """Return the configuration that `to_dict` wrote.

        Raises
        ------
        ConfigError
            If a key is missing or unknown, or the configuration is refused.
        """
        try:
            tiers = tuple(Tier(**tier) for tier in values["tiers"])
            given: dict[str, Any] = {**values, "tiers": tiers}
            return cls(**given)
        except (KeyError, TypeError) as error:
            raise ConfigError(f"not a pool configuration: {error}") from None

    def __str__(self) -> str:
        """Return tiers and policy in one line."""
        return f"{','.join(map(str, self.tiers))} {self.policy}"


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets, from C.

    Examples
    --------
    >>> preset_names()
    ('design', 'prism', 'fork', 'pyxis')
    """
    return tuple(none.ffi.string(preset.name).decode() for preset in none.lib.rns_presets)


def preset_origin(name: str) -> str:
    """Return who built or proposed a preset.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    return str(none.ffi.string(_preset(name).origin).decode())


def _preset(name: str) -> Any:
    names = preset_names()
    if name not in names:
        raise ConfigError(f"preset: '{printable(name, 40)}' is not one of {', '.join(names)}")
    return none.lib.rns_presets[names.index(name)]
