/* rns_transport: what becomes of a packet that comes in. */
#include "node_fixture.h"

#include <string.h>

static rns_counter_t copies_of(routed_t* self)
{
    return rns_store_stats(&self->f.store).cow_copies;
}

static void test_forwarding_changes_the_frame_in_place(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    rns_packet_t packet = packet_of(
        &self->f, &(recipe_t){.destination = FAR, .via = NODE, .hops = 3, .length = 200});
    const uint64_t requests = requests_of(&self->f);
    const rns_counter_t copies = copies_of(self);
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    CHECK_EQUAL(requests_of(&self->f) - requests, 1);
    CHECK_EQUAL(copies_of(self) - copies, 0);
    const rns_bytes_t* const raw = &self->node.sent[0].raw;
    CHECK_EQUAL(self->node.sent_count, 1);
    CHECK_EQUAL(self->node.sent[0].interface, 1);
    CHECK_EQUAL(raw->length, 235);
    CHECK_EQUAL(rns_bytes_data(raw)[0], 0x50);
    CHECK_EQUAL(rns_bytes_data(raw)[1], 4);
    CHECK(memcmp(rns_bytes_data(raw) + 2, address_of(NEXT, id), 16) == 0);
    CHECK(memcmp(rns_bytes_data(raw) + 18, address_of(FAR, id), 16) == 0);
    CHECK_COUNT(routed_stats(self).forwarded, 1);
    routed_end(self);
}

static void test_forwarding_a_frame_that_somebody_else_holds_copies_it_once(void)
{
    routed_t* const self = routed();
    rns_packet_t packet =
        packet_of(&self->f, &(recipe_t){.destination = FAR, .via = NODE, .length = 200});
    rns_bytes_t held = rns_bytes_share(&packet.raw, &self->f.store);
    const rns_counter_t copies = copies_of(self);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &packet.raw, 1), RNS_OK);
    CHECK(packet.raw.buffer == NULL);
    CHECK_COUNT(copies_of(self) - copies, 1);
    CHECK(!rns_bytes_shares_with(&held, &self->node.sent[0].raw));
    CHECK_EQUAL(rns_bytes_data(&held)[1], 0);
    bytes_end(&self->f, &held);
    routed_end(self);
}

static void test_the_last_hop_strips_the_transport_id_in_place(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    rns_packet_t packet = packet_of(
        &self->f, &(recipe_t){.destination = NEAR, .via = NODE, .hops = 1, .length = 200});
    const rns_counter_t copies = copies_of(self);
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    CHECK_EQUAL(copies_of(self) - copies, 0);
    const rns_bytes_t* const raw = &self->node.sent[0].raw;
    CHECK_EQUAL(self->node.sent[0].interface, 2);
    CHECK_EQUAL(raw->length, 219);
    CHECK_EQUAL(rns_bytes_data(raw)[0], 0x00);
    CHECK_EQUAL(rns_bytes_data(raw)[1], 2);
    CHECK(memcmp(rns_bytes_data(raw) + 2, address_of(NEAR, id), 16) == 0);
    routed_end(self);
}

static void test_a_proof_finds_the_way_back_once_and_from_the_right_side_only(void)
{
    routed_t* const self = routed();
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    for (uint32_t wrong = 0; wrong < 2u; ++wrong) {
        rns_packet_t packet = packet_of(
            &self->f,
            &(recipe_t){.destination = FAR, .via = NODE, .length = 200, .number = wrong});
        rns_packet_hash(&packet, sha256, hash);
        CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
        CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REVERSE), 1);
        node_hush(&self->node);
        const recipe_t proof = {.type = RNS_PACKET_PROOF, .address = hash, .length = 64};
        packet = packet_of(&self->f, &proof);
        CHECK_STATUS(receive(&self->node, wrong > 0 ? 2 : 1, &packet, 2),
                     wrong > 0 ? RNS_MISS_ABSENT : RNS_OK);
        CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REVERSE), 0);
        CHECK_EQUAL(self->node.sent_count, 1u - wrong);
        CHECK(wrong > 0 || self->node.sent[0].interface == 0);
        packet = packet_of(&self->f, &proof);
        CHECK_STATUS(receive(&self->node, 1, &packet, 3),
                     wrong > 0 ? RNS_MISS_ABSENT : RNS_MISS_PRESENT);
        node_hush(&self->node);
    }
    routed_end(self);
}

