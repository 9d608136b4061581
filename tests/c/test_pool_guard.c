/* rns_pool with RNS_CANARY, RNS_POISON or RNS_TIMING; each test runs where its switch is on. */
#include "check.h"
#include "pool_fixture.h"
#include "rns_guard.h"
#include "suites.h"
#include <string.h>

#if RNS_TIMING
/// The tick source of this program: each look takes as many ticks as the next step says.
static uint32_t ticks;
static uint32_t tick_step;

uint32_t rns_port_ticks(void)
{
    ticks += tick_step;
    return ticks;
}
#endif

#if RNS_CANARY || RNS_POISON
static const rns_tier_config_t two_kinds[] = {
    {.slot_bytes = 20, .slot_count = 4},
    {.slot_bytes = 80, .slot_count = 37},
};

static const size_t both_sizes[] = {20, 80};

static void init_guarded(pool_fixture_t* f)
{
    rns_pool_config_t config = POOL_CONFIG(two_kinds, RNS_POLICY_STRICT);
    config.header_bytes = 16;
    pool_fixture_init(f, &config);
}

/// Verify what rns_pool_check() finds in a slot.
static void check_finds(pool_fixture_t* f, const char* invariant, uint32_t tier_index,
                        uint32_t slot_index)
{
    const rns_damage_t damage = rns_pool_check(&f->pool);
    CHECK_STATUS(damage.status,
                 strcmp(invariant, "I6") == 0 ? RNS_DAMAGE_WRITE_AFTER_GIVE : RNS_DAMAGE_CANARY);
    CHECK_TEXT(damage.invariant, invariant);
    CHECK_EQUAL(damage.tier_index, tier_index);
    CHECK_EQUAL(damage.slot_index, slot_index);
}
#endif

#if RNS_CANARY
static void test_a_write_past_the_end_is_found_when_the_slot_comes_back(void)
{
    for (uint32_t tier = 0; tier < 2; ++tier) {
        pool_fixture_t f;
        init_guarded(&f);
        CHECK(pool_take(&f, both_sizes[tier]) != NULL);
        unsigned char* const slot = pool_take(&f, both_sizes[tier]);
        const uint32_t first = f.pool.tiers[tier].tier.payload_end;
        const uint32_t stride = f.pool.tiers[tier].tier.stride_bytes;
        CHECK_EQUAL(first, 16u + both_sizes[tier]);
        CHECK(stride >= first + 4u);
        for (uint32_t at = first; at < stride; ++at) {
            CHECK_EQUAL(slot[at], RNS_CANARY_BYTE);
            slot[at] ^= 1u;
            pool_image_t before = pool_image(&f);
            CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_DAMAGE_CANARY);
            check_only_counted(&f, &before, NUMBER_CANARY); /* the slot stays taken */
            check_finds(&f, "I7", tier, 1);
            slot[at] ^= 1u;
        }
        slot[first - 1u] = 0; /* the last byte of the payload is the caller's */
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_MISUSE_DOUBLE_GIVE);
        pool_fixture_end(&f);
    }
}

static void test_a_canary_is_set_at_every_take(void)
{
    pool_fixture_t f;
    init_guarded(&f);
    for (uint32_t round = 0; round < 3; ++round) {
        unsigned char* const slot = pool_take(&f, 20);
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
        slot[16 + 20] = 0; /* nobody looks at the canary of a free slot */
        CHECK_TEXT(rns_pool_check(&f.pool).invariant, NULL);
    }
    pool_fixture_end(&f);
}
#endif

#if RNS_POISON
static void test_a_write_after_give_is_found_by_check_and_counted_at_the_next_take(void)
{
    for (uint32_t tier = 0; tier < 2; ++tier) {
        pool_fixture_t f;
        init_guarded(&f);
        const uint32_t end = f.pool.tiers[tier].tier.payload_end;
        const uint32_t places[] = {0, 15, 16, end - 1u}; /* header and payload, both ends */
        for (uint32_t i = 0; i < COUNT_OF(places); ++i) {
            CHECK(pool_take(&f, both_sizes[tier]) != NULL);
            unsigned char* const slot = pool_take(&f, both_sizes[tier]);
            memset(slot, 1, end);
            CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
            CHECK_TEXT(rns_pool_check(&f.pool).invariant, NULL);
            CHECK_EQUAL(slot[places[i]], RNS_POISON_BYTE);
            slot[places[i]] = 1;
            check_finds(&f, "I6", tier, 1);
#    if RNS_STATS
            CHECK_EQUAL(pool_stats(&f).misuse.write_after_give, i);
            CHECK(pool_take(&f, both_sizes[tier]) == slot);
            CHECK_EQUAL(pool_stats(&f).misuse.write_after_give, i + 1u);
#    else
            CHECK(pool_take(&f, both_sizes[tier]) == slot);
#    endif
            CHECK_TEXT(rns_pool_check(&f.pool).invariant, NULL);
            CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
            CHECK_STATUS(rns_pool_give(&f.pool, rns_tier_slot(&f.pool.tiers[tier].tier, 0)),
                         RNS_OK);
        }
        pool_fixture_end(&f);
    }
}

