/* rns_transport: links and resources between nodes on a wire, and proofs on their way back. */
#include "node_fixture.h"

#include <string.h>

#define HERE  1u /* numbers of destinations */
#define THERE 2u

/// Two leaves and a node that forwards between them, on its interfaces 0 and 1.
typedef struct {
    bytes_fixture_t f;
    node_t here;
    node_t middle;
    node_t there;
    uint64_t now_ns;
    uint8_t link_id[RNS_PACKET_HASH_BYTES];
} line_t;

/// Let everything that is on the wire arrive, and what follows from it.
static void settle(line_t* self)
{
    for (uint32_t i = 0; i < 20u; ++i) {
        self->now_ns += SECOND_NS / 10u;
        (void)carry(&self->here, 0, &self->middle, 0, self->now_ns);
        (void)carry(&self->there, 0, &self->middle, 1, self->now_ns);
        sent_t back[SENT_MAX];
        const uint32_t count = self->middle.sent_count;
        memcpy(back, self->middle.sent, sizeof back);
        self->middle.sent_count = 0;
        for (uint32_t k = 0; k < count; ++k) {
            node_t* const to = back[k].interface == 0   ? &self->here
                               : back[k].interface == 1 ? &self->there
                                                        : NULL;
            if (to != NULL) {
                (void)rns_transport_inbound_bytes(&to->transport, 0, &back[k].raw, self->now_ns);
            } else {
                bytes_end(&self->f, &back[k].raw);
            }
        }
        CHECK_STATUS(rns_transport_tick(&self->here.transport, self->now_ns), RNS_OK);
        CHECK_STATUS(rns_transport_tick(&self->middle.transport, self->now_ns), RNS_OK);
        CHECK_STATUS(rns_transport_tick(&self->there.transport, self->now_ns), RNS_OK);
    }
    check_node(&self->here);
    check_node(&self->middle);
    check_node(&self->there);
}

static void line_init(line_t* self)
{
    bytes_fixture_init(&self->f,
                       &(bytes_setup_t){.slot_count = 200,
                                        .options = {.headroom_bytes = RNS_PACKET_HEADER_2_BYTES}});
    rns_transport_config_t config = node_config(101);
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    config.is_transport = false;
    config.interface_count = 1;
    node_init(&self->here, &self->f, &config);
    (void)address_of(103, config.identity);
    node_init(&self->there, &self->f, &config);
    config = node_config(102);
    node_init(&self->middle, &self->f, &config);
    self->now_ns = SECOND_NS;
    CHECK_STATUS(rns_transport_add_destination(&self->here.transport, address_of(HERE, address),
                                               self->now_ns),
                 RNS_OK);
    CHECK_STATUS(rns_transport_add_destination(&self->there.transport, address_of(THERE, address),
                                               self->now_ns),
                 RNS_OK);
}

static void line_end(line_t* self)
{
    node_end(&self->here);
    node_end(&self->middle);
    node_end(&self->there);
    bytes_fixture_end(&self->f);
}

static void announce(line_t* self, node_t* node, uint32_t destination)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    const rns_transport_order_t order = {.type = RNS_PACKET_ANNOUNCE,
                                         .destination_type = RNS_DESTINATION_SINGLE,
                                         .address = address_of(destination, address)};
    CHECK_STATUS(node_send(node, &order, 180, self->now_ns, NULL), RNS_OK);
    settle(self);
}

static void link_send(line_t* self, node_t* node, rns_packet_type_t type,
                      rns_packet_context_t context, uint32_t length)
{
    const rns_transport_order_t order = {.type = type,
                                         .destination_type = RNS_DESTINATION_LINK,
                                         .context = context,
                                         .address = self->link_id};
    CHECK_STATUS(node_send(node, &order, length, self->now_ns, NULL), RNS_OK);
    settle(self);
}

static const event_t* last_event(const node_t* node)
{
    const uint32_t count = node->event_count;
    return &node->events[CHECK(count > 0 && count <= EVENTS_MAX) ? count - 1u : 0];
}

