/* Runs a receiver over packets from a file and prints what it thinks after each: the C half of
 * tests/test_rtp_model.py. Arguments: the filter's number, the slots of the pool, the file. A line
 * of the file is a packet: arrival in ns, abs-send-time, SSRC, sequence number, payload bytes. */
#include "rtp_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_state(rtp_fixture_t* f, rns_status_t status, uint32_t remb_bps)
{
    const rns_rtp_stats_t s = rtp_stats(f);
    (void)printf("%s %d %d %" PRId64 " %" PRId64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
                 " %" PRIu64 "\n",
                 rns_status_name(status), (int)s.signal, (int)s.state, s.trend_ns, s.threshold_ns,
                 s.incoming_bps, s.estimate_bps, remb_bps, s.in_use, (uint64_t)s.counts.groups);
}

static void print_counts(rtp_fixture_t* f)
{
    const rns_rtp_counts_t c = rtp_stats(f).counts;
    const rns_pool_stats_t pool = pool_stats(&f->pool);
    (void)printf("# packets %" PRIu64 " grouped %" PRIu64 " beyond %" PRIu64 " duplicates %" PRIu64
                 " late %" PRIu64 " missed %" PRIu64 " refusals %" PRIu64 " groups %" PRIu64
                 " restarts %" PRIu64 " overuses %" PRIu64 " rembs %" PRIu64 " takes %" PRIu64
                 " gives %" PRIu64 " exhausted %" PRIu64 " high_water %" PRIu32 "\n",
                 (uint64_t)c.packets, (uint64_t)c.grouped, (uint64_t)c.beyond,
                 (uint64_t)c.duplicates, (uint64_t)c.late, (uint64_t)c.missed,
                 (uint64_t)c.refusals, (uint64_t)c.groups, (uint64_t)c.restarts,
                 (uint64_t)c.overuses, (uint64_t)c.rembs, (uint64_t)c.takes, (uint64_t)c.gives,
                 (uint64_t)pool.exhausted, pool.tiers[0].high_water);
}

/// Read one packet; return false at the end.
static bool read_packet(FILE* file, rns_rtp_info_t* info, uint32_t* payload_bytes)
{
    char line[128];
    if (fgets(line, sizeof line, file) == NULL) {
        return false;
    }
    char* at = line;
    info->at.arrival_ns = strtoull(at, &at, 10);
    info->at.send_ticks = strtoull(at + 1, &at, 10);
    info->ssrc = (uint32_t)strtoul(at + 1, &at, 10);
    info->sequence = (uint16_t)strtoul(at + 1, &at, 10);
    *payload_bytes = (uint32_t)strtoul(at + 1, &at, 10);
    return true;
}

int main(int argument_count, char** arguments)
{
    if (argument_count != 4) {
        return 2;
    }
    FILE* const file = fopen(arguments[3], "re");
    if (file == NULL) {
        return 2;
    }
    rns_rtp_config_t config = rns_rtp_config_default(NULL);
    config.filter = (rns_rtp_filter_t)strtoul(arguments[1], NULL, 10);
    rtp_fixture_t f;
    rtp_begin_with(&f, (uint32_t)strtoul(arguments[2], NULL, 10), &config);
    rns_rtp_info_t info = {0};
    uint32_t payload_bytes = 0;
    while (read_packet(file, &info, &payload_bytes)) {
        const rns_status_t status = rtp_receive_info(&f, &info, payload_bytes);
        uint32_t remb_bps = 0;
        const rns_status_t due = rns_rtp_receiver_remb(&f.receiver, info.at.arrival_ns, &remb_bps);
        CHECK_STATUS(due, remb_bps > 0 ? RNS_OK : RNS_MISS_ABSENT);
        print_state(&f, status, remb_bps);
    }
    (void)fclose(file);
    print_counts(&f);
    rtp_end(&f);
    return check_state.failures == 0 ? 0 : 1;
}
