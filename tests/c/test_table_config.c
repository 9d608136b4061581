/* rns_table: which configurations and storages are refused, and what an entry costs. */
#include "table_fixture.h"
#include <stdlib.h>
#include <string.h>

static const uint32_t capacities[] = {1, 2, 64, 2048};

static void check_refused(rns_table_config_t config, rns_status_t expected)
{
    static unsigned char zeros[sizeof(rns_table_t)];
    static _Alignas(64) unsigned char storage[64];
    size_t bytes = 99;
    rns_table_t table;
    memset(&table, 0xA5, sizeof table);
    CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), expected);
    CHECK_EQUAL(bytes, 0);
    CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){storage, sizeof storage}),
                 expected);
    const unsigned char* const bytes_of_table = (const unsigned char*)&table;
    CHECK(memcmp(bytes_of_table, zeros, sizeof zeros) == 0);
}

static void test_a_configuration_out_of_range_is_refused_by_name(void)
{
    const rns_table_config_t good = table_config(RNS_TABLE_CULL_OLDEST, 10);
    rns_table_config_t bad = good;
#define REFUSED(field, value, status)                                                             \
    bad.field = (value);                                                                          \
    check_refused(bad, (status));                                                                 \
    bad = good
    REFUSED(capacity, 0, RNS_CONFIG_SLOT_COUNT);
    REFUSED(capacity, RNS_TABLE_CAPACITY_MAX + 1u, RNS_CONFIG_SLOT_COUNT);
    REFUSED(capacity, UINT32_MAX, RNS_CONFIG_SLOT_COUNT);
    REFUSED(key_bytes, 0, RNS_CONFIG_KEY_BYTES);
    REFUSED(key_bytes, 65, RNS_CONFIG_KEY_BYTES);
    REFUSED(key_bytes, UINT32_MAX, RNS_CONFIG_KEY_BYTES);
    REFUSED(value_bytes, RNS_TABLE_VALUE_BYTES_MAX + 1u, RNS_CONFIG_SLOT_BYTES);
    REFUSED(value_bytes, UINT32_MAX, RNS_CONFIG_SLOT_BYTES);
    REFUSED(policy, (rns_table_policy_t)3, RNS_CONFIG_POLICY);
    REFUSED(cull_at_percent, 101, RNS_CONFIG_CULL);
    REFUSED(cull_at_percent, UINT32_MAX, RNS_CONFIG_CULL);
    REFUSED(cull_to_percent, 80, RNS_CONFIG_CULL); /* at is 0 */
    bad.cull_at_percent = 80;
    REFUSED(cull_to_percent, 80, RNS_CONFIG_CULL);
#undef REFUSED
    bad.policy = RNS_TABLE_RING; /* the percentages are not looked at */
    bad.cull_to_percent = 80;
    size_t bytes = 0;
    CHECK_STATUS(rns_table_storage_bytes(&bad, &bytes), RNS_OK);
    CHECK(bytes > 0);
}

static void test_sizes_that_do_not_fit_size_t_are_an_overflow(void)
{
    rns_table_config_t config = table_config(RNS_TABLE_REJECT, RNS_TABLE_CAPACITY_MAX);
    config.value_bytes = RNS_TABLE_VALUE_BYTES_MAX;
    size_t bytes = 0;
    if (sizeof(size_t) == 4) {
        check_refused(config, RNS_CONFIG_OVERFLOW);
        /* The least capacity at which the parts do not fit is refused, one less is not. */
        config.value_bytes = 1u << 16;
        uint32_t good = 1;
        uint32_t bad = RNS_TABLE_CAPACITY_MAX;
        while (bad - good > 1u) {
            config.capacity = good + (bad - good) / 2u;
            if (rns_table_storage_bytes(&config, &bytes) == RNS_OK) {
                CHECK(bytes <= SIZE_MAX / 2u && bytes / 65536u >= config.capacity);
                good = config.capacity;
            } else {
                bad = config.capacity;
            }
        }
        CHECK(good > 32000 && good < 32768);
        config.capacity = bad;
        check_refused(config, RNS_CONFIG_OVERFLOW);
        config.value_bytes = 0; /* entries, index and keys alone are too much as well */
        config.key_bytes = 64;
        config.capacity = RNS_TABLE_CAPACITY_MAX;
        CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
        config.value_bytes = 1;
        CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
        config.value_bytes = 33;
        check_refused(config, RNS_CONFIG_OVERFLOW);
    } else {
        CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
        CHECK((uint64_t)bytes >> 48 == 1u);
    }
}

static void test_storage_too_small_or_misaligned_is_refused(void)
{
    const rns_table_config_t config = table_config(RNS_TABLE_CULL_OLDEST, 10);
    size_t bytes = 0;
    CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
    unsigned char* const storage = malloc(bytes + 16u);
    rns_table_t table;
    CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){storage, bytes - 1u}),
                 RNS_CONFIG_STORAGE_SMALL);
    CHECK(table.entries == NULL);
    CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){storage + 4, bytes}),
                 RNS_CONFIG_STORAGE_ALIGN);
    CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){NULL, bytes}),
                 RNS_CONFIG_STORAGE_ALIGN);
    CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){storage, bytes}), RNS_OK);
    free(storage);
}

static void test_an_entry_costs_what_the_header_says(void)
{
    static const uint32_t cells[] = {2, 4, 128, 4096};
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        rns_table_config_t config = table_config(RNS_TABLE_CULL_OLDEST, capacities[i]);
        config.value_bytes = 2u * RNS_ALIGN_BYTES;
        size_t bytes = 0;
        CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
        const size_t entry = sizeof(rns_table_entry_t) + (size_t)2 * RNS_ALIGN_BYTES + 4u + 16u;
        const size_t exact = capacities[i] * entry + (size_t)cells[i] * 4u;
        CHECK(bytes >= exact && bytes < exact + (size_t)5 * RNS_ALIGN_BYTES);
    }
    CHECK_EQUAL(sizeof(rns_table_entry_t), 24);
}

void suite_table_config(void)
{
    RUN(test_a_configuration_out_of_range_is_refused_by_name);
    RUN(test_sizes_that_do_not_fit_size_t_are_an_overflow);
    RUN(test_storage_too_small_or_misaligned_is_refused);
    RUN(test_an_entry_costs_what_the_header_says);
}
