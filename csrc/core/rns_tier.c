#include "rns_tier.h"

#include "rns_guard.h"
#include "rns_tier_inline.h"

/// Return the inverse of an odd number modulo 2^32; each Newton step doubles the valid bits.
static uint32_t inverse_of_odd(uint32_t odd)
{
    uint32_t inverse = odd; /* right in the lowest 3 bits */
    for (int valid_bits = 3; valid_bits < 32; valid_bits *= 2) {
        inverse *= 2u - odd * inverse;
    }
    return inverse;
}

rns_status_t rns_tier_layout(size_t slot_bytes, uint32_t header_bytes, uint32_t slot_count,
                             rns_tier_layout_t* out)
{
    *out = (rns_tier_layout_t){0};
    if (slot_bytes == 0 || slot_bytes > RNS_SLOT_BYTES_MAX) {
        return RNS_CONFIG_SLOT_BYTES;
    }
    if (slot_count == 0 || slot_count > RNS_SLOT_COUNT_MAX) {
        return RNS_CONFIG_SLOT_COUNT;
    }
    if (header_bytes > RNS_SLOT_BYTES_MAX || header_bytes % RNS_ALIGN_BYTES != 0) {
        return RNS_CONFIG_HEADER;
    }
    const uint32_t unpadded = header_bytes + (uint32_t)slot_bytes + RNS_CANARY_BYTES;
    const uint32_t stride = (unpadded + RNS_ALIGN_BYTES - 1u) / RNS_ALIGN_BYTES * RNS_ALIGN_BYTES;
    if (slot_count > UINT32_MAX / stride || slot_count > (SIZE_MAX / 2u) / stride) {
        return RNS_CONFIG_OVERFLOW;
    }
    const uint32_t word_count = slot_count <= 32u ? 0u : (slot_count + 31u) / 32u;
    out->slot_count = slot_count;
    out->header_bytes = header_bytes;
    out->slot_bytes = (uint32_t)slot_bytes;
    out->stride_bytes = stride;
    out->slots_bytes = slot_count * stride;
    const uint32_t owned_count = RNS_POISON || RNS_CANARY ? word_count : 0u;
    out->bitmap_bytes =
        (word_count + (word_count + 31u) / 32u + owned_count) * (uint32_t)sizeof(uint32_t);
    return RNS_OK;
}

/// Return a word with its lowest `count` bits set, all of them from 32 on.
static uint32_t lowest_bits(uint32_t count)
{
    return count >= 32u ? UINT32_MAX : ((uint32_t)1 << count) - 1u;
}

void rns_tier_init(rns_tier_t* self, const rns_tier_layout_t* layout, void* slots, void* bitmap)
{
    *self = (rns_tier_t){0};
    self->slots = slots;
    self->slot_count = layout->slot_count;
    self->stride_bytes = layout->stride_bytes;
    self->stride_shift = rns_lowest_bit_index(layout->stride_bytes);
    self->stride_inverse = inverse_of_odd(layout->stride_bytes >> self->stride_shift);
    self->payload_end = layout->header_bytes + layout->slot_bytes;
    if (layout->bitmap_bytes == 0) {
        rns_cell_store(&self->gate,
                       lowest_bits(self->slot_count) + self->slot_count * RNS_GATE_ONE_FREE);
        self->gate_slot_count = self->slot_count;
    } else {
        self->word_count = (self->slot_count + 31u) / 32u;
        self->words = bitmap;
        self->summary = self->words + self->word_count;
        for (uint32_t i = 0; i < self->word_count; ++i) {
            rns_cell_store(&self->words[i], lowest_bits(self->slot_count - i * 32u));
        }
        for (uint32_t i = 0; i * 32u < self->word_count; ++i) {
            rns_cell_store(&self->summary[i], lowest_bits(self->word_count - i * 32u));
        }
        rns_cell_store(&self->gate, self->slot_count);
    }
#if RNS_STATS
    rns_cell_store(&self->least_free, self->slot_count);
    rns_cell_store(&self->window_least_free, self->slot_count);
#endif
#if RNS_POISON || RNS_CANARY
    self->owned = self->word_count == 0 ? NULL : self->summary + (self->word_count + 31u) / 32u;
    for (uint32_t i = 0; i < self->word_count; ++i) {
        rns_cell_store(&self->owned[i], 0u);
    }
#endif
#if RNS_POISON
    rns_guard_fill(self->slots, 0, layout->slots_bytes, RNS_POISON_BYTE);
#endif
}

