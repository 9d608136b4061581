/// @file pool_walk.h
/// Random calls of a pool side by side with its slow, obvious model (pool_model.h).
#ifndef POOL_WALK_H
#define POOL_WALK_H

#include "pool_fixture.h"

/// What walks have met, so that none passes by meeting nothing.
typedef struct {
    uint64_t hits;
    uint64_t spills;
    uint64_t exhausted;
    uint64_t oversize;
    uint64_t gives;
    uint64_t double_gives;
    uint64_t interiors;
    uint64_t misaligned;
    uint64_t foreign;
    uint64_t windows;
    uint64_t lows; ///< Times that the callback told of few free slots.
} pool_walk_t;

/// Walk for so many operations through a new pool; add what is met to `met`.
///
/// Under the address sanitizer the bytes that nobody owns are poisoned: the core may not touch
/// them (but where it looks for writes after a give itself).
void pool_walk(const rns_pool_config_t* config, uint64_t seed, uint32_t operations,
               pool_walk_t* met);

#endif
