/* rns_packet: headers put in front and changed on the way, in place where nobody else looks. */
#include "node_fixture.h"

#include <string.h>

/// What the store was asked for, and had to copy.
typedef struct {
    uint64_t requests;
    rns_counter_t cow_copies;
} price_t;

static price_t price_of(bytes_fixture_t* f)
{
    return (price_t){requests_of(f), rns_store_stats(&f->store).cow_copies};
}

static void check_price(bytes_fixture_t* f, price_t before, uint64_t requests, uint64_t copies)
{
    const price_t now = price_of(f);
    CHECK_EQUAL(now.requests - before.requests, requests);
    CHECK_COUNT(now.cow_copies - before.cow_copies, copies);
}

static void with_headroom(bytes_fixture_t* f)
{
    bytes_fixture_init(f,
                       &(bytes_setup_t){.options = {.headroom_bytes = RNS_PACKET_HEADER_2_BYTES}});
}

static void test_a_header_is_built_in_the_headroom_or_into_a_copy(void)
{
    bytes_fixture_t f;
    uint8_t destination[16];
    const rns_packet_header_t header = {.destination = address_of(1, destination)};
    rns_packet_t packet;
    with_headroom(&f);
    rns_bytes_t payload = payload_of(&f, 200, 1);
    const rns_buffer_t* const buffer = payload.buffer;
    price_t before = price_of(&f);
    CHECK_STATUS(rns_packet_build(&packet, &f.store, &header, &payload), RNS_OK);
    CHECK(packet.raw.buffer == buffer && payload.buffer == NULL);
    check_price(&f, before, 0, 0);
    rns_packet_drop(&packet, &f.store);

    payload = payload_of(&f, 200, 1);
    rns_bytes_t kept = rns_bytes_share(&payload, &f.store);
    before = price_of(&f);
    CHECK_STATUS(rns_packet_build(&packet, &f.store, &header, &payload), RNS_OK);
    check_price(&f, before, 1, 1);
    CHECK(!rns_bytes_shares_with(&packet.raw, &kept) && kept.length == 200);
    rns_packet_drop(&packet, &f.store);
    bytes_end(&f, &kept);

    CHECK_STATUS(rns_packet_build(&packet, &f.store, &header, &payload), RNS_OK);
    CHECK_EQUAL(packet.raw.length, RNS_PACKET_HEADER_1_BYTES); /* of nothing */
    CHECK_EQUAL(rns_packet_payload(&packet).bytes, 0);
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

static void test_hops_and_context_change_in_place_if_unique_and_else_in_a_copy(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (uint32_t sharers = 0; sharers < 2u; ++sharers) {
        rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 100, .hops = 1, .via = 2});
        rns_packet_t other = {0};
        if (sharers > 0) {
            other = rns_packet_share(&packet, &f.store);
        }
        const price_t before = price_of(&f);
        CHECK_STATUS(rns_packet_set_hops(&packet, &f.store, 2), RNS_OK);
        check_price(&f, before, sharers, sharers);
        CHECK_STATUS(rns_packet_set_context(&packet, &f.store, RNS_CONTEXT_CHANNEL), RNS_OK);
        check_price(&f, before, sharers, sharers);
        CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
        CHECK_EQUAL(packet.hops, 2);
        CHECK_EQUAL(packet.context, RNS_CONTEXT_CHANNEL);
        CHECK_TEXT(rns_packet_check(&other).invariant, NULL);
        CHECK_EQUAL(other.hops, sharers);
        rns_packet_drop(&packet, &f.store);
        rns_packet_drop(&other, &f.store);
    }
    bytes_fixture_end(&f);
}

