/// @file board.h
/// What an image asks of the machine that it runs on.
///
/// Owns: start, the console, the verdict and the count of instructions. One of board_cortex_m.c,
/// board_rv32.c and board_host.c is linked in.
/// Does not: set up clocks or pins; the machines are emulated.
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/// The image; called once the memory is as C expects it. Returns the exit status.
int image_main(void);

/// Write text to the console.
void board_print(const char* text);

/// Return a counter that instructions move on.
///
/// Cost: the same number of instructions each time, so that the cost of reading can be deducted.
uint32_t board_counter(void);

/// Return how many instructions were run between two readings, at most 600,000; 0 where nothing
/// counts them.
uint32_t board_counted(uint32_t begin, uint32_t end);

#endif
