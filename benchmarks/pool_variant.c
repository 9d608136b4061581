/* One build of the pool behind malloc's two signatures; core_peers.py compiles it once per build
 * switch as a shared object, so that all of them meet the heaps in one process. */
#include "rns_pool.h"

static rns_pool_t pool;
static _Alignas(RNS_ALIGN_BYTES) unsigned char storage[3u * 32u * 1200u];

__attribute__((visibility("default"))) int bench_init(void);
__attribute__((visibility("default"))) void* bench_take(size_t size_bytes);
__attribute__((visibility("default"))) void bench_give(void* slot);
__attribute__((visibility("default"))) int bench_is_clean(void);

#if RNS_TIMING
uint32_t rns_port_ticks(void)
{
    return (uint32_t)__builtin_ia32_rdtsc();
}
#endif

int bench_init(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 256, .slot_count = 32},
                                              {.slot_bytes = 512, .slot_count = 32},
                                              {.slot_bytes = 1024, .slot_count = 32}};
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = 3};
    return rns_pool_init(&pool, &config, (rns_memory_t){storage, sizeof storage});
}

void* bench_take(size_t size_bytes)
{
    void* slot;
    (void)!rns_pool_take(&pool, size_bytes, RNS_PRIORITY_NORMAL, &slot);
    return slot;
}

void bench_give(void* slot)
{
    (void)!rns_pool_give(&pool, slot);
}

/// Tell whether nothing was missed, misused or left over: a benchmark that fails is no benchmark.
int bench_is_clean(void)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&pool, &stats);
    return stats.in_use == 0 && stats.exhausted == 0 && stats.oversize == 0 &&
           stats.misuse.double_give == 0 && stats.misuse.foreign == 0 &&
           rns_pool_check(&pool).status == RNS_OK;
}
