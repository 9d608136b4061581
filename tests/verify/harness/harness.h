/// @file harness.h
/// What the harnesses of the proofs share. Included in front of every source.
///
/// Owns: nondet(), the one hook by which a tool supplies numbers that may be anything, and what
/// the tools have instead of the compiler's builtins.
/// Does not: need a tool; a harness is a C program whose main() has no input but nondet().
#ifndef HARNESS_H
#define HARNESS_H

#include <stdint.h>
#include <string.h>

#ifdef __FRAMAC__
/* Frama-C knows neither; the one type that is asked about holds a uint64_t. */
#    define _Alignas(bytes)
#    define _Alignof(type) sizeof(uint64_t)

/*@ requires least <= most;
    assigns \result \from least, most;
    ensures least <= \result <= most; */
uint64_t nondet(uint64_t least, uint64_t most);

/*@ requires condition != 0;
    assigns \nothing; */
void harness_assert(int condition);

/*@ assigns \nothing;
    ensures condition != 0; */
void harness_assume(int condition);

#    ifdef HARNESS_OF_NUMBERS
/* Exact where the word is one number, which the spare slots of a small pool always are. */
static inline int harness_ctz(unsigned word)
{
    for (int index = 0; index < 31; ++index) {
        if (((word >> index) & 1u) != 0) {
            return index;
        }
    }
    return 31;
}
#    else
/*@ requires word != 0;
    assigns \result \from word;
    ensures 0 <= \result <= 31;
    behavior of_1_bit: assumes word < 2; ensures \result == 0;
    behavior of_2_bits: assumes word < 4; ensures \result <= 1;
    behavior of_3_bits: assumes word < 8; ensures \result <= 2;
    behavior zero: assumes word % 2 == 1; ensures \result == 0;
    behavior one: assumes word % 4 == 2; ensures \result == 1;
    behavior two: assumes word % 8 == 4; ensures \result == 2;
    behavior three: assumes word % 16 == 8; ensures \result == 3;
    behavior four: assumes word % 32 == 16; ensures \result == 4;
    behavior five: assumes word % 64 == 32; ensures \result == 5;
    behavior six: assumes word % 128 == 64; ensures \result == 6; */
int harness_ctz(unsigned word);
#    endif
#    define __builtin_ctz harness_ctz
#else
uint64_t nondet_uint64_t(void);

static inline uint64_t nondet(uint64_t least, uint64_t most)
{
    const uint64_t number = nondet_uint64_t();
    __CPROVER_assume(least <= number && number <= most);
    return number;
}

#    define harness_assume(condition) __CPROVER_assume(condition)
#    define harness_assert(condition) __CPROVER_assert((condition), #    condition)
#endif

/// Which of SHAPES shapes the object under proof has: each harness is proved for all of them.
extern uint32_t shape;
#define SHAPES 6u

#define __builtin_memcpy  memcpy
#define __builtin_memmove memmove
#define __builtin_memset  memset
#define __builtin_memcmp  memcmp

#endif
