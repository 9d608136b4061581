/* rns_rtp_receiver: who joins a group, time that jumps, streams, REMB, configuration. */
#include "rtp_fixture.h"
#include <stdlib.h>
#include <string.h>

static void test_packets_sent_within_5_ms_are_a_group_however_they_arrive(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, SECOND + 2 * MILLISECOND, SECOND + 40 * MILLISECOND), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, SECOND + 5 * MILLISECOND, SECOND + 80 * MILLISECOND), RNS_OK);
    CHECK_EQUAL(rtp_stats(&f).in_use, 3);
    CHECK_STATUS(rtp_receive(&f, SECOND + 6 * MILLISECOND, SECOND + 90 * MILLISECOND), RNS_OK);
    CHECK_EQUAL(rtp_stats(&f).in_use, 1);
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 1);
    rtp_end(&f);
}

static void test_packets_that_a_queue_let_go_at_once_join_for_100_ms(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    for (uint32_t i = 0; i < 34; ++i) { /* sent 10 ms apart, arriving every 3 */
        CHECK_STATUS(
            rtp_receive(&f, SECOND + i * (10 * MILLISECOND), 2 * SECOND + i * (3 * MILLISECOND)),
            RNS_OK);
    }
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 0);
    CHECK_COUNTER(rtp_stats(&f).counts.beyond, 28);
    CHECK_STATUS(rtp_receive(&f, SECOND + 340 * MILLISECOND, 2 * SECOND + 102 * MILLISECOND),
                 RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 1);
    rtp_end(&f);
}

static void test_the_rounding_of_the_senders_clock_joins_no_packets(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    for (uint32_t i = 0; i < 300; ++i) { /* 3 ms apart: nearer by up to a tick half of the time */
        const uint64_t ns = SECOND + i * (3 * MILLISECOND);
        CHECK_STATUS(rtp_receive(&f, ns, ns), RNS_OK);
    }
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 149);
    rtp_end(&f);
}

static void test_a_doubled_packet_counts_once(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    rns_rtp_info_t info = {.at = {SECOND, send_time_at(SECOND)}, .ssrc = 1, .sequence = 9};
    CHECK_STATUS(rtp_receive_info(&f, &info, 50), RNS_OK);
    const uint64_t bytes = f.receiver.rate.window_bytes;
    CHECK_STATUS(rtp_receive_info(&f, &info, 50), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.duplicates, 1);
    CHECK_EQUAL(f.receiver.rate.window_bytes, bytes);
    info.ssrc = 2;
    CHECK_STATUS(rtp_receive_info(&f, &info, 50), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.duplicates, 1);
    CHECK_EQUAL(rtp_stats(&f).in_use, 2);
    rtp_end(&f);
}

static void test_a_late_packet_counts_in_the_rate_only(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    CHECK_STATUS(rtp_receive(&f, 2 * SECOND, 2 * SECOND), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, 2 * SECOND - MILLISECOND, 2 * SECOND + MILLISECOND), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.late, 1);
    CHECK_EQUAL(rtp_stats(&f).in_use, 1);
    CHECK_EQUAL(f.receiver.rate.window_bytes, 200);
    rtp_end(&f);
}

static void test_a_packet_without_send_time_counts_in_the_rate_only(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    const unsigned char bytes[14] = {0x80};
    const rns_span_t packet = {bytes, sizeof bytes};
    CHECK_STATUS(rns_rtp_receiver_receive(&f.receiver, packet, SECOND), RNS_MISS_ABSENT);
    CHECK_COUNTER(rtp_stats(&f).counts.timeless, 1);
    CHECK_EQUAL(rtp_stats(&f).in_use, 0);
    CHECK_EQUAL(f.receiver.rate.window_bytes, 2);
    rtp_end(&f);
}

static void test_padding_counts_in_the_rate_as_it_loads_the_path(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    unsigned char bytes[15] = {0xA0};
    bytes[14] = 2;
    const rns_span_t packet = {bytes, sizeof bytes};
    CHECK_STATUS(rns_rtp_receiver_receive(&f.receiver, packet, SECOND), RNS_MISS_ABSENT);
    CHECK_EQUAL(f.receiver.rate.window_bytes, 3);
    rtp_end(&f);
}

