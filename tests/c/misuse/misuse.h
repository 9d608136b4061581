/// @file misuse.h
/// A pool to be misused, and the one line that every program of this folder prints: what the last
/// call answered, which counters moved, and what rns_pool_check() finds.
#ifndef MISUSE_H
#define MISUSE_H

#include "rns_bytes.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rns_tier_config_t tiers[] = {
    {.slot_bytes = 48, .slot_count = 3},
    {.slot_bytes = 80, .slot_count = 2},
};

/// Make a pool of 48 x 3 and 80 x 2 in its own block of the heap.
static inline void make_pool(rns_pool_t* pool, uint32_t header_bytes)
{
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 2, .header_bytes = header_bytes};
    size_t bytes = 0;
    if (rns_pool_storage_bytes(&config, &bytes) != RNS_OK ||
        rns_pool_init(pool, &config, (rns_memory_t){malloc(bytes), bytes}) != RNS_OK) {
        abort();
    }
}

/// Make a pool and a store over it.
static inline void make_store(rns_store_t* store, rns_pool_t* pool)
{
    make_pool(pool, RNS_BUFFER_HEADER_BYTES);
    if (rns_store_init(store, pool, &(rns_store_options_t){0}) != RNS_OK) {
        abort();
    }
}

/// Take a slot that has to be there.
static inline unsigned char* take(rns_pool_t* pool, size_t size_bytes)
{
    void* slot = NULL;
    if (rns_pool_take(pool, size_bytes, RNS_PRIORITY_NORMAL, &slot) != RNS_OK) {
        abort();
    }
    return slot;
}

/// Give what has to be taken back.
static inline void give(rns_pool_t* pool, void* slot)
{
    if (rns_pool_give(pool, slot) != RNS_OK) {
        abort();
    }
}

/// Make a Bytes that there has to be room for.
static inline rns_bytes_t make_bytes(rns_store_t* store, const char* text)
{
    rns_bytes_t bytes;
    if (rns_bytes_init(&bytes, store, text, strlen(text)) != RNS_OK) {
        abort();
    }
    return bytes;
}

static inline void print_counter(const char* name, rns_counter_t count)
{
    if (count != 0) {
        (void)printf(", %s %" PRIu64, name, (uint64_t)count);
    }
}

/// Print the line, and free the pool's storage. Return what main() returns.
static inline int report(rns_pool_t* pool, rns_status_t status)
{
    rns_pool_stats_t stats;
    rns_pool_stats(pool, &stats);
    (void)printf("%s", rns_status_name(status));
    print_counter("foreign", stats.misuse.foreign);
    print_counter("out_of_range", stats.misuse.out_of_range);
    print_counter("interior", stats.misuse.interior);
    print_counter("misaligned", stats.misuse.misaligned);
    print_counter("double_give", stats.misuse.double_give);
    print_counter("wrong_pool", stats.misuse.wrong_pool);
    print_counter("canary", stats.misuse.canary);
    print_counter("write_after_give", stats.misuse.write_after_give);
    const rns_damage_t damage = rns_pool_check(pool);
    if (damage.status != RNS_OK) {
        (void)printf(", check %s %s tier %u slot %u", rns_status_name(damage.status),
                     damage.invariant, (unsigned)damage.tier_index, (unsigned)damage.slot_index);
    }
    (void)putchar('\n');
    free(pool->storage.start);
    return 0;
}

#endif
