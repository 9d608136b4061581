/* rns_bytes: sharing, and writing in place, to a copy or to the claimed tail. */
#include "bytes_fixture.h"

#include <string.h>

static void test_all_zero_is_an_empty_handle_that_every_function_takes(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t empty = {0};
    uint8_t* data = (uint8_t*)&f;
    uint8_t byte = 1;
    CHECK(rns_bytes_is_empty(&empty));
    CHECK(rns_bytes_data(&empty) == NULL);
    CHECK_EQUAL(rns_bytes_capacity(&empty), 0);
    CHECK_EQUAL(rns_bytes_refs(&empty, &f.store), 0);
    CHECK(!rns_bytes_will_copy(&empty, &f.store));
    CHECK_STATUS(rns_bytes_get(&empty, 0, &byte), RNS_INPUT_RANGE);
    CHECK_EQUAL(byte, 0);
    CHECK_STATUS(rns_bytes_set(&empty, &f.store, 0, 1), RNS_INPUT_RANGE);
    CHECK_STATUS(rns_bytes_try_mut(&empty, &f.store, &data), RNS_OK);
    CHECK(data == NULL);
    CHECK_STATUS(rns_bytes_writable(&empty, &f.store, 0, &data), RNS_OK);
    CHECK(data == NULL);
    CHECK_STATUS(rns_bytes_resize(&empty, &f.store, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_reserve(&empty, &f.store, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_compact(&empty, &f.store), RNS_OK);
    CHECK_STATUS(rns_bytes_append(&empty, &f.store, NULL, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_prepend(&empty, &f.store, NULL, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_assign(&empty, &f.store, NULL, 0), RNS_OK);
    CHECK_STATUS(rns_bytes_append_bytes(&empty, &f.store, &empty), RNS_OK);
    CHECK_STATUS(rns_bytes_concat(&empty, &f.store, &empty, &empty), RNS_OK);
    CHECK_STATUS(rns_bytes_gather(&empty, &f.store, NULL, 0), RNS_OK);
    const rns_bytes_t shared = rns_bytes_share(&empty, &f.store);
    const rns_bytes_t part = rns_bytes_slice(&empty, &f.store, 0, 5);
    CHECK(shared.buffer == NULL && part.buffer == NULL && empty.buffer == NULL);
    rns_bytes_clear(&empty, &f.store);
    CHECK_STATUS(rns_bytes_drop(&empty, &f.store), RNS_OK);
    CHECK_EQUAL(requests_of(&f), 0);
    bytes_fixture_end(&f);
}

static void test_sharing_and_slicing_take_no_slot_and_copy_nothing(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t whole = bytes_of(&f, "0123456789");
    rns_bytes_t shared = rns_bytes_share(&whole, &f.store);
    rns_bytes_t part = rns_bytes_slice(&whole, &f.store, 2, 3);
    CHECK(bytes_read(&shared, "0123456789"));
    CHECK(bytes_read(&part, "234"));
    CHECK(rns_bytes_shares_with(&part, &shared));
    CHECK(rns_bytes_data(&part) == rns_bytes_data(&whole) + 2);
    CHECK_EQUAL(rns_bytes_headroom(&part), 2);
    CHECK_EQUAL(rns_bytes_refs(&whole, &f.store), 3);
    CHECK_EQUAL(requests_of(&f), 1);
#if RNS_STATS
    const rns_store_stats_t stats = rns_store_stats(&f.store);
    CHECK_EQUAL(stats.shares, 1);
    CHECK_EQUAL(stats.slices, 1);
    CHECK_EQUAL(stats.copies_avoided, 2);
    CHECK_EQUAL(stats.cow_copies, 0);
#endif
    bytes_end(&f, &whole);
    bytes_end(&f, &shared);
    CHECK(bytes_read(&part, "234")); /* a slice owns like any other */
    CHECK_EQUAL(in_use_of(&f), 1);
    bytes_end(&f, &part);
    bytes_fixture_end(&f);
}

static void test_slices_are_clamped_and_an_empty_one_holds_no_reference(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t whole = bytes_of(&f, "abcdef");
    static const struct {
        size_t from, length;
        const char* text;
    } cases[] = {{0, 6, "abcdef"},
                 {0, 7, "abcdef"},
                 {0, SIZE_MAX, "abcdef"},
                 {5, 1, "f"},
                 {5, SIZE_MAX, "f"},
                 {2, 2, "cd"},
                 {6, 0, ""},
                 {6, 1, ""},
                 {SIZE_MAX, 1, ""},
                 {3, 0, ""},
                 {SIZE_MAX, SIZE_MAX, ""}};
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        rns_bytes_t part = rns_bytes_slice(&whole, &f.store, cases[i].from, cases[i].length);
        CHECK(bytes_read(&part, cases[i].text));
        CHECK((part.buffer == NULL) == (cases[i].text[0] == '\0'));
        bytes_end(&f, &part);
    }
    rns_bytes_t parts[] = {
        rns_bytes_left(&whole, &f.store, 2),  rns_bytes_left(&whole, &f.store, 99),
        rns_bytes_right(&whole, &f.store, 2), rns_bytes_right(&whole, &f.store, 99),
        rns_bytes_mid(&whole, &f.store, 4),   rns_bytes_mid(&whole, &f.store, 99),
        rns_bytes_right(&whole, &f.store, 0),
    };
    static const char* const texts[] = {"ab", "abcdef", "ef", "abcdef", "ef", "", ""};
    for (size_t i = 0; i < COUNT_OF(parts); ++i) {
        CHECK(bytes_read(&parts[i], texts[i]));
        bytes_end(&f, &parts[i]);
    }
    CHECK_EQUAL(rns_bytes_refs(&whole, &f.store), 1);
    bytes_end(&f, &whole);
    bytes_fixture_end(&f);
}

static void test_a_write_to_a_unique_buffer_is_in_place(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abc");
    const uint8_t* const before = rns_bytes_data(&bytes);
    uint8_t* data = NULL;
    CHECK(!rns_bytes_will_copy(&bytes, &f.store));
    CHECK_STATUS(rns_bytes_set(&bytes, &f.store, 1, 'X'), RNS_OK);
    CHECK_STATUS(rns_bytes_try_mut(&bytes, &f.store, &data), RNS_OK);
    CHECK(data == before);
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, 3, &data), RNS_OK);
    CHECK(data == before);
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, "def", 3), RNS_OK);
    CHECK_STATUS(rns_bytes_append_byte(&bytes, &f.store, 'g'), RNS_OK);
    CHECK(bytes_read(&bytes, "aXcdefg"));
    CHECK_STATUS(rns_bytes_assign(&bytes, &f.store, "new", 3), RNS_OK);
    CHECK(bytes_read(&bytes, "new"));
    CHECK(rns_bytes_data(&bytes) == before);
    CHECK_EQUAL(requests_of(&f), 1);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_a_write_to_a_shared_buffer_copies_the_window_only_to_the_smallest_tier(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t whole = bytes_filled(&f, 'w', 1000);
    rns_bytes_t part = rns_bytes_slice(&whole, &f.store, 100, 50);
    uint8_t* data = (uint8_t*)&f;
    CHECK(rns_bytes_will_copy(&part, &f.store));
    CHECK_STATUS(rns_bytes_try_mut(&part, &f.store, &data), RNS_MISS_SHARED);
    CHECK(data == NULL);
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_STATUS(rns_bytes_set(&part, &f.store, 0, 'p'), RNS_OK);
    CHECK_EQUAL(part.buffer->capacity, 64);
    CHECK_EQUAL(part.buffer->tier, 0);
    CHECK_EQUAL(rns_bytes_data(&part)[0], 'p');
    CHECK_EQUAL(rns_bytes_data(&part)[49], 'w');
    CHECK(bytes_are_all(&whole, 'w', 1000));
    CHECK_EQUAL(rns_bytes_refs(&whole, &f.store), 1);
#if RNS_STATS
    const rns_store_stats_t stats = rns_store_stats(&f.store);
    CHECK_EQUAL(stats.cow_copies, 1);
    CHECK_EQUAL(stats.cow_bytes, 50);
    CHECK_EQUAL(stats.grows, 0);
#endif
    bytes_end(&f, &whole);
    bytes_end(&f, &part);
    bytes_fixture_end(&f);
}

