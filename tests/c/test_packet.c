/* rns_packet: what a header says, for every header there is; sizes; what is malformed. */
#include "node_fixture.h"

#include <string.h>

static const rns_packet_medium_t open_medium = {.mtu_bytes = RNS_PACKET_MTU_BYTES};

static const uint8_t contexts[] = {
    RNS_CONTEXT_NONE,         RNS_CONTEXT_RESOURCE,       RNS_CONTEXT_RESOURCE_ADV,
    RNS_CONTEXT_RESOURCE_REQ, RNS_CONTEXT_RESOURCE_HMU,   RNS_CONTEXT_RESOURCE_PRF,
    RNS_CONTEXT_RESOURCE_ICL, RNS_CONTEXT_RESOURCE_RCL,   RNS_CONTEXT_CACHE_REQUEST,
    RNS_CONTEXT_REQUEST,      RNS_CONTEXT_RESPONSE,       RNS_CONTEXT_PATH_RESPONSE,
    RNS_CONTEXT_COMMAND,      RNS_CONTEXT_COMMAND_STATUS, RNS_CONTEXT_CHANNEL,
    RNS_CONTEXT_KEEPALIVE,    RNS_CONTEXT_LINKIDENTIFY,   RNS_CONTEXT_LINKCLOSE,
    RNS_CONTEXT_LINKPROOF,    RNS_CONTEXT_LRRTT,          RNS_CONTEXT_LRPROOF,
};

/// Make a handle of bytes.
static rns_bytes_t bytes_from(bytes_fixture_t* f, const uint8_t* bytes, size_t length)
{
    rns_bytes_t raw;
    CHECK_STATUS(rns_bytes_init(&raw, &f->store, bytes, length), RNS_OK);
    return raw;
}

/// Build a packet from every field, parse what was built, and compare.
static void check_round_trip(bytes_fixture_t* f, const rns_packet_header_t* header, bool is_valid)
{
    rns_packet_t built;
    rns_packet_t parsed;
    rns_bytes_t payload = payload_of(f, 70, header->context);
    CHECK_STATUS(rns_packet_build(&built, &f->store, header, &payload),
                 is_valid ? RNS_OK : RNS_INPUT_FLAGS);
    CHECK_TEXT(rns_packet_check(&built).invariant, NULL);
    if (!is_valid) {
        CHECK_EQUAL(payload.length, 70);
        bytes_end(f, &payload);
        return;
    }
    rns_bytes_t raw = rns_bytes_share(&built.raw, &f->store);
    CHECK_STATUS(rns_packet_parse(&parsed, &open_medium, &raw), RNS_OK);
    CHECK(raw.buffer == NULL && rns_bytes_shares_with(&parsed.raw, &built.raw));
    CHECK_TEXT(rns_packet_check(&parsed).invariant, NULL);
    CHECK_EQUAL(rns_packet_type(&parsed), header->type);
    CHECK_EQUAL(rns_packet_destination_type(&parsed), header->destination_type);
    CHECK_EQUAL(parsed.context, header->context);
    CHECK_EQUAL(parsed.hops, header->hops);
    CHECK(rns_packet_has_context_flag(&parsed) == header->has_context_flag);
    CHECK(memcmp(rns_packet_destination(&parsed), header->destination, 16) == 0);
    CHECK(rns_packet_has_transport_id(&parsed) == (header->transport_id != NULL));
    if (header->transport_id != NULL) {
        CHECK(memcmp(rns_packet_transport_id(&parsed), header->transport_id, 16) == 0);
    }
    const rns_span_t span = rns_packet_payload(&parsed);
    CHECK_EQUAL(span.bytes, 70);
    CHECK_EQUAL(((const uint8_t*)span.start)[0], header->context);
    rns_packet_drop(&built, &f->store);
    rns_packet_drop(&parsed, &f->store);
}

