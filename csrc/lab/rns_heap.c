#include "rns_heap_block.h"

static const char* const kind_names[RNS_HEAP_KIND_COUNT] = {"first_fit", "best_fit", "tlsf",
                                                            "half_fit", "buddy"};

const char* rns_heap_kind_name(uint32_t kind)
{
    return kind < RNS_HEAP_KIND_COUNT ? kind_names[kind] : NULL;
}

static uint32_t round_up(uint32_t bytes, uint32_t to)
{
    return (bytes + to - 1u) & ~(to - 1u);
}

static uint32_t ceiling_power(uint32_t bytes)
{
    return bytes <= 1u ? 1u : 2u << rns_heap_floor_log2(bytes - 1u);
}

/* ---- Layout: what each original takes of the arena ------------------------------------------ */

/// What a kind takes of an arena, beyond its blocks.
typedef struct {
    uint32_t control_bytes;
    uint32_t end_bytes;
    uint32_t second_log2;
    uint32_t small_log2;
} layout_t;

/// The control structure of ESP-IDF's TLSF: more lists for a larger arena.
static layout_t layout_tlsf(const rns_heap_config_t* config)
{
    const uint32_t word = config->word_bytes;
    uint32_t second_log2 = 5;
    if (config->arena_bytes <= 16u * 1024u) {
        second_log2 = 3;
    } else if (config->arena_bytes <= 256u * 1024u) {
        second_log2 = 4;
    }
    const uint32_t first_max = rns_heap_floor_log2(config->arena_bytes) + 1u;
    const uint32_t small_log2 = second_log2 + (word == 4u ? 2u : 3u);
    const uint32_t firsts = first_max > small_log2 ? first_max - small_log2 + 1u : 1u;
    const uint32_t parameter_bytes = 7u * 4u + 7u * word; /* the null block and pointers, too */
    const uint32_t control = round_up(parameter_bytes + 4u * firsts, word);
    return (layout_t){control + firsts * (word << second_log2), word, second_log2, small_log2};
}

static layout_t layout_of(const rns_heap_config_t* config)
{
    const uint32_t word = config->word_bytes;
    switch (config->kind) {
    case RNS_HEAP_TLSF:
        return layout_tlsf(config);
    case RNS_HEAP_HALF_FIT:
        return (layout_t){word == 4u ? 160u : 576u, 0, 0, word == 4u ? 5u : 6u};
    case RNS_HEAP_BUDDY:
        return (layout_t){0, 0, 0, word == 4u ? 5u : 6u};
    case RNS_HEAP_FIRST_FIT:
    case RNS_HEAP_BEST_FIT:
    default:
        return (layout_t){0, 2u * word, 5, 7};
    }
}

static void shape_blocks(rns_heap_t* self, const rns_heap_config_t* config)
{
    const uint32_t word = config->word_bytes;
    self->kind = config->kind;
    self->arena_bytes = config->arena_bytes;
    self->word_shift = word == 4u ? 0 : 1;
    self->alignment_bytes = config->alignment_bytes;
    self->unit_bytes = config->alignment_bytes;
    self->class_less_bytes = 0;
    if (config->kind == RNS_HEAP_HALF_FIT || config->kind == RNS_HEAP_BUDDY) {
        const bool has_header = config->kind == RNS_HEAP_HALF_FIT;
        self->header_bytes = has_header ? 4u * word : 0;
        self->alignment_bytes = has_header ? 4u * word : 8u * word;
        self->block_min_bytes = 8u * word;
        self->unit_bytes = 8u * word;
        self->split_min_bytes = 8u * word;
        return;
    }
    self->header_bytes = config->kind == RNS_HEAP_TLSF ? word : 2u * word;
    self->block_min_bytes = 4u * word;
    self->split_min_bytes = 4u * word;
    if (config->kind == RNS_HEAP_TLSF) {
        self->class_less_bytes = word;
    } else {
        self->split_min_bytes += self->unit_bytes; /* heap_4 splits off more than the smallest */
    }
}

/// Lay the blocks out between control structure and end marker; return whether one fits.
static bool shape_arena(rns_heap_t* self, const layout_t* layout)
{
    const uint32_t taken = layout->control_bytes + layout->end_bytes;
    if (self->kind == RNS_HEAP_BUDDY) {
        const uint32_t units = self->arena_bytes / (self->unit_bytes + 1u);
        self->begin_bytes = 0;
        self->end_bytes = units * self->unit_bytes;
        return units > 0;
    }
    /* The first payload is aligned, and with it all others. */
    const uint32_t payload =
        round_up(layout->control_bytes + self->header_bytes, self->alignment_bytes);
    self->begin_bytes = payload - self->header_bytes;
    self->end_bytes = self->begin_bytes;
    if (self->arena_bytes < taken || self->arena_bytes - layout->end_bytes < self->begin_bytes) {
        return false;
    }
    const uint32_t bytes = self->arena_bytes - layout->end_bytes - self->begin_bytes;
    self->end_bytes += rns_heap_floor_unit(self, bytes);
    return bytes >= self->block_min_bytes;
}

