#include "pool_walk.h"

#include "pool_model.h"
#include "shade.h"

#define COMPARE_PERIOD 500u
#define TAG            0x5Au

/// A pool and its model side by side.
typedef struct {
    pool_fixture_t pool;
    pool_model_t model;
    uint64_t random;
    pool_walk_t met;
} pair_t;

static void compare_tier(const rns_tier_stats_t* tier, const model_tier_t* model)
{
    CHECK_EQUAL(tier->slot_bytes, model->slot_bytes);
    CHECK_EQUAL(tier->slot_count, model->slot_count);
    CHECK_EQUAL(tier->in_use, model->in_use);
#if RNS_STATS
    CHECK_EQUAL(tier->high_water, model->high_water);
#    if RNS_EXTRAS
    CHECK_EQUAL(tier->window_high_water, model->window_high_water);
    CHECK_EQUAL(tier->largest_request_bytes, model->largest_request_bytes);
#    endif
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
        uint32_t in_use = 0;
        for (uint32_t k = 0; k < pair->model.tiers[i].slot_count; ++k) {
            CHECK_EQUAL(rns_pool_is_live(&pair->pool.pool, i, k), pair->model.tiers[i].is_live[k]);
            in_use += pair->model.tiers[i].is_live[k];
        }
        CHECK_EQUAL(pair->model.tiers[i].in_use, in_use);
    }
#if RNS_STATS
    CHECK_EQUAL(stats.oversize, pair->model.oversize);
    CHECK_EQUAL(stats.misuse.double_give, pair->met.double_gives);
    CHECK_EQUAL(stats.misuse.interior, pair->met.interiors);
    CHECK_EQUAL(stats.misuse.misaligned, pair->met.misaligned);
    CHECK_EQUAL(stats.misuse.foreign, pair->met.foreign);
#    if RNS_EXTRAS
    CHECK(pair->model.largest_oversize_bytes == 0 ||
          stats.largest_request_bytes == pair->model.largest_oversize_bytes);
#    endif
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
        CHECK(out == rns_pool_slot(&pair->pool.pool, tier, index));
        if (out != NULL) {
            SHOW(out, pair->pool.pool.header_bytes + size);
            memset(out, TAG, size < 8u ? size : 8u);
        }
    } else {
        CHECK_STATUS(status, size > last->slot_bytes ? RNS_MISS_OVERSIZE : RNS_MISS_EXHAUSTED);
        CHECK(out == NULL);
    }
}

/// Give an address that is no start of a slot.
static void give_astray(pair_t* pair, unsigned char* slot, bool is_long)
{
    rns_pool_t* const pool = &pair->pool.pool;
    switch (random_below(&pair->random, 3)) {
    case 0:
        CHECK_STATUS(rns_pool_give(pool, slot + 1), RNS_MISUSE_MISALIGNED);
        ++pair->met.misaligned;
        break;
    case 1:
        CHECK_STATUS(rns_pool_give(pool, pair), RNS_MISUSE_FOREIGN);
        ++pair->met.foreign;
        break;
    default:
        if (is_long) {
            CHECK_STATUS(rns_pool_give(pool, slot + RNS_ALIGN_BYTES), RNS_MISUSE_INTERIOR);
            ++pair->met.interiors;
        }
    }
}

/// Give any slot, free or not; now and then an address that is none.
static void give_one(pair_t* pair)
{
    const uint32_t tier = random_below(&pair->random, pair->model.tier_count);
    const uint32_t index = random_below(&pair->random, pair->model.tiers[tier].slot_count);
    const uint32_t stride = pool_stride(&pair->pool, tier);
    unsigned char* const slot = rns_pool_slot(&pair->pool.pool, tier, index);
    if (random_below(&pair->random, 20) == 0) {
        give_astray(pair, slot, stride > RNS_ALIGN_BYTES);
        return;
    }
    const bool was_live = model_give(&pair->model, tier, index);
    pair->met.double_gives += !was_live;
    CHECK_STATUS(rns_pool_give(&pair->pool.pool, slot),
                 was_live ? RNS_OK : RNS_MISUSE_DOUBLE_GIVE);
    HIDE(slot, stride);
}

#if RNS_EXTRAS
static void note_low(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    pair_t* const pair = context;
    const rns_pool_tier_t* const tier = &pair->pool.pool.tiers[tier_index];
    CHECK(low ? free_count < tier->low_water_count : free_count >= tier->recovered_count);
    pair->met.lows += low;
}
#endif

/// Add what is in the model to what was counted on the way.
static void add_met(const pair_t* pair, pool_walk_t* met)
{
    for (uint32_t i = 0; i < pair->model.tier_count; ++i) {
        const model_tier_t* const tier = &pair->model.tiers[i];
        met->hits += tier->hits;
        met->spills += tier->spills;
        met->exhausted += tier->exhausted;
        met->gives += tier->gives;
    }
    met->oversize += pair->model.oversize;
    met->double_gives += pair->met.double_gives;
    met->interiors += pair->met.interiors;
    met->misaligned += pair->met.misaligned;
    met->foreign += pair->met.foreign;
    met->windows += pair->met.windows;
    met->lows += pair->met.lows;
}

void pool_walk(const rns_pool_config_t* config, uint64_t seed, uint32_t operations,
               pool_walk_t* met)
{
    pair_t pair = {.model = model_of(config), .random = seed};
    rns_pool_config_t told = *config;
#if RNS_EXTRAS
    told.low_water = (rns_low_water_t){.notify = note_low, .context = &pair};
#endif
    pool_fixture_init(&pair.pool, &told);
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        HIDE(rns_pool_slot(&pair.pool.pool, i, 0),
             (size_t)config->tiers[i].slot_count * pool_stride(&pair.pool, i));
    }
    uint32_t take_share = 50;
    for (uint32_t i = 0; i < operations; ++i) {
        if (i % COMPARE_PERIOD == 0) { /* now it fills up, now it empties */
            compare(&pair);
            take_share = 5u + random_below(&pair.random, 60);
        }
        if (random_below(&pair.random, 2000) == 0) {
#if RNS_EXTRAS
            rns_pool_reset_window(&pair.pool.pool);
            model_reset_window(&pair.model);
            ++pair.met.windows;
#endif
        } else if (random_below(&pair.random, 100) < take_share) {
            take_one(&pair);
        } else {
            give_one(&pair);
        }
        ++check_state.operations;
    }
    compare(&pair);
    add_met(&pair, met);
    SHOW(pair.pool.storage.start, pair.pool.storage.bytes);
    pool_fixture_end(&pair.pool);
}
