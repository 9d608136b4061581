/// @file rns_handle.h
/// Bytes for a caller that is not C: handles in memory of their own that no thread can corrupt.
///
/// Owns: one rns_bytes_t in a block of the heap, the lock around it, and pins.
/// Does not: know which values of the caller share a handle. A caller may let several read windows
/// of one handle without a call, and takes a slice of it before one of them is written.
///
/// Why: an rns_bytes_t belongs to one thread, its content moves when it is written, and cffi lets
/// other threads of Python run during each call. So every call holds the handle's lock, positions
/// outside are clamped or refused, and pinned content stays: a write to it is RNS_MISS_SHARED.
/// Then and when others read windows of the handle, write to a slice instead.
///
/// Where a function returns a status it is that of the function of rns_bytes.h named alike, or
/// RNS_MISS_SHARED of a pinned handle, which nothing was done to.
///
/// Cost: that of rns_bytes.h, a lock, and malloc() for a new handle.
///
/// Threads: safe, also with one handle; but rns_handle_drop() comes last, or before unpins only.
#ifndef RNS_HANDLE_H
#define RNS_HANDLE_H

#include "rns_bytes.h"

typedef struct rns_handle rns_handle_t;

/// What rns_handle_info() tells.
typedef struct {
    uintptr_t buffer;  ///< The same for all that share it; 0: none.
    uint32_t refs;     ///< Handles of the buffer, and pins of this handle.
    uint32_t capacity; ///< Of the buffer.
    uint32_t headroom; ///< In front of the content.
} rns_handle_info_t;

/// Make a handle of a copy of `length` bytes.
///
/// @return NULL if there is no room: errno is RNS_MISS_EXHAUSTED (also if malloc() failed) or
///         RNS_MISS_OVERSIZE.
rns_handle_t* rns_handle_new(rns_store_t* store, const void* data, size_t length);

/// Make a handle of the window [from, from + length), clamped, in the same buffer.
///
/// @return NULL, and errno is RNS_MISS_EXHAUSTED, if malloc() failed.
rns_handle_t* rns_handle_slice(rns_handle_t* self, size_t from, size_t length);

/// Drop the handle, now or with its last pin: Python's collector of garbage ends what is in a
/// cycle in any order, and so a view perhaps after its Bytes.
void rns_handle_drop(rns_handle_t* self);

/// Keep the content where and as it is until rns_handle_unpin(), once for each pin.
///
/// @return The content from `from` on; NULL if the window is not inside, and nothing is pinned.
const char* rns_handle_pin(rns_handle_t* self, size_t from, size_t length);

void rns_handle_unpin(rns_handle_t* self);

rns_handle_info_t rns_handle_info(rns_handle_t* self);

/// Return the byte, -1 if `index` is outside.
int rns_handle_get(rns_handle_t* self, size_t index);

/// Compare the window [from, from + length), clamped; see rns_bytes_compare().
int rns_handle_compare(rns_handle_t* self, size_t from, size_t length, const void* data,
                       size_t data_length);

/// Make the handle one of its window [from, from + length), clamped; never copies.
rns_status_t rns_handle_narrow(rns_handle_t* self, size_t from, size_t length);

rns_status_t rns_handle_set(rns_handle_t* self, size_t index, uint8_t byte);

/// Replace the `length` bytes from `at` on, which are inside, or it is RNS_INPUT_RANGE.
rns_status_t rns_handle_write(rns_handle_t* self, size_t at, const void* data, size_t length);

rns_status_t rns_handle_append(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_prepend(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_assign(rns_handle_t* self, const void* data, size_t length);
rns_status_t rns_handle_resize(rns_handle_t* self, size_t length);
rns_status_t rns_handle_reserve(rns_handle_t* self, size_t headroom, size_t tailroom);
rns_status_t rns_handle_compact(rns_handle_t* self);

#endif
