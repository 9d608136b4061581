/// @file rns_tune.h
/// The best tiers and slots for each number of bytes, by dynamic programming over exact curves.
///
/// Owns: nothing; the tables are the caller's.
/// Does not: make the curves (rns_curve.h does), or choose which sizes may be boundaries.
///
/// Why: strict tiers do not interact. A tier of slot size c that comes after one of size b serves
/// the requests of (b, c] and no other, so its hits depend on b, c and its slots alone, and
/// the hits of a pool are a sum over its tiers. The best pool of k tiers that ends in c is then a
/// best pool of k - 1 tiers that ends in some b < c, and one tier behind it. Curves are not
/// concave: one block that never goes and a thousand short ones after it gain 1 with the first
/// slot and 1000 with the second. So no rule that looks at the next slot alone is exact, and every
/// slot count of every range is offered.
///
/// Bytes are counted in units that divide every slot size, so that a table has a row entry for
/// each number of bytes that a pool can have.
///
/// Invariants, between the offers of one boundary and those of the next:
///   I1  row(k, j)[u] is the most hits of k tiers, the last of which has the size of boundary j,
///       in at most u units, among all tiers offered; below 0 if there is no such pool.
///   I2  A row does not decrease.
#ifndef RNS_TUNE_H
#define RNS_TUNE_H

#include "rns_port.h"

#include <stddef.h>
#include <stdint.h>

/// No pool. Any number of hits added to it is still below 0.
#define RNS_TUNE_NONE (-(1 << 30))

/// Most hits that all ranges together may offer.
#define RNS_TUNE_HITS_MAX ((1 << 30) - 1)

typedef struct {
    uint32_t tiers_max;      ///< Most tiers, 1 or more.
    uint32_t boundary_count; ///< Boundaries are 1 to this; 0 is that of no tier.
    uint32_t units;          ///< Most units.
    int32_t* best;           ///< rns_tune_entries() of them.
} rns_tune_t;

/// Slots of one range of sizes that may become a tier.
typedef struct {
    uint32_t lower;      ///< Boundary of the tier before, 0 if there is none.
    uint32_t upper;      ///< That of this tier, above `lower`.
    uint32_t slot_units; ///< Size of its slots.
    uint32_t slots;      ///< Slots of the first choice; the next has one more, and so on.
    uint32_t count;      ///< Choices.
    const int32_t* hits; ///< Those of each choice, 0 or more.
} rns_tune_range_t;

/// Return how many entries the table takes.
size_t rns_tune_entries(const rns_tune_t* self);

/// Return the entries for `tiers` tiers, 1 or more, of which `boundary` is the last: units + 1.
int32_t* rns_tune_row(const rns_tune_t* self, uint32_t tiers, uint32_t boundary);

/// Start with no pool offered.
///
/// Cost: O(entries).  Threads: one.
void rns_tune_begin(rns_tune_t* self);

/// Put each choice of a range behind every pool that ends where the range begins.
///
/// Offers come by ascending `upper`; those of one `upper` in any order, and a range in as many
/// parts as wanted.
///
/// Cost: O(count * tiers_max * units), some 0.4 ns each on a desktop processor.  Threads: one.
void rns_tune_offer(rns_tune_t* self, const rns_tune_range_t* range);

#endif
