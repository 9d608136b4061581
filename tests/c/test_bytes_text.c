/* rns_bytes_text: hexadecimal text, search and comparison. */
#include "bytes_fixture.h"

#include <string.h>

static void test_hex_both_ways(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = {0};
    char text[2 * 256 + 1];
    static const uint8_t expected[] = {0x00, 0x9f, 0xA0, 0xFf};
    CHECK_STATUS(rns_bytes_assign_hex(&bytes, &f.store, "009fA0Ff", 8), RNS_OK);
    CHECK(bytes_are(&bytes, expected, 4));
    CHECK_STATUS(rns_bytes_to_hex(&bytes, false, text, sizeof text), RNS_OK);
    CHECK_TEXT(text, "009fa0ff");
    CHECK_STATUS(rns_bytes_to_hex(&bytes, true, text, 9), RNS_OK);
    CHECK_TEXT(text, "009FA0FF");
    CHECK_STATUS(rns_bytes_to_hex(&bytes, true, text, 8), RNS_INPUT_RANGE);
    CHECK_TEXT(text, "");
    CHECK_STATUS(rns_bytes_to_hex(&bytes, true, NULL, 0), RNS_INPUT_RANGE);
    CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, "", 0), RNS_OK);
    CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, "01", 2), RNS_OK);
    CHECK_EQUAL(rns_bytes_length(&bytes), 5);
    uint8_t* data = NULL;
    CHECK_STATUS(rns_bytes_writable(&bytes, &f.store, 256, &data), RNS_OK);
    for (uint32_t i = 0; i < 256; ++i) {
        data[i] = (uint8_t)i;
    }
    CHECK_STATUS(rns_bytes_to_hex(&bytes, false, text, sizeof text), RNS_OK);
    rns_bytes_t again = {0};
    CHECK_STATUS(rns_bytes_append_hex(&again, &f.store, text, 512), RNS_OK);
    CHECK(rns_bytes_equal(&bytes, &again));
    CHECK_STATUS(rns_bytes_assign_hex(&again, &f.store, "", 0), RNS_OK);
    CHECK(again.buffer == NULL);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_hex_text_may_be_the_content_itself(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (int is_full = 0; is_full < 2; ++is_full) {
        rns_bytes_t bytes = bytes_filled(&f, '4', is_full ? 60 : 6);
        const char* const own = (const char*)rns_bytes_data(&bytes);
        const size_t length = rns_bytes_length(&bytes);
        CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, own, length), RNS_OK);
        CHECK_EQUAL(rns_bytes_length(&bytes), length + length / 2);
        CHECK_EQUAL(rns_bytes_data(&bytes)[length - 1], '4');
        CHECK_EQUAL(rns_bytes_data(&bytes)[length], 0x44);
        CHECK_EQUAL(rns_bytes_refs(&bytes, &f.store), 1);
        CHECK_STATUS(
            rns_bytes_assign_hex(&bytes, &f.store, (const char*)rns_bytes_data(&bytes), 4),
            RNS_OK);
        CHECK(bytes_read(&bytes, "DD"));
        bytes_end(&f, &bytes);
    }
    bytes_fixture_end(&f);
}

