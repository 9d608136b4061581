/* Days of a node, and hours of bad orders, over a pool and over the heap beside it. */
#include "check.h"
#include "rns_mix.h"
#include "rns_soak_hard.h"
#include "rns_soak_node.h"
#include <stdlib.h>

#define HOURS        2u
#define HOUR_NS      3600000000000
#define WATCHES      4u
#define ALARMS       64u
#define TIERS        2u
#define SLOTS        (300u + 200u)
#define DRILLS       40u
#define BLOCKS_BYTES 70000u

/// Everything that a soak needs, on the heap so that a sanitizer sees its ends.
typedef struct {
    rns_pool_t pools[RNS_SOAK_LANES];
    rns_store_t stores[RNS_SOAK_SITES][RNS_SOAK_LANES];
    rns_heap_t heap;
    rns_shadow_t shadow;
    rns_meter_t meter;
    rns_soak_t soak;
    void* memory[3];
    int64_t edges_ns[HOURS + 1u];
    rns_replay_bin_t bins[HOURS * TIERS];
    uint64_t oversize[HOURS];
    rns_meter_cow_t cow[HOURS];
    rns_soak_watch_t watches[WATCHES];
    rns_soak_alarm_t alarms[ALARMS];
} world_t;

static void* init_pool(rns_pool_t* pool, rns_pool_config_t config)
{
    size_t bytes = 0;
    config.header_bytes = RNS_BUFFER_HEADER_BYTES;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    void* const memory = malloc(bytes);
    CHECK_STATUS(rns_pool_init(pool, &config, (rns_memory_t){memory, bytes}), RNS_OK);
    return memory;
}

static void init_pools(world_t* self, uint32_t divisor)
{
    const rns_tier_config_t tiers[TIERS] = {{.slot_bytes = 64, .slot_count = 300u / divisor},
                                            {.slot_bytes = 512, .slot_count = 200u / divisor}};
    const rns_tier_config_t none = {.slot_bytes = 1, .slot_count = 1};
    void* only = NULL;
    self->memory[0] =
        init_pool(&self->pools[0], (rns_pool_config_t){.tiers = tiers, .tier_count = TIERS});
    self->memory[1] = init_pool(
        &self->pools[1], (rns_pool_config_t){.tiers = &none,
                                             .tier_count = 1,
                                             .fallback = rns_shadow_fallback(&self->shadow)});
    CHECK_STATUS(rns_pool_take(&self->pools[1], 1, RNS_PRIORITY_NORMAL, &only), RNS_OK);
    for (uint32_t site = 0; site < RNS_SOAK_SITES; ++site) {
        const rns_store_options_t options = {.tag = (uint8_t)(site + 1u)};
        for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
            rns_store_t* const store = &self->stores[site][lane];
            CHECK_STATUS(rns_store_init(store, &self->pools[lane], &options), RNS_OK);
        }
    }
}

static void init_heap(world_t* self, uint32_t arena_bytes)
{
    const rns_heap_config_t config = {
        .kind = RNS_HEAP_TLSF, .arena_bytes = arena_bytes, .alignment_bytes = 4, .word_bytes = 4};
    size_t bytes = 0;
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[2] = malloc(bytes);
    const rns_memory_t storage = {self->memory[2], bytes};
    CHECK_STATUS(rns_heap_init(&self->heap, &config, storage), RNS_OK);
    self->shadow.heap = &self->heap;
    rns_shadow_clear(&self->shadow);
}

static world_t* begin(uint32_t divisor, uint32_t arena_bytes)
{
    world_t* const self = calloc(1, sizeof *self);
    init_heap(self, arena_bytes);
    init_pools(self, divisor);
    for (uint32_t i = 0; i <= HOURS; ++i) {
        self->edges_ns[i] = i * HOUR_NS;
    }
    self->meter = (rns_meter_t){.pool = &self->pools[0],
                                .store = &self->stores[0][0],
                                .bin_count = HOURS,
                                .edges_ns = self->edges_ns,
                                .bins = self->bins,
                                .oversize = self->oversize,
                                .cow = self->cow};
    rns_meter_begin(&self->meter);
    const rns_soak_metric_t metrics[WATCHES] = {RNS_SOAK_POOL_FREE, RNS_SOAK_TIER_FREE,
                                                RNS_SOAK_HEAP_LARGEST,
                                                RNS_SOAK_HEAP_FRAGMENTATION};
    const uint64_t bad[WATCHES] = {20000, 10, 2000, 300000};
    const uint64_t good[WATCHES] = {30000, 20, 4000, 250000};
    for (uint32_t i = 0; i < WATCHES; ++i) {
        const bool is_above = metrics[i] == RNS_SOAK_HEAP_FRAGMENTATION;
        self->watches[i].metric = metrics[i];
        self->watches[i].watch =
            (rns_watch_t){.is_above = is_above, .bad = bad[i], .good = good[i]};
    }
    self->soak = (rns_soak_t){.pool = &self->pools[0],
                              .meter = &self->meter,
                              .shadow = &self->shadow,
                              .watches = self->watches,
                              .watch_count = WATCHES,
                              .alarms = self->alarms,
                              .alarm_capacity = ALARMS,
                              .pool_free_min = UINT64_MAX};
    return self;
}

