/* rns_rtp: headers read in place, and each way in which they are malformed. */
#include "rtp_fixture.h"
#include <stdlib.h>
#include <string.h>

/// A packet in a block of the heap of exactly its length, so that a read beyond is found.
static rns_span_t heap_packet(const void* bytes, size_t count)
{
    unsigned char* const copy = malloc(count > 0 ? count : 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, count);
    return (rns_span_t){copy, count};
}

static void drop(rns_span_t packet)
{
    void* start = NULL;
    memcpy(&start, &packet.start, sizeof start);
    free(start);
}

/// Parse bytes; verify that nothing is left of what was refused.
static rns_status_t parse(const void* bytes, size_t count)
{
    const rns_span_t packet = heap_packet(bytes, count);
    rns_rtp_header_t header;
    const rns_rtp_header_t empty = {0};
    memset(&header, 0xFF, sizeof header);
    const rns_status_t status = rns_rtp_header_parse(packet, &header);
    if (status != RNS_OK) {
        CHECK(header.ssrc == empty.ssrc && header.payload.start == NULL);
        CHECK(header.extension.start == NULL && header.csrc.start == NULL);
        CHECK_EQUAL(header.payload.bytes + header.extension.bytes + header.csrc.bytes, 0);
    }
    drop(packet);
    return status;
}

/* Version 2, padding, extension, 2 CSRCs, marker; two words of one-byte elements: id 1 of 2 bytes,
 * padding, id 3 of 3 bytes; payload of 3 bytes; 2 of padding. */
static const unsigned char whole[] = {0xB2, 0xE0, 0x12, 0x34, 0xDE, 0xAD, 0xBE, 0xEF, 0x01, 0x02,
                                      0x03, 0x04, 0xC0, 0xC1, 0xC2, 0xC3, 0xD0, 0xD1, 0xD2, 0xD3,
                                      0xBE, 0xDE, 0x00, 0x02, 0x11, 0xAA, 0xBB, 0x00, 0x32, 0x0A,
                                      0x0B, 0x0C, 'a',  'b',  'c',  0x00, 0x02};

static void test_a_header_is_read_in_place(void)
{
    rns_rtp_header_t h;
    const rns_span_t packet = {whole, sizeof whole};
    CHECK_STATUS(rns_rtp_header_parse(packet, &h), RNS_OK);
    CHECK(h.ssrc == 0x01020304u && h.timestamp == 0xDEADBEEFu && h.sequence == 0x1234u);
    CHECK(h.payload_type == 0x60u && h.marker && h.csrc_count == 2 && h.padding_bytes == 2);
    CHECK(h.csrc.start == whole + 12 && h.csrc.bytes == 8);
    CHECK_EQUAL(h.extension_profile, 0xBEDE);
    CHECK(h.extension.start == whole + 24 && h.extension.bytes == 8);
    CHECK(h.payload.start == whole + 32 && h.payload.bytes == 3);
}

static void test_a_packet_may_end_with_its_last_source(void)
{
    const unsigned char bytes[16] = {0x81, [12] = 7};
    rns_rtp_header_t h;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){bytes, sizeof bytes}, &h), RNS_OK);
    CHECK(h.csrc_count == 1 && h.csrc.start == bytes + 12 && h.payload.bytes == 0);
}

static void test_an_element_with_a_one_byte_header_is_found_behind_padding(void)
{
    rns_rtp_header_t h;
    rns_span_t data;
    uint32_t send_time = 0;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){whole, sizeof whole}, &h), RNS_OK);
    CHECK_STATUS(rns_rtp_extension_find(&h, 1, &data), RNS_OK);
    CHECK(data.start == whole + 25 && data.bytes == 2);
    CHECK_STATUS(rns_rtp_send_time(&h, 3, &send_time), RNS_OK);
    CHECK_EQUAL(send_time, 0x0A0B0C);
    CHECK_STATUS(rns_rtp_extension_find(&h, 2, &data), RNS_MISS_ABSENT);
    CHECK(data.start == NULL && data.bytes == 0);
    CHECK_STATUS(rns_rtp_extension_find(&h, 0, &data), RNS_MISS_ABSENT);
    CHECK_STATUS(rns_rtp_send_time(&h, 1, &send_time), RNS_INPUT_EXTENSION);
    CHECK_EQUAL(send_time, 0);
}

