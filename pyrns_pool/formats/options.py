"""What a recording of another tool does not say, and the user may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from pyrns_pool.errors import TraceError

__all__ = ["PAIRINGS", "ImportOptions"]

PAIRINGS = ("fifo",)


@dataclass(frozen=True)
class ImportOptions:
    """Settings of `load_trace`; each is for some formats and ignored by the others.

    Parameters
    ----------
    pairing : str, optional
        For heaptrack's interpreted files, which do not say which of several equal blocks a free
        means: ``fifo`` accepts that it is always the oldest, so that such a trace may be replayed.
    cpu_mhz : float, optional
        Clock of the device whose ESP-IDF heap trace counts cycles; without it, that has no time.
    seed : int
        For an allocation profile: what the synthetic trace is drawn with, from 0.
    duration_s : float
        For an allocation profile: length of the synthetic trace.
    symbols : str, optional
        For heaptrack's raw files, which name no functions: what ``heaptrack_interpret`` makes of
        the same file on the machine that recorded it.

    Raises
    ------
    TraceError
        If a setting is out of range; names it.
    """

    pairing: Optional[str] = None
    cpu_mhz: Optional[float] = None
    seed: int = 1
    duration_s: float = 10.0
    symbols: Optional[str] = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.pairing is not None and self.pairing not in PAIRINGS:
            reason = f"is none of {', '.join(PAIRINGS)}"
            raise TraceError(reason, field="pairing", value=str(self.pairing))
        for name in ("cpu_mhz", "duration_s"):
            number = getattr(self, name)
            if number is not None and not 0 < number <= 1e6:
                raise TraceError(
                    "is not above 0 and up to 1,000,000", field=name, value=str(number)
                )
        if isinstance(self.seed, bool) or not 0 <= self.seed < 1 << 64:
            raise TraceError("is not from 0 to 2^64 - 1", field="seed", value=str(self.seed))
