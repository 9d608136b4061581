/// @file rns_rtp_run.h
/// Sends a stream of RTP packets through a receiver and notes what it thinks after each.
///
/// Owns: nothing; receiver, meter, buffer and rows are the caller's.
/// Does not: react to the estimate (the stream is what was sent), or check the packets
/// (pyrns_pool does).
///
/// Each packet is built in one buffer outside the pool, as an interface would receive it: fixed
/// header, abs-send-time in an extension of one-byte form (RFC 8285), zeros.
///
/// Cost: a packet is that of rns_rtp_receiver_receive() and of a snapshot.
#ifndef RNS_RTP_RUN_H
#define RNS_RTP_RUN_H

#include "rns_meter.h"
#include "rns_rtp_receiver.h"

#define RNS_RTP_RUN_HEADER_BYTES 20u ///< Of each packet: the shortest there can be.
#define RNS_RTP_RUN_PACKET_BYTES 65535u
#define RNS_RTP_RUN_EXTENSION_ID 3u

/// A packet that arrives.
typedef struct {
    int64_t arrival_ns; ///< Not decreasing, within the meter's edges.
    int64_t send_ns;    ///< 0 or later.
    uint32_t size;      ///< RNS_RTP_RUN_HEADER_BYTES to RNS_RTP_RUN_PACKET_BYTES.
    uint32_t ssrc;
    uint16_t seq;
} rns_rtp_run_packet_t;

/// The receiver after a packet; the units are those of rns_rtp_stats_t.
typedef struct {
    int64_t t_ns; ///< When it arrived.
    int64_t trend_ns;
    int64_t threshold_ns;
    uint32_t incoming_bps;
    uint32_t estimate_bps;
    uint32_t signal; ///< rns_rtp_signal_t
    uint32_t state;  ///< rns_rtp_rate_state_t
} rns_rtp_run_point_t;

typedef struct {
    rns_rtp_receiver_t* receiver; ///< Its extension_id is RNS_RTP_RUN_EXTENSION_ID.
    rns_meter_t* meter;           ///< Begun, without a store.
    uint8_t* buffer;              ///< RNS_RTP_RUN_PACKET_BYTES, all zero.
    const rns_rtp_run_packet_t* packets;
    rns_rtp_run_point_t* points; ///< Receives one for each packet.
} rns_rtp_run_t;

/// Write the header of a packet; what follows it stays as it is.
void rns_rtp_run_build(uint8_t* buffer, const rns_rtp_run_packet_t* packet);

/// Run the packets from `first` up to but not including `end`, and ask for a REMB after each.
///
/// Consecutive calls that cover the stream give what one call gives, so that a caller can look up
/// in between.
///
/// @retval RNS_OK
/// @retval RNS_INPUT_*, RNS_MISUSE_*, RNS_DAMAGE_*  The receiver refused what was built, which a
///                                                  fault of it or overwritten memory explains.
RNS_MUST_USE rns_status_t rns_rtp_run(rns_rtp_run_t* self, size_t first, size_t end);

#endif
