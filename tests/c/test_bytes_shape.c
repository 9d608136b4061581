/* rns_bytes: splitting, joining, sizes, compacting, exporting. */
#include "bytes_fixture.h"

#include <string.h>

static void test_splitting_moves_or_shares_and_never_copies(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (size_t at = 0; at <= 6; ++at) {
        rns_bytes_t front = bytes_of(&f, "abcdef");
        rns_bytes_t back;
        CHECK_STATUS(rns_bytes_split_off(&front, &f.store, at, &back), RNS_OK);
        CHECK(bytes_are(&front, "abcdef", at));
        CHECK(bytes_are(&back, &"abcdef"[at], 6 - at));
        CHECK_EQUAL(rns_bytes_refs(&front, &f.store) + rns_bytes_refs(&back, &f.store),
                    at == 0 || at == 6 ? 1 : 4);
        CHECK_STATUS(rns_bytes_unsplit(&front, &f.store, &back), RNS_OK);
        CHECK(back.buffer == NULL);
        CHECK_EQUAL(rns_bytes_refs(&front, &f.store), 1);
        CHECK_STATUS(rns_bytes_split_to(&front, &f.store, at, &back), RNS_OK);
        CHECK(bytes_are(&back, "abcdef", at));
        CHECK(bytes_are(&front, &"abcdef"[at], 6 - at));
        bytes_end(&f, &front);
        bytes_end(&f, &back);
    }
    CHECK_EQUAL(requests_of(&f), 7);
    bytes_fixture_end(&f);
}

static void test_splitting_behind_the_end_is_refused(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abc");
    rns_bytes_t out = bytes;
    CHECK_STATUS(rns_bytes_split_to(&bytes, &f.store, 4, &out), RNS_INPUT_RANGE);
    CHECK(out.buffer == NULL && out.length == 0);
    out = bytes;
    CHECK_STATUS(rns_bytes_split_off(&bytes, &f.store, SIZE_MAX, &out), RNS_INPUT_RANGE);
    CHECK(out.buffer == NULL && out.length == 0);
    CHECK(bytes_read(&bytes, "abc"));
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_joining_what_is_not_adjacent_appends(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t whole = bytes_of(&f, "abcdef");
    rns_bytes_t front = rns_bytes_left(&whole, &f.store, 2);
    rns_bytes_t back = rns_bytes_right(&whole, &f.store, 2);
    CHECK_STATUS(rns_bytes_unsplit(&front, &f.store, &back), RNS_OK);
    CHECK(bytes_read(&front, "abef"));
    CHECK(bytes_read(&whole, "abcdef"));
    CHECK(back.buffer == NULL);
    bytes_end(&f, &whole);
    bytes_end(&f, &front);
    bytes_fixture_end(&f);
}

static void test_gather_and_spans_are_each_others_inverse(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t list[3] = {bytes_of(&f, "ab"), {0}, bytes_of(&f, "cde")};
    rns_span_t spans[3];
    rns_bytes_spans(list, 3, spans);
    CHECK(spans[0].start == rns_bytes_data(&list[0]) && spans[0].bytes == 2);
    CHECK(spans[1].start == NULL && spans[1].bytes == 0);
    CHECK_EQUAL(spans[2].bytes, 3);
    rns_bytes_t all = bytes_of(&f, "old");
    CHECK_STATUS(rns_bytes_gather(&all, &f.store, spans, 3), RNS_OK);
    CHECK(bytes_read(&all, "abcde"));
    CHECK_STATUS(rns_bytes_concat(&all, &f.store, &list[2], &list[0]), RNS_OK);
    CHECK(bytes_read(&all, "cdeab"));
    CHECK_STATUS(rns_bytes_gather(&all, &f.store, spans, 0), RNS_OK);
    CHECK(all.buffer == NULL);
    bytes_end(&f, &list[0]);
    bytes_end(&f, &list[2]);
    bytes_fixture_end(&f);
}

static void test_resize_fills_with_0_and_shorter_never_copies(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abcdef");
    rns_bytes_t shared = rns_bytes_share(&bytes, &f.store);
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 2), RNS_OK);
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK(bytes_read(&bytes, "ab"));
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 4), RNS_OK); /* must not show "cd" */
    CHECK(bytes_are(&bytes, "ab\0", 4));
    CHECK(bytes_read(&shared, "abcdef"));
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 0), RNS_OK); /* unique: keeps its storage */
    CHECK(bytes.buffer != NULL);
    CHECK(rns_bytes_is_empty(&bytes));
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, "x", 1), RNS_OK);
    CHECK_EQUAL(requests_of(&f), 2);
    rns_bytes_t again = rns_bytes_share(&shared, &f.store);
    CHECK_STATUS(rns_bytes_resize(&again, &f.store, 0), RNS_OK); /* shared: lets it go */
    CHECK(again.buffer == NULL);
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 500), RNS_OK);
    CHECK_EQUAL(bytes.buffer->capacity, 512);
    CHECK_EQUAL(rns_bytes_data(&bytes)[0], 'x');
    CHECK_EQUAL(rns_bytes_data(&bytes)[499], 0);
    rns_bytes_clear(&bytes, &f.store);
    CHECK(bytes.buffer == NULL);
    bytes_end(&f, &shared);
    bytes_fixture_end(&f);
}

