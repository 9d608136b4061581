"""Orders of takes and gives that are bad for allocators, over the pool and the heap beside it."""

from __future__ import annotations

from typing import Any, Sequence

from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.errors import Damage
from pyrns_pool.stats import TableStats

DRILLS = 1_000_000  # In the whole soak.


class SoakHard:
    """Sawtooth, comb, storms, exhaustion drills and a slow leak.

    Parameters
    ----------
    soak : C ``rns_soak_t *``
        Clock and monitor.
    pools : sequence of NativePool
        The pool, and that which passes all to the heap.
    stores : sequence of C ``rns_store_t *``
        Over each of them, of the first site.
    spec : SoakSpec
        Seed and hours.
    """

    tags = ("sawtooth", "comb", "storm", "log")
    """Sites; what ``log`` takes, one block an hour, it never gives back."""

    provenance: dict[str, str] = {}

    def __init__(
        self, soak: Any, pools: Sequence[NativePool], stores: Sequence[Any], spec: Any
    ) -> None:
        ffi = none.ffi
        slots = sum(tier.slot_count for tier in pools[0].config.tiers)
        more = [
            [pool.new_store(tag=tag) for pool in pools] for tag in range(2, len(self.tags) + 1)
        ]
        # C keeps the addresses only: what is in here has to outlive the run.
        self._held: dict[str, Any] = {
            "stores": [list(stores), *more],
            "blocks": ffi.new("rns_soak_block_t[]", 2 * slots),
            "drilled": ffi.new("void *[]", slots),
            "image": ffi.new("uint32_t[]", slots + 4 * len(pools[0].config.tiers)),
        }
        self._state = ffi.new(
            "rns_soak_hard_t *",
            {
                "soak": soak,
                "slot_count": slots,
                "random": spec.seed,
                "drills_per_hour": -(-DRILLS // spec.hours),
                **self._held,
            },
        )

    def hour(self) -> None:
        """Run one hour."""
        none.lib.rns_soak_hard_hour(self._state)

    def held(self) -> int:
        """Return how many slots of the pool are held at an hour's end: none, the leak is lost."""
        return 0

    def check(self) -> None:
        """Raise Damage if a drill did not leave the state as it was."""
        if self._state.drill_faults:
            raise Damage(f"{self._state.drill_faults} drills changed the state of a tier")

    def tables(self) -> tuple[TableStats, ...]:
        """Return no tables."""
        return ()

    def counts(self) -> dict[str, int]:
        """Return what was counted."""
        names = ("leaked", "drills", "drill_requests", "drill_faults")
        return {name: int(getattr(self._state, name)) for name in names}

    def close(self) -> None:
        """Do nothing: only the leak is out, and nobody has it."""
