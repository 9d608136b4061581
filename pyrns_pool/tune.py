"""Choose tiers and slots from recorded traffic: the best there are, not a guess.

Tiers of a strict pool do not interact: a tier serves the sizes between the next smaller tier's
and its own, so its hits are one point on the exact curve of that range. The best pool of a number
of bytes is then found by dynamic programming over boundaries, slots and bytes (``rns_tune.h``).
It is an optimum, not a climb: one block that is never given back gains one hit with the first
slot, and hides what the second gains.

>>> from pyrns_pool import Trace, tune
>>> columns = {"op": [0] + [0, 1] * 1000, "id": range(2001), "size": [8] + [8, 0] * 1000}
>>> columns["id"] = [0] + [n for n in range(1, 1001) for _ in range(2)]
>>> trace = Trace.from_events({**columns, "t_ns": range(2001)})
>>> for budget in (8, 16):
...     found = tune(trace, budget_bytes=budget)
...     print(found.config, found.total.hits)
8x1 strict 1
8x2 strict 1001

The answer holds for strict pools. Every one is sent through the real pool before it is given: what
was predicted is what the pool does, hit for hit, or there is an error.
"""

from __future__ import annotations

from typing import Callable, Optional, Sequence, Union

from pyrns_pool._tune_ranges import candidate_sizes
from pyrns_pool._tune_search import Tuner, counts, part_of, verified
from pyrns_pool.compare import pool_ram_bytes
from pyrns_pool.config import SLOT_BYTES_MAX, PoolConfig, Tier, whole
from pyrns_pool.errors import ConfigError
from pyrns_pool.replay import replay
from pyrns_pool.results import TraceSummary
from pyrns_pool.trace import Trace
from pyrns_pool.tune_pins import pins_of
from pyrns_pool.tune_results import Goal, TuneResult
from pyrns_pool.tune_sites import site_choices

__all__ = ["ALIGNMENT_DEFAULT", "CANDIDATES_DEFAULT", "tune"]

ALIGNMENT_DEFAULT = 8  # What slots of csrc/core are aligned to on a device with 32-bit pointers.
CANDIDATES_DEFAULT = 96
CANDIDATES_MAX = 256
SITES_MAX = 64

Progress = Optional[Callable[[float], object]]


