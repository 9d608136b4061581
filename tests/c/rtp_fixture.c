#include "rtp_fixture.h"

#include <stdlib.h>
#include <string.h>

uint32_t send_time_at(uint64_t ns)
{
    return (uint32_t)((ns * 512u + 976562u) / 1953125u) & 0xFFFFFFu;
}

static void write_big_endian(unsigned char* bytes, uint32_t value, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        bytes[i] = (unsigned char)(value >> (8u * (count - 1u - i)));
    }
}

size_t make_packet(unsigned char* bytes, const rns_rtp_info_t* info, uint32_t payload_bytes)
{
    bytes[0] = 0x90;
    bytes[1] = 96;
    write_big_endian(bytes + 2, info->sequence, 2);
    write_big_endian(bytes + 4, 90u * info->sequence, 4);
    write_big_endian(bytes + 8, info->ssrc, 4);
    write_big_endian(bytes + 12, 0xBEDE0001u, 4);
    bytes[16] = 0x32;
    write_big_endian(bytes + 17, (uint32_t)info->at.send_ticks & 0xFFFFFFu, 3);
    memset(bytes + 20, 0xA5, payload_bytes);
    return 20u + payload_bytes;
}

void rtp_begin_with(rtp_fixture_t* self, uint32_t slot_count, const rns_rtp_config_t* config)
{
    memset(self, 0, sizeof *self);
    const rns_tier_config_t tiers[] = {
        {.slot_bytes = sizeof(rns_rtp_info_t), .slot_count = slot_count}};
    const rns_pool_config_t pool = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_init(&self->pool, &pool);
    self->config = *config;
    self->config.pool = &self->pool.pool;
    CHECK_STATUS(rns_rtp_receiver_storage_bytes(&self->config, &self->storage.bytes), RNS_OK);
    self->storage.start = malloc(self->storage.bytes);
    if (self->storage.start == NULL) {
        abort();
    }
    memset(self->storage.start, 0xA5, self->storage.bytes);
    CHECK_STATUS(rns_rtp_receiver_init(&self->receiver, &self->config, self->storage), RNS_OK);
}

void rtp_begin(rtp_fixture_t* self, uint32_t slot_count)
{
    const rns_rtp_config_t config = rns_rtp_config_default(NULL);
    rtp_begin_with(self, slot_count, &config);
}

void rtp_end(rtp_fixture_t* self)
{
    check_rtp(self);
    rns_rtp_receiver_reset(&self->receiver);
    check_rtp(self);
    CHECK_EQUAL(rtp_stats(self).in_use, 0);
    CHECK_EQUAL(rtp_stats(self).counts.packets, 0);
    CHECK_EQUAL(rtp_stats(self).streams.count, 0);
    CHECK_EQUAL(pool_stats(&self->pool).in_use, 0);
    pool_fixture_end(&self->pool);
    free(self->storage.start);
    self->storage = (rns_memory_t){0};
}

rns_status_t rtp_receive_info(rtp_fixture_t* self, const rns_rtp_info_t* info,
                              uint32_t payload_bytes)
{
    unsigned char bytes[PACKET_BYTES];
    const rns_span_t packet = {bytes, make_packet(bytes, info, payload_bytes)};
    return rns_rtp_receiver_receive(&self->receiver, packet, info->at.arrival_ns);
}

rns_status_t rtp_receive(rtp_fixture_t* self, uint64_t sent_ns, uint64_t arrived_ns)
{
    const rns_rtp_info_t info = {
        .at = {arrived_ns, send_time_at(sent_ns)}, .ssrc = 1, .sequence = self->sequence};
    ++self->sequence;
    return rtp_receive_info(self, &info, 100);
}

rns_rtp_stats_t rtp_stats(const rtp_fixture_t* self)
{
    rns_rtp_stats_t stats;
    memset(&stats, 0xFF, sizeof stats);
    rns_rtp_receiver_stats(&self->receiver, &stats);
    return stats;
}

void check_rtp(rtp_fixture_t* self)
{
    CHECK_TEXT(rns_rtp_receiver_check(&self->receiver).invariant, NULL);
    const rns_rtp_stats_t stats = rtp_stats(self);
    const rns_rtp_counts_t* const c = &stats.counts;
    CHECK(stats.in_use <= RNS_RTP_GROUP_PACKETS);
    CHECK(stats.estimate_bps >= self->config.bounds.least_bps);
    CHECK(stats.estimate_bps <= self->config.bounds.most_bps);
    CHECK_EQUAL(c->packets, c->malformed + c->rejected + c->duplicates + c->timeless + c->late +
                                c->missed + c->grouped);
    CHECK_COUNTER(c->takes, c->gives + stats.in_use);
    CHECK_EQUAL(c->takes + c->beyond, c->grouped);
    CHECK(c->missed <= c->refusals);
    CHECK(c->overuses <= c->groups);
    check_sound(&self->pool.pool);
}
