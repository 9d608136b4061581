/* rns_pool: which tier serves a request, and what happens where none does. */
#include "check.h"
#include "pool_fixture.h"
#include "suites.h"
#include <string.h>

static const rns_tier_config_t three_tiers[] = {
    {.slot_bytes = 16, .slot_count = 2},
    {.slot_bytes = 100, .slot_count = 40},
    {.slot_bytes = 1000, .slot_count = 3},
};

/// Verify that a slot is this one of that tier, and that all its payload can be written.
static void check_slot(pool_fixture_t* f, void* slot, uint32_t tier_index, uint32_t slot_index)
{
    uint32_t found_tier = 0;
    uint32_t found_slot = 0;
    CHECK(slot != NULL);
    if (slot != NULL) {
        CHECK_STATUS(rns_pool_locate(&f->pool, slot, &found_tier, &found_slot), RNS_OK);
        CHECK_EQUAL(found_tier, tier_index);
        CHECK_EQUAL(found_slot, slot_index);
        memset(slot, 0xA5, pool_stats(f).tiers[tier_index].slot_bytes);
    }
}

static void test_the_home_tier_is_the_smallest_that_fits(void)
{
    rns_tier_config_t tiers[RNS_TIERS_MAX];
    for (uint32_t count = 1; count <= RNS_TIERS_MAX; ++count) {
        for (uint32_t i = 0; i < count; ++i) {
            tiers[i] = (rns_tier_config_t){.slot_bytes = (size_t)10 * (i + 1u) * (i + 1u),
                                           .slot_count = i % 2u == 0 ? 2u : 35u};
        }
        const rns_pool_config_t config = {.tiers = tiers, .tier_count = count};
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        CHECK_EQUAL(rns_pool_home(&f.pool, 0), 0);
        CHECK_EQUAL(rns_pool_home(&f.pool, 1), 0);
        CHECK_EQUAL(rns_pool_home(&f.pool, SIZE_MAX), count);
        for (uint32_t i = 0; i < count; ++i) {
            CHECK_EQUAL(rns_pool_home(&f.pool, tiers[i].slot_bytes - 1u), i);
            CHECK_EQUAL(rns_pool_home(&f.pool, tiers[i].slot_bytes), i);
            CHECK_EQUAL(rns_pool_home(&f.pool, tiers[i].slot_bytes + 1u), i + 1u);
            check_slot(&f, pool_take(&f, tiers[i].slot_bytes), i, 0);
            if (i + 1u < count) {
                check_slot(&f, pool_take(&f, tiers[i].slot_bytes + 1u), i + 1u, 0);
                void* const first = rns_pool_slot(&f.pool, i + 1u, 0);
                CHECK_STATUS(rns_pool_give(&f.pool, first), RNS_OK);
            }
        }
        void* out = &f;
        const size_t too_large = tiers[count - 1u].slot_bytes + 1u;
        CHECK_STATUS(rns_pool_take(&f.pool, too_large, RNS_PRIORITY_NORMAL, &out),
                     RNS_MISS_OVERSIZE);
        CHECK(out == NULL);
        out = &f;
        CHECK_STATUS(rns_pool_take(&f.pool, SIZE_MAX, RNS_PRIORITY_HIGH, &out), RNS_MISS_OVERSIZE);
        CHECK(out == NULL);
        pool_fixture_end(&f);
    }
}