static void test_every_type_destination_context_and_form_survives_a_round_trip(void)
{
    bytes_fixture_t f;
    uint8_t destination[16];
    uint8_t via[16];
    bytes_fixture_plain(&f);
    uint32_t valid_count = 0;
    for (uint32_t i = 0; i < 64u * COUNT_OF(contexts); ++i) {
        const uint32_t type = i % 4u;
        const uint32_t kind = i / 4u % 4u;
        const rns_packet_header_t header = {
            .type = (rns_packet_type_t)type,
            .destination_type = (rns_destination_type_t)kind,
            .context = (rns_packet_context_t)contexts[i / 64u],
            .has_context_flag = i / 16u % 2u == 1u,
            .hops = (uint8_t)i,
            .destination = address_of(i, destination),
            .transport_id = i / 32u % 2u == 1u ? address_of(i + 1u, via) : NULL};
        const bool needs_single = type == RNS_PACKET_ANNOUNCE || type == RNS_PACKET_LINK_REQUEST;
        const bool is_valid = kind == RNS_DESTINATION_SINGLE || !needs_single;
        valid_count += is_valid ? 1u : 0u;
        check_round_trip(&f, &header, is_valid);
    }
    CHECK_EQUAL(valid_count, COUNT_OF(contexts) * 4u * (4u + 4u + 1u + 1u));
    bytes_fixture_end(&f);
}

static void test_flags_and_contexts_have_the_numbers_of_the_protocol(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_packet_t packet = announce_of(&f, 5, 1, 6);
    CHECK_EQUAL(rns_bytes_data(&packet.raw)[0], 0x51);
    rns_packet_drop(&packet, &f.store);
    packet = packet_of(&f, &(recipe_t){.type = RNS_PACKET_PROOF,
                                       .destination_type = RNS_DESTINATION_LINK,
                                       .context = RNS_CONTEXT_LRPROOF,
                                       .hops = 3,
                                       .length = 99});
    CHECK_EQUAL(rns_bytes_data(&packet.raw)[0], 0x0F);
    CHECK_EQUAL(rns_bytes_data(&packet.raw)[1], 3);
    CHECK_EQUAL(rns_bytes_data(&packet.raw)[18], 0xFF);
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

static void test_a_built_packet_has_the_bytes_of_the_protocol(void)
{
    bytes_fixture_t f;
    uint8_t frame[FRAME_MAX];
    bytes_fixture_plain(&f);
    for (uint32_t i = 0; i < 64u; ++i) {
        const bool is_single = i / 4u % 4u == 0;
        const recipe_t recipe = {.type = (rns_packet_type_t)(is_single ? i % 4u : i % 2u * 3u),
                                 .destination_type = (rns_destination_type_t)(i / 4u % 4u),
                                 .context = (rns_packet_context_t)contexts[i % 21u],
                                 .destination = i,
                                 .via = i / 16u % 2u * 77u,
                                 .hops = (uint8_t)i,
                                 .length = i * 5u,
                                 .number = i};
        rns_packet_t packet = packet_of(&f, &recipe);
        CHECK(bytes_are(&packet.raw, frame, frame_of(&recipe, frame)));
        rns_packet_drop(&packet, &f.store);
    }
    bytes_fixture_end(&f);
}

static void test_packets_have_the_sizes_of_the_protocol(void)
{
    static const struct {
        rns_packet_type_t type;
        rns_destination_type_t kind;
        uint32_t payload; /* by the formula */
        uint32_t whole;   /* as recorded at an MTU of 500 */
        uint32_t forwarded;
    } sizes[] = {
        {RNS_PACKET_ANNOUNCE, RNS_DESTINATION_SINGLE, 148, 167, 183},
        {RNS_PACKET_ANNOUNCE, RNS_DESTINATION_SINGLE, 148 + 32, 199, 215},
        {RNS_PACKET_DATA, RNS_DESTINATION_SINGLE, 32 + 48 + 16, 115, 131},
        {RNS_PACKET_DATA, RNS_DESTINATION_SINGLE, 32 + 48 + 384, 483, 499},
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 48 + 16, 83, 99},
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 48 + 432, 499, 515},
        {RNS_PACKET_PROOF, RNS_DESTINATION_SINGLE, 64, 83, 99},
        {RNS_PACKET_PROOF, RNS_DESTINATION_SINGLE, 96, 115, 131},
        {RNS_PACKET_LINK_REQUEST, RNS_DESTINATION_SINGLE, 64 + 3, 86, 102},
        {RNS_PACKET_PROOF, RNS_DESTINATION_LINK, 64 + 32 + 3, 118, 134},
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 1, 20, 36},     /* keepalive */
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 80, 99, 115},   /* link close */
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 192, 211, 227}, /* identify */
        {RNS_PACKET_DATA, RNS_DESTINATION_PLAIN, 32, 51, 67},   /* path request of a leaf */
        {RNS_PACKET_DATA, RNS_DESTINATION_PLAIN, 48, 67, 83},   /* and of a transport */
        {RNS_PACKET_DATA, RNS_DESTINATION_LINK, 464, 483, 499}, /* resource part */
    };
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        recipe_t recipe = {
            .type = sizes[i].type, .destination_type = sizes[i].kind, .length = sizes[i].payload};
        rns_packet_t packet = packet_of(&f, &recipe);
        CHECK_EQUAL(packet.raw.length, sizes[i].whole);
        rns_packet_drop(&packet, &f.store);
        recipe.via = 9;
        packet = packet_of(&f, &recipe);
        CHECK_EQUAL(packet.raw.length, sizes[i].forwarded);
        rns_packet_drop(&packet, &f.store);
    }
    bytes_fixture_end(&f);
}

