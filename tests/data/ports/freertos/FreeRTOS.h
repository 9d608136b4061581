/* The names of ESP-IDF that rns_lock_esp.h uses; a compiler reads them, nothing is run. */
#ifndef ESP_FREERTOS_H
#define ESP_FREERTOS_H
#include <stdint.h>
typedef struct {
    uint32_t owner;
    uint32_t count;
} portMUX_TYPE;
void spinlock_initialize(portMUX_TYPE* lock);
void vPortEnterCriticalSafe(portMUX_TYPE* lock);
void vPortExitCriticalSafe(portMUX_TYPE* lock);
#define portMUX_INITIALIZE(mux)      spinlock_initialize(mux)
#define portENTER_CRITICAL_SAFE(mux) vPortEnterCriticalSafe(mux)
#define portEXIT_CRITICAL_SAFE(mux)  vPortExitCriticalSafe(mux)
#endif
