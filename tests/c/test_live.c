/* rns_follow, rns_live and rns_misses: recordings that come in pieces and out of order, damaged
 * ones, and blocks that come and go. What a replay gives is held against the same in Python. */
#include "check.h"
#include "rns_follow.h"
#include "rns_live.h"
#include <stdlib.h>

#define NUMBERS  60000u
#define CHUNKS   5u
#define ROOM     ((size_t)400000)
#define CAPACITY ((uint64_t)64) /* Of the window: chunks have to wait. */
#define IDS      3000u
#define EVENTS   400000u

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (uint32_t)((uint64_t)state * below >> 32);
}

/* ---- A writer ---------------------------------------------------------------------------------
 */

typedef struct {
    uint8_t* bytes;
    size_t written;
    size_t read;
    rns_record_chunk_t last;
    rns_follow_chunk_t state;
} writer_t;

static uint64_t id_of(uint64_t number)
{
    return (number * 7919u % 100000u + 1u) * 16u;
}

static void write_event(writer_t* self, rns_record_op_t op, uint64_t number)
{
    uint8_t* next = self->bytes + self->written;
    next = rns_record_put(next, rns_record_zigzag(number - self->last.event) << 2 | op);
    self->last.event = number;
    if (op != RNS_RECORD_VOID) {
        const uint64_t address = rns_record_rotate(id_of(number));
        next = rns_record_put(next, rns_record_zigzag((uint64_t)10 * number) /* from before */);
        next = rns_record_put(next, rns_record_zigzag(address - self->last.address));
        self->last.address = address;
    }
    if (op == RNS_RECORD_ALLOC) {
        next = rns_record_put(next, number % 1000u);
        next = rns_record_put(next, number % 77u);
    }
    self->written = (size_t)(next - self->bytes);
}

static rns_record_op_t op_of(uint64_t number)
{
    return number % 11u == 3u ? RNS_RECORD_VOID
                              : (number % 3u == 0 ? RNS_RECORD_FREE : RNS_RECORD_ALLOC);
}

static bool is_lost(uint64_t number)
{
    return number % 997u == 5u || (number > 30000u && number < 30000u + 3 * CAPACITY);
}

static void begin_follow(rns_follow_t* self)
{
    *self = (rns_follow_t){.capacity = CAPACITY};
    self->window = calloc(CAPACITY, sizeof *self->window);
    self->reader.depth = 1;
    self->reader.frame = calloc(RNS_TRACE_SITES_MAX, sizeof *self->reader.frame);
    rns_follow_begin(self);
}

static void end_follow(rns_follow_t* self)
{
    free(self->window);
    free(self->reader.frame);
}

/// Let the follower read some of what a chunk has: a copy of exactly that length.
static void pass_on(rns_follow_t* self, writer_t* writer, size_t bytes)
{
    uint8_t* const copy = malloc(bytes + 1u);
    memcpy(copy, writer->bytes + writer->read, bytes);
    const uint32_t before = writer->state.last.used_bytes;
    CHECK(rns_follow_read(self, &writer->state, copy, bytes));
    writer->read += writer->state.last.used_bytes - before;
    free(copy);
}

/// Check the events that come out, and return the number behind the last one.
static uint64_t take_all(rns_follow_t* self, uint64_t next)
{
    rns_event_t out[7];
    size_t count = 0;
    while ((count = rns_follow_take(self, out, COUNT_OF(out))) > 0) {
        for (size_t i = 0; i < count; ++i, ++next) {
            while (is_lost(next) || op_of(next) == RNS_RECORD_VOID) {
                ++next;
            }
            const bool is_alloc = op_of(next) == RNS_RECORD_ALLOC;
            const bool is_right = out[i].id == id_of(next) && (out[i].op == 0) == is_alloc &&
                                  out[i].size_bytes == (is_alloc ? next % 1000u : 0);
            check_state.operations += 1u;
            if (!is_right) {
                CHECK_EQUAL(out[i].id, id_of(next));
            }
        }
    }
    return next;
}

