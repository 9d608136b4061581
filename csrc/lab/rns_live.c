#include "rns_live.h"

/* ---- The table of blocks: linear probing, without marks where something was ------------------
 */

// A bijection whose low bits depend on all of x (David Stafford's Mix13).
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static size_t home_of(const rns_live_t* self, uint64_t id)
{
    return (size_t)mix(id) & (self->block_capacity - 1u);
}

/// Return the block of that id, or the free entry where it would be.
static rns_live_block_t* find(const rns_live_t* self, uint64_t id)
{
    size_t at = home_of(self, id);
    while (self->blocks[at].id != 0 && self->blocks[at].id != id) {
        at = (at + 1u) & (self->block_capacity - 1u);
    }
    return &self->blocks[at];
}

/// Take a block out, and move up those behind it that could not be at home because of it.
static void take_out(rns_live_t* self, const rns_live_block_t* block)
{
    const size_t mask = self->block_capacity - 1u;
    size_t hole = (size_t)(block - self->blocks);
    for (size_t at = (hole + 1u) & mask; self->blocks[at].id != 0; at = (at + 1u) & mask) {
        const size_t home = home_of(self, self->blocks[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->blocks[hole] = self->blocks[at];
            hole = at;
        }
    }
    self->blocks[hole].id = 0;
    self->block_count -= 1u;
}

size_t rns_live_room(const rns_live_t* self, size_t count)
{
    size_t capacity = self->block_capacity;
    while (capacity < 2u * (self->block_count + count)) {
        capacity *= 2u;
    }
    return capacity;
}

void rns_live_move(rns_live_t* self, rns_live_block_t* blocks, size_t capacity)
{
    const rns_live_block_t* const old = self->blocks;
    const size_t old_capacity = self->block_capacity;
    self->blocks = blocks;
    self->block_capacity = capacity;
    for (size_t i = 0; i < old_capacity; ++i) {
        if (old[i].id != 0) {
            *find(self, old[i].id) = old[i];
        }
    }
}

/* ---- Events ----------------------------------------------------------------------------------
 */

static void count_taken(rns_live_t* self, uint32_t tier)
{
    rns_live_tier_t* const state = &self->tiers[tier];
    state->in_use += 1u;
    if (state->in_use > state->peak) {
        state->peak = state->in_use;
    }
    if (state->in_use > state->high_water) {
        state->high_water = state->in_use;
        state->high_water_ns = self->now_ns;
        if (state->high_water == rns_tier_counts(&self->pool->tiers[tier].tier).slot_count) {
            state->first_full_ns = self->now_ns;
        }
    }
}

static void count_missed(rns_live_t* self, const rns_event_t* event, uint32_t home)
{
    if (home < self->pool->tier_count && self->tiers[home].first_miss_ns < 0) {
        self->tiers[home].first_miss_ns = self->now_ns;
    }
    self->sites[event->site].misses += 1u;
    rns_misses_add(self->misses, self->now_ns, event->size_bytes, event->site);
    self->missed_bytes += event->size_bytes;
    if (self->missed_bytes > self->missed_bytes_peak) {
        self->missed_bytes_peak = self->missed_bytes;
    }
}

/// Take a slot; return its tier.
static uint32_t take_slot(rns_live_t* self, size_t size_bytes, uint32_t home, void** slot)
{
    rns_pool_t* const pool = self->pool;
    uint32_t tier = RNS_REPLAY_NO_TIER;
    if (rns_pool_take(pool, size_bytes, RNS_PRIORITY_NORMAL, slot) == RNS_OK) {
        tier = home;
        if (pool->policy != RNS_POLICY_STRICT) {
            uint32_t slot_index = 0;
            (void)!rns_pool_locate(pool, *slot, &tier, &slot_index);
        }
    }
    return tier;
}

static void alloc(rns_live_t* self, const rns_event_t* event)
{
    const size_t size_bytes = (size_t)event->size_bytes;
    const uint32_t home = rns_pool_home(self->pool, size_bytes);
    rns_live_block_t* const block = find(self, event->id);
    if (block->id != 0) {
        self->unfreed_reuses += 1u;
    } else {
        self->block_count += 1u;
    }
    *block = (rns_live_block_t){
        .id = event->id, .size_bytes = event->size_bytes, .heap_offset_bytes = RNS_HEAP_NONE};
    block->tier = take_slot(self, size_bytes, home, &block->slot);
    self->sites[event->site].requests += 1u;
    if (block->tier == RNS_REPLAY_NO_TIER) {
        count_missed(self, event, home);
    } else {
        count_taken(self, block->tier);
    }
    if (self->heap != NULL &&
        rns_heap_take(self->heap, size_bytes, &block->heap_offset_bytes) != RNS_OK) {
        self->heap_failures += 1u;
    }
}

static rns_status_t release(rns_live_t* self, const rns_live_block_t* block)
{
    rns_status_t status = RNS_OK;
    if (block->tier == RNS_REPLAY_NO_TIER) {
        self->missed_bytes -= block->size_bytes;
    } else {
        self->tiers[block->tier].in_use -= 1u;
        status = rns_pool_give(self->pool, block->slot);
    }
    if (status == RNS_OK && block->heap_offset_bytes != RNS_HEAP_NONE) {
        status = rns_heap_give(self->heap, block->heap_offset_bytes);
    }
    take_out(self, block);
    return status == RNS_OK ? RNS_OK : RNS_DAMAGE_INVARIANT;
}

void rns_live_begin(rns_live_t* self)
{
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        self->tiers[i] = (rns_live_tier_t){.first_full_ns = -1, .first_miss_ns = -1};
    }
}

/// Move time to an event; it begins at the first one.
static void advance(rns_live_t* self, int64_t t_ns)
{
    if (self->event_count == 0) {
        for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
            self->tiers[i].high_water_ns = t_ns;
        }
    }
    // A thread may read the clock before another one, and take its number after it.
    self->now_ns = t_ns > self->now_ns ? t_ns : self->now_ns;
    self->event_count += 1u;
}

rns_status_t rns_live_run(rns_live_t* self, const rns_event_t* events, size_t count)
{
    rns_status_t status = RNS_OK;
    for (size_t i = 0; i < count && status == RNS_OK; ++i) {
        const rns_event_t* const event = &events[i];
        const bool is_alloc = event->op == RNS_EVENT_ALLOC;
        const rns_live_block_t* const block = is_alloc ? NULL : find(self, event->id);
        if (event->id == 0 || (!is_alloc && block->id == 0)) {
            self->unpaired_frees += 1u;
            continue;
        }
        advance(self, event->t_ns);
        if (is_alloc) {
            alloc(self, event);
        } else {
            status = release(self, block);
        }
    }
    return status;
}
