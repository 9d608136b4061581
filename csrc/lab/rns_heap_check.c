#include "rns_heap_block.h"

/// Return the bytes of the block at an offset, 0 if its record cannot be right, and whether it is
/// free.
static uint32_t block_at(const rns_heap_t* self, uint32_t block, bool* is_free)
{
    uint64_t bytes = 0;
    if (self->kind == RNS_HEAP_BUDDY) {
        const uint32_t order = self->orders[block / self->unit_bytes];
        *is_free = (order & RNS_HEAP_ORDER_FREE) != 0;
        bytes = (uint64_t)self->unit_bytes << (order & 31u);
    } else {
        const uint32_t word = *rns_heap_word(self, block, 0);
        *is_free = (word & RNS_HEAP_FREE) != 0;
        bytes = word & ~RNS_HEAP_FLAGS;
    }
    const bool is_whole = bytes >= self->block_min_bytes && bytes % self->unit_bytes == 0;
    return is_whole && bytes <= self->end_bytes - block ? (uint32_t)bytes : 0;
}

void rns_heap_walk(const rns_heap_t* self, rns_heap_visitor_t visit, void* context)
{
    uint32_t bytes = 0;
    for (uint32_t block = self->begin_bytes; block < self->end_bytes; block += bytes) {
        bool is_free = false;
        bytes = block_at(self, block, &is_free);
        if (bytes == 0) {
            return;
        }
        visit(context, block, bytes, is_free);
    }
}

static rns_heap_damage_t damage(const char* invariant, uint32_t offset_bytes)
{
    return (rns_heap_damage_t){RNS_DAMAGE_INVARIANT, invariant, offset_bytes};
}

static const rns_heap_damage_t no_damage = {RNS_OK, "", 0};

/// What the pass over the blocks has found so far.
typedef struct {
    uint32_t free_count;
    uint32_t free_bytes;
    uint32_t before;       ///< Where the block before starts.
    uint32_t before_bytes; ///< 0 if there is none or it is live.
} tally_t;

/// Verify what a block says of the one before (I2, I3).
static rns_heap_damage_t check_neighbours(const rns_heap_t* self, const tally_t* tally,
                                          uint32_t block, uint32_t bytes, bool is_free)
{
    const bool is_before_free = tally->before_bytes != 0;
    if (self->kind == RNS_HEAP_BUDDY) {
        const bool are_buddies =
            is_before_free && tally->before_bytes == bytes && (tally->before ^ bytes) == block;
        if ((block & (bytes - 1u)) != 0) {
            return damage("I1", block);
        }
        return are_buddies && is_free ? damage("I2", block) : no_damage;
    }
    const uint32_t word = *rns_heap_word(self, block, 0);
    if (is_before_free && is_free) {
        return damage("I2", block);
    }
    if (((word & RNS_HEAP_BEFORE_FREE) != 0) != is_before_free) {
        return damage("I3", block);
    }
    if (is_free && *rns_heap_word_before(self, block + bytes) != bytes) {
        return damage("I3", block);
    }
    return no_damage;
}

static rns_heap_damage_t check_blocks(const rns_heap_t* self, tally_t* tally)
{
    uint32_t bytes = 0;
    for (uint32_t block = self->begin_bytes; block < self->end_bytes; block += bytes) {
        bool is_free = false;
        bytes = block_at(self, block, &is_free);
        if (bytes == 0) {
            return damage("I1", block);
        }
        const rns_heap_damage_t found = check_neighbours(self, tally, block, bytes, is_free);
        if (found.status != RNS_OK) {
            return found;
        }
        const uint32_t leaf = self->index.levels[0][block >> RNS_HEAP_INDEX_CELL_LOG2];
        if (is_free && leaf != (bytes | ((block >> 2) & 3u))) {
            return damage("I5", block);
        }
        tally->before = block;
        tally->before_bytes = is_free ? bytes : 0;
        tally->free_count += is_free ? 1u : 0;
        tally->free_bytes += is_free ? bytes : 0;
    }
    return tally->free_bytes == self->free_bytes ? no_damage : damage("I4", 0);
}

