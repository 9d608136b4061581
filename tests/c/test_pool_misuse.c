/* rns_pool: every misuse of give has its status and its counter, and changes nothing else. */
#include "check.h"
#include "pool_fixture.h"
#include "suites.h"
#include <string.h>

static const rns_tier_config_t two_kinds[] = {
    {.slot_bytes = 48, .slot_count = 5},  /* bitmap in the gate */
    {.slot_bytes = 80, .slot_count = 37}, /* bitmap in words */
};

/// Make a pool with two slots of each tier in use, all memory filled.
static void init_used(pool_fixture_t* f)
{
    const rns_pool_config_t config = POOL_CONFIG(two_kinds, RNS_POLICY_STRICT);
    pool_fixture_init(f, &config);
    for (uint32_t i = 0; i < 4; ++i) {
        const size_t size_bytes = i < 2 ? 48 : 80;
        void* const slot = pool_take(f, size_bytes);
        CHECK(slot != NULL);
        if (slot != NULL) {
            memset(slot, 0x77, size_bytes);
        }
    }
}

static unsigned char* slot_of(pool_fixture_t* f, uint32_t tier_index, uint32_t slot_index)
{
    return rns_pool_slot(&f->pool, tier_index, slot_index);
}

/// Verify that a give is refused, counted once, and changes nothing else.
static void check_refused(pool_fixture_t* f, void* slot, rns_status_t status,
                          pool_number_t counter)
{
    pool_image_t before = pool_image(f);
    CHECK_STATUS(rns_pool_give(&f->pool, slot), status);
    check_only_counted(f, &before, counter);
    uint32_t tier_index = 0;
    uint32_t slot_index = 0;
    before = pool_image(f);
    CHECK_STATUS(rns_pool_locate(&f->pool, slot, &tier_index, &slot_index),
                 status == RNS_MISUSE_DOUBLE_GIVE ? RNS_OK : status);
    CHECK_EQUAL(tier_index == UINT32_MAX, status != RNS_MISUSE_DOUBLE_GIVE);
    CHECK_EQUAL(slot_index == UINT32_MAX, status != RNS_MISUSE_DOUBLE_GIVE);
    check_only_counted(f, &before, NUMBER_NONE); /* locate counts nothing */
}

static void test_null_and_addresses_elsewhere_are_foreign(void)
{
    static int of_the_program;
    int of_the_stack = 0;
    pool_fixture_t f;
    init_used(&f);
    check_refused(&f, NULL, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, &of_the_stack, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, &of_the_program, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, &f.pool, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, pointer_to(UINTPTR_MAX), RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, pointer_to(UINTPTR_MAX - RNS_ALIGN_BYTES + 1u), RNS_MISUSE_FOREIGN,
                  NUMBER_FOREIGN);
    pool_fixture_end(&f);
}