/// Verify that bytes are refused, and stay with whoever has them.
static void check_refused(bytes_fixture_t* f, const uint8_t* bytes, size_t length,
                          const rns_packet_medium_t* medium, rns_status_t status)
{
    rns_packet_t packet;
    rns_bytes_t raw = bytes_from(f, bytes, length);
    memset(&packet, 0xA5, sizeof packet);
    CHECK_STATUS(rns_packet_parse(&packet, medium, &raw), status);
    CHECK(packet.raw.buffer == NULL && packet.raw.length == 0);
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    CHECK(bytes_are(&raw, bytes, length));
    bytes_end(f, &raw);
    CHECK_EQUAL(in_use_of(f), 0);
}

static void test_malformed_packets_are_named_and_leave_nothing_behind(void)
{
    bytes_fixture_t f;
    uint8_t bytes[600] = {0};
    const rns_packet_medium_t coded = {.mtu_bytes = 500, .ifac_bytes = 8};
    bytes_fixture_plain(&f);
    for (size_t length = 0; length < RNS_PACKET_HEADER_1_BYTES; ++length) {
        check_refused(&f, bytes, length, &open_medium, RNS_INPUT_SHORT);
    }
    bytes[0] = 0x50; /* header 2 */
    for (size_t length = 2; length < RNS_PACKET_HEADER_2_BYTES; ++length) {
        check_refused(&f, bytes, length, &open_medium, RNS_INPUT_SHORT);
    }
    check_refused(&f, bytes, 501, &open_medium, RNS_INPUT_LONG);
    bytes[0] = 0x80; /* access code */
    check_refused(&f, bytes, 100, &open_medium, RNS_INPUT_IFAC);
    for (size_t length = 2; length < 8u + RNS_PACKET_HEADER_1_BYTES; ++length) {
        check_refused(&f, bytes, length, &coded, RNS_INPUT_SHORT);
    }
    bytes[0] = 0;
    check_refused(&f, bytes, 100, &coded, RNS_INPUT_IFAC);
    uint32_t refused_count = 0;
    for (uint32_t flags = 0; flags < 128u; ++flags) {
        const bool is_split = (flags >> 6 & 1u) != (flags >> 4 & 1u);
        const bool needs_single = (flags & 3u) == 1u || (flags & 3u) == 2u;
        bytes[0] = (uint8_t)flags;
        if (is_split || (needs_single && (flags >> 2 & 3u) != 0)) {
            ++refused_count;
            check_refused(&f, bytes, 200, &open_medium, RNS_INPUT_FLAGS);
        }
    }
    CHECK_EQUAL(refused_count, 64 + 64 * 6 / 16);
    bytes_fixture_end(&f);
}

