/* The hot path of the small pool. */
#include "rns_pool_inline.h"

#if RNS_PROFILE != RNS_PROFILE_FULL

/// Record a take that got the slot at `index`.
static inline void note_take(rns_pool_tier_t* tier, uint32_t index)
{
#    if RNS_STATS
    ++tier->takes;
    if (tier->high_water <= index) { /* the lowest index first: so many are in use then */
        tier->high_water = (uint16_t)(index + 1u);
    }
#    else
    (void)tier;
    (void)index;
#    endif
#    if RNS_EXTRAS
    --tier->free_count;
#        if RNS_STATS
    const uint16_t in_use = (uint16_t)(tier->slot_count - tier->free_count);
    if (tier->window_high_water < in_use) {
        tier->window_high_water = in_use;
    }
#        endif
#    endif
}

/// Take the lowest free slot of a tier; return NULL if none may be taken.
static inline void* take_from(rns_pool_tier_t* tier, rns_priority_t priority)
{
#    if RNS_EXTRAS
    if (tier->free_count <= (priority == RNS_PRIORITY_HIGH ? 0 : tier->reserve_count)) {
        return NULL;
    }
#    else
    (void)priority;
#    endif
    uint32_t* word = small_words(tier);
    for (uint32_t first = 0; first < tier->slot_count; first += 32u) {
        const uint32_t bits = *word;
        if (bits != 0) {
            const uint32_t index = first + rns_lowest_bit_index(bits);
            *word = bits & (bits - 1u);
            note_take(tier, index);
            return small_slot(tier, index);
        }
        ++word;
    }
    return NULL;
}

/// Count a request that `tier` served, or none if that is behind the last.
static inline void note_request(rns_pool_t* self, rns_pool_tier_t* home, rns_pool_tier_t* tier,
                                size_t size_bytes)
{
#    if RNS_STATS
    const rns_pool_tier_t* const end = &self->tiers[self->tier_count];
    if (tier == end) {
        ++*(home < end ? &home->exhausted : &self->oversize);
    } else if (tier != home) {
        ++home->spills;
        ++tier->spills_in;
    }
#        if RNS_EXTRAS
    const uint32_t size = size_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)size_bytes;
    uint32_t* const largest =
        home < end ? &home->largest_request_bytes : &self->largest_oversize_bytes;
    if (*largest < size) {
        *largest = size;
    }
#        endif
#    else
    (void)self;
    (void)home;
    (void)tier;
#    endif
    (void)size_bytes;
}

#    if RNS_EXTRAS
/// Tell that a tier runs low, or no longer does.
static void notify(const rns_pool_t* self, const rns_pool_tier_t* tier, uint32_t free_count,
                   bool is_low)
{
    if (self->low_water.notify != NULL) {
        self->low_water.notify(self->low_water.context, (uint32_t)(tier - self->tiers), free_count,
                               is_low);
    }
}

/// Ask the fallback for what no tier served; return NULL if it does not either.
static void* take_fallback(rns_pool_t* self, size_t size_bytes)
{
    void* block = NULL;
    if (self->fallback.take != NULL && size_bytes <= SIZE_MAX - self->header_bytes) {
        block = self->fallback.take(self->fallback.context, self->header_bytes + size_bytes);
    }
    if (block != NULL) {
        RNS_LOCK_ENTER(&self->lock);
        ++self->fallbacks;
        RNS_LOCK_LEAVE(&self->lock);
    }
    return block;
}
#    endif

rns_status_t rns_pool_take(rns_pool_t* self, size_t size_bytes, rns_priority_t priority,
                           void** out)
{
    rns_pool_tier_t* const end = &self->tiers[self->tier_count];
    rns_pool_tier_t* home = self->tiers;
    while (home < end && size_bytes > home->slot_bytes) {
        ++home;
    }
    rns_pool_tier_t* tier = home;
    void* slot = NULL;
    RNS_LOCK_ENTER(&self->lock);
    while (tier < end && (slot = take_from(tier, priority)) == NULL) {
        tier = self->policy == RNS_POLICY_SPILL ? tier + 1 : end;
    }
    note_request(self, home, tier, size_bytes);
#    if RNS_EXTRAS
    const uint32_t free_count = tier < end ? tier->free_count : UINT32_MAX;
    const bool is_due = tier < end && free_count < tier->low_water_count && !tier->is_low;
    if (is_due) {
        tier->is_low = true;
    }
#    endif
    RNS_LOCK_LEAVE(&self->lock);
#    if RNS_EXTRAS
    if (is_due) {
        notify(self, tier, free_count, true);
    }
    if (slot == NULL) {
        slot = take_fallback(self, size_bytes);
    }
#    endif
    *out = slot;
    if (slot != NULL) {
        return RNS_OK;
    }
    return home < end ? RNS_MISS_EXHAUSTED : RNS_MISS_OVERSIZE;
}

