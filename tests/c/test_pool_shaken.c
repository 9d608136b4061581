/* What another thread does between two steps of a call, at every step. Empty but in the builds of
 * shaken.h. */
#include "pool_fixture.h"
#include "rns_tier_inline.h"
#include "suites.h"
#include "tier_fixture.h"

#ifdef SHAKEN_H

#    define STEPS 12u

static tier_fixture_t moving;
static uint32_t moves; ///< At which of the next steps the slot moves, the next one in bit 0.

/// Let the one free slot, 3 or 40, move to the other word.
static void move_the_free_slot(void)
{
    rns_tier_t* const tier = &moving.tier;
    const bool is_low = rns_cell_load(&tier->words[0]) != 0;
    const bool is_high = rns_cell_load(&tier->words[1]) != 0;
    if ((moves & 1u) != 0 && is_low != is_high) {
        rns_cell_store(&tier->words[0], is_low ? 0u : 8u);
        rns_cell_store(&tier->words[1], is_low ? 256u : 0u);
        rns_cell_store(&tier->summary[0], 3u);
    }
    moves >>= 1;
}

static void test_a_take_finds_a_slot_that_moves_away_at_any_of_its_steps(void)
{
    uint32_t low_count = 0;
    for (uint32_t plan = 0; plan < 1u << STEPS; ++plan) {
        tier_fixture_init(&moving, 16, 0, 64);
        while (rns_tier_counts(&moving.tier).in_use < 64u) {
            (void)tier_take_index(&moving);
        }
        CHECK_STATUS(tier_give_index(&moving, 40), RNS_OK);
        moves = plan;
        shaken_step = move_the_free_slot;
        const uint32_t index = tier_take_index(&moving);
        shaken_step = NULL;
        CHECK(index == 3u || index == 40u);
        low_count += index == 3u ? 1u : 0u;
        CHECK_EQUAL(rns_tier_counts(&moving.tier).in_use, 64);
        CHECK_EQUAL(rns_cell_load(&moving.tier.words[0]), 0);
        CHECK_EQUAL(rns_cell_load(&moving.tier.words[1]), 0);
        free_tier_fixture(&moving);
    }
    CHECK(low_count > 1000u && low_count < 3000u);
}

#    if RNS_STATS
static uint32_t carried_steps;

/// Carry the takes of the gate as a take does, one of its three steps at a time.
static void carry_on(void)
{
    rns_tier_t* const tier = &moving.tier;
    if ((moves & 1u) != 0) {
        ++carried_steps;
        if (carried_steps == 1) {
            rns_cell_add(&tier->takes_carried, (rns_counter_t)RNS_GATE_CARRY + 1u);
        } else if (carried_steps == 2) {
            rns_cell_add(&tier->gate, RNS_GATE_CARRY << RNS_GATE_TAKES_SHIFT);
        } else if (carried_steps == 3) {
            rns_cell_add(&tier->takes_carried, (rns_counter_t)-1);
        }
    }
    moves >>= 1;
}

static void test_a_snapshot_at_any_step_of_a_carry_counts_each_take_once(void)
{
    uint32_t finished_count = 0;
    for (uint32_t plan = 0; plan < 1u << STEPS; ++plan) {
        tier_fixture_init(&moving, 16, 0, 8);
        (void)tier_take_index(&moving);
        rns_cell_add(&moving.tier.gate, (RNS_GATE_CARRY - 1u) << RNS_GATE_TAKES_SHIFT);
        carried_steps = 0;
        moves = plan;
        shaken_step = carry_on;
        const rns_tier_counts_t counts = rns_tier_counts(&moving.tier);
        shaken_step = NULL;
        CHECK_EQUAL(counts.takes, RNS_GATE_CARRY);
        CHECK_EQUAL(counts.in_use, 1);
        finished_count += carried_steps >= 3 ? 1u : 0u;
        free_tier_fixture(&moving);
    }
    CHECK(finished_count > 1000u);
}
#    endif

static rns_pool_t* recovering;
static uint32_t lows;

static void count_event(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    (void)context;
    (void)tier_index;
    (void)free_count;
    lows += low ? 0x100u : 1u;
}

static uint32_t steps_left;

