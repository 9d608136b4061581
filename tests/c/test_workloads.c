/* Operations and RTP streams at random: the meter's invariants, and nothing left in use. */
#include "check.h"
#include "rns_malloc_fallback.h"
#include "rns_ops.h"
#include "rns_rtp_run.h"
#include <stdlib.h>

#define ROWS       5000u
#define BINS       40u
#define TIERS      ((size_t)3)
#define HANDLES    24u
#define LENGTH_MAX 90u
#define CHUNK      500u

/// A pool and its meter; what sanitizers have to see the ends of lies on the heap.
typedef struct {
    rns_pool_t pool;
    rns_store_t store;
    rns_meter_t meter;
    void* memory;
    int64_t* edges_ns;
    rns_replay_bin_t* bins;
    uint64_t* oversize;
    rns_meter_cow_t* cow;
} world_t;

static uint64_t random_state = 1;

static uint32_t below(uint32_t count)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % count);
}

static void* zeros(size_t count, size_t size_bytes)
{
    void* const memory = calloc(count, size_bytes);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void begin(world_t* self, uint32_t variant, bool has_store, int64_t end_ns)
{
    static const rns_tier_config_t tiers[TIERS] = {
        {.slot_bytes = 16, .slot_count = 4},
        {.slot_bytes = 40, .slot_count = 3},
        {.slot_bytes = 64, .slot_count = 40}, /* its bitmap is not in the gate */
    };
    const rns_pool_config_t config = {.tiers = tiers,
                                      .tier_count = TIERS,
                                      .policy = (variant & 1u) != 0 ? RNS_POLICY_SPILL
                                                                    : RNS_POLICY_STRICT,
                                      .header_bytes = has_store ? RNS_BUFFER_HEADER_BYTES : 0};
    rns_pool_config_t wanted = config;
    if ((variant & 2u) != 0) {
        wanted.fallback = rns_malloc_fallback();
    }
    size_t storage_bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&wanted, &storage_bytes), RNS_OK);
    *self = (world_t){.memory = zeros(1, storage_bytes),
                      .edges_ns = zeros(BINS + 1u, sizeof(int64_t)),
                      .bins = zeros(BINS * TIERS, sizeof(rns_replay_bin_t)),
                      .oversize = zeros(BINS, sizeof(uint64_t)),
                      .cow = has_store ? zeros(BINS, sizeof(rns_meter_cow_t)) : NULL};
    const rns_memory_t storage = {.start = self->memory, .bytes = storage_bytes};
    CHECK_STATUS(rns_pool_init(&self->pool, &wanted, storage), RNS_OK);
    if (has_store) {
        const rns_store_options_t options = {.headroom_bytes = 5u * (variant & 4u)};
        CHECK_STATUS(rns_store_init(&self->store, &self->pool, &options), RNS_OK);
    }
    for (uint32_t i = 0; i <= BINS; ++i) {
        self->edges_ns[i] = end_ns * i / BINS;
    }
    self->meter = (rns_meter_t){.pool = &self->pool,
                                .store = has_store ? &self->store : NULL,
                                .bin_count = BINS,
                                .edges_ns = self->edges_ns,
                                .bins = self->bins,
                                .oversize = self->oversize,
                                .cow = self->cow};
    rns_meter_begin(&self->meter);
}

static void end(world_t* self)
{
    free(self->memory);
    free(self->edges_ns);
    free(self->bins);
    free(self->oversize);
    free(self->cow);
}

/// Verify I1 of the meter.
static void check_in_use(world_t* self)
{
    for (uint32_t i = 0; i < TIERS; ++i) {
        CHECK_EQUAL(self->meter.tiers[i].in_use,
                    rns_tier_counts(&self->pool.tiers[i].tier).in_use);
    }
}

