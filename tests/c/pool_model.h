/// @file pool_model.h
/// A slow, obvious model of a pool: one flag per slot, searched from the lowest.
///
/// Owns: what a pool has to answer and to count after any sequence of calls.
/// Does not: know addresses, threads or guards.
#ifndef POOL_MODEL_H
#define POOL_MODEL_H

#include "rns_pool.h"
#include <string.h>

#define MODEL_SLOTS_MAX 100u

typedef struct {
    uint32_t slot_bytes;
    uint32_t slot_count;
    uint32_t reserve_count;
    bool is_live[MODEL_SLOTS_MAX];
    uint32_t in_use; ///< How many of them are true.
    uint32_t high_water;
    uint32_t window_high_water;
    uint32_t largest_request_bytes;
    uint64_t hits;
    uint64_t spills;
    uint64_t spills_in;
    uint64_t exhausted;
    uint64_t takes;
    uint64_t gives;
} model_tier_t;

typedef struct {
    uint32_t tier_count;
    bool spills;
    uint64_t oversize;
    uint32_t largest_oversize_bytes;
    model_tier_t tiers[RNS_TIERS_MAX];
} pool_model_t;

static inline pool_model_t model_of(const rns_pool_config_t* config)
{
    pool_model_t model = {.tier_count = config->tier_count,
                          .spills = config->policy == RNS_POLICY_SPILL};
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        model.tiers[i].slot_bytes = (uint32_t)config->tiers[i].slot_bytes;
        model.tiers[i].slot_count = config->tiers[i].slot_count;
#if RNS_EXTRAS
        model.tiers[i].reserve_count = config->tiers[i].reserve_count;
#endif
    }
    return model;
}

/// Take the lowest free slot of one tier; return UINT32_MAX if none may be taken.
static inline uint32_t model_take_from(model_tier_t* tier, bool is_high)
{
    if (tier->slot_count - tier->in_use <= (is_high ? 0 : tier->reserve_count)) {
        return UINT32_MAX;
    }
    bool* const lowest = memchr(tier->is_live, 0, sizeof tier->is_live);
    *lowest = true;
    ++tier->in_use;
    ++tier->takes;
    if (tier->high_water < tier->in_use) {
        tier->high_water = tier->in_use;
    }
    if (tier->window_high_water < tier->in_use) {
        tier->window_high_water = tier->in_use;
    }
    return (uint32_t)(lowest - tier->is_live);
}

/// Take for a size. Return the tier, tier_count if it is a miss.
static inline uint32_t model_take(pool_model_t* model, uint32_t size_bytes, bool is_high,
                                  uint32_t* slot_index)
{
    uint32_t home = 0;
    while (home < model->tier_count && model->tiers[home].slot_bytes < size_bytes) {
        ++home;
    }
    *slot_index = UINT32_MAX;
    uint32_t* const largest = home < model->tier_count ? &model->tiers[home].largest_request_bytes
                                                       : &model->largest_oversize_bytes;
    if (*largest < size_bytes) {
        *largest = size_bytes;
    }
    if (home == model->tier_count) {
        ++model->oversize;
        return home;
    }
    for (uint32_t i = home; i < (model->spills ? model->tier_count : home + 1u); ++i) {
        *slot_index = model_take_from(&model->tiers[i], is_high);
        if (*slot_index != UINT32_MAX) {
            model->tiers[home].hits += i == home;
            model->tiers[home].spills += i != home;
            model->tiers[i].spills_in += i != home;
            return i;
        }
    }
    ++model->tiers[home].exhausted;
    return model->tier_count;
}

/// Give a slot back; return false if it is free already.
static inline bool model_give(pool_model_t* model, uint32_t tier_index, uint32_t slot_index)
{
    model_tier_t* const tier = &model->tiers[tier_index];
    const bool was_live = tier->is_live[slot_index];
    tier->is_live[slot_index] = false;
    tier->gives += was_live;
    tier->in_use -= was_live;
    return was_live;
}

static inline void model_reset_window(pool_model_t* model)
{
    for (uint32_t i = 0; i < model->tier_count; ++i) {
        model->tiers[i].window_high_water = model->tiers[i].in_use;
    }
}

#endif
