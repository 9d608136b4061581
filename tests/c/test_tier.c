/* rns_tier: which slot is taken, what is counted. */
#include "check.h"
#include "rns_tier_inline.h"
#include "suites.h"
#include "tier_fixture.h"
#include <string.h>

static const uint32_t all_counts[] = {1, 2, 31, 32, 33, 64, 65, 1024, 1025, 40000};

static void take_all(tier_fixture_t* f)
{
    for (uint32_t i = 0; i < f->tier.slot_count; ++i) {
        CHECK_EQUAL(tier_take_index(f), i);
    }
}

static void test_a_new_tier_is_empty_and_takes_ascend(void)
{
    for (size_t i = 0; i < COUNT_OF(all_counts); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, all_counts[i]);
        CHECK_EQUAL(f.tier.slot_count, all_counts[i]);
        CHECK_EQUAL(rns_tier_counts(&f.tier).in_use, 0);
        CHECK_EQUAL(f.tier.word_count, all_counts[i] > 32 ? (all_counts[i] + 31) / 32 : 0);
        take_all(&f);
        CHECK_EQUAL(rns_tier_counts(&f.tier).in_use, all_counts[i]);
        tier_fixture_end(&f);
    }
}

static void test_the_lowest_free_index_is_taken_first(void)
{
    for (size_t i = 0; i < COUNT_OF(all_counts); ++i) {
        const uint32_t count = all_counts[i];
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, count);
        take_all(&f);
        const uint32_t last = (count - 1u) / 7u * 7u;
        for (uint32_t index = last;; index -= 7u) { /* given in descending order */
            CHECK_STATUS(tier_give_index(&f, index), RNS_OK);
            if (index == 0) {
                break;
            }
        }
        CHECK_TEXT(rns_tier_check(&f.tier).invariant, NULL);
        for (uint32_t index = 0; index <= last; index += 7u) { /* taken in ascending order */
            CHECK_EQUAL(tier_take_index(&f), index);
        }
        CHECK_EQUAL(tier_take_index(&f), UINT32_MAX);
        tier_fixture_end(&f);
    }
}

static void test_take_from_a_full_tier_is_a_miss_and_changes_no_slot(void)
{
    for (size_t i = 0; i < COUNT_OF(all_counts); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, all_counts[i]);
        take_all(&f);
        memset(f.slots, 0x5A, (size_t)all_counts[i] * f.tier.stride_bytes);
        const rns_tier_counts_t before = rns_tier_counts(&f.tier);
        void* out = &f;
        CHECK_STATUS(rns_tier_take(&f.tier, 0, &out), RNS_MISS_EXHAUSTED);
        CHECK(out == NULL);
        const rns_tier_counts_t after = rns_tier_counts(&f.tier);
        CHECK_EQUAL(after.takes, before.takes);
        CHECK_EQUAL(after.gives, before.gives);
        CHECK_EQUAL(after.in_use, all_counts[i]);
        uint32_t changed = 0;
        for (size_t at = 0; at < (size_t)all_counts[i] * f.tier.stride_bytes; ++at) {
            changed += f.slots[at] != 0x5A;
        }
        CHECK_EQUAL(changed, 0);
        free_tier_fixture(&f); /* the canaries are overwritten on purpose */
    }
}

static void test_slots_are_aligned_and_do_not_overlap(void)
{
    static const size_t sizes[] = {1, 8, 15, 16, 17, 100, 1024};
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, sizes[i], 0, 40);
        unsigned char* before = NULL;
        for (uint32_t index = 0; index < 40; ++index) {
            unsigned char* const slot = rns_tier_slot(&f.tier, index);
            CHECK_EQUAL((uintptr_t)slot % RNS_ALIGN_BYTES, 0);
            CHECK(before == NULL || slot >= before + sizes[i] + RNS_CANARY_BYTES);
            CHECK(before == NULL || slot < before + sizes[i] + RNS_CANARY_BYTES + RNS_ALIGN_BYTES);
            before = slot;
        }
        CHECK(before + f.tier.stride_bytes == f.slots + f.layout.slots_bytes);
        tier_fixture_end(&f);
    }
}

static void test_keep_count_slots_stay_free(void)
{
    static const uint32_t counts[] = {1, 4, 32, 33, 100, 1025};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        for (uint32_t keep = 0; keep <= counts[i] + 1u; keep += 1u + keep / 3u) {
            tier_fixture_t f;
            tier_fixture_init(&f, 16, 0, counts[i]);
            void* out = NULL;
            uint32_t taken = 0;
            while (taken <= counts[i] && rns_tier_take(&f.tier, keep, &out) == RNS_OK) {
                CHECK(out == rns_tier_slot(&f.tier, taken));
                ++taken;
            }
            CHECK(out == NULL);
            CHECK_EQUAL(taken, keep < counts[i] ? counts[i] - keep : 0);
            if (taken < counts[i]) { /* the kept ones are there for whoever may take them */
                CHECK_EQUAL(tier_take_index(&f), taken);
            }
            tier_fixture_end(&f);
        }
    }
}