/// At one step, notice the recovery as another give would.
static void recover_first(void)
{
    if (steps_left > 0) {
        --steps_left;
        if (steps_left == 0) {
            rns_cell_store(&recovering->tiers[0].is_low, 0u);
        }
    }
}

static void test_a_recovery_that_another_give_tells_of_at_any_step_is_not_told_twice(void)
{
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 16, .slot_count = 4, .low_water_count = 4}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    uint32_t told_by_another = 0;
    for (uint32_t step = 1; step < 20u; ++step) {
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        f.pool.low_water.notify = count_event;
        recovering = &f.pool;
        void* const slot = pool_take(&f, 16);
        lows = 0;
        steps_left = step;
        shaken_step = recover_first;
        const rns_status_t status = rns_pool_give(&f.pool, slot);
        shaken_step = NULL;
        CHECK_STATUS(status, RNS_OK);
        CHECK(lows <= 1u);
        told_by_another += lows == 0 ? 1u : 0u;
        CHECK_EQUAL(rns_cell_load(&f.pool.tiers[0].is_low), 0);
        pool_fixture_end(&f);
    }
    CHECK(told_by_another > 1u && told_by_another < 19u);
}

#    if RNS_OBSERVE
static rns_pool_t* observed;
static uint32_t told;

static void took(void* context, const void* slot, size_t size_bytes)
{
    (void)context;
    (void)slot;
    (void)size_bytes;
    ++told;
}

static uint64_t giving(void* context)
{
    (void)context;
    return 0;
}

static void gave(void* context, uint64_t number, const void* slot, rns_status_t status)
{
    (void)context;
    (void)number;
    (void)slot;
    (void)status;
    ++told;
}

static uint32_t told_before; ///< When the observer went.

/// Take the observer away at one step, unless a call is in it already, which would be waited for.
static void take_the_observer_away(void)
{
    if (steps_left > 0) {
        --steps_left;
        if (steps_left == 0 && rns_cell_load(&observed->observed_calls) == 0) {
            told_before = told;
            (void)rns_pool_observe(observed, NULL);
        }
    }
}

static void test_an_observer_taken_away_at_any_step_is_told_nothing_afterwards(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4}};
    static const rns_observer_t observer = {.took = took, .giving = giving, .gave = gave};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    uint32_t silent = 0;
    for (uint32_t step = 1; step < 30u; ++step) {
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        observed = &f.pool;
        CHECK(rns_pool_observe(&f.pool, &observer));
        void* const slot = pool_take(&f, 16);
        told = 0;
        steps_left = step;
        shaken_step = take_the_observer_away;
        const rns_status_t status = rns_pool_give(&f.pool, slot);
        shaken_step = NULL;
        CHECK_STATUS(status, RNS_OK);
        CHECK_EQUAL(rns_cell_load(&f.pool.observed_calls), 0);
        CHECK_EQUAL(told, rns_cell_load(&f.pool.observer) != NULL ? 1u : told_before);
        silent += told == 0 ? 1u : 0u;
        pool_fixture_end(&f);
    }
    CHECK(silent > 0 && silent < 29u);
}

/// Leave the observer after some steps.
static void leave_late(void)
{
    --steps_left;
    if (steps_left == 0) {
        rns_cell_store(&observed->observed_calls, 0u);
    }
}

static void test_an_observer_is_gone_only_when_no_call_is_in_it(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 4}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    observed = &f.pool;
    rns_cell_store(&f.pool.observed_calls, 1u);
    steps_left = 5;
    shaken_step = leave_late;
    CHECK(rns_pool_observe(&f.pool, NULL));
    shaken_step = NULL;
    CHECK_EQUAL(steps_left, 0);
    pool_fixture_end(&f);
}
#    endif
#endif

void suite_pool_shaken(void)
{
#ifdef SHAKEN_H
    RUN(test_a_take_finds_a_slot_that_moves_away_at_any_of_its_steps);
    RUN(test_a_recovery_that_another_give_tells_of_at_any_step_is_not_told_twice);
#    if RNS_STATS
    RUN(test_a_snapshot_at_any_step_of_a_carry_counts_each_take_once);
#    endif
#    if RNS_OBSERVE
    RUN(test_an_observer_is_gone_only_when_no_call_is_in_it);
    RUN(test_an_observer_taken_away_at_any_step_is_told_nothing_afterwards);
#    endif
#endif
}
