/* Configuration: what is refused, how storage is laid out, and which pools know each other. */
#include "rns_pool.h"

#if RNS_PROFILE == RNS_PROFILE_FULL

/// Where everything lies; offsets are from the start of the storage.
typedef struct {
    rns_tier_layout_t tiers[RNS_TIERS_MAX];
    size_t slots_offset[RNS_TIERS_MAX]; ///< Unused for a tier with memory of its own.
    size_t bitmap_offset[RNS_TIERS_MAX];
    size_t storage_bytes;
} pool_layout_t;

static rns_status_t check_tier(const rns_tier_config_t* tier)
{
    if (tier->reserve_count > tier->slot_count) {
        return RNS_CONFIG_RESERVE;
    }
    if (tier->low_water_count > tier->slot_count ||
        tier->hysteresis_count > tier->slot_count - tier->low_water_count) {
        return RNS_CONFIG_LOW_WATER;
    }
    return tier->region < RNS_REGIONS_MAX ? RNS_OK : RNS_CONFIG_REGION;
}

static rns_status_t check_pool(const rns_pool_config_t* config)
{
    if (config->tiers == NULL || config->tier_count == 0 || config->tier_count > RNS_TIERS_MAX) {
        return RNS_CONFIG_TIER_COUNT;
    }
    if (config->policy != RNS_POLICY_STRICT && config->policy != RNS_POLICY_SPILL) {
        return RNS_CONFIG_POLICY;
    }
    if ((config->fallback.take == NULL) != (config->fallback.give == NULL)) {
        return RNS_CONFIG_FALLBACK;
    }
    return config->fallback.region < RNS_REGIONS_MAX ? RNS_OK : RNS_CONFIG_REGION;
}

/// Add `bytes`, at most half of size_t, to the storage, which stays aligned; return false if that
/// is more than half of size_t then.
static bool append(size_t* storage_bytes, size_t bytes, size_t* offset)
{
    const size_t padded = bytes + (RNS_ALIGN_BYTES - bytes % RNS_ALIGN_BYTES) % RNS_ALIGN_BYTES;
    if (padded > SIZE_MAX / 2u - *storage_bytes) {
        return false;
    }
    *offset = *storage_bytes;
    *storage_bytes += padded;
    return true;
}

/// Lay out slots first, bitmaps behind them.
static rns_status_t lay_out(const rns_pool_config_t* config, pool_layout_t* out)
{
    *out = (pool_layout_t){0};
    rns_status_t status = check_pool(config);
    for (uint32_t i = 0; i < config->tier_count && status == RNS_OK; ++i) {
        const rns_tier_config_t* const tier = &config->tiers[i];
        if (i > 0 && tier->slot_bytes <= config->tiers[i - 1u].slot_bytes) {
            return RNS_CONFIG_TIER_ORDER;
        }
        status = rns_tier_layout(tier->slot_bytes, config->header_bytes, tier->slot_count,
                                 &out->tiers[i]);
        if (status != RNS_OK) {
            return status;
        }
        if (tier->memory.start == NULL &&
            !append(&out->storage_bytes, out->tiers[i].slots_bytes, &out->slots_offset[i])) {
            return RNS_CONFIG_OVERFLOW;
        }
        status = check_tier(tier);
    }
    for (uint32_t i = 0; i < config->tier_count && status == RNS_OK; ++i) {
        if (!append(&out->storage_bytes, out->tiers[i].bitmap_bytes, &out->bitmap_offset[i])) {
            return RNS_CONFIG_OVERFLOW;
        }
    }
    return status;
}

static bool is_aligned(const void* address)
{
    return (uintptr_t)address % RNS_ALIGN_BYTES == 0;
}

static bool overlap(rns_memory_t a, rns_memory_t b)
{
    const uintptr_t a_start = (uintptr_t)a.start;
    const uintptr_t b_start = (uintptr_t)b.start;
    return a_start < b_start ? b_start - a_start < a.bytes : a_start - b_start < b.bytes;
}