static void test_of_a_malformed_packet_nothing_is_kept(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    unsigned char bytes[PACKET_BYTES];
    const rns_rtp_info_t info = {.at = {SECOND, 1}, .ssrc = 5, .sequence = 1};
    const size_t length = make_packet(bytes, &info, 10);
    const rns_span_t cut = {bytes, 19};
    CHECK_STATUS(rns_rtp_receiver_receive(&f.receiver, cut, SECOND), RNS_INPUT_SHORT);
    bytes[16] = 0x31; /* two bytes of send time, then padding */
    bytes[19] = 0;
    const rns_span_t packet = {bytes, length};
    CHECK_STATUS(rns_rtp_receiver_receive(&f.receiver, packet, SECOND), RNS_INPUT_EXTENSION);
    CHECK_COUNTER(rtp_stats(&f).counts.malformed, 2);
    CHECK_EQUAL(rtp_stats(&f).streams.count, 0);
    CHECK_EQUAL(f.receiver.rate.window_bytes + rtp_stats(&f).in_use, 0);
    rtp_end(&f);
}

/// Receive 30 packets 10 ms apart, then one whose arrival and send time are so much later still.
static uint64_t restarts_after(int64_t arrival_ms, int64_t send_ms)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    uint64_t ns = 10 * SECOND;
    for (uint32_t i = 0; i < 30; ++i) {
        ns += 10 * MILLISECOND;
        CHECK_STATUS(rtp_receive(&f, ns, ns), RNS_OK);
    }
    CHECK_EQUAL(f.receiver.delay.samples, 28);
    const uint64_t sent_ns = (uint64_t)((int64_t)ns + send_ms * (int64_t)MILLISECOND);
    const uint64_t arrived_ns = (uint64_t)((int64_t)ns + arrival_ms * (int64_t)MILLISECOND);
    CHECK_STATUS(rtp_receive(&f, sent_ns, arrived_ns), RNS_OK);
    const uint64_t restarts = rtp_stats(&f).counts.restarts;
    const uint32_t kept = arrival_ms > 0 && send_ms > 0 ? 29 : 28;
    CHECK_EQUAL(f.receiver.delay.samples, restarts > 0 ? 0 : kept);
    if (restarts > 0) { /* the next group is the first after it, and gives no sample either */
        const uint64_t later_ns = 20 * MILLISECOND;
        CHECK_STATUS(rtp_receive(&f, sent_ns + later_ns, arrived_ns + later_ns), RNS_OK);
        CHECK_EQUAL(rtp_stats(&f).counts.restarts, restarts);
        CHECK_EQUAL(f.receiver.delay.samples, 0);
    }
    rtp_end(&f);
    return restarts;
}

static void test_time_that_jumps_starts_the_delay_filter_anew(void)
{
#if RNS_STATS
    CHECK_EQUAL(restarts_after(2000, 2000), 0);
    CHECK_EQUAL(restarts_after(2001, 2000), 1);
    CHECK_EQUAL(restarts_after(10, 2999), 0);
    CHECK_EQUAL(restarts_after(10, 3000), 0);
    CHECK_EQUAL(restarts_after(10, 3001), 1);
    CHECK_EQUAL(restarts_after(10, -2999), 0);
    CHECK_EQUAL(restarts_after(10, -3001), 1);
    CHECK_EQUAL(restarts_after(-500, 10), 0); /* counts as the latest arrival */
#else
    (void)restarts_after;
#endif
}

static void test_a_group_that_spans_more_than_3_s_gives_no_sample(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    for (uint64_t i = 0; i < 3; ++i) { /* sent 2 s apart, arriving every ms: one group */
        CHECK_STATUS(rtp_receive(&f, (3 + 2 * i) * SECOND, SECOND + (10 + i) * MILLISECOND),
                     RNS_OK);
    }
    CHECK_STATUS(rtp_receive(&f, 8 * SECOND, 2 * SECOND), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 2);
    CHECK_COUNTER(rtp_stats(&f).counts.restarts, 1);
    CHECK_EQUAL(f.receiver.delay.samples, 0);
    rtp_end(&f);
}

