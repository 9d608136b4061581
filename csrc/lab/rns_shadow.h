/// @file rns_shadow.h
/// A heap beside a pool: sees the same requests, and is looked at as a device would look at its
/// own heap.
///
/// Owns: the tally. A block's memory is malloc's, so that a request which the model refuses is
/// served all the same: the program goes on as it does over the pool, and sends the same requests.
/// Does not: own heap or storage.
///
/// How: it is the fallback of a second pool which never serves anything itself, over which the
/// program runs a second time.
///
/// Cost: that of the heap model and of malloc.  Threads: one.
#ifndef RNS_SHADOW_H
#define RNS_SHADOW_H

#include "rns_heap.h"
#include "rns_pool.h"

#define RNS_SHADOW_PROBE_BYTES 516u ///< A packet of 500 bytes, with the header of a buffer.

/// What happened since rns_shadow_clear().
typedef struct {
    uint64_t requests;
    uint64_t failures; ///< Of the requests: the model refused.
    uint64_t samples;
    uint64_t fragmentation_ppm_sum; ///< Over the samples.
    uint64_t probe_failures;        ///< Samples at which RNS_SHADOW_PROBE_BYTES could not be had.
    uint32_t fragmentation_ppm_max;
    uint32_t largest_free_min;
    uint32_t total_free_min;
} rns_shadow_tally_t;

typedef struct rns_shadow_front rns_shadow_front_t;

typedef struct {
    rns_heap_t* heap;
    rns_shadow_front_t* live; ///< Blocks that are out, refused ones too.
    rns_shadow_tally_t tally;
} rns_shadow_t;

/// Return the hook that makes a pool's misses requests of the heap.
rns_fallback_t rns_shadow_fallback(rns_shadow_t* self);

/// Look at the heap; after each event of the program.
void rns_shadow_sample(rns_shadow_t* self);

/// Take back all blocks that are out; nobody may use them any more.
void rns_shadow_drop(rns_shadow_t* self);

/// Begin a new tally.
void rns_shadow_clear(rns_shadow_t* self);

#endif
