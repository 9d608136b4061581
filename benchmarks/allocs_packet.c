/* The paths of packets, and SHA-256 as the laboratory's hook takes it from nettle. */
#include "allocs.h"
#include "allocs_node.h"
#include <nettle/sha2.h>
#include <string.h>

#define CHECK(call) allocs_require_ok((call), #call)

static const rns_packet_medium_t medium = {.mtu_bytes = RNS_PACKET_MTU_BYTES};

void allocs_sha256(void* context, const rns_span_t* spans, size_t count, uint8_t* out)
{
    struct sha256_ctx state;
    (void)context;
    sha256_init(&state);
    for (size_t i = 0; i < count; ++i) {
        sha256_update(&state, spans[i].bytes, spans[i].start);
    }
    sha256_digest(&state, RNS_PACKET_HASH_BYTES, out);
}

uint32_t allocs_frame(uint8_t* out, const rns_packet_header_t* header, uint32_t payload_bytes)
{
    const bool has_2 = header->transport_id != NULL;
    uint32_t at = 2;
    out[0] = (uint8_t)((has_2 ? 0x50u : 0u) | (header->has_context_flag ? 0x20u : 0u) |
                       (uint32_t)header->destination_type << 2 | (uint32_t)header->type);
    out[1] = header->hops;
    if (has_2) {
        memcpy(out + at, header->transport_id, RNS_PACKET_ADDRESS_BYTES);
        at += RNS_PACKET_ADDRESS_BYTES;
    }
    memcpy(out + at, header->destination, RNS_PACKET_ADDRESS_BYTES);
    at += RNS_PACKET_ADDRESS_BYTES;
    out[at++] = (uint8_t)header->context;
    memset(out + at, 0xA5, payload_bytes);
    return at + payload_bytes;
}

/* ---- Paths ---------------------------------------------------------------------------------- */

static const uint8_t address[RNS_PACKET_ADDRESS_BYTES] = {1};
static const uint8_t next_hop[RNS_PACKET_ADDRESS_BYTES] = {2};
static uint8_t frame[RNS_PACKET_MTU_BYTES];

static const rns_packet_header_t header_1 = {.destination = address};
static const rns_packet_header_t header_2 = {.destination = address, .transport_id = next_hop};

#define PAYLOAD_1_BYTES (RNS_PACKET_MTU_BYTES - RNS_PACKET_HEADER_1_BYTES)
#define PAYLOAD_2_BYTES (RNS_PACKET_MTU_BYTES - RNS_PACKET_HEADER_2_BYTES)

static void run_build(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t payload;
        rns_packet_t packet;
        CHECK(rns_bytes_init(&payload, &world->store, frame, PAYLOAD_1_BYTES));
        CHECK(rns_packet_build(&packet, &world->store, &header_1, &payload));
        rns_packet_drop(&packet, &world->store);
    }
}

static void open_frame_1(allocs_world_t* world, uint32_t unused)
{
    (void)world;
    (void)unused;
    (void)allocs_frame(frame, &header_1, PAYLOAD_1_BYTES);
}

static void open_frame_2(allocs_world_t* world, uint32_t unused)
{
    (void)world;
    (void)unused;
    (void)allocs_frame(frame, &header_2, PAYLOAD_2_BYTES);
}

/* Read the frame into a slot. */
static rns_packet_t receive(allocs_world_t* world)
{
    rns_bytes_t raw;
    rns_packet_t packet;
    CHECK(rns_bytes_init(&raw, &world->store, frame, sizeof frame));
    CHECK(rns_packet_parse(&packet, &medium, &raw));
    return packet;
}

static void run_parse(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_packet_t packet = receive(world);
        rns_bytes_t payload =
            rns_packet_slice(&packet, &world->store, rns_packet_payload(&packet));
        rns_packet_drop(&packet, &world->store);
        allocs_require(payload.length == PAYLOAD_1_BYTES, "the payload is what was sent");
        CHECK(rns_bytes_drop(&payload, &world->store));
    }
}

static void run_route(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_packet_t packet = receive(world);
        CHECK(rns_packet_set_route(&packet, &world->store, 1, NULL));
        CHECK(rns_packet_set_route(&packet, &world->store, 2, next_hop));
        rns_packet_drop(&packet, &world->store);
    }
}

static void run_route_shared(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_packet_t packet = receive(world);
        rns_packet_t kept = rns_packet_share(&packet, &world->store);
        CHECK(rns_packet_set_hops(&packet, &world->store, 1));
        rns_packet_drop(&packet, &world->store);
        rns_packet_drop(&kept, &world->store);
    }
}

static void run_hash(allocs_world_t* world, uint64_t operations)
{
    const rns_hash_hook_t hook = {.sha256 = allocs_sha256};
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    rns_packet_t packet = receive(world);
    for (uint64_t i = 0; i < operations; ++i) {
        rns_packet_hash(&packet, hook, hash);
        allocs_touch(hash);
    }
    rns_packet_drop(&packet, &world->store);
}

static const allocs_path_t paths[] = {
    {.name = "packet build",
     .operation = "make 481 from memory, put header 1 in front, drop",
     .run = run_build},
    {.name = "packet parse",
     .operation = "make 500 from memory, parse, slice the payload, drop both",
     .open = open_frame_1,
     .run = run_parse},
    {.name = "packet route",
     .operation = "parse, to header 1 and back to header 2 in place, drop",
     .open = open_frame_2,
     .run = run_route},
    {.name = "packet route, shared",
     .operation = "parse, share, set the hops (copies 500), drop both",
     .open = open_frame_2,
     .run = run_route_shared},
    {.name = "packet hash",
     .operation = "SHA-256 of a packet of 500, by nettle",
     .open = open_frame_1,
     .run = run_hash},
};

const allocs_group_t allocs_packet_paths = {"path", paths, sizeof paths / sizeof paths[0]};
