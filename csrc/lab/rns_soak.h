/// @file rns_soak.h
/// What every soak does while its workload runs: the clock, a look at the pool and at the heap
/// beside it, and the alarms that a device would raise.
///
/// Owns: the clock and the alarms' state.
/// Does not: drive anything; a workload (rns_soak_node_t, rns_soak_rtp_t, rns_soak_hard_t) calls
/// it.
///
/// The watches look once a second of the workload's clock, as a device's monitor would: what comes
/// and goes within a second raises nothing. The meter and the tally of the heap see every event.
///
/// Cost: an event that of rns_meter_sample() and rns_shadow_sample(); a second O(watches, tiers).
/// Threads: one.
#ifndef RNS_SOAK_H
#define RNS_SOAK_H

#include "rns_meter.h"
#include "rns_shadow.h"
#include "rns_watch.h"

#define RNS_SOAK_WATCH_NS 1000000000
#define RNS_SOAK_LANES    2u ///< What a workload runs over: the pool, and the shadow.

/// What a watch looks at.
typedef enum {
    RNS_SOAK_POOL_FREE,          ///< Bytes of free slots.
    RNS_SOAK_POOL_LARGEST,       ///< slot_bytes of the largest free slot, 0 if there is none.
    RNS_SOAK_TIER_FREE,          ///< Free slots of a tier.
    RNS_SOAK_HEAP_FREE,          ///< Bytes of free blocks.
    RNS_SOAK_HEAP_LARGEST,       ///< Of the largest free block.
    RNS_SOAK_HEAP_FRAGMENTATION, ///< In millionths.
} rns_soak_metric_t;

typedef struct {
    rns_soak_metric_t metric;
    uint32_t tier_index; ///< Of RNS_SOAK_TIER_FREE.
    rns_watch_t watch;
} rns_soak_watch_t;

typedef struct {
    int64_t t_ns;
    uint64_t value;
    uint32_t watch; ///< Its index.
    uint32_t is_raised;
} rns_soak_alarm_t;

/// One buffer in use.
typedef struct {
    uint32_t tier_index;
    uint32_t slot_index;
    uint8_t generation;
    uint8_t tag;
    uint16_t reserved;
} rns_soak_live_t;

typedef struct {
    rns_pool_t* pool;
    rns_meter_t* meter; ///< Begun.
    rns_shadow_t* shadow;
    rns_soak_watch_t* watches;
    uint32_t watch_count;
    rns_soak_alarm_t* alarms;
    uint32_t alarm_capacity;
    uint32_t alarm_count;
    uint64_t alarms_lost; ///< For which there was no room.
    uint64_t events;
    uint64_t pool_free_min; ///< Bytes, at a second; reset by the caller.
    int64_t now_ns;
    int64_t watch_ns; ///< When the watches look next.
} rns_soak_t;

/// Move the clock to an event that is about to happen; not back.
void rns_soak_advance(rns_soak_t* self, int64_t now_ns);

/// Note what the event did.
void rns_soak_sample(rns_soak_t* self);

/// Let the watches look up to a moment, and complete the bins of the meter before it. (It is not
/// its last edge: rns_meter_end().)
void rns_soak_finish(rns_soak_t* self, int64_t end_ns);

/// Write down every buffer in use.
///
/// @param refs_out  Receives the sum of their references.
///
/// @return How many there are; at most `capacity` of them are written.
uint32_t rns_soak_live(rns_store_t* store, rns_soak_live_t* out, uint32_t capacity,
                       uint64_t* refs_out);

#endif