static void free_world(world_t* self)
{
    for (uint32_t i = 0; i < COUNT_OF(self->memory); ++i) {
        free(self->memory[i]);
    }
    free(self);
}

static void end(world_t* self)
{
    rns_meter_end(&self->meter);
    CHECK_EQUAL(self->meter.bin, HOURS - 1u);
    CHECK_STATUS(rns_store_check(&self->stores[0][0]).status, RNS_OK);
    rns_shadow_drop(&self->shadow);
    CHECK_STATUS(rns_heap_check(&self->heap).status, RNS_OK);
    free_world(self);
}

/* ---- Node ------------------------------------------------------------------------------------
 */

typedef struct {
    rns_transport_t nodes[RNS_SOAK_LANES];
    rns_traffic_t traffic;
    rns_node_rows_t rows;
    rns_soak_node_t run;
    void* memory[RNS_SOAK_LANES];
} node_t;

static node_t* begin_node(world_t* world)
{
    node_t* const self = calloc(1, sizeof *self);
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    config.interface_count = 2;
    config.hooks = rns_soak_node_hooks(rns_mix_hook());
    config.tables[RNS_TRANSPORT_PATHS].capacity = 160;
    config.tables[RNS_TRANSPORT_LINKS].capacity = 256;
    size_t bytes = 0;
    CHECK_STATUS(rns_transport_storage_bytes(&config, &bytes), RNS_OK);
    self->run =
        (rns_soak_node_t){.soak = &world->soak, .traffic = &self->traffic, .rows = &self->rows};
    for (uint32_t i = 0; i < RNS_SOAK_LANES; ++i) {
        self->memory[i] = malloc(bytes);
        self->run.nodes[i] = &self->nodes[i];
        const rns_memory_t storage = {self->memory[i], bytes};
        CHECK_STATUS(rns_transport_init(&self->nodes[i], &world->stores[0][i], &config, storage),
                     RNS_OK);
    }
    self->rows.rows = malloc(RNS_NODE_ROWS_MAX * sizeof *self->rows.rows);
    self->rows.random = 5;
    self->traffic.buffer = malloc(RNS_PACKET_MTU_BYTES);
    self->traffic.random = 6;
    self->traffic.hash = rns_mix_hook();
    rns_soak_node_begin(&self->run);
    return self;
}

static void end_node(node_t* self)
{
    for (uint32_t i = 0; i < RNS_SOAK_LANES; ++i) {
        CHECK_STATUS(rns_transport_check(&self->nodes[i]).status, RNS_OK);
        CHECK_STATUS(rns_transport_reset(&self->nodes[i]), RNS_OK);
        free(self->memory[i]);
    }
    free(self->rows.rows);
    free(self->traffic.buffer);
    free(self);
}

static void run_node(uint32_t divisor, uint32_t arena_bytes, bool is_enough)
{
    world_t* const world = begin(divisor, arena_bytes);
    node_t* const node = begin_node(world);
    for (uint32_t hour = 1; hour <= HOURS; ++hour) {
        const int64_t minutes = 60 + 5 * ((int64_t)hour - 1);
        rns_soak_node_until(&node->run, minutes * RNS_NODE_ROWS_MINUTE_NS);
        rns_soak_finish(&world->soak, hour * HOUR_NS);
        rns_soak_live_t live[SLOTS];
        uint64_t refs = 0;
        rns_pool_stats_t stats;
        rns_pool_stats(&world->pools[0], &stats);
        CHECK_EQUAL(rns_soak_live(&world->stores[0][0], live, SLOTS, &refs), stats.in_use);
        CHECK_EQUAL(refs, rns_transport_handles(&node->nodes[0]));
        CHECK_EQUAL(live[0].tag, 1);
        CHECK(!is_enough || stats.requests == world->shadow.tally.requests);
        CHECK_EQUAL(world->shadow.tally.failures == 0, is_enough);
        CHECK_EQUAL(stats.exhausted == 0, is_enough);
        CHECK_STATUS(rns_heap_check(&world->heap).status, RNS_OK);
    }
    check_state.operations += node->run.frames;
    end_node(node);
    CHECK(world->shadow.live == NULL);
    end(world);
}

