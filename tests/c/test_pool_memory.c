/* rns_pool over memory in several places: tiers with memory of their own, in any order. */
#include "check.h"
#include "pool_fixture.h"
#include "suites.h"
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192u

typedef struct {
    unsigned char* block; ///< Cut into tiers by each test.
    rns_tier_config_t tiers[3];
    rns_pool_config_t config;
} places_t;

static void places_init(places_t* self)
{
    *self = (places_t){
        .block = calloc(BLOCK_BYTES, 1),
        .tiers = {{.slot_bytes = 16, .slot_count = 8},
                  {.slot_bytes = 32, .slot_count = 40, .region = 1},
                  {.slot_bytes = 64, .slot_count = 4, .region = 2}},
    };
    self->config = (rns_pool_config_t){.tiers = self->tiers, .tier_count = 3};
}

static void place_tier(places_t* self, uint32_t tier_index, size_t offset, size_t bytes)
{
    self->tiers[tier_index].memory = (rns_memory_t){.start = self->block + offset, .bytes = bytes};
}

static size_t bytes_of(uint32_t slot_bytes, uint32_t slot_count)
{
    return (size_t)slot_count * (slot_bytes + (RNS_CANARY ? RNS_ALIGN_BYTES : 0));
}

static void check_refused(const places_t* places, rns_memory_t storage, rns_status_t status)
{
    rns_pool_t pool;
    memset(&pool, 0xEE, sizeof pool);
    CHECK_STATUS(rns_pool_init(&pool, &places->config, storage), status);
    CHECK_EQUAL(pool.tier_count, 0);
    CHECK(pool.next == NULL);
}

/// Fill every tier, write to all of it, and give it back.
static void use_all(pool_fixture_t* f)
{
    for (uint32_t i = 0; i < f->pool.tier_count; ++i) {
        const rns_tier_stats_t tier = pool_stats(f).tiers[i];
        for (uint32_t k = 0; k < tier.slot_count; ++k) {
            void* const slot = pool_take(f, tier.slot_bytes);
            CHECK(slot == rns_pool_slot(&f->pool, i, k));
            if (slot != NULL) {
                memset(slot, (int)(i + 1u), tier.slot_bytes);
            }
        }
    }
    check_sound(&f->pool);
    for (uint32_t i = 0; i < f->pool.tier_count; ++i) {
        const rns_tier_stats_t tier = pool_stats(f).tiers[i];
        for (uint32_t k = 0; k < tier.slot_count; ++k) {
            const unsigned char* const slot = rns_pool_slot(&f->pool, i, k);
            CHECK(slot[0] == i + 1u && slot[tier.slot_bytes - 1u] == i + 1u);
            uint32_t tier_index = 0;
            uint32_t slot_index = 0;
            CHECK_STATUS(rns_pool_locate(&f->pool, slot, &tier_index, &slot_index), RNS_OK);
            CHECK_EQUAL(tier_index, i);
            CHECK_EQUAL(slot_index, k);
            CHECK_STATUS(rns_pool_give(&f->pool, rns_pool_slot(&f->pool, i, k)), RNS_OK);
        }
    }
}

static void test_the_owner_is_found_whatever_the_order_of_the_addresses(void)
{
    static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < COUNT_OF(orders); ++i) {
        for (uint32_t own = 0; own < 8; ++own) { /* which tiers have memory of their own */
            places_t places;
            places_init(&places);
            for (uint32_t k = 0; k < 3; ++k) {
                if ((own >> k & 1u) != 0) {
                    place_tier(&places, k, orders[i][k] * 2560u, 2560);
                }
            }
            pool_fixture_t f;
            pool_fixture_init(&f, &places.config);
            use_all(&f);
            CHECK_EQUAL(pool_stats(&f).regions[1].slot_count, 40);
            CHECK_EQUAL(pool_stats(&f).regions[2].slots_bytes, bytes_of(64, 4));
            pool_fixture_end(&f);
            free(places.block);
        }
    }
}