static void test_an_append_to_a_shared_buffer_claims_the_tail_once(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t first = bytes_of(&f, "base");
    rns_bytes_t second = rns_bytes_share(&first, &f.store);
    CHECK_STATUS(rns_bytes_append(&first, &f.store, "-one", 4), RNS_OK);
    CHECK(rns_bytes_shares_with(&first, &second));
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_STATUS(rns_bytes_append(&second, &f.store, "-two", 4), RNS_OK);
    CHECK(!rns_bytes_shares_with(&first, &second));
    CHECK_EQUAL(requests_of(&f), 2);
    CHECK(bytes_read(&first, "base-one"));
    CHECK(bytes_read(&second, "base-two"));
    /* A slice that ends before the end must not claim what its siblings hold. */
    rns_bytes_t part = rns_bytes_left(&first, &f.store, 2);
    CHECK_STATUS(rns_bytes_append(&part, &f.store, "!", 1), RNS_OK);
    CHECK(bytes_read(&part, "ba!"));
    CHECK(bytes_read(&first, "base-one"));
    rns_bytes_t third = rns_bytes_share(&first, &f.store);
    CHECK_STATUS(rns_bytes_resize(&third, &f.store, 10), RNS_OK); /* claims as well */
    CHECK(bytes_are(&third, "base-one\0\0", 10));
    CHECK(rns_bytes_shares_with(&first, &third));
#if RNS_STATS
    const rns_store_stats_t stats = rns_store_stats(&f.store);
    CHECK_EQUAL(stats.tail_appends, 2);
    CHECK_EQUAL(stats.cow_copies, 2);
    CHECK_EQUAL(stats.cow_bytes, 4 + 2);
#endif
    bytes_end(&f, &first);
    bytes_end(&f, &second);
    bytes_end(&f, &third);
    bytes_end(&f, &part);
    bytes_fixture_end(&f);
}

