/// @file rns_store.h
/// Where Bytes live: a pool, how one user of it wants its buffers, and what that user did.
///
/// Owns: the buffers (reference count, capacity), their statistics, and the hook for injected
/// faults. A pool may have many stores, one for each part of a program: each has its own tag,
/// rooms, priority and statistics. A buffer taken through one may be dropped through another.
/// Does not: own the pool, or know of handles and content (rns_bytes_t).
///
/// How: a buffer is one slot of the pool: this header of 16 bytes, then `capacity` bytes. What the
/// pool's fallback serves looks the same and is flagged.
///
/// Words: *unique* is a buffer with one reference, *shared* one with more. *Headroom* is what is
/// free in front of the content, *tailroom* behind.
///
/// Cost: a take or a release is that of the pool, and for a take rns_pool_locate().
///
/// Threads: as the pool. A buffer is shared between threads, a handle is not. In RNS_SYNC_LOCK the
/// pool's lock covers reference counts and statistics; content is copied outside it.
///
/// Invariants (rns_store_check, at rest; every slot of the pool is a buffer):
///   I13  A live buffer has refs >= 1.
///   I14  Its tier is the one it lies in, and its capacity is that tier's slot_bytes: buffers move
///        between tiers, they never grow inside one.
///   I15  used <= capacity. While refs > 1, every handle ends at or below `used`, so that what is
///        above can be claimed. (While refs == 1 `used` means nothing: it is set by sharing.)
#ifndef RNS_STORE_H
#define RNS_STORE_H

#include "rns_fault.h"
#include "rns_guard.h"
#include "rns_pool.h"

#define RNS_BUFFER_HEADER_BYTES 16u   ///< The header_bytes of a pool for Bytes.
#define RNS_BUFFER_FALLBACK     0x01u ///< Flag: a block of the pool's fallback.
#define RNS_BUFFER_NO_TIER      0xFFu ///< Tier of such a block.

/// The front of a slot.
typedef struct {
    RNS_CELL(uint32_t) refs;
    uint32_t capacity;
    RNS_CELL(uint32_t) used; ///< Where unclaimed bytes begin, while shared.
    uint8_t tier;
    uint8_t flags;
    uint8_t generation; ///< Changes whenever the slot is taken (not with RNS_POISON).
    uint8_t tag;        ///< Of the store that took it.
} rns_buffer_t;

_Static_assert(sizeof(rns_buffer_t) == RNS_BUFFER_HEADER_BYTES, "the header is 16 bytes");
_Static_assert(RNS_BUFFER_HEADER_BYTES % RNS_ALIGN_BYTES == 0, "the payload is aligned");

/// A store as its user wants it; all zero is plain.
typedef struct {
    uint32_t headroom_bytes; ///< Wished in every new buffer; less where no tier has it.
    uint32_t tailroom_bytes; ///< Likewise.
    rns_priority_t priority; ///< Of its requests.
    uint8_t tag;             ///< Tells its buffers from those of other stores.
    rns_fault_t* fault;      ///< Asked before every request; NULL: none. Outlives the store.
} rns_store_options_t;

/// What was done through a store. Zero where RNS_STATS is off.
typedef struct {
    rns_counter_t shares;
    rns_counter_t slices;
    rns_counter_t copies_avoided; ///< shares + slices
    rns_counter_t cow_copies;     ///< Writes that had to copy because the buffer was shared.
    rns_counter_t cow_bytes;      ///< Content they copied.
    rns_counter_t tail_appends;   ///< Appends to a shared buffer that copied nothing.
    rns_counter_t grows;          ///< Moves of a unique buffer because it was too small.
    rns_counter_t compactions;    ///< Moves to a smaller tier.
} rns_store_stats_t;

typedef struct {
    rns_pool_t* pool;
    rns_store_options_t options;
#if RNS_STATS
    RNS_CELL(rns_counter_t) shares;
    RNS_CELL(rns_counter_t) slices;
    RNS_CELL(rns_counter_t) cow_copies;
    RNS_CELL(rns_counter_t) cow_bytes;
    RNS_CELL(rns_counter_t) tail_appends;
    RNS_CELL(rns_counter_t) grows;
    RNS_CELL(rns_counter_t) compactions;
#endif
} rns_store_t;

#if RNS_STATS
#    define RNS_STORE_ADD(cell, value) rns_cell_count((cell), (rns_counter_t)(value))
#else
#    define RNS_STORE_ADD(cell, value) ((void)0)
#endif

/// Make a store over a pool.
///
/// @param pool     Initialised; serves Bytes only. Outlives the store.
/// @param options  Copied.
///
/// @retval RNS_CONFIG_HEADER  The pool's header_bytes is not RNS_BUFFER_HEADER_BYTES.
///
/// Cost: O(1).  Threads: none else may use the store yet.
RNS_MUST_USE rns_status_t rns_store_init(rns_store_t* self, rns_pool_t* pool,
                                         const rns_store_options_t* options);

