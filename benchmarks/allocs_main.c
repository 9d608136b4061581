/* Counts the heap allocations of every path, in one process; prints a line of JSON for each run of
 * a path. Run by allocs.py. */
#define _GNU_SOURCE
#include "allocs.h"
#include "heap_counter.h"
#include "rns_malloc_fallback.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS           5u
#define TIER_COUNT       4u
#define SPARE_SLOT_COUNT 2048u
#define HEADROOM_BYTES   32u
#define TAILROOM_BYTES   64u

static const uint32_t tier_bytes[TIER_COUNT] = {64, 256, 512, 1024};

/* Slots of each tier; a tier with none is left out. */
typedef struct {
    uint32_t counts[TIER_COUNT];
} slots_t;

/* One run of a path. */
typedef struct {
    slots_t slots;
    bool is_steady; /* Counted after a round to warm up; else from open() to close(). */
    uint64_t operations;
    uint64_t ns[ROUNDS];
    heap_counts_t heap;
    rns_pool_stats_t before;
    rns_pool_stats_t after;
    rns_store_stats_t store_before;
    rns_store_stats_t store_after;
    rns_counter_t misses; /* From the pool's first moment to its last. */
} result_t;

void allocs_require(bool is_right, const char* what)
{
    if (!is_right) {
        fprintf(stderr, "allocs: not so: %s\n", what);
        exit(2);
    }
}

void allocs_require_ok(rns_status_t status, const char* what)
{
    if (status != RNS_OK) {
        fprintf(stderr, "allocs: %s: %s\n", rns_status_name(status), what);
        exit(2);
    }
}

/* ---- The pool of a run ---------------------------------------------------------------------- */

static void make_world(allocs_world_t* world, const slots_t* slots, const allocs_path_t* path,
                       bool has_fallback)
{
    static _Alignas(64) uint8_t storage[8u << 20];
    rns_tier_config_t tiers[TIER_COUNT];
    uint32_t tier_count = 0;
    for (uint32_t i = 0; i < TIER_COUNT; ++i) {
        if (slots->counts[i] > 0) {
            tiers[tier_count++] =
                (rns_tier_config_t){.slot_bytes = tier_bytes[i], .slot_count = slots->counts[i]};
        }
    }
    if (tier_count == 0) { /* the least pool that there is */
        tiers[tier_count++] = (rns_tier_config_t){.slot_bytes = 1, .slot_count = 1};
    }
    const rns_pool_config_t config = {.tiers = tiers,
                                      .tier_count = tier_count,
                                      .policy = RNS_POLICY_STRICT,
                                      .header_bytes = path->is_raw ? 0 : RNS_BUFFER_HEADER_BYTES,
                                      .fallback = has_fallback ? rns_malloc_fallback()
                                                               : (rns_fallback_t){.take = NULL}};
    const rns_store_options_t options = {.headroom_bytes = HEADROOM_BYTES,
                                         .tailroom_bytes = TAILROOM_BYTES};
    allocs_require_ok(
        rns_pool_init(&world->pool, &config, (rns_memory_t){storage, sizeof storage}),
        "the pool begins");
    if (!path->is_raw) {
        allocs_require_ok(rns_store_init(&world->store, &world->pool, &options),
                          "the store begins");
    }
}

/* Return the high-water mark of each tier. */
static slots_t high_water(allocs_world_t* world)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&world->pool, &stats);
    slots_t slots = {{0}};
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        for (uint32_t j = 0; j < TIER_COUNT; ++j) {
            if (stats.tiers[i].slot_bytes == tier_bytes[j]) {
                slots.counts[j] = stats.tiers[i].high_water;
            }
        }
    }
    return slots;
}

/* Take a slot of each tier from under the path; return how many. */
static uint32_t hold_slots(allocs_world_t* world, void* held[TIER_COUNT])
{
    rns_pool_stats_t stats;
    rns_pool_stats(&world->pool, &stats);
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        allocs_require_ok(
            rns_pool_take(&world->pool, stats.tiers[i].slot_bytes, RNS_PRIORITY_NORMAL, &held[i]),
            "an empty tier has a slot");
    }
    return stats.tier_count;
}

