/* The paths of Bytes. Each ends as it began, so that it can go on for ever.
 *
 * Contents are 500 bytes, the MTU of Reticulum, if nothing else is said. */
#include "allocs.h"
#include <string.h>

#define PACKET_BYTES 500u
#define HEADER_BYTES 19u
#define PROOF_BYTES  64u
#define CHECK(call)  allocs_require_ok((call), #call)

static const uint8_t content[1024] = {1, 2, 3};

/* Made by open() and dropped by close(). */
static rns_bytes_t kept;
static rns_bytes_t small;

static void open_kept(allocs_world_t* world, uint32_t unused)
{
    (void)unused;
    CHECK(rns_bytes_init(&kept, &world->store, content, PACKET_BYTES));
    CHECK(rns_bytes_init(&small, &world->store, content, HEADER_BYTES));
}

static void close_kept(allocs_world_t* world)
{
    CHECK(rns_bytes_drop(&kept, &world->store));
    CHECK(rns_bytes_drop(&small, &world->store));
}

static void run_create(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t fresh;
        CHECK(rns_bytes_init(&fresh, &world->store, content, PACKET_BYTES));
        CHECK(rns_bytes_drop(&fresh, &world->store));
    }
}

static void run_share(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t shared = rns_bytes_share(&kept, &world->store);
        CHECK(rns_bytes_drop(&shared, &world->store));
    }
}

static void run_slice(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t slice = rns_bytes_mid(&kept, &world->store, HEADER_BYTES);
        CHECK(rns_bytes_drop(&slice, &world->store));
    }
}

static void run_export(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        const rns_bytes_view_t view = rns_bytes_export(&kept, &world->store);
        CHECK(rns_store_unexport(&world->store, view.pin));
    }
}

static void run_write(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        CHECK(rns_bytes_set(&kept, &world->store, 1, (uint8_t)i));
    }
}

static void run_cow_write(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t shared = rns_bytes_share(&kept, &world->store);
        CHECK(rns_bytes_set(&shared, &world->store, 1, (uint8_t)i));
        CHECK(rns_bytes_drop(&shared, &world->store));
    }
}

static void run_append(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        CHECK(rns_bytes_append(&kept, &world->store, content, 32));
        CHECK(rns_bytes_resize(&kept, &world->store, PACKET_BYTES));
    }
}

static void run_append_growing(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t fresh = {0};
        for (uint32_t part = 0; part < 25u; ++part) {
            CHECK(rns_bytes_append(&fresh, &world->store, content, 20));
        }
        CHECK(rns_bytes_drop(&fresh, &world->store));
    }
}

static void run_prepend(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t header;
        CHECK(rns_bytes_prepend(&kept, &world->store, content, HEADER_BYTES));
        CHECK(rns_bytes_split_to(&kept, &world->store, HEADER_BYTES, &header));
        CHECK(rns_bytes_drop(&header, &world->store));
    }
}

static void run_tail_append(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t longer = rns_bytes_share(&kept, &world->store);
        CHECK(rns_bytes_append(&longer, &world->store, content, 32));
        CHECK(rns_bytes_drop(&longer, &world->store));
    }
}

static void run_concat(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t both = {0};
        CHECK(rns_bytes_concat(&both, &world->store, &small, &kept));
        CHECK(rns_bytes_drop(&both, &world->store));
    }
}

static void run_compact(allocs_world_t* world, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t packet;
        CHECK(rns_bytes_init(&packet, &world->store, content, PACKET_BYTES));
        rns_bytes_t hash = rns_bytes_slice(&packet, &world->store, 2, 16);
        CHECK(rns_bytes_drop(&packet, &world->store));
        CHECK(rns_bytes_compact(&hash, &world->store));
        CHECK(rns_bytes_drop(&hash, &world->store));
    }
}

static void run_gather(allocs_world_t* world, uint64_t operations)
{
    const rns_span_t spans[] = {{content, HEADER_BYTES}, rns_bytes_span(&kept), {content, 16}};
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t all = {0};
        CHECK(rns_bytes_gather(&all, &world->store, spans, sizeof spans / sizeof spans[0]));
        CHECK(rns_bytes_drop(&all, &world->store));
    }
}

static void run_hex(allocs_world_t* world, uint64_t operations)
{
    static const char digits[] = "000102030405060708090a0b0c0d0e0f";
    char text[sizeof digits];
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t hash = {0};
        CHECK(rns_bytes_assign_hex(&hash, &world->store, digits, sizeof digits - 1u));
        CHECK(rns_bytes_to_hex(&hash, false, text, sizeof text));
        CHECK(rns_bytes_drop(&hash, &world->store));
    }
    allocs_require(memcmp(text, digits, sizeof text) == 0, "hexadecimal text comes back");
}

static void run_packet(allocs_world_t* world, uint64_t operations)
{
    rns_store_t* const store = &world->store;
    for (uint64_t i = 0; i < operations; ++i) {
        rns_bytes_t packet;
        CHECK(rns_bytes_init(&packet, store, content, PACKET_BYTES));
        rns_bytes_t header = rns_bytes_left(&packet, store, HEADER_BYTES);
        rns_bytes_t payload = rns_bytes_mid(&packet, store, HEADER_BYTES);
        rns_bytes_t tables[] = {rns_bytes_share(&packet, store), rns_bytes_share(&packet, store)};
        CHECK(rns_bytes_set(&packet, store, 1, (uint8_t)i));
        CHECK(rns_bytes_append(&packet, store, content, PROOF_BYTES));
        CHECK(rns_bytes_drop(&header, store));
        CHECK(rns_bytes_drop(&payload, store));
        CHECK(rns_bytes_drop(&tables[0], store));
        CHECK(rns_bytes_drop(&tables[1], store));
        CHECK(rns_bytes_drop(&packet, store));
    }
}

/* A path by itself, and one on a kept packet and header. */
#define ALONE(title, words, function)                                                             \
    {                                                                                             \
        .name = (title), .operation = (words), .run = (function)                                  \
    }
#define KEPT(title, words, function)                                                              \
    {                                                                                             \
        .name = (title), .operation = (words), .run = (function), .open = open_kept,              \
        .close = close_kept                                                                       \
    }

static const allocs_path_t paths[] = {
    ALONE("create", "make 500 bytes from memory, drop", run_create),
    KEPT("share", "share, drop", run_share),
    KEPT("slice", "slice all but 19 bytes, drop", run_slice),
    KEPT("export", "pin for a view, unpin", run_export),
    KEPT("write in place", "write a byte of a unique buffer", run_write),
    KEPT("COW write", "share, write a byte (copies 500), drop", run_cow_write),
    KEPT("append", "append 32 in place, cut them off", run_append),
    ALONE("append, growing", "append 20 bytes 25 times through the tiers, drop",
          run_append_growing),
    KEPT("prepend", "prepend 19 to headroom, split them off, drop them", run_prepend),
    KEPT("shared tail append", "share, append 32 behind the shared content, drop",
         run_tail_append),
    KEPT("concat", "concatenate 19 and 500, drop", run_concat),
    ALONE("compact", "make 500, slice 16, drop the 500, compact, drop", run_compact),
    KEPT("gather", "gather 19, 500 and 16 bytes, drop", run_gather),
    ALONE("hex", "read 32 hexadecimal digits, write them, drop", run_hex),
    ALONE("packet as Bytes",
          "make 500, slice 19 and 481, share twice, COW write, append 64, drop all", run_packet),
};

const allocs_group_t allocs_bytes_paths = {"path", paths, sizeof paths / sizeof paths[0]};
