/// @file rns_bytes.h
/// A string of bytes as a value: copies and slices share storage until one of them is written.
///
/// Owns: copy-on-write, and the place of the content in its buffer.
/// Does not: take or count buffers (rns_store_t does), or hold more than one buffer (no chains).
///
/// How: a handle is a window [offset, offset + length) of a buffer, and owns one reference. All
/// handles own alike: a slice keeps the buffer as long as its parent would. All zero is the empty
/// handle; it needs no storage. Handles are moved by assignment, the source then counts as gone;
/// to have two, share.
///
/// Rules:
///   - Sharing and slicing never copy, never take a buffer and never fail. Positions beyond the
///     end are clamped. An empty slice is the empty handle.
///   - A write happens in place if and only if the buffer's count is 1; nothing in a handle says
///     so. Else it copies the window, and only that, to the smallest tier that fits it and the
///     store's rooms. An append to a shared buffer whose window ends where the unclaimed bytes
///     begin claims them and copies nothing.
///   - On every status but RNS_OK each handle is as it was.
///   - Any pointer argument may point into any handle's content, also that of `self`, and handle
///     arguments may be the same handle.
///
/// Counts: requests are the pool's; each write one of cow_copies, grows, tail_appends, or none.
/// Where a function names no retval, it returns RNS_OK or, if it has to take a buffer,
/// RNS_MISS_EXHAUSTED or RNS_MISS_OVERSIZE.
///
/// Cost: no function loops over more than the bytes it is about; share, slice, drop, append in
/// place are O(1) beside them.
///
/// Threads: a handle belongs to one thread; handles of one buffer may be in any.
///
/// Invariants (beside I13 to I15 of the store):
///   I16  buffer == NULL: offset == 0 and length == 0. Else offset + length <= capacity.
///   I17  Of an empty handle with a buffer (reserved) the buffer is unique.
#ifndef RNS_BYTES_H
#define RNS_BYTES_H

#include "rns_store.h"

#define RNS_BYTES_NOT_FOUND UINT32_MAX

typedef struct {
    rns_buffer_t* buffer;
    uint32_t offset;
    uint32_t length;
} rns_bytes_t;

/// Bytes somewhere in memory, for scatter and gather.
typedef struct {
    const void* start;
    size_t bytes;
} rns_span_t;

/// Content that cannot change or go away until rns_store_unexport(pin).
typedef struct {
    const uint8_t* data; ///< NULL if empty.
    uint32_t length;
    void* pin;
} rns_bytes_view_t;

/* ---- Reading -------------------------------------------------------------------------------- */

/// Return the content; NULL for a handle without storage.
RNS_INLINE const uint8_t* rns_bytes_data(const rns_bytes_t* self)
{
    return self->buffer == NULL ? NULL : rns_buffer_bytes(self->buffer) + self->offset;
}

RNS_INLINE uint32_t rns_bytes_length(const rns_bytes_t* self)
{
    return self->length;
}

RNS_INLINE bool rns_bytes_is_empty(const rns_bytes_t* self)
{
    return self->length == 0;
}

/// Return the largest length that the handle could have at its offset in its buffer.
RNS_INLINE uint32_t rns_bytes_capacity(const rns_bytes_t* self)
{
    return self->buffer == NULL ? 0 : self->buffer->capacity - self->offset;
}

/// Return how many bytes lie in front of the content; writable only if unique.
RNS_INLINE uint32_t rns_bytes_headroom(const rns_bytes_t* self)
{
    return self->offset;
}

RNS_INLINE rns_span_t rns_bytes_span(const rns_bytes_t* self)
{
    return (rns_span_t){.start = rns_bytes_data(self), .bytes = self->length};
}

/// Tell whether two handles share a buffer.
RNS_INLINE bool rns_bytes_shares_with(const rns_bytes_t* self, const rns_bytes_t* other)
{
    return self->buffer != NULL && self->buffer == other->buffer;
}

/// Return how many handles and exports share the buffer; 0 for a handle without one.
RNS_INLINE uint32_t rns_bytes_refs(const rns_bytes_t* self, rns_store_t* store)
{
    return self->buffer == NULL ? 0 : rns_buffer_refs(self->buffer, store);
}

/// Return how many bytes of the buffer lie behind the content.
RNS_INLINE uint32_t rns_bytes_tailroom(const rns_bytes_t* self)
{
    return rns_bytes_capacity(self) - self->length;
}

/// Tell whether the handle has a buffer and nothing else has it.
RNS_INLINE bool rns_bytes_is_unique(const rns_bytes_t* self, rns_store_t* store)
{
    return rns_bytes_refs(self, store) == 1u;
}

