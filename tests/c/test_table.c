/* rns_table: what each operation and policy does. */
#include "table_fixture.h"
#include <stdlib.h>
#include <string.h>

static const uint32_t capacities[] = {1, 2, 64, 2048};
static const rns_table_policy_t policies[] = {RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST,
                                              RNS_TABLE_RING};

/* ---- Operations ----------------------------------------------------------------------------- */

static void test_put_inserts_or_updates_and_its_status_tells_which(void)
{
    for (size_t i = 0; i < COUNT_OF(policies); ++i) {
        table_fixture_t* const f = table_begin(policies[i], 8);
        CHECK_STATUS(put(f, 1, 10, 5), RNS_OK);
        CHECK_STATUS(put(f, 1, 11, 6), RNS_MISS_PRESENT);
        CHECK_EQUAL(rns_table_count(&f->table), 1);
        CHECK_EQUAL(value_in(f, find(f, 1)), 11);
        CHECK(find(f, 2) == NULL);
        const rns_table_stats_t s = table_stats(f);
        CHECK_COUNTER(s.puts, 2);
        CHECK_COUNTER(s.inserts, 1);
        CHECK_COUNTER(s.updates, 1);
        CHECK_COUNTER(s.finds, 2);
        CHECK_COUNTER(s.hits, 1);
        CHECK_EQUAL(f->drop_count, 1); /* the old value */
        CHECK_EQUAL(f->drops[0].value, 10);
        table_fixture_end(f);
    }
}

static void test_put_without_a_value_gives_a_zeroed_one_and_keeps_one_that_is_there(void)
{
    static const unsigned char zeros[8] = {0};
    table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, 2);
    unsigned char key[16];
    make_key(f, 1, key);
    void* out = NULL;
    CHECK_STATUS(rns_table_put(&f->table, key, NULL, 0, &out), RNS_OK);
    CHECK(memcmp(out, zeros, sizeof zeros) == 0);
    make_value(f, 99, out);
    void* again = NULL;
    CHECK_STATUS(rns_table_put(&f->table, key, NULL, 0, &again), RNS_MISS_PRESENT);
    CHECK(again == out);
    CHECK_EQUAL(value_in(f, again), 99);
    CHECK_EQUAL(f->drop_count, 0);
    CHECK_STATUS(rns_table_put(&f->table, key, zeros, 0, NULL), RNS_MISS_PRESENT);
    table_fixture_end(f);
}

static void test_a_removed_value_goes_to_the_caller_or_to_the_hook(void)
{
    table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, 4);
    unsigned char key[16];
    unsigned char value[8] = {0};
    fill(f, 0, 3);
    make_key(f, 1, key);
    CHECK_STATUS(rns_table_remove(&f->table, key, value), RNS_OK);
    CHECK_EQUAL(value_in(f, value), 8);
    CHECK_EQUAL(f->drop_count, 0);
    CHECK_STATUS(drop(f, 2), RNS_OK);
    CHECK_EQUAL(f->drop_count, 1);
    CHECK_EQUAL(f->drops[0].number, 2);
    CHECK_EQUAL(f->drops[0].value, 9);
    CHECK_STATUS(drop(f, 2), RNS_MISS_ABSENT);
    CHECK_STATUS(rns_table_remove(&f->table, key, value), RNS_MISS_ABSENT);
    CHECK_EQUAL(value_in(f, value), 8);
    CHECK_COUNTER(table_stats(f).removes, 2);
    table_fixture_end(f);
}

static void test_every_key_length_from_1_to_64_and_odd_values_work(void)
{
    static const uint32_t value_bytes[] = {0, 1, 9, 15, 16, 17, 1000};
    for (uint32_t key_bytes = 1; key_bytes <= RNS_TABLE_KEY_BYTES_MAX; ++key_bytes) {
        rns_table_config_t config = table_config(RNS_TABLE_REJECT, 50);
        config.key_bytes = key_bytes;
        config.value_bytes = value_bytes[key_bytes % COUNT_OF(value_bytes)];
        table_fixture_t* const f = table_begin_with(&config);
        fill(f, 0, 50);
        for (uint32_t number = 0; number < 60; ++number) {
            const void* const value = find(f, number);
            CHECK_EQUAL(value != NULL, number < 50);
            if (value != NULL && config.value_bytes > 0) {
                CHECK_EQUAL(value_in(f, value), number + 7u);
            }
        }
        table_fixture_end(f);
    }
}

