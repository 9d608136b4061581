#include "table_fixture.h"

#include "rns_hash.h"
#include <stdlib.h>
#include <string.h>

rns_table_config_t table_config(rns_table_policy_t policy, uint32_t capacity)
{
    return (rns_table_config_t){.capacity = capacity,
                                .key_bytes = 16,
                                .value_bytes = 8,
                                .policy = policy,
                                .seed = 0x0123456789ABCDEFu};
}

static void write_log(void* context, const void* key, void* value)
{
    table_fixture_t* const self = context;
    if (CHECK(self->drop_count < DROPS_MAX)) {
        self->drops[self->drop_count] = (drop_t){number_of(self, key), value_in(self, value)};
        ++self->drop_count;
    }
    if (self->in_hook != NULL) {
        self->in_hook(self);
    }
}

void table_fixture_init(table_fixture_t* self, const rns_table_config_t* config)
{
    memset(self, 0, sizeof *self);
    self->config = *config;
    self->config.on_drop = (rns_table_hook_t){write_log, self};
    CHECK_STATUS(rns_table_storage_bytes(&self->config, &self->storage.bytes), RNS_OK);
    if (self->storage.bytes > 0) {
        self->storage.start = malloc(self->storage.bytes);
    }
    if (self->storage.start == NULL) {
        abort();
    }
    memset(self->storage.start, 0xA5, self->storage.bytes);
    CHECK_STATUS(rns_table_init(&self->table, &self->config, self->storage), RNS_OK);
}

table_fixture_t* table_begin_with(const rns_table_config_t* config)
{
    static table_fixture_t fixture;
    table_fixture_init(&fixture, config);
    return &fixture;
}

table_fixture_t* table_begin(rns_table_policy_t policy, uint32_t capacity)
{
    const rns_table_config_t config = table_config(policy, capacity);
    return table_begin_with(&config);
}

void table_fixture_end(table_fixture_t* self)
{
    check_table(self);
    free(self->storage.start);
    self->storage = (rns_memory_t){0};
}

void check_table(const table_fixture_t* self)
{
    CHECK_TEXT(rns_table_check(&self->table).invariant, NULL);
    const rns_table_stats_t s = table_stats(self);
    CHECK_EQUAL(s.count, rns_table_count(&self->table));
    CHECK_EQUAL(s.capacity, self->config.capacity);
#if RNS_STATS
    CHECK_EQUAL(s.puts, s.inserts + s.updates + s.rejects);
    CHECK_EQUAL(s.inserts, s.count + s.removes + s.culls + s.overwrites + s.expired);
    CHECK(s.hits <= s.finds && s.count <= s.high_water && s.high_water <= s.capacity);
    CHECK(s.culls >= s.cull_runs);
#else
    CHECK_EQUAL(s.puts + s.finds + s.high_water + s.culls + s.longest_probe, 0);
#endif
}

rns_table_stats_t table_stats(const table_fixture_t* self)
{
    rns_table_stats_t stats;
    rns_table_stats(&self->table, &stats);
    return stats;
}

void make_key(const table_fixture_t* self, uint32_t number, unsigned char* key)
{
    for (uint32_t i = 0; i < self->config.key_bytes; ++i) {
        key[i] = (unsigned char)(i < 4u ? number >> (8u * i) : number * 31u + i);
    }
}

uint32_t number_of(const table_fixture_t* self, const void* key)
{
    const unsigned char* const bytes = key;
    uint32_t number = 0;
    for (uint32_t i = 0; i < 4u && i < self->config.key_bytes; ++i) {
        number |= (uint32_t)bytes[i] << (8u * i);
    }
    unsigned char whole[RNS_TABLE_KEY_BYTES_MAX];
    make_key(self, number, whole);
    CHECK(memcmp(whole, key, self->config.key_bytes) == 0);
    return number;
}

void make_value(const table_fixture_t* self, uint64_t value, unsigned char* bytes)
{
    for (uint32_t i = 0; i < self->config.value_bytes; ++i) {
        bytes[i] = (unsigned char)((value >> (8u * (i % 8u))) + i / 8u);
    }
}

uint64_t value_in(const table_fixture_t* self, const void* bytes)
{
    const unsigned char* const from = bytes;
    uint64_t value = 0;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < self->config.value_bytes; ++i) {
        const unsigned char byte = (unsigned char)(from[i] - i / 8u);
        if (i < 8u) {
            value |= (uint64_t)byte << (8u * i);
        }
        wrong += byte != (unsigned char)(value >> (8u * (i % 8u)));
    }
    CHECK_EQUAL(wrong, 0);
    return value;
}

rns_status_t put(table_fixture_t* self, uint32_t number, uint64_t value, uint64_t now_ns)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    unsigned char bytes[1024];
    void* out = self;
    make_key(self, number, key);
    make_value(self, value, bytes);
    const rns_status_t status = rns_table_put(&self->table, key, bytes, now_ns, &out);
    if (status == RNS_OK || status == RNS_MISS_PRESENT) {
        CHECK_EQUAL((uintptr_t)out % RNS_ALIGN_BYTES, 0);
        CHECK(memcmp(out, bytes, self->config.value_bytes) == 0);
    } else {
        CHECK(out == NULL);
    }
    return status;
}

void fill(table_fixture_t* self, uint32_t first, uint32_t end)
{
    for (uint32_t number = first; number < end; ++number) {
        CHECK_STATUS(put(self, number, number + 7u, number), RNS_OK);
    }
}

rns_status_t touch(table_fixture_t* self, uint32_t number, uint64_t now_ns)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    make_key(self, number, key);
    return rns_table_touch(&self->table, key, now_ns);
}

rns_status_t drop(table_fixture_t* self, uint32_t number)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    make_key(self, number, key);
    return rns_table_remove(&self->table, key, NULL);
}

void* find(table_fixture_t* self, uint32_t number)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    void* out = self;
    make_key(self, number, key);
    const rns_status_t status = rns_table_find(&self->table, key, &out);
    CHECK_STATUS(status, out == NULL ? RNS_MISS_ABSENT : RNS_OK);
    return out;
}

void find_colliding(const table_fixture_t* self, uint32_t home, uint32_t tag, uint32_t* numbers,
                    uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t number = 0; found < count; ++number) {
        unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
        make_key(self, number, key);
        const uint32_t hash = rns_hash(self->config.seed, key, self->config.key_bytes);
        if ((hash & self->table.cell_mask) == home && (tag == UINT32_MAX || hash >> 25 == tag)) {
            numbers[found] = number;
            ++found;
        }
    }
}