static void test_a_request_of_no_bytes_is_one_of_the_smallest_tier(void)
{
    const rns_pool_config_t config = POOL_CONFIG(three_tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    check_slot(&f, pool_take(&f, 0), 0, 0);
    check_slot(&f, pool_take(&f, 0), 0, 1);
    CHECK(pool_take(&f, 0) == NULL);
    pool_fixture_end(&f);
}

static void test_a_strict_pool_serves_from_the_home_tier_only(void)
{
    const rns_pool_config_t config = POOL_CONFIG(three_tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    check_slot(&f, pool_take(&f, 16), 0, 0);
    check_slot(&f, pool_take(&f, 1), 0, 1);
    void* out = &f;
    CHECK_STATUS(rns_pool_take(&f.pool, 16, RNS_PRIORITY_HIGH, &out), RNS_MISS_EXHAUSTED);
    CHECK(out == NULL);
    for (uint32_t i = 0; i < 40; ++i) {
        check_slot(&f, pool_take(&f, 17), 1, i);
    }
    CHECK(pool_take(&f, 100) == NULL);
    check_slot(&f, pool_take(&f, 101), 2, 0);
#if RNS_STATS
    const rns_pool_stats_t stats = pool_stats(&f);
    CHECK_EQUAL(stats.requests, 45);
    CHECK_EQUAL(stats.hits, 43);
    CHECK_EQUAL(stats.spills, 0);
    CHECK_EQUAL(stats.exhausted, 2);
    CHECK_EQUAL(stats.failures, 2);
    CHECK_EQUAL(stats.tiers[0].exhausted, 1);
    CHECK_EQUAL(stats.tiers[1].exhausted, 1);
#endif
    pool_fixture_end(&f);
}

static void test_a_spill_pool_skips_full_tiers(void)
{
    const rns_pool_config_t config = POOL_CONFIG(three_tiers, RNS_POLICY_SPILL);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    for (uint32_t i = 0; i < 40; ++i) {
        check_slot(&f, pool_take(&f, 50), 1, i);
    }
    check_slot(&f, pool_take(&f, 16), 0, 0);
    check_slot(&f, pool_take(&f, 16), 0, 1);
    check_slot(&f, pool_take(&f, 16), 2, 0); /* the tier between is full */
    CHECK_STATUS(rns_pool_give(&f.pool, rns_pool_slot(&f.pool, 1, 33)), RNS_OK);
    check_slot(&f, pool_take(&f, 16), 1, 33);
    check_slot(&f, pool_take(&f, 60), 2, 1);
    check_slot(&f, pool_take(&f, 60), 2, 2);
    CHECK(pool_take(&f, 16) == NULL);
    CHECK(pool_take(&f, 100) == NULL);
    CHECK(pool_take(&f, 1000) == NULL);
    CHECK(pool_take(&f, 1001) == NULL);
    CHECK_STATUS(rns_pool_give(&f.pool, rns_pool_slot(&f.pool, 0, 1)), RNS_OK);
    CHECK(pool_take(&f, 17) == NULL); /* never from a smaller tier */
#if RNS_STATS
    const rns_pool_stats_t stats = pool_stats(&f);
    CHECK_EQUAL(stats.requests, 51);
    CHECK_EQUAL(stats.hits, 42);
    CHECK_EQUAL(stats.spills, 4);
    CHECK_EQUAL(stats.exhausted, 4);
    CHECK_EQUAL(stats.oversize, 1);
    CHECK_EQUAL(stats.tiers[0].spills, 2);
    CHECK_EQUAL(stats.tiers[1].spills, 2);
    CHECK_EQUAL(stats.tiers[1].spills_in, 1);
    CHECK_EQUAL(stats.tiers[2].spills_in, 3);
    CHECK_EQUAL(stats.tiers[0].exhausted, 1);
    CHECK_EQUAL(stats.tiers[1].exhausted, 2);
    CHECK_EQUAL(stats.tiers[2].exhausted, 1);
    CHECK_EQUAL(stats.tiers[2].hits, 0);
    CHECK_EQUAL(stats.tiers[2].requests, 1);
#endif
    pool_fixture_end(&f);
}

static void count_slot(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    (void)tier_index;
    (void)slot_index;
    (void)slot;
    ++*(uint32_t*)context;
}

static void check_all_are_served(uint32_t slot_count)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = slot_count}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    check_sound(&f.pool);
    for (uint32_t i = 0; i < slot_count; ++i) {
        CHECK(pool_take(&f, 16) == rns_pool_slot(&f.pool, 0, i));
    }
    CHECK(pool_take(&f, 16) == NULL);
    CHECK_EQUAL(pool_stats(&f).in_use, slot_count);
    uint32_t live_count = 0;
    rns_pool_each_live(&f.pool, count_slot, &live_count);
    CHECK_EQUAL(live_count, slot_count);
    for (uint32_t i = 0; i < slot_count; ++i) {
        CHECK(rns_pool_is_live(&f.pool, 0, i));
        CHECK_STATUS(rns_pool_give(&f.pool, rns_pool_slot(&f.pool, 0, i)), RNS_OK);
    }
    CHECK_EQUAL(pool_stats(&f).in_use, 0);
    pool_fixture_end(&f);
}

