/// @file cells.h
/// Atomic operations that are carried out by Relacy: the value of a cell is not in its memory but
/// in an object of Relacy that stands for its address, so that every layout is as it is.
#ifndef CELLS_H
#define CELLS_H

#ifdef __cplusplus
extern "C" {
#else
#    include <stdatomic.h>
#endif

#include <stdbool.h>
#include <stdint.h>

/// What a cell may be asked for. Orders are those of memory_order.
uint64_t cell_load(const volatile void* cell, uint64_t initial, int order);
void cell_store(volatile void* cell, uint64_t value, int order);
uint64_t cell_add(volatile void* cell, uint64_t initial, uint64_t value, int order);
uint64_t cell_or(volatile void* cell, uint64_t initial, uint64_t bits, int order);
uint64_t cell_and(volatile void* cell, uint64_t initial, uint64_t bits, int order);
uint64_t cell_exchange(volatile void* cell, uint64_t initial, uint64_t value, int order);
bool cell_cas(volatile void* cell, uint64_t* expected, uint64_t desired, int order);

#ifdef __cplusplus
}
#else
#    undef atomic_load
#    undef atomic_store
#    undef atomic_exchange
#    undef atomic_fetch_add
#    undef atomic_fetch_or
#    undef atomic_fetch_and
#    undef atomic_compare_exchange_weak
#    undef atomic_store_explicit
#    undef atomic_fetch_add_explicit

#    ifndef CELL_ORDER
#        define CELL_ORDER memory_order_seq_cst
#    endif
/* What is in the memory of a cell is its value before any operation. */
#    define CELL_TYPE(cell)    __typeof__(__atomic_load_n(cell, __ATOMIC_RELAXED))
#    define CELL_INITIAL(cell) ((uint64_t)__atomic_load_n(cell, __ATOMIC_RELAXED))
#    define CELL_RMW(name, cell, value, order)                                                    \
        ((CELL_TYPE(cell))cell_##name(cell, CELL_INITIAL(cell), value, order))

#    define atomic_load(cell)                             ((CELL_TYPE(cell))cell_load(cell, CELL_INITIAL(cell), CELL_ORDER))
#    define atomic_store(cell, value)                     cell_store(cell, value, CELL_ORDER)
#    define atomic_exchange(cell, value)                  CELL_RMW(exchange, cell, value, CELL_ORDER)
#    define atomic_fetch_add(cell, value)                 CELL_RMW(add, cell, value, CELL_ORDER)
#    define atomic_fetch_or(cell, value)                  CELL_RMW(or, cell, value, CELL_ORDER)
#    define atomic_fetch_and(cell, value)                 CELL_RMW(and, cell, value, CELL_ORDER)
#    define atomic_store_explicit(cell, value, order)     cell_store(cell, value, order)
#    define atomic_fetch_add_explicit(cell, value, order) CELL_RMW(add, cell, value, order)
#    define atomic_compare_exchange_weak(cell, expected, desired)                                 \
        __extension__({                                                                           \
            uint64_t cell_seen = *(expected);                                                     \
            const bool cell_is_set = cell_cas(cell, &cell_seen, desired, CELL_ORDER);             \
            *(expected) = (CELL_TYPE(cell))cell_seen;                                             \
            cell_is_set;                                                                          \
        })
#endif

#endif
