#include "rns_compare.h"

/* ---- State ---------------------------------------------------------------------------------- */

static uint64_t largest_free_slot(const rns_compare_t* self)
{
    uint32_t tier = self->pool == NULL ? 0 : self->pool->tier_count;
    while (tier > 0 && self->slots_free[tier - 1u] == 0) {
        --tier;
    }
    return tier == 0 ? 0 : self->slot_bytes[tier - 1u];
}

static void observe(rns_compare_t* self)
{
    rns_compare_state_t* const state = &self->state;
    state->free_bytes = self->pool_free_bytes;
    state->largest_bytes = largest_free_slot(self);
    state->fragmentation_ppm = 0;
    const rns_heap_t* const heap = self->heaps[0].heap;
    if (heap != NULL) {
        const uint32_t largest = rns_heap_largest_free(heap);
        state->free_bytes += rns_heap_total_free(heap);
        state->largest_bytes = largest > state->largest_bytes ? largest : state->largest_bytes;
        state->fragmentation_ppm = rns_heap_fragmentation_ppm(heap);
    }
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void open_bin(rns_compare_t* self)
{
    const rns_compare_state_t* const state = &self->state;
    rns_compare_bin_t* const bin = &self->bins[self->bin];
    bin->free_min = bin->free_max = state->free_bytes;
    bin->largest_min = bin->largest_max = state->largest_bytes;
    bin->fragmentation_ppm_min = bin->fragmentation_ppm_max = state->fragmentation_ppm;
}

/// Move time into the bin that holds `t_ns`, which is before the last edge.
static void advance(rns_compare_t* self, int64_t t_ns)
{
    while (t_ns >= self->edges_ns[self->bin + 1u]) {
        ++self->bin;
        open_bin(self);
    }
}

/// Return whether the pool, as it is, would serve a request.
static bool pool_fits(const rns_compare_t* self, size_t size_bytes)
{
    const uint32_t home = rns_pool_home(self->pool, size_bytes);
    const uint32_t tier_count = self->pool->tier_count;
    const bool is_strict = self->pool->policy == RNS_POLICY_STRICT;
    const uint32_t end = is_strict && home < tier_count ? home + 1u : tier_count;
    for (uint32_t i = home; i < end; ++i) {
        if (self->slots_free[i] > self->pool->tiers[i].reserve_count) {
            return true;
        }
    }
    return false;
}

static bool fits(const rns_compare_t* self, size_t size_bytes)
{
    if (self->pool != NULL && pool_fits(self, size_bytes)) {
        return true;
    }
    return self->heaps[0].heap != NULL && rns_heap_fits(self->heaps[0].heap, size_bytes);
}

static void sample(rns_compare_t* self)
{
    rns_compare_bin_t* const bin = &self->bins[self->bin];
    const rns_compare_state_t* const state = &self->state;
    observe(self);
    ++bin->events;
    bin->free_sum += state->free_bytes;
    bin->free_min = lower(bin->free_min, state->free_bytes);
    bin->free_max = higher(bin->free_max, state->free_bytes);
    bin->largest_sum += state->largest_bytes;
    bin->largest_min = lower(bin->largest_min, state->largest_bytes);
    bin->largest_max = higher(bin->largest_max, state->largest_bytes);
    const uint32_t ppm = state->fragmentation_ppm;
    bin->fragmentation_ppm_sum += ppm;
    bin->fragmentation_ppm_min =
        ppm < bin->fragmentation_ppm_min ? ppm : bin->fragmentation_ppm_min;
    bin->fragmentation_ppm_max =
        ppm > bin->fragmentation_ppm_max ? ppm : bin->fragmentation_ppm_max;
    bin->probe_failures += fits(self, self->probe_bytes) ? 0u : 1u;
    self->free_min_bytes = lower(self->free_min_bytes, state->free_bytes);
    self->live_blocks_sum += self->live_blocks;
    self->live_bytes_sum += self->live_bytes;
}

/* ---- Events --------------------------------------------------------------------------------- */

static bool pool_take(rns_compare_t* self, size_t size_bytes, rns_compare_block_t* block)
{
    if (rns_pool_take(self->pool, size_bytes, RNS_PRIORITY_NORMAL, &block->slot) != RNS_OK) {
        return false;
    }
    uint32_t slot_index = 0;
    (void)!rns_pool_locate(self->pool, block->slot, &block->place, &slot_index);
    --self->slots_free[block->place];
    self->pool_free_bytes -= self->slot_bytes[block->place];
    self->pool_free_min_bytes = lower(self->pool_free_min_bytes, self->pool_free_bytes);
    ++self->pool_served;
    return true;
}

/// Return whether the request was served.
static bool take(rns_compare_t* self, size_t size_bytes, rns_compare_block_t* block)
{
    bool is_served = self->pool != NULL && pool_take(self, size_bytes, block);
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX && !is_served; ++i) {
        rns_compare_heap_t* const at = &self->heaps[i];
        is_served =
            at->heap != NULL && rns_heap_take(at->heap, size_bytes, &block->offset) == RNS_OK;
        if (is_served) {
            block->place = RNS_TIERS_MAX + i;
            ++at->served;
            at->free_min_bytes = lower(at->free_min_bytes, rns_heap_total_free(at->heap));
        }
    }
    if (is_served) {
        ++self->live_blocks;
        self->live_bytes += size_bytes;
    } else {
        block->place = RNS_COMPARE_NOWHERE;
    }
    return is_served;
}

