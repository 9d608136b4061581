/* What a small pool tells of itself: its part of snapshot and check is in rns_pool_stats.c. */
#include "rns_pool_inline.h"

#if RNS_PROFILE != RNS_PROFILE_FULL

uint32_t rns_pool_home(const rns_pool_t* self, size_t size_bytes)
{
    uint32_t home = 0;
    while (home < self->tier_count && size_bytes > self->tiers[home].slot_bytes) {
        ++home;
    }
    return home;
}

rns_status_t rns_pool_locate(const rns_pool_t* self, const void* slot, uint32_t* tier_index,
                             uint32_t* slot_index)
{
    *tier_index = UINT32_MAX;
    *slot_index = UINT32_MAX;
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        if (small_holds(&self->tiers[i], slot)) {
            uint32_t index = 0;
            const rns_status_t status = small_index(&self->tiers[i], slot, &index);
            *tier_index = status == RNS_OK ? i : UINT32_MAX;
            *slot_index = status == RNS_OK ? index : UINT32_MAX;
            return status;
        }
    }
    const rns_status_t status = small_stray(self, slot);
#    if RNS_EXTRAS
    if (status == RNS_MISUSE_FOREIGN) {
        return rns_small_foreign(self, slot);
    }
#    endif
    return status;
}

/// Return how many slots of a tier are free, by the bitmap.
static uint32_t count_free(const rns_pool_tier_t* tier)
{
    uint32_t count = 0;
    for (uint32_t first = 0; first < tier->slot_count; first += 32u) {
        count += rns_bit_count(small_free_bits(tier, first / 32u));
    }
    return count;
}

void rns_small_read_tier(const rns_pool_tier_t* tier, rns_tier_stats_t* out)
{
    out->slot_bytes = tier->slot_bytes;
    out->slot_count = tier->slot_count;
    out->in_use = tier->slot_count - count_free(tier);
#    if RNS_EXTRAS
    out->region = tier->region;
#    endif
#    if RNS_STATS
    out->high_water = tier->high_water;
    out->takes = tier->takes;
    out->gives = tier->takes - out->in_use;
    out->spills_in = tier->spills_in;
    out->hits = tier->takes - tier->spills_in;
    out->spills = tier->spills;
    out->exhausted = tier->exhausted;
    out->requests = out->hits + out->spills + out->exhausted;
#        if RNS_EXTRAS
    out->window_high_water = tier->window_high_water;
    out->largest_request_bytes = tier->largest_request_bytes;
#        else
    out->window_high_water = tier->high_water;
#        endif
#    endif
}

static rns_damage_t damaged(const char* invariant)
{
    return (rns_damage_t){.status = RNS_DAMAGE_INVARIANT, .invariant = invariant};
}

rns_damage_t rns_small_check_tier(const rns_pool_tier_t* tier)
{
    const uint32_t last_bits = tier->slot_count % 32u;
    const uint32_t last = small_free_bits(tier, (tier->slot_count - 1u) / 32u);
    if (last_bits != 0 && last >> last_bits != 0) {
        return damaged("I1");
    }
#    if RNS_EXTRAS
    if (tier->free_count != count_free(tier)) {
        return damaged("I2");
    }
#    endif
#    if RNS_STATS
    const uint32_t in_use = tier->slot_count - count_free(tier);
    if (in_use > tier->high_water || tier->high_water > tier->slot_count) {
        return damaged("I4");
    }
#        if RNS_EXTRAS
    if (in_use > tier->window_high_water || tier->window_high_water > tier->high_water) {
        return damaged("I4");
    }
#        endif
#    endif
    return (rns_damage_t){0};
}

const char* rns_small_check_order(const rns_pool_t* self)
{
    for (uint32_t i = 1; i < self->tier_count; ++i) {
        if (self->tiers[i].slot_bytes <= self->tiers[i - 1u].slot_bytes) {
            return "I8";
        }
        for (uint32_t k = 0; k < i; ++k) {
            if (small_holds(&self->tiers[k], self->tiers[i].slots) ||
                small_holds(&self->tiers[i], self->tiers[k].slots)) {
                return "I9";
            }
        }
    }
    return NULL;
}
#endif