/// Verify I2 and I3 of the meter at its end.
static void check_bins(world_t* self)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&self->pool, &stats);
    uint64_t oversize = 0;
    rns_meter_cow_t cow = {0};
    for (uint32_t bin = 0; bin < BINS; ++bin) {
        oversize += self->oversize[bin];
        if (self->cow != NULL) {
            cow.copies_avoided += self->cow[bin].copies_avoided;
            cow.cow_copies += self->cow[bin].cow_copies;
            cow.cow_bytes += self->cow[bin].cow_bytes;
        }
    }
    CHECK_EQUAL(oversize, stats.oversize);
    if (self->cow != NULL) {
        const rns_store_stats_t store = rns_store_stats(&self->store);
        CHECK_EQUAL(cow.copies_avoided, store.copies_avoided);
        CHECK_EQUAL(cow.cow_copies, store.cow_copies);
        CHECK_EQUAL(cow.cow_bytes, store.cow_bytes);
        CHECK(cow.cow_copies > 0);
    }
    for (uint32_t i = 0; i < TIERS; ++i) {
        rns_replay_bin_t sum = {0};
        uint32_t most = 0;
        for (uint32_t bin = 0; bin < BINS; ++bin) {
            const rns_replay_bin_t* const row = &self->bins[bin * TIERS + i];
            sum.requests += row->requests;
            sum.spills += row->spills;
            sum.exhausted += row->exhausted;
            most = row->in_use_max > most ? row->in_use_max : most;
            CHECK(row->in_use_min <= row->in_use_max);
        }
        CHECK_EQUAL(sum.requests, stats.tiers[i].requests);
        CHECK_EQUAL(sum.spills, stats.tiers[i].spills);
        CHECK_EQUAL(sum.exhausted, stats.tiers[i].exhausted);
        CHECK_EQUAL(most, stats.tiers[i].high_water);
        CHECK(self->meter.tiers[i].first_miss_ns >= 0 || stats.tiers[i].exhausted == 0);
    }
}

static void draw_ops(rns_op_t* ops)
{
    int64_t t_ns = 0;
    for (uint32_t i = 0; i < ROWS; ++i) {
        t_ns += below(4);
        ops[i] = (rns_op_t){.t_ns = t_ns,
                            .op = below(RNS_OP_COUNT),
                            .handle = below(HANDLES),
                            .other = below(HANDLES),
                            .length = below(LENGTH_MAX),
                            .start = below(LENGTH_MAX)};
        if (below(50) == 0) {
            ops[i].start = UINT64_MAX - below(2);
        }
    }
}

static void test_random_operations_leave_pool_and_meter_sound_and_nothing_in_use(void)
{
    rns_op_t* const ops = zeros(ROWS, sizeof(rns_op_t));
    rns_bytes_t* const handles = zeros(HANDLES, sizeof(rns_bytes_t));
    uint8_t* const pattern = zeros(LENGTH_MAX + RNS_OPS_PATTERN, 1);
    int16_t* const status = zeros(ROWS, sizeof(int16_t));
    for (uint32_t variant = 0; variant < 8u; ++variant) {
        draw_ops(ops);
        world_t world;
        begin(&world, variant, true, ops[ROWS - 1u].t_ns + 1);
        rns_ops_t run = {.store = &world.store,
                         .meter = &world.meter,
                         .handles = handles,
                         .pattern = pattern,
                         .ops = ops,
                         .status = status};
        for (uint32_t first = 0; first < ROWS; first += CHUNK) {
            CHECK_STATUS(rns_ops_run(&run, first, first + CHUNK), RNS_OK);
            CHECK_STATUS(rns_store_check(&world.store).status, RNS_OK);
            check_in_use(&world);
        }
        rns_meter_end(&world.meter);
        check_bins(&world);
        rns_ops_end(&run, HANDLES);
        rns_pool_stats_t stats;
        rns_pool_stats(&world.pool, &stats);
        CHECK_EQUAL(stats.in_use, 0);
        CHECK_EQUAL(stats.fallbacks, stats.fallback_gives);
        end(&world);
        check_state.operations += ROWS;
    }
    free(ops);
    free(handles);
    free(pattern);
    free(status);
}

static void draw_packets(rns_rtp_run_packet_t* packets)
{
    int64_t arrival_ns = 0;
    for (uint32_t i = 0; i < ROWS; ++i) {
        arrival_ns += below(50) == 0 ? (int64_t)below(3000000000u) : (int64_t)below(9000000);
        const int64_t late_ns = below(300000000);
        packets[i] = (rns_rtp_run_packet_t){
            .arrival_ns = arrival_ns,
            .send_ns = late_ns < arrival_ns ? arrival_ns - late_ns : 0,
            .size =
                below(20) == 0 ? RNS_RTP_RUN_PACKET_BYTES : RNS_RTP_RUN_HEADER_BYTES + below(1400),
            .ssrc = below(40),
            .seq = (uint16_t)below(65536),
        };
    }
}

