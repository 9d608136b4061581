/* rns_pool under threads that take, hand over and give. Argument: how often each does so. */
#include "check.h"
#include "suites.h"
#include "threads_fixture.h"
#include <sched.h>
#include <string.h>

#define HELD 40u ///< Slots that a worker holds at most.

/// Write a tag over all of a slot: its size first, then bytes that tell whose it is.
static void mark(unsigned char* slot, uint32_t size_bytes, unsigned char tag)
{
    memset(slot, tag, size_bytes);
    slot[0] = (unsigned char)size_bytes;
}

static bool is_marked(const unsigned char* slot)
{
    for (uint32_t i = 2; i < slot[0]; ++i) {
        if (slot[i] != slot[1]) {
            return false;
        }
    }
    return slot[0] >= 2;
}

static void give_checked(worker_t* self, unsigned char* slot)
{
    self->faults += !is_marked(slot);
    self->faults += rns_pool_give(&self->shared->f.pool, slot) != RNS_OK;
    ++self->gives;
}

/// Verify what holds of a snapshot even under load.
static bool is_plausible(const rns_pool_stats_t* stats)
{
    bool is_good = stats->tier_count == COUNT_OF(shared_tiers);
    rns_counter_t requests = stats->oversize;
    uint32_t in_use = 0;
    for (uint32_t i = 0; i < stats->tier_count; ++i) {
        const rns_tier_stats_t* const tier = &stats->tiers[i];
        is_good = is_good && tier->in_use <= tier->slot_count;
#if RNS_STATS
        is_good = is_good && tier->high_water <= tier->slot_count &&
                  tier->window_high_water <= tier->high_water &&
                  tier->in_use <= tier->window_high_water && tier->gives <= tier->takes &&
                  tier->takes - tier->gives == tier->in_use && tier->spills_in <= tier->takes &&
                  tier->requests == tier->hits + tier->spills + tier->exhausted;
#endif
        requests += tier->requests;
        in_use += tier->in_use;
    }
    return is_good && in_use == stats->in_use && requests == stats->requests &&
           stats->requests == stats->hits + stats->spills + stats->exhausted + stats->oversize;
}

/// Look at all statistics now and then, and begin a new window.
static void look(worker_t* self)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&self->shared->f.pool, &stats);
    self->faults += !is_plausible(&stats);
    ++self->snapshots;
    rns_pool_reset_window(&self->shared->f.pool);
}

/// Take, hold, verify, and give here or in another thread, in random order.
static void* work(void* context)
{
    worker_t* const self = context;
    shared_t* const shared = self->shared;
    unsigned char* held[HELD] = {NULL};
    for (uint64_t i = 0; i < shared->iterations; ++i) {
        unsigned char** const place = &held[random_below(&self->random, HELD)];
        if (*place == NULL) {
            const uint32_t size_bytes = 2u + random_below(&self->random, 63);
            void* slot = NULL;
            if (rns_pool_take(&shared->f.pool, size_bytes, RNS_PRIORITY_NORMAL, &slot) != RNS_OK) {
                ++self->misses;
                continue;
            }
            ++self->takes;
            mark(slot, size_bytes, (unsigned char)(self->index * UINT64_C(64) + i % 64u));
            *place = slot;
        } else if (random_below(&self->random, 3) != 0) {
            give_checked(self, *place);
            *place = NULL;
        } else {
            self->faults += !is_marked(*place);
            *place = atomic_exchange(
                &shared->mailbox[random_below(&self->random, COUNT_OF(shared->mailbox))], *place);
            self->received += *place != NULL;
        }
        if (i % 64u == 0) {
            (void)sched_yield();
        }
        if (i % 1024u == 0 && shared->has_looks) {
            look(self);
        }
    }
    /* Nobody gives back the rest before all have had their turn: so the pool runs dry even where
     * the threads happen to run one after the other. */
    wait_for_all(&shared->barrier);
    for (uint32_t i = 0; i < HELD; ++i) {
        if (held[i] != NULL) {
            give_checked(self, held[i]);
        }
    }
    return NULL;
}

#if RNS_SYNC != RNS_SYNC_NONE
/// Take snapshots until the others are done; takes and gives never go back.
static void* watch(void* context)
{
    worker_t* const self = context;
    rns_counter_t takes = 0;
    rns_counter_t gives = 0;
    do {
        rns_pool_stats_t stats;
        rns_pool_stats(&self->shared->f.pool, &stats);
        self->faults += !is_plausible(&stats);
        self->faults += stats.takes < takes || stats.gives < gives;
        takes = stats.takes;
        gives = stats.gives;
        ++self->snapshots;
    } while (!atomic_load(&self->shared->is_over));
    return NULL;
}

/// Begin new windows until the others are done.
static void* reset(void* context)
{
    worker_t* const self = context;
    do {
        rns_pool_reset_window(&self->shared->f.pool);
        ++self->snapshots;
    } while (!atomic_load(&self->shared->is_over));
    return NULL;
}

