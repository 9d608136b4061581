/* rns_pool against a slow, obvious model, over random calls. */
#include "pool_walk.h"
#include "suites.h"

#define OPERATIONS 300000u

static void walk(const rns_pool_config_t* config, uint64_t seed)
{
    pool_walk_t met = {0};
    pool_walk(config, seed, OPERATIONS, &met);
    CHECK(met.double_gives > 1000 && met.interiors > 100 && met.misaligned > 100);
    CHECK(met.foreign > 100);
#if RNS_EXTRAS
    CHECK(met.windows > 10 && met.lows > 10);
#endif
    CHECK(met.hits > 1000 && met.exhausted > 100 && met.oversize > 100);
    CHECK(config->policy == RNS_POLICY_STRICT ? met.spills == 0 : met.spills > 100);
}

/* What a pool without reserve and low water leaves out. */
#if RNS_EXTRAS
#    define EXTRA(...) , __VA_ARGS__
#else
#    define EXTRA(...)
#endif

static const rns_tier_config_t small_tiers[] = {
    {.slot_bytes = 32, .slot_count = 7 EXTRA(.reserve_count = 2)},
    {.slot_bytes = 48, .slot_count = 1},
    {.slot_bytes = 100, .slot_count = 32 EXTRA(.reserve_count = 5, .low_water_count = 3)},
    {.slot_bytes = 128, .slot_count = 9},
};
static const rns_tier_config_t large_tiers[] = {
    {.slot_bytes = 33, .slot_count = 33 EXTRA(.reserve_count = 20)},
    {.slot_bytes = 64, .slot_count = 12 EXTRA(.reserve_count = 12)},
    {.slot_bytes = 96, .slot_count = 100 EXTRA(.low_water_count = 50, .hysteresis_count = 10)},
    {.slot_bytes = 160, .slot_count = 65},
};

static void test_a_strict_pool_of_small_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(small_tiers, RNS_POLICY_STRICT);
    walk(&config, 1);
}

static void test_a_spill_pool_of_small_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(small_tiers, RNS_POLICY_SPILL);
    walk(&config, 2);
}

static void test_a_strict_pool_of_large_tiers_does_as_the_model_does(void)
{
    rns_pool_config_t config = POOL_CONFIG(large_tiers, RNS_POLICY_STRICT);
    config.header_bytes = 16;
    walk(&config, 3);
}

static void test_a_spill_pool_of_large_tiers_does_as_the_model_does(void)
{
    const rns_pool_config_t config = POOL_CONFIG(large_tiers, RNS_POLICY_SPILL);
    walk(&config, 4);
}

void suite_pool_random(void)
{
    RUN(test_a_strict_pool_of_small_tiers_does_as_the_model_does);
    RUN(test_a_spill_pool_of_small_tiers_does_as_the_model_does);
    RUN(test_a_strict_pool_of_large_tiers_does_as_the_model_does);
    RUN(test_a_spill_pool_of_large_tiers_does_as_the_model_does);
}
