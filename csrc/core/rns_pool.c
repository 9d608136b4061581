/* The hot path: take, give, and whose an address is. */
#include "rns_pool.h"

#include "rns_pool_inline.h"

#if RNS_PROFILE == RNS_PROFILE_FULL

#    if RNS_TIMING
static void stop_watch(rns_pool_t* self, rns_stopwatch_t* watch, uint32_t start_ticks)
{
    const uint32_t ticks = RNS_TICKS() - start_ticks;
    RNS_LOCK_ENTER(&self->lock);
    rns_cell_add(&watch->calls, 1u);
    rns_cell_add(&watch->total_ticks, ticks);
    uint32_t worst = rns_cell_load(&watch->worst_ticks);
    while (worst < ticks && !rns_cell_cas(&watch->worst_ticks, &worst, ticks)) {
    }
    RNS_LOCK_LEAVE(&self->lock);
    (void)self;
}
#    endif

#    if RNS_STATS
/// Raise a record of the largest request, which other threads may raise too.
static void raise_largest(RNS_CELL(uint32_t) * largest, size_t size_bytes)
{
    const uint32_t size = size_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)size_bytes;
    uint32_t seen = rns_cell_load(largest);
    while (seen < size && !rns_cell_cas(largest, &seen, size)) {
    }
}
#    endif

/// Record what is notable of a grant, and tell that the tier runs low. Return RNS_OK.
RNS_COLD rns_status_t rns_pool_note_grant(rns_pool_t* self, uint32_t tier_index,
                                          tier_grant_t grant, size_t size_bytes)
{
    rns_pool_tier_t* const tier = &self->tiers[tier_index];
    const uint32_t free_count = tier_free_count(&tier->tier, grant.gate);
    RNS_LOCK_ENTER(&self->lock);
#    if RNS_STATS
    raise_largest(&tier->largest_request_bytes, size_bytes);
#    else
    (void)size_bytes;
#    endif
    rns_tier_note_take(&tier->tier, grant);
    const bool is_due = free_count < tier->low_water_count && rns_cell_or(&tier->is_low, 1u) == 0;
    RNS_LOCK_LEAVE(&self->lock);
    if (is_due && self->low_water.notify != NULL) {
        self->low_water.notify(self->low_water.context, tier_index, free_count, true);
    }
    return RNS_OK;
}

/// Take from the tiers above a full home; return the slot or NULL.
static void* spill(rns_pool_t* self, uint32_t home, rns_priority_t priority)
{
    for (uint32_t i = home + 1u; i < self->tier_count; ++i) {
        rns_pool_tier_t* const tier = &self->tiers[i];
        RNS_LOCK_ENTER(&self->lock);
        const tier_grant_t grant = tier_take(&tier->tier, pool_keep_count(tier, priority));
        const bool is_served = grant.index != RNS_NO_SLOT;
        const bool has_note =
            is_served && pool_is_notable(tier, grant, tier_free_count(&tier->tier, grant.gate), 0);
#    if RNS_STATS
        if (is_served) {
            rns_cell_add(&tier->spills_in, 1u);
            rns_cell_add(&self->tiers[home].spills, 1u);
        }
#    endif
        RNS_LOCK_LEAVE(&self->lock);
        if (has_note) {
            (void)rns_pool_note_grant(self, i, grant, 0);
        }
        if (is_served) {
            return pool_slot(tier, grant);
        }
    }
    return NULL;
}

/// Record the size of a request that its home tier did not serve.
static void note_size(rns_pool_t* self, uint32_t home, size_t size_bytes)
{
#    if RNS_STATS
    RNS_LOCK_ENTER(&self->lock);
    raise_largest(home < self->tier_count ? &self->tiers[home].largest_request_bytes
                                          : &self->largest_oversize_bytes,
                  size_bytes);
    RNS_LOCK_LEAVE(&self->lock);
#    else
    (void)self;
    (void)home;
    (void)size_bytes;
#    endif
}

/// Count a request that no tier served.
static void count_miss(rns_pool_t* self, uint32_t home)
{
#    if RNS_STATS
    RNS_LOCK_ENTER(&self->lock);
    rns_cell_add(home < self->tier_count ? &self->tiers[home].exhausted : &self->oversize, 1u);
    RNS_LOCK_LEAVE(&self->lock);
#    else
    (void)self;
    (void)home;
#    endif
}

