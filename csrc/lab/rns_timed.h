/// @file rns_timed.h
/// Sends a trace to the process's own malloc, to a pool, to heap models or to a pool with heaps
/// behind it, and looks at nothing meanwhile, so that the caller can time it.
///
/// Owns: nothing; pool, heaps and tables are the caller's.
/// Does not: read a clock, or validate the trace (rns_trace_index() has).
/// Cost: take or give, and a write to every page of a block, as a program would write to it: what
/// is never touched takes no memory from the system.
///
/// A request that is refused is dropped, and its free does nothing.
#ifndef RNS_TIMED_H
#define RNS_TIMED_H

#include "rns_compare.h"

typedef struct {
    rns_pool_t* pool;                         ///< Empty and without fallback; NULL: there is none.
    rns_heap_t* heaps[RNS_COMPARE_HEAPS_MAX]; ///< Empty. Without any, and without pool: malloc.
    const rns_event_t* events;                ///< The whole trace,
    const uint32_t* block;                    ///< and the block of each event.
    unsigned char** blocks;                   ///< One for each block of the trace.
    size_t block_count;
    uint64_t failures;
} rns_timed_t;

/// Begin: no block lies anywhere. Writes to all of `blocks`, so that they take no memory later.
void rns_timed_begin(rns_timed_t* self);

/// Send the events from `first` up to but not including `end`.
void rns_timed_run(rns_timed_t* self, size_t first, size_t end);

/// Give back what the trace did not.
void rns_timed_end(rns_timed_t* self);

/// Ask the process's malloc to give memory that it does not use back to the system, if it can.
void rns_timed_trim(void);

#endif
