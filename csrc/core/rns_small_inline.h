/// @file rns_small_inline.h
/// What the files of the small pool share with each other and with stores; in place of
/// rns_pool_inline.h.
#ifndef RNS_SMALL_INLINE_H
#define RNS_SMALL_INLINE_H

#include "rns_pool.h"

#if RNS_PROFILE != RNS_PROFILE_FULL

/// Return the words in which set bits are the free slots of a tier.
static inline uint32_t* small_words(rns_pool_tier_t* tier)
{
    return tier->slot_count <= 32u ? &tier->free.bits : tier->free.words;
}

/// Return the free ones of the 32 slots from 32 * group on.
static inline uint32_t small_free_bits(const rns_pool_tier_t* tier, uint32_t group)
{
    return tier->slot_count <= 32u ? tier->free.bits : tier->free.words[group];
}

/// Return the used ones of the 32 slots from 32 * group on.
static inline uint32_t small_live_bits(const rns_pool_tier_t* tier, uint32_t group)
{
    const uint32_t rest = tier->slot_count - group * 32u;
    return ~small_free_bits(tier, group) & (rest < 32u ? ((uint32_t)1 << rest) - 1u : UINT32_MAX);
}

/// Return where the slot at `index` begins.
static inline unsigned char* small_slot(const rns_pool_tier_t* tier, uint32_t index)
{
    return tier->slots + (size_t)index * tier->stride_bytes;
}

/// Tell whether an address lies in the slots of a tier.
static inline bool small_holds(const rns_pool_tier_t* tier, const void* address)
{
    return (uintptr_t)address - (uintptr_t)tier->slots <
           (size_t)tier->slot_count * tier->stride_bytes;
}

/// Tell which slot of the tier that holds it an address is the start of (tier_slot_index()).
static inline rns_status_t small_index(const rns_pool_tier_t* tier, const void* address,
                                       uint32_t* index)
{
    const uint32_t offset = (uint32_t)((uintptr_t)address - (uintptr_t)tier->slots);
    *index = rns_rotate_right(offset * tier->stride_inverse, tier->stride_shift);
    if (*index < tier->slot_count) {
        return RNS_OK;
    }
    return offset % RNS_ALIGN_BYTES == 0 ? RNS_MISUSE_INTERIOR : RNS_MISUSE_MISALIGNED;
}

/// Return the status of an address that no tier of the pool holds, other pools apart.
static inline rns_status_t small_stray(const rns_pool_t* self, const void* address)
{
    const bool is_ours = (uintptr_t)address - (uintptr_t)self->storage.start < self->storage.bytes;
    return is_ours ? RNS_MISUSE_OUT_OF_RANGE : RNS_MISUSE_FOREIGN;
}

/// Return the status of a foreign address: whether a linked pool has it. (RNS_EXTRAS)
rns_status_t rns_small_foreign(const rns_pool_t* self, const void* address);

/* For rns_pool_stats.c, in rns_small_stats.c. */
void rns_small_read_tier(const rns_pool_tier_t* tier, rns_tier_stats_t* out);
rns_damage_t rns_small_check_tier(const rns_pool_tier_t* tier);
const char* rns_small_check_order(const rns_pool_t* self);

/* What rns_pool_inline.h has under the same names, for stores and statistics. */

#    define POOL_IS_SHORT 0

static inline uint32_t pool_home(const rns_pool_t* self, size_t size_bytes)
{
    return rns_pool_home(self, size_bytes);
}

static inline uint32_t pool_slot_bytes(const rns_pool_t* self, uint32_t tier_index)
{
    return self->tiers[tier_index].slot_bytes;
}

static inline uint32_t pool_stride_bytes(const rns_pool_t* self, uint32_t tier_index)
{
    return self->tiers[tier_index].stride_bytes;
}

static inline uint32_t pool_slot_count(const rns_pool_t* self, uint32_t tier_index)
{
    return self->tiers[tier_index].slot_count;
}

static inline rns_status_t pool_give_believed(rns_pool_t* self, uint32_t tier_index, void* slot)
{
    (void)tier_index;
    return rns_pool_give(self, slot);
}

#endif

#endif
