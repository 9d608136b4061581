/// @file rns_regions.h
/// The kinds of memory of a device behind a pool: what no tier serves goes to the first region's
/// heap, what that refuses to the second's, and each counts its own.
///
/// Owns: the counts. A block's memory is malloc's; where it would lie the heap model says.
/// Does not: own heaps or storage, or know where the slots of the pool lie.
/// Cost: that of the heap models and of malloc.  Threads: one.
#ifndef RNS_REGIONS_H
#define RNS_REGIONS_H

#include "rns_heap.h"
#include "rns_pool.h"

#define RNS_REGIONS_HEAPS_MAX   2u
#define RNS_REGIONS_LARGE_BYTES 1024u ///< A request above it belongs into PSRAM.

typedef struct {
    rns_heap_t* heap; ///< NULL: the region is none, or has no room for one.
    bool is_psram;
    uint64_t served;
    uint64_t refused;        ///< Asked for in vain; the next region may have served it.
    uint64_t large;          ///< Served, above RNS_REGIONS_LARGE_BYTES.
    uint32_t free_min_bytes; ///< Smallest that the heap's free blocks were together.
} rns_region_t;

typedef struct {
    rns_region_t regions[RNS_REGIONS_HEAPS_MAX]; ///< heap and is_psram are the caller's.
    uint32_t header_bytes;                       ///< Of the pool: no part of what was requested.
    uint32_t last;                               ///< Where the last block went.
} rns_regions_t;

/// Begin: nothing was served.
void rns_regions_begin(rns_regions_t* self);

/// Return the hook for the pool, which has to be given back all blocks. It counts as one region
/// for the pool's own statistics.
rns_fallback_t rns_regions_fallback(rns_regions_t* self);

#endif