/* Fills all of `self` that does not depend on where the storage is. */
static rns_status_t shape(rns_heap_t* self, const rns_heap_config_t* config)
{
    const uint32_t alignment = config->alignment_bytes;
    if ((uint32_t)config->kind >= RNS_HEAP_KIND_COUNT) {
        return RNS_CONFIG_POLICY;
    }
    if (config->word_bytes != 4u && config->word_bytes != 8u) {
        return RNS_CONFIG_HEADER;
    }
    if ((alignment != 4u && alignment != 8u) || alignment < config->word_bytes) {
        return RNS_CONFIG_STORAGE_ALIGN;
    }
    if (config->arena_bytes > RNS_HEAP_ARENA_BYTES_MAX) {
        return RNS_CONFIG_OVERFLOW;
    }
    if (config->arena_bytes == 0) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    const layout_t layout = layout_of(config);
    shape_blocks(self, config);
    rns_heap_bins_init(&self->bins, layout.second_log2, layout.small_log2);
    return shape_arena(self, &layout) ? RNS_OK : RNS_CONFIG_STORAGE_SMALL;
}

rns_status_t rns_heap_storage_bytes(const rns_heap_config_t* config, size_t* out)
{
    rns_heap_t heap;
    const rns_status_t status = shape(&heap, config);
    *out = 0;
    if (status == RNS_OK) {
        *out = round_up(config->arena_bytes, 8u) +
               sizeof(uint32_t) * (size_t)rns_heap_index_nodes_all(config->arena_bytes);
    }
    return status;
}

/* ---- Free blocks ---------------------------------------------------------------------------- */

/// Write a free block's ends, and enter it in its list and in the index.
static void enter(rns_heap_t* self, uint32_t block, uint32_t block_bytes)
{
    *rns_heap_word(self, block, 0) = block_bytes | RNS_HEAP_FREE;
    *rns_heap_word_before(self, block + block_bytes) = block_bytes;
    if (self->kind != RNS_HEAP_FIRST_FIT) {
        rns_heap_link(self, block, block_bytes);
    }
    rns_heap_index_set(&self->index, block, block_bytes);
}

/// Take a free block out of its list. It stays in the index, where it is overwritten last: that
/// spares the way up to the root if what replaces it is already there.
static void leave(rns_heap_t* self, uint32_t block, uint32_t block_bytes)
{
    if (self->kind != RNS_HEAP_FIRST_FIT) {
        rns_heap_unlink(self, block, block_bytes);
    }
}

rns_status_t rns_heap_init(rns_heap_t* self, const rns_heap_config_t* config, rns_memory_t storage)
{
    size_t needed = 0;
    const rns_status_t status = rns_heap_storage_bytes(config, &needed);
    if (status != RNS_OK) {
        return status;
    }
    if (storage.start == NULL || ((uintptr_t)storage.start & 7u) != 0) {
        return RNS_CONFIG_STORAGE_ALIGN;
    }
    if (storage.bytes < needed) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    (void)!shape(self, config);
    self->words = storage.start;
    self->orders = (uint8_t*)storage.start + self->end_bytes;
    rns_heap_index_init(&self->index, self->arena_bytes,
                        self->words + round_up(self->arena_bytes, 8u) / sizeof(uint32_t));
    self->free_bytes = self->end_bytes - self->begin_bytes;
    if (self->kind == RNS_HEAP_BUDDY) {
        rns_heap_buddy_init(self);
    } else {
        enter(self, self->begin_bytes, self->free_bytes);
    }
    return RNS_OK;
}

/* ---- Placement ------------------------------------------------------------------------------ */

uint64_t rns_heap_block_bytes(const rns_heap_t* self, size_t size_bytes)
{
    if (size_bytes > RNS_HEAP_ARENA_BYTES_MAX) {
        return (uint64_t)RNS_HEAP_ARENA_BYTES_MAX * 2u;
    }
    const uint32_t bytes = (uint32_t)size_bytes + self->header_bytes;
    const bool is_power = self->kind == RNS_HEAP_HALF_FIT || self->kind == RNS_HEAP_BUDDY;
    const uint32_t rounded = is_power ? ceiling_power(bytes) : round_up(bytes, self->unit_bytes);
    return rounded < self->block_min_bytes ? self->block_min_bytes : rounded;
}

/// Return the smallest block of a list that has `block_bytes`, of equals the lowest address.
static uint32_t best_of(const rns_heap_t* self, uint32_t head, uint32_t block_bytes)
{
    uint32_t best = RNS_HEAP_NONE;
    uint32_t best_bytes = UINT32_MAX;
    for (uint32_t block = head; block != RNS_HEAP_NONE;
         block = *rns_heap_word(self, block, RNS_HEAP_LINK_NEXT)) {
        const uint32_t bytes = *rns_heap_word(self, block, 0) & ~RNS_HEAP_FLAGS;
        const bool is_better = bytes < best_bytes || (bytes == best_bytes && block < best);
        if (bytes >= block_bytes && is_better) {
            best = block;
            best_bytes = bytes;
        }
    }
    return best;
}

