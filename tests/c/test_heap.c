/* rns_heap: what each kind takes of the arena, and where it puts a block. */
#include "heap_fixture.h"

#define ARENA 65536u

/// Rows are kind, word and alignment, size, bytes of the block.
static void test_a_block_costs_what_it_costs_in_the_original(void)
{
    static const uint32_t rows[][5] = {
        {RNS_HEAP_FIRST_FIT, 4, 8, 0, 16},   {RNS_HEAP_FIRST_FIT, 4, 8, 8, 16},
        {RNS_HEAP_FIRST_FIT, 4, 8, 9, 24},   {RNS_HEAP_FIRST_FIT, 4, 8, 500, 512},
        {RNS_HEAP_FIRST_FIT, 4, 4, 9, 20},   {RNS_HEAP_FIRST_FIT, 8, 8, 8, 32},
        {RNS_HEAP_FIRST_FIT, 8, 8, 17, 40},  {RNS_HEAP_BEST_FIT, 4, 8, 500, 512},
        {RNS_HEAP_TLSF, 4, 4, 0, 16},        {RNS_HEAP_TLSF, 4, 4, 12, 16},
        {RNS_HEAP_TLSF, 4, 4, 13, 20},       {RNS_HEAP_TLSF, 4, 4, 500, 504},
        {RNS_HEAP_TLSF, 4, 8, 13, 24},       {RNS_HEAP_TLSF, 8, 8, 24, 32},
        {RNS_HEAP_TLSF, 8, 8, 25, 40},       {RNS_HEAP_HALF_FIT, 4, 8, 0, 32},
        {RNS_HEAP_HALF_FIT, 4, 8, 16, 32},   {RNS_HEAP_HALF_FIT, 4, 8, 17, 64},
        {RNS_HEAP_HALF_FIT, 4, 8, 496, 512}, {RNS_HEAP_HALF_FIT, 4, 8, 497, 1024},
        {RNS_HEAP_HALF_FIT, 8, 8, 33, 128},  {RNS_HEAP_BUDDY, 4, 8, 0, 32},
        {RNS_HEAP_BUDDY, 4, 8, 32, 32},      {RNS_HEAP_BUDDY, 4, 8, 33, 64},
        {RNS_HEAP_BUDDY, 4, 8, 512, 512},    {RNS_HEAP_BUDDY, 8, 8, 1, 64},
    };
    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        heap_fixture_t* const f = heap_begin((rns_heap_kind_t)rows[i][0], ARENA);
        heap_fixture_end(f);
        rns_heap_config_t config = heap_config((rns_heap_kind_t)rows[i][0], ARENA);
        config.word_bytes = rows[i][1];
        config.alignment_bytes = rows[i][2];
        heap_fixture_init(f, &config);
        const uint32_t before = rns_heap_total_free(&f->heap);
        CHECK_EQUAL(rns_heap_block_bytes(&f->heap, rows[i][3]), rows[i][4]);
        (void)take(f, rows[i][3]);
        CHECK_EQUAL(before - rns_heap_total_free(&f->heap), rows[i][4]);
        heap_fixture_end(f);
    }
}

static void test_an_empty_heap_has_the_arena_without_control_and_end(void)
{
    static const uint32_t rows[][3] = {
        {RNS_HEAP_FIRST_FIT, ARENA, ARENA - 8},           {RNS_HEAP_BEST_FIT, ARENA, ARENA - 8},
        {RNS_HEAP_TLSF, ARENA, ARENA - 872 - 4}, /* 12 first levels of 16: 56 + 12 * 4 * 17 */
        {RNS_HEAP_TLSF, 16384, 16384 - 452 - 4}, /* 11 of 8: 56 + 11 * 4 * 9 */
        {RNS_HEAP_TLSF, 1u << 20, (1u << 20) - 2036 - 4}, /* 15 of 32: 56 + 15 * 4 * 33 */
        {RNS_HEAP_HALF_FIT, ARENA, ARENA - 160},          {RNS_HEAP_BUDDY, ARENA, ARENA / 33 * 32},
    };
    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        heap_fixture_t* const f = heap_begin((rns_heap_kind_t)rows[i][0], rows[i][1]);
        CHECK_EQUAL(rns_heap_total_free(&f->heap), rows[i][2]);
        heap_fixture_end(f);
    }
}