/// Tell whether a write inside the content would have to copy it.
RNS_INLINE bool rns_bytes_will_copy(const rns_bytes_t* self, rns_store_t* store)
{
    return rns_bytes_refs(self, store) > 1u;
}

/// Read one byte.
///
/// @param out  Receives it; 0 unless RNS_OK is returned.
///
/// @retval RNS_INPUT_RANGE  `index` is not below the length.
RNS_INLINE rns_status_t rns_bytes_get(const rns_bytes_t* self, size_t index, uint8_t* out)
{
    *out = index < self->length ? rns_bytes_data(self)[index] : 0;
    return index < self->length ? RNS_OK : RNS_INPUT_RANGE;
}

/// Fill in the span of each of `count` handles, for a scatter-gather call.
void rns_bytes_spans(const rns_bytes_t* list, size_t count, rns_span_t* out);

/* ---- Sharing -------------------------------------------------------------------------------- */

/// Return another handle with the same content.
///
/// Counts: shares by one, unless empty.  Cost: O(1).
RNS_MUST_USE RNS_INLINE rns_bytes_t rns_bytes_share(const rns_bytes_t* self, rns_store_t* store)
{
    if (self->length == 0) {
        return (rns_bytes_t){0};
    }
    rns_buffer_share(self->buffer, store, self->offset + self->length, false);
    return (rns_bytes_t){.buffer = self->buffer, .offset = self->offset, .length = self->length};
}

/// Return a handle of the content from `from` on, at most `length` bytes.
///
/// Counts: slices by one, unless the slice is empty.  Cost: O(1).
RNS_MUST_USE RNS_INLINE rns_bytes_t rns_bytes_slice(const rns_bytes_t* self, rns_store_t* store,
                                                    size_t from, size_t length)
{
    if (from >= self->length || length == 0) {
        return (rns_bytes_t){0};
    }
    const uint32_t rest = self->length - (uint32_t)from;
    rns_buffer_share(self->buffer, store, self->offset + self->length, true);
    return (rns_bytes_t){.buffer = self->buffer,
                         .offset = self->offset + (uint32_t)from,
                         .length = length < rest ? (uint32_t)length : rest};
}

/// Return the first `length` bytes, as rns_bytes_slice().
RNS_MUST_USE RNS_INLINE rns_bytes_t rns_bytes_left(const rns_bytes_t* self, rns_store_t* store,
                                                   size_t length)
{
    return rns_bytes_slice(self, store, 0, length);
}

/// Return what follows the first `from` bytes, as rns_bytes_slice().
RNS_MUST_USE RNS_INLINE rns_bytes_t rns_bytes_mid(const rns_bytes_t* self, rns_store_t* store,
                                                  size_t from)
{
    return rns_bytes_slice(self, store, from, SIZE_MAX);
}

/// Return the last `length` bytes, as rns_bytes_slice().
RNS_MUST_USE RNS_INLINE rns_bytes_t rns_bytes_right(const rns_bytes_t* self, rns_store_t* store,
                                                    size_t length)
{
    return rns_bytes_mid(self, store, length < self->length ? self->length - length : 0);
}

/// Drop the reference; the handle becomes empty.
///
/// @retval RNS_MISUSE_*, RNS_DAMAGE_CANARY  As rns_pool_give(): a copied handle was dropped twice,
///                                          or the slot is damaged. The handle is empty all the
///                                          same.
RNS_INLINE rns_status_t rns_bytes_drop(rns_bytes_t* self, rns_store_t* store)
{
    rns_buffer_t* const buffer = self->buffer;
    *self = (rns_bytes_t){0};
    return buffer == NULL ? RNS_OK : rns_buffer_release(buffer, store);
}

/// Drop the content and its storage; rns_bytes_resize() to 0 keeps storage that is unique.
RNS_INLINE void rns_bytes_clear(rns_bytes_t* self, rns_store_t* store)
{
    (void)rns_bytes_drop(self, store);
}

/// Become another handle of `other`, which may be `self`. Never fails.
void rns_bytes_assign_bytes(rns_bytes_t* self, rns_store_t* store, const rns_bytes_t* other);

/// Cut the first `at` bytes off into `front`; both keep the buffer.
///
/// @param front  Receives them; empty unless RNS_OK is returned. Not `self`; not dropped before.
///
/// @retval RNS_INPUT_RANGE  `at` is above the length.
///
/// Counts: slices by one, unless a part is empty.  Cost: O(1).
RNS_MUST_USE rns_status_t rns_bytes_split_to(rns_bytes_t* self, rns_store_t* store, size_t at,
                                             rns_bytes_t* front);