static void test_one_before_the_first_slot_is_foreign(void)
{
    pool_fixture_t f;
    init_used(&f);
    const uintptr_t start = (uintptr_t)f.storage.start;
    check_refused(&f, pointer_to(start - 1u), RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, pointer_to(start - pool_stride(&f, 0)), RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    check_refused(&f, pointer_to(start + f.storage.bytes), RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    pool_fixture_end(&f);
}

static void test_an_address_inside_a_slot_is_interior_or_misaligned(void)
{
    pool_fixture_t f;
    init_used(&f);
    for (uint32_t tier = 0; tier < 2; ++tier) {
        const uint32_t stride = pool_stride(&f, tier);
        for (uint32_t slot = 0; slot < 4; slot += 3) { /* one in use and one free */
            for (uint32_t offset = 1; offset < stride; ++offset) {
                const bool is_aligned = offset % RNS_ALIGN_BYTES == 0;
                check_refused(&f, slot_of(&f, tier, slot) + offset,
                              is_aligned ? RNS_MISUSE_INTERIOR : RNS_MISUSE_MISALIGNED,
                              is_aligned ? NUMBER_INTERIOR : NUMBER_MISALIGNED);
            }
        }
    }
    pool_fixture_end(&f);
}

static void test_storage_that_is_no_slot_is_out_of_range(void)
{
    pool_fixture_t f;
    init_used(&f);
    unsigned char* const past = slot_of(&f, 1, two_kinds[1].slot_count); /* the bitmap */
    unsigned char* const end = (unsigned char*)f.storage.start + f.storage.bytes;
    CHECK(past < end);
    for (unsigned char* address = past; address < end; ++address) {
        check_refused(&f, address, RNS_MISUSE_OUT_OF_RANGE, NUMBER_OUT_OF_RANGE);
    }
    pool_fixture_end(&f);
}

static void test_storage_beyond_what_is_needed_is_out_of_range(void)
{
    _Alignas(RNS_ALIGN_BYTES) static unsigned char storage[4096];
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 4}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f = {.storage = {.start = storage, .bytes = sizeof storage}};
    CHECK_STATUS(rns_pool_init(&f.pool, &config, f.storage), RNS_OK);
    check_refused(&f, slot_of(&f, 0, 4), RNS_MISUSE_OUT_OF_RANGE, NUMBER_OUT_OF_RANGE);
    check_refused(&f, storage + sizeof storage - 1u, RNS_MISUSE_OUT_OF_RANGE, NUMBER_OUT_OF_RANGE);
    check_sound(&f.pool);
}

static void test_a_slot_that_is_free_is_given_twice(void)
{
    pool_fixture_t f;
    init_used(&f);
    for (uint32_t tier = 0; tier < 2; ++tier) {
        const uint32_t last = two_kinds[tier].slot_count - 1u;
        check_refused(&f, slot_of(&f, tier, last), RNS_MISUSE_DOUBLE_GIVE, NUMBER_DOUBLE_GIVE);
        CHECK_STATUS(rns_pool_give(&f.pool, slot_of(&f, tier, 0)), RNS_OK);
        check_refused(&f, slot_of(&f, tier, 0), RNS_MISUSE_DOUBLE_GIVE, NUMBER_DOUBLE_GIVE);
        check_refused(&f, slot_of(&f, tier, 0), RNS_MISUSE_DOUBLE_GIVE, NUMBER_DOUBLE_GIVE);
    }
    pool_fixture_end(&f);
}

static void test_after_reuse_a_give_is_legal_again(void)
{
    pool_fixture_t f;
    init_used(&f);
    for (uint32_t tier = 0; tier < 2; ++tier) {
        void* const slot = slot_of(&f, tier, 1);
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_MISUSE_DOUBLE_GIVE);
        CHECK(pool_take(&f, two_kinds[tier].slot_bytes) == slot);
        CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
    }
    pool_fixture_end(&f);
}

static void test_each_status_has_its_own_counter(void)
{
    pool_fixture_t f;
    init_used(&f);
    unsigned char* const slot = slot_of(&f, 0, 0);
    for (uint32_t i = 0; i < 2; ++i) {
        CHECK_STATUS(rns_pool_give(&f.pool, NULL), RNS_MISUSE_FOREIGN);
    }
    for (uint32_t i = 0; i < 3; ++i) {
        CHECK_STATUS(rns_pool_give(&f.pool, slot + 1), RNS_MISUSE_MISALIGNED);
    }
    for (uint32_t i = 0; i < 4; ++i) {
        CHECK_STATUS(rns_pool_give(&f.pool, slot + RNS_ALIGN_BYTES), RNS_MISUSE_INTERIOR);
    }
    for (uint32_t i = 0; i < 5; ++i) {
        CHECK_STATUS(rns_pool_give(&f.pool, slot_of(&f, 1, 37)), RNS_MISUSE_OUT_OF_RANGE);
    }
    for (uint32_t i = 0; i < 6; ++i) {
        CHECK_STATUS(rns_pool_give(&f.pool, slot_of(&f, 1, 36)), RNS_MISUSE_DOUBLE_GIVE);
    }
#if RNS_STATS
    const rns_misuse_counts_t counts = pool_stats(&f).misuse;
    CHECK_EQUAL(counts.foreign, 2);
    CHECK_EQUAL(counts.misaligned, 3);
    CHECK_EQUAL(counts.interior, 4);
    CHECK_EQUAL(counts.out_of_range, 5);
    CHECK_EQUAL(counts.double_give, 6);
    CHECK_EQUAL(counts.wrong_pool, 0);
    CHECK_EQUAL(counts.canary, 0);
    CHECK_EQUAL(counts.write_after_give, 0);
#endif
    pool_fixture_end(&f);
}