static void test_each_slot_of_a_tier_of_any_count_is_served(void)
{
    for (uint32_t count = 1; count <= 130; ++count) {
        check_all_are_served(count);
    }
    check_all_are_served(1100);
}

#if RNS_EXTRAS
static void test_the_reserve_serves_high_priority_only(void)
{
    static const uint32_t counts[] = {1, 5, 32, 33, 70};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        for (uint32_t reserve = 0; reserve <= counts[i]; reserve += 1u + reserve) {
            const rns_tier_config_t tiers[] = {
                {.slot_bytes = 32, .slot_count = counts[i], .reserve_count = reserve}};
            const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
            pool_fixture_t f;
            pool_fixture_init(&f, &config);
            uint32_t next = 0;
            for (; next < counts[i] - reserve; ++next) {
                check_slot(&f, pool_take(&f, 32), 0, next);
            }
            CHECK(pool_take(&f, 32) == NULL);
            for (; next < counts[i]; ++next) {
                check_slot(&f, pool_take_high(&f, 32), 0, next);
                CHECK(pool_take(&f, 32) == NULL);
            }
            CHECK(pool_take_high(&f, 32) == NULL);
            pool_fixture_end(&f);
        }
    }
}

static void test_a_spill_leaves_the_reserve_of_the_serving_tier(void)
{
    static const uint32_t counts[] = {4, 36};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        const rns_tier_config_t tiers[] = {
            {.slot_bytes = 16, .slot_count = 1},
            {.slot_bytes = 32, .slot_count = counts[i], .reserve_count = counts[i] - 1u},
            {.slot_bytes = 64, .slot_count = 1, .reserve_count = 1}};
        const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        check_slot(&f, pool_take(&f, 1), 0, 0);
        check_slot(&f, pool_take(&f, 1), 1, 0);
        CHECK(pool_take(&f, 1) == NULL);
        check_slot(&f, pool_take_high(&f, 1), 1, 1);
        pool_fixture_end(&f);
    }
}

/// A heap of a few blocks that the fallback hook takes from.
typedef struct {
    _Alignas(RNS_ALIGN_BYTES) unsigned char block[2][64];
    bool is_out[2];
    bool is_empty; ///< Refuses every request.
    uint32_t takes;
    uint32_t gives;
    size_t last_size_bytes;
} small_heap_t;

static void* heap_take(void* context, size_t size_bytes)
{
    small_heap_t* const heap = context;
    ++heap->takes;
    heap->last_size_bytes = size_bytes;
    for (size_t i = 0; i < COUNT_OF(heap->is_out) && !heap->is_empty; ++i) {
        if (!heap->is_out[i]) {
            heap->is_out[i] = true;
            return heap->block[i];
        }
    }
    return NULL;
}

static bool heap_give(void* context, void* block)
{
    small_heap_t* const heap = context;
    ++heap->gives;
    for (size_t i = 0; i < COUNT_OF(heap->is_out); ++i) {
        if (block == heap->block[i] && heap->is_out[i]) {
            heap->is_out[i] = false;
            return true;
        }
    }
    return false;
}

static rns_pool_config_t config_with_heap(small_heap_t* heap)
{
    rns_pool_config_t config = POOL_CONFIG(three_tiers, RNS_POLICY_STRICT);
    config.fallback = (rns_fallback_t){
        .take = heap_take, .give = heap_give, .context = heap, .region = RNS_REGIONS_MAX - 1u};
    return config;
}

