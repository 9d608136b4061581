"""Models of the heaps that small devices use, in an arena of the device's size.

They answer for a trace: where would that heap have put each block, when would it first have
refused one, how does it fragment. first_fit, tlsf and half_fit place every block where FreeRTOS's
heap_4, ESP-IDF's TLSF and o1heap do; how that was compared, and published figures beside ours,
``benchmarks/heap_models.py`` writes to ``benchmarks/results``. What each model takes for headers,
rounding and its control structure stands in ``csrc/lab/rns_heap.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

import numpy as np

from pyrns_pool._native import none
from pyrns_pool.config import whole
from pyrns_pool.errors import ConfigError, Damage, Misuse
from pyrns_pool.trace import Trace

__all__ = ["HEAPS", "Heap", "HeapBlock", "HeapRun"]

HEAPS: tuple[str, ...] = tuple(
    none.ffi.string(none.lib.rns_heap_kind_name(kind)).decode()
    for kind in range(none.lib.RNS_HEAP_KIND_COUNT)
)
"""Names of the models: first_fit, best_fit, tlsf, half_fit and buddy."""

SIZE_MAX = 2**64 - 1
CHUNK_EVENTS = 1 << 20  # Some hundredths of a second, after which Ctrl-C is seen.


class HeapBlock(NamedTuple):
    """One block of a heap, header included."""

    offset_bytes: int
    """From the start of the arena; the payload begins behind the header."""
    block_bytes: int
    is_free: bool


@dataclass(frozen=True)
class HeapRun:
    """What a heap did with a trace, and its state after each event."""

    events: int
    requests: int
    failures: int
    """Requests that were refused; their frees do nothing."""
    probe_failures: Optional[int]
    """Events after which a request of the probe's size would have failed; None: no probe."""
    fragmentation_mean: float
    """External fragmentation, 0 to 1, over the states after each event."""
    fragmentation_worst: float
    largest_free_min: int
    """Bytes, header included."""
    total_free_min: int
    """Bytes, headers included."""
    first_failure_event: Optional[int]
    """Row of the trace."""
    first_failure_ns: Optional[int]


