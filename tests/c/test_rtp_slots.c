/* rns_rtp_receiver and its pool: how many slots it holds at any spacing, what it does without, and
 * what its check finds. */
#include "rtp_fixture.h"

/// Packets of the longer run at each spacing.
#ifndef PACKETS_MANY
#    define PACKETS_MANY 10000u
#endif

/// Receive packets at a spacing, each 30 ms after it was sent.
static void receive_spaced(rtp_fixture_t* f, uint32_t spacing_ms, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t sent_ns = SECOND + i * (spacing_ms * MILLISECOND);
        CHECK_STATUS(rtp_receive(f, sent_ns, sent_ns + 30 * MILLISECOND), RNS_OK);
    }
}

static void test_at_every_spacing_the_same_few_slots_serve_a_thousand_packets_and_many_more(void)
{
    uint64_t packets = 0;
    for (uint32_t spacing_ms = 1; spacing_ms <= 100; ++spacing_ms) {
        uint32_t high_water[2];
        for (uint32_t k = 0; k < 2; ++k) {
            rtp_fixture_t f;
            rtp_begin(&f, RNS_RTP_GROUP_PACKETS);
            receive_spaced(&f, spacing_ms, k == 0 ? 1000 : PACKETS_MANY);
            const rns_rtp_stats_t stats = rtp_stats(&f);
            const rns_pool_stats_t pool = pool_stats(&f.pool);
            CHECK_EQUAL(stats.counts.takes, stats.counts.gives + (RNS_STATS ? stats.in_use : 0));
            CHECK_EQUAL(pool.takes, stats.counts.takes);
            CHECK_EQUAL(pool.in_use, stats.in_use);
            CHECK_EQUAL(pool.exhausted + pool.failures + stats.counts.refusals, 0);
            high_water[k] = pool.tiers[0].high_water;
            packets += stats.counts.packets;
            rtp_end(&f);
        }
        CHECK_EQUAL(high_water[0], high_water[1]);
        CHECK_COUNTER(high_water[0], spacing_ms > 5 ? 1u : 5u / spacing_ms + 1u);
    }
    CHECK_COUNTER(packets, 100 * (1000 + (uint64_t)PACKETS_MANY));
}

static void test_one_slot_fewer_misses_and_the_estimate_stays_the_same(void)
{
    rtp_fixture_t whole;
    rtp_fixture_t lacking;
    rtp_begin(&whole, RNS_RTP_GROUP_PACKETS);
    rtp_begin(&lacking, RNS_RTP_GROUP_PACKETS - 1);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 6000; ++i) {
        const uint64_t ns = SECOND + i * MILLISECOND;
        CHECK_STATUS(rtp_receive(&whole, ns, ns), RNS_OK);
        refused += rtp_receive(&lacking, ns, ns) == RNS_MISS_EXHAUSTED;
        CHECK_EQUAL(rtp_stats(&whole).estimate_bps, rtp_stats(&lacking).estimate_bps);
    }
    CHECK_EQUAL(refused, 1000);
    CHECK_COUNTER(rtp_stats(&lacking).counts.refusals, refused);
    CHECK_COUNTER(rtp_stats(&lacking).counts.beyond, refused);
    CHECK_COUNTER(pool_stats(&lacking.pool).exhausted, refused);
    CHECK_EQUAL(rtp_stats(&whole).counts.refusals, 0);
    CHECK_EQUAL(rtp_stats(&lacking).counts.missed, 0);
    rtp_end(&whole);
    rtp_end(&lacking);
}

static void test_without_any_slot_the_rate_is_still_known_and_all_goes_on_afterwards(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 1);
    void* const held = pool_take(&f.pool, sizeof(rns_rtp_info_t));
    for (uint32_t i = 0; i < 100; ++i) {
        const uint64_t ns = SECOND + i * (10 * MILLISECOND);
        CHECK_STATUS(rtp_receive(&f, ns, ns), RNS_MISS_EXHAUSTED);
    }
    CHECK_COUNTER(rtp_stats(&f).counts.missed, 100);
    CHECK_EQUAL(rtp_stats(&f).counts.groups + rtp_stats(&f).in_use, 0);
    CHECK(rtp_stats(&f).incoming_bps >= 80000);
    CHECK_STATUS(rns_pool_give(&f.pool.pool, held), RNS_OK);
    for (uint32_t i = 100; i < 200; ++i) {
        const uint64_t ns = SECOND + i * (10 * MILLISECOND);
        CHECK_STATUS(rtp_receive(&f, ns, ns), RNS_OK);
    }
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 99);
    CHECK_EQUAL(f.receiver.delay.samples, 60 + (98 - 60) % 20);
    rtp_end(&f);
}