static void test_one_more_stream_is_rejected_or_culls_the_oldest(void)
{
    const rns_table_policy_t policies[] = {RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST};
    for (uint32_t p = 0; p < COUNT_OF(policies); ++p) {
        rns_rtp_config_t config = rns_rtp_config_default(NULL);
        config.stream_policy = policies[p];
        config.stream_count = 10;
        rtp_fixture_t f;
        rtp_begin_with(&f, 6, &config);
        uint32_t refused = 0;
        for (uint32_t i = 0; i < 30; ++i) {
            const uint64_t ns = SECOND + i * (10 * MILLISECOND);
            const rns_rtp_info_t info = {.at = {ns, send_time_at(ns)}, .ssrc = i + 1};
            refused += rtp_receive_info(&f, &info, 10) == RNS_MISS_EXHAUSTED;
        }
        const bool rejects = policies[p] == RNS_TABLE_REJECT;
        CHECK_EQUAL(refused, rejects ? 20 : 0);
        CHECK_COUNTER(rtp_stats(&f).counts.rejected, refused);
        CHECK_COUNTER(rtp_stats(&f).streams.culls, rejects ? 0 : 21);
        CHECK_EQUAL(rtp_stats(&f).streams.count, rejects ? 10 : 9);
        rtp_end(&f);
    }
}

static void test_streams_are_forgotten_after_2_s_and_with_the_last_the_group(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    uint32_t bps = 0;
    const rns_rtp_info_t other = {.at = {SECOND, send_time_at(SECOND)}, .ssrc = 2};
    CHECK_STATUS(rtp_receive_info(&f, &other, 10), RNS_OK);
    CHECK_STATUS(rtp_receive(&f, 2 * SECOND, 2 * SECOND), RNS_OK);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 3 * SECOND, &bps), RNS_OK);
    CHECK_EQUAL(rtp_stats(&f).streams.count, 2);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 3 * SECOND + 1, &bps), RNS_MISS_ABSENT);
    CHECK_EQUAL(rtp_stats(&f).streams.count, 1);
    CHECK_EQUAL(rtp_stats(&f).in_use, 1);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 4 * SECOND + 1, &bps), RNS_MISS_ABSENT);
    CHECK_EQUAL(bps, 0);
    CHECK_EQUAL(rtp_stats(&f).streams.count + rtp_stats(&f).in_use, 0);
    CHECK_COUNTER(rtp_stats(&f).streams.expired, 2);
    rtp_end(&f);
}

static void test_a_remb_is_due_at_first_each_second_and_after_a_fall_of_3_percent(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    uint32_t bps = 1;
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, SECOND, &bps), RNS_MISS_ABSENT);
    CHECK_EQUAL(bps, 0);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, SECOND, &bps), RNS_OK);
    CHECK_EQUAL(bps, 300000);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 2 * SECOND - 1, &bps), RNS_MISS_ABSENT);
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 2 * SECOND, &bps), RNS_OK);
    f.receiver.rate.estimate_bps = 291001;
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 2 * SECOND, &bps), RNS_MISS_ABSENT);
    f.receiver.rate.estimate_bps = 291000;
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 2 * SECOND, &bps), RNS_OK);
    CHECK_EQUAL(bps, 291000);
    f.receiver.rate.estimate_bps = 400000;
    CHECK_STATUS(rns_rtp_receiver_remb(&f.receiver, 2 * SECOND, &bps), RNS_MISS_ABSENT);
    CHECK_COUNTER(rtp_stats(&f).counts.rembs, 3);
    rtp_end(&f);
}

static void test_the_window_forgets_after_a_second_and_is_unknown_until_half_of_one(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    for (uint32_t i = 0; i < 300; ++i) { /* 100 bytes every 10 ms: 80,000 bit/s and one packet */
        const uint64_t ns = SECOND + i * (10 * MILLISECOND);
        CHECK_STATUS(rtp_receive(&f, ns, ns), RNS_OK);
        const uint32_t bps = rtp_stats(&f).incoming_bps;
        CHECK_EQUAL(bps > 0, i >= 50);
        CHECK(bps == 0 || (bps >= 80000 && bps <= 82000));
    }
    CHECK_EQUAL(f.receiver.rate.window_bytes, 10000);
    CHECK_STATUS(rtp_receive(&f, 6 * SECOND, 6 * SECOND), RNS_OK);
    CHECK_EQUAL(f.receiver.rate.window_bytes, 100);
    CHECK_EQUAL(rtp_stats(&f).incoming_bps, 0);
    rtp_end(&f);
}