static void test_what_is_reserved_needs_no_second_request(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = {0};
    CHECK_STATUS(rns_bytes_reserve(&bytes, &f.store, 500), RNS_OK);
    CHECK(rns_bytes_capacity(&bytes) >= 500);
    CHECK(rns_bytes_is_empty(&bytes));
    const uint8_t* const data = rns_bytes_data(&bytes);
    for (uint32_t i = 0; i < 500; ++i) {
        CHECK_STATUS(rns_bytes_append_byte(&bytes, &f.store, (uint8_t)i), RNS_OK);
    }
    CHECK(rns_bytes_data(&bytes) == data);
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_STATUS(rns_bytes_reserve(&bytes, &f.store, 100), RNS_OK); /* has it */
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, 40, 10), RNS_OK);
    CHECK_EQUAL(bytes.buffer->capacity, 1024);
    CHECK(rns_bytes_headroom(&bytes) >= 40);
    CHECK(rns_bytes_capacity(&bytes) >= 510);
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 10), RNS_OK);
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, 900, 0), RNS_OK); /* slides */
    CHECK_EQUAL(rns_bytes_headroom(&bytes), 900);
    CHECK_EQUAL(rns_bytes_data(&bytes)[9], 9);
    CHECK_EQUAL(requests_of(&f), 2);
    rns_bytes_t other = rns_bytes_share(&bytes, &f.store);
    CHECK_STATUS(rns_bytes_reserve(&other, &f.store, 0), RNS_OK); /* its own from now on */
    CHECK(!rns_bytes_shares_with(&bytes, &other));
    bytes_end(&f, &bytes);
    bytes_end(&f, &other);
    bytes_fixture_end(&f);
}

static void test_writable_copies_only_what_is_kept(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_filled(&f, 'a', 300);
    rns_bytes_t shared = rns_bytes_share(&bytes, &f.store);
    uint8_t* data = NULL;
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, 10, &data), RNS_OK);
    memset(data, 'b', 10);
    CHECK(bytes_are_all(&bytes, 'b', 10));
    CHECK(bytes_are_all(&shared, 'a', 300));
    CHECK_EQUAL(bytes.buffer->capacity, 64);
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, 1024, &data), RNS_OK);
    CHECK_EQUAL(data[9], 'b');
    memset(data, 'c', 1024);
    CHECK(bytes_are_all(&bytes, 'c', 1024));
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, 1025, &data), RNS_MISS_OVERSIZE);
    CHECK(data == NULL);
#if RNS_STATS
    CHECK_EQUAL(rns_store_stats(&f.store).cow_bytes, 10);
    CHECK_EQUAL(rns_store_stats(&f.store).grows, 1);
#endif
    bytes_end(&f, &bytes);
    bytes_end(&f, &shared);
    bytes_fixture_end(&f);
}

