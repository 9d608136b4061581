/// @file rns_traffic.h
/// Invents, from a seed, the addresses and contents that a packet log lacks: packets as they come
/// from an interface, and what the host of a leaf orders its node to send.
///
/// Owns: the population that talks: destinations, links, transfers, packets without a proof yet.
/// Does not: touch pool or node; packets are built in memory of the caller, as by an interface's
/// DMA. Sign or encrypt: what Reticulum signs or encrypts is random here.
///
/// What arrives is a log's `in` rows, and what a leaf's host sends its `pack` rows; but parts of
/// resources are sent when they went `out`, since Reticulum packs all of them before the first.
///
/// A row of a log says time, direction, type, context and length. What is invented:
///   - Announces of one length are those of two destinations by turns, one behind interface 0 and
///     one behind interface 1, with header 1. A leaf has interface 0 only, and behind it one
///     transport node, from which every announce comes that is long enough for header 2; there
///     all those of one length are one destination's.
///   - Data and link requests go to the destination of one of the last 8 announces, drawn evenly,
///     and come from the other interface. Path requests ask for any destination of the whole log,
///     so also for one that was not announced yet.
///   - A link opens with a LINKREQUEST, is proven by the next LRPROOF, and ends with a LINKCLOSE.
///     Its packets take a link that is open, drawn evenly, and come from the end that their
///     context calls for, drawn if either. A transfer is from RESOURCE_ADV to RESOURCE_PRF, and
///     its packets belong to the latest one.
///   - A proof is for the latest packet that could have one and has none: on a link if it is the
///     long (explicit) kind, else to a destination; and comes the way that packet went.
///   - DATA without context is for a destination if one of the log's next 4 rows is that packet
///     going out 16 bytes shorter or longer (header 2 stripped or added), for a link if it is as
///     long, and for nobody if it is not there. Without any such rows the dice decide, and
///     what arrives at a leaf is on a link if there is one. Below 83 bytes it is a path request.
/// What finds nobody to belong to has an address that nobody knows, and is counted.
///
/// Cost: O(length) a packet, beside a hash for those that may be proven.  Threads: one owner.
///
/// Invariants between calls:
///   I1  Destinations, links, transfers and packets are as many as their arrays hold, or fewer.
///   I2  Every transfer is on a link of this population that is proven.
#ifndef RNS_TRAFFIC_H
#define RNS_TRAFFIC_H

#include "rns_transport.h"

#define RNS_TRAFFIC_DESTINATIONS_MAX 1024u
#define RNS_TRAFFIC_RECENT_MAX       8u
#define RNS_TRAFFIC_LINKS_MAX        64u
#define RNS_TRAFFIC_TRANSFERS_MAX    16u
#define RNS_TRAFFIC_UNPROVEN_MAX     64u

/// In the order of pyrns_pool.packets.DIRECTIONS.
typedef enum { RNS_TRAFFIC_PACK = 0, RNS_TRAFFIC_OUT = 1, RNS_TRAFFIC_IN = 2 } rns_direction_t;

/// A row of a packet log.
typedef struct {
    int64_t t_ns;
    uint32_t length;
    uint8_t direction;
    uint8_t type;    ///< A rns_packet_type_t.
    uint8_t context; ///< A rns_packet_context_t.
    uint8_t reserved;
} rns_traffic_row_t;

typedef struct {
    uint32_t app_bytes;  ///< Application data of its announces, which tells it from others.
    uint8_t interface;   ///< Behind which it is.
    bool is_own;         ///< The leaf's.
    bool is_others_turn; ///< The next announce is of the one behind interface 1.
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    uint8_t name_hash[RNS_PACKET_NAME_HASH_BYTES];
    uint8_t public_key[RNS_PACKET_PUBLIC_KEY_BYTES];
} rns_traffic_destination_t;

