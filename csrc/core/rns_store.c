#include "rns_store.h"

#include "rns_store_inline.h"

rns_status_t rns_store_init(rns_store_t* self, rns_pool_t* pool,
                            const rns_store_options_t* options)
{
    *self = (rns_store_t){0};
    if (pool->header_bytes != RNS_BUFFER_HEADER_BYTES) {
        return RNS_CONFIG_HEADER;
    }
    self->pool = pool;
    self->options = *options;
    return RNS_OK;
}

RNS_COLD bool rns_store_is_struck(rns_store_t* self, uint32_t home)
{
    RNS_LOCK_ENTER(&self->pool->lock);
    const bool is_hit = rns_fault_strikes(self->options.fault, home);
    RNS_LOCK_LEAVE(&self->pool->lock);
    return is_hit;
}

RNS_APART store_grant_t rns_store_take_apart(rns_store_t* self, uint32_t size_bytes)
{
    rns_pool_t* const pool = self->pool;
    void* slot = NULL;
    const rns_status_t status = rns_pool_take(pool, size_bytes, self->options.priority, &slot);
    if (status != RNS_OK) {
        return (store_grant_t){.status = status};
    }
    uint32_t tier = 0;
    uint32_t index = 0;
    const bool is_slot = rns_pool_locate(pool, slot, &tier, &index) == RNS_OK;
    const uint32_t capacity = is_slot ? pool_slot_bytes(pool, tier) : size_bytes;
    store_begin(slot, self, capacity, is_slot ? tier : RNS_BUFFER_NO_TIER);
    return (store_grant_t){.buffer = slot, .status = RNS_OK, .capacity = capacity};
}

rns_status_t rns_store_take(rns_store_t* self, uint64_t need_bytes, uint64_t wish_bytes,
                            rns_buffer_t** out)
{
    const store_grant_t grant = store_take(self, need_bytes, wish_bytes);
    *out = grant.buffer;
    return grant.status;
}

rns_status_t rns_store_give(rns_store_t* self, rns_buffer_t* buffer)
{
    return pool_give_believed(self->pool, buffer->tier, buffer);
}

/// Tell whether a block of the pool's fallback is out.
static bool has_fallback_out(rns_pool_t* pool)
{
#if RNS_EXTRAS
    RNS_LOCK_ENTER(&pool->lock);
    const bool is_out = rns_cell_load(&pool->fallbacks) != rns_cell_load(&pool->fallback_gives);
    RNS_LOCK_LEAVE(&pool->lock);
    return is_out;
#else
    (void)pool;
    return false;
#endif
}

rns_status_t rns_store_unexport(rns_store_t* self, void* pin)
{
    if (pin == NULL) {
        return RNS_OK;
    }
    uint32_t tier = 0;
    uint32_t index = 0;
    const rns_status_t status = rns_pool_locate(self->pool, pin, &tier, &index);
    const bool is_buffer = status == RNS_OK
                               ? rns_pool_is_live(self->pool, tier, index)
                               : status == RNS_MISUSE_FOREIGN && has_fallback_out(self->pool);
    /* What is no buffer the pool refuses and counts. */
    return is_buffer ? rns_buffer_release(pin, self) : rns_pool_give(self->pool, pin);
}

rns_store_stats_t rns_store_stats(rns_store_t* self)
{
    rns_store_stats_t stats = {0};
#if RNS_STATS
    RNS_LOCK_ENTER(&self->pool->lock);
    stats.shares = rns_cell_load(&self->shares);
    stats.slices = rns_cell_load(&self->slices);
    stats.copies_avoided = stats.shares + stats.slices;
    stats.cow_copies = rns_cell_load(&self->cow_copies);
    stats.cow_bytes = rns_cell_load(&self->cow_bytes);
    stats.tail_appends = rns_cell_load(&self->tail_appends);
    stats.grows = rns_cell_load(&self->grows);
    stats.compactions = rns_cell_load(&self->compactions);
    RNS_LOCK_LEAVE(&self->pool->lock);
#else
    (void)self;
#endif
    return stats;
}

typedef struct {
    rns_live_buffer_visitor_t visit;
    void* context;
} live_visit_t;

static void visit_slot(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    const live_visit_t* const visit = context;
    const rns_buffer_t* const buffer = slot;
    const rns_live_buffer_t live = {.buffer = buffer,
                                    .tier_index = tier_index,
                                    .slot_index = slot_index,
                                    .capacity = buffer->capacity,
                                    .refs = rns_cell_load(&buffer->refs),
                                    .generation = buffer->generation,
                                    .tag = buffer->tag};
    visit->visit(visit->context, &live);
}

void rns_store_each_live(rns_store_t* self, rns_live_buffer_visitor_t visit, void* context)
{
    live_visit_t both = {.visit = visit, .context = context};
    rns_pool_each_live(self->pool, visit_slot, &both);
}

typedef struct {
    const rns_pool_t* pool;
    rns_damage_t damage;
} live_check_t;

/// Verify I13 to I15 of one buffer, unless damage was found already.
static void check_slot(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    live_check_t* const check = context;
    const rns_buffer_t* const buffer = slot;
    const char* broken = NULL;
    if (rns_cell_load(&buffer->refs) == 0) {
        broken = "I13";
    } else if (buffer->tier != tier_index ||
               buffer->capacity != pool_slot_bytes(check->pool, tier_index)) {
        broken = "I14";
    } else if (rns_cell_load(&buffer->used) > buffer->capacity) {
        broken = "I15";
    }
    if (broken != NULL && check->damage.status == RNS_OK) {
        check->damage = (rns_damage_t){.status = RNS_DAMAGE_INVARIANT,
                                       .invariant = broken,
                                       .tier_index = tier_index,
                                       .slot_index = slot_index};
    }
}

rns_damage_t rns_store_check(rns_store_t* self)
{
    live_check_t check = {.pool = self->pool, .damage = rns_pool_check(self->pool)};
    if (check.damage.status == RNS_OK) {
        rns_pool_each_live(self->pool, check_slot, &check);
    }
    return check.damage;
}
