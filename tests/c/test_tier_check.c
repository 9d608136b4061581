/* rns_tier: what is counted, and the damage that rns_tier_check() names. */
#include "check.h"
#include "rns_tier_inline.h"
#include "suites.h"
#include "tier_fixture.h"

#if RNS_STATS
static const uint32_t both_kinds[] = {32, 100}; /* bitmap in the gate, bitmap in words */

static void take_many(tier_fixture_t* f, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        CHECK(tier_take_index(f) != UINT32_MAX);
    }
}

static void give_range(tier_fixture_t* f, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; ++i) {
        CHECK_STATUS(tier_give_index(f, i), RNS_OK);
    }
}

static void check_marks(const tier_fixture_t* f, uint32_t in_use, uint32_t high_water,
                        uint32_t window_high_water)
{
    const rns_tier_counts_t counts = rns_tier_counts(&f->tier);
    CHECK_EQUAL(counts.in_use, in_use);
    CHECK_EQUAL(counts.high_water, high_water);
    CHECK_EQUAL(counts.window_high_water, window_high_water);
}

static void test_high_water_marks_are_exact_for_the_life_and_for_the_window(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, both_kinds[i]);
        check_marks(&f, 0, 0, 0);
        take_many(&f, 9);
        check_marks(&f, 9, 9, 9);
        give_range(&f, 0, 7);
        check_marks(&f, 2, 9, 9);
        rns_tier_reset_window(&f.tier);
        check_marks(&f, 2, 9, 2);
        take_many(&f, 3);
        check_marks(&f, 5, 9, 5);
        give_range(&f, 0, 3);
        check_marks(&f, 2, 9, 5);
        take_many(&f, 8);
        check_marks(&f, 10, 10, 10);
        give_range(&f, 0, 10);
        rns_tier_reset_window(&f.tier);
        check_marks(&f, 0, 10, 0);
        take_many(&f, both_kinds[i]);
        check_marks(&f, both_kinds[i], both_kinds[i], both_kinds[i]);
        CHECK_EQUAL(tier_take_index(&f), UINT32_MAX);
        check_marks(&f, both_kinds[i], both_kinds[i], both_kinds[i]);
        tier_fixture_end(&f);
    }
}

static void test_takes_gives_and_in_use_agree_after_each_step(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, both_kinds[i]);
        uint64_t takes = 0;
        uint64_t gives = 0;
        for (uint32_t step = 0; step < 5000; ++step) {
            /* Fills up in a zigzag: three takes to two gives of 50 slots that come and go. */
            if (step % 5u < 3u) {
                takes += tier_take_index(&f) != UINT32_MAX;
            } else {
                gives += tier_give_index(&f, step * 13u % both_kinds[i]) == RNS_OK;
            }
            const rns_tier_counts_t counts = rns_tier_counts(&f.tier);
            CHECK_EQUAL(counts.takes, takes);
            CHECK_EQUAL(counts.gives, gives);
            CHECK_EQUAL(counts.in_use, takes - gives);
        }
        CHECK(gives > 1000);
        tier_fixture_end(&f);
    }
}

/// Let the gate have counted `takes`, as if as many slots had come and gone.
static void set_gate_takes(tier_fixture_t* f, uint64_t takes)
{
    const rns_gate_t mask = RNS_GATE_ONE_TAKE - 1u;
    rns_cell_store(&f->tier.gate,
                   (rns_cell_load(&f->tier.gate) & mask) | takes << RNS_GATE_TAKES_SHIFT);
}

