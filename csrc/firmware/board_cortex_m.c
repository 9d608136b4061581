/* mps2-an385 as QEMU emulates it: memory, semihosting, SysTick. The same file serves ARMv6-M code,
 * which a Cortex-M3 runs as well. */
#include "board.h"

#define SEMIHOSTING_WRITE0 0x04u
#define SEMIHOSTING_EXIT   0x20u
#define EXIT_APPLICATION   0x20026u
#define EXIT_FAULT         99u

#define SYSTICK_MAX 0x00FFFFFFu

typedef struct {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value;
} systick_t;

extern uint32_t board_stack_end[];
extern const uint32_t board_data_load[];
extern uint32_t board_data_begin[];
extern uint32_t board_data_end[];
extern uint32_t board_bss_begin[];
extern uint32_t board_bss_end[];

_Noreturn void board_start(void);
_Noreturn void board_fault(void);

static systick_t* systick(void)
{
    return (systick_t*)0xE000E010u;
}

static void call_host(uint32_t operation, const void* argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void* r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static _Noreturn void leave(uint32_t status)
{
    const uint32_t argument[2] = {EXIT_APPLICATION, status};
    for (;;) {
        call_host(SEMIHOSTING_EXIT, argument);
    }
}

void board_print(const char* text)
{
    call_host(SEMIHOSTING_WRITE0, text);
}

uint32_t board_counter(void)
{
    return SYSTICK_MAX - systick()->value;
}

/* The emulator is run with 1,024 ns for each instruction and SysTick with 25 MHz: 25.6 ticks. */
uint32_t board_counted(uint32_t begin, uint32_t end)
{
    return (((end - begin) & SYSTICK_MAX) * 5u + 64u) / 128u;
}

_Noreturn void board_start(void)
{
    const uint32_t* from = board_data_load;
    for (uint32_t* to = board_data_begin; to < board_data_end; ++to) {
        *to = *from++;
    }
    for (uint32_t* to = board_bss_begin; to < board_bss_end; ++to) {
        *to = 0;
    }
    systick()->reload = SYSTICK_MAX;
    systick()->value = 0;
    systick()->control = 5u; /* enabled, by the processor's clock, without an interrupt */
    leave((uint32_t)image_main());
}

_Noreturn void board_fault(void)
{
    leave(EXIT_FAULT);
}

/* Stack, reset, and the faults; the rest never happens. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)board_stack_end, (uintptr_t)board_start, (uintptr_t)board_fault,
    (uintptr_t)board_fault,     (uintptr_t)board_fault, (uintptr_t)board_fault,
    (uintptr_t)board_fault,
};