static void test_an_announce_is_read_in_place_and_refused_when_short(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    for (uint32_t ratchet = 0; ratchet <= 32u; ratchet += 32u) {
        const uint32_t least = RNS_PACKET_ANNOUNCE_BYTES_MIN + ratchet;
        for (uint32_t length = 0; length < least + 3u; ++length) {
            uint8_t destination[16];
            rns_announce_t parts;
            rns_packet_t packet;
            rns_bytes_t payload = payload_of(&f, length, 77);
            const rns_packet_header_t header = {.type = RNS_PACKET_ANNOUNCE,
                                                .has_context_flag = ratchet > 0,
                                                .destination = address_of(4, destination)};
            CHECK_STATUS(rns_packet_build(&packet, &f.store, &header, &payload), RNS_OK);
            CHECK_STATUS(rns_packet_announce(&packet, &parts),
                         length < least ? RNS_INPUT_SHORT : RNS_OK);
            CHECK_EQUAL(parts.app_data.bytes, length < least ? 0 : length - least);
            if (length >= least) {
                const uint8_t* const data = rns_packet_data(&packet);
                CHECK(parts.public_key.start == data + 19 && parts.public_key.bytes == 64);
                CHECK(parts.name_hash.start == data + 83 && parts.name_hash.bytes == 10);
                CHECK(parts.random_hash.start == data + 93 && parts.random_hash.bytes == 10);
                CHECK(parts.ratchet.start == data + 103 && parts.ratchet.bytes == ratchet);
                CHECK(parts.signature.start == data + 103 + ratchet);
                CHECK_EQUAL(parts.signature.bytes, 64);
            }
            rns_packet_drop(&packet, &f.store);
        }
    }
    rns_announce_t parts;
    rns_packet_t data = packet_of(&f, &(recipe_t){.length = 300});
    CHECK_STATUS(rns_packet_announce(&data, &parts), RNS_INPUT_FLAGS);
    rns_packet_drop(&data, &f.store);
    CHECK_STATUS(rns_packet_announce(&data, &parts), RNS_INPUT_FLAGS);
    bytes_fixture_end(&f);
}

static void test_a_part_of_a_packet_is_shared_not_copied(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 300, .number = 5});
    const uint64_t requests = requests_of(&f);
    rns_bytes_t payload = rns_packet_slice(&packet, &f.store, rns_packet_payload(&packet));
    rns_bytes_t nothing = rns_packet_slice(&packet, &f.store, (rns_span_t){0});
    CHECK_EQUAL(payload.length, 300);
    CHECK(rns_bytes_shares_with(&payload, &packet.raw) && nothing.buffer == NULL);
    CHECK_EQUAL(requests_of(&f), requests);
    CHECK_COUNT(rns_store_stats(&f.store).slices, 1);
    rns_packet_drop(&packet, &f.store);
    CHECK_EQUAL(rns_bytes_data(&payload)[0], 5);
    bytes_end(&f, &payload);
    bytes_fixture_end(&f);
}

static void to_hex(const uint8_t* bytes, size_t length, char* out)
{
    for (size_t i = 0; i < length; ++i) {
        out[2u * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2u * i + 1u] = "0123456789abcdef"[bytes[i] & 15u];
    }
    out[2u * length] = '\0';
}

