/// @file rns_meter.h
/// The timeline of a pool that a workload drives: what rns_replay_t keeps of a trace.
///
/// Owns: nothing; pool, store, edges and rows are the caller's.
/// Does not: hook into the pool or count requests: it reads the pool's own statistics, so it needs
/// RNS_STATS, and nobody else may reset the pool's window meanwhile.
///
/// How: an *event* is whatever the workload does at one moment of its clock, between
/// rns_meter_advance() and rns_meter_sample(). in_use_max of a bin is the pool's
/// window_high_water, so that a peak inside an event shows. in_use_min and in_use_ns are of the
/// states between events, since time stands still inside one. All counts are differences between
/// bin edges.
///
/// Cost: an event is O(tier_count), two loads for a tier that it leaves alone; a bin is a snapshot
/// of the statistics.
///
/// Threads: one drives the pool, and calls.
///
/// Invariants between events:
///   I1  in_use of a tier is the pool's in_use of that tier.
///   I2  Every bin before `bin` is complete; in_use_min <= in_use_max in each.
///   I3  The counts of all bins that are complete add up to the pool's since rns_meter_begin().
#ifndef RNS_METER_H
#define RNS_METER_H

#include "rns_replay.h"
#include "rns_store.h"

/// What a store did during one bin of time.
typedef struct {
    uint64_t copies_avoided; ///< Shares and slices.
    uint64_t cow_copies;     ///< Writes that had to copy.
    uint64_t cow_bytes;      ///< Content they copied.
} rns_meter_cow_t;

/// One tier, beyond what the pool counts.
typedef struct {
    rns_gate_t gate; ///< As it was sampled; every take and give changes it.
    uint32_t in_use;
    uint32_t high_water;
    int64_t changed_ns;     ///< When in_use was last added to in_use_ns.
    int64_t high_water_ns;  ///< When the high-water mark was reached.
    int64_t first_miss_ns;  ///< When a request of this home tier was first missed; -1: never.
    rns_counter_t requests; ///< At the last edge; likewise the next two.
    rns_counter_t spills;
    rns_counter_t exhausted;
} rns_meter_tier_t;

typedef struct {
    rns_pool_t* pool;
    rns_store_t* store;            ///< Of the workload's Bytes; NULL: it has none.
    uint32_t bin_count;            ///< 1 or more.
    const int64_t* edges_ns;       ///< bin_count + 1 ascending times; bin i is [edge i, edge i+1).
    rns_replay_bin_t* bins;        ///< bin_count rows of the pool's tier_count, all zero.
    uint64_t* oversize;            ///< bin_count counts, all zero.
    rns_meter_cow_t* cow;          ///< bin_count rows, all zero; not used without a store.
    uint32_t bin;                  ///< Where time is.
    rns_counter_t oversize_before; ///< At the last edge; likewise the next.
    rns_store_stats_t store_before;
    rns_meter_tier_t tiers[RNS_TIERS_MAX];
} rns_meter_t;

/// Put time at the first edge. The fields down to cow are set by the caller.
///
/// The pool may have been used before; what it did then is not counted.
void rns_meter_begin(rns_meter_t* self);

/// Move time to an event that is about to happen.
///
/// @param now_ns  Not before the last event, nor at or after the last edge.
void rns_meter_advance(rns_meter_t* self, int64_t now_ns);

/// Note what the event at `now_ns` did. Without it in_use would be outdated until the next one.
void rns_meter_sample(rns_meter_t* self, int64_t now_ns);

/// Complete the timeline up to its last edge.
void rns_meter_end(rns_meter_t* self);

#endif
