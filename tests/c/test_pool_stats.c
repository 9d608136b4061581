/* rns_pool: snapshots, live slots, the log line, and what check says. */
#include "check.h"
#include "pool_fixture.h"
#include "rns_tier_inline.h"
#include "suites.h"
#include <stdlib.h>
#include <string.h>

static void take_some(pool_fixture_t* f, uint32_t count, size_t size_bytes)
{
    for (uint32_t i = 0; i < count; ++i) {
        CHECK(pool_take(f, size_bytes) != NULL);
    }
}

static void give_slots(pool_fixture_t* f, uint32_t tier_index, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; ++i) {
        CHECK_STATUS(rns_pool_give(&f->pool, rns_pool_slot(&f->pool, tier_index, i)), RNS_OK);
    }
}

#if RNS_STATS && RNS_EXTRAS
static void test_the_largest_request_is_kept_for_each_tier_and_the_pool(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 1},
                                              {.slot_bytes = 64, .slot_count = 40},
                                              {.slot_bytes = 256, .slot_count = 1}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, 0);
    CHECK(pool_take(&f, 3) != NULL);
    CHECK_EQUAL(pool_stats(&f).tiers[0].largest_request_bytes, 3);
    CHECK(pool_take(&f, 9) == NULL); /* a miss counts too */
    CHECK_EQUAL(pool_stats(&f).tiers[0].largest_request_bytes, 9);
    CHECK(pool_take(&f, 5) == NULL);
    CHECK_EQUAL(pool_stats(&f).tiers[0].largest_request_bytes, 9);
    take_some(&f, 1, 40);
    take_some(&f, 1, 50);
    take_some(&f, 1, 45);
    CHECK_EQUAL(pool_stats(&f).tiers[1].largest_request_bytes, 50);
    CHECK_EQUAL(pool_stats(&f).tiers[2].largest_request_bytes, 0);
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, 50);
    CHECK(pool_take(&f, 257) == NULL);
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, 257);
    CHECK(pool_take(&f, 1000) == NULL);
    CHECK(pool_take(&f, 999) == NULL);
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, 1000);
    CHECK_EQUAL(pool_stats(&f).tiers[2].largest_request_bytes, 0);
    CHECK(pool_take(&f, UINT32_MAX - 1u) == NULL);
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, UINT32_MAX - 1u);
#    if SIZE_MAX > UINT32_MAX
    CHECK(pool_take(&f, (size_t)UINT32_MAX + 6u) == NULL); /* saturates, its low half is 5 */
#    else
    CHECK(pool_take(&f, SIZE_MAX) == NULL);
#    endif
    CHECK_EQUAL(pool_stats(&f).largest_request_bytes, UINT32_MAX);
    pool_fixture_end(&f);
}
#endif

#if RNS_STATS
static void test_a_spill_counts_as_a_request_of_its_home_tier(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 1},
                                              {.slot_bytes = 64, .slot_count = 1}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    take_some(&f, 1, 3);
    take_some(&f, 1, 12);
    const rns_pool_stats_t stats = pool_stats(&f);
#    if RNS_EXTRAS
    CHECK_EQUAL(stats.tiers[0].largest_request_bytes, 12);
#    endif
    CHECK_EQUAL(stats.tiers[1].largest_request_bytes, 0);
    CHECK_EQUAL(stats.tiers[0].requests, 2);
    CHECK_EQUAL(stats.tiers[1].requests, 0);
    CHECK_EQUAL(stats.tiers[1].takes, 1);
    pool_fixture_end(&f);
}
#endif

#if RNS_STATS && RNS_EXTRAS
static void test_reset_window_begins_a_new_window_in_every_tier(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 9},
                                              {.slot_bytes = 64, .slot_count = 40}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    take_some(&f, 9, 16);
    take_some(&f, 35, 64);
    give_slots(&f, 0, 0, 4);
    give_slots(&f, 1, 0, 30);
    pool_numbers_t expected;
    {
        const rns_pool_stats_t stats = pool_stats(&f);
        rns_pool_stats_t changed = stats;
        CHECK_EQUAL(stats.tiers[0].window_high_water, 9);
        CHECK_EQUAL(stats.tiers[1].window_high_water, 35);
        changed.tiers[0].window_high_water = 5;
        changed.tiers[1].window_high_water = 5;
        expected = pool_numbers(&changed);
    }
    rns_pool_reset_window(&f.pool);
    const rns_pool_stats_t stats = pool_stats(&f);
    const pool_numbers_t numbers = pool_numbers(&stats);
    for (uint32_t i = 0; i < expected.count; ++i) {
        CHECK_EQUAL(numbers.number[i], expected.number[i]);
    }
    pool_fixture_end(&f);
}
#endif

