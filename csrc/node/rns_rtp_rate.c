#include "rns_rtp_rate.h"

#include "rns_rtp_inline.h"

#define SHORTEST_NS  (RNS_RTP_WINDOW_NS / 2u)
#define SECOND_NS    1000000000u
#define INCREASE_LOG 82636289 ///< ln 1.08, times 2^30.
#define BETA_PERCENT 85u

void rns_rtp_rate_reset(rns_rtp_rate_t* self)
{
    *self = (rns_rtp_rate_t){.bounds = self->bounds,
                             .estimate_bps = self->bounds.start_bps,
                             .buckets = self->buckets,
                             .bucket_count = self->bucket_count,
                             .bucket_ns = RNS_RTP_WINDOW_NS / self->bucket_count};
    for (uint32_t i = 0; i < self->bucket_count; ++i) {
        self->buckets[i] = 0;
    }
}

/// Return how many buckets time has moved on; bucket_count if all of them are too old.
static uint32_t buckets_entered(const rns_rtp_rate_t* self, uint64_t now_ns)
{
    const uint64_t passed_ns = now_ns - self->entered_ns;
    if (passed_ns >= (uint64_t)self->bucket_ns * self->bucket_count) {
        return self->bucket_count;
    }
    return (uint32_t)passed_ns / self->bucket_ns;
}

/// Return when the oldest bucket that counts began, if time has entered `count` buckets more.
static uint64_t window_start(const rns_rtp_rate_t* self, uint32_t count)
{
    const uint64_t newest_ns = self->entered_ns + (uint64_t)count * self->bucket_ns;
    const uint64_t full_ns = (uint64_t)(self->bucket_count - 1u) * self->bucket_ns;
    return newest_ns - self->since_ns > full_ns ? newest_ns - full_ns : self->since_ns;
}

void rns_rtp_rate_add(rns_rtp_rate_t* self, size_t bytes, uint64_t now_ns)
{
    const uint32_t count = buckets_entered(self, now_ns);
    for (uint32_t i = 0; i < count; ++i) {
        self->current = self->current + 1u == self->bucket_count ? 0 : self->current + 1u;
        self->window_bytes -= self->buckets[self->current];
        self->buckets[self->current] = 0;
    }
    if (self->window_bytes == 0) {
        self->entered_ns = now_ns;
        self->since_ns = now_ns;
    } else {
        self->since_ns = window_start(self, count);
        self->entered_ns += (uint64_t)count * self->bucket_ns;
    }
    const uint32_t room = UINT32_MAX - self->buckets[self->current];
    const uint32_t counted = bytes < room ? (uint32_t)bytes : room;
    self->buckets[self->current] += counted;
    self->window_bytes += counted;
}

uint32_t rns_rtp_rate_incoming(const rns_rtp_rate_t* self, uint64_t now_ns)
{
    const uint32_t count = buckets_entered(self, now_ns);
    uint64_t bytes = self->window_bytes;
    for (uint32_t i = 1; i <= count; ++i) {
        bytes -= self->buckets[(self->current + i) % self->bucket_count];
    }
    const uint64_t covered_us = (now_ns - window_start(self, count)) / 1000u;
    if (bytes == 0 || covered_us < SHORTEST_NS / 1000u) {
        return 0;
    }
    const uint64_t bps = bytes * 8000000u / covered_us;
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

/// Return the state that follows from a signal; the table of the draft.
static rns_rtp_rate_state_t next_state(rns_rtp_rate_state_t state, rns_rtp_signal_t signal)
{
    if (signal == RNS_RTP_OVERUSE) {
        return RNS_RTP_DECREASE;
    }
    if (signal == RNS_RTP_UNDERUSE || state == RNS_RTP_DECREASE) {
        return RNS_RTP_HOLD;
    }
    return RNS_RTP_INCREASE;
}

/// Multiply the estimate by 1.08^(the time since the last update in seconds, 1 at most). What is
/// less than 1 bit/s is carried on: at 10 kbit/s and 5 ms it would be a quarter of the increase.
static uint64_t increased(rns_rtp_rate_t* self, uint64_t passed_ns)
{
    const int64_t ns = passed_ns < SECOND_NS ? (int64_t)passed_ns : (int64_t)SECOND_NS;
    const int64_t factor = fixed_exp(ns * INCREASE_LOG / (int64_t)SECOND_NS) - FIXED_ONE;
    const uint64_t more = (uint64_t)self->estimate_bps * (uint64_t)factor + self->carry;
    self->carry = (uint32_t)(more % (uint64_t)FIXED_ONE);
    return self->estimate_bps + more / (uint64_t)FIXED_ONE;
}

void rns_rtp_rate_update(rns_rtp_rate_t* self, rns_rtp_signal_t signal, uint64_t now_ns)
{
    const uint64_t incoming = rns_rtp_rate_incoming(self, now_ns);
    const uint64_t passed_ns = self->updated_ns == 0 ? 0 : now_ns - self->updated_ns;
    self->updated_ns = now_ns;
    self->state = next_state(self->state, signal);
    if (incoming == 0) {
        return;
    }
    uint64_t bps = self->estimate_bps;
    if (self->state == RNS_RTP_DECREASE) {
        bps = incoming * BETA_PERCENT / 100u;
    } else if (self->state == RNS_RTP_INCREASE) {
        bps = increased(self, passed_ns);
    }
    const uint64_t cap = incoming + incoming / 2u;
    const int64_t capped = (int64_t)(bps < cap ? bps : cap);
    self->estimate_bps =
        (uint32_t)fixed_clamp(capped, self->bounds.least_bps, self->bounds.most_bps);
}

rns_damage_t rns_rtp_rate_check(const rns_rtp_rate_t* self)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < self->bucket_count; ++i) {
        bytes += self->buckets[i];
    }
    const char* broken = bytes != self->window_bytes ? "R1" : NULL;
    if (self->estimate_bps < self->bounds.least_bps ||
        self->estimate_bps > self->bounds.most_bps) {
        broken = "R2";
    }
    return (rns_damage_t){broken == NULL ? RNS_OK : RNS_DAMAGE_INVARIANT, broken, 0, 0};
}
