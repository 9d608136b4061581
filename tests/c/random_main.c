/* Random walks over pools, Bytes and tables that are drawn by seed, each beside its model.
 *
 * Usage: random_main (pool|bytes|table)=OPERATIONS
 *
 * Prints a line "met NAME COUNT" for whatever a walk can meet.
 */
#include "bytes_walk.h"
#include "pool_walk.h"
#include "table_walk.h"

#include <inttypes.h>
#include <stdio.h>

#define STEPS 20000u ///< Operations of one walk.

static void tell(const char* name, uint64_t count)
{
    (void)printf("met %s %" PRIu64 "\n", name, count);
    CHECK(count > 0);
}

/// Call `walk` with one seed after the other until there were so many operations.
static void repeat(void (*walk)(uint64_t seed))
{
    uint64_t seed = 1;
    while (check_state.operations < check_state.iterations && check_state.failures == 0) {
        walk(seed * UINT64_C(0x9E3779B97F4A7C15)); /* since neighbours would begin alike */
        if (check_state.failures > 0) {
            (void)printf("seed %" PRIu64 "\n", seed);
        }
        ++seed;
    }
    tell("configurations", seed - 1u);
}

static pool_walk_t pool_met;

/// Draw a count, often one where the bitmap changes its form.
static uint32_t draw_slot_count(uint64_t* random)
{
    static const uint32_t edges[] = {1, 2, 31, 32, 33, 64, 65, 96, 97, 100};
    return random_below(random, 2) == 0 ? edges[random_below(random, COUNT_OF(edges))]
                                        : 1u + random_below(random, 100);
}

static void walk_pool(uint64_t seed)
{
    uint64_t random = seed;
    rns_tier_config_t tiers[RNS_TIERS_MAX] = {{0}};
    rns_pool_config_t config = {.tiers = tiers,
                                .tier_count = 1u + random_below(&random, RNS_TIERS_MAX),
                                .policy = random_below(&random, 2) == 0 ? RNS_POLICY_STRICT
                                                                        : RNS_POLICY_SPILL,
                                .header_bytes = random_below(&random, 2) * RNS_ALIGN_BYTES};
    size_t slot_bytes = 0;
    for (uint32_t i = 0; i < config.tier_count; ++i) {
        rns_tier_config_t* const tier = &tiers[i];
        slot_bytes += 1u + random_below(&random, 80);
        tier->slot_bytes = slot_bytes;
        tier->slot_count = draw_slot_count(&random);
#if RNS_EXTRAS
        tier->reserve_count = random_below(&random, 3) == 0 ? random_below(&random, 4) : 0;
        tier->reserve_count %= tier->slot_count + 1u;
        tier->low_water_count = random_below(&random, tier->slot_count + 1u);
        tier->hysteresis_count =
            random_below(&random, tier->slot_count - tier->low_water_count + 1u);
        tier->region = (uint8_t)random_below(&random, RNS_REGIONS_MAX);
#endif
    }
    pool_walk(&config, random_next(&random), STEPS, &pool_met);
}

static void test_pools_do_as_their_model_does(void)
{
    repeat(walk_pool);
    tell("hits", pool_met.hits);
    tell("spills", pool_met.spills);
    tell("exhausted", pool_met.exhausted);
    tell("oversize", pool_met.oversize);
    tell("gives", pool_met.gives);
    tell("double_gives", pool_met.double_gives);
    tell("interiors", pool_met.interiors);
    tell("misaligned", pool_met.misaligned);
    tell("foreign", pool_met.foreign);
#if RNS_EXTRAS
    tell("windows", pool_met.windows);
    tell("lows", pool_met.lows);
#endif
}

static bytes_walk_t bytes_met;

static void walk_bytes(uint64_t seed)
{
    uint64_t random = seed;
    const bytes_setup_t setup = {.has_fallback = random_below(&random, 3) == 0,
                                 .is_spilling = random_below(&random, 2) == 0,
                                 .slot_count = 2u + random_below(&random, 40),
                                 .options = {.headroom_bytes = random_below(&random, 20),
                                             .tailroom_bytes = random_below(&random, 20)}};
    bytes_walk(&setup, random_next(&random), STEPS, &bytes_met);
}

static void test_bytes_read_as_their_model_does(void)
{
    repeat(walk_bytes);
    tell("served", bytes_met.served);
    tell("refused", bytes_met.refused);
    tell("faults", bytes_met.faults);
    tell("spills", bytes_met.spills);
    tell("fallbacks", bytes_met.fallbacks);
    tell("shares", bytes_met.store.shares);
    tell("slices", bytes_met.store.slices);
    tell("cow_copies", bytes_met.store.cow_copies);
    tell("tail_appends", bytes_met.store.tail_appends);
    tell("grows", bytes_met.store.grows);
    tell("compactions", bytes_met.store.compactions);
}

static rns_table_stats_t table_met;

static void walk_table(uint64_t seed)
{
    static const rns_table_policy_t policies[] = {RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST,
                                                  RNS_TABLE_RING};
    uint64_t random = seed;
    const rns_table_policy_t policy = policies[random_below(&random, COUNT_OF(policies))];
    const uint32_t capacity = 1u + random_below(&random, 1u << (1u + random_below(&random, 7)));
    table_walk(policy, capacity, random_next(&random), STEPS, false, &table_met);
}

static void test_tables_do_as_their_model_does(void)
{
    repeat(walk_table);
    tell("puts", table_met.puts);
    tell("updates", table_met.updates);
    tell("rejects", table_met.rejects);
    tell("finds", table_met.finds);
    tell("hits", table_met.hits);
    tell("removes", table_met.removes);
    tell("culls", table_met.culls);
    tell("overwrites", table_met.overwrites);
    tell("expired", table_met.expired);
}

static void suite_random_pool(void)
{
    RUN(test_pools_do_as_their_model_does);
}

static void suite_random_bytes(void)
{
    RUN(test_bytes_read_as_their_model_does);
}

static void suite_random_table(void)
{
    RUN(test_tables_do_as_their_model_does);
}

int main(int argument_count, char** arguments)
{
    static const check_suite_t suites[] = {
        {"pool", suite_random_pool, false},
        {"bytes", suite_random_bytes, false},
        {"table", suite_random_table, false},
    };
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
