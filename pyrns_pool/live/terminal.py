"""Samples in a terminal: a picture that is drawn anew, or a row for each where there is none."""

from __future__ import annotations

from types import TracebackType
from typing import IO, Any, Optional, Protocol

from pyrns_pool.live.sample import Alarm, HeapNow, Sample, TierNow
from pyrns_pool.live.source import Source
from pyrns_pool.words import percent, plural

__all__ = ["Rows", "Screen", "View", "view_for"]

FULL, REST = "\N{FULL BLOCK}", "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
MARK = "\N{BOX DRAWINGS HEAVY VERTICAL}"
LINES_AROUND = 9  # Of the picture, besides tiers and misses.
MISSES_LEAST, MISSES_SHOWN = 3, 6
NARROW = 70


class View(Protocol):
    """Something that shows samples; a context manager."""

    is_picture: bool
    """Whether what the program prints has to go through `write`."""

    def show(self, sample: Sample) -> None:
        """Show a sample in place of the one before."""

    def write(self, line: str) -> None:
        """Show a line that the program printed."""

    def __enter__(self) -> View:
        """Begin."""

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End, and leave the terminal as it was."""


def view_for(source: Source, stream: IO[str]) -> View:
    """Return a picture if `stream` is a terminal and rich is installed, else rows."""
    if stream.isatty():
        try:
            return Screen(source, stream)
        except ImportError:
            pass
    return Rows(source, stream)


class Rows:
    """A row for each sample, of fixed columns."""

    is_picture = False

    def __init__(self, source: Source, stream: IO[str]) -> None:
        self._source, self._stream = source, stream
        self._widths = [max(len(f"{t.slot_count:,}"), 6) for t in source.config.tiers]

    def __enter__(self) -> Rows:
        """Write what is watched, and the header."""
        config = self._source.config
        tiers = [f"{t.slot_bytes}x{t.slot_count}" for t in config.tiers]
        self._widths = [max(map(len, pair)) for pair in zip(tiers, map("{:>6}".format, tiers))]
        self.write(f"{self._source.about}, over {config}")
        self._write_cells(["time", "events", "requests", "hit rate", "misses/s"], tiers)
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Do nothing."""

    def show(self, sample: Sample) -> None:
        """Write a row: slots in use under each tier."""
        cells = [seconds(sample.time_ns), f"{sample.events:,}", f"{sample.requests:,}"]
        cells += [percent(sample.hit_rate), f"{sample.window.misses_per_s:,.1f}"]
        self._write_cells(cells, [f"{tier.in_use:,}" for tier in sample.tiers])

    def _write_cells(self, cells: list[str], tiers: list[str]) -> None:
        texts = [cell.rjust(width) for cell, width in zip(cells, (12, 12, 12, 10, 10))]
        texts += [cell.rjust(width) for cell, width in zip(tiers, self._widths)]
        self.write("  ".join(texts))

    def write(self, line: str) -> None:
        """Write a line."""
        print(line, file=self._stream, flush=True)


