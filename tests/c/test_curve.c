/* rns_curve: the lowest free index, whatever the order and however large; in calls as in one. What
 * the curve says of real pools is held against them by tests/test_curve.py. */
#include "check.h"
#include "rns_curve.h"
#include <stdlib.h>

#define BLOCKS     ((uint32_t)300000) /* Above 64^3 = 2^18: the top level has two words. */
#define STEPS      ((size_t)40000)
#define LIVE_MAX   ((uint32_t)700)
#define FIRST_ROOM ((uint32_t)5)

/// A tier with tables of the process's heap, so that a sanitizer sees their ends.
typedef struct {
    rns_curve_t curve;
    uint32_t* index;
} tier_t;

static void* room(size_t count, size_t size_bytes)
{
    void* const memory = malloc(count * size_bytes + 1u);
    if (memory == NULL) {
        abort();
    }
    memset(memory, 0xA5, count * size_bytes); /* The kernel must not rely on zeros. */
    return memory;
}

static tier_t tier_of(uint32_t capacity, uint32_t blocks)
{
    tier_t tier = {.index = room(blocks, sizeof(uint32_t))};
    tier.curve = (rns_curve_t){.capacity = capacity,
                               .taken = room(capacity, sizeof(uint32_t)),
                               .words = room(rns_curve_words(capacity), sizeof(uint64_t)),
                               .index = tier.index};
    rns_curve_begin(&tier.curve);
    return tier;
}

static void release(tier_t* tier)
{
    free(tier->curve.taken);
    free(tier->curve.words);
    free(tier->index);
}

/// Double the tables.
static void grow(tier_t* tier)
{
    const rns_curve_t old = tier->curve;
    const uint32_t capacity = old.capacity * 2u;
    rns_curve_grow(&tier->curve, capacity, room(capacity, sizeof(uint32_t)),
                   room(rns_curve_words(capacity), sizeof(uint64_t)));
    free(old.taken);
    free(old.words);
}

static void run_all(tier_t* tier, const rns_curve_step_t* steps, size_t count)
{
    size_t done = rns_curve_run(&tier->curve, steps, count);
    while (done < count) {
        CHECK_EQUAL(tier->curve.high_water, tier->curve.capacity);
        grow(tier);
        done += rns_curve_run(&tier->curve, steps + done, count - done);
    }
}

/// Fill `steps` with a stream of at most LIVE_MAX blocks at once; return how many it takes.
static uint32_t draw(rns_curve_step_t* steps, uint32_t* live)
{
    uint32_t random = 7u;
    uint32_t live_count = 0;
    uint32_t blocks = 0;
    for (size_t i = 0; i < STEPS; ++i) {
        random = random * 1664525u + 1013904223u;
        const uint32_t roll = random >> 16;
        /* It fills up and drains again, several times. */
        const uint32_t takes_of_4 = i / 2500u % 2u == 0 ? 3u : 1u;
        const bool has_to_take = live_count == 0;
        const bool has_to_give = live_count == LIVE_MAX;
        if (has_to_take || (!has_to_give && roll % 4u < takes_of_4)) {
            steps[i] = (rns_curve_step_t){blocks, roll % 100u};
            live[live_count++] = blocks++;
        } else {
            const uint32_t which = roll % live_count;
            steps[i] = (rns_curve_step_t){live[which] | RNS_CURVE_GIVE, 0};
            live[which] = live[--live_count];
        }
    }
    return blocks;
}

/// The same by looking at every slot; return the high-water mark.
static uint32_t slow(const rns_curve_step_t* steps, uint32_t* index, uint32_t* taken)
{
    bool used[LIVE_MAX] = {false};
    uint32_t high_water = 0;
    for (size_t i = 0; i < STEPS; ++i) {
        const uint32_t block = steps[i].block & ~RNS_CURVE_GIVE;
        if (steps[i].block != block) {
            used[index[block]] = false;
            continue;
        }
        uint32_t at = 0;
        while (used[at]) {
            ++at;
        }
        used[at] = true;
        index[block] = at;
        taken[at] += 1u;
        high_water = at + 1u > high_water ? at + 1u : high_water;
    }
    return high_water;
}

static rns_curve_step_t* steps;

static void check_against_the_slow_one(tier_t* tier, const uint32_t* index, uint32_t blocks,
                                       const uint32_t* taken, uint32_t high_water)
{
    CHECK_EQUAL(tier->curve.high_water, high_water);
    for (uint32_t i = 0; i < high_water; ++i) {
        CHECK_EQUAL(tier->curve.taken[i], taken[i]);
    }
    CHECK(memcmp(tier->index, index, blocks * sizeof *index) == 0);
}

static void test_each_take_gets_the_lowest_free_index_in_calls_as_in_one(void)
{
    uint32_t* const live = room(LIVE_MAX, sizeof *live);
    uint32_t* const index = room(STEPS, sizeof *index);
    uint32_t taken[LIVE_MAX] = {0};
    const uint32_t blocks = draw(steps, live);
    const uint32_t high_water = slow(steps, index, taken);
    CHECK(high_water > 600u);
    const size_t pieces[] = {STEPS, 1, 77};
    for (size_t i = 0; i < COUNT_OF(pieces); ++i) {
        tier_t tier = tier_of(FIRST_ROOM, blocks);
        for (size_t first = 0; first < STEPS; first += pieces[i]) {
            const size_t left = STEPS - first;
            run_all(&tier, steps + first, left < pieces[i] ? left : pieces[i]);
        }
        check_against_the_slow_one(&tier, index, blocks, taken, high_water);
        rns_curve_begin(&tier.curve);
        run_all(&tier, steps, STEPS);
        check_against_the_slow_one(&tier, index, blocks, taken, high_water);
        release(&tier);
        check_state.operations += 2u * STEPS;
    }
    free(live);
    free(index);
}

