/* A node that logs of any shape drive: what rns_traffic and rns_node_run promise for each row. */
#include "check.h"
#include "rns_hash.h"
#include "rns_node_run.h"
#include <stdlib.h>

#define ROWS       4000u
#define BINS       50u
#define LENGTH_MAX 560u
#define ROUNDS     6u

/// Everything that a run needs, on the heap so that a sanitizer sees its ends.
typedef struct {
    rns_traffic_row_t* rows;
    uint8_t* buffer;
    rns_pool_t pool;
    rns_store_t store;
    rns_transport_t node;
    rns_traffic_t traffic;
    rns_meter_t meter;
    rns_node_run_t run;
    void* memory[2];
    rns_replay_bin_t bins[BINS * 2u];
    uint64_t oversize[BINS];
    rns_meter_cow_t cow[BINS];
    int64_t edges_ns[BINS + 1u];
} world_t;

static uint64_t random_state = 1;

static uint32_t below(uint32_t count)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % count);
}

/// Not SHA-256, but as good where nobody is an enemy.
static void hash(void* context, const rns_span_t* spans, size_t count, uint8_t* out)
{
    uint32_t words[8] = {0};
    for (size_t i = 0; i < count; ++i) {
        for (uint32_t word = 0; word < 8u; ++word) {
            words[word] = rns_hash((uint64_t)words[word] << 32 | word, spans[i].start,
                                   (uint32_t)spans[i].bytes);
        }
    }
    memcpy(out, words, sizeof words);
    (void)context;
}

static void draw_rows(rns_traffic_row_t* rows, bool is_sane)
{
    static const uint8_t contexts[] = {0,  0,  0,  0,    0,    0,    1,    1,    2,
                                       3,  4,  5,  6,    7,    8,    9,    10,   11,
                                       12, 13, 14, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF};
    int64_t t_ns = 5;
    for (uint32_t i = 0; i < ROWS; ++i) {
        t_ns += (int64_t)below(200000000);
        rows[i] = (rns_traffic_row_t){.t_ns = t_ns,
                                      .length = 1u + below(LENGTH_MAX),
                                      .direction = (uint8_t)below(3),
                                      .type = (uint8_t)below(4),
                                      .context = contexts[below((uint32_t)sizeof contexts)]};
        if (is_sane) {
            rows[i].direction = RNS_TRAFFIC_IN;
            rows[i].length = 200u + below(40);
        }
        if (rows[i].type == RNS_PACKET_PROOF && below(3) == 0) {
            rows[i].context = RNS_CONTEXT_LRPROOF;
        }
    }
}

static void init_meter(world_t* self)
{
    const int64_t end_ns = self->rows[ROWS - 1u].t_ns + 1;
    for (uint32_t i = 0; i <= BINS; ++i) {
        self->edges_ns[i] = self->rows[0].t_ns + (end_ns - self->rows[0].t_ns) * i / BINS;
    }
    self->meter = (rns_meter_t){.pool = &self->pool,
                                .store = &self->store,
                                .bin_count = BINS,
                                .edges_ns = self->edges_ns,
                                .bins = self->bins,
                                .oversize = self->oversize,
                                .cow = self->cow};
    rns_meter_begin(&self->meter);
}

static void init_node(world_t* self, bool is_leaf)
{
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    config.is_transport = !is_leaf;
    config.interface_count = is_leaf ? 1u : 2u;
    config.hooks = rns_node_run_hooks(&self->run, (rns_hash_hook_t){.sha256 = hash});
    config.seed = 7;
    size_t bytes = 0;
    CHECK_STATUS(rns_transport_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[1] = malloc(bytes);
    const rns_memory_t storage = {self->memory[1], bytes};
    CHECK_STATUS(rns_transport_init(&self->node, &self->store, &config, storage), RNS_OK);
}

static world_t* begin(uint32_t slot_count, bool is_leaf, bool is_sane)
{
    world_t* const self = calloc(1, sizeof *self);
    self->rows = malloc(ROWS * sizeof *self->rows);
    self->buffer = malloc(LENGTH_MAX);
    draw_rows(self->rows, is_sane);
    const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = slot_count},
                                       {.slot_bytes = 512, .slot_count = slot_count}};
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 2, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[0] = malloc(bytes);
    const rns_memory_t storage = {self->memory[0], bytes};
    CHECK_STATUS(rns_pool_init(&self->pool, &config, storage), RNS_OK);
    const rns_store_options_t options = {0};
    CHECK_STATUS(rns_store_init(&self->store, &self->pool, &options), RNS_OK);
    init_meter(self);
    init_node(self, is_leaf);
    self->traffic.rows = self->rows;
    self->traffic.row_count = ROWS;
    self->traffic.buffer = self->buffer;
    self->traffic.is_leaf = is_leaf;
    self->traffic.random = 3;
    self->traffic.hash = (rns_hash_hook_t){.sha256 = hash};
    self->run.node = &self->node;
    self->run.traffic = &self->traffic;
    self->run.meter = &self->meter;
    rns_node_run_begin(&self->run);
    return self;
}

static void end(world_t* self)
{
    CHECK_STATUS(rns_transport_reset(&self->node), RNS_OK);
    rns_pool_stats_t stats;
    rns_pool_stats(&self->pool, &stats);
    CHECK_EQUAL(stats.in_use, 0);
    CHECK_STATUS(rns_store_check(&self->store).status, RNS_OK);
    free(self->memory[0]);
    free(self->memory[1]);
    free(self->rows);
    free(self->buffer);
    free(self);
}

