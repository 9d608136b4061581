/// @file rns_misses.h
/// The last misses of a pool: when, of what size, from where.
///
/// Owns: the last RNS_MISSES_KEPT of them.
/// Does not: count by tier; the pool does.
///
/// Misses are in *episodes*: one begins with a miss after RNS_MISSES_QUIET_NS without any.
///
/// Cost: O(1).  Threads: one.
#ifndef RNS_MISSES_H
#define RNS_MISSES_H

#include "rns_pool.h"

#define RNS_MISSES_KEPT     16u
#define RNS_MISSES_QUIET_NS INT64_C(10000000000)

typedef struct {
    int64_t t_ns;
    uint64_t size_bytes;
    uint32_t site;
} rns_miss_t;

typedef struct {
    uint64_t count;
    uint64_t episodes;
    int64_t episode_ns;               ///< When the last one began.
    const int64_t* now_ns;            ///< The clock of rns_misses_fallback().
    uint32_t header_bytes;            ///< Of its pool.
    rns_miss_t last[RNS_MISSES_KEPT]; ///< Number i at i modulo RNS_MISSES_KEPT.
} rns_misses_t;

/// Note a miss, which is not before the last one.
void rns_misses_add(rns_misses_t* self, int64_t t_ns, uint64_t size_bytes, uint32_t site);

/// Return a hook that notes every miss of a pool, at *now_ns, and serves none.
rns_fallback_t rns_misses_fallback(rns_misses_t* self);

#endif