static rns_curve_step_t take(uint32_t block)
{
    return (rns_curve_step_t){block, 1};
}

static rns_curve_step_t given(uint32_t block)
{
    return (rns_curve_step_t){block | RNS_CURVE_GIVE, 1};
}

static void test_a_slot_beyond_every_level_is_found_again(void)
{
    tier_t tier = tier_of(FIRST_ROOM, BLOCKS + 3u);
    for (uint32_t block = 0; block < BLOCKS; ++block) {
        const rns_curve_step_t step = take(block);
        run_all(&tier, &step, 1);
    }
    CHECK_EQUAL(tier.curve.high_water, BLOCKS);
    const rns_curve_step_t some[] = {given(BLOCKS - 1u), given(4096),       given(64),
                                     take(BLOCKS),       take(BLOCKS + 1u), take(BLOCKS + 2u)};
    run_all(&tier, some, COUNT_OF(some));
    CHECK_EQUAL(tier.index[BLOCKS], 64);
    CHECK_EQUAL(tier.index[BLOCKS + 1u], 4096);
    CHECK_EQUAL(tier.index[BLOCKS + 2u], BLOCKS - 1u);
    CHECK_EQUAL(tier.curve.high_water, BLOCKS);
    CHECK_EQUAL(tier.curve.free_count, 0);
    release(&tier);
}

static void test_a_run_stops_before_the_step_that_needs_more_slots(void)
{
    tier_t tier = tier_of(2, 4);
    const rns_curve_step_t some[] = {take(0), take(1), given(0), take(2), take(3), given(1)};
    CHECK_EQUAL(rns_curve_run(&tier.curve, some, COUNT_OF(some)), 4);
    CHECK_EQUAL(tier.curve.taken[0], 2);
    grow(&tier);
    CHECK_EQUAL(rns_curve_run(&tier.curve, some + 4, 2), 2);
    CHECK_EQUAL(tier.index[3], 2);
    CHECK_EQUAL(tier.curve.taken[2], 1);
    release(&tier);
}

static void test_free_slots_are_found_in_larger_tables(void)
{
    tier_t tier = tier_of(100, 300);
    for (uint32_t block = 0; block < 100; ++block) {
        const rns_curve_step_t step = take(block);
        run_all(&tier, &step, 1);
    }
    const rns_curve_step_t before[] = {given(99), given(70)};
    run_all(&tier, before, COUNT_OF(before));
    grow(&tier);
    const rns_curve_step_t after[] = {take(100), take(101), take(102)};
    run_all(&tier, after, COUNT_OF(after));
    CHECK_EQUAL(tier.index[100], 70);
    CHECK_EQUAL(tier.index[101], 99);
    CHECK_EQUAL(tier.index[102], 100);
    release(&tier);
}

static void test_steps_carry_the_size_of_the_block_to_its_free_and_are_selected_by_it(void)
{
    const uint64_t huge = (uint64_t)1 << 33;
    const rns_event_t events[] = {
        {.op = RNS_EVENT_ALLOC, .size_bytes = 0},
        {.op = RNS_EVENT_ALLOC, .size_bytes = 64},
        {.op = RNS_EVENT_ALLOC, .size_bytes = 65},
        {.op = RNS_EVENT_ALLOC, .size_bytes = huge},
        {.op = RNS_EVENT_FREE},
        {.op = RNS_EVENT_FREE},
    };
    const uint32_t block[] = {0, 1, 2, 3, 1, 3};
    uint32_t sizes[4];
    rns_curve_step_t all[COUNT_OF(events)];
    rns_curve_steps(events, block, 0, 3, sizes, all);
    rns_curve_steps(events, block, 3, COUNT_OF(events), sizes, all + 3);
    CHECK_EQUAL(all[4].block, 1u | RNS_CURVE_GIVE);
    CHECK_EQUAL(all[4].size, 64);
    CHECK_EQUAL(all[5].size, UINT32_MAX);
    rns_curve_step_t kept[COUNT_OF(events)];
    CHECK_EQUAL(rns_curve_select(all, COUNT_OF(all), 0, 64, kept), 3);
    CHECK_EQUAL(kept[2].block, 1u | RNS_CURVE_GIVE);
    CHECK_EQUAL(rns_curve_select(all, COUNT_OF(all), 65, 1000, kept), 1);
    CHECK_EQUAL(kept[0].block, 2);
    CHECK_EQUAL(rns_curve_select(all, COUNT_OF(all), 64, UINT32_MAX, all), 5);
    CHECK_EQUAL(all[0].block, 1);
    CHECK_EQUAL(all[4].block, 3u | RNS_CURVE_GIVE);
}

int main(void)
{
    steps = room(STEPS, sizeof *steps);
    RUN(test_each_take_gets_the_lowest_free_index_in_calls_as_in_one);
    RUN(test_a_slot_beyond_every_level_is_found_again);
    RUN(test_a_run_stops_before_the_step_that_needs_more_slots);
    RUN(test_free_slots_are_found_in_larger_tables);
    RUN(test_steps_carry_the_size_of_the_block_to_its_free_and_are_selected_by_it);
    free(steps);
    return check_finish();
}
