/* rns_compare: what one call gives, many give; and timeline, pool and heaps agree at the end. What
 * it counts is held against a slow model by tests/test_compare.py. */
#include "check.h"
#include "rns_compare.h"
#include "rns_packet_node.h"
#include "rns_regions.h"
#include "rns_timed.h"
#include <stdlib.h>

#define EVENTS       ((size_t)20000)
#define BINS         50u
#define FAILURES_MAX 100u
#define SHARE_BYTES  12000u
#define ARENA_BYTES  14000u
#define PROBE_BYTES  500u

/// The events, their blocks, and the times of the bins; of the process's heap, so that a sanitizer
/// sees the ends.
typedef struct {
    rns_event_t* events;
    uint32_t* block;
    int64_t* alloc_rows;
    int64_t* edges_ns;
    size_t block_count;
} trace_t;

/// One contender, and what it keeps.
typedef struct {
    rns_compare_t compare;
    rns_pool_t pool;
    rns_heap_t heaps[RNS_COMPARE_HEAPS_MAX];
    void* memory[1 + RNS_COMPARE_HEAPS_MAX];
} world_t;

/// Which contender: without pool, strict or spill, and the bytes of its heaps, 0 for none.
typedef struct {
    uint32_t pool; ///< 0, 1 + RNS_POLICY_STRICT or 1 + RNS_POLICY_SPILL.
    rns_heap_kind_t kind;
    uint32_t arena_bytes[RNS_COMPARE_HEAPS_MAX];
} shape_t;

static const shape_t shapes[] = {
    {0, RNS_HEAP_FIRST_FIT, {ARENA_BYTES, 0}},
    {0, RNS_HEAP_BEST_FIT, {ARENA_BYTES, 0}},
    {0, RNS_HEAP_TLSF, {ARENA_BYTES, 0}},
    {0, RNS_HEAP_HALF_FIT, {ARENA_BYTES, 0}},
    {0, RNS_HEAP_BUDDY, {ARENA_BYTES, ARENA_BYTES}},
    {1u + RNS_POLICY_STRICT, RNS_HEAP_TLSF, {ARENA_BYTES / 2u, 0}},
    {1u + RNS_POLICY_SPILL, RNS_HEAP_TLSF, {ARENA_BYTES / 2u, ARENA_BYTES}},
    {1u + RNS_POLICY_SPILL, RNS_HEAP_TLSF, {0, ARENA_BYTES}},
    {1u + RNS_POLICY_STRICT, RNS_HEAP_TLSF, {0, 0}},
};

static trace_t trace;

static void* zeros(size_t count, size_t size_bytes)
{
    void* const memory = calloc(count, size_bytes);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void make_trace(void)
{
    rns_packet_node_t node;
    const size_t bytes = rns_packet_node_storage_bytes(SHARE_BYTES);
    void* const storage = zeros(bytes, 1);
    CHECK_STATUS(rns_packet_node_init(&node, SHARE_BYTES, 7, (rns_memory_t){storage, bytes}),
                 RNS_OK);
    trace.events = zeros(EVENTS, sizeof *trace.events);
    rns_packet_node_events(&node, trace.events, EVENTS);
    free(storage);
    trace.block = zeros(EVENTS, sizeof *trace.block);
    rns_trace_fault_t fault;
    const rns_trace_t view = {trace.events, EVENTS, 2};
    CHECK(rns_trace_index(&view, trace.block, &fault) == RNS_TRACE_OK);
    trace.alloc_rows = zeros(EVENTS, sizeof *trace.alloc_rows);
    for (size_t i = 0; i < EVENTS; ++i) {
        if (trace.events[i].op == RNS_EVENT_ALLOC) {
            trace.alloc_rows[trace.block_count++] = (int64_t)i;
        }
    }
    trace.edges_ns = zeros(BINS + 1u, sizeof *trace.edges_ns);
    const int64_t end_ns = trace.events[EVENTS - 1u].t_ns + 1;
    for (uint32_t i = 0; i <= BINS; ++i) {
        trace.edges_ns[i] = end_ns * (int64_t)i / (int64_t)BINS;
    }
}

static void begin_pool(world_t* self, rns_policy_t policy)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 112, .slot_count = 9},
                                              {.slot_bytes = 200, .slot_count = 12},
                                              {.slot_bytes = 504, .slot_count = 2}};
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = (uint32_t)COUNT_OF(tiers), .policy = policy};
    size_t bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[0] = aligned_alloc(RNS_ALIGN_BYTES, bytes);
    const rns_memory_t storage = {self->memory[0], bytes};
    CHECK_STATUS(rns_pool_init(&self->pool, &config, storage), RNS_OK);
    self->compare.pool = &self->pool;
}