#if RNS_EXTRAS
static void test_regions_sum_the_tiers_that_lie_in_them(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4, .region = 1},
                                              {.slot_bytes = 64, .slot_count = 40, .region = 0},
                                              {.slot_bytes = 200, .slot_count = 3, .region = 1}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    take_some(&f, 3, 16);
    take_some(&f, 7, 64);
    take_some(&f, 2, 200);
    give_slots(&f, 0, 0, 2);
    const rns_pool_stats_t stats = pool_stats(&f);
    const size_t stride[3] = {pool_stride(&f, 0), pool_stride(&f, 1), pool_stride(&f, 2)};
    CHECK(stride[0] >= 16 && stride[1] >= 64 && stride[2] >= 200);
    CHECK_EQUAL(stats.regions[1].slot_count, 7);
    CHECK_EQUAL(stats.regions[1].in_use, 3);
    CHECK_EQUAL(stats.regions[1].slots_bytes, 4u * stride[0] + 3u * stride[2]);
    CHECK_EQUAL(stats.regions[1].in_use_bytes, stride[0] + 2u * stride[2]);
    CHECK_EQUAL(stats.regions[0].slots_bytes, 40u * stride[1]);
    CHECK_EQUAL(stats.regions[0].in_use_bytes, 7u * stride[1]);
    CHECK_EQUAL(stats.regions[2].slot_count, 0);
    CHECK_EQUAL(stats.tiers[0].region, 1);
    CHECK_EQUAL(stats.tiers[1].region, 0);
#    if RNS_STATS
    CHECK_EQUAL(stats.regions[1].takes, 5);
    CHECK_EQUAL(stats.regions[1].gives, 2);
#    endif
    pool_fixture_end(&f);
}
#endif

/// Slots that each_live() visited, in order.
typedef struct {
    pool_fixture_t* f;
    uint32_t count;
    uint32_t place[100]; ///< tier_index * 1000 + slot_index
} visits_t;

static void visit(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    visits_t* const visits = context;
    CHECK(slot == rns_pool_slot(&visits->f->pool, tier_index, slot_index));
    if (CHECK(visits->count < COUNT_OF(visits->place))) {
        visits->place[visits->count++] = tier_index * 1000u + slot_index;
    }
}

static void test_each_live_visits_exactly_the_slots_in_use(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 32},
                                              {.slot_bytes = 32, .slot_count = 5},
                                              {.slot_bytes = 64, .slot_count = 70}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    visits_t visits = {.f = &f};
    rns_pool_each_live(&f.pool, visit, &visits);
    CHECK_EQUAL(visits.count, 0);
    take_some(&f, 32, 16);
    take_some(&f, 70, 64);
    give_slots(&f, 0, 1, 31);
    give_slots(&f, 2, 0, 31);
    give_slots(&f, 2, 34, 69);
    static const uint32_t expected[] = {0, 31, 2031, 2032, 2033, 2069};
    rns_pool_each_live(&f.pool, visit, &visits);
    CHECK_EQUAL(visits.count, COUNT_OF(expected));
    for (uint32_t i = 0; i < visits.count && i < COUNT_OF(expected); ++i) {
        CHECK_EQUAL(visits.place[i], expected[i]);
    }
    pool_fixture_end(&f);
}

typedef struct {
    char text[400];
    size_t text_bytes;
} text_t;

static void append_text(void* context, const char* text, size_t text_bytes)
{
    text_t* const all = context;
    if (CHECK(all->text_bytes + text_bytes < sizeof all->text)) {
        memcpy(all->text + all->text_bytes, text, text_bytes);
        all->text_bytes += text_bytes;
    }
}