static void test_live_bits_show_the_slots_in_use(void)
{
    static const uint32_t counts[] = {5, 32, 33, 70};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, counts[i]);
        take_all(&f);
        for (uint32_t index = 0; index < counts[i]; index += 3u) {
            CHECK_STATUS(tier_give_index(&f, index), RNS_OK);
        }
        for (uint32_t index = 0; index < (counts[i] + 31u) / 32u * 32u; ++index) {
            const uint32_t live = (rns_tier_live_bits(&f.tier, index / 32u) >> index % 32u) & 1u;
            CHECK_EQUAL(live, index < counts[i] && index % 3u != 0 ? 1 : 0);
        }
        tier_fixture_end(&f);
    }
}

static void test_a_summary_bit_tells_whether_its_word_holds_a_free_slot(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 40000);
    CHECK_EQUAL(f.tier.word_count, 1250);
    for (uint32_t index = 0; index < 40000; ++index) {
        CHECK_EQUAL(tier_take_index(&f), index);
        const uint32_t word = index / 32u;
        const uint32_t mark = (rns_cell_load(&f.tier.summary[word / 32u]) >> word % 32u) & 1u;
        CHECK_EQUAL(mark, index % 32u != 31u ? 1 : 0);
    }
    for (uint32_t i = 0; i < 40; ++i) {
        CHECK_EQUAL(rns_cell_load(&f.tier.summary[i]), 0);
    }
    for (uint32_t word = 1250; word-- > 0;) {
        CHECK_STATUS(tier_give_index(&f, word * 32u + word % 32u), RNS_OK);
        CHECK_EQUAL((rns_cell_load(&f.tier.summary[word / 32u]) >> word % 32u) & 1u, 1);
    }
    CHECK_EQUAL(rns_cell_load(&f.tier.summary[39]), 3); /* 1250 words: two in the last one */
    tier_fixture_end(&f);
}

#if RNS_SYNC == RNS_SYNC_ATOMIC
static void test_a_take_finds_the_slot_whose_mark_another_thread_has_yet_to_set(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 16, 0, 70);
    rns_cell_store(&f.tier.summary[0], 4u); /* as if two threads had stopped half-way */
    CHECK_EQUAL(tier_take_index(&f), 64);
    rns_cell_store(&f.tier.summary[0], 0);
    CHECK_EQUAL(tier_take_index(&f), 0);
    CHECK_EQUAL(tier_take_index(&f), 1);
    rns_cell_store(&f.tier.summary[0], 7u);
    for (uint32_t index = 2; index < 32; ++index) {
        CHECK_EQUAL(tier_take_index(&f), index);
    }
    CHECK_EQUAL(rns_cell_load(&f.tier.summary[0]), 6);
    rns_cell_store(&f.tier.summary[0], 7u); /* a mark too many goes when it is met */
    CHECK_EQUAL(tier_take_index(&f), 32);
    CHECK_EQUAL(rns_cell_load(&f.tier.summary[0]), 6);
    tier_fixture_end(&f);
}
#endif

static void test_a_slot_goes_around_any_number_of_times(void)
{
    static const uint32_t counts[] = {1, 32, 33};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 16, 0, counts[i]);
        for (uint32_t round = 0; round < 1000; ++round) {
            CHECK_EQUAL(tier_take_index(&f), 0);
            CHECK_STATUS(tier_give_index(&f, 0), RNS_OK);
            CHECK_STATUS(tier_give_index(&f, 0), RNS_MISUSE_DOUBLE_GIVE);
        }
        tier_fixture_end(&f);
    }
}

static void test_the_headers_join_the_stride(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 512, 16, 3);
    CHECK_EQUAL(f.layout.header_bytes, 16);
    CHECK_EQUAL(f.layout.slot_bytes, 512);
    CHECK_EQUAL(f.tier.payload_end, 528);
    CHECK_EQUAL(f.tier.stride_bytes, 528u + (RNS_CANARY ? RNS_ALIGN_BYTES : 0));
    tier_fixture_end(&f);
}

