/// @file rns_transport.h
/// What a Reticulum node keeps and copies: its tables, its packets on their way, its timers.
///
/// Owns: the tables in memory that the caller gave, and through them handles of Bytes of the
/// caller's store; which packet is forwarded, delivered, answered, kept or dropped; the counts.
/// Does not: compute cryptography. Keys, signatures, proofs and tokens have their real length and
/// any content: none is made or verified, a packet for a local destination is delivered as it
/// came, and what a host sends it hands over encrypted. Nor does it bind addresses to keys, read a
/// clock (every call is told the time, which never runs backwards), speak to interfaces (hooks
/// do, and they remove and add access codes), or model tunnels, announce queues, announces held
/// back, rate limits, the search for unknown paths, channels and the content of resources. Source
/// of the rules: Reticulum 1.4.2, RNS/Transport.py; of the sizes: microReticulum.
///
/// Departs from Reticulum in that a path response is sent at once, not after 0.4 s; that only the
/// hashes of packets that were of use are remembered, and none of contexts that may repeat; and
/// that a packet whose way back finds no room is forwarded all the same. As in Reticulum, a link
/// in transit keeps its entry until 900 s after its last packet, closed or not.
///
/// How: `inbound` copies a frame into one slot, as an interface driver does, and from then on the
/// packet is that slot: hops and next hop are changed in place while nobody else shares it. What
/// is kept, is kept as Bytes: a path and a waiting announce share the packet that arrived, a
/// resource's parts stay where they arrived, and what a known destination needs for days is moved
/// to the smallest slot (rns_bytes_compact), so that 64 bytes do not hold 500.
///
/// Words: the *host* is the program above: it delivers, decides and sends. A *link* is *local* if
/// this node is an end of it, else in *transit*. *Originated* is what the host sent.
///
/// Nothing is allocated but buffers of the store. What a full table or store refuses is counted
/// under its reason and dropped, and nothing is left of it.
///
/// Cost: a packet costs a constant number of table look-ups, one hash, and the copy into the slot.
/// Ticks are O(entries) of the tables that are due.
///
/// Threads: as a table: one owner at a time. The store may be shared with others. Hooks are called
/// from within and must not call the transport, which refuses it (RNS_MISUSE_REENTRANT).
///
/// Invariants (rns_transport_check; those of the tables as well):
///   I19  packets_in = forwarded + delivered + announces + path_requests + duplicates + dropped_*.
///   I20  packets_out = forwarded + originated + rebroadcasts + path_responses.
///   I21  Every handle kept in a table is one packet, key or datum: not empty but for
///        application data.
///   I22  Every part belongs to a transfer that is going on, and every transfer to an active link.
#ifndef RNS_TRANSPORT_H
#define RNS_TRANSPORT_H

#include "rns_packet.h"
#include "rns_table.h"

#define RNS_TRANSPORT_INTERFACES_MAX 8u
#define RNS_TRANSPORT_BLOBS          16u ///< Announces of a path that are remembered.
#define RNS_TRANSPORT_NO_INTERFACE   UINT32_MAX

/// The tables, by their place in config.tables. Keys are 16 bytes where nothing else is said.
typedef enum {
    RNS_TRANSPORT_SEEN = 0,          ///< Hashes (32) of packets, to drop duplicates.
    RNS_TRANSPORT_PATHS = 1,         ///< By destination: next hop, hops, the announce itself.
    RNS_TRANSPORT_ANNOUNCES = 2,     ///< By destination: announces to be sent on.
    RNS_TRANSPORT_REVERSE = 3,       ///< By packet hash: the way back for its proof.
    RNS_TRANSPORT_LINKS = 4,         ///< By link id: links in transit.
    RNS_TRANSPORT_KNOWN = 5,         ///< By destination: public key and application data.
    RNS_TRANSPORT_REQUEST_TAGS = 6,  ///< By destination and tag (32): path requests answered.
    RNS_TRANSPORT_REQUESTS = 7,      ///< By destination: path requests of this node.
    RNS_TRANSPORT_DESTINATIONS = 8,  ///< Addresses that this node delivers to.
    RNS_TRANSPORT_RECEIPTS = 9,      ///< By packet hash: proofs that are awaited.
    RNS_TRANSPORT_PENDING = 10,      ///< By link id: local links asked for.
    RNS_TRANSPORT_ACTIVE = 11,       ///< By link id: local links.
    RNS_TRANSPORT_RESOURCES_IN = 12, ///< By link id: transfers being received.
    RNS_TRANSPORT_RESOURCES_OUT = 13,
    RNS_TRANSPORT_PARTS_IN = 14, ///< By link id and number (20): the packets of a transfer.
    RNS_TRANSPORT_PARTS_OUT = 15,
    RNS_TRANSPORT_TABLES = 16,
} rns_transport_table_t;

