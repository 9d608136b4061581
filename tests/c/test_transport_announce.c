/* rns_transport: paths, announces sent on, known destinations, path requests. */
#include "node_fixture.h"

#include <string.h>

typedef struct {
    bytes_fixture_t f;
    node_t node;
} alone_t;

static alone_t* alone_with(uint32_t slot_count)
{
    static alone_t self;
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = slot_count});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&self.node, &self.f, &config);
    return &self;
}

static alone_t* alone(void)
{
    return alone_with(64);
}

static void alone_end(alone_t* self)
{
    node_end(&self->node);
    bytes_fixture_end(&self->f);
}

static rns_transport_stats_t stats_of(const alone_t* self)
{
    return rns_transport_stats(&self->node.transport);
}

static void tick(alone_t* self, uint64_t now_ns)
{
    CHECK_STATUS(rns_transport_tick(&self->node.transport, now_ns), RNS_OK);
}

/// Hear an announce of FAR that has `hops` behind it.
static rns_status_t hear(alone_t* self, uint32_t number, uint32_t via, uint8_t hops,
                         uint64_t now_ns)
{
    rns_packet_t packet = announce_of(&self->f, FAR, number, via);
    CHECK_STATUS(rns_packet_set_hops(&packet, &self->f.store, hops), RNS_OK);
    return receive(&self->node, 1, &packet, now_ns);
}

static uint8_t hops_to_far(alone_t* self)
{
    uint8_t id[16];
    uint8_t hops = 0;
    (void)rns_transport_has_path(&self->node.transport, address_of(FAR, id), &hops);
    return hops;
}

static void test_an_announce_is_sent_on_twice_and_copied_once(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    CHECK_STATUS(hear(self, 1, 0, 0, 0), RNS_OK);
    CHECK_EQUAL(self->node.events[0].kind, RNS_DELIVERY_ANNOUNCE);
    const uint64_t requests = requests_of(&self->f);
    tick(self, 0);
    CHECK_EQUAL(self->node.sent_count, 0); /* its delay is random, but not nothing */
    tick(self, SECOND_NS / 2u);
    CHECK_EQUAL(self->node.sent_count, INTERFACES);
    const rns_bytes_t* const raw = &self->node.sent[0].raw;
    CHECK_EQUAL(rns_bytes_data(raw)[0], 0x51);
    CHECK_EQUAL(rns_bytes_data(raw)[1], 1);
    CHECK(memcmp(rns_bytes_data(raw) + 2, address_of(NODE, id), 16) == 0);
    CHECK_EQUAL(raw->length, 19 + 16 + 148 + FAR);
    node_hush(&self->node);
    for (uint64_t t = 3; t <= 21u; ++t) {
        tick(self, t * SECOND_NS / 4u); /* up to 5.25 s: the grace has not passed */
    }
    CHECK_EQUAL(self->node.sent_count, 0);
    tick(self, 6 * SECOND_NS);
    CHECK_EQUAL(self->node.sent_count, INTERFACES);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 0);
    CHECK_EQUAL(requests_of(&self->f) - requests, 1);
    CHECK_COUNT(rns_store_stats(&self->f.store).cow_copies, 1);
    CHECK_COUNT(stats_of(self).rebroadcasts, 2 * INTERFACES);
    alone_end(self);
}

static void test_an_announce_that_could_not_be_copied_is_tried_again(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 1, 0, 0, 0), RNS_OK);
    rns_fault_fail_nth(&self->f.fault, 1, false);
    tick(self, SECOND_NS / 2u);
    CHECK_EQUAL(self->node.sent_count, 0);
    CHECK_COUNT(stats_of(self).rebroadcast_misses, 1);
    tick(self, 7 * SECOND_NS);
    CHECK_EQUAL(self->node.sent_count, INTERFACES);
    alone_end(self);
}

static void test_an_announce_too_long_for_a_longer_header_is_not_sent_on(void)
{
    alone_t* const self = alone();
    rns_packet_t packet = packet_of(
        &self->f, &(recipe_t){.type = RNS_PACKET_ANNOUNCE, .destination = FAR, .length = 481});
    CHECK_STATUS(receive(&self->node, 0, &packet, 0), RNS_OK);
    tick(self, SECOND_NS);
    tick(self, 7 * SECOND_NS);
    CHECK_EQUAL(self->node.sent_count + entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 0);
    CHECK_COUNT(stats_of(self).rebroadcast_misses, 2);
    alone_end(self);
}

