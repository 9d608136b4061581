/* rns_table: the hash, keys that collide, and what is left in the index when they go. */
#include "rns_hash.h"
#include "table_fixture.h"
#include <string.h>

static const uint32_t capacities[] = {1, 2, 64, 2048};

static void test_the_hash_is_half_sip_hash_1_3(void)
{
    /* Of 0 1 2 ... under the key 00 01 .. 07; source: the reference code's vectors as the Linux
     * kernel lists them (siphash_kunit.c). */
    static const uint32_t vectors[] = {0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6,
                                       0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1, 0xc839caed,
                                       0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c,
                                       0xd0257b04, 0x8b31d501, 0x2b1cd04b, 0x06712339};
    unsigned char bytes[32];
    for (uint32_t i = 0; i < sizeof bytes; ++i) {
        bytes[i] = (unsigned char)i;
    }
    for (uint32_t i = 0; i < COUNT_OF(vectors); ++i) {
        CHECK_EQUAL(rns_hash(0x0706050403020100u, bytes, i), vectors[i]);
    }
}

/// Set byte `at` of two keys so that only comparing the keys can tell them apart: both have the
/// same home in an index of two cells, and the same tag.
static void make_twins(const table_fixture_t* f, uint32_t at, unsigned char* a, unsigned char* b)
{
    uint32_t value_of_hash[256];
    memset(value_of_hash, 0xFF, sizeof value_of_hash);
    for (uint32_t value = 0; value < 256; ++value) {
        b[at] = (unsigned char)value;
        const uint32_t hash = rns_hash(f->config.seed, b, f->config.key_bytes);
        uint32_t* const seen = &value_of_hash[(hash >> 25) << 1 | (hash & 1u)];
        if (*seen != UINT32_MAX) {
            a[at] = (unsigned char)*seen;
            return;
        }
        *seen = value;
    }
    CHECK(false);
}

static void test_keys_that_differ_in_one_byte_only_are_different(void)
{
    for (uint32_t key_bytes = 1; key_bytes <= RNS_TABLE_KEY_BYTES_MAX; ++key_bytes) {
        for (uint32_t at = 0; at < key_bytes; ++at) {
            rns_table_config_t config = table_config(RNS_TABLE_REJECT, 1);
            config.key_bytes = key_bytes;
            table_fixture_t* const f = table_begin_with(&config);
            CHECK_EQUAL(f->table.cell_mask, 1);
            unsigned char a[RNS_TABLE_KEY_BYTES_MAX] = {0};
            unsigned char b[RNS_TABLE_KEY_BYTES_MAX] = {0};
            void* out = NULL;
            make_twins(f, at, a, b);
            CHECK_STATUS(rns_table_put(&f->table, a, NULL, 0, &out), RNS_OK);
            CHECK_STATUS(rns_table_put(&f->table, b, NULL, 0, &out), RNS_MISS_EXHAUSTED);
            CHECK_STATUS(rns_table_find(&f->table, b, &out), RNS_MISS_ABSENT);
            CHECK_STATUS(rns_table_find(&f->table, a, &out), RNS_OK);
            table_fixture_end(f);
        }
    }
}

static void test_a_cell_holds_seven_bits_of_the_hash(void)
{
    uint32_t seen = 0;
    table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, 64);
    fill(f, 0, 64);
    for (uint32_t i = 0; i <= f->table.cell_mask; ++i) {
        const uint32_t cell = f->table.cells[i];
        if (cell != 0) {
            const uint32_t hash = f->table.entries[cell & 0x00FFFFFFu].hash;
            CHECK_EQUAL((cell >> 24) & 0x7Fu, hash >> 25);
            ++seen;
        }
    }
    CHECK_EQUAL(seen, 64);
    table_fixture_end(f);
}

static void test_keys_of_one_home_are_all_found_and_the_longest_probe_shows_them(void)
{
    static uint32_t numbers[2048];
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        const uint32_t capacity = capacities[i];
        table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, capacity);
        /* The last cell is home, so that they run over the end of the index. */
        find_colliding(f, f->table.cell_mask, UINT32_MAX, numbers, capacity);
        for (uint32_t k = 0; k < capacity; ++k) {
            CHECK_STATUS(put(f, numbers[k], k, k), RNS_OK);
        }
        CHECK_COUNTER(table_stats(f).longest_probe, capacity);
        for (uint32_t k = 0; k < capacity; k += 2u) {
            CHECK_STATUS(drop(f, numbers[k]), RNS_OK);
        }
        CHECK_TEXT(rns_table_check(&f->table).invariant, NULL);
        for (uint32_t k = 0; k < capacity; ++k) {
            const void* const value = find(f, numbers[k]);
            CHECK_EQUAL(value != NULL, k % 2u);
            if (value != NULL) {
                CHECK_EQUAL(value_in(f, value), k);
            }
        }
        table_fixture_end(f);
    }
}

static void test_keys_of_one_home_and_tag_are_told_apart(void)
{
    uint32_t numbers[64];
    table_fixture_t* const f = table_begin(RNS_TABLE_RING, 64);
    find_colliding(f, 3, 0x55, numbers, COUNT_OF(numbers));
    for (uint32_t round = 0; round < 3; ++round) {
        for (uint32_t k = 0; k < COUNT_OF(numbers); ++k) {
            CHECK_STATUS(put(f, numbers[k], k, k), round == 0 ? RNS_OK : RNS_MISS_PRESENT);
        }
    }
    for (uint32_t k = 0; k < COUNT_OF(numbers); ++k) {
        CHECK_EQUAL(value_in(f, find(f, numbers[k])), k);
        CHECK_STATUS(drop(f, numbers[k]), RNS_OK);
        CHECK_TEXT(rns_table_check(&f->table).invariant, NULL);
    }
    table_fixture_end(f);
}

static void test_random_keys_have_short_probes_at_2048_entries(void)
{
    table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, 2048);
    fill(f, 0, 2048);
    CHECK(table_stats(f).longest_probe < 40);
    table_fixture_end(f);
}

static void test_churn_leaves_no_tombstones(void)
{
    static const unsigned char zeros[4096 * 4] = {0};
    table_fixture_t* const f = table_begin(RNS_TABLE_RING, 2048);
    fill(f, 0, 2048);
    f->drop_count = 0;
    for (uint32_t number = 2048; number < 50000; ++number) {
        CHECK_STATUS(put(f, number, 1, number), RNS_OK);
        f->drop_count = 0;
    }
    CHECK(table_stats(f).longest_probe < 60);
    CHECK_STATUS(rns_table_expire(&f->table, UINT64_MAX, 0, NULL), RNS_OK);
    CHECK_EQUAL(f->table.cell_mask, 4095);
    CHECK(memcmp(f->table.cells, zeros, sizeof zeros) == 0);
    table_fixture_end(f);
}

void suite_table_index(void)
{
    RUN(test_the_hash_is_half_sip_hash_1_3);
    RUN(test_keys_that_differ_in_one_byte_only_are_different);
    RUN(test_a_cell_holds_seven_bits_of_the_hash);
    RUN(test_keys_of_one_home_and_tag_are_told_apart);
    RUN(test_random_keys_have_short_probes_at_2048_entries);
    RUN(test_churn_leaves_no_tombstones);
    RUN(test_keys_of_one_home_are_all_found_and_the_longest_probe_shows_them);
}
