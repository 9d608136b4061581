/// @file rns_pool_static.h
/// A pool that is known when the program is compiled: its storage as a constant expression, and
/// its tiers from Kconfig or from flags of the compiler.
///
/// Owns: the names that `pyrns-pool export` writes for firmware. Whichever form it wrote, they are
///   RNS_POOL_POLICY, RNS_POOL_TIER_COUNT,
///   RNS_POOL_TIERS                        elements of an array of rns_tier_config_t,
///   RNS_POOL_STORAGE_BYTES(header_bytes)  what rns_pool_storage_bytes() computes of them.
/// A C header of its own (`--to header`) defines them and includes this file. Else they are made
/// here of CONFIG_RNS_POOL_TIER_COUNT, CONFIG_RNS_POOL_SPILL and, for each tier n from 0,
/// CONFIG_RNS_POOL_TIER_n_SLOT_BYTES and _SLOT_COUNT (`--to kconfig`, `--to platformio`).
/// Does not: check the configuration; rns_pool_init() does.
#ifndef RNS_POOL_STATIC_H
#define RNS_POOL_STATIC_H

#include "rns_pool.h"

#define RNS_STATIC_PADDED(bytes)                                                                  \
    (((size_t)(bytes) + RNS_ALIGN_BYTES - 1u) / RNS_ALIGN_BYTES * RNS_ALIGN_BYTES)
#define RNS_STATIC_WORDS(count) (((size_t)(count) + 31u) / 32u)
#define RNS_STATIC_BITMAPS      (RNS_POISON || RNS_CANARY ? 2u : 1u) ///< Free slots; owned ones.
#if RNS_PROFILE == RNS_PROFILE_FULL
#    define RNS_STATIC_SUMMARY(count) RNS_STATIC_WORDS(RNS_STATIC_WORDS(count))
#else
#    define RNS_STATIC_SUMMARY(count) ((size_t)0)
#endif

/// Bytes that a tier adds to rns_pool_storage_bytes(): slots, and bitmaps above 32 slots.
#define RNS_TIER_STORAGE_BYTES(slot_bytes, slot_count, header_bytes)                              \
    (RNS_STATIC_PADDED((size_t)(slot_bytes) + (header_bytes) + (RNS_CANARY ? 4u : 0u)) *          \
         (size_t)(slot_count) +                                                                   \
     ((slot_count) <= 32u                                                                         \
          ? 0u                                                                                    \
          : RNS_STATIC_PADDED((RNS_STATIC_WORDS(slot_count) * RNS_STATIC_BITMAPS +                \
                               RNS_STATIC_SUMMARY(slot_count)) *                                  \
                              sizeof(uint32_t))))

#if !defined(RNS_POOL_TIERS) && defined(CONFIG_RNS_POOL_TIER_COUNT)
#    ifdef CONFIG_RNS_POOL_SPILL
#        define RNS_POOL_POLICY RNS_POLICY_SPILL
#    else
#        define RNS_POOL_POLICY RNS_POLICY_STRICT
#    endif
#    define RNS_POOL_TIER_COUNT CONFIG_RNS_POOL_TIER_COUNT

/* The preprocessor has no loop: `do_tier` of tier 0, 1, ... up to the number of tiers. */
#    define RNS_STATIC_EACH_1(do_tier, with) do_tier(0, with)
#    define RNS_STATIC_EACH_2(do_tier, with) RNS_STATIC_EACH_1(do_tier, with) do_tier(1, with)
#    define RNS_STATIC_EACH_3(do_tier, with) RNS_STATIC_EACH_2(do_tier, with) do_tier(2, with)
#    define RNS_STATIC_EACH_4(do_tier, with) RNS_STATIC_EACH_3(do_tier, with) do_tier(3, with)
#    define RNS_STATIC_EACH_5(do_tier, with) RNS_STATIC_EACH_4(do_tier, with) do_tier(4, with)
#    define RNS_STATIC_EACH_6(do_tier, with) RNS_STATIC_EACH_5(do_tier, with) do_tier(5, with)
#    define RNS_STATIC_EACH_7(do_tier, with) RNS_STATIC_EACH_6(do_tier, with) do_tier(6, with)
#    define RNS_STATIC_EACH_8(do_tier, with) RNS_STATIC_EACH_7(do_tier, with) do_tier(7, with)
#    define RNS_STATIC_JOIN(name, count)     name##count
#    define RNS_STATIC_EACH(count, do_tier, with)                                                 \
        RNS_STATIC_JOIN(RNS_STATIC_EACH_, count)(do_tier, with)

#    define RNS_STATIC_TIER(n, with)                                                              \
        {.slot_bytes = CONFIG_RNS_POOL_TIER_##n##_SLOT_BYTES,                                     \
         .slot_count = CONFIG_RNS_POOL_TIER_##n##_SLOT_COUNT},
/* A term of the sum below; NOLINTBEGIN(bugprone-macro-parentheses) */
#    define RNS_STATIC_BYTES(n, header_bytes)                                                     \
        +RNS_TIER_STORAGE_BYTES(CONFIG_RNS_POOL_TIER_##n##_SLOT_BYTES,                            \
                                CONFIG_RNS_POOL_TIER_##n##_SLOT_COUNT, header_bytes)
/* NOLINTEND(bugprone-macro-parentheses) */

#    define RNS_POOL_TIERS RNS_STATIC_EACH(CONFIG_RNS_POOL_TIER_COUNT, RNS_STATIC_TIER, )
#    define RNS_POOL_STORAGE_BYTES(header_bytes)                                                  \
        (0u RNS_STATIC_EACH(CONFIG_RNS_POOL_TIER_COUNT, RNS_STATIC_BYTES, header_bytes))
#endif

#endif