static void test_every_number_of_tiers_may_descend_in_memory(void)
{
    for (uint32_t count = 1; count <= RNS_TIERS_MAX; ++count) {
        unsigned char* const block = calloc(RNS_TIERS_MAX, 1024);
        rns_tier_config_t tiers[RNS_TIERS_MAX];
        for (uint32_t i = 0; i < count; ++i) {
            tiers[i] = (rns_tier_config_t){
                .slot_bytes = 8u + 8u * i,
                .slot_count = 3,
                .memory = {.start = block + (size_t)(count - 1u - i) * 1024u, .bytes = 1024}};
        }
        const rns_pool_config_t config = {.tiers = tiers, .tier_count = count};
        rns_pool_t pool;
        CHECK_STATUS(rns_pool_init(&pool, &config, (rns_memory_t){0}), RNS_OK);
        pool_fixture_t f = {.pool = pool};
        f.pool.next = &f.pool;
        use_all(&f);
        for (uint32_t i = 0; i < count; ++i) { /* between the tiers is nobody's */
            CHECK_STATUS(rns_pool_give(&f.pool, block + (size_t)i * 1024u + 1008u),
                         RNS_MISUSE_FOREIGN);
        }
        check_sound(&f.pool);
        free(block);
    }
}

static void test_a_tier_with_memory_of_its_own_takes_none_from_the_storage(void)
{
    places_t places;
    places_init(&places);
    size_t all_bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&places.config, &all_bytes), RNS_OK);
    place_tier(&places, 1, 0, bytes_of(32, 40));
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&places.config, &bytes), RNS_OK);
    CHECK_EQUAL(bytes, all_bytes - bytes_of(32, 40)); /* its bitmap stays in the storage */
    place_tier(&places, 0, 4096, bytes_of(16, 8));
    place_tier(&places, 2, 6144, bytes_of(64, 4));
    CHECK_STATUS(rns_pool_storage_bytes(&places.config, &bytes), RNS_OK);
#if RNS_PROFILE == RNS_PROFILE_FULL
    CHECK_EQUAL(bytes, RNS_CANARY || RNS_POISON ? 32u : 16u);
#else
    CHECK_EQUAL(bytes, RNS_ALIGN_BYTES);
#endif
    places.tiers[1].slot_count = 32;
    CHECK_STATUS(rns_pool_storage_bytes(&places.config, &bytes), RNS_OK);
    CHECK_EQUAL(bytes, 0); /* and then storage may be NULL */
    pool_fixture_t f = {.storage = {0}};
    CHECK_STATUS(rns_pool_init(&f.pool, &places.config, f.storage), RNS_OK);
    use_all(&f);
    CHECK_STATUS(rns_pool_give(&f.pool, NULL), RNS_MISUSE_FOREIGN);
    check_sound(&f.pool);
    free(places.block);
}

static void test_memory_that_is_too_small_or_unaligned_is_refused(void)
{
    _Alignas(RNS_ALIGN_BYTES) unsigned char storage[4096];
    const rns_memory_t memory = {.start = storage, .bytes = sizeof storage};
    places_t places;
    places_init(&places);
    place_tier(&places, 1, 0, bytes_of(32, 40) - 1u);
    check_refused(&places, memory, RNS_CONFIG_STORAGE_SMALL);
    place_tier(&places, 1, 0, 0);
    check_refused(&places, memory, RNS_CONFIG_STORAGE_SMALL);
    place_tier(&places, 1, RNS_ALIGN_BYTES / 2u, BLOCK_BYTES / 2u);
    check_refused(&places, memory, RNS_CONFIG_STORAGE_ALIGN);
    places.tiers[1].memory = (rns_memory_t){0};
    place_tier(&places, 2, 1, 4096);
    check_refused(&places, memory, RNS_CONFIG_STORAGE_ALIGN);
    free(places.block);
}

