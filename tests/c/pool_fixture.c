#include "pool_fixture.h"

#include <stdlib.h>
#include <string.h>

void pool_fixture_init(pool_fixture_t* self, const rns_pool_config_t* config)
{
    size_t storage_bytes = 1;
    CHECK_STATUS(rns_pool_storage_bytes(config, &storage_bytes), RNS_OK);
    self->storage = (rns_memory_t){.start = malloc(storage_bytes), .bytes = storage_bytes};
    CHECK_STATUS(rns_pool_init(&self->pool, config, self->storage), RNS_OK);
}

void pool_fixture_end(pool_fixture_t* self)
{
    check_sound(&self->pool);
#ifdef RNS_LOCK_IS_COUNTED
    CHECK_EQUAL(self->pool.lock.is_masked, 0);
    CHECK_EQUAL(self->pool.lock.nested, 0);
    CHECK(self->pool.lock.enters > 0);
#endif
    free(self->storage.start);
}

static void* take(pool_fixture_t* self, size_t size_bytes, rns_priority_t priority)
{
    void* out = self;
    const rns_status_t status = rns_pool_take(&self->pool, size_bytes, priority, &out);
    CHECK((status == RNS_OK) == (out != NULL));
    CHECK_EQUAL((uintptr_t)out % RNS_ALIGN_BYTES, 0);
    return out;
}

void* pool_take(pool_fixture_t* self, size_t size_bytes)
{
    return take(self, size_bytes, RNS_PRIORITY_NORMAL);
}

void* pool_take_high(pool_fixture_t* self, size_t size_bytes)
{
    return take(self, size_bytes, RNS_PRIORITY_HIGH);
}

rns_pool_stats_t pool_stats(pool_fixture_t* self)
{
    rns_pool_stats_t stats;
    memset(&stats, 0xFF, sizeof stats);
    rns_pool_stats(&self->pool, &stats);
    return stats;
}

uint32_t pool_stride(const pool_fixture_t* self, uint32_t tier_index)
{
    const unsigned char* const first = rns_pool_slot(&self->pool, tier_index, 0);
    const unsigned char* const second = rns_pool_slot(&self->pool, tier_index, 1);
    return (uint32_t)(second - first);
}

/// Verify one tier and add it to `sum`.
static void check_tier_identities(const rns_tier_stats_t* tier, rns_tier_stats_t* sum)
{
    CHECK(tier->in_use <= tier->slot_count);
#if RNS_STATS
    CHECK_EQUAL(tier->requests, tier->hits + tier->spills + tier->exhausted);
    CHECK_EQUAL(tier->takes, tier->hits + tier->spills_in);
    CHECK_EQUAL(tier->in_use, tier->takes - tier->gives);
    CHECK(tier->in_use <= tier->window_high_water);
    CHECK(tier->window_high_water <= tier->high_water);
    CHECK(tier->high_water <= tier->slot_count);
#endif
    sum->in_use += tier->in_use;
    sum->requests += tier->requests;
    sum->hits += tier->hits;
    sum->spills += tier->spills;
    sum->spills_in += tier->spills_in;
    sum->exhausted += tier->exhausted;
    sum->takes += tier->takes;
    sum->gives += tier->gives;
}

void check_identities(const rns_pool_stats_t* stats)
{
    rns_tier_stats_t sum = {0};
    for (uint32_t i = 0; i < stats->tier_count; ++i) {
        check_tier_identities(&stats->tiers[i], &sum);
    }
    CHECK_EQUAL(stats->in_use, sum.in_use);
    CHECK_EQUAL(stats->requests, sum.requests + stats->oversize);
    CHECK_EQUAL(stats->hits, sum.hits);
    CHECK_EQUAL(stats->spills, sum.spills);
    CHECK_EQUAL(stats->spills, sum.spills_in);
    CHECK_EQUAL(stats->exhausted, sum.exhausted);
    CHECK_EQUAL(stats->takes, sum.takes);
    CHECK_EQUAL(stats->gives, sum.gives);
    CHECK_EQUAL(stats->requests, stats->hits + stats->spills + stats->exhausted + stats->oversize);
#if RNS_STATS
    CHECK_EQUAL(stats->exhausted + stats->oversize, stats->fallbacks + stats->failures);
    CHECK_EQUAL(stats->in_use, stats->takes - stats->gives);
#endif
    CHECK(stats->fallback_gives <= stats->fallbacks);
    rns_region_stats_t all = {0};
    for (uint32_t i = 0; i < RNS_REGIONS_MAX; ++i) {
        const rns_region_stats_t* const region = &stats->regions[i];
        CHECK(region->in_use_bytes <= region->slots_bytes);
        CHECK(region->in_use <= region->slot_count);
        all.in_use += region->in_use;
        all.takes += region->takes;
        all.gives += region->gives;
        all.fallbacks += region->fallbacks;
    }
    CHECK_EQUAL(all.in_use, stats->in_use);
    CHECK_EQUAL(all.takes, stats->takes);
    CHECK_EQUAL(all.gives, stats->gives);
    CHECK_EQUAL(all.fallbacks, stats->fallbacks);
}