static bool is_last(const node_t* node, rns_delivery_kind_t kind, uint8_t context)
{
    const event_t* const event = last_event(node);
    return event->kind == kind && event->context == context;
}

/// From announce to an active link between here and there.
static void open_link(line_t* self)
{
    uint8_t address[RNS_PACKET_ADDRESS_BYTES];
    uint8_t hops = 0;
    announce(self, &self->there, THERE);
    CHECK(rns_transport_has_path(&self->here.transport, address_of(THERE, address), &hops));
    CHECK_EQUAL(hops, 2);
    const rns_transport_order_t order = {.type = RNS_PACKET_LINK_REQUEST,
                                         .destination_type = RNS_DESTINATION_SINGLE,
                                         .address = address};
    CHECK_STATUS(node_send(&self->here, &order, 67, self->now_ns, self->link_id), RNS_OK);
    CHECK_EQUAL(self->here.sent[0].raw.length, 102);
    settle(self);
    CHECK(is_last(&self->there, RNS_DELIVERY_LINK_REQUEST, RNS_CONTEXT_NONE));
    CHECK(memcmp(last_event(&self->there)->address, self->link_id, 16) == 0);
    link_send(self, &self->there, RNS_PACKET_PROOF, RNS_CONTEXT_LRPROOF, 99);
    CHECK(is_last(&self->here, RNS_DELIVERY_LINK_PROOF, RNS_CONTEXT_LRPROOF));
    link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_LRRTT, 64);
    CHECK(is_last(&self->there, RNS_DELIVERY_LINK_DATA, RNS_CONTEXT_LRRTT));
    CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 1);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_ACTIVE), 1);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_ACTIVE), 1);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_PENDING), 0);
}

static void test_announce_path_link_data_resource_and_close_through_a_node_in_between(void)
{
    static line_t line;
    line_t* const self = &line;
    line_init(self);
    open_link(self);
    link_send(self, &self->there, RNS_PACKET_DATA, RNS_CONTEXT_REQUEST, 96);
    CHECK(is_last(&self->here, RNS_DELIVERY_LINK_DATA, RNS_CONTEXT_REQUEST));
    link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ADV, 300);
    for (uint32_t i = 0; i < 5u; ++i) {
        link_send(self, &self->there, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_REQ, 112);
        link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 464);
    }
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_PARTS_OUT), 5);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_PARTS_IN), 5);
    link_send(self, &self->there, RNS_PACKET_PROOF, RNS_CONTEXT_RESOURCE_PRF, 64);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_PARTS_OUT), 0);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_PARTS_IN), 0);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_RESOURCES_OUT), 0);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_RESOURCES_IN), 0);
    link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_LINKCLOSE, 80);
    CHECK(is_last(&self->there, RNS_DELIVERY_LINK_CLOSE, RNS_CONTEXT_LINKCLOSE));
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_ACTIVE), 0);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_ACTIVE), 0);
    const rns_transport_stats_t a = rns_transport_stats(&self->here.transport);
    const rns_transport_stats_t b = rns_transport_stats(&self->there.transport);
    CHECK_COUNT(a.resources_done, 1);
    CHECK_COUNT(b.resources_done, 1);
    CHECK_COUNT(a.links_opened, 1);
    CHECK_COUNT(b.links_closed, 1);
    CHECK_EQUAL(a.dropped_no_route + b.dropped_no_route + a.dropped_malformed, 0);
    line_end(self);
}

