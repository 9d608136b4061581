#include "rns_ops.h"

/// Only RNS_PROFILE_FULL has the gates that a meter watches.
#define HAS_METER(self) (RNS_PROFILE == RNS_PROFILE_FULL && (self)->meter != NULL)

/// Put a handle in the place of another.
static rns_status_t replace(rns_ops_t* self, rns_bytes_t* place, rns_bytes_t by)
{
    const rns_status_t status = rns_bytes_drop(place, self->store);
    *place = by;
    return status;
}

static rns_status_t write_over(rns_ops_t* self, const rns_op_t* op, const uint8_t* source)
{
    rns_bytes_t* const bytes = &self->handles[op->handle];
    if (op->start > bytes->length || op->length > bytes->length - op->start) {
        return RNS_INPUT_RANGE;
    }
    if (op->length == 0) {
        return RNS_OK;
    }
    uint8_t* data = NULL;
    const rns_status_t status = rns_bytes_writable(bytes, self->store, bytes->length, &data);
    if (status == RNS_OK) {
        (void)__builtin_memcpy(data + op->start, source, op->length);
    }
    return status;
}

static rns_status_t apply(rns_ops_t* self, const rns_op_t* op, const uint8_t* source)
{
    rns_store_t* const store = self->store;
    rns_bytes_t* const bytes = &self->handles[op->handle];
    const rns_bytes_t* const other = &self->handles[op->other];
    switch ((rns_op_code_t)op->op) {
    case RNS_OP_CREATE: {
        const rns_status_t status = rns_bytes_drop(bytes, store);
        return status == RNS_OK ? rns_bytes_init(bytes, store, source, op->length) : status;
    }
    case RNS_OP_SHARE:
        return replace(self, bytes, rns_bytes_share(other, store));
    case RNS_OP_SLICE:
        return replace(self, bytes, rns_bytes_slice(other, store, (size_t)op->start, op->length));
    case RNS_OP_WRITE:
        return write_over(self, op, source);
    case RNS_OP_APPEND:
        return rns_bytes_append(bytes, store, source, op->length);
    case RNS_OP_PREPEND:
        return rns_bytes_prepend(bytes, store, source, op->length);
    case RNS_OP_CONCAT:
        return rns_bytes_append_bytes(bytes, store, other);
    case RNS_OP_COMPACT:
        return rns_bytes_compact(bytes, store);
    case RNS_OP_DROP:
        return rns_bytes_drop(bytes, store);
    case RNS_OP_COUNT:
        break;
    }
    return RNS_OK;
}

rns_status_t rns_ops_run(rns_ops_t* self, size_t first, size_t end)
{
    for (size_t i = first; i < end; ++i) {
        const rns_op_t* const op = &self->ops[i];
        if (HAS_METER(self)) {
            rns_meter_advance(self->meter, op->t_ns);
        }
        const rns_status_t status = apply(self, op, &self->pattern[i % RNS_OPS_PATTERN]);
        if (HAS_METER(self)) {
            rns_meter_sample(self->meter, op->t_ns);
        }
        self->status[i] = (int16_t)status;
        if (status < RNS_OK && status != RNS_INPUT_RANGE) {
            return status;
        }
    }
    return RNS_OK;
}

void rns_ops_end(rns_ops_t* self, size_t handle_count)
{
    for (size_t i = 0; i < handle_count; ++i) {
        (void)rns_bytes_drop(&self->handles[i], self->store);
    }
}