/// Cut all but the first `at` bytes off into `back`; as rns_bytes_split_to().
RNS_MUST_USE rns_status_t rns_bytes_split_off(rns_bytes_t* self, rns_store_t* store, size_t at,
                                              rns_bytes_t* back);

/// Append `other` and make it empty; copies nothing if it follows `self` in the same buffer.
///
/// @param other  Not `self`.
RNS_MUST_USE rns_status_t rns_bytes_unsplit(rns_bytes_t* self, rns_store_t* store,
                                            rns_bytes_t* other);

/// Pin the content: the view stays as it is, whatever becomes of the handles.
///
/// While it is pinned every writer copies, but for appends behind it.
///
/// Counts: shares by one, unless empty.  Cost: O(1).
rns_bytes_view_t rns_bytes_export(const rns_bytes_t* self, rns_store_t* store);

/* ---- Writing -------------------------------------------------------------------------------- */

/* What the functions below do where it is not done in place at once. */
rns_status_t rns_bytes_append_apart(rns_bytes_t* self, rns_store_t* store, const void* data,
                                    size_t length);
rns_status_t rns_bytes_prepend_apart(rns_bytes_t* self, rns_store_t* store, const void* data,
                                     size_t length);
rns_status_t rns_bytes_set_apart(rns_bytes_t* self, rns_store_t* store, size_t index,
                                 uint8_t byte);

/// Make a handle of a copy of `length` bytes.
///
/// @param self  Uninitialised; empty unless RNS_OK is returned.
RNS_MUST_USE rns_status_t rns_bytes_init(rns_bytes_t* self, rns_store_t* store, const void* data,
                                         size_t length);

/// Replace the content by a copy of `length` bytes.
RNS_MUST_USE rns_status_t rns_bytes_assign(rns_bytes_t* self, rns_store_t* store, const void* data,
                                           size_t length);

/// Append `length` bytes.
///
/// Cost: O(length) with room in place or at the claimable tail, else O(all).
RNS_MUST_USE RNS_INLINE rns_status_t rns_bytes_append(rns_bytes_t* self, rns_store_t* store,
                                                      const void* data, size_t length)
{
    if (length > 0 && length <= rns_bytes_tailroom(self) && rns_bytes_is_unique(self, store)) {
        (void)__builtin_memcpy(rns_buffer_bytes(self->buffer) + self->offset + self->length, data,
                               length);
        self->length += (uint32_t)length;
        return RNS_OK;
    }
    return rns_bytes_append_apart(self, store, data, length);
}

/// Append the content of `other`; shares it if there is nothing to append to.
RNS_MUST_USE rns_status_t rns_bytes_append_bytes(rns_bytes_t* self, rns_store_t* store,
                                                 const rns_bytes_t* other);

RNS_MUST_USE rns_status_t rns_bytes_append_byte(rns_bytes_t* self, rns_store_t* store,
                                                uint8_t byte);

/// Put `length` bytes in front.
///
/// Cost: O(length) with headroom in a unique buffer, else O(all).
RNS_MUST_USE RNS_INLINE rns_status_t rns_bytes_prepend(rns_bytes_t* self, rns_store_t* store,
                                                       const void* data, size_t length)
{
    if (length > 0 && length <= self->offset && rns_bytes_is_unique(self, store)) {
        self->offset -= (uint32_t)length;
        self->length += (uint32_t)length;
        (void)__builtin_memcpy(rns_buffer_bytes(self->buffer) + self->offset, data, length);
        return RNS_OK;
    }
    return rns_bytes_prepend_apart(self, store, data, length);
}

/// Put the content of `other` in front; shares it if there is nothing behind it.
RNS_MUST_USE rns_status_t rns_bytes_prepend_bytes(rns_bytes_t* self, rns_store_t* store,
                                                  const rns_bytes_t* other);

/// Become `front` followed by `back`, either of which may be `self`; shares if one is empty.
RNS_MUST_USE rns_status_t rns_bytes_concat(rns_bytes_t* self, rns_store_t* store,
                                           const rns_bytes_t* front, const rns_bytes_t* back);

/// Replace the content by a copy of all spans, one after the other, in a buffer of its own.
RNS_MUST_USE rns_status_t rns_bytes_gather(rns_bytes_t* self, rns_store_t* store,
                                           const rns_span_t* spans, size_t count);

