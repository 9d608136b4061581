/// @file bytes_walk.h
/// Random operations on many handles of Bytes, each followed by a look at the content of all, side
/// by side with the slow model (bytes_model.h).
#ifndef BYTES_WALK_H
#define BYTES_WALK_H

#include "bytes_fixture.h"

/// What walks have met, so that none passes by meeting nothing.
typedef struct {
    uint64_t served;
    uint64_t refused;
    uint64_t faults; ///< Of those refused, by injected faults.
    uint64_t spills;
    uint64_t fallbacks;
    rns_store_stats_t store;
} bytes_walk_t;

/// Walk for so many operations over a new store; add what is met to `met`.
void bytes_walk(const bytes_setup_t* setup, uint64_t seed, uint32_t operations, bytes_walk_t* met);

#endif