static void test_compacting_lets_a_long_buffer_go(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t packet = bytes_filled(&f, 'p', 1000);
    rns_bytes_t hash = rns_bytes_slice(&packet, &f.store, 500, 16);
    bytes_end(&f, &packet);
    CHECK_EQUAL(pool_stats(&f.pool).tiers[3].in_use, 1);
    CHECK_STATUS(rns_bytes_compact(&hash, &f.store), RNS_OK);
    CHECK_EQUAL(pool_stats(&f.pool).tiers[3].in_use, 0);
    CHECK_EQUAL(pool_stats(&f.pool).tiers[0].in_use, 1);
    CHECK(bytes_are_all(&hash, 'p', 16));
    CHECK_STATUS(rns_bytes_compact(&hash, &f.store), RNS_OK); /* nothing left to do */
    CHECK_EQUAL(requests_of(&f), 2);
#if RNS_STATS
    CHECK_EQUAL(rns_store_stats(&f.store).compactions, 1);
#endif
    CHECK_STATUS(rns_bytes_resize(&hash, &f.store, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_compact(&hash, &f.store), RNS_OK);
    CHECK(hash.buffer == NULL);
    bytes_fixture_end(&f);
}

static void test_compacting_into_no_smaller_slot_is_a_miss(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 2, .is_spilling = true});
    rns_bytes_t bytes[5] = {{0}};
    for (size_t i = 0; i < 4; ++i) {
        bytes[i] = bytes_filled(&f, 'a', 60); /* two spill to the second tier */
    }
    bytes[4] = rns_bytes_left(&bytes[3], &f.store, 5);
    const rns_bytes_t before = bytes[4];
    CHECK_EQUAL(bytes[4].buffer->capacity, 256);
    CHECK_STATUS(rns_bytes_compact(&bytes[4], &f.store), RNS_MISS_EXHAUSTED);
    CHECK(memcmp(&before, &bytes[4], sizeof before) == 0);
    CHECK_EQUAL(in_use_of(&f), 4);
    for (size_t i = 0; i < COUNT_OF(bytes); ++i) {
        bytes_end(&f, &bytes[i]);
    }
    bytes_fixture_end(&f);
}

static void test_an_exported_view_is_a_snapshot_that_outlives_its_handle(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abcdef");
    rns_bytes_t part = rns_bytes_mid(&bytes, &f.store, 2);
    const rns_bytes_view_t view = rns_bytes_export(&part, &f.store);
    bytes_end(&f, &part);
    CHECK_EQUAL(view.length, 4);
    CHECK(view.data == rns_bytes_data(&bytes) + 2);
    CHECK_STATUS(rns_bytes_set(&bytes, &f.store, 3, 'X'), RNS_OK); /* copies */
    CHECK(view.data != rns_bytes_data(&bytes) + 2);
    bytes_end(&f, &bytes);
    CHECK(view.data != NULL && memcmp(view.data, "cdef", 4) == 0);
    CHECK_EQUAL(in_use_of(&f), 1);
    CHECK_STATUS(rns_store_unexport(&f.store, view.pin), RNS_OK);
    CHECK_EQUAL(in_use_of(&f), 0);
    const rns_bytes_view_t nothing = rns_bytes_export(&bytes, &f.store);
    CHECK(nothing.data == NULL && nothing.length == 0 && nothing.pin == NULL);
    CHECK_STATUS(rns_store_unexport(&f.store, nothing.pin), RNS_OK);
    bytes_fixture_end(&f);
}

static void test_an_append_behind_a_view_needs_no_copy(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abc");
    const rns_bytes_view_t view = rns_bytes_export(&bytes, &f.store);
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, "def", 3), RNS_OK);
    CHECK(rns_bytes_data(&bytes) == view.data);
    CHECK(view.data != NULL && view.length == 3 && memcmp(view.data, "abc", 3) == 0);
    CHECK_STATUS(rns_store_unexport(&f.store, view.pin), RNS_OK);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_room_beyond_32_bit_is_refused_for_a_shared_buffer_too(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abc");
    rns_bytes_t other = rns_bytes_share(&bytes, &f.store);
    const size_t most = UINT32_MAX;
    for (size_t over = 0; over < 2u; ++over) {
        const size_t wish = most + over; /* 0 on 32 bit */
        const rns_status_t expected = wish == 0 ? RNS_OK : RNS_MISS_OVERSIZE;
        CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, wish, 0), expected);
        CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, 0, wish), expected);
    }
    CHECK(bytes_read(&bytes, "abc") && bytes_read(&other, "abc"));
    bytes_end(&f, &bytes);
    bytes_end(&f, &other);
    bytes_fixture_end(&f);
}