static void test_packets_for_own_destinations_are_delivered_with_their_hash(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    for (uint32_t via = 0; via <= NODE; via += NODE) {
        rns_packet_t packet = packet_of(
            &self->f, &(recipe_t){.destination = OWN, .via = via, .length = 200, .number = via});
        rns_packet_hash(&packet, sha256, hash);
        CHECK_STATUS(receive(&self->node, 2, &packet, 1), RNS_OK);
        const event_t* const event = &self->node.events[via / NODE];
        CHECK_EQUAL(event->kind, RNS_DELIVERY_DATA);
        CHECK_EQUAL(event->interface, 2);
        CHECK(memcmp(event->address, address_of(OWN, id), 16) == 0);
        CHECK(memcmp(event->hash, hash, sizeof hash) == 0);
    }
    CHECK_EQUAL(self->node.event_count, 2);
    CHECK_EQUAL(self->node.sent_count, 0);
    CHECK_COUNT(routed_stats(self).delivered, 2);
    routed_end(self);
}

static void test_a_packet_seen_before_is_dropped_but_not_one_that_was_dropped(void)
{
    routed_t* const self = routed();
    recipe_t recipe = {.destination = OWN, .length = 100};
    rns_packet_t packet = packet_of(&self->f, &recipe);
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    recipe.hops = 3; /* comes by another way */
    packet = packet_of(&self->f, &recipe);
    CHECK_STATUS(receive(&self->node, 1, &packet, 2), RNS_MISS_PRESENT);
    CHECK_COUNT(routed_stats(self).duplicates, 1);
    CHECK_EQUAL(self->node.event_count, 1);
    recipe = (recipe_t){.destination = FAR, .via = NODE, .length = 300};
    packet = packet_of(&self->f, &recipe);
    rns_bytes_t held = rns_bytes_share(&packet.raw, &self->f.store);
    rns_fault_fail_nth(&self->f.fault, 1, true);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &packet.raw, 3),
                 RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&self->f.fault, 0, false);
    CHECK_COUNT(routed_stats(self).dropped_no_memory, 1);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &held, 4), RNS_OK);
    routed_end(self);
}

static void test_contexts_that_repeat_themselves_are_not_told_apart_by_hash(void)
{
    static const uint8_t contexts[] = {RNS_CONTEXT_RESOURCE, RNS_CONTEXT_RESOURCE_REQ,
                                       RNS_CONTEXT_CACHE_REQUEST, RNS_CONTEXT_CHANNEL};
    routed_t* const self = routed();
    for (size_t i = 0; i < 2u * COUNT_OF(contexts); ++i) {
        rns_packet_t packet =
            packet_of(&self->f, &(recipe_t){.destination = OWN,
                                            .context = (rns_packet_context_t)contexts[i / 2u],
                                            .length = 40});
        CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    }
    CHECK_EQUAL(self->node.event_count, 8);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_SEEN), 0);
    routed_end(self);
}

static void test_each_drop_has_its_status_and_its_counter(void)
{
    routed_t* const self = routed();
    static const struct {
        recipe_t recipe;
        rns_status_t status;
        size_t counter;
    } drops[] = {
#define COUNTER(name) offsetof(rns_transport_stats_t, name)
        {{.destination = 99, .length = 9}, RNS_MISS_ABSENT, COUNTER(dropped_no_route)},
        {{.destination = 99, .via = NODE, .length = 9},
         RNS_MISS_ABSENT,
         COUNTER(dropped_no_route)},
        {{.destination = FAR, .via = OTHER, .length = 9},
         RNS_MISS_ABSENT,
         COUNTER(dropped_no_route)},
        {{.destination = FAR, .length = 9}, RNS_MISS_ABSENT, COUNTER(dropped_no_route)},
        {{.type = RNS_PACKET_PROOF, .destination = 99, .length = 64},
         RNS_MISS_ABSENT,
         COUNTER(dropped_no_route)},
        {{.destination_type = RNS_DESTINATION_LINK, .destination = 99, .length = 64},
         RNS_MISS_ABSENT,
         COUNTER(dropped_no_route)},
        {{.destination = OWN, .hops = 128, .length = 9}, RNS_MISS_ABSENT, COUNTER(dropped_hops)},
        {{.destination_type = RNS_DESTINATION_PLAIN, .destination = OWN, .hops = 1, .length = 9},
         RNS_MISS_ABSENT,
         COUNTER(dropped_hops)},
        {{.destination_type = RNS_DESTINATION_GROUP, .destination = OWN, .hops = 1, .length = 9},
         RNS_MISS_ABSENT,
         COUNTER(dropped_hops)},
        {{.type = RNS_PACKET_ANNOUNCE, .destination = 99, .length = 147},
         RNS_INPUT_SHORT,
         COUNTER(dropped_malformed)},
        {{.type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 63},
         RNS_INPUT_SHORT,
         COUNTER(dropped_malformed)},
        {{.type = RNS_PACKET_ANNOUNCE, .destination = OWN, .length = 150},
         RNS_MISS_PRESENT,
         COUNTER(dropped_stale)},
    };
    for (size_t i = 0; i < COUNT_OF(drops); ++i) {
        rns_transport_stats_t before = routed_stats(self);
        rns_packet_t packet = packet_of(&self->f, &drops[i].recipe);
        CHECK_STATUS(receive(&self->node, 0, &packet, 1), drops[i].status);
        rns_transport_stats_t after = routed_stats(self);
        rns_counter_t was = 0;
        rns_counter_t is = 0;
        memcpy(&was, (const uint8_t*)&before + drops[i].counter, sizeof was);
        memcpy(&is, (const uint8_t*)&after + drops[i].counter, sizeof is);
        CHECK_COUNT(is - was, 1);
        check_node(&self->node);
    }
    CHECK_EQUAL(self->node.sent_count + self->node.event_count, 0);
    routed_end(self);
}