static void test_memory_that_two_share_is_refused(void)
{
    static const struct {
        size_t storage_offset;
        size_t storage_bytes;
        size_t offset[2];
        rns_status_t status;
    } cases[] = {
        {0, 1024, {1024, 3072}, RNS_OK},
        {7168, 1024, {5120, 3072}, RNS_OK},
        {0, 1024, {1008, 4096}, RNS_CONFIG_STORAGE_OVERLAP},  /* storage ends in a tier */
        {2048, 1024, {4096, 16}, RNS_CONFIG_STORAGE_OVERLAP}, /* a tier ends in the storage */
        {0, 8192, {1024, 4096}, RNS_CONFIG_STORAGE_OVERLAP},  /* a tier in the storage */
        {0, 1024, {2048, 2048}, RNS_CONFIG_STORAGE_OVERLAP},  /* the same memory twice */
        {0, 1024, {2048, 4080}, RNS_CONFIG_STORAGE_OVERLAP},
        {0, 1024, {4080, 2048}, RNS_CONFIG_STORAGE_OVERLAP},
        {0, 1024, {2048, 4096}, RNS_OK},
        {0, 1024, {4096, 2048}, RNS_OK},
    };
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        for (uint32_t first = 0; first < 2; ++first) {
            places_t places;
            places_init(&places);
            place_tier(&places, first, cases[i].offset[0], 2048);
            place_tier(&places, 2, cases[i].offset[1], 2048);
            places.tiers[1 - first].slot_count = 1;
            const rns_memory_t storage = {.start = places.block + cases[i].storage_offset,
                                          .bytes = cases[i].storage_bytes};
            rns_pool_t pool;
            CHECK_STATUS(rns_pool_init(&pool, &places.config, storage), cases[i].status);
            free(places.block);
        }
    }
}

static void test_storage_of_no_bytes_lies_nowhere(void)
{
    _Alignas(RNS_ALIGN_BYTES) unsigned char memory[64];
    const rns_tier_config_t tiers[] = {
        {.slot_bytes = 16, .slot_count = 2, .memory = {.start = memory, .bytes = sizeof memory}}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    rns_pool_t pool;
    CHECK_STATUS(rns_pool_init(&pool, &config, (rns_memory_t){.start = memory}), RNS_OK);
    check_sound(&pool);
}

static void test_headers_come_in_front_of_the_payload(void)
{
    static const uint32_t headers[] = {RNS_ALIGN_BYTES, 16, 64};
    for (size_t i = 0; i < COUNT_OF(headers); ++i) {
        static const rns_tier_config_t tiers[] = {{.slot_bytes = 500, .slot_count = 3},
                                                  {.slot_bytes = 512, .slot_count = 40}};
        rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
        config.header_bytes = headers[i];
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        CHECK_EQUAL(rns_pool_home(&f.pool, 500), 0); /* sizes are of the payload */
        CHECK_EQUAL(rns_pool_home(&f.pool, 501), 1);
        CHECK_EQUAL(rns_pool_home(&f.pool, 512), 1);
        CHECK_EQUAL(rns_pool_home(&f.pool, 513), 2);
        for (uint32_t k = 0; k < 40; ++k) {
            unsigned char* const slot = pool_take(&f, 512);
            CHECK(slot != NULL);
            if (slot != NULL) {
                memset(slot, (int)k, headers[i] + 512u);
            }
        }
        for (uint32_t k = 0; k < 40; ++k) {
            const unsigned char* const slot = rns_pool_slot(&f.pool, 1, k);
            CHECK(slot[0] == k && slot[headers[i] + 511u] == k);
        }
        CHECK_EQUAL(pool_stats(&f).tiers[1].slot_bytes, 512);
        pool_fixture_end(&f);
    }
}

void suite_pool_memory(void)
{
    RUN(test_the_owner_is_found_whatever_the_order_of_the_addresses);
    RUN(test_every_number_of_tiers_may_descend_in_memory);
    RUN(test_a_tier_with_memory_of_its_own_takes_none_from_the_storage);
    RUN(test_memory_that_is_too_small_or_unaligned_is_refused);
    RUN(test_memory_that_two_share_is_refused);
    RUN(test_storage_of_no_bytes_lies_nowhere);
    RUN(test_headers_come_in_front_of_the_payload);
}