#    if RNS_EXTRAS
/// Tell whether an address lies in the storage or the tiers of a pool.
static bool is_in_memory(const rns_pool_t* self, const void* address)
{
    bool is_in = small_stray(self, address) != RNS_MISUSE_FOREIGN;
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        is_in = is_in || small_holds(&self->tiers[i], address);
    }
    return is_in;
}

rns_status_t rns_small_foreign(const rns_pool_t* self, const void* address)
{
    for (const rns_pool_t* other = self->next; other != self; other = other->next) {
        if (is_in_memory(other, address)) {
            return RNS_MISUSE_WRONG_POOL;
        }
    }
    return RNS_MISUSE_FOREIGN;
}

/// Tell whether a block of the fallback is out.
static bool has_fallback_out(rns_pool_t* self)
{
    RNS_LOCK_ENTER(&self->lock);
    const bool is_out = self->fallbacks != self->fallback_gives;
    RNS_LOCK_LEAVE(&self->lock);
    return is_out;
}

/// Give a foreign address to the fallback, if that may have handed it out.
static bool give_fallback(rns_pool_t* self, void* slot)
{
    if (slot == NULL || !has_fallback_out(self) ||
        !self->fallback.give(self->fallback.context, slot)) {
        return false;
    }
    RNS_LOCK_ENTER(&self->lock);
    ++self->fallback_gives;
    RNS_LOCK_LEAVE(&self->lock);
    return true;
}
#    endif

/// Count and return a refusal, unless the address is one for the fallback.
static rns_status_t refuse(rns_pool_t* self, void* slot, rns_status_t status)
{
#    if RNS_EXTRAS
    if (status == RNS_MISUSE_FOREIGN) {
        status = rns_small_foreign(self, slot);
    }
    if (status == RNS_MISUSE_FOREIGN && give_fallback(self, slot)) {
        return RNS_OK;
    }
#    else
    (void)slot;
#    endif
#    if RNS_STATS
    RNS_LOCK_ENTER(&self->lock);
    ++self->misuse[RNS_MISUSE_FOREIGN - status];
    RNS_LOCK_LEAVE(&self->lock);
#    else
    (void)self;
#    endif
    return status;
}

rns_status_t rns_pool_give(rns_pool_t* self, void* slot)
{
    rns_pool_tier_t* tier = NULL;
    rns_pool_tier_t* const end = &self->tiers[self->tier_count];
    /* Each tier is looked at, whichever holds it, so that all gives cost the same. */
    for (rns_pool_tier_t* each = self->tiers; each < end; ++each) {
        tier = small_holds(each, slot) ? each : tier;
    }
    uint32_t index = 0;
    const rns_status_t status =
        tier == NULL ? small_stray(self, slot) : small_index(tier, slot, &index);
    if (status != RNS_OK) {
        return refuse(self, slot, status);
    }
    uint32_t* const word = &small_words(tier)[index / 32u];
    const uint32_t bit = (uint32_t)1 << (index % 32u);
    RNS_LOCK_ENTER(&self->lock);
    const bool was_free = (*word & bit) != 0;
    *word |= bit;
#    if RNS_EXTRAS
    const uint32_t free_count = tier->free_count + (was_free ? 0u : 1u);
    tier->free_count = (uint16_t)free_count;
    const bool is_due = tier->is_low && free_count >= tier->recovered_count;
    if (is_due) {
        tier->is_low = false;
    }
#    endif
    RNS_LOCK_LEAVE(&self->lock);
#    if RNS_EXTRAS
    if (is_due) {
        notify(self, tier, free_count, false);
    }
#    endif
    return was_free ? refuse(self, slot, RNS_MISUSE_DOUBLE_GIVE) : RNS_OK;
}
#endif