/// Verify that the index holds nothing beside the free blocks, and its maxima.
static rns_heap_damage_t check_index(const rns_heap_t* self, const tally_t* tally)
{
    const rns_heap_index_t* const index = &self->index;
    const uint32_t cells = rns_heap_index_nodes(self->arena_bytes, 0);
    uint32_t count = 0;
    for (uint32_t i = 0; i < cells; ++i) {
        count += index->levels[0][i] != 0 ? 1u : 0;
    }
    if (count != tally->free_count) {
        return damage("I5", 0);
    }
    for (uint32_t level = 1; level < index->level_count; ++level) {
        const uint32_t below = rns_heap_index_nodes(self->arena_bytes, level - 1u);
        for (uint32_t i = 0; i < below; i += RNS_HEAP_INDEX_FAN) {
            const uint32_t maximum = rns_heap_index_maximum(&index->levels[level - 1u][i]);
            if (index->levels[level][i >> RNS_HEAP_INDEX_FAN_LOG2] != maximum) {
                return damage("I5", 0);
            }
        }
    }
    return no_damage;
}

/// Return whether a link leads to a free block, by the index, which is already known to be right.
static bool is_free_block(const rns_heap_t* self, uint32_t block)
{
    if (block < self->begin_bytes || block >= self->end_bytes || (block & 3u) != 0) {
        return false;
    }
    const uint32_t leaf = self->index.levels[0][block >> RNS_HEAP_INDEX_CELL_LOG2];
    return leaf != 0 && (leaf & 3u) == ((block >> 2) & 3u);
}

/// Verify one list; add its blocks to `count`, which never passes `count_max`.
static rns_heap_damage_t check_list(const rns_heap_t* self, rns_heap_class_t class,
                                    uint32_t count_max, uint32_t* count)
{
    uint32_t previous = RNS_HEAP_NONE;
    uint32_t block = self->bins.heads[class.first][class.second];
    const bool is_marked = (self->bins.second_bits[class.first] >> class.second & 1u) != 0;
    if (is_marked != (block != RNS_HEAP_NONE)) {
        return damage("I6", block);
    }
    while (block != RNS_HEAP_NONE) {
        if (!is_free_block(self, block) || *count == count_max) {
            return damage("I6", block);
        }
        const uint32_t leaf = self->index.levels[0][block >> RNS_HEAP_INDEX_CELL_LOG2];
        const rns_heap_class_t own = rns_heap_class_of(self, leaf & ~3u);
        const bool is_own = own.first == class.first && own.second == class.second;
        if (!is_own || *rns_heap_word(self, block, RNS_HEAP_LINK_PREVIOUS) != previous) {
            return damage("I6", block);
        }
        ++*count;
        previous = block;
        block = *rns_heap_word(self, block, RNS_HEAP_LINK_NEXT);
    }
    return no_damage;
}

static rns_heap_damage_t check_lists(const rns_heap_t* self, uint32_t free_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < RNS_HEAP_BINS_FIRST_MAX; ++i) {
        if (((self->bins.first_bits >> i & 1u) != 0) != (self->bins.second_bits[i] != 0)) {
            return damage("I6", 0);
        }
        for (uint32_t j = 0; j < RNS_HEAP_BINS_SECOND_MAX; ++j) {
            const rns_heap_damage_t found =
                check_list(self, (rns_heap_class_t){i, j}, free_count, &count);
            if (found.status != RNS_OK) {
                return found;
            }
        }
    }
    const uint32_t expected = self->kind == RNS_HEAP_FIRST_FIT ? 0 : free_count;
    return count == expected ? no_damage : damage("I6", 0);
}

rns_heap_damage_t rns_heap_check(const rns_heap_t* self)
{
    tally_t tally = {0};
    rns_heap_damage_t found = check_blocks(self, &tally);
    if (found.status == RNS_OK) {
        found = check_index(self, &tally);
    }
    if (found.status == RNS_OK) {
        found = check_lists(self, tally.free_count);
    }
    return found;
}
