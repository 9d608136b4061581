/// @file tier_fixture.h
/// One tier with memory of exactly the bytes it asks for, so that a sanitizer sees one too many.
#ifndef TIER_FIXTURE_H
#define TIER_FIXTURE_H

#include "check.h"
#include "rns_guard.h"
#include "rns_tier.h"
#include <stdlib.h>

typedef struct {
    rns_tier_t tier;
    rns_tier_layout_t layout;
    unsigned char* slots;
    void* bitmap;
} tier_fixture_t;

static inline void tier_fixture_init(tier_fixture_t* self, size_t slot_bytes,
                                     uint32_t header_bytes, uint32_t slot_count)
{
    CHECK_STATUS(rns_tier_layout(slot_bytes, header_bytes, slot_count, &self->layout), RNS_OK);
    self->slots = malloc(self->layout.slots_bytes);
    self->bitmap = self->layout.bitmap_bytes == 0 ? NULL : malloc(self->layout.bitmap_bytes);
    rns_tier_init(&self->tier, &self->layout, self->slots, self->bitmap);
}

static inline void free_tier_fixture(tier_fixture_t* self)
{
    free(self->slots);
    free(self->bitmap);
}

/// Verify the tier and free its memory.
static inline void tier_fixture_end(tier_fixture_t* self)
{
    CHECK_TEXT(rns_tier_check(&self->tier).invariant, NULL);
    free_tier_fixture(self);
}

/// Take a slot; return its index by plain division, UINT32_MAX if the tier is full.
static inline uint32_t tier_take_index(tier_fixture_t* self)
{
    void* out = self;
    if (rns_tier_take(&self->tier, 0, &out) != RNS_OK) {
        return UINT32_MAX;
    }
    return (uint32_t)((size_t)((unsigned char*)out - self->slots) / self->tier.stride_bytes);
}

static inline rns_status_t tier_give_index(tier_fixture_t* self, uint32_t index)
{
    return rns_tier_give(&self->tier, self->slots + (size_t)index * self->tier.stride_bytes);
}

#endif