static void test_malformed_frames_leave_no_slot_in_use(void)
{
    routed_t* const self = routed();
    CHECK_STATUS(rns_transport_reset(&self->node.transport), RNS_OK);
    uint8_t frame[600] = {0};
    rns_transport_t* const node = &self->node.transport;
    for (size_t length = 0; length < 19u; ++length) {
        CHECK_STATUS(rns_transport_inbound(node, 0, frame, length, 1), RNS_INPUT_SHORT);
    }
    const uint64_t requests = requests_of(&self->f);
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 501, 1), RNS_INPUT_LONG);
    CHECK_EQUAL(requests_of(&self->f), requests); /* no slot for what is refused */
    CHECK_STATUS(rns_transport_inbound(node, INTERFACES, frame, 100, 1), RNS_INPUT_RANGE);
    frame[0] = 0x40;
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 100, 1), RNS_INPUT_FLAGS);
    frame[0] = 0x80;
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 100, 1), RNS_INPUT_IFAC);
    CHECK_EQUAL(in_use_of(&self->f), 0);
    CHECK_COUNT(routed_stats(self).dropped_malformed, 23);
    CHECK_COUNT(routed_stats(self).packets_in, 23);
    routed_end(self);
}

static void test_a_node_that_does_not_forward_keeps_to_its_own(void)
{
    static node_t leaf;
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 16});
    rns_transport_config_t config = node_config(NODE);
    config.is_transport = false;
    node_init(&leaf, &f, &config);
    rns_packet_t packet = announce_of(&f, FAR, 1, 0);
    CHECK_STATUS(receive(&leaf, 0, &packet, 0), RNS_OK);
    packet = packet_of(&f, &(recipe_t){.destination = FAR, .via = NODE, .length = 200});
    CHECK_STATUS(receive(&leaf, 0, &packet, 0), RNS_MISS_ABSENT);
    CHECK_STATUS(rns_transport_tick(&leaf.transport, 30 * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&leaf, RNS_TRANSPORT_ANNOUNCES) + leaf.sent_count, 0);
    node_end(&leaf);
    bytes_fixture_end(&f);
}

void suite_transport(void)
{
    RUN(test_forwarding_changes_the_frame_in_place);
    RUN(test_forwarding_a_frame_that_somebody_else_holds_copies_it_once);
    RUN(test_the_last_hop_strips_the_transport_id_in_place);
    RUN(test_a_proof_finds_the_way_back_once_and_from_the_right_side_only);
    RUN(test_packets_for_own_destinations_are_delivered_with_their_hash);
    RUN(test_a_packet_seen_before_is_dropped_but_not_one_that_was_dropped);
    RUN(test_contexts_that_repeat_themselves_are_not_told_apart_by_hash);
    RUN(test_each_drop_has_its_status_and_its_counter);
    RUN(test_malformed_frames_leave_no_slot_in_use);
    RUN(test_a_node_that_does_not_forward_keeps_to_its_own);
}