static rns_status_t give(rns_compare_t* self, uint32_t block_index)
{
    rns_compare_block_t* const block = &self->blocks[block_index];
    const uint32_t place = block->place;
    rns_status_t status = RNS_OK;
    if (place == RNS_COMPARE_NOWHERE) {
        return RNS_OK;
    }
    if (place < RNS_TIERS_MAX) {
        status = rns_pool_give(self->pool, block->slot);
        ++self->slots_free[place];
        self->pool_free_bytes += self->slot_bytes[place];
    } else {
        status = rns_heap_give(self->heaps[place - RNS_TIERS_MAX].heap, block->offset);
    }
    block->place = RNS_COMPARE_NOWHERE;
    --self->live_blocks;
    self->live_bytes -= self->events[self->alloc_rows[block_index]].size_bytes;
    return status == RNS_OK ? RNS_OK : RNS_DAMAGE_INVARIANT;
}

static void count_failure(rns_compare_t* self, size_t event)
{
    ++self->bins[self->bin].failures;
    if (self->failure_count < self->failure_capacity) {
        self->failures[self->failure_count] =
            (rns_compare_failure_t){.event = (int64_t)event,
                                    .t_ns = self->events[event].t_ns,
                                    .size_bytes = self->events[event].size_bytes};
    }
    ++self->failure_count;
}

void rns_compare_begin(rns_compare_t* self)
{
    self->bin = 0;
    self->failure_count = 0;
    self->pool_served = 0;
    self->pool_free_bytes = 0;
    self->live_blocks = 0;
    self->live_bytes = 0;
    self->live_blocks_sum = 0;
    self->live_bytes_sum = 0;
    if (self->pool != NULL) {
        rns_pool_stats_t stats;
        rns_pool_stats(self->pool, &stats);
        for (uint32_t i = 0; i < stats.tier_count; ++i) {
            self->slot_bytes[i] = stats.tiers[i].slot_bytes;
            self->slots_free[i] = stats.tiers[i].slot_count;
            self->pool_free_bytes += (uint64_t)self->slot_bytes[i] * self->slots_free[i];
        }
    }
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX; ++i) {
        rns_compare_heap_t* const at = &self->heaps[i];
        at->served = 0;
        at->free_min_bytes = at->heap == NULL ? 0 : rns_heap_total_free(at->heap);
    }
    observe(self);
    self->pool_free_min_bytes = self->pool_free_bytes;
    self->free_min_bytes = self->state.free_bytes;
    open_bin(self);
}

rns_status_t rns_compare_run(rns_compare_t* self, size_t first, size_t end)
{
    rns_status_t status = RNS_OK;
    for (size_t i = first; i < end && status == RNS_OK; ++i) {
        const rns_event_t* const event = &self->events[i];
        advance(self, event->t_ns);
        if (event->op == RNS_EVENT_ALLOC) {
            ++self->bins[self->bin].requests;
            if (!take(self, (size_t)event->size_bytes, &self->blocks[self->block[i]])) {
                count_failure(self, i);
            }
        } else {
            status = give(self, self->block[i]);
        }
        sample(self);
    }
    return status;
}

rns_status_t rns_compare_serves(rns_compare_t* self, size_t first, size_t end)
{
    rns_status_t status = RNS_OK;
    for (size_t i = first; i < end && status == RNS_OK; ++i) {
        const rns_event_t* const event = &self->events[i];
        if (event->op != RNS_EVENT_ALLOC) {
            status = give(self, self->block[i]);
        } else if (!take(self, (size_t)event->size_bytes, &self->blocks[self->block[i]])) {
            status = RNS_MISS_EXHAUSTED;
        }
    }
    return status;
}

void rns_compare_end(rns_compare_t* self)
{
    advance(self, self->edges_ns[self->bin_count] - 1);
}