/// Serve a request that its home tier did not: by a larger tier, else by the fallback.
RNS_COLD static rns_status_t take_elsewhere(rns_pool_t* self, uint32_t home, size_t size_bytes,
                                            rns_priority_t priority, void** out)
{
    note_size(self, home, size_bytes);
    *out = self->policy == RNS_POLICY_SPILL ? spill(self, home, priority) : NULL;
    if (*out != NULL) {
        return RNS_OK;
    }
    count_miss(self, home);
    if (self->fallback.take != NULL && size_bytes <= SIZE_MAX - self->header_bytes) {
        *out = self->fallback.take(self->fallback.context, self->header_bytes + size_bytes);
    }
    if (*out == NULL) {
        return home < self->tier_count ? RNS_MISS_EXHAUSTED : RNS_MISS_OVERSIZE;
    }
    RNS_LOCK_ENTER(&self->lock);
    rns_cell_add(&self->fallbacks, 1u);
    RNS_LOCK_LEAVE(&self->lock);
    return RNS_OK;
}

/// pool_take() where the bitmap in the gate does not serve: large tiers, full tiers, oversize.
RNS_APART rns_status_t rns_pool_take_apart(rns_pool_t* self, uint32_t home, size_t size_bytes,
                                           rns_priority_t priority, void** out)
{
    rns_pool_tier_t* const tier = &self->tiers[home];
    if (home == self->tier_count || tier->tier.word_count == 0) {
        return take_elsewhere(self, home, size_bytes, priority, out);
    }
    RNS_LOCK_ENTER(&self->lock);
    const tier_grant_t grant =
        rns_tier_take_from_words(&tier->tier, pool_keep_count(tier, priority));
    const bool has_note = grant.index != RNS_NO_SLOT &&
                          pool_is_notable(tier, grant, (uint32_t)grant.gate, size_bytes);
    RNS_LOCK_LEAVE(&self->lock);
    if (grant.index == RNS_NO_SLOT) {
        return take_elsewhere(self, home, size_bytes, priority, out);
    }
    *out = pool_slot(tier, grant);
    return has_note ? rns_pool_note_grant(self, home, grant, size_bytes) : RNS_OK;
}

#    if RNS_OBSERVE
/// Return the observer, which stays until leave_observer(), or NULL.
static const rns_observer_t* enter_observer(rns_pool_t* self)
{
    if (rns_cell_load(&self->observer) == NULL) {
        return NULL;
    }
    rns_cell_add(&self->observed_calls, 1u);
    const rns_observer_t* const observer = rns_cell_load(&self->observer);
    if (observer == NULL) {
        rns_cell_add(&self->observed_calls, UINT32_MAX);
    }
    return observer;
}

static void leave_observer(rns_pool_t* self)
{
    rns_cell_add(&self->observed_calls, UINT32_MAX);
}
#    endif

bool rns_pool_observe(rns_pool_t* self, const rns_observer_t* observer)
{
#    if RNS_OBSERVE
    rns_cell_store(&self->observer, observer);
    while (rns_cell_load(&self->observed_calls) != 0) {
    }
    return true;
#    else
    (void)self;
    (void)observer;
    return false;
#    endif
}

/// Take, and tell the observer.
static rns_status_t take_observed(rns_pool_t* self, size_t size_bytes, rns_priority_t priority,
                                  void** out)
{
    const rns_status_t status = pool_take(self, size_bytes, priority, out);
#    if RNS_OBSERVE
    const rns_observer_t* const observer = status == RNS_OK ? enter_observer(self) : NULL;
    if (observer != NULL) {
        observer->took(observer->context, *out, size_bytes);
        leave_observer(self);
    }
#    endif
    return status;
}

/// Give, and tell the observer.
static rns_status_t give_observed(rns_pool_t* self, void* slot)
{
#    if RNS_OBSERVE
    const rns_observer_t* const observer = enter_observer(self);
    if (observer != NULL) {
        const uint64_t number = observer->giving(observer->context);
        const rns_status_t status = pool_give(self, slot);
        observer->gave(observer->context, number, slot, status);
        leave_observer(self);
        return status;
    }
#    endif
    return pool_give(self, slot);
}

rns_status_t rns_pool_take(rns_pool_t* self, size_t size_bytes, rns_priority_t priority,
                           void** out)
{
#    if RNS_TIMING
    const uint32_t start_ticks = RNS_TICKS();
    const rns_status_t status = take_observed(self, size_bytes, priority, out);
    stop_watch(self, &self->take_timing, start_ticks);
    return status;
#    else
    return take_observed(self, size_bytes, priority, out);
#    endif
}

/// Tell that a tier which ran low has recovered, if it has. Return RNS_OK.
RNS_COLD rns_status_t rns_pool_note_recovery(rns_pool_t* self, uint32_t tier_index,
                                             rns_gate_t gate)
{
    rns_pool_tier_t* const tier = &self->tiers[tier_index];
    const uint32_t free_count = tier_free_count(&tier->tier, gate);
    if (free_count < tier->recovered_count) {
        return RNS_OK;
    }
    RNS_LOCK_ENTER(&self->lock);
    const bool is_due = rns_cell_and(&tier->is_low, 0u) != 0;
    RNS_LOCK_LEAVE(&self->lock);
    if (is_due && self->low_water.notify != NULL) {
        self->low_water.notify(self->low_water.context, tier_index, free_count, false);
    }
    return RNS_OK;
}