/// Return the free ones of the 32 slots from 32 * group on.
static uint32_t free_bits(const rns_tier_t* self, uint32_t group)
{
    return self->word_count == 0 ? (uint32_t)rns_cell_load(&self->gate)
                                 : rns_cell_load(&self->words[group]);
}

/// Take the mark off a word that was seen to be 0.
static void unmark(rns_tier_t* self, uint32_t word_index)
{
    RNS_CELL(uint32_t)* const summary = &self->summary[word_index / 32u];
    const uint32_t mark = (uint32_t)1 << (word_index % 32u);
    (void)rns_cell_and(summary, ~mark);
    /* A give may have set a bit of this word before the mark went. */
    if (rns_cell_load(&self->words[word_index]) != 0) {
        (void)rns_cell_or(summary, mark);
    }
}

/// Clear the lowest set bit of one word; return the slot's index, RNS_NO_SLOT if the word is 0.
static uint32_t clear_lowest_of(rns_tier_t* self, uint32_t word_index)
{
    RNS_CELL(uint32_t)* const word = &self->words[word_index];
    uint32_t bits = rns_cell_load(word);
    while (bits != 0) {
        const uint32_t rest = bits & (bits - 1u);
        if (rns_cell_cas(word, &bits, rest)) {
            if (rest == 0) {
                unmark(self, word_index);
            }
            return word_index * 32u + rns_lowest_bit_index(bits);
        }
    }
    unmark(self, word_index);
    return RNS_NO_SLOT;
}

/// Clear the lowest set bit of the bitmap in `words`; return its index, RNS_NO_SLOT if none is.
static uint32_t clear_lowest(rns_tier_t* self)
{
    const uint32_t summary_count = (self->word_count + 31u) / 32u;
    uint32_t index = RNS_NO_SLOT;
    for (uint32_t i = 0; i < summary_count; ++i) {
        uint32_t marks = rns_cell_load(&self->summary[i]);
        while (marks != 0) {
            index = clear_lowest_of(self, i * 32u + rns_lowest_bit_index(marks));
            if (index != RNS_NO_SLOT) {
                return index;
            }
            marks &= marks - 1u;
        }
    }
#if RNS_SYNC == RNS_SYNC_ATOMIC
    /* A thread that stalls between clearing a mark and setting it again must not hold up this
     * one, so the marks are only a hint here. */
    for (uint32_t i = 0; i < self->word_count && index == RNS_NO_SLOT; ++i) {
        index = clear_lowest_of(self, i);
    }
#endif
    return index;
}

/// tier_take() above 32 slots.
tier_grant_t rns_tier_take_from_words(rns_tier_t* self, uint32_t keep_count)
{
    rns_gate_t gate = rns_cell_load(&self->gate);
    rns_gate_t next = 0;
    do {
        if ((uint32_t)gate <= keep_count) {
            return (tier_grant_t){.index = RNS_NO_SLOT};
        }
        next = gate - 1u + RNS_GATE_ONE_TAKE;
    } while (!rns_cell_cas(&self->gate, &gate, next));

    /* The gate let this thread pass, so a free slot is there; in RNS_SYNC_ATOMIC it may move
     * behind the search, never vanish. */
    uint32_t index = RNS_NO_SLOT;
    do {
        index = clear_lowest(self);
    } while (RNS_SYNC == RNS_SYNC_ATOMIC && index == RNS_NO_SLOT);
    if (index == RNS_NO_SLOT) {
        rns_cell_store(&self->gate, gate);
        return (tier_grant_t){.index = RNS_NO_SLOT, .gate = UINT32_MAX};
    }
    if (RNS_POISON || RNS_CANARY) {
        rns_tier_guard_taken(self, index);
    }
    return (tier_grant_t){.index = index, .gate = next};
}

