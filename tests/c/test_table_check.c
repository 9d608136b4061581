/* rns_table_check: each planted damage is named, and by its invariant. */
#include "table_fixture.h"
#include <string.h>

static table_fixture_t fixture; /* too large for a stack */

/// Make a table of 20 with 12 entries, two gaps among them.
static table_fixture_t* begin(void)
{
    const rns_table_config_t config = table_config(RNS_TABLE_CULL_OLDEST, 20);
    table_fixture_init(&fixture, &config);
    for (uint32_t number = 0; number < 14; ++number) {
        CHECK_STATUS(put(&fixture, number, number, number), RNS_OK);
    }
    CHECK_STATUS(drop(&fixture, 3), RNS_OK);
    CHECK_STATUS(drop(&fixture, 8), RNS_OK);
    return &fixture;
}

/// Verify that check names the invariant, and nothing once the bytes are as they were.
static void check_plant(table_fixture_t* f, void* place, const void* bytes, size_t count,
                        const char* invariant, int line)
{
    unsigned char saved[64];
    memcpy(saved, place, count);
    memcpy(place, bytes, count);
    const rns_damage_t found = rns_table_check(&f->table);
    check_text(found.invariant, invariant, "invariant", __FILE__, line);
    check_status(found.status, RNS_DAMAGE_INVARIANT, "status", __FILE__, line);
    CHECK_EQUAL(found.tier_index, 0);
    memcpy(place, saved, count);
    CHECK_TEXT(rns_table_check(&f->table).invariant, NULL);
}
#define PLANT(place, number, invariant)                                                           \
    do {                                                                                          \
        const uint32_t planted = (number);                                                        \
        check_plant(f, (place), &planted, sizeof planted, (invariant), __LINE__);                 \
    } while (false)

static void test_i1_a_broken_list_of_entries_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    PLANT(&t->oldest, 1, "I1");
    PLANT(&t->oldest, UINT32_MAX, "I1");
    PLANT(&t->oldest, 20, "I1");
    PLANT(&t->newest, 0, "I1");
    PLANT(&t->entries[5].newer, 5, "I1");
    PLANT(&t->entries[5].newer, 0, "I1"); /* a circle */
    PLANT(&t->entries[5].newer, 1000000, "I1");
    PLANT(&t->entries[5].newer, UINT32_MAX, "I1");
    PLANT(&t->entries[5].older, 0, "I1");
    PLANT(&t->entries[5].older, UINT32_MAX - 1u, "I1");
#if !RNS_STATS
    PLANT(&t->count, 11, "I1"); /* else I7 sees it first */
#endif
    table_fixture_end(f);
}

static void test_i2_a_broken_list_of_free_entries_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    PLANT(&t->first_free, UINT32_MAX, "I2");
    PLANT(&t->first_free, 20, "I2");
    PLANT(&t->first_free, 0, "I2"); /* a live entry */
    PLANT(&t->entries[3].newer, 8, "I2");
    PLANT(&t->entries[3].newer, UINT32_MAX, "I2");
    PLANT(&t->entries[3].older, 0, "I2");
    PLANT(&t->entries[19].newer, 14, "I2");
    table_fixture_end(f);
}

static void test_i3_a_key_or_hash_written_over_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    PLANT(&t->keys[(size_t)16 * 5 + 12], 0xFFFFFFFF, "I3");
    PLANT(&t->entries[5].hash, t->entries[5].hash ^ 1u, "I3");
    PLANT(&t->seed, 0, "I3");
    table_fixture_end(f);
}

static void test_i4_a_broken_index_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    uint32_t used = 0;
    uint32_t empty = UINT32_MAX;
    for (uint32_t i = 0; i <= t->cell_mask; ++i) {
        if (t->cells[i] == 0) {
            empty = i;
            continue;
        }
        ++used;
        PLANT(&t->cells[i], 0, "I4");
        PLANT(&t->cells[i], t->cells[i] & 0x7FFFFFFFu, "I4");
        PLANT(&t->cells[i], t->cells[i] ^ 0x01000000u, "I4"); /* the tag */
        PLANT(&t->cells[i], t->cells[i] | 0x00FFFFFFu, "I4"); /* an entry outside the storage */
        PLANT(&t->cells[i], (t->cells[i] & 0xFF000000u) | 3u, "I4"); /* a free entry */
    }
    CHECK_EQUAL(used, 12);
    PLANT(&t->cells[empty], 0x80000000u, "I4");
    t->cells[empty] = 3u; /* not marked as used */
    CHECK_EQUAL(rns_table_check(t).slot_index, empty);
    t->cells[empty] = 0;
    table_fixture_end(f);
}

static void test_i4_a_cell_behind_a_gap_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    for (uint32_t entry = 0; entry < 3; ++entry) {
        uint32_t from = 0;
        uint32_t to = 0;
        const uint32_t home = t->entries[entry].hash & t->cell_mask;
        while ((t->cells[from] & 0x00FFFFFFu) != entry || t->cells[from] == 0) {
            ++from;
        }
        /* Behind the first empty cell after its home, where a probe ends. */
        while (t->cells[(home + to) & t->cell_mask] != 0) {
            ++to;
        }
        ++to;
        while (t->cells[(home + to) & t->cell_mask] != 0) {
            ++to;
        }
        t->cells[(home + to) & t->cell_mask] = t->cells[from];
        t->cells[from] = 0;
        CHECK_TEXT(rns_table_check(t).invariant, "I4");
        t->cells[from] = t->cells[(home + to) & t->cell_mask];
        t->cells[(home + to) & t->cell_mask] = 0;
    }
    table_fixture_end(f);
}

