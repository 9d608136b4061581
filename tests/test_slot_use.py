"""Blocks followed through their slots: against the slow model, and against the pool's counts."""

from dataclasses import fields
from random import Random

import numpy as np
import pytest
import trace_model
from hypothesis import given, settings
from hypothesis import strategies as st
from slot_model import Slots

import pyrns_pool as rp
from pyrns_pool.errors import ResultError, TraceError
from pyrns_pool.slot_results import EPISODE_DTYPE
from pyrns_pool.trace import EVENT_DTYPE

POOLS = (
    rp.PoolConfig.parse("16x1"),
    rp.PoolConfig.parse("64x2,300x1"),
    rp.PoolConfig.parse("8x1,600x3", "spill"),
    rp.PoolConfig((rp.Tier(64, 2, reserve_count=1), rp.Tier(4096, 1)), "spill"),
    rp.PoolConfig((rp.Tier(512, 1, reserve_count=1),)),
    rp.PoolConfig.parse("64x100,600x4"),
    rp.PoolConfig.parse("16x1,64x2,300x3"),
)


@settings(max_examples=50)  # The traces of the next test are longer.
@given(trace_model.valid_traces(), st.sampled_from(POOLS), st.randoms(use_true_random=False))
def test_what_is_known_of_slots_and_blocks_is_what_the_slow_model_knows(drawn, config, random):
    rows, sites = drawn
    assert_known(rp.Trace.from_events(np.array(rows, EVENT_DTYPE), sites), config, random)


@pytest.mark.parametrize("config", POOLS, ids=str)
def test_so_it_is_where_most_blocks_are_freed(config):
    random = Random(5)
    for _ in range(4):
        rows, t_ns = [], 0
        live = []
        for block in range(50):
            t_ns += random.randrange(9)
            rows.append((t_ns, 0, block, random.choice((3, 16, 40, 300, 9000)), block % 3))
            live.append(block)
            while live and random.random() < 0.5 or len(live) > 12:
                t_ns += random.randrange(9)
                rows.append((t_ns, 1, live.pop(random.randrange(len(live))), 0, 0))
        rows += [(t_ns + 1, 1, block, 0, 0) for block in live[1:]]
        trace = of_rows(rows)
        assert_known(trace, config, random)


def of_rows(rows):
    """Return a trace of (t_ns, op, id, size, site)."""
    names = ("t_ns", "op", "id", "size", "site")
    return rp.Trace.from_events(dict(zip(names, zip(*rows))), ["a", "b", "c"])


def assert_known(trace, config, random):
    """Hold everything that is known of a trace in a pool against the slow model."""
    use, model = rp.slot_use(trace, config), Slots(trace, config)
    assert use.episodes.tolist() == model.episodes()
    assert use.episodes["misses"].sum() == sum(tier < 0 for tier, *_ in model.spans)
    assert use.holders.tolist() == model.holders()
    assert use.pinned.tolist() == model.pinned()
    taken = [(tier, slot) for tier, slot, *_ in use.pinned.tolist()]
    assert len(set(taken)) == len(taken)
    for tier in range(-1, len(config.tiers)):
        assert_ages(use, model, tier)
    assert_raster(use, model, random)


def assert_ages(use, model, tier):
    """Hold the ages of a home tier against the lives of its blocks, one by one."""
    lives = model.lives(tier)
    mine = use.ages[use.ages["tier"] == tier]
    rows = use.lifetimes[use.lifetimes["tier"] == tier]
    assert len(rows) == min(1, len(lives))
    if not lives:
        assert len(mine) == 0
        return
    for _, age, held in mine.tolist():
        assert held == sum(life is None or life > age for life in lives)
    freed = sorted(life for life in lives if life is not None)
    (row,) = rows
    assert mine["held"][-1] == len(lives) - len(freed) == row["kept"]
    assert row["blocks"] == len(lives)
    assert row["longest_ns"] == max(freed, default=-1)
    for name, share in (("half_ns", 50), ("most_ns", 99)):
        enough = [a for a in freed if 100 * sum(f <= a for f in freed) >= share * len(lives)]
        assert row[name] == min(enough, default=-1)


def assert_raster(use, model, random):
    """Hold some columns of the raster against the blocks in them, and all of it in sum."""
    rows, sizes = use.rows.tolist(), [tier.slot_count for tier in model.config.tiers]
    covered = [(tier, slot) for tier, at, count in rows for slot in range(at, at + count)]
    assert covered == [(i, slot) for i, size in enumerate(sizes) for slot in range(size)]
    edges = use.edges_ns.tolist()
    assert (edges[0], edges[-1]) == (model.t_ns[0], model.t_ns[-1])
    bins = range(len(edges) - 1)
    for column in random.sample(bins, min(len(bins), 8)):
        for number, row in enumerate(rows):
            wanted = model.cell(row, edges[column], edges[column + 1])
            assert tuple(use.cells[number, column].tolist()) == wanted
    for tier in range(len(sizes)):
        mine = use.cells[use.rows["tier"] == tier]
        served = [block for block, span in enumerate(model.spans) if span[0] == tier]
        lived = sum(end - begin for begin, end in map(model.time, served))
        assert (mine["busy_ns"].sum(), mine["takes"].sum()) == (lived, len(served))


