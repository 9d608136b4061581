/* rns_pool where threads meet: the same slot, the same counter, the same moment, in many rounds.
 */
#include "check.h"
#include "suites.h"
#include "threads_fixture.h"

#if RNS_SYNC != RNS_SYNC_NONE
static void* give_contested(void* context)
{
    worker_t* const self = context;
    shared_t* const shared = self->shared;
    for (uint64_t i = 0; i < shared->iterations; ++i) {
        wait_for_all(&shared->barrier);
        const rns_status_t status =
            rns_pool_give(&shared->f.pool, atomic_load(&shared->contested));
        self->successes += status == RNS_OK;
        self->refusals += status == RNS_MISUSE_DOUBLE_GIVE;
        wait_for_all(&shared->barrier);
    }
    return NULL;
}

static void race_double_gives(size_t size_bytes)
{
    shared_t* const shared = shared_new(RNS_POLICY_STRICT);
    shared->barrier.count = 3;
    shared->iterations = shared->iterations / 20u + 100u;
    worker_t givers[2];
    worker_start(&givers[0], shared, 0, give_contested);
    worker_start(&givers[1], shared, 1, give_contested);
    for (uint64_t i = 0; i < shared->iterations; ++i) {
        atomic_store(&shared->contested, pool_take(&shared->f, size_bytes));
        wait_for_all(&shared->barrier);
        wait_for_all(&shared->barrier);
        CHECK_EQUAL(pool_stats(&shared->f).in_use, 0);
    }
    worker_join(&givers[0]);
    worker_join(&givers[1]);
    CHECK_EQUAL(givers[0].successes + givers[1].successes, shared->iterations);
    CHECK_EQUAL(givers[0].refusals + givers[1].refusals, shared->iterations);
#    if RNS_STATS
    CHECK_EQUAL(pool_stats(&shared->f).misuse.double_give, shared->iterations);
#    endif
    shared_free(shared);
}

static void test_of_two_gives_of_one_slot_exactly_one_succeeds_in_a_small_tier(void)
{
    race_double_gives(32);
}

static void test_of_two_gives_of_one_slot_exactly_one_succeeds_in_a_large_tier(void)
{
    race_double_gives(64);
}

static void* give_nothing(void* context)
{
    worker_t* const self = context;
    for (uint64_t i = 0; i < self->shared->iterations; ++i) {
        self->faults += rns_pool_give(&self->shared->f.pool, NULL) != RNS_MISUSE_FOREIGN;
    }
    return NULL;
}

static void test_no_refusal_goes_uncounted(void)
{
    shared_t* const shared = shared_new(RNS_POLICY_STRICT);
    worker_t workers[WORKERS];
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_start(&workers[i], shared, i, give_nothing);
    }
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_join(&workers[i]);
    }
#    if RNS_STATS
    CHECK_EQUAL(pool_stats(&shared->f).misuse.foreign, WORKERS * shared->iterations);
#    endif
    shared_free(shared);
}

/// In each round take all that can be had, and give it back after the next barrier.
static void* take_and_rest(void* context)
{
    worker_t* const self = context;
    shared_t* const shared = self->shared;
    for (uint64_t i = 0; i < shared->iterations; ++i) {
        void* held[9] = {NULL};
        wait_for_all(&shared->barrier);
        for (uint32_t k = 0; k < COUNT_OF(held); ++k) {
            if (rns_pool_take(&shared->f.pool, 64, RNS_PRIORITY_NORMAL, &held[k]) == RNS_OK &&
                k % 3u == 2u) { /* give some back while the others still take */
                self->faults += rns_pool_give(&shared->f.pool, held[k]) != RNS_OK;
                held[k] = NULL;
            }
        }
        wait_for_all(&shared->barrier); /* now the main thread checks */
        wait_for_all(&shared->barrier);
        for (uint32_t k = 0; k < COUNT_OF(held); ++k) {
            if (held[k] != NULL) {
                self->faults += rns_pool_give(&shared->f.pool, held[k]) != RNS_OK;
            }
        }
    }
    return NULL;
}

static void test_a_pool_is_sound_whenever_all_threads_rest(void)
{
    shared_t* const shared = shared_new(RNS_POLICY_SPILL);
    shared->barrier.count = WORKERS + 1u;
    shared->iterations = shared->iterations / 40u + 50u;
    worker_t workers[WORKERS];
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_start(&workers[i], shared, i, take_and_rest);
    }
    for (uint64_t i = 0; i < shared->iterations; ++i) {
        wait_for_all(&shared->barrier);
        rns_pool_reset_window(&shared->f.pool);
        wait_for_all(&shared->barrier);
        check_sound(&shared->f.pool);
        CHECK(pool_stats(&shared->f).in_use >= 6u * WORKERS);
        wait_for_all(&shared->barrier);
    }
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_join(&workers[i]);
    }
    shared_free(shared);
}
#endif

void suite_pool_races(void)
{
#if RNS_SYNC != RNS_SYNC_NONE
    RUN(test_of_two_gives_of_one_slot_exactly_one_succeeds_in_a_small_tier);
    RUN(test_of_two_gives_of_one_slot_exactly_one_succeeds_in_a_large_tier);
    RUN(test_no_refusal_goes_uncounted);
    RUN(test_a_pool_is_sound_whenever_all_threads_rest);
#endif
}
