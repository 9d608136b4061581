/// @file rns_soak_hard.h
/// Orders of takes and gives that are bad for allocators, hour after hour, over the pool and over
/// the heap beside it.
///
/// Each hour has four quarters:
///   sawtooth  half of the slots are taken one by one, and given back at random.
///   comb      half are taken, every other one is given back, other sizes go into the gaps.
///   storm     more than all are taken within a second: the pool refuses some.
///   drill     some are held; then each tier is driven to zero, held there, released, and the
///             state of all tiers has to be what it was, bit by bit.
/// Sizes are such that each tier has its share of requests by its number of slots. And once an
/// hour a block is taken and never given back: a leak that is to be found.
///
/// Owns: the blocks that are out.
/// Does not: own their memory. Send the drills to the heap: they ask the pool alone.
///
/// Cost: some 0.1 us an event; a drill takes and gives every free slot once.  Threads: one.
#ifndef RNS_SOAK_HARD_H
#define RNS_SOAK_HARD_H

#include "rns_soak.h"

/// Who takes a block; a store each, so that its tag tells.
typedef enum {
    RNS_SOAK_SAWTOOTH,
    RNS_SOAK_COMB,
    RNS_SOAK_STORM,
    RNS_SOAK_LOG, ///< Leaks.
    RNS_SOAK_SITES,
} rns_soak_site_t;

/// A block in both lanes; NULL where it was refused.
typedef struct {
    rns_buffer_t* lanes[RNS_SOAK_LANES];
    uint32_t site;
} rns_soak_block_t;

typedef struct {
    rns_soak_t* soak;
    rns_store_t* stores[RNS_SOAK_SITES][RNS_SOAK_LANES];
    uint32_t slot_count;      ///< Of the pool.
    rns_soak_block_t* blocks; ///< Twice slot_count.
    void** drilled;           ///< slot_count.
    uint32_t* image;          ///< slot_count words, and four for each tier.
    uint64_t random;          ///< The seed, not 0.
    uint32_t drills_per_hour;
    uint32_t block_count;
    uint64_t leaked;         ///< Blocks of the pool.
    uint64_t drills;         ///< Of one tier each.
    uint64_t drill_requests; ///< Of the pool.
    uint64_t drill_faults;   ///< After which the state was not what it was.
} rns_soak_hard_t;

/// Run one hour; at its end only the leak is out.
void rns_soak_hard_hour(rns_soak_hard_t* self);

/// Drive a tier to zero, hold it there, and release it. The first given back is the first taken,
/// or the last.
///
/// @return Whether it was refused at zero, and the state is what it was.
bool rns_soak_hard_drill(rns_soak_hard_t* self, uint32_t tier, bool is_last_first);

#endif