static void test_takes_that_outgrow_the_gate_are_carried_without_loss(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, both_kinds[i]);
        uint64_t takes = 0;
        for (uint64_t carries = 0; carries < 3; ++carries) {
            /* What is already carried stays; the gate is set just short of the next carry. */
            takes = carries * RNS_GATE_CARRY + RNS_GATE_CARRY - 5u;
            set_gate_takes(&f, RNS_GATE_CARRY - 5u);
            for (uint32_t step = 0; step < 10; ++step) {
                CHECK_EQUAL(tier_take_index(&f), 0);
                ++takes;
                rns_tier_counts_t counts = rns_tier_counts(&f.tier);
                CHECK_EQUAL(counts.takes, takes);
                CHECK_EQUAL(counts.gives, takes - 1u);
                CHECK_EQUAL(rns_cell_load(&f.tier.gate) >> 63, 0);
                CHECK_EQUAL(rns_cell_load(&f.tier.takes_carried),
                            takes / RNS_GATE_CARRY * RNS_GATE_CARRY);
                CHECK_STATUS(tier_give_index(&f, 0), RNS_OK);
                counts = rns_tier_counts(&f.tier);
                CHECK_EQUAL(counts.gives, takes);
                CHECK_EQUAL(counts.in_use, 0);
            }
        }
        tier_fixture_end(&f);
    }
}

static void test_the_carry_leaves_slots_and_marks_alone(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, both_kinds[i]);
        take_many(&f, 3);
        set_gate_takes(&f, RNS_GATE_CARRY - 1u);
        CHECK_EQUAL(tier_take_index(&f), 3);
        check_marks(&f, 4, 4, 4);
        CHECK_EQUAL(rns_tier_live_bits(&f.tier, 0), 0xF);
        give_range(&f, 0, 4);
        set_gate_takes(&f, RNS_GATE_CARRY - 1u);
        CHECK_EQUAL(tier_take_index(&f), 0); /* a carry that is no record */
        check_marks(&f, 1, 4, 4);
        CHECK_EQUAL(rns_tier_counts(&f.tier).takes, 2u * RNS_GATE_CARRY);
        tier_fixture_end(&f);
    }
}

static void test_34_million_pairs_are_counted_exactly(void)
{
    const uint64_t pairs = RNS_GATE_CARRY + 1000u;
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 2);
    rns_status_t status = RNS_OK;
    for (uint64_t i = 0; i < pairs && status == RNS_OK; ++i) {
        void* out = NULL;
        status = rns_tier_take(&f.tier, 0, &out);
        status = status == RNS_OK ? rns_tier_give(&f.tier, out) : status;
    }
    CHECK_STATUS(status, RNS_OK);
    const rns_tier_counts_t counts = rns_tier_counts(&f.tier);
    CHECK_EQUAL(counts.takes, pairs);
    CHECK_EQUAL(counts.gives, pairs);
    CHECK_EQUAL(rns_cell_load(&f.tier.takes_carried), RNS_GATE_CARRY);
    check_marks(&f, 0, 1, 1);
    tier_fixture_end(&f);
}

#    if RNS_SYNC == RNS_SYNC_ATOMIC
/// The two halves of a take, with whatever another thread does in between.
static void take_with_a_reset_between(tier_fixture_t* f, uint32_t resets)
{
    const tier_grant_t grant = tier_take(&f->tier, 0);
    for (uint32_t i = 0; i < resets; ++i) {
        rns_tier_reset_window(&f->tier);
    }
    if (tier_is_record(&f->tier, tier_free_count(&f->tier, grant.gate), grant.gate)) {
        rns_tier_note_take(&f->tier, grant);
    }
}

static void test_a_reset_between_a_take_and_its_note_keeps_the_high_water_mark(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        for (uint32_t resets = 0; resets < 3; ++resets) {
            tier_fixture_t f;
            tier_fixture_init(&f, 16, 0, both_kinds[i]);
            take_many(&f, 5);
            take_with_a_reset_between(&f, resets);
            CHECK_TEXT(rns_tier_check(&f.tier).invariant, NULL);
            check_marks(&f, 6, 6, 6);
            give_range(&f, 0, 6);
            rns_tier_reset_window(&f.tier);
            check_marks(&f, 0, 6, 0);
            tier_fixture_end(&f);
        }
    }
}
#    endif

