/* Prints every step that threads of one tier can take from every state that schedules can reach,
 * in the numbers of tests/verify/models/tier.pml, which has to print the same.
 *
 * Usage: explore_steps_main THREADS CYCLES SLOTS IS_CONTESTED, see there
 */
#include "explore_sources.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/// What a thread does next.
typedef enum {
    NEXT_BEGIN,
    NEXT_LOAD_GATE,
    NEXT_CAS_GATE,
    NEXT_LOAD_WINDOW,
    NEXT_LOAD_LEAST,
    NEXT_CAS_LEAST,
    NEXT_CAS_WINDOW,
    NEXT_OWN,
    NEXT_DONE = 9,
} next_t;

#if RNS_SYNC == RNS_SYNC_ATOMIC && RNS_STATS
static uint32_t cycles;
static bool is_contested;

static struct {
    rns_tier_t tier;
    bool is_done[EXPLORE_THREADS_MAX];
    _Alignas(RNS_ALIGN_BYTES) unsigned char slots[32 * RNS_ALIGN_BYTES];
} world;

static void run(uint32_t thread)
{
    rns_status_t status = RNS_OK; /* what it may be, the other programs verify */
    if (is_contested) {
        status = rns_tier_give(&world.tier, world.slots);
    }
    for (uint32_t i = 0; i < cycles; ++i) {
        void* slot = NULL;
        if (rns_tier_take(&world.tier, 0, &slot) == RNS_OK) {
            interleave_step("own", NULL);
            status = rns_tier_give(&world.tier, slot);
        }
    }
    (void)status;
    world.is_done[thread] = true;
}

static next_t next_of(uint32_t thread)
{
    const volatile void* cell = NULL;
    const char* const operation = explore_next(thread, &cell);
    if (operation == NULL) {
        return world.is_done[thread] ? NEXT_DONE : NEXT_BEGIN;
    }
    const bool is_load = strcmp(operation, "load") == 0;
    if (cell == &world.tier.gate) {
        return is_load ? NEXT_LOAD_GATE : NEXT_CAS_GATE;
    }
    if (cell == &world.tier.window_least_free) {
        return is_load ? NEXT_LOAD_WINDOW : NEXT_CAS_WINDOW;
    }
    if (cell == &world.tier.least_free) {
        return is_load ? NEXT_LOAD_LEAST : NEXT_CAS_LEAST;
    }
    return NEXT_OWN;
}

static void print_state(uint32_t thread, bool is_after)
{
    if (!is_after) {
        (void)printf("step %" PRIu32, thread);
    }
    const rns_gate_t gate = rns_cell_load(&world.tier.gate);
    (void)printf(" %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32, (uint32_t)gate,
                 gate_bit_count(gate), gate >> RNS_GATE_TAKES_SHIFT,
                 rns_cell_load(&world.tier.least_free),
                 rns_cell_load(&world.tier.window_least_free));
    for (uint32_t i = 0; i < EXPLORE_THREADS_MAX; ++i) {
        (void)printf(" %d", (int)next_of(i));
    }
    (void)printf(is_after ? "\n" : "");
}

static void check(void) {}

int main(int argument_count, char** arguments)
{
    uint32_t numbers[4] = {0};
    for (uint32_t i = 0; i < COUNT_OF(numbers) && (int)i + 1 < argument_count; ++i) {
        numbers[i] = (uint32_t)strtoul(arguments[i + 1u], NULL, 10);
    }
    cycles = numbers[1];
    is_contested = numbers[3] != 0;
    rns_tier_layout_t layout;
    CHECK_STATUS(rns_tier_layout(RNS_ALIGN_BYTES, 0, numbers[2], &layout), RNS_OK);
    rns_tier_init(&world.tier, &layout, world.slots, NULL);
    if (is_contested) {
        void* slot = NULL;
        CHECK_STATUS(rns_tier_take(&world.tier, 0, &slot), RNS_OK);
    }
    for (uint32_t i = numbers[0]; i < EXPLORE_THREADS_MAX; ++i) {
        world.is_done[i] = true;
    }
    const explore_world_t threads = {.memory = &world,
                                     .memory_bytes = sizeof world,
                                     .thread_count = numbers[0],
                                     .run = run,
                                     .check = check,
                                     .check_at_end = check,
                                     .watch = print_state};
    return explore(&threads, true).is_good ? 0 : 1;
}
#else
int main(void)
{
    (void)puts("only RNS_SYNC_ATOMIC with statistics has these steps");
    return 1;
}
#endif
