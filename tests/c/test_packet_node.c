/* rns_packet_node: the events are a trace of the node that its header describes. */
#include "heap_fixture.h"
#include "rns_packet_node.h"

#include <stdlib.h>

#define SHARE  52428u
#define EVENTS 400000u

typedef struct {
    rns_packet_node_t node;
    void* storage;
    rns_event_t* events;
} generated_t;

static generated_t generate(uint64_t seed, size_t chunk)
{
    generated_t g = {.events = calloc(EVENTS, sizeof(rns_event_t))};
    const size_t bytes = rns_packet_node_storage_bytes(SHARE);
    g.storage = malloc(bytes);
    if (g.storage == NULL || g.events == NULL) {
        abort();
    }
    const rns_memory_t storage = {g.storage, bytes};
    CHECK_STATUS(rns_packet_node_init(&g.node, SHARE, seed, storage), RNS_OK);
    for (size_t i = 0; i < EVENTS; i += chunk) {
        rns_packet_node_events(&g.node, g.events + i, chunk);
    }
    return g;
}

static void drop(generated_t* g)
{
    free(g->events);
    free(g->storage);
}

static void test_events_are_a_valid_trace_within_the_share(void)
{
    generated_t g = generate(1, EVENTS);
    rns_event_t* const allocs = calloc(rns_packet_node_blocks(SHARE), sizeof *allocs);
    if (allocs == NULL) {
        abort();
    }
    uint64_t live[2] = {0};
    int64_t t_ns = 0;
    for (size_t i = 0; i < EVENTS; ++i) {
        const rns_event_t* const event = &g.events[i];
        CHECK(event->t_ns >= t_ns && event->id < rns_packet_node_blocks(SHARE));
        t_ns = event->t_ns;
        rns_event_t* const alloc = &allocs[event->id];
        CHECK_EQUAL(alloc->size_bytes == 0, event->op == RNS_EVENT_ALLOC);
        if (event->op == RNS_EVENT_ALLOC) {
            const bool is_entry = event->site == 1;
            CHECK(event->size_bytes >= (is_entry ? 60u : 20u));
            CHECK(event->size_bytes <= (is_entry ? 200u : 500u));
            live[event->site] += event->size_bytes;
            CHECK(live[event->site] <= SHARE / 2u);
            *alloc = *event;
        } else {
            live[alloc->site] -= alloc->size_bytes;
            alloc->size_bytes = 0;
        }
    }
    free(allocs);
    drop(&g);
}

static void test_lives_are_exponential_with_the_stated_means(void)
{
    generated_t g = generate(2, EVENTS);
    rns_event_t* const allocs = calloc(rns_packet_node_blocks(SHARE), sizeof *allocs);
    if (allocs == NULL) {
        abort();
    }
    uint64_t count = 0;
    uint64_t sum = 0;
    uint64_t above_mean = 0;
    for (size_t i = 0; i < EVENTS; ++i) {
        const rns_event_t* const event = &g.events[i];
        if (event->op == RNS_EVENT_ALLOC) {
            allocs[event->id] = *event;
        } else if (allocs[event->id].site == 0) {
            const uint64_t life =
                (uint64_t)(event->t_ns - allocs[event->id].t_ns) / RNS_PACKET_NODE_TICK_NS;
            ++count;
            sum += life;
            above_mean += life > RNS_PACKET_LIFE_TICKS ? 1u : 0;
        }
    }
    CHECK(count > 190000);
    /* 50 less the half that rounding down takes, and e to the -1 = 0.368 above it; within 2 %. */
    CHECK(sum * 100u > count * 4850u && sum * 100u < count * 5050u);
    CHECK(above_mean * 1000u > count * 355u && above_mean * 1000u < count * 370u);
    free(allocs);
    drop(&g);
}

/// An entry that was drawn anew each tick until it fits would be a small one.
static void test_sizes_are_uniform_though_they_wait_for_room(void)
{
    generated_t g = generate(5, EVENTS);
    uint64_t sums[2] = {0};
    uint64_t counts[2] = {0};
    for (size_t i = 0; i < EVENTS; ++i) {
        if (g.events[i].op == RNS_EVENT_ALLOC) {
            sums[g.events[i].site] += g.events[i].size_bytes;
            ++counts[g.events[i].site];
        }
    }
    CHECK(counts[0] > 190000 && counts[1] > 1000);
    CHECK(sums[0] >= counts[0] * 258u && sums[0] <= counts[0] * 262u); /* 260 */
    CHECK(sums[1] >= counts[1] * 125u && sums[1] <= counts[1] * 135u); /* 130 */
    drop(&g);
}

static void test_a_seed_gives_the_same_events_in_chunks_of_any_size(void)
{
    generated_t all = generate(3, EVENTS);
    generated_t parts = generate(3, 625);
    generated_t other = generate(4, EVENTS);
    const size_t bytes = EVENTS * sizeof(rns_event_t);
    CHECK(memcmp(all.events, parts.events, bytes) == 0);
    CHECK(memcmp(all.events, other.events, bytes) != 0);
    drop(&all);
    drop(&parts);
    drop(&other);
}

static void test_a_node_without_room_is_refused(void)
{
    rns_packet_node_t node;
    uint64_t storage[1] = {0};
    const rns_memory_t memory = {storage, sizeof storage};
    CHECK_STATUS(rns_packet_node_init(&node, SHARE, 1, memory), RNS_CONFIG_STORAGE_SMALL);
    CHECK_STATUS(rns_packet_node_init(&node, UINT32_MAX, 1, memory), RNS_CONFIG_OVERFLOW);
}

void suite_packet_node(void)
{
    RUN(test_events_are_a_valid_trace_within_the_share);
    RUN(test_lives_are_exponential_with_the_stated_means);
    RUN(test_sizes_are_uniform_though_they_wait_for_room);
    RUN(test_a_seed_gives_the_same_events_in_chunks_of_any_size);
    RUN(test_a_node_without_room_is_refused);
}
