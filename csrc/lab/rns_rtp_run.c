#include "rns_rtp_run.h"

#define PAYLOAD_TYPE 96u

static void put_big_endian(uint8_t* at, uint32_t value, unsigned byte_count)
{
    for (unsigned i = 0; i < byte_count; ++i) {
        at[i] = (uint8_t)(value >> (8u * (byte_count - 1u - i)));
    }
}

void rns_rtp_run_build(uint8_t* buffer, const rns_rtp_run_packet_t* packet)
{
    const uint64_t send_ns = (uint64_t)packet->send_ns;
    const uint64_t ticks = send_ns * 512u / 1953125u;  /* 2^18 a second */
    put_big_endian(buffer, 0x9000u | PAYLOAD_TYPE, 2); /* version 2, an extension */
    put_big_endian(buffer + 2, packet->seq, 2);
    put_big_endian(buffer + 4, (uint32_t)(send_ns * 9u / 100000u), 4); /* 90 kHz */
    put_big_endian(buffer + 8, packet->ssrc, 4);
    put_big_endian(buffer + 12, 0xBEDE0001u, 4); /* one word of the one-byte form */
    put_big_endian(buffer + 16, RNS_RTP_RUN_EXTENSION_ID << 4u | 2u, 1);
    put_big_endian(buffer + 17, (uint32_t)(ticks & 0xFFFFFFu), 3);
}

static void note(const rns_rtp_receiver_t* receiver, int64_t now_ns, rns_rtp_run_point_t* point)
{
    rns_rtp_stats_t stats;
    rns_rtp_receiver_stats(receiver, &stats);
    *point = (rns_rtp_run_point_t){.t_ns = now_ns,
                                   .trend_ns = stats.trend_ns,
                                   .threshold_ns = stats.threshold_ns,
                                   .incoming_bps = stats.incoming_bps,
                                   .estimate_bps = stats.estimate_bps,
                                   .signal = (uint32_t)stats.signal,
                                   .state = (uint32_t)stats.state};
}

rns_status_t rns_rtp_run(rns_rtp_run_t* self, size_t first, size_t end)
{
    for (size_t i = first; i < end; ++i) {
        const rns_rtp_run_packet_t* const packet = &self->packets[i];
        const uint64_t now_ns = (uint64_t)packet->arrival_ns;
        rns_meter_advance(self->meter, packet->arrival_ns);
        rns_rtp_run_build(self->buffer, packet);
        const rns_span_t span = {.start = self->buffer, .bytes = packet->size};
        const rns_status_t status = rns_rtp_receiver_receive(self->receiver, span, now_ns);
        if (status < RNS_OK) {
            return status;
        }
        uint32_t remb_bps = 0;
        (void)!rns_rtp_receiver_remb(self->receiver, now_ns, &remb_bps);
        note(self->receiver, packet->arrival_ns, &self->points[i]);
        rns_meter_sample(self->meter, packet->arrival_ns);
    }
    return RNS_OK;
}
