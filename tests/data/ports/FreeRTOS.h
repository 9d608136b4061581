/* The names of FreeRTOS that rns_lock_freertos.h uses; a compiler reads them, nothing is run. */
#ifndef FREERTOS_H
#define FREERTOS_H
void vPortEnterCritical(void);
void vPortExitCritical(void);
#endif