static void test_a_shared_tail_without_room_is_copied(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t first = bytes_filled(&f, 'a', 60);
    rns_bytes_t second = rns_bytes_share(&first, &f.store);
    CHECK_STATUS(rns_bytes_append(&first, &f.store, "12345", 5), RNS_OK);
    CHECK_EQUAL(first.buffer->capacity, 256);
    CHECK_STATUS(rns_bytes_append(&second, &f.store, "1234", 4), RNS_OK);
    CHECK_EQUAL(second.buffer->capacity, 64);
    CHECK_EQUAL(rns_bytes_length(&first), 65);
    CHECK_EQUAL(rns_bytes_length(&second), 64);
    bytes_end(&f, &first);
    bytes_end(&f, &second);
    bytes_fixture_end(&f);
}

static void test_content_slides_where_that_makes_room(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_filled(&f, 'a', 60);
    rns_bytes_t front;
    CHECK_STATUS(rns_bytes_split_to(&bytes, &f.store, 30, &front), RNS_OK);
    bytes_end(&f, &front);
    const uint8_t* const own = rns_bytes_data(&bytes);
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, own, 30), RNS_OK); /* from itself */
    CHECK(bytes_are_all(&bytes, 'a', 60));
    CHECK_EQUAL(rns_bytes_headroom(&bytes), 0);
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 3), RNS_OK);
    CHECK_STATUS(rns_bytes_prepend(&bytes, &f.store, "0123", 4), RNS_OK);
    CHECK(bytes_read(&bytes, "0123aaa"));
    CHECK_STATUS(rns_bytes_prepend(&bytes, &f.store, rns_bytes_data(&bytes) + 1, 2), RNS_OK);
    CHECK(bytes_read(&bytes, "120123aaa"));
    CHECK_EQUAL(requests_of(&f), 1);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_a_prepend_goes_to_the_headroom(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.options = {.headroom_bytes = 19}});
    rns_bytes_t bytes = bytes_of(&f, "payload");
    const uint8_t* const payload = rns_bytes_data(&bytes);
    CHECK_EQUAL(rns_bytes_headroom(&bytes), 19);
    CHECK_STATUS(rns_bytes_prepend(&bytes, &f.store, "header_of_19_bytes:", 19), RNS_OK);
    CHECK(rns_bytes_data(&bytes) == payload - 19);
    CHECK(bytes_read(&bytes, "header_of_19_bytes:payload"));
    rns_bytes_t shared = rns_bytes_share(&bytes, &f.store);
    CHECK_STATUS(rns_bytes_prepend_bytes(&bytes, &f.store, &shared), RNS_OK);
    CHECK(bytes_read(&bytes, "header_of_19_bytes:payloadheader_of_19_bytes:payload"));
    CHECK(bytes_read(&shared, "header_of_19_bytes:payload"));
    CHECK_EQUAL(rns_bytes_headroom(&bytes), 19); /* ready for the next one */
    bytes_end(&f, &bytes);
    bytes_end(&f, &shared);
    bytes_fixture_end(&f);
}

