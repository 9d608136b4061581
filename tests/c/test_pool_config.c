/* rns_pool_init: what is refused, how much storage is asked for, where tiers may lie. */
#include "check.h"
#include "pool_fixture.h"
#include "suites.h"
#include <stdlib.h>
#include <string.h>

static bool is_all_zero(const void* memory, size_t bytes)
{
    const unsigned char* const byte = memory;
    for (size_t i = 0; i < bytes; ++i) {
        if (byte[i] != 0) {
            return false;
        }
    }
    return true;
}

/// Verify that init refuses, and leaves the pool all zero and the storage alone.
static void check_init_refuses(const rns_pool_config_t* config, rns_memory_t storage,
                               rns_status_t status)
{
    rns_pool_t pool;
    memset(&pool, 0xEE, sizeof pool);
    CHECK_STATUS(rns_pool_init(&pool, config, storage), status);
    CHECK(is_all_zero(&pool, sizeof pool));
}

/// Verify that both functions refuse a configuration.
static void check_refused(const rns_pool_config_t* config, rns_status_t status)
{
    size_t storage_bytes = 77;
    CHECK_STATUS(rns_pool_storage_bytes(config, &storage_bytes), status);
    CHECK_EQUAL(storage_bytes, 0);
    _Alignas(RNS_ALIGN_BYTES) unsigned char storage[64] = {0};
    check_init_refuses(config, (rns_memory_t){.start = storage, .bytes = SIZE_MAX / 4u}, status);
    CHECK(is_all_zero(storage, sizeof storage));
}

static void check_tier_refused(rns_tier_config_t tier, rns_status_t status)
{
    const rns_tier_config_t alone[] = {tier};
    const rns_pool_config_t config = POOL_CONFIG(alone, RNS_POLICY_STRICT);
    check_refused(&config, status);
    const rns_tier_config_t second[] = {{.slot_bytes = 8, .slot_count = 1}, tier};
    const rns_pool_config_t larger = POOL_CONFIG(second, RNS_POLICY_SPILL);
    check_refused(&larger, tier.slot_bytes <= 8 ? RNS_CONFIG_TIER_ORDER : status);
}

static void test_a_pool_has_1_to_tiers_max_tiers(void)
{
    rns_tier_config_t tiers[RNS_TIERS_MAX + 1u];
    for (uint32_t i = 0; i <= RNS_TIERS_MAX; ++i) {
        tiers[i] = (rns_tier_config_t){.slot_bytes = (size_t)16 * (i + 1u), .slot_count = 1};
    }
    rns_pool_config_t config = {.tiers = tiers};
    check_refused(&config, RNS_CONFIG_TIER_COUNT);
    config.tier_count = RNS_TIERS_MAX + 1u;
    check_refused(&config, RNS_CONFIG_TIER_COUNT);
    config.tier_count = UINT32_MAX;
    check_refused(&config, RNS_CONFIG_TIER_COUNT);
    config.tiers = NULL;
    config.tier_count = 1;
    check_refused(&config, RNS_CONFIG_TIER_COUNT);
    config.tiers = tiers;
    for (config.tier_count = 1; config.tier_count <= RNS_TIERS_MAX; ++config.tier_count) {
        size_t storage_bytes = 0;
        CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
        CHECK(storage_bytes >= (size_t)16 * config.tier_count);
    }
}

