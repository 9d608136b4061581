/// @file exhaustive_target.h
/// What every state is set in and looked at: a tier; in the small profiles, which have none apart
/// from a pool, a pool of one tier. At most 32 slots, whose bits are all the state there is.
#ifndef EXHAUSTIVE_TARGET_H
#define EXHAUSTIVE_TARGET_H

#include "rns_pool.h"
#include "rns_tier_inline.h"
#include "tier_fixture.h"

#if RNS_PROFILE == RNS_PROFILE_FULL
typedef tier_fixture_t target_t;

static inline void target_init(target_t* self, size_t slot_bytes, uint32_t slot_count)
{
    tier_fixture_init(self, slot_bytes, 0, slot_count);
}

static inline void target_end(target_t* self)
{
    free_tier_fixture(self);
}

static inline uint32_t target_stride(const target_t* self)
{
    return self->tier.stride_bytes;
}

static inline rns_gate_t gate_of(uint32_t bits)
{
#    if RNS_STATS
    return (rns_gate_t)bits | (rns_gate_t)(uint32_t)__builtin_popcount(bits) << 32;
#    else
    return bits;
#    endif
}

/// Let the slots of these bits be free.
static inline void target_set(target_t* self, uint32_t bits)
{
    self->tier.gate = gate_of(bits);
}

/// Tell whether the slots of these bits are free, and no others, after so many takes.
static inline bool target_is(const target_t* self, uint32_t bits, uint32_t takes)
{
    return self->tier.gate == gate_of(bits) + takes * RNS_GATE_ONE_TAKE;
}

static inline rns_status_t target_take(target_t* self, void** out)
{
    return rns_tier_take(&self->tier, 0, out);
}

static inline rns_status_t target_give(target_t* self, void* slot)
{
    return rns_tier_give(&self->tier, slot);
}
#else
typedef struct {
    rns_pool_t pool;
    unsigned char* slots;
    size_t slot_bytes;
} target_t;

static inline void target_init(target_t* self, size_t slot_bytes, uint32_t slot_count)
{
    const rns_tier_config_t tier = {.slot_bytes = slot_bytes, .slot_count = slot_count};
    const rns_pool_config_t config = {.tiers = &tier, .tier_count = 1};
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    self->slots = malloc(bytes);
    self->slot_bytes = slot_bytes;
    CHECK_STATUS(rns_pool_init(&self->pool, &config, (rns_memory_t){self->slots, bytes}), RNS_OK);
}

static inline void target_end(target_t* self)
{
    free(self->slots);
}

static inline uint32_t target_stride(const target_t* self)
{
    return self->pool.tiers[0].stride_bytes;
}

static inline void target_set(target_t* self, uint32_t bits)
{
    self->pool.tiers[0].free.bits = bits;
#    if RNS_EXTRAS
    self->pool.tiers[0].free_count = (uint16_t)__builtin_popcount(bits);
#    endif
#    if RNS_STATS
    self->pool.tiers[0].takes = 0;
#    endif
}

static inline bool target_is(const target_t* self, uint32_t bits, uint32_t takes)
{
    bool is_right = self->pool.tiers[0].free.bits == bits;
#    if RNS_EXTRAS
    is_right = is_right && self->pool.tiers[0].free_count == (uint16_t)__builtin_popcount(bits);
#    endif
#    if RNS_STATS
    is_right = is_right && self->pool.tiers[0].takes == takes;
#    else
    (void)takes;
#    endif
    return is_right;
}

static inline rns_status_t target_take(target_t* self, void** out)
{
    return rns_pool_take(&self->pool, self->slot_bytes, RNS_PRIORITY_NORMAL, out);
}

static inline rns_status_t target_give(target_t* self, void* slot)
{
    return rns_pool_give(&self->pool, slot);
}
#endif

#endif