static void test_hex_text_in_the_content_is_read_before_that_moves(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "--41424344");
    rns_bytes_t front;
    CHECK_STATUS(rns_bytes_resize(&bytes, &f.store, 62), RNS_OK);
    CHECK_STATUS(rns_bytes_split_to(&bytes, &f.store, 2, &front), RNS_OK);
    bytes_end(&f, &front); /* unique now, with 2 bytes of tailroom: 4 more would slide it */
    const char* const own = (const char*)rns_bytes_data(&bytes);
    CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, own, 8), RNS_OK);
    CHECK_EQUAL(rns_bytes_length(&bytes), 64);
    CHECK(rns_bytes_starts_with(&bytes, "41424344", 8));
    CHECK(rns_bytes_ends_with(&bytes, "ABCD", 4));
    CHECK_EQUAL(rns_bytes_refs(&bytes, &f.store), 1);
    bytes_end(&f, &bytes);
    bytes = bytes_filled(&f, '5', 64);
    f.fault = (rns_fault_t){0};
    rns_fault_fail_nth(&f.fault, 1, true);
    const char* const text = (const char*)rns_bytes_data(&bytes);
    CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, text, 2), RNS_MISS_EXHAUSTED);
    CHECK_EQUAL(rns_bytes_refs(&bytes, &f.store), 1);
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_every_character_that_is_no_digit_is_refused(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "kept");
    uint32_t accepted = 0;
    for (uint32_t c = 0; c < 256; ++c) {
        const char text[2] = {'0', (char)(uint8_t)c};
        const bool is_digit = c != 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
        rns_bytes_t other = {0};
        CHECK_STATUS(rns_bytes_append_hex(&other, &f.store, text, 2),
                     is_digit ? RNS_OK : RNS_INPUT_HEX_DIGIT);
        accepted += is_digit ? 1u : 0u;
        bytes_end(&f, &other);
    }
    CHECK_EQUAL(accepted, 22);
    const uint64_t requests = requests_of(&f);
    CHECK_STATUS(rns_bytes_assign_hex(&bytes, &f.store, "00zz", 4), RNS_INPUT_HEX_DIGIT);
    CHECK_STATUS(rns_bytes_append_hex(&bytes, &f.store, "000", 3), RNS_INPUT_HEX_ODD);
    CHECK_EQUAL(requests_of(&f), requests);
    CHECK(bytes_read(&bytes, "kept"));
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_find_agrees_with_a_search_by_hand(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    static const char text[] = "abcabdabcabc";
    rns_bytes_t bytes = bytes_of(&f, text);
    static const char* const needles[] = {"a", "abc",           "abd", "c",           "abcabc",
                                          "x", "abcabdabcabcx", "",    "abcabdabcabc"};
    const uint32_t length = (uint32_t)strlen(text);
    for (size_t n = 0; n < COUNT_OF(needles); ++n) {
        const size_t size = strlen(needles[n]);
        uint32_t last = RNS_BYTES_NOT_FOUND;
        for (uint32_t from = 0; from <= length + 1u; ++from) {
            const char* const hit = from <= length ? strstr(text + from, needles[n]) : NULL;
            const uint32_t expected = hit == NULL ? RNS_BYTES_NOT_FOUND : (uint32_t)(hit - text);
            CHECK_EQUAL(rns_bytes_find(&bytes, from, needles[n], size), expected);
            last = hit == NULL ? last : expected;
        }
        CHECK_EQUAL(rns_bytes_rfind(&bytes, needles[n], size), last);
        CHECK(rns_bytes_starts_with(&bytes, needles[n], size) ==
              (size <= length && strncmp(text, needles[n], size) == 0));
        CHECK(rns_bytes_ends_with(&bytes, needles[n], size) ==
              (size <= length && strcmp(text + length - size, needles[n]) == 0));
    }
    const rns_bytes_t empty = {0};
    CHECK_EQUAL(rns_bytes_find(&empty, 0, "", 0), 0);
    CHECK_EQUAL(rns_bytes_find(&empty, 1, "", 0), RNS_BYTES_NOT_FOUND);
    CHECK_EQUAL(rns_bytes_rfind(&empty, NULL, 0), 0);
    CHECK_EQUAL(rns_bytes_find(&empty, 0, "a", 1), RNS_BYTES_NOT_FOUND);
    CHECK(rns_bytes_starts_with(&empty, NULL, 0) && rns_bytes_ends_with(&empty, NULL, 0));
    bytes_end(&f, &bytes);
    bytes_fixture_end(&f);
}

static void test_comparison_is_that_of_unsigned_bytes(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    static const char* const ascending[] = {"",  "\x01", "a",    "aa",  "ab",
                                            "b", "\x7f", "\x80", "\xff"};
    for (size_t i = 0; i < COUNT_OF(ascending); ++i) {
        for (size_t j = 0; j < COUNT_OF(ascending); ++j) {
            rns_bytes_t a = bytes_of(&f, ascending[i]);
            rns_bytes_t b = bytes_of(&f, ascending[j]);
            const int expected = (i > j ? 1 : 0) - (i < j ? 1 : 0);
            CHECK(rns_bytes_compare_bytes(&a, &b) == expected);
            CHECK(rns_bytes_compare(&a, ascending[j], strlen(ascending[j])) == expected);
            CHECK(rns_bytes_equal(&a, &b) == (i == j));
            CHECK(rns_bytes_equal_constant_time(&a, ascending[j], strlen(ascending[j])) ==
                  (i == j));
            bytes_end(&f, &a);
            bytes_end(&f, &b);
        }
    }
    rns_bytes_t a = bytes_of(&f, "0123456789abcdef");
    for (size_t i = 0; i < 16; ++i) {
        char other[] = "0123456789abcdef";
        other[i] = (char)(other[i] ^ 1);
        CHECK(!rns_bytes_equal_constant_time(&a, other, 16));
    }
    CHECK(rns_bytes_equal_constant_time(&a, "0123456789abcdef", 16));
    CHECK(!rns_bytes_equal_constant_time(&a, "0123456789abcdef", 15));
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_nothing_is_found_behind_the_end_though_the_buffer_goes_on(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t bytes = bytes_of(&f, "abcdef");
    rns_bytes_t part = rns_bytes_left(&bytes, &f.store, 4);
    CHECK_EQUAL(rns_bytes_find(&part, 2, "cd", 2), 2);
    CHECK_EQUAL(rns_bytes_find(&part, 2, "cde", 3), RNS_BYTES_NOT_FOUND);
    CHECK_EQUAL(rns_bytes_find(&part, 2, "cdef", 4), RNS_BYTES_NOT_FOUND);
    CHECK_EQUAL(rns_bytes_find(&part, 5, "", 0), RNS_BYTES_NOT_FOUND);
    bytes_end(&f, &bytes);
    bytes_end(&f, &part);
    bytes_fixture_end(&f);
}

void suite_bytes_text(void)
{
    RUN(test_hex_both_ways);
    RUN(test_hex_text_may_be_the_content_itself);
    RUN(test_hex_text_in_the_content_is_read_before_that_moves);
    RUN(test_every_character_that_is_no_digit_is_refused);
    RUN(test_find_agrees_with_a_search_by_hand);
    RUN(test_comparison_is_that_of_unsigned_bytes);
    RUN(test_nothing_is_found_behind_the_end_though_the_buffer_goes_on);
}
