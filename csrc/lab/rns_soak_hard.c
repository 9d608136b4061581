#include "rns_soak_hard.h"

#include <string.h>

#define QUARTER_NS  900000000000
#define STEP_NS_MAX 10000000 /* Between events. */
#define SIZE_MIN    20u

static uint32_t below(rns_soak_hard_t* self, uint32_t count)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (uint32_t)((self->random >> 32) * count >> 32);
}

/// Return the time between events, of which four for each slot are always less than half a
/// quarter.
static int64_t step_ns(const rns_soak_hard_t* self)
{
    const int64_t most_ns = QUARTER_NS / 8 / (int64_t)self->slot_count;
    return most_ns < STEP_NS_MAX ? most_ns : STEP_NS_MAX;
}

/// Draw a size: a tier by its share of the slots, and what this tier is the home of.
static uint32_t draw_size(rns_soak_hard_t* self)
{
    const rns_pool_t* const pool = self->soak->pool;
    uint32_t slot = below(self, self->slot_count);
    uint32_t tier = 0;
    while (slot >= pool->tiers[tier].tier.slot_count) {
        slot -= pool->tiers[tier].tier.slot_count;
        ++tier;
    }
    const uint32_t most = pool->slot_bytes[tier];
    const uint32_t least = tier > 0 ? pool->slot_bytes[tier - 1u] + 1u : SIZE_MIN;
    return least < most ? least + below(self, most - least + 1u) : most;
}

/* ---- Blocks ----------------------------------------------------------------------------------
 */

static rns_soak_block_t take_block(rns_soak_hard_t* self, rns_soak_site_t site, int64_t pause_ns)
{
    const uint32_t size_bytes = draw_size(self);
    rns_soak_block_t block = {.site = site};
    rns_soak_advance(self->soak, self->soak->now_ns + pause_ns);
    for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
        (void)!rns_store_take(self->stores[site][lane], size_bytes, 0, &block.lanes[lane]);
    }
    rns_soak_sample(self->soak);
    return block;
}

static void take(rns_soak_hard_t* self, rns_soak_site_t site, int64_t pause_ns)
{
    self->blocks[self->block_count++] = take_block(self, site, pause_ns);
}

static void give(rns_soak_hard_t* self, uint32_t index)
{
    const rns_soak_block_t block = self->blocks[index];
    self->blocks[index] = self->blocks[--self->block_count];
    rns_soak_advance(self->soak, self->soak->now_ns + step_ns(self));
    for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
        if (block.lanes[lane] != NULL) {
            (void)!rns_store_give(self->stores[block.site][lane], block.lanes[lane]);
        }
    }
    rns_soak_sample(self->soak);
}

/// Give back blocks drawn at random until so many are left.
static void give_down_to(rns_soak_hard_t* self, uint32_t count)
{
    while (self->block_count > count) {
        give(self, below(self, self->block_count));
    }
}

/* ---- The quarters ----------------------------------------------------------------------------
 */

static void sawtooth(rns_soak_hard_t* self)
{
    while (self->block_count < self->slot_count / 2u) {
        take(self, RNS_SOAK_SAWTOOTH, step_ns(self));
    }
    give_down_to(self, 0);
}

static void comb(rns_soak_hard_t* self)
{
    const uint32_t half = self->slot_count / 2u;
    while (self->block_count < half) {
        take(self, RNS_SOAK_COMB, step_ns(self));
    }
    /* From the end: give() fills a gap with the last one, which was looked at before. */
    for (uint32_t i = half; i-- > 0;) {
        if (i % 2u != 0) {
            give(self, i);
        }
    }
    while (self->block_count < half) {
        take(self, RNS_SOAK_COMB, step_ns(self));
    }
    give_down_to(self, 0);
}

static void storm(rns_soak_hard_t* self)
{
    const uint32_t many = self->slot_count + self->slot_count / 4u;
    while (self->block_count < many) {
        take(self, RNS_SOAK_STORM, step_ns(self) / 10);
    }
    give_down_to(self, 0);
}

