/// @file rns_pool_inline.h
/// The short paths of take and give, for rns_pool.c, which exports them, and rns_store.c, which
/// inlines them. What is long or rare is a call into rns_pool.c.
#ifndef RNS_POOL_INLINE_H
#define RNS_POOL_INLINE_H

#include "rns_pool.h"

#if RNS_PROFILE != RNS_PROFILE_FULL
#    include "rns_small_inline.h"
#else
#    include "rns_tier_inline.h"

/// Whether stores may take and give without rns_pool_take() and rns_pool_give(), which alone time
/// calls and tell an observer of them.
#    define POOL_IS_SHORT (RNS_TIMING + RNS_OBSERVE == 0)

/* Long or rare parts, in rns_pool.c. Each is called at the end of its path, where the call is a
 * jump: the common path then has no register to save. */
rns_status_t rns_pool_take_apart(rns_pool_t* self, uint32_t home, size_t size_bytes,
                                 rns_priority_t priority, void** out);
rns_status_t rns_pool_note_grant(rns_pool_t* self, uint32_t tier_index, tier_grant_t grant,
                                 size_t size_bytes);
rns_status_t rns_pool_give_apart(rns_pool_t* self, uint32_t tier_index, uint32_t offset);
rns_status_t rns_pool_give_elsewhere(rns_pool_t* self, void* slot);
rns_status_t rns_pool_note_recovery(rns_pool_t* self, uint32_t tier_index, rns_gate_t gate);
rns_status_t rns_pool_refuse(rns_pool_t* self, rns_status_t status);

/* Both searches count comparisons instead of branching on them, since no processor predicts the
 * next packet's size; four at a time, since a loop costs as much as its comparisons. */

/// Return the home tier of a size; tier_count if it is oversize.
static inline uint32_t pool_home(const rns_pool_t* self, size_t size_bytes)
{
    const size_t* const limit = self->home_limit;
    uint32_t home = 0;
    for (uint32_t i = 0; i < RNS_TIERS_MAX && i < self->tier_count; i += 4u) {
        home += (size_bytes > limit[i] ? 1u : 0u) + (size_bytes > limit[i + 1u] ? 1u : 0u) +
                (size_bytes > limit[i + 2u] ? 1u : 0u) + (size_bytes > limit[i + 3u] ? 1u : 0u);
    }
    return home;
}

/// Return the owner of an address, NULL if it lies in no tier.
///
/// @param offset  Receives the distance from the owner's first slot.
static inline const rns_pool_owner_t* pool_owner(const rns_pool_t* self, const void* slot,
                                                 uint32_t* offset)
{
    const uintptr_t address = (uintptr_t)slot;
    const uintptr_t* const start = self->slots_start;
    /* The first start is not compared: below it the distance wraps and exceeds every tier. */
    uint32_t place = (address >= start[1] ? 1u : 0u) + (address >= start[2] ? 1u : 0u) +
                     (address >= start[3] ? 1u : 0u);
    for (uint32_t i = 4u; i < RNS_TIERS_MAX && i < self->tier_count; i += 4u) {
        place += (address >= start[i] ? 1u : 0u) + (address >= start[i + 1u] ? 1u : 0u) +
                 (address >= start[i + 2u] ? 1u : 0u) + (address >= start[i + 3u] ? 1u : 0u);
    }
    const uintptr_t distance = address - start[place];
    *offset = (uint32_t)distance;
    return distance < self->owners[place].slots_bytes ? &self->owners[place] : NULL;
}

/// Return how many slots must stay free.
static inline uint32_t pool_keep_count(const rns_pool_tier_t* tier, rns_priority_t priority)
{
    return priority == RNS_PRIORITY_HIGH ? 0 : tier->reserve_count;
}

static inline void* pool_slot(const rns_pool_tier_t* tier, tier_grant_t grant)
{
    return tier->tier.slots + (size_t)grant.index * tier->tier.stride_bytes;
}

/// Tell whether a grant to a request of `size_bytes`, which left `free_count` slots, has to be
/// told to rns_pool_note_grant().
static inline bool pool_is_notable(const rns_pool_tier_t* tier, tier_grant_t grant,
                                   uint32_t free_count, size_t size_bytes)
{
#    if RNS_STATS
    if (size_bytes > rns_cell_load(&tier->largest_request_bytes)) {
        return true;
    }
#    else
    (void)size_bytes;
#    endif
    return free_count < tier->low_water_count ||
           tier_is_record(&tier->tier, free_count, grant.gate);
}