static void test_events_of_several_chunks_come_in_the_order_of_their_numbers(void)
{
    static writer_t writers[CHUNKS];
    rns_follow_t follow;
    begin_follow(&follow);
    for (uint32_t i = 0; i < CHUNKS; ++i) {
        writers[i] = (writer_t){.bytes = malloc(ROOM), .state = rns_follow_chunk()};
    }
    uint64_t lost = 0;
    uint64_t voids = 0;
    uint64_t written = 0;
    uint64_t next = 0;
    uint64_t idle = 0;
    while (follow.due < NUMBERS) {
        for (uint32_t i = draw(100); i > 0 && written < NUMBERS; --i, ++written) {
            const bool is_gone = is_lost(written);
            lost += is_gone;
            voids += !is_gone && op_of(written) == RNS_RECORD_VOID;
            if (!is_gone) {
                write_event(&writers[draw(CHUNKS)], op_of(written), written);
            }
        }
        const uint64_t due = follow.due;
        for (uint32_t i = 0; i < CHUNKS; ++i) {
            pass_on(&follow, &writers[i], writers[i].written - writers[i].read);
        }
        next = take_all(&follow, next);
        idle = follow.due == due ? idle + 1u : 0;
        if (idle > 3u) {
            rns_follow_skip(&follow, written);
        }
    }
    CHECK_EQUAL(follow.lost_count, lost);
    CHECK_EQUAL(follow.void_count, voids);
    CHECK_EQUAL(follow.late_count, 0);
    CHECK(lost > 200 && voids > 5000);
    for (uint32_t i = 0; i < CHUNKS; ++i) {
        CHECK_EQUAL(writers[i].read, writers[i].written);
        free(writers[i].bytes);
    }
    end_follow(&follow);
}

static void test_a_number_that_was_given_up_and_comes_is_counted_and_dropped(void)
{
    uint8_t bytes[256];
    writer_t writer = {.bytes = bytes, .state = rns_follow_chunk()};
    rns_follow_t follow;
    rns_event_t out[4];
    begin_follow(&follow);
    write_event(&writer, RNS_RECORD_ALLOC, 1);
    pass_on(&follow, &writer, writer.written);
    CHECK_EQUAL(rns_follow_take(&follow, out, 4), 0);
    rns_follow_skip(&follow, 9);
    CHECK_EQUAL(rns_follow_take(&follow, out, 4), 1);
    write_event(&writer, RNS_RECORD_ALLOC, 0);
    write_event(&writer, RNS_RECORD_ALLOC, 2);
    pass_on(&follow, &writer, writer.written - writer.read);
    CHECK_EQUAL(rns_follow_take(&follow, out, 4), 1);
    CHECK_EQUAL(out[0].id, id_of(2));
    CHECK_EQUAL(follow.lost_count, 1);
    CHECK_EQUAL(follow.late_count, 1);
    end_follow(&follow);
}

static void test_a_damaged_chunk_is_read_to_its_end_and_no_further(void)
{
    rns_follow_t follow;
    begin_follow(&follow);
    uint64_t refused = 0;
    for (uint32_t i = 0; i < 3000; ++i) {
        const size_t count = draw(200);
        uint8_t* const bytes = malloc(count + 1u);
        for (size_t at = 0; at < count; ++at) {
            bytes[at] = (uint8_t)draw(i % 2u == 0 ? 256 : 130);
        }
        uint8_t* const exact = realloc(bytes, count > 0 ? count : 1u);
        rns_follow_chunk_t chunk = rns_follow_chunk();
        refused += !rns_follow_read(&follow, &chunk, exact, count);
        free(exact);
        check_state.operations += 1u;
    }
    CHECK(refused > 1000);
    end_follow(&follow);
}

/* ---- Blocks -----------------------------------------------------------------------------------
 */

typedef struct {
    rns_pool_t pool;
    rns_heap_t heap;
    rns_misses_t misses;
    rns_live_t live;
    void* memory[2];
} world_t;

static void begin_world(world_t* self)
{
    const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 300},
                                       {.slot_bytes = 256, .slot_count = 200}};
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = 2, .policy = RNS_POLICY_SPILL};
    const rns_heap_config_t heap = {RNS_HEAP_TLSF, 65536, 4, 4};
    size_t bytes[2];
    memset(self, 0, sizeof *self);
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes[0]), RNS_OK);
    CHECK_STATUS(rns_heap_storage_bytes(&heap, &bytes[1]), RNS_OK);
    for (uint32_t i = 0; i < 2; ++i) {
        bytes[i] = (bytes[i] + RNS_ALIGN_BYTES - 1u) / RNS_ALIGN_BYTES * RNS_ALIGN_BYTES;
        self->memory[i] = aligned_alloc(RNS_ALIGN_BYTES, bytes[i]);
    }
    CHECK_STATUS(rns_pool_init(&self->pool, &config, (rns_memory_t){self->memory[0], bytes[0]}),
                 RNS_OK);
    CHECK_STATUS(rns_heap_init(&self->heap, &heap, (rns_memory_t){self->memory[1], bytes[1]}),
                 RNS_OK);
    self->live = (rns_live_t){
        .pool = &self->pool, .heap = &self->heap, .misses = &self->misses, .block_capacity = 16};
    self->live.sites = calloc(RNS_TRACE_SITES_MAX, sizeof *self->live.sites);
    self->live.blocks = calloc(16, sizeof *self->live.blocks);
    rns_live_begin(&self->live);
}