static void test_reset_drops_all_in_order_and_begins_anew(void)
{
    for (size_t i = 0; i < COUNT_OF(policies); ++i) {
        table_fixture_t* const f = table_begin(policies[i], 20);
        fill(f, 0, 15);
        CHECK_STATUS(drop(f, 3), RNS_OK);
        f->drop_count = 0;
        CHECK_STATUS(rns_table_reset(&f->table), RNS_OK);
        CHECK_EQUAL(f->drop_count, 14);
        for (uint32_t d = 0; d < 14; ++d) {
            CHECK_EQUAL(f->drops[d].number, d < 3 ? d : d + 1u);
        }
        CHECK_EQUAL(rns_table_count(&f->table), 0);
        CHECK(find(f, 0) == NULL);
        CHECK_COUNTER(table_stats(f).puts, 0);
        CHECK_COUNTER(table_stats(f).high_water, 0);
        fill(f, 0, 15);
        table_fixture_end(f);
    }
}

/* ---- Policies ------------------------------------------------------------------------------- */

static void test_a_full_rejecting_table_refuses_new_keys_and_changes_nothing(void)
{
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        const uint32_t capacity = capacities[i];
        table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, capacity);
        fill(f, 0, capacity);
        unsigned char* const before = malloc(f->storage.bytes);
        memcpy(before, f->storage.start, f->storage.bytes);
        for (uint32_t n = 0; n < 5; ++n) {
            CHECK_STATUS(put(f, capacity + n, 0, 0), RNS_MISS_EXHAUSTED);
        }
        CHECK(memcmp(before, f->storage.start, f->storage.bytes) == 0);
        free(before);
        CHECK_EQUAL(rns_table_count(&f->table), capacity);
        CHECK_COUNTER(table_stats(f).rejects, 5);
        CHECK_COUNTER(table_stats(f).high_water, capacity);
        CHECK_STATUS(put(f, 0, 1, 1), RNS_MISS_PRESENT); /* an update needs no room */
        CHECK_STATUS(drop(f, capacity - 1u), RNS_OK);
        CHECK_STATUS(put(f, capacity, 1, 1), RNS_OK);
        CHECK_STATUS(put(f, capacity + 1u, 1, 1), RNS_MISS_EXHAUSTED);
        CHECK_EQUAL(f->drop_count, 2); /* the update and the removal */
        table_fixture_end(f);
    }
}

static void test_at_90_percent_a_new_key_culls_the_oldest_down_to_80(void)
{
    static const struct {
        uint32_t capacity;
        uint32_t at;
        uint32_t to;
    } cases[] = {{1, 1, 0},    {2, 2, 1},     {3, 3, 2},       {8, 8, 6},         {10, 9, 8},
                 {64, 58, 51}, {100, 90, 80}, {128, 116, 102}, {2048, 1844, 1638}};
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        const uint32_t at = cases[i].at;
        const uint32_t to = cases[i].to;
        table_fixture_t* const f = table_begin(RNS_TABLE_CULL_OLDEST, cases[i].capacity);
        fill(f, 0, at);
        CHECK_EQUAL(f->drop_count, 0); /* reaching the mark culls nothing yet */
        CHECK_STATUS(put(f, 0, 7, 0), RNS_MISS_PRESENT);
        CHECK_EQUAL(f->drop_count, 1); /* nor does an update */
        f->drop_count = 0;
        CHECK_STATUS(put(f, at, at + 7u, at), RNS_OK);
        CHECK_EQUAL(f->drop_count, at - to);
        for (uint32_t d = 0; d < at - to; ++d) { /* oldest first */
            CHECK_EQUAL(f->drops[d].number, d);
            CHECK(find(f, d) == NULL);
        }
        CHECK_EQUAL(rns_table_count(&f->table), to + 1u);
        for (uint32_t number = at - to; number <= at; ++number) {
            CHECK(find(f, number) != NULL);
        }
        const rns_table_stats_t s = table_stats(f);
        CHECK_COUNTER(s.culls, at - to);
        CHECK_COUNTER(s.cull_runs, 1);
        CHECK_COUNTER(s.high_water, at);
        CHECK_COUNTER(s.rejects, 0);
        table_fixture_end(f);
    }
}

