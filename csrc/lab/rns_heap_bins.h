/// @file rns_heap_bins.h
/// Lists of free blocks by size class, with a bitmap of those that are not empty.
///
/// Owns: heads and bitmaps. Two levels (Masmano et al. 2004): powers of two, each divided linearly
/// into 2^second_log2 classes; with second_log2 0 the classes are powers of two (Ogasawara 1995).
/// Does not: own the blocks; each carries two links, the offsets of its neighbours in the list.
/// Cost: O(1).
#ifndef RNS_HEAP_BINS_H
#define RNS_HEAP_BINS_H

#include "rns_heap_index.h"

#define RNS_HEAP_BINS_FIRST_MAX  30u
#define RNS_HEAP_BINS_SECOND_MAX 32u

typedef struct {
    uint32_t second_log2;
    uint32_t small_log2; ///< Below 2^small_log2 the classes are linear and all of level 0.
    uint32_t first_bits;
    uint32_t second_bits[RNS_HEAP_BINS_FIRST_MAX];
    uint32_t heads[RNS_HEAP_BINS_FIRST_MAX][RNS_HEAP_BINS_SECOND_MAX];
} rns_heap_bins_t;

typedef struct {
    uint32_t first;
    uint32_t second;
} rns_heap_class_t;

static inline uint32_t rns_heap_floor_log2(uint32_t number)
{
    return 31u - (uint32_t)__builtin_clz(number);
}

/// Make empty lists; small_log2 >= second_log2.
static inline void rns_heap_bins_init(rns_heap_bins_t* self, uint32_t second_log2,
                                      uint32_t small_log2)
{
    self->second_log2 = second_log2;
    self->small_log2 = small_log2;
    self->first_bits = 0;
    for (uint32_t i = 0; i < RNS_HEAP_BINS_FIRST_MAX; ++i) {
        self->second_bits[i] = 0;
        for (uint32_t j = 0; j < RNS_HEAP_BINS_SECOND_MAX; ++j) {
            self->heads[i][j] = RNS_HEAP_NONE;
        }
    }
}

/// Return the class that a free block of this size belongs to.
static inline rns_heap_class_t rns_heap_bins_class(const rns_heap_bins_t* self, uint32_t bytes)
{
    if (bytes >> self->small_log2 == 0) {
        return (rns_heap_class_t){0, bytes >> (self->small_log2 - self->second_log2)};
    }
    const uint32_t first = rns_heap_floor_log2(bytes);
    const uint32_t second = (bytes >> (first - self->second_log2)) ^ (1u << self->second_log2);
    return (rns_heap_class_t){first - self->small_log2 + 1u, second};
}

/// Return the lowest class of which every block has this size at least.
static inline rns_heap_class_t rns_heap_bins_class_above(const rns_heap_bins_t* self,
                                                         uint32_t bytes)
{
    if (bytes >> self->small_log2 == 0) {
        return rns_heap_bins_class(self, bytes);
    }
    const uint32_t step = 1u << (rns_heap_floor_log2(bytes) - self->second_log2);
    return rns_heap_bins_class(self, bytes + step - 1u);
}

/// Move `wanted` to the lowest class from it on that is not empty; return false if there is none.
static inline bool rns_heap_bins_next(const rns_heap_bins_t* self, rns_heap_class_t* wanted)
{
    if (wanted->first >= RNS_HEAP_BINS_FIRST_MAX) {
        return false;
    }
    uint32_t bits = wanted->second >= RNS_HEAP_BINS_SECOND_MAX
                        ? 0
                        : self->second_bits[wanted->first] & (UINT32_MAX << wanted->second);
    if (bits == 0) {
        const uint32_t above = self->first_bits & (UINT32_MAX << 1 << wanted->first);
        if (above == 0) {
            return false;
        }
        wanted->first = rns_lowest_bit_index(above);
        bits = self->second_bits[wanted->first];
    }
    wanted->second = rns_lowest_bit_index(bits);
    return true;
}

#endif
