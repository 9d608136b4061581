/* A pool beside its model: bytes are takes, gives and gives of addresses that are no slots. */
#include "fuzz.h"
#include "pool_model.h"

#define STORAGE_BYTES ((size_t)16384)

static union {
    unsigned char bytes[STORAGE_BYTES];
    max_align_t aligned;
} storage;

typedef struct {
    rns_pool_t pool;
    pool_model_t model;
    void* slot[RNS_TIERS_MAX][MODEL_SLOTS_MAX];
    uint64_t misuses;
} world_t;

/// Draw tiers that ascend and fit the model; return whether the pool was made.
static bool make(world_t* self, fuzz_input_t* input)
{
    rns_tier_config_t tiers[4] = {{0}};
    rns_pool_config_t config = {.tiers = tiers, .tier_count = 1u + fuzz_byte(input) % 4u};
    config.policy = fuzz_byte(input) % 2u == 0 ? RNS_POLICY_STRICT : RNS_POLICY_SPILL;
    size_t slot_bytes = 0;
    for (uint32_t i = 0; i < config.tier_count; ++i) {
        slot_bytes += 1u + fuzz_byte(input) % 48u;
        tiers[i].slot_bytes = slot_bytes;
        tiers[i].slot_count = 1u + fuzz_byte(input) % 20u;
        tiers[i].reserve_count = fuzz_byte(input) % (tiers[i].slot_count + 1u);
    }
    size_t needed = 0;
    if (rns_pool_storage_bytes(&config, &needed) != RNS_OK || needed > sizeof storage) {
        return false;
    }
    self->model = model_of(&config);
    const rns_memory_t memory = {storage.bytes, needed};
    DEMAND(rns_pool_init(&self->pool, &config, memory) == RNS_OK);
    return true;
}

static void take(world_t* self, uint32_t size_bytes, bool is_high)
{
    uint32_t slot_index = 0;
    uint32_t place[2] = {0};
    void* slot = NULL;
    const uint32_t tier = model_take(&self->model, size_bytes, is_high, &slot_index);
    const rns_status_t status = rns_pool_take(
        &self->pool, size_bytes, is_high ? RNS_PRIORITY_HIGH : RNS_PRIORITY_NORMAL, &slot);
    if (tier == self->model.tier_count) {
        DEMAND(status == RNS_MISS_EXHAUSTED || status == RNS_MISS_OVERSIZE);
        DEMAND(slot == NULL);
        return;
    }
    DEMAND(status == RNS_OK && slot != NULL);
    DEMAND(rns_pool_locate(&self->pool, slot, &place[0], &place[1]) == RNS_OK);
    DEMAND(place[0] == tier && place[1] == slot_index);
    memset(slot, 0xA5, size_bytes);
    self->slot[tier][slot_index] = slot;
}

static void give(world_t* self, uint32_t tier_index, uint32_t slot_index, uint32_t off)
{
    const model_tier_t* const tier = &self->model.tiers[tier_index];
    void* const slot = self->slot[tier_index][slot_index % tier->slot_count];
    if (slot == NULL) {
        return; // Was never handed out, so its address is not known.
    }
    if (off % tier->slot_bytes != 0) {
        DEMAND(rns_pool_give(&self->pool, (unsigned char*)slot + off % tier->slot_bytes) < RNS_OK);
        ++self->misuses;
        return;
    }
    const bool was_live = model_give(&self->model, tier_index, slot_index % tier->slot_count);
    DEMAND(rns_pool_give(&self->pool, slot) == (was_live ? RNS_OK : RNS_MISUSE_DOUBLE_GIVE));
    self->misuses += !was_live;
}

static void check(world_t* self)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&self->pool, &stats);
    uint64_t misuses = stats.misuse.interior + stats.misuse.misaligned + stats.misuse.double_give;
    misuses += stats.misuse.foreign + stats.misuse.out_of_range;
    DEMAND(misuses == self->misuses);
    DEMAND(stats.requests == stats.hits + stats.spills + stats.exhausted + stats.oversize);
    DEMAND(stats.oversize == self->model.oversize);
    for (uint32_t i = 0; i < self->model.tier_count; ++i) {
        const model_tier_t* const tier = &self->model.tiers[i];
        DEMAND(stats.tiers[i].in_use == tier->in_use);
        DEMAND(stats.tiers[i].high_water == tier->high_water);
        DEMAND(stats.tiers[i].hits == tier->hits && stats.tiers[i].spills == tier->spills);
        DEMAND(stats.tiers[i].exhausted == tier->exhausted);
    }
    DEMAND(rns_pool_check(&self->pool).status == RNS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static world_t world;
    memset(&world, 0, sizeof world);
    fuzz_input_t input = {data, data + size};
    if (!make(&world, &input)) {
        return -1;
    }
    while (input.next < input.end) {
        const uint32_t op = fuzz_byte(&input);
        if (op % 2u == 0) {
            take(&world, fuzz_byte(&input), op % 8u == 0);
        } else {
            const uint32_t tier = op / 2u % world.model.tier_count;
            give(&world, tier, fuzz_byte(&input), op >= 0xC0u ? fuzz_byte(&input) : 0u);
        }
    }
    check(&world);
    return 0;
}
