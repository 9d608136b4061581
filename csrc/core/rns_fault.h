/// @file rns_fault.h
/// Makes requests for memory fail on purpose, so that a program's error paths can be tested.
///
/// Owns: the plan (which requests fail) and the counts of requests seen and failed.
/// Does not: hook itself in. A store that was given one asks it before it asks its pool, so that
/// an injected failure is not a request of the pool and is in none of the pool's counts.
///
/// Without a plan nothing fails and requests are counted: run once so to learn how many sites
/// there are, then fail each in turn. Plans add up: a request fails if any of them says so.
///
/// Cost: O(1) per request.  Threads: plan at rest; strikes under the pool's lock, or in
/// RNS_SYNC_ATOMIC from any thread.
///
/// Invariants: failures <= requests.
#ifndef RNS_FAULT_H
#define RNS_FAULT_H

#include "rns_port.h"

#define RNS_FAULT_RATE_ONE 65536u ///< The rate at which every request fails.

typedef struct {
    rns_counter_t nth; ///< The first request that fails, from 1; 0 is off.
    bool is_sticky;    ///< All after it fail too.
    uint32_t tiers;    ///< Bit i: requests with home tier i fail.
    uint32_t rate;     ///< Of RNS_FAULT_RATE_ONE; 0 is off.
    RNS_CELL(uint32_t) random;
    RNS_CELL(rns_counter_t) requests;
    RNS_CELL(rns_counter_t) failures;
} rns_fault_t;

/// Forget all plans and counts. All-zero memory is a valid object too.
void rns_fault_init(rns_fault_t* self);

/// Fail the n-th request from now on, and all after it if `is_sticky`. Restarts the counts.
///
/// @param nth  From 1; 0 ends the plan.
void rns_fault_fail_nth(rns_fault_t* self, rns_counter_t nth, bool is_sticky);

/// Fail requests whose home tier is `tier_index`; the pool's tier_count stands for oversize ones.
///
/// They fail also where another tier might have served them (RNS_POLICY_SPILL).
///
/// @param tier_index  Below 32.
void rns_fault_fail_tier(rns_fault_t* self, uint32_t tier_index);

/// Fail requests at random: the same ones for the same seed and the same order of requests.
///
/// @param rate  Of RNS_FAULT_RATE_ONE; 0 ends the plan.
void rns_fault_fail_rate(rns_fault_t* self, uint32_t rate, uint32_t seed);

/// Count a request with that home tier, and tell whether it has to fail.
bool rns_fault_strikes(rns_fault_t* self, uint32_t home_tier);

#endif