static void test_the_fallback_serves_misses_until_it_refuses(void)
{
    small_heap_t heap = {0};
    const rns_pool_config_t config = config_with_heap(&heap);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(rns_pool_home(&f.pool, 16) == 0);
    check_slot(&f, pool_take(&f, 16), 0, 0);
    check_slot(&f, pool_take(&f, 16), 0, 1);
    CHECK_EQUAL(heap.takes, 0);
    void* out = NULL;
    CHECK_STATUS(rns_pool_take(&f.pool, 13, RNS_PRIORITY_NORMAL, &out), RNS_OK);
    CHECK(out == heap.block[0]);
    CHECK_EQUAL(heap.last_size_bytes, 13);
    CHECK_STATUS(rns_pool_take(&f.pool, 5000, RNS_PRIORITY_NORMAL, &out), RNS_OK);
    CHECK(out == heap.block[1]);
    CHECK_EQUAL(heap.last_size_bytes, 5000);
    CHECK_STATUS(rns_pool_take(&f.pool, 16, RNS_PRIORITY_NORMAL, &out), RNS_MISS_EXHAUSTED);
    CHECK(out == NULL);
    out = &f;
    CHECK_STATUS(rns_pool_take(&f.pool, 5000, RNS_PRIORITY_NORMAL, &out), RNS_MISS_OVERSIZE);
    CHECK(out == NULL);
    const rns_pool_stats_t stats = pool_stats(&f);
    CHECK_EQUAL(stats.fallbacks, 2);
    CHECK_EQUAL(stats.fallback_gives, 0);
    CHECK_EQUAL(stats.regions[RNS_REGIONS_MAX - 1u].fallbacks, 2);
    CHECK_EQUAL(stats.regions[0].fallbacks, 0);
#    if RNS_STATS
    CHECK_EQUAL(stats.exhausted, 2);
    CHECK_EQUAL(stats.oversize, 2);
    CHECK_EQUAL(stats.failures, 2);
    CHECK_EQUAL(stats.requests, 6);
#    endif
    pool_fixture_end(&f);
}

static void test_blocks_of_the_fallback_come_back_to_it(void)
{
    small_heap_t heap = {0};
    const rns_pool_config_t config = config_with_heap(&heap);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    void* const block = pool_take(&f, 2000);
    CHECK(block == heap.block[0]);
    CHECK_STATUS(rns_pool_give(&f.pool, block), RNS_OK);
    CHECK_EQUAL(heap.gives, 1);
    CHECK(!heap.is_out[0]);
    CHECK_EQUAL(pool_stats(&f).fallbacks, 1);
    CHECK_EQUAL(pool_stats(&f).fallback_gives, 1);
    CHECK_EQUAL(pool_stats(&f).gives, 0);
    pool_image_t before = pool_image(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, block), RNS_MISUSE_FOREIGN); /* twice */
    check_only_counted(&f, &before, NUMBER_FOREIGN);
    CHECK_EQUAL(heap.gives, 1); /* not even asked: none of its blocks is out */
    pool_fixture_end(&f);
}

static void test_a_foreign_pointer_is_told_by_the_fallback_while_its_blocks_are_out(void)
{
    small_heap_t heap = {0};
    const rns_pool_config_t config = config_with_heap(&heap);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    unsigned char stray[16];
    pool_image_t before = pool_image(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, stray), RNS_MISUSE_FOREIGN);
    check_only_counted(&f, &before, NUMBER_FOREIGN);
    CHECK_EQUAL(heap.gives, 0);
    void* const block = pool_take(&f, 2000);
    before = pool_image(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, stray), RNS_MISUSE_FOREIGN);
    check_only_counted(&f, &before, NUMBER_FOREIGN);
    CHECK_EQUAL(heap.gives, 1);
    before = pool_image(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, NULL), RNS_MISUSE_FOREIGN);
    check_only_counted(&f, &before, NUMBER_FOREIGN);
    CHECK_EQUAL(heap.gives, 1); /* NULL is nobody's block */
    CHECK_STATUS(rns_pool_give(&f.pool, block), RNS_OK);
    pool_fixture_end(&f);
}

