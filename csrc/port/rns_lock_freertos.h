/// @file rns_lock_freertos.h
/// A lock for FreeRTOS on one core, in tasks; a pool that interrupts use as well needs
/// rns_lock_irq.h.
/// Build with -DRNS_SYNC=RNS_SYNC_LOCK -DRNS_LOCK_HEADER='"rns_lock_freertos.h"'.
///
/// Compiled in the tests against headers that only have its names; not run on hardware.
#ifndef RNS_LOCK_FREERTOS_H
#define RNS_LOCK_FREERTOS_H

#include <FreeRTOS.h>
#include <task.h>

typedef char rns_lock_t;       ///< Nothing to keep.
typedef char rns_lock_state_t; ///< Nothing: FreeRTOS counts how often it was entered.

static inline void rns_lock_init(rns_lock_t* lock)
{
    *lock = 0;
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    (void)lock;
    taskENTER_CRITICAL();
    return 0;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t state)
{
    (void)lock;
    (void)state;
    taskEXIT_CRITICAL();
}

#endif