static void begin_heap(world_t* self, uint32_t index, rns_heap_kind_t kind, uint32_t arena_bytes)
{
    const rns_heap_config_t config = {kind, arena_bytes, 8, 4};
    size_t bytes = 0;
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_OK);
    self->memory[1u + index] = zeros(bytes, 1);
    const rns_memory_t storage = {self->memory[1u + index], bytes};
    CHECK_STATUS(rns_heap_init(&self->heaps[index], &config, storage), RNS_OK);
    self->compare.heaps[index].heap = &self->heaps[index];
}

static world_t* begin(const shape_t* shape)
{
    world_t* const self = zeros(1, sizeof *self);
    rns_compare_t* const compare = &self->compare;
    if (shape->pool != 0) {
        begin_pool(self,
                   shape->pool == 1u + RNS_POLICY_SPILL ? RNS_POLICY_SPILL : RNS_POLICY_STRICT);
    }
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX; ++i) {
        if (shape->arena_bytes[i] != 0) {
            begin_heap(self, i, shape->kind, shape->arena_bytes[i]);
        }
    }
    compare->probe_bytes = PROBE_BYTES;
    compare->events = trace.events;
    compare->block = trace.block;
    compare->alloc_rows = trace.alloc_rows;
    compare->blocks = zeros(trace.block_count, sizeof *compare->blocks);
    compare->bin_count = BINS;
    compare->failure_capacity = FAILURES_MAX;
    compare->edges_ns = trace.edges_ns;
    compare->bins = zeros(BINS, sizeof *compare->bins);
    compare->failures = zeros(FAILURES_MAX, sizeof *compare->failures);
    rns_compare_begin(compare);
    return self;
}

static void end(world_t* self)
{
    free(self->compare.blocks);
    free(self->compare.bins);
    free(self->compare.failures);
    for (size_t i = 0; i < COUNT_OF(self->memory); ++i) {
        free(self->memory[i]);
    }
    free(self);
}

static world_t* run(const shape_t* shape, size_t chunk)
{
    world_t* const self = begin(shape);
    for (size_t first = 0; first < EVENTS; first += chunk) {
        const size_t next = first + chunk < EVENTS ? first + chunk : EVENTS;
        CHECK_STATUS(rns_compare_run(&self->compare, first, next), RNS_OK);
        check_state.operations += next - first;
    }
    rns_compare_end(&self->compare);
    return self;
}

static void test_many_calls_give_what_one_call_gives(void)
{
    for (size_t i = 0; i < COUNT_OF(shapes); ++i) {
        world_t* const one = run(&shapes[i], EVENTS);
        world_t* const many = run(&shapes[i], 333);
        CHECK(memcmp(one->compare.bins, many->compare.bins, BINS * sizeof *one->compare.bins) ==
              0);
        CHECK(memcmp(one->compare.failures, many->compare.failures,
                     FAILURES_MAX * sizeof *one->compare.failures) == 0);
        CHECK_EQUAL(one->compare.failure_count, many->compare.failure_count);
        end(one);
        end(many);
    }
}

