/// @file rns_trace_csv.h
/// Reads a trace from text that arrives in pieces of any length.
///
///     #key: value                       leading lines with '#' are comments; any number up to 64
///     t_ns,op,id,size,thread,site       the header line, in exactly this form
///     0,a,0,40,0,app:RNS::Bytes::newData
///     3467074,f,0,,0,                   a free has neither size nor site
///
/// Numbers are one to twenty decimal digits. The site is the rest of its line, so it may contain
/// commas; it is UTF-8 without control characters. A byte order mark at the start, CR LF line ends
/// and a last line without an end are accepted. Nothing else is: the first fault ends the reading.
///
/// Owns: the unfinished line, the site names, the comment lines.
/// Does not: open files or decompress (Python's formats), keep events (they go to the caller's
/// rows), or look at more than one event at a time (rns_trace_index).
/// Cost: O(bytes); memory grows with distinct site names and comment lines only, both bounded.
///
/// Invariants:
///   I1  line_bytes <= sizeof line_text.
///   I2  event_count <= RNS_TRACE_EVENTS_MAX; sites.count <= RNS_TRACE_SITES_MAX.
///   I3  After a fault nothing changes any more.
///   I4  Events and fault depend on the text, not on how it was cut into pieces.
#ifndef RNS_TRACE_CSV_H
#define RNS_TRACE_CSV_H

#include "rns_trace.h"
#include "rns_trace_names.h"

#define RNS_TRACE_HEADER_LINE    "t_ns,op,id,size,thread,site"
#define RNS_TRACE_LINE_BYTES_MAX ((size_t)2048) ///< One line without its end.
#define RNS_TRACE_META_MAX       ((uint32_t)64) ///< Comment lines.

/// Where events go.
typedef struct {
    rns_event_t* event;
    size_t capacity;
    size_t count; ///< Filled so far.
} rns_trace_rows_t;

typedef struct {
    rns_trace_fault_t fault; ///< code is RNS_TRACE_OK as long as all is well.
    uint64_t line;           ///< Lines seen; the last of them is the one in the fault.
    uint64_t event_count;    ///< Events written to rows.
    uint32_t meta_count;
    rns_trace_names_t sites; ///< In order of appearance.
    rns_trace_names_t metas; ///< Comment lines without their '#'.
    bool header_seen;
    size_t line_bytes;
    char line_text[RNS_TRACE_LINE_BYTES_MAX + 5]; ///< Unfinished: mark, line, CR, one too many.
} rns_trace_csv_t;

/// Begin a text. Needs no memory.
///
/// @param self  Receives a reader that rns_trace_csv_drop() must end.
///
/// Cost: O(1).  Threads: one per reader.
void rns_trace_csv_init(rns_trace_csv_t* self);

/// Free the names. The reader may then be initialised again.
///
/// Cost: O(1).  Threads: one per reader.
void rns_trace_csv_drop(rns_trace_csv_t* self);

/// Read the next piece of the text.
///
/// @param self        Initialised reader.
/// @param text        The piece; it may end anywhere, inside a number or a UTF-8 character too.
/// @param text_bytes  Its length.
/// @param rows        Events are appended while there is capacity.
///
/// @return The bytes read, all of them unless rows are full: call again with empty rows and the
///         rest. Once self->fault is set, the number means nothing.
///
/// Cost: O(text_bytes).  Threads: one per reader.
RNS_MUST_USE size_t rns_trace_csv_feed(rns_trace_csv_t* self, const char* text, size_t text_bytes,
                                       rns_trace_rows_t* rows);

/// End the text: reads a last line that has no line end.
///
/// @param self  Initialised reader.
/// @param rows  With capacity for one event.
///
/// @retval RNS_TRACE_OK         All of the text was read.
/// @retval RNS_TRACE_HEADER     There is no line but comments.
/// @retval RNS_TRACE_NO_EVENTS  There is a header line and nothing below it.
/// @return Otherwise the code in self->fault.
///
/// Cost: O(RNS_TRACE_LINE_BYTES_MAX).  Threads: one per reader.
RNS_MUST_USE rns_trace_error_t rns_trace_csv_finish(rns_trace_csv_t* self, rns_trace_rows_t* rows);

#endif