static void test_random_streams_leave_receiver_and_meter_sound_and_nothing_in_use(void)
{
    rns_rtp_run_packet_t* const packets = zeros(ROWS, sizeof(rns_rtp_run_packet_t));
    rns_rtp_run_point_t* const points = zeros(ROWS, sizeof(rns_rtp_run_point_t));
    uint8_t* const buffer = zeros(RNS_RTP_RUN_PACKET_BYTES, 1);
    for (uint32_t variant = 0; variant < 4u; ++variant) {
        draw_packets(packets);
        world_t world;
        begin(&world, variant, false, packets[ROWS - 1u].arrival_ns + 1);
        rns_rtp_config_t config = rns_rtp_config_default(&world.pool);
        config.extension_id = RNS_RTP_RUN_EXTENSION_ID;
        size_t storage_bytes = 0;
        CHECK_STATUS(rns_rtp_receiver_storage_bytes(&config, &storage_bytes), RNS_OK);
        const rns_memory_t storage = {.start = zeros(1, storage_bytes), .bytes = storage_bytes};
        rns_rtp_receiver_t receiver;
        CHECK_STATUS(rns_rtp_receiver_init(&receiver, &config, storage), RNS_OK);
        rns_rtp_run_t run = {.receiver = &receiver,
                             .meter = &world.meter,
                             .buffer = buffer,
                             .packets = packets,
                             .points = points};
        for (uint32_t first = 0; first < ROWS; first += CHUNK) {
            CHECK_STATUS(rns_rtp_run(&run, first, first + CHUNK), RNS_OK);
            CHECK_STATUS(rns_rtp_receiver_check(&receiver).status, RNS_OK);
            CHECK_STATUS(rns_pool_check(&world.pool).status, RNS_OK);
            check_in_use(&world);
        }
        rns_rtp_stats_t stats;
        rns_rtp_receiver_stats(&receiver, &stats);
        CHECK_EQUAL(stats.counts.packets, ROWS);
        CHECK_EQUAL(stats.counts.malformed, 0);
        CHECK_EQUAL(stats.counts.timeless, 0);
        CHECK(stats.counts.grouped > ROWS / 10u);
        rns_meter_end(&world.meter);
        check_bins(&world);
        rns_rtp_receiver_reset(&receiver);
        rns_pool_stats_t pool;
        rns_pool_stats(&world.pool, &pool);
        CHECK_EQUAL(pool.in_use, 0);
        CHECK_EQUAL(pool.fallbacks, pool.fallback_gives);
        free(storage.start);
        end(&world);
        check_state.operations += ROWS;
    }
    free(packets);
    free(points);
    free(buffer);
}

static void test_a_meter_over_a_used_pool_counts_from_its_begin(void)
{
    world_t world;
    begin(&world, 0, false, 100);
    void* slots[2] = {NULL, NULL};
    for (size_t i = 0; i < COUNT_OF(slots); ++i) {
        CHECK_STATUS(rns_pool_take(&world.pool, 16, RNS_PRIORITY_NORMAL, &slots[i]), RNS_OK);
    }
    rns_meter_begin(&world.meter);
    rns_meter_advance(&world.meter, 50);
    CHECK_STATUS(rns_pool_give(&world.pool, slots[0]), RNS_OK);
    rns_meter_sample(&world.meter, 50);
    rns_meter_end(&world.meter);
    uint64_t in_use_ns = 0;
    for (uint32_t bin = 0; bin < BINS; ++bin) {
        in_use_ns += world.bins[bin * TIERS].in_use_ns;
        CHECK_EQUAL(world.bins[bin * TIERS].requests, 0);
    }
    CHECK_EQUAL(in_use_ns, 2u * 50u + 50u);
    CHECK_EQUAL(world.bins[0].in_use_max, 2);
    CHECK_EQUAL(world.bins[(BINS - 1u) * TIERS].in_use_max, 1);
    CHECK_EQUAL((uint64_t)world.meter.tiers[0].high_water_ns, 0);
    CHECK(world.meter.tiers[0].first_miss_ns < 0);
    end(&world);
}

int main(void)
{
    RUN(test_random_operations_leave_pool_and_meter_sound_and_nothing_in_use);
    RUN(test_random_streams_leave_receiver_and_meter_sound_and_nothing_in_use);
    RUN(test_a_meter_over_a_used_pool_counts_from_its_begin);
    return check_finish();
}