static void test_i5_a_key_that_is_there_twice_is_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    uint32_t twins[2];
    find_colliding(f, 7, 0x11, twins, 2);
    CHECK_STATUS(put(f, twins[0], 1, 1), RNS_OK);
    CHECK_STATUS(put(f, twins[1], 1, 1), RNS_OK);
    unsigned char key[16];
    make_key(f, twins[0], key);
    /* Make the second the first in all that the index knows. */
    const uint32_t second = t->newest;
    const uint32_t first = t->entries[second].older;
    unsigned char saved[16];
    memcpy(saved, &t->keys[(size_t)second * 16u], 16);
    const uint32_t hash = t->entries[second].hash;
    memcpy(&t->keys[(size_t)second * 16u], key, 16);
    t->entries[second].hash = t->entries[first].hash;
    CHECK_TEXT(rns_table_check(t).invariant, "I5");
    memcpy(&t->keys[(size_t)second * 16u], saved, 16);
    t->entries[second].hash = hash;
    table_fixture_end(f);
}

static void test_i6_and_i7_counts_that_contradict_are_found(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    PLANT(&t->count, 19, "I6"); /* a cull comes at 18 */
    PLANT(&t->count, UINT32_MAX, "I6");
#if RNS_STATS
    PLANT(&t->stats.high_water, 11, "I6");
    PLANT(&t->stats.high_water, 19, "I6");
    rns_counter_t* const counters[] = {&t->stats.puts,      &t->stats.updates, &t->stats.rejects,
                                       &t->stats.removes,   &t->stats.culls,   &t->stats.expired,
                                       &t->stats.overwrites};
    for (size_t i = 0; i < COUNT_OF(counters); ++i) {
        const rns_counter_t planted = *counters[i] + 1u;
        check_plant(f, counters[i], &planted, sizeof planted, "I7", __LINE__);
    }
#endif
    table_fixture_end(f);
}

static void test_damage_anywhere_in_the_index_never_leads_out_of_the_storage(void)
{
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    unsigned char* const bytes = f->storage.start;
    const size_t entries_bytes = 20 * sizeof(rns_table_entry_t);
    const size_t cells_at = (size_t)((unsigned char*)t->cells - bytes);
    uint32_t found = 0;
    uint32_t tried = 0;
    for (size_t at = 0; at < cells_at + (size_t)4 * (t->cell_mask + 1u); ++at) {
        if (at == entries_bytes) {
            at = cells_at; /* values may be anything */
        }
        for (uint32_t bit = 0; bit < 8; ++bit) {
            bytes[at] ^= (unsigned char)(1u << bit);
            found += rns_table_check(t).status == RNS_DAMAGE_INVARIANT;
            bytes[at] ^= (unsigned char)(1u << bit);
            ++tried;
        }
    }
    /* Not seen: time stamps and ranks; of a free entry also its hash. */
    CHECK_EQUAL(tried, (uint64_t)8 * (20 * 24 + 32 * 4));
    CHECK_EQUAL(found, (uint64_t)8 * (12 * 12 + 8 * 8 + 32 * 4));
    table_fixture_end(f);
}

static void test_a_full_or_emptied_index_ends_every_search(void)
{
    static uint32_t saved[32];
    table_fixture_t* const f = begin();
    rns_table_t* const t = &f->table;
    CHECK_EQUAL(t->cell_mask, COUNT_OF(saved) - 1u);
    memcpy(saved, t->cells, sizeof saved);
    for (uint32_t i = 0; i <= t->cell_mask; ++i) {
        t->cells[i] = t->cells[i] == 0 ? 0x80000000u | 3u : t->cells[i]; /* a free entry */
    }
    CHECK(find(f, 99) == NULL);
    for (uint32_t i = 0; i <= t->cell_mask; ++i) {
        t->cells[i] = i == 0 ? saved[0] : 0; /* most entries are in no cell any more */
    }
    f->drop_count = 0;
    CHECK_STATUS(rns_table_reset(t), RNS_OK);
    CHECK_EQUAL(f->drop_count, 12);
    table_fixture_end(f);
}

void suite_table_check(void)
{
    RUN(test_i1_a_broken_list_of_entries_is_found);
    RUN(test_i2_a_broken_list_of_free_entries_is_found);
    RUN(test_i3_a_key_or_hash_written_over_is_found);
    RUN(test_i4_a_broken_index_is_found);
    RUN(test_i4_a_cell_behind_a_gap_is_found);
    RUN(test_i5_a_key_that_is_there_twice_is_found);
    RUN(test_i6_and_i7_counts_that_contradict_are_found);
    RUN(test_damage_anywhere_in_the_index_never_leads_out_of_the_storage);
    RUN(test_a_full_or_emptied_index_ends_every_search);
}