static void test_two_nodes_back_to_back_do_the_same(void)
{
    static node_t asked;
    static node_t asking;
    bytes_fixture_t f;
    uint8_t id[RNS_PACKET_HASH_BYTES];
    uint8_t address[16];
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 64});
    rns_transport_config_t config = node_config(101);
    config.interface_count = 1;
    node_init(&asked, &f, &config);
    (void)address_of(102, config.identity);
    node_init(&asking, &f, &config);
    CHECK_STATUS(rns_transport_add_destination(&asked.transport, address_of(THERE, address), 0),
                 RNS_OK);
    rns_transport_order_t order = {.type = RNS_PACKET_ANNOUNCE, .address = address};
    CHECK_STATUS(node_send(&asked, &order, 160, 1, NULL), RNS_OK);
    CHECK_EQUAL(carry(&asked, 0, &asking, 0, 2), 1);
    order.type = RNS_PACKET_LINK_REQUEST;
    CHECK_STATUS(node_send(&asking, &order, 67, 3, id), RNS_OK);
    CHECK_EQUAL(asking.sent[0].raw.length, 86); /* one hop: header 1 */
    CHECK_EQUAL(carry(&asking, 0, &asked, 0, 4), 1);
    static const struct {
        bool is_asking;
        rns_packet_type_t type;
        rns_packet_context_t context;
        uint32_t length;
    } talk[] = {
        {false, RNS_PACKET_PROOF, RNS_CONTEXT_LRPROOF, 99},
        {true, RNS_PACKET_DATA, RNS_CONTEXT_LRRTT, 64},
        {true, RNS_PACKET_DATA, RNS_CONTEXT_NONE, 96},
        {true, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ADV, 192},
        {false, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_REQ, 96},
        {true, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 464},
        {true, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 100},
        {false, RNS_PACKET_PROOF, RNS_CONTEXT_RESOURCE_PRF, 64},
        {false, RNS_PACKET_DATA, RNS_CONTEXT_LINKCLOSE, 80},
    };
    for (size_t i = 0; i < COUNT_OF(talk); ++i) {
        node_t* const from = talk[i].is_asking ? &asking : &asked;
        node_t* const to = talk[i].is_asking ? &asked : &asking;
        const rns_transport_order_t say = {.type = talk[i].type,
                                           .destination_type = RNS_DESTINATION_LINK,
                                           .context = talk[i].context,
                                           .address = id};
        CHECK_STATUS(node_send(from, &say, talk[i].length, 10u + i, NULL), RNS_OK);
        CHECK_EQUAL(carry(from, 0, to, 0, 10u + i), 1);
        check_node(&asked);
        check_node(&asking);
    }
    CHECK_EQUAL(entries_of(&asked, RNS_TRANSPORT_ACTIVE), 0);
    CHECK_EQUAL(entries_of(&asking, RNS_TRANSPORT_ACTIVE), 0);
    CHECK_COUNT(rns_transport_stats(&asked.transport).resources_done, 1);
    CHECK_COUNT(rns_transport_stats(&asking.transport).resources_done, 1);
    CHECK_COUNT(rns_transport_stats(&asking.transport).links_failed, 0);
    CHECK_COUNT(rns_transport_stats(&asking.transport).delivered, 4); /* all but the announce */
    CHECK_COUNT(rns_transport_stats(&asked.transport).delivered, 6);
    node_end(&asked);
    node_end(&asking);
    bytes_fixture_end(&f);
}

static line_t* linked(void)
{
    static line_t line;
    line_init(&line);
    open_link(&line);
    return &line;
}

static void test_a_link_is_forwarded_both_ways_in_place(void)
{
    line_t* const self = linked();
    const rns_counter_t copies = rns_store_stats(&self->f.store).cow_copies;
    const rns_counter_t forwarded = rns_transport_stats(&self->middle.transport).forwarded;
    for (uint32_t i = 0; i < 10u; ++i) {
        link_send(self, i % 2u == 0 ? &self->here : &self->there, RNS_PACKET_DATA,
                  RNS_CONTEXT_CHANNEL, 96);
    }
    CHECK_COUNT(rns_transport_stats(&self->middle.transport).forwarded - forwarded, 10);
    CHECK_EQUAL(rns_store_stats(&self->f.store).cow_copies - copies, 0);
    line_end(self);
}

