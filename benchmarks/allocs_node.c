/* The paths of a transport node: frames in, frames out, timers.
 *
 * Interface 0 is where the packets of a path come from, interface 1 where the 8 destinations live
 * that the node learns of when a path is opened. Time goes on by what a path needs, so that what
 * it put into the tables is gone again before they are full. */
#include "allocs_node.h"
#include "allocs.h"
#include <string.h>

#define REMOTE_COUNT     8u
#define SECOND_NS        ((uint64_t)1000000000)
#define ANNOUNCE_BYTES   (RNS_PACKET_ANNOUNCE_BYTES_MIN + 20u)
#define PART_COUNT       10u
#define LINK_PROOF_BYTES 99u
#define PART_BYTES       464u
#define TIME_LIMIT_NS    (120 * SECOND_NS)
#define OPERATIONS_MOST  20000u
#define CHECK(call)      allocs_require_ok((call), #call)
#define ADDRESS(number)                                                                           \
    {                                                                                             \
        (number)                                                                                  \
    }

static const uint8_t own_identity[RNS_PACKET_ADDRESS_BYTES] = {0x10};
static const uint8_t own_address[RNS_PACKET_ADDRESS_BYTES] = {0x11};

static rns_transport_t node;
static uint64_t now_ns;
static uint64_t number; /* Makes every frame another one. */
static uint8_t frame[RNS_PACKET_MTU_BYTES];
static uint8_t link_id[RNS_PACKET_ADDRESS_BYTES]; /* Of the last link asked for. */
static uint8_t sent_hash[RNS_PACKET_HASH_BYTES];  /* Of the last packet sent. */

/* ---- The node ------------------------------------------------------------------------------- */

static const rns_hash_hook_t hash_hook = {.sha256 = allocs_sha256};

static void on_send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    (void)context;
    (void)interface;
    allocs_touch(rns_bytes_data(raw));
}

static void on_deliver(void* context, const rns_delivery_t* delivery)
{
    (void)context;
    if (delivery->kind == RNS_DELIVERY_LINK_REQUEST) {
        memcpy(link_id, delivery->address, sizeof link_id);
    }
}

static void remote_address(uint32_t index, uint8_t* out)
{
    memset(out, 0, RNS_PACKET_ADDRESS_BYTES);
    out[0] = 0x80;
    out[1] = (uint8_t)index;
}

/* Put a number into the payload, so that no two frames are the same. */
static void number_payload(uint8_t* payload)
{
    ++number;
    memcpy(payload, &number, sizeof number);
}

static void receive(uint32_t interface, const rns_packet_header_t* header, uint32_t payload_bytes)
{
    const uint32_t length = allocs_frame(frame, header, payload_bytes);
    number_payload(frame + length - payload_bytes);
    CHECK(rns_transport_inbound(&node, interface, frame, length, now_ns));
}

/* Receive an announce that is newer than all before. */
static void receive_announce(uint32_t index)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    remote_address(index, address);
    const rns_packet_header_t header = {.type = RNS_PACKET_ANNOUNCE, .destination = address};
    const uint32_t length = allocs_frame(frame, &header, ANNOUNCE_BYTES);
    uint8_t* const random_hash = frame + RNS_PACKET_HEADER_1_BYTES + RNS_PACKET_PUBLIC_KEY_BYTES +
                                 RNS_PACKET_NAME_HASH_BYTES;
    ++number;
    for (uint32_t i = 0; i < 5u; ++i) {
        random_hash[9u - i] = (uint8_t)(number >> 8u * i);
        random_hash[i] = (uint8_t)(number >> 8u * i);
    }
    CHECK(rns_transport_inbound(&node, 1, frame, length, now_ns));
}

/* Let time pass, with every tick that is due. */
static void pass(uint64_t ns)
{
    const uint64_t end_ns = now_ns + ns;
    while (rns_transport_due_ns(&node) <= end_ns) {
        now_ns = rns_transport_due_ns(&node);
        CHECK(rns_transport_tick(&node, now_ns));
    }
    now_ns = end_ns;
}

static void open_node(allocs_world_t* world, uint32_t unused)
{
    static _Alignas(64) uint8_t storage[4u << 20];
    rns_transport_config_t config;
    (void)unused;
    rns_transport_config_default(&config);
    config.interface_count = 2;
    memcpy(config.identity, own_identity, sizeof config.identity);
    config.hooks = (rns_transport_hooks_t){on_send, on_deliver, NULL, hash_hook};
    config.timers.link_ns = SECOND_NS; /* so that a path need not wait 15 minutes for a place */
    now_ns = 1000 * SECOND_NS;
    number = 0;
    CHECK(rns_transport_init(&node, &world->store, &config,
                             (rns_memory_t){storage, sizeof storage}));
    CHECK(rns_transport_add_destination(&node, own_address, now_ns));
    for (uint32_t i = 0; i < REMOTE_COUNT; ++i) {
        receive_announce(i);
        pass(TIME_LIMIT_NS);
    }
}

