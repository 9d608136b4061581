/* rns_store: what it refuses, who still shares a slot, fallback blocks, invariants. */
/* For mmap(). NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _DEFAULT_SOURCE
#include "bytes_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void test_a_pool_with_another_header_is_refused(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 2}};
    for (uint32_t header_bytes = 0; header_bytes <= 32; header_bytes += 16) {
        rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
        config.header_bytes = header_bytes;
        pool_fixture_t pool;
        pool_fixture_init(&pool, &config);
        rns_store_t store;
        CHECK_STATUS(rns_store_init(&store, &pool.pool, &(rns_store_options_t){0}),
                     header_bytes == 16 ? RNS_OK : RNS_CONFIG_HEADER);
        pool_fixture_end(&pool);
    }
}

#if RNS_EXTRAS
static void* take_nothing(void* context, size_t size_bytes)
{
    *(size_t*)context = size_bytes;
    return NULL;
}

static bool give_nothing(void* context, void* block)
{
    (void)context;
    (void)block;
    return false;
}

static void test_a_fallback_is_asked_for_the_header_as_well(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 2}};
    size_t asked_bytes = 0;
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    config.header_bytes = RNS_BUFFER_HEADER_BYTES;
    config.fallback =
        (rns_fallback_t){.take = take_nothing, .give = give_nothing, .context = &asked_bytes};
    pool_fixture_t pool;
    pool_fixture_init(&pool, &config);
    void* slot = NULL;
    CHECK_STATUS(rns_pool_take(&pool.pool, 65, RNS_PRIORITY_NORMAL, &slot), RNS_MISS_OVERSIZE);
    CHECK_EQUAL(asked_bytes, 65u + RNS_BUFFER_HEADER_BYTES);
    /* Beyond SIZE_MAX with its header, it is not asked at all. */
    CHECK_STATUS(rns_pool_take(&pool.pool, SIZE_MAX - 15u, RNS_PRIORITY_NORMAL, &slot),
                 RNS_MISS_OVERSIZE);
    CHECK_EQUAL(asked_bytes, 65u + RNS_BUFFER_HEADER_BYTES);
    pool_fixture_end(&pool);
}

static void test_the_reserve_is_for_stores_with_priority(void)
{
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 64, .slot_count = 2, .reserve_count = 1}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    config.header_bytes = 16;
    pool_fixture_t pool;
    pool_fixture_init(&pool, &config);
    rns_store_t normal;
    rns_store_t high;
    const rns_store_options_t options = {.priority = RNS_PRIORITY_HIGH};
    CHECK_STATUS(rns_store_init(&normal, &pool.pool, &(rns_store_options_t){0}), RNS_OK);
    CHECK_STATUS(rns_store_init(&high, &pool.pool, &options), RNS_OK);
    rns_bytes_t a;
    rns_bytes_t b;
    CHECK_STATUS(rns_bytes_init(&a, &normal, "a", 1), RNS_OK);
    CHECK_STATUS(rns_bytes_init(&b, &normal, "b", 1), RNS_MISS_EXHAUSTED);
    CHECK_STATUS(rns_bytes_init(&b, &high, "b", 1), RNS_OK);
    CHECK_STATUS(rns_bytes_drop(&a, &normal), RNS_OK);
    CHECK_STATUS(rns_bytes_drop(&b, &normal), RNS_OK);
    pool_fixture_end(&pool);
}
#endif

