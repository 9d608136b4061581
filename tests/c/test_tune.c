/* rns_tune: the table of best pools holds what trying every pool gives. */
#include "check.h"
#include "rns_tune.h"
#include <stdlib.h>

#define BOUNDARIES 4u
#define TIERS      3u
#define UNITS      18u
#define SLOTS_MAX  6u
#define TRIALS     400u

/// Ranges with hits drawn at random; a range with no choice is not offered.
typedef struct {
    uint32_t size[BOUNDARIES + 1u];
    uint32_t first[BOUNDARIES + 1u][BOUNDARIES + 1u];
    uint32_t count[BOUNDARIES + 1u][BOUNDARIES + 1u];
    int32_t hits[BOUNDARIES + 1u][BOUNDARIES + 1u][SLOTS_MAX];
} ranges_t;

static uint32_t draw(uint32_t* random, uint32_t below)
{
    *random = *random * 1664525u + 1013904223u;
    ++check_state.operations;
    return (*random >> 8) % below;
}

static ranges_t draw_ranges(uint32_t* random)
{
    ranges_t ranges = {.size = {0}};
    for (uint32_t upper = 1; upper <= BOUNDARIES; ++upper) {
        ranges.size[upper] = ranges.size[upper - 1u] + 1u + draw(random, 2);
        for (uint32_t lower = 0; lower < upper; ++lower) {
            int32_t hits = 0;
            ranges.first[lower][upper] = 1u + draw(random, 2);
            ranges.count[lower][upper] = draw(random, SLOTS_MAX + 1u);
            for (uint32_t i = 0; i < ranges.count[lower][upper]; ++i) {
                hits += draw(random, 3) == 0 ? (int32_t)draw(random, 1000) : 0;
                ranges.hits[lower][upper][i] = hits;
            }
        }
    }
    return ranges;
}

/// Try every pool of so many tiers that ends in `upper`; return the most hits, or below 0.
// NOLINTNEXTLINE(misc-no-recursion): obvious, and three tiers deep.
static int32_t most(const ranges_t* ranges, uint32_t tiers, uint32_t upper, uint32_t units)
{
    int32_t best = RNS_TUNE_NONE;
    if (tiers == 0 || upper == 0) {
        return tiers == 0 && upper == 0 ? 0 : best;
    }
    for (uint32_t lower = 0; lower < upper; ++lower) {
        for (uint32_t i = 0; i < ranges->count[lower][upper]; ++i) {
            const uint32_t cost = (ranges->first[lower][upper] + i) * ranges->size[upper];
            if (cost > units) {
                continue;
            }
            const int32_t before = most(ranges, tiers - 1u, lower, units - cost);
            const int32_t sum = before + ranges->hits[lower][upper][i];
            best = before >= 0 && sum > best ? sum : best;
        }
    }
    return best;
}

static rns_tune_t table_of(void)
{
    rns_tune_t table = {.tiers_max = TIERS, .boundary_count = BOUNDARIES, .units = UNITS};
    table.best = malloc(rns_tune_entries(&table) * sizeof(int32_t));
    if (table.best == NULL) {
        abort();
    }
    memset(table.best, 0x5A, rns_tune_entries(&table) * sizeof(int32_t));
    rns_tune_begin(&table);
    return table;
}

/// Offer every range in parts of at most `part` choices.
static rns_tune_t filled(const ranges_t* ranges, uint32_t part)
{
    rns_tune_t table = table_of();
    for (uint32_t upper = 1; upper <= BOUNDARIES; ++upper) {
        for (uint32_t lower = 0; lower < upper; ++lower) {
            const uint32_t count = ranges->count[lower][upper];
            for (uint32_t i = 0; i < count; i += part) {
                const rns_tune_range_t range = {
                    .lower = lower,
                    .upper = upper,
                    .slot_units = ranges->size[upper],
                    .slots = ranges->first[lower][upper] + i,
                    .count = count - i < part ? count - i : part,
                    .hits = &ranges->hits[lower][upper][i],
                };
                rns_tune_offer(&table, &range);
            }
        }
    }
    return table;
}

static void test_every_entry_is_what_trying_every_pool_gives(void)
{
    uint32_t random = 1;
    for (uint32_t trial = 0; trial < TRIALS; ++trial) {
        const ranges_t ranges = draw_ranges(&random);
        const rns_tune_t table = filled(&ranges, SLOTS_MAX);
        for (uint32_t tiers = 1; tiers <= TIERS; ++tiers) {
            for (uint32_t upper = 1; upper <= BOUNDARIES; ++upper) {
                const int32_t* const row = rns_tune_row(&table, tiers, upper);
                for (uint32_t units = 0; units <= UNITS; ++units) {
                    const int32_t wanted = most(&ranges, tiers, upper, units);
                    CHECK(wanted < 0 ? row[units] < 0 : row[units] == wanted);
                    CHECK(units == 0 || row[units] >= row[units - 1u]);
                }
            }
        }
        free(table.best);
    }
}

static void test_a_range_in_parts_is_as_good_as_in_one(void)
{
    uint32_t random = 7;
    for (uint32_t trial = 0; trial < TRIALS; ++trial) {
        const ranges_t ranges = draw_ranges(&random);
        const rns_tune_t whole = filled(&ranges, SLOTS_MAX);
        const rns_tune_t parts = filled(&ranges, 1u + trial % 3u);
        const size_t bytes = rns_tune_entries(&whole) * sizeof(int32_t);
        CHECK(memcmp(whole.best, parts.best, bytes) == 0);
        free(whole.best);
        free(parts.best);
    }
}

static void test_without_an_offer_there_is_no_pool(void)
{
    const rns_tune_t table = table_of();
    const size_t entries = rns_tune_entries(&table);
    CHECK_EQUAL(entries, (uint64_t)TIERS * BOUNDARIES * (UNITS + 1u));
    for (size_t i = 0; i < entries; ++i) {
        CHECK(table.best[i] == RNS_TUNE_NONE);
    }
    free(table.best);
}

static void test_the_most_hits_there_may_be_make_no_pool_of_none(void)
{
    rns_tune_t table = table_of();
    const int32_t hits = RNS_TUNE_HITS_MAX;
    const rns_tune_range_t range = {2, 3, 1, 1, 1, &hits};
    rns_tune_offer(&table, &range);
    CHECK(rns_tune_row(&table, 2, 3)[UNITS] < 0);
    const rns_tune_range_t first = {0, 3, 1, 1, 1, &hits};
    rns_tune_offer(&table, &first);
    CHECK(rns_tune_row(&table, 1, 3)[UNITS] == RNS_TUNE_HITS_MAX);
    free(table.best);
}

int main(void)
{
    RUN(test_every_entry_is_what_trying_every_pool_gives);
    RUN(test_a_range_in_parts_is_as_good_as_in_one);
    RUN(test_without_an_offer_there_is_no_pool);
    RUN(test_the_most_hits_there_may_be_make_no_pool_of_none);
    return check_finish();
}