/// Take a buffer with one reference.
///
/// @param need_bytes  Capacity it must have.
/// @param wish_bytes  More that it should have: it comes from the smallest tier that holds both,
///                    or from the largest if none does.
/// @param out         Receives the buffer; NULL unless RNS_OK is returned.
///
/// @retval RNS_MISS_EXHAUSTED, RNS_MISS_OVERSIZE  As rns_pool_take(), or an injected fault.
///
/// Cost: see the file comment.  Threads: safe.
RNS_MUST_USE rns_status_t rns_store_take(rns_store_t* self, uint64_t need_bytes,
                                         uint64_t wish_bytes, rns_buffer_t** out);

/// Give back a buffer that has no other references.
///
/// @retval RNS_MISUSE_*, RNS_DAMAGE_CANARY  As rns_pool_give().
///
/// Cost: that of rns_pool_give(), mostly less: the buffer says where it came from.  Threads: safe.
RNS_MUST_USE rns_status_t rns_store_give(rns_store_t* self, rns_buffer_t* buffer);

/// Undo rns_bytes_export().
///
/// @param pin  The view's; NULL is that of an empty one.
///
/// @retval RNS_MISUSE_*  As rns_pool_give(), counted. A foreign pointer is only detected while no
///                       block of the fallback is out.
///
/// Cost: O(tier_count).  Threads: safe, from any thread.
rns_status_t rns_store_unexport(rns_store_t* self, void* pin);

/// Return what was done through this store.  Threads: safe.
rns_store_stats_t rns_store_stats(rns_store_t* self);

/// A buffer in use, whoever took it.
typedef struct {
    const rns_buffer_t* buffer;
    uint32_t tier_index;
    uint32_t slot_index;
    uint32_t capacity;
    uint32_t refs; ///< Handles and exports.
    uint8_t generation;
    uint8_t tag;
} rns_live_buffer_t;

typedef void (*rns_live_buffer_visitor_t)(void* context, const rns_live_buffer_t* live);

/// Call `visit` for every buffer in use in the pool, by tier and index: who still shares a slot.
///
/// Blocks of the fallback are not listed; the pool counts them (fallbacks - fallback_gives).
///
/// Cost: O(slots).  Threads: at rest only, since a slot may be taken before it has its header.
void rns_store_each_live(rns_store_t* self, rns_live_buffer_visitor_t visit, void* context);

/// Verify I1 to I15.
///
/// Cost: O(slots), with RNS_POISON O(bytes).  Threads: at rest only.
rns_damage_t rns_store_check(rns_store_t* self);

/* ---- Reference counts, for rns_bytes.h -------------------------------------------------------
 */

/// Return the first byte of the payload.
RNS_INLINE uint8_t* rns_buffer_bytes(rns_buffer_t* self)
{
    return (uint8_t*)(self + 1);
}

/// Return the number of references. Of a handle's own buffer 1 is certain, more may be outdated.
RNS_INLINE uint32_t rns_buffer_refs(rns_buffer_t* self, rns_store_t* store)
{
    RNS_LOCK_ENTER(&store->pool->lock);
    const uint32_t refs = rns_cell_load(&self->refs);
    RNS_LOCK_LEAVE(&store->pool->lock);
    (void)store;
    return refs;
}

/// Add a reference for a handle whose content ends at `end`.
///
/// Nothing here is ordered. Of a unique buffer the caller has the only handle, so no other thread
/// can see it; a shared one cannot go away while the caller has its own. What hands the new handle
/// to another thread orders it, and dropping does.
RNS_INLINE void rns_buffer_share(rns_buffer_t* self, rns_store_t* store, uint32_t end,
                                 bool is_slice)
{
    RNS_LOCK_ENTER(&store->pool->lock);
    if (rns_cell_load(&self->refs) == 1u) {
        rns_cell_put(&self->used, end);
        rns_cell_put(&self->refs, 2u);
    } else {
        rns_cell_count(&self->refs, 1u);
    }
    RNS_STORE_ADD(is_slice ? &store->slices : &store->shares, 1u);
    RNS_LOCK_LEAVE(&store->pool->lock);
    (void)store;
    (void)is_slice;
}

/// Drop a reference; the last one gives the buffer back.
///
/// @retval RNS_MISUSE_*, RNS_DAMAGE_CANARY  As rns_pool_give().
RNS_INLINE rns_status_t rns_buffer_release(rns_buffer_t* self, rns_store_t* store)
{
    RNS_LOCK_ENTER(&store->pool->lock);
    uint32_t refs = rns_cell_load(&self->refs);
    if (RNS_POISON && refs == RNS_POISON_BYTE * 0x01010101u) {
        refs = 0; /* the slot is free: the pool refuses it, and its bytes stay untouched */
    }
    while (refs > 1u && !rns_cell_cas(&self->refs, &refs, refs - 1u)) {
    }
    RNS_LOCK_LEAVE(&store->pool->lock);
    return refs > 1u ? RNS_OK : rns_store_give(store, self);
}

#endif
