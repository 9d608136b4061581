"""What a soak watches, as a device's monitor would: thresholds with hysteresis, and alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from pyrns_pool._native import none
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError

__all__ = ["ALARM_DTYPE", "LEVELS", "METRICS", "Watch", "Watches", "default_watches"]

METRICS = (
    "pool_free_bytes",
    "pool_largest_bytes",
    "tier_free_slots",
    "heap_free_bytes",
    "heap_largest_bytes",
    "heap_fragmentation_ppm",
)
"""In the order of ``rns_soak_metric_t``; fragmentation in millionths."""
ABOVE = ("heap_fragmentation_ppm",)
LEVELS = ("warn", "critical")
ALARMS_MAX = 100_000
PACKET_BYTES = 500
BUFFER_BYTES: int = none.lib.RNS_SHADOW_PROBE_BYTES  # Of a packet, with its header.
PPM = 1_000_000

ALARM_DTYPE = np.dtype(
    [
        ("t_ns", "<i8"),
        ("metric", "<U24"),
        ("tier", "<i4"),
        ("level", "<U8"),
        ("raised", "?"),
        ("value", "<u8"),
    ]
)
"""One change of an alarm: ``tier`` is -1 unless the metric is a tier's; ``raised`` is False where
the alarm ended; ``value`` is what the metric was."""


@dataclass(frozen=True)
class Watch:
    """A threshold with hysteresis.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    level : {"warn", "critical"}
        What its alarm is called.
    bad : int
        Below this value the alarm is raised; of fragmentation, at or above it.
    good : int
        At or above this value it ends; of fragmentation, below it.
    tier : int, optional
        Of ``tier_free_slots``.
    """

    metric: str
    level: str
    bad: int
    good: int
    tier: Optional[int] = None

    def __post_init__(self) -> None:
        """Refuse what cannot be watched."""
        if self.metric not in METRICS:
            raise ConfigError(f"metric: {self.metric!r} is not one of {', '.join(METRICS)}")
        if self.level not in LEVELS:
            raise ConfigError(f"level: {self.level!r} is not one of {', '.join(LEVELS)}")
        if (self.tier is not None) != (self.metric == "tier_free_slots"):
            raise ConfigError(f"tier: {self.tier!r} does not go with the metric {self.metric}")
        worse, better = (self.good, self.bad) if self.metric in ABOVE else (self.bad, self.good)
        if not 0 <= worse <= better:
            raise ConfigError(f"good: {self.good} is worse than bad, {self.bad}")


def default_watches(config: PoolConfig, arena_bytes: int) -> tuple[Watch, ...]:
    """Return what a device with this pool, or with a heap of this size, would watch.

    Parameters
    ----------
    config : PoolConfig
        The pool.
    arena_bytes : int
        Of the heap.

    Returns
    -------
    tuple of Watch
        Free bytes below a tenth (until an eighth is free); no room for a packet of 500 bytes;
        fragmentation from 30 % (until below 25 %) and, critical, from 50 % (until below 45 %);
        of each tier less than a tenth of the slots free (until an eighth, and one more), and,
        critical, none (until the former).

    Examples
    --------
    >>> default_watches(PoolConfig.parse("64x40"), 4096)[-2:]  # doctest: +NORMALIZE_WHITESPACE
    (Watch(metric='tier_free_slots', level='warn', bad=4, good=6, tier=0),
     Watch(metric='tier_free_slots', level='critical', bad=1, good=4, tier=0))
    """
    slots = config.slots_bytes
    largest = min(PACKET_BYTES, config.tiers[-1].slot_bytes)
    watches = [
        Watch("pool_free_bytes", "warn", slots // 10, slots // 8),
        Watch("pool_largest_bytes", "critical", largest, largest),
        Watch("heap_free_bytes", "warn", arena_bytes // 10, arena_bytes // 8),
        Watch("heap_largest_bytes", "critical", BUFFER_BYTES, 2 * BUFFER_BYTES),
        Watch("heap_fragmentation_ppm", "warn", 30 * PPM // 100, 25 * PPM // 100),
        Watch("heap_fragmentation_ppm", "critical", 50 * PPM // 100, 45 * PPM // 100),
    ]
    for index, tier in enumerate(config.tiers):
        low = max(1, tier.slot_count // 10)
        good = tier.slot_count // 8 + 1
        watches.append(Watch("tier_free_slots", "warn", low, max(low, good), index))
        watches.append(Watch("tier_free_slots", "critical", 1, low, index))
    return tuple(watches)


class Watches:
    """Watches as C sees them, and room for their alarms."""

    def __init__(self, watches: tuple[Watch, ...]) -> None:
        self._watches = watches
        self.native: Any = none.ffi.new("rns_soak_watch_t[]", len(watches))
        self.alarms: Any = none.ffi.new("rns_soak_alarm_t[]", ALARMS_MAX)
        for native, watch in zip(self.native, watches):
            native.metric = METRICS.index(watch.metric)
            native.tier_index = watch.tier or 0
            values = {"is_above": watch.metric in ABOVE, "bad": watch.bad, "good": watch.good}
            native.watch = values

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._watches)

    def rows(self, count: int) -> NDArray[np.void]:
        """Return the first `count` alarms, of ALARM_DTYPE."""
        rows = []
        for alarm in self.alarms[0:count]:
            watch = self._watches[alarm.watch]
            tier = -1 if watch.tier is None else watch.tier
            raised = bool(alarm.is_raised)
            rows.append((alarm.t_ns, watch.metric, tier, watch.level, raised, alarm.value))
        return np.array(rows, ALARM_DTYPE)