static void test_the_last_bucket_of_the_window_goes_after_just_a_second(void)
{
    for (uint32_t over = 0; over < 2; ++over) {
        rtp_fixture_t f;
        rtp_begin(&f, 6);
        CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
        CHECK_STATUS(rtp_receive(&f, 2 * SECOND, 2 * SECOND - 1 + over), RNS_OK);
        CHECK_EQUAL(f.receiver.rate.window_bytes, over ? 100 : 200);
        rtp_end(&f);
    }
}

static void test_what_comes_in_is_less_when_nothing_came_for_a_while(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    rns_rtp_rate_t* const rate = &f.receiver.rate;
    for (uint32_t i = 0; i <= 200; ++i) { /* 100 bytes every 10 ms: 80,000 bit/s */
        rns_rtp_rate_add(rate, 100, SECOND + i * (10 * MILLISECOND));
    }
    const uint32_t bps = rns_rtp_rate_incoming(rate, 3 * SECOND + 300 * MILLISECOND);
    CHECK(bps >= 56000 && bps <= 58000);
    rtp_end(&f);
}

static void test_the_estimate_stays_within_its_bounds(void)
{
    static const rns_rtp_signal_t signals[] = {RNS_RTP_NORMAL, RNS_RTP_OVERUSE};
    for (uint32_t k = 0; k < COUNT_OF(signals); ++k) {
        rtp_fixture_t f;
        rtp_begin(&f, 6);
        rns_rtp_rate_t* const rate = &f.receiver.rate;
        rate->bounds.least_bps = 290000;
        rate->bounds.most_bps = 310000;
        for (uint32_t i = 0; i < 400; ++i) { /* 8 Mbit/s, or 80,000 bit/s */
            rns_rtp_rate_add(rate, k == 0 ? 10000 : 100, SECOND + i * (10 * MILLISECOND));
            if (i % 300 == 60) {
                rns_rtp_rate_update(rate, signals[k], SECOND + i * (10 * MILLISECOND));
            }
        }
        CHECK_EQUAL(rate->estimate_bps, k == 0 ? 310000 : 290000);
        rtp_end(&f);
    }
}

static void test_the_defaults_are_those_of_the_header(void)
{
    const rns_rtp_config_t config = rns_rtp_config_default(NULL);
    CHECK_EQUAL(config.extension_id, 3);
    CHECK_EQUAL(config.bounds.least_bps, 10000);
    CHECK_EQUAL(config.bounds.start_bps, 300000);
    CHECK_EQUAL(config.bounds.most_bps, 30000000);
    CHECK_EQUAL(config.bucket_count, 100);
    CHECK_EQUAL(config.stream_count, 8);
    CHECK(config.filter == RNS_RTP_TRENDLINE && config.stream_policy == RNS_TABLE_CULL_OLDEST);
}

static void test_the_first_sample_moves_the_kalman_filter_by_its_gain(void)
{
    rns_rtp_delay_t delay;
    rns_rtp_delay_reset(&delay, RNS_RTP_KALMAN);
    const int64_t step_ns = 33333333; /* after which a hundredth is forgotten */
    (void)rns_rtp_delay_add(&delay, (rns_rtp_sample_t){step_ns + 60000000, step_ns});
    /* The innovation counts as 3 in the variance: 1 + (9 - 1) * 0.01. */
    const double gain = 0.101 / (1.08 + 0.101);
    const double off_ns = (double)delay.as.kalman.m_ns - 6e7 * gain;
    CHECK(off_ns > -1000 && off_ns < 1000);
}

static void test_an_increase_covers_a_second_at_most(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    rns_rtp_rate_t* const rate = &f.receiver.rate;
    for (uint32_t i = 0; i < 400; ++i) {
        rns_rtp_rate_add(rate, 10000, SECOND + i * (10 * MILLISECOND));
        if (i % 300 == 60) { /* twice, 3 s apart */
            rns_rtp_rate_update(rate, RNS_RTP_NORMAL, SECOND + i * (10 * MILLISECOND));
        }
    }
    CHECK(rate->estimate_bps == 323999 || rate->estimate_bps == 324000);
    rtp_end(&f);
}