static void test_a_copy_has_the_rooms_that_the_store_wishes_so_that_it_copies_once(void)
{
    bytes_fixture_t f;
    const rns_store_options_t rooms = {.headroom_bytes = 16, .tailroom_bytes = 64};
    bytes_fixture_init(&f, &(bytes_setup_t){.options = rooms});
    rns_bytes_t packet = bytes_filled(&f, 'p', 200);
    CHECK_EQUAL(packet.buffer->capacity, 512); /* 16 + 200 + 64 */
    rns_bytes_t forwarded = rns_bytes_share(&packet, &f.store);
    CHECK_STATUS(rns_bytes_set(&forwarded, &f.store, 1, 2), RNS_OK);
    const uint64_t requests = requests_of(&f);
    CHECK_STATUS(rns_bytes_append(&forwarded, &f.store, rns_bytes_data(&packet), 64), RNS_OK);
    CHECK_STATUS(rns_bytes_prepend(&forwarded, &f.store, "0123456789abcdef", 16), RNS_OK);
    CHECK_EQUAL(requests_of(&f), requests);
    /* Where content alone fits the largest tier, the rooms make it no oversize. */
    rns_bytes_t large = bytes_filled(&f, 'l', 1020);
    CHECK_EQUAL(rns_bytes_headroom(&large), 4);
    bytes_end(&f, &packet);
    bytes_end(&f, &forwarded);
    bytes_end(&f, &large);
    bytes_fixture_end(&f);
}

