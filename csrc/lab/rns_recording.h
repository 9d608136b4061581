/// @file rns_recording.h
/// Events of a live pool in memory: an rns_observer_t whose record is a trace.
///
/// Owns: the next free row, the thread numbers. The rows are the caller's.
/// Does not: pair gives with takes (Python's recorder), or set itself as observer.
///
/// A row is claimed before a give and after a take, so the rows are in an order in which every
/// block is given before it is taken again. What finds no row is counted.
///
/// Cost: an atomic addition and a read of the clock for each event; no memory.
/// Threads: safe. The first RNS_RECORDING_THREADS_MAX have a number each, the rest share one.
#ifndef RNS_RECORDING_H
#define RNS_RECORDING_H

#include "rns_pool.h"
#include "rns_record.h"

#define RNS_RECORDING_THREADS_MAX 64u

typedef struct {
    rns_observer_t observer; ///< For rns_pool_observe().
    rns_event_t* event;      ///< Id is the slot's address; op RNS_RECORD_VOID_OP: was refused.
    uint64_t capacity;
    int64_t start_ns;
    _Atomic(uint64_t) count; ///< Rows asked for, also those that there were not.
    _Atomic(uint32_t) site;
    _Atomic(uintptr_t) thread[RNS_RECORDING_THREADS_MAX];
} rns_recording_t;

/// Begin.
///
/// @param self   Outlives the observation.
/// @param event  `capacity` rows.
void rns_recording_init(rns_recording_t* self, rns_event_t* event, uint64_t capacity);

/// Let what is taken from now on, by whatever thread, be of that site; 0 at first.
void rns_recording_set_site(rns_recording_t* self, uint32_t site);

/// Return how many rows were asked for. With no observation running, the first of them are whole.
uint64_t rns_recording_count(rns_recording_t* self);

#endif