static void test_a_refused_give_poisons_nothing(void)
{
    pool_fixture_t f;
    init_guarded(&f);
    unsigned char* const slot = pool_take(&f, 80);
    memset(slot, 1, 96);
    pool_image_t before = pool_image(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, slot + 16), RNS_MISUSE_INTERIOR);
    check_only_counted(&f, &before, NUMBER_INTERIOR);
    CHECK_EQUAL(slot[0], 1);
    CHECK_EQUAL(slot[95], 1);
    pool_fixture_end(&f);
}

static void test_a_fresh_pool_is_poisoned(void)
{
    pool_fixture_t f;
    init_guarded(&f);
    for (uint32_t tier = 0; tier < 2; ++tier) {
        const uint32_t last = f.pool.tiers[tier].tier.slot_count - 1u;
        unsigned char* const slot = rns_tier_slot(&f.pool.tiers[tier].tier, last);
        slot[16] ^= 1u;
        check_finds(&f, "I6", tier, last);
        slot[16] ^= 1u;
    }
    pool_fixture_end(&f);
}
#endif

static const rns_tier_config_t one_tier[] = {{.slot_bytes = 16, .slot_count = 2}};

#if RNS_TIMING
static void test_durations_of_calls_are_counted_in_ticks(void)
{
    const rns_pool_config_t config = POOL_CONFIG(one_tier, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    ticks = UINT32_MAX - 25u; /* wraps around during a call */
    static const uint32_t steps[] = {10, 50, 7, 0};
    void* slots[4] = {0};
    for (uint32_t i = 0; i < COUNT_OF(steps); ++i) {
        tick_step = steps[i];
        slots[i] = pool_take(&f, 16); /* a miss takes time as well */
    }
    CHECK(slots[1] != NULL && slots[2] == NULL);
    tick_step = 3;
    CHECK_STATUS(rns_pool_give(&f.pool, slots[0]), RNS_OK);
    tick_step = 9;
    CHECK_STATUS(rns_pool_give(&f.pool, slots[0]), RNS_MISUSE_DOUBLE_GIVE);
    const rns_pool_stats_t stats = pool_stats(&f);
    CHECK_EQUAL(stats.take_timing.calls, 4);
    CHECK_EQUAL(stats.take_timing.total_ticks, 67);
    CHECK_EQUAL(stats.take_timing.worst_ticks, 50);
    CHECK_EQUAL(stats.give_timing.calls, 2);
    CHECK_EQUAL(stats.give_timing.total_ticks, 12);
    CHECK_EQUAL(stats.give_timing.worst_ticks, 9);
    CHECK(stats.take_timing.worst_ticks * stats.take_timing.calls >=
          stats.take_timing.total_ticks);
    tick_step = 0;
    pool_fixture_end(&f);
}
#else
static void test_without_a_tick_source_no_time_is_told(void)
{
    const rns_pool_config_t config = POOL_CONFIG(one_tier, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK_STATUS(rns_pool_give(&f.pool, pool_take(&f, 16)), RNS_OK);
    const rns_pool_stats_t stats = pool_stats(&f);
    CHECK_EQUAL(stats.take_timing.calls + stats.take_timing.total_ticks, 0);
    CHECK_EQUAL(stats.give_timing.calls + stats.give_timing.worst_ticks, 0);
    pool_fixture_end(&f);
}
#endif

void suite_pool_guard(void)
{
#if RNS_CANARY
    RUN(test_a_write_past_the_end_is_found_when_the_slot_comes_back);
    RUN(test_a_canary_is_set_at_every_take);
#endif
#if RNS_POISON
    RUN(test_a_write_after_give_is_found_by_check_and_counted_at_the_next_take);
    RUN(test_a_refused_give_poisons_nothing);
    RUN(test_a_fresh_pool_is_poisoned);
#endif
#if RNS_TIMING
    RUN(test_durations_of_calls_are_counted_in_ticks);
#else
    RUN(test_without_a_tick_source_no_time_is_told);
#endif
}