static void test_bytes_in_fallback_blocks_work_and_are_counted_by_the_pool(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true, .slot_count = 1});
    rns_bytes_t a = bytes_filled(&f, 'a', 60);
    rns_bytes_t b = bytes_filled(&f, 'b', 60);   /* exhausted */
    rns_bytes_t c = bytes_filled(&f, 'c', 5000); /* oversize */
    CHECK((a.buffer->flags & RNS_BUFFER_FALLBACK) == 0);
    CHECK((b.buffer->flags & RNS_BUFFER_FALLBACK) != 0);
    CHECK_EQUAL(b.buffer->tier, RNS_BUFFER_NO_TIER);
    CHECK_EQUAL(c.buffer->capacity, 5000);
    CHECK_EQUAL(f.heap.out_count, 2);
    rns_bytes_t d = rns_bytes_slice(&c, &f.store, 4990, 99);
    const rns_bytes_view_t view = rns_bytes_export(&d, &f.store);
    CHECK_STATUS(rns_bytes_set(&d, &f.store, 0, 'd'), RNS_OK); /* a third: 64 x 1 is taken */
    CHECK_EQUAL(f.heap.out_count, 3);
    bytes_end(&f, &c);
    CHECK_EQUAL(view.data[0], 'c');
    CHECK_EQUAL(f.heap.out_count, 3);
    CHECK_STATUS(rns_store_unexport(&f.store, view.pin), RNS_OK);
    CHECK_EQUAL(f.heap.out_count, 2);
    CHECK_STATUS(rns_bytes_append(&b, &f.store, rns_bytes_data(&b), 60), RNS_OK); /* moves in */
    CHECK((b.buffer->flags & RNS_BUFFER_FALLBACK) == 0);
    CHECK(bytes_are_all(&b, 'b', 120));
    const rns_pool_stats_t stats = pool_stats(&f.pool);
    CHECK_EQUAL(stats.fallbacks, 3);
    CHECK_EQUAL(stats.fallback_gives, 2);
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_end(&f, &d);
    bytes_fixture_end(&f);
}

static void test_sizes_that_do_not_fit_are_oversize_before_the_fallback_is_asked(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    rns_buffer_t* buffer = (rns_buffer_t*)(void*)&f;
    CHECK_STATUS(rns_store_take(&f.store, (uint64_t)UINT32_MAX + 1u, 0, &buffer),
                 RNS_MISS_OVERSIZE);
    CHECK(buffer == NULL);
    CHECK_STATUS(rns_store_take(&f.store, 2000, UINT32_MAX, &buffer), RNS_MISS_OVERSIZE);
    CHECK(pool_take(&f.pool, SIZE_MAX - 15u) == NULL); /* with the header it would be 0 */
    CHECK_EQUAL(f.heap.out_count, 0);
    bytes_fixture_end(&f);
}

typedef struct {
    uint32_t by_tag[256];
    uint32_t refs[256];
    uint32_t count;
} census_t;

static void count_live(void* context, const rns_live_buffer_t* live)
{
    census_t* const census = context;
    ++census->count;
    ++census->by_tag[live->tag];
    census->refs[live->tag] += live->refs;
}

static void test_each_live_finds_every_leak_with_its_tag_and_no_other(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 100});
    uint64_t random = 1;
    rns_store_t stores[8];
    for (uint32_t tag = 0; tag < COUNT_OF(stores); ++tag) {
        const rns_store_options_t options = {.tag = (uint8_t)(tag + 100u)};
        CHECK_STATUS(rns_store_init(&stores[tag], &f.pool.pool, &options), RNS_OK);
    }
    rns_bytes_t kept[120] = {{0}};
    census_t expected = {0};
    for (size_t i = 0; i < 2 * COUNT_OF(kept); ++i) {
        rns_store_t* const store = &stores[random_below(&random, COUNT_OF(stores))];
        uint8_t content[1000] = {0};
        rns_bytes_t bytes;
        CHECK_STATUS(rns_bytes_init(&bytes, store, content, 1u + random_below(&random, 1000)),
                     RNS_OK);
        if (i % 2 == 0) { /* forgotten, with a reference or two */
            kept[i / 2] = bytes;
            ++expected.count;
            ++expected.by_tag[store->options.tag];
            ++expected.refs[store->options.tag];
            if (i % 3 == 0) {
                const rns_bytes_view_t view = rns_bytes_export(&bytes, store);
                CHECK(view.pin == bytes.buffer);
                ++expected.refs[store->options.tag];
            }
        } else {
            CHECK_STATUS(rns_bytes_drop(&bytes, &stores[0]), RNS_OK); /* through any store */
        }
    }
    census_t found = {0};
    rns_store_each_live(&f.store, count_live, &found);
    CHECK_EQUAL(found.count, 120);
    CHECK(memcmp(&found, &expected, sizeof found) == 0);
    for (size_t i = 0; i < COUNT_OF(kept); ++i) {
        if (i % 3 == 0) {
            CHECK_STATUS(rns_store_unexport(&f.store, kept[i].buffer), RNS_OK);
        }
        bytes_end(&f, &kept[i]);
    }
    found = (census_t){0};
    rns_store_each_live(&f.store, count_live, &found);
    CHECK_EQUAL(found.count, 0);
    bytes_fixture_end(&f);
}

