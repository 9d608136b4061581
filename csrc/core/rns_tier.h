/// @file rns_tier.h
/// One tier: equal slots, found by bitmap, the lowest free index first.
///
/// Owns: which slots are free, and the counts of its takes and gives.
/// Does not: own memory (rns_pool_t lays it out), choose a tier for a size, lock (rns_pool_t does
/// in RNS_SYNC_LOCK; RNS_SYNC_ATOMIC needs no lock), or know why a slot was asked for.
///
/// Cost: take and give are O(1) up to 32 slots; above, take is O(slot_count / 1024).
///
/// How: the `gate` is the one word that decides. Up to 32 slots its low half is the bitmap of free
/// slots; above, it is their number and the bitmap lies in `words`, with one bit per word in
/// `summary` that tells where to look. Its high half holds the number of free slots again, so that
/// no bits need counting, and counts takes: one compare-and-swap moves the slot and the statistics
/// together, and in_use can never disagree with the bitmap. Above 32 slots a take counts before
/// its slot leaves the bitmap and a give after its slot is back: in_use is then at most one too
/// many for each call that is on its way, never too few.
///
/// Invariants (rns_tier_check):
///   I1  No bit at or above slot_count is set in the bitmap.
///   I2  The gate's number of free slots is the number of set bits. (Above 32 slots: at rest.) The
///       slots that are not free are those that are owned. (RNS_POISON, RNS_CANARY; at rest.)
///   I3  The summary bit of a word that is not 0 is set; in RNS_SYNC_NONE and RNS_SYNC_LOCK that
///   of
///       no other. (At rest.)
///   I4  in_use <= high_water <= slot_count; in_use <= window_high_water <= high_water.
///   I5  takes - gives = in_use.
///   I6  The bytes of a free slot are untouched. (RNS_POISON)
///   I7  The canary of a live slot is untouched. (RNS_CANARY)
#ifndef RNS_TIER_H
#define RNS_TIER_H

#include "rns_port.h"
#include "rns_status.h"

#if RNS_PROFILE == RNS_PROFILE_FULL
#    define RNS_SLOT_BYTES_MAX ((size_t)1 << 24)
#    define RNS_SLOT_COUNT_MAX ((uint32_t)1 << 24)
#else
#    define RNS_SLOT_BYTES_MAX ((size_t)0xFF00)
#    define RNS_SLOT_COUNT_MAX ((uint32_t)0xFFFF)
#endif

/// Bits 0 to 31: free slots, as a bitmap or as their number. With RNS_STATS, bits 32 to 37: their
/// number if the bitmap is here, else 0; bits 38 to 63: takes.
#if RNS_STATS
typedef uint64_t rns_gate_t;
#else
typedef uint32_t rns_gate_t;
#endif

/// How a tier lies in memory; computed by rns_tier_layout().
typedef struct {
    uint32_t slot_count;
    uint32_t header_bytes; ///< In front of the payload of each slot.
    uint32_t slot_bytes;   ///< Payload.
    uint32_t stride_bytes; ///< From one slot to the next.
    uint32_t slots_bytes;  ///< All slots.
    uint32_t bitmap_bytes; ///< Words, summary and what is owned; 0 up to 32 slots.
} rns_tier_layout_t;

typedef struct {
    unsigned char* slots;
    RNS_CELL(rns_gate_t) gate;
    uint32_t slot_count;
    uint32_t stride_bytes;
    uint32_t stride_inverse;  ///< Of the stride's odd part, modulo 2^32.
    uint32_t stride_shift;    ///< The stride's power of two.
    uint32_t gate_slot_count; ///< slot_count if the bitmap is in the gate, else 0.
    uint32_t word_count;      ///< Of `words`; 0 if the bitmap is in the gate.
    uint32_t payload_end;     ///< header_bytes + slot_bytes: where the canary begins.
    RNS_CELL(uint32_t) * words;
    RNS_CELL(uint32_t) * summary;
#if RNS_STATS
    RNS_CELL(uint32_t) least_free;        ///< high_water = slot_count - least_free
    RNS_CELL(uint32_t) window_least_free; ///< Since the last rns_tier_reset_window().
    RNS_CELL(rns_counter_t)
    takes_carried; ///< Takes that no longer fit the gate; odd: being moved.
#endif
#if RNS_POISON || RNS_CANARY
    RNS_CELL(uint32_t) gate_owned; ///< `owned` up to 32 slots.
    RNS_CELL(uint32_t) * owned;    ///< A bit for each slot that nobody has begun to give.
#endif
#if RNS_POISON
    RNS_CELL(rns_counter_t) writes_after_give;
#endif
} rns_tier_t;

