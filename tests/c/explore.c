#include "explore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __x86_64__
#    error "the switch between threads is written for x86-64"
#endif

#define STACK_BYTES 16384u
#define NOBODY      EXPLORE_THREADS_MAX

typedef struct {
    void* stack_pointer;
    const char* operation;
    const volatile void* cell;
    const uint32_t* waits_for; ///< A word that must be 0 before the thread may go on.
    bool is_done;
} thread_t;

/// A state that was followed, and how many schedules lead on from it; no state if that is 0.
typedef struct {
    uint64_t hash[2];
    uint64_t schedules;
} known_t;

static struct {
    const explore_world_t* world;
    void* search; ///< The stack pointer of the search while a thread runs.
    uint32_t current;
    thread_t threads[EXPLORE_THREADS_MAX];
    explore_result_t result;
    bool merges;
    known_t* known;
    size_t known_mask;
    unsigned char* saved[EXPLORE_STEPS_MAX];
    struct {
        uint32_t thread;
        const char* operation;
        const volatile void* cell;
    } trail[EXPLORE_STEPS_MAX];
    uint32_t depth;
} search = {.current = NOBODY};

static _Alignas(16) unsigned char stacks[EXPLORE_THREADS_MAX][STACK_BYTES];

/// Save the registers that a call keeps and the stack pointer; go on where `to` was saved.
void explore_switch(void** from, void* to);
__asm__(".text\n"
        ".globl explore_switch\n"
        ".type explore_switch, @function\n"
        "explore_switch:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n");

uint32_t explore_thread(void)
{
    return search.current;
}

const char* explore_next(uint32_t thread, const volatile void** cell)
{
    *cell = search.threads[thread].cell;
    return search.threads[thread].operation;
}

/// Let the search go on, until it comes back to this thread.
static void pause(const char* operation, const volatile void* cell, const uint32_t* waits_for)
{
    thread_t* const self = &search.threads[search.current];
    self->operation = operation;
    self->cell = cell;
    self->waits_for = waits_for;
    explore_switch(&self->stack_pointer, search.search);
}

void interleave_step(const char* operation, const volatile void* cell)
{
    if (search.current != NOBODY) {
        pause(operation, cell, NULL);
    }
}

void explore_wait(const uint32_t* word)
{
    if (search.current != NOBODY) {
        pause("wait", word, word);
    }
}

static void run_thread(void)
{
    search.world->run(search.current);
    search.threads[search.current].is_done = true;
    pause(NULL, NULL, NULL);
}

/// Make a thread whose first step is to begin.
static void begin_thread(uint32_t thread)
{
    void (*const entry)(void) = run_thread;
    unsigned char* const top = &stacks[thread][STACK_BYTES - 16u];
    memset(stacks[thread], 0, STACK_BYTES);
    /* Six registers, where to go on, a caller's address: a function begins 8 beside 16 bytes. */
    memcpy(top, &entry, sizeof entry);
    search.threads[thread].stack_pointer = top - (size_t)6 * 8;
}

void explore_fault(const char* text)
{
    if (!search.result.is_good) {
        return;
    }
    search.result.is_good = false;
    (void)printf("FAIL %s, after these steps:\n", text);
    const unsigned char* const base = search.world->memory;
    for (uint32_t i = 0; i < search.depth; ++i) {
        const char* const operation = search.trail[i].operation;
        const volatile unsigned char* const cell = search.trail[i].cell;
        if (operation == NULL) {
            (void)printf("  %" PRIu32 " begins\n", search.trail[i].thread);
        } else {
            (void)printf("  %" PRIu32 " %s +%td\n", search.trail[i].thread, operation,
                         cell == NULL ? (ptrdiff_t)0 : cell - base);
        }
    }
}

static size_t live_bytes(uint32_t thread)
{
    const thread_t* const self = &search.threads[thread];
    return self->is_done ? 0
                         : (size_t)(&stacks[thread][STACK_BYTES] -
                                    (const unsigned char*)self->stack_pointer);
}

/// Copy the state away; the place is kept for the next time at this depth.
static void save(void)
{
    unsigned char** const place = &search.saved[search.depth];
    const size_t memory_bytes = search.world->memory_bytes;
    if (*place == NULL) {
        *place = malloc(sizeof search.threads + memory_bytes + sizeof stacks);
    }
    unsigned char* at = *place;
    memcpy(at, search.threads, sizeof search.threads);
    at += sizeof search.threads;
    memcpy(at, search.world->memory, memory_bytes);
    at += memory_bytes;
    for (uint32_t i = 0; i < search.world->thread_count; ++i) {
        const size_t bytes = live_bytes(i);
        memcpy(at, &stacks[i][STACK_BYTES - bytes], bytes);
        at += bytes;
    }
}

static void restore(void)
{
    const unsigned char* at = search.saved[search.depth];
    memcpy(search.threads, at, sizeof search.threads);
    at += sizeof search.threads;
    memcpy(search.world->memory, at, search.world->memory_bytes);
    at += search.world->memory_bytes;
    for (uint32_t i = 0; i < search.world->thread_count; ++i) {
        const size_t bytes = live_bytes(i);
        memcpy(&stacks[i][STACK_BYTES - bytes], at, bytes);
        at += bytes;
    }
}

/// Add bytes, a multiple of 8, to a hash of two lanes.
static void add_to_hash(uint64_t hash[2], const void* bytes, size_t count)
{
    const unsigned char* const at = bytes;
    for (size_t i = 0; i < count; i += 8u) {
        uint64_t word = 0;
        memcpy(&word, at + i, sizeof word);
        hash[0] = (hash[0] ^ word) * 0x9E3779B97F4A7C15u;
        hash[0] ^= hash[0] >> 29;
        hash[1] = (hash[1] + word) * 0xC2B2AE3D27D4EB4Fu;
        hash[1] ^= hash[1] >> 31;
    }
}

