/* Exhaustion drill: every tier is driven to no free slot and all slots are given back in a drawn
 * order, over and over; each time the pool must be as it was, bit for bit.
 *
 * Usage: drill_main drill=CYCLES
 */
#include "check.h"
#include "pool_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX 160u
#define BLOCKS   2u   ///< That the fallback has.
#define RESTS    4096 ///< Cycles with one pool.
#define TAG      0x77

static const rns_tier_config_t small_tiers[] = {
    {.slot_bytes = 16, .slot_count = 1, .low_water_count = 1},
    {.slot_bytes = 48, .slot_count = 5, .reserve_count = 2, .low_water_count = 2},
    {.slot_bytes = 64, .slot_count = 32, .low_water_count = 8, .hysteresis_count = 24},
};
static const rns_tier_config_t large_tiers[] = {
    {.slot_bytes = 20, .slot_count = 33, .reserve_count = 3, .low_water_count = 33},
    {.slot_bytes = 40, .slot_count = 7},
    {.slot_bytes = 80, .slot_count = 65, .low_water_count = 1, .hysteresis_count = 64},
};

typedef struct {
    pool_fixture_t f;
    const rns_pool_config_t* config;
    uint64_t random;
    unsigned char* held[HELD_MAX];
    uint32_t held_count;
    unsigned char blocks[BLOCKS][128]; ///< Of the fallback.
    uint32_t blocks_out;
    uint64_t requests[3]; ///< By home tier.
    uint64_t lows;
    uint64_t recoveries;
} drill_t;

/// What was met in all cycles.
static struct {
    uint64_t pools;
    uint64_t takes;
    uint64_t tiers_drained;
    uint64_t misses;
    uint64_t fallbacks;
    uint64_t lows;
} met;

static void* take_block(void* context, size_t size_bytes)
{
    drill_t* const self = context;
    if (size_bytes > sizeof self->blocks[0] || self->blocks_out == BLOCKS) {
        return NULL;
    }
    return self->blocks[self->blocks_out++];
}

static bool give_block(void* context, void* block)
{
    drill_t* const self = context;
    const uintptr_t offset = (uintptr_t)block - (uintptr_t)self->blocks;
    self->blocks_out -= offset < sizeof self->blocks;
    return offset < sizeof self->blocks;
}

static void note_low(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    drill_t* const self = context;
    (void)tier_index;
    (void)free_count;
    ++*(low ? &self->lows : &self->recoveries);
}

/// Take until nothing serves a tier's size any more.
static void drain(drill_t* self, uint32_t tier)
{
    const size_t size_bytes = self->config->tiers[tier].slot_bytes;
    void* slot = NULL;
    ++self->requests[tier];
    while (rns_pool_take(&self->f.pool, size_bytes, RNS_PRIORITY_HIGH, &slot) == RNS_OK &&
           CHECK(self->held_count < HELD_MAX)) {
        self->held[self->held_count++] = slot;
        memset(slot, TAG, size_bytes);
        ++self->requests[tier];
    }
    ++met.misses;
}

/// Hold: no request is served, neither of this priority nor of that.
static void hold(drill_t* self)
{
    const uint32_t tier_count = self->config->tier_count;
    for (uint32_t i = 0; i < tier_count; ++i) {
        const size_t size_bytes = self->config->tiers[i].slot_bytes;
        const rns_tier_counts_t counts = rns_tier_counts(&self->f.pool.tiers[i].tier);
        void* slot = self;
        met.tiers_drained += CHECK(counts.in_use == counts.slot_count);
        CHECK_STATUS(rns_pool_take(&self->f.pool, size_bytes, RNS_PRIORITY_NORMAL, &slot),
                     RNS_MISS_EXHAUSTED);
        CHECK(slot == NULL);
        ++self->requests[i];
        ++met.misses;
    }
}

static void release(drill_t* self)
{
    const uint32_t order = random_below(&self->random, 3);
    while (self->held_count > 0) {
        const uint32_t last = --self->held_count;
        const uint32_t at = order == 0 ? last : order == 1 ? 0 : random_below(&self->random, last);
        CHECK_STATUS(rns_pool_give(&self->f.pool, self->held[at]), RNS_OK);
        self->held[at] = self->held[last];
    }
}

/// Everything of a pool at rest.
typedef struct {
    rns_pool_t pool;
    pool_numbers_t numbers;
    unsigned char storage[16384];
    uint64_t lows;
    uint64_t recoveries;
} rest_t;