typedef struct {
    uint8_t id[RNS_PACKET_ADDRESS_BYTES];
    uint8_t interface; ///< Behind which the initiator is; behind the other is the responder.
    bool is_own;       ///< The leaf is the initiator.
    bool is_proven;
    bool is_asked; ///< The initiator has sent a keepalive.
} rns_traffic_link_t;

typedef struct {
    uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
    bool is_from_initiator;
} rns_traffic_transfer_t;

/// A packet that was not proven yet.
typedef struct {
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
    uint8_t interface; ///< Where the proof comes from, or has to go.
    bool is_on_link;
    bool is_own; ///< Sent by the leaf.
} rns_traffic_unproven_t;

/// How much there was, and what of the log found nobody to belong to.
typedef struct {
    uint64_t destinations;
    uint64_t links;
    uint64_t transfers;
    uint64_t without_destination;
    uint64_t without_link;
    uint64_t without_packet; ///< Proofs.
} rns_traffic_stats_t;

typedef enum {
    RNS_TRAFFIC_NOTHING, ///< The row is what a node does by itself.
    RNS_TRAFFIC_FRAME,   ///< A packet arrives.
    RNS_TRAFFIC_ORDER,   ///< The host sends.
    RNS_TRAFFIC_ASK,     ///< The host asks for the path to order.address.
} rns_traffic_act_t;

/// What happens; valid until the next call.
typedef struct {
    rns_traffic_act_t act;
    uint32_t interface; ///< Where a frame arrives.
    uint32_t length;    ///< Bytes in the buffer: the frame, or the payload of an order.
    rns_transport_order_t order;
} rns_traffic_step_t;

typedef struct {
    const rns_traffic_row_t* rows; ///< Ascending in time.
    size_t row_count;
    uint8_t* buffer; ///< As long as the longest row, and RNS_PACKET_MTU_BYTES or more.
    bool is_leaf;
    uint8_t identity[RNS_PACKET_ADDRESS_BYTES]; ///< Transport id of the node under test.
    uint64_t random;                            ///< The seed.
    rns_hash_hook_t hash;
    uint8_t neighbour[RNS_PACKET_ADDRESS_BYTES]; ///< Transport id of the leaf's transport node.
    bool has_answers;                            ///< The log tells how packets went out.
    uint32_t destination_count;
    uint32_t recent_count;
    uint32_t link_count;
    uint32_t transfer_count;
    uint32_t unproven_count;
    rns_traffic_stats_t stats;
    bool is_link_asked;                        ///< The order is a link request,
    bool is_provable;                          ///< or a packet that may be proven:
    rns_traffic_unproven_t sending;            ///< this one, without its hash.
    uint8_t address[RNS_PACKET_ADDRESS_BYTES]; ///< Of the step.
    uint32_t recent[RNS_TRAFFIC_RECENT_MAX];   ///< Destinations of the last announces.
    rns_traffic_destination_t destinations[RNS_TRAFFIC_DESTINATIONS_MAX];
    rns_traffic_link_t links[RNS_TRAFFIC_LINKS_MAX]; ///< Oldest first; likewise the next two.
    rns_traffic_transfer_t transfers[RNS_TRAFFIC_TRANSFERS_MAX];
    rns_traffic_unproven_t unproven[RNS_TRAFFIC_UNPROVEN_MAX];
} rns_traffic_t;

/// Make the destinations of the log. The fields down to hash are set by the caller, the others 0.
void rns_traffic_begin(rns_traffic_t* self);

/// Say what the row with this index means; the buffer then holds the frame or payload.
///
/// Rows are to be asked for in their order, each once.
rns_traffic_step_t rns_traffic_step(rns_traffic_t* self, size_t row_index);

/// Say that the node has sent the last order.
///
/// @param hash  What rns_transport_send() answered: the packet's hash, or the link id.
void rns_traffic_sent(rns_traffic_t* self, const uint8_t* hash);

/// Verify I1 and I2.
///
/// @return RNS_OK and zeros, or RNS_DAMAGE_INVARIANT and the invariant.
rns_damage_t rns_traffic_check(const rns_traffic_t* self);

#endif