static void test_the_fallback_is_not_asked_for_what_lies_in_the_pool(void)
{
    small_heap_t heap = {0};
    const rns_pool_config_t config = config_with_heap(&heap);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    void* const block = pool_take(&f, 2000);
    unsigned char* const slot = pool_take(&f, 16);
    CHECK_STATUS(rns_pool_give(&f.pool, slot + RNS_ALIGN_BYTES - 1u), RNS_MISUSE_MISALIGNED);
    /* The bitmap lies behind all slots, or behind those of its tier. */
    void* const bitmap = RNS_PROFILE == RNS_PROFILE_FULL ? rns_pool_slot(&f.pool, 2, 3)
                                                         : rns_pool_slot(&f.pool, 1, 40);
    CHECK_STATUS(rns_pool_give(&f.pool, bitmap), RNS_MISUSE_OUT_OF_RANGE);
    CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
    CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_MISUSE_DOUBLE_GIVE);
    CHECK_EQUAL(heap.gives, 0);
    CHECK_STATUS(rns_pool_give(&f.pool, block), RNS_OK);
    CHECK_EQUAL(heap.gives, 1);
    pool_fixture_end(&f);
}

static void test_a_spill_pool_asks_the_fallback_last(void)
{
    small_heap_t heap = {0};
    rns_pool_config_t config = config_with_heap(&heap);
    config.policy = RNS_POLICY_SPILL;
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    for (uint32_t i = 0; i < 45; ++i) {
        CHECK(pool_take(&f, 1) != NULL);
    }
    CHECK_EQUAL(heap.takes, 0);
    CHECK(pool_take(&f, 1) == heap.block[0]);
    CHECK_EQUAL(pool_stats(&f).in_use, 45);
    pool_fixture_end(&f);
}

static void test_the_fallback_is_asked_for_the_header_too_unless_that_overflows(void)
{
    small_heap_t heap = {0};
    rns_pool_config_t config = config_with_heap(&heap);
    config.header_bytes = 16;
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(pool_take(&f, 5000) == heap.block[0]);
    CHECK_EQUAL(heap.last_size_bytes, 5016);
    CHECK(pool_take(&f, SIZE_MAX - 16u) == heap.block[1]);
    CHECK_EQUAL(heap.last_size_bytes, SIZE_MAX);
    CHECK_STATUS(rns_pool_give(&f.pool, heap.block[1]), RNS_OK);
    CHECK(pool_take(&f, SIZE_MAX - 15u) == NULL);
    CHECK(pool_take(&f, SIZE_MAX) == NULL);
    CHECK_EQUAL(heap.takes, 2);
    pool_fixture_end(&f);
}
#endif

void suite_pool(void)
{
    RUN(test_the_home_tier_is_the_smallest_that_fits);
    RUN(test_a_request_of_no_bytes_is_one_of_the_smallest_tier);
    RUN(test_a_strict_pool_serves_from_the_home_tier_only);
    RUN(test_a_spill_pool_skips_full_tiers);
    RUN(test_each_slot_of_a_tier_of_any_count_is_served);
#if RNS_EXTRAS
    RUN(test_the_reserve_serves_high_priority_only);
    RUN(test_a_spill_leaves_the_reserve_of_the_serving_tier);
    RUN(test_the_fallback_serves_misses_until_it_refuses);
    RUN(test_blocks_of_the_fallback_come_back_to_it);
    RUN(test_a_foreign_pointer_is_told_by_the_fallback_while_its_blocks_are_out);
    RUN(test_the_fallback_is_not_asked_for_what_lies_in_the_pool);
    RUN(test_a_spill_pool_asks_the_fallback_last);
    RUN(test_the_fallback_is_asked_for_the_header_too_unless_that_overflows);
#endif
}
