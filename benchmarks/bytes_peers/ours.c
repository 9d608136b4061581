/* The Bytes of this project; bytes_peers.py builds them three ways. */
#include "rns_bytes.h"

#include <string.h>

#define HEADROOM_BYTES 24u
#define ALWAYS_INLINE  static inline __attribute__((always_inline))

typedef rns_bytes_t value_t;

static rns_pool_t pool;
static rns_store_t store;
static rns_store_t store_with_headroom;
static _Alignas(RNS_ALIGN_BYTES) unsigned char storage[64u * 1024u];
static uint32_t failures;

ALWAYS_INLINE void must(rns_status_t status)
{
    if (__builtin_expect(status != RNS_OK, 0)) {
        ++failures;
    }
}

static int peer_init(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 32},
                                              {.slot_bytes = 256, .slot_count = 24},
                                              {.slot_bytes = 512, .slot_count = 16},
                                              {.slot_bytes = 1024, .slot_count = 20}};
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 4, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    const rns_store_options_t headroom = {.headroom_bytes = HEADROOM_BYTES};
    must(rns_pool_init(&pool, &config, (rns_memory_t){storage, sizeof storage}));
    must(rns_store_init(&store, &pool, &(rns_store_options_t){0}));
    must(rns_store_init(&store_with_headroom, &pool, &headroom));
    return (int)failures;
}

/// Tell whether nothing was missed, misused or left over.
static int peer_is_clean(void)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&pool, &stats);
    return failures == 0 && stats.in_use == 0 && stats.requests == stats.hits &&
           stats.misuse.double_give == 0 && stats.misuse.foreign == 0 &&
           rns_store_check(&store).status == RNS_OK;
}

ALWAYS_INLINE void value_make(value_t* out, const uint8_t* data, size_t bytes)
{
    must(rns_bytes_init(out, &store, data, bytes));
}

ALWAYS_INLINE void value_share(value_t* out, const value_t* from)
{
    *out = rns_bytes_share(from, &store);
}

ALWAYS_INLINE void value_slice(value_t* out, const value_t* from, size_t at, size_t bytes)
{
    *out = rns_bytes_slice(from, &store, at, bytes);
}

ALWAYS_INLINE void value_write(value_t* self, size_t at, uint8_t byte, size_t room_bytes)
{
    if (room_bytes > 0) {
        must(rns_bytes_reserve_room(self, &store, 0, room_bytes));
    }
    must(rns_bytes_set(self, &store, at, byte));
}

ALWAYS_INLINE void value_append(value_t* self, const uint8_t* data, size_t bytes)
{
    must(rns_bytes_append(self, &store, data, bytes));
}

ALWAYS_INLINE void value_cut(value_t* self, size_t bytes)
{
    must(rns_bytes_resize(self, &store, bytes));
}

ALWAYS_INLINE void value_concat(value_t* out, const value_t* front, const value_t* back)
{
    must(rns_bytes_concat(out, &store, front, back));
}

ALWAYS_INLINE void value_drop(value_t* self)
{
    must(rns_bytes_drop(self, &store));
}

ALWAYS_INLINE size_t value_read(const value_t* self, uint8_t* to)
{
    memcpy(to, rns_bytes_data(self), self->length);
    return self->length;
}

#include "workloads.h"

EXPORTED double bench_prepend(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_tail(const uint8_t* data, size_t bytes, uint32_t count);
EXPORTED double bench_cow_append(const uint8_t* data, size_t bytes, uint32_t count);

/// Prepend in headroom; putting the old window back opens it again.
double bench_prepend(const uint8_t* data, size_t bytes, uint32_t count)
{
    value_t value = {0};
    must(rns_bytes_init(&value, &store_with_headroom, data, bytes));
    const value_t window = value;
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) {
        must(rns_bytes_prepend(&value, &store_with_headroom, data, HEADER_BYTES));
        keep(&value);
        value = window;
    }
    const double ns = now_ns() - start;
    value_drop(&value);
    return ns;
}

/// Append to shared storage where nobody has: BATCH times, until the slot is full.
double bench_tail(const uint8_t* data, size_t bytes, uint32_t count)
{
    double ns = 0;
    for (uint32_t done = 0; done < count; done += BATCH) {
        value_t value = {0};
        value_make(&value, data, bytes);
        must(rns_bytes_reserve_room(&value, &store, 0, BATCH * APPEND_BYTES));
        value_t other = rns_bytes_share(&value, &store);
        const double start = now_ns();
        for (uint32_t i = 0; i < BATCH; ++i) {
            value_append(&value, data, APPEND_BYTES);
            keep(&value);
        }
        ns += now_ns() - start;
        must(value.buffer == other.buffer ? RNS_OK : RNS_MISS_SHARED);
        value_drop(&value);
        value_drop(&other);
    }
    return ns;
}

/// Append to BATCH values that share storage whose tail is claimed: each is copied.
double bench_cow_append(const uint8_t* data, size_t bytes, uint32_t count)
{
    double ns = 0;
    for (uint32_t done = 0; done < count; done += BATCH) {
        value_t values[BATCH];
        value_t base = {0};
        value_make(&base, data, bytes);
        value_t longer = rns_bytes_share(&base, &store);
        must(rns_bytes_append(&longer, &store, data, 1));
        for (uint32_t i = 0; i < BATCH; ++i) {
            values[i] = rns_bytes_share(&base, &store);
        }
        const double start = now_ns();
        for (uint32_t i = 0; i < BATCH; ++i) {
            value_append(&values[i], data, APPEND_BYTES);
            keep(&values[i]);
        }
        ns += now_ns() - start;
        for (uint32_t i = 0; i < BATCH; ++i) {
            must(values[i].buffer != base.buffer ? RNS_OK : RNS_MISS_SHARED);
            value_drop(&values[i]);
        }
        value_drop(&longer);
        value_drop(&base);
    }
    return ns;
}
