/* RNS_SYNC_ATOMIC under a scheduler that may switch threads before each atomic operation: three
 * threads that are contexts of one, in random order, over very many short rounds.
 *
 * A program of its own: it compiles the sources it interleaves into itself.
 * Usage: interleave_main ROUNDS
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "rns_port.h"

#if RNS_SYNC == RNS_SYNC_ATOMIC
/* NOLINTBEGIN(bugprone-suspicious-include) */
#    include "interleave.h"
#    include "rns_pool.c"
#    include "rns_pool_stats.c"
#    include "rns_tier.c"
/* NOLINTEND(bugprone-suspicious-include) */

#    define THREADS     3u
#    define STACK_BYTES 65536u
#    define STEPS       6u ///< Calls of each thread in a state.
#    define HELD        4u ///< Slots that a thread holds at most.
#    define NOBODY      THREADS

static const rns_tier_config_t small_tiers[] = {
    {.slot_bytes = 16, .slot_count = 5, .low_water_count = 2, .hysteresis_count = 1},
    {.slot_bytes = 32, .slot_count = 3},
    {.slot_bytes = 64, .slot_count = 1},
};
static const rns_tier_config_t large_tiers[] = {
    {.slot_bytes = 16, .slot_count = 35, .low_water_count = 2},
    {.slot_bytes = 32, .slot_count = 33},
    {.slot_bytes = 64, .slot_count = 34},
};

/// What the threads of a round share. It is global since a context's function has no argument.
static struct {
    ucontext_t at_end;
    ucontext_t contexts[THREADS];
    unsigned char* stacks;
    bool is_done[THREADS];
    uint32_t current; ///< Who runs; NOBODY: the scheduler is off.
    uint64_t random;
    uint64_t switches;

    rns_pool_t pool;
    bool is_strict;
    uint32_t prefilled;    ///< Slots of tier 0 that stay taken.
    void* contested;       ///< A slot of tier 2 that two threads give, if the pool is strict.
    uint32_t contest_wins; ///< How many succeeded.
    uint32_t contest_refusals;
    uint32_t faults;
    uint64_t misses;
    uint64_t takes;
    uint64_t gives;
    uint32_t lows[3];
    uint32_t recoveries[3];
    uint32_t held_count; ///< Slots of tier 0 that surely are in use...
    uint32_t held_most;
    uint32_t upper_count; ///< ...and those that may be, with the calls that are under way.
    uint32_t upper_most;
} state;

static uint32_t draw(uint32_t bound)
{
    state.random ^= state.random >> 12;
    state.random ^= state.random << 25;
    state.random ^= state.random >> 27;
    return (uint32_t)(((state.random * 0x2545F4914F6CDD1Du) >> 32) * bound >> 32);
}

void interleave_step(const char* operation, const volatile void* cell)
{
    (void)operation;
    (void)cell;
    if (state.current == NOBODY || draw(3) != 0) {
        return;
    }
    const uint32_t self = state.current;
    const uint32_t next = draw(THREADS);
    if (next != self && !state.is_done[next]) {
        ++state.switches;
        state.current = next;
        state.faults += swapcontext(&state.contexts[self], &state.contexts[next]) != 0;
    }
}

static void raise_to(uint32_t* most, uint32_t count)
{
    *most = *most < count ? count : *most;
}

/// Take for a size and follow how many slots of tier 0 are in use.
static void* take_followed(uint32_t size_bytes)
{
    const uint32_t is_first = size_bytes <= 16u ? 1u : 0u;
    state.upper_count += is_first;
    raise_to(&state.upper_most, state.upper_count);
    void* slot = NULL;
    if (rns_pool_take(&state.pool, size_bytes, RNS_PRIORITY_NORMAL, &slot) != RNS_OK) {
        state.upper_count -= is_first;
        ++state.misses;
        return NULL;
    }
    ++state.takes;
    state.held_count += is_first;
    raise_to(&state.held_most, state.held_count);
    state.faults += *(unsigned char*)slot != 0; /* somebody else's */
    *(unsigned char*)slot = (unsigned char)(is_first + 1u);
    return slot;
}

static void give_followed(void* slot)
{
    const uint32_t is_first = *(unsigned char*)slot - 1u;
    *(unsigned char*)slot = 0;
    state.held_count -= is_first;
    state.faults += rns_pool_give(&state.pool, slot) != RNS_OK;
    state.upper_count -= is_first;
    ++state.gives;
}

static void give_contested(void)
{
    const rns_status_t status = rns_pool_give(&state.pool, state.contested);
    state.contest_wins += status == RNS_OK;
    state.contest_refusals += status == RNS_MISUSE_DOUBLE_GIVE;
}

/// Verify what holds of a snapshot under load.
static void look(void)
{
    rns_pool_stats_t stats;
    rns_pool_stats(&state.pool, &stats);
    rns_counter_t requests = stats.oversize;
    bool is_good = true;
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        const rns_tier_stats_t* const tier = &stats.tiers[i];
        is_good = is_good && tier->in_use <= tier->window_high_water &&
                  tier->window_high_water <= tier->high_water &&
                  tier->high_water <= tier->slot_count && tier->gives <= tier->takes &&
                  tier->takes - tier->gives == tier->in_use && tier->spills_in <= tier->takes &&
                  tier->requests == tier->hits + tier->spills + tier->exhausted;
        requests += tier->requests;
    }
    is_good = is_good && requests == stats.requests && stats.failures <= stats.requests;
    state.faults += !is_good;
}

