/// @file barrier.h
/// Where threads wait for each other, so that they start together. (The barriers of POSIX are not
/// part of the C11 dialect.)
#ifndef BARRIER_H
#define BARRIER_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

/// All zero but for `count`, the number of threads.
typedef struct {
    uint32_t count;
    atomic_uint arrived;
    atomic_uint round;
} barrier_t;

static inline void wait_for_all(barrier_t* barrier)
{
    const unsigned round = atomic_load(&barrier->round);
    if (atomic_fetch_add(&barrier->arrived, 1u) + 1u == barrier->count) {
        atomic_store(&barrier->arrived, 0u);
        atomic_fetch_add(&barrier->round, 1u);
    }
    for (uint32_t spins = 0; atomic_load(&barrier->round) == round; ++spins) {
        if (spins > 200u) { /* so that those who wait together start together */
            (void)sched_yield();
        }
    }
}

#endif
