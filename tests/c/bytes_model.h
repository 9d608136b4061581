/// @file bytes_model.h
/// The slow model of Bytes: each has all its content to itself, and no operation shares anything.
#ifndef BYTES_MODEL_H
#define BYTES_MODEL_H

#include <stdint.h>
#include <string.h>

#define MODEL_BYTES_MAX 4096u

typedef struct {
    uint8_t data[MODEL_BYTES_MAX];
    uint32_t length;
} model_t;

static inline uint32_t model_clamp(const model_t* self, uint32_t position)
{
    return position < self->length ? position : self->length;
}

/// Replace the content by a part of that of `other`, which may be `self`.
static inline void model_slice(model_t* self, const model_t* other, uint32_t from, uint32_t length)
{
    from = model_clamp(other, from);
    const uint32_t rest = other->length - from;
    const uint32_t count = length < rest ? length : rest;
    memmove(self->data, other->data + from, count);
    self->length = count;
}

/// Insert bytes that do not lie in `self`.
static inline void model_insert(model_t* self, uint32_t at, const uint8_t* data, uint32_t length)
{
    memmove(self->data + at + length, self->data + at, self->length - at);
    memcpy(self->data + at, data, length);
    self->length += length;
}

static inline void model_resize(model_t* self, uint32_t length)
{
    if (length > self->length) {
        memset(self->data + self->length, 0, length - self->length);
    }
    self->length = length;
}

#endif