static void test_a_slot_taken_again_has_another_generation(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "a");
    const rns_buffer_t* const slot = a.buffer;
    const uint8_t before = a.buffer->generation;
    bytes_end(&f, &a);
    a = bytes_of(&f, "b");
    CHECK(a.buffer == slot);
    CHECK(RNS_POISON || a.buffer->generation == (uint8_t)(before + 1u));
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_unexport_refuses_and_counts_what_is_no_live_buffer(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "abc");
    unsigned char* const slot = (unsigned char*)a.buffer;
    CHECK_STATUS(rns_store_unexport(&f.store, slot + 16), RNS_MISUSE_INTERIOR);
    CHECK_STATUS(rns_store_unexport(&f.store, slot + 1), RNS_MISUSE_MISALIGNED);
    CHECK_STATUS(rns_store_unexport(&f.store, &f), RNS_MISUSE_FOREIGN);
    CHECK(bytes_read(&a, "abc"));
    bytes_end(&f, &a);
    uint64_t expected = 1;
    CHECK_STATUS(rns_store_unexport(&f.store, slot), RNS_MISUSE_DOUBLE_GIVE);
#if !RNS_POISON
    memset(slot, 7, sizeof(rns_buffer_t)); /* a free slot's bytes prove nothing */
    CHECK_STATUS(rns_store_unexport(&f.store, slot), RNS_MISUSE_DOUBLE_GIVE);
    ++expected;
#endif
#if RNS_STATS
    const rns_misuse_counts_t misuse = pool_stats(&f.pool).misuse;
    CHECK_EQUAL(misuse.interior, 1);
    CHECK_EQUAL(misuse.misaligned, 1);
    CHECK_EQUAL(misuse.foreign, 1);
    CHECK_EQUAL(misuse.double_give, expected);
#else
    (void)expected;
#endif
    bytes_fixture_end(&f);
}

static void test_what_a_header_says_of_its_tier_is_not_believed_by_a_drop(void)
{
    static const uint8_t beliefs[] = {0, 1, 2, 3, 4, 77, RNS_BUFFER_NO_TIER};
    static const size_t lengths[] = {40, 200, 400, 1000};
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    uint64_t refusals = 0;
    for (uint32_t i = 0; i < 4u * COUNT_OF(beliefs); ++i) {
        rns_bytes_t a = bytes_filled(&f, 'a', lengths[i % 4u]);
        rns_bytes_t copy = a;
        CHECK_EQUAL(pool_stats(&f.pool).tiers[i % 4u].in_use, 1);
        a.buffer->tier = beliefs[i / 4u];
        bytes_end(&f, &a);
        CHECK_EQUAL(pool_stats(&f.pool).in_use, 0);
        CHECK_STATUS(rns_bytes_drop(&copy, &f.store), RNS_MISUSE_DOUBLE_GIVE);
        ++refusals;
    }
    rns_buffer_t nowhere = {.refs = 1u};
    rns_bytes_t astray = {.buffer = &nowhere, .length = 1};
    CHECK_STATUS(rns_bytes_drop(&astray, &f.store), RNS_MISUSE_FOREIGN);
    rns_bytes_t b = bytes_filled(&f, 0, 200);
    astray = (rns_bytes_t){.buffer = b.buffer + 2, .length = 1}; /* refs 0, tier 0 */
    CHECK_STATUS(rns_bytes_drop(&astray, &f.store), RNS_MISUSE_INTERIOR);
    bytes_end(&f, &b);
#if RNS_STATS
    CHECK_EQUAL(pool_stats(&f.pool).misuse.double_give, refusals);
#else
    (void)refusals;
#endif
    bytes_fixture_end(&f);
}