/// tier_give() above 32 slots.
tier_return_t rns_tier_give_to_words(rns_tier_t* self, uint32_t index)
{
    if (RNS_POISON || RNS_CANARY) {
        const rns_status_t status = rns_tier_guard_given(self, index);
        if (status != RNS_OK) {
            return (tier_return_t){.status = status};
        }
    }
    const uint32_t word_index = index / 32u;
    const uint32_t bit = (uint32_t)1 << (index % 32u);
    if ((rns_cell_or(&self->words[word_index], bit) & bit) != 0) {
        return (tier_return_t){.status = RNS_MISUSE_DOUBLE_GIVE};
    }
    (void)rns_cell_or(&self->summary[word_index / 32u], (uint32_t)1 << (word_index % 32u));
    /* Only now may a take pass the gate for this slot. */
    rns_gate_t gate = rns_cell_load(&self->gate);
    while (!rns_cell_cas(&self->gate, &gate, gate + 1u)) {
    }
    return (tier_return_t){.status = RNS_OK, .gate = gate + 1u};
}

#if RNS_STATS
/// Nobody looks while takes are carried, but in RNS_SYNC_ATOMIC.
#    define CARRY_MARK (RNS_SYNC == RNS_SYNC_ATOMIC ? (rns_counter_t)1 : (rns_counter_t)0)

/// Lower a record that other threads may lower too.
static void lower(RNS_CELL(uint32_t) * record, uint32_t value)
{
    uint32_t seen = rns_cell_load(record);
    while (seen > value && !rns_cell_cas(record, &seen, value)) {
    }
}
#endif

/// Record what is notable of a take: fewer free slots than ever, takes that fill the gate.
RNS_COLD void rns_tier_note_take(rns_tier_t* self, tier_grant_t grant)
{
#if RNS_STATS
    /* The lifetime's record first: the window's is never below it. */
    const uint32_t free_count = tier_free_count(self, grant.gate);
    lower(&self->least_free, free_count);
    lower(&self->window_least_free, free_count);
    if (grant.gate >> RNS_GATE_TAKES_SHIFT == RNS_GATE_CARRY) {
        /* This take and no other set the bit. It goes to the carry before it leaves the gate; one
         * more in the carry, which is even else, tells take_count() that it may be in both. */
        rns_cell_add(&self->takes_carried, (rns_counter_t)RNS_GATE_CARRY + CARRY_MARK);
        rns_cell_add(&self->gate, RNS_GATE_CARRY << RNS_GATE_TAKES_SHIFT);
        rns_cell_add(&self->takes_carried, (rns_counter_t)0 - CARRY_MARK);
    }
#else
    (void)self;
    (void)grant;
#endif
}

#if RNS_POISON || RNS_CANARY
/// Tell whether the slot at `index` is in use.
static bool is_live(const rns_tier_t* self, uint32_t index)
{
    return ((free_bits(self, index / 32u) >> (index % 32u)) & 1u) == 0;
}

/// Tell whether the slot at `index` is owned.
static bool is_owned(const rns_tier_t* self, uint32_t index)
{
    const uint32_t bits =
        rns_cell_load(self->word_count == 0 ? &self->gate_owned : &self->owned[index / 32u]);
    return ((bits >> (index % 32u)) & 1u) != 0;
}

/// Return the word of the bitmap of owned slots that tells of the slot at `index`.
static RNS_CELL(uint32_t) * owned_word(rns_tier_t* self, uint32_t index)
{
    return self->word_count == 0 ? &self->gate_owned : &self->owned[index / 32u];
}

/// Look for writes to the free slot that is now taken, and set its canary.
RNS_COLD void rns_tier_guard_taken(rns_tier_t* self, uint32_t index)
{
    unsigned char* const slot = rns_tier_slot(self, index);
#    if RNS_POISON
    if (!rns_guard_is_filled(slot, 0, self->payload_end, RNS_POISON_BYTE)) {
        rns_cell_add(&self->writes_after_give, 1u);
    }
#    endif
    if (RNS_CANARY) {
        rns_guard_fill(slot, self->payload_end, self->stride_bytes, RNS_CANARY_BYTE);
    }
    (void)rns_cell_or(owned_word(self, index), (uint32_t)1 << (index % 32u));
}

