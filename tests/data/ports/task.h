#ifndef TASK_H
#define TASK_H
#define taskENTER_CRITICAL() vPortEnterCritical()
#define taskEXIT_CRITICAL()  vPortExitCritical()
#endif
