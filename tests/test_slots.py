"""Which slot each block gets: against the slow pool, and never one slot for two blocks."""

import numpy as np
import pytest
import trace_model
from hypothesis import given
from hypothesis import strategies as st
from slot_model import spans_of

from pyrns_pool import PoolConfig, Trace, replay, slot_spans
from pyrns_pool.errors import TraceError
from pyrns_pool.trace import EVENT_DTYPE

POOLS = ("16x1", "64x2,300x1", "8x1,600x3", "512x4")


@given(trace_model.valid_traces(), st.sampled_from(POOLS), st.sampled_from(["strict", "spill"]))
def test_spans_are_those_of_the_slow_pool(drawn, tiers, policy):
    rows, sites = drawn
    trace = Trace.from_events(np.array(rows, EVENT_DTYPE), sites)
    config = PoolConfig.parse(tiers, policy)
    assert slot_spans(trace, config).tolist() == spans_of(trace, config)


def test_spans_of_a_recording_agree_with_its_replay(recording):
    for policy in ("strict", "spill"):
        config = PoolConfig.parse("32x600,64x300,256x64,1024x8", policy)
        result = replay(recording, config)
        spans = slot_spans(recording, config)
        assert int((spans["tier"] >= 0).sum()) == result.stats.hits + result.stats.spills
        for tier, stats in enumerate(result.stats.tiers):
            mine = spans[spans["tier"] == tier]
            assert int(mine["slot"].max()) + 1 == stats.high_water
            assert int((mine["end"] == len(recording)).sum()) == stats.in_use
            order = mine[np.lexsort((mine["begin"], mine["slot"]))]
            same = order["slot"][1:] == order["slot"][:-1]
            assert (order["begin"][1:][same] > order["end"][:-1][same]).all()


@pytest.fixture(scope="module")
def recording():
    """Return the first 100,000 events of the shipped recording."""
    from pyrns_pool import load_trace, shipped

    whole = load_trace(shipped("microreticulum_node_a.npz"))
    return Trace(whole.events[:100_000], whole.sites, whole.provenance)


def test_progress_ends_at_one_and_a_pool_without_identity_is_refused(recording):
    seen = []
    slot_spans(recording, PoolConfig.parse("64x4"), progress=seen.append)
    assert seen and seen[-1] == 1.0
    guessed = Trace(recording.events, recording.sites, {}, True, False)
    with pytest.raises(TraceError, match="as a slot over time needs"):
        slot_spans(guessed, PoolConfig.parse("64x4"))