static void check_log(pool_fixture_t* f, const char* expected)
{
    text_t all = {0};
    rns_pool_log(&f->pool, (rns_sink_t){.write = append_text, .context = &all});
    CHECK_TEXT(all.text, expected);
}

static void test_the_log_line_says_what_the_snapshot_says(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 2},
                                              {.slot_bytes = 1024, .slot_count = 40}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    check_log(&f, "requests=0 hits=0 spills=0 hit_rate=100.0% 16:0/2^0 1024:0/40^0\n");
    take_some(&f, 13, 16);
    CHECK(pool_take(&f, 2000) == NULL);
    give_slots(&f, 1, 0, 9);
#if RNS_STATS
    check_log(&f, "requests=14 hits=2 spills=11 hit_rate=92.8% 16:2/2^2 1024:2/40^11\n");
#else
    check_log(&f, "requests=0 hits=0 spills=0 hit_rate=100.0% 16:2/2^0 1024:2/40^0\n");
#endif
    pool_fixture_end(&f);
}

#if RNS_STATS
/// Let the first tier have counted so many takes.
static void set_takes(pool_fixture_t* self, rns_counter_t takes)
{
#    if RNS_PROFILE == RNS_PROFILE_FULL
    /* What is carried is even. */
    rns_tier_t* const tier = &self->pool.tiers[0].tier;
    rns_cell_store(&tier->takes_carried, takes - takes % 2u);
    rns_cell_store(&tier->gate, rns_cell_load(&tier->gate) + takes % 2u * RNS_GATE_ONE_TAKE);
#    else
    rns_cell_store(&self->pool.tiers[0].takes, takes);
#    endif
}

/// Let a pool have counted hits and misses in plenty, and look at its log.
static void check_log_of(rns_counter_t takes, rns_counter_t exhausted, const char* expected)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 2}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    set_takes(&f, takes);
    rns_cell_store(&f.pool.tiers[0].exhausted, exhausted);
    check_log(&f, expected);
    pool_fixture_end(&f);
}

static void test_the_hit_rate_holds_for_counters_of_any_size(void)
{
    check_log_of(999, 1, "requests=1000 hits=999 spills=0 hit_rate=99.9% 16:0/2^0\n");
    check_log_of(9999, 1, "requests=10000 hits=9999 spills=0 hit_rate=99.9% 16:0/2^0\n");
    check_log_of(0, 5, "requests=5 hits=0 spills=0 hit_rate=0.0% 16:0/2^0\n");
    check_log_of(1610612736, 536870912,
                 "requests=2147483648 hits=1610612736 spills=0 hit_rate=75.0% 16:0/2^0\n");
#    if RNS_COUNTER_BITS == 64
    check_log_of((rns_counter_t)1 << 63, (rns_counter_t)1 << 62,
                 "requests=13835058055282163712 hits=9223372036854775808 spills=0 hit_rate=66.6% "
                 "16:0/2^0\n");
#    endif
}

static void test_a_log_of_counters_that_wrapped_around_does_not_divide_by_zero(void)
{
    /* What rate it says is of no use then; that it says one is what counts. */
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 2}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    for (rns_counter_t requests = 0; requests < 3; ++requests) {
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        const rns_counter_t hits = (rns_counter_t)-1 - 100u;
        set_takes(&f, hits);
        rns_cell_store(&f.pool.tiers[0].exhausted, requests - hits);
        text_t all = {0};
        rns_pool_log(&f.pool, (rns_sink_t){.write = append_text, .context = &all});
        CHECK(strncmp(all.text, "requests=", 9) == 0);
        CHECK(all.text[all.text_bytes - 1u] == '\n');
        CHECK_EQUAL(pool_stats(&f).requests, requests);
        pool_fixture_end(&f);
    }
}
#endif

static void check_damage(pool_fixture_t* f, const char* invariant, uint32_t tier_index)
{
    const rns_damage_t damage = rns_pool_check(&f->pool);
    CHECK_STATUS(damage.status, RNS_DAMAGE_INVARIANT);
    CHECK_TEXT(damage.invariant, invariant);
    CHECK_EQUAL(damage.tier_index, tier_index);
    free(f->storage.start);
}

