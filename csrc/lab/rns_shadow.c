#include "rns_shadow.h"

#include <stdlib.h>

/// In front of a block; as long as the alignment of what malloc returns.
struct rns_shadow_front {
    _Alignas(max_align_t) rns_shadow_front_t* next;
    rns_shadow_front_t* previous;
    uint32_t offset_bytes; ///< In the model; RNS_HEAP_NONE: it refused.
};

static void* take(void* context, size_t size_bytes)
{
    rns_shadow_t* const self = context;
    rns_shadow_front_t* const front = malloc(sizeof *front + size_bytes);
    if (front == NULL) {
        return NULL;
    }
    front->next = self->live;
    front->previous = NULL;
    if (self->live != NULL) {
        self->live->previous = front;
    }
    self->live = front;
    self->tally.requests += 1u;
    if (rns_heap_take(self->heap, size_bytes, &front->offset_bytes) != RNS_OK) {
        self->tally.failures += 1u;
    }
    return front + 1;
}

static void release(rns_shadow_t* self, rns_shadow_front_t* front)
{
    if (front->offset_bytes != RNS_HEAP_NONE) {
        (void)!rns_heap_give(self->heap, front->offset_bytes);
    }
    free(front);
}

static bool give(void* context, void* block)
{
    rns_shadow_t* const self = context;
    rns_shadow_front_t* const front = (rns_shadow_front_t*)block - 1;
    if (front->next != NULL) {
        front->next->previous = front->previous;
    }
    *(front->previous != NULL ? &front->previous->next : &self->live) = front->next;
    release(self, front);
    return true;
}

void rns_shadow_drop(rns_shadow_t* self)
{
    rns_shadow_front_t* front = self->live;
    self->live = NULL;
    while (front != NULL) {
        rns_shadow_front_t* const next = front->next;
        release(self, front);
        front = next;
    }
}

rns_fallback_t rns_shadow_fallback(rns_shadow_t* self)
{
    return (rns_fallback_t){.take = take, .give = give, .context = self};
}

void rns_shadow_sample(rns_shadow_t* self)
{
    rns_shadow_tally_t* const tally = &self->tally;
    const uint32_t ppm = rns_heap_fragmentation_ppm(self->heap);
    const uint32_t largest = rns_heap_largest_free(self->heap);
    const uint32_t total = rns_heap_total_free(self->heap);
    tally->samples += 1u;
    tally->fragmentation_ppm_sum += ppm;
    tally->fragmentation_ppm_max =
        ppm > tally->fragmentation_ppm_max ? ppm : tally->fragmentation_ppm_max;
    tally->largest_free_min =
        largest < tally->largest_free_min ? largest : tally->largest_free_min;
    tally->total_free_min = total < tally->total_free_min ? total : tally->total_free_min;
    tally->probe_failures += rns_heap_fits(self->heap, RNS_SHADOW_PROBE_BYTES) ? 0u : 1u;
}

void rns_shadow_clear(rns_shadow_t* self)
{
    self->tally =
        (rns_shadow_tally_t){.largest_free_min = UINT32_MAX, .total_free_min = UINT32_MAX};
}
