/* rns_pool: when a tier that runs low is told, and what may be done then. */
#include "check.h"
#include "pool_fixture.h"
#include "suites.h"
#include <stdio.h>
#include <string.h>

/// What a low-water callback was told, as text: "-0:2" is low, "+0:5" recovered.
typedef struct {
    rns_pool_t* pool; ///< If set, the callback uses the pool.
    char text[200];
    uint32_t calls;
    uint32_t depth;
} events_t;

static void on_low_water(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    events_t* const events = context;
    ++events->calls;
    const size_t length = strlen(events->text);
    (void)snprintf(events->text + length, sizeof events->text - length, "%c%u:%u ",
                   low ? '-' : '+', (unsigned)tier_index, (unsigned)free_count);
    if (events->pool != NULL && events->depth == 0) {
        ++events->depth;
        rns_pool_stats_t stats;
        rns_pool_stats(events->pool, &stats); /* would not return if the lock were held */
        void* slot = NULL;
        if (rns_pool_take(events->pool, 1, RNS_PRIORITY_HIGH, &slot) == RNS_OK) {
            CHECK_STATUS(rns_pool_give(events->pool, slot), RNS_OK);
        }
        rns_pool_reset_window(events->pool);
        --events->depth;
    }
}

static void take_some(pool_fixture_t* f, uint32_t count, size_t size_bytes)
{
    for (uint32_t i = 0; i < count; ++i) {
        CHECK(pool_take(f, size_bytes) != NULL);
    }
}

static void give_slots(pool_fixture_t* f, uint32_t tier_index, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; ++i) {
        CHECK_STATUS(rns_pool_give(&f->pool, rns_pool_slot(&f->pool, tier_index, i)), RNS_OK);
    }
}

static void test_a_tier_that_runs_low_is_told_once_until_it_has_recovered(void)
{
    static const uint32_t counts[] = {10, 40};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        events_t events = {0};
        const rns_tier_config_t tiers[] = {{.slot_bytes = 16,
                                            .slot_count = counts[i],
                                            .low_water_count = 3,
                                            .hysteresis_count = 2}};
        rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
        config.low_water = (rns_low_water_t){.notify = on_low_water, .context = &events};
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        take_some(&f, counts[i] - 3u, 16); /* 3 free: not fewer than 3 */
        CHECK_TEXT(events.text, "");
        take_some(&f, 1, 16);
        CHECK_TEXT(events.text, "-0:2 ");
        take_some(&f, 2, 16);
        CHECK(pool_take(&f, 16) == NULL);
        give_slots(&f, 0, 0, 4); /* 4 free: 3 + 2 are not yet */
        CHECK_TEXT(events.text, "-0:2 ");
        take_some(&f, 2, 16);
        give_slots(&f, 0, 0, 2);
        CHECK_TEXT(events.text, "-0:2 ");
        give_slots(&f, 0, 4, 5);
        CHECK_TEXT(events.text, "-0:2 +0:5 ");
        give_slots(&f, 0, 5, 8);
        take_some(&f, 5, 16);
        CHECK_TEXT(events.text, "-0:2 +0:5 ");
        take_some(&f, 1, 16);
        CHECK_TEXT(events.text, "-0:2 +0:5 -0:2 ");
        give_slots(&f, 0, 0, 3);
        CHECK_TEXT(events.text, "-0:2 +0:5 -0:2 +0:5 ");
        pool_fixture_end(&f);
    }
}

static void test_without_hysteresis_each_crossing_is_told(void)
{
    events_t events = {0};
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 2, .low_water_count = 2},
                                       {.slot_bytes = 32, .slot_count = 2, .low_water_count = 1}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    config.low_water = (rns_low_water_t){.notify = on_low_water, .context = &events};
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    take_some(&f, 1, 16);
    give_slots(&f, 0, 0, 1);
    take_some(&f, 3, 16); /* the third is a spill */
    CHECK_TEXT(events.text, "-0:1 +0:2 -0:1 ");
    take_some(&f, 1, 16); /* a spill that takes the last slot of tier 1 */
    CHECK_TEXT(events.text, "-0:1 +0:2 -0:1 -1:0 ");
    give_slots(&f, 1, 0, 2);
    CHECK_TEXT(events.text, "-0:1 +0:2 -0:1 -1:0 +1:1 ");
    pool_fixture_end(&f);
}

static void test_a_mark_without_a_callback_is_no_fault(void)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 2, .low_water_count = 2}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    take_some(&f, 2, 16);
    give_slots(&f, 0, 0, 2);
    pool_fixture_end(&f);
}

static void test_a_low_water_call_may_use_the_pool(void)
{
    events_t events = {0};
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4, .low_water_count = 2},
                                       {.slot_bytes = 32, .slot_count = 4},
                                       {.slot_bytes = 64, .slot_count = 40, .low_water_count = 9}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    config.low_water = (rns_low_water_t){.notify = on_low_water, .context = &events};
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    events.pool = &f.pool;
    take_some(&f, 48, 1);
    give_slots(&f, 0, 0, 4);
    give_slots(&f, 2, 0, 40);
    /* Told that tier 0 has recovered, the callback itself makes it run low again for a moment. */
    CHECK_TEXT(events.text, "-0:1 -2:8 +0:2 -0:1 +0:2 +2:9 ");
    CHECK_EQUAL(events.calls, 6);
    pool_fixture_end(&f);
}

void suite_pool_low_water(void)
{
    RUN(test_a_tier_that_runs_low_is_told_once_until_it_has_recovered);
    RUN(test_without_hysteresis_each_crossing_is_told);
    RUN(test_a_mark_without_a_callback_is_no_fault);
    RUN(test_a_low_water_call_may_use_the_pool);
}