static void init_damaged(pool_fixture_t* f)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4},
                                              {.slot_bytes = 32, .slot_count = 63},
                                              {.slot_bytes = 64, .slot_count = 4}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_SPILL);
    pool_fixture_init(f, &config);
    CHECK(pool_take(f, 32) != NULL);
    CHECK_TEXT(rns_pool_check(&f->pool).invariant, NULL);
}

static void test_check_names_the_damage_to_a_pool(void)
{
    pool_fixture_t f;
    init_damaged(&f);
#if RNS_PROFILE == RNS_PROFILE_FULL
    rns_cell_store(&f.pool.tiers[1].tier.summary[0], 0);
    check_damage(&f, "I3", 1);
    init_damaged(&f);
    f.pool.slot_bytes[2] = 32;
    check_damage(&f, "I8", 0);
    init_damaged(&f);
    f.pool.slots_start[2] -= 1u;
    check_damage(&f, "I9", 0);
#else
    f.pool.tiers[1].free.words[1] |= 0x80000000u; /* slot 63 of 63 */
    check_damage(&f, "I1", 1);
    init_damaged(&f);
    f.pool.tiers[2].free.bits |= 0x10u; /* slot 4 of 4 */
    check_damage(&f, "I1", 2);
#    if RNS_EXTRAS
    init_damaged(&f);
    f.pool.tiers[1].free_count = 61;
    check_damage(&f, "I2", 1);
#    endif
#    if RNS_STATS
    init_damaged(&f);
    f.pool.tiers[1].high_water = 0;
    check_damage(&f, "I4", 1);
    init_damaged(&f);
    f.pool.tiers[1].high_water = 64;
    check_damage(&f, "I4", 1);
#        if RNS_EXTRAS
    init_damaged(&f);
    f.pool.tiers[1].window_high_water = 0;
    check_damage(&f, "I4", 1);
    init_damaged(&f);
    f.pool.tiers[1].window_high_water = 2;
    check_damage(&f, "I4", 1);
#        endif
#    endif
    for (uint32_t i = 1; i < 3; ++i) {
        init_damaged(&f);
        f.pool.tiers[i].slot_bytes = f.pool.tiers[i - 1u].slot_bytes;
        check_damage(&f, "I8", 0);
        init_damaged(&f);
        f.pool.tiers[2].slots = f.pool.tiers[i - 1u].slots + 16; /* begins in another */
        check_damage(&f, "I9", 0);
    }
    init_damaged(&f);
    f.pool.tiers[0].slots = f.pool.tiers[2].slots + 16; /* begins in the last */
    check_damage(&f, "I9", 0);
#endif
#if RNS_STATS
    init_damaged(&f);
    rns_cell_store(&f.pool.tiers[1].spills_in, 1);
    check_damage(&f, "I11", 0);
    init_damaged(&f);
    rns_cell_store(&f.pool.tiers[1].spills, 1);
    check_damage(&f, "I11", 0);
#endif
#if RNS_STATS && RNS_COUNTER_BITS == 64 /* narrower counters may have wrapped around */
    init_damaged(&f);
    rns_cell_store(&f.pool.tiers[1].spills_in, 2);
    rns_cell_store(&f.pool.tiers[0].spills, 2);
    check_damage(&f, "I10", 0);
#endif
#if RNS_COUNTER_BITS == 64
    init_damaged(&f);
    rns_cell_store(&f.pool.fallback_gives, 1);
    check_damage(&f, "I12", 0);
#endif
}

void suite_pool_stats(void)
{
#if RNS_STATS && RNS_EXTRAS
    RUN(test_the_largest_request_is_kept_for_each_tier_and_the_pool);
    RUN(test_reset_window_begins_a_new_window_in_every_tier);
#endif
#if RNS_STATS
    RUN(test_a_spill_counts_as_a_request_of_its_home_tier);
#endif
#if RNS_EXTRAS
    RUN(test_regions_sum_the_tiers_that_lie_in_them);
#endif
    RUN(test_each_live_visits_exactly_the_slots_in_use);
    RUN(test_the_log_line_says_what_the_snapshot_says);
#if RNS_STATS
    RUN(test_the_hit_rate_holds_for_counters_of_any_size);
    RUN(test_a_log_of_counters_that_wrapped_around_does_not_divide_by_zero);
#endif
    RUN(test_check_names_the_damage_to_a_pool);
}