static void test_check_names_the_damage_to_counts(void)
{
    for (size_t i = 0; i < COUNT_OF(both_kinds); ++i) {
        const uint32_t count = both_kinds[i];
        static const struct {
            uint32_t in_use; /* slots in use when the records are overwritten */
            uint32_t least_free_above;
            uint32_t window_above;
            const char* invariant;
        } cases[] = {
            {4, 0, 0, NULL},                  /* high 4, window 4 */
            {4, 1, 1, "I4"},                  /* in_use above both marks */
            {4, 0, 1, "I4"},                  /* in_use above the window's mark */
            {0, 0, 0, NULL}, {0, 0, 1, "I4"}, /* a window mark below 0 */
            {0, 1, 1, "I4"}, {0, 1, 0, "I4"}, /* window_high_water above high_water */
        };
        for (size_t k = 0; k < COUNT_OF(cases); ++k) {
            tier_fixture_t f;
            tier_fixture_init(&f, 16, 0, count);
            take_many(&f, cases[k].in_use);
            const uint32_t free_count = count - cases[k].in_use;
            rns_cell_store(&f.tier.least_free, free_count + cases[k].least_free_above);
            rns_cell_store(&f.tier.window_least_free, free_count + cases[k].window_above);
            const rns_damage_t damage = rns_tier_check(&f.tier);
            CHECK_TEXT(damage.invariant, cases[k].invariant);
            CHECK_STATUS(damage.status,
                         cases[k].invariant == NULL ? RNS_OK : RNS_DAMAGE_INVARIANT);
            free_tier_fixture(&f);
        }
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, count);
        take_many(&f, 4);
        set_gate_takes(&f, 4);
        CHECK_TEXT(rns_tier_check(&f.tier).invariant, NULL);
        set_gate_takes(&f, 3); /* fewer takes than slots in use */
        CHECK_TEXT(rns_tier_check(&f.tier).invariant, RNS_COUNTER_BITS == 64 ? "I5" : NULL);
        CHECK_EQUAL(rns_tier_check(&f.tier).slot_index, 0); /* no slot's fault */
        free_tier_fixture(&f);
    }
}

static void test_a_take_that_has_yet_to_note_itself_is_in_the_high_water_marks(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 40);
    take_many(&f, 4);
    rns_cell_store(&f.tier.least_free, 37u);
    rns_cell_store(&f.tier.window_least_free, 38u);
    const rns_tier_counts_t counts = rns_tier_counts(&f.tier);
    CHECK_EQUAL(counts.in_use, 4);
    CHECK_EQUAL(counts.window_high_water, 4);
    CHECK_EQUAL(counts.high_water, 4);
    free_tier_fixture(&f);
}
#else
static void test_without_statistics_only_slots_in_use_are_known(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 40);
    CHECK_EQUAL(tier_take_index(&f), 0);
    const rns_tier_counts_t counts = rns_tier_counts(&f.tier);
    CHECK_EQUAL(counts.slot_count, 40);
    CHECK_EQUAL(counts.in_use, 1);
    CHECK_EQUAL(counts.takes | counts.gives | counts.high_water | counts.window_high_water, 0);
    tier_fixture_end(&f);
}
#endif

static void check_damage(tier_fixture_t* f, const char* invariant, uint32_t slot_index)
{
    const rns_damage_t damage = rns_tier_check(&f->tier);
    CHECK_STATUS(damage.status, RNS_DAMAGE_INVARIANT);
    CHECK_TEXT(damage.invariant, invariant);
    CHECK_EQUAL(damage.slot_index, slot_index);
    free_tier_fixture(f);
}

static void test_check_names_the_damage_to_a_bitmap_in_the_gate(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 9);
    rns_cell_store(&f.tier.gate, rns_cell_load(&f.tier.gate) | 1u << 9);
    check_damage(&f, "I1", 9);
    tier_fixture_init(&f, 16, 0, 9);
    rns_cell_store(&f.tier.gate, rns_cell_load(&f.tier.gate) | 1u << 31);
    check_damage(&f, "I1", 9);
#if RNS_STATS
    tier_fixture_init(&f, 16, 0, 9);
    rns_cell_store(&f.tier.gate, rns_cell_load(&f.tier.gate) & ~(rns_gate_t)4);
    check_damage(&f, "I2", 0);
    tier_fixture_init(&f, 16, 0, 9);
    rns_cell_store(&f.tier.gate, rns_cell_load(&f.tier.gate) - RNS_GATE_ONE_FREE);
    check_damage(&f, "I2", 0);
