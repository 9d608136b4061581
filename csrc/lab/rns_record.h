/// @file rns_record.h
/// The file that one recorded process leaves behind, and how it becomes events.
///
///     rns_record_file_t                 one page; counts of what was recorded
///     chunk, chunk, ...                 RNS_RECORD_CHUNK_BYTES each, in the order they were taken
///
/// A chunk belongs to one thread at a time, which appends records to it: numbers of seven bits a
/// byte, low bits first. The first number of a record has its rns_record_op_t in the two low bits:
///
///     ALLOC   event, t_ns, address, size_bytes, site
///     FREE    event, t_ns, address
///     VOID    event                      a number that no event came to
///     OTHER   kind and what belongs to it, see rns_record_kind_t
///
/// Event, t_ns and address are signed differences (zigzag) from those of the record before in the
/// chunk, from 0 in the first; an address is first rotated right by four, since most are multiples
/// of 16. Events are numbered through the whole process, so the order is known however threads
/// interleave, and a number without a record is an event that was lost.
///
/// The file is written through shared memory: what a process recorded is there however it ends.
///
/// Owns: nothing; files, events and names are the caller's.
/// Does not: record (csrc/recorder), name sites (Python's record), pair frees with allocations.
/// Cost: rns_record_read_chunk() is O(bytes), without memory of its own.
#ifndef RNS_RECORD_H
#define RNS_RECORD_H

#include "rns_trace.h"

#include <stdatomic.h>

#define RNS_RECORD_MAGIC        UINT64_C(0x0A31434552534E52) ///< "RNSREC1\n" on a small-endian.
#define RNS_RECORD_PAGE_BYTES   ((size_t)4096)
#define RNS_RECORD_CHUNK_BYTES  ((size_t)65536)
#define RNS_RECORD_BYTES_MAX    ((size_t)64)   ///< Of an event's record.
#define RNS_RECORD_NOTE_MAX     ((size_t)1536) ///< Of any other record.
#define RNS_RECORD_DEPTH_MAX    64u            ///< Frames of a site.
#define RNS_RECORD_MODULE_CHARS 1024u          ///< Path of a module, its NUL included.
#define RNS_RECORD_MISSING      UINT8_C(255)   ///< Op of an event that no record was read of.
#define RNS_RECORD_VOID_OP      UINT8_C(254)   ///< Op of an event that did not happen.

typedef enum {
    RNS_RECORD_ALLOC = 0,
    RNS_RECORD_FREE = 1,
    RNS_RECORD_VOID = 2,
    RNS_RECORD_OTHER = 3,
} rns_record_op_t;

typedef enum {
    RNS_RECORD_THREAD = 0, ///< thread: whose the records from here on are
    RNS_RECORD_SITE = 1,   ///< site, frame count, return addresses from the inner one on
    RNS_RECORD_MODULE = 2, ///< first address, end address, offset in the file, length, path
} rns_record_kind_t;

/// The first page. Written by the process while it runs.
typedef struct {
    uint64_t magic;
    uint32_t depth; ///< Frames of a site at most.
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t started_count;        ///< Files of this process before this one: images before exec.
    int64_t start_ns;              ///< Clock of the events at their t_ns 0.
    _Atomic(uint64_t) event_count; ///< Numbers given out.
    _Atomic(uint64_t) file_bytes;  ///< Up to the end of the last chunk.
    _Atomic(uint32_t) thread_count;
    _Atomic(uint32_t) site_count;
    _Atomic(uint32_t) error; ///< errno of the first chunk that could not be had; 0: none.
    char program[512];       ///< Path of the executable.
    char command[2048];      ///< Its arguments, a space between them, cut at the end.
} rns_record_file_t;

_Static_assert(sizeof(rns_record_file_t) <= RNS_RECORD_PAGE_BYTES, "one page");

