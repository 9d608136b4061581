/* What the counter has to catch before its zeros mean anything: planted allocations. */
#define _GNU_SOURCE
#include "allocs.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_COUNT 4u

/* The site that the report has to name. */
__attribute__((noinline)) static void planted_allocation(void)
{
    void* const block = malloc(100);
    allocs_touch(block);
    free(block);
}

static void run_planted(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        if (i % ALLOCS_PLANT_EVERY == 0) {
            planted_allocation();
        }
    }
}

static void run_family(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        void* aligned = NULL;
        allocs_require(posix_memalign(&aligned, 64, 64) == 0, "posix_memalign");
        void* const blocks[] = {malloc(1),
                                calloc(2, 3),
                                realloc(NULL, 8),
                                reallocarray(NULL, 2, 8),
                                memalign(64, 64),
                                aligned_alloc(64, 64),
                                realloc(malloc(8), 4000),
                                valloc(100),
                                pvalloc(100),
                                strdup("inside libc"),
                                aligned};
        for (size_t j = 0; j < sizeof blocks / sizeof blocks[0]; ++j) {
            allocs_touch(blocks[j]);
            free(blocks[j]);
        }
        allocs_plant_new();
    }
}

/* Threads that are there before the counting begins, since making one allocates. */
static pthread_t threads[THREAD_COUNT];
static pthread_barrier_t barrier;
static uint64_t work; /* Allocations of each thread in this round; 0: end. */

static void* plant(void* unused)
{
    for (;;) {
        (void)pthread_barrier_wait(&barrier);
        if (work == 0) {
            return unused;
        }
        for (uint64_t i = 0; i < work; ++i) {
            planted_allocation();
        }
        (void)pthread_barrier_wait(&barrier);
    }
}

static void open_threads(allocs_world_t* world, uint32_t parameter)
{
    (void)world;
    (void)parameter;
    allocs_require(pthread_barrier_init(&barrier, NULL, THREAD_COUNT + 1u) == 0, "barrier");
    for (uint32_t i = 0; i < THREAD_COUNT; ++i) {
        allocs_require(pthread_create(&threads[i], NULL, plant, NULL) == 0, "thread");
    }
}

static void run_threads(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    work = operations / THREAD_COUNT;
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_barrier_wait(&barrier);
}

static void close_threads(allocs_world_t* world)
{
    (void)world;
    work = 0;
    (void)pthread_barrier_wait(&barrier);
    for (uint32_t i = 0; i < THREAD_COUNT; ++i) {
        allocs_require(pthread_join(threads[i], NULL) == 0, "join");
    }
    (void)pthread_barrier_destroy(&barrier);
}

static const allocs_path_t controls[] = {
    {.name = "planted",
     .operation = "nothing, but malloc and free in every 8th",
     .run = run_planted,
     .notes_sites = true},
    {.name = "planted, whole family",
     .operation =
         "14 calls: each function that allocates, malloc and realloc twice, strdup, new, new[]",
     .run = run_family,
     .notes_sites = true,
     .operations_most = 1000}, /* valloc and pvalloc are slow */
    {.name = "planted, 4 threads",
     .operation = "malloc and free in one of 4 threads",
     .open = open_threads,
     .run = run_threads,
     .close = close_threads,
     .operations_least = 200000}, /* and no sites, so that threads meet in the counter */
};

const allocs_group_t allocs_controls = {"control", controls, sizeof controls / sizeof controls[0]};

static void run_shared_ptr(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    allocs_peer_shared_ptr(operations);
}

static void run_make_shared(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    allocs_peer_make_shared(operations);
}

static const allocs_path_t peers[] = {
    {.name = "packet, new + shared_ptr<vector>",
     .operation = "what packet as Bytes does, slices copied",
     .run = run_shared_ptr},
    {.name = "packet, make_shared<vector>",
     .operation = "what packet as Bytes does, slices copied",
     .run = run_make_shared},
};

const allocs_group_t allocs_peers = {"peer", peers, sizeof peers / sizeof peers[0]};
