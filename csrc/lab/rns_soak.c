#include "rns_soak.h"

static uint32_t tier_free(const rns_soak_t* self, uint32_t tier)
{
    const rns_tier_counts_t counts = rns_tier_counts(&self->pool->tiers[tier].tier);
    return counts.slot_count - counts.in_use;
}

static uint64_t pool_free(const rns_soak_t* self)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->pool->tier_count; ++i) {
        sum += (uint64_t)tier_free(self, i) * self->pool->slot_bytes[i];
    }
    return sum;
}

static uint64_t pool_largest(const rns_soak_t* self)
{
    for (uint32_t i = self->pool->tier_count; i-- > 0;) {
        if (tier_free(self, i) > 0) {
            return self->pool->slot_bytes[i];
        }
    }
    return 0;
}

static uint64_t measure(const rns_soak_t* self, const rns_soak_watch_t* watch)
{
    switch (watch->metric) {
    case RNS_SOAK_POOL_FREE:
        return pool_free(self);
    case RNS_SOAK_POOL_LARGEST:
        return pool_largest(self);
    case RNS_SOAK_TIER_FREE:
        return tier_free(self, watch->tier_index);
    case RNS_SOAK_HEAP_FREE:
        return rns_heap_total_free(self->shadow->heap);
    case RNS_SOAK_HEAP_LARGEST:
        return rns_heap_largest_free(self->shadow->heap);
    case RNS_SOAK_HEAP_FRAGMENTATION:
        return rns_heap_fragmentation_ppm(self->shadow->heap);
    }
    return 0;
}

static void look(rns_soak_t* self)
{
    const uint64_t free_bytes = pool_free(self);
    self->pool_free_min = free_bytes < self->pool_free_min ? free_bytes : self->pool_free_min;
    for (uint32_t i = 0; i < self->watch_count; ++i) {
        const uint64_t value = measure(self, &self->watches[i]);
        const rns_watch_change_t change = rns_watch_step(&self->watches[i].watch, value);
        if (change == RNS_WATCH_SAME) {
            continue;
        }
        if (self->alarm_count == self->alarm_capacity) {
            self->alarms_lost += 1u;
            continue;
        }
        self->alarms[self->alarm_count++] =
            (rns_soak_alarm_t){.t_ns = self->watch_ns,
                               .value = value,
                               .watch = i,
                               .is_raised = change == RNS_WATCH_RAISED ? 1u : 0u};
    }
}

/// Let the watches look at the seconds before `now_ns`.
static void watch_until(rns_soak_t* self, int64_t now_ns)
{
    while (self->watch_ns < now_ns) {
        look(self);
        self->watch_ns += RNS_SOAK_WATCH_NS;
    }
}

void rns_soak_advance(rns_soak_t* self, int64_t now_ns)
{
    if (now_ns > self->now_ns) {
        watch_until(self, now_ns);
        self->now_ns = now_ns;
    }
    rns_meter_advance(self->meter, self->now_ns);
}

void rns_soak_sample(rns_soak_t* self)
{
    self->events += 1u;
    rns_meter_sample(self->meter, self->now_ns);
    rns_shadow_sample(self->shadow);
}

void rns_soak_finish(rns_soak_t* self, int64_t end_ns)
{
    watch_until(self, end_ns);
    if (end_ns < self->meter->edges_ns[self->meter->bin_count]) {
        rns_soak_advance(self, end_ns);
    }
}

typedef struct {
    rns_soak_live_t* out;
    uint32_t capacity;
    uint32_t count;
    uint64_t refs;
} list_t;

static void write_down(void* context, const rns_live_buffer_t* live)
{
    list_t* const list = context;
    if (list->count < list->capacity) {
        list->out[list->count] = (rns_soak_live_t){.tier_index = live->tier_index,
                                                   .slot_index = live->slot_index,
                                                   .generation = live->generation,
                                                   .tag = live->tag};
    }
    list->count += 1u;
    list->refs += live->refs;
}

uint32_t rns_soak_live(rns_store_t* store, rns_soak_live_t* out, uint32_t capacity,
                       uint64_t* refs_out)
{
    list_t list = {.out = out, .capacity = capacity};
    rns_store_each_live(store, write_down, &list);
    *refs_out = list.refs;
    return list.count;
}