#if RNS_EXTRAS
static void check_wrong_pool(pool_fixture_t* f, pool_fixture_t* owner, bool is_linked)
{
    pool_image_t of_owner = pool_image(owner);
    const rns_status_t status = is_linked ? RNS_MISUSE_WRONG_POOL : RNS_MISUSE_FOREIGN;
    const pool_number_t counter = is_linked ? NUMBER_WRONG_POOL : NUMBER_FOREIGN;
    check_refused(f, slot_of(owner, 0, 0), status, counter);
    check_refused(f, slot_of(owner, 1, 36), status, counter);
    check_refused(f, slot_of(owner, 1, 0) + 1, status, counter);
    unsigned char* const last = (unsigned char*)owner->storage.start + owner->storage.bytes - 1;
    check_refused(f, last, status, counter);
    check_only_counted(owner, &of_owner, NUMBER_NONE);
}

/// Verify who of three pools knows whom; bit 3 * i + k of `links`: i knows k.
static void check_links(pool_fixture_t* pools, unsigned links)
{
    for (uint32_t i = 0; i < 3; ++i) {
        for (uint32_t k = 0; k < 3; ++k) {
            if (i != k) {
                check_wrong_pool(&pools[i], &pools[k], (links >> (3u * i + k) & 1u) != 0);
            }
        }
    }
}

static void test_slots_of_linked_pools_are_told_from_foreign_ones(void)
{
    const unsigned none = 0;
    const unsigned all = 0777;
    const unsigned first_two = 033;   /* 0 and 1 know each other */
    const unsigned first_last = 0505; /* 0 and 2 */
    pool_fixture_t pools[3];
    for (uint32_t i = 0; i < 3; ++i) {
        init_used(&pools[i]);
    }
    check_links(pools, none);
    rns_pool_unlink(&pools[0].pool); /* alone already */
    rns_pool_link(&pools[0].pool, &pools[0].pool);
    check_links(pools, none);
    rns_pool_link(&pools[0].pool, &pools[1].pool);
    check_links(pools, first_two);
    rns_pool_link(&pools[1].pool, &pools[0].pool); /* once more, the other way round */
    check_links(pools, first_two);
    rns_pool_link(&pools[2].pool, &pools[1].pool);
    check_links(pools, all);
    rns_pool_link(&pools[0].pool, &pools[2].pool);
    rns_pool_link(&pools[1].pool, &pools[2].pool);
    rns_pool_link(&pools[1].pool, &pools[1].pool);
    check_links(pools, all);
    rns_pool_unlink(&pools[1].pool);
    check_links(pools, first_last);
    rns_pool_unlink(&pools[1].pool);
    check_links(pools, first_last);
    rns_pool_link(&pools[1].pool, &pools[2].pool);
    check_links(pools, all);
    for (uint32_t i = 0; i < 3; ++i) {
        rns_pool_unlink(&pools[i].pool);
    }
    check_links(pools, none);
    for (uint32_t i = 0; i < 3; ++i) {
        pool_fixture_end(&pools[i]);
    }
}

