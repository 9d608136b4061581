/// @file threads_fixture.h
/// A pool that threads share, and what each of them notes: only the main thread uses CHECK.
#ifndef THREADS_FIXTURE_H
#define THREADS_FIXTURE_H

#include "barrier.h"
#include "check.h"
#include "pool_fixture.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WORKERS 4u

static const rns_tier_config_t shared_tiers[] = {
    {.slot_bytes = 32, .slot_count = 20, .low_water_count = 4, .hysteresis_count = 3},
    {.slot_bytes = 64, .slot_count = 34, .low_water_count = 4},
};

/// What the threads of one test share.
typedef struct {
    pool_fixture_t f;
    uint64_t iterations;
    barrier_t barrier;
    atomic_bool is_over;
    bool has_looks;                     ///< The workers look at the statistics, nobody else does.
    _Atomic(unsigned char*) mailbox[8]; ///< Slots on their way from one worker to another.
    atomic_uint lows;
    atomic_uint recoveries;
    _Atomic(void*) contested; ///< The slot that two threads give.
} shared_t;

typedef struct {
    shared_t* shared;
    uint32_t index;
    pthread_t thread;
    uint64_t takes;
    uint64_t gives;
    uint64_t misses;
    uint64_t received; ///< Slots that another worker had taken.
    uint64_t snapshots;
    uint64_t successes;
    uint64_t refusals;
    uint64_t faults;
    uint64_t random;
} worker_t;

static inline void worker_start(worker_t* worker, shared_t* shared, uint32_t index,
                                void* (*run)(void*))
{
    *worker = (worker_t){.shared = shared, .index = index, .random = index + 1u};
    CHECK(pthread_create(&worker->thread, NULL, run, worker) == 0);
}

static inline void shared_on_low_water(void* context, uint32_t tier_index, uint32_t free_count,
                                       bool low)
{
    shared_t* const shared = context;
    (void)tier_index;
    (void)free_count;
    atomic_fetch_add(low ? &shared->lows : &shared->recoveries, 1u);
}

static inline shared_t* shared_new(rns_policy_t policy)
{
    shared_t* const shared = calloc(1, sizeof *shared);
    shared->iterations = check_state.iterations;
    rns_pool_config_t config = POOL_CONFIG(shared_tiers, policy);
    config.low_water = (rns_low_water_t){.notify = shared_on_low_water, .context = shared};
    pool_fixture_init(&shared->f, &config);
    return shared;
}

static inline void worker_join(worker_t* worker)
{
    CHECK(pthread_join(worker->thread, NULL) == 0);
    CHECK_EQUAL(worker->faults, 0);
}

static inline void shared_free(shared_t* shared)
{
    pool_fixture_end(&shared->f);
    free(shared);
}

#endif
