/// @file rns_malloc_wrap.h
/// malloc, calloc, realloc and free of a whole program from a pool, to find out who still calls
/// them. Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free.
///
/// Owns: what the four functions do once rns_malloc_wrap_begin() was called, and the violations.
/// Before, they are the C library's.
/// Does not: own the pool, reach into shared libraries (the linker wraps what it links), or wrap
/// aligned_alloc() and its like.
///
/// A request that the pool does not serve is a violation: named, counted, and refused with NULL or
/// passed on to the C library, as the policy says. A slot grows and shrinks in place up to its
/// slot_bytes, else its content moves. free() of what lies outside the pool goes to the C library,
/// whose block it is from before or from being passed on.
///
/// Cost: that of the pool, and for free() and realloc() rns_pool_locate().  Threads: as the
/// pool's.
#ifndef RNS_MALLOC_WRAP_H
#define RNS_MALLOC_WRAP_H

#include "rns_pool.h"

typedef enum {
    RNS_VIOLATION_EXHAUSTED, ///< No slot that may serve the request is free.
    RNS_VIOLATION_OVERSIZE,  ///< Larger than the largest tier.
    RNS_VIOLATION_OVERFLOW,  ///< calloc() of more bytes than a size_t counts; always refused.
    RNS_VIOLATION_OUTSIDE,   ///< realloc() of a block of the C library.
    RNS_VIOLATION_MISUSE, ///< free() or realloc() of a free slot or of no start of one; refused.
    RNS_VIOLATION_COUNT,
} rns_violation_t;

typedef enum {
    RNS_MALLOC_REFUSE, ///< A violation gets NULL.
    RNS_MALLOC_PASS,   ///< A violation gets what the C library gives.
} rns_malloc_policy_t;

/// One for a program; the caller owns it.
typedef struct {
    rns_pool_t* pool; ///< Without headers.
    rns_malloc_policy_t policy;
    RNS_CELL(rns_counter_t) violations[RNS_VIOLATION_COUNT];
} rns_malloc_wrap_t;

/// Serve from `self` from now on; NULL: from the C library alone again.
///
/// Threads: while no other thread allocates. `self` and its pool outlive the blocks.
void rns_malloc_wrap_begin(rns_malloc_wrap_t* self);

/// Return a violation's name, "EXHAUSTED" for instance.
const char* rns_violation_name(rns_violation_t violation);

#endif
