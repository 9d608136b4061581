/// @file rns_soak_node.h
/// A busy transport node for days, once over the pool and once over the heap beside it: both take
/// the same frames.
///
/// Owns: which row of which minute comes next.
/// Does not: own nodes, traffic and rows.
///
/// Cost: twice that of the node, once that of the traffic.  Threads: one.
#ifndef RNS_SOAK_NODE_H
#define RNS_SOAK_NODE_H

#include "rns_node_rows.h"
#include "rns_soak_rtp.h"

typedef struct {
    rns_soak_t* soak;
    rns_transport_t* nodes[RNS_SOAK_LANES];
    rns_traffic_t* traffic;
    rns_node_rows_t* rows; ///< Its rows and seed are set.
    rns_soak_rtp_t* rtp;   ///< What else happens at the same time; NULL: nothing.
    uint32_t next_row;     ///< Of those that are ready.
    uint64_t frames;
    uint64_t timers;
} rns_soak_node_t;

/// Return hooks for either node: what it sends is gone at once.
rns_transport_hooks_t rns_soak_node_hooks(rns_hash_hook_t hash);

/// Begin. All but the counts is set by the caller, and so are the traffic's fields but its rows.
void rns_soak_node_begin(rns_soak_node_t* self);

/// Run the frames before a moment, and the timers before each of them. In how many steps a time is
/// run makes no difference.
void rns_soak_node_until(rns_soak_node_t* self, int64_t end_ns);

#endif