typedef struct {
    uint32_t capacity;
    rns_table_policy_t policy;
} rns_transport_table_config_t;

/// Durations in nanoseconds.
typedef struct {
    uint64_t job_ns;    ///< Between announce jobs. A tick does each job at most once.
    uint64_t links_ns;  ///< Between checks of links, receipts and resources.
    uint64_t cull_ns;   ///< Between expiries of the other tables.
    uint64_t grace_ns;  ///< Until an announce is sent on again.
    uint64_t jitter_ns; ///< Random addition to each of its waits, the first included.
    uint64_t path_ns;   ///< Age at which entries go, from here on.
    uint64_t reverse_ns;
    uint64_t link_ns;          ///< Of a link in transit, without traffic.
    uint64_t hop_ns;           ///< For each hop, of receipts and pending links.
    uint64_t stale_ns;         ///< Of a local link, without traffic.
    uint64_t resource_ns;      ///< Of a transfer, without a packet.
    uint64_t request_ns;       ///< Of a path request of this node; until then no other is sent.
    uint32_t announce_retries; ///< How often an announce is sent on again.
    uint32_t heard_max;        ///< Neighbours heard sending it on, after which that is not needed.
} rns_transport_timers_t;

/// What a delivery means to the host.
typedef enum {
    RNS_DELIVERY_DATA,         ///< For a local destination.
    RNS_DELIVERY_ANNOUNCE,     ///< A path is new or has changed.
    RNS_DELIVERY_PATH_REQUEST, ///< For a local destination, which may be announced.
    RNS_DELIVERY_LINK_REQUEST, ///< For a local destination; the link is active, to be proven.
    RNS_DELIVERY_LINK_PROOF,   ///< A link that the host asked for is active.
    RNS_DELIVERY_LINK_DATA,    ///< On a local link, whatever its context.
    RNS_DELIVERY_LINK_CLOSE,
    RNS_DELIVERY_PROOF, ///< Of a packet that the host sent.
} rns_delivery_kind_t;

/// A packet for the host; valid during the call.
typedef struct {
    rns_delivery_kind_t kind;
    uint32_t interface;
    const rns_packet_t* packet; ///< The host may share it, or slices of it.
    const uint8_t* address;     ///< Destination, or link id (also of a link request).
    const uint8_t* hash;        ///< Of the packet; of a proof, that of the packet it proves.
} rns_delivery_t;

typedef struct {
    /// Send a packet. The hook may share `raw` to send it later.
    void (*send)(void* context, uint32_t interface, const rns_bytes_t* raw);
    /// May be NULL.
    void (*deliver)(void* context, const rns_delivery_t* delivery);
    void* context; ///< Of both.
    rns_hash_hook_t hash;
} rns_transport_hooks_t;

/// A node as the caller wants it; not needed after rns_transport_init().
typedef struct {
    bool is_transport;        ///< Forwards for others, answers and passes announces on.
    uint32_t interface_count; ///< 1 to RNS_TRANSPORT_INTERFACES_MAX.
    uint8_t identity[RNS_PACKET_ADDRESS_BYTES]; ///< Transport id of this node.
    uint32_t mtu_bytes;                         ///< Of every interface.
    rns_transport_table_config_t tables[RNS_TRANSPORT_TABLES];
    rns_transport_timers_t timers;
    rns_transport_hooks_t hooks;
    uint64_t seed; ///< Of delays, tags and table hashes.
} rns_transport_config_t;