static void test_neighbours_that_send_an_announce_on_make_that_unnecessary(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 1, 0, 0, 0), RNS_OK);
    tick(self, SECOND_NS / 2u);
    CHECK_STATUS(hear(self, 1, NEXT, 1, SECOND_NS), RNS_MISS_PRESENT); /* beside this node */
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 1);
    CHECK_STATUS(hear(self, 1, OTHER, 1, SECOND_NS), RNS_MISS_PRESENT);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 0);
    CHECK_STATUS(hear(self, 2, 0, 0, 2 * SECOND_NS), RNS_OK);
    tick(self, 3 * SECOND_NS);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 1);
    CHECK_STATUS(hear(self, 2, NEXT, 2, 4 * SECOND_NS), RNS_MISS_PRESENT); /* behind it */
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 0);
    alone_end(self);
}

static void test_a_path_is_replaced_by_news_that_are_as_short_or_later(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 100, NEXT, 3, 1), RNS_OK);
    CHECK_EQUAL(hops_to_far(self), 4);
    CHECK_STATUS(hear(self, 100, OTHER, 1, 2), RNS_MISS_PRESENT); /* heard before */
    CHECK_STATUS(hear(self, 90, OTHER, 4, 3), RNS_MISS_PRESENT);  /* longer and earlier */
    CHECK_STATUS(hear(self, 90, OTHER, 3, 4), RNS_OK);            /* as short */
    CHECK_STATUS(hear(self, 101, OTHER, 9, 5), RNS_OK);           /* longer, but later */
    CHECK_EQUAL(hops_to_far(self), 10);
    CHECK_COUNT(stats_of(self).dropped_stale, 2);
    CHECK_COUNT(stats_of(self).announces, 3);
    alone_end(self);
}

static void test_what_is_remembered_of_a_path_is_bounded(void)
{
    alone_t* const self = alone_with(4);
    for (uint32_t i = 1; i <= 200u; ++i) {
        CHECK_STATUS(hear(self, i, 0, 0, i), RNS_OK);
    }
    for (uint32_t i = 200; i > 200u - RNS_TRANSPORT_BLOBS; --i) {
        CHECK_STATUS(hear(self, i, 0, 0, 300), RNS_MISS_PRESENT);
    }
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PATHS), 1);
    CHECK(in_use_of(&self->f) <= 3u); /* the announce, the key, the application data */
    alone_end(self);
}

static void test_a_path_expires_after_a_week_without_announce_or_traffic(void)
{
    const uint64_t week_ns = SECOND_NS * 86400u * 7u;
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 1, 0, 0, 0), RNS_OK);
    rns_packet_t packet =
        packet_of(&self->f, &(recipe_t){.destination = FAR, .via = NODE, .length = 90});
    CHECK_STATUS(receive(&self->node, 0, &packet, 1000), RNS_OK);
    tick(self, week_ns + 1000u);
    CHECK_EQUAL(hops_to_far(self), 1);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REVERSE), 0);
    tick(self, week_ns + 10u * SECOND_NS);
    CHECK_EQUAL(hops_to_far(self), 0);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_KNOWN), 1); /* that stays */
    alone_end(self);
}

typedef struct {
    uint32_t small_count;
    uint32_t other_count;
} sizes_t;

static void count_size(void* context, const rns_live_buffer_t* live)
{
    sizes_t* const sizes = context;
    sizes->small_count += live->capacity == 64u ? 1u : 0u;
    sizes->other_count += live->capacity == 64u ? 0 : 1u;
}

