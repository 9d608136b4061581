/// @file rns_compare.h
/// Sends a trace to one contender: a pool, heaps, or a pool with heaps behind it; and keeps how
/// much was free after each event, in how large a block, and which requests failed.
///
/// Owns: nothing; pool, heaps, tables and timeline are the caller's.
/// Does not: validate the trace (rns_trace_index() has), or touch the memory handed out.
/// Cost: O(1) an event beyond pool and heaps; some forty nanoseconds for TLSF and first fit.
///
/// A request goes to the pool, then to each heap in turn; the first that serves it has it. What
/// none serves is a failure: it is dropped, and its free does nothing, so that every contender
/// sees the same events. The timeline is that of the pool and of the first heap: a second one is
/// another kind of memory, of which only what it serves is kept.
///
/// Invariants between calls:
///   I1  A block's place is where it lies, until it is freed.
///   I2  live_blocks is the number of blocks that lie somewhere, live_bytes the sum requested.
///   I3  pool_free_bytes is slot_bytes times free slots, over all tiers.
///   I4  Every bin before `bin` is complete; each minimum <= each mean <= each maximum.
#ifndef RNS_COMPARE_H
#define RNS_COMPARE_H

#include "rns_heap.h"
#include "rns_trace.h"

#define RNS_COMPARE_HEAPS_MAX 2u

/// A block that no one served.
#define RNS_COMPARE_NOWHERE UINT32_MAX

/// What is free at one moment.
typedef struct {
    uint64_t free_bytes;        ///< Of free slots, and of the heap's free blocks with headers.
    uint64_t largest_bytes;     ///< The largest slot or block among them.
    uint32_t fragmentation_ppm; ///< Of the first heap, in millionths; 0 if there is none.
} rns_compare_state_t;

/// A bin of time. Minima and maxima are of any moment, sums of the states after each event.
typedef struct {
    uint64_t events;
    uint64_t requests;
    uint64_t failures;
    uint64_t probe_failures; ///< Events after which a request of probe_bytes would have failed.
    uint64_t free_sum;
    uint64_t free_min;
    uint64_t free_max;
    uint64_t largest_sum;
    uint64_t largest_min;
    uint64_t largest_max;
    uint64_t fragmentation_ppm_sum;
    uint32_t fragmentation_ppm_min;
    uint32_t fragmentation_ppm_max;
} rns_compare_bin_t;

/// One request that failed.
typedef struct {
    int64_t event;
    int64_t t_ns;
    uint64_t size_bytes;
} rns_compare_failure_t;

/// Where a block of the trace is.
typedef struct {
    void* slot;      ///< If the pool has it.
    uint32_t offset; ///< If a heap has it.
    uint32_t place;  ///< Tier; RNS_TIERS_MAX + the number of the heap; or RNS_COMPARE_NOWHERE.
} rns_compare_block_t;

typedef struct {
    rns_heap_t* heap; ///< Empty; nobody else uses it. NULL: there is none.
    uint64_t served;
    uint64_t free_min_bytes;
} rns_compare_heap_t;

typedef struct {
    rns_pool_t* pool; ///< Empty and without fallback; NULL: there is none.
    rns_compare_heap_t heaps[RNS_COMPARE_HEAPS_MAX];
    size_t probe_bytes;
    const rns_event_t* events; ///< The whole trace,
    const uint32_t* block;     ///< the block of each event, and
    const int64_t* alloc_rows; ///< the allocating event of each block.
    rns_compare_block_t* blocks;
    uint32_t bin_count; ///< 1 or more.
    uint32_t failure_capacity;
    const int64_t* edges_ns;         ///< As rns_replay_t.
    rns_compare_bin_t* bins;         ///< bin_count, all zero.
    rns_compare_failure_t* failures; ///< The first failure_capacity of them.
    uint64_t failure_count;
    uint64_t pool_served;
    uint64_t pool_free_bytes;
    uint64_t pool_free_min_bytes;
    uint64_t free_min_bytes; ///< Of pool and first heap together.
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t live_blocks_sum; ///< Over the states after each event, as live_bytes_sum.
    uint64_t live_bytes_sum;
    uint32_t bin; ///< Where time is.
    rns_compare_state_t state;
    uint32_t slot_bytes[RNS_TIERS_MAX];
    uint32_t slots_free[RNS_TIERS_MAX];
} rns_compare_t;

/// Put time at the first edge. Pool, heaps, tables and probe are set by the caller.
void rns_compare_begin(rns_compare_t* self);

/// Send the events from `first` up to but not including `end`.
///
/// Consecutive calls that cover the trace give what one call gives.
///
/// @retval RNS_OK
/// @retval RNS_DAMAGE_INVARIANT  Pool or heap refused to take back what it had handed out.
RNS_MUST_USE rns_status_t rns_compare_run(rns_compare_t* self, size_t first, size_t end);

/// Send the events without a timeline, and no further than to the first failure.
///
/// @retval RNS_OK              None failed.
/// @retval RNS_MISS_EXHAUSTED  One did.
/// @retval RNS_DAMAGE_INVARIANT
RNS_MUST_USE rns_status_t rns_compare_serves(rns_compare_t* self, size_t first, size_t end);

/// Complete the timeline up to its last edge.
void rns_compare_end(rns_compare_t* self);

#endif
