/* What was exported comes before this file: `-include rns_pool_config.h`, or flags. */
#include "export_pool.h"

#if !defined(RNS_POOL_TIERS) && !defined(CONFIG_RNS_POOL_TIER_COUNT)
/* A linter reads the file alone. */
#    define CONFIG_RNS_POOL_TIER_COUNT        1
#    define CONFIG_RNS_POOL_TIER_0_SLOT_BYTES 64
#    define CONFIG_RNS_POOL_TIER_0_SLOT_COUNT 40
#endif
#include "rns_pool_static.h"

#ifndef EXPORT_HEADER_BYTES
#    define EXPORT_HEADER_BYTES 0
#endif

static const rns_tier_config_t tiers[] = {RNS_POOL_TIERS};
static _Alignas(
    RNS_ALIGN_BYTES) unsigned char storage[RNS_POOL_STORAGE_BYTES(EXPORT_HEADER_BYTES)];
static rns_pool_t pool;

static rns_pool_config_t pool_config(void)
{
    return (rns_pool_config_t){.tiers = tiers,
                               .tier_count = RNS_POOL_TIER_COUNT,
                               .policy = RNS_POOL_POLICY,
                               .header_bytes = EXPORT_HEADER_BYTES};
}

size_t export_storage_bytes(void)
{
    return sizeof storage;
}

size_t export_needed_bytes(void)
{
    const rns_pool_config_t config = pool_config();
    size_t needed = 0;
    return rns_pool_storage_bytes(&config, &needed) == RNS_OK ? needed : 0;
}

rns_status_t export_replay(const export_event_t* events, size_t event_count, void** slots,
                           rns_pool_stats_t* out)
{
    const rns_pool_config_t config = pool_config();
    const rns_memory_t memory = {.start = storage, .bytes = sizeof storage};
    rns_status_t status = rns_pool_init(&pool, &config, memory);
    for (size_t i = 0; i < event_count && status == RNS_OK; ++i) {
        void** const slot = &slots[events[i].block];
        if (events[i].size_bytes != EXPORT_FREE) {
            (void)!rns_pool_take(&pool, events[i].size_bytes, RNS_PRIORITY_NORMAL, slot);
        } else if (*slot != NULL) {
            status = rns_pool_give(&pool, *slot);
            *slot = NULL;
        }
    }
    rns_pool_stats(&pool, out);
    return status == RNS_OK ? rns_pool_check(&pool).status : status;
}