static void test_a_full_heap_given_back_is_the_empty_heap(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        heap_fixture_t* const f = heap_begin((rns_heap_kind_t)kind, 8192);
        const uint32_t largest = rns_heap_largest_free(&f->heap);
        const uint32_t total = rns_heap_total_free(&f->heap);
        uint32_t offsets[512];
        uint32_t count = 0;
        while (rns_heap_fits(&f->heap, 24)) {
            offsets[count] = take(f, 24);
            memset(payload_at(f, offsets[count]), (int)count, 24);
            ++count;
        }
        CHECK(count > 100);
        CHECK_STATUS(rns_heap_take(&f->heap, 24, &offsets[count]), RNS_MISS_EXHAUSTED);
        CHECK_EQUAL(offsets[count], RNS_HEAP_NONE);
        check_heap(f);
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t which = i * 7u % count; /* 7 divides none of the counts */
            CHECK(count % 7u != 0);
            give(f, offsets[which]);
            check_heap(f);
        }
        CHECK_EQUAL(rns_heap_largest_free(&f->heap), largest);
        CHECK_EQUAL(rns_heap_total_free(&f->heap), total);
        heap_fixture_end(f);
    }
}

/// Make holes for 200, 104 and 120 bytes, in the order of addresses, each between live blocks.
static void make_holes(heap_fixture_t* f, uint32_t holes[3])
{
    static const size_t sizes[3] = {200, 104, 120};
    for (uint32_t i = 0; i < 3; ++i) {
        holes[i] = take(f, sizes[i]);
        (void)take(f, 24);
    }
    for (uint32_t i = 0; i < 3; ++i) {
        give(f, holes[i]);
    }
}

static void test_first_fit_takes_the_lowest_hole_and_best_fit_the_smallest(void)
{
    uint32_t holes[3];
    heap_fixture_t* f = heap_begin(RNS_HEAP_FIRST_FIT, ARENA);
    make_holes(f, holes);
    CHECK_EQUAL(take(f, 100), holes[0]);
    CHECK_EQUAL(take(f, 100), holes[1]);
    heap_fixture_end(f);
    f = heap_begin(RNS_HEAP_BEST_FIT, ARENA);
    make_holes(f, holes);
    CHECK_EQUAL(take(f, 100), holes[1]);
    CHECK_EQUAL(take(f, 100), holes[2]);
    CHECK_EQUAL(take(f, 100), holes[0]);
    heap_fixture_end(f);
}

static void test_first_fit_keeps_a_remainder_that_is_no_more_than_the_smallest_block(void)
{
    heap_fixture_t* const f = heap_begin(RNS_HEAP_FIRST_FIT, ARENA);
    uint32_t holes[3];
    make_holes(f, holes);
    const uint32_t total = rns_heap_total_free(&f->heap);
    CHECK_EQUAL(take(f, 184), holes[0]);
    CHECK_EQUAL(total - rns_heap_total_free(&f->heap), 208);
    give(f, holes[0]);
    CHECK_EQUAL(take(f, 176), holes[0]);
    CHECK_EQUAL(total - rns_heap_total_free(&f->heap), 184);
    heap_fixture_end(f);
}

static void test_tlsf_passes_by_a_block_that_fits_where_its_list_might_hold_smaller_ones(void)
{
    heap_fixture_t* const f = heap_begin(RNS_HEAP_TLSF, 16384);
    const uint32_t hole = take(f, 508);
    (void)take(f, 12);
    uint32_t offset = 0;
    while (rns_heap_fits(&f->heap, 480)) {
        (void)take(f, 480);
    }
    while (rns_heap_fits(&f->heap, 12)) {
        (void)take(f, 12);
    }
    give(f, hole);
    CHECK_EQUAL(rns_heap_largest_free(&f->heap), 512);
    /* 8 lists from 256 to 512: 480 to 511 are one, of which 500 cannot be sure. */
    CHECK(!rns_heap_fits(&f->heap, 500));
    CHECK_STATUS(rns_heap_take(&f->heap, 500, &offset), RNS_MISS_EXHAUSTED);
    CHECK_EQUAL(take(f, 480), hole);
    heap_fixture_end(f);
}

