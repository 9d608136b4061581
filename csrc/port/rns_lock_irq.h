/// @file rns_lock_irq.h
/// A lock for one processor without a compare-and-swap: interrupts are off while it is held.
/// Build with -DRNS_LOCK_HEADER='"rns_lock_irq.h"'; an example for ports, and used by the tests.
///
/// Owns: saving, setting and restoring the interrupt mask.
/// Does not: work with several processors. On a host, where there is no mask, it keeps one in the
/// lock and counts, so that tests can see that each enter was left.
#ifndef RNS_LOCK_IRQ_H
#define RNS_LOCK_IRQ_H

#include <stdint.h>

typedef uint32_t rns_lock_state_t; ///< The mask as it was.

#if defined(__arm__)
typedef char rns_lock_t; ///< Nothing to keep.

static inline void rns_lock_init(rns_lock_t* lock)
{
    *lock = 0;
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    rns_lock_state_t before = 0;
    (void)lock;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
    return before;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t before)
{
    (void)lock;
    __asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

#elif defined(__riscv)
typedef char rns_lock_t; ///< Nothing to keep.

static inline void rns_lock_init(rns_lock_t* lock)
{
    *lock = 0;
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    rns_lock_state_t before = 0;
    (void)lock;
    /* MIE is bit 3. The option is for assemblers that count these instructions as an extension. */
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                     "csrrci %0, mstatus, 8\n\t.option pop"
                     : "=r"(before)
                     :
                     : "memory");
    return before;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t before)
{
    (void)lock;
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                     "csrs mstatus, %0\n\t.option pop"
                     :
                     : "r"(before & 8u)
                     : "memory");
}

#else
#    define RNS_LOCK_IS_COUNTED 1

typedef struct {
    uint32_t is_masked;
    uint32_t enters;
    uint32_t nested; ///< Enters while the mask was set: the pool's own calls never do that.
} rns_lock_t;

static inline void rns_lock_init(rns_lock_t* lock)
{
    *lock = (rns_lock_t){0};
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    const rns_lock_state_t before = lock->is_masked;
    ++lock->enters;
    lock->nested += before;
    lock->is_masked = 1;
    return before;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t before)
{
    lock->is_masked = before;
}
#endif

#endif
