/* Times every operation of every peer, interleaved in one process; prints one line per peer,
 * operation, size and round. Run by bytes_peers.py.
 *
 * Usage: harness ROUNDS THREADS NAME=PATH... ; with 2 THREADS a second one sleeps, which alone
 * makes std::shared_ptr count atomically. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEERS_MAX       16
#define DATA_BYTES      1000u
#define CALLS_PER_ROUND 4000u
#define HEADER_BYTES    19u
#define APPEND_BYTES    32u
#define TRAILER_BYTES   64u

typedef double (*operation_t)(const uint8_t* data, size_t bytes, uint32_t count);

static const struct {
    const char* name;
    size_t sizes[3];
} operations[] = {
    {"create", {16, 500, 1000}},
    {"share", {500}},
    {"slice", {500}},
    {"write", {500}},
    {"append", {500}},
    {"concat", {500}},
    {"packet", {500}},
    {"prepend", {500}},
    {"tail", {500}},
    {"cow_append", {500}},
};

#define OPERATION_COUNT (sizeof operations / sizeof operations[0])

typedef struct {
    const char* name;
    void* library;
    operation_t operations[OPERATION_COUNT]; ///< NULL: it has no such operation.
} peer_t;

/* What the peers copy from. It moves each round: a load waits for an earlier store whose address
 * differs by a multiple of 4 KiB, so that one place would favour one peer. */
static uint8_t memory[4096 + DATA_BYTES];
static const uint8_t* data = memory;

static void place_data(int round)
{
    uint8_t* const start = memory + (uint32_t)(round + 1) * 208u % 4096u;
    for (size_t i = 0; i < DATA_BYTES; ++i) {
        start[i] = (uint8_t)(i * 7u + i / 256u);
    }
    data = start;
}

static void* symbol(const peer_t* peer, const char* name)
{
    void* const found = dlsym(peer->library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

/// Load "name=path".
static peer_t load(char* argument)
{
    peer_t peer = {.name = strtok(argument, "=")};
    peer.library = dlopen(strtok(NULL, "="), RTLD_NOW | RTLD_LOCAL);
    if (peer.library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    for (size_t i = 0; i < OPERATION_COUNT; ++i) {
        char name[64];
        snprintf(name, sizeof name, "bench_%s", operations[i].name);
        *(void**)&peer.operations[i] = dlsym(peer.library, name);
    }
    int (*init)(void);
    *(void**)&init = symbol(&peer, "bench_init");
    if (init() != 0) {
        fprintf(stderr, "%s: init failed\n", peer.name);
        exit(1);
    }
    return peer;
}

/// Append a value to the expected results, as bench_results() does.
static uint8_t* expect(uint8_t* to, const uint8_t* content, size_t bytes)
{
    to[0] = (uint8_t)(bytes >> 8);
    to[1] = (uint8_t)bytes;
    memcpy(to + 2, content, bytes);
    return to + 2 + bytes;
}

/// Compare what the peer makes of `bytes` of data with what plain memory says.
static void verify(const peer_t* peer, size_t bytes)
{
    uint8_t expected[16384];
    uint8_t results[16384];
    uint8_t changed[DATA_BYTES + TRAILER_BYTES];
    uint8_t* to = expected;
    memcpy(changed, data, bytes);
    memcpy(changed + bytes, data, TRAILER_BYTES);
    changed[1] = 0x5A;
    to = expect(to, changed, bytes + TRAILER_BYTES);
    to = expect(to, data, HEADER_BYTES);
    to = expect(to, data + HEADER_BYTES, bytes - HEADER_BYTES);
    to = expect(to, data, bytes);
    to = expect(to, data, bytes);
    to = expect(to, data, bytes);
    changed[0] = 0xA5;
    changed[1] = data[1];
    to = expect(to, changed, bytes + APPEND_BYTES);
    to = expect(to, changed, bytes);
    to = expect(to, data, bytes);
    size_t (*run)(const uint8_t*, size_t, uint8_t*);
    *(void**)&run = dlsym(peer->library, "bench_results");
    if (run == NULL) { /* it only copies */
        return;
    }
    const size_t length = run(data, bytes, results);
    if (length != (size_t)(to - expected) || memcmp(results, expected, length) != 0) {
        fprintf(stderr, "%s: wrong results\n", peer->name);
        exit(1);
    }
}

static void verify_clean(const peer_t* peer)
{
    int (*is_clean)(void);
    *(void**)&is_clean = symbol(peer, "bench_is_clean");
    if (!is_clean()) {
        fprintf(stderr, "%s: missed, misused or left over\n", peer->name);
        exit(1);
    }
}

static void run_round(const peer_t* peers, int count, int round)
{
    for (size_t i = 0; i < OPERATION_COUNT; ++i) {
        for (size_t s = 0; s < 3 && operations[i].sizes[s] != 0; ++s) {
            for (int p = 0; p < count; ++p) {
                const peer_t* const peer = &peers[(p + round + 1) % count];
                if (peer->operations[i] == NULL) {
                    continue;
                }
                const size_t bytes = operations[i].sizes[s];
                const double ns = peer->operations[i](data, bytes, CALLS_PER_ROUND);
                if (round >= 0) {
                    printf("%s %s %zu %.3f\n", peer->name, operations[i].name, bytes,
                           ns / CALLS_PER_ROUND);
                }
            }
        }
    }
}

static void* sleep_forever(void* unused)
{
    for (;;) {
        pause();
    }
    return unused;
}

int main(int argc, char** argv)
{
    peer_t peers[PEERS_MAX];
    const int count = argc - 3;
    const int rounds = argc > 3 ? atoi(argv[1]) : 0;
    if (rounds < 1 || count > PEERS_MAX) {
        fprintf(stderr, "usage: %s ROUNDS THREADS NAME=PATH...\n", argv[0]);
        return 2;
    }
    pthread_t thread;
    if (atoi(argv[2]) > 1 && pthread_create(&thread, NULL, sleep_forever, NULL) != 0) {
        return 1;
    }
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    place_data(-1);
    for (int i = 0; i < count; ++i) {
        peers[i] = load(argv[i + 3]);
        verify(&peers[i], 500);
        verify(&peers[i], 100);
    }
    for (int round = -1; round < rounds; ++round) { /* round -1 warms up */
        place_data(round);
        run_round(peers, count, round);
    }
    for (int i = 0; i < count; ++i) {
        verify_clean(&peers[i]);
    }
    return 0;
}
