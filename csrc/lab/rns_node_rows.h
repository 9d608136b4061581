/// @file rns_node_rows.h
/// What arrives at a busy transport node, a minute at a time and for ever: rows for rns_traffic_t.
///
/// Announces, data for destinations with its proofs, path requests, links with their messages and
/// resource transfers, some 100 packets a second: as pyrns_pool's `node_packets` makes them, whose
/// words and sizes these are, but as they are needed: two days are 17 million packets.
///
/// Owns: what was begun in one minute and goes on in the next. Rows are the caller's memory.
/// Does not: invent addresses and contents; rns_traffic_t does.
///
/// Cost: drawing and sorting, some 0.2 us a row.  Threads: one.  Integers only, so that a seed
/// gives the same rows everywhere.
///
/// Invariants:
///   I1  After rns_node_rows_minute() rows 0 to ready - 1 ascend in time and lie in that minute,
///       and rows ready to count - 1 lie behind it.
#ifndef RNS_NODE_ROWS_H
#define RNS_NODE_ROWS_H

#include "rns_traffic.h"

#define RNS_NODE_ROWS_MINUTE_NS 60000000000
/// Rows of a minute and all that go on from those before, at most: nine links in each of three
/// minutes with eleven transfers of 258 parts each.
#define RNS_NODE_ROWS_MAX     (1u << 17)
#define RNS_NODE_ROWS_LENGTHS 64u ///< Of announces; two destinations each.

typedef struct {
    rns_traffic_row_t* rows; ///< RNS_NODE_ROWS_MAX.
    uint64_t random;         ///< The seed, not 0.
    uint32_t ready;
    uint32_t count;
    uint64_t minute; ///< The next one.
} rns_node_rows_t;

/// Write one announce of each destination, for rns_traffic_begin(); return how many rows.
uint32_t rns_node_rows_population(rns_node_rows_t* self);

/// Drop the rows that were ready, and make those of the next minute.
void rns_node_rows_minute(rns_node_rows_t* self);

#endif
