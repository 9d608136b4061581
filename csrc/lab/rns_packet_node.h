/// @file rns_packet_node.h
/// The workload of a packet node, as events: short-lived packets among long-lived entries.
///
/// Half of the live bytes are packets of 20 to 500 bytes that live 50 ticks, half are entries of
/// 60 to 200 bytes that live 20,000, both on average and exponentially; sizes are uniform. Each
/// tick frees what has expired, then allocates packets while their live bytes fit in half of the
/// share, then one entry if it fits in the other half; what does not fit waits, so that sizes stay
/// uniform. Live bytes are those requested: the events do not depend on who serves them.
///
/// Owns: nothing; the storage is the caller's.
/// Does not: take from a heap.
/// Cost: some 40 ns an event. Integers only, so that a seed gives the same events everywhere.
#ifndef RNS_PACKET_NODE_H
#define RNS_PACKET_NODE_H

#include "rns_pool.h"
#include "rns_trace.h"

#define RNS_PACKET_BYTES_MIN  20u
#define RNS_PACKET_BYTES_MAX  500u
#define RNS_PACKET_LIFE_TICKS 50u
#define RNS_ENTRY_BYTES_MIN   60u
#define RNS_ENTRY_BYTES_MAX   200u
#define RNS_ENTRY_LIFE_TICKS  20000u

/// Longest life in ticks, cut to it: one entry in 490,000 would live longer.
#define RNS_PACKET_NODE_WHEEL (1u << 18)

/// With a share of 50 kB, these are some 200 packets a second.
#define RNS_PACKET_NODE_TICK_NS 10000000

#define RNS_PACKET_NODE_SHARE_BYTES_MAX (1u << 28)

/// A block that the node holds.
typedef struct {
    uint32_t next; ///< In the list of those that expire in the same tick, or of those not in use.
    uint32_t size_bytes;
    uint32_t is_entry;
} rns_packet_node_block_t;

typedef struct {
    uint32_t share_bytes;
    uint32_t packet_bytes;      ///< Live, as requested.
    uint32_t entry_bytes;       ///< Live, as requested.
    uint32_t step;              ///< Of the current tick: expire, packets, entry.
    uint32_t next_packet_bytes; ///< Size of the packet that waits for room, 0: not drawn yet.
    uint32_t next_entry_bytes;  ///< As next_packet_bytes.
    uint32_t unused;            ///< Head of the list.
    uint32_t block_count;
    uint64_t tick;
    uint64_t random;
    rns_packet_node_block_t* blocks; ///< By id.
    uint32_t* wheel;                 ///< Heads of lists, by tick modulo the wheel's size.
} rns_packet_node_t;

/// Return how many blocks can live at once, the bound of ids.
uint32_t rns_packet_node_blocks(uint32_t share_bytes);

/// Return the bytes of storage needed.
size_t rns_packet_node_storage_bytes(uint32_t share_bytes);

/// Begin.
///
/// @param share_bytes  The most that is live, at most RNS_PACKET_NODE_SHARE_BYTES_MAX.
/// @param seed         Any number; each gives other events.
/// @param storage      Aligned to 8, of rns_packet_node_storage_bytes().
///
/// @retval RNS_OK
/// @retval RNS_CONFIG_OVERFLOW       The share is too large.
/// @retval RNS_CONFIG_STORAGE_SMALL
RNS_MUST_USE rns_status_t rns_packet_node_init(rns_packet_node_t* self, uint32_t share_bytes,
                                               uint64_t seed, rns_memory_t storage);

/// Write the next events. They go on for ever.
///
/// t_ns is the tick times RNS_PACKET_NODE_TICK_NS, id is below rns_packet_node_blocks(), site is 0
/// for packets and 1 for entries.
void rns_packet_node_events(rns_packet_node_t* self, rns_event_t* out, size_t count);

#endif
