/// @file rns_rtp_inline.h
/// Fixed-point arithmetic of the RTP estimator, in 64 bits; for its sources alone.
#ifndef RNS_RTP_INLINE_H
#define RNS_RTP_INLINE_H

#include "rns_port.h"

#define FIXED_ONE ((int64_t)1 << 30) ///< 1.0 of a factor.

static inline int64_t fixed_abs(int64_t value)
{
    return value < 0 ? -value : value;
}

static inline int64_t fixed_clamp(int64_t value, int64_t least, int64_t most)
{
    if (value < least) {
        return least;
    }
    return value > most ? most : value;
}

/// Return `value` times a factor of 0 to 1, the factor times 2^30. Nothing overflows.
static inline int64_t fixed_part(int64_t value, int64_t factor)
{
    return value / FIXED_ONE * factor + value % FIXED_ONE * factor / FIXED_ONE;
}

/// Return e^x for x of -1 to 1, both times 2^30; off by a few units. Takes 13 terms at most, and
/// three for the 5 ms between two updates of a rate.
static inline int64_t fixed_exp(int64_t x)
{
    int64_t term = FIXED_ONE;
    int64_t sum = FIXED_ONE;
    for (int64_t n = 1; term != 0; ++n) {
        term = term * x / FIXED_ONE / n;
        sum += term;
    }
    return sum;
}

/// Return the square root of a value of 0 to 2^62 - 1, rounded down.
static inline int64_t fixed_sqrt(int64_t value)
{
    int64_t root = 0;
    for (int64_t bit = (int64_t)1 << 30; bit > 0; bit /= 2) {
        if ((root + bit) * (root + bit) <= value) {
            root += bit;
        }
    }
    return root;
}

#endif
