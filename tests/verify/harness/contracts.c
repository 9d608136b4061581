/* What the functions that choose sizes, tiers and references promise, for every argument there is.
 * The bodies are those of the library; here are only their prototypes and contracts. */
#include "rns_pool.h"
#include "rns_store.h"

/* ---- Tier choice ---- */

/* The home is the first tier that is not too small: the limits ascend, so that as many are too
 * small as there are tiers before it. */

/*@ requires \valid_read(self) && self->tier_count == 4;
    requires \forall integer i, j; 0 <= i < j < 4 ==> self->home_limit[i] < self->home_limit[j];
    assigns \nothing;
    ensures \result == (size_bytes > self->home_limit[0] ? 1 : 0) +
                       (size_bytes > self->home_limit[1] ? 1 : 0) +
                       (size_bytes > self->home_limit[2] ? 1 : 0) +
                       (size_bytes > self->home_limit[3] ? 1 : 0); */
static inline uint32_t pool_home(const rns_pool_t* self, size_t size_bytes);

/*@ requires \valid_read(tier);
    assigns \nothing;
    ensures priority == RNS_PRIORITY_HIGH ==> \result == 0;
    ensures priority != RNS_PRIORITY_HIGH ==> \result == tier->reserve_count; */
static inline uint32_t pool_keep_count(const rns_pool_tier_t* tier, rns_priority_t priority);

/*@ requires \valid_read(self) && tier_index < 4;
    assigns \nothing;
    ensures \result == self->slot_bytes[tier_index]; */
static inline uint32_t pool_slot_bytes(const rns_pool_t* self, uint32_t tier_index);

#include "rns_pool_inline.h"

/* ---- Sizes ---- */

/*@ requires \valid_read(pool) && 1 <= pool->tier_count <= 4;
    assigns \nothing;
    ensures \result >= need_bytes;
    ensures \result <= need_bytes + wish_bytes;
    ensures need_bytes <= pool->slot_bytes[pool->tier_count - 1]
            ==> \result <= pool->slot_bytes[pool->tier_count - 1];
    ensures need_bytes + wish_bytes <= pool->slot_bytes[pool->tier_count - 1]
            ==> \result == need_bytes + wish_bytes; */
static inline uint64_t store_request_bytes(const rns_pool_t* pool, uint64_t need_bytes,
                                           uint64_t wish_bytes);

#include "rns_store_inline.h"

/*@ requires \valid(out);
    assigns *out;
    ensures \result == RNS_OK ==>
            out->stride_bytes % 16 == 0 &&
            header_bytes + slot_bytes <= out->stride_bytes < header_bytes + slot_bytes + 16 &&
            out->slots_bytes == slot_count * out->stride_bytes;
    ensures \result == RNS_OK && slot_count <= 32 ==> out->bitmap_bytes == 0; */
rns_status_t rns_tier_layout(size_t slot_bytes, uint32_t header_bytes, uint32_t slot_count,
                             rns_tier_layout_t* out);

#include "rns_tier.c"

/*@ requires bytes <= 9223372036854775807;
    requires \valid(storage_bytes) && \valid(offset) && \separated(storage_bytes, offset);
    requires *storage_bytes % 16 == 0 && *storage_bytes <= 9223372036854775807;
    assigns *storage_bytes, *offset;
    ensures \result ==> *offset == \old(*storage_bytes) &&
            \old(*storage_bytes) + bytes <= *storage_bytes <= 9223372036854775807 &&
            *storage_bytes % 16 == 0;
    ensures !\result ==> *storage_bytes == \old(*storage_bytes); */
static bool append(size_t* storage_bytes, size_t bytes, size_t* offset);

/*@ assigns \nothing;
    ensures a.bytes > 0 && b.bytes > 0 &&
            (uintptr_t)a.start + a.bytes <= 18446744073709551615 &&
            (uintptr_t)b.start + b.bytes <= 18446744073709551615 ==>
            (\result <==> (uintptr_t)a.start < (uintptr_t)b.start + b.bytes &&
                          (uintptr_t)b.start < (uintptr_t)a.start + a.bytes); */
static bool overlap(rns_memory_t a, rns_memory_t b);

#include "rns_pool_init.c"

/* ---- References ---- */

/*@ requires \valid(self) && \valid(store);
    requires \separated(self, store);
    requires 1 <= self->refs < 4294967295;
    assigns self->refs, self->used, store->slices, store->shares;
    ensures self->refs == \old(self->refs) + 1;
    ensures \old(self->refs) == 1 ==> self->used == end;
    ensures \old(self->refs) != 1 ==> self->used == \old(self->used); */
void rns_buffer_share(rns_buffer_t* self, rns_store_t* store, uint32_t end, bool is_slice);

/*@ assigns \result \from self->pool; */
rns_status_t rns_store_give(rns_store_t* self, rns_buffer_t* buffer);

/*@ requires \valid(self) && \valid(store);
    assigns self->refs;
    ensures \old(self->refs) > 1 ==>
            \result == RNS_OK && self->refs == \old(self->refs) - 1;
    ensures \old(self->refs) <= 1 ==> self->refs == \old(self->refs); */
rns_status_t rns_buffer_release(rns_buffer_t* self, rns_store_t* store);
