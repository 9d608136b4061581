/// @file rns_curve.h
/// One strict tier with slots without end, lowest free index first: how often each index was
/// taken tells the hits of every slot count at once.
///
/// Owns: nothing; steps and tables are the caller's.
/// Does not: validate the trace (rns_trace_index() has), or hold for a pool that spills: there a
/// tier's requests depend on how many slots the smaller ones have.
///
/// Why: a tier of s slots that takes the lowest free index holds, after any event, exactly the
/// blocks whose index here is below s. A take that gets an index below s finds a free slot there,
/// and one that does not finds none. So hits(s) is the number of takes of an index below s, and
/// where a pool puts a block does not matter to whether it can.
///
/// How: an index at or above the high-water mark is free. Of those below, three levels of bits say
/// which were given back: a bit of a level stands for a word of the level below that is not 0.
///
/// Cost: O(1) a step, some 8 ns on a desktop processor; beyond 2^18 slots one more load for every
/// 2^18.
///
/// Invariants between calls:
///   I1  Two live blocks have different indices, all below high_water <= capacity.
///   I2  free_count indices below high_water are free, and their bits are 1; no other bit is.
///   I3  The sum of taken[] is the number of takes so far; taken[i] is 0 for i >= high_water.
///   I4  Bits and taken[] from high_water on are 0.
#ifndef RNS_CURVE_H
#define RNS_CURVE_H

#include "rns_trace.h"

#define RNS_CURVE_LEVELS 3u

/// In a step's block: it is given back, not taken. Block numbers are below it: there are at most
/// RNS_TRACE_EVENTS_MAX of them.
#define RNS_CURVE_GIVE ((uint32_t)1 << 31)

/// An event, as far as a tier is concerned; 8 bytes, mirrored by STEP_DTYPE in Python.
typedef struct {
    uint32_t block; ///< Its number, and RNS_CURVE_GIVE if this event is its free.
    uint32_t size;  ///< Bytes requested, in a free too; UINT32_MAX stands for all that is more.
} rns_curve_step_t;

/// Write the steps of the events from `first` up to but not including `end`.
///
/// @param events  The whole trace.
/// @param block   Block of each event, by rns_trace_index().
/// @param first   First event; the ones before were handled by earlier calls.
/// @param end     Behind the last event.
/// @param sizes   One for each block; kept by the caller from call to call.
/// @param out     end - first steps.
///
/// Cost: O(end - first).  Threads: safe.
void rns_curve_steps(const rns_event_t* events, const uint32_t* block, size_t first, size_t end,
                     uint32_t* sizes, rns_curve_step_t* out);

/// Keep the steps of the blocks of `least` to `most` bytes, in their order.
///
/// @param steps  Any steps.
/// @param count  Their number.
/// @param least  Smallest size that is kept.
/// @param most   Largest, not below `least`.
/// @param out    Room for `count` steps, all of which may be written; may be `steps` itself.
///
/// @return How many were kept.
///
/// Cost: O(count), without a branch that could be mispredicted.  Threads: safe.
size_t rns_curve_select(const rns_curve_step_t* steps, size_t count, uint32_t least, uint32_t most,
                        rns_curve_step_t* out);

/// A tier with slots without end. The caller sets the fields down to `index`, and begins.
typedef struct {
    uint32_t capacity; ///< Slots that the tables have room for.
    uint32_t* taken;   ///< `capacity` counts: takes of each index. 2^26 events fit.
    uint64_t* words;   ///< rns_curve_words() of the capacity.
    uint32_t* index;   ///< One for each block of the trace; tiers of one trace may share it.
    uint32_t high_water;
    uint32_t free_count;               ///< Free indices below the high-water mark.
    uint64_t* level[RNS_CURVE_LEVELS]; ///< Inside `words`: of slots, of words, of words of words.
} rns_curve_t;

/// Return how many words a capacity takes.
size_t rns_curve_words(uint32_t capacity);

/// Start with every slot free, whatever the tables hold.
///
/// Cost: O(capacity).  Threads: one.
void rns_curve_begin(rns_curve_t* self);

/// Go on after a run: the same indices, in larger tables.
///
/// @param self      The tier, begun.
/// @param capacity  New capacity, not less than the old one.
/// @param taken     Its counts, and
/// @param words     its words; indeterminate before. The old ones are no longer used.
///
/// Cost: O(capacity).  Threads: one.
void rns_curve_grow(rns_curve_t* self, uint32_t capacity, uint32_t* taken, uint64_t* words);

/// Take and give as the steps say.
///
/// Consecutive calls that cover a stream give what one call gives. A stream begins with all its
/// blocks free.
///
/// @return How many steps were done: all `count`, or fewer if the next one needs more slots than
///         the capacity. It cannot be fewer if the capacity is at least the number of blocks that
///         are ever live together.
///
/// Cost: O(count).  Threads: one.
RNS_MUST_USE size_t rns_curve_run(rns_curve_t* self, const rns_curve_step_t* steps, size_t count);

#endif