static void test_the_percentages_are_configurable(void)
{
    static const struct {
        uint32_t at_percent;
        uint32_t to_percent;
        uint32_t at;
        uint32_t to;
    } cases[] = {
        {100, 99, 50, 49}, {100, 0, 50, 0}, {50, 25, 25, 12}, {1, 0, 1, 0}, {99, 1, 50, 0}};
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        rns_table_config_t config = table_config(RNS_TABLE_CULL_OLDEST, 50);
        config.cull_at_percent = cases[i].at_percent;
        config.cull_to_percent = cases[i].to_percent;
        table_fixture_t* const f = table_begin_with(&config);
        fill(f, 0, cases[i].at);
        CHECK_EQUAL(f->drop_count, 0);
        CHECK_STATUS(put(f, 1000, 0, 1000), RNS_OK);
        CHECK_EQUAL(rns_table_count(&f->table), cases[i].to + 1u);
        CHECK_EQUAL(f->drop_count, cases[i].at - cases[i].to);
        table_fixture_end(f);
    }
}

static void test_culls_go_by_time_stamp_not_by_order_of_insertion(void)
{
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        const uint32_t capacity = capacities[i];
        table_fixture_t* const f = table_begin(RNS_TABLE_CULL_OLDEST, capacity);
        const uint32_t at = (capacity * 9u + 9u) / 10u;
        for (uint32_t number = 0; number < at; ++number) { /* stamps descend */
            CHECK_STATUS(put(f, number, 1, 100000u - number), RNS_OK);
        }
        CHECK_STATUS(touch(f, at - 1u, 200000), RNS_OK); /* the oldest stamp is renewed */
        CHECK_STATUS(put(f, at, 1, 100000), RNS_OK);
        const uint32_t culled = at - capacity * 8u / 10u;
        CHECK_EQUAL(f->drop_count, culled);
        for (uint32_t d = 0; d < culled; ++d) {
            CHECK_EQUAL(f->drops[d].number, at == 1u ? 0u : at - 2u - d);
        }
        table_fixture_end(f);
    }
}

static void test_of_equal_time_stamps_the_first_inserted_is_culled(void)
{
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        const uint32_t capacity = capacities[i];
        table_fixture_t* const f = table_begin(RNS_TABLE_CULL_OLDEST, capacity);
        const uint32_t at = (capacity * 9u + 9u) / 10u;
        /* Removals shuffle which entry a key gets; the order of insertion stays 0, 2, 4 ... 1. */
        for (uint32_t number = 0; number < at; ++number) {
            CHECK_STATUS(put(f, number, 1, 5), RNS_OK);
        }
        for (uint32_t number = 1; number < at; number += 2u) {
            CHECK_STATUS(drop(f, number), RNS_OK);
        }
        for (uint32_t number = 1; number < at; number += 2u) {
            CHECK_STATUS(put(f, number, 1, 5), RNS_OK);
        }
        f->drop_count = 0;
        CHECK_STATUS(put(f, at, 1, 5), RNS_OK);
        CHECK_EQUAL(f->drop_count, at - capacity * 8u / 10u);
        const uint32_t even = (at + 1u) / 2u;
        for (uint32_t d = 0; d < f->drop_count; ++d) {
            CHECK_EQUAL(f->drops[d].number, d < even ? 2u * d : 2u * (d - even) + 1u);
        }
        table_fixture_end(f);
    }
}

static void test_a_full_ring_overwrites_the_first_inserted(void)
{
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        const uint32_t capacity = capacities[i];
        table_fixture_t* const f = table_begin(RNS_TABLE_RING, capacity);
        fill(f, 0, capacity);
        CHECK_STATUS(put(f, 0, 7, 1000000), RNS_MISS_PRESENT); /* neither an update */
        CHECK_STATUS(touch(f, 0, 1000000), RNS_OK);            /* nor a touch moves it */
        f->drop_count = 0;
        fill(f, capacity, 2u * capacity + 1u);
        CHECK_EQUAL(f->drop_count, capacity + 1u);
        for (uint32_t d = 0; d <= capacity; ++d) {
            CHECK_EQUAL(f->drops[d].number, d);
        }
        CHECK_EQUAL(rns_table_count(&f->table), capacity);
        CHECK_COUNTER(table_stats(f).overwrites, capacity + 1u);
        CHECK_COUNTER(table_stats(f).rejects + table_stats(f).culls, 0);
        table_fixture_end(f);
    }
}

static void test_no_entry_moves_until_it_goes(void)
{
    for (size_t i = 0; i < COUNT_OF(policies); ++i) {
        static void* address[8192];
        rns_table_config_t config = table_config(policies[i], 2048);
        config.value_bytes = 300;
        table_fixture_t* const f = table_begin_with(&config);
        memset(address, 0, sizeof address);
        for (uint32_t number = 0; number < COUNT_OF(address); ++number) {
            const rns_status_t status = put(f, number, number, number);
            address[number] = status == RNS_OK ? find(f, number) : NULL;
            if (number % 3u == 0 && number >= 500u) {
                (void)!drop(f, number - 500u);
            }
            f->drop_count = 0;
            if (number % 128u == 0) {
                for (uint32_t n = 0; n <= number; ++n) {
                    void* const now = find(f, n);
                    CHECK(now == NULL || now == address[n]);
                }
            }
        }
        CHECK(rns_table_count(&f->table) > 1600);
        table_fixture_end(f);
    }
}