static void close_node(allocs_world_t* world)
{
    const rns_transport_stats_t stats = rns_transport_stats(&node);
    (void)world;
    allocs_require(stats.duplicates + stats.dropped_malformed + stats.dropped_no_memory +
                           stats.dropped_table_full + stats.dropped_no_route + stats.dropped_hops +
                           stats.dropped_stale ==
                       0,
                   "the node dropped nothing");
    allocs_require(stats.send_failures + stats.rebroadcast_misses + stats.response_misses +
                           stats.known_misses + stats.part_misses ==
                       0,
                   "the node lacked nothing");
    allocs_require(rns_transport_check(&node).status == RNS_OK, "the node is sound");
    CHECK(rns_transport_reset(&node));
}

/* ---- Paths ---------------------------------------------------------------------------------- */

static const rns_packet_header_t to_host = {.destination = own_address};

static void run_inbound(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        receive(0, &to_host, 383);
        now_ns += 1000;
    }
}

static uint64_t count_delivered(void)
{
    return rns_transport_stats(&node).delivered;
}

/* Receive the proof of a packet, for whoever sent it. */
static void receive_proof(uint32_t interface, const uint8_t* hash)
{
    const rns_packet_header_t header = {.type = RNS_PACKET_PROOF, .destination = hash};
    receive(interface, &header, 64);
}

/* Compute the hash of the frame just received, which has header 2. */
static void hash_frame(uint32_t length, uint8_t* out)
{
    const uint8_t flags = frame[0] & 0x0Fu;
    const rns_span_t spans[] = {{&flags, 1}, {frame + 18, length - 18u}};
    allocs_sha256(NULL, spans, 2, out);
}

static void run_forward(allocs_world_t* world, uint64_t operations)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        remote_address((uint32_t)(i % REMOTE_COUNT), address);
        const rns_packet_header_t header = {.destination = address, .transport_id = own_identity};
        receive(0, &header, 383);
        hash_frame(RNS_PACKET_HEADER_2_BYTES + 383u, hash);
        receive_proof(1, hash);
        now_ns += 1000;
    }
}

static uint64_t count_forwarded_pairs(void)
{
    return rns_transport_stats(&node).forwarded / 2u;
}

/* Send what the host orders, from memory. */
static void send(allocs_world_t* world, const rns_transport_order_t* order, uint32_t bytes)
{
    static uint8_t content[RNS_PACKET_MTU_BYTES];
    rns_bytes_t payload;
    number_payload(content);
    CHECK(rns_bytes_init(&payload, &world->store, content, bytes));
    CHECK(rns_transport_send(&node, order, &payload, now_ns, sent_hash));
}

static void run_outbound(allocs_world_t* world, uint64_t operations)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    for (uint64_t i = 0; i < operations; ++i) {
        remote_address((uint32_t)(i % REMOTE_COUNT), address);
        const rns_transport_order_t order = {.address = address};
        send(world, &order, 383);
        receive_proof(1, sent_hash);
        now_ns += 1000;
    }
}

static uint64_t count_proofs(void)
{
    return rns_transport_stats(&node).proofs;
}

static void run_tick(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        now_ns = rns_transport_due_ns(&node);
        CHECK(rns_transport_tick(&node, now_ns));
    }
}

static void run_announce(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        receive_announce((uint32_t)(i % REMOTE_COUNT));
        pass(30 * SECOND_NS);
    }
}

static uint64_t count_announces(void)
{
    return rns_transport_stats(&node).announces;
}

static void run_path_request(allocs_world_t* world, uint64_t operations)
{
    const rns_packet_header_t header = {.destination_type = RNS_DESTINATION_PLAIN,
                                        .destination = rns_path_request_address};
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        const uint32_t length = allocs_frame(frame, &header, 3u * RNS_PACKET_ADDRESS_BYTES);
        uint8_t* const payload = frame + RNS_PACKET_HEADER_1_BYTES;
        remote_address((uint32_t)(i % REMOTE_COUNT), payload);
        number_payload(payload + 2u * RNS_PACKET_ADDRESS_BYTES); /* the tag */
        CHECK(rns_transport_inbound(&node, 0, frame, length, now_ns));
        pass(2 * SECOND_NS);
    }
}

static uint64_t count_path_responses(void)
{
    return rns_transport_stats(&node).path_responses;
}

