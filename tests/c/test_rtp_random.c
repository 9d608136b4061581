/* rns_rtp_receiver: random and damaged packets, times that leap, and a pool that others drain. */
#include "rtp_fixture.h"
#include <string.h>

#define HELD_MAX 8u

typedef struct {
    rtp_fixture_t f;
    void* held[HELD_MAX]; ///< Slots that someone else has.
    uint64_t random;
    uint64_t arrival_ns;
    uint64_t sent_ns;
    uint64_t statuses[4]; ///< OK, absent, exhausted, malformed.
} storm_t;

static uint32_t below(storm_t* self, uint32_t bound)
{
    return random_below(&self->random, bound);
}

/// Take or give one of the slots that compete with the receiver's.
static void compete(storm_t* self)
{
    void** const slot = &self->held[below(self, HELD_MAX)];
    if (*slot != NULL) {
        CHECK_STATUS(rns_pool_give(&self->f.pool.pool, *slot), RNS_OK);
        *slot = NULL;
    } else if (rns_pool_take(&self->f.pool.pool, 1, RNS_PRIORITY_NORMAL, slot) != RNS_OK) {
        CHECK(*slot == NULL);
    }
}

/// Let time pass as it mostly does, or leap either way.
static void pass_time(storm_t* self)
{
    const uint64_t step_ns = below(self, 8000000);
    self->sent_ns += step_ns;
    self->arrival_ns += step_ns;
    switch (below(self, 400)) {
    case 0:
        self->arrival_ns += below(self, 3000) * MILLISECOND;
        break;
    case 1:
        self->sent_ns += below(self, 40000) * MILLISECOND;
        break;
    case 2:
        self->sent_ns -= below(self, 40000) * MILLISECOND;
        break;
    case 3:
        self->arrival_ns -= below(self, 3000) * MILLISECOND;
        break;
    default:
        break;
    }
}

static void receive_one(storm_t* self)
{
    unsigned char bytes[PACKET_BYTES];
    const rns_rtp_info_t info = {.at = {self->arrival_ns, send_time_at(self->sent_ns)},
                                 .ssrc = below(self, 12),
                                 .sequence = (uint16_t)below(self, 64)};
    size_t length = make_packet(bytes, &info, below(self, 1000));
    const uint32_t fate = below(self, 20);
    if (fate == 0) {
        bytes[below(self, 20)] ^= (unsigned char)(1u << below(self, 8));
    } else if (fate == 1) {
        length = below(self, (uint32_t)length);
    }
    const rns_span_t packet = {bytes, length};
    const rns_status_t status =
        rns_rtp_receiver_receive(&self->f.receiver, packet, self->arrival_ns);
    if (status < 0) {
        ++self->statuses[3];
    } else {
        ++self->statuses[status == RNS_OK ? 0 : status == RNS_MISS_ABSENT ? 1 : 2];
        CHECK(status == RNS_OK || status == RNS_MISS_ABSENT || status == RNS_MISS_EXHAUSTED);
    }
}

static void run_storm(rns_rtp_filter_t filter, rns_table_policy_t policy, uint64_t seed)
{
    static storm_t s;
    memset(&s, 0, sizeof s);
    s.random = seed;
    s.arrival_ns = 100 * SECOND;
    s.sent_ns = 1000 * SECOND;
    rns_rtp_config_t config = rns_rtp_config_default(NULL);
    config.filter = filter;
    config.stream_policy = policy;
    config.stream_count = 10;
    config.bucket_count = 2 + (uint32_t)seed % 50;
    rtp_begin_with(&s.f, 10, &config);
    for (uint32_t i = 0; i < 50000; ++i) {
        uint32_t bps = 0;
        pass_time(&s);
        receive_one(&s);
        if (below(&s, 10) == 0) {
            compete(&s);
        }
        if (below(&s, 50) == 0) {
            CHECK((rns_rtp_receiver_remb(&s.f.receiver, s.arrival_ns, &bps) == RNS_OK) ==
                  (bps > 0));
        }
        if (i % 16 == 0) {
            check_rtp(&s.f);
        }
        ++check_state.operations;
    }
    const rns_rtp_counts_t c = rtp_stats(&s.f).counts;
    CHECK_COUNTER(c.malformed, s.statuses[3]);
    CHECK_COUNTER(c.timeless, s.statuses[1]);
    CHECK_COUNTER(c.rejected + c.refusals, s.statuses[2]);
    CHECK(s.statuses[0] > 25000 && s.statuses[1] > 10 && s.statuses[2] > 10);
    CHECK_COUNTER(c.restarts > 50 && c.late > 50 && c.duplicates > 50 && c.beyond > 10, 1);
    for (uint32_t i = 0; i < HELD_MAX; ++i) {
        if (s.held[i] != NULL) {
            CHECK_STATUS(rns_pool_give(&s.f.pool.pool, s.held[i]), RNS_OK);
        }
    }
    rtp_end(&s.f);
}

static void test_a_storm_of_packets_breaks_no_invariant_and_leaves_no_slot_in_use(void)
{
    const rns_table_policy_t policies[] = {RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST,
                                           RNS_TABLE_RING};
    for (uint32_t i = 0; i < 6; ++i) {
        run_storm(i < 3 ? RNS_RTP_TRENDLINE : RNS_RTP_KALMAN, policies[i % 3], 1000 + i);
    }
}

/// Feed a filter the longest steps there are, in an order that drives it as far as it goes.
static void drive(rns_rtp_filter_t filter, uint32_t period, uint64_t seed)
{
    rns_rtp_delay_t delay;
    uint64_t random = seed;
    rns_rtp_delay_reset(&delay, filter);
    for (uint32_t i = 0; i < 20000; ++i) {
        const bool is_up = period > 0 ? i / period % 2 == 0 : random_below(&random, 2) == 0;
        const rns_rtp_sample_t sample = {is_up ? RNS_RTP_STEP_MOST_NS : (int64_t)(i % 2),
                                         is_up ? 0 : RNS_RTP_STEP_MOST_NS};
        const rns_rtp_signal_t signal = rns_rtp_delay_add(&delay, sample);
        CHECK(signal == delay.signal);
        CHECK(delay.threshold_ns >= RNS_RTP_THRESHOLD_LEAST_NS);
        CHECK(delay.threshold_ns <= RNS_RTP_THRESHOLD_MOST_NS);
        CHECK(delay.samples < 80);
        ++check_state.operations;
    }
}

static void test_the_longest_steps_overflow_no_sum(void)
{
    for (uint32_t period = 0; period <= 40; ++period) {
        drive(RNS_RTP_TRENDLINE, period, 5);
        drive(RNS_RTP_KALMAN, period, 6);
    }
    drive(RNS_RTP_TRENDLINE, 20000, 7);
    drive(RNS_RTP_KALMAN, 20000, 8);
}

void suite_rtp_random(void)
{
    RUN(test_a_storm_of_packets_breaks_no_invariant_and_leaves_no_slot_in_use);
    RUN(test_the_longest_steps_overflow_no_sum);
}