@pytest.fixture(scope="module")
def recording():
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.mark.parametrize("preset", ["design", "prism", "pyxis"])
def test_what_is_known_of_blocks_agrees_with_the_replay_of_the_recording(recording, preset):
    result = rp.replay(recording, rp.PoolConfig.preset(preset), slots=True)
    use, stats = result.slots, result.stats
    assert len(use.episodes) > 1 and len(use.pinned) > 10
    for index, (tier, times) in enumerate(zip(stats.tiers, result.tier_times)):
        episodes = use.episodes[use.episodes["tier"] == index]
        assert episodes["misses"].sum() == tier.exhausted
        if len(episodes):
            assert episodes["first_ns"][0] == times.first_miss_ns
            assert (episodes["full_from_ns"][1:] >= episodes["full_until_ns"][:-1]).all()
        assert use.holders["slots"][use.holders["tier"] == index].sum() == tier.high_water
        cells = use.cells[use.rows["tier"] == index]
        assert cells["takes"].sum() == tier.hits + tier.spills_in
        in_use_ns = result.timeline.bins["in_use_ns"][:, index].sum()
        assert cells["busy_ns"].sum() == in_use_ns
        lives = use.lifetimes[use.lifetimes["tier"] == index]
        assert lives["blocks"].sum() == tier.requests
    assert use.episodes["misses"].sum() == stats.misses
    by_site = {row.site: row.misses for row in result.sites}
    assert all(row["site_misses"] <= by_site[use.sites[row["site"]]] for row in use.episodes)


def test_an_episode_is_told_with_size_state_and_site():
    rows = [
        (0, 0, 1, 60, 0),
        (5, 0, 2, 10, 1),
        (9, 0, 3, 40, 2),
        (20, 0, 4, 33, 2),
        (30, 1, 1, 0, 0),
    ]
    rows += [(31, 0, 5, 64, 1)]
    trace = of_rows(rows)
    use = rp.slot_use(trace, rp.PoolConfig.parse("64x1,128x3"))
    assert [use.episode_values(row) for row in use.episodes] == [
        {
            "tier": 0,
            "misses": 3,
            "first_ns": 5,
            "last_ns": 20,
            "full_from_ns": 0,
            "full_until_ns": 30,
            "size_min": 10,
            "size_max": 40,
            "bytes": 83,
            "larger_free": 3,
            "site": "c",
            "site_misses": 2,
        }
    ]
    assert len(rp.slot_use(trace, rp.PoolConfig.parse("64x1,128x3", "spill")).episodes) == 0


def test_a_slot_is_pinned_by_a_block_that_has_it_for_more_than_half_of_the_time():
    for freed_ns, pinned in ((15, []), (16, [(0, 0, 0, 60, 10, 16)])):
        rows = [(10, 0, 1, 60, 0), (freed_ns, 1, 1, 0, 0), (20, 0, 2, 1, 1)]
        use = rp.slot_use(of_rows(rows), rp.PoolConfig.parse("64x1"))
        assert use.pinned.tolist() == pinned
        assert use.cells["pinned_ns"].sum() == 6 * len(pinned)


def test_the_worst_episodes_come_first_and_of_equals_the_earlier(recording):
    use = rp.slot_use(recording, rp.PoolConfig.preset("pyxis"))
    worst = use.worst_episodes(50)
    assert len(worst) == 50 and worst["misses"][0] == use.episodes["misses"].max()
    order = list(zip(-worst["misses"], worst["first_ns"]))
    assert order == sorted(order)


def test_a_result_keeps_what_is_known_of_its_blocks_in_its_file(recording, tmp_path):
    part = rp.Trace(recording.events[:20_000], recording.sites, recording.provenance)
    result = rp.replay(part, rp.PoolConfig.preset("fork"), slots=True)
    result.save(tmp_path / "result.npz")
    again = rp.load_result(tmp_path)
    assert again.slots.sites == result.slots.sites
    names = [field.name for field in fields(result.slots)[1:]]
    for name in names:
        saved, had = getattr(again.slots, name), getattr(result.slots, name)
        assert saved.dtype == had.dtype and saved.tolist() == had.tolist(), name
        assert not saved.flags.writeable and not had.flags.writeable
    print(f"{len(names)} arrays, {(tmp_path / 'result.npz').stat().st_size:,} bytes")
    assert len(names) == 8 and len(again.slots.episodes) > 1
    plain = rp.replay(part, rp.PoolConfig.preset("fork"))
    plain.save(tmp_path / "result.npz", overwrite=True)
    assert plain.slots is None and rp.load_result(tmp_path).slots is None


def test_a_file_that_names_a_site_that_is_not_there_is_refused(recording, tmp_path):
    part = rp.Trace(recording.events[:2_000], recording.sites, recording.provenance)
    result = rp.replay(part, rp.PoolConfig.parse("64x4"), slots=True)
    object.__setattr__(result.slots, "sites", result.slots.sites[:1])
    result.save(tmp_path / "result.npz")
    with pytest.raises(ResultError, match="names a site that is not there"):
        rp.load_result(tmp_path)


def test_progress_ends_at_one_and_guessed_frees_are_refused(recording):
    seen = []
    part = rp.Trace(recording.events[:2_000], recording.sites)
    rp.slot_use(part, rp.PoolConfig.parse("64x4"), progress=seen.append)
    assert seen[-1] == 1.0
    guessed = rp.Trace(part.events, part.sites, {}, True, False)
    with pytest.raises(TraceError, match="as a slot over time needs"):
        rp.slot_use(guessed, rp.PoolConfig.parse("64x4"))


def test_the_summary_has_the_worst_episodes_and_their_number(recording):
    result = rp.replay(recording, rp.PoolConfig.preset("pyxis"), slots=True)
    summary = result.to_dict()
    assert summary["episode_count"] == len(result.slots.episodes) > 6_000
    worst = [result.slots.episode_values(row) for row in result.slots.worst_episodes(8)]
    assert summary["episodes"] == worst and list(worst[0]) == list(EPISODE_DTYPE.names)
    assert (
        rp.replay(recording, rp.PoolConfig.preset("pyxis"), bins=1).to_dict()["episodes"] is None
    )
