"""Statistics as values: what is copied from C, and what is derived."""

import dataclasses
import pickle

import pytest
from model import broken_identities

from pyrns_pool._native import atomic, none
from pyrns_pool.config import PoolConfig, Tier
from pyrns_pool.errors import PoolExhausted, TooLarge
from pyrns_pool.pool import Pool
from pyrns_pool.stats import MisuseStats, PoolStats, RegionStats, TierStats

STRUCTS = {
    PoolStats: ("rns_pool_stats_t", {"tier_count"}, set()),
    TierStats: ("rns_tier_stats_t", set(), set()),
    RegionStats: ("rns_region_stats_t", set(), {"region"}),
    MisuseStats: ("rns_misuse_counts_t", set(), set()),
}


@pytest.mark.parametrize("build", [none, atomic], ids=["none", "atomic"])
@pytest.mark.parametrize("kind", STRUCTS)
def test_every_field_of_the_c_struct_is_there_under_its_name(build, kind):
    struct, only_c, only_python = STRUCTS[kind]
    in_c = {name for name, _ in build.ffi.typeof(struct).fields}
    in_python = {field.name for field in dataclasses.fields(kind)}
    assert in_c - only_c == in_python - only_python


def busy_pool():
    """Return a pool of which every counter but those of damage has its own number."""
    tiers = (Tier(16, 2, region=1), Tier(40, 3, region=2), Tier(100, 1, region=1))
    pool = Pool(PoolConfig(tiers, "spill"))
    slots = [pool.take(size) for size in (10, 16, 0, 5, 40, 90)]
    for size in (1, 2, 50, 60, 100):
        with pytest.raises(PoolExhausted):
            pool.take(size)
    for size in (101, 700, 300):
        with pytest.raises(TooLarge):
            pool.take(size)
    for slot in slots[1:5]:
        pool.give(slot)
    pool.reset_window()
    pool.take(33)
    pool.take(34)
    return pool


def test_a_worked_example_is_counted_by_hand():
    stats = busy_pool().stats()
    assert stats == PoolStats(
        in_use=4,
        largest_request_bytes=700,
        requests=16,
        hits=6,
        spills=2,
        exhausted=5,
        oversize=3,
        fallbacks=0,
        failures=8,
        takes=8,
        gives=4,
        fallback_gives=0,
        tiers=(
            TierStats(16, 2, 1, 1, 2, 1, 16, 6, 2, 2, 0, 2, 2, 1),
            TierStats(40, 3, 2, 2, 3, 2, 40, 3, 3, 0, 2, 0, 5, 3),
            TierStats(100, 1, 1, 1, 1, 1, 100, 4, 1, 0, 0, 3, 1, 0),
        ),
        regions=(
            RegionStats(1, 3, 2, 2 * 16 + 112, 16 + 112, 3, 1, 0),
            RegionStats(2, 3, 2, 3 * 48, 2 * 48, 5, 3, 0),
        ),
        misuse=MisuseStats(0, 0, 0, 0, 0, 0, 0, 0),
    )


def test_rates_are_shares_of_the_requests():
    stats = busy_pool().stats()
    assert stats.misses == 8 and stats.hit_rate == 8 / 16
    assert [tier.hit_rate for tier in stats.tiers] == [4 / 6, 1.0, 1 / 4]
    assert [tier.occupancy for tier in stats.tiers] == [1 / 2, 2 / 3, 1.0]


def test_without_a_request_nothing_was_missed():
    stats = Pool(PoolConfig.parse("16x2")).stats()
    assert stats.hit_rate == stats.tiers[0].hit_rate == 1.0
    assert stats.misses == stats.requests == 0 and stats.tiers[0].occupancy == 0.0
    assert broken_identities(stats) == []


def test_blocks_of_the_fallback_belong_to_its_region():
    pool = Pool(PoolConfig((Tier(16, 1, region=2),), fallback="malloc"))
    assert [region.region for region in pool.stats().regions] == [2]
    block = pool.take(17)
    stats = pool.stats()
    assert stats.regions == (
        RegionStats(0, 0, 0, 0, 0, 0, 0, 1),
        RegionStats(2, 1, 0, 16, 0, 0, 0, 0),
    )
    pool.give(block)
    assert (stats.fallbacks, stats.failures, stats.fallback_gives) == (1, 0, 0)
    assert pool.stats().fallback_gives == 1
    assert broken_identities(pool.stats()) == []


def test_a_broken_identity_is_seen_by_the_tests_themselves():
    stats = busy_pool().stats()
    assert broken_identities(stats) == []
    for field in dataclasses.fields(PoolStats):
        value = getattr(stats, field.name)
        if isinstance(value, int) and field.name not in ("largest_request_bytes",):
            wrong = dataclasses.replace(stats, **{field.name: value + 1})
            assert broken_identities(wrong) != [], field.name


def test_a_snapshot_is_a_value_that_later_calls_do_not_change():
    pool = busy_pool()
    before = pool.stats()
    copy = pickle.loads(pickle.dumps(before))
    pool.take(1)
    assert before == copy != pool.stats()
    assert hash(before) == hash(copy)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.hits = 0


@pytest.mark.parametrize("size", [2**32 - 2, 2**32 - 1, 2**32, 2**33 + 5, 2**64 - 1])
def test_a_request_beyond_32_bits_saturates_the_largest_request(size):
    pool = Pool(PoolConfig.parse("16x1"))
    with pytest.raises(TooLarge):
        pool.take(size)
    assert pool.stats().largest_request_bytes == min(size, 2**32 - 1)