static void test_a_node_holds_exactly_the_references_of_its_tables(void)
{
    run_node(1, 160000, true);
}

static void test_a_node_goes_on_where_pool_and_heap_refuse(void)
{
    run_node(5, 24000, false);
}

/* ---- Calls -----------------------------------------------------------------------------------
 */

typedef struct {
    rns_soak_rtp_t run;
    rns_pool_t infos;
    rns_rtp_receiver_t receiver;
    void* memory[2];
} calls_t;

static calls_t* begin_calls(world_t* world)
{
    calls_t* const self = calloc(1, sizeof *self);
    const rns_tier_config_t tier = {.slot_bytes = sizeof(rns_rtp_info_t), .slot_count = 6};
    const rns_pool_config_t config = {.tiers = &tier, .tier_count = 1};
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[0] = malloc(bytes);
    const rns_memory_t slots = {self->memory[0], bytes};
    CHECK_STATUS(rns_pool_init(&self->infos, &config, slots), RNS_OK);
    const rns_rtp_config_t wanted = rns_rtp_config_default(&self->infos);
    CHECK_STATUS(rns_rtp_receiver_storage_bytes(&wanted, &bytes), RNS_OK);
    self->memory[1] = malloc(bytes);
    const rns_memory_t storage = {self->memory[1], bytes};
    CHECK_STATUS(rns_rtp_receiver_init(&self->receiver, &wanted, storage), RNS_OK);
    self->run = (rns_soak_rtp_t){.soak = &world->soak,
                                 .stores = {&world->stores[1][0], &world->stores[1][1]},
                                 .receiver = &self->receiver,
                                 .buffer = calloc(1, RNS_SOAK_RTP_PACKET_BYTES),
                                 .random = 5};
    return self;
}

static void end_calls(calls_t* self)
{
    rns_soak_rtp_drop(&self->run);
    CHECK_EQUAL(rns_soak_rtp_held(&self->run), 0);
    CHECK_STATUS(rns_rtp_receiver_check(&self->receiver).status, RNS_OK);
    rns_rtp_receiver_reset(&self->receiver);
    CHECK_STATUS(rns_pool_check(&self->infos).status, RNS_OK);
    free(self->memory[0]);
    free(self->memory[1]);
    free(self->run.buffer);
    free(self);
}

/// Run calls to the end of each of four minutes, beside a node or alone.
static void run_calls(uint32_t divisor, bool has_node)
{
    world_t* const world = begin(divisor, BLOCKS_BYTES);
    calls_t* const calls = begin_calls(world);
    node_t* const node = has_node ? begin_node(world) : NULL;
    const rns_soak_rtp_t* const run = &calls->run;
    for (int64_t minute = 1; minute <= 4; ++minute) {
        const int64_t end_ns = minute * RNS_NODE_ROWS_MINUTE_NS;
        if (has_node) {
            node->run.rtp = &calls->run;
            rns_soak_node_until(&node->run, end_ns);
        }
        rns_soak_rtp_until(&calls->run, end_ns);
        CHECK(run->next.arrival_ns >= end_ns && world->soak.now_ns < end_ns);
        CHECK_EQUAL(run->sent, run->lost + run->late + run->played + run->waiting_count + 1u);
        rns_soak_live_t live[SLOTS];
        uint64_t refs = 0;
        (void)rns_soak_live(&world->stores[0][0], live, SLOTS, &refs);
        const uint64_t held = has_node ? rns_transport_handles(&node->nodes[0]) : 0;
        CHECK_EQUAL(refs, held + rns_soak_rtp_held(run));
        CHECK(rns_soak_rtp_held(run) <= run->waiting_count);
        CHECK_STATUS(rns_heap_check(&world->heap).status, RNS_OK);
    }
    CHECK(run->played > 1000);
    check_state.operations += run->sent;
    end_calls(calls);
    if (has_node) {
        end_node(node);
    }
    CHECK(world->shadow.live == NULL);
    end(world);
}

static void test_calls_hold_exactly_what_waits_to_be_played(void)
{
    run_calls(1, false);
    run_calls(100, false); /* 3 and 2 slots: most packets find none */
}

