/// @file explore_lock.h
/// A lock at which a thread of explore.h waits. Build with -DRNS_LOCK_HEADER='"explore_lock.h"'.
#ifndef EXPLORE_LOCK_H
#define EXPLORE_LOCK_H

#include "explore.h"

typedef uint32_t rns_lock_t;
typedef uint32_t rns_lock_state_t;

static inline void rns_lock_init(rns_lock_t* lock)
{
    *lock = 0;
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    explore_wait(lock);
    *lock = 1;
    return 0;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t state)
{
    *lock = state;
}

#endif
