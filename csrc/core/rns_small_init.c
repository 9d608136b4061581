/* The small pool: what of a configuration is refused, and where everything lies. */
#include "rns_pool_inline.h"

#if RNS_PROFILE != RNS_PROFILE_FULL

/// Add `bytes`, a multiple of RNS_ALIGN_BYTES, to the storage; return false on overflow.
static bool append(size_t* storage_bytes, size_t bytes)
{
    if (bytes > SIZE_MAX / 2u - *storage_bytes) {
        return false;
    }
    *storage_bytes += bytes;
    return true;
}

/// Tell whether a tier has memory of its own.
static inline bool has_memory(const rns_tier_config_t* wanted)
{
#    if RNS_EXTRAS
    return wanted->memory.start != NULL;
#    else
    (void)wanted;
    return false;
#    endif
}

static uint32_t inverse_of_odd(uint32_t odd)
{
    uint32_t inverse = odd; /* right in the lowest 3 bits; each step doubles them */
    for (uint32_t valid_bits = 3; valid_bits < 32u; valid_bits *= 2u) {
        inverse *= 2u - odd * inverse;
    }
    return inverse;
}

/// Fill in what a tier knows without its place, and add to the storage what it needs there.
static rns_status_t lay_out(const rns_tier_config_t* wanted, uint32_t header_bytes,
                            rns_pool_tier_t* out, size_t* storage_bytes)
{
    if (wanted->slot_bytes == 0 || wanted->slot_bytes > RNS_SLOT_BYTES_MAX) {
        return RNS_CONFIG_SLOT_BYTES;
    }
    if (wanted->slot_count == 0 || wanted->slot_count > RNS_SLOT_COUNT_MAX) {
        return RNS_CONFIG_SLOT_COUNT;
    }
    if (header_bytes > RNS_SLOT_BYTES_MAX || header_bytes % RNS_ALIGN_BYTES != 0) {
        return RNS_CONFIG_HEADER;
    }
    const uint32_t unpadded = header_bytes + (uint32_t)wanted->slot_bytes;
    const uint32_t stride = (unpadded + RNS_ALIGN_BYTES - 1u) & ~(RNS_ALIGN_BYTES - 1u);
    const uint32_t words = wanted->slot_count <= 32u ? 0 : (wanted->slot_count + 31u) / 32u;
    const size_t words_bytes =
        (words * sizeof(uint32_t) + RNS_ALIGN_BYTES - 1u) & ~(RNS_ALIGN_BYTES - (size_t)1u);
    if (stride > UINT16_MAX ||
        (!has_memory(wanted) && !append(storage_bytes, (size_t)wanted->slot_count * stride)) ||
        !append(storage_bytes, words_bytes)) {
        return RNS_CONFIG_OVERFLOW;
    }
    out->stride_bytes = (uint16_t)stride;
    out->slot_bytes = (uint16_t)wanted->slot_bytes;
    out->slot_count = (uint16_t)wanted->slot_count;
    out->stride_shift = (uint16_t)rns_lowest_bit_index(stride);
    out->stride_inverse = inverse_of_odd(stride >> out->stride_shift);
#    if RNS_EXTRAS
    if (wanted->reserve_count > wanted->slot_count) {
        return RNS_CONFIG_RESERVE;
    }
    if (wanted->low_water_count > wanted->slot_count ||
        wanted->hysteresis_count > wanted->slot_count - wanted->low_water_count) {
        return RNS_CONFIG_LOW_WATER;
    }
    if (wanted->region >= RNS_REGIONS_MAX) {
        return RNS_CONFIG_REGION;
    }
    out->free_count = out->slot_count;
    out->reserve_count = (uint16_t)wanted->reserve_count;
    out->low_water_count = (uint16_t)wanted->low_water_count;
    out->recovered_count = (uint16_t)(wanted->low_water_count + wanted->hysteresis_count);
    out->region = wanted->region;
#    endif
    return RNS_OK;
}

static rns_status_t check_pool(const rns_pool_config_t* config)
{
    if (config->tiers == NULL || config->tier_count == 0 || config->tier_count > RNS_TIERS_MAX) {
        return RNS_CONFIG_TIER_COUNT;
    }
    if (config->policy != RNS_POLICY_STRICT && config->policy != RNS_POLICY_SPILL) {
        return RNS_CONFIG_POLICY;
    }
#    if RNS_EXTRAS
    if ((config->fallback.take == NULL) != (config->fallback.give == NULL)) {
        return RNS_CONFIG_FALLBACK;
    }
    if (config->fallback.region >= RNS_REGIONS_MAX) {
        return RNS_CONFIG_REGION;
    }
#    endif
    return RNS_OK;
}