static void give_held(allocs_world_t* world, void* const* held, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        allocs_require_ok(rns_pool_give(&world->pool, held[i]), "a held slot is given back");
    }
}

static void require_at_rest(allocs_world_t* world, result_t* result)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&world->pool, &stats);
    allocs_require(stats.in_use == 0, "the path gave back every slot");
    allocs_require(stats.fallbacks == stats.fallback_gives, "and every block of the heap");
    allocs_require(rns_pool_check(&world->pool).status == RNS_OK, "the pool is sound");
    result->misses = stats.exhausted + stats.oversize;
}

/* ---- A run ---------------------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void open_path(const allocs_path_t* path, allocs_world_t* world)
{
    if (path->open != NULL) {
        path->open(world, path->parameter);
    }
}

static void close_path(const allocs_path_t* path, allocs_world_t* world)
{
    if (path->close != NULL) {
        path->close(world);
    }
}

static rns_store_stats_t store_stats(const allocs_path_t* path, allocs_world_t* world)
{
    return path->is_raw ? (rns_store_stats_t){0} : rns_store_stats(&world->store);
}

/* Warm up, then count. */
static void run_steady(const allocs_path_t* path, allocs_world_t* world, uint64_t operations,
                       bool notes_sites, result_t* result)
{
    result->is_steady = true;
    open_path(path, world);
    path->run(world, operations);
    rns_pool_stats(&world->pool, &result->before);
    result->store_before = store_stats(path, world);
    const uint64_t done = path->done == NULL ? 0 : path->done();
    heap_counter_start(notes_sites);
    for (uint32_t round = 0; round < ROUNDS; ++round) {
        const uint64_t start = clock_ns();
        path->run(world, operations);
        result->ns[round] = clock_ns() - start;
    }
    result->heap = heap_counter_stop();
    rns_pool_stats(&world->pool, &result->after);
    result->store_after = store_stats(path, world);
    result->operations = operations * ROUNDS;
    allocs_require(path->done == NULL || path->done() - done == result->operations,
                   "every operation was done");
    close_path(path, world);
    require_at_rest(world, result);
}

/* Count from the first moment to the last, since what is kept misses at the beginning. */
static void run_short_of_slots(const allocs_path_t* path, allocs_world_t* world,
                               uint64_t operations, result_t* result)
{
    void* held[TIER_COUNT];
    const uint32_t held_count = hold_slots(world, held);
    rns_pool_stats(&world->pool, &result->before);
    heap_counter_start(false);
    open_path(path, world);
    path->run(world, operations);
    close_path(path, world);
    result->heap = heap_counter_stop();
    rns_pool_stats(&world->pool, &result->after);
    result->operations = operations;
    give_held(world, held, held_count);
    require_at_rest(world, result);
}

/* ---- Printing ------------------------------------------------------------------------------- */

static void print_counter(const char* name, uint64_t value)
{
    printf(", \"%s\": %" PRIu64, name, value);
}

static void print_sites(void)
{
    const heap_site_t* sites;
    const size_t count = heap_counter_sites(&sites);
    printf(", \"sites\": [");
    for (size_t i = 0; i < count; ++i) {
        printf("%s{\"allocations\": %" PRIu64 ", \"frames\": [", i ? ", " : "",
               sites[i].allocations);
        for (size_t j = 0; j < sites[i].depth; ++j) {
            Dl_info found = {0};
            const uintptr_t address = (uintptr_t)sites[i].frames[j];
            (void)dladdr(sites[i].frames[j], &found);
            printf("%s[\"%s\", %" PRIuPTR ", \"%s\"]", j ? ", " : "",
                   found.dli_fname ? found.dli_fname : "?", address - (uintptr_t)found.dli_fbase,
                   found.dli_sname ? found.dli_sname : "?");
        }
        printf("]}");
    }
    printf("]");
}

static void print_steady(const result_t* result)
{
    const rns_store_stats_t* const first = &result->store_before;
    const rns_store_stats_t* const last = &result->store_after;
    printf(", \"ns\": [");
    for (uint32_t round = 0; round < ROUNDS; ++round) {
        printf("%s%" PRIu64, round ? ", " : "", result->ns[round]);
    }
    printf("]");
    print_counter("requests", result->after.requests - result->before.requests);
    print_counter("shares", last->shares - first->shares);
    print_counter("slices", last->slices - first->slices);
    print_counter("cow_copies", last->cow_copies - first->cow_copies);
    print_counter("tail_appends", last->tail_appends - first->tail_appends);
    print_counter("grows", last->grows - first->grows);
    print_counter("compactions", last->compactions - first->compactions);
    print_sites();
}

