/// @file explore_sources.h
/// The core with a step before each atomic operation, before each entry into the lock and before
/// each copy or fill of bytes. Include it once, first of all, in a program over explore.c.
#ifndef EXPLORE_SOURCES_H
#define EXPLORE_SOURCES_H

#include "explore.h"
#include "rns_guard.h"

/* NOLINTBEGIN(bugprone-*,cert-dcl37-c,cert-dcl51-cpp) */
#define rns_guard_fill(bytes, ...)                                                                \
    (interleave_step("fill", bytes), rns_guard_fill(bytes, __VA_ARGS__))
#define rns_guard_is_filled(bytes, ...)                                                           \
    (interleave_step("look", bytes), rns_guard_is_filled(bytes, __VA_ARGS__))
#define __builtin_memcpy(to, from, count)                                                         \
    (interleave_step("copy", to), __builtin_memcpy(to, from, count))
#define __builtin_memmove(to, from, count)                                                        \
    (interleave_step("move", to), __builtin_memmove(to, from, count))

#include "rns_bytes.c"
#include "rns_bytes_make.c"
#include "rns_bytes_share.c"
#include "rns_pool.c"
#include "rns_pool_stats.c"
#include "rns_tier.c"
/* One function of its own is called as one of the files above. */
#define has_fallback_out store_has_fallback_out
#include "rns_store.c"
#undef has_fallback_out
/* NOLINTEND(bugprone-*,cert-dcl37-c,cert-dcl51-cpp) */

#endif
