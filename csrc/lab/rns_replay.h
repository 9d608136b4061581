/// @file rns_replay.h
/// Sends a recorded trace through the real pool and keeps a timeline of every tier.
///
/// Owns: nothing; pool, tables and timeline are the caller's.
/// Does not: validate the trace (rns_trace_index() has) or touch the memory handed out.
/// Cost: O(1) an event beyond the pool's own, plus O(tier_count) a bin.
///
/// Invariants between calls:
///   I1  A block's slot is NULL if it was missed, freed or not allocated yet.
///   I2  in_use of a tier is the pool's in_use of that tier.
///   I3  Every bin before `bin` is complete; in_use_min <= in_use_max in each.
#ifndef RNS_REPLAY_H
#define RNS_REPLAY_H

#include "rns_regions.h"
#include "rns_trace.h"

/// No tier: a block that was missed, or that the fallback serves.
#define RNS_REPLAY_NO_TIER UINT32_MAX

/// One tier during one bin of time.
typedef struct {
    uint64_t in_use_ns; ///< Slots in use, summed over the bin's nanoseconds.
    uint64_t requests;  ///< With this home tier.
    uint64_t spills;    ///< Of them, served by a larger tier.
    uint64_t exhausted; ///< Of them, served by no tier.
    uint32_t in_use_min;
    uint32_t in_use_max; ///< Of any moment: a peak of one event shows.
} rns_replay_bin_t;

/// One tier over the whole replay, beyond what the pool counts.
typedef struct {
    uint32_t in_use;
    uint32_t high_water;
    int64_t changed_ns;    ///< When in_use was last added to in_use_ns.
    int64_t high_water_ns; ///< When the high-water mark was first reached.
    int64_t first_miss_ns; ///< When a request of this home tier was first missed; -1: never.
} rns_replay_tier_t;

/// Where one block of the trace is.
typedef struct {
    void* slot;
    uint32_t tier; ///< RNS_REPLAY_NO_TIER: with the fallback, or missed.
} rns_replay_block_t;

typedef struct {
    rns_pool_t* pool;             ///< Empty; nobody else uses it.
    rns_replay_block_t* blocks;   ///< One for each block of the trace, all zero.
    uint32_t bin_count;           ///< 1 or more.
    const int64_t* edges_ns;      ///< bin_count + 1 ascending times; bin i is [edge i, edge i+1).
    rns_replay_bin_t* bins;       ///< bin_count rows of the pool's tier_count, all zero.
    uint64_t* oversize;           ///< bin_count counts, all zero.
    uint64_t* site_misses;        ///< A count for each site of the trace, all zero.
    const rns_event_t* events;    ///< The whole trace,
    const uint32_t* block;        ///< the block of each event, and
    const int64_t* alloc_rows;    ///< the allocating event of each block.
    const rns_regions_t* regions; ///< Whose hook the pool has; NULL: no machine is meant.
    bool is_pool_in_psram;
    uint64_t* site_large;         ///< With regions: served outside PSRAM by site, above
                                  ///< RNS_REGIONS_LARGE_BYTES; all zero.
    uint32_t bin;                 ///< Where time is.
    uint64_t missed_bytes;        ///< Bytes of live blocks that no tier serves.
    uint64_t missed_bytes_peak;   ///< What a heap behind the pool would have to hold.
    int64_t missed_bytes_peak_ns; ///< When that was first reached.
    rns_replay_tier_t tiers[RNS_TIERS_MAX];
} rns_replay_t;

/// Put time at the first edge. The fields down to site_large are set by the caller.
void rns_replay_begin(rns_replay_t* self);

/// Replay the events from `first` up to but not including `end`.
///
/// Consecutive calls that cover the trace give what one call gives, so that a caller can look up
/// in between.
///
/// @retval RNS_OK
/// @retval RNS_DAMAGE_INVARIANT  The pool refused to take back what it had handed out.
///
/// Cost: some ten nanoseconds an event on a desktop processor.
RNS_MUST_USE rns_status_t rns_replay_run(rns_replay_t* self, size_t first, size_t end);

/// Complete the timeline up to its last edge.
void rns_replay_end(rns_replay_t* self);

#endif
