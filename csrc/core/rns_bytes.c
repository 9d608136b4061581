/* Storage and copy-on-write: every write opens a gap first, then fills it. */
#include "rns_bytes.h"

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

#if RNS_STATS
static void add_to(rns_store_t* store, RNS_CELL(rns_counter_t) * counter, uint32_t value)
{
    RNS_LOCK_ENTER(&store->pool->lock);
    rns_cell_add(counter, (rns_counter_t)value);
    RNS_LOCK_LEAVE(&store->pool->lock);
    (void)store;
}
#    define COUNT(store, counter, value) add_to((store), &(store)->counter, (value))
#else
#    define COUNT(store, counter, value) ((void)(store), (void)(value))
#endif

static void release(rns_buffer_t* buffer, rns_store_t* store)
{
    if (buffer != NULL) {
        (void)rns_buffer_release(buffer, store);
    }
}

static bool is_unique(const rns_bytes_t* self, rns_store_t* store)
{
    return self->buffer != NULL && rns_buffer_refs(self->buffer, store) == 1u;
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
    RNS_LOCK_LEAVE(&store->pool->lock);
    if (is_claimed) {
        COUNT(store, tail_appends, 1);
    }
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

/// Open a gap in a copy of the content.
static rns_status_t open_in_copy(rns_bytes_t* self, rns_store_t* store, gap_t* gap)
{
    const rns_store_options_t* const options = &store->options;
    const uint64_t length = self->length + gap->front + gap->back;
    const uint64_t need = gap->headroom + length + gap->tailroom;
    uint64_t wish = (uint64_t)options->headroom_bytes + options->tailroom_bytes;
    if (self->length > 0 && need > store->pool->slot_bytes[store->pool->tier_count - 1u]) {
        wish += need / 2u; /* in the fallback no tier makes the steps geometric */
    }
    rns_buffer_t* buffer = NULL;
    const rns_status_t status = rns_store_take(store, need, wish, &buffer);
    if (status != RNS_OK) {
        return status;
    }
    const uint64_t spare = buffer->capacity - need;
    uint64_t headroom = gap->headroom;
    if (headroom < options->headroom_bytes) {
        headroom += smaller(options->headroom_bytes - headroom, spare);
    }
    rns_bytes_t fresh = {
        .buffer = buffer, .offset = (uint32_t)(headroom + gap->front), .length = self->length};
    copy_bytes(rns_buffer_bytes(buffer) + fresh.offset, rns_bytes_data(self), self->length);
    gap->retired = self->buffer;
    widen(&fresh, gap);
    *self = fresh;
    return RNS_OK;
}

/// Enlarge the handle by a gap that only it can see; see gap_t.
static rns_status_t open_gap(rns_bytes_t* self, rns_store_t* store, gap_t* gap)
{
    if (gap->front > UINT32_MAX || gap->back > UINT32_MAX || gap->headroom > UINT32_MAX ||
        gap->tailroom > UINT32_MAX) {
        return RNS_MISS_OVERSIZE;
    }
    const bool was_unique = is_unique(self, store);
    if (was_unique && open_in_place(self, store, gap)) {
        return RNS_OK;
    }
    const bool is_append = gap->front == 0 && !gap->is_exclusive && self->buffer != NULL;
    if (!was_unique && is_append && claim_tail(self, store, gap->back)) {
        widen(self, gap);
        return RNS_OK;
    }
    const uint32_t length = self->length;
    const rns_status_t status = open_in_copy(self, store, gap);
    if (status != RNS_OK || gap->retired == NULL) {
        return status;
    }
    if (was_unique) {
        COUNT(store, grows, 1);
    } else {
        COUNT(store, cow_copies, 1);
        COUNT(store, cow_bytes, length);
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

rns_status_t rns_bytes_init(rns_bytes_t* self, rns_store_t* store, const void* data, size_t length)
{
    *self = (rns_bytes_t){0};
    return rns_bytes_append(self, store, data, length);
}

rns_status_t rns_bytes_assign(rns_bytes_t* self, rns_store_t* store, const void* data,
                              size_t length)
{
    if (length == 0) {
        rns_bytes_clear(self, store);
        return RNS_OK;
    }
    if (is_unique(self, store) && length <= self->buffer->capacity) {
        const uint64_t spare = self->buffer->capacity - length;
        self->offset = (uint32_t)smaller(store->options.headroom_bytes, spare);
        self->length = (uint32_t)length;
        (void)__builtin_memmove(rns_buffer_bytes(self->buffer) + self->offset, data, length);
        return RNS_OK;
    }
    return rns_bytes_gather(self, store, &(rns_span_t){.start = data, .bytes = length}, 1);
}

rns_status_t rns_bytes_append(rns_bytes_t* self, rns_store_t* store, const void* data,
                              size_t length)
{
    return length == 0 ? RNS_OK : insert(self, store, &(gap_t){.back = length, .source = data});
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

rns_status_t rns_bytes_prepend(rns_bytes_t* self, rns_store_t* store, const void* data,
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

rns_status_t rns_bytes_concat(rns_bytes_t* self, rns_store_t* store, const rns_bytes_t* front,
                              const rns_bytes_t* back)
{
    if (front->length == 0 || back->length == 0) {
        rns_bytes_assign_bytes(self, store, front->length == 0 ? back : front);
        return RNS_OK;
    }
    const rns_span_t spans[2] = {rns_bytes_span(front), rns_bytes_span(back)};
    return rns_bytes_gather(self, store, spans, 2);
}

rns_status_t rns_bytes_gather(rns_bytes_t* self, rns_store_t* store, const rns_span_t* spans,
                              size_t count)
{
    uint64_t length = 0;
    for (size_t i = 0; i < count; ++i) {
        if (spans[i].bytes > UINT32_MAX - length) {
            return RNS_MISS_OVERSIZE;
        }
        length += spans[i].bytes;
    }
    rns_bytes_t fresh = {0};
    if (length > 0) {
        gap_t gap = {.back = length};
        const rns_status_t status = open_gap(&fresh, store, &gap);
        if (status != RNS_OK) {
            return status;
        }
        for (size_t i = 0; i < count; ++i) {
            copy_bytes(gap.at, spans[i].start, spans[i].bytes);
            gap.at += spans[i].bytes;
        }
    }
    (void)rns_bytes_drop(self, store);
    *self = fresh;
    return RNS_OK;
}

rns_status_t rns_bytes_set(rns_bytes_t* self, rns_store_t* store, size_t index, uint8_t byte)
{
    if (index >= self->length) {
        return RNS_INPUT_RANGE;
    }
    uint8_t* data = NULL;
    const rns_status_t status = rns_bytes_writable(self, store, self->length, &data);
    if (status == RNS_OK) {
        data[index] = byte;
    }
    return status;
}

/// Shorten the content; of a shared buffer nothing is left of an empty handle (I17).
static void truncate_to(rns_bytes_t* self, rns_store_t* store, uint32_t length)
{
    if (length == 0 && !is_unique(self, store)) {
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
    rns_bytes_t kept = *self;
    gap_t gap = {.back = length > kept.length ? length - kept.length : 0, .is_exclusive = true};
    if (length < kept.length) {
        kept.length = (uint32_t)length; /* what is cut off is not copied */
    }
    const rns_status_t status = open_gap(&kept, store, &gap);
    if (status == RNS_OK) {
        *self = kept;
        *out = rns_buffer_bytes(kept.buffer) + kept.offset;
        release(gap.retired, store);
    }
    return status;
}

rns_status_t rns_bytes_try_mut(rns_bytes_t* self, rns_store_t* store, uint8_t** out)
{
    *out = NULL;
    if (self->length == 0) {
        return RNS_OK;
    }
    if (!is_unique(self, store)) {
        return RNS_MISS_SHARED;
    }
    *out = rns_buffer_bytes(self->buffer) + self->offset;
    return RNS_OK;
}

rns_status_t rns_bytes_compact(rns_bytes_t* self, rns_store_t* store)
{
    if (self->length == 0) {
        (void)rns_bytes_drop(self, store);
        return RNS_OK;
    }
    const uint32_t home = rns_pool_home(store->pool, self->length);
    const uint32_t smallest =
        home < store->pool->tier_count ? store->pool->slot_bytes[home] : self->length;
    if (smallest >= self->buffer->capacity) {
        return RNS_OK;
    }
    rns_buffer_t* buffer = NULL;
    const rns_status_t status = rns_store_take(store, self->length, 0, &buffer);
    if (status != RNS_OK) {
        return status;
    }
    if (buffer->capacity >= self->buffer->capacity) { /* spilt to where it came from */
        release(buffer, store);
        return RNS_MISS_EXHAUSTED;
    }
    copy_bytes(rns_buffer_bytes(buffer), rns_bytes_data(self), self->length);
    const uint32_t length = self->length;
    (void)rns_bytes_drop(self, store);
    *self = (rns_bytes_t){.buffer = buffer, .length = length};
    COUNT(store, compactions, 1);
    return RNS_OK;
}
