/* rns_transport: what becomes of a packet that is sent. */
#include "node_fixture.h"

#include <string.h>

static void check_sent(routed_t* self, uint32_t count, uint32_t interface, uint32_t length,
                       uint8_t flags)
{
    if (CHECK_EQUAL(self->node.sent_count, count)) {
        CHECK_EQUAL(self->node.sent[0].interface, interface);
        CHECK_EQUAL(self->node.sent[0].raw.length, length);
        CHECK_EQUAL(rns_bytes_data(&self->node.sent[0].raw)[0], flags);
    }
    node_hush(&self->node);
}

static void test_data_goes_along_its_path_and_a_proof_settles_its_receipt(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    rns_transport_order_t order = {.address = address_of(FAR, id)};
    CHECK_STATUS(node_send(&self->node, &order, 96, 1, hash), RNS_OK);
    check_sent(self, 1, 1, 131, 0x50);
    (void)address_of(NEAR, id);
    CHECK_STATUS(node_send(&self->node, &order, 96, 1, NULL), RNS_OK);
    check_sent(self, 1, 2, 115, 0x00);
    (void)address_of(99, id);
    CHECK_STATUS(node_send(&self->node, &order, 96, 1, NULL), RNS_OK);
    check_sent(self, INTERFACES, 0, 115, 0x00);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 3);
    rns_packet_t proof =
        packet_of(&self->f, &(recipe_t){.type = RNS_PACKET_PROOF, .address = hash, .length = 96});
    CHECK_STATUS(receive(&self->node, 1, &proof, 2), RNS_OK);
    CHECK_EQUAL(self->node.events[0].kind, RNS_DELIVERY_PROOF);
    CHECK(memcmp(self->node.events[0].hash, hash, sizeof hash) == 0);
    CHECK_STATUS(rns_transport_tick(&self->node.transport, 6 * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 2);
    CHECK_STATUS(rns_transport_tick(&self->node.transport, 7 * SECOND_NS + 1u), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 0);
    CHECK_COUNT(routed_stats(self).proofs, 1);
    CHECK_COUNT(routed_stats(self).receipts_failed, 2);
    CHECK_COUNT(routed_stats(self).originated, 2 + INTERFACES);
    routed_end(self);
}

static void test_what_is_sent_and_comes_back_is_a_duplicate(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    const rns_transport_order_t order = {.address = address_of(99, id)};
    CHECK_STATUS(node_send(&self->node, &order, 96, 1, NULL), RNS_OK);
    rns_bytes_t echo = rns_bytes_share(&self->node.sent[0].raw, &self->f.store);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &echo, 2),
                 RNS_MISS_PRESENT);
    routed_end(self);
}

static void test_a_refused_order_gives_the_payload_back(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    static const struct {
        rns_transport_order_t order;
        uint32_t length;
        rns_status_t status;
    } refusals[] = {
        {{.destination_type = RNS_DESTINATION_LINK}, 64, RNS_MISS_ABSENT},
        {{.type = RNS_PACKET_ANNOUNCE, .destination_type = RNS_DESTINATION_PLAIN},
         148,
         RNS_INPUT_FLAGS},
        {{.type = RNS_PACKET_PROOF, .destination_type = RNS_DESTINATION_PLAIN},
         64,
         RNS_INPUT_FLAGS},
        {{.type = RNS_PACKET_PROOF, .interface = INTERFACES}, 64, RNS_INPUT_RANGE},
        {{.type = RNS_PACKET_LINK_REQUEST}, 63, RNS_INPUT_SHORT},
        {{.type = RNS_PACKET_DATA}, 482, RNS_INPUT_LONG},
        {{.type = RNS_PACKET_DATA}, 900, RNS_INPUT_LONG},
    };
    for (size_t i = 0; i < COUNT_OF(refusals); ++i) {
        uint8_t hash[RNS_PACKET_HASH_BYTES];
        const uint8_t zeros[RNS_PACKET_HASH_BYTES] = {0};
        rns_transport_order_t order = refusals[i].order;
        order.address = address_of(99, id);
        memset(hash, 0xA5, sizeof hash);
        CHECK_STATUS(node_send(&self->node, &order, refusals[i].length, 1, hash),
                     refusals[i].status);
        CHECK(memcmp(hash, zeros, sizeof hash) == 0);
    }
    const rns_transport_order_t order = {.address = address_of(FAR, id)};
    rns_fault_fail_nth(&self->f.fault, 2, true); /* the first is the payload's */
    CHECK_STATUS(node_send(&self->node, &order, 64, 1, NULL), RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&self->f.fault, 0, false);
    CHECK_EQUAL(self->node.sent_count, 0);
    CHECK_COUNT(routed_stats(self).send_failures, COUNT_OF(refusals) + 1u);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 0);
    routed_end(self);
}

