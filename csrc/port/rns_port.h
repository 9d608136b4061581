/// @file rns_port.h
/// What the library needs from a compiler and a target. The only target-specific file.
///
/// Owns: build switches, alignment, bit operations, shared cells, the lock, the tick source.
/// Does not: know of tiers or pools. A target with its own lock (an IRQ mask, portMUX) supplies it
/// in a header named by RNS_LOCK_HEADER; nothing else needs to change.
#ifndef RNS_PORT_H
#define RNS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Build switches; each may be set with -D ------------------------------------------------ */

#define RNS_SYNC_NONE   0 ///< One thread owns the pool.
#define RNS_SYNC_LOCK   1 ///< Many threads or interrupts, short critical sections.
#define RNS_SYNC_ATOMIC 2 ///< Many threads, lock-free; needs a 64-bit compare-and-swap.

#ifndef RNS_SYNC
#    define RNS_SYNC RNS_SYNC_NONE
#endif

/* What code and state of a pool are for; rns_small.h lists what the small ones lack. */
#define RNS_PROFILE_FULL  0 ///< Everything, and speed on large processors.
#define RNS_PROFILE_SMALL 1 ///< Every feature of a pool in a fraction of the flash.
#define RNS_PROFILE_LEAST 2 ///< Tiers, statistics and misuse checks alone.

#ifndef RNS_PROFILE
#    define RNS_PROFILE RNS_PROFILE_FULL
#endif

/// Whether pools have what RNS_PROFILE_LEAST leaves out.
#define RNS_EXTRAS (RNS_PROFILE != RNS_PROFILE_LEAST)

/// Counters and high-water marks. Off saves flash and RAM; misuse is detected all the same.
#ifndef RNS_STATS
#    define RNS_STATS 1
#endif

/// A word behind each slot that a write past the end destroys; verified when the slot comes back.
#ifndef RNS_CANARY
#    define RNS_CANARY 0
#endif

/// Slots are filled when given back; a later write to them is found at the next take and by check.
#ifndef RNS_POISON
#    define RNS_POISON 0
#endif

/// Total and worst duration of take and give, in ticks of RNS_TICKS().
#ifndef RNS_TIMING
#    define RNS_TIMING 0
#endif

/// A pool tells an observer of every take and give, so that a recorder can follow it.
#ifndef RNS_OBSERVE
#    define RNS_OBSERVE 0
#endif

/// Leaves misuse undetected, and works up to 32 slots a tier only. Exists so that the benchmark
/// can state what detection costs.
#ifndef RNS_BENCHMARK_UNCHECKED
#    define RNS_BENCHMARK_UNCHECKED 0
#endif

/// Most tiers that one pool can have: 4 or 8. Fewer saves RAM.
#ifndef RNS_TIERS_MAX
#    define RNS_TIERS_MAX 8u
#endif

/// Number of distinct memory regions that statistics are kept for.
#ifndef RNS_REGIONS_MAX
#    define RNS_REGIONS_MAX 4u
#endif

/// Alignment of every slot; a power of two.
#ifndef RNS_ALIGN_BYTES
#    if UINTPTR_MAX > 0xFFFFFFFFu
#        define RNS_ALIGN_BYTES 16u
#    else
#        define RNS_ALIGN_BYTES 8u
#    endif
#endif

/// Width of event counters: 64 bit, or 32 bit where a 64-bit addition is dear.
#ifndef RNS_COUNTER_BITS
#    if RNS_PROFILE == RNS_PROFILE_FULL &&                                                        \
        (UINTPTR_MAX > 0xFFFFFFFFu || RNS_SYNC == RNS_SYNC_ATOMIC)
#        define RNS_COUNTER_BITS 64
#    else
#        define RNS_COUNTER_BITS 32
#    endif
#endif

#if RNS_COUNTER_BITS == 64
typedef uint64_t rns_counter_t;
#elif RNS_COUNTER_BITS == 32 && RNS_SYNC != RNS_SYNC_ATOMIC
typedef uint32_t rns_counter_t;
#else
#    error "RNS_COUNTER_BITS is 32 or 64; RNS_SYNC_ATOMIC needs 64"
#endif

/// A broken contract that costs O(1) to see. Off unless the target defines it.
#ifndef RNS_ASSERT
#    define RNS_ASSERT(condition) ((void)0)
#endif

/* RNS_COLD: rare, kept away from the common path. RNS_APART: common, but not to be inlined. */
#if defined(__GNUC__)
#    define RNS_MUST_USE __attribute__((warn_unused_result))
#    define RNS_COLD     __attribute__((noinline, cold))
#    define RNS_APART    __attribute__((noinline))
#else
#    define RNS_MUST_USE
#    define RNS_COLD
#    define RNS_APART
#endif

/// Linkage of the functions whose bodies are in rns_bytes.h and rns_store.h: inlined wherever they
/// are used. Where they are exported, this is something else.
#ifndef RNS_INLINE
#    define RNS_INLINE static inline
#endif

/* ---- Bits ----------------------------------------------------------------------------------- */

/// Return the number of set bits. Portable: the builtin is a library call on most small targets.
static inline uint32_t rns_bit_count(uint32_t word)
{
    word = word - ((word >> 1) & 0x55555555u);
    word = (word & 0x33333333u) + ((word >> 2) & 0x33333333u);
    word = (word + (word >> 4)) & 0x0F0F0F0Fu;
    return (word * 0x01010101u) >> 24;
}

