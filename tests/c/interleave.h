/// @file interleave.h
/// Atomic operations that first ask a scheduler which thread goes on. Include it before the
/// sources that are to be interleaved.
///
/// Owns: the macros of <stdatomic.h> that rns_port.h is written in.
/// Does not: choose (interleave_step() does), nor show effects of weak memory: one thread runs at
/// a time, as if all were sequentially consistent.
#ifndef INTERLEAVE_H
#define INTERLEAVE_H

#include <stdatomic.h>

/// Called before each operation with its name and the cell it is on; may return in another order
/// than it was called.
void interleave_step(const char* operation, const volatile void* cell);

#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_weak
#undef atomic_store_explicit
#undef atomic_fetch_add_explicit

#ifdef __clang__
#    define INTERLEAVED(name, ...)   __c11_atomic_##name(__VA_ARGS__, __ATOMIC_SEQ_CST)
#    define INTERLEAVED_N(name, ...) INTERLEAVED(name, __VA_ARGS__)
#    define INTERLEAVED_CAS(...)                                                                  \
        __c11_atomic_compare_exchange_strong(__VA_ARGS__, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#else
#    define INTERLEAVED(name, ...)   __atomic_##name(__VA_ARGS__, __ATOMIC_SEQ_CST)
#    define INTERLEAVED_N(name, ...) __atomic_##name##_n(__VA_ARGS__, __ATOMIC_SEQ_CST)
#    define INTERLEAVED_CAS(...)                                                                  \
        __atomic_compare_exchange_n(__VA_ARGS__, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#endif

#define INTERLEAVE_BEFORE(name, cell, ...) (interleave_step(name, cell), __VA_ARGS__)

#define atomic_load(cell) INTERLEAVE_BEFORE("load", cell, INTERLEAVED_N(load, cell))
#define atomic_store(cell, value)                                                                 \
    INTERLEAVE_BEFORE("store", cell, INTERLEAVED_N(store, cell, value))
#define atomic_exchange(cell, value)                                                              \
    INTERLEAVE_BEFORE("exchange", cell, INTERLEAVED_N(exchange, cell, value))
#define atomic_fetch_add(cell, value)                                                             \
    INTERLEAVE_BEFORE("add", cell, INTERLEAVED(fetch_add, cell, value))
#define atomic_fetch_or(cell, bits)                                                               \
    INTERLEAVE_BEFORE("or", cell, INTERLEAVED(fetch_or, cell, bits))
#define atomic_fetch_and(cell, bits)                                                              \
    INTERLEAVE_BEFORE("and", cell, INTERLEAVED(fetch_and, cell, bits))
#define atomic_compare_exchange_weak(cell, expected, desired)                                     \
    INTERLEAVE_BEFORE("cas", cell, INTERLEAVED_CAS(cell, expected, desired))
#define atomic_store_explicit(cell, value, order)     atomic_store(cell, value)
#define atomic_fetch_add_explicit(cell, value, order) atomic_fetch_add(cell, value)

#endif
