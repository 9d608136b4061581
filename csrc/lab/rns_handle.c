#include "rns_handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct rns_handle {
    rns_store_t* store;
    pthread_mutex_t lock; /* of all below */
    rns_bytes_t bytes;
    uint32_t pins;
    bool is_dropped; /* and goes with its last pin */
};

static void enter(rns_handle_t* self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void leave(rns_handle_t* self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

/// Enter for a write, unless the handle is pinned.
static bool enter_to_write(rns_handle_t* self)
{
    enter(self);
    if (self->pins == 0) {
        return true;
    }
    leave(self);
    return false;
}

static rns_status_t leave_with(rns_handle_t* self, rns_status_t status)
{
    leave(self);
    return status;
}

/// Return an empty handle; NULL with errno set if there is no memory for it.
static rns_handle_t* make(rns_store_t* store)
{
    rns_handle_t* const self = malloc(sizeof *self);
    if (self == NULL) {
        errno = RNS_MISS_EXHAUSTED;
        return NULL;
    }
    *self = (rns_handle_t){.store = store};
    (void)pthread_mutex_init(&self->lock, NULL);
    return self;
}

rns_handle_t* rns_handle_new(rns_store_t* store, const void* data, size_t length)
{
    rns_handle_t* const self = make(store);
    if (self == NULL) {
        return NULL;
    }
    const rns_status_t status = rns_bytes_init(&self->bytes, store, data, length);
    if (status != RNS_OK) {
        rns_handle_drop(self);
        errno = (int)status;
        return NULL;
    }
    return self;
}

rns_handle_t* rns_handle_slice(rns_handle_t* self, size_t from, size_t length)
{
    rns_handle_t* const slice = make(self->store);
    if (slice != NULL) {
        enter(self);
        slice->bytes = rns_bytes_slice(&self->bytes, self->store, from, length);
        leave(self);
    }
    return slice;
}

/// Leave, and free what was dropped and is not pinned.
static void leave_or_free(rns_handle_t* self)
{
    const bool is_last = self->is_dropped && self->pins == 0;
    leave(self);
    if (is_last) {
        (void)rns_bytes_drop(&self->bytes, self->store);
        (void)pthread_mutex_destroy(&self->lock);
        free(self);
    }
}

void rns_handle_drop(rns_handle_t* self)
{
    enter(self);
    self->is_dropped = true;
    leave_or_free(self);
}

/// Tell whether the handle has the bytes [from, from + length).
static bool has(const rns_handle_t* self, size_t from, size_t length)
{
    return from <= self->bytes.length && length <= self->bytes.length - from;
}

const char* rns_handle_pin(rns_handle_t* self, size_t from, size_t length)
{
    static const char nothing[1]; /* of a handle without a buffer */
    const char* content = NULL;
    enter(self);
    if (has(self, from, length)) {
        self->pins += 1u;
        const uint8_t* const data = rns_bytes_data(&self->bytes);
        content = data == NULL ? nothing : (const char*)data + from;
    }
    leave(self);
    return content;
}

void rns_handle_unpin(rns_handle_t* self)
{
    enter(self);
    self->pins -= 1u;
    leave_or_free(self);
}

rns_handle_info_t rns_handle_info(rns_handle_t* self)
{
    rns_handle_info_t info = {0};
    enter(self);
    if (self->bytes.buffer != NULL) {
        info.buffer = (uintptr_t)self->bytes.buffer;
        info.refs = rns_bytes_refs(&self->bytes, self->store) + self->pins;
        info.capacity = self->bytes.buffer->capacity;
        info.headroom = rns_bytes_headroom(&self->bytes);
    }
    leave(self);
    return info;
}

int rns_handle_get(rns_handle_t* self, size_t index)
{
    uint8_t byte = 0;
    enter(self);
    const rns_status_t status = rns_bytes_get(&self->bytes, index, &byte);
    leave(self);
    return status == RNS_OK ? (int)byte : -1;
}

/// Return the handle of a window that is clamped; it owns no reference.
static rns_bytes_t window(const rns_handle_t* self, size_t from, size_t length)
{
    rns_bytes_t bytes = self->bytes;
    const uint32_t start = from < bytes.length ? (uint32_t)from : bytes.length;
    const uint32_t rest = bytes.length - start;
    bytes.offset += start;
    bytes.length = length < rest ? (uint32_t)length : rest;
    return bytes;
}

int rns_handle_compare(rns_handle_t* self, size_t from, size_t length, const void* data,
                       size_t data_length)
{
    enter(self);
    const rns_bytes_t bytes = window(self, from, length);
    const int order = rns_bytes_compare(&bytes, data, data_length);
    leave(self);
    return order;
}

rns_status_t rns_handle_narrow(rns_handle_t* self, size_t from, size_t length)
{
    if (!enter_to_write(self)) { /* what is cut off could be claimed, and may be pinned */
        return RNS_MISS_SHARED;
    }
    self->bytes = window(self, from, length);
    return leave_with(self, RNS_OK);
}

rns_status_t rns_handle_set(rns_handle_t* self, size_t index, uint8_t byte)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_set(&self->bytes, self->store, index, byte));
}

rns_status_t rns_handle_write(rns_handle_t* self, size_t at, const void* data, size_t length)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    if (!has(self, at, length)) {
        return leave_with(self, RNS_INPUT_RANGE);
    }
    uint8_t* content = NULL;
    const rns_status_t status =
        rns_bytes_writable(&self->bytes, self->store, self->bytes.length, &content);
    if (content != NULL) {
        (void)memcpy(content + at, data, length);
    }
    return leave_with(self, status);
}

rns_status_t rns_handle_append(rns_handle_t* self, const void* data, size_t length)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_append(&self->bytes, self->store, data, length));
}

rns_status_t rns_handle_prepend(rns_handle_t* self, const void* data, size_t length)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_prepend(&self->bytes, self->store, data, length));
}

rns_status_t rns_handle_assign(rns_handle_t* self, const void* data, size_t length)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_assign(&self->bytes, self->store, data, length));
}

rns_status_t rns_handle_resize(rns_handle_t* self, size_t length)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_resize(&self->bytes, self->store, length));
}

rns_status_t rns_handle_reserve(rns_handle_t* self, size_t headroom, size_t tailroom)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_reserve_room(&self->bytes, self->store, headroom, tailroom));
}

rns_status_t rns_handle_compact(rns_handle_t* self)
{
    if (!enter_to_write(self)) {
        return RNS_MISS_SHARED;
    }
    return leave_with(self, rns_bytes_compact(&self->bytes, self->store));
}
