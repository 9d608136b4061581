#include "rns_timed.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#    include <malloc.h>
#endif

#define PAGE_BYTES 4096u

static bool is_malloc(const rns_timed_t* self)
{
    return self->pool == NULL && self->heaps[0] == NULL && self->heaps[1] == NULL;
}

static unsigned char* arena(const rns_heap_t* heap)
{
    return (unsigned char*)heap->words;
}

/// Return a block of pool or heaps, NULL if none serves the request.
static unsigned char* take_modelled(rns_timed_t* self, size_t size_bytes)
{
    void* slot = NULL;
    uint32_t offset_bytes = 0;
    if (self->pool != NULL &&
        rns_pool_take(self->pool, size_bytes, RNS_PRIORITY_NORMAL, &slot) == RNS_OK) {
        return slot;
    }
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX; ++i) {
        rns_heap_t* const heap = self->heaps[i];
        if (heap != NULL && rns_heap_take(heap, size_bytes, &offset_bytes) == RNS_OK) {
            return arena(heap) + offset_bytes;
        }
    }
    return NULL;
}

static void give_modelled(rns_timed_t* self, unsigned char* at)
{
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX; ++i) {
        rns_heap_t* const heap = self->heaps[i];
        const uintptr_t offset_bytes =
            heap == NULL ? UINTPTR_MAX : (uintptr_t)at - (uintptr_t)arena(heap);
        if (heap != NULL && offset_bytes < heap->arena_bytes) {
            (void)!rns_heap_give(heap, (uint32_t)offset_bytes);
            return;
        }
    }
    (void)!rns_pool_give(self->pool, at);
}

static void touch(unsigned char* at, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i += PAGE_BYTES) {
        at[i] = 1;
    }
    if (size_bytes > 0) {
        at[size_bytes - 1u] = 1;
    }
}

static void alloc(rns_timed_t* self, size_t size_bytes, unsigned char** block)
{
    *block = is_malloc(self) ? malloc(size_bytes) : take_modelled(self, size_bytes);
    if (*block != NULL) {
        touch(*block, size_bytes);
    } else {
        self->failures += 1u;
    }
}

static void release(rns_timed_t* self, unsigned char** block)
{
    if (is_malloc(self)) {
        free(*block);
    } else if (*block != NULL) {
        give_modelled(self, *block);
    }
    *block = NULL;
}

void rns_timed_begin(rns_timed_t* self)
{
    self->failures = 0;
    for (size_t i = 0; i < self->block_count; ++i) {
        self->blocks[i] = NULL;
    }
}

void rns_timed_run(rns_timed_t* self, size_t first, size_t end)
{
    for (size_t i = first; i < end; ++i) {
        unsigned char** const block = &self->blocks[self->block[i]];
        if (self->events[i].op == RNS_EVENT_ALLOC) {
            alloc(self, (size_t)self->events[i].size_bytes, block);
        } else {
            release(self, block);
        }
    }
}

void rns_timed_end(rns_timed_t* self)
{
    for (size_t i = 0; i < self->block_count; ++i) {
        release(self, &self->blocks[i]);
    }
}

void rns_timed_trim(void)
{
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}