static void test_calls_and_a_node_share_a_pool(void)
{
    run_calls(1, true);
}

/* ---- Bad orders ------------------------------------------------------------------------------
 */

typedef struct {
    rns_soak_hard_t run;
    rns_soak_block_t* blocks;
    void** drilled;
    uint32_t* image;
} hard_t;

static hard_t begin_hard(world_t* world, uint32_t slot_count)
{
    hard_t self = {.blocks = malloc((size_t)slot_count * 2u * sizeof *self.blocks),
                   .drilled = malloc((size_t)slot_count * sizeof *self.drilled),
                   .image = malloc((slot_count + 4u * TIERS) * sizeof *self.image)};
    self.run = (rns_soak_hard_t){.soak = &world->soak,
                                 .slot_count = slot_count,
                                 .blocks = self.blocks,
                                 .drilled = self.drilled,
                                 .image = self.image,
                                 .random = 7,
                                 .drills_per_hour = DRILLS};
    for (uint32_t site = 0; site < RNS_SOAK_SITES; ++site) {
        for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
            self.run.stores[site][lane] = &world->stores[site][lane];
        }
    }
    return self;
}

static void end_hard(const hard_t* self)
{
    free(self->blocks);
    free(self->drilled);
    free(self->image);
}

static void run_hard(uint32_t divisor)
{
    world_t* const world = begin(divisor, BLOCKS_BYTES / divisor);
    hard_t hard = begin_hard(world, SLOTS / divisor);
    for (uint32_t hour = 1; hour <= HOURS; ++hour) {
        rns_soak_hard_hour(&hard.run);
        CHECK(world->soak.now_ns < hour * HOUR_NS);
        rns_soak_finish(&world->soak, hour * HOUR_NS);
        CHECK_EQUAL(hard.run.block_count, 0);
        CHECK_EQUAL(hard.run.leaked, hour);
        CHECK_EQUAL(world->shadow.live != NULL, true);
    }
    rns_soak_live_t live[SLOTS];
    uint64_t refs = 0;
    CHECK_EQUAL(rns_soak_live(&world->stores[0][0], live, SLOTS, &refs), HOURS);
    CHECK_EQUAL(live[0].tag, RNS_SOAK_LOG + 1u);
    CHECK_EQUAL(hard.run.drills, (uint64_t)DRILLS * HOURS);
    CHECK_EQUAL(hard.run.drill_faults, 0);
    CHECK_EQUAL(world->soak.alarm_count, ALARMS);
    CHECK(world->soak.alarms_lost > 0);
    check_state.operations += world->soak.events;
    end_hard(&hard);
    end(world);
}

static void test_bad_orders_leave_only_the_leak(void)
{
    run_hard(4);  /* 75 and 50 slots */
    run_hard(10); /* 30 and 20 slots: bitmaps in the gate */
}

/// Take a slot for good as soon as a tier runs low.
static void steal(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    void* slot = NULL;
    if (low) {
        CHECK_STATUS(rns_pool_take(context, 512, RNS_PRIORITY_NORMAL, &slot), RNS_OK);
    }
    (void)tier_index;
    (void)free_count;
}

static void test_a_drill_that_does_not_get_all_back_is_a_fault(void)
{
    world_t* const world = begin(10, BLOCKS_BYTES);
    rns_pool_t* const pool = &world->pools[0];
    hard_t hard = begin_hard(world, SLOTS / 10u);
    CHECK(rns_soak_hard_drill(&hard.run, 1, false));
    CHECK(rns_soak_hard_drill(&hard.run, 1, true));
    pool->low_water = (rns_low_water_t){.notify = steal, .context = pool};
    pool->tiers[1].low_water_count = pool->tiers[1].recovered_count = 4;
    CHECK(!rns_soak_hard_drill(&hard.run, 1, false));
    CHECK_EQUAL(hard.run.drill_faults, 1);
    CHECK_EQUAL(hard.run.drills, 3);
    end_hard(&hard);
    rns_meter_end(&world->meter);
    free_world(world);
}

int main(void)
{
    RUN(test_a_node_holds_exactly_the_references_of_its_tables);
    RUN(test_a_node_goes_on_where_pool_and_heap_refuse);
    RUN(test_calls_hold_exactly_what_waits_to_be_played);
    RUN(test_calls_and_a_node_share_a_pool);
    RUN(test_bad_orders_leave_only_the_leak);
    RUN(test_a_drill_that_does_not_get_all_back_is_a_fault);
    return check_finish();
}
