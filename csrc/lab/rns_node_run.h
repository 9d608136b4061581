/// @file rns_node_run.h
/// Drives a node in closed loop from a packet log: what the log's interfaces and host put in is
/// put in, and what the node makes of it is the node's own.
///
/// Owns: the node's clock and hooks.
/// Does not: own node, traffic and meter, which are the caller's; queue what is sent: an interface
/// is done with a packet at once, so its slot is not held while it is on the air.
///
/// Every packet of the log and every timer of the node is one event of the meter.
///
/// Cost: that of the node, and of the traffic.  Threads: one owner.
#ifndef RNS_NODE_RUN_H
#define RNS_NODE_RUN_H

#include "rns_meter.h"
#include "rns_traffic.h"

#define RNS_NODE_RUN_TYPES    4u
#define RNS_NODE_RUN_CONTEXTS 256u
#define RNS_NODE_RUN_TICKS    4096u ///< Timers in one call; a log may be silent for years.

typedef struct {
    rns_transport_t* node;
    rns_traffic_t* traffic;
    rns_meter_t* meter; ///< Begun.
    uint64_t now_ns;
    uint64_t timers;       ///< Ticks that were due.
    uint64_t inputs;       ///< Frames, orders and asks.
    uint64_t asks_refused; ///< Asks so soon after another for the same path that none was sent.
    uint64_t out[RNS_NODE_RUN_TYPES][RNS_NODE_RUN_CONTEXTS]; ///< Packets sent, by their headers.
} rns_node_run_t;

/// Return the hooks that a node has to be made with to be run by `self`.
rns_transport_hooks_t rns_node_run_hooks(rns_node_run_t* self, rns_hash_hook_t hash);

/// Begin. Node, traffic and meter are set by the caller, the rest is 0, and so are the traffic's
/// own fields. Destinations for which a leaf's node has no room are refused by its table.
void rns_node_run_begin(rns_node_run_t* self);

/// Run the rows from `first` up to but not including `end`.
///
/// @param next_out  Receives the row to go on with; before `end` if there were too many timers.
void rns_node_run_rows(rns_node_run_t* self, size_t first, size_t end, size_t* next_out);

#endif
