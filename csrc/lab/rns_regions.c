#include "rns_regions.h"

#include <stdlib.h>

/// In front of a block; as long as the alignment of what malloc returns.
typedef struct {
    _Alignas(max_align_t) uint32_t region;
    uint32_t offset_bytes; ///< In the region's heap.
} front_t;

/// Find a place for a block; return whether there is one.
static bool place(rns_regions_t* self, size_t size_bytes, front_t* where)
{
    for (uint32_t i = 0; i < RNS_REGIONS_HEAPS_MAX; ++i) {
        rns_region_t* const region = &self->regions[i];
        if (region->heap == NULL) {
            continue;
        }
        if (rns_heap_take(region->heap, size_bytes, &where->offset_bytes) == RNS_OK) {
            where->region = i;
            return true;
        }
        region->refused += 1u;
    }
    return false;
}

static void count(rns_regions_t* self, size_t size_bytes, uint32_t index)
{
    rns_region_t* const region = &self->regions[index];
    const uint32_t free_bytes = rns_heap_total_free(region->heap);
    region->free_min_bytes =
        free_bytes < region->free_min_bytes ? free_bytes : region->free_min_bytes;
    region->served += 1u;
    region->large += size_bytes - self->header_bytes > RNS_REGIONS_LARGE_BYTES ? 1u : 0u;
    self->last = index;
}

static void* take(void* context, size_t size_bytes)
{
    rns_regions_t* const self = context;
    front_t where;
    /* A heap is asked first: no machine has what a trace may ask for. */
    if (!place(self, size_bytes, &where)) {
        return NULL;
    }
    front_t* const front = malloc(sizeof *front + size_bytes);
    if (front == NULL) {
        (void)!rns_heap_give(self->regions[where.region].heap, where.offset_bytes);
        return NULL;
    }
    count(self, size_bytes, where.region);
    *front = where;
    return front + 1;
}

static bool give(void* context, void* block)
{
    rns_regions_t* const self = context;
    front_t* const front = (front_t*)block - 1;
    (void)!rns_heap_give(self->regions[front->region].heap, front->offset_bytes);
    free(front);
    return true;
}

void rns_regions_begin(rns_regions_t* self)
{
    self->last = 0;
    for (uint32_t i = 0; i < RNS_REGIONS_HEAPS_MAX; ++i) {
        rns_region_t* const region = &self->regions[i];
        region->served = region->refused = region->large = 0;
        region->free_min_bytes = region->heap == NULL ? 0 : rns_heap_total_free(region->heap);
    }
}

rns_fallback_t rns_regions_fallback(rns_regions_t* self)
{
    return (rns_fallback_t){.take = take, .give = give, .context = self};
}
