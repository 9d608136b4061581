/* The path of a whole recorded log: a node in closed loop, from its first packet to its last, as
 * run_node() of the Python package has it. Once with the node's default tables, for which half of
 * the packets have no route, and once with tables that refuse nothing. */
#include "allocs.h"
#include "allocs_node.h"
#include "rns_node_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX         65536u
#define PACKET_BYTES_MAX 8192u
#define SEED             1u
#define WIDE_CAPACITY    512u
#define INTERFACE_COUNT  2u
#define CHECK(call)      allocs_require_ok((call), #call)

static rns_traffic_row_t rows[ROWS_MAX];
static uint8_t identity[RNS_PACKET_HASH_BYTES];
static size_t row_count;
static uint64_t rows_run;

static rns_transport_t node;
static rns_traffic_t traffic;
static rns_meter_t meter;
static rns_node_run_t runner;

static void read_rows(const char* path)
{
    FILE* const file = fopen(path, "rb");
    allocs_require(file != NULL, "the log can be opened");
    row_count = fread(rows, sizeof rows[0], ROWS_MAX, file);
    allocs_require(row_count > 0 && row_count < ROWS_MAX, "the log fits");
    (void)fclose(file);
}

static void make_node(rns_store_t* store, uint32_t least_capacity)
{
    static _Alignas(64) uint8_t storage[4u << 20];
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        if (config.tables[i].capacity < least_capacity) {
            config.tables[i].capacity = least_capacity;
        }
    }
    config.interface_count = INTERFACE_COUNT;
    config.mtu_bytes = PACKET_BYTES_MAX;
    config.seed = SEED;
    config.hooks = rns_node_run_hooks(&runner, (rns_hash_hook_t){.sha256 = allocs_sha256});
    memcpy(config.identity, identity, sizeof config.identity);
    CHECK(rns_transport_init(&node, store, &config, (rns_memory_t){storage, sizeof storage}));
}

static void make_meter(allocs_world_t* world)
{
    static rns_replay_bin_t bins[RNS_TIERS_MAX];
    static uint64_t oversize;
    static rns_meter_cow_t cow;
    static int64_t edges_ns[2];
    edges_ns[0] = rows[0].t_ns;
    edges_ns[1] = rows[row_count - 1u].t_ns + 1;
    memset(bins, 0, sizeof bins);
    oversize = 0;
    cow = (rns_meter_cow_t){0};
    meter = (rns_meter_t){.pool = &world->pool,
                          .store = &world->store,
                          .bin_count = 1,
                          .edges_ns = edges_ns,
                          .bins = bins,
                          .oversize = &oversize,
                          .cow = &cow};
    rns_meter_begin(&meter);
}

static void make_traffic(void)
{
    static uint8_t buffer[PACKET_BYTES_MAX];
    memset(&traffic, 0, sizeof traffic);
    traffic.rows = rows;
    traffic.row_count = row_count;
    traffic.buffer = buffer;
    traffic.random = SEED;
    traffic.hash = (rns_hash_hook_t){.sha256 = allocs_sha256};
    memcpy(traffic.identity, identity, sizeof traffic.identity);
}

static void open_log(allocs_world_t* world, uint32_t least_capacity)
{
    const rns_span_t name = {"node", 4};
    allocs_sha256(NULL, &name, 1, identity);
    rows_run = 0;
    make_node(&world->store, least_capacity);
}

static void run_log(allocs_world_t* world, uint64_t operations)
{
    size_t row = 0;
    CHECK(rns_transport_reset(&node));
    make_meter(world);
    make_traffic();
    runner = (rns_node_run_t){.node = &node, .traffic = &traffic, .meter = &meter};
    rns_node_run_begin(&runner);
    while (row < operations) {
        rns_node_run_rows(&runner, row, (size_t)operations, &row);
    }
    rns_meter_end(&meter);
    rows_run += row;
}

static uint64_t count_rows(void)
{
    return rows_run;
}

static void close_log(allocs_world_t* world)
{
    const rns_transport_stats_t stats = rns_transport_stats(&node);
    (void)world;
    allocs_require(stats.dropped_no_memory == 0, "no packet lacked memory");
    allocs_require(stats.forwarded > stats.packets_in / 3u, "packets were forwarded");
    allocs_require(rns_transport_check(&node).status == RNS_OK, "the node is sound");
    CHECK(rns_transport_reset(&node));
}

/* Where nothing was refused. */
static void close_wide_log(allocs_world_t* world)
{
    const rns_transport_stats_t stats = rns_transport_stats(&node);
    allocs_require(stats.dropped_table_full + stats.rebroadcast_misses == 0, "tables suffice");
    allocs_require(stats.forwarded > stats.packets_in / 10u * 9u, "most packets were forwarded");
    close_log(world);
}

allocs_group_t allocs_log_paths(const char* log_path)
{
    static allocs_path_t paths[] = {
        /* The parameter is the least capacity of every table. */
        {.name = "node, whole log",
         .operation = "a packet of the recorded log, and the timers due; wide tables",
         .parameter = WIDE_CAPACITY,
         .close = close_wide_log},
        {.name = "node, whole log, default tables",
         .operation = "likewise; tables as in the firmware",
         .close = close_log},
    };
    const size_t path_count = sizeof paths / sizeof paths[0];
    read_rows(log_path);
    for (size_t i = 0; i < path_count; ++i) {
        paths[i].open = open_log;
        paths[i].run = run_log;
        paths[i].done = count_rows;
        paths[i].operations_least = row_count;
        paths[i].operations_most = row_count;
    }
    return (allocs_group_t){"path", paths, path_count};
}