/// Change the route of a packet between forms, alone and shared, and verify all but the route.
static void check_route(bytes_fixture_t* f, uint32_t from, uint32_t to, bool is_shared,
                        uint64_t requests)
{
    uint8_t via[16];
    uint8_t before_hash[RNS_PACKET_HASH_BYTES];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    rns_packet_t packet = packet_of(f, &(recipe_t){.length = 200, .via = from, .number = 8});
    rns_packet_t other = {0};
    rns_packet_hash(&packet, sha256, before_hash);
    if (is_shared) {
        other = rns_packet_share(&packet, &f->store);
    }
    const price_t before = price_of(f);
    const uint8_t* const id = to > 0 ? address_of(to, via) : NULL;
    CHECK_STATUS(rns_packet_set_route(&packet, &f->store, 77, id), RNS_OK);
    check_price(f, before, requests, is_shared ? 1 : 0);
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    CHECK_EQUAL(packet.hops, 77);
    CHECK_EQUAL(packet.raw.length, 200 + (to > 0 ? 35 : 19));
    CHECK(rns_packet_has_transport_id(&packet) == (to > 0));
    CHECK(to == 0 || memcmp(rns_packet_transport_id(&packet), via, 16) == 0);
    CHECK_EQUAL(((const uint8_t*)rns_packet_payload(&packet).start)[0], 8);
    rns_packet_hash(&packet, sha256, hash);
    CHECK(memcmp(hash, before_hash, sizeof hash) == 0);
    CHECK_TEXT(rns_packet_check(&other).invariant, NULL);
    CHECK_EQUAL(other.hops, 0);
    rns_packet_drop(&packet, &f->store);
    rns_packet_drop(&other, &f->store);
}

static void test_a_route_changes_form_in_place_with_headroom_and_hash_and_payload_stay(void)
{
    bytes_fixture_t f;
    with_headroom(&f);
    f.store.options.headroom_bytes = 2u * RNS_PACKET_HEADER_2_BYTES;
    for (uint32_t i = 0; i < 8u; ++i) {
        check_route(&f, i % 2u * 5u, i / 2u % 2u * 6u, i / 4u == 1u, i / 4u);
    }
    bytes_fixture_end(&f);
}

static void test_without_headroom_only_a_longer_header_needs_a_buffer(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    uint8_t via[16];
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 64 - 19});
    price_t before = price_of(&f);
    CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 1, address_of(3, via)), RNS_OK);
    check_price(&f, before, 1, 0);
    before = price_of(&f);
    CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 2, address_of(4, via)), RNS_OK);
    CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 3, NULL), RNS_OK);
    CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 4, address_of(5, via)), RNS_OK);
    check_price(&f, before, 0, 0); /* the room of the removed one is headroom now */
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

static void test_an_access_code_goes_in_and_out_and_bars_the_route(void)
{
    bytes_fixture_t f;
    uint8_t code[65];
    memset(code, 0xCC, sizeof code);
    bytes_fixture_plain(&f);
    for (uint32_t bytes = 1; bytes <= 64u; ++bytes) {
        rns_packet_t packet =
            packet_of(&f, &(recipe_t){.length = 100, .via = bytes % 2u, .hops = 2, .number = 6});
        rns_bytes_t before = rns_bytes_share(&packet.raw, &f.store);
        CHECK_STATUS(rns_packet_remove_ifac(&packet, &f.store), RNS_OK);
        CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, bytes}), RNS_OK);
        CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
        CHECK_EQUAL(packet.raw.length, before.length + bytes);
        CHECK_EQUAL(rns_packet_data(&packet)[1u + bytes], 0xCC);
        CHECK_EQUAL(((const uint8_t*)rns_packet_payload(&packet).start)[0], 6);
        CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 1, NULL), RNS_INPUT_IFAC);
        CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, bytes}),
                     RNS_INPUT_IFAC);
        rns_packet_t parsed;
        rns_bytes_t raw = rns_bytes_share(&packet.raw, &f.store);
        const rns_packet_medium_t medium = {.mtu_bytes = 500, .ifac_bytes = bytes};
        CHECK_STATUS(rns_packet_parse(&parsed, &medium, &raw), RNS_OK);
        CHECK_STATUS(rns_packet_remove_ifac(&parsed, &f.store), RNS_OK);
        CHECK_TEXT(rns_packet_check(&parsed).invariant, NULL);
        CHECK(rns_bytes_equal(&parsed.raw, &before));
        rns_packet_drop(&packet, &f.store);
        rns_packet_drop(&parsed, &f.store);
        bytes_end(&f, &before);
    }
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 1});
    CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, 0}), RNS_INPUT_IFAC);
    CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, 65}), RNS_INPUT_IFAC);
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

/// The functions that may take a buffer, by number.
static rns_status_t rewrite(bytes_fixture_t* f, rns_packet_t* packet, uint32_t which)
{
    uint8_t via[16];
    switch (which) {
    case 0:
        return rns_packet_set_hops(packet, &f->store, 9);
    case 1:
        return rns_packet_set_context(packet, &f->store, RNS_CONTEXT_REQUEST);
    case 2:
        return rns_packet_set_route(packet, &f->store, 9, NULL);
    case 3:
        return rns_packet_set_route(packet, &f->store, 9, address_of(8, via));
    default:
        return rns_packet_add_ifac(packet, &f->store, (rns_span_t){via, 16});
    }
}

