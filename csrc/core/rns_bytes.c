/* Copy-on-write: a write that needs more than the place it goes to opens a gap, then fills it. */
#include "rns_bytes.h"

#include "rns_store_inline.h"

/// What a write needs, and what opening it gave. The caller copies `source` to `at`, then releases
/// `retired`: until then the source may lie in it.
typedef struct {
    uint64_t front;        ///< New bytes in front of the content, or
    uint64_t back;         ///< behind.
    uint64_t headroom;     ///< Room that must be left in front, and
    uint64_t tailroom;     ///< behind.
    bool is_exclusive;     ///< The content will be written, not only the gap.
    const uint8_t* source; ///< Follows the content where it is moved.
    uint8_t* at;           ///< The gap.
    rns_buffer_t* retired; ///< The old buffer, NULL if it is still in use.
} gap_t;

static void copy_bytes(uint8_t* to, const void* from, size_t count)
{
    if (from != NULL) { /* as it is where there are no bytes */
        (void)__builtin_memcpy(to, from, count);
    }
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/// Count a write that moved `length` bytes to another buffer: the old was shared, or too small.
static void count_move(rns_store_t* store, bool was_shared, uint32_t length)
{
    RNS_LOCK_ENTER(&store->pool->lock);
    if (was_shared) {
        RNS_STORE_ADD(&store->cow_copies, 1u);
        RNS_STORE_ADD(&store->cow_bytes, length);
    } else {
        RNS_STORE_ADD(&store->grows, 1u);
    }
    RNS_LOCK_LEAVE(&store->pool->lock);
    (void)store;
    (void)length;
}

static void release(rns_buffer_t* buffer, rns_store_t* store)
{
    if (buffer != NULL) {
        (void)rns_buffer_release(buffer, store);
    }
}

/// Claim `count` bytes behind the content of a shared buffer, if nobody has.
static bool claim_tail(const rns_bytes_t* self, rns_store_t* store, uint64_t count)
{
    const uint32_t end = self->offset + self->length;
    if (count > self->buffer->capacity - end) {
        return false;
    }
    bool is_claimed = false;
    RNS_LOCK_ENTER(&store->pool->lock);
    uint32_t used = rns_cell_load(&self->buffer->used);
    while (used == end && !is_claimed) {
        is_claimed = rns_cell_cas(&self->buffer->used, &used, end + (uint32_t)count);
    }
    if (is_claimed) {
        RNS_STORE_ADD(&store->tail_appends, 1u);
    }
    RNS_LOCK_LEAVE(&store->pool->lock);
    (void)store;
    return is_claimed;
}

/// Enlarge the handle by the gap where it lies.
static void widen(rns_bytes_t* self, gap_t* gap)
{
    self->offset -= (uint32_t)gap->front;
    self->length += (uint32_t)(gap->front + gap->back);
    uint8_t* const data = rns_buffer_bytes(self->buffer) + self->offset;
    gap->at = gap->front > 0 ? data : data + (self->length - (uint32_t)gap->back);
}

/// Open a gap in a unique buffer, moving the content inside it if need be.
static bool open_in_place(rns_bytes_t* self, rns_store_t* store, gap_t* gap)
{
    const uint64_t capacity = self->buffer->capacity;
    const uint64_t before = gap->headroom + gap->front;
    const uint64_t after = self->length + gap->back + gap->tailroom;
    if (before > capacity || after > capacity - before) {
        return false;
    }
    if (self->offset < before || after > capacity - self->offset) {
        /* Where prepending ran out of headroom, leave some for the next time. */
        const uint64_t spare = capacity - before - after;
        const uint64_t extra = gap->front > 0 ? smaller(store->options.headroom_bytes, spare) : 0;
        const uint32_t offset = (uint32_t)(before + extra);
        uint8_t* const base = rns_buffer_bytes(self->buffer);
        uint8_t* const old = base + self->offset;
        (void)__builtin_memmove(base + offset, old, self->length);
        const uintptr_t distance = (uintptr_t)gap->source - (uintptr_t)old;
        if (gap->source != NULL && distance < self->length) {
            gap->source = base + offset + distance;
        }
        self->offset = offset;
    }
    widen(self, gap);
    return true;
}

/// Copy the content to a fresh buffer, with so much room in front of it and behind, and the rooms
/// of the store on top where a tier has them. The handle moves there.
///
/// @param retired  Receives the old buffer, for the caller to release; as it was unless RNS_OK is
///                 returned.
static inline rns_status_t move_out(rns_bytes_t* self, rns_store_t* store, uint64_t before,
                                    uint64_t after, rns_buffer_t** retired)
{
    const rns_store_options_t* const options = &store->options;
    const uint64_t need = before + self->length + after;
    uint64_t wish = (uint64_t)options->headroom_bytes + options->tailroom_bytes;
    if (self->length > 0 && need > pool_slot_bytes(store->pool, store->pool->tier_count - 1u)) {
        wish += need / 2u; /* in the fallback no tier makes the steps geometric */
    }
    const store_grant_t grant = store_take(store, need, wish);
    rns_buffer_t* const buffer = grant.buffer;
    if (grant.status != RNS_OK) {
        return grant.status;
    }
    const uint64_t offset = before + smaller(options->headroom_bytes, grant.capacity - need);
    copy_bytes(rns_buffer_bytes(buffer) + offset, rns_bytes_data(self), self->length);
    *retired = self->buffer;
    self->buffer = buffer;
    self->offset = (uint32_t)offset;
    return RNS_OK;
}

/// Make the content of a shared buffer the handle's own, with so much room around it.
static rns_status_t own(rns_bytes_t* self, rns_store_t* store, uint64_t headroom,
                        uint64_t tailroom)
{
    if (headroom > UINT32_MAX || tailroom > UINT32_MAX) {
        return RNS_MISS_OVERSIZE;
    }
    rns_buffer_t* retired = NULL;
    const rns_status_t status = move_out(self, store, headroom, tailroom, &retired);
    if (status == RNS_OK) {
        count_move(store, true, self->length);
        release(retired, store);
    }
    return status;
}

/// Enlarge the handle by a gap that only it can see; see gap_t.
static rns_status_t open_gap(rns_bytes_t* self, rns_store_t* store, gap_t* gap)
{
    if (gap->front > UINT32_MAX || gap->back > UINT32_MAX || gap->headroom > UINT32_MAX ||
        gap->tailroom > UINT32_MAX) {
        return RNS_MISS_OVERSIZE;
    }
    const bool was_unique = rns_bytes_is_unique(self, store);
    if (was_unique && open_in_place(self, store, gap)) {
        return RNS_OK;
    }
    const bool is_append = gap->front == 0 && !gap->is_exclusive && self->buffer != NULL;
    if (!was_unique && is_append && claim_tail(self, store, gap->back)) {
        widen(self, gap);
        return RNS_OK;
    }
    const uint32_t length = self->length;
    const rns_status_t status = move_out(self, store, gap->headroom + gap->front,
                                         gap->back + gap->tailroom, &gap->retired);
    if (status != RNS_OK) {
        return status;
    }
    widen(self, gap);
    if (gap->retired != NULL) {
        count_move(store, !was_unique, length);
    }
    return RNS_OK;
}

/// Open a gap, fill it from its source.
static rns_status_t insert(rns_bytes_t* self, rns_store_t* store, gap_t* gap)
{
    const rns_status_t status = open_gap(self, store, gap);
    if (status == RNS_OK) {
        copy_bytes(gap->at, gap->source, (size_t)(gap->front + gap->back));
        release(gap->retired, store);
    }
    return status;
}

rns_status_t rns_bytes_append_apart(rns_bytes_t* self, rns_store_t* store, const void* data,
                                    size_t length)
{
    if (length == 0) {
        return RNS_OK;
    }
    if (rns_bytes_will_copy(self, store) && claim_tail(self, store, length)) {
        uint8_t* const end = rns_buffer_bytes(self->buffer) + self->offset + self->length;
        (void)__builtin_memcpy(end, data, length);
        self->length += (uint32_t)length;
        return RNS_OK;
    }
    return insert(self, store, &(gap_t){.back = length, .source = data});
}

rns_status_t rns_bytes_append_bytes(rns_bytes_t* self, rns_store_t* store,
                                    const rns_bytes_t* other)
{
    if (self->buffer == NULL) {
        rns_bytes_assign_bytes(self, store, other);
        return RNS_OK;
    }
    return rns_bytes_append(self, store, rns_bytes_data(other), other->length);
}

rns_status_t rns_bytes_append_byte(rns_bytes_t* self, rns_store_t* store, uint8_t byte)
{
    return rns_bytes_append(self, store, &byte, 1);
}

rns_status_t rns_bytes_prepend_apart(rns_bytes_t* self, rns_store_t* store, const void* data,
                                     size_t length)
{
    return length == 0 ? RNS_OK : insert(self, store, &(gap_t){.front = length, .source = data});
}

rns_status_t rns_bytes_prepend_bytes(rns_bytes_t* self, rns_store_t* store,
                                     const rns_bytes_t* other)
{
    if (self->buffer == NULL) {
        rns_bytes_assign_bytes(self, store, other);
        return RNS_OK;
    }
    return rns_bytes_prepend(self, store, rns_bytes_data(other), other->length);
}

rns_status_t rns_bytes_set_apart(rns_bytes_t* self, rns_store_t* store, size_t index, uint8_t byte)
{
    const rns_status_t status = own(self, store, 0, 0);
    if (status == RNS_OK) {
        rns_buffer_bytes(self->buffer)[self->offset + index] = byte;
    }
    return status;
}

/// Shorten the content; of a shared buffer nothing is left of an empty handle (I17).
static void truncate_to(rns_bytes_t* self, rns_store_t* store, uint32_t length)
{
    if (length == 0 && !rns_bytes_is_unique(self, store)) {
        (void)rns_bytes_drop(self, store);
    } else {
        self->length = length;
    }
}

rns_status_t rns_bytes_resize(rns_bytes_t* self, rns_store_t* store, size_t length)
{
    if (length <= self->length) {
        truncate_to(self, store, (uint32_t)length);
        return RNS_OK;
    }
    gap_t gap = {.back = length - self->length};
    const rns_status_t status = open_gap(self, store, &gap);
    if (status == RNS_OK) {
        (void)__builtin_memset(gap.at, 0, (size_t)gap.back);
        release(gap.retired, store);
    }
    return status;
}

rns_status_t rns_bytes_reserve(rns_bytes_t* self, rns_store_t* store, size_t capacity)
{
    return rns_bytes_reserve_room(self, store, 0,
                                  capacity > self->length ? capacity - self->length : 0);
}

rns_status_t rns_bytes_reserve_room(rns_bytes_t* self, rns_store_t* store, size_t headroom,
                                    size_t tailroom)
{
    if (rns_bytes_will_copy(self, store)) {
        return own(self, store, headroom, tailroom);
    }
    if (self->buffer == NULL && headroom == 0 && tailroom == 0) {
        return RNS_OK;
    }
    return insert(self, store,
                  &(gap_t){.headroom = headroom, .tailroom = tailroom, .is_exclusive = true});
}

rns_status_t rns_bytes_writable(rns_bytes_t* self, rns_store_t* store, size_t length,
                                uint8_t** out)
{
    *out = NULL;
    if (length == 0) {
        truncate_to(self, store, 0);
        return RNS_OK;
    }
    const uint32_t before = self->length;
    gap_t gap = {.back = length > before ? length - before : 0, .is_exclusive = true};
    if (length < before) {
        self->length = (uint32_t)length; /* what is cut off is not copied */
    }
    const rns_status_t status = open_gap(self, store, &gap);
    if (status != RNS_OK) {
        self->length = before;
        return status;
    }
    *out = rns_buffer_bytes(self->buffer) + self->offset;
    release(gap.retired, store);
    return RNS_OK;
}

rns_status_t rns_bytes_try_mut(rns_bytes_t* self, rns_store_t* store, uint8_t** out)
{
    *out = NULL;
    if (self->length == 0) {
        return RNS_OK;
    }
    if (!rns_bytes_is_unique(self, store)) {
        return RNS_MISS_SHARED;
    }
    *out = rns_buffer_bytes(self->buffer) + self->offset;
    return RNS_OK;
}
