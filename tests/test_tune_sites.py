"""Sites kept apart: each choice is the best there is, and every hit is one of the real pool."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tune import BYTES_MAX, SIZES, STEPS, trace_of
from tune_model import ranked

import pyrns_pool as rp
from pyrns_pool.config import Tier
from pyrns_pool.errors import ConfigError
from pyrns_pool.trace import Trace
from pyrns_pool.tune import tune
from pyrns_pool.tune_sites import site_sets

NAMES = ("app:a", "app:b", "app:c")


@st.composite
def traces_of_sites(draw):
    trace = trace_of(draw(st.lists(STEPS.filter(lambda s: s[0] != 0), min_size=14, max_size=40)))
    events = trace.events.copy()
    blocks = draw(st.lists(st.integers(0, 2), min_size=40, max_size=40))
    events["site"][trace.alloc_rows] = blocks[: trace.block_count]
    return Trace(events, NAMES)


def only(trace, sites, inside):
    used = np.isin(trace.events["site"][trace.alloc_rows], [NAMES.index(name) for name in sites])
    keep = used == inside
    if not keep.any():
        return None
    return Trace(trace.events[keep[trace.blocks]], NAMES)


def most(trace, budget, tiers):
    """Return the most hits in a budget, by trying every pool."""
    return max((hits for hits, _, _ in ranked([trace], [1], SIZES, budget, tiers)), default=None)


def most_of_two(one, other, budget, tiers):
    best = None
    for first in range(8, budget - 7, 8):
        for number in range(1, tiers):
            hits = most(one, first, number), most(other, budget - first, tiers - number)
            if None not in hits and (best is None or sum(hits) > best):
                best = sum(hits)
    return best


def test_no_way_to_keep_these_sites_apart_serves_more():
    seen = Counter()

    @settings(max_examples=12)
    @given(traces_of_sites(), st.sampled_from([24, 32, 40]), st.integers(1, 3))
    def check(trace, budget, tiers):
        result = tune(trace, budget_bytes=budget, max_tiers=tiers, candidates=SIZES, sites=2)
        sets = site_sets([trace], 2)
        assert {one.sites for one in result.sites} <= set(sets)
        for one in result.sites:
            others, own = only(trace, one.sites, False), only(trace, one.sites, True)
            if one.own is None:
                wanted = most(others, budget, tiers)
                assert one.config.slots_bytes <= budget
            else:
                wanted = most_of_two(others, own, budget, tiers)
                assert one.config.slots_bytes + one.own.slots_bytes <= budget
                assert len(one.config.tiers) + len(one.own.tiers) <= tiers
            assert one.hits == wanted
            real = rp.replay(others, one.config, bins=1).stats.hits
            assert one.other_hits == real and one.other_requests == others.block_count
            if one.own is not None:
                assert one.hits == real + rp.replay(own, one.own, bins=1).stats.hits
            assert one.requests == trace.block_count
            seen[one.place] += 1
        hits = [one.hits for one in result.sites]
        assert hits == sorted(hits, reverse=True)

    check()
    print(seen)
    assert seen["out"] >= 15 and seen["own pool"] >= 10


def test_sites_are_tried_that_hold_most_bytes_for_longest_alone_and_together():
    columns = {
        "t_ns": [0, 0, 0, 10],
        "op": [0, 0, 0, 1],
        "id": [1, 2, 3, 3],
        "size": [8, 80, 1000, 0],
        "site": [0, 1, 2, 0],
    }
    # Of 100 ns in all, c holds 1000 bytes for 10 ns, b 80 and a 8 for all of them.
    columns = {name: [*values, last] for (name, values), last in zip(columns.items(), LAST)}
    trace = Trace.from_events(columns, NAMES)
    assert site_sets([trace], 2) == [("app:c",), ("app:b",), ("app:c", "app:b")]
    assert len(site_sets([trace], 9)) == 5


LAST = (100, 0, 4, 1, 0)  # An allocation at the very end, of the site a.


def test_a_block_that_stays_is_worth_keeping_out():
    """One site's block keeps the only slot that the other site's blocks could pass through."""
    columns = {
        "op": [0] + [0, 1] * 50,
        "id": [0] + [n for n in range(1, 51) for _ in range(2)],
        "size": [8] + [8, 0] * 50,
        "site": [0] + [1, 0] * 50,
        "t_ns": range(101),
    }
    trace = Trace.from_events(columns, NAMES[:2])
    result = tune(trace, budget_bytes=8, sites=1)
    (out,) = result.sites
    assert (result.total.hits, out.sites, out.place, out.hits) == (1, ("app:a",), "out", 50)
    assert rp.TuneResult.to_dict(result)["sites"][0]["own_pool"] is None


def test_what_is_required_is_required_of_the_pool_of_the_other_sites():
    trace = trace_of([(8, 0)] * 6)
    events = trace.events.copy()
    events["site"][::2] = 1
    result = tune(Trace(events, NAMES[:2]), budget_bytes=BYTES_MAX, require=[Tier(24, 2)], sites=2)
    assert result.sites and all(one.config.tiers[-1].slot_bytes == 24 for one in result.sites)
    with pytest.raises(ConfigError, match="sites: 65 is not in 0 to 64"):
        tune(trace, budget_bytes=8, sites=65)