static void test_elements_with_two_byte_headers_may_be_long_or_empty(void)
{
    unsigned char bytes[12 + 4 + 32] = {0x90};
    memcpy(bytes + 12, (const unsigned char[]){0x10, 0x07, 0x00, 0x08, 200, 0, 0, 255, 20}, 9);
    bytes[41] = 15; /* no stop here */
    bytes[42] = 3;
    bytes[44] = 1;
    rns_rtp_header_t h;
    rns_span_t data;
    uint32_t send_time = 0;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){bytes, sizeof bytes}, &h), RNS_OK);
    CHECK(h.payload.start == NULL && h.payload.bytes == 0);
    CHECK_STATUS(rns_rtp_extension_find(&h, 200, &data), RNS_OK);
    CHECK(data.start == bytes + 18 && data.bytes == 0);
    CHECK_STATUS(rns_rtp_extension_find(&h, 255, &data), RNS_OK);
    CHECK(data.start == bytes + 21 && data.bytes == 20);
    CHECK_STATUS(rns_rtp_send_time(&h, 15, &send_time), RNS_OK);
    CHECK_EQUAL(send_time, 0x000100);
}

static void test_id_15_ends_the_elements_with_one_byte_headers(void)
{
    unsigned char bytes[24] = {0x90};
    memcpy(bytes + 12, (const unsigned char[]){0xBE, 0xDE, 0, 2, 0xFF, 0x32, 1, 2, 3}, 9);
    rns_rtp_header_t h;
    rns_span_t data;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){bytes, sizeof bytes}, &h), RNS_OK);
    CHECK_STATUS(rns_rtp_extension_find(&h, 3, &data), RNS_MISS_ABSENT);
    CHECK_STATUS(rns_rtp_extension_find(&h, 15, &data), RNS_MISS_ABSENT);
}

static void test_an_extension_of_another_profile_is_skipped_whole(void)
{
    unsigned char bytes[21] = {0x90};
    memcpy(bytes + 12, (const unsigned char[]){0xAB, 0xCD, 0, 1, 0x3F, 1, 2, 3, 'p'}, 9);
    rns_rtp_header_t h;
    rns_span_t data;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){bytes, sizeof bytes}, &h), RNS_OK);
    CHECK_STATUS(rns_rtp_extension_find(&h, 3, &data), RNS_MISS_ABSENT);
    CHECK(h.extension.bytes == 4 && h.payload.bytes == 1);
}

static void test_every_truncation_is_short_until_the_payload(void)
{
    uint32_t short_count = 0;
    for (size_t count = 0; count < sizeof whole; ++count) {
        const rns_status_t status = parse(whole, count);
        if (count < 32) {
            CHECK_STATUS(status, RNS_INPUT_SHORT);
            ++short_count;
        }
    }
    CHECK_EQUAL(short_count, 32);
    CHECK_STATUS(parse(whole, sizeof whole), RNS_OK);
}

static void test_every_other_version_is_refused(void)
{
    for (unsigned version = 0; version < 4; ++version) {
        unsigned char bytes[12] = {(unsigned char)(version << 6)};
        CHECK_STATUS(parse(bytes, sizeof bytes), version == 2 ? RNS_OK : RNS_INPUT_VERSION);
    }
}

static void test_padding_is_of_1_byte_to_all_of_the_payload(void)
{
    for (unsigned padding = 0; padding < 256; ++padding) {
        unsigned char bytes[12 + 100] = {0xA0};
        bytes[sizeof bytes - 1] = (unsigned char)padding;
        const bool fits = padding >= 1 && padding <= 100;
        CHECK_STATUS(parse(bytes, sizeof bytes), fits ? RNS_OK : RNS_INPUT_PADDING);
    }
    unsigned char bytes[12] = {0xA0};
    CHECK_STATUS(parse(bytes, sizeof bytes), RNS_INPUT_PADDING);
}

static void test_an_element_that_runs_past_its_extension_is_refused(void)
{
    unsigned char one[] = {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1, 0x12, 1, 2, 3};
    CHECK_STATUS(parse(one, sizeof one), RNS_OK);
    one[16] = 0x13;
    CHECK_STATUS(parse(one, sizeof one), RNS_INPUT_EXTENSION);
    unsigned char two[] = {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 1, 2, 2, 3};
    CHECK_STATUS(parse(two, sizeof two), RNS_OK);
    two[17] = 3;
    CHECK_STATUS(parse(two, sizeof two), RNS_INPUT_EXTENSION);
    two[17] = 1;
    CHECK_STATUS(parse(two, sizeof two), RNS_INPUT_EXTENSION); /* an id without its length */
}