/// Return what init() says of a configuration over a pool of these slots and headers.
static rns_status_t init_status(const rns_rtp_config_t* wish, size_t slot_bytes,
                                uint32_t header_bytes, rns_memory_t storage)
{
    const rns_tier_config_t tier = {.slot_bytes = slot_bytes, .slot_count = 2};
    const rns_pool_config_t pool_config = {
        .tiers = &tier, .tier_count = 1, .header_bytes = header_bytes};
    pool_fixture_t pool;
    pool_fixture_init(&pool, &pool_config);
    rns_rtp_config_t config = *wish;
    config.pool = &pool.pool;
    rns_rtp_receiver_t receiver;
    memset(&receiver, 0xFF, sizeof receiver);
    const rns_status_t status = rns_rtp_receiver_init(&receiver, &config, storage);
    if (status != RNS_OK) {
        CHECK(receiver.pool == NULL && receiver.streams.entries == NULL);
        CHECK(receiver.rate.buckets == NULL && receiver.delay.threshold_ns == 0);
    }
    pool_fixture_end(&pool);
    return status;
}

static void test_each_value_out_of_range_is_refused(void)
{
    static _Alignas(16) unsigned char bytes[4096];
    const rns_memory_t storage = {bytes, sizeof bytes};
    const rns_memory_t skewed = {bytes + 4, sizeof bytes - 4};
    const size_t slot = sizeof(rns_rtp_info_t);
    const rns_rtp_config_t good = rns_rtp_config_default(NULL);
    rns_rtp_config_t bad[9];
    for (uint32_t i = 0; i < COUNT_OF(bad); ++i) {
        bad[i] = good;
    }
    bad[0].extension_id = 0;
    bad[1].filter = (rns_rtp_filter_t)2;
    bad[2].bounds.least_bps = 0;
    bad[3].bounds.start_bps = bad[3].bounds.least_bps - 1;
    bad[4].bounds.most_bps = bad[4].bounds.start_bps - 1;
    bad[5].bucket_count = RNS_RTP_BUCKETS_MIN - 1;
    bad[6].bucket_count = RNS_RTP_BUCKETS_MAX + 1;
    bad[7].stream_count = 0;
    bad[8].stream_policy = (rns_table_policy_t)3;
    for (uint32_t i = 0; i < COUNT_OF(bad); ++i) {
        size_t needed = 1;
        const rns_status_t status = rns_rtp_receiver_storage_bytes(&bad[i], &needed);
        CHECK_EQUAL(needed, 0);
        CHECK(status == (i < 7    ? RNS_CONFIG_RTP
                         : i == 7 ? RNS_CONFIG_SLOT_COUNT
                                  : RNS_CONFIG_POLICY));
        CHECK_STATUS(init_status(&bad[i], slot, 0, storage), status);
    }
    size_t needed = 0;
    rns_rtp_config_t slow = good;
    slow.bounds.least_bps = 1;
    CHECK_STATUS(rns_rtp_receiver_storage_bytes(&slow, &needed), RNS_OK);
    CHECK_STATUS(rns_rtp_receiver_storage_bytes(&good, &needed), RNS_OK);
    const rns_memory_t small = {bytes, needed - 1};
    const rns_memory_t exact = {bytes, needed};
    CHECK_STATUS(init_status(&good, slot, 0, small), RNS_CONFIG_STORAGE_SMALL);
    CHECK_STATUS(init_status(&good, slot, 0, skewed), RNS_CONFIG_STORAGE_ALIGN);
    CHECK_STATUS(init_status(&good, slot, 0, (rns_memory_t){NULL, needed}),
                 RNS_CONFIG_STORAGE_ALIGN);
    CHECK_STATUS(init_status(&good, slot - 1, 0, exact), RNS_CONFIG_SLOT_BYTES);
    CHECK_STATUS(init_status(&good, slot, 16, exact), RNS_CONFIG_HEADER);
    CHECK_STATUS(init_status(&good, slot, 0, exact), RNS_OK);
}

