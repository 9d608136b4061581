/// @file rns_rtp_rate.h
/// The rate that comes in, and the rate the path is believed to carry.
///
/// Owns: the window of 1 s in which bytes are counted, and the rate control of
/// draft-ietf-rmcat-gcc-02 (5.5) with its three states, in integers.
/// Does not: read packets or find over-use (rns_rtp_delay_t).
///
/// The window is a ring of buckets of equal length. The bucket that time enters overwrites the
/// oldest; no number of packets can overflow it. The incoming rate is what the ring holds over the
/// time that it covers, so the last 1 s less at most one bucket. Until half a second is covered
/// (the draft's shortest window) it is unknown, and so again after a second without a byte: the
/// estimate is then held.
///
/// The increase is multiplicative only, 8 % a second: the additive one near convergence needs the
/// round-trip time, which a receiver of REMB does not have. The estimate is held to 1.5 times the
/// incoming rate and then to the configured bounds.
///
/// Cost: O(1) for an addition, O(buckets) after a pause; an update is some five divisions.
/// Threads: unsynchronised.
///
/// Invariants (rns_rtp_rate_check):
///   R1  window_bytes is the sum of the buckets.
///   R2  least_bps <= estimate_bps <= most_bps.
#ifndef RNS_RTP_RATE_H
#define RNS_RTP_RATE_H

#include "rns_rtp_delay.h"
#include "rns_status.h"
#include "rns_tier.h"

#define RNS_RTP_WINDOW_NS   1000000000u
#define RNS_RTP_BUCKETS_MIN 2u
#define RNS_RTP_BUCKETS_MAX 1000u

typedef enum {
    RNS_RTP_INCREASE = 0,
    RNS_RTP_HOLD = 1,
    RNS_RTP_DECREASE = 2,
} rns_rtp_rate_state_t;

/// Bounds of the estimate, in bit/s; 1 <= least <= start <= most.
typedef struct {
    uint32_t least_bps;
    uint32_t start_bps;
    uint32_t most_bps;
} rns_rtp_bounds_t;

typedef struct {
    rns_rtp_bounds_t bounds;
    rns_rtp_rate_state_t state;
    uint32_t estimate_bps;
    uint32_t carry;      ///< What the estimate is more, times 2^30.
    uint64_t updated_ns; ///< Time of the last update; 0: none yet.
    uint32_t* buckets;
    uint32_t bucket_count;
    uint32_t bucket_ns;
    uint32_t current;    ///< Index of the bucket that time is in.
    uint64_t entered_ns; ///< When that bucket began.
    uint64_t since_ns;   ///< When the oldest bucket that counts began.
    uint64_t window_bytes;
} rns_rtp_rate_t;

/// Begin anew with an empty window; `bounds`, `buckets` and `bucket_count` are set.
void rns_rtp_rate_reset(rns_rtp_rate_t* self);

/// Count bytes that arrived.
///
/// @param now_ns  Not before that of any call before.
void rns_rtp_rate_add(rns_rtp_rate_t* self, size_t bytes, uint64_t now_ns);

/// Return the incoming rate in bit/s, saturated at UINT32_MAX; 0 while it is unknown.
uint32_t rns_rtp_rate_incoming(const rns_rtp_rate_t* self, uint64_t now_ns);

/// Let a signal of the detector change state and estimate.
void rns_rtp_rate_update(rns_rtp_rate_t* self, rns_rtp_signal_t signal, uint64_t now_ns);

/// Verify R1 and R2.
rns_damage_t rns_rtp_rate_check(const rns_rtp_rate_t* self);

#endif
