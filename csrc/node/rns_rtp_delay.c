#include "rns_rtp_delay.h"

#include "rns_rtp_inline.h"

#define GAIN           4
#define TREND_COUNT    60u ///< More groups than these give the trend no more weight.
#define SLOPE_ONE_BITS 23  ///< A slope of 1 is 2^23, and a slope of 2^10 counts as infinite.
#define ELAPSED_BITS   13  ///< Elapsed times in units of 2^13 ns: then no sum overflows.

#define KALMAN_ONE_BITS 24
#define PROCESS_NOISE   16777    ///< q = 10^-3, times 2^24.
#define ERROR_START     1677722  ///< e(0) = 0.1, times 2^24.
#define CHI_LOG         10791466 ///< -ln(1 - chi) for chi = 0.01, times 2^30.
#define CHI_STEP_NS     33333333 ///< The draft's 30 / (1000 f_max) is 1 for groups this far apart.

#define STEP_NS    100000000 ///< Most that one step of the threshold covers.
#define OUTLIER_NS 15000000  ///< A trend so far beyond the threshold does not change it.
#define OVERUSE_NS 10000000  ///< Over-use has to last so long.
#define RISE       1000      ///< K_u = 0.01 / ms, in units of 10^-5 / ms.
#define FALL       18        ///< K_d = 0.00018 / ms, likewise.

void rns_rtp_delay_reset(rns_rtp_delay_t* self, rns_rtp_filter_t filter)
{
    *self = (rns_rtp_delay_t){
        .filter = filter, .threshold_ns = RNS_RTP_THRESHOLD_START_NS, .over_ns = -1};
    if (filter == RNS_RTP_KALMAN) {
        self->as.kalman.error = ERROR_START;
        self->as.kalman.variance = (int64_t)1 << KALMAN_ONE_BITS;
    }
}

/// Return the slope of the line through the ring's points, times 2^SLOPE_ONE_BITS.
///
/// No sum overflows: points are at most 20 * 3 s apart either way, 2^23 units and 2^36 ns, so that
/// from their means the 20 products stay below 2^63.
static int64_t slope(const rns_rtp_trendline_t* self)
{
    const int64_t count = RNS_RTP_TREND_GROUPS;
    int64_t elapsed_mean = 0;
    int64_t delay_mean = 0;
    for (int64_t i = 0; i < count; ++i) {
        elapsed_mean += self->elapsed_ns[i] - self->elapsed_ns[0];
        delay_mean += self->delay_ns[i] - self->delay_ns[0];
    }
    elapsed_mean /= count;
    delay_mean /= count;
    int64_t products = 0;
    int64_t squares = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t x = (self->elapsed_ns[i] - self->elapsed_ns[0] - elapsed_mean) /
                          ((int64_t)1 << ELAPSED_BITS);
        products += x * (self->delay_ns[i] - self->delay_ns[0] - delay_mean);
        squares += x * x;
    }
    /* products / squares has ELAPSED_BITS behind the point: the divisor makes up for the rest. */
    const int64_t divisor = squares >> (SLOPE_ONE_BITS - ELAPSED_BITS);
    const int64_t most = (int64_t)1 << (SLOPE_ONE_BITS + 10);
    return divisor == 0 ? 0 : fixed_clamp(products / divisor, -most, most);
}

/// Return 2^SLOPE_ONE_BITS times the slope after one more sample.
static int64_t add_to_trendline(rns_rtp_trendline_t* self, rns_rtp_sample_t sample,
                                uint32_t before)
{
    const uint32_t at = before % RNS_RTP_TREND_GROUPS;
    self->now_ns += sample.arrival_step_ns;
    self->sum_ns += sample.arrival_step_ns - sample.send_step_ns;
    self->smoothed_ns += (self->sum_ns - self->smoothed_ns) / 10;
    self->elapsed_ns[at] = self->now_ns;
    self->delay_ns[at] = self->smoothed_ns;
    return before + 1u < RNS_RTP_TREND_GROUPS ? 0 : slope(self);
}