class Screen:
    """A picture at the bottom of a terminal; what the program prints scrolls by above it."""

    is_picture = True

    def __init__(self, source: Source, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._source = source
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._size = self._console.size

    def __enter__(self) -> Screen:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Remove the picture."""
        self._live.stop()

    def show(self, sample: Sample) -> None:
        """Draw."""
        if self._console.size != self._size:
            # Lines may have been broken anew: where the picture begins is not known any more.
            self._live.stop()
            self._console.clear()
            self._live.start()
            self._size = self._console.size
        self._live.update(picture(sample, self._source, *self._size), refresh=True)

    def write(self, line: str) -> None:
        """Print a line above the picture."""
        from rich.text import Text

        self._console.print(Text.from_ansi(line), soft_wrap=True)


def picture(sample: Sample, source: Source, width: int, height: int) -> Any:
    """Return a rich renderable of a sample, of at most that size.

    Parameters
    ----------
    sample : Sample
        What to show.
    source : Source
        What it is of.
    width, height : int
        Of the terminal.
    """
    from rich.console import Group
    from rich.text import Text

    def line(text: str, style: str = "") -> Any:
        return Text(text[: width - 1], style=style, no_wrap=True, overflow="crop")

    room = max(1, height - LINES_AROUND)
    kept = min(MISSES_LEAST, len(sample.last_misses)) if room > 2 * MISSES_LEAST else 0
    tiers = sample.tiers[: room - kept]
    rest = len(sample.tiers) - len(tiers)
    shown = min(MISSES_SHOWN, room - len(tiers))
    misses = sample.last_misses[-shown:] if shown else ()
    lines = [line(f"{source.about}", "bold"), line(state_words(sample, source))]
    lines += [line(served_words(sample)), line("")]
    lines += [tier_line(tier, sample.alarms, width - 1) for tier in tiers]
    lines += [line(f"        {plural(rest, 'tier')} more")] if rest else []
    lines += [line("")]
    lines += [] if sample.heap is None else [line(heap_words(sample.heap))]
    alarms = [alarm_words(alarm) for alarm in sample.alarms if alarm.is_on]
    lines.append(line(f"alarms  {'; '.join(alarms) or 'none'}", "bold red" if alarms else ""))
    for at, miss in enumerate(reversed(misses)):
        where = "oversize" if miss.slot_bytes is None else f"tier {miss.slot_bytes}"
        words = f"{seconds(miss.time_ns):>12}  {miss.size_bytes:>8,} bytes  {where:<10}"
        lines.append(line(f"{'missed' if at == 0 else '':<6}{words}  {miss.site}"))
    return Group(*lines)


def state_words(sample: Sample, source: Source) -> str:
    """Return time, events and how complete they are."""
    parts = [f"{sample.state} {seconds(sample.time_ns)}", source.config.policy]
    parts.append(f"{sample.events:,} events")
    parts += [f"{sample.behind:,} behind"] if sample.behind else []
    parts += [f"{sample.lost:,} lost"] if sample.lost else []
    if sample.other_processes:
        parts.append(f"{sample.other_processes:,} more processes")
    return ", ".join(parts)


def served_words(sample: Sample) -> str:
    """Return the hit rates and the misses."""
    window = sample.window
    words = f"{percent(sample.hit_rate)} of {sample.requests:,} requests served"
    if window.hit_rate is not None:
        words += f", lately {percent(window.hit_rate)}"
    rate = f"{window.misses_per_s:,.{0 if window.misses_per_s >= 10 else 1}f}"
    return f"{words}; {sample.misses:,} missed, {rate} a second"


def tier_line(tier: TierNow, alarms: tuple[Alarm, ...], width: int) -> Any:
    """Return a tier as a bar: slots in use, and a tick at the high-water mark."""
    from rich.text import Text

    is_on = any(alarm.is_on and alarm.slot_bytes == tier.slot_bytes for alarm in alarms)
    front = f"{tier.slot_bytes:>7} "
    back = f" {tier.in_use:,} of {tier.slot_count:,}".ljust(18)
    back += f" high {tier.high_water:,}".ljust(13) + f" missed {tier.exhausted:,}"
    if width < NARROW:
        back = f" {tier.in_use:,} of {tier.slot_count:,}".ljust(16)
    back = back.ljust(48) if width >= NARROW else back
    cells = max(4, width - len(front) - len(back))
    filled = -(-tier.in_use * cells // tier.slot_count)
    mark = -(-tier.high_water * cells // tier.slot_count) - 1
    bar = [FULL] * filled + [REST] * (cells - filled)
    if filled <= mark:
        bar[mark] = MARK
    text = Text(front, no_wrap=True, overflow="crop")
    text.append("".join(bar), style="red" if is_on else "cyan")
    text.append(back, style="bold red" if is_on else "")
    return text


def heap_words(heap: HeapNow) -> str:
    """Return the state of the heap beside the pool."""
    free = f"{heap.total_free:,} of {heap.arena_bytes:,} bytes free"
    refused = f"{heap.failures:,} refused"
    return f"beside  {heap.kind}: {free}, {percent(heap.fragmentation)} fragmented, {refused}"


def alarm_words(alarm: Alarm) -> str:
    """Return an alarm as words."""
    name = alarm.name.replace("_", " ")
    if alarm.slot_bytes is not None:
        name = name.replace("tier", f"tier {alarm.slot_bytes}")
    return f"{name} since {seconds(alarm.since_ns)}"


def seconds(ns: int) -> str:
    """Return a time as seconds, or as hours, minutes and seconds."""
    if ns < 60 * 10**9:
        return f"{ns / 1e9:.3f} s"
    minutes, rest = divmod(ns // 10**9, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