/// Count and return a refusal.
RNS_COLD rns_status_t rns_pool_refuse(rns_pool_t* self, rns_status_t status)
{
#    if RNS_STATS
    RNS_LOCK_ENTER(&self->lock);
    rns_cell_add(&self->misuse[RNS_MISUSE_FOREIGN - status], 1u);
    RNS_LOCK_LEAVE(&self->lock);
#    else
    (void)self;
#    endif
    return status;
}

/// Tell whether an address lies in the storage or the tiers of a pool.
static bool is_in_memory(const rns_pool_t* self, const void* address)
{
    uint32_t offset = 0;
    return (uintptr_t)address - (uintptr_t)self->storage.start < self->storage.bytes ||
           pool_owner(self, address, &offset) != NULL;
}

/// Tell what an address is that lies in no tier of this pool.
static rns_status_t classify_stray(const rns_pool_t* self, const void* slot)
{
    if (is_in_memory(self, slot)) {
        return RNS_MISUSE_OUT_OF_RANGE;
    }
    for (const rns_pool_t* other = self->next; other != self; other = other->next) {
        if (is_in_memory(other, slot)) {
            return RNS_MISUSE_WRONG_POOL;
        }
    }
    return RNS_MISUSE_FOREIGN;
}

/// Tell whether a block of the fallback is out.
static bool has_fallback_out(rns_pool_t* self)
{
    RNS_LOCK_ENTER(&self->lock);
    const bool is_out = rns_cell_load(&self->fallbacks) != rns_cell_load(&self->fallback_gives);
    RNS_LOCK_LEAVE(&self->lock);
    return is_out;
}

/// Give an address that lies in no tier to the fallback, if that may have handed it out.
RNS_COLD rns_status_t rns_pool_give_elsewhere(rns_pool_t* self, void* slot)
{
    const rns_status_t status = classify_stray(self, slot);
    if (status != RNS_MISUSE_FOREIGN || slot == NULL || self->fallback.give == NULL ||
        !has_fallback_out(self) || !self->fallback.give(self->fallback.context, slot)) {
        return rns_pool_refuse(self, status);
    }
    RNS_LOCK_ENTER(&self->lock);
    rns_cell_add(&self->fallback_gives, 1u);
    RNS_LOCK_LEAVE(&self->lock);
    return RNS_OK;
}

/// pool_give() where the index is not one of the bitmap in the gate: large tiers, no start of a
/// slot.
RNS_APART rns_status_t rns_pool_give_apart(rns_pool_t* self, uint32_t tier_index, uint32_t offset)
{
    rns_pool_tier_t* const tier = &self->tiers[tier_index];
    const uint32_t index = tier_slot_index(&tier->tier, offset);
    if (index >= tier->tier.slot_count) {
        return rns_pool_refuse(self, offset % RNS_ALIGN_BYTES != 0 ? RNS_MISUSE_MISALIGNED
                                                                   : RNS_MISUSE_INTERIOR);
    }
    RNS_LOCK_ENTER(&self->lock);
    const tier_return_t given = rns_tier_give_to_words(&tier->tier, index);
    const bool was_low = rns_cell_load(&tier->is_low) != 0;
    RNS_LOCK_LEAVE(&self->lock);
    return pool_finish_give(self, tier_index, given, was_low);
}

rns_status_t rns_pool_give(rns_pool_t* self, void* slot)
{
#    if RNS_TIMING
    const uint32_t start_ticks = RNS_TICKS();
    const rns_status_t status = give_observed(self, slot);
    stop_watch(self, &self->give_timing, start_ticks);
    return status;
#    else
    return give_observed(self, slot);
#    endif
}

uint32_t rns_pool_home(const rns_pool_t* self, size_t size_bytes)
{
    return pool_home(self, size_bytes);
}

rns_status_t rns_pool_locate(const rns_pool_t* self, const void* slot, uint32_t* tier_index,
                             uint32_t* slot_index)
{
    uint32_t offset = 0;
    const rns_pool_owner_t* const owner = pool_owner(self, slot, &offset);
    *tier_index = UINT32_MAX;
    *slot_index = UINT32_MAX;
    if (owner == NULL) {
        return classify_stray(self, slot);
    }
    const rns_status_t status =
        rns_tier_locate(&self->tiers[owner->tier_index].tier, slot, slot_index);
    if (status == RNS_OK) {
        *tier_index = owner->tier_index;
    }
    return status;
}
#endif
