#include "rns_replay.h"

static rns_replay_bin_t* bin_of(const rns_replay_t* self, uint32_t tier)
{
    return &self->bins[(size_t)self->bin * self->pool->tier_count + tier];
}

/// Add what a tier had in use up to `t_ns` to the current bin.
static void settle(rns_replay_t* self, uint32_t tier, int64_t t_ns)
{
    rns_replay_tier_t* const state = &self->tiers[tier];
    bin_of(self, tier)->in_use_ns += state->in_use * (uint64_t)(t_ns - state->changed_ns);
    state->changed_ns = t_ns;
}

static void open_bin(rns_replay_t* self)
{
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        rns_replay_bin_t* const bin = bin_of(self, i);
        bin->in_use_min = self->tiers[i].in_use;
        bin->in_use_max = self->tiers[i].in_use;
    }
}

/// Move time into the bin that holds `t_ns`, which is before the last edge.
static void advance(rns_replay_t* self, int64_t t_ns)
{
    while (t_ns >= self->edges_ns[self->bin + 1u]) {
        const int64_t edge_ns = self->edges_ns[self->bin + 1u];
        for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
            settle(self, i, edge_ns);
        }
        ++self->bin;
        open_bin(self);
    }
}

void rns_replay_begin(rns_replay_t* self)
{
    self->bin = 0;
    self->missed_bytes = 0;
    self->missed_bytes_peak = 0;
    self->missed_bytes_peak_ns = self->edges_ns[0];
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        self->tiers[i] = (rns_replay_tier_t){.changed_ns = self->edges_ns[0],
                                             .high_water_ns = self->edges_ns[0],
                                             .first_miss_ns = -1};
    }
    open_bin(self);
}

static void count_taken(rns_replay_t* self, uint32_t tier, int64_t t_ns)
{
    settle(self, tier, t_ns);
    rns_replay_tier_t* const state = &self->tiers[tier];
    rns_replay_bin_t* const bin = bin_of(self, tier);
    state->in_use += 1u;
    if (state->in_use > bin->in_use_max) {
        bin->in_use_max = state->in_use;
        if (state->in_use > state->high_water) {
            state->high_water = state->in_use;
            state->high_water_ns = t_ns;
        }
    }
}

static void count_given(rns_replay_t* self, uint32_t tier, int64_t t_ns)
{
    settle(self, tier, t_ns);
    rns_replay_tier_t* const state = &self->tiers[tier];
    rns_replay_bin_t* const bin = bin_of(self, tier);
    state->in_use -= 1u;
    if (state->in_use < bin->in_use_min) {
        bin->in_use_min = state->in_use;
    }
}

static void count_missed(rns_replay_t* self, const rns_event_t* event, uint32_t home)
{
    if (home == self->pool->tier_count) {
        self->oversize[self->bin] += 1u;
    } else {
        bin_of(self, home)->exhausted += 1u;
        if (self->tiers[home].first_miss_ns < 0) {
            self->tiers[home].first_miss_ns = event->t_ns;
        }
    }
    self->site_misses[event->site] += 1u;
    self->missed_bytes += event->size_bytes;
    if (self->missed_bytes > self->missed_bytes_peak) {
        self->missed_bytes_peak = self->missed_bytes;
        self->missed_bytes_peak_ns = event->t_ns;
    }
}

static bool is_in_psram(const rns_replay_t* self, const rns_replay_block_t* block)
{
    return block->tier == RNS_REPLAY_NO_TIER ? self->regions->regions[self->regions->last].is_psram
                                             : self->is_pool_in_psram;
}

static void replay_alloc(rns_replay_t* self, const rns_event_t* event, rns_replay_block_t* block)
{
    rns_pool_t* const pool = self->pool;
    const uint32_t home = rns_pool_home(pool, (size_t)event->size_bytes);
    const rns_status_t status =
        rns_pool_take(pool, (size_t)event->size_bytes, RNS_PRIORITY_NORMAL, &block->slot);
    uint32_t tier = RNS_REPLAY_NO_TIER;
    if (status == RNS_OK) {
        if (pool->policy == RNS_POLICY_STRICT && pool->fallback.take == NULL) {
            tier = home;
        } else {
            uint32_t slot_index = 0;
            (void)!rns_pool_locate(pool, block->slot, &tier, &slot_index);
        }
    }
    block->tier = tier;
    if (self->regions != NULL && event->size_bytes > RNS_REGIONS_LARGE_BYTES && status == RNS_OK) {
        self->site_large[event->site] += is_in_psram(self, block) ? 0u : 1u;
    }
    if (home < pool->tier_count) {
        bin_of(self, home)->requests += 1u;
        bin_of(self, home)->spills += tier != RNS_REPLAY_NO_TIER && tier != home ? 1u : 0u;
    }
    if (tier == RNS_REPLAY_NO_TIER) {
        count_missed(self, event, home);
    } else {
        count_taken(self, tier, event->t_ns);
    }
}

static rns_status_t replay_free(rns_replay_t* self, const rns_event_t* event, uint32_t block_index)
{
    rns_replay_block_t* const block = &self->blocks[block_index];
    if (block->tier == RNS_REPLAY_NO_TIER) {
        self->missed_bytes -= self->events[self->alloc_rows[block_index]].size_bytes;
    } else {
        count_given(self, block->tier, event->t_ns);
    }
    if (block->slot == NULL) {
        return RNS_OK;
    }
    const rns_status_t status = rns_pool_give(self->pool, block->slot);
    block->slot = NULL;
    return status == RNS_OK ? RNS_OK : RNS_DAMAGE_INVARIANT;
}

rns_status_t rns_replay_run(rns_replay_t* self, size_t first, size_t end)
{
    rns_status_t status = RNS_OK;
    for (size_t i = first; i < end && status == RNS_OK; ++i) {
        const rns_event_t* const event = &self->events[i];
        advance(self, event->t_ns);
        if (event->op == RNS_EVENT_ALLOC) {
            replay_alloc(self, event, &self->blocks[self->block[i]]);
        } else {
            status = replay_free(self, event, self->block[i]);
        }
    }
    return status;
}

void rns_replay_end(rns_replay_t* self)
{
    advance(self, self->edges_ns[self->bin_count] - 1);
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        settle(self, i, self->edges_ns[self->bin_count]);
    }
}
