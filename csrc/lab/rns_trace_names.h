/// @file rns_trace_names.h
/// Names numbered in the order in which they were added, and found again by their text.
///
/// Owns: the text of the names and the table that finds them.
/// Does not: bound how many there are or what is in them; the readers of text do.
/// Cost: O(length of the name) expected; the text is moved when it doubles.
///
/// Invariants:
///   I1  text holds `count` names one behind the other, each ending in NUL; name i is at begin[i].
///   I2  The table of slots is at most half full, so that a search ends.
#ifndef RNS_TRACE_NAMES_H
#define RNS_TRACE_NAMES_H

#include "rns_port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RNS_TRACE_NAMES_NONE UINT32_MAX ///< No such name.

/// All zero is an empty one.
typedef struct {
    char* text;
    size_t bytes;
    size_t capacity_bytes;
    uint32_t count;
    uint32_t slots;
    uint32_t* begin; ///< By name: offset in text.
    uint32_t* slot;  ///< Hash table: name + 1, or 0.
} rns_trace_names_t;

/// Return the number of a name, or RNS_TRACE_NAMES_NONE.
///
/// @param self        The names.
/// @param name        Without NUL inside; need not end in one.
/// @param name_bytes  Its length.
///
/// Cost: O(name_bytes) expected.  Threads: one per object.
RNS_MUST_USE uint32_t rns_trace_names_find(const rns_trace_names_t* self, const char* name,
                                           size_t name_bytes);

/// Add a name, whether it is there or not; it gets the number `count`.
///
/// @param self        The names.
/// @param name        Without NUL inside; need not end in one.
/// @param name_bytes  Its length. All of them together are below 4 GiB.
///
/// @retval false  No memory; nothing was added.
///
/// Cost: O(name_bytes) amortised.  Threads: one per object.
RNS_MUST_USE bool rns_trace_names_add(rns_trace_names_t* self, const char* name,
                                      size_t name_bytes);

/// Free the memory; the object is empty then.
void rns_trace_names_drop(rns_trace_names_t* self);

#endif
