/* Times the table beside the obvious one, an array that is searched from its start, interleaved in
 * one process; prints one line per contender, workload, count and round. Run by table_speed.py.
 *
 * Both hold `count` entries with 16-byte keys that look like hashes and 32-byte values. hit: find
 * a key that is there. miss: find one that is not. update: put a key that is there. ring: put a
 * new key into a full ring. cull: put a new key into a table that culls at 90 %, of which `count`
 * is the capacity; the array looks for the oldest and overwrites it. */
#define _GNU_SOURCE
#include "rns_table.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_MAX      2048u
#define CALLS          20000u
#define KEY_BYTES      16u
#define VALUE_BYTES    32u
#define WORKLOAD_COUNT 5u

typedef struct {
    unsigned char bytes[KEY_BYTES];
} benchmark_key_t;

typedef struct {
    benchmark_key_t keys[COUNT_MAX];
    unsigned char values[COUNT_MAX][VALUE_BYTES];
    uint64_t time_ns[COUNT_MAX];
    uint32_t count;
    uint32_t oldest;
} scan_t;

static const char* const workloads[WORKLOAD_COUNT] = {"hit", "miss", "update", "ring", "cull"};

/* Drawn beforehand, so that drawing is not timed. */
static benchmark_key_t present[COUNT_MAX];
static benchmark_key_t hits[CALLS];
static benchmark_key_t misses[CALLS];

static unsigned char value[VALUE_BYTES];
static uint64_t now_ns;
static volatile uintptr_t sink_of_results;
static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static benchmark_key_t next_key(void)
{
    benchmark_key_t key;
    for (uint32_t i = 0; i < KEY_BYTES; i += 8u) {
        const uint64_t random = next_random();
        memcpy(key.bytes + i, &random, 8u);
    }
    return key;
}

static void draw(uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        present[i] = next_key();
    }
    for (uint32_t i = 0; i < CALLS; ++i) {
        hits[i] = present[next_random() % count];
        misses[i] = next_key();
    }
}

static uint32_t scan_find(const scan_t* scan, const benchmark_key_t* key)
{
    uint32_t at = 0;
    while (at < scan->count && memcmp(&scan->keys[at], key, sizeof *key) != 0) {
        ++at;
    }
    return at;
}

static void scan_put(scan_t* scan, const benchmark_key_t* key, uint32_t capacity, int culls)
{
    uint32_t at = scan_find(scan, key);
    if (at == scan->count && scan->count < capacity) {
        ++scan->count;
    } else if (at == scan->count && culls) {
        at = 0;
        for (uint32_t i = 1; i < scan->count; ++i) {
            at = scan->time_ns[i] < scan->time_ns[at] ? i : at;
        }
    } else if (at == scan->count) {
        at = scan->oldest;
        scan->oldest = at + 1u < capacity ? at + 1u : 0u;
    }
    scan->keys[at] = *key;
    memcpy(scan->values[at], value, sizeof value);
    scan->time_ns[at] = ++now_ns;
}

static void table_put(rns_table_t* table, const benchmark_key_t* key)
{
    void* out;
    const rns_status_t status = rns_table_put(table, key, value, ++now_ns, &out);
    if (status != RNS_OK && status != RNS_MISS_PRESENT) {
        fprintf(stderr, "put: %s\n", rns_status_name(status));
        exit(1);
    }
}

static double clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double run_table(uint32_t workload, uint32_t count)
{
    static _Alignas(64) unsigned char storage[COUNT_MAX * 128u];
    static const rns_table_policy_t policies[WORKLOAD_COUNT] = {RNS_TABLE_REJECT, RNS_TABLE_REJECT,
                                                                RNS_TABLE_REJECT, RNS_TABLE_RING,
                                                                RNS_TABLE_CULL_OLDEST};
    rns_table_t table;
    const rns_table_config_t config = {.capacity = count,
                                       .key_bytes = KEY_BYTES,
                                       .value_bytes = VALUE_BYTES,
                                       .policy = policies[workload],
                                       .seed = 0x9E3779B97F4A7C15u};
    if (rns_table_init(&table, &config, (rns_memory_t){storage, sizeof storage}) != RNS_OK) {
        fprintf(stderr, "init failed\n");
        exit(1);
    }
    for (uint32_t i = 0; i < count; ++i) {
        table_put(&table, &present[i]);
    }
    const double start = clock_ns();
    uintptr_t found = 0;
    for (uint32_t i = 0; i < CALLS; ++i) {
        void* out = NULL;
        if (workload == 0) {
            found += rns_table_find(&table, &hits[i], &out) == RNS_OK;
        } else if (workload == 1) {
            found += rns_table_find(&table, &misses[i], &out) == RNS_OK;
        } else {
            table_put(&table, workload == 2 ? &hits[i] : &misses[i]);
        }
    }
    const double ns = clock_ns() - start;
    sink_of_results = found;
    if (rns_table_check(&table).status != RNS_OK || found != (workload == 0 ? CALLS : 0)) {
        fprintf(stderr, "the table is wrong\n");
        exit(1);
    }
    return ns;
}

static double run_scan(uint32_t workload, uint32_t count)
{
    static scan_t scan;
    scan.count = 0;
    scan.oldest = 0;
    for (uint32_t i = 0; i < count; ++i) {
        scan_put(&scan, &present[i], count, workload == 4);
    }
    const double start = clock_ns();
    uintptr_t found = 0;
    for (uint32_t i = 0; i < CALLS; ++i) {
        if (workload < 2) {
            found += scan_find(&scan, workload == 0 ? &hits[i] : &misses[i]) < count;
        } else {
            scan_put(&scan, workload == 2 ? &hits[i] : &misses[i], count, workload == 4);
        }
    }
    const double ns = clock_ns() - start;
    sink_of_results = found;
    return ns;
}

int main(int argc, char** argv)
{
    static const uint32_t counts[] = {64, 512, 2048};
    const int rounds = argc == 2 ? atoi(argv[1]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "usage: %s ROUNDS\n", argv[0]);
        return 2;
    }
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    for (int round = -1; round < rounds; ++round) { /* round -1 warms up */
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; ++c) {
            draw(counts[c]);
            for (uint32_t w = 0; w < WORKLOAD_COUNT; ++w) {
                const double first = round % 2 ? run_table(w, counts[c]) : run_scan(w, counts[c]);
                const double last = round % 2 ? run_scan(w, counts[c]) : run_table(w, counts[c]);
                if (round >= 0) {
                    printf("table %s %u %.3f\n", workloads[w], counts[c],
                           (round % 2 ? first : last) / CALLS);
                    printf("scan %s %u %.3f\n", workloads[w], counts[c],
                           (round % 2 ? last : first) / CALLS);
                }
            }
        }
    }
    return 0;
}