/// Return (1 - chi)^(time between groups / CHI_STEP_NS), times 2^30.
static int64_t kalman_memory(int64_t send_step_ns)
{
    return fixed_exp(-(send_step_ns * CHI_LOG / CHI_STEP_NS));
}

/// Update m(i) with one more sample. The innovation z is kept in ms * 2^12, so that its square has
/// the form of the variance.
static void add_to_kalman(rns_rtp_kalman_t* self, rns_rtp_sample_t sample)
{
    const int64_t one = (int64_t)1 << KALMAN_ONE_BITS;
    const int64_t z_ns = sample.arrival_step_ns - sample.send_step_ns - self->m_ns;
    const int64_t most = 3 * fixed_sqrt(self->variance);
    const int64_t z = fixed_clamp(z_ns * 4096 / 1000000, -most, most);
    const int64_t forgotten = FIXED_ONE - kalman_memory(sample.send_step_ns);
    const int64_t variance = self->variance + fixed_part(z * z - self->variance, forgotten);
    self->variance = variance > one ? variance : one;
    const int64_t error = self->error + PROCESS_NOISE;
    const int64_t gain = error * one / (self->variance + error);
    self->error = error - error * gain / one;
    self->m_ns += z_ns * gain / one;
}

/// Return what is compared with the threshold, after one more sample.
static int64_t add_to_filter(rns_rtp_delay_t* self, rns_rtp_sample_t sample)
{
    const int64_t count = (int64_t)self->samples + 1;
    const int64_t weight = count < TREND_COUNT ? count : TREND_COUNT;
    if (self->filter == RNS_RTP_KALMAN) {
        add_to_kalman(&self->as.kalman, sample);
        return weight * self->as.kalman.m_ns;
    }
    const int64_t line = add_to_trendline(&self->as.trendline, sample, self->samples);
    return line * (weight * GAIN * 1000000) / ((int64_t)1 << SLOPE_ONE_BITS);
}

static void adapt_threshold(rns_rtp_delay_t* self, int64_t step_ns)
{
    const int64_t beyond = fixed_abs(self->trend_ns) - self->threshold_ns;
    if (beyond > OUTLIER_NS) {
        return;
    }
    const int64_t step = fixed_clamp(step_ns, 0, STEP_NS);
    const int64_t speed = beyond < 0 ? FALL : RISE;
    const int64_t change = beyond * (step / 1000) / 1000 * speed / 100000;
    self->threshold_ns = fixed_clamp(self->threshold_ns + change, RNS_RTP_THRESHOLD_LEAST_NS,
                                     RNS_RTP_THRESHOLD_MOST_NS);
}

/// Return the signal for a new trend; `before_ns` is the trend before.
static rns_rtp_signal_t detect(rns_rtp_delay_t* self, int64_t before_ns, int64_t step_ns)
{
    if (self->trend_ns <= self->threshold_ns) {
        self->over_ns = -1;
        return self->trend_ns < -self->threshold_ns ? RNS_RTP_UNDERUSE : RNS_RTP_NORMAL;
    }
    self->over_ns = self->over_ns < 0 ? 0 : self->over_ns + step_ns;
    const bool falls = self->trend_ns < before_ns;
    return self->over_ns >= OVERUSE_NS && !falls ? RNS_RTP_OVERUSE : RNS_RTP_NORMAL;
}

rns_rtp_signal_t rns_rtp_delay_add(rns_rtp_delay_t* self, rns_rtp_sample_t sample)
{
    const int64_t before_ns = self->trend_ns;
    self->trend_ns = add_to_filter(self, sample);
    ++self->samples;
    if (self->samples == TREND_COUNT + RNS_RTP_TREND_GROUPS) {
        self->samples = TREND_COUNT; /* the ring goes on where it was, and nothing wraps */
    }
    self->signal = detect(self, before_ns, sample.arrival_step_ns);
    adapt_threshold(self, sample.arrival_step_ns);
    return self->signal;
}
