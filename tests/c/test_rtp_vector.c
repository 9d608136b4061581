/* The RTP receiver over one stream through a link that grows narrow: every number that it comes to
 * is the recorded one, in every build. tests/test_rtp_model.py holds such numbers to a model. */
#include "rtp_fixture.h"

#define PACKETS 6000u

/// A bottleneck that is narrow for a third of the time: when the last packet was through it.
static uint64_t carry(uint64_t free_ns, uint64_t sent_ns, uint32_t number)
{
    const uint64_t each_ns = number / 1000u % 3u == 1u ? 11 * MILLISECOND : 4 * MILLISECOND;
    return (free_ns > sent_ns ? free_ns : sent_ns) + each_ns;
}

static void mix(uint64_t* hash, uint64_t number)
{
    *hash = (*hash ^ number) * 0x100000001B3u;
    *hash ^= *hash >> 29;
}

/// Return a hash of the receiver's numbers after each packet.
static uint64_t hash_of(rns_rtp_filter_t filter, uint32_t* overuses)
{
    rns_rtp_config_t config = rns_rtp_config_default(NULL);
    config.filter = filter;
    rtp_fixture_t f;
    rtp_begin_with(&f, RNS_RTP_GROUP_PACKETS, &config);
    uint64_t hash = 0xCBF29CE484222325u;
    uint64_t random = 77;
    uint64_t free_ns = 0;
    uint64_t sent_ns = SECOND;
    for (uint32_t i = 0; i < PACKETS; ++i) {
        sent_ns += 3 * MILLISECOND + random_below(&random, 7 * 1000000u);
        sent_ns += random_below(&random, 500) == 0 ? random_below(&random, 900) * MILLISECOND : 0;
        free_ns = carry(free_ns, sent_ns, i);
        const uint64_t late_ns = random_below(&random, 1500000);
        CHECK_STATUS(rtp_receive(&f, sent_ns, free_ns + late_ns), RNS_OK);
        uint32_t remb_bps = 0;
        const rns_status_t due = rns_rtp_receiver_remb(&f.receiver, free_ns + late_ns, &remb_bps);
        CHECK_STATUS(due, remb_bps > 0 ? RNS_OK : RNS_MISS_ABSENT);
        const rns_rtp_stats_t s = rtp_stats(&f);
        const uint64_t numbers[] = {(uint64_t)s.signal,
                                    (uint64_t)s.state,
                                    (uint64_t)s.trend_ns,
                                    (uint64_t)s.threshold_ns,
                                    s.incoming_bps,
                                    s.estimate_bps,
                                    remb_bps,
                                    s.in_use};
        for (size_t k = 0; k < COUNT_OF(numbers); ++k) {
            mix(&hash, numbers[k]);
        }
        *overuses += s.signal == RNS_RTP_OVERUSE ? 1u : 0u;
    }
    const rns_rtp_counts_t counts = rtp_stats(&f).counts;
    CHECK_COUNTER(counts.overuses > 0 && counts.overuses < counts.groups / 2u, 1);
    rtp_end(&f);
    return hash;
}

static void test_a_stream_gives_the_recorded_numbers_in_every_build(void)
{
    uint32_t overuses = 0;
    CHECK_EQUAL(hash_of(RNS_RTP_TRENDLINE, &overuses), 16630556986303189913u);
    CHECK_EQUAL(overuses, 1001);
    overuses = 0;
    CHECK_EQUAL(hash_of(RNS_RTP_KALMAN, &overuses), 12427498827569573201u);
    CHECK_EQUAL(overuses, 1126);
}

void suite_rtp_vector(void)
{
    RUN(test_a_stream_gives_the_recorded_numbers_in_every_build);
}