class Heap:
    """A heap in an arena of its own, empty at first.

    Parameters
    ----------
    kind : str
        One of `HEAPS`.
    arena_bytes : int
        What the device gives to the heap, its control structure included; at most 2**30.
    alignment : int, optional
        Of payloads, 4 or 8 bytes; half_fit and buddy give more. ESP-IDF builds TLSF with 4.
    header_bits : int, optional
        Width of the device's size_t and pointers, 32 or 64; it sets the size of headers.

    Raises
    ------
    ConfigError
        If the heap cannot be: names the field and the value.

    Examples
    --------
    >>> heap = Heap("first_fit", 1024)
    >>> first, second, third = heap.take(100), heap.take(200), heap.take(300)
    >>> heap.give(first)
    >>> heap.total_free, heap.largest_free
    (496, 384)
    >>> heap.take(400) is None
    True
    >>> heap.take(60) == first
    True
    """

    def __init__(
        self, kind: str, arena_bytes: int, *, alignment: int = 8, header_bits: int = 32
    ) -> None:
        config = _native_config(kind, arena_bytes, alignment, header_bits)
        lib, ffi = none
        needed = ffi.new("size_t *")
        if lib.rns_heap_storage_bytes(config, needed) != lib.RNS_OK:
            raise ConfigError(
                f"arena_bytes: {arena_bytes} do not hold the control structure of {kind} and "
                "one block"
            )
        self.kind = kind
        self.arena_bytes = arena_bytes
        self._storage = np.zeros((int(needed[0]) + 7) // 8, np.uint64)  # Aligned to 8.
        self._held = ffi.from_buffer("char[]", self._storage)
        self.native = ffi.new("rns_heap_t *")
        """The C heap; what takes from it beside `take` has to give it all back."""
        self._live: dict[int, int] = {}
        status = lib.rns_heap_init(self.native, config, {"start": self._held, "bytes": needed[0]})
        if status != lib.RNS_OK:  # pragma: no cover - everything was checked above
            raise ConfigError(ffi.string(lib.rns_status_name(status)).decode())

    @property
    def header_bytes(self) -> int:
        """Bytes in front of each payload."""
        return int(self.native.header_bytes)

    @property
    def largest_free(self) -> int:
        """Bytes of the largest free block, header included; 0: none is free."""
        return int(none.lib.rns_heap_largest_free(self.native))

    @property
    def total_free(self) -> int:
        """Bytes of all free blocks, headers included."""
        return int(none.lib.rns_heap_total_free(self.native))

    @property
    def fragmentation(self) -> float:
        """External fragmentation, 1 - largest_free / total_free; 0 where nothing is free."""
        total = self.total_free
        return 1 - self.largest_free / total if total else 0.0

    def block_bytes(self, size_bytes: int) -> int:
        """Return what a request takes of the arena at least.

        Parameters
        ----------
        size_bytes : int
            0 to the arena.

        Returns
        -------
        int
            Header and rounding included.
        """
        return int(none.lib.rns_heap_block_bytes(self.native, _whole(size_bytes, SIZE_MAX)))

    def fits(self, size_bytes: int) -> bool:
        """Return whether `take` of that size would be served now.

        Parameters
        ----------
        size_bytes : int
            0 to 2**64 - 1.

        Returns
        -------
        bool
            For tlsf it may be False although `largest_free` is large enough: it looks only into
            lists all of whose blocks fit.
        """
        return bool(none.lib.rns_heap_fits(self.native, _whole(size_bytes, SIZE_MAX)))

    def take(self, size_bytes: int) -> Optional[int]:
        """Take a block.

        Parameters
        ----------
        size_bytes : int
            0 to 2**64 - 1; 0 is served as the smallest request.

        Returns
        -------
        int or None
            Offset of the payload from the start of the arena; None if the heap refuses.
        """
        out = none.ffi.new("uint32_t *")
        size_bytes = _whole(size_bytes, SIZE_MAX)
        if none.lib.rns_heap_take(self.native, size_bytes, out) != none.lib.RNS_OK:
            return None
        self._live[int(out[0])] = size_bytes
        return int(out[0])

    def give(self, offset_bytes: int) -> None:
        """Give back what `take` returned.

        Parameters
        ----------
        offset_bytes : int
            Offset of a live payload.

        Raises
        ------
        Misuse
            If it is none; nothing changes.
        """
        if offset_bytes not in self._live:
            raise Misuse(f"offset_bytes: {offset_bytes!r} is no live block of this heap")
        if none.lib.rns_heap_give(self.native, offset_bytes) != none.lib.RNS_OK:
            raise Damage(f"the heap does not take back what it handed out at {offset_bytes}")
        del self._live[offset_bytes]

    def live(self) -> dict[int, int]:
        """Return the requested bytes of each live block, by the offset of its payload."""
        return dict(sorted(self._live.items()))

    def walk(self) -> list[HeapBlock]:
        """Return all blocks in the order of addresses."""
        found: list[HeapBlock] = []
        handle = none.ffi.new_handle(found)
        none.lib.rns_heap_walk(self.native, none.lib.pyrns_heap_visit, handle)
        return found

    def check(self) -> None:
        """Verify every invariant.

        Raises
        ------
        Damage
            With the number of the first broken invariant (csrc/lab/rns_heap.h) and the block.
        """
        damage = none.lib.rns_heap_check(self.native)
        if damage.status != none.lib.RNS_OK:
            invariant = none.ffi.string(damage.invariant).decode()
            raise Damage(f"{invariant} at offset {damage.offset_bytes}")

    def run(self, trace: Trace, *, probe_bytes: Optional[int] = None) -> HeapRun:
        """Send every event of a trace to this heap, beside what `take` holds.

        Parameters
        ----------
        trace : Trace
            A request that is refused is dropped, as is its free.
        probe_bytes : int, optional
            Ask after each event whether a request of that size would be served; 0 to 2**32 - 2.

        Returns
        -------
        HeapRun
            The blocks that the trace never frees stay in the heap.

        Raises
        ------
        Damage
            If the heap contradicts itself, which only overwritten memory explains.

        Notes
        -----
        Some fifty nanoseconds an event, of which half are for looking at the state.

        Examples
        --------
        >>> from pyrns_pool.workloads import packet_node
        >>> run = Heap("tlsf", 65536).run(packet_node(45_000, events=100_000), probe_bytes=500)
        >>> run.failures, run.probe_failures
        (0, 0)
        """
        lib, ffi = none
        probe = lib.RNS_HEAP_NONE if probe_bytes is None else _whole(probe_bytes, 2**32 - 2)
        offsets = np.full(trace.block_count, lib.RNS_HEAP_NONE, np.uint32)
        state = ffi.new("rns_heap_run_t *")
        places = ffi.from_buffer("uint32_t[]", offsets)
        state.heap, state.offsets, state.probe_bytes = self.native, places, probe
        tally = ffi.new("rns_heap_tally_t *")
        lib.rns_heap_tally_init(tally)
        events = ffi.from_buffer("rns_event_t[]", trace.events)
        blocks = ffi.from_buffer("uint32_t[]", trace.blocks)
        for first in range(0, len(trace), CHUNK_EVENTS):
            count = min(CHUNK_EVENTS, len(trace) - first)
            if lib.rns_heap_run(state, events + first, blocks + first, count, tally) != lib.RNS_OK:
                raise Damage(f"events {first} to {first + count}: a free was refused")
        held = offsets != lib.RNS_HEAP_NONE
        self._live.update(zip(offsets[held].tolist(), trace.block_sizes[held].tolist()))
        return _run_of(tally, probe_bytes is not None)


def _whole(value: Any, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{value!r} is not a whole number")
    if not 0 <= value <= highest:
        raise ValueError(f"{value} is not in 0 to {highest}")
    return int(value)


def _native_config(kind: str, arena_bytes: int, alignment: int, header_bits: int) -> Any:
    if kind not in HEAPS:
        raise ConfigError(f"kind: {kind!r} is none of {', '.join(HEAPS)}")
    if header_bits not in (32, 64):
        raise ConfigError(f"header_bits: {header_bits!r} is neither 32 nor 64")
    if alignment not in (4, 8) or alignment < header_bits // 8:
        raise ConfigError(f"alignment: {alignment!r} is not 8, or 4 with headers of 32 bits")
    whole("arena_bytes", arena_bytes, 1, none.lib.RNS_HEAP_ARENA_BYTES_MAX)
    return none.ffi.new(
        "rns_heap_config_t *", (HEAPS.index(kind), arena_bytes, alignment, header_bits // 8)
    )


def _run_of(tally: Any, is_probed: bool) -> HeapRun:
    failed = tally.first_failure_event >= 0
    return HeapRun(
        events=tally.events,
        requests=tally.requests,
        failures=tally.failures,
        probe_failures=tally.probe_failures if is_probed else None,
        fragmentation_mean=tally.fragmentation_ppm_sum / tally.events / 1e6,
        fragmentation_worst=tally.fragmentation_ppm_max / 1e6,
        largest_free_min=tally.largest_free_min,
        total_free_min=tally.total_free_min,
        first_failure_event=tally.first_failure_event if failed else None,
        first_failure_ns=tally.first_failure_ns if failed else None,
    )


@none.ffi.def_extern()  # type: ignore[misc]
def pyrns_heap_visit(context: Any, offset_bytes: int, block_bytes: int, is_free: bool) -> None:
    """Append a block to the list; called by C."""
    none.ffi.from_handle(context).append(HeapBlock(offset_bytes, block_bytes, bool(is_free)))