static void print_short_of_slots(const result_t* result)
{
    print_counter("requests", result->after.requests - result->before.requests);
    print_counter("fallbacks", result->after.fallbacks);
    print_counter("fallback_gives", result->after.fallback_gives);
}

static void print_result(const char* kind, const allocs_path_t* path, const char* pool,
                         const result_t* result)
{
    printf("{\"kind\": \"%s\", \"name\": \"%s\", \"operation\": \"%s\", \"pool\": \"%s\"", kind,
           path->name, path->operation, pool);
    printf(", \"slots\": {");
    for (uint32_t i = 0; i < TIER_COUNT; ++i) {
        printf("%s\"%" PRIu32 "\": %" PRIu32, i ? ", " : "", tier_bytes[i],
               result->slots.counts[i]);
    }
    printf("}");
    print_counter("operations", result->operations);
    print_counter("allocations", result->heap.allocations);
    print_counter("bytes", result->heap.bytes);
    print_counter("frees", result->heap.frees);
    print_counter("own", result->heap.own);
    print_counter("misses", result->misses);
    (result->is_steady ? print_steady : print_short_of_slots)(result);
    printf("}\n");
    fflush(stdout);
}

/* ---- The runs of a path --------------------------------------------------------------------- */

static allocs_world_t world;

static void run_path(const char* kind, const allocs_path_t* path, uint64_t operations)
{
    result_t spare = {
        .slots = {{SPARE_SLOT_COUNT, SPARE_SLOT_COUNT, SPARE_SLOT_COUNT, SPARE_SLOT_COUNT}}};
    make_world(&world, &spare.slots, path, false);
    run_steady(path, &world, operations, true, &spare);
    allocs_require(spare.misses == 0, "slots to spare suffice");

    result_t exact = {.slots = high_water(&world)};
    make_world(&world, &exact.slots, path, false);
    run_steady(path, &world, operations, true, &exact);
    print_result(kind, path, "exact", &exact);

    result_t small = {.slots = exact.slots};
    make_world(&world, &small.slots, path, true);
    run_short_of_slots(path, &world, operations, &small);
    print_result(kind, path, "too small", &small);
}

static uint64_t operations_of(const allocs_path_t* path, uint64_t asked)
{
    const uint64_t most = path->operations_most;
    const uint64_t few = most > 0 && most < asked ? most : asked;
    return few < path->operations_least ? path->operations_least : few;
}

static void run_group(const allocs_group_t* group, uint64_t operations)
{
    for (size_t i = 0; i < group->count; ++i) {
        const allocs_path_t* const path = &group->paths[i];
        const uint64_t in_round = operations_of(path, operations);
        if (strcmp(group->kind, "path") == 0) {
            run_path(group->kind, path, in_round);
        } else {
            result_t result = {.slots = {{0}}};
            make_world(&world, &result.slots, path, false);
            run_steady(path, &world, in_round, path->notes_sites, &result);
            print_result(group->kind, path, "none", &result);
        }
    }
}

int main(int argc, char** argv)
{
    static char buffer[1u << 16];
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    const uint64_t asked = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    /* Whole runs of planted operations, so that the counts come out even. */
    const uint64_t operations = asked - asked % ALLOCS_PLANT_EVERY;
    if (operations == 0) {
        fprintf(stderr, "usage: %s OPERATIONS (at least %u) LOG\n", argv[0], ALLOCS_PLANT_EVERY);
        return 2;
    }
    run_group(&allocs_controls, operations);
    run_group(&allocs_bytes_paths, operations);
    run_group(&allocs_packet_paths, operations);
    run_group(&allocs_node_paths, operations);
    const allocs_group_t rtp_paths = allocs_rtp_paths();
    const allocs_group_t log_paths = allocs_log_paths(argv[2]);
    run_group(&log_paths, operations);
    run_group(&rtp_paths, operations);
    run_group(&allocs_peers, operations);
    return 0;
}
