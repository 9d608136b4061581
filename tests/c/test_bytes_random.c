/* rns_bytes against the model: random operations on many handles, all content compared. */
#include "bytes_walk.h"

#define OPERATIONS 75000u

static void walk(const bytes_setup_t* setup, uint64_t seed, bool has_misses)
{
    bytes_walk_t met = {0};
    bytes_walk(setup, seed, OPERATIONS, &met);
    CHECK(met.served > OPERATIONS / 4u);
    CHECK(met.refused > 100 && (!has_misses || met.refused > OPERATIONS / 50u));
    CHECK(met.faults > 100);
}

static void test_random_operations_agree_with_the_model_in_a_roomy_pool(void)
{
    walk(&(bytes_setup_t){.slot_count = 40}, 11, false);
}

static void test_random_operations_agree_with_the_model_in_a_crowded_pool_that_spills(void)
{
    const rns_store_options_t rooms = {.headroom_bytes = 16, .tailroom_bytes = 8};
    walk(&(bytes_setup_t){.slot_count = 4, .is_spilling = true, .options = rooms}, 12, true);
}

static void test_random_operations_agree_with_the_model_with_a_fallback(void)
{
    const rns_store_options_t rooms = {.headroom_bytes = 3};
    walk(&(bytes_setup_t){.slot_count = 3, .has_fallback = true, .options = rooms}, 13, false);
}

void suite_bytes_random(void)
{
    RUN(test_random_operations_agree_with_the_model_in_a_roomy_pool);
    RUN(test_random_operations_agree_with_the_model_in_a_crowded_pool_that_spills);
    RUN_WITH_FALLBACK(test_random_operations_agree_with_the_model_with_a_fallback);
}
