/// @file rns_heap_block.h
/// How blocks and links lie in the arena of a heap model; for its sources only.
///
/// Every kind but buddy marks its blocks alike. Words of a block, each word_bytes wide, of which
/// the lower 32 bits are used:
///
///   0     block bytes, bit 0: this block is free, bit 1: the one before is
///   1, 2  free: offsets of the next and the previous block in the list (buddy, too)
///   last  free: block bytes, for the block behind
///
/// A live block keeps header_bytes; word 0 is all that is used of them. Where the original has a
/// longer header it holds a link, which is NULL while the block is live.
#ifndef RNS_HEAP_BLOCK_H
#define RNS_HEAP_BLOCK_H

#include "rns_heap.h"

#define RNS_HEAP_FREE        1u
#define RNS_HEAP_BEFORE_FREE 2u
#define RNS_HEAP_FLAGS       3u

#define RNS_HEAP_LINK_NEXT     1u
#define RNS_HEAP_LINK_PREVIOUS 2u

/// buddy: log2 of a block in units, and whether it is free.
#define RNS_HEAP_ORDER_FREE 0x80u

/// Return a word of the block at an offset.
static inline uint32_t* rns_heap_word(const rns_heap_t* self, uint32_t block, uint32_t index)
{
    return &self->words[(block >> 2) + (index << self->word_shift)];
}

/// Return the word in front of an offset: the last of the block that ends there.
static inline uint32_t* rns_heap_word_before(const rns_heap_t* self, uint32_t end)
{
    return &self->words[(end >> 2) - (1u << self->word_shift)];
}

static inline uint32_t rns_heap_floor_unit(const rns_heap_t* self, uint32_t bytes)
{
    return bytes & ~(self->unit_bytes - 1u);
}

static inline rns_heap_class_t rns_heap_class_of(const rns_heap_t* self, uint32_t block_bytes)
{
    return rns_heap_bins_class(&self->bins, block_bytes - self->class_less_bytes);
}

/// Put a block at the head of the list of its class.
static inline void rns_heap_link(rns_heap_t* self, uint32_t block, uint32_t block_bytes)
{
    const rns_heap_class_t class = rns_heap_class_of(self, block_bytes);
    uint32_t* const head = &self->bins.heads[class.first][class.second];
    *rns_heap_word(self, block, RNS_HEAP_LINK_NEXT) = *head;
    *rns_heap_word(self, block, RNS_HEAP_LINK_PREVIOUS) = RNS_HEAP_NONE;
    if (*head != RNS_HEAP_NONE) {
        *rns_heap_word(self, *head, RNS_HEAP_LINK_PREVIOUS) = block;
    }
    *head = block;
    self->bins.second_bits[class.first] |= 1u << class.second;
    self->bins.first_bits |= 1u << class.first;
}

/// Take a block out of the list of its class.
static inline void rns_heap_unlink(rns_heap_t* self, uint32_t block, uint32_t block_bytes)
{
    const uint32_t next = *rns_heap_word(self, block, RNS_HEAP_LINK_NEXT);
    const uint32_t previous = *rns_heap_word(self, block, RNS_HEAP_LINK_PREVIOUS);
    if (next != RNS_HEAP_NONE) {
        *rns_heap_word(self, next, RNS_HEAP_LINK_PREVIOUS) = previous;
    }
    if (previous != RNS_HEAP_NONE) {
        *rns_heap_word(self, previous, RNS_HEAP_LINK_NEXT) = next;
        return;
    }
    const rns_heap_class_t class = rns_heap_class_of(self, block_bytes);
    self->bins.heads[class.first][class.second] = next;
    if (next == RNS_HEAP_NONE) {
        self->bins.second_bits[class.first] &= ~(1u << class.second);
        if (self->bins.second_bits[class.first] == 0) {
            self->bins.first_bits &= ~(1u << class.first);
        }
    }
}

/// Return the head of the lowest list of which every block has `block_bytes`, or RNS_HEAP_NONE.
static inline uint32_t rns_heap_good_fit(const rns_heap_t* self, uint32_t block_bytes)
{
    rns_heap_class_t class =
        rns_heap_bins_class_above(&self->bins, block_bytes - self->class_less_bytes);
    const bool is_found = rns_heap_bins_next(&self->bins, &class);
    return is_found ? self->bins.heads[class.first][class.second] : RNS_HEAP_NONE;
}

/* ---- rns_heap_buddy.c ----------------------------------------------------------------------- */

void rns_heap_buddy_init(rns_heap_t* self);
uint32_t rns_heap_buddy_take(rns_heap_t* self, uint32_t block, uint32_t block_bytes);
rns_status_t rns_heap_buddy_give(rns_heap_t* self, uint32_t block);

#endif
