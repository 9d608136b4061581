/// @file rns_store_inline.h
/// The short path of taking a buffer, for rns_store.c, which exports it, and rns_bytes.c, which
/// inlines it.
#ifndef RNS_STORE_INLINE_H
#define RNS_STORE_INLINE_H

#include "rns_pool_inline.h"
#include "rns_store.h"

/// What a take has come to, in registers.
typedef struct {
    rns_buffer_t* buffer; ///< NULL unless the status is RNS_OK.
    rns_status_t status;
    uint32_t capacity; ///< Of the buffer, known before its header can be read.
} store_grant_t;

/// rns_store_take() where the bitmap in the gate does not serve.
store_grant_t rns_store_take_apart(rns_store_t* self, uint32_t size_bytes);

/// Tell whether the plan of faults, which is not NULL, makes a request fail.
bool rns_store_is_struck(rns_store_t* self, uint32_t home);

/// Return what to ask the pool for: the wish gives way where it alone makes a request oversize. At
/// least `need_bytes`, also where the sum does not fit 64 bit.
static inline uint64_t store_request_bytes(const rns_pool_t* pool, uint64_t need_bytes,
                                           uint64_t wish_bytes)
{
    const uint32_t largest = pool_slot_bytes(pool, pool->tier_count - 1u);
    const uint64_t both = need_bytes + wish_bytes;
    if (need_bytes > largest) {
        return both < need_bytes ? need_bytes : both;
    }
    return wish_bytes > largest - need_bytes ? largest : both;
}

/// Write the header of a slot, or of a block of the fallback, that no other thread can see yet.
static inline void store_begin(rns_buffer_t* buffer, const rns_store_t* store, uint32_t capacity,
                               uint32_t tier_index)
{
    const bool is_slot = tier_index != RNS_BUFFER_NO_TIER;
    rns_cell_put(&buffer->refs, 1u);
    rns_cell_put(&buffer->used, 0u);
    buffer->capacity = capacity;
    buffer->tier = (uint8_t)tier_index;
    buffer->flags = (uint8_t)(is_slot ? 0u : RNS_BUFFER_FALLBACK);
    buffer->generation = (uint8_t)(is_slot ? buffer->generation + 1u : 0u);
    buffer->tag = store->options.tag;
}

/// rns_store_take().
static inline store_grant_t store_take(rns_store_t* self, uint64_t need_bytes, uint64_t wish_bytes)
{
    rns_pool_t* const pool = self->pool;
    const uint64_t size_bytes = store_request_bytes(pool, need_bytes, wish_bytes);
    if (size_bytes > UINT32_MAX) {
        return (store_grant_t){.status = RNS_MISS_OVERSIZE};
    }
    const uint32_t home = pool_home(pool, (size_t)size_bytes);
    if (self->options.fault != NULL && rns_store_is_struck(self, home)) {
        const bool is_oversize = home == pool->tier_count;
        return (store_grant_t){.status = is_oversize ? RNS_MISS_OVERSIZE : RNS_MISS_EXHAUSTED};
    }
#if POOL_IS_SHORT
    if (home == pool->tier_count) {
        return rns_store_take_apart(self, (uint32_t)size_bytes);
    }
    const pool_grant_t grant =
        pool_take_bit(pool, home, (size_t)size_bytes, self->options.priority);
    if (grant.bit.index == RNS_NO_SLOT) {
        return rns_store_take_apart(self, (uint32_t)size_bytes);
    }
    rns_buffer_t* const buffer = pool_slot(&pool->tiers[home], grant.bit);
    const uint32_t capacity = pool_slot_bytes(pool, home);
    store_begin(buffer, self, capacity, home);
    if (grant.has_note) {
        (void)rns_pool_note_grant(pool, home, grant.bit, (size_t)size_bytes);
    }
    return (store_grant_t){.buffer = buffer, .status = RNS_OK, .capacity = capacity};
#else
    return rns_store_take_apart(self, (uint32_t)size_bytes);
#endif
}

#endif
