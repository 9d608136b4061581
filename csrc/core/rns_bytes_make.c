/* Content in a buffer of its own: what needs a fresh one whatever the handle was. */
#include "rns_bytes.h"

#include "rns_store_inline.h"

/// Return the headroom that the store wishes, or what there is to spare.
static inline uint32_t headroom_in(const rns_store_t* store, uint32_t spare)
{
    const uint32_t wish = store->options.headroom_bytes;
    return wish < spare ? wish : spare;
}

/// Make a handle of `length` indeterminate bytes, 1 or more, with the rooms of the store; an empty
/// one unless RNS_OK is returned.
static inline rns_status_t make(rns_bytes_t* self, rns_store_t* store, uint64_t length)
{
    const uint32_t headroom = store->options.headroom_bytes;
    const store_grant_t grant =
        store_take(store, length, (uint64_t)headroom + store->options.tailroom_bytes);
    if (grant.status != RNS_OK) {
        *self = (rns_bytes_t){0};
        return grant.status;
    }
    self->buffer = grant.buffer;
    self->offset = headroom_in(store, grant.capacity - (uint32_t)length);
    self->length = (uint32_t)length;
    return RNS_OK;
}

rns_status_t rns_bytes_init(rns_bytes_t* self, rns_store_t* store, const void* data, size_t length)
{
    if (length == 0) {
        *self = (rns_bytes_t){0};
        return RNS_OK;
    }
    const rns_status_t status = make(self, store, length);
    if (status == RNS_OK) {
        (void)__builtin_memcpy(rns_buffer_bytes(self->buffer) + self->offset, data, length);
    }
    return status;
}

rns_status_t rns_bytes_assign(rns_bytes_t* self, rns_store_t* store, const void* data,
                              size_t length)
{
    if (length == 0) {
        rns_bytes_clear(self, store);
        return RNS_OK;
    }
    if (rns_bytes_is_unique(self, store) && length <= self->buffer->capacity) {
        self->offset = headroom_in(store, self->buffer->capacity - (uint32_t)length);
        self->length = (uint32_t)length;
        (void)__builtin_memmove(rns_buffer_bytes(self->buffer) + self->offset, data, length);
        return RNS_OK;
    }
    return rns_bytes_gather(self, store, &(rns_span_t){.start = data, .bytes = length}, 1);
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
        const rns_status_t status = make(&fresh, store, length);
        if (status != RNS_OK) {
            return status;
        }
        uint8_t* at = rns_buffer_bytes(fresh.buffer) + fresh.offset;
        for (size_t i = 0; i < count; ++i) {
            if (spans[i].start != NULL) { /* as it is where there are no bytes */
                (void)__builtin_memcpy(at, spans[i].start, spans[i].bytes);
            }
            at += spans[i].bytes;
        }
    }
    (void)rns_bytes_drop(self, store);
    *self = fresh;
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
        home < store->pool->tier_count ? pool_slot_bytes(store->pool, home) : self->length;
    if (smallest >= self->buffer->capacity) {
        return RNS_OK;
    }
    rns_buffer_t* buffer = NULL;
    const rns_status_t status = rns_store_take(store, self->length, 0, &buffer);
    if (status != RNS_OK) {
        return status;
    }
    if (buffer->capacity >= self->buffer->capacity) { /* spilt to where it came from */
        (void)rns_buffer_release(buffer, store);
        return RNS_MISS_EXHAUSTED;
    }
    (void)__builtin_memcpy(rns_buffer_bytes(buffer), rns_bytes_data(self), self->length);
    const uint32_t length = self->length;
    (void)rns_bytes_drop(self, store);
    *self = (rns_bytes_t){.buffer = buffer, .length = length};
    RNS_LOCK_ENTER(&store->pool->lock);
    RNS_STORE_ADD(&store->compactions, 1u);
    RNS_LOCK_LEAVE(&store->pool->lock);
    return RNS_OK;
}
