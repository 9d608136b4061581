/// @file rns_preset.h
/// Pool configurations that were built or proposed for packet stacks, by name.
///
/// Owns: the tables, for firmware and laboratory alike.
/// Does not: recommend one. Each says where it comes from; sizes for a device come from its
/// traces.
#ifndef RNS_PRESET_H
#define RNS_PRESET_H

#include "rns_pool.h"

#define RNS_PRESET_COUNT 4u

typedef struct {
    const char* name;
    const char* origin; ///< Who built or proposed it.
    rns_policy_t policy;
    uint32_t tier_count;
    rns_tier_config_t tiers[4];
} rns_preset_t;

extern const rns_preset_t rns_presets[RNS_PRESET_COUNT];

/// Return the preset of that name, NULL if there is none.
const rns_preset_t* rns_preset_find(const char* name);

#endif