static void test_tlsf_takes_what_was_given_last(void)
{
    heap_fixture_t* const f = heap_begin(RNS_HEAP_TLSF, ARENA);
    uint32_t offsets[3];
    for (uint32_t i = 0; i < 3; ++i) {
        offsets[i] = take(f, 40);
        (void)take(f, 12);
    }
    give(f, offsets[0]);
    give(f, offsets[2]);
    give(f, offsets[1]);
    CHECK_EQUAL(take(f, 40), offsets[1]);
    CHECK_EQUAL(take(f, 40), offsets[2]);
    CHECK_EQUAL(take(f, 40), offsets[0]);
    heap_fixture_end(f);
}

static void test_only_buddies_merge_in_a_buddy_heap(void)
{
    heap_fixture_t* const f = heap_begin(RNS_HEAP_BUDDY, 264); /* 8 units of 32 */
    uint32_t offsets[8];
    for (uint32_t i = 0; i < 8; ++i) {
        offsets[i] = take(f, 32);
        CHECK_EQUAL(offsets[i], (uint64_t)32 * i);
    }
    give(f, 32);
    give(f, 64);
    CHECK_EQUAL(rns_heap_largest_free(&f->heap), 32);
    CHECK_EQUAL(rns_heap_fragmentation_ppm(&f->heap), 500000);
    give(f, 96);
    CHECK_EQUAL(rns_heap_largest_free(&f->heap), 64);
    give(f, 0);
    CHECK_EQUAL(rns_heap_largest_free(&f->heap), 128);
    CHECK_EQUAL(rns_heap_fragmentation_ppm(&f->heap), 0);
    heap_fixture_end(f);
}

static void test_what_no_heap_can_serve_is_a_miss(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        heap_fixture_t* const f = heap_begin((rns_heap_kind_t)kind, 8192);
        static const size_t sizes[] = {8192, 1u << 30, (1u << 30) + 1u, UINT32_MAX, SIZE_MAX};
        for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
            uint32_t offset = 0;
            CHECK(!rns_heap_fits(&f->heap, sizes[i]));
            CHECK_STATUS(rns_heap_take(&f->heap, sizes[i], &offset), RNS_MISS_EXHAUSTED);
            CHECK_EQUAL(offset, RNS_HEAP_NONE);
        }
        heap_fixture_end(f);
    }
}

static void test_a_give_of_what_was_not_taken_is_named_and_changes_nothing(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        heap_fixture_t* const f = heap_begin((rns_heap_kind_t)kind, 8192);
        const uint32_t first = take(f, 100);
        const uint32_t second = take(f, 100);
        (void)take(f, 100);
        give(f, first);
        give(f, second);
        const uint32_t total = rns_heap_total_free(&f->heap);
        CHECK_STATUS(rns_heap_give(&f->heap, first), RNS_MISUSE_DOUBLE_GIVE);
        CHECK_STATUS(rns_heap_give(&f->heap, second), RNS_MISUSE_DOUBLE_GIVE);
        CHECK_STATUS(rns_heap_give(&f->heap, second + 2u), RNS_MISUSE_MISALIGNED);
        CHECK_STATUS(rns_heap_give(&f->heap, 8192), RNS_MISUSE_OUT_OF_RANGE);
        CHECK_STATUS(rns_heap_give(&f->heap, RNS_HEAP_NONE), RNS_MISUSE_OUT_OF_RANGE);
        if (f->heap.begin_bytes + f->heap.header_bytes > 0) {
            CHECK_STATUS(rns_heap_give(&f->heap, 0), RNS_MISUSE_OUT_OF_RANGE);
        }
        CHECK_EQUAL(rns_heap_total_free(&f->heap), total);
        heap_fixture_end(f);
    }
}