/// Verify the canary of a slot that is about to be given, and poison it.
///
/// Of two threads that give the same slot, the one that looked second could write to it after it
/// was taken again. So one of them gets the slot from its owner first: it is neither owned nor
/// free while its bytes are looked at.
RNS_COLD rns_status_t rns_tier_guard_given(rns_tier_t* self, uint32_t index)
{
    unsigned char* const slot = rns_tier_slot(self, index);
    RNS_CELL(uint32_t)* const owned = owned_word(self, index);
    const uint32_t bit = (uint32_t)1 << (index % 32u);
    if ((rns_cell_and(owned, ~bit) & bit) == 0) {
        return RNS_MISUSE_DOUBLE_GIVE;
    }
    if (RNS_CANARY &&
        !rns_guard_is_filled(slot, self->payload_end, self->stride_bytes, RNS_CANARY_BYTE)) {
        (void)rns_cell_or(owned, bit);
        return RNS_DAMAGE_CANARY;
    }
    if (RNS_POISON) {
        rns_guard_fill(slot, 0, self->payload_end, RNS_POISON_BYTE);
    }
    return RNS_OK;
}
#endif

rns_status_t rns_tier_take(rns_tier_t* self, uint32_t keep_count, void** out)
{
    const tier_grant_t grant = tier_take(self, keep_count);
    if (grant.index == RNS_NO_SLOT) {
        *out = NULL;
        return grant.gate == UINT32_MAX ? RNS_DAMAGE_INVARIANT : RNS_MISS_EXHAUSTED;
    }
    if (tier_is_record(self, tier_free_count(self, grant.gate), grant.gate)) {
        rns_tier_note_take(self, grant);
    }
    *out = rns_tier_slot(self, grant.index);
    return RNS_OK;
}

rns_status_t rns_tier_locate(const rns_tier_t* self, const void* slot, uint32_t* index)
{
    *index = UINT32_MAX;
    const uintptr_t offset = (uintptr_t)slot - (uintptr_t)self->slots;
    if (offset >= (uintptr_t)self->slot_count * self->stride_bytes) {
        return RNS_MISUSE_FOREIGN;
    }
    const uint32_t found = tier_slot_index(self, (uint32_t)offset);
    if (found >= self->slot_count) {
        return offset % RNS_ALIGN_BYTES != 0 ? RNS_MISUSE_MISALIGNED : RNS_MISUSE_INTERIOR;
    }
    *index = found;
    return RNS_OK;
}

rns_status_t rns_tier_give(rns_tier_t* self, void* slot)
{
    uint32_t index = 0;
    const rns_status_t status = rns_tier_locate(self, slot, &index);
    return status == RNS_OK ? tier_give(self, index).status : status;
}

uint32_t rns_tier_live_bits(const rns_tier_t* self, uint32_t group)
{
    return lowest_bits(self->slot_count - group * 32u) & ~free_bits(self, group);
}

void* rns_tier_slot(const rns_tier_t* self, uint32_t index)
{
    return self->slots + (size_t)index * self->stride_bytes;
}

#if RNS_STATS
/// Return how many takes there were when the gate read what it receives.
static rns_counter_t take_count(const rns_tier_t* self, rns_gate_t* gate)
{
    rns_counter_t carried = 0;
    do {
        carried = rns_cell_load(&self->takes_carried);
        *gate = rns_cell_load(&self->gate);
    } while (RNS_SYNC == RNS_SYNC_ATOMIC && rns_cell_load(&self->takes_carried) != carried);
    rns_counter_t takes = (rns_counter_t)(*gate >> RNS_GATE_TAKES_SHIFT);
    if ((carried & CARRY_MARK) != 0) {
        takes %= (rns_counter_t)RNS_GATE_CARRY;
        carried -= CARRY_MARK;
    }
    return carried + takes;
}
#endif

rns_tier_counts_t rns_tier_counts(const rns_tier_t* self)
{
    rns_tier_counts_t counts = {0};
#if RNS_STATS
    rns_gate_t gate = 0;
    counts.takes = take_count(self, &gate);
#else
    const rns_gate_t gate = rns_cell_load(&self->gate);
#endif
    counts.slot_count = self->slot_count;
    counts.in_use = self->slot_count - tier_free_count(self, gate);
#if RNS_STATS
    counts.gives = counts.takes - counts.in_use;
    /* A take is in the gate before it is in the records. */
    counts.window_high_water = self->slot_count - rns_cell_load(&self->window_least_free);
    if (counts.window_high_water < counts.in_use) {
        counts.window_high_water = counts.in_use;
    }
    counts.high_water = self->slot_count - rns_cell_load(&self->least_free);
    if (counts.high_water < counts.window_high_water) {
        counts.high_water = counts.window_high_water;
    }
#endif
    return counts;
}

