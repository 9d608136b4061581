/// @file rns_lock_esp.h
/// A lock for ESP-IDF, in tasks and interrupts of both cores: a portMUX.
/// Build with -DRNS_SYNC=RNS_SYNC_LOCK -DRNS_LOCK_HEADER='"rns_lock_esp.h"'; the component of
/// ESP-IDF does.
///
/// Compiled in the tests against headers that only have its names; not run on hardware.
#ifndef RNS_LOCK_ESP_H
#define RNS_LOCK_ESP_H

#include <freertos/FreeRTOS.h>

typedef portMUX_TYPE rns_lock_t;
typedef char rns_lock_state_t; ///< Nothing: the portMUX keeps the interrupt mask.

static inline void rns_lock_init(rns_lock_t* lock)
{
    portMUX_INITIALIZE(lock);
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    portENTER_CRITICAL_SAFE(lock);
    return 0;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t state)
{
    (void)state;
    portEXIT_CRITICAL_SAFE(lock);
}

#endif