static void test_two_rings_become_one(void)
{
    pool_fixture_t pools[4];
    for (uint32_t i = 0; i < 4; ++i) {
        init_used(&pools[i]);
    }
    rns_pool_link(&pools[0].pool, &pools[1].pool);
    rns_pool_link(&pools[2].pool, &pools[3].pool);
    check_wrong_pool(&pools[0], &pools[3], false);
    rns_pool_link(&pools[0].pool, &pools[2].pool);
    for (uint32_t i = 0; i < 4; ++i) {
        for (uint32_t k = 0; k < 4; ++k) {
            if (i != k) {
                check_wrong_pool(&pools[i], &pools[k], true);
            }
        }
    }
    for (uint32_t i = 0; i < 4; ++i) {
        pool_fixture_end(&pools[i]);
    }
}

static void test_a_linked_pool_knows_tiers_with_memory_of_their_own(void)
{
    _Alignas(RNS_ALIGN_BYTES) static unsigned char memory[2][1024];
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 16, .slot_count = 4, .memory = {.start = memory[0], .bytes = 1024}},
        {.slot_bytes = 32, .slot_count = 4, .memory = {.start = memory[1], .bytes = 1024}}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_t elsewhere = {.storage = {0}};
    init_used(&f);
    CHECK_STATUS(rns_pool_init(&elsewhere.pool, &config, elsewhere.storage), RNS_OK);
    check_refused(&f, memory[0], RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    rns_pool_link(&f.pool, &elsewhere.pool);
    for (uint32_t tier = 0; tier < 2; ++tier) {
        check_refused(&f, memory[tier], RNS_MISUSE_WRONG_POOL, NUMBER_WRONG_POOL);
        check_refused(&f, slot_of(&elsewhere, tier, 3) + 1, RNS_MISUSE_WRONG_POOL,
                      NUMBER_WRONG_POOL);
        check_refused(&f, slot_of(&elsewhere, tier, 4), RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    }
    rns_pool_unlink(&elsewhere.pool);
    check_refused(&f, memory[0], RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    pool_fixture_end(&f);
}

static void* take_nothing(void* context, size_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    return NULL;
}

static bool give_nothing(void* context, void* block)
{
    (void)context;
    (void)block;
    return false;
}

static void test_what_lies_behind_the_last_of_all_tiers_is_no_tier(void)
{
    rns_tier_config_t tiers[RNS_TIERS_MAX];
    for (uint32_t i = 0; i < RNS_TIERS_MAX; ++i) {
        tiers[i] = (rns_tier_config_t){.slot_bytes = (size_t)16 * (i + 1u), .slot_count = 2};
    }
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    /* In a small pool that is the fallback: as a tier, its slots would begin at its function. */
    config.fallback = (rns_fallback_t){
        .take = take_nothing, .give = give_nothing, .context = &config, .region = 1};
    pool_fixture_t pools[2];
    pool_fixture_init(&pools[0], &config);
    pool_fixture_init(&pools[1], &config);
    void* const function = pointer_to((uintptr_t)take_nothing);
    check_refused(&pools[0], function, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    rns_pool_link(&pools[0].pool, &pools[1].pool);
    check_refused(&pools[0], function, RNS_MISUSE_FOREIGN, NUMBER_FOREIGN);
    pool_fixture_end(&pools[0]);
    pool_fixture_end(&pools[1]);
}
#endif

void suite_pool_misuse(void)
{
    RUN(test_null_and_addresses_elsewhere_are_foreign);
    RUN(test_one_before_the_first_slot_is_foreign);
    RUN(test_an_address_inside_a_slot_is_interior_or_misaligned);
    RUN(test_storage_that_is_no_slot_is_out_of_range);
    RUN(test_storage_beyond_what_is_needed_is_out_of_range);
    RUN(test_a_slot_that_is_free_is_given_twice);
    RUN(test_after_reuse_a_give_is_legal_again);
    RUN(test_each_status_has_its_own_counter);
#if RNS_EXTRAS
    RUN(test_slots_of_linked_pools_are_told_from_foreign_ones);
    RUN(test_two_rings_become_one);
    RUN(test_a_linked_pool_knows_tiers_with_memory_of_their_own);
    RUN(test_what_lies_behind_the_last_of_all_tiers_is_no_tier);
#endif
}