/// Run rows to the end in steps of `step`, verifying everything between them.
static void run_all(world_t* self, size_t step)
{
    size_t row = 0;
    while (row < ROWS) {
        size_t next = row;
        rns_node_run_rows(&self->run, row, row + step < ROWS ? row + step : ROWS, &next);
        check_state.operations += next - row;
        row = next;
        CHECK_STATUS(rns_traffic_check(&self->traffic).status, RNS_OK);
        CHECK_STATUS(rns_transport_check(&self->node).status, RNS_OK);
    }
    rns_meter_end(&self->meter);
    CHECK_STATUS(rns_store_check(&self->store).status, RNS_OK);
}

static void test_random_logs_leave_node_and_traffic_sound_and_nothing_in_use(void)
{
    uint64_t missed = 0;
    for (uint32_t round = 0; round < ROUNDS; ++round) {
        world_t* const world = begin(round < 3u ? 24u : 400u, round % 2u == 1u, false);
        run_all(world, 97);
        rns_pool_stats_t stats;
        rns_pool_stats(&world->pool, &stats);
        missed += stats.exhausted;
        CHECK(stats.requests > 500u);
        CHECK(world->traffic.stats.links > 20u);
        CHECK(world->traffic.stats.transfers > 5u);
        end(world);
    }
    CHECK(missed > 100u);
}

static void test_one_row_at_a_time_gives_what_all_at_once_gives(void)
{
    for (uint32_t is_leaf = 0; is_leaf < 2u; ++is_leaf) {
        const uint64_t state = random_state;
        world_t* const whole = begin(48, is_leaf != 0, false);
        run_all(whole, ROWS);
        random_state = state;
        world_t* const steps = begin(48, is_leaf != 0, false);
        run_all(steps, 1);
        CHECK_EQUAL(steps->run.inputs, whole->run.inputs);
        CHECK_EQUAL(steps->run.timers, whole->run.timers);
        CHECK(memcmp(steps->run.out, whole->run.out, sizeof whole->run.out) == 0);
        CHECK(memcmp(steps->bins, whole->bins, sizeof whole->bins) == 0);
        CHECK(memcmp(steps->cow, whole->cow, sizeof whole->cow) == 0);
        const rns_transport_stats_t left = rns_transport_stats(&steps->node);
        const rns_transport_stats_t right = rns_transport_stats(&whole->node);
        CHECK(memcmp(&left, &right, sizeof left) == 0);
        CHECK(right.packets_out > 0);
        end(steps);
        end(whole);
    }
}

static void test_every_frame_is_a_packet_with_the_header_that_its_row_names(void)
{
    uint32_t frames = 0;
    for (uint32_t is_leaf = 0; is_leaf < 2u; ++is_leaf) {
        world_t* const world = begin(400, is_leaf != 0, true);
        const rns_packet_medium_t medium = {.mtu_bytes = LENGTH_MAX};
        for (size_t i = 0; i < ROWS; ++i) {
            const rns_traffic_step_t step = rns_traffic_step(&world->traffic, i);
            rns_bytes_t raw;
            rns_packet_t packet;
            CHECK_EQUAL(step.act, RNS_TRAFFIC_FRAME);
            CHECK_EQUAL(step.length, world->rows[i].length);
            CHECK(step.interface < (is_leaf != 0 ? 1u : 2u));
            CHECK_STATUS(rns_bytes_init(&raw, &world->store, world->buffer, step.length), RNS_OK);
            CHECK_STATUS(rns_packet_parse(&packet, &medium, &raw), RNS_OK);
            CHECK_EQUAL(rns_packet_type(&packet), world->rows[i].type);
            CHECK_EQUAL(packet.context, world->rows[i].context);
            CHECK_EQUAL(packet.hops, is_leaf);
            rns_packet_drop(&packet, &world->store);
            frames += 1u;
        }
        end(world);
    }
    CHECK_EQUAL(frames, (uint64_t)2 * ROWS);
}

static void test_orders_that_the_node_refuses_leave_no_link_behind(void)
{
    world_t* const world = begin(400, true, false);
    uint32_t orders = 0;
    for (size_t i = 0; i < ROWS; ++i) {
        const rns_traffic_step_t step = rns_traffic_step(&world->traffic, i);
        orders += step.act == RNS_TRAFFIC_ORDER ? 1u : 0u; /* none is said to be sent */
    }
    CHECK(orders > 500u);
    for (uint32_t i = 0; i < world->traffic.link_count; ++i) {
        CHECK(!world->traffic.links[i].is_own);
    }
    for (uint32_t i = 0; i < world->traffic.unproven_count; ++i) {
        CHECK(!world->traffic.unproven[i].is_own);
    }
    CHECK(world->traffic.unproven_count > 0);
    end(world);
}

int main(void)
{
    RUN(test_random_logs_leave_node_and_traffic_sound_and_nothing_in_use);
    RUN(test_one_row_at_a_time_gives_what_all_at_once_gives);
    RUN(test_every_frame_is_a_packet_with_the_header_that_its_row_names);
    RUN(test_orders_that_the_node_refuses_leave_no_link_behind);
    return check_finish();
}