#define RECEIVERS 16u

static void test_receivers_side_by_side_share_a_pool_of_that_many_slots_each(void)
{
    static rtp_fixture_t f[RECEIVERS];
    uint64_t random = 3;
    uint64_t now_ns = SECOND;
    rtp_begin(&f[0], RECEIVERS * RNS_RTP_GROUP_PACKETS);
    for (uint32_t k = 1; k < RECEIVERS; ++k) {
        rtp_begin(&f[k], 1);
        f[k].receiver.pool = &f[0].pool.pool;
    }
    for (uint32_t i = 0; i < 100000; ++i) {
        now_ns += random_below(&random, 500000);
        CHECK_STATUS(rtp_receive(&f[random_below(&random, RECEIVERS)], now_ns, now_ns), RNS_OK);
        ++check_state.operations;
    }
    uint32_t in_use = 0;
    for (uint32_t k = 0; k < RECEIVERS; ++k) {
        in_use += rtp_stats(&f[k]).in_use;
    }
    const rns_pool_stats_t pool = pool_stats(&f[0].pool);
    CHECK_EQUAL(pool.in_use, in_use);
    CHECK_EQUAL(pool.exhausted, 0);
    CHECK_COUNTER(pool.tiers[0].high_water > RECEIVERS, 1);
    for (uint32_t k = RECEIVERS; k > 0; --k) {
        rtp_end(&f[k - 1]);
    }
}

/// The fallback of one pool is another.
static void* take_from(void* pool, size_t size_bytes)
{
    void* block = NULL;
    return rns_pool_take(pool, size_bytes, RNS_PRIORITY_NORMAL, &block) == RNS_OK ? block : NULL;
}

static bool give_to(void* pool, void* block)
{
    return rns_pool_give(pool, block) == RNS_OK;
}

static void test_a_fallback_serves_what_the_pool_misses(void)
{
    static _Alignas(16) unsigned char storage[sizeof(rns_rtp_info_t) * 8 + 64];
    const rns_tier_config_t tier = {.slot_bytes = sizeof(rns_rtp_info_t), .slot_count = 1};
    rtp_fixture_t f;
    rtp_begin(&f, 8);
    const rns_pool_config_t config = {
        .tiers = &tier, .tier_count = 1, .fallback = {take_from, give_to, &f.pool.pool, 1}};
    rns_pool_t small;
    CHECK_STATUS(rns_pool_init(&small, &config, (rns_memory_t){storage, sizeof storage}), RNS_OK);
    f.receiver.pool = &small;
    receive_spaced(&f, 1, 100);
    CHECK_TEXT(rns_rtp_receiver_check(&f.receiver).invariant, NULL);
    CHECK(pool_stats(&f.pool).in_use > 0);
    rns_rtp_receiver_reset(&f.receiver);
    CHECK_EQUAL(pool_stats(&f.pool).in_use, 0);
    f.receiver.pool = &f.pool.pool;
    rtp_end(&f);
}

/// Damage a receiver, verify which invariant is found broken, and mend it.
#define CHECK_DAMAGE(place, value, invariant_name)                                                \
    do {                                                                                          \
        const __typeof__(place) before = (place);                                                 \
        (place) = (value);                                                                        \
        CHECK_STATUS(rns_rtp_receiver_check(r).status, RNS_DAMAGE_INVARIANT);                     \
        CHECK_TEXT(rns_rtp_receiver_check(r).invariant, (invariant_name));                        \
        (place) = before;                                                                         \
        CHECK_TEXT(rns_rtp_receiver_check(r).invariant, NULL);                                    \
    } while (0)