static void test_a_shared_packet_of_a_link_is_dropped_where_it_cannot_be_copied(void)
{
    line_t* const self = linked();
    rns_packet_t packet = packet_of(&self->f, &(recipe_t){.destination_type = RNS_DESTINATION_LINK,
                                                          .address = self->link_id,
                                                          .length = 96});
    rns_bytes_t held = rns_bytes_share(&packet.raw, &self->f.store);
    rns_fault_fail_nth(&self->f.fault, 1, true);
    CHECK_STATUS(
        rns_transport_inbound_bytes(&self->middle.transport, 0, &packet.raw, self->now_ns),
        RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&self->f.fault, 0, false);
    CHECK_COUNT(rns_transport_stats(&self->middle.transport).dropped_no_memory, 1);
    CHECK_EQUAL(self->middle.sent_count, 0);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->middle.transport, 0, &held, self->now_ns),
                 RNS_OK);
    line_end(self);
}

static void test_a_packet_of_a_link_that_comes_from_neither_side_is_dropped(void)
{
    line_t* const self = linked();
    for (uint32_t i = 0; i < 3u; ++i) { /* too many hops; a third interface; a proof from here */
        rns_packet_t packet = packet_of(
            &self->f, &(recipe_t){.type = i == 2u ? RNS_PACKET_PROOF : RNS_PACKET_DATA,
                                  .destination_type = RNS_DESTINATION_LINK,
                                  .context = i == 2u ? RNS_CONTEXT_LRPROOF : RNS_CONTEXT_NONE,
                                  .address = self->link_id,
                                  .hops = i == 0 ? 1 : 0,
                                  .length = 96,
                                  .number = i});
        CHECK_STATUS(receive(&self->middle, i == 1u ? 2 : 0, &packet, self->now_ns),
                     RNS_MISS_ABSENT);
    }
    CHECK_COUNT(rns_transport_stats(&self->middle.transport).dropped_hops, 3);
    line_end(self);
}

static void test_a_proof_on_a_link_settles_the_receipt_of_its_packet(void)
{
    line_t* const self = linked();
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    const rns_transport_order_t order = {.destination_type = RNS_DESTINATION_LINK,
                                         .address = self->link_id};
    CHECK_STATUS(node_send(&self->here, &order, 96, self->now_ns, hash), RNS_OK);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_RECEIPTS), 1);
    settle(self);
    rns_bytes_t payload;
    CHECK_STATUS(rns_bytes_init(&payload, &self->f.store, hash, sizeof hash), RNS_OK);
    CHECK_STATUS(rns_bytes_resize(&payload, &self->f.store, 96), RNS_OK);
    const rns_transport_order_t proof = {.type = RNS_PACKET_PROOF,
                                         .destination_type = RNS_DESTINATION_LINK,
                                         .address = self->link_id};
    CHECK_STATUS(rns_transport_send(&self->there.transport, &proof, &payload, self->now_ns, NULL),
                 RNS_OK);
    settle(self);
    CHECK(is_last(&self->here, RNS_DELIVERY_PROOF, RNS_CONTEXT_NONE));
    CHECK(memcmp(last_event(&self->here)->hash, hash, sizeof hash) == 0);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_RECEIPTS), 0);
    line_end(self);
}

static void test_a_received_part_keeps_the_slot_it_arrived_in_and_no_other(void)
{
    line_t* const self = linked();
    link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ADV, 192);
    const uint32_t in_use = in_use_of(&self->f);
    const uint64_t requests = requests_of(&self->f);
    for (uint32_t i = 0; i < 7u; ++i) {
        link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 464);
    }
    CHECK_EQUAL(in_use_of(&self->f) - in_use, 14); /* of the sender, and of the receiver */
    CHECK_EQUAL(requests_of(&self->f) - requests, 14);
    line_end(self);
}