void rns_tier_reset_window(rns_tier_t* self)
{
#if RNS_STATS
    /* What begins the window may be a take that has not noted itself yet, and will not where the
     * window already knows: so it goes into the lifetime's record here. */
    uint32_t free_count = tier_free_count(self, rns_cell_load(&self->gate));
    lower(&self->least_free, free_count);
    rns_cell_exchange(&self->window_least_free, free_count);
    /* A take between the count and the exchange noted itself in the old window; one after the
     * exchange notes itself in the new. */
    free_count = tier_free_count(self, rns_cell_load(&self->gate));
    lower(&self->least_free, free_count);
    lower(&self->window_least_free, free_count);
#else
    (void)self;
#endif
}

static rns_damage_t damaged(rns_status_t status, const char* invariant, uint32_t slot_index)
{
    return (rns_damage_t){.status = status, .invariant = invariant, .slot_index = slot_index};
}

/// Verify I1 to I3.
static rns_damage_t check_bitmap(const rns_tier_t* self)
{
    uint32_t free_count = 0;
    for (uint32_t group = 0; group * 32u < self->slot_count; ++group) {
        const uint32_t bits = free_bits(self, group);
        if ((bits & ~lowest_bits(self->slot_count - group * 32u)) != 0) {
            return damaged(RNS_DAMAGE_INVARIANT, "I1", self->slot_count);
        }
        if (self->word_count != 0) {
            const uint32_t marks = rns_cell_load(&self->summary[group / 32u]);
            const bool is_marked = ((marks >> (group % 32u)) & 1u) != 0;
            /* A thread may set a mark again after another has emptied the word. */
            if (bits != 0 ? !is_marked : is_marked && RNS_SYNC != RNS_SYNC_ATOMIC) {
                return damaged(RNS_DAMAGE_INVARIANT, "I3", group * 32u);
            }
        }
        free_count += rns_bit_count(bits);
    }
    if (free_count != tier_free_count(self, rns_cell_load(&self->gate))) {
        return damaged(RNS_DAMAGE_INVARIANT, "I2", 0);
    }
    return (rns_damage_t){0};
}

/// Verify I4 and I5 on the stored numbers, which rns_tier_counts() would smooth over.
static rns_damage_t check_counts(const rns_tier_t* self)
{
#if RNS_STATS
    const rns_tier_counts_t counts = rns_tier_counts(self);
    const uint32_t least_free = rns_cell_load(&self->least_free);
    const uint32_t window_least_free = rns_cell_load(&self->window_least_free);
    if (self->slot_count - counts.in_use < window_least_free || window_least_free < least_free) {
        return damaged(RNS_DAMAGE_INVARIANT, "I4", 0);
    }
    if (RNS_COUNTER_BITS == 64 && counts.takes < counts.in_use) {
        return damaged(RNS_DAMAGE_INVARIANT, "I5", 0);
    }
#else
    (void)self;
#endif
    return (rns_damage_t){0};
}

/// Verify I6 and I7, and of I2 that what is not free is owned.
static rns_damage_t check_bytes(const rns_tier_t* self)
{
#if RNS_POISON || RNS_CANARY
    for (uint32_t i = 0; i < self->slot_count; ++i) {
        const unsigned char* const slot = rns_tier_slot(self, i);
        const bool live = is_live(self, i);
        if (live != is_owned(self, i)) {
            return damaged(RNS_DAMAGE_INVARIANT, "I2", i);
        }
        if (RNS_POISON && !live &&
            !rns_guard_is_filled(slot, 0, self->payload_end, RNS_POISON_BYTE)) {
            return damaged(RNS_DAMAGE_WRITE_AFTER_GIVE, "I6", i);
        }
        if (RNS_CANARY && live &&
            !rns_guard_is_filled(slot, self->payload_end, self->stride_bytes, RNS_CANARY_BYTE)) {
            return damaged(RNS_DAMAGE_CANARY, "I7", i);
        }
    }
#else
    (void)self;
#endif
    return (rns_damage_t){0};
}

rns_damage_t rns_tier_check(const rns_tier_t* self)
{
    rns_damage_t damage = check_bitmap(self);
    if (damage.status == RNS_OK) {
        damage = check_counts(self);
    }
    if (damage.status == RNS_OK) {
        damage = check_bytes(self);
    }
    return damage;
}