void check_sound(rns_pool_t* pool)
{
    const rns_damage_t damage = rns_pool_check(pool);
    CHECK_STATUS(damage.status, RNS_OK);
    CHECK_TEXT(damage.invariant, NULL);
    rns_pool_stats_t stats;
    rns_pool_stats(pool, &stats);
    check_identities(&stats);
}

static void append(pool_numbers_t* numbers, uint64_t number)
{
    if (CHECK(numbers->count < POOL_NUMBERS_MAX)) {
        numbers->number[numbers->count++] = number;
    }
}

static void append_tier(pool_numbers_t* numbers, const rns_tier_stats_t* tier)
{
    append(numbers, tier->slot_bytes);
    append(numbers, tier->slot_count);
    append(numbers, tier->region);
    append(numbers, tier->in_use);
    append(numbers, tier->high_water);
    append(numbers, tier->window_high_water);
    append(numbers, tier->largest_request_bytes);
    append(numbers, tier->requests);
    append(numbers, tier->hits);
    append(numbers, tier->spills);
    append(numbers, tier->spills_in);
    append(numbers, tier->exhausted);
    append(numbers, tier->takes);
    append(numbers, tier->gives);
}

pool_numbers_t pool_numbers(const rns_pool_stats_t* stats)
{
    pool_numbers_t out = {0};
    append(&out, stats->misuse.foreign); /* in the order of pool_number_t */
    append(&out, stats->misuse.out_of_range);
    append(&out, stats->misuse.interior);
    append(&out, stats->misuse.misaligned);
    append(&out, stats->misuse.double_give);
    append(&out, stats->misuse.wrong_pool);
    append(&out, stats->misuse.canary);
    append(&out, stats->misuse.write_after_give);
    append(&out, stats->tier_count);
    append(&out, stats->in_use);
    append(&out, stats->largest_request_bytes);
    append(&out, stats->requests);
    append(&out, stats->hits);
    append(&out, stats->spills);
    append(&out, stats->exhausted);
    append(&out, stats->oversize);
    append(&out, stats->fallbacks);
    append(&out, stats->failures);
    append(&out, stats->takes);
    append(&out, stats->gives);
    append(&out, stats->fallback_gives);
    for (uint32_t i = 0; i < RNS_TIERS_MAX; ++i) {
        append_tier(&out, &stats->tiers[i]);
    }
    for (uint32_t i = 0; i < RNS_REGIONS_MAX; ++i) {
        const rns_region_stats_t* const region = &stats->regions[i];
        append(&out, region->slot_count);
        append(&out, region->in_use);
        append(&out, region->slots_bytes);
        append(&out, region->in_use_bytes);
        append(&out, region->takes);
        append(&out, region->gives);
        append(&out, region->fallbacks);
    }
    return out;
}

static void hash_slot(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    uint64_t* const hash = context;
    *hash = (*hash ^ tier_index) * 0x100000001B3u;
    *hash = (*hash ^ slot_index) * 0x100000001B3u;
    *hash = (*hash ^ (uintptr_t)slot) * 0x100000001B3u;
}

pool_image_t pool_image(pool_fixture_t* self)
{
    const rns_pool_stats_t stats = pool_stats(self);
    pool_image_t image = {.numbers = pool_numbers(&stats),
                          .live_hash = 0xCBF29CE484222325u,
                          .bytes = malloc(self->storage.bytes),
                          .bytes_count = self->storage.bytes};
    rns_pool_each_live(&self->pool, hash_slot, &image.live_hash);
    memcpy(image.bytes, self->storage.start, image.bytes_count);
    return image;
}

void check_only_counted(pool_fixture_t* self, pool_image_t* before, pool_number_t counter)
{
    pool_image_t after = pool_image(self);
    CHECK_EQUAL(after.live_hash, before->live_hash);
    CHECK_EQUAL(after.numbers.count, before->numbers.count);
    for (uint32_t i = 0; i < after.numbers.count; ++i) {
        const uint64_t counted =
            RNS_STATS && counter != NUMBER_NONE && i == (uint32_t)counter ? 1u : 0u;
        CHECK_EQUAL(after.numbers.number[i], before->numbers.number[i] + counted);
    }
    CHECK_EQUAL(after.bytes_count, before->bytes_count);
    CHECK(memcmp(after.bytes, before->bytes, before->bytes_count) == 0);
    free(before->bytes);
    free(after.bytes);
    *before = (pool_image_t){0};
}

uint64_t random_next(uint64_t* state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du;
}

uint32_t random_below(uint64_t* state, uint32_t bound)
{
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}