/// What a tier knows of itself. Zero where RNS_STATS is off, but for slot_count and in_use.
typedef struct {
    uint32_t slot_count;
    uint32_t in_use;
    uint32_t high_water;        ///< Largest in_use since init.
    uint32_t window_high_water; ///< Largest in_use since the last rns_tier_reset_window().
    rns_counter_t takes;
    rns_counter_t gives;
} rns_tier_counts_t;

/// What rns_tier_check() found wrong.
typedef struct {
    rns_status_t status;   ///< RNS_OK, or a DAMAGE.
    const char* invariant; ///< "I1" for instance; NULL if none is broken.
    uint32_t tier_index;   ///< Filled by rns_pool_check().
    uint32_t slot_index;   ///< Where the invariant is one of a slot.
} rns_damage_t;

/// Compute how `slot_count` slots of `slot_bytes` behind headers of `header_bytes` lie in memory.
///
/// @param out  Receives the layout; all zero unless RNS_OK is returned.
///
/// @retval RNS_CONFIG_SLOT_BYTES, RNS_CONFIG_SLOT_COUNT, RNS_CONFIG_HEADER  A value out of range.
/// @retval RNS_CONFIG_OVERFLOW  The slots together exceed 32 bits or size_t.
///
/// Cost: O(1).  Threads: pure.
RNS_MUST_USE rns_status_t rns_tier_layout(size_t slot_bytes, uint32_t header_bytes,
                                          uint32_t slot_count, rns_tier_layout_t* out);

/// Make every slot free.
///
/// @param slots   layout->slots_bytes of memory aligned to RNS_ALIGN_BYTES; outlives the tier.
/// @param bitmap  layout->bitmap_bytes of memory aligned to 4; may be NULL if that is 0.
///
/// Cost: O(slot_count), with RNS_POISON O(bytes).  Threads: none else may use the tier yet.
void rns_tier_init(rns_tier_t* self, const rns_tier_layout_t* layout, void* slots, void* bitmap);

/// Take the free slot with the lowest index.
///
/// @param keep_count  Refuse unless more than this many slots are free.
/// @param out         Receives the slot, aligned to RNS_ALIGN_BYTES, its bytes indeterminate;
///                    NULL unless RNS_OK is returned.
///
/// @retval RNS_MISS_EXHAUSTED    At most keep_count slots are free. Not an error.
/// @retval RNS_DAMAGE_INVARIANT  The bitmap holds fewer free slots than the gate counts.
///
/// Counts: takes by one.  Cost: see the file comment.  Threads: safe in RNS_SYNC_ATOMIC.
RNS_MUST_USE rns_status_t rns_tier_take(rns_tier_t* self, uint32_t keep_count, void** out);

/// Give a slot back.
///
/// Of two threads that give the same slot exactly one succeeds.
///
/// @retval RNS_MISUSE_FOREIGN      Not in the tier's memory.
/// @retval RNS_MISUSE_INTERIOR, RNS_MISUSE_MISALIGNED  In a slot, but not its start.
/// @retval RNS_MISUSE_DOUBLE_GIVE  The slot is free.
/// @retval RNS_DAMAGE_CANARY       Written past its end; the slot stays taken. (RNS_CANARY)
///
/// Counts: gives by one.  Cost: O(1), no division.  Threads: safe in RNS_SYNC_ATOMIC.
RNS_MUST_USE rns_status_t rns_tier_give(rns_tier_t* self, void* slot);

/// Tell whether `slot` is the start of a slot of this tier, free or not.
///
/// @param index  Receives its index; UINT32_MAX unless RNS_OK is returned.
///
/// @retval RNS_MISUSE_FOREIGN, RNS_MISUSE_INTERIOR, RNS_MISUSE_MISALIGNED  As rns_tier_give().
///
/// Cost: O(1).  Threads: pure.
RNS_MUST_USE rns_status_t rns_tier_locate(const rns_tier_t* self, const void* slot,
                                          uint32_t* index);

/// Return which of the slots 32 * group to 32 * group + 31 are in use, the lowest in bit 0.
///
/// @param group  Below (slot_count + 31) / 32.
uint32_t rns_tier_live_bits(const rns_tier_t* self, uint32_t group);

/// Return the slot at `index`, below slot_count, in use or not.
void* rns_tier_slot(const rns_tier_t* self, uint32_t index);

/// Return the counts; under load each is right for some moment of the call, and I4 and I5 hold.
rns_tier_counts_t rns_tier_counts(const rns_tier_t* self);

/// Begin a new window: window_high_water becomes in_use.
void rns_tier_reset_window(rns_tier_t* self);

/// Verify I1 to I7.
///
/// Cost: O(slot_count), with RNS_POISON O(bytes).  Threads: at rest only.
rns_damage_t rns_tier_check(const rns_tier_t* self);

#endif