static void rest(drill_t* self, rest_t* out)
{
    const rns_pool_stats_t stats = pool_stats(&self->f);
    out->numbers = pool_numbers(&stats);
    memcpy(&out->pool, &self->f.pool, sizeof out->pool);
    CHECK(self->f.storage.bytes <= sizeof out->storage);
    memcpy(out->storage, self->f.storage.start, self->f.storage.bytes);
    out->lows = self->lows;
    out->recoveries = self->recoveries;
}

/// Verify that the third state is as the second, and the counts as much more as those of the
/// second than the first.
static void compare(const drill_t* self, const rest_t* first, const rest_t* second,
                    const rest_t* third)
{
    CHECK(memcmp(second->storage, third->storage, self->f.storage.bytes) == 0);
#if !RNS_STATS
    CHECK(memcmp(&second->pool.tiers, &third->pool.tiers, sizeof third->pool.tiers) == 0);
#endif
    for (uint32_t i = 0; i < self->config->tier_count; ++i) {
        CHECK_EQUAL((uint32_t)rns_cell_load(&third->pool.tiers[i].tier.gate),
                    (uint32_t)rns_cell_load(&second->pool.tiers[i].tier.gate));
    }
    for (uint32_t i = 0; i < third->numbers.count; ++i) {
        CHECK_EQUAL(third->numbers.number[i] - second->numbers.number[i],
                    second->numbers.number[i] - first->numbers.number[i]);
    }
    CHECK_EQUAL(third->lows - second->lows, second->lows - first->lows);
    CHECK_EQUAL(third->lows, third->recoveries);
}

static void cycle(drill_t* self)
{
    for (uint32_t i = 0; i < self->config->tier_count; ++i) {
        drain(self, i);
    }
    met.takes += self->held_count;
    hold(self);
    release(self);
    ++check_state.operations;
}

static void drill(const rns_tier_config_t* tiers, rns_policy_t policy, bool has_fallback,
                  uint64_t seed)
{
    static rest_t state[3];
    static drill_t self;
    rns_pool_config_t config = {.tiers = tiers, .tier_count = 3, .policy = policy};
    self = (drill_t){.config = &config, .random = seed};
    config.low_water = (rns_low_water_t){.notify = note_low, .context = &self};
    if (has_fallback) {
        config.fallback =
            (rns_fallback_t){.take = take_block, .give = give_block, .context = &self};
    }
    pool_fixture_init(&self.f, &config);
    for (uint32_t i = 0; i < COUNT_OF(state); ++i) { /* the first sets the high-water marks */
        cycle(&self);
        rest(&self, &state[i]);
    }
    for (uint32_t i = 0; i < RESTS && check_state.failures == 0; ++i) {
        compare(&self, &state[0], &state[1], &state[2]);
        state[0] = state[1];
        state[1] = state[2];
        cycle(&self);
        rest(&self, &state[2]);
    }
    const rns_pool_stats_t stats = pool_stats(&self.f);
    for (uint32_t i = 0; i < config.tier_count; ++i) {
        CHECK_EQUAL(stats.tiers[i].requests, RNS_STATS ? self.requests[i] : 0);
    }
    CHECK_EQUAL(stats.fallbacks, stats.fallback_gives);
    met.fallbacks += stats.fallbacks;
    met.lows += self.lows;
    ++met.pools;
    pool_fixture_end(&self.f);
}

static void tell(const char* name, uint64_t count)
{
    (void)printf("met %s %" PRIu64 "\n", name, count);
    CHECK(count > 0);
}

static void test_a_pool_that_was_exhausted_is_as_it_was_before_bit_for_bit(void)
{
    uint64_t seed = 1;
    while (check_state.operations < check_state.iterations && check_state.failures == 0) {
        drill(seed % 2u == 0 ? small_tiers : large_tiers,
              seed / 2u % 2u == 0 ? RNS_POLICY_STRICT : RNS_POLICY_SPILL, seed / 4u % 2u == 0,
              seed);
        ++seed;
    }
    tell("pools", met.pools);
    tell("takes", met.takes);
    tell("tiers_drained", met.tiers_drained);
    tell("misses", met.misses);
    tell("fallbacks", met.fallbacks);
    tell("lows", met.lows);
}

static void suite_drill(void)
{
    RUN(test_a_pool_that_was_exhausted_is_as_it_was_before_bit_for_bit);
}

int main(int argument_count, char** arguments)
{
    static const check_suite_t suites[] = {{"drill", suite_drill, false}};
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