static uint32_t best_fit(const rns_heap_t* self, uint32_t block_bytes)
{
    rns_heap_class_t class = rns_heap_class_of(self, block_bytes);
    uint32_t best = RNS_HEAP_NONE;
    while (best == RNS_HEAP_NONE && rns_heap_bins_next(&self->bins, &class)) {
        best = best_of(self, self->bins.heads[class.first][class.second], block_bytes);
        ++class.second;
    }
    return best;
}

/// Return the block that this kind of heap would use, or RNS_HEAP_NONE.
static uint32_t find(const rns_heap_t* self, uint32_t block_bytes)
{
    switch (self->kind) {
    case RNS_HEAP_FIRST_FIT:
        return rns_heap_index_first(&self->index, block_bytes);
    case RNS_HEAP_BEST_FIT:
        return best_fit(self, block_bytes);
    case RNS_HEAP_TLSF:
    case RNS_HEAP_HALF_FIT:
    case RNS_HEAP_BUDDY:
    default:
        return rns_heap_good_fit(self, block_bytes);
    }
}

bool rns_heap_fits(const rns_heap_t* self, size_t size_bytes)
{
    const uint64_t bytes = rns_heap_block_bytes(self, size_bytes);
    if (bytes > rns_heap_largest_free(self)) {
        return false;
    }
    /* Only a search by class can miss a block that is large enough. */
    return self->kind == RNS_HEAP_TLSF ? find(self, (uint32_t)bytes) != RNS_HEAP_NONE : true;
}

/// Make a free block live, its remainder a block of its own if it is large enough.
static void occupy(rns_heap_t* self, uint32_t block, uint32_t wanted_bytes)
{
    uint32_t bytes = *rns_heap_word(self, block, 0) & ~RNS_HEAP_FLAGS;
    leave(self, block, bytes);
    if (bytes - wanted_bytes >= self->split_min_bytes) {
        enter(self, block + wanted_bytes, bytes - wanted_bytes);
        bytes = wanted_bytes;
    } else if (block + bytes < self->end_bytes) {
        *rns_heap_word(self, block + bytes, 0) &= ~RNS_HEAP_BEFORE_FREE;
    }
    rns_heap_index_set(&self->index, block, 0);
    *rns_heap_word(self, block, 0) = bytes;
    self->free_bytes -= bytes;
}

rns_status_t rns_heap_take(rns_heap_t* self, size_t size_bytes, uint32_t* out)
{
    const uint64_t bytes = rns_heap_block_bytes(self, size_bytes);
    *out = RNS_HEAP_NONE;
    if (bytes > rns_heap_largest_free(self)) {
        return RNS_MISS_EXHAUSTED;
    }
    const uint32_t block = find(self, (uint32_t)bytes);
    if (block == RNS_HEAP_NONE) {
        return RNS_MISS_EXHAUSTED;
    }
    if (self->kind == RNS_HEAP_BUDDY) {
        *out = rns_heap_buddy_take(self, block, (uint32_t)bytes);
    } else {
        occupy(self, block, (uint32_t)bytes);
        *out = block + self->header_bytes;
    }
    return RNS_OK;
}

/// Free a live block, merged with those before and behind if they are free.
static void release(rns_heap_t* self, uint32_t block, uint32_t word)
{
    uint32_t bytes = word & ~RNS_HEAP_FLAGS;
    const uint32_t behind = block + bytes;
    bool is_behind_free = false;
    self->free_bytes += bytes;
    *rns_heap_word(self, block, 0) =
        word | RNS_HEAP_FREE; /* seen by a second give, if it merges */
    if (behind < self->end_bytes) {
        uint32_t* const next = rns_heap_word(self, behind, 0);
        is_behind_free = (*next & RNS_HEAP_FREE) != 0;
        if (is_behind_free) {
            const uint32_t next_bytes = *next & ~RNS_HEAP_FLAGS;
            leave(self, behind, next_bytes);
            bytes += next_bytes;
        } else {
            *next |= RNS_HEAP_BEFORE_FREE;
        }
    }
    if ((word & RNS_HEAP_BEFORE_FREE) != 0) {
        const uint32_t before_bytes = *rns_heap_word_before(self, block);
        block -= before_bytes;
        leave(self, block, before_bytes);
        bytes += before_bytes;
    }
    enter(self, block, bytes);
    if (is_behind_free) {
        rns_heap_index_set(&self->index, behind, 0);
    }
}

rns_status_t rns_heap_give(rns_heap_t* self, uint32_t offset_bytes)
{
    if (offset_bytes < self->begin_bytes + self->header_bytes || offset_bytes >= self->end_bytes) {
        return RNS_MISUSE_OUT_OF_RANGE;
    }
    if ((offset_bytes & (self->alignment_bytes - 1u)) != 0) {
        return RNS_MISUSE_MISALIGNED;
    }
    const uint32_t block = offset_bytes - self->header_bytes;
    if (self->kind == RNS_HEAP_BUDDY) {
        return rns_heap_buddy_give(self, block);
    }
    const uint32_t word = *rns_heap_word(self, block, 0);
    if ((word & RNS_HEAP_FREE) != 0) {
        return RNS_MISUSE_DOUBLE_GIVE;
    }
    release(self, block, word);
    return RNS_OK;
}
