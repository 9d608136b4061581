/* QEMU's virt machine with one RV32IMAC: a serial port, a device to leave by, minstret. */
#include "board.h"

#define EXIT_PASS  0x5555u
#define EXIT_FAIL  0x3333u
#define EXIT_FAULT 99u

extern uint32_t board_bss_begin[];
extern uint32_t board_bss_end[];

_Noreturn void board_begin(void);
_Noreturn void board_trap(void);

/* The first instructions: a stack, and where traps go. */
__asm__(".section .start, \"ax\"\n"
        ".option arch, +zicsr\n"
        ".global board_start\n"
        "board_start:\n"
        "    la sp, board_stack_end\n"
        "    la t0, board_trap\n"
        "    csrw mtvec, t0\n"
        "    tail board_begin\n");

static _Noreturn void leave(uint32_t status)
{
    volatile uint32_t* const device = (volatile uint32_t*)0x00100000u;
    for (;;) {
        *device = status == 0 ? EXIT_PASS : status << 16 | EXIT_FAIL;
    }
}

/* .data needs no copy: an image is loaded into the memory that it runs in. */
_Noreturn void board_begin(void)
{
    for (uint32_t* word = board_bss_begin; word < board_bss_end; ++word) {
        *word = 0;
    }
    leave((uint32_t)image_main());
}

__attribute__((aligned(4))) _Noreturn void board_trap(void)
{
    leave(EXIT_FAULT);
}

void board_print(const char* text)
{
    volatile uint8_t* const serial = (volatile uint8_t*)0x10000000u;
    while (*text != '\0') {
        *serial = (uint8_t)*text++;
    }
}

uint32_t board_counter(void)
{
    uint32_t count = 0;
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                     "csrr %0, minstret\n\t.option pop"
                     : "=r"(count));
    return count;
}

uint32_t board_counted(uint32_t begin, uint32_t end)
{
    return end - begin;
}