static void test_a_layout_out_of_range_is_refused_and_left_zero(void)
{
    static const struct {
        size_t slot_bytes;
        uint32_t header_bytes;
        uint32_t slot_count;
        rns_status_t status;
    } refused[] = {
        {0, 0, 1, RNS_CONFIG_SLOT_BYTES},
        {RNS_SLOT_BYTES_MAX + 1u, 0, 1, RNS_CONFIG_SLOT_BYTES},
        {SIZE_MAX, 0, 1, RNS_CONFIG_SLOT_BYTES},
        {16, 0, 0, RNS_CONFIG_SLOT_COUNT},
        {16, 0, RNS_SLOT_COUNT_MAX + 1u, RNS_CONFIG_SLOT_COUNT},
        {16, 0, UINT32_MAX, RNS_CONFIG_SLOT_COUNT},
        {16, 1, 1, RNS_CONFIG_HEADER},
        {16, RNS_ALIGN_BYTES - 1u, 1, RNS_CONFIG_HEADER},
        {16, (uint32_t)RNS_SLOT_BYTES_MAX + RNS_ALIGN_BYTES, 1, RNS_CONFIG_HEADER},
        {RNS_SLOT_BYTES_MAX, 0, 256, RNS_CONFIG_OVERFLOW},
        {256, 0, RNS_SLOT_COUNT_MAX, RNS_CONFIG_OVERFLOW},
        {RNS_SLOT_BYTES_MAX, 0, RNS_SLOT_COUNT_MAX, RNS_CONFIG_OVERFLOW},
    };
    for (size_t i = 0; i < COUNT_OF(refused); ++i) {
        rns_tier_layout_t out;
        memset(&out, 0xFF, sizeof out);
        CHECK_STATUS(rns_tier_layout(refused[i].slot_bytes, refused[i].header_bytes,
                                     refused[i].slot_count, &out),
                     refused[i].status);
        CHECK_EQUAL(out.slot_count | out.header_bytes | out.slot_bytes | out.stride_bytes |
                        out.slots_bytes | out.bitmap_bytes,
                    0);
    }
    rns_tier_layout_t out; /* 2.4 GiB: more than half of the address space on 32 bit */
    CHECK_STATUS(rns_tier_layout(65536, 0, 40000, &out),
                 SIZE_MAX > UINT32_MAX ? RNS_OK : RNS_CONFIG_OVERFLOW);
}

static void test_the_largest_layouts_are_accepted(void)
{
    static const struct {
        size_t slot_bytes;
        uint32_t slot_count;
    } accepted[] = {{RNS_SLOT_BYTES_MAX, 1}, {RNS_SLOT_BYTES_MAX, 100}, {16, 1u << 24}, {1, 1}};
    for (size_t i = 0; i < COUNT_OF(accepted); ++i) {
        rns_tier_layout_t out;
        CHECK_STATUS(rns_tier_layout(accepted[i].slot_bytes, 0, accepted[i].slot_count, &out),
                     RNS_OK);
        CHECK_EQUAL(out.slot_bytes, accepted[i].slot_bytes);
        CHECK_EQUAL(out.slots_bytes, (uint64_t)out.slot_count * out.stride_bytes);
        CHECK_EQUAL(out.stride_bytes % RNS_ALIGN_BYTES, 0);
    }
    const uint32_t bitmaps = RNS_CANARY || RNS_POISON ? 2u : 1u; /* what is free; what is owned */
    rns_tier_layout_t words; /* 2^32 - 256 bytes, more than half of the address space on 32 bit */
    CHECK_STATUS(rns_tier_layout(256 - RNS_CANARY_BYTES, 0, (1u << 24) - 1u, &words),
                 SIZE_MAX > UINT32_MAX ? RNS_OK : RNS_CONFIG_OVERFLOW);
    CHECK_STATUS(rns_tier_layout(16, 0, 1u << 24, &words), RNS_OK);
    CHECK_EQUAL(words.bitmap_bytes, (size_t)4 * ((bitmaps << 19) + (1u << 14)));
    CHECK_STATUS(rns_tier_layout(16, 0, 32, &words), RNS_OK);
    CHECK_EQUAL(words.bitmap_bytes, 0);
    CHECK_STATUS(rns_tier_layout(16, 0, 33, &words), RNS_OK);
    CHECK_EQUAL(words.bitmap_bytes, (size_t)4 * (bitmaps * 2u + 1u));
    CHECK_STATUS(rns_tier_layout(16, 0, 1025, &words), RNS_OK);
    CHECK_EQUAL(words.bitmap_bytes, (size_t)4 * (bitmaps * 33u + 2u));
}

void suite_tier(void)
{
    RUN(test_a_new_tier_is_empty_and_takes_ascend);
    RUN(test_the_lowest_free_index_is_taken_first);
    RUN(test_take_from_a_full_tier_is_a_miss_and_changes_no_slot);
    RUN(test_slots_are_aligned_and_do_not_overlap);
    RUN(test_keep_count_slots_stay_free);
    RUN(test_live_bits_show_the_slots_in_use);
    RUN(test_a_summary_bit_tells_whether_its_word_holds_a_free_slot);
#if RNS_SYNC == RNS_SYNC_ATOMIC
    RUN(test_a_take_finds_the_slot_whose_mark_another_thread_has_yet_to_set);
#endif
    RUN(test_a_slot_goes_around_any_number_of_times);
    RUN(test_the_headers_join_the_stride);
    RUN(test_a_layout_out_of_range_is_refused_and_left_zero);
    RUN(test_the_largest_layouts_are_accepted);
}
