/* What needs no buffer: handles that share, split and join. */
#include "rns_bytes.h"

void rns_bytes_spans(const rns_bytes_t* list, size_t count, rns_span_t* out)
{
    for (size_t i = 0; i < count; ++i) {
        out[i] = rns_bytes_span(&list[i]);
    }
}

void rns_bytes_assign_bytes(rns_bytes_t* self, rns_store_t* store, const rns_bytes_t* other)
{
    if (self == other) {
        return;
    }
    const rns_bytes_t shared = rns_bytes_share(other, store);
    (void)rns_bytes_drop(self, store);
    *self = shared;
}

/// Cut a handle in two; where one part is empty, the other takes the reference along.
static rns_status_t split(const rns_bytes_t* whole, rns_store_t* store, size_t at,
                          rns_bytes_t parts[2])
{
    if (at > whole->length) {
        return RNS_INPUT_RANGE;
    }
    parts[0] = (rns_bytes_t){0};
    parts[1] = *whole;
    if (at > 0) {
        parts[1] = rns_bytes_mid(whole, store, at);
        parts[0] = *whole;
        parts[0].length = (uint32_t)at;
    }
    return RNS_OK;
}

rns_status_t rns_bytes_split_to(rns_bytes_t* self, rns_store_t* store, size_t at,
                                rns_bytes_t* front)
{
    rns_bytes_t parts[2] = {{0}, *self};
    const rns_status_t status = split(self, store, at, parts);
    *front = parts[0];
    *self = parts[1];
    return status;
}

rns_status_t rns_bytes_split_off(rns_bytes_t* self, rns_store_t* store, size_t at,
                                 rns_bytes_t* back)
{
    rns_bytes_t parts[2] = {*self, {0}};
    const rns_status_t status = split(self, store, at, parts);
    *self = parts[0];
    *back = parts[1];
    return status;
}

rns_status_t rns_bytes_unsplit(rns_bytes_t* self, rns_store_t* store, rns_bytes_t* other)
{
    if (other->length > 0 && rns_bytes_shares_with(self, other) &&
        self->offset + self->length == other->offset) {
        self->length += other->length;
    } else {
        const rns_status_t status = rns_bytes_append_bytes(self, store, other);
        if (status != RNS_OK) {
            return status;
        }
    }
    (void)rns_bytes_drop(other, store);
    return RNS_OK;
}

rns_bytes_view_t rns_bytes_export(const rns_bytes_t* self, rns_store_t* store)
{
    const rns_bytes_t pinned = rns_bytes_share(self, store);
    return (rns_bytes_view_t){
        .data = rns_bytes_data(&pinned), .length = pinned.length, .pin = pinned.buffer};
}