def tune(
    traces: Union[Trace, Sequence[Trace]],
    *,
    budget_bytes: Optional[int] = None,
    min_hit_rate: Optional[float] = None,
    max_misses: Optional[int] = None,
    max_tiers: int = 4,
    max_fragmentation: Optional[float] = None,
    require: Sequence[Tier] = (),
    candidates: Optional[Sequence[int]] = None,
    alignment: int = ALIGNMENT_DEFAULT,
    candidates_max: int = CANDIDATES_DEFAULT,
    weights: Optional[Sequence[int]] = None,
    compared: Sequence[tuple[str, PoolConfig]] = (),
    validate: Sequence[Trace] = (),
    sites: int = 0,
    worst: bool = False,
    progress: Progress = None,
) -> TuneResult:
    """Return the best strict pool for what was recorded.

    Parameters
    ----------
    traces : Trace or sequence of Trace
        What it is to serve; of several, the sum of their hits counts.
    budget_bytes, min_hit_rate, max_misses, max_tiers, max_fragmentation, require
        What is asked; see `Goal`. Exactly one of the first three.
    candidates : sequence of int, optional
        Slot sizes to choose from. By default every size requested, rounded up to `alignment`.
    alignment : int, optional
        What slot sizes are a multiple of, in bytes.
    candidates_max : int, optional
        Most sizes to try; the ones left out are those that the next larger one replaces best.
    weights : sequence of int, optional
        What a hit counts in each trace, 1 or more; by default 1.
    compared : sequence of (str, PoolConfig), optional
        Other pools, by name: each is replayed, beside the best pool of no more bytes.
    validate : sequence of Trace, optional
        Traces that are held back: the answer is replayed on them, and not chosen for them.
    sites : int, optional
        So many sites, those whose blocks hold most bytes for longest, are tried apart: kept out
        of the pool or in one of their own, each alone and the first of them together, within the
        same bytes and number of tiers.
    worst : bool, optional
        Of several traces the smallest hit rate counts, not the sum of hits. That is found by
        weighing them anew until no better pool shows itself, and comes with a bound.
    progress : callable, optional
        Called now and then with the fraction that is done, 0 to 1.

    Returns
    -------
    TuneResult
        No strict pool of candidates does better. Of equal ones it is that with the fewest bytes,
        then the fewest tiers.

    Raises
    ------
    ConfigError
        If a value is refused, or no pool is as asked; names the field and what is possible.
    PredictionError
        If the real pool does not do what was predicted, which only a fault in here explains.

    Notes
    -----
    For n candidates n (n + 1) / 2 passes over parts of each trace, then a table of
    ``max_tiers * n * bytes``; some four seconds for a million events, 64 candidates and 4 tiers.

    Examples
    --------
    >>> columns = {"op": [0, 0, 1, 0], "id": [1, 2, 1, 3], "size": [20, 20, 0, 60]}
    >>> trace = Trace.from_events({**columns, "t_ns": range(4)})
    >>> found = tune(trace, max_misses=0)
    >>> str(found.config), found.config.slots_bytes, found.total.hits
    ('24x2,64x1 strict', 112, 3)
    """
    goal = Goal(
        budget_bytes, min_hit_rate, max_misses, max_tiers, max_fragmentation, tuple(require)
    )
    many = [traces] if isinstance(traces, Trace) else list(traces)
    if not many:
        raise ConfigError("traces: none is given")
    factors = [1] * len(many) if weights is None else list(weights)
    if len(factors) != len(many):
        raise ConfigError(f"weights: {len(factors)} weights for {len(many)} traces")
    for factor in factors:
        whole("weights", factor, 1, 1 << 20)
    sizes, of = _candidates(many, goal, candidates, alignment, candidates_max)
    whole("sites", sites, 0, SITES_MAX)
    main = 1.0 / (1 + sites)
    tuner = Tuner(many, factors, goal, sizes, part_of(progress, 0.0, main))
    wanted = [config.slots_bytes for _, config in compared]
    bound: Optional[float] = None
    if worst:
        if goal.budget_bytes is None or weights is not None:
            raise ConfigError("worst: needs budget_bytes, and finds the weights itself")
        chosen, bound = tuner.worst(wanted)
    else:
        chosen = tuner.answer(wanted)
    factors = list(tuner.rules.weights)
    replayed = [verified(ranges, chosen) for ranges in tuner.ranges]
    return TuneResult(
        goal=goal,
        traces=tuple(TraceSummary.of(trace) for trace in many),
        weights=tuple(factors),
        candidates=tuple(sizes),
        candidates_of=of,
        config=chosen.config,
        metadata_bytes=pool_ram_bytes(chosen.config)[1],
        tiers=tuner.needs(chosen),
        predicted=tuple(counts(r, chosen) for r in tuner.ranges),
        replayed=tuple(result.to_dict() for result in replayed),
        held_back=tuple(replay(t, chosen.config, bins=1).to_dict() for t in validate),
        compared=tuple(tuner.beside(name, config) for name, config in compared),
        front=tuner.front([chosen.config.slots_bytes, *(c.slots_bytes for _, c in compared)]),
        pins=pins_of(many, chosen.config),
        sites=site_choices(
            many,
            factors,
            goal,
            sizes,
            chosen.config.slots_bytes if goal.budget_bytes is None else goal.budget_bytes,
            sites,
            verified,
            part_of(progress, main, 1 - main),
        ),
        worst_bound=bound,
    )


def _candidates(
    traces: Sequence[Trace],
    goal: Goal,
    given: Optional[Sequence[int]],
    alignment: int,
    count_max: int,
) -> tuple[list[int], int]:
    required = [tier.slot_bytes for tier in goal.require]
    if given is None:
        whole("alignment", alignment, 1, SLOT_BYTES_MAX)
        whole("candidates_max", count_max, 1, CANDIDATES_MAX)
        return candidate_sizes(traces, alignment, count_max, required)
    for size in given:
        whole("candidates", size, 1, SLOT_BYTES_MAX)
    sizes = sorted({*given, *required})
    whole("candidates: their number", len(sizes), 1, CANDIDATES_MAX)
    return sizes, len(sizes)