/// Write one byte.
///
/// @retval RNS_INPUT_RANGE  `index` is not below the length.
RNS_MUST_USE RNS_INLINE rns_status_t rns_bytes_set(rns_bytes_t* self, rns_store_t* store,
                                                   size_t index, uint8_t byte)
{
    if (index >= self->length) {
        return RNS_INPUT_RANGE;
    }
    if (!rns_bytes_is_unique(self, store)) {
        return rns_bytes_set_apart(self, store, index, byte);
    }
    rns_buffer_bytes(self->buffer)[self->offset + index] = byte;
    return RNS_OK;
}

/// Set the length; new bytes at the end are 0. Shorter never copies.
RNS_MUST_USE rns_status_t rns_bytes_resize(rns_bytes_t* self, rns_store_t* store, size_t length);

/// Make the buffer the handle's own, with room for a total of `capacity` bytes in place.
RNS_MUST_USE rns_status_t rns_bytes_reserve(rns_bytes_t* self, rns_store_t* store,
                                            size_t capacity);

/// Make the buffer the handle's own, with so much room in front of the content and behind.
RNS_MUST_USE rns_status_t rns_bytes_reserve_room(rns_bytes_t* self, rns_store_t* store,
                                                 size_t headroom, size_t tailroom);

/// Set the length and return the content for writing: the old is kept, shared before or not, new
/// bytes are indeterminate.
///
/// @param out  Receives the content, valid until the handle is used next; NULL unless RNS_OK is
///             returned, and for no bytes.
RNS_MUST_USE rns_status_t rns_bytes_writable(rns_bytes_t* self, rns_store_t* store, size_t length,
                                             uint8_t** out);

/// Return the content for writing if that needs no copy.
///
/// @param out  As rns_bytes_writable().
///
/// @retval RNS_MISS_SHARED  It does.
RNS_MUST_USE rns_status_t rns_bytes_try_mut(rns_bytes_t* self, rns_store_t* store, uint8_t** out);

/// Move the content to the smallest tier that holds it, so that a short slice does not keep a long
/// buffer. Does nothing if it lies in such a tier.
///
/// @retval RNS_MISS_EXHAUSTED  No smaller slot is free.
///
/// Counts: compactions by one if it moves.  Cost: O(length).
RNS_MUST_USE rns_status_t rns_bytes_compact(rns_bytes_t* self, rns_store_t* store);

/* ---- Text and comparison (rns_bytes_text.c) --------------------------------------------------
 */

/// Append the bytes that hexadecimal text of either case stands for.
///
/// @retval RNS_INPUT_HEX_ODD, RNS_INPUT_HEX_DIGIT  The text is refused.
RNS_MUST_USE rns_status_t rns_bytes_append_hex(rns_bytes_t* self, rns_store_t* store,
                                               const char* text, size_t text_length);

/// Replace the content by the bytes that hexadecimal text stands for, in a buffer of its own.
///
/// @retval RNS_INPUT_HEX_ODD, RNS_INPUT_HEX_DIGIT  The text is refused.
RNS_MUST_USE rns_status_t rns_bytes_assign_hex(rns_bytes_t* self, rns_store_t* store,
                                               const char* text, size_t text_length);

/// Write the content as hexadecimal text.
///
/// @param text  Receives 2 * length digits and a 0; only a 0, if that fits, unless RNS_OK is
///              returned.
///
/// @retval RNS_INPUT_RANGE  They do not fit `text_bytes`.
RNS_MUST_USE rns_status_t rns_bytes_to_hex(const rns_bytes_t* self, bool is_upper, char* text,
                                           size_t text_bytes);

/// Return where `needle` first begins at or after `from`; RNS_BYTES_NOT_FOUND if nowhere.
///
/// An empty needle is found at `from`, if that is not above the length. Cost: O(length * needle).
uint32_t rns_bytes_find(const rns_bytes_t* self, size_t from, const void* needle, size_t length);

/// Return where `needle` last begins; as rns_bytes_find(). An empty one is found at the end.
uint32_t rns_bytes_rfind(const rns_bytes_t* self, const void* needle, size_t length);

bool rns_bytes_starts_with(const rns_bytes_t* self, const void* data, size_t length);
bool rns_bytes_ends_with(const rns_bytes_t* self, const void* data, size_t length);

/// Return -1, 0 or 1 as the content sorts before, with or after `data`; a prefix sorts before.
int rns_bytes_compare(const rns_bytes_t* self, const void* data, size_t length);

/// As rns_bytes_compare(); content alone decides, not storage.
int rns_bytes_compare_bytes(const rns_bytes_t* self, const rns_bytes_t* other);

bool rns_bytes_equal(const rns_bytes_t* self, const rns_bytes_t* other);

/// Tell whether the content is `data`, in a time that depends on the lengths alone: for secrets.
bool rns_bytes_equal_constant_time(const rns_bytes_t* self, const void* data, size_t length);

#endif