#if UINTPTR_MAX > UINT32_MAX
static void test_what_lies_4_gib_behind_a_slot_is_foreign(void)
{
    const size_t apart = (size_t)1 << 32;
    unsigned char* const memory = mmap(NULL, apart + 65536, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 8}};
    rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    config.header_bytes = RNS_BUFFER_HEADER_BYTES;
    rns_pool_t pool;
    rns_store_t store;
    CHECK_STATUS(rns_pool_init(&pool, &config, (rns_memory_t){memory, 65536}), RNS_OK);
    CHECK_STATUS(rns_store_init(&store, &pool, &(rns_store_options_t){0}), RNS_OK);
    rns_bytes_t bytes;
    CHECK_STATUS(rns_bytes_init(&bytes, &store, "abc", 3), RNS_OK);
    unsigned char* const slot = (unsigned char*)bytes.buffer;
    memcpy(slot + apart, slot, sizeof(rns_buffer_t));
    rns_bytes_t astray = {.buffer = (rns_buffer_t*)(void*)(slot + apart), .length = 3};
    CHECK_STATUS(rns_bytes_drop(&astray, &store), RNS_MISUSE_FOREIGN);
    CHECK_EQUAL(rns_bytes_refs(&bytes, &store), 1);
    CHECK_STATUS(rns_bytes_drop(&bytes, &store), RNS_OK);
    CHECK(munmap(memory, apart + 65536) == 0);
}
#endif

static void test_check_names_each_broken_invariant(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_filled(&f, 'a', 100);
    CHECK_STATUS(rns_store_check(&f.store).status, RNS_OK);
    for (int i = 0; i < 4; ++i) {
        static const char* const names[] = {"I13", "I14", "I14", "I15"};
        const uint32_t capacity = a.buffer->capacity;
        const uint8_t tier = a.buffer->tier;
        switch (i) {
        case 0:
            rns_cell_store(&a.buffer->refs, 0u);
            break;
        case 1:
            a.buffer->capacity = 255; /* a buffer that grew in place, or shrank */
            break;
        case 2:
            a.buffer->tier = 0;
            break;
        default:
            rns_cell_store(&a.buffer->used, 257u);
        }
        const rns_damage_t damage = rns_store_check(&f.store);
        CHECK_STATUS(damage.status, RNS_DAMAGE_INVARIANT);
        CHECK_TEXT(damage.invariant, names[i]);
        CHECK_EQUAL(damage.tier_index, 1);
        CHECK_EQUAL(damage.slot_index, 0);
        rns_cell_store(&a.buffer->refs, 1u);
        rns_cell_store(&a.buffer->used, 0u);
        a.buffer->capacity = capacity;
        a.buffer->tier = tier;
    }
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_check_names_what_is_broken_first_and_the_pool_before_buffers(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_filled(&f, 'a', 100);
    rns_bytes_t b = bytes_filled(&f, 'b', 100);
    a.buffer->tier = 0;
    rns_cell_store(&b.buffer->refs, 0u);
    CHECK_TEXT(rns_store_check(&f.store).invariant, "I14");
    CHECK_EQUAL(rns_store_check(&f.store).slot_index, 0);
#if RNS_PROFILE == RNS_PROFILE_FULL /* the other pools have no second record of sizes */
    f.pool.pool.slot_bytes[2] = 1;
    CHECK_TEXT(rns_store_check(&f.store).invariant, "I8");
    f.pool.pool.slot_bytes[2] = 512;
#endif
    a.buffer->tier = 1;
    rns_cell_store(&b.buffer->refs, 1u);
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_fixture_end(&f);
}

static void test_unexport_knows_the_slots_above_32(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 40});
    rns_bytes_t all[40];
    for (size_t i = 0; i < COUNT_OF(all); ++i) {
        all[i] = bytes_filled(&f, (uint8_t)i, 64);
    }
    void* const freed = all[34].buffer;
    bytes_end(&f, &all[34]);
    CHECK_STATUS(rns_store_unexport(&f.store, freed), RNS_MISUSE_DOUBLE_GIVE);
    for (size_t i = 0; i < COUNT_OF(all); ++i) {
        const rns_bytes_view_t view = rns_bytes_export(&all[i], &f.store);
        CHECK_STATUS(rns_store_unexport(&f.store, view.pin), RNS_OK);
        CHECK_EQUAL(rns_bytes_refs(&all[i], &f.store), i == 34u ? 0 : 1);
        bytes_end(&f, &all[i]);
    }
    bytes_fixture_end(&f);
}