static void test_known_destinations_keep_no_large_slot(void)
{
    alone_t* const self = alone();
    for (uint32_t i = 0; i < 10u; ++i) {
        rns_packet_t packet = announce_of(&self->f, 100u + i, 1, NEXT);
        CHECK_STATUS(receive(&self->node, 0, &packet, i), RNS_OK);
    }
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_KNOWN), 10);
    CHECK_STATUS(rns_table_reset(&self->node.transport.tables[RNS_TRANSPORT_PATHS]), RNS_OK);
    CHECK_STATUS(rns_table_reset(&self->node.transport.tables[RNS_TRANSPORT_ANNOUNCES]), RNS_OK);
    sizes_t sizes = {0};
    rns_store_each_live(&self->f.store, count_size, &sizes);
    CHECK_EQUAL(sizes.small_count, 20);
    CHECK_EQUAL(sizes.other_count, 0);
    CHECK_COUNT(rns_store_stats(&self->f.store).compactions, 20);
    CHECK_COUNT(stats_of(self).known_misses, 0);
    alone_end(self);
}

static void test_a_known_destination_is_not_copied_again_until_it_changes(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 1, 0, 0, 1), RNS_OK);
    CHECK_STATUS(hear(self, 2, 0, 0, 2), RNS_OK);
    CHECK_COUNT(rns_store_stats(&self->f.store).compactions, 2);
    rns_packet_t packet = packet_of(
        &self->f,
        &(recipe_t){.type = RNS_PACKET_ANNOUNCE, .destination = FAR, .length = 170, .number = 3});
    CHECK_STATUS(receive(&self->node, 0, &packet, 3), RNS_OK);
    CHECK_COUNT(rns_store_stats(&self->f.store).compactions, 4);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_KNOWN), 1);
    alone_end(self);
}

static void test_without_a_small_slot_a_destination_is_not_kept_but_its_path_is(void)
{
    alone_t* const self = alone();
    rns_fault_fail_tier(&self->f.fault, 0);
    CHECK_STATUS(hear(self, 1, 0, 0, 1), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_KNOWN), 0);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PATHS), 1);
    CHECK_COUNT(stats_of(self).known_misses, 1);
    rns_fault_init(&self->f.fault);
    alone_end(self);
}

/* ---- Path requests -------------------------------------------------------------------------- */

/// Ask a node for FAR, as the leaf or the transport node `asker` (0: leaf).
static rns_status_t ask(alone_t* self, uint32_t destination, uint32_t asker, uint32_t tag)
{
    uint8_t bytes[48];
    (void)address_of(destination, bytes);
    (void)address_of(asker > 0 ? asker : tag, bytes + 16);
    (void)address_of(tag, bytes + 32);
    rns_bytes_t payload;
    rns_packet_t packet;
    const rns_packet_header_t header = {.destination_type = RNS_DESTINATION_PLAIN,
                                        .destination = rns_path_request_address};
    CHECK_STATUS(rns_bytes_init(&payload, &self->f.store, bytes, asker > 0 ? 48 : 32), RNS_OK);
    CHECK_STATUS(rns_packet_build(&packet, &self->f.store, &header, &payload), RNS_OK);
    CHECK_EQUAL(packet.raw.length, asker > 0 ? 67 : 51);
    return receive(&self->node, 2, &packet, 9);
}

static void test_a_path_request_is_answered_with_the_announce_once_a_tag(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    CHECK_STATUS(hear(self, 1, NEXT, 3, 1), RNS_OK);
    CHECK_STATUS(ask(self, FAR, 0, 500), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, 1);
    CHECK_EQUAL(self->node.sent[0].interface, 2);
    const uint8_t* const raw = rns_bytes_data(&self->node.sent[0].raw);
    CHECK_EQUAL(raw[0], 0x51);
    CHECK_EQUAL(raw[1], 4);
    CHECK_EQUAL(raw[34], RNS_CONTEXT_PATH_RESPONSE);
    CHECK(memcmp(raw + 2, address_of(NODE, id), 16) == 0);
    CHECK(memcmp(raw + 18, address_of(FAR, id), 16) == 0);
    CHECK_STATUS(ask(self, FAR, 0, 500), RNS_MISS_PRESENT);
    CHECK_STATUS(ask(self, FAR, OTHER, 501), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, 2);
    CHECK_STATUS(ask(self, FAR, NEXT, 502), RNS_OK); /* the way leads through who asks */
    CHECK_EQUAL(self->node.sent_count, 2);
    CHECK_STATUS(ask(self, FAR, 0, NEXT), RNS_OK); /* a tag that looks like it */
    CHECK_EQUAL(self->node.sent_count, 3);
    CHECK_STATUS(ask(self, 99, 0, 503), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, 3);
    CHECK_COUNT(stats_of(self).path_responses, 3);
    CHECK_COUNT(stats_of(self).path_requests, 5);
    CHECK_COUNT(stats_of(self).duplicates, 1);
    CHECK_COUNT(rns_store_stats(&self->f.store).cow_copies, 3);
    alone_end(self);
}