static void check_bins(const rns_compare_t* compare)
{
    uint64_t events = 0;
    uint64_t failures = 0;
    for (uint32_t i = 0; i < BINS; ++i) {
        const rns_compare_bin_t* const bin = &compare->bins[i];
        events += bin->events;
        failures += bin->failures;
        CHECK(bin->free_min * bin->events <= bin->free_sum);
        CHECK(bin->free_sum <= bin->free_max * bin->events);
        CHECK(bin->largest_min * bin->events <= bin->largest_sum);
        CHECK(bin->largest_sum <= bin->largest_max * bin->events);
        CHECK(bin->fragmentation_ppm_min * bin->events <= bin->fragmentation_ppm_sum);
        CHECK(bin->fragmentation_ppm_sum <= bin->fragmentation_ppm_max * bin->events);
        CHECK(bin->free_min >= compare->free_min_bytes);
    }
    CHECK_EQUAL(events, EVENTS);
    CHECK_EQUAL(failures, compare->failure_count);
}

static void test_counts_pool_and_heaps_agree_at_the_end(void)
{
    for (size_t i = 0; i < COUNT_OF(shapes); ++i) {
        world_t* const world = run(&shapes[i], EVENTS);
        const rns_compare_t* const compare = &world->compare;
        uint64_t served = compare->pool_served;
        check_bins(compare);
        if (compare->pool != NULL) {
            rns_pool_stats_t stats;
            rns_pool_stats(&world->pool, &stats);
            CHECK_STATUS(rns_pool_check(&world->pool).status, RNS_OK);
            CHECK_EQUAL(stats.hits + stats.spills, compare->pool_served);
            for (uint32_t tier = 0; tier < stats.tier_count; ++tier) {
                const uint32_t unused = stats.tiers[tier].slot_count - stats.tiers[tier].in_use;
                CHECK_EQUAL(compare->slots_free[tier], unused);
            }
        }
        for (uint32_t j = 0; j < RNS_COMPARE_HEAPS_MAX; ++j) {
            served += compare->heaps[j].served;
            if (compare->heaps[j].heap != NULL) {
                CHECK_STATUS(rns_heap_check(&world->heaps[j]).status, RNS_OK);
            }
        }
        CHECK_EQUAL(served + compare->failure_count, trace.block_count);
        end(world);
    }
}

static void test_serves_stops_at_the_first_failure_that_a_run_counts(void)
{
    uint32_t failing = 0;
    for (size_t i = 0; i < COUNT_OF(shapes); ++i) {
        world_t* const counted = run(&shapes[i], EVENTS);
        world_t* const other = begin(&shapes[i]);
        const bool fails = counted->compare.failure_count > 0;
        const size_t first = fails ? (size_t)counted->compare.failures[0].event : EVENTS;
        CHECK_STATUS(rns_compare_serves(&other->compare, 0, first), RNS_OK);
        if (fails) {
            CHECK_STATUS(rns_compare_serves(&other->compare, first, EVENTS), RNS_MISS_EXHAUSTED);
            ++failing;
        }
        end(counted);
        end(other);
    }
    CHECK(failing > 0 && failing < COUNT_OF(shapes));
}

static void check_empty(world_t* self, const shape_t* shape)
{
    for (uint32_t i = 0; i < RNS_COMPARE_HEAPS_MAX; ++i) {
        if (shape->arena_bytes[i] != 0) {
            const uint32_t free_bytes = rns_heap_total_free(&self->heaps[i]);
            CHECK_STATUS(rns_heap_check(&self->heaps[i]).status, RNS_OK);
            CHECK_EQUAL(free_bytes, self->compare.heaps[i].free_min_bytes);
        }
    }
    if (shape->pool != 0) {
        rns_pool_stats_t stats;
        rns_pool_stats(&self->pool, &stats);
        CHECK_STATUS(rns_pool_check(&self->pool).status, RNS_OK);
        CHECK_EQUAL(stats.in_use, 0);
    }
}

static void time_shape(const shape_t* shape)
{
    world_t* const counted = run(shape, EVENTS);
    world_t* const other = begin(shape);
    rns_timed_t timed = {.pool = other->compare.pool,
                         .heaps = {other->compare.heaps[0].heap, other->compare.heaps[1].heap},
                         .events = trace.events,
                         .block = trace.block,
                         .blocks = zeros(trace.block_count, sizeof *timed.blocks),
                         .block_count = trace.block_count};
    for (uint32_t round = 0; round < 2; ++round) {
        rns_timed_begin(&timed);
        rns_timed_run(&timed, 0, EVENTS);
        CHECK_EQUAL(timed.failures, counted->compare.failure_count);
        rns_timed_end(&timed);
        check_empty(other, shape);
    }
    free(timed.blocks);
    end(counted);
    end(other);
}