rns_status_t rns_pool_storage_bytes(const rns_pool_config_t* config, size_t* out)
{
    rns_pool_tier_t tier;
    size_t bytes = 0;
    *out = 0;
    rns_status_t status = check_pool(config);
    for (uint32_t i = 0; status == RNS_OK && i < config->tier_count; ++i) {
        const rns_tier_config_t* const wanted = &config->tiers[i];
        if (i > 0 && wanted->slot_bytes <= wanted[-1].slot_bytes) {
            return RNS_CONFIG_TIER_ORDER;
        }
        status = lay_out(wanted, config->header_bytes, &tier, &bytes);
    }
    *out = status == RNS_OK ? bytes : 0;
    return status;
}

static bool is_aligned(const void* address)
{
    return (uintptr_t)address % RNS_ALIGN_BYTES == 0;
}

#    if RNS_EXTRAS
static bool overlap(rns_memory_t a, rns_memory_t b)
{
    const uintptr_t a_start = (uintptr_t)a.start;
    const uintptr_t b_start = (uintptr_t)b.start;
    return a_start < b_start ? b_start - a_start < a.bytes : a_start - b_start < b.bytes;
}

/// Check the memory that tiers have of their own; their layout is known to be right.
static rns_status_t check_memory(const rns_pool_config_t* config, rns_memory_t storage)
{
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        const rns_memory_t memory = config->tiers[i].memory;
        rns_pool_tier_t tier = {0};
        size_t bytes = 0;
        if (memory.start == NULL) {
            continue;
        }
        (void)lay_out(&config->tiers[i], config->header_bytes, &tier, &bytes);
        if (memory.bytes < (size_t)tier.slot_count * tier.stride_bytes) {
            return RNS_CONFIG_STORAGE_SMALL;
        }
        if (!is_aligned(memory.start)) {
            return RNS_CONFIG_STORAGE_ALIGN;
        }
        bool is_shared = storage.start != NULL && overlap(memory, storage);
        for (uint32_t j = 0; j < i; ++j) {
            const rns_memory_t other = config->tiers[j].memory;
            is_shared = is_shared || (other.start != NULL && overlap(memory, other));
        }
        if (is_shared) {
            return RNS_CONFIG_STORAGE_OVERLAP;
        }
    }
    return RNS_OK;
}
#    endif

/// Give a tier that is laid out its place, at `start` of the storage, with every slot free.
static void settle(rns_pool_tier_t* tier, const rns_tier_config_t* wanted, unsigned char* start)
{
    tier->slots = start;
    unsigned char* words = start + (size_t)tier->slot_count * tier->stride_bytes;
#    if RNS_EXTRAS
    if (has_memory(wanted)) {
        tier->slots = wanted->memory.start;
        words = start;
    }
#    else
    (void)wanted;
#    endif
    if (tier->slot_count > 32u) {
        tier->free.words = (uint32_t*)(void*)words;
    }
    for (uint32_t first = 0; first < tier->slot_count; first += 32u) {
        const uint32_t rest = tier->slot_count - first;
        small_words(tier)[first / 32u] = rest >= 32u ? UINT32_MAX : ((uint32_t)1 << rest) - 1u;
    }
}

rns_status_t rns_pool_init(rns_pool_t* self, const rns_pool_config_t* config, rns_memory_t storage)
{
    *self = (rns_pool_t){0};
    size_t bytes = 0;
    rns_status_t status = rns_pool_storage_bytes(config, &bytes);
    if (status != RNS_OK) {
        return status;
    }
    if (storage.bytes < bytes) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    if (bytes > 0 && (storage.start == NULL || !is_aligned(storage.start))) {
        return RNS_CONFIG_STORAGE_ALIGN;
    }
#    if RNS_EXTRAS
    status = check_memory(config, storage);
    if (status != RNS_OK) {
        return status;
    }
    self->fallback = config->fallback;
    self->low_water = config->low_water;
    self->next = self;
#    endif
    bytes = 0;
    for (uint32_t i = 0; i < config->tier_count; ++i) {
        unsigned char* const start = (unsigned char*)storage.start + bytes;
        (void)lay_out(&config->tiers[i], config->header_bytes, &self->tiers[i], &bytes);
        settle(&self->tiers[i], &config->tiers[i], start);
    }
    self->tier_count = (uint8_t)config->tier_count;
    self->policy = (uint8_t)config->policy;
    self->header_bytes = config->header_bytes;
    if (storage.start != NULL) {
        self->storage = storage;
    }
#    if RNS_SYNC == RNS_SYNC_LOCK
    rns_lock_init(&self->lock);
#    endif
    return RNS_OK;
}
#endif
