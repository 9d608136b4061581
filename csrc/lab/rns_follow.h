/// @file rns_follow.h
/// Reads a recording (rns_record.h) while it is being written, and hands on its events in the
/// order of their numbers.
///
/// How: each chunk is read as far as its process wrote it. An event goes to its place in a window
/// of numbers that begins at the one that is due; what lies behind the window waits in its chunk.
/// So memory does not grow, however far one thread falls behind the others.
///
/// Owns: which number is due.
/// Does not: read files, own memory, or decide how long to wait for a number (Python's live does).
///
/// Cost: some ten nanoseconds an event on a desktop processor.  Threads: one.
///
/// Invariants between calls:
///   I1  Every number below `due` was handed on, did not happen, or is in lost_count.
///   I2  The place of a number outside the window, or not read yet, holds RNS_RECORD_MISSING.
#ifndef RNS_FOLLOW_H
#define RNS_FOLLOW_H

#include "rns_record.h"

/// How far one chunk was read.
typedef struct {
    rns_record_chunk_t last; ///< used_bytes: up to where; begin with rns_follow_chunk().
    rns_event_t event;       ///< With has_event: read, and waits for the window,
    uint64_t number;         ///< as does its number.
    bool has_event;
} rns_follow_chunk_t;

typedef struct {
    rns_record_reader_t reader; ///< For its sites and modules.
    rns_event_t* window;        ///< The caller's.
    uint64_t capacity;          ///< Of the window, a power of two.
    uint64_t due;               ///< The next number to hand on.
    uint64_t void_count;        ///< Numbers that no event came to.
    uint64_t lost_count;        ///< Numbers that were given up.
    uint64_t late_count;        ///< Of them, those that came afterwards, and were dropped.
} rns_follow_t;

/// Begin. Reader, window and capacity are set by the caller, the rest is 0.
void rns_follow_begin(rns_follow_t* self);

/// Return the state of a chunk of which nothing was read.
rns_follow_chunk_t rns_follow_chunk(void);

/// Read on in a chunk, as far as the window goes.
///
/// @param chunk  Its state.
/// @param bytes  What lies in the chunk from chunk->last.used_bytes on.
/// @param count  How many of them there are; only whole records.
///
/// @retval false  The chunk is damaged from here on.
RNS_MUST_USE bool rns_follow_read(rns_follow_t* self, rns_follow_chunk_t* chunk, const void* bytes,
                                  size_t count);

/// Hand on events that are due, as far as numbers follow one another.
///
/// @return How many were written to `out`.
size_t rns_follow_take(rns_follow_t* self, rns_event_t* out, size_t capacity);

/// Give up the numbers that are missing up to the first that is not, or to `end`, or as many as
/// the window holds.
void rns_follow_skip(rns_follow_t* self, uint64_t end);

#endif
