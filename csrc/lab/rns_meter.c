#include "rns_meter.h"

_Static_assert(RNS_STATS, "a meter reads the statistics");

static rns_replay_bin_t* bin_of(const rns_meter_t* self, uint32_t tier)
{
    return &self->bins[(size_t)self->bin * self->pool->tier_count + tier];
}

/// Add what a tier had in use up to `now_ns` to the current bin.
static void settle(rns_meter_t* self, uint32_t tier, int64_t now_ns)
{
    rns_meter_tier_t* const state = &self->tiers[tier];
    bin_of(self, tier)->in_use_ns += state->in_use * (uint64_t)(now_ns - state->changed_ns);
    state->changed_ns = now_ns;
}

/// Remember the counts of this moment, from which the next bin's are differences.
static void begin_bin(rns_meter_t* self, const rns_pool_stats_t* stats)
{
    for (uint32_t i = 0; i < stats->tier_count; ++i) {
        self->tiers[i].requests = stats->tiers[i].requests;
        self->tiers[i].spills = stats->tiers[i].spills;
        self->tiers[i].exhausted = stats->tiers[i].exhausted;
        bin_of(self, i)->in_use_min = stats->tiers[i].in_use;
    }
    self->oversize_before = stats->oversize;
    if (self->store != NULL) {
        self->store_before = rns_store_stats(self->store);
    }
    rns_pool_reset_window(self->pool);
}

static void end_bin(rns_meter_t* self, const rns_pool_stats_t* stats)
{
    for (uint32_t i = 0; i < stats->tier_count; ++i) {
        settle(self, i, self->edges_ns[self->bin + 1u]);
        const rns_meter_tier_t* const before = &self->tiers[i];
        rns_replay_bin_t* const bin = bin_of(self, i);
        bin->requests = stats->tiers[i].requests - before->requests;
        bin->spills = stats->tiers[i].spills - before->spills;
        bin->exhausted = stats->tiers[i].exhausted - before->exhausted;
        bin->in_use_max = stats->tiers[i].window_high_water;
    }
    self->oversize[self->bin] = stats->oversize - self->oversize_before;
    if (self->store != NULL) {
        const rns_store_stats_t now = rns_store_stats(self->store);
        const rns_store_stats_t* const before = &self->store_before;
        self->cow[self->bin] =
            (rns_meter_cow_t){.copies_avoided = now.copies_avoided - before->copies_avoided,
                              .cow_copies = now.cow_copies - before->cow_copies,
                              .cow_bytes = now.cow_bytes - before->cow_bytes};
    }
}

void rns_meter_begin(rns_meter_t* self)
{
    rns_pool_stats_t stats;
    rns_pool_stats(self->pool, &stats);
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        self->tiers[i] = (rns_meter_tier_t){.gate = rns_cell_load(&self->pool->tiers[i].tier.gate),
                                            .in_use = stats.tiers[i].in_use,
                                            .high_water = stats.tiers[i].high_water,
                                            .changed_ns = self->edges_ns[0],
                                            .high_water_ns = self->edges_ns[0],
                                            .first_miss_ns = -1};
    }
    self->bin = 0;
    begin_bin(self, &stats);
}

void rns_meter_advance(rns_meter_t* self, int64_t now_ns)
{
    while (now_ns >= self->edges_ns[self->bin + 1u]) {
        rns_pool_stats_t stats;
        rns_pool_stats(self->pool, &stats);
        end_bin(self, &stats);
        ++self->bin;
        begin_bin(self, &stats);
    }
}

static void note_use(rns_meter_t* self, uint32_t tier, int64_t now_ns)
{
    const rns_tier_counts_t counts = rns_tier_counts(&self->pool->tiers[tier].tier);
    rns_meter_tier_t* const state = &self->tiers[tier];
    rns_replay_bin_t* const bin = bin_of(self, tier);
    settle(self, tier, now_ns);
    state->in_use = counts.in_use;
    if (counts.in_use < bin->in_use_min) {
        bin->in_use_min = counts.in_use;
    }
    if (counts.high_water > state->high_water) {
        state->high_water = counts.high_water;
        state->high_water_ns = now_ns;
    }
}

void rns_meter_sample(rns_meter_t* self, int64_t now_ns)
{
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        const rns_pool_tier_t* const tier = &self->pool->tiers[i];
        rns_meter_tier_t* const state = &self->tiers[i];
        const rns_gate_t gate = rns_cell_load(&tier->tier.gate);
        if (gate != state->gate) {
            state->gate = gate;
            note_use(self, i, now_ns);
        }
        if (state->first_miss_ns < 0 && rns_cell_load(&tier->exhausted) != state->exhausted) {
            state->first_miss_ns = now_ns;
        }
    }
}

void rns_meter_end(rns_meter_t* self)
{
    rns_meter_advance(self, self->edges_ns[self->bin_count] - 1);
    rns_pool_stats_t stats;
    rns_pool_stats(self->pool, &stats);
    end_bin(self, &stats);
}