static void test_the_hash_is_that_of_the_reference_whatever_the_way(void)
{
    bytes_fixture_t f;
    uint8_t bytes[75] = {0x51, 7};
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    uint8_t other[RNS_PACKET_HASH_BYTES];
    char text[65];
    bytes_fixture_plain(&f);
    sha256.sha256(NULL, &(rns_span_t){"abc", 3}, 1, hash);
    to_hex(hash, 32, text);
    CHECK_TEXT(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (uint32_t i = 0; i < 16u; ++i) {
        bytes[2u + i] = (uint8_t)(16u + i);
        bytes[18u + i] = (uint8_t)(100u + i);
    }
    for (uint32_t i = 0; i < 40u; ++i) {
        bytes[35u + i] = (uint8_t)i;
    }
    rns_packet_t packet;
    rns_bytes_t raw = bytes_from(&f, bytes, sizeof bytes);
    CHECK_STATUS(rns_packet_parse(&packet, &open_medium, &raw), RNS_OK);
    rns_packet_hash(&packet, sha256, hash);
    to_hex(hash, 32, text);
    /* hashlib.sha256(bytes([raw[0] & 0x0F]) + raw[18:]) */
    CHECK_TEXT(text, "01e80798c631c56be26237947080dee87915c80046970338662ed3b11f687b67");
    CHECK_STATUS(rns_packet_set_route(&packet, &f.store, 9, NULL), RNS_OK);
    CHECK_STATUS(rns_packet_add_ifac(&packet, &f.store, (rns_span_t){bytes, 8}), RNS_OK);
    rns_packet_hash(&packet, sha256, other);
    CHECK(memcmp(hash, other, sizeof hash) == 0);
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

static void test_a_link_id_does_not_depend_on_the_signalling_behind_the_keys(void)
{
    bytes_fixture_t f;
    uint8_t ids[2][16];
    uint8_t hash[RNS_PACKET_HASH_BYTES] = {0};
    bytes_fixture_plain(&f);
    for (uint32_t i = 0; i < 2u; ++i) {
        rns_packet_t packet = packet_of(&f, &(recipe_t){.type = RNS_PACKET_LINK_REQUEST,
                                                        .destination = 3,
                                                        .via = i * 7u,
                                                        .hops = (uint8_t)i,
                                                        .length = 64u + 3u * i});
        rns_packet_link_id(&packet, sha256, ids[i]);
        if (i == 0) {
            rns_packet_hash(&packet, sha256, hash);
        }
        rns_packet_drop(&packet, &f.store);
    }
    CHECK(memcmp(ids[0], ids[1], 16) == 0 && memcmp(ids[0], hash, 16) == 0);
    bytes_fixture_end(&f);
}

static void test_a_changed_field_is_found_by_the_check(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 20, .hops = 4});
    uint8_t* const fields[] = {&packet.flags, &packet.hops, &packet.context, &packet.ifac_bytes};
    for (size_t i = 0; i < COUNT_OF(fields); ++i) {
        ++*fields[i];
        CHECK_TEXT(rns_packet_check(&packet).invariant, "I18");
        --*fields[i];
        CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    }
    packet.flags |= 0x10u; /* transported, but of the form that is not */
    CHECK_TEXT(rns_packet_check(&packet).invariant, "I18");
    rns_packet_drop(&packet, &f.store);
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL); /* all zero */
    packet.hops = 1;
    CHECK_TEXT(rns_packet_check(&packet).invariant, "I18");
    bytes_fixture_end(&f);
}

static void test_an_access_code_longer_than_any_is_refused(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    uint8_t bytes[120] = {0x80};
    for (uint32_t ifac_bytes = 64; ifac_bytes < 66u; ++ifac_bytes) {
        const rns_packet_medium_t medium = {.mtu_bytes = 500, .ifac_bytes = ifac_bytes};
        rns_bytes_t raw = bytes_from(&f, bytes, sizeof bytes);
        rns_packet_t packet;
        CHECK_STATUS(rns_packet_parse(&packet, &medium, &raw),
                     ifac_bytes == 64u ? RNS_OK : RNS_INPUT_SHORT);
        rns_packet_drop(&packet, &f.store);
        bytes_end(&f, &raw);
    }
    bytes_fixture_end(&f);
}

static void test_a_packet_cut_short_is_found_by_the_check(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_packet_t packet = packet_of(&f, &(recipe_t){.length = 20});
    packet.raw.length = RNS_PACKET_HEADER_1_BYTES;
    CHECK_TEXT(rns_packet_check(&packet).invariant, NULL);
    packet.raw.length = RNS_PACKET_HEADER_1_BYTES - 1u;
    CHECK_TEXT(rns_packet_check(&packet).invariant, "I18");
    rns_packet_drop(&packet, &f.store);
    bytes_fixture_end(&f);
}

void suite_packet(void)
{
    RUN(test_every_type_destination_context_and_form_survives_a_round_trip);
    RUN(test_flags_and_contexts_have_the_numbers_of_the_protocol);
    RUN(test_a_built_packet_has_the_bytes_of_the_protocol);
    RUN(test_packets_have_the_sizes_of_the_protocol);
    RUN(test_malformed_packets_are_named_and_leave_nothing_behind);
    RUN(test_an_announce_is_read_in_place_and_refused_when_short);
    RUN(test_a_part_of_a_packet_is_shared_not_copied);
    RUN(test_the_hash_is_that_of_the_reference_whatever_the_way);
    RUN(test_a_link_id_does_not_depend_on_the_signalling_behind_the_keys);
    RUN(test_a_changed_field_is_found_by_the_check);
    RUN(test_an_access_code_longer_than_any_is_refused);
    RUN(test_a_packet_cut_short_is_found_by_the_check);
}
