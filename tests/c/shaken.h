/// @file shaken.h
/// Atomic operations at the worst that C11 allows. For -include, in front of everything else.
///
/// Owns: the macros of <stdatomic.h> that rns_port.h is written in. One weak compare-and-swap of
/// three fails for no reason, as it may where it is a pair of load and store, and before any other
/// a test may let something happen that another thread could do. Does not: know threads; what
/// happens is a function that a test sets.
#ifndef SHAKEN_H
#define SHAKEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What happens before each operation but those; NULL: nothing.
__attribute__((weak)) void (*shaken_step)(void);

static inline void shaken_pause(void)
{
    void (*const step)(void) = shaken_step;
    if (step != NULL) {
        shaken_step = NULL; /* for what the step itself does */
        step();
        shaken_step = shaken_step == NULL ? step : NULL;
    }
}

static inline bool shaken_is_due(void)
{
    static unsigned calls;
    ++calls;
    return calls % 3u == 0;
}

/* Functions, so that a test's coverage has no branches that only a compiler made. */
static inline uint32_t shaken_or(_Atomic(uint32_t)* cell, uint32_t bits)
{
    shaken_pause();
    return atomic_fetch_or(cell, bits);
}

static inline uint32_t shaken_and(_Atomic(uint32_t)* cell, uint32_t bits)
{
    shaken_pause();
    return atomic_fetch_and(cell, bits);
}

static inline bool shaken_cas_32(_Atomic(uint32_t)* cell, uint32_t* expected, uint32_t desired)
{
    return !shaken_is_due() && atomic_compare_exchange_strong(cell, expected, desired);
}

static inline bool shaken_cas_64(_Atomic(uint64_t)* cell, uint64_t* expected, uint64_t desired)
{
    return !shaken_is_due() && atomic_compare_exchange_strong(cell, expected, desired);
}

#undef atomic_load
#undef atomic_fetch_add
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_weak
#define atomic_load(cell) (shaken_pause(), __atomic_load_n((cell), __ATOMIC_SEQ_CST))
#define atomic_fetch_add(cell, value)                                                             \
    (shaken_pause(), __atomic_fetch_add((cell), (value), __ATOMIC_SEQ_CST))
#define atomic_fetch_or(cell, bits)  shaken_or((cell), (bits))
#define atomic_fetch_and(cell, bits) shaken_and((cell), (bits))
#define atomic_compare_exchange_weak(cell, expected, desired)                                     \
    _Generic((cell), _Atomic(uint32_t)*: shaken_cas_32, _Atomic(uint64_t)*: shaken_cas_64)(       \
        (cell), (expected), (desired))

#endif
