/// @file rns_trace_scan.h
/// Reads the frequent lines of the text that heaptrack and glibc's mtrace write.
///
///     + 1f4 a 5575cdff43d0                          a letter and one to three numbers
///     @ ./w:(main+0x12)[0x11c0] + 0x55711e58 0x64   with a caller in front
///
/// Numbers are one to sixteen hexadecimal digits, with 0x in front or without. Every other line is
/// left to the caller, who knows what it means or what is wrong with it.
///
/// Owns: the callers' names.
/// Does not: know what the letters and numbers stand for (Python's formats), or keep text between
/// two calls.
/// Cost: O(bytes), a few nanoseconds a line; one hash of the caller's name where there is one.
///
/// Invariants:
///   I1  Rows and the number of bytes read depend on the text and on the rows' capacity alone.
///   I2  callers.count <= RNS_TRACE_SITES_MAX; no caller is longer than RNS_TRACE_SITE_BYTES_MAX.
#ifndef RNS_TRACE_SCAN_H
#define RNS_TRACE_SCAN_H

#include "rns_trace.h"
#include "rns_trace_names.h"

#define RNS_TRACE_SCAN_VALUES 3 ///< Numbers of one line.

/// One line; 40 bytes without padding, mirrored by ROW_DTYPE in Python.
typedef struct {
    uint64_t value[RNS_TRACE_SCAN_VALUES]; ///< In the order of the line; 0 behind the last.
    uint64_t line;                         ///< From 1.
    uint32_t caller;                       ///< Number of the name, or RNS_TRACE_NAMES_NONE.
    uint8_t letter;
    uint8_t value_count;
    uint16_t reserved; ///< 0
} rns_trace_scan_row_t;

typedef struct {
    rns_trace_scan_row_t* row;
    size_t capacity;
    size_t count; ///< Filled so far.
} rns_trace_scan_rows_t;

typedef struct {
    const char* letters;       ///< Which first letters are meant; lives longer than the reader.
    uint64_t line;             ///< Lines read so far; the caller adds those that he reads.
    rns_trace_names_t callers; ///< To be ended by rns_trace_names_drop().
    bool is_out_of_memory;     ///< The line that was left has a caller for which there is none.
} rns_trace_scan_t;

/// Read lines up to the first that is none of those above.
///
/// @param self        Reader; all zero but for its letters at the start of a text.
/// @param text        Begins where a line begins.
/// @param text_bytes  Its length.
/// @param rows        One row is appended for each line read.
///
/// @return The bytes of the lines read, their ends included. What follows is a line for the
/// caller,
///         one without an end, or any if rows are full.
///
/// Cost: O(text_bytes).  Threads: one per reader.
RNS_MUST_USE size_t rns_trace_scan_feed(rns_trace_scan_t* self, const char* text,
                                        size_t text_bytes, rns_trace_scan_rows_t* rows);

#endif
