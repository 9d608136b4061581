/// @file rns_rtp_delay.h
/// From delay variations to a signal: is the path over-used, under-used or neither?
///
/// Owns: the two arrival-time filters and the over-use detector of draft-ietf-rmcat-gcc-02 (5.3,
/// 5.4), in integers.
/// Does not: know of packets or groups (rns_rtp_receiver_t) or of rates (rns_rtp_rate_t).
///
/// RNS_RTP_TRENDLINE fits a line to the delay accumulated over the last 20 groups, smoothed by
/// 0.9, against their arrival; the trend is 4 * min(groups, 60) * its slope. It is libwebrtc's
/// filter, younger than the draft. Until there are 20 groups the trend is 0.
/// RNS_RTP_KALMAN is the draft's, with chi = 0.01 and the f_max of the last group alone (K = 1);
/// an outlier counts in the variance as 3 sigma. The trend is min(groups, 60) * m(i), again as in
/// libwebrtc, where the draft's thresholds come from: m(i) alone, some ms for each group, never
/// reaches them.
///
/// The detector is the draft's. As in libwebrtc one step of the threshold covers at most 100 ms:
/// with K_u = 0.01 / ms a longer one would overshoot.
///
/// Units: times and delays in ns; where the draft has ms, a trend of 1 ms is 1,000,000.
/// Cost: a sample is O(20) products and some 10 divisions of 64 bits, for Kalman some 20.
/// Threads: unsynchronised.
#ifndef RNS_RTP_DELAY_H
#define RNS_RTP_DELAY_H

#include "rns_port.h"

#define RNS_RTP_TREND_GROUPS 20u

#define RNS_RTP_THRESHOLD_START_NS ((int64_t)12500000)
#define RNS_RTP_THRESHOLD_LEAST_NS ((int64_t)6000000)
#define RNS_RTP_THRESHOLD_MOST_NS  ((int64_t)600000000)

/// Longest time between two samples, at the sender and here.
#define RNS_RTP_STEP_MOST_NS ((int64_t)3000000000)

typedef enum {
    RNS_RTP_TRENDLINE = 0,
    RNS_RTP_KALMAN = 1,
} rns_rtp_filter_t;

typedef enum {
    RNS_RTP_NORMAL = 0,
    RNS_RTP_OVERUSE = 1,
    RNS_RTP_UNDERUSE = 2,
} rns_rtp_signal_t;

/// A group of packets after the one before it.
typedef struct {
    int64_t arrival_step_ns; ///< t(i) - t(i-1), 0 to RNS_RTP_STEP_MOST_NS.
    int64_t send_step_ns;    ///< T(i) - T(i-1), likewise.
} rns_rtp_sample_t;

typedef struct {
    int64_t elapsed_ns[RNS_RTP_TREND_GROUPS]; ///< Arrivals, as a ring.
    int64_t delay_ns[RNS_RTP_TREND_GROUPS];   ///< Smoothed, beside them.
    int64_t now_ns;                           ///< Sum of all arrival steps.
    int64_t sum_ns;                           ///< Sum of all delay variations.
    int64_t smoothed_ns;
} rns_rtp_trendline_t;

typedef struct {
    int64_t m_ns;     ///< m(i).
    int64_t error;    ///< e(i) in ms^2, times 2^24.
    int64_t variance; ///< var_v_hat(i), likewise.
} rns_rtp_kalman_t;

typedef struct {
    rns_rtp_filter_t filter;
    rns_rtp_signal_t signal;
    uint32_t samples; ///< Up to 79, then again from 60.
    int64_t trend_ns; ///< What is compared with the threshold.
    int64_t threshold_ns;
    int64_t over_ns; ///< For how long the trend has been above; negative if it is not.
    union {
        rns_rtp_trendline_t trendline;
        rns_rtp_kalman_t kalman;
    } as;
} rns_rtp_delay_t;

/// Forget all samples; the threshold is where it starts.
void rns_rtp_delay_reset(rns_rtp_delay_t* self, rns_rtp_filter_t filter);

/// Add a sample; return the signal.
rns_rtp_signal_t rns_rtp_delay_add(rns_rtp_delay_t* self, rns_rtp_sample_t sample);

#endif