static void test_a_path_response_that_cannot_be_made_is_counted(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(hear(self, 1, NEXT, 3, 1), RNS_OK);
    rns_fault_fail_tier(&self->f.fault, 1); /* of the announce, not of the request */
    CHECK_STATUS(ask(self, FAR, 0, 500), RNS_OK);
    rns_fault_init(&self->f.fault);
    CHECK_EQUAL(self->node.sent_count, 0);
    CHECK_COUNT(stats_of(self).response_misses, 1);
    alone_end(self);
}

static void
test_a_path_request_without_a_tag_is_malformed_and_one_for_an_own_destination_told(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    rns_packet_t packet =
        packet_of(&self->f, &(recipe_t){.destination_type = RNS_DESTINATION_PLAIN,
                                        .address = rns_path_request_address,
                                        .length = 16});
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_INPUT_SHORT);
    CHECK_STATUS(rns_transport_add_destination(&self->node.transport, address_of(FAR, id), 1),
                 RNS_OK);
    CHECK_STATUS(rns_transport_add_destination(&self->node.transport, id, 1), RNS_MISS_PRESENT);
    CHECK_STATUS(ask(self, FAR, 0, 500), RNS_OK);
    CHECK_EQUAL(self->node.event_count, 1);
    CHECK_EQUAL(self->node.events[0].kind, RNS_DELIVERY_PATH_REQUEST);
    CHECK(memcmp(self->node.events[0].address, id, 16) == 0);
    alone_end(self);
}

static void test_what_lies_behind_a_short_tag_is_no_part_of_it(void)
{
    alone_t* const self = alone();
    for (uint32_t k = 0; k < 2u; ++k) {
        rns_packet_t packet =
            packet_of(&self->f, &(recipe_t){.destination_type = RNS_DESTINATION_PLAIN,
                                            .address = rns_path_request_address,
                                            .length = 32});
        uint8_t* const end =
            rns_buffer_bytes(packet.raw.buffer) + packet.raw.offset + packet.raw.length;
        memset(end - 12, (int)k, 12); /* of a tag of 16 bytes, 4 are sent */
        packet.raw.length -= 12;
        CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &packet.raw, 1),
                     k == 0 ? RNS_OK : RNS_MISS_PRESENT);
    }
    alone_end(self);
}

static void test_a_node_asks_for_a_path_again_after_twenty_seconds_or_its_arrival(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    rns_transport_t* const node = &self->node.transport;
    (void)address_of(FAR, id);
    CHECK_STATUS(rns_transport_request_path(node, id, 0), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, INTERFACES);
    CHECK_EQUAL(self->node.sent[0].raw.length, 67);
    CHECK_STATUS(rns_transport_request_path(node, id, 20 * SECOND_NS), RNS_MISS_PRESENT);
    CHECK_STATUS(rns_transport_request_path(node, id, 20 * SECOND_NS + 1u), RNS_OK);
    CHECK_STATUS(hear(self, 1, 0, 0, 21 * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REQUESTS), 0);
    rns_fault_fail_nth(&self->f.fault, 1, true);
    CHECK_STATUS(rns_transport_request_path(node, id, 22 * SECOND_NS), RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&self->f.fault, 0, false);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REQUESTS), 0);
    CHECK_STATUS(rns_transport_request_path(node, id, 23 * SECOND_NS), RNS_OK);
    tick(self, 44 * SECOND_NS);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REQUESTS), 0); /* too old */
    alone_end(self);
}

