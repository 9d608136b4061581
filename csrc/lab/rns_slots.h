/// @file rns_slots.h
/// Tells which slot of a pool each block of a trace gets.
///
/// Owns: nothing; pool, trace and places are the caller's.
/// Does not: count or keep a timeline (rns_replay.h), validate the trace (rns_trace_index() has).
/// Cost: that of the pool's take, locate and give.
///
/// Invariants between calls:
///   I1  Two blocks that are live at the same event have different places, or none.
///   I2  The pool's slots in use are the places of the live blocks.
#ifndef RNS_SLOTS_H
#define RNS_SLOTS_H

#include "rns_pool.h"
#include "rns_trace.h"

/// No slot: every one that would do was taken, or the block is larger than all.
#define RNS_SLOTS_NONE UINT32_MAX

/// Where one block of the trace is, from its allocation to its free.
typedef struct {
    void* slot; ///< NULL without a place.
    uint32_t tier;
    uint32_t index; ///< Of the slot in its tier.
} rns_slot_place_t;

typedef struct {
    rns_pool_t* pool;          ///< Empty, without a fallback; nobody else uses it.
    const rns_event_t* events; ///< The whole trace, and
    const uint32_t* block;     ///< the block of each event.
    rns_slot_place_t* places;  ///< One for each block.
} rns_slots_t;

/// Send the events from `first` up to but not including `end` through the pool.
///
/// Consecutive calls that cover the trace give what one call gives.
///
/// @retval RNS_OK
/// @retval RNS_DAMAGE_INVARIANT  The pool does not know a slot that it handed out.
///
/// Cost: some ten nanoseconds an event.  Threads: one per pool.
RNS_MUST_USE rns_status_t rns_slots_run(rns_slots_t* self, size_t first, size_t end);

#endif