static void test_any_argument_may_be_the_handle_itself_or_point_into_it(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (int is_shared = 0; is_shared < 2; ++is_shared) {
        rns_bytes_t bytes = bytes_of(&f, "abcdef");
        rns_bytes_t other = {0};
        if (is_shared) {
            other = rns_bytes_share(&bytes, &f.store);
        }
        CHECK_STATUS(rns_bytes_append_bytes(&bytes, &f.store, &bytes), RNS_OK);
        CHECK(bytes_read(&bytes, "abcdefabcdef"));
        CHECK_STATUS(rns_bytes_prepend_bytes(&bytes, &f.store, &bytes), RNS_OK);
        CHECK(bytes_read(&bytes, "abcdefabcdefabcdefabcdef"));
        rns_bytes_assign_bytes(&bytes, &f.store, &bytes);
        CHECK_STATUS(rns_bytes_assign(&bytes, &f.store, rns_bytes_data(&bytes) + 4, 5), RNS_OK);
        CHECK(bytes_read(&bytes, "efabc"));
        CHECK_STATUS(rns_bytes_concat(&bytes, &f.store, &bytes, &bytes), RNS_OK);
        CHECK(bytes_read(&bytes, "efabcefabc"));
        const rns_span_t spans[] = {{rns_bytes_data(&bytes) + 5, 5}, {rns_bytes_data(&bytes), 1}};
        CHECK_STATUS(rns_bytes_gather(&bytes, &f.store, spans, 2), RNS_OK);
        CHECK(bytes_read(&bytes, "efabce"));
        bytes_end(&f, &bytes);
        CHECK(!is_shared || bytes_read(&other, "abcdef"));
        bytes_end(&f, &other);
    }
    bytes_fixture_end(&f);
}

static void test_appending_to_nothing_shares(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abc");
    rns_bytes_t list[4] = {{0}};
    CHECK_STATUS(rns_bytes_append_bytes(&list[0], &f.store, &bytes), RNS_OK);
    CHECK_STATUS(rns_bytes_prepend_bytes(&list[1], &f.store, &bytes), RNS_OK);
    CHECK_STATUS(rns_bytes_concat(&list[2], &f.store, &bytes, &list[3]), RNS_OK);
    CHECK_STATUS(rns_bytes_concat(&list[3], &f.store, &list[3], &bytes), RNS_OK);
    CHECK_EQUAL(rns_bytes_refs(&bytes, &f.store), 5);
    CHECK_EQUAL(requests_of(&f), 1);
    for (size_t i = 0; i < COUNT_OF(list); ++i) {
        CHECK(bytes_read(&list[i], "abc"));
        bytes_end(&f, &list[i]);
    }
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_lengths_beyond_32_bits_are_oversize(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    rns_bytes_t bytes = bytes_of(&f, "abc");
    uint8_t* out = NULL;
    /* Not to be seen by a compiler, which warns of the copy that such a length would be. */
    volatile size_t huge = SIZE_MAX;
    CHECK_STATUS(rns_bytes_append(&bytes, &f.store, "", huge), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_prepend(&bytes, &f.store, "", huge), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_assign(&bytes, &f.store, "", huge), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, huge), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_reserve(&bytes, &f.store, huge), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_reserve_room(&bytes, &f.store, huge, 1), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, huge, &out), RNS_MISS_OVERSIZE);
    CHECK(out == NULL);
    const rns_span_t spans[] = {{"x", 1}, {"y", huge}};
    CHECK_STATUS(rns_bytes_gather(&bytes, &f.store, spans, 2), RNS_MISS_OVERSIZE);
    CHECK(bytes_read(&bytes, "abc"));
    CHECK_EQUAL(in_use_of(&f), 1);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

void suite_bytes(void)
{
    RUN(test_all_zero_is_an_empty_handle_that_every_function_takes);
    RUN(test_sharing_and_slicing_take_no_slot_and_copy_nothing);
    RUN(test_slices_are_clamped_and_an_empty_one_holds_no_reference);
    RUN(test_a_write_to_a_unique_buffer_is_in_place);
    RUN(test_a_write_to_a_shared_buffer_copies_the_window_only_to_the_smallest_tier);
    RUN(test_an_append_to_a_shared_buffer_claims_the_tail_once);
    RUN(test_a_shared_tail_without_room_is_copied);
    RUN(test_content_slides_where_that_makes_room);
    RUN(test_a_prepend_goes_to_the_headroom);
    RUN(test_a_copy_has_the_rooms_that_the_store_wishes_so_that_it_copies_once);
    RUN(test_any_argument_may_be_the_handle_itself_or_point_into_it);
    RUN(test_appending_to_nothing_shares);
    RUN_WITH_FALLBACK(test_lengths_beyond_32_bits_are_oversize);
}