/// Return the place of a state among those that were followed; schedules are 0 if it is new.
static known_t* find_known(const uint64_t hash[2])
{
    size_t place = (size_t)hash[0] & search.known_mask;
    while (search.known[place].schedules != 0 &&
           memcmp(search.known[place].hash, hash, sizeof search.known[place].hash) != 0) {
        place = (place + 1u) & search.known_mask;
    }
    return &search.known[place];
}

static void hash_state(uint64_t hash[2])
{
    hash[0] = 1;
    hash[1] = 2;
    add_to_hash(hash, search.threads, sizeof search.threads);
    add_to_hash(hash, search.world->memory, search.world->memory_bytes);
    for (uint32_t i = 0; i < search.world->thread_count; ++i) {
        const size_t bytes = live_bytes(i);
        add_to_hash(hash, &stacks[i][STACK_BYTES - bytes], bytes);
    }
}

/// Double the table of known states; at least half of it stays free.
static void grow_known(void)
{
    known_t* const old = search.known;
    const size_t old_count = old == NULL ? 0 : search.known_mask + 1u;
    search.known_mask = old == NULL ? 4095u : search.known_mask * 2u + 1u;
    search.known = calloc(search.known_mask + 1u, sizeof *search.known);
    for (size_t i = 0; i < old_count; ++i) {
        if (old[i].schedules != 0) {
            *find_known(old[i].hash) = old[i];
        }
    }
    free(old);
}

/// Remember how many schedules lead on from a state.
static void keep_known(const uint64_t hash[2], uint64_t schedules)
{
    if (search.result.states * 2u >= search.known_mask) {
        grow_known();
    }
    ++search.result.states;
    *find_known(hash) = (known_t){.hash = {hash[0], hash[1]}, .schedules = schedules};
}

static void watch(uint32_t thread, bool is_after)
{
    if (search.world->watch != NULL) {
        search.world->watch(thread, is_after);
    }
}

static void take_step(uint32_t thread)
{
    thread_t* const self = &search.threads[thread];
    watch(thread, false);
    search.trail[search.depth].thread = thread;
    search.trail[search.depth].operation = self->operation;
    search.trail[search.depth].cell = self->cell;
    ++search.depth;
    ++search.result.steps;
    search.current = thread;
    explore_switch(&search.search, self->stack_pointer);
    search.current = NOBODY;
    search.world->check();
    watch(thread, true);
}

static bool can_go(uint32_t thread)
{
    const thread_t* const self = &search.threads[thread];
    return !self->is_done && (self->waits_for == NULL || *self->waits_for == 0);
}

static void end_schedule(void)
{
    for (uint32_t i = 0; i < search.world->thread_count; ++i) {
        EXPECT(search.threads[i].is_done); /* else all wait for each other */
    }
    search.world->check_at_end();
    if (search.result.longest < search.depth) {
        search.result.longest = search.depth;
    }
}

static uint64_t follow(void);

/// Follow what each of the threads in `ready` does next; return the number of schedules.
// NOLINTNEXTLINE(misc-no-recursion): no deeper than EXPLORE_STEPS_MAX
static uint64_t follow_each(const uint32_t* ready, uint32_t ready_count)
{
    const uint32_t depth = search.depth;
    uint64_t schedules = 0;
    if (ready_count > 1u) {
        save();
    }
    for (uint32_t i = 0; i < ready_count && search.result.is_good; ++i) {
        if (i > 0) {
            search.depth = depth;
            restore();
        }
        take_step(ready[i]);
        const uint64_t more = follow();
        schedules = schedules > UINT64_MAX - more ? UINT64_MAX : schedules + more;
    }
    return schedules;
}

/// Return the number of schedules from the present state on, having run them.
// NOLINTNEXTLINE(misc-no-recursion): no deeper than EXPLORE_STEPS_MAX
static uint64_t follow(void)
{
    uint32_t ready[EXPLORE_THREADS_MAX] = {0};
    uint32_t ready_count = 0;
    for (uint32_t i = 0; i < search.world->thread_count; ++i) {
        if (can_go(i)) {
            ready[ready_count++] = i;
        }
    }
    EXPECT(search.depth < EXPLORE_STEPS_MAX);
    if (!search.result.is_good) {
        return 1;
    }
    if (ready_count == 0) {
        end_schedule();
        return 1;
    }
    if (!search.merges) {
        return follow_each(ready, ready_count);
    }
    uint64_t hash[2];
    hash_state(hash);
    uint64_t schedules = find_known(hash)->schedules;
    if (schedules == 0) {
        schedules = follow_each(ready, ready_count);
        keep_known(hash, schedules);
    }
    return schedules;
}

explore_result_t explore(const explore_world_t* world, bool merges)
{
    search.world = world;
    search.merges = merges;
    search.depth = 0;
    search.result = (explore_result_t){.is_good = true};
    memset(search.threads, 0, sizeof search.threads);
    for (uint32_t i = 0; i < world->thread_count; ++i) {
        begin_thread(i);
    }
    if (merges) {
        grow_known();
    }
    unsigned char* const start = malloc(world->memory_bytes);
    memcpy(start, world->memory, world->memory_bytes);
    search.result.schedules = follow();
    memcpy(world->memory, start, world->memory_bytes);
    free(start);
    for (uint32_t i = 0; i < EXPLORE_STEPS_MAX; ++i) {
        free(search.saved[i]);
        search.saved[i] = NULL;
    }
    free(search.known);
    search.known = NULL;
    return search.result;
}