static void test_each_invariant_is_found_broken(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    receive_spaced(&f, 1, 9);
    rns_rtp_receiver_t* const r = &f.receiver;
    rns_rtp_info_t stray = *r->newest;
    CHECK_EQUAL(r->group_count, 3);
    CHECK_DAMAGE(r->rate.window_bytes, 1, "R1");
    CHECK_DAMAGE(r->rate.buckets[0], 1, "R1");
    CHECK_DAMAGE(r->rate.estimate_bps, 9999, "R2");
    CHECK_DAMAGE(r->rate.estimate_bps, 30000001, "R2");
    CHECK_DAMAGE(r->newest, &stray, "R3");
    CHECK_DAMAGE(r->newest, r->newest->older, "R3");
    CHECK_DAMAGE(r->newest->older->older->older, r->newest, "R4");
    CHECK_DAMAGE(r->newest->at.arrival_ns, 1, "R4");
    CHECK_DAMAGE(r->newest->at.send_ticks, 1, "R4");
    CHECK_DAMAGE(r->delay.threshold_ns, 5999999, "R7");
    CHECK_DAMAGE(r->delay.threshold_ns, 600000001, "R7");
    CHECK_DAMAGE(r->streams.count, 2, RNS_STATS ? "I6" : "I1");
#if RNS_STATS
    CHECK_DAMAGE(r->counts.takes, 1, "R5");
    CHECK_DAMAGE(r->counts.packets, 1, "R6");
#endif
    rtp_end(&f);
}

/// Take the slot that a give has just made free.
static void snatch(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    rtp_fixture_t* const f = context;
    (void)tier_index;
    (void)free_count;
    if (!low && f->receiver.newest == NULL) {
        f->sequence = 1000;
        CHECK(pool_take(&f->pool, 1) != NULL);
    }
}

static void test_a_slot_that_another_snatches_between_two_groups_is_missed(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 1);
    f.pool.pool.tiers[0].low_water_count = 1;
    f.pool.pool.tiers[0].recovered_count = 1;
    f.pool.pool.low_water = (rns_low_water_t){.notify = snatch, .context = &f};
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    void* const slot = f.receiver.newest;
    CHECK_STATUS(rtp_receive(&f, 2 * SECOND, 2 * SECOND), RNS_MISS_EXHAUSTED);
    CHECK_EQUAL(f.sequence, 1000); /* the hook was there */
    CHECK(f.receiver.newest == NULL && f.receiver.has_settled);
    CHECK_STATUS(rtp_receive(&f, 3 * SECOND, 3 * SECOND), RNS_MISS_EXHAUSTED);
    CHECK_COUNTER(rtp_stats(&f).counts.missed, 2);
    f.pool.pool.low_water.notify = NULL;
    CHECK_STATUS(rns_pool_give(&f.pool.pool, slot), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, 4 * SECOND, 4 * SECOND), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.restarts, 1); /* 3 s after the last that was grouped */
    rtp_end(&f);
}

#if !RNS_POISON /* it would follow a pointer that is poison */
static void test_a_slot_given_behind_its_back_is_not_counted_as_given(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 2);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    CHECK_STATUS(rns_pool_give(&f.pool.pool, f.receiver.newest), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, 2 * SECOND, 2 * SECOND), RNS_OK);
#    if RNS_STATS
    CHECK_TEXT(rns_rtp_receiver_check(&f.receiver).invariant, "R5");
    CHECK_EQUAL(rtp_stats(&f).counts.gives, 0);
    CHECK_EQUAL(pool_stats(&f.pool).misuse.double_give, 1);
    ++f.receiver.counts.gives;
#    endif
    rtp_end(&f);
}
#endif

static void test_a_circle_of_one_moment_is_found_and_ends_the_check(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    f.receiver.newest->older = f.receiver.newest;
    CHECK_TEXT(rns_rtp_receiver_check(&f.receiver).invariant, "R3");
    f.receiver.newest->older = NULL;
    rtp_end(&f);
}

void suite_rtp_slots(void)
{
    RUN(test_at_every_spacing_the_same_few_slots_serve_a_thousand_packets_and_many_more);
    RUN(test_one_slot_fewer_misses_and_the_estimate_stays_the_same);
    RUN(test_without_any_slot_the_rate_is_still_known_and_all_goes_on_afterwards);
    RUN(test_receivers_side_by_side_share_a_pool_of_that_many_slots_each);
    RUN(test_a_fallback_serves_what_the_pool_misses);
    RUN(test_each_invariant_is_found_broken);
    RUN(test_a_slot_that_another_snatches_between_two_groups_is_missed);
#if !RNS_POISON
    RUN(test_a_slot_given_behind_its_back_is_not_counted_as_given);
#endif
    RUN(test_a_circle_of_one_moment_is_found_and_ends_the_check);
}
