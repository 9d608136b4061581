/// @file rns_recorder.h
/// Records what a process allocates, from inside, into a file of its own (rns_record.h).
///
/// Preloaded (LD_PRELOAD), rns_recorder_hooks.c and rns_recorder_new.c stand in front of malloc
/// and operator new and tell each call to the functions here, which write it down.
///
/// Owns: the file, its chunks, one per thread, and the table of sites.
/// Does not: allocate, lock, keep a file open, or call anything that a signal handler may not.
///
/// How order is kept: each event takes its number from one counter of the process, a free before
/// its block goes back to the allocator and an allocation after its block came from there. So
/// whichever thread gets the block next, its number is the greater one.
///
/// fork: the child finds its recording wiped (MADV_WIPEONFORK), and begins another file. exec: the
/// new image begins another file as well. A chunk that cannot be had, and an allocation made by a
/// signal handler in the middle of a record, is an event lost: it has a number, but no record.
///
/// Cost: an atomic addition, a read of the clock, and six bytes or so written for each event; a
/// chunk, for some ten thousand of them, costs six system calls.
///
/// Environment: RNS_RECORD_DIR is the folder for files, RNS_RECORD_DEPTH the frames of a site.
/// With RNS_RECORD_ENDLESS recording goes on after RNS_TRACE_EVENTS_MAX events, which no trace can
/// hold.
#ifndef RNS_RECORDER_H
#define RNS_RECORDER_H

#include "rns_record.h"

#define RNS_EXPORT __attribute__((visibility("default")))

/// Note that a block is about to go back. NULL is no event.  Threads: safe, as all here.
void rns_recorder_free(const void* block);

/// Note a block that came from the allocator. NULL is no event.
///
/// @param caller  Return address of whoever asked; that of operator new, if it set one.
void rns_recorder_alloc(const void* block, size_t size_bytes, const void* caller);

/// Take the number of a free that has yet to succeed: that of the old block in a realloc.
/// @return UINT64_MAX where nothing is recorded.
uint64_t rns_recorder_take_number(void);

/// Note what became of a realloc.
///
/// @param number     From rns_recorder_take_number(), before the allocator was called.
/// @param old        Block before, not NULL.
/// @param old_freed  false: the allocator refused, and `old` is as it was.
void rns_recorder_realloc(uint64_t number, const void* old, bool old_freed, const void* block,
                          size_t size_bytes, const void* caller);

/// Let the next allocation of this thread be that of `caller`, unless one is set already.
/// @retval true  It was set; then rns_recorder_end_new() is due.
bool rns_recorder_begin_new(const void* caller);
void rns_recorder_end_new(void);

/// Do not record this thread's allocations until the matching call: they are the recorder's own.
bool rns_recorder_enter(void);
void rns_recorder_leave(void);

/* ---- Between the files of the recorder -------------------------------------------------------
 */

#define RNS_RECORDER_PATH_CHARS 4096u

int64_t rns_recorder_now_ns(void);

/// Begin a file in `folder`, and describe this process in it.
///
/// @param path  Room for RNS_RECORDER_PATH_CHARS; receives its name.
///
/// @return Its first page; NULL, and errno is set, if it cannot be.
rns_record_file_t* rns_recorder_make_file(const char* folder, uint32_t depth, char* path);

/// Add a chunk to a file. Return NULL, with errno set, if it cannot be had.
rns_record_chunk_t* rns_recorder_make_chunk(rns_record_file_t* file, const char* path);

#define SITE_SLOTS  ((uint32_t)131072)
#define MODULES_MAX 512u

/// A site that is known.
typedef struct {
    _Atomic(uint64_t) key;  ///< Hash of its frames; 0: free.
    _Atomic(uint32_t) site; ///< Its number; 0: being written.
} site_slot_t;

/// Executable memory of which a record was written.
typedef struct {
    _Atomic(uintptr_t) first;
    _Atomic(uintptr_t) end; ///< 0: being written.
} range_t;

typedef struct {
    site_slot_t slot[SITE_SLOTS];
    _Atomic(uint32_t) range_count;
    range_t range[MODULES_MAX];
} sites_t;

/// Return the number of the site of an allocation; writes records of what is new to the chunk.
///
/// @param self    All zero at first.
/// @param chunk   With room for 2 * RNS_RECORD_NOTE_MAX.
/// @param caller  Return address of the inner frame.
uint32_t rns_recorder_site(sites_t* self, rns_record_file_t* file, rns_record_chunk_t* chunk,
                           const void* caller);

/// Return where the next record of a chunk begins.
static inline uint8_t* chunk_end(rns_record_chunk_t* chunk)
{
    return (uint8_t*)chunk + chunk->used_bytes;
}

/// Make the bytes up to `end` part of the chunk. Whatever ends the process leaves whole records,
/// and whoever reads the file meanwhile sees them.
static inline void chunk_commit(rns_record_chunk_t* chunk, const uint8_t* end)
{
    atomic_thread_fence(memory_order_release);
    chunk->used_bytes = (uint32_t)(end - (const uint8_t*)chunk);
}

#endif
