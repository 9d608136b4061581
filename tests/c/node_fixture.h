/// @file node_fixture.h
/// What the suites of packets and transport share: SHA-256, packets by name, and nodes on a wire.
#ifndef NODE_FIXTURE_H
#define NODE_FIXTURE_H

#include "bytes_fixture.h"
#include "rns_transport.h"

void suite_packet(void);
void suite_packet_rewrite(void);
void suite_transport(void);
void suite_transport_send(void);
void suite_transport_state(void);
void suite_transport_announce(void);
void suite_transport_link(void);
void suite_transport_full(void);
void suite_transport_random(void);
void suite_transport_fault(void);

#define SECOND_NS  ((uint64_t)1000000000)
#define SENT_MAX   64u
#define EVENTS_MAX 64u
#define INTERFACES 3u

/// SHA-256 as the nodes use it.
extern const rns_hash_hook_t sha256;

/// Write the address of a number: 16 bytes.
const uint8_t* address_of(uint32_t number, uint8_t* out);

/// A packet on the wire.
typedef struct {
    uint32_t interface;
    rns_bytes_t raw;
} sent_t;

/// What a node told its host.
typedef struct {
    rns_delivery_kind_t kind;
    uint32_t interface;
    uint8_t context;
    uint32_t length;
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
} event_t;

typedef struct node {
    bytes_fixture_t* f;
    rns_transport_t transport;
    rns_memory_t storage;
    bool is_deaf; ///< Nothing of what it sends is kept.
    sent_t sent[SENT_MAX];
    uint32_t sent_count;
    event_t events[EVENTS_MAX];
    uint32_t event_count;               ///< May be above EVENTS_MAX: the rest is not kept.
    rns_status_t reentry;               ///< What a call from a hook returned.
    void (*in_hook)(struct node* self); ///< Called by the send hook, too, if set.
} node_t;

/// A default configuration with INTERFACES interfaces, whose identity is address_of(number).
rns_transport_config_t node_config(uint32_t number);

/// Make a node over a fixture's store, its storage a block of the heap of exactly its size.
void node_init(node_t* self, bytes_fixture_t* f, const rns_transport_config_t* config);

/// Verify everything, reset and free; what is on the wire is dropped.
void node_end(node_t* self);

/// Verify invariants of node, tables and store.
void check_node(node_t* self);

/// Drop what is on the wire.
void node_hush(node_t* self);

/// Return the number of entries of a table.
uint32_t entries_of(const node_t* self, rns_transport_table_t table);

/// Hand a built packet's bytes to a node as received frame, and drop the packet.
rns_status_t receive(node_t* self, uint32_t interface, rns_packet_t* packet, uint64_t now_ns);

/// Hand all that one node has sent on an interface to another; return how many packets.
uint32_t carry(node_t* from, uint32_t out, node_t* to, uint32_t in, uint64_t now_ns);

/// Make a payload of `length` bytes, told from others by `number`.
rns_bytes_t payload_of(bytes_fixture_t* f, size_t length, uint32_t number);

/// Make an announce of address_of(destination), emitted at `number`; `via` 0 is header 1.
rns_packet_t announce_of(bytes_fixture_t* f, uint32_t destination, uint32_t number, uint32_t via);

/// Make a packet; `via` 0 is header 1, else the number of the next hop's identity.
typedef struct {
    rns_packet_type_t type;
    rns_destination_type_t destination_type;
    rns_packet_context_t context;
    uint32_t destination;
    const uint8_t* address; ///< Instead of address_of(destination), unless NULL.
    uint32_t via;
    uint8_t hops;
    uint32_t length; ///< Of the payload.
    uint32_t number; ///< Of the payload.
} recipe_t;
rns_packet_t packet_of(bytes_fixture_t* f, const recipe_t* recipe);

#define FRAME_MAX 600u

/// Write the same bytes without a store, right or wrong as the recipe is; return how many.
uint32_t frame_of(const recipe_t* recipe, uint8_t* out);

/// Send from a node; returns the status, and drops the payload if it was refused.
rns_status_t node_send(node_t* self, const rns_transport_order_t* order, uint32_t length,
                       uint64_t now_ns, uint8_t* hash_out);

#define NODE  50u /* numbers of identities */
#define NEXT  60u
#define OTHER 70u
#define FAR   5u /* numbers of destinations: two hops away, */
#define NEAR  6u /* one, */
#define OWN   7u /* none */

/// A store, and one node over it.
typedef struct {
    bytes_fixture_t f;
    node_t node;
} routed_t;

/// Make the node NODE that knows FAR by way of NEXT, NEAR, and OWN as a destination of its own.
routed_t* routed(void);

/// Verify everything, reset and free.
void routed_end(routed_t* self);

/// Return what the node has counted.
rns_transport_stats_t routed_stats(const routed_t* self);

/// Verify a counter, which is zero where RNS_STATS is off.
#define CHECK_COUNT(actual, expected)                                                             \
    check_equal((actual), RNS_STATS ? (expected) : 0, #actual, __FILE__, __LINE__)

#endif