/* Receive a packet of the last link. */
static void receive_on_link(uint32_t interface, rns_packet_context_t context,
                            uint32_t payload_bytes)
{
    const rns_packet_header_t header = {
        .destination_type = RNS_DESTINATION_LINK, .context = context, .destination = link_id};
    receive(interface, &header, payload_bytes);
}

/* A peer asks for a link, and the host proves it. */
static void open_link(allocs_world_t* world)
{
    const rns_packet_header_t request = {.type = RNS_PACKET_LINK_REQUEST,
                                         .destination = own_address};
    const rns_transport_order_t proof = {.type = RNS_PACKET_PROOF,
                                         .destination_type = RNS_DESTINATION_LINK,
                                         .context = RNS_CONTEXT_LRPROOF,
                                         .address = link_id};
    receive(0, &request, RNS_PACKET_LINK_KEYS_BYTES);
    send(world, &proof, LINK_PROOF_BYTES);
}

static void run_link(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        open_link(world);
        receive_on_link(0, RNS_CONTEXT_NONE, 400);
        receive_on_link(0, RNS_CONTEXT_LINKCLOSE, 80);
        now_ns += 1000;
    }
}

static uint64_t count_links_closed(void)
{
    return rns_transport_stats(&node).links_closed;
}

/* A link between others: its request and proof, a packet each way. */
static void run_transit(allocs_world_t* world, uint64_t operations)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        remote_address((uint32_t)(i % REMOTE_COUNT), address);
        const rns_packet_header_t request = {
            .type = RNS_PACKET_LINK_REQUEST, .destination = address, .transport_id = own_identity};
        const rns_packet_header_t proof = {.type = RNS_PACKET_PROOF,
                                           .destination_type = RNS_DESTINATION_LINK,
                                           .context = RNS_CONTEXT_LRPROOF,
                                           .destination = link_id};
        receive(0, &request, RNS_PACKET_LINK_KEYS_BYTES);
        hash_frame(RNS_PACKET_HEADER_2_BYTES + RNS_PACKET_LINK_KEYS_BYTES, hash);
        memcpy(link_id, hash, sizeof link_id);
        receive(1, &proof, LINK_PROOF_BYTES);
        receive_on_link(0, RNS_CONTEXT_NONE, 400);
        receive_on_link(1, RNS_CONTEXT_NONE, 400);
        pass(10 * SECOND_NS);
    }
}

static uint64_t count_forwarded_fours(void)
{
    return rns_transport_stats(&node).forwarded / 4u;
}

static void run_resource(allocs_world_t* world, uint64_t operations)
{
    const rns_transport_order_t proof = {.type = RNS_PACKET_PROOF,
                                         .destination_type = RNS_DESTINATION_LINK,
                                         .context = RNS_CONTEXT_RESOURCE_PRF,
                                         .address = link_id};
    for (uint64_t i = 0; i < operations; ++i) {
        open_link(world);
        receive_on_link(0, RNS_CONTEXT_RESOURCE_ADV, 200);
        for (uint32_t part = 0; part < PART_COUNT; ++part) {
            receive_on_link(0, RNS_CONTEXT_RESOURCE, PART_BYTES);
        }
        send(world, &proof, 64);
        receive_on_link(0, RNS_CONTEXT_LINKCLOSE, 80);
        now_ns += 1000;
    }
}

static uint64_t count_resources(void)
{
    return rns_transport_stats(&node).resources_done;
}

#define NODE(title, words, function, counter)                                                     \
    {                                                                                             \
        .name = "node " title, .operation = (words), .open = open_node, .run = (function),        \
        .close = close_node, .done = (counter), .operations_most = OPERATIONS_MOST                \
    }

static const allocs_path_t paths[] = {
    NODE("inbound", "418 bytes arrive and are delivered", run_inbound, count_delivered),
    NODE("forward", "418 bytes are forwarded, and their proof back", run_forward,
         count_forwarded_pairs),
    NODE("outbound", "383 bytes are sent, and their proof arrives", run_outbound, count_proofs),
    NODE("tick", "the timers that are due next", run_tick, NULL),
    NODE("announce", "an announce arrives and is sent on, 30 s of ticks", run_announce,
         count_announces),
    NODE("path request", "a path request is answered, 2 s of ticks", run_path_request,
         count_path_responses),
    NODE("link", "a link is asked for, proven, used once and closed", run_link,
         count_links_closed),
    NODE("link in transit", "a request, its proof, a packet each way, 10 s of ticks", run_transit,
         count_forwarded_fours),
    NODE("resource", "a link, 10 parts of 464 kept until they are proven", run_resource,
         count_resources),
};

const allocs_group_t allocs_node_paths = {"path", paths, sizeof paths / sizeof paths[0]};
