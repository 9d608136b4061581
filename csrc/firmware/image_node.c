/* A busy transport node: the traffic of a soak, some 100 packets a second of simulated time. */
#include "image.h"
#include "rns_mix.h"
#include "rns_node_rows.h"
#include "rns_transport.h"

/// Minutes of simulated time; 2,880 are two days.
#ifndef IMAGE_NODE_MINUTES
#    define IMAGE_NODE_MINUTES 2u
#endif
#define STORAGE_BYTES (768u * 1024u)

typedef struct {
    rns_transport_t node;
    rns_traffic_t traffic;
    rns_node_rows_t rows;
    rns_pool_t pool;
    rns_store_t store;
    uint64_t events;
    uint32_t sent; ///< A checksum of everything that went out.
} node_t;

static node_t self;
static rns_traffic_row_t rows[RNS_NODE_ROWS_MAX];
static uint8_t buffer[RNS_PACKET_MTU_BYTES];
static _Alignas(RNS_ALIGN_BYTES) uint8_t storage[STORAGE_BYTES];

static void send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    const uint8_t* const data = rns_bytes_data(raw);
    (void)context;
    self.sent = image_sum(self.sent, (uint64_t)interface << 32 | raw->length);
    for (uint32_t i = 0; i + 8u <= raw->length; i += 8u) {
        uint64_t word = 0;
        __builtin_memcpy(&word, data + i, sizeof word);
        self.sent = image_sum(self.sent, word);
    }
}

static bool begin(void)
{
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 64, .slot_count = 224},
        {.slot_bytes = 256, .slot_count = 160},
        {.slot_bytes = 512, .slot_count = 64},
    };
    const rns_pool_config_t pool = {
        .tiers = tiers, .tier_count = 3, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    const rns_store_options_t options = {.tag = 1};
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    config.interface_count = 2;
    config.seed = 1;
    config.hooks = (rns_transport_hooks_t){.send = send, .hash = rns_mix_hook()};
    config.tables[RNS_TRANSPORT_SEEN].capacity = 1024; /* as pyrns_pool's soak */
    config.tables[RNS_TRANSPORT_PATHS].capacity = 160;
    config.tables[RNS_TRANSPORT_ANNOUNCES].capacity = 96;
    config.tables[RNS_TRANSPORT_REVERSE].capacity = 128;
    config.tables[RNS_TRANSPORT_LINKS].capacity = 256;
    if (!image_pool_init(&self.pool, &pool) ||
        rns_store_init(&self.store, &self.pool, &options) != RNS_OK ||
        rns_transport_init(&self.node, &self.store, &config,
                           (rns_memory_t){storage, sizeof storage}) != RNS_OK) {
        return false;
    }
    self.sent = IMAGE_SUM;
    self.rows = (rns_node_rows_t){.rows = rows, .random = 1};
    self.traffic.rows = rows;
    self.traffic.row_count = rns_node_rows_population(&self.rows);
    self.traffic.buffer = buffer;
    self.traffic.random = 1;
    self.traffic.hash = rns_mix_hook();
    rns_traffic_begin(&self.traffic);
    return true;
}

static void run_timers(uint64_t t_ns)
{
    for (uint64_t due_ns = rns_transport_due_ns(&self.node); due_ns <= t_ns;
         due_ns = rns_transport_due_ns(&self.node)) {
        (void)rns_transport_tick(&self.node, due_ns);
        self.events += 1u;
    }
}

static void run_minute(void)
{
    rns_node_rows_minute(&self.rows);
    self.traffic.row_count = self.rows.ready;
    for (uint32_t i = 0; i < self.rows.ready; ++i) {
        const uint64_t t_ns = (uint64_t)rows[i].t_ns;
        run_timers(t_ns);
        const rns_traffic_step_t step = rns_traffic_step(&self.traffic, i);
        (void)rns_transport_inbound(&self.node, step.interface, buffer, step.length, t_ns);
        self.events += 1u;
    }
}

static uint32_t sum_of_counts(const rns_transport_stats_t* stats)
{
    _Static_assert(sizeof *stats % sizeof(rns_counter_t) == 0, "all are counters");
    const rns_counter_t* const counter = (const rns_counter_t*)(const void*)stats;
    uint32_t sum = IMAGE_SUM;
    for (size_t i = 0; i < sizeof *stats / sizeof *counter; ++i) {
        sum =
            image_sum(sum, (uint32_t)counter[i]); /* bytes_in wraps where counters have 32 bits */
    }
    return sum;
}

int image_node(void)
{
    if (!begin()) {
        return 1;
    }
    for (uint32_t minute = 0; minute < IMAGE_NODE_MINUTES; ++minute) {
        run_minute();
    }
    const rns_transport_stats_t stats = rns_transport_stats(&self.node);
    image_line("node", "events", self.events);
    image_line("node", "packets_in", stats.packets_in);
    image_line("node", "forwarded", stats.forwarded);
    image_line("node", "packets_out", stats.packets_out);
    image_line("node", "counts", sum_of_counts(&stats));
    image_line("node", "sent", self.sent);
    image_pool("node", &self.pool);
    int failures = rns_transport_check(&self.node).status == RNS_OK ? 0 : 1;
    failures += rns_transport_reset(&self.node) == RNS_OK ? 0 : 1;
    return failures + (rns_pool_check(&self.pool).status == RNS_OK ? 0 : 1);
}