static void test_sums_that_do_not_fit_64_bit_are_oversize_or_the_largest_tier(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(
        &f, &(bytes_setup_t){.options = {.headroom_bytes = UINT32_MAX, .tailroom_bytes = 1}});
    rns_bytes_t bytes;
    CHECK_STATUS(rns_bytes_init(&bytes, &f.store, "abc", SIZE_MAX), RNS_MISS_OVERSIZE);
    CHECK(bytes.buffer == NULL && bytes.length == 0);
    rns_buffer_t* buffer = NULL;
    CHECK_STATUS(rns_store_take(&f.store, UINT64_MAX, 1, &buffer), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_store_take(&f.store, 1025, UINT64_MAX, &buffer), RNS_MISS_OVERSIZE);
    CHECK(buffer == NULL);
    CHECK_STATUS(rns_store_take(&f.store, 1024, UINT64_MAX, &buffer), RNS_OK);
    if (buffer != NULL) {
        CHECK_EQUAL(buffer->capacity, 1024);
        CHECK_STATUS(rns_store_give(&f.store, buffer), RNS_OK);
    }
    bytes_fixture_end(&f);
}

void suite_store(void)
{
    RUN(test_a_pool_with_another_header_is_refused);
#if RNS_EXTRAS
    RUN(test_a_fallback_is_asked_for_the_header_as_well);
    RUN(test_the_reserve_is_for_stores_with_priority);
#endif
    RUN_WITH_FALLBACK(test_bytes_in_fallback_blocks_work_and_are_counted_by_the_pool);
    RUN_WITH_FALLBACK(test_sizes_that_do_not_fit_are_oversize_before_the_fallback_is_asked);
    RUN(test_each_live_finds_every_leak_with_its_tag_and_no_other);
    RUN(test_a_slot_taken_again_has_another_generation);
    RUN(test_unexport_refuses_and_counts_what_is_no_live_buffer);
    RUN(test_what_a_header_says_of_its_tier_is_not_believed_by_a_drop);
#if UINTPTR_MAX > UINT32_MAX
    RUN(test_what_lies_4_gib_behind_a_slot_is_foreign);
#endif
    RUN(test_check_names_each_broken_invariant);
    RUN(test_check_names_what_is_broken_first_and_the_pool_before_buffers);
    RUN(test_unexport_knows_the_slots_above_32);
    RUN(test_sums_that_do_not_fit_64_bit_are_oversize_or_the_largest_tier);
}