static void test_what_is_found_in_random_packets_lies_inside_them(void)
{
    uint64_t random = 0x5EED;
    uint32_t parsed = 0;
    uint32_t elements = 0;
    for (uint32_t i = 0; i < 200000; ++i) {
        unsigned char bytes[96];
        const size_t count = random_below(&random, sizeof bytes + 1);
        for (size_t k = 0; k < count; ++k) {
            bytes[k] = (unsigned char)random_next(&random);
        }
        bytes[0] = (unsigned char)(0x80u | random_below(&random, 64));
        if (random_below(&random, 4) > 0) {
            const size_t at = 12 + 4 * (size_t)(bytes[0] & 15u);
            const unsigned char words = (unsigned char)random_below(&random, 8);
            const bool is_two = random_below(&random, 2) == 0;
            const unsigned char profile[] = {is_two ? 0x10 : 0xBE, is_two ? 3 : 0xDE, 0, words};
            memcpy(bytes + at, profile, at + 4 <= sizeof bytes ? 4 : 0);
        }
        const rns_span_t packet = heap_packet(bytes, count);
        const uintptr_t end = (uintptr_t)packet.start + count;
        rns_rtp_header_t h;
        ++check_state.operations;
        if (rns_rtp_header_parse(packet, &h) == RNS_OK) {
            ++parsed;
            CHECK((uintptr_t)h.payload.start + h.payload.bytes <= end);
            CHECK_EQUAL(12u + h.csrc.bytes + h.extension.bytes + h.payload.bytes +
                            h.padding_bytes + (h.extension_profile != 0 ? 4u : 0u),
                        count);
            for (unsigned id = 1; id < 256; ++id) {
                rns_span_t data;
                if (rns_rtp_extension_find(&h, (uint8_t)id, &data) == RNS_OK) {
                    ++elements;
                    CHECK((uintptr_t)data.start >= (uintptr_t)h.extension.start);
                    CHECK((uintptr_t)data.start + data.bytes <=
                          (uintptr_t)h.extension.start + h.extension.bytes);
                }
            }
        }
        drop(packet);
    }
    CHECK(parsed > 10000);
    CHECK(elements > 1000);
}

static void test_send_times_unwrap_to_the_nearest_tick_count(void)
{
    uint64_t random = 7;
    const int64_t half = 1 << 23;
    for (uint32_t i = 0; i < 100000; ++i) {
        const uint64_t reference =
            ((uint64_t)1 << 24) + random_next(&random) % ((uint64_t)1 << 50);
        const int64_t edges[] = {-half, -1, 0, 1, half - 1};
        const int64_t step = i % 8 < COUNT_OF(edges)
                                 ? edges[i % 8]
                                 : (int64_t)random_below(&random, 1 << 24) - half;
        const uint64_t ticks = reference + (uint64_t)step;
        CHECK_EQUAL(rns_rtp_unwrap(reference, (uint32_t)ticks & 0xFFFFFFu), ticks);
        ++check_state.operations;
    }
}

static void test_an_element_without_its_length_byte_is_refused_and_nothing_behind_it_read(void)
{
    static const unsigned char bytes[20] = {0x90, 96, 0,    1, 0, 0, 0, 0, 0, 0,
                                            0,    7,  0x10, 0, 0, 1, 0, 0, 0, 3};
    unsigned char* const packet = malloc(sizeof bytes); /* so that the sanitizer knows its end */
    if (packet == NULL) {
        abort();
    }
    memcpy(packet, bytes, sizeof bytes);
    rns_rtp_header_t header;
    CHECK_STATUS(rns_rtp_header_parse((rns_span_t){packet, sizeof bytes}, &header),
                 RNS_INPUT_EXTENSION);
    free(packet);
}

void suite_rtp(void)
{
    RUN(test_a_header_is_read_in_place);
    RUN(test_a_packet_may_end_with_its_last_source);
    RUN(test_an_element_with_a_one_byte_header_is_found_behind_padding);
    RUN(test_elements_with_two_byte_headers_may_be_long_or_empty);
    RUN(test_id_15_ends_the_elements_with_one_byte_headers);
    RUN(test_an_extension_of_another_profile_is_skipped_whole);
    RUN(test_every_truncation_is_short_until_the_payload);
    RUN(test_every_other_version_is_refused);
    RUN(test_padding_is_of_1_byte_to_all_of_the_payload);
    RUN(test_an_element_that_runs_past_its_extension_is_refused);
    RUN(test_what_is_found_in_random_packets_lies_inside_them);
    RUN(test_send_times_unwrap_to_the_nearest_tick_count);
    RUN(test_an_element_without_its_length_byte_is_refused_and_nothing_behind_it_read);
}
