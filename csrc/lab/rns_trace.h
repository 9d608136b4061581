/// @file rns_trace.h
/// Recorded allocation events: their form in memory, their limits, and the check that turns the
/// ids of a recording into block numbers.
///
/// Owns: nothing; events, block numbers and faults are the caller's.
/// Does not: read files (rns_trace_csv.h and Python's formats) or move memory (rns_replay.h).
/// Cost: rns_trace_index() is O(events) expected, two passes, and one temporary table.
///
/// Invariants of a trace that rns_trace_index() accepted:
///   I1  0 <= t_ns <= RNS_TRACE_TIME_NS_MAX, and t_ns never decreases.
///   I2  An id is live from its allocation to its free; no two live blocks share one.
///   I3  A free names a live id; its size_bytes and its site are 0.
///   I4  size_bytes <= RNS_TRACE_SIZE_BYTES_MAX, so that sums over a trace fit in an int64_t.
///   I5  The site of an allocation is below site_count.
///   I6  block[] of the allocations is 0, 1, 2, ...; a free has the block of its allocation.
#ifndef RNS_TRACE_H
#define RNS_TRACE_H

#include "rns_port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RNS_TRACE_EVENTS_MAX     ((size_t)1 << 26)        ///< 2 GiB of events.
#define RNS_TRACE_SITES_MAX      ((uint32_t)65536)        ///< Distinct site names.
#define RNS_TRACE_SITE_BYTES_MAX ((size_t)1024)           ///< UTF-8 bytes of one site name.
#define RNS_TRACE_SIZE_BYTES_MAX ((uint64_t)1 << 36)      ///< One request; see I4.
#define RNS_TRACE_TIME_NS_MAX    (((int64_t)1 << 62) - 1) ///< 146 years; sums of two fit.
#define RNS_TRACE_THREAD_MAX     ((uint64_t)UINT16_MAX)   ///< What the field holds.
#define RNS_TRACE_VALUE_CHARS    40                       ///< A refused value is cut here.

/// What an event does.
typedef enum {
    RNS_EVENT_ALLOC = 0,
    RNS_EVENT_FREE = 1,
} rns_event_op_t;

/// One recorded event; 32 bytes without padding, mirrored by EVENT_DTYPE in Python.
typedef struct {
    int64_t t_ns;        ///< Since the start of the recording.
    uint64_t id;         ///< Any number, an address too; may come again after its free.
    uint64_t size_bytes; ///< As requested; 0 in a free.
    uint32_t site;       ///< Which name in the trace's list of sites; 0 in a free.
    uint16_t thread;     ///< In order of first appearance, by convention.
    uint8_t op;          ///< rns_event_op_t
    uint8_t reserved;    ///< Ignored; what NumPy leaves in padding is undefined.
} rns_event_t;

/// Why a trace was refused.
typedef enum {
    RNS_TRACE_OK = 0,
    /* The text: found by the CSV reader. */
    RNS_TRACE_HEADER,      ///< The first line that is no comment is not the header line.
    RNS_TRACE_LINE_EMPTY,  ///< A row without any text.
    RNS_TRACE_LINE_LONG,   ///< A line longer than `limit` bytes.
    RNS_TRACE_META_COUNT,  ///< More comment lines than `limit`.
    RNS_TRACE_FIELD_COUNT, ///< Fewer fields than `limit`.
    RNS_TRACE_NOT_DECIMAL, ///< Something other than one to twenty digits.
    RNS_TRACE_NOT_AN_OP,   ///< Neither of the two letters.
    RNS_TRACE_NOT_EMPTY,   ///< A free with a size or a site.
    RNS_TRACE_SITE_LONG,   ///< A name longer than `limit` bytes.
    RNS_TRACE_NOT_TEXT,    ///< A name or a comment with a control character, or no UTF-8.
    RNS_TRACE_SITE_COUNT,  ///< More names than `limit`.
    RNS_TRACE_NO_EVENTS,   ///< Nothing to work on.
    /* The events: found by rns_trace_index(), too many and over the limit by both. */
    RNS_TRACE_EVENT_COUNT,   ///< More events than `limit`.
    RNS_TRACE_OVER_LIMIT,    ///< A number greater than `limit`.
    RNS_TRACE_TIME_NEGATIVE, ///< Before the start of the recording.
    RNS_TRACE_TIME_BACKWARD, ///< Earlier than the event before it, at `limit`.
    RNS_TRACE_OP_UNKNOWN,    ///< Not an rns_event_op_t.
    RNS_TRACE_SITE_UNKNOWN,  ///< Not below `limit`, the number of site names.
    RNS_TRACE_ID_LIVE,       ///< Allocated while live, since event `limit`.
    RNS_TRACE_ID_UNKNOWN,    ///< Freed without having been allocated.
    RNS_TRACE_ID_FREED,      ///< Freed again, and not allocated in between.
    RNS_TRACE_MEMORY,        ///< No memory for the temporary table.
} rns_trace_error_t;

