/* Times take + give of pool builds and heaps through the same two function pointers, interleaved
 * in one process; prints one line per contender, workload and round. Run by core_peers.py.
 *
 * Workloads: a256, a512, a1024: take, touch, give. b: 12 live buffers per tier, replaced at
 * random. c: 16 takes of mixed sizes, then 16 gives in the same order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTENDERS_MAX  24
#define PAIRS_PER_ROUND 20000u
#define LIVE_PER_TIER   12u

typedef struct {
    const char* name;
    void* (*take)(size_t size_bytes);
    void (*give)(void* block);
    int (*is_clean)(void);
} contender_t;

static const size_t sizes_of_tier[3][5] = {
    {32, 64, 167, 200, 256}, {300, 464, 500, 512, 500}, {700, 1000, 1024, 1000, 700}};

/* Drawn beforehand, so that drawing is not timed. */
static struct {
    size_t size_bytes;
    uint32_t place;
} draws[PAIRS_PER_ROUND];

static uint32_t random_state = 1u;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void draw(void)
{
    for (uint32_t i = 0; i < PAIRS_PER_ROUND; ++i) {
        const uint32_t tier = next_random() % 3u;
        draws[i].place = tier * LIVE_PER_TIER + next_random() % LIVE_PER_TIER;
        draws[i].size_bytes = sizes_of_tier[tier][next_random() % 5u];
    }
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void* take_touched(const contender_t* contender, size_t size_bytes)
{
    char* const block = contender->take(size_bytes);
    if (block == NULL) {
        fprintf(stderr, "%s refused %zu bytes\n", contender->name, size_bytes);
        exit(1);
    }
    *(volatile char*)block = 1;
    return block;
}

static double run_a(const contender_t* contender, size_t size_bytes)
{
    const double start = now_ns();
    for (uint32_t i = 0; i < PAIRS_PER_ROUND; ++i) {
        contender->give(take_touched(contender, size_bytes));
    }
    return now_ns() - start;
}

static double run_b(const contender_t* contender)
{
    void* live[3 * LIVE_PER_TIER];
    for (uint32_t i = 0; i < 3 * LIVE_PER_TIER; ++i) {
        live[i] = take_touched(contender, sizes_of_tier[i / LIVE_PER_TIER][0]);
    }
    const double start = now_ns();
    for (uint32_t i = 0; i < PAIRS_PER_ROUND; ++i) {
        void** const place = &live[draws[i].place];
        contender->give(*place);
        *place = take_touched(contender, draws[i].size_bytes);
    }
    const double ns = now_ns() - start;
    for (uint32_t i = 0; i < 3 * LIVE_PER_TIER; ++i) {
        contender->give(live[i]);
    }
    return ns;
}

static double run_c(const contender_t* contender)
{
    void* burst[16];
    const double start = now_ns();
    for (uint32_t i = 0; i + 16u <= PAIRS_PER_ROUND; i += 16u) {
        for (uint32_t j = 0; j < 16u; ++j) {
            burst[j] = take_touched(contender, draws[i + j].size_bytes);
        }
        for (uint32_t j = 0; j < 16u; ++j) {
            contender->give(burst[j]);
        }
    }
    return now_ns() - start;
}

static const char* const workloads[] = {"a256", "a512", "a1024", "b", "c"};

static double run(const contender_t* contender, const char* workload)
{
    if (workload[0] == 'a') {
        return run_a(contender, (size_t)atoi(workload + 1));
    }
    return workload[0] == 'b' ? run_b(contender) : run_c(contender);
}

static void* symbol(void* library, const char* name)
{
    void* const found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

/// Load "name=path:take_symbol:give_symbol"; an empty path is this process's own heap.
static contender_t load(char* argument)
{
    contender_t contender = {.name = strtok(argument, "=")};
    const char* const path = strtok(NULL, ":");
    const char* const take = strtok(NULL, ":");
    const char* const give = strtok(NULL, ":");
    void* const library =
        dlopen(strcmp(path, "self") == 0 ? NULL : path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void**)&contender.take = symbol(library, take);
    *(void**)&contender.give = symbol(library, give);
    int (*init)(void) = NULL;
    *(void**)&init = dlsym(library, "bench_init");
    if (init != NULL) {
        *(void**)&contender.is_clean = symbol(library, "bench_is_clean");
        if (init() != 0) {
            fprintf(stderr, "%s: init failed\n", contender.name);
            exit(1);
        }
    }
    return contender;
}

int main(int argc, char** argv)
{
    contender_t contenders[CONTENDERS_MAX];
    const int count = argc - 2;
    const int rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || count > CONTENDERS_MAX) {
        fprintf(stderr, "usage: %s ROUNDS NAME=PATH:TAKE:GIVE...\n", argv[0]);
        return 2;
    }
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    for (int i = 0; i < count; ++i) {
        contenders[i] = load(argv[i + 2]);
    }
    for (int round = -1; round < rounds; ++round) { /* round -1 warms up */
        draw();
        for (size_t w = 0; w < sizeof workloads / sizeof workloads[0]; ++w) {
            for (int i = 0; i < count; ++i) {
                const contender_t* const contender = &contenders[(i + round + 1) % count];
                const double ns = run(contender, workloads[w]) / PAIRS_PER_ROUND;
                if (round >= 0) {
                    printf("%s %s %d %.3f\n", contender->name, workloads[w], round, ns);
                }
            }
        }
    }
    for (int i = 0; i < count; ++i) {
        if (contenders[i].is_clean != NULL && !contenders[i].is_clean()) {
            fprintf(stderr, "%s: missed, misused or left over\n", contenders[i].name);
            return 1;
        }
    }
    return 0;
}
