/* rns_pool against a slow, obvious model, over random calls. */
#include "check.h"
#include "pool_fixture.h"
#include "pool_model.h"
#include "suites.h"

#define OPERATIONS 300000u

/// A pool and its model side by side.
typedef struct {
    pool_fixture_t pool;
    pool_model_t model;
    uint64_t random;
    uint64_t double_gives;
    uint64_t interiors;
} pair_t;

static void compare_tier(const rns_tier_stats_t* tier, const model_tier_t* model)
{
    CHECK_EQUAL(tier->slot_bytes, model->slot_bytes);
    CHECK_EQUAL(tier->slot_count, model->slot_count);
    CHECK_EQUAL(tier->in_use, model_in_use(model));
#if RNS_STATS
    CHECK_EQUAL(tier->high_water, model->high_water);
    CHECK_EQUAL(tier->window_high_water, model->window_high_water);
    CHECK_EQUAL(tier->largest_request_bytes, model->largest_request_bytes);
    CHECK_EQUAL(tier->hits, model->hits);
    CHECK_EQUAL(tier->spills, model->spills);
    CHECK_EQUAL(tier->spills_in, model->spills_in);
    CHECK_EQUAL(tier->exhausted, model->exhausted);
    CHECK_EQUAL(tier->takes, model->takes);
    CHECK_EQUAL(tier->gives, model->gives);
#endif
}

static void compare(pair_t* pair)
{
    check_sound(&pair->pool.pool);
    const rns_pool_stats_t stats = pool_stats(&pair->pool);
    for (uint32_t i = 0; i < pair->model.tier_count; ++i) {
        compare_tier(&stats.tiers[i], &pair->model.tiers[i]);
        for (uint32_t k = 0; k < pair->model.tiers[i].slot_count; ++k) {
            const uint32_t live = rns_tier_live_bits(&pair->pool.pool.tiers[i].tier, k / 32u);
            CHECK_EQUAL((live >> k % 32u) & 1u, pair->model.tiers[i].is_live[k]);
        }
    }
#if RNS_STATS
    CHECK_EQUAL(stats.oversize, pair->model.oversize);
    CHECK_EQUAL(stats.misuse.double_give, pair->double_gives);
    CHECK_EQUAL(stats.misuse.interior, pair->interiors);
    CHECK(pair->model.largest_oversize_bytes == 0 ||
          stats.largest_request_bytes == pair->model.largest_oversize_bytes);
#endif
}

static void take_one(pair_t* pair)
{
    const model_tier_t* const last = &pair->model.tiers[pair->model.tier_count - 1u];
    const uint32_t size = random_below(&pair->random, last->slot_bytes + 3u);
    const bool is_high = random_below(&pair->random, 4) == 0;
    uint32_t index = 0;
    const uint32_t tier = model_take(&pair->model, size, is_high, &index);
    void* out = pair;
    const rns_status_t status = rns_pool_take(
        &pair->pool.pool, size, is_high ? RNS_PRIORITY_HIGH : RNS_PRIORITY_NORMAL, &out);
    if (tier < pair->model.tier_count) {
        CHECK_STATUS(status, RNS_OK);
        CHECK(out == rns_tier_slot(&pair->pool.pool.tiers[tier].tier, index));
    } else {
        CHECK_STATUS(status, size > last->slot_bytes ? RNS_MISS_OVERSIZE : RNS_MISS_EXHAUSTED);
        CHECK(out == NULL);
    }
}

/// Give any slot, free or not; now and then an address inside of one.
static void give_one(pair_t* pair)
{
    const uint32_t tier = random_below(&pair->random, pair->model.tier_count);
    const uint32_t index = random_below(&pair->random, pair->model.tiers[tier].slot_count);
    unsigned char* const slot = rns_tier_slot(&pair->pool.pool.tiers[tier].tier, index);
    if (random_below(&pair->random, 20) == 0 && pair->model.tiers[tier].slot_bytes >= 32u) {
        CHECK_STATUS(rns_pool_give(&pair->pool.pool, slot + 16), RNS_MISUSE_INTERIOR);
        ++pair->interiors;
        return;
    }
    const bool was_live = model_give(&pair->model, tier, index);
    pair->double_gives += !was_live;
    CHECK_STATUS(rns_pool_give(&pair->pool.pool, slot),
                 was_live ? RNS_OK : RNS_MISUSE_DOUBLE_GIVE);
}

static void run_pair(const rns_pool_config_t* config, uint64_t seed)
{
    pair_t pair = {.model = model_of(config), .random = seed};
    pool_fixture_init(&pair.pool, config);
    uint32_t take_share = 50;
    for (uint32_t i = 0; i < OPERATIONS; ++i) {
        if (i % 500u == 0) { /* now it fills up, now it empties */
            compare(&pair);
            take_share = 5u + random_below(&pair.random, 60);
        }
        if (random_below(&pair.random, 2000) == 0) {
            rns_pool_reset_window(&pair.pool.pool);
            model_reset_window(&pair.model);
        } else if (random_below(&pair.random, 100) < take_share) {
            take_one(&pair);
        } else {
            give_one(&pair);
        }
        ++check_state.operations;
    }
    compare(&pair);
    CHECK(pair.double_gives > 1000 && pair.interiors > 100);
    CHECK(pair.model.tiers[0].exhausted > 100);
    CHECK(pair.model.tiers[0].spills > 100 || !pair.model.spills);
    pool_fixture_end(&pair.pool);
}

static const rns_tier_config_t small_tiers[] = {
    {.slot_bytes = 32, .slot_count = 7, .reserve_count = 2},
    {.slot_bytes = 48, .slot_count = 1},
    {.slot_bytes = 100, .slot_count = 32, .reserve_count = 5, .low_water_count = 3},
    {.slot_bytes = 128, .slot_count = 9},
};
static const rns_tier_config_t large_tiers[] = {
    {.slot_bytes = 33, .slot_count = 33, .reserve_count = 20},
    {.slot_bytes = 64, .slot_count = 12, .reserve_count = 12},
    {.slot_bytes = 96, .slot_count = 100, .low_water_count = 50, .hysteresis_count = 10},
    {.slot_bytes = 160, .slot_count = 65},
};

static void test_a_strict_pool_of_small_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(small_tiers, RNS_POLICY_STRICT);
    run_pair(&config, 1);
}

static void test_a_spill_pool_of_small_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(small_tiers, RNS_POLICY_SPILL);
    run_pair(&config, 2);
}

static void test_a_strict_pool_of_large_tiers_does_as_the_model_does(void)
{
    rns_pool_config_t config = POOL_CONFIG(large_tiers, RNS_POLICY_STRICT);
    config.header_bytes = 16;
    run_pair(&config, 3);
}

static void test_a_spill_pool_of_large_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(large_tiers, RNS_POLICY_SPILL);
    run_pair(&config, 4);
}

void suite_pool_random(void)
{
    RUN(test_a_strict_pool_of_small_tiers_does_as_the_model_does);
    RUN(test_a_spill_pool_of_small_tiers_does_as_the_model_does);
    RUN(test_a_strict_pool_of_large_tiers_does_as_the_model_does);
    RUN(test_a_spill_pool_of_large_tiers_does_as_the_model_does);
}