static void end_world(world_t* self)
{
    CHECK_STATUS(rns_pool_check(&self->pool).status, RNS_OK);
    CHECK_STATUS(rns_heap_check(&self->heap).status, RNS_OK);
    free(self->live.sites);
    free(self->live.blocks);
    free(self->memory[0]);
    free(self->memory[1]);
}

static void send(world_t* self, const rns_event_t* event)
{
    const size_t capacity = rns_live_room(&self->live, 1);
    if (capacity > self->live.block_capacity) {
        rns_live_block_t* const old = self->live.blocks;
        rns_live_move(&self->live, calloc(capacity, sizeof *old), capacity);
        free(old);
    }
    if (rns_live_run(&self->live, event, 1) != RNS_OK) {
        CHECK(false);
    }
}

static uint64_t in_use(world_t* self)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&self->pool, &stats);
    CHECK_EQUAL(stats.in_use, self->live.tiers[0].in_use + self->live.tiers[1].in_use);
    return stats.in_use;
}

static void test_blocks_come_and_go_and_none_is_mistaken_for_another(void)
{
    static bool is_live[IDS];
    world_t world;
    begin_world(&world);
    uint64_t unpaired = 0;
    uint64_t reuses = 0;
    uint64_t live_count = 0;
    for (uint32_t i = 0; i < EVENTS; ++i) {
        const uint32_t which = draw(i % 100000u < 50000u ? IDS : 300);
        // Frees are more often than not of what lives, so that the table fills and empties.
        const bool is_alloc = is_live[which] ? draw(100) == 0 : draw(100) > 2;
        const rns_event_t event = {.t_ns = (int64_t)i * 1000,
                                   .id = (uint64_t)which * 4096u + 16u,
                                   .size_bytes = is_alloc ? draw(300) : 0,
                                   .op = is_alloc ? RNS_EVENT_ALLOC : RNS_EVENT_FREE};
        unpaired += !is_alloc && !is_live[which];
        reuses += is_alloc && is_live[which];
        live_count += is_alloc && !is_live[which];
        live_count -= !is_alloc && is_live[which];
        is_live[which] = is_alloc;
        send(&world, &event);
        check_state.operations += 1u;
    }
    CHECK_EQUAL(world.live.unpaired_frees, unpaired);
    CHECK_EQUAL(world.live.unfreed_reuses, reuses);
    CHECK_EQUAL(world.live.block_count, live_count);
    CHECK_EQUAL(world.live.event_count, EVENTS - unpaired);
    CHECK(unpaired > 1000 && reuses > 1000 && world.misses.count > 1000);
    for (uint32_t i = 0; i < IDS; ++i) {
        const rns_event_t event = {.id = (uint64_t)i * 4096u + 16u, .op = RNS_EVENT_FREE};
        send(&world, &event);
    }
    CHECK_EQUAL(world.live.block_count, 0);
    CHECK_EQUAL(world.live.unpaired_frees, unpaired + IDS - live_count);
    CHECK(in_use(&world) <= reuses); // What was allocated over keeps its slot.
    end_world(&world);
}

static void test_misses_ten_seconds_apart_are_two_episodes(void)
{
    const int64_t times_ns[] = {0, 5, 9999999999, 19999999999, 29999999998};
    rns_misses_t misses = {0};
    for (uint32_t i = 0; i < COUNT_OF(times_ns); ++i) {
        rns_misses_add(&misses, times_ns[i], i, 0);
    }
    CHECK_EQUAL(misses.episodes, 2);
    CHECK_EQUAL((uint64_t)misses.episode_ns, 19999999999);
    for (uint32_t i = 0; i < 3 * RNS_MISSES_KEPT; ++i) {
        rns_misses_add(&misses, 29999999999, 100u + i, 0);
    }
    const uint64_t last = misses.count - 1u;
    CHECK_EQUAL(misses.last[last % RNS_MISSES_KEPT].size_bytes, 99u + 3 * RNS_MISSES_KEPT);
}

int main(void)
{
    RUN(test_events_of_several_chunks_come_in_the_order_of_their_numbers);
    RUN(test_a_number_that_was_given_up_and_comes_is_counted_and_dropped);
    RUN(test_a_damaged_chunk_is_read_to_its_end_and_no_further);
    RUN(test_blocks_come_and_go_and_none_is_mistaken_for_another);
    RUN(test_misses_ten_seconds_apart_are_two_episodes);
    return check_finish();
}