static void test_slot_bytes_ascend_strictly(void)
{
    static const size_t pairs[][2] = {{16, 16}, {32, 16}, {17, 16}, {1, 0}};
    for (size_t i = 0; i < COUNT_OF(pairs); ++i) {
        const rns_tier_config_t tiers[] = {{.slot_bytes = 1000, .slot_count = 1},
                                           {.slot_bytes = 1000 + pairs[i][0], .slot_count = 1},
                                           {.slot_bytes = 1000 + pairs[i][1], .slot_count = 1}};
        const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
        check_refused(&config, RNS_CONFIG_TIER_ORDER);
    }
    /* Equal strides are no reason to refuse. */
    const rns_tier_config_t close[] = {{.slot_bytes = 1, .slot_count = 1},
                                       {.slot_bytes = 2, .slot_count = 1}};
    const rns_pool_config_t config = POOL_CONFIG(close, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK_EQUAL(rns_pool_home(&f.pool, 2), 1);
    pool_fixture_end(&f);
}

static void test_each_field_of_a_tier_out_of_range_has_its_status(void)
{
    check_tier_refused((rns_tier_config_t){.slot_bytes = 0, .slot_count = 1},
                       RNS_CONFIG_SLOT_BYTES);
    check_tier_refused((rns_tier_config_t){.slot_bytes = RNS_SLOT_BYTES_MAX + 1u, .slot_count = 1},
                       RNS_CONFIG_SLOT_BYTES);
    check_tier_refused((rns_tier_config_t){.slot_bytes = SIZE_MAX, .slot_count = 1},
                       RNS_CONFIG_SLOT_BYTES);
    check_tier_refused((rns_tier_config_t){.slot_bytes = 16, .slot_count = 0},
                       RNS_CONFIG_SLOT_COUNT);
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = 16, .slot_count = RNS_SLOT_COUNT_MAX + 1u},
        RNS_CONFIG_SLOT_COUNT);
#if RNS_EXTRAS
    check_tier_refused((rns_tier_config_t){.slot_bytes = 16, .slot_count = 4, .reserve_count = 5},
                       RNS_CONFIG_RESERVE);
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = 16, .slot_count = 4, .reserve_count = UINT32_MAX},
        RNS_CONFIG_RESERVE);
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = 16, .slot_count = 4, .low_water_count = 5},
        RNS_CONFIG_LOW_WATER);
    check_tier_refused(
        (rns_tier_config_t){
            .slot_bytes = 16, .slot_count = 4, .low_water_count = 2, .hysteresis_count = 3},
        RNS_CONFIG_LOW_WATER);
    check_tier_refused((rns_tier_config_t){.slot_bytes = 16,
                                           .slot_count = 4,
                                           .low_water_count = 4,
                                           .hysteresis_count = UINT32_MAX},
                       RNS_CONFIG_LOW_WATER);
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = 16, .slot_count = 4, .hysteresis_count = 5},
        RNS_CONFIG_LOW_WATER);
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = 16, .slot_count = 4, .region = RNS_REGIONS_MAX},
        RNS_CONFIG_REGION);
#endif
}

#if RNS_EXTRAS
static void test_fields_at_their_limits_are_accepted(void)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16,
                                        .slot_count = 4,
                                        .reserve_count = 4,
                                        .low_water_count = 3,
                                        .hysteresis_count = 1,
                                        .region = RNS_REGIONS_MAX - 1u},
                                       {.slot_bytes = 32, .slot_count = 4, .low_water_count = 4}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(pool_take(&f, 1) == rns_pool_slot(&f.pool, 1, 0));
    pool_fixture_end(&f);
}

static void* no_take(void* context, size_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    return NULL;
}

static bool no_give(void* context, void* block)
{
    (void)context;
    (void)block;
    return false;
}
#endif

static void test_each_field_of_a_pool_out_of_range_has_its_status(void)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 1}};
    const rns_pool_config_t good = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    rns_pool_config_t config = good;
    config.policy = (rns_policy_t)2;
    check_refused(&config, RNS_CONFIG_POLICY);
    config = good;
    config.header_bytes = RNS_ALIGN_BYTES / 2u;
    check_refused(&config, RNS_CONFIG_HEADER);
    config.header_bytes = (uint32_t)RNS_SLOT_BYTES_MAX + RNS_ALIGN_BYTES;
    check_refused(&config, RNS_CONFIG_HEADER);
    config.header_bytes = (uint32_t)RNS_SLOT_BYTES_MAX;
    size_t storage_bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_EQUAL(storage_bytes, RNS_SLOT_BYTES_MAX + 16u + (RNS_CANARY ? RNS_ALIGN_BYTES : 0));
#if RNS_EXTRAS
    config = good;
    config.fallback.take = no_take;
    check_refused(&config, RNS_CONFIG_FALLBACK);
    config.fallback.take = NULL;
    config.fallback.give = no_give;
    check_refused(&config, RNS_CONFIG_FALLBACK);
    config.fallback.take = no_take;
    config.fallback.region = RNS_REGIONS_MAX;
    check_refused(&config, RNS_CONFIG_REGION);
    config.fallback.region = RNS_REGIONS_MAX - 1u;
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(pool_take(&f, 100) == NULL);
    pool_fixture_end(&f);
