"""A look at a pool that keeps up with it: in a notebook as a picture, else as text."""

from __future__ import annotations

import sys
import threading
import weakref
from types import TracebackType
from typing import Any, Callable, Optional

from pyrns_pool.errors import PoolError
from pyrns_pool.stats import PoolStats, TierStats
from pyrns_pool.words import percent, plural

__all__ = ["Watch"]

BAR = (
    '<div style="position:relative;width:16em;height:1em;background:#8884">'
    '<div style="width:{in_use:.2f}%;height:100%;background:{colour}"></div>'
    '<div title="high-water mark" style="position:absolute;top:0;left:calc({high:.2f}% - 2px);'
    'width:2px;height:100%;background:currentColor"></div></div>'
)
FULL, NOT_FULL = "#d55e00", "#0072b2"  # Told apart by everybody; the numbers say the same.
NEARLY_FULL = 0.9


class Watch:
    """What a pool does, as it does it.

    The last line of a notebook's cell, it shows a table that is drawn anew after every cell. In a
    ``with`` it is also drawn anew while the block runs, every `period_s` seconds, by a thread
    that ends with the block. Elsewhere it is text: ``print(watch)``.

    Parameters
    ----------
    stats : callable
        Returns the statistics now; raises PoolError once the pool is closed.
    period_s : float
        Seconds, above 0.
    """

    def __init__(self, stats: Callable[[], PoolStats], period_s: float) -> None:
        if not period_s > 0:
            raise ValueError(f"period_s: {period_s!r} is not above 0")
        self._stats, self._period_s = stats, period_s
        self._last = stats()
        self._handle: Any = None
        self._stopped = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._shell: Any = None
        self._callback: Optional[Callable[[Any], None]] = None

    def __str__(self) -> str:
        """Return a line for each tier, and one for all."""
        self._look()
        stats = self._last
        rows = [["tier", "in use", "slots", "high", "requests", "spills", "exhausted"]]
        for tier in stats.tiers:
            counts = [tier.slot_bytes, tier.in_use, tier.slot_count, tier.high_water]
            counts += [tier.requests, tier.spills, tier.exhausted]
            rows.append([f"{count:,}" for count in counts])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in rows]
        return "\n".join([*lines, _verdict(stats)])

    __repr__ = __str__

    def _look(self) -> bool:
        """Look at the pool; return whether it is still open."""
        try:
            self._last = self._stats()
        except PoolError:
            return False
        return True

    def _bundle(self) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": _html(self._last)}

    def _ipython_display_(self) -> None:
        """Show the table, and let it keep up; called by a notebook."""
        from IPython import get_ipython
        from IPython.display import display

        self._handle = display(self._bundle(), raw=True, display_id=True)
        shell = get_ipython()
        if shell is None or self._callback is not None:
            return
        mine = weakref.ref(self)

        def after_cell(result: Any) -> None:
            watch = mine()
            if watch is not None:
                watch.update()

        self._shell, self._callback = shell, after_cell
        shell.events.register("post_run_cell", after_cell)
        weakref.finalize(self, _forget, shell, after_cell)

    def update(self) -> None:
        """Draw the table anew, if it is shown; for the last time if the pool is closed."""
        is_open = self._look()
        if self._handle is not None:
            self._handle.update(self._bundle(), raw=True)
        if not is_open:
            self.stop()

    def stop(self) -> None:
        """Keep up no more; what is shown stays as it is."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None
        if self._callback is not None:
            _forget(self._shell, self._callback)
            self._callback = None

    def __enter__(self) -> Watch:
        """Show the table where there is a notebook, and begin to keep up."""
        if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
            if self._handle is None:
                self._ipython_display_()
            self._stopped.clear()
            self._thread = threading.Thread(target=self._keep_up, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End the thread, and show how it came out."""
        self.stop()
        self.update()

    def _keep_up(self) -> None:
        while not self._stopped.wait(self._period_s):
            self.update()


def _forget(shell: Any, callback: Callable[[Any], None]) -> None:
    try:
        shell.events.unregister("post_run_cell", callback)
    except ValueError:
        pass  # It was before.


def _verdict(stats: PoolStats) -> str:
    served = f"{percent(stats.hit_rate)} of {plural(stats.requests, 'request')} served"
    return f"{served}, {stats.misses:,} missed, {stats.oversize:,} of them oversize"


def _html(stats: PoolStats) -> str:
    names = ("tier", "", "in use", "high-water mark", "requests", "spills", "exhausted")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(f"<tr>{_cells(tier)}</tr>" for tier in stats.tiers)
    return f"<table><tr>{head}</tr>{rows}</table><p>{_verdict(stats)}</p>"


def _cells(tier: TierStats) -> str:
    bar = BAR.format(
        in_use=100 * tier.occupancy,
        high=100 * tier.high_water / tier.slot_count,
        colour=FULL if tier.occupancy >= NEARLY_FULL else NOT_FULL,
    )
    counts = (tier.high_water, tier.requests, tier.spills, tier.exhausted)
    cells = [f"{tier.slot_bytes:,}", bar, f"{tier.in_use:,} of {tier.slot_count:,}"]
    return "".join(f"<td>{cell}</td>" for cell in [*cells, *(f"{count:,}" for count in counts)])