static void test_the_table_writes_nothing_outside_its_storage(void)
{
    enum { GUARD = 64 };
    for (size_t i = 0; i < COUNT_OF(policies); ++i) {
        const rns_table_config_t config = table_config(policies[i], 13);
        size_t bytes = 0;
        CHECK_STATUS(rns_table_storage_bytes(&config, &bytes), RNS_OK);
        unsigned char* const block = aligned_alloc(GUARD, (bytes / GUARD + 3u) * GUARD);
        memset(block, 0x5A, bytes + (size_t)2 * GUARD);
        rns_table_t table;
        CHECK_STATUS(rns_table_init(&table, &config, (rns_memory_t){block + GUARD, bytes}),
                     RNS_OK);
        for (uint32_t number = 0; number < 100; ++number) {
            unsigned char key[16] = {(unsigned char)number};
            static const unsigned char value[8] = {1, 2, 3, 4, 5, 6, 7, 8};
            (void)!rns_table_put(&table, key, value, number, NULL);
        }
        for (uint32_t at = 0; at < GUARD; ++at) {
            CHECK(block[at] == 0x5A && block[GUARD + bytes + at] == 0x5A);
        }
        free(block);
    }
}

/* ---- Expiry --------------------------------------------------------------------------------- */

static void test_expire_removes_what_is_older_than_max_age_and_tells_the_hook(void)
{
    for (size_t i = 0; i < COUNT_OF(policies); ++i) {
        table_fixture_t* const f = table_begin(policies[i], 20);
        fill(f, 0, 10);
        CHECK_STATUS(touch(f, 2, 100), RNS_OK);
        uint32_t out = 99;
        CHECK_STATUS(rns_table_expire(&f->table, 50, 45, &out), RNS_OK);
        CHECK_EQUAL(out, 4); /* 0, 1, 3, 4; 5 is exactly 45 old; 2 is of the future */
        CHECK_EQUAL(f->drop_count, 4);
        static const uint32_t gone[] = {0, 1, 3, 4};
        for (uint32_t d = 0; d < 4; ++d) {
            CHECK_EQUAL(f->drops[d].number, gone[d]);
            CHECK_EQUAL(f->drops[d].value, gone[d] + 7u);
            CHECK(find(f, gone[d]) == NULL);
        }
        CHECK(find(f, 5) != NULL && find(f, 2) != NULL);
        CHECK_STATUS(rns_table_expire(&f->table, UINT64_MAX, UINT64_MAX, &out), RNS_OK);
        CHECK_EQUAL(out, 0);
        CHECK_STATUS(rns_table_expire(&f->table, 0, 0, &out), RNS_OK);
        CHECK_EQUAL(out, 0);
        CHECK_STATUS(rns_table_expire(&f->table, UINT64_MAX, 0, NULL), RNS_OK);
        CHECK_EQUAL(rns_table_count(&f->table), 0);
        CHECK_COUNTER(table_stats(f).expired, 10);
        table_fixture_end(f);
    }
}

void suite_table(void)
{
    RUN(test_put_inserts_or_updates_and_its_status_tells_which);
    RUN(test_put_without_a_value_gives_a_zeroed_one_and_keeps_one_that_is_there);
    RUN(test_a_removed_value_goes_to_the_caller_or_to_the_hook);
    RUN(test_every_key_length_from_1_to_64_and_odd_values_work);
    RUN(test_reset_drops_all_in_order_and_begins_anew);
    RUN(test_a_full_rejecting_table_refuses_new_keys_and_changes_nothing);
    RUN(test_at_90_percent_a_new_key_culls_the_oldest_down_to_80);
    RUN(test_the_percentages_are_configurable);
    RUN(test_culls_go_by_time_stamp_not_by_order_of_insertion);
    RUN(test_of_equal_time_stamps_the_first_inserted_is_culled);
    RUN(test_a_full_ring_overwrites_the_first_inserted);
    RUN(test_the_table_writes_nothing_outside_its_storage);
    RUN(test_expire_removes_what_is_older_than_max_age_and_tells_the_hook);
    RUN(test_no_entry_moves_until_it_goes);
}
