#include "rns_curve.h"

#define BITS 64u

void rns_curve_steps(const rns_event_t* events, const uint32_t* block, size_t first, size_t end,
                     uint32_t* sizes, rns_curve_step_t* out)
{
    for (size_t i = first; i < end; ++i) {
        const rns_event_t* const event = &events[i];
        const bool is_take = event->op == RNS_EVENT_ALLOC;
        const uint64_t most = UINT32_MAX;
        const uint64_t asked = event->size_bytes < most ? event->size_bytes : most;
        const uint32_t size = is_take ? (uint32_t)asked : sizes[block[i]];
        sizes[block[i]] = size;
        *out++ = (rns_curve_step_t){block[i] | (is_take ? 0u : RNS_CURVE_GIVE), size};
    }
}

size_t rns_curve_select(const rns_curve_step_t* steps, size_t count, uint32_t least, uint32_t most,
                        rns_curve_step_t* out)
{
    const uint32_t width = most - least;
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        const rns_curve_step_t step = steps[i];
        out[kept] = step;
        kept += step.size - least <= width ? 1u : 0u;
    }
    return kept;
}

static size_t words_for(size_t bits)
{
    return (bits + BITS - 1u) / BITS;
}

size_t rns_curve_words(uint32_t capacity)
{
    size_t bits = capacity;
    size_t total = 0;
    for (uint32_t i = 0; i < RNS_CURVE_LEVELS; ++i) {
        bits = words_for(bits);
        total += bits;
    }
    return total;
}

/// Lay the levels out in `words`.
static void place(rns_curve_t* self)
{
    uint64_t* next = self->words;
    size_t bits = self->capacity;
    for (uint32_t i = 0; i < RNS_CURVE_LEVELS; ++i) {
        bits = words_for(bits);
        self->level[i] = next;
        next += bits;
    }
}

void rns_curve_begin(rns_curve_t* self)
{
    place(self);
    const size_t words = rns_curve_words(self->capacity);
    for (size_t i = 0; i < words; ++i) {
        self->words[i] = 0;
    }
    for (uint32_t i = 0; i < self->capacity; ++i) {
        self->taken[i] = 0;
    }
    self->high_water = 0;
    self->free_count = 0;
}

void rns_curve_grow(rns_curve_t* self, uint32_t capacity, uint32_t* taken, uint64_t* words)
{
    const rns_curve_t old = *self;
    self->capacity = capacity;
    self->taken = taken;
    self->words = words;
    rns_curve_begin(self);
    self->high_water = old.high_water;
    self->free_count = old.free_count;
    for (uint32_t i = 0; i < old.high_water; ++i) {
        taken[i] = old.taken[i];
    }
    size_t bits = old.high_water;
    for (uint32_t level = 0; level < RNS_CURVE_LEVELS; ++level) {
        bits = words_for(bits);
        for (size_t i = 0; i < bits; ++i) {
            self->level[level][i] = old.level[level][i];
        }
    }
}

static uint32_t lowest(uint64_t word)
{
    return (uint32_t)__builtin_ctzll(word);
}

/// Take the lowest index that was given back; there is one.
static uint32_t take_free(rns_curve_t* self)
{
    uint32_t top = 0;
    while (self->level[2][top] == 0) {
        ++top;
    }
    const uint32_t middle = top * BITS + lowest(self->level[2][top]);
    const uint32_t leaf = middle * BITS + lowest(self->level[1][middle]);
    uint64_t* const word = &self->level[0][leaf];
    const uint32_t index = leaf * BITS + lowest(*word);
    *word &= *word - 1u;
    if (*word == 0) {
        uint64_t* const above = &self->level[1][middle];
        *above &= *above - 1u;
        if (*above == 0) {
            self->level[2][top] &= self->level[2][top] - 1u;
        }
    }
    self->free_count -= 1u;
    return index;
}

static void give(rns_curve_t* self, uint32_t index)
{
    uint32_t bit = index;
    for (uint32_t i = 0; i < RNS_CURVE_LEVELS; ++i) {
        self->level[i][bit / BITS] |= (uint64_t)1 << bit % BITS;
        bit /= BITS;
    }
    self->free_count += 1u;
}

size_t rns_curve_run(rns_curve_t* self, const rns_curve_step_t* steps, size_t count)
{
    rns_curve_t tier = *self; /* A copy, whose fields can stay in registers. */
    size_t done = 0;
    for (; done < count; ++done) {
        const uint32_t block = steps[done].block;
        if (block >= RNS_CURVE_GIVE) {
            give(&tier, tier.index[block - RNS_CURVE_GIVE]);
            continue;
        }
        if (tier.free_count == 0 && tier.high_water == tier.capacity) {
            break;
        }
        const uint32_t index = tier.free_count > 0 ? take_free(&tier) : tier.high_water++;
        tier.index[block] = index;
        tier.taken[index] += 1u;
    }
    *self = tier;
    return done;
}