static void test_groups_that_arrive_more_than_3_s_apart_give_no_sample(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    CHECK_STATUS(rtp_receive(&f, SECOND, SECOND), RNS_OK);
    for (uint64_t i = 1; i < 4u; ++i) { /* sent within 5 ms, and so one group at any spacing */
        CHECK_STATUS(
            rtp_receive(&f, SECOND + (9 + i) * MILLISECOND, SECOND + i * (3 * SECOND / 2u)),
            RNS_OK);
    }
    CHECK_STATUS(rtp_receive(&f, 3 * SECOND, 6 * SECOND), RNS_OK);
    CHECK_COUNTER(rtp_stats(&f).counts.groups, 2);
    CHECK_COUNTER(rtp_stats(&f).counts.restarts, 1);
    CHECK_EQUAL(f.receiver.delay.samples, 0);
    rtp_end(&f);
}

static void test_a_bucket_and_a_rate_stay_at_the_most_that_they_hold(void)
{
    rtp_fixture_t f;
    rtp_begin(&f, 6);
    rns_rtp_rate_t* const rate = &f.receiver.rate;
    rns_rtp_rate_add(rate, UINT32_MAX - 5u, SECOND);
    rns_rtp_rate_add(rate, 6, SECOND);
    CHECK_EQUAL(rate->window_bytes, UINT32_MAX);
    rns_rtp_rate_add(rate, SIZE_MAX, SECOND + 500 * MILLISECOND);
    CHECK_EQUAL(rate->window_bytes, (uint64_t)2 * UINT32_MAX);
    CHECK_EQUAL(rate->buckets[rate->current], UINT32_MAX);
    CHECK_EQUAL(rns_rtp_rate_incoming(rate, SECOND + 900 * MILLISECOND), UINT32_MAX);
    CHECK_TEXT(rns_rtp_rate_check(rate).invariant, NULL);
    rtp_end(&f);
}

static void test_groups_that_arrive_at_one_moment_have_no_trend(void)
{
    rns_rtp_delay_t delay;
    rns_rtp_delay_reset(&delay, RNS_RTP_TRENDLINE);
    for (uint32_t i = 0; i < 100u; ++i) {
        const rns_rtp_sample_t sample = {.arrival_step_ns = 0, .send_step_ns = 0};
        CHECK(rns_rtp_delay_add(&delay, sample) == RNS_RTP_NORMAL);
        CHECK_EQUAL((uint64_t)delay.trend_ns, 0);
    }
}

void suite_rtp_receiver(void)
{
    RUN(test_packets_sent_within_5_ms_are_a_group_however_they_arrive);
    RUN(test_packets_that_a_queue_let_go_at_once_join_for_100_ms);
    RUN(test_the_rounding_of_the_senders_clock_joins_no_packets);
    RUN(test_a_doubled_packet_counts_once);
    RUN(test_a_late_packet_counts_in_the_rate_only);
    RUN(test_a_packet_without_send_time_counts_in_the_rate_only);
    RUN(test_padding_counts_in_the_rate_as_it_loads_the_path);
    RUN(test_of_a_malformed_packet_nothing_is_kept);
    RUN(test_time_that_jumps_starts_the_delay_filter_anew);
    RUN(test_a_group_that_spans_more_than_3_s_gives_no_sample);
    RUN(test_one_more_stream_is_rejected_or_culls_the_oldest);
    RUN(test_streams_are_forgotten_after_2_s_and_with_the_last_the_group);
    RUN(test_a_remb_is_due_at_first_each_second_and_after_a_fall_of_3_percent);
    RUN(test_the_window_forgets_after_a_second_and_is_unknown_until_half_of_one);
    RUN(test_the_last_bucket_of_the_window_goes_after_just_a_second);
    RUN(test_what_comes_in_is_less_when_nothing_came_for_a_while);
    RUN(test_the_first_sample_moves_the_kalman_filter_by_its_gain);
    RUN(test_an_increase_covers_a_second_at_most);
    RUN(test_the_estimate_stays_within_its_bounds);
    RUN(test_the_defaults_are_those_of_the_header);
    RUN(test_each_value_out_of_range_is_refused);
    RUN(test_groups_that_arrive_more_than_3_s_apart_give_no_sample);
    RUN(test_a_bucket_and_a_rate_stay_at_the_most_that_they_hold);
    RUN(test_groups_that_arrive_at_one_moment_have_no_trend);
}
