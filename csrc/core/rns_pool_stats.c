/* What a pool tells of itself: snapshot, check, live slots, log line. */
#include "rns_pool_inline.h"

/// Read one tier. Order matters under load: what counts a part is read before what counts the
/// whole, so that no difference goes below zero.
static void read_tier(const rns_pool_t* self, uint32_t index, rns_tier_stats_t* out)
{
#if RNS_PROFILE != RNS_PROFILE_FULL
    rns_small_read_tier(&self->tiers[index], out);
#else
    const rns_pool_tier_t* const tier = &self->tiers[index];
#    if RNS_STATS
    out->spills_in = rns_cell_load(&tier->spills_in);
    out->largest_request_bytes = rns_cell_load(&tier->largest_request_bytes);
#    endif
    const rns_tier_counts_t counts = rns_tier_counts(&tier->tier);
    out->slot_bytes = self->slot_bytes[index];
    out->slot_count = counts.slot_count;
    out->region = self->region[index];
    out->in_use = counts.in_use;
    out->high_water = counts.high_water;
    out->window_high_water = counts.window_high_water;
    out->takes = counts.takes;
    out->gives = counts.gives;
#    if RNS_STATS
    out->hits = counts.takes - out->spills_in;
    out->spills = rns_cell_load(&tier->spills);
    out->exhausted = rns_cell_load(&tier->exhausted);
    out->requests = out->hits + out->spills + out->exhausted;
#    endif
#endif
}

static void add_tier(rns_pool_stats_t* total, const rns_tier_stats_t* tier, size_t stride_bytes)
{
    total->in_use += tier->in_use;
    total->requests += tier->requests;
    total->hits += tier->hits;
    total->spills += tier->spills;
    total->exhausted += tier->exhausted;
    total->takes += tier->takes;
    total->gives += tier->gives;
    if (total->largest_request_bytes < tier->largest_request_bytes) {
        total->largest_request_bytes = tier->largest_request_bytes;
    }
    rns_region_stats_t* const region = &total->regions[tier->region];
    region->slot_count += tier->slot_count;
    region->in_use += tier->in_use;
    region->slots_bytes += tier->slot_count * stride_bytes;
    region->in_use_bytes += tier->in_use * stride_bytes;
    region->takes += tier->takes;
    region->gives += tier->gives;
}

#if RNS_STATS
static rns_misuse_counts_t read_misuse(const rns_pool_t* self)
{
    rns_misuse_counts_t counts = {0};
    counts.foreign = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_FOREIGN]);
    counts.out_of_range =
        rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_OUT_OF_RANGE]);
    counts.interior = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_INTERIOR]);
    counts.misaligned = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_MISALIGNED]);
    counts.double_give = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_DOUBLE_GIVE]);
#    if RNS_EXTRAS
    counts.wrong_pool = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_MISUSE_WRONG_POOL]);
#    endif
#    if RNS_PROFILE == RNS_PROFILE_FULL
    counts.canary = rns_cell_load(&self->misuse[RNS_MISUSE_FOREIGN - RNS_DAMAGE_CANARY]);
#    endif
#    if RNS_POISON
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        counts.write_after_give += rns_cell_load(&self->tiers[i].tier.writes_after_give);
    }
#    endif
    return counts;
}
#endif

#if RNS_TIMING
static rns_timing_t read_timing(const rns_stopwatch_t* watch)
{
    return (rns_timing_t){.calls = rns_cell_load(&watch->calls),
                          .total_ticks = rns_cell_load(&watch->total_ticks),
                          .worst_ticks = rns_cell_load(&watch->worst_ticks)};
}
#endif

void rns_pool_stats(rns_pool_t* self, rns_pool_stats_t* out)
{
    *out = (rns_pool_stats_t){0};
    RNS_LOCK_ENTER(&self->lock);
    out->tier_count = self->tier_count;
#if RNS_EXTRAS
    out->fallback_gives = rns_cell_load(&self->fallback_gives);
    out->fallbacks = rns_cell_load(&self->fallbacks);
#endif
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        read_tier(self, i, &out->tiers[i]);
        add_tier(out, &out->tiers[i], pool_stride_bytes(self, i));
    }
#if RNS_EXTRAS
    out->regions[self->fallback.region].fallbacks = out->fallbacks;
#endif
#if RNS_STATS
    out->oversize = rns_cell_load(&self->oversize);
    out->requests += out->oversize;
    out->failures = out->exhausted + out->oversize - out->fallbacks;
#    if RNS_EXTRAS
    const uint32_t largest_oversize = rns_cell_load(&self->largest_oversize_bytes);
    if (largest_oversize > 0) {
        out->largest_request_bytes = largest_oversize;
    }
#    endif
    out->misuse = read_misuse(self);
#endif
#if RNS_TIMING
    out->take_timing = read_timing(&self->take_timing);
    out->give_timing = read_timing(&self->give_timing);
#endif
    RNS_LOCK_LEAVE(&self->lock);
}

#if RNS_EXTRAS
void rns_pool_reset_window(rns_pool_t* self)
{
    RNS_LOCK_ENTER(&self->lock);
    for (uint32_t i = 0; i < self->tier_count; ++i) {
#    if RNS_PROFILE == RNS_PROFILE_FULL
        rns_tier_reset_window(&self->tiers[i].tier);
#    elif RNS_STATS
        rns_pool_tier_t* const tier = &self->tiers[i];
        tier->window_high_water = (uint16_t)(tier->slot_count - tier->free_count);
#    endif
    }
    RNS_LOCK_LEAVE(&self->lock);
}
#endif

