/// @file rns_table_inline.h
/// How a table finds its way through its storage; for the sources of the table alone.
#ifndef RNS_TABLE_INLINE_H
#define RNS_TABLE_INLINE_H

#include "rns_hash.h"
#include "rns_table.h"

#define RNS_TABLE_NONE       UINT32_MAX
#define RNS_TABLE_FREE       (UINT32_MAX - 1u) ///< In `older` of a free entry.
#define RNS_TABLE_CELL_USED  0x80000000u
#define RNS_TABLE_CELL_ENTRY 0x00FFFFFFu

/// Where a key is in the index.
typedef struct {
    uint32_t entry; ///< RNS_TABLE_NONE if the key is not there.
    uint32_t cell;  ///< Its cell; if it is not there, the empty one for it.
    uint32_t distance;
} table_place_t;

static inline unsigned char* table_key(const rns_table_t* self, uint32_t entry)
{
    return self->keys + (size_t)entry * self->key_bytes;
}

static inline unsigned char* table_value(const rns_table_t* self, uint32_t entry)
{
    return self->values + (size_t)entry * self->value_stride_bytes;
}

static inline bool table_are_equal(const unsigned char* a, const unsigned char* b, uint32_t count)
{
    uint32_t at = 0;
    for (; count - at >= 4u; at += 4u) {
        if (rns_hash_word(a + at) != rns_hash_word(b + at)) {
            return false;
        }
    }
    for (; at < count; ++at) {
        if (a[at] != b[at]) {
            return false;
        }
    }
    return true;
}

/// Return the cell of an entry. Home is taken from the low bits of the hash, the tag from the
/// highest: with at most 2^25 cells they share none.
static inline uint32_t table_cell(uint32_t entry, uint32_t hash)
{
    return RNS_TABLE_CELL_USED | (hash >> 25) << 24 | entry;
}

static inline table_place_t table_locate(const rns_table_t* self, const unsigned char* key,
                                         uint32_t hash)
{
    const uint32_t wanted = table_cell(0, hash);
    table_place_t place = {.entry = RNS_TABLE_NONE, .cell = hash & self->cell_mask};
    while (self->cells[place.cell] != 0 && place.distance < self->cell_mask) {
        const uint32_t cell = self->cells[place.cell];
        const uint32_t entry = cell & RNS_TABLE_CELL_ENTRY;
        if ((cell & ~RNS_TABLE_CELL_ENTRY) == wanted &&
            table_are_equal(table_key(self, entry), key, self->key_bytes)) {
            place.entry = entry;
            return place;
        }
        place.cell = (place.cell + 1u) & self->cell_mask;
        ++place.distance;
    }
    return place;
}

/// Make all entries free, the first one first, and the index empty.
static inline void table_make_empty(rns_table_t* self)
{
    self->count = 0;
    self->oldest = RNS_TABLE_NONE;
    self->newest = RNS_TABLE_NONE;
    self->first_free = 0;
    for (uint32_t i = 0; i < self->capacity; ++i) {
        self->entries[i] = (rns_table_entry_t){
            .newer = i + 1u < self->capacity ? i + 1u : RNS_TABLE_NONE, .older = RNS_TABLE_FREE};
    }
    for (uint32_t i = 0; i <= self->cell_mask; ++i) {
        self->cells[i] = 0;
    }
#if RNS_STATS
    self->stats = (rns_table_stats_t){0};
#endif
}

#endif