/// What happened. Zero where RNS_STATS is off.
typedef struct {
    rns_counter_t packets_in; ///< See I19 for what becomes of them.
    rns_counter_t bytes_in;
    rns_counter_t forwarded;
    rns_counter_t delivered;
    rns_counter_t announces;     ///< Accepted: the path is new, better or newer.
    rns_counter_t path_requests; ///< Answered or not.
    rns_counter_t duplicates;
    rns_counter_t dropped_malformed;
    rns_counter_t dropped_no_memory;  ///< The store refused.
    rns_counter_t dropped_table_full; ///< A table that has to know the packet refused.
    rns_counter_t dropped_no_route;   ///< Neither for this node nor known to it.
    rns_counter_t dropped_hops;       ///< Above RNS_PACKET_HOPS_MAX, or not those of its link.
    rns_counter_t dropped_stale;      ///< Announces that bring nothing new, and own ones.
    rns_counter_t packets_out;        ///< See I20; to two interfaces are two.
    rns_counter_t bytes_out;
    rns_counter_t originated;
    rns_counter_t rebroadcasts;
    rns_counter_t path_responses;
    rns_counter_t sends;              ///< Calls of rns_transport_send() that sent.
    rns_counter_t send_failures;      ///< And that did not.
    rns_counter_t rebroadcast_misses; ///< Announces not sent on: the store or the table refused.
    rns_counter_t response_misses;    ///< Path responses likewise.
    rns_counter_t known_misses;       ///< Known destinations not kept: the store refused.
    rns_counter_t part_misses;        ///< Parts of a resource not kept: the table refused.
    rns_counter_t links_opened;       ///< Local links that became active.
    rns_counter_t links_closed;       ///< By either end, by reset, or by age.
    rns_counter_t links_failed;       ///< Pending links that got no proof.
    rns_counter_t proofs;             ///< Receipts that got theirs,
    rns_counter_t receipts_failed;    ///< and that did not.
    rns_counter_t resources_done;     ///< Transfers proven, in either direction,
    rns_counter_t resources_failed;   ///< and cancelled or timed out.
} rns_transport_stats_t;

typedef struct rns_transport {
    rns_store_t* store;
    bool is_transport;
    bool is_busy; ///< In a call: hooks must not come back.
    uint32_t interface_count;
    uint8_t identity[RNS_PACKET_ADDRESS_BYTES];
    uint32_t mtu_bytes;
    rns_transport_timers_t timers;
    rns_transport_hooks_t hooks;
    uint64_t seed;
    uint64_t random;
    uint64_t next_job_ns;
    uint64_t next_links_ns;
    uint64_t next_cull_ns;
    rns_table_t tables[RNS_TRANSPORT_TABLES];
    rns_transport_stats_t stats;
} rns_transport_t;

/// Fill in the sizes and policies of microReticulum (t-deck) and the times of Reticulum, transport
/// enabled, one interface of 500 bytes. Identity and hooks are left to the caller.
void rns_transport_config_default(rns_transport_config_t* out);

/// Compute how much storage rns_transport_init() needs.
///
/// @param out  Receives the bytes; 0 unless RNS_OK is returned.
///
/// @retval RNS_CONFIG_INTERFACES  interface_count is out of range.
/// @retval RNS_CONFIG_HOOKS       send or sha256 is missing.
/// @retval RNS_CONFIG_*           A table is refused (rns_table_storage_bytes()).
RNS_MUST_USE rns_status_t rns_transport_storage_bytes(const rns_transport_config_t* config,
                                                      size_t* out);

/// Make a node without destinations.
///
/// @param self     Uninitialised; not moved from then on; all zero unless RNS_OK is returned.
/// @param store    Outlives the node. Headroom of RNS_PACKET_HEADER_2_BYTES in it saves copies.
/// @param storage  Aligned to RNS_ALIGN_BYTES (and to uint64_t), outlives the node.
///
/// @retval RNS_CONFIG_*  Configuration or storage is refused.
RNS_MUST_USE rns_status_t rns_transport_init(rns_transport_t* self, rns_store_t* store,
                                             const rns_transport_config_t* config,
                                             rns_memory_t storage);

/// Forget everything but the configuration, destinations too: every handle is dropped, statistics
/// and random numbers begin anew.
rns_status_t rns_transport_reset(rns_transport_t* self);

/// Deliver packets for an address from now on.
///
/// @retval RNS_MISS_PRESENT    It is already.
/// @retval RNS_MISS_EXHAUSTED  The table is full.
RNS_MUST_USE rns_status_t rns_transport_add_destination(rns_transport_t* self,
                                                        const uint8_t* address, uint64_t now_ns);

/// Take a received frame.
///
/// @param data  Copied into one slot.
///
/// @retval RNS_OK              It was forwarded, delivered, accepted or answered.
/// @retval RNS_MISS_PRESENT    Dropped: a duplicate, or an announce that brings nothing new.
/// @retval RNS_MISS_ABSENT     Dropped: no route, or too many hops.
/// @retval RNS_MISS_EXHAUSTED  Dropped: the store or a table refused,
/// @retval RNS_MISS_OVERSIZE   or no tier is large enough.
/// @retval RNS_INPUT_*         Dropped: malformed, see rns_packet_parse(), or no such interface.
rns_status_t rns_transport_inbound(rns_transport_t* self, uint32_t interface, const void* data,
                                   size_t length, uint64_t now_ns);