static void test_the_most_that_32_bit_hold_is_asked_of_the_pool(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = {0};
    const size_t most = UINT32_MAX;
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, most, 0), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, 0, most), RNS_MISS_OVERSIZE);
    CHECK_EQUAL(requests_of(&f), 2);
    bytes_fixture_end(&f);
}

static void test_get_reads_each_byte_and_refuses_the_one_behind(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abcd");
    rns_bytes_t part = rns_bytes_mid(&bytes, &f.store, 1);
    for (size_t i = 0; i < 4u; ++i) {
        uint8_t byte = 9;
        CHECK_STATUS(rns_bytes_get(&part, i, &byte), i < 3u ? RNS_OK : RNS_INPUT_RANGE);
        CHECK_EQUAL(byte, i < 3u ? 'b' + i : 0);
    }
    bytes_end(&f, &bytes);
    bytes_end(&f, &part);
    bytes_fixture_end(&f);
}

static void test_what_fits_its_slot_exactly_stays_in_that_tier(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_filled(&f, 'a', 64);
    uint64_t requests = requests_of(&f);
    uint8_t content[64];
    memset(content, 'b', sizeof content);
    CHECK_STATUS(rns_bytes_assign(&bytes, &f.store, content, sizeof content), RNS_OK);
    CHECK_EQUAL(requests_of(&f), requests); /* in place */
    rns_bytes_t other = rns_bytes_share(&bytes, &f.store);
    CHECK_STATUS(rns_bytes_set(&bytes, &f.store, 0, 'c'), RNS_OK);
    CHECK_EQUAL(rns_bytes_capacity(&bytes), 64);
    CHECK_EQUAL(rns_bytes_capacity(&other), 64);
    bytes_end(&f, &bytes);
    bytes_end(&f, &other);
    bytes_fixture_end(&f);
}

static void test_all_of_a_slot_may_be_headroom(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = {0};
    CHECK_STATUS(rns_bytes_reserve(&bytes, &f.store, 64), RNS_OK);
    CHECK_EQUAL(bytes.buffer->capacity, 64);
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, 64, 0), RNS_OK);
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_EQUAL(rns_bytes_headroom(&bytes), 64);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_in_the_fallback_a_buffer_grows_by_half_and_one_that_fits_is_compact(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    rns_bytes_t bytes = bytes_filled(&f, 'a', 2000);
    CHECK_EQUAL(rns_bytes_capacity(&bytes), 2000);
    const uint64_t requests = requests_of(&f);
    CHECK_STATUS(rns_bytes_compact(&bytes, &f.store), RNS_OK);
    CHECK_EQUAL(requests_of(&f), requests);
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, "bb", 2), RNS_OK);
    CHECK_EQUAL(rns_bytes_capacity(&bytes), 2002 + 1001);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

void suite_bytes_shape(void)
{
    RUN(test_splitting_moves_or_shares_and_never_copies);
    RUN(test_splitting_behind_the_end_is_refused);
    RUN(test_joining_what_is_not_adjacent_appends);
    RUN(test_gather_and_spans_are_each_others_inverse);
    RUN(test_resize_fills_with_0_and_shorter_never_copies);
    RUN(test_what_is_reserved_needs_no_second_request);
    RUN(test_writable_copies_only_what_is_kept);
    RUN(test_compacting_lets_a_long_buffer_go);
    RUN(test_compacting_into_no_smaller_slot_is_a_miss);
    RUN(test_an_exported_view_is_a_snapshot_that_outlives_its_handle);
    RUN(test_an_append_behind_a_view_needs_no_copy);
    RUN(test_room_beyond_32_bit_is_refused_for_a_shared_buffer_too);
    RUN(test_the_most_that_32_bit_hold_is_asked_of_the_pool);
    RUN(test_get_reads_each_byte_and_refuses_the_one_behind);
    RUN(test_what_fits_its_slot_exactly_stays_in_that_tier);
    RUN(test_all_of_a_slot_may_be_headroom);
    RUN_WITH_FALLBACK(test_in_the_fallback_a_buffer_grows_by_half_and_one_that_fits_is_compact);
}
