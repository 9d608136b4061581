/* rns_table against its slow, obvious model, over random calls. */
#include "table_walk.h"

/// 1,020,000 operations.
static void run_policy(rns_table_policy_t policy)
{
    rns_table_stats_t met = {0};
    table_walk(policy, 1, 3, 100000, false, &met);
    table_walk(policy, 2, 4, 100000, false, &met);
    table_walk(policy, 7, 5, 200000, false, &met);
    table_walk(policy, 24, 6, 300000, false, &met);
    table_walk(policy, 64, 7, 300000, false, &met);
    table_walk(policy, 2048, 8, 20000, false, &met);
    CHECK(met.updates > 1000 && met.hits > 1000 && met.removes > 1000 && met.expired > 1000);
    CHECK((met.rejects > 100) == (policy == RNS_TABLE_REJECT));
    CHECK((met.culls > 100) == (policy == RNS_TABLE_CULL_OLDEST));
    CHECK((met.overwrites > 100) == (policy == RNS_TABLE_RING));
}

static void test_a_rejecting_table_does_as_the_model(void)
{
    run_policy(RNS_TABLE_REJECT);
}

static void test_a_culling_table_does_as_the_model(void)
{
    run_policy(RNS_TABLE_CULL_OLDEST);
}

static void test_a_ring_does_as_the_model(void)
{
    run_policy(RNS_TABLE_RING);
}

static void test_the_invariants_hold_after_every_operation(void)
{
    rns_table_stats_t met = {0};
    static const uint32_t capacities[] = {1, 2, 3, 10, 33};
    for (size_t i = 0; i < COUNT_OF(capacities); ++i) {
        table_walk(RNS_TABLE_REJECT, capacities[i], 11u + i, 4000, true, &met);
        table_walk(RNS_TABLE_CULL_OLDEST, capacities[i], 21u + i, 4000, true, &met);
        table_walk(RNS_TABLE_RING, capacities[i], 31u + i, 4000, true, &met);
    }
}

static void test_colliding_keys_do_as_others(void)
{
    rns_table_stats_t met = {0};
    static const uint64_t seeds[] = {41, 44};
    for (size_t i = 0; i < COUNT_OF(seeds); ++i) {
        /* In an index of 4 and of 8 cells almost all keys collide, over its end too. */
        table_walk(RNS_TABLE_CULL_OLDEST, 2, seeds[i], 4000, true, &met);
        table_walk(RNS_TABLE_RING, 4, seeds[i], 4000, true, &met);
        table_walk(RNS_TABLE_REJECT, 5, seeds[i], 4000, true, &met);
    }
}

void suite_table_random(void)
{
    RUN(test_a_rejecting_table_does_as_the_model);
    RUN(test_a_culling_table_does_as_the_model);
    RUN(test_a_ring_does_as_the_model);
    RUN(test_the_invariants_hold_after_every_operation);
    RUN(test_colliding_keys_do_as_others);
}
