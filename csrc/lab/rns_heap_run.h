/// @file rns_heap_run.h
/// Sends recorded or generated events to a heap model and keeps what can be said of its state
/// after each of them.
///
/// Owns: nothing; heap, events and tally are the caller's.
/// Does not: validate the events (rns_trace_index() does).
/// Cost: that of take or give, and of rns_heap_fits() if there is a probe.
///
/// A request that is refused is dropped, and the free of it later does nothing: the events do not
/// depend on the heap, so that every heap sees the same.
#ifndef RNS_HEAP_RUN_H
#define RNS_HEAP_RUN_H

#include "rns_heap.h"
#include "rns_trace.h"

/// What happened during some events: one of all of them, or one for each bin of a timeline.
typedef struct {
    uint64_t events;
    uint64_t requests;
    uint64_t failures;       ///< Of the requests.
    uint64_t probe_failures; ///< Events after which a take of probe_bytes would have failed.
    uint64_t fragmentation_ppm_sum; ///< Of the states after each event.
    uint32_t fragmentation_ppm_max;
    uint32_t largest_free_min;
    uint32_t total_free_min;
    int64_t first_failure_event; ///< Counted from 0 in this tally; -1: none.
    int64_t first_failure_ns;    ///< -1: none.
} rns_heap_tally_t;

typedef struct {
    rns_heap_t* heap;
    uint32_t* offsets;    ///< By block of the trace, or by id of its blocks where those are small;
    uint32_t probe_bytes; ///< UINT32_MAX: no probe.
} rns_heap_run_t;

/// Make a tally of nothing.
void rns_heap_tally_init(rns_heap_tally_t* self);

/// Send events to the heap.
///
/// @param events  In the order of time.
/// @param blocks  For each event its place in `offsets`; NULL: that is the event's id.
/// @param count   How many events.
/// @param tally   Is added to.
///
/// @retval RNS_OK
/// @return A refusal of rns_heap_give(): the events give what they did not take.
RNS_MUST_USE rns_status_t rns_heap_run(const rns_heap_run_t* self, const rns_event_t* events,
                                       const uint32_t* blocks, size_t count,
                                       rns_heap_tally_t* tally);

#endif