static void test_what_is_timed_serves_what_is_counted_and_gives_all_back(void)
{
    for (size_t i = 0; i < COUNT_OF(shapes); ++i) {
        time_shape(&shapes[i]);
    }
    rns_timed_t timed = {.events = trace.events,
                         .block = trace.block,
                         .blocks = zeros(trace.block_count, sizeof *timed.blocks),
                         .block_count = trace.block_count};
    rns_timed_begin(&timed);
    rns_timed_run(&timed, 0, EVENTS);
    CHECK_EQUAL(timed.failures, 0);
    rns_timed_end(&timed);
    rns_timed_trim();
    free(timed.blocks);
}

/// Send the trace to the pool, whose hook asks the regions; give all back.
static uint64_t run_hooked(rns_pool_t* pool)
{
    void** const blocks = zeros(trace.block_count, sizeof *blocks);
    uint64_t failures = 0;
    for (size_t i = 0; i < EVENTS; ++i) {
        const rns_event_t* const event = &trace.events[i];
        void** const block = &blocks[trace.block[i]];
        if (event->op == RNS_EVENT_ALLOC) {
            const size_t size_bytes = (size_t)event->size_bytes;
            failures += rns_pool_take(pool, size_bytes, RNS_PRIORITY_NORMAL, block) != RNS_OK;
        } else if (*block != NULL) {
            CHECK_STATUS(rns_pool_give(pool, *block), RNS_OK);
            *block = NULL;
        }
    }
    for (size_t i = 0; i < trace.block_count; ++i) {
        if (blocks[i] != NULL) {
            CHECK_STATUS(rns_pool_give(pool, blocks[i]), RNS_OK);
        }
    }
    free(blocks);
    return failures;
}

static void hook_shape(const shape_t* shape)
{
    world_t* const counted = run(shape, EVENTS);
    world_t* const other = begin(shape);
    rns_regions_t regions = {.header_bytes = 0};
    uint64_t asked = trace.block_count - counted->compare.pool_served;
    for (uint32_t i = 0; i < RNS_REGIONS_HEAPS_MAX; ++i) {
        regions.regions[i].heap = other->compare.heaps[i].heap;
    }
    rns_regions_begin(&regions);
    other->pool.fallback = rns_regions_fallback(&regions);
    CHECK_EQUAL(run_hooked(&other->pool), counted->compare.failure_count);
    for (uint32_t i = 0; i < RNS_REGIONS_HEAPS_MAX; ++i) {
        const rns_region_t* const region = &regions.regions[i];
        CHECK_EQUAL(region->served, counted->compare.heaps[i].served);
        CHECK_EQUAL(region->free_min_bytes, counted->compare.heaps[i].free_min_bytes);
        CHECK_EQUAL(region->large, 0);
        asked -= region->served;
        CHECK_EQUAL(region->refused, region->heap == NULL ? 0 : asked);
    }
    other->pool.fallback = (rns_fallback_t){0};
    check_empty(other, shape);
    end(counted);
    end(other);
}

static void test_regions_behind_a_pool_serve_what_its_heaps_are_counted_to(void)
{
    uint32_t count = 0;
    for (size_t i = 0; i < COUNT_OF(shapes); ++i) {
        if (shapes[i].pool != 0) {
            hook_shape(&shapes[i]);
            ++count;
        }
    }
    CHECK_EQUAL(count, 4);
}

int main(void)
{
    make_trace();
    RUN(test_what_is_timed_serves_what_is_counted_and_gives_all_back);
    RUN(test_regions_behind_a_pool_serve_what_its_heaps_are_counted_to);
    RUN(test_many_calls_give_what_one_call_gives);
    RUN(test_counts_pool_and_heaps_agree_at_the_end);
    RUN(test_serves_stops_at_the_first_failure_that_a_run_counts);
    free(trace.events);
    free(trace.block);
    free(trace.alloc_rows);
    free(trace.edges_ns);
    return check_finish();
}