static void test_the_same_key_with_other_data_is_kept_anew(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    void* value = NULL;
    for (uint32_t number = 1; number < 3u; ++number) {
        rns_packet_t packet = announce_of(&self->f, FAR, number, 0);
        uint8_t* data = NULL;
        CHECK_STATUS(rns_bytes_try_mut(&packet.raw, &self->f.store, &data), RNS_OK);
        data[packet.raw.length - 1u] = (uint8_t)number; /* the last of the application data */
        CHECK_STATUS(receive(&self->node, 0, &packet, number), RNS_OK);
        CHECK_STATUS(rns_table_find(&self->node.transport.tables[RNS_TRANSPORT_KNOWN],
                                    address_of(FAR, id), &value),
                     RNS_OK);
        const rns_bytes_t* const app_data = (const rns_bytes_t*)value + 1;
        CHECK_EQUAL(app_data->length, FAR);
        CHECK_EQUAL(rns_bytes_data(app_data)[FAR - 1u], number);
    }
    alone_end(self);
}

static void test_without_jitter_an_announce_goes_on_at_once(void)
{
    static alone_t self;
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 64});
    rns_transport_config_t config = node_config(NODE);
    config.timers.jitter_ns = 0;
    node_init(&self.node, &self.f, &config);
    CHECK_STATUS(hear(&self, 1, 0, 0, 5), RNS_OK);
    tick(&self, 5);
    CHECK_EQUAL(self.node.sent_count, INTERFACES);
    alone_end(&self);
}

static void test_a_node_that_forwards_nothing_answers_no_path_request_and_asks_without_its_id(void)
{
    static alone_t self;
    uint8_t id[16];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 64});
    rns_transport_config_t config = node_config(NODE);
    config.is_transport = false;
    node_init(&self.node, &self.f, &config);
    CHECK_STATUS(hear(&self, 1, NEXT, 3, 1), RNS_OK);
    CHECK_STATUS(ask(&self, FAR, 0, 500), RNS_OK);
    CHECK_EQUAL(self.node.sent_count, 0);
    CHECK_STATUS(rns_transport_request_path(&self.node.transport, address_of(99, id), 2), RNS_OK);
    CHECK_EQUAL(self.node.sent[0].raw.length, 51);
    CHECK(memcmp(rns_bytes_data(&self.node.sent[0].raw) + 19, id, 16) == 0);
    alone_end(&self);
}

static void test_a_node_without_a_deliver_hook_works(void)
{
    static alone_t self;
    uint8_t id[16];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 64});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&self.node, &self.f, &config);
    self.node.transport.hooks.deliver = NULL;
    CHECK_STATUS(hear(&self, 1, 0, 0, 1), RNS_OK);
    CHECK(rns_transport_has_path(&self.node.transport, address_of(FAR, id), NULL));
    CHECK_EQUAL(self.node.event_count, 0);
    alone_end(&self);
}

void suite_transport_announce(void)
{
    RUN(test_an_announce_is_sent_on_twice_and_copied_once);
    RUN(test_an_announce_that_could_not_be_copied_is_tried_again);
    RUN(test_an_announce_too_long_for_a_longer_header_is_not_sent_on);
    RUN(test_neighbours_that_send_an_announce_on_make_that_unnecessary);
    RUN(test_a_path_is_replaced_by_news_that_are_as_short_or_later);
    RUN(test_what_is_remembered_of_a_path_is_bounded);
    RUN(test_a_path_expires_after_a_week_without_announce_or_traffic);
    RUN(test_known_destinations_keep_no_large_slot);
    RUN(test_a_known_destination_is_not_copied_again_until_it_changes);
    RUN(test_without_a_small_slot_a_destination_is_not_kept_but_its_path_is);
    RUN(test_a_path_request_is_answered_with_the_announce_once_a_tag);
    RUN(test_a_path_response_that_cannot_be_made_is_counted);
    RUN(test_what_lies_behind_a_short_tag_is_no_part_of_it);
    RUN(test_a_path_request_without_a_tag_is_malformed_and_one_for_an_own_destination_told);
    RUN(test_a_node_asks_for_a_path_again_after_twenty_seconds_or_its_arrival);
    RUN(test_the_same_key_with_other_data_is_kept_anew);
    RUN(test_without_jitter_an_announce_goes_on_at_once);
    RUN(test_a_node_that_forwards_nothing_answers_no_path_request_and_asks_without_its_id);
    RUN(test_a_node_without_a_deliver_hook_works);
}
