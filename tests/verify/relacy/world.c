#include "cells.h"
/* These take the place of what the headers of the core include. */
#include "rns_bytes.c"
#include "rns_bytes_make.c"
#include "rns_bytes_share.c"
#include "rns_fault.c"
#include "rns_pool.c"
#include "rns_pool_init.c"
#include "rns_pool_stats.c"
#include "rns_tier.c"
/* Two functions of its own are called as two of the files above. */
#define has_fallback_out store_has_fallback_out
#define is_live          store_is_live
#include "rns_store.c"

#include "world.h"

#include <string.h>

static struct {
    rns_pool_t pool;
    rns_store_t store;
    rns_bytes_t handles[WORLD_THREADS];
    _Alignas(RNS_ALIGN_BYTES) unsigned char storage[1024];
} world;

static int index_of(const void* slot)
{
    uint32_t tier = 0;
    uint32_t index = 0;
    return rns_pool_locate(&world.pool, slot, &tier, &index) == RNS_OK ? (int)index : -1;
}

void world_begin(int slot_count)
{
    memset(&world, 0, sizeof world);
    const rns_tier_config_t tier = {.slot_bytes = 16, .slot_count = (uint32_t)slot_count};
    const rns_pool_config_t config = {
        .tiers = &tier, .tier_count = 1, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    const rns_memory_t storage = {.start = world.storage, .bytes = sizeof world.storage};
    (void)!rns_pool_init(&world.pool, &config, storage);
    (void)!rns_store_init(&world.store, &world.pool, &(rns_store_options_t){0});
    for (int i = 0; i < slot_count; ++i) {
        rns_buffer_t* const buffer = rns_tier_slot(&world.pool.tiers[0].tier, (uint32_t)i);
        (void)rns_cell_load(&buffer->refs);
        (void)rns_cell_load(&buffer->used);
    }
    (void)world_is_sound();
    (void)rns_store_stats(&world.store);
    (void)rns_cell_load(&world.pool.tiers[0].is_low);
}

int world_take(void)
{
    void* slot = NULL;
    const rns_status_t status = rns_pool_take(&world.pool, 16, RNS_PRIORITY_NORMAL, &slot);
    return status == RNS_OK ? index_of(slot) : -1;
}

bool world_give(int slot)
{
    return rns_pool_give(&world.pool, rns_tier_slot(&world.pool.tiers[0].tier, (uint32_t)slot)) ==
           RNS_OK;
}

void world_begin_bytes(int slot_count, int thread_count)
{
    world_begin(slot_count);
    (void)!rns_bytes_init(&world.handles[0], &world.store, "abcd", 4);
    for (int i = 1; i < thread_count; ++i) {
        world.handles[i] = rns_bytes_share(&world.handles[0], &world.store);
    }
}

int world_slot(int thread)
{
    return index_of(world.handles[thread].buffer);
}

bool world_drop(int thread)
{
    return rns_bytes_drop(&world.handles[thread], &world.store) == RNS_OK;
}

bool world_write(int thread)
{
    return rns_bytes_set(&world.handles[thread], &world.store, 0, '1') == RNS_OK;
}

bool world_may_write(int thread)
{
    uint8_t* bytes = NULL;
    return rns_bytes_try_mut(&world.handles[thread], &world.store, &bytes) == RNS_OK;
}

bool world_share(int thread)
{
    rns_bytes_t other = rns_bytes_share(&world.handles[thread], &world.store);
    return rns_bytes_drop(&other, &world.store) == RNS_OK;
}

bool world_make(int thread)
{
    return rns_bytes_init(&world.handles[thread], &world.store, "efgh", 4) == RNS_OK;
}

bool world_is_sound(void)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&world.pool, &stats);
    return stats.in_use == 0 && stats.misuse.double_give == 0 &&
           stats.tiers[0].high_water <= stats.tiers[0].slot_count &&
           rns_store_check(&world.store).status == RNS_OK;
}