/// Verify I8 and I9.
static const char* check_order(const rns_pool_t* self)
{
#if RNS_PROFILE != RNS_PROFILE_FULL
    return rns_small_check_order(self);
#else
    for (uint32_t i = 1; i < self->tier_count; ++i) {
        if (self->slot_bytes[i] <= self->slot_bytes[i - 1u]) {
            return "I8";
        }
        if (self->slots_start[i] - self->slots_start[i - 1u] < self->owners[i - 1u].slots_bytes) {
            return "I9";
        }
    }
    return NULL;
#endif
}

/// Verify I10 to I12.
static const char* check_sums(const rns_pool_t* self)
{
#if RNS_STATS
    rns_counter_t unmatched = 0;
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        const rns_counter_t spills_in = rns_cell_load(&self->tiers[i].spills_in);
#    if RNS_COUNTER_BITS == 64
        if (spills_in > rns_tier_counts(&self->tiers[i].tier).takes) {
            return "I10";
        }
#    endif
        unmatched += rns_cell_load(&self->tiers[i].spills);
        unmatched -= spills_in;
    }
    if (unmatched != 0) {
        return "I11";
    }
#endif
#if RNS_COUNTER_BITS == 64
    if (rns_cell_load(&self->fallback_gives) > rns_cell_load(&self->fallbacks)) {
        return "I12";
    }
#endif
    (void)self;
    return NULL;
}

rns_damage_t rns_pool_check(const rns_pool_t* self)
{
    for (uint32_t i = 0; i < self->tier_count; ++i) {
#if RNS_PROFILE == RNS_PROFILE_FULL
        rns_damage_t damage = rns_tier_check(&self->tiers[i].tier);
#else
        rns_damage_t damage = rns_small_check_tier(&self->tiers[i]);
#endif
        if (damage.status != RNS_OK) {
            damage.tier_index = i;
            return damage;
        }
    }
    const char* broken = check_order(self);
    if (broken == NULL) {
        broken = check_sums(self);
    }
    return (rns_damage_t){.status = broken == NULL ? RNS_OK : RNS_DAMAGE_INVARIANT,
                          .invariant = broken};
}

void* rns_pool_slot(const rns_pool_t* self, uint32_t tier_index, uint32_t slot_index)
{
#if RNS_PROFILE == RNS_PROFILE_FULL
    return rns_tier_slot(&self->tiers[tier_index].tier, slot_index);
#else
    return small_slot(&self->tiers[tier_index], slot_index);
#endif
}

/// Return which of 32 slots are in use, the lowest in bit 0.
static uint32_t live_bits(rns_pool_t* self, uint32_t tier_index, uint32_t group)
{
    RNS_LOCK_ENTER(&self->lock);
#if RNS_PROFILE == RNS_PROFILE_FULL
    const uint32_t live = rns_tier_live_bits(&self->tiers[tier_index].tier, group);
#else
    const uint32_t live = small_live_bits(&self->tiers[tier_index], group);
#endif
    RNS_LOCK_LEAVE(&self->lock);
    return live;
}

bool rns_pool_is_live(rns_pool_t* self, uint32_t tier_index, uint32_t slot_index)
{
    return ((live_bits(self, tier_index, slot_index / 32u) >> (slot_index % 32u)) & 1u) != 0;
}

void rns_pool_each_live(rns_pool_t* self, rns_live_visitor_t visit, void* context)
{
    for (uint32_t i = 0; i < self->tier_count; ++i) {
        for (uint32_t first = 0; first < pool_slot_count(self, i); first += 32u) {
            uint32_t live = live_bits(self, i, first / 32u);
            for (; live != 0; live &= live - 1u) {
                const uint32_t index = first + rns_lowest_bit_index(live);
                visit(context, i, index, rns_pool_slot(self, i, index));
            }
        }
    }
}

static void write_text(rns_sink_t sink, const char* text)
{
    size_t text_bytes = 0;
    while (text[text_bytes] != '\0') {
        ++text_bytes;
    }
    sink.write(sink.context, text, text_bytes);
}

static void write_number(rns_sink_t sink, const char* label, rns_counter_t number)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + (char)(number % 10u));
        number /= 10u;
    } while (number != 0);
    write_text(sink, label);
    sink.write(sink.context, &digits[first], sizeof digits - first);
}

/// Return served / requests in tenths of a per cent, rounded down; 1000 if nothing was requested,
/// or if a 32-bit counter has wrapped around.
static rns_counter_t per_mille(rns_counter_t served, rns_counter_t requests)
{
    if (served >= requests) {
        return 1000u;
    }
    /* Both are scaled alike where the product would not fit. */
    while (served > (rns_counter_t)-1 / 1000u) {
        served /= 2u;
        requests /= 2u;
    }
    return served * 1000u / requests;
}

void rns_pool_log(rns_pool_t* self, rns_sink_t sink)
{
    rns_pool_stats_t stats;
    rns_pool_stats(self, &stats);
    const rns_counter_t rate = per_mille(stats.hits + stats.spills, stats.requests);
    write_number(sink, "requests=", stats.requests);
    write_number(sink, " hits=", stats.hits);
    write_number(sink, " spills=", stats.spills);
    write_number(sink, " hit_rate=", rate / 10u);
    write_number(sink, ".", rate % 10u);
    write_text(sink, "%");
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        const rns_tier_stats_t* const tier = &stats.tiers[i];
        write_number(sink, " ", tier->slot_bytes);
        write_number(sink, ":", tier->in_use);
        write_number(sink, "/", tier->slot_count);
        write_number(sink, "^", tier->high_water);
    }
    write_text(sink, "\n");
}