/// Give what is left in the mailbox; return how many slots that were.
static uint64_t empty_mailbox(shared_t* shared)
{
    uint64_t given = 0;
    for (size_t i = 0; i < COUNT_OF(shared->mailbox); ++i) {
        unsigned char* const slot = atomic_exchange(&shared->mailbox[i], NULL);
        if (slot != NULL) {
            CHECK(is_marked(slot));
            CHECK_STATUS(rns_pool_give(&shared->f.pool, slot), RNS_OK);
            ++given;
        }
    }
    return given;
}

/// Run workers, and `other` besides unless it is NULL; verify that all counts are exact once they
/// rest.
static void run_workers(rns_policy_t policy, void* (*other)(void*))
{
    shared_t* const shared = shared_new(policy);
    shared->barrier.count = WORKERS;
    shared->has_looks = other == NULL;
    worker_t workers[WORKERS];
    worker_t besides = {0};
    if (other != NULL) {
        worker_start(&besides, shared, WORKERS, other);
    }
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_start(&workers[i], shared, i, work);
    }
    worker_t sum = {0};
    for (uint32_t i = 0; i < WORKERS; ++i) {
        worker_join(&workers[i]);
        sum.takes += workers[i].takes;
        sum.gives += workers[i].gives;
        sum.misses += workers[i].misses;
        sum.received += workers[i].received;
        sum.snapshots += workers[i].snapshots;
    }
    atomic_store(&shared->is_over, true);
    if (other != NULL) {
        worker_join(&besides);
    }
    check_sound(&shared->f.pool); /* at rest, though slots are in use */
    sum.gives += empty_mailbox(shared);
    CHECK_EQUAL(sum.takes, sum.gives);
    CHECK(sum.received > 0 && sum.misses > 0 && sum.snapshots + besides.snapshots > 0);
    const rns_pool_stats_t stats = pool_stats(&shared->f);
    CHECK_EQUAL(stats.in_use, 0);
#    if RNS_STATS
    CHECK_EQUAL(stats.takes, sum.takes);
    CHECK_EQUAL(stats.gives, sum.gives);
    CHECK_EQUAL(stats.requests, sum.takes + sum.misses);
    CHECK_EQUAL(stats.exhausted, sum.misses);
    CHECK_EQUAL(stats.misuse.double_give + stats.misuse.foreign + stats.misuse.interior, 0);
    CHECK_EQUAL(stats.tiers[1].high_water, 34);
#    endif
    const unsigned lows = atomic_load(&shared->lows);
    const unsigned recoveries = atomic_load(&shared->recoveries);
    CHECK(lows >= 2);
    CHECK(lows >= recoveries && lows <= recoveries + COUNT_OF(shared_tiers));
    check_state.operations += sum.takes + sum.gives + sum.misses;
    shared_free(shared);
}

static void test_no_slot_has_two_owners_and_counts_are_exact_in_a_strict_pool(void)
{
    run_workers(RNS_POLICY_STRICT, watch);
}

static void test_no_slot_has_two_owners_and_counts_are_exact_in_a_spill_pool(void)
{
    run_workers(RNS_POLICY_SPILL, watch);
}

static void test_windows_may_begin_while_slots_are_taken(void)
{
    run_workers(RNS_POLICY_SPILL, reset);
}

static void test_slots_pass_between_threads_of_a_strict_pool(void)
{
    run_workers(RNS_POLICY_STRICT, NULL);
}

static void test_slots_pass_between_threads_of_a_spill_pool(void)
{
    run_workers(RNS_POLICY_SPILL, NULL);
}

#else
/// Breaks the contract of RNS_SYNC_NONE, so that the race detector has something to find.
static void test_two_threads_on_a_pool_without_synchronisation_race(void)
{
    shared_t* const shared = shared_new(RNS_POLICY_STRICT);
    shared->barrier.count = 2;
    worker_t workers[2];
    for (uint32_t i = 0; i < 2; ++i) {
        worker_start(&workers[i], shared, i, work);
    }
    for (uint32_t i = 0; i < 2; ++i) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
    }
    free(shared->f.storage.start);
    free(shared);
}
#endif

void suite_pool_threads(void)
{
#if RNS_SYNC != RNS_SYNC_NONE
    RUN(test_no_slot_has_two_owners_and_counts_are_exact_in_a_strict_pool);
    RUN(test_no_slot_has_two_owners_and_counts_are_exact_in_a_spill_pool);
    RUN(test_windows_may_begin_while_slots_are_taken);
#else
    RUN(test_two_threads_on_a_pool_without_synchronisation_race);
#endif
}

void suite_pool_relay(void)
{
#if RNS_SYNC != RNS_SYNC_NONE
    RUN(test_slots_pass_between_threads_of_a_strict_pool);
    RUN(test_slots_pass_between_threads_of_a_spill_pool);
#endif
}
