/* GLib's GBytes: immutable, slices share. A write takes the data out, copying it if shared. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    GBytes* bytes;
} value_t;

static int peer_init(void)
{
    return 0;
}

static int peer_is_clean(void)
{
    return 1;
}

static inline void value_make(value_t* out, const uint8_t* data, size_t bytes)
{
    out->bytes = g_bytes_new(data, bytes);
}

static inline void value_share(value_t* out, const value_t* from)
{
    out->bytes = g_bytes_ref(from->bytes);
}

static inline void value_slice(value_t* out, const value_t* from, size_t at, size_t bytes)
{
    out->bytes = g_bytes_new_from_bytes(from->bytes, at, bytes);
}

static inline void value_drop(value_t* self)
{
    g_bytes_unref(self->bytes);
    self->bytes = NULL;
}

static inline void value_write(value_t* self, size_t at, uint8_t byte, size_t room_bytes)
{
    gsize length;
    uint8_t* data;
    if (room_bytes > 0) { /* known to be shared: one copy, to a block that is large enough */
        const uint8_t* const old = g_bytes_get_data(self->bytes, &length);
        data = g_malloc(length + room_bytes);
        memcpy(data, old, length);
        g_bytes_unref(self->bytes);
    } else {
        data = g_bytes_unref_to_data(self->bytes, &length);
    }
    data[at] = byte;
    self->bytes = g_bytes_new_take(data, length);
}

static inline void value_append(value_t* self, const uint8_t* more, size_t bytes)
{
    gsize length;
    uint8_t* data = g_bytes_unref_to_data(self->bytes, &length);
    data = g_realloc(data, length + bytes); /* in place, if the block has the room */
    memcpy(data + length, more, bytes);
    self->bytes = g_bytes_new_take(data, length + bytes);
}

static inline void value_cut(value_t* self, size_t bytes)
{
    gsize length;
    uint8_t* const data = g_bytes_unref_to_data(self->bytes, &length);
    self->bytes = g_bytes_new_take(data, bytes);
}

static inline void value_concat(value_t* out, const value_t* front, const value_t* back)
{
    gsize front_bytes;
    gsize back_bytes;
    const uint8_t* const first = g_bytes_get_data(front->bytes, &front_bytes);
    const uint8_t* const second = g_bytes_get_data(back->bytes, &back_bytes);
    uint8_t* const data = g_malloc(front_bytes + back_bytes);
    memcpy(data, first, front_bytes);
    memcpy(data + front_bytes, second, back_bytes);
    out->bytes = g_bytes_new_take(data, front_bytes + back_bytes);
}

static inline size_t value_read(const value_t* self, uint8_t* to)
{
    gsize length;
    memcpy(to, g_bytes_get_data(self->bytes, &length), g_bytes_get_size(self->bytes));
    return length;
}

#include "workloads.h"
