/// @file rns_small.h
/// The pool of RNS_PROFILE_SMALL and RNS_PROFILE_LEAST: the interface of rns_pool.h with little
/// code, for one processor; in RNS_PROFILE_LEAST without statistics 20 bytes of state a tier and
/// 16 for the pool. Included by rns_pool.h.
///
/// Owns: rns_pool_t in these profiles; rns_small.c, rns_small_init.c and rns_small_stats.c are its
/// functions. The same configuration takes the same slots for the same requests as in
/// RNS_PROFILE_FULL, and misuse has the same statuses: what a trace shows there holds here.
///
/// Both lack: RNS_SYNC_ATOMIC, RNS_CANARY, RNS_POISON, RNS_TIMING, RNS_OBSERVE, 64-bit counters,
/// slots and tiers above RNS_SLOT_BYTES_MAX and RNS_SLOT_COUNT_MAX, 16 bit here. With
/// RNS_SYNC_LOCK a take holds the lock while it looks through all tiers that may serve it.
///
/// RNS_PROFILE_LEAST lacks as well, and does not compile where one of them is set or called:
/// reserve and priority (which is ignored), low-water callback, fallback, memory and region of a
/// tier's own, linked pools, rns_pool_reset_window(). Of the statistics, largest_request_bytes
/// stays 0 and the window is everything since init.
///
/// Cost: take is O(tier_count + slot_count / 32), give O(tier_count).
///
/// Invariants: I1, I4, I5, I8, I9 and I11 of rns_tier.h and rns_pool.h; in RNS_PROFILE_SMALL also
/// I2, of the count of free slots.
#include "rns_pool.h"

#if !defined(RNS_SMALL_H) && RNS_PROFILE != RNS_PROFILE_FULL
#    define RNS_SMALL_H

#    if RNS_SYNC == RNS_SYNC_ATOMIC || RNS_CANARY || RNS_POISON || RNS_TIMING || RNS_OBSERVE ||   \
        RNS_COUNTER_BITS != 32
#        error                                                                                    \
            "RNS_PROFILE_SMALL and _LEAST have no ATOMIC, guards, timing, observer, 64-bit counters"
#    endif

/// Statuses of misuse that are counted, from RNS_MISUSE_FOREIGN down.
#    define RNS_SMALL_MISUSES (RNS_EXTRAS ? 6u : 5u)

typedef struct {
    unsigned char* slots;
    union {
        uint32_t bits;   ///< Set bits are free slots.
        uint32_t* words; ///< Above 32 slots: where these bits are.
    } free;
    uint32_t stride_inverse; ///< Of the stride's odd part, modulo 2^32.
    uint16_t stride_bytes;
    uint16_t slot_bytes;
    uint16_t slot_count;
    uint16_t stride_shift;
#    if RNS_EXTRAS
    uint16_t free_count;
    uint16_t reserve_count;
    uint16_t low_water_count;
    uint16_t recovered_count; ///< low_water_count + hysteresis_count
    uint8_t region;
    bool is_low;
#    endif
#    if RNS_STATS
    uint16_t high_water;
    rns_counter_t takes;
    rns_counter_t spills;
    rns_counter_t spills_in;
    rns_counter_t exhausted;
#        if RNS_EXTRAS
    uint16_t window_high_water;
    uint32_t largest_request_bytes;
#        endif
#    endif
} rns_pool_tier_t;

typedef struct rns_pool {
    rns_memory_t storage;
    uint32_t header_bytes;
    uint8_t tier_count;
    uint8_t policy;
#    if RNS_SYNC == RNS_SYNC_LOCK
    rns_lock_t lock;
#    endif
    rns_pool_tier_t tiers[RNS_TIERS_MAX];
#    if RNS_EXTRAS
    rns_fallback_t fallback;
    rns_low_water_t low_water;
    struct rns_pool* next; ///< Ring of linked pools; the pool itself if it is alone.
    rns_counter_t fallbacks;
    rns_counter_t fallback_gives;
#    endif
#    if RNS_STATS
    rns_counter_t oversize;
    rns_counter_t misuse[RNS_SMALL_MISUSES]; ///< By status.
#        if RNS_EXTRAS
    uint32_t largest_oversize_bytes;
#        endif
#    endif
} rns_pool_t;

#endif