/* ---- Drills ----------------------------------------------------------------------------------
 */

/// Write down which slots are free, as the tiers do; return how many words that takes.
static uint32_t take_image(const rns_soak_hard_t* self, uint32_t* out)
{
    const rns_pool_t* const pool = self->soak->pool;
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->tier_count; ++i) {
        const rns_tier_t* const tier = &pool->tiers[i].tier;
        out[count++] = (uint32_t)rns_cell_load(&tier->gate); /* without the count of takes */
        for (uint32_t word = 0; word < tier->word_count; ++word) {
            out[count++] = rns_cell_load(&tier->words[word]);
        }
    }
    return count;
}

bool rns_soak_hard_drill(rns_soak_hard_t* self, uint32_t tier, bool is_last_first)
{
    rns_pool_t* const pool = self->soak->pool;
    const uint32_t size_bytes = pool->slot_bytes[tier];
    uint32_t* const before = self->image;
    const uint32_t words = take_image(self, before);
    uint32_t* const after = before + words;
    uint32_t count = 0;
    void* slot = NULL;
    while (rns_pool_take(pool, size_bytes, RNS_PRIORITY_HIGH, &slot) == RNS_OK) {
        self->drilled[count++] = slot;
    }
    const rns_tier_counts_t counts = rns_tier_counts(&pool->tiers[tier].tier);
    bool is_right = counts.in_use == counts.slot_count;
    is_right = rns_pool_take(pool, size_bytes, RNS_PRIORITY_HIGH, &slot) != RNS_OK && is_right;
    for (uint32_t i = 0; i < count; ++i) {
        void* const given = self->drilled[is_last_first ? count - 1u - i : i];
        is_right = rns_pool_give(pool, given) == RNS_OK && is_right;
    }
    (void)take_image(self, after);
    is_right = is_right && memcmp(before, after, words * sizeof *before) == 0;
    self->drills += 1u;
    self->drill_requests += count + 2u;
    self->drill_faults += is_right ? 0u : 1u;
    return is_right;
}

static void drill(rns_soak_hard_t* self)
{
    const uint32_t tier_count = self->soak->pool->tier_count;
    const int64_t pause_ns = QUARTER_NS / 2 / ((int64_t)self->drills_per_hour + 1);
    while (self->block_count < self->slot_count / 2u) {
        take(self, RNS_SOAK_SAWTOOTH, step_ns(self));
    }
    give_down_to(self, self->slot_count / 4u); /* free slots now lie between others */
    for (uint32_t i = 0; i < self->drills_per_hour; ++i) {
        rns_soak_advance(self->soak, self->soak->now_ns + pause_ns);
        (void)rns_soak_hard_drill(self, i % tier_count, i / tier_count % 2u != 0);
        rns_soak_sample(self->soak);
    }
    give_down_to(self, 0);
}

/// Tell whether another round is sure to end before the quarter does.
static bool has_time(const rns_soak_hard_t* self, int64_t end_ns)
{
    return self->soak->now_ns + 4 * (int64_t)self->slot_count * step_ns(self) < end_ns;
}

void rns_soak_hard_hour(rns_soak_hard_t* self)
{
    static void (*const rounds[])(rns_soak_hard_t*) = {sawtooth, comb, storm};
    const int64_t start_ns = self->soak->now_ns;
    const rns_soak_block_t leak = take_block(self, RNS_SOAK_LOG, 0);
    self->leaked += leak.lanes[0] != NULL ? 1u : 0u;
    for (uint32_t i = 0; i < sizeof rounds / sizeof rounds[0]; ++i) {
        const int64_t end_ns = start_ns + (i + 1) * QUARTER_NS;
        while (has_time(self, end_ns)) {
            rounds[i](self);
        }
        rns_soak_advance(self->soak, end_ns);
    }
    drill(self);
}