static void test_a_transfer_ends_when_cancelled_by_either_end_when_silent_or_with_its_link(void)
{
    for (uint32_t how = 0; how < 4u; ++how) {
        line_t* const self = linked();
        const uint32_t in_use = in_use_of(&self->f);
        link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ADV, 192);
        link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 464);
        link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_HMU, 144);
        link_send(self, &self->there, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_REQ, 96);
        CHECK_EQUAL(in_use_of(&self->f) - in_use, 2);
        if (how == 0) {
            link_send(self, &self->here, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ICL, 96);
        } else if (how == 1u) {
            link_send(self, &self->there, RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_RCL, 96);
        } else if (how == 2u) {
            self->now_ns += 97u * SECOND_NS;
            settle(self);
        } else {
            link_send(self, &self->there, RNS_PACKET_DATA, RNS_CONTEXT_LINKCLOSE, 80);
        }
        CHECK_EQUAL(in_use_of(&self->f), in_use);
        CHECK_COUNT(rns_transport_stats(&self->here.transport).resources_failed, 1);
        CHECK_COUNT(rns_transport_stats(&self->there.transport).resources_failed, 1);
        line_end(self);
    }
}

static void test_links_expire_in_transit_after_900_s_and_locally_after_720(void)
{
    line_t* const self = linked();
    self->now_ns += 715u * SECOND_NS;
    settle(self);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_ACTIVE), 1);
    self->now_ns += 10u * SECOND_NS;
    settle(self);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_ACTIVE), 0);
    CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_ACTIVE), 0);
    CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 1);
    self->now_ns += 180u * SECOND_NS;
    settle(self);
    CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 0);
    CHECK_COUNT(rns_transport_stats(&self->here.transport).links_closed, 1);
    line_end(self);
}

static void test_traffic_in_one_direction_keeps_a_link_at_both_ends(void)
{
    for (uint32_t direction = 0; direction < 2u; ++direction) {
        line_t* const self = linked();
        for (uint32_t i = 0; i < 3u; ++i) {
            self->now_ns += 600u * SECOND_NS;
            link_send(self, direction == 0 ? &self->here : &self->there, RNS_PACKET_DATA,
                      RNS_CONTEXT_CHANNEL, 96);
        }
        CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_ACTIVE), 1);
        CHECK_EQUAL(entries_of(&self->there, RNS_TRANSPORT_ACTIVE), 1);
        CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 1);
        line_end(self);
    }
}

static void test_a_link_that_is_not_proven_is_forgotten_within_its_hops(void)
{
    static line_t line;
    line_t* const self = &line;
    uint8_t address[16];
    line_init(self);
    announce(self, &self->there, THERE);
    const rns_transport_order_t order = {.type = RNS_PACKET_LINK_REQUEST,
                                         .address = address_of(THERE, address)};
    CHECK_STATUS(node_send(&self->here, &order, 67, self->now_ns, self->link_id), RNS_OK);
    settle(self);
    CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 1);
    self->now_ns += 7u * SECOND_NS;
    settle(self);
    CHECK_EQUAL(entries_of(&self->middle, RNS_TRANSPORT_LINKS), 0);
    self->now_ns += 7u * SECOND_NS;
    settle(self);
    CHECK_EQUAL(entries_of(&self->here, RNS_TRANSPORT_PENDING), 0);
    CHECK_COUNT(rns_transport_stats(&self->here.transport).links_failed, 1);
    line_end(self);
}

void suite_transport_link(void)
{
    RUN(test_announce_path_link_data_resource_and_close_through_a_node_in_between);
    RUN(test_two_nodes_back_to_back_do_the_same);
    RUN(test_a_link_is_forwarded_both_ways_in_place);
    RUN(test_a_shared_packet_of_a_link_is_dropped_where_it_cannot_be_copied);
    RUN(test_a_packet_of_a_link_that_comes_from_neither_side_is_dropped);
    RUN(test_a_proof_on_a_link_settles_the_receipt_of_its_packet);
    RUN(test_a_received_part_keeps_the_slot_it_arrived_in_and_no_other);
    RUN(test_a_transfer_ends_when_cancelled_by_either_end_when_silent_or_with_its_link);
    RUN(test_links_expire_in_transit_after_900_s_and_locally_after_720);
    RUN(test_traffic_in_one_direction_keeps_a_link_at_both_ends);
    RUN(test_a_link_that_is_not_proven_is_forgotten_within_its_hops);
}