#endif
}

static void test_check_names_the_damage_to_a_bitmap_in_words(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.words[2], rns_cell_load(&f.tier.words[2]) | 1u << 6);
    check_damage(&f, "I1", 70);
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.words[1], 0xFFFF0000u);
    check_damage(&f, "I2", 0);
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.gate, rns_cell_load(&f.tier.gate) - 1u);
    check_damage(&f, "I2", 0);
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.summary[0], 5u); /* word 1 is not 0 */
    check_damage(&f, "I3", 32);
    tier_fixture_init(&f, 16, 0, 1025 + 31);
    rns_cell_store(&f.tier.words[32], 0); /* its bit in the second summary word is set */
#if RNS_SYNC == RNS_SYNC_ATOMIC
    check_damage(&f, "I2", 0); /* a mark too many is no damage here */
#else
    check_damage(&f, "I3", 1024);
#endif
}

#if RNS_CANARY || RNS_POISON
static void test_check_names_a_slot_that_is_both_free_and_owned_or_neither(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 9);
    rns_cell_store(&f.tier.gate_owned, 1u << 3);
    check_damage(&f, "I2", 3);
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.owned[2], 1u << 5);
    check_damage(&f, "I2", 69);
    tier_fixture_init(&f, 16, 0, 70);
    void* slot = NULL;
    CHECK_STATUS(rns_tier_take(&f.tier, 0, &slot), RNS_OK);
    rns_cell_store(&f.tier.owned[0], 0u);
    check_damage(&f, "I2", 0);
}
#endif

#if RNS_SYNC != RNS_SYNC_ATOMIC
/* In RNS_SYNC_ATOMIC a take waits for the slot that the gate promised. */
static void test_a_bitmap_that_lost_slots_is_damage_and_changes_no_count(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 70);
    CHECK_EQUAL(tier_take_index(&f), 0);
    for (uint32_t i = 0; i < 3; ++i) {
        rns_cell_store(&f.tier.words[i], 0);
    }
    const rns_tier_counts_t before = rns_tier_counts(&f.tier);
    void* out = &f;
    CHECK_STATUS(rns_tier_take(&f.tier, 0, &out), RNS_DAMAGE_INVARIANT);
    CHECK(out == NULL);
    CHECK_EQUAL(rns_tier_counts(&f.tier).takes, before.takes);
    CHECK_EQUAL(rns_tier_counts(&f.tier).in_use, before.in_use);
    CHECK_EQUAL(rns_tier_counts(&f.tier).high_water, before.high_water);
    free_tier_fixture(&f);
}
#endif

void suite_tier_check(void)
{
#if RNS_STATS
    RUN(test_high_water_marks_are_exact_for_the_life_and_for_the_window);
    RUN(test_takes_gives_and_in_use_agree_after_each_step);
    RUN(test_takes_that_outgrow_the_gate_are_carried_without_loss);
    RUN(test_the_carry_leaves_slots_and_marks_alone);
    RUN(test_34_million_pairs_are_counted_exactly);
    RUN(test_check_names_the_damage_to_counts);
    RUN(test_a_take_that_has_yet_to_note_itself_is_in_the_high_water_marks);
#    if RNS_SYNC == RNS_SYNC_ATOMIC
    RUN(test_a_reset_between_a_take_and_its_note_keeps_the_high_water_mark);
#    endif
#else
    RUN(test_without_statistics_only_slots_in_use_are_known);
#endif
    RUN(test_check_names_the_damage_to_a_bitmap_in_the_gate);
    RUN(test_check_names_the_damage_to_a_bitmap_in_words);
#if RNS_CANARY || RNS_POISON
    RUN(test_check_names_a_slot_that_is_both_free_and_owned_or_neither);
#endif
#if RNS_SYNC != RNS_SYNC_ATOMIC
    RUN(test_a_bitmap_that_lost_slots_is_damage_and_changes_no_count);
#endif
}