#endif
}

#if RNS_PROFILE != RNS_PROFILE_FULL
static void test_a_tier_whose_bytes_overflow_is_refused(void)
{
    rns_tier_config_t tier = {.slot_bytes = RNS_SLOT_BYTES_MAX, .slot_count = RNS_SLOT_COUNT_MAX};
    rns_pool_config_t config = {.tiers = &tier, .tier_count = 1};
    size_t storage_bytes = 1;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes),
                 sizeof(size_t) == 4 ? RNS_CONFIG_OVERFLOW : RNS_OK);
    tier.slot_count = 1; /* now the distance of two slots alone does not fit */
    config.header_bytes = 256;
    check_refused(&config, RNS_CONFIG_OVERFLOW);
    config.header_bytes = 256u - RNS_ALIGN_BYTES;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_EQUAL(storage_bytes, 65536u - RNS_ALIGN_BYTES);
    tier = (rns_tier_config_t){.slot_bytes = 32768, .slot_count = RNS_SLOT_COUNT_MAX};
    config.header_bytes = 0; /* less than half of the address space, also where that is 2 GiB */
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_EQUAL(storage_bytes, (size_t)32768 * 65535u + 8192u);
}

static void test_each_32_slots_need_a_word_if_there_are_more(void)
{
    size_t bitmap_bytes = 0;
    for (uint32_t count = 1; count <= 300; ++count) {
        const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = count}};
        const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
        size_t storage_bytes = 0;
        CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
        if (count > 32 && bitmap_bytes * 8u < count) {
            bitmap_bytes += RNS_ALIGN_BYTES;
        }
        CHECK_EQUAL(storage_bytes, (size_t)16 * count + bitmap_bytes);
    }
}

static void test_the_sum_of_the_tiers_overflows_where_size_t_is_32_bits(void)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 32768, .slot_count = 32768},
                                       {.slot_bytes = 65024, .slot_count = 17000}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t storage_bytes = 1;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes),
                 sizeof(size_t) == 4 ? RNS_CONFIG_OVERFLOW : RNS_OK);
    CHECK_EQUAL(storage_bytes == 0, sizeof(size_t) == 4);
}

static void test_the_bitmaps_too_count_for_the_overflow(void)
{
    /* Slots alone end just below SIZE_MAX / 2 on 32 bit: the bitmap no longer fits. */
    const rns_tier_config_t tiers[] = {{.slot_bytes = 32776, .slot_count = 0x7FFFFFFFu / 32776u}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t storage_bytes = 1;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes),
                 sizeof(size_t) == 4 ? RNS_CONFIG_OVERFLOW : RNS_OK);
}
#else
static void test_a_tier_whose_bytes_overflow_is_refused(void)
{
    check_tier_refused(
        (rns_tier_config_t){.slot_bytes = RNS_SLOT_BYTES_MAX, .slot_count = RNS_SLOT_COUNT_MAX},
        RNS_CONFIG_OVERFLOW);
    check_tier_refused((rns_tier_config_t){.slot_bytes = 65536, .slot_count = 65536},
                       RNS_CONFIG_OVERFLOW);
    check_tier_refused((rns_tier_config_t){.slot_bytes = 4096, .slot_count = 1u << 20},
                       RNS_CONFIG_OVERFLOW);
    if (sizeof(size_t) == 4) { /* more than half of the address space, though it fits 32 bits */
        check_tier_refused((rns_tier_config_t){.slot_bytes = 65536, .slot_count = 40000},
                           RNS_CONFIG_OVERFLOW);
    }
}

static void test_the_sum_of_the_tiers_overflows_where_size_t_is_32_bits(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 65520, .slot_count = 16384},
                                              {.slot_bytes = 65536, .slot_count = 16383},
                                              {.slot_bytes = 131072, .slot_count = 4}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t storage_bytes = 1;
    const rns_status_t status = rns_pool_storage_bytes(&config, &storage_bytes);
    if (sizeof(size_t) == 4) {
        CHECK_STATUS(status, RNS_CONFIG_OVERFLOW);
        CHECK_EQUAL(storage_bytes, 0);
        check_refused(&config, RNS_CONFIG_OVERFLOW);
    } else {
        CHECK_STATUS(status, RNS_OK);
        CHECK(storage_bytes > UINT32_MAX / 2u);
    }
    config.tier_count = 1;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK(storage_bytes >= (size_t)65520 * 16384u);
}