static void test_a_fifth_pending_link_is_refused_and_its_payload_given_back(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    const rns_transport_order_t order = {.type = RNS_PACKET_LINK_REQUEST,
                                         .address = address_of(FAR, id)};
    for (uint32_t i = 0; i < 5u; ++i) {
        CHECK_STATUS(node_send(&self->node, &order, 67, 1, NULL),
                     i < 4u ? RNS_OK : RNS_MISS_EXHAUSTED);
        node_hush(&self->node);
    }
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PENDING), 4);
    CHECK_STATUS(rns_transport_tick(&self->node.transport, 12 * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PENDING), 4);
    CHECK_STATUS(rns_transport_tick(&self->node.transport, 14 * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PENDING), 0);
    CHECK_COUNT(routed_stats(self).links_failed, 4);
    routed_end(self);
}

static void test_the_same_link_request_again_waits_for_the_same_proof(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    uint8_t hashes[2][RNS_PACKET_HASH_BYTES];
    const rns_transport_order_t order = {.type = RNS_PACKET_LINK_REQUEST,
                                         .address = address_of(FAR, id)};
    for (uint32_t i = 0; i < 2u; ++i) {
        rns_bytes_t payload = payload_of(&self->f, 67, 1);
        CHECK_STATUS(rns_transport_send(&self->node.transport, &order, &payload, 1, hashes[i]),
                     RNS_OK);
        node_hush(&self->node);
    }
    CHECK(memcmp(hashes[0], hashes[1], sizeof hashes[0]) == 0);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PENDING), 1);
    routed_end(self);
}

static void test_an_identity_that_differs_in_one_byte_is_another(void)
{
    routed_t* const self = routed();
    for (uint32_t i = 0; i < RNS_PACKET_ADDRESS_BYTES; ++i) {
        uint8_t frame[FRAME_MAX];
        const recipe_t recipe = {.destination = FAR, .via = NODE, .length = 90, .number = i};
        const uint32_t length = frame_of(&recipe, frame);
        const rns_counter_t before = routed_stats(self).bytes_in;
        frame[2u + i] ^= 1u;
        CHECK_STATUS(rns_transport_inbound(&self->node.transport, 0, frame, length, 1),
                     RNS_MISS_ABSENT);
        frame[2u + i] ^= 1u;
        CHECK_STATUS(rns_transport_inbound(&self->node.transport, 0, frame, length, 1), RNS_OK);
        CHECK_COUNT(routed_stats(self).bytes_in - before, 2u * length);
        node_hush(&self->node);
    }
    routed_end(self);
}

static void test_plain_data_may_come_twice(void)
{
    routed_t* const self = routed();
    for (uint32_t i = 0; i < 2u; ++i) {
        rns_packet_t packet =
            packet_of(&self->f, &(recipe_t){.destination_type = RNS_DESTINATION_PLAIN,
                                            .destination = OWN,
                                            .length = 40});
        CHECK_STATUS(receive(&self->node, 0, &packet, 1u + i), RNS_OK);
        CHECK_EQUAL(self->node.event_count, 1u + i);
    }
    routed_end(self);
}

void suite_transport_send(void)
{
    RUN(test_data_goes_along_its_path_and_a_proof_settles_its_receipt);
    RUN(test_what_is_sent_and_comes_back_is_a_duplicate);
    RUN(test_a_refused_order_gives_the_payload_back);
    RUN(test_a_fifth_pending_link_is_refused_and_its_payload_given_back);
    RUN(test_the_same_link_request_again_waits_for_the_same_proof);
    RUN(test_an_identity_that_differs_in_one_byte_is_another);
    RUN(test_plain_data_may_come_twice);
}
