/// @file rns_tier_inline.h
/// The short paths of take and give, for rns_tier.c, which exports them, and rns_pool.c, which
/// inlines them. What is long or rare is a call into rns_tier.c.
#ifndef RNS_TIER_INLINE_H
#define RNS_TIER_INLINE_H

#include "rns_tier.h"

#define RNS_NO_SLOT UINT32_MAX

#if RNS_STATS
#    define RNS_GATE_ONE_FREE    ((rns_gate_t)1 << 32)
#    define RNS_GATE_FREE_MASK   0x3Fu
#    define RNS_GATE_TAKES_SHIFT 38
#    define RNS_GATE_ONE_TAKE    ((rns_gate_t)1 << RNS_GATE_TAKES_SHIFT)
#    define RNS_GATE_CARRY       ((rns_gate_t)1 << (63 - RNS_GATE_TAKES_SHIFT)) ///< In takes.
#else
#    define RNS_GATE_ONE_FREE ((rns_gate_t)0)
#    define RNS_GATE_ONE_TAKE ((rns_gate_t)0)
#endif

/// What a take did. Two plain words, so that it travels in registers.
typedef struct {
    rns_gate_t gate; ///< As the take left it; UINT32_MAX with RNS_NO_SLOT: damage.
    uint32_t index;  ///< The slot; RNS_NO_SLOT: none.
} tier_grant_t;

/// What a give did.
typedef struct {
    rns_gate_t gate; ///< As the give left it.
    rns_status_t status;
} tier_return_t;

/* Long or rare parts, in rns_tier.c. */
tier_grant_t rns_tier_take_from_words(rns_tier_t* self, uint32_t keep_count);
tier_return_t rns_tier_give_to_words(rns_tier_t* self, uint32_t index);
void rns_tier_note_take(rns_tier_t* self, tier_grant_t grant);
void rns_tier_guard_taken(rns_tier_t* self, uint32_t index);
rns_status_t rns_tier_guard_given(rns_tier_t* self, uint32_t index);

/// Return how many slots a gate that holds the bitmap shows free.
static inline uint32_t gate_bit_count(rns_gate_t gate)
{
#if RNS_STATS
    return (uint32_t)(gate >> 32) & RNS_GATE_FREE_MASK;
#else
    return rns_bit_count(gate);
#endif
}

/// Return how many slots are free when the gate reads `gate`.
static inline uint32_t tier_free_count(const rns_tier_t* self, rns_gate_t gate)
{
    return self->word_count == 0 ? gate_bit_count(gate) : (uint32_t)gate;
}

/// Return the quotient of a byte offset below 2^32 and the stride if the division leaves no
/// remainder, else a number that is at least slot_count.
///
/// Multiplying by the inverse of the stride's odd part is exact division modulo 2^32; rotating
/// brings the low bits, which a multiple of the stride leaves 0, to the top (Granlund and
/// Montgomery 1994, section 9).
static inline uint32_t tier_slot_index(const rns_tier_t* self, uint32_t offset)
{
    return rns_rotate_right(offset * self->stride_inverse, self->stride_shift);
}

/// Tell whether a take that left `free_count` slots and the gate at `gate` breaks a record, so
/// that rns_tier_note_take() has to be told.
///
/// Call it after the take: rns_tier_reset_window() counts what was taken before it.
static inline bool tier_is_record(const rns_tier_t* self, uint32_t free_count, rns_gate_t gate)
{
#if RNS_STATS
    return free_count < rns_cell_load(&self->window_least_free) || gate >> 63 != 0;
#else
    (void)self;
    (void)free_count;
    (void)gate;
    return false;
#endif
}

/// Tell whether the bitmap is in the gate and shows more than `keep_count` free slots.
static inline bool tier_has_bit(const rns_tier_t* self, rns_gate_t gate, uint32_t keep_count)
{
#if RNS_STATS
    (void)self;
    return gate_bit_count(gate) > keep_count; /* 0 where the bitmap is elsewhere */
#else
    return self->word_count == 0 &&
           (keep_count == 0 ? gate != 0 : gate_bit_count(gate) > keep_count);
#endif
}

/// Take the lowest free slot if the bitmap is in the gate and more than `keep_count` are free.
static inline tier_grant_t tier_take_bit(rns_tier_t* self, uint32_t keep_count)
{
    rns_gate_t gate = rns_cell_load(&self->gate);
    rns_gate_t next = 0;
    uint32_t bits = 0;
    do {
        bits = (uint32_t)gate;
        if (!tier_has_bit(self, gate, keep_count)) {
            return (tier_grant_t){.index = RNS_NO_SLOT};
        }
        next = gate - (bits & (0u - bits)) - RNS_GATE_ONE_FREE + RNS_GATE_ONE_TAKE;
    } while (!rns_cell_cas(&self->gate, &gate, next));
    const uint32_t index = rns_lowest_bit_index(bits);
    if (RNS_POISON || RNS_CANARY) {
        rns_tier_guard_taken(self, index);
    }
    return (tier_grant_t){.index = index, .gate = next};
}

/// Give back the slot at `index`, below gate_slot_count.
static inline tier_return_t tier_give_bit(rns_tier_t* self, uint32_t index)
{
    if (RNS_POISON || RNS_CANARY) {
        const rns_status_t status = rns_tier_guard_given(self, index);
        if (status != RNS_OK) {
            return (tier_return_t){.status = status};
        }
    }
    const rns_gate_t bit = (rns_gate_t)1 << index;
    rns_gate_t gate = rns_cell_load(&self->gate);
    rns_gate_t next = 0;
    do {
        if (!RNS_BENCHMARK_UNCHECKED && (gate & bit) != 0) {
            return (tier_return_t){.status = RNS_MISUSE_DOUBLE_GIVE};
        }
        next = gate + bit + RNS_GATE_ONE_FREE;
    } while (!rns_cell_cas(&self->gate, &gate, next));
    return (tier_return_t){.status = RNS_OK, .gate = next};
}

/// Take the lowest free slot if more than `keep_count` are free.
static inline tier_grant_t tier_take(rns_tier_t* self, uint32_t keep_count)
{
    return self->word_count == 0 ? tier_take_bit(self, keep_count)
                                 : rns_tier_take_from_words(self, keep_count);
}

/// Give back the slot at `index`, below slot_count.
static inline tier_return_t tier_give(rns_tier_t* self, uint32_t index)
{
    return self->word_count == 0 ? tier_give_bit(self, index)
                                 : rns_tier_give_to_words(self, index);
}

#endif