/// Return the index of the lowest set bit; `word` is not 0.
static inline uint32_t rns_lowest_bit_index(uint32_t word)
{
#if (defined(__arm__) && !defined(__ARM_FEATURE_CLZ)) ||                                          \
    (defined(__riscv) && !defined(__riscv_zbb))
    return rns_bit_count((word & (0u - word)) -
                         1u); /* the builtin is a call there, with a table */
#else
    return (uint32_t)__builtin_ctz(word);
#endif
}

/// Rotate right by 0 to 31.
static inline uint32_t rns_rotate_right(uint32_t word, uint32_t by)
{
    return (word >> by) | (word << ((32u - by) & 31u));
}

/* ---- Shared cells --------------------------------------------------------------------------- */
/* A cell is a variable that threads share in RNS_SYNC_ATOMIC and a plain one elsewhere, so that
 * one algorithm serves all builds. A compare-and-swap of a plain cell always succeeds. In
 * RNS_SYNC_ATOMIC the order is sequentially consistent: rns_tier_reset_window() relies on it, and
 * beyond acquire and release it costs only stores, of which the hot path has none. Not ordered are
 * two: rns_cell_put(), for what no other thread can see yet, and rns_cell_count(), for numbers
 * that say nothing of other memory. */

#if RNS_SYNC == RNS_SYNC_ATOMIC
#    include <stdatomic.h>
#    if ATOMIC_LLONG_LOCK_FREE != 2
#        error "RNS_SYNC_ATOMIC needs a lock-free 64-bit compare-and-swap; use RNS_SYNC_LOCK"
#    endif
#    define RNS_CELL(type)                 _Atomic(type)
#    define rns_cell_load(cell)            atomic_load(cell)
#    define rns_cell_store(cell, value)    atomic_store((cell), (value))
#    define rns_cell_exchange(cell, value) ((void)atomic_exchange((cell), (value)))
#    define rns_cell_add(cell, value)      ((void)atomic_fetch_add((cell), (value)))
#    define rns_cell_put(cell, value)      atomic_store_explicit((cell), (value), memory_order_relaxed)
#    define rns_cell_count(cell, value)                                                           \
        ((void)atomic_fetch_add_explicit((cell), (value), memory_order_relaxed))
#    define rns_cell_or(cell, bits)  atomic_fetch_or((cell), (bits))
#    define rns_cell_and(cell, bits) atomic_fetch_and((cell), (bits))
#    define rns_cell_cas(cell, expected, desired)                                                 \
        atomic_compare_exchange_weak((cell), (expected), (desired))
#else
#    define RNS_CELL(type)                        type
#    define rns_cell_load(cell)                   (*(cell))
#    define rns_cell_store(cell, value)           ((void)(*(cell) = (value)))
#    define rns_cell_exchange(cell, value)        ((void)(*(cell) = (value)))
#    define rns_cell_add(cell, value)             ((void)(*(cell) += (value)))
#    define rns_cell_put(cell, value)             ((void)(*(cell) = (value)))
#    define rns_cell_count(cell, value)           ((void)(*(cell) += (value)))
#    define rns_cell_cas(cell, expected, desired) ((void)(expected), *(cell) = (desired), true)

static inline uint32_t rns_cell_or(uint32_t* cell, uint32_t bits)
{
    const uint32_t before = *cell;
    *cell = before | bits;
    return before;
}

static inline uint32_t rns_cell_and(uint32_t* cell, uint32_t bits)
{
    const uint32_t before = *cell;
    *cell = before & bits;
    return before;
}
#endif

/* ---- Lock ----------------------------------------------------------------------------------- */

#if RNS_SYNC == RNS_SYNC_LOCK
#    ifdef RNS_LOCK_HEADER
/* Supplies rns_lock_t, rns_lock_init(), rns_lock_enter(), and rns_lock_leave(), which restores the
 * rns_lock_state_t that entering returned: an interrupt mask, say. */
#        include RNS_LOCK_HEADER
#    else
#        include <stdatomic.h>
#        if ATOMIC_INT_LOCK_FREE != 2
#            error "no compare-and-swap here: supply a lock in RNS_LOCK_HEADER"
#        endif
typedef atomic_uint rns_lock_t;
typedef unsigned rns_lock_state_t;

static inline void rns_lock_init(rns_lock_t* lock)
{
    atomic_store_explicit(lock, 0u, memory_order_release);
}

static inline rns_lock_state_t rns_lock_enter(rns_lock_t* lock)
{
    while (atomic_exchange_explicit(lock, 1u, memory_order_acquire) != 0) {
        while (atomic_load_explicit(lock, memory_order_relaxed) != 0) {
#        if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#        endif
        }
    }
    return 0;
}

static inline void rns_lock_leave(rns_lock_t* lock, rns_lock_state_t state)
{
    (void)state;
    atomic_store_explicit(lock, 0u, memory_order_release);
}
#    endif
#    define RNS_LOCK_ENTER(lock) const rns_lock_state_t rns_lock_state = rns_lock_enter(lock)
#    define RNS_LOCK_LEAVE(lock) rns_lock_leave((lock), rns_lock_state)
#else
#    define RNS_LOCK_ENTER(lock) ((void)0)
#    define RNS_LOCK_LEAVE(lock) ((void)0)
#endif

/* ---- Ticks ---------------------------------------------------------------------------------- */

#if RNS_TIMING && !defined(RNS_TICKS)
/// Supplied by the target: a free-running counter that wraps at 2^32 (CCOUNT, DWT_CYCCNT, ...).
uint32_t rns_port_ticks(void);
#    define RNS_TICKS() rns_port_ticks()
#endif

#endif
