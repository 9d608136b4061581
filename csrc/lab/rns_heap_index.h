/// @file rns_heap_index.h
/// The free blocks of a heap model by address, beside the arena: a tree of maxima.
///
/// Owns: nothing; the nodes are in the caller's memory.
/// Does not: touch the arena.
/// Cost: largest a load; set and first O(log arena), 8 nodes a level; set ends early where a
/// maximum does not change, which is nearly always two levels up.
///
/// A leaf stands for 16 bytes of the arena, in which at most one block can start, and holds its
/// size if it is free, else 0. A size is a multiple of 4, so two bits are left for where in the
/// 16 bytes the block starts.
#ifndef RNS_HEAP_INDEX_H
#define RNS_HEAP_INDEX_H

#include "rns_port.h"

/// No block.
#define RNS_HEAP_NONE UINT32_MAX

#define RNS_HEAP_INDEX_CELL_LOG2 4u
#define RNS_HEAP_INDEX_FAN_LOG2  3u
#define RNS_HEAP_INDEX_FAN       (1u << RNS_HEAP_INDEX_FAN_LOG2)
#define RNS_HEAP_INDEX_LEVELS_MAX                                                                 \
    10u ///< 16 bytes times 8 to the 9th: more than the largest arena.

typedef struct {
    uint32_t* levels[RNS_HEAP_INDEX_LEVELS_MAX]; ///< From the leaves to the root alone.
    uint32_t level_count;                        ///< 2 or more.
} rns_heap_index_t;

/// Return the nodes of a level, the leaves being level 0, whole groups of siblings.
static inline uint32_t rns_heap_index_nodes(uint32_t arena_bytes, uint32_t level)
{
    const uint32_t shift = RNS_HEAP_INDEX_CELL_LOG2 + level * RNS_HEAP_INDEX_FAN_LOG2;
    const uint64_t nodes = (((uint64_t)arena_bytes - 1u) >> shift) + 1u;
    const uint32_t whole =
        (uint32_t)(nodes + RNS_HEAP_INDEX_FAN - 1u) & ~(RNS_HEAP_INDEX_FAN - 1u);
    return level > 0 && nodes == 1u ? 1u : whole;
}

/// Return the nodes of all levels.
static inline uint32_t rns_heap_index_nodes_all(uint32_t arena_bytes)
{
    uint32_t sum = 0;
    uint32_t nodes = 0;
    for (uint32_t level = 0; nodes != 1u; ++level) {
        nodes = rns_heap_index_nodes(arena_bytes, level);
        sum += nodes;
    }
    return sum;
}

/// Make an empty index in rns_heap_index_nodes_all() words.
static inline void rns_heap_index_init(rns_heap_index_t* self, uint32_t arena_bytes,
                                       uint32_t* nodes)
{
    self->level_count = 0;
    for (uint32_t count = 0; count != 1u; ++self->level_count) {
        count = rns_heap_index_nodes(arena_bytes, self->level_count);
        self->levels[self->level_count] = nodes;
        for (uint32_t i = 0; i < count; ++i) {
            *nodes++ = 0;
        }
    }
}

static inline uint32_t rns_heap_index_root(const rns_heap_index_t* self)
{
    return self->levels[self->level_count - 1u][0];
}

/// Return the largest size in the index, 0 if it is empty.
static inline uint32_t rns_heap_index_largest(const rns_heap_index_t* self)
{
    return rns_heap_index_root(self) & ~3u;
}

static inline uint32_t rns_heap_index_maximum(const uint32_t* siblings)
{
    uint32_t maximum = siblings[0];
    for (uint32_t i = 1; i < RNS_HEAP_INDEX_FAN; ++i) {
        maximum = siblings[i] > maximum ? siblings[i] : maximum;
    }
    return maximum;
}

/// Enter a free block, or with 0 bytes remove the one that starts in these 16 bytes.
static inline void rns_heap_index_set(rns_heap_index_t* self, uint32_t offset_bytes,
                                      uint32_t block_bytes)
{
    uint32_t at = offset_bytes >> RNS_HEAP_INDEX_CELL_LOG2;
    uint32_t now = block_bytes == 0 ? 0 : block_bytes | ((offset_bytes >> 2) & 3u);
    uint32_t before = self->levels[0][at];
    self->levels[0][at] = now;
    for (uint32_t level = 1; level < self->level_count && now != before; ++level) {
        at >>= RNS_HEAP_INDEX_FAN_LOG2;
        uint32_t* const node = &self->levels[level][at];
        const uint32_t maximum = *node;
        if (now < maximum) {
            if (before != maximum) {
                return;
            }
            now = rns_heap_index_maximum(
                &self->levels[level - 1u][(size_t)at << RNS_HEAP_INDEX_FAN_LOG2]);
        }
        *node = now;
        before = maximum;
    }
}

/// Return the lowest offset of a free block of at least `block_bytes`, or RNS_HEAP_NONE.
static inline uint32_t rns_heap_index_first(const rns_heap_index_t* self, uint32_t block_bytes)
{
    if (rns_heap_index_root(self) < block_bytes) {
        return RNS_HEAP_NONE;
    }
    uint32_t at = 0;
    for (uint32_t level = self->level_count - 1u; level-- > 0;) {
        at <<= RNS_HEAP_INDEX_FAN_LOG2;
        while (self->levels[level][at] < block_bytes) {
            ++at;
        }
    }
    return at << RNS_HEAP_INDEX_CELL_LOG2 | (self->levels[0][at] & 3u) << 2;
}

#endif