/// The front of a chunk.
typedef struct {
    uint32_t used_bytes; ///< From the start of the chunk to the end of its last record.
    uint32_t thread;     ///< Whose the last record is; UINT32_MAX before the first.
    uint64_t event;      ///< Of the last record, as are the next two.
    int64_t t_ns;
    uint64_t address; ///< Rotated.
} rns_record_chunk_t;

/// Where somebody reads in a chunk.
typedef struct {
    const uint8_t* next;
    const uint8_t* end;      ///< Of a whole record.
    rns_record_chunk_t last; ///< What the records so far came to; used_bytes is not used.
    bool is_whole;           ///< Nothing was cut or too long so far.
} rns_record_cursor_t;

/// What a file says of its process.
typedef struct {
    uint32_t depth;
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t started_count;
    int64_t start_ns;
    uint64_t event_count;
    uint64_t file_bytes;
    uint32_t thread_count;
    uint32_t site_count;
    uint32_t error;
    char program[512];
    char command[2048];
} rns_record_info_t;

/// A piece of executable memory.
typedef struct {
    uint64_t first;
    uint64_t end;
    uint64_t offset;                    ///< In the file, of `first`.
    char path[RNS_RECORD_MODULE_CHARS]; ///< Ends in NUL; empty if no file lies behind it.
} rns_record_module_t;

/// Where a reader puts what it finds. The arrays are the caller's.
typedef struct {
    rns_event_t* event; ///< By number; op is RNS_RECORD_MISSING before the first chunk.
    uint64_t event_capacity;
    uint64_t event_count; ///< Rows filled so far.
    uint64_t void_count;  ///< Of them, those that did not happen.
    uint64_t* frame;      ///< depth for each of RNS_TRACE_SITES_MAX sites; 0: none.
    uint32_t depth;
    rns_record_module_t* module;
    uint32_t module_capacity;
    uint32_t module_count;
} rns_record_reader_t;

/// Read the first page of a file.
///
/// @retval false  It is no such file, or one of another version.
///
/// Cost: O(1).  Threads: safe, also while the process still records.
RNS_MUST_USE bool rns_record_info(const void* page, size_t bytes, rns_record_info_t* out);

/// Read records up to the next event. Sites and modules on the way go to the reader.
///
/// @param self    Its events and counts are not used.
/// @param cursor  Begins with `last` all zero, but for thread UINT32_MAX, at a chunk's first
/// record.
/// @param number  Receives the event's number.
/// @param out     Receives the event, whose op is RNS_RECORD_VOID_OP if it did not happen. Its id
///                is the address of its block.
///
/// @retval false  There is none any more, or cursor->is_whole says that the chunk is damaged.
RNS_MUST_USE bool rns_record_next(rns_record_reader_t* self, rns_record_cursor_t* cursor,
                                  uint64_t* number, rns_event_t* out);

/// Read the records of a chunk. The id of an event is the address of its block.
///
/// Events from event_capacity on are left out. Nothing outside the arrays is written whatever the
/// chunk holds.
///
/// @param chunk        Its first byte, aligned to 8.
/// @param chunk_bytes  What there is of it.
///
/// @retval false  It is damaged; what was read up to there counts.
///
/// Cost: O(chunk_bytes).  Threads: one per reader.
RNS_MUST_USE bool rns_record_read_chunk(rns_record_reader_t* self, const void* chunk,
                                        size_t chunk_bytes);

/* ---- Numbers, for those who write records ----------------------------------------------------
 */

static inline uint8_t* rns_record_put(uint8_t* next, uint64_t number)
{
    while (number >= 0x80u) {
        *next++ = (uint8_t)(number | 0x80u);
        number >>= 7;
    }
    *next++ = (uint8_t)number;
    return next;
}

static inline uint64_t rns_record_zigzag(uint64_t difference)
{
    return (difference << 1) ^ (0 - (difference >> 63));
}

static inline uint64_t rns_record_rotate(uint64_t address)
{
    return (address >> 4) | (address << 60);
}

#endif