/// Where and why a trace was refused.
typedef struct {
    rns_trace_error_t code;
    uint64_t row;                          ///< Event, from 0.
    uint64_t line;                         ///< Line of the text, from 1; 0 without a text.
    uint64_t limit;                        ///< The bound that `code` speaks of, else 0.
    const char* field;                     ///< Column, or "" when the fault is not in one.
    char value[RNS_TRACE_VALUE_CHARS + 4]; ///< Printable ASCII; "..." at the end when cut.
} rns_trace_fault_t;

/// A view of events that someone else owns.
typedef struct {
    const rns_event_t* event;
    size_t event_count;
    uint32_t site_count;
} rns_trace_t;

/// Validate a trace and number its blocks.
///
/// @param self   The trace; untouched.
/// @param block  event_count numbers: which allocation each event is or frees, counted from 0.
///               Indeterminate unless RNS_TRACE_OK is returned.
/// @param fault  Receives the first fault in event order; nothing is set with RNS_TRACE_OK.
///
/// @retval RNS_TRACE_OK      I1 to I6 hold.
/// @retval RNS_TRACE_MEMORY  The table of ids, at most 64 bytes an allocation, was refused.
/// @return Otherwise the code in `fault`.
///
/// Cost: O(events) expected, whatever the ids; one malloc.  Threads: safe.
RNS_MUST_USE rns_trace_error_t rns_trace_index(const rns_trace_t* self, uint32_t* block,
                                               rns_trace_fault_t* fault);

/// What rns_trace_pair() came to.
typedef struct {
    size_t event_count;      ///< Kept.
    uint64_t unpaired_frees; ///< Left out: of ids that are not live.
    uint64_t unfreed_reuses; ///< Allocations of an id that is live: a free in between was lost.
} rns_trace_pairing_t;

/// Make a trace of what a recorder wrote that may have lost events: ids, addresses say, become
/// block numbers, frees of nothing known go, and times never decrease.
///
/// @param event  Changed in place, and moved together. Those whose op is none are left out.
/// @param out    Set unless false is returned.
///
/// @retval false  No memory for the table of rns_trace_index(); nothing was changed.
///
/// Cost: that of rns_trace_index().  Threads: safe.
RNS_MUST_USE bool rns_trace_pair(rns_event_t* event, size_t event_count, rns_trace_pairing_t* out);

/// Fill in a fault.
///
/// @param self   The fault; its row and line are kept, everything else is set.
/// @param code   Why.
/// @param field  Column; a string that outlives the fault.
/// @param limit  The bound that was broken, else 0.
///
/// Cost: O(1).  Threads: safe.
void rns_trace_fault_set(rns_trace_fault_t* self, rns_trace_error_t code, const char* field,
                         uint64_t limit);

/// Quote a refused value in a fault: what is not printable ASCII becomes \xNN, what is long is
/// cut.
///
/// @param self        The fault.
/// @param text        The value; need not end in NUL.
/// @param text_bytes  Its length.
///
/// Cost: O(RNS_TRACE_VALUE_CHARS).  Threads: safe.
void rns_trace_fault_quote(rns_trace_fault_t* self, const char* text, size_t text_bytes);

/// Return the name of an error, such as "ID_LIVE", or "UNKNOWN". Never NULL; lives for ever.
const char* rns_trace_error_name(rns_trace_error_t code);

#endif