static void test_a_refused_buffer_leaves_the_packet_as_it_was(void)
{
    bytes_fixture_t f;
    uint32_t refused_count = 0;
    bytes_fixture_plain(&f);
    for (uint32_t i = 0; i < 5u * 2u; ++i) {
        rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 100, .via = i / 5u});
        rns_packet_t other = rns_packet_share(&packet, &f.store);
        rns_fault_fail_nth(&f.fault, 1, true);
        CHECK_STATUS(rewrite(&f, &packet, i % 5u), RNS_MISS_EXHAUSTED);
        rns_fault_fail_nth(&f.fault, 0, false);
        ++refused_count;
        CHECK(packet.raw.buffer == other.raw.buffer && packet.raw.offset == other.raw.offset);
        CHECK_EQUAL(packet.raw.length, other.raw.length);
        CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
        CHECK_STATUS(rewrite(&f, &packet, i % 5u), RNS_OK);
        CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
        CHECK_TEXT(rns_packet_check(&other).invariant, NULL);
        rns_packet_drop(&packet, &f.store);
        rns_packet_drop(&other, &f.store);
    }
    uint8_t destination[16];
    const rns_packet_header_t header = {.destination = address_of(1, destination)};
    rns_packet_t packet;
    rns_bytes_t payload = payload_of(&f, 64, 4);
    rns_fault_fail_nth(&f.fault, 1, true);
    CHECK_STATUS(rns_packet_build(&packet, &f.store, &header, &payload), RNS_MISS_EXHAUSTED);
    CHECK(packet.raw.buffer == NULL && payload.length == 64);
    CHECK_EQUAL(refused_count, 10);
    bytes_end(&f, &payload);
    bytes_fixture_end(&f);
}

static void test_an_access_code_of_a_shared_packet_that_cannot_be_copied_stays(void)
{
    bytes_fixture_t f;
    static const uint8_t code[16] = {1, 2, 3};
    bytes_fixture_plain(&f);
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 100});
    CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, sizeof code}), RNS_OK);
    rns_packet_t other = rns_packet_share(&packet, &f.store);
    rns_fault_fail_nth(&f.fault, 1, true);
    CHECK_STATUS(rns_packet_remove_ifac(&packet, &f.store), RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&f.fault, 0, false);
    CHECK_EQUAL(packet.ifac_bytes, sizeof code);
    CHECK(packet.raw.buffer == other.raw.buffer && packet.raw.length == other.raw.length);
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    CHECK_STATUS(rns_packet_remove_ifac(&packet, &f.store), RNS_OK);
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    rns_packet_drop(&packet, &f.store);
    rns_packet_drop(&other, &f.store);
    bytes_fixture_end(&f);
}

static void test_behind_an_access_code_addresses_and_parts_are_where_they_were(void)
{
    bytes_fixture_t f;
    static const uint8_t code[16] = {1, 2, 3};
    uint8_t via[16];
    bytes_fixture_plain(&f);
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 30, .via = 9, .number = 5});
    CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){code, sizeof code}), RNS_OK);
    CHECK(memcmp(rns_packet_transport_id(&packet), address_of(9, via), 16) == 0);
    rns_span_t part = rns_packet_payload(&packet);
    part.bytes = 1;
    rns_bytes_t slice = rns_packet_slice(&packet, &f.store, part);
    CHECK(bytes_are(&slice, part.start, 1));
    CHECK(rns_bytes_data(&slice) == part.start);
    bytes_end(&f, &slice);
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

void suite_packet_rewrite(void)
{
    RUN(test_a_header_is_built_in_the_headroom_or_into_a_copy);
    RUN(test_hops_and_context_change_in_place_if_unique_and_else_in_a_copy);
    RUN(test_a_route_changes_form_in_place_with_headroom_and_hash_and_payload_stay);
    RUN(test_without_headroom_only_a_longer_header_needs_a_buffer);
    RUN(test_an_access_code_goes_in_and_out_and_bars_the_route);
    RUN(test_a_refused_buffer_leaves_the_packet_as_it_was);
    RUN(test_an_access_code_of_a_shared_packet_that_cannot_be_copied_stays);
    RUN(test_behind_an_access_code_addresses_and_parts_are_where_they_were);
}