/// Take a received frame that is in a slot already, as rns_transport_inbound().
///
/// @param raw  Moved in, whatever is returned.
rns_status_t rns_transport_inbound_bytes(rns_transport_t* self, uint32_t interface,
                                         rns_bytes_t* raw, uint64_t now_ns);

/// What the host wants to send.
typedef struct {
    rns_packet_type_t type;
    rns_destination_type_t destination_type;
    rns_packet_context_t context;
    bool has_context_flag;
    const uint8_t* address; ///< Destination or link id; of a proof, the proven packet's hash.
    uint32_t interface;     ///< Of a proof, where its packet came from; else not read.
} rns_transport_order_t;

/// Send a packet of this node.
///
/// Where it goes: data and link requests to SINGLE along the path to it, or to every interface if
/// none is known; what is on a link where the link leads; proofs of packets to their interface;
/// all else to every interface. A link request makes a pending link, data a receipt (but for PLAIN
/// and what is about a link or a resource), RNS_CONTEXT_RESOURCE_ADV a transfer,
/// RNS_CONTEXT_RESOURCE a part that is kept, RNS_CONTEXT_RESOURCE_PRF ends the transfer it proves,
/// RNS_CONTEXT_LINKCLOSE the link.
///
/// @param payload   Moved into the packet: empty if RNS_OK is returned, else as it was.
/// @param hash_out  Receives RNS_PACKET_HASH_BYTES, zero unless RNS_OK is returned: of a link
///                  request the link id, then zeros; of all others the packet's hash. May be NULL.
///
/// @retval RNS_MISS_ABSENT     There is no such link.
/// @retval RNS_MISS_EXHAUSTED, RNS_MISS_OVERSIZE  A buffer was needed, or pending links are full.
///                             (A receipt or part for which there is no room is only counted.)
/// @retval RNS_INPUT_FLAGS     Type, destination type and context do not go together.
/// @retval RNS_INPUT_LONG      Above the MTU.
/// @retval RNS_INPUT_SHORT     A link request without keys.
/// @retval RNS_INPUT_RANGE     No such interface.
RNS_MUST_USE rns_status_t rns_transport_send(rns_transport_t* self,
                                             const rns_transport_order_t* order,
                                             rns_bytes_t* payload, uint64_t now_ns,
                                             uint8_t* hash_out);

/// Ask every interface for a path.
///
/// @retval RNS_MISS_PRESENT    It was asked for within timers.request_ns.
/// @retval RNS_MISS_EXHAUSTED  A buffer was needed, or the table of requests is full.
RNS_MUST_USE rns_status_t rns_transport_request_path(rns_transport_t* self, const uint8_t* address,
                                                     uint64_t now_ns);

/// Do what is due: send announces on, expire entries.
rns_status_t rns_transport_tick(rns_transport_t* self, uint64_t now_ns);

/// Return when rns_transport_tick() has something to do next.
uint64_t rns_transport_due_ns(const rns_transport_t* self);

/// Tell whether a path is known, and how far it leads.
///
/// @param hops_out  Receives the hops, 0 if unknown. May be NULL.
bool rns_transport_has_path(rns_transport_t* self, const uint8_t* address, uint8_t* hops_out);

/// Return a snapshot.
rns_transport_stats_t rns_transport_stats(const rns_transport_t* self);

/// Return a table, for its statistics; to be read only.
const rns_table_t* rns_transport_table(const rns_transport_t* self, rns_transport_table_t index);

/// Return the name of a table, "paths" for instance; NULL if there is none with that index.
const char* rns_transport_table_name(rns_transport_table_t index);

/// Verify I19 to I22 and every table.
///
/// @return RNS_OK and zeros, or RNS_DAMAGE_INVARIANT, the invariant, and the table in
/// `tier_index`.
///
/// Cost: O(capacities).
rns_damage_t rns_transport_check(rns_transport_t* self);

/// Return how many handles of Bytes the tables hold: between calls the references to all buffers
/// of a store that only this node uses. More references than that are a leak.
///
/// Cost: O(entries).
uint64_t rns_transport_handles(rns_transport_t* self);

/// Where path requests go: the address of "rnstransport.path.request".
extern const uint8_t rns_path_request_address[RNS_PACKET_ADDRESS_BYTES];

#endif
