/* Each function of rns_table.h, on tables of four entries by policy, after puts of any keys at any
 * times. */
#include "rns_table.h"

#define CAPACITY  4u
#define KEY_BYTES 2u

static unsigned char memory[512];
static unsigned char key[KEY_BYTES];
static unsigned char value[4];
static rns_table_t table;

static void drop(void* context, const void* dropped_key, void* dropped_value)
{
    (void)context;
    const unsigned char first = *(const unsigned char*)dropped_key;
    *(unsigned char*)dropped_value = first;
}

static rns_table_config_t config_of(uint32_t capacity, uint32_t key_bytes, uint32_t value_bytes)
{
    return (rns_table_config_t){.capacity = capacity,
                                .key_bytes = key_bytes,
                                .value_bytes = value_bytes,
                                .policy = (rns_table_policy_t)(shape % 3u),
                                .seed = 7,
                                .on_drop = {.drop = shape < 3u ? NULL : drop}};
}

static uint64_t any_time(void)
{
    return nondet(0, UINT64_MAX);
}

static const unsigned char* any_key(void)
{
    key[0] = (unsigned char)nondet(0, UINT8_MAX);
    key[1] = (unsigned char)nondet(0, UINT8_MAX);
    return key;
}

static void empty_table(void)
{
    const rns_table_config_t config = config_of(CAPACITY, KEY_BYTES, sizeof value);
    const rns_status_t status =
        rns_table_init(&table, &config, (rns_memory_t){memory, sizeof memory});
    harness_assume(status == RNS_OK); /* the memory is aligned */
}

static void any_table(void)
{
    empty_table();
    void* out = NULL;
    const rns_status_t status = rns_table_put(&table, any_key(), value, any_time(), &out);
    harness_assert(status == RNS_OK);
}

void harness_rns_table_storage_bytes(void)
{
    rns_table_config_t config =
        config_of((uint32_t)nondet(0, UINT32_MAX), (uint32_t)nondet(0, UINT32_MAX),
                  (uint32_t)nondet(0, UINT32_MAX));
    config.cull_at_percent = (uint32_t)nondet(0, UINT32_MAX);
    config.cull_to_percent = (uint32_t)nondet(0, UINT32_MAX);
    size_t bytes = 1;
    if (rns_table_storage_bytes(&config, &bytes) != RNS_OK) {
        harness_assert(bytes == 0);
    }
}

void harness_rns_table_init(void)
{
    const rns_table_config_t config = config_of(CAPACITY, KEY_BYTES, sizeof value);
    (void)rns_table_init(&table, &config,
                         (rns_memory_t){memory, (size_t)nondet(0, sizeof memory)});
}

void harness_rns_table_reset(void)
{
    any_table();
    (void)rns_table_reset(&table);
    harness_assert(rns_table_count(&table) == 0);
}

void harness_rns_table_put(void)
{
    void* out = memory;
    any_table();
    (void)rns_table_put(&table, any_key(), nondet(0, 1) == 0 ? value : NULL, any_time(), &out);
}

void harness_rns_table_find(void)
{
    void* out = memory;
    any_table();
    if (rns_table_find(&table, any_key(), &out) == RNS_OK) {
        *(unsigned char*)out = 1;
    } else {
        harness_assert(out == NULL);
    }
}

void harness_rns_table_touch(void)
{
    any_table();
    (void)rns_table_touch(&table, any_key(), any_time());
}

void harness_rns_table_remove(void)
{
    unsigned char out[sizeof value];
    any_table();
    (void)rns_table_remove(&table, any_key(), nondet(0, 1) == 0 ? out : NULL);
}

void harness_rns_table_expire(void)
{
    uint32_t count = 0;
    any_table();
    (void)rns_table_expire(&table, any_time(), any_time(), &count);
}

static bool visit(void* context, const void* visited_key, void* visited_value, uint64_t time_ns)
{
    (void)context;
    (void)time_ns;
    *(unsigned char*)visited_value = *(const unsigned char*)visited_key;
    return nondet(0, 1) == 0;
}

void harness_rns_table_each(void)
{
    any_table();
    (void)rns_table_each(&table, visit, NULL);
}

void harness_rns_table_count(void)
{
    any_table();
    harness_assert(rns_table_count(&table) <= CAPACITY);
}

void harness_rns_table_stats(void)
{
    rns_table_stats_t stats;
    any_table();
    rns_table_stats(&table, &stats);
    harness_assert(stats.capacity == CAPACITY);
}

void harness_rns_table_check(void)
{
    any_table();
    (void)rns_table_check(&table);
}
