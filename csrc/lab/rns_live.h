/// @file rns_live.h
/// Sends events to a pool, and to a heap beside it, as they come: what rns_replay.h does with a
/// whole trace, in memory that depends on the blocks in use alone.
///
/// Ids are addresses as a recorder writes them (rns_record.h): a free of an unknown one is left
/// out and counted, an allocation at one that is in use leaves the block that was there in its
/// slot for ever. Times never decrease. That is what rns_trace_pair() makes of a recording, so
/// that at its end every count is that of a replay.
///
/// Owns: which block lies where.
/// Does not: own memory; pool, heap and table are the caller's.
///
/// Cost: the pool's, the heap's, and a search in a hash table; some thirty nanoseconds an event.
/// Threads: one.
///
/// Invariants between calls:
///   I1  The table holds the blocks in use and no others; less than half of it is in use.
///   I2  in_use of a tier is the pool's in_use of that tier.
#ifndef RNS_LIVE_H
#define RNS_LIVE_H

#include "rns_heap.h"
#include "rns_misses.h"
#include "rns_replay.h"

/// A block in use.
typedef struct {
    uint64_t id; ///< 0: there is none.
    void* slot;  ///< NULL: it was missed.
    uint64_t size_bytes;
    uint32_t tier; ///< RNS_REPLAY_NO_TIER: it was missed.
    uint32_t heap_offset_bytes;
} rns_live_block_t;

/// One tier, beyond what the pool counts.
typedef struct {
    uint32_t in_use;
    uint32_t high_water;
    uint32_t peak;         ///< Largest in_use since the caller last made it in_use.
    int64_t high_water_ns; ///< When the high-water mark was first reached.
    int64_t first_full_ns; ///< When all slots were first in use; -1: never.
    int64_t first_miss_ns; ///< When a request of this home tier was first missed; -1: never.
} rns_live_tier_t;

typedef struct {
    uint64_t requests;
    uint64_t misses;
} rns_live_site_t;

typedef struct {
    rns_pool_t* pool;         ///< Without fallback; nobody else uses it.
    rns_heap_t* heap;         ///< NULL: there is none.
    rns_misses_t* misses;     ///< Begun.
    rns_live_site_t* sites;   ///< RNS_TRACE_SITES_MAX, all zero.
    rns_live_block_t* blocks; ///< The table.
    size_t block_capacity;    ///< A power of two.
    size_t block_count;
    uint64_t event_count; ///< Sent to the pool.
    uint64_t unpaired_frees;
    uint64_t unfreed_reuses;
    uint64_t heap_failures;
    int64_t now_ns;        ///< Of the last event.
    uint64_t missed_bytes; ///< Of blocks in use that no tier serves.
    uint64_t missed_bytes_peak;
    rns_live_tier_t tiers[RNS_TIERS_MAX];
} rns_live_t;

/// Begin. The fields down to block_capacity are set by the caller, the rest is 0.
///
/// @param blocks  All zero.
void rns_live_begin(rns_live_t* self);

/// Return the capacity that the table needs before `count` more events.
size_t rns_live_room(const rns_live_t* self, size_t count);

/// Move the table.
///
/// @param blocks    All zero.
/// @param capacity  Of at least rns_live_room(), a power of two.
void rns_live_move(rns_live_t* self, rns_live_block_t* blocks, size_t capacity);

/// Send events. Their sites are below RNS_TRACE_SITES_MAX.
///
/// @param count  For which the table has room.
///
/// @retval RNS_OK
/// @retval RNS_DAMAGE_INVARIANT  Pool or heap refused to take back what it had handed out.
RNS_MUST_USE rns_status_t rns_live_run(rns_live_t* self, const rns_event_t* events, size_t count);

#endif