static void run_thread(void)
{
    const uint32_t self = state.current;
    void* held[HELD] = {NULL};
    const uint32_t contest_step = draw(STEPS);
    for (uint32_t i = 0; i < STEPS; ++i) {
        if (state.is_strict && self < 2u && i == contest_step) { /* nobody spills into it */
            give_contested();
        }
        void** const place = &held[draw(HELD)];
        const uint32_t what = draw(12);
        if (what == 0) {
            rns_pool_reset_window(&state.pool);
        } else if (what == 1) {
            look();
        } else if (*place == NULL) {
            *place = take_followed(draw(33));
        } else {
            give_followed(*place);
            *place = NULL;
        }
    }
    state.is_done[self] = true;
    for (uint32_t i = 0; i < THREADS; ++i) {
        if (!state.is_done[i]) {
            state.current = i;
            (void)setcontext(&state.contexts[i]);
        }
    }
    state.current = NOBODY;
    (void)setcontext(&state.at_end);
}

static void on_low_water(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    (void)context;
    (void)free_count;
    ++(low ? state.lows : state.recoveries)[tier_index];
}

/// Take all but a few slots of a large tier, so that the threads meet in the same words.
static void prefill(uint32_t count)
{
    void* slots[35] = {NULL};
    for (uint32_t i = 0; i < count; ++i) {
        CHECK_STATUS(rns_pool_take(&state.pool, 16, RNS_PRIORITY_NORMAL, &slots[i]), RNS_OK);
    }
    state.prefilled = count;
    for (uint32_t i = 0; i < count; ++i) {
        if (draw(8) == 0) {
            CHECK_STATUS(rns_pool_give(&state.pool, slots[i]), RNS_OK);
            --state.prefilled;
        }
    }
    for (uint32_t i = 0; i < 30; ++i) {
        CHECK_STATUS(rns_pool_take(&state.pool, 32, RNS_PRIORITY_NORMAL, &slots[0]), RNS_OK);
    }
}

static void begin_round(unsigned char* memory, size_t memory_bytes, uint64_t number)
{
    const bool is_large = number % 2u == 0;
    const rns_pool_config_t config = {.tiers = is_large ? large_tiers : small_tiers,
                                      .tier_count = 3,
                                      .policy =
                                          draw(2) == 0 ? RNS_POLICY_STRICT : RNS_POLICY_SPILL,
                                      .low_water = {.notify = on_low_water}};
    const rns_memory_t storage = {.start = memory, .bytes = memory_bytes};
    memset(memory, 0, memory_bytes);
    memset(state.lows, 0, sizeof state.lows);
    memset(state.recoveries, 0, sizeof state.recoveries);
    memset(state.is_done, 0, sizeof state.is_done);
    CHECK_STATUS(rns_pool_init(&state.pool, &config, storage), RNS_OK);
    state.is_strict = config.policy == RNS_POLICY_STRICT;
    state.prefilled = 0;
    if (is_large) {
        prefill(28u + draw(7));
    }
    state.held_count = state.prefilled;
    state.upper_count = state.prefilled;
    state.held_most = rns_tier_counts(&state.pool.tiers[0].tier).high_water;
    state.upper_most = state.held_most;
    CHECK_STATUS(rns_pool_take(&state.pool, 64, RNS_PRIORITY_NORMAL, &state.contested), RNS_OK);
    state.contest_wins = 0;
    state.contest_refusals = 0;
}

static void run_round(void)
{
    for (uint32_t i = 0; i < THREADS; ++i) {
        (void)getcontext(&state.contexts[i]);
        state.contexts[i].uc_stack.ss_sp = state.stacks + (size_t)i * STACK_BYTES;
        state.contexts[i].uc_stack.ss_size = STACK_BYTES;
        state.contexts[i].uc_link = NULL;
        makecontext(&state.contexts[i], run_thread, 0);
    }
    state.current = 0;
    (void)swapcontext(&state.at_end, &state.contexts[0]);
}

static void check_round(void)
{
    CHECK_TEXT(rns_pool_check(&state.pool).invariant, NULL);
    CHECK_EQUAL(state.faults, 0);
    for (uint32_t i = 0; i < 3; ++i) {
        CHECK(state.lows[i] == state.recoveries[i] || state.lows[i] == state.recoveries[i] + 1u);
    }
    const rns_tier_counts_t counts = rns_tier_counts(&state.pool.tiers[0].tier);
    if (state.is_strict) {
        CHECK_EQUAL(state.contest_wins, 1);
        CHECK_EQUAL(state.contest_refusals, 1);
        CHECK_EQUAL(counts.in_use, state.held_count);
        CHECK(counts.high_water >= state.held_most);
        CHECK(counts.high_water <= state.upper_most);
    }
}

static void test_no_interleaving_breaks_slots_counts_or_invariants(void)
{
    static const size_t memory_bytes = 8192;
    unsigned char* const memory = aligned_alloc(RNS_ALIGN_BYTES, memory_bytes);
    state.stacks = malloc((size_t)THREADS * STACK_BYTES);
    state.current = NOBODY;
    state.random = 1;
    for (uint64_t i = 0; i < check_state.iterations && check_state.failures == 0; ++i) {
        begin_round(memory, memory_bytes, i);
        run_round();
        check_round();
    }
    CHECK(state.misses > check_state.iterations / 10u);
    CHECK(state.gives > check_state.iterations && state.takes > state.gives);
    check_state.operations = state.switches;
    free(state.stacks);
    free(memory);
}

int main(int argument_count, char** arguments)
{
    if (argument_count > 1) {
        check_state.iterations = strtoull(arguments[1], NULL, 10);
    }
    RUN(test_no_interleaving_breaks_slots_counts_or_invariants);
    (void)puts("operations are switches between threads:");
    return check_finish();
}
#else
int main(void)
{
    (void)puts("only RNS_SYNC_ATOMIC has steps to interleave");
    return 1;
}
#endif