/// What taking from a tier whose bitmap is in the gate did.
typedef struct {
    tier_grant_t bit;
    bool has_note; ///< It has to be told to rns_pool_note_grant().
} pool_grant_t;

/// Take from the home tier of a size, below tier_count, if its bitmap is in the gate.
static inline pool_grant_t pool_take_bit(rns_pool_t* self, uint32_t home, size_t size_bytes,
                                         rns_priority_t priority)
{
    rns_pool_tier_t* const tier = &self->tiers[home];
    RNS_LOCK_ENTER(&self->lock);
    const tier_grant_t bit = tier_take_bit(&tier->tier, pool_keep_count(tier, priority));
    const bool has_note = bit.index != RNS_NO_SLOT &&
                          pool_is_notable(tier, bit, gate_bit_count(bit.gate), size_bytes);
    RNS_LOCK_LEAVE(&self->lock);
    return (pool_grant_t){.bit = bit, .has_note = has_note};
}

/// rns_pool_take(), but not timed.
static inline rns_status_t pool_take(rns_pool_t* self, size_t size_bytes, rns_priority_t priority,
                                     void** out)
{
    const uint32_t home = pool_home(self, size_bytes);
    if (home == self->tier_count) {
        return rns_pool_take_apart(self, home, size_bytes, priority, out);
    }
    const pool_grant_t grant = pool_take_bit(self, home, size_bytes, priority);
    if (grant.bit.index == RNS_NO_SLOT) {
        return rns_pool_take_apart(self, home, size_bytes, priority, out);
    }
    *out = pool_slot(&self->tiers[home], grant.bit);
    return grant.has_note ? rns_pool_note_grant(self, home, grant.bit, size_bytes) : RNS_OK;
}

/// Return what a give has come to: count a refusal, tell that a tier which ran low recovers.
static inline rns_status_t pool_finish_give(rns_pool_t* self, uint32_t tier_index,
                                            tier_return_t given, bool was_low)
{
    if (given.status != RNS_OK) {
        return rns_pool_refuse(self, given.status);
    }
    return was_low ? rns_pool_note_recovery(self, tier_index, given.gate) : RNS_OK;
}

/// Give back a slot whose tier has its bitmap in the gate.
static inline rns_status_t pool_give_bit(rns_pool_t* self, uint32_t tier_index, uint32_t index)
{
    rns_pool_tier_t* const tier = &self->tiers[tier_index];
    RNS_LOCK_ENTER(&self->lock);
    const tier_return_t given = tier_give_bit(&tier->tier, index);
    const bool was_low = rns_cell_load(&tier->is_low) != 0;
    RNS_LOCK_LEAVE(&self->lock);
    return pool_finish_give(self, tier_index, given, was_low);
}

/// rns_pool_give(), but not timed.
static inline rns_status_t pool_give(rns_pool_t* self, void* slot)
{
    uint32_t offset = 0;
    const rns_pool_owner_t* const owner = pool_owner(self, slot, &offset);
    if (owner == NULL) {
        return rns_pool_give_elsewhere(self, slot);
    }
    const uint32_t index = rns_rotate_right(offset * owner->stride_inverse, owner->stride_shift);
    if (!RNS_BENCHMARK_UNCHECKED && index >= owner->gate_slot_count) {
        return rns_pool_give_apart(self, owner->tier_index, offset);
    }
    return pool_give_bit(self, owner->tier_index, index);
}

/// rns_pool_give() of what the caller believes to be a slot of one tier.
///
/// The belief is tried, not trusted: what is no slot of that tier takes the common way.
static inline rns_status_t pool_give_believed(rns_pool_t* self, uint32_t tier_index, void* slot)
{
    if (POOL_IS_SHORT && tier_index < self->tier_count) {
        const rns_tier_t* const tier = &self->tiers[tier_index].tier;
        const uintptr_t offset = (uintptr_t)slot - (uintptr_t)tier->slots;
        const uint32_t index = tier_slot_index(tier, (uint32_t)offset);
        if (offset <= UINT32_MAX && index < tier->gate_slot_count) {
            return pool_give_bit(self, tier_index, index);
        }
    }
    return rns_pool_give(self, slot);
}

static inline uint32_t pool_slot_bytes(const rns_pool_t* self, uint32_t tier_index)
{
    return self->slot_bytes[tier_index];
}

static inline uint32_t pool_slot_count(const rns_pool_t* self, uint32_t tier_index)
{
    return self->tiers[tier_index].tier.slot_count;
}

static inline uint32_t pool_stride_bytes(const rns_pool_t* self, uint32_t tier_index)
{
    return self->tiers[tier_index].tier.stride_bytes;
}
#endif

#endif