static rns_status_t check_memory(const rns_pool_config_t* config, const pool_layout_t* layout,
                                 rns_memory_t storage)
{
    if (storage.bytes < layout->storage_bytes) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    const bool is_usable = storage.start != NULL && is_aligned(storage.start);
    if (layout->storage_bytes > 0 && !is_usable) {
        return RNS_CONFIG_STORAGE_ALIGN;
    }
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        const rns_memory_t memory = config->tiers[i].memory;
        if (memory.start == NULL) {
            continue;
        }
        if (memory.bytes < layout->tiers[i].slots_bytes) {
            return RNS_CONFIG_STORAGE_SMALL;
        }
        if (!is_aligned(memory.start)) {
            return RNS_CONFIG_STORAGE_ALIGN;
        }
        bool shared = storage.start != NULL && overlap(memory, storage);
        for (uint32_t j = 0; j < i; ++j) {
            const rns_memory_t other = config->tiers[j].memory;
            const bool meets = other.start != NULL && overlap(memory, other);
            shared = shared || meets;
        }
        if (shared) {
            return RNS_CONFIG_STORAGE_OVERLAP;
        }
    }
    return RNS_OK;
}

rns_status_t rns_pool_storage_bytes(const rns_pool_config_t* config, size_t* out)
{
    pool_layout_t layout;
    const rns_status_t status = lay_out(config, &layout);
    *out = status == RNS_OK ? layout.storage_bytes : 0;
    return status;
}

/// Insert a tier into the list of owners, which ascends by where their slots start.
static void insert_owner(rns_pool_t* self, uint32_t tier_index, uint32_t slots_bytes)
{
    const rns_tier_t* const tier = &self->tiers[tier_index].tier;
    const uintptr_t start = (uintptr_t)tier->slots;
    uint32_t place = tier_index;
    for (; place > 0 && self->slots_start[place - 1u] > start; --place) {
        self->slots_start[place] = self->slots_start[place - 1u];
        self->owners[place] = self->owners[place - 1u];
    }
    self->slots_start[place] = start;
    self->owners[place] = (rns_pool_owner_t){
        .slots_bytes = slots_bytes,
        .stride_inverse = tier->stride_inverse,
        .stride_shift = tier->stride_shift,
        .gate_slot_count = tier->gate_slot_count,
        .tier_index = tier_index,
    };
}

rns_status_t rns_pool_init(rns_pool_t* self, const rns_pool_config_t* config, rns_memory_t storage)
{
    *self = (rns_pool_t){0};
    pool_layout_t layout;
    rns_status_t status = lay_out(config, &layout);
    if (status == RNS_OK) {
        status = check_memory(config, &layout, storage);
    }
    if (status != RNS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < RNS_TIERS_MAX; ++i) {
        self->home_limit[i] = SIZE_MAX;
        self->slots_start[i] = UINTPTR_MAX;
    }
    unsigned char* const start = storage.start;
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        const rns_tier_config_t* const wanted = &config->tiers[i];
        rns_pool_tier_t* const tier = &self->tiers[i];
        rns_tier_init(&tier->tier, &layout.tiers[i],
                      wanted->memory.start != NULL ? wanted->memory.start
                                                   : start + layout.slots_offset[i],
                      layout.tiers[i].bitmap_bytes > 0 ? start + layout.bitmap_offset[i] : NULL);
        self->home_limit[i] = wanted->slot_bytes;
        self->slot_bytes[i] = layout.tiers[i].slot_bytes;
        self->region[i] = wanted->region;
        insert_owner(self, i, layout.tiers[i].slots_bytes);
        tier->reserve_count = wanted->reserve_count;
        tier->low_water_count = wanted->low_water_count;
        tier->recovered_count = wanted->low_water_count + wanted->hysteresis_count;
    }
    self->tier_count = config->tier_count;
    self->policy = config->policy;
    self->header_bytes = config->header_bytes;
    if (storage.start != NULL) {
        self->storage = storage;
    }
    self->fallback = config->fallback;
    self->low_water = config->low_water;
    self->next = self;
#    if RNS_SYNC == RNS_SYNC_LOCK
    rns_lock_init(&self->lock);
#    endif
    return RNS_OK;
}

#endif

#if RNS_EXTRAS
void rns_pool_link(rns_pool_t* self, rns_pool_t* other)
{
    for (const rns_pool_t* pool = self->next; pool != self; pool = pool->next) {
        if (pool == other) {
            return; /* splicing a ring with itself would split it */
        }
    }
    if (self != other) {
        rns_pool_t* const next = self->next;
        self->next = other->next;
        other->next = next;
    }
}

void rns_pool_unlink(rns_pool_t* self)
{
    rns_pool_t* before = self;
    while (before->next != self) {
        before = before->next;
    }
    before->next = self->next;
    self->next = self;
}
#endif