static void test_a_configuration_that_cannot_be_is_refused_by_name(void)
{
    rns_heap_config_t config = heap_config(RNS_HEAP_TLSF, ARENA);
    size_t bytes = 1;
    config.kind = (rns_heap_kind_t)RNS_HEAP_KIND_COUNT;
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_CONFIG_POLICY);
    CHECK_EQUAL(bytes, 0);
    config = heap_config(RNS_HEAP_TLSF, ARENA);
    config.word_bytes = 2;
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_CONFIG_HEADER);
    config.word_bytes = 8; /* alignment is 4 */
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_CONFIG_STORAGE_ALIGN);
    config.alignment_bytes = 16;
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_CONFIG_STORAGE_ALIGN);
    config = heap_config(RNS_HEAP_TLSF, RNS_HEAP_ARENA_BYTES_MAX + 1u);
    CHECK_STATUS(rns_heap_storage_bytes(&config, &bytes), RNS_CONFIG_OVERFLOW);
}

static void test_the_smallest_arena_holds_one_smallest_block(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        static heap_fixture_t f;
        uint32_t arena = 0;
        size_t bytes = 0;
        rns_heap_config_t config = heap_config((rns_heap_kind_t)kind, arena);
        while (rns_heap_storage_bytes(&config, &bytes) == RNS_CONFIG_STORAGE_SMALL) {
            config.arena_bytes = ++arena;
        }
        heap_fixture_init(&f, &config);
        const uint32_t offset = take(&f, 1);
        CHECK(!rns_heap_fits(&f.heap, 1));
        CHECK_EQUAL(rns_heap_fragmentation_ppm(&f.heap), 0);
        check_heap(&f);
        give(&f, offset);
        heap_fixture_end(&f);
    }
}

static void test_storage_that_is_too_small_or_misaligned_is_refused(void)
{
    heap_fixture_t* const f = heap_begin(RNS_HEAP_TLSF, ARENA);
    const rns_heap_config_t config = heap_config(RNS_HEAP_TLSF, ARENA);
    rns_memory_t storage = {f->storage.start, f->storage.bytes - 1u};
    CHECK_STATUS(rns_heap_init(&f->heap, &config, storage), RNS_CONFIG_STORAGE_SMALL);
    storage = (rns_memory_t){payload_at(f, 4), f->storage.bytes};
    CHECK_STATUS(rns_heap_init(&f->heap, &config, storage), RNS_CONFIG_STORAGE_ALIGN);
    storage = (rns_memory_t){NULL, f->storage.bytes};
    CHECK_STATUS(rns_heap_init(&f->heap, &config, storage), RNS_CONFIG_STORAGE_ALIGN);
    heap_fixture_end(f);
}

static void test_every_kind_has_a_name(void)
{
    CHECK_TEXT(rns_heap_kind_name(RNS_HEAP_FIRST_FIT), "first_fit");
    CHECK_TEXT(rns_heap_kind_name(RNS_HEAP_BUDDY), "buddy");
    CHECK_TEXT(rns_heap_kind_name(RNS_HEAP_KIND_COUNT), NULL);
}

void suite_heap(void)
{
    RUN(test_a_block_costs_what_it_costs_in_the_original);
    RUN(test_an_empty_heap_has_the_arena_without_control_and_end);
    RUN(test_a_full_heap_given_back_is_the_empty_heap);
    RUN(test_first_fit_takes_the_lowest_hole_and_best_fit_the_smallest);
    RUN(test_first_fit_keeps_a_remainder_that_is_no_more_than_the_smallest_block);
    RUN(test_tlsf_passes_by_a_block_that_fits_where_its_list_might_hold_smaller_ones);
    RUN(test_tlsf_takes_what_was_given_last);
    RUN(test_only_buddies_merge_in_a_buddy_heap);
    RUN(test_what_no_heap_can_serve_is_a_miss);
    RUN(test_a_give_of_what_was_not_taken_is_named_and_changes_nothing);
    RUN(test_a_configuration_that_cannot_be_is_refused_by_name);
    RUN(test_the_smallest_arena_holds_one_smallest_block);
    RUN(test_storage_that_is_too_small_or_misaligned_is_refused);
    RUN(test_every_kind_has_a_name);
}