static void test_the_bitmaps_too_count_for_the_overflow(void)
{
    /* Slots alone end just below SIZE_MAX / 2 on 32 bit: the bitmap no longer fits. */
    const uint32_t stride = RNS_CANARY ? 256u + RNS_ALIGN_BYTES : 256u;
    const rns_tier_config_t tiers[] = {{.slot_bytes = 256, .slot_count = 0x7FFFFFFFu / stride}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t storage_bytes = 1;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes),
                 sizeof(size_t) == 4 ? RNS_CONFIG_OVERFLOW : RNS_OK);
}
#endif

static void test_storage_is_the_slots_and_the_bitmaps_and_no_more(void)
{
    const uint32_t canary = RNS_CANARY ? RNS_ALIGN_BYTES : 0;
#if RNS_PROFILE == RNS_PROFILE_FULL
    const uint32_t bitmaps = RNS_CANARY || RNS_POISON ? 32 : 16; /* 20 or 12 bytes, padded */
#else
    const uint32_t bitmaps = RNS_ALIGN_BYTES; /* 8 bytes, padded */
#endif
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 32},
                                              {.slot_bytes = 128, .slot_count = 33},
                                              {.slot_bytes = 1024, .slot_count = 2}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t storage_bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_EQUAL(storage_bytes, 32u * 64u + 33u * 128u + 2u * 1024u + bitmaps + 67u * canary);
    config.header_bytes = 16;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_EQUAL(storage_bytes,
                32u * 64u + 33u * 128u + 2u * 1024u + bitmaps + 67u * (16u + canary));
}

static void test_storage_that_is_too_small_unaligned_or_null_is_refused(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4},
                                              {.slot_bytes = 32, .slot_count = 40}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    unsigned char* const memory = calloc(bytes + RNS_ALIGN_BYTES, 1);
    check_init_refuses(&config, (rns_memory_t){.start = memory, .bytes = bytes - 1u},
                       RNS_CONFIG_STORAGE_SMALL);
    check_init_refuses(&config, (rns_memory_t){.start = memory}, RNS_CONFIG_STORAGE_SMALL);
    check_init_refuses(&config, (rns_memory_t){.bytes = bytes}, RNS_CONFIG_STORAGE_ALIGN);
    for (uint32_t by = 1; by < RNS_ALIGN_BYTES; by *= 2u) {
        check_init_refuses(&config, (rns_memory_t){.start = memory + by, .bytes = bytes},
                           RNS_CONFIG_STORAGE_ALIGN);
    }
    CHECK(is_all_zero(memory, bytes + RNS_ALIGN_BYTES));
    rns_pool_t pool;
    CHECK_STATUS(rns_pool_init(&pool, &config, (rns_memory_t){.start = memory, .bytes = bytes}),
                 RNS_OK);
    free(memory);
}

void suite_pool_config(void)
{
    RUN(test_a_pool_has_1_to_tiers_max_tiers);
    RUN(test_slot_bytes_ascend_strictly);
    RUN(test_each_field_of_a_tier_out_of_range_has_its_status);
#if RNS_EXTRAS
    RUN(test_fields_at_their_limits_are_accepted);
#endif
    RUN(test_each_field_of_a_pool_out_of_range_has_its_status);
    RUN(test_a_tier_whose_bytes_overflow_is_refused);
    RUN(test_the_sum_of_the_tiers_overflows_where_size_t_is_32_bits);
    RUN(test_the_bitmaps_too_count_for_the_overflow);
#if RNS_PROFILE != RNS_PROFILE_FULL
    RUN(test_each_32_slots_need_a_word_if_there_are_more);
#endif
    RUN(test_storage_is_the_slots_and_the_bitmaps_and_no_more);
    RUN(test_storage_that_is_too_small_unaligned_or_null_is_refused);
}
