"""What an export is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from pyrns_pool.errors import ConfigError
from pyrns_pool.formats.files import Progress
from pyrns_pool.results import ReplayResult
from pyrns_pool.trace import Trace

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """What there is to write of."""

    trace: Trace
    result: Optional[ReplayResult] = None
    """The trace sent through a pool; there is one wherever the form needs a pool."""
    progress: Optional[Progress] = None

    @property
    def replayed(self) -> ReplayResult:
        """The result, where there has to be one."""
        if self.result is None:
            raise ConfigError("format: is of a pool, and no pool is given")
        return self.result
