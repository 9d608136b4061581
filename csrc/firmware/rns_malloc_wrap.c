#include "rns_malloc_wrap.h"

#include "rns_pool_inline.h"
#include <string.h>

/* The linker's names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-*) */
void* __real_malloc(size_t bytes);
void* __real_calloc(size_t count, size_t each_bytes);
void* __real_realloc(void* block, size_t bytes);
void __real_free(void* block);
void* __wrap_malloc(size_t bytes);
void* __wrap_calloc(size_t count, size_t each_bytes);
void* __wrap_realloc(void* block, size_t bytes);
void __wrap_free(void* block);

/// malloc() has no argument for it.
static rns_malloc_wrap_t* wrap;

void rns_malloc_wrap_begin(rns_malloc_wrap_t* self)
{
    wrap = self;
}

const char* rns_violation_name(rns_violation_t violation)
{
    static const char* const names[RNS_VIOLATION_COUNT] = {"EXHAUSTED", "OVERSIZE", "OVERFLOW",
                                                           "OUTSIDE", "MISUSE"};
    return violation < RNS_VIOLATION_COUNT ? names[violation] : "UNKNOWN";
}

/// Count a violation; tell whether the C library may serve it.
static bool violate(rns_violation_t violation)
{
    RNS_LOCK_ENTER(&wrap->pool->lock);
    rns_cell_add(&wrap->violations[violation], 1u);
    RNS_LOCK_LEAVE(&wrap->pool->lock);
    return wrap->policy == RNS_MALLOC_PASS && violation != RNS_VIOLATION_OVERFLOW &&
           violation != RNS_VIOLATION_MISUSE;
}

/// Take from the pool.
///
/// @param may_pass  Receives whether the C library may serve what the pool did not.
static void* take(size_t bytes, bool* may_pass)
{
    void* slot = NULL;
    const rns_status_t status = rns_pool_take(wrap->pool, bytes, RNS_PRIORITY_NORMAL, &slot);
    *may_pass = status != RNS_OK && violate(status == RNS_MISS_OVERSIZE ? RNS_VIOLATION_OVERSIZE
                                                                        : RNS_VIOLATION_EXHAUSTED);
    return slot;
}

void* __wrap_malloc(size_t bytes)
{
    bool may_pass = true;
    void* const slot = wrap != NULL ? take(bytes, &may_pass) : NULL;
    return slot == NULL && may_pass ? __real_malloc(bytes) : slot;
}

void* __wrap_calloc(size_t count, size_t each_bytes)
{
    if (wrap == NULL) {
        return __real_calloc(count, each_bytes);
    }
    if (each_bytes != 0 && count > SIZE_MAX / each_bytes) {
        (void)violate(RNS_VIOLATION_OVERFLOW);
        return NULL;
    }
    bool may_pass = false;
    void* const slot = take(count * each_bytes, &may_pass);
    if (slot != NULL) {
        return memset(slot, 0, count * each_bytes);
    }
    return may_pass ? __real_calloc(count, each_bytes) : NULL;
}

void __wrap_free(void* block)
{
    uint32_t tier = 0;
    uint32_t index = 0;
    if (wrap == NULL || block == NULL ||
        rns_pool_locate(wrap->pool, block, &tier, &index) == RNS_MISUSE_FOREIGN) {
        __real_free(block);
    } else if (rns_pool_give(wrap->pool, block) != RNS_OK) { /* which counts what it was, too */
        (void)violate(RNS_VIOLATION_MISUSE);
    }
}

/// realloc() of the slot at a place in the pool.
static void* resize(void* slot, uint32_t tier, size_t bytes)
{
    const uint32_t slot_bytes = pool_slot_bytes(wrap->pool, tier);
    if (bytes <= slot_bytes) {
        return slot;
    }
    void* const moved = __wrap_malloc(bytes);
    if (moved != NULL) {
        memcpy(moved, slot, slot_bytes);
        __wrap_free(slot);
    }
    return moved;
}

void* __wrap_realloc(void* block, size_t bytes)
{
    if (block == NULL) {
        return __wrap_malloc(bytes);
    }
    if (wrap == NULL) {
        return __real_realloc(block, bytes);
    }
    if (bytes == 0) {
        __wrap_free(block);
        return NULL;
    }
    uint32_t tier = 0;
    uint32_t index = 0;
    const rns_status_t status = rns_pool_locate(wrap->pool, block, &tier, &index);
    if (status == RNS_MISUSE_FOREIGN) {
        return violate(RNS_VIOLATION_OUTSIDE) ? __real_realloc(block, bytes) : NULL;
    }
    if (status != RNS_OK || !rns_pool_is_live(wrap->pool, tier, index)) {
        (void)violate(RNS_VIOLATION_MISUSE);
        return NULL;
    }
    return resize(block, tier, bytes);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-*) */
