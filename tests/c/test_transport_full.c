/* rns_transport: what happens where a table, or the store, is full. */
#include "node_fixture.h"

#include <string.h>

#define FLOOD 200u

typedef struct {
    bytes_fixture_t f;
    node_t node;
} full_t;

/// A node with a path to FAR, the destination OWN, and one table of another capacity.
static full_t* full(uint32_t slot_count, rns_transport_table_t table, uint32_t capacity)
{
    static full_t self;
    uint8_t id[16];
    uint8_t frame[FRAME_MAX];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = slot_count});
    rns_transport_config_t config = node_config(NODE);
    config.tables[table].capacity = capacity;
    node_init(&self.node, &self.f, &config);
    self.node.is_deaf = true;
    const recipe_t announce = {
        .type = RNS_PACKET_ANNOUNCE, .destination = FAR, .via = NEXT, .hops = 1, .length = 148};
    CHECK_STATUS(
        rns_transport_inbound(&self.node.transport, 1, frame, frame_of(&announce, frame), 0),
        RNS_OK);
    CHECK_STATUS(rns_transport_tick(&self.node.transport, 7u * SECOND_NS), RNS_OK);
    CHECK_STATUS(rns_transport_tick(&self.node.transport, 14u * SECOND_NS), RNS_OK);
    CHECK_STATUS(rns_transport_add_destination(&self.node.transport, address_of(OWN, id), 0),
                 RNS_OK);
    return &self;
}

static rns_status_t hear(full_t* self, const recipe_t* recipe, uint64_t now_ns)
{
    uint8_t frame[FRAME_MAX];
    return rns_transport_inbound(&self->node.transport, 0, frame, frame_of(recipe, frame), now_ns);
}

static rns_table_stats_t table_stats_of(const full_t* self, rns_transport_table_t table)
{
    rns_table_stats_t stats;
    rns_table_stats(rns_transport_table(&self->node.transport, table), &stats);
    return stats;
}

static rns_transport_stats_t stats_of(const full_t* self)
{
    return rns_transport_stats(&self->node.transport);
}

static void full_end(full_t* self)
{
    node_end(&self->node);
    bytes_fixture_end(&self->f);
}

static void test_the_list_of_hashes_overwrites_the_oldest(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_SEEN, 64);
    for (uint32_t i = 0; i < FLOOD; ++i) {
        const recipe_t recipe = {.destination = OWN, .length = 90, .number = i};
        CHECK_STATUS(hear(self, &recipe, i), RNS_OK);
        CHECK_STATUS(hear(self, &recipe, i), RNS_MISS_PRESENT);
    }
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_SEEN), 64);
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_SEEN).overwrites, FLOOD - 64u);
    CHECK_STATUS(hear(self, &(recipe_t){.destination = OWN, .length = 90}, 999), RNS_OK);
    full_end(self);
}

static void test_paths_cull_the_oldest_and_announces_are_refused(void)
{
    full_t* const self = full(64, RNS_TRANSPORT_KNOWN, 20);
    for (uint32_t i = 0; i < FLOOD; ++i) {
        const recipe_t recipe = {
            .type = RNS_PACKET_ANNOUNCE, .destination = 1000u + i, .length = 160, .number = i};
        CHECK_STATUS(hear(self, &recipe, 100u + i), RNS_OK);
        CHECK(entries_of(&self->node, RNS_TRANSPORT_PATHS) <= 16u);
        CHECK(entries_of(&self->node, RNS_TRANSPORT_KNOWN) <= 20u);
    }
    uint8_t id[16];
    CHECK(rns_transport_has_path(&self->node.transport, address_of(1000u + FLOOD - 1u, id), NULL));
    CHECK(!rns_transport_has_path(&self->node.transport, address_of(1000, id), NULL));
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_ANNOUNCES), 8);
    CHECK_COUNT(stats_of(self).rebroadcast_misses, FLOOD - 8u);
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_ANNOUNCES).rejects, FLOOD - 8u);
    CHECK(table_stats_of(self, RNS_TRANSPORT_PATHS).culls > 150u || !RNS_STATS);
    CHECK(table_stats_of(self, RNS_TRANSPORT_KNOWN).culls > 150u || !RNS_STATS);
    CHECK_COUNT(stats_of(self).announces, FLOOD + 1u);
    full_end(self);
}

static void test_without_room_for_the_way_back_packets_are_forwarded_all_the_same(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_REVERSE, 8);
    for (uint32_t i = 0; i < FLOOD; ++i) {
        const recipe_t recipe = {.destination = FAR, .via = NODE, .length = 90, .number = i};
        CHECK_STATUS(hear(self, &recipe, 0), RNS_OK);
    }
    CHECK_COUNT(stats_of(self).forwarded, FLOOD);
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_REVERSE).rejects, FLOOD - 8u);
    CHECK_STATUS(rns_transport_tick(&self->node.transport, 481u * SECOND_NS), RNS_OK);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_REVERSE), 0);
    full_end(self);
}

static void test_a_link_for_which_there_is_no_room_is_not_forwarded(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_LINKS, 8);
    for (uint32_t i = 0; i < 20u; ++i) {
        const recipe_t recipe = {.type = RNS_PACKET_LINK_REQUEST,
                                 .destination = FAR,
                                 .via = NODE,
                                 .length = 67,
                                 .number = i};
        CHECK_STATUS(hear(self, &recipe, 0), i < 8u ? RNS_OK : RNS_MISS_EXHAUSTED);
    }
    CHECK_COUNT(stats_of(self).forwarded, 8);
    CHECK_COUNT(stats_of(self).dropped_table_full, 12);
    full_end(self);
}

static void test_a_fifth_link_to_this_node_is_dropped(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_ACTIVE, 4);
    for (uint32_t i = 0; i < 6u; ++i) {
        const recipe_t recipe = {
            .type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 64, .number = i};
        CHECK_STATUS(hear(self, &recipe, 0), i < 4u ? RNS_OK : RNS_MISS_EXHAUSTED);
    }
    CHECK_COUNT(stats_of(self).dropped_table_full, 2);
    CHECK_COUNT(stats_of(self).links_opened, 4);
    full_end(self);
}

static void test_a_link_proof_without_room_leaves_the_link_pending(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_ACTIVE, 1);
    uint8_t id[16];
    uint8_t link_id[RNS_PACKET_HASH_BYTES];
    const recipe_t recipe = {.type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 64};
    CHECK_STATUS(hear(self, &recipe, 0), RNS_OK);
    const rns_transport_order_t order = {.type = RNS_PACKET_LINK_REQUEST,
                                         .address = address_of(FAR, id)};
    CHECK_STATUS(node_send(&self->node, &order, 67, 1, link_id), RNS_OK);
    const recipe_t proof = {.type = RNS_PACKET_PROOF,
                            .destination_type = RNS_DESTINATION_LINK,
                            .context = RNS_CONTEXT_LRPROOF,
                            .address = link_id,
                            .length = 99};
    CHECK_STATUS(hear(self, &proof, 2), RNS_MISS_EXHAUSTED);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PENDING), 1);
    CHECK_COUNT(stats_of(self).dropped_table_full, 1);
    full_end(self);
}

static void test_tags_are_overwritten_and_own_requests_refused(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_REQUESTS, 8);
    uint8_t id[16];
    for (uint32_t i = 0; i < 40u; ++i) {
        const recipe_t recipe = {.destination_type = RNS_DESTINATION_PLAIN,
                                 .address = rns_path_request_address,
                                 .length = 32,
                                 .number = i};
        CHECK_STATUS(hear(self, &recipe, 0), RNS_OK);
        CHECK_STATUS(
            rns_transport_request_path(&self->node.transport, address_of(900u + i, id), 0),
            i < 8u ? RNS_OK : RNS_MISS_EXHAUSTED);
    }
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_REQUEST_TAGS).overwrites, 8);
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_REQUESTS).rejects, 32);
    full_end(self);
}

static void test_destinations_are_refused_and_receipts_done_without(void)
{
    full_t* const self = full(8, RNS_TRANSPORT_DESTINATIONS, 32);
    uint8_t id[16];
    for (uint32_t i = 0; i < 40u; ++i) {
        CHECK_STATUS(
            rns_transport_add_destination(&self->node.transport, address_of(900u + i, id), 0),
            i < 31u ? RNS_OK : RNS_MISS_EXHAUSTED);
        const rns_transport_order_t order = {.address = address_of(FAR, id)};
        CHECK_STATUS(node_send(&self->node, &order, 96, 0, NULL), RNS_OK);
    }
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 8);
    CHECK_COUNT(table_stats_of(self, RNS_TRANSPORT_RECEIPTS).rejects, 32);
    CHECK_COUNT(stats_of(self).sends, 40);
    full_end(self);
}

static void test_parts_and_transfers_without_room_are_delivered_but_not_kept(void)
{
    for (uint32_t is_part = 0; is_part < 2u; ++is_part) {
        full_t* const self = is_part > 0 ? full(16, RNS_TRANSPORT_PARTS_IN, 4)
                                         : full(16, RNS_TRANSPORT_RESOURCES_IN, 1);
        uint8_t links[2][16];
        for (uint32_t i = 0; i < 2u; ++i) {
            const recipe_t ask = {
                .type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 64, .number = i};
            CHECK_STATUS(hear(self, &ask, 0), RNS_OK);
            memcpy(links[i], self->node.events[self->node.event_count - 1u].address, 16);
        }
        for (uint32_t i = 0; i < 14u; ++i) {
            const recipe_t part = {.destination_type = RNS_DESTINATION_LINK,
                                   .context =
                                       i < 2u ? RNS_CONTEXT_RESOURCE_ADV : RNS_CONTEXT_RESOURCE,
                                   .address = links[i % 2u],
                                   .length = 464,
                                   .number = i};
            CHECK_STATUS(hear(self, &part, i), RNS_OK);
            check_node(&self->node);
        }
        CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_PARTS_IN), is_part > 0 ? 4u : 6u);
        CHECK_COUNT(stats_of(self).part_misses, is_part > 0 ? 8u : 0);
        CHECK_COUNT(stats_of(self).delivered, 16);
        full_end(self);
    }
}

static void test_other_policies_leave_nothing_behind_either(void)
{
    static full_t self;
    static const rns_table_policy_t policies[] = {RNS_TABLE_REJECT, RNS_TABLE_CULL_OLDEST,
                                                  RNS_TABLE_RING};
    for (size_t p = 0; p < COUNT_OF(policies); ++p) {
        uint8_t id[16];
        bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 64});
        rns_transport_config_t config = node_config(NODE);
        for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
            config.tables[i] = (rns_transport_table_config_t){3, policies[p]};
        }
        node_init(&self.node, &self.f, &config);
        self.node.is_deaf = true;
        CHECK_STATUS(rns_transport_add_destination(&self.node.transport, address_of(OWN, id), 0),
                     RNS_OK);
        for (uint32_t i = 0; i < FLOOD; ++i) {
            recipe_t recipe = {
                .type = RNS_PACKET_ANNOUNCE, .destination = i, .length = 150, .number = i};
            (void)hear(&self, &recipe, i);
            recipe = (recipe_t){
                .type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 64, .number = i};
            (void)hear(&self, &recipe, i);
            if (self.node.event_count > 0 && self.node.event_count <= EVENTS_MAX) {
                memcpy(id, self.node.events[self.node.event_count - 1u].address, 16);
            }
            recipe = (recipe_t){.destination_type = RNS_DESTINATION_LINK,
                                .context =
                                    i % 4u == 0 ? RNS_CONTEXT_RESOURCE_ADV : RNS_CONTEXT_RESOURCE,
                                .address = id,
                                .length = 300,
                                .number = i};
            (void)hear(&self, &recipe, i);
            check_node(&self.node);
        }
        full_end(&self);
    }
}

static void test_an_empty_store_drops_counts_and_recovers(void)
{
    full_t* const self = full(1, RNS_TRANSPORT_PATHS, 16);
    rns_bytes_t all[4];
    static const size_t sizes[] = {64, 256, 512, 1024};
    uint32_t taken = 0;
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        uint8_t* data = NULL;
        all[i] = (rns_bytes_t){0};
        taken += rns_bytes_writable(&all[i], &self->f.store, sizes[i], &data) == RNS_OK ? 1u : 0u;
    }
    CHECK(taken >= 1u);
    const recipe_t recipe = {.destination = OWN, .length = 480};
    CHECK_STATUS(hear(self, &recipe, 1), RNS_MISS_EXHAUSTED);
    CHECK_COUNT(stats_of(self).dropped_no_memory, 1);
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        rns_bytes_clear(&all[i], &self->f.store);
    }
    CHECK_STATUS(hear(self, &recipe, 2), RNS_OK);
    full_end(self);
}

static void test_a_part_without_content_is_not_kept_and_a_short_proof_settles_nothing(void)
{
    static node_t node;
    bytes_fixture_t f;
    uint8_t id[RNS_PACKET_HASH_BYTES];
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 64});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&node, &f, &config);
    CHECK_STATUS(rns_transport_add_destination(&node.transport, address_of(OWN, id), 0), RNS_OK);
    rns_packet_t packet =
        packet_of(&f, &(recipe_t){.type = RNS_PACKET_LINK_REQUEST, .address = id, .length = 67});
    rns_packet_link_id(&packet, sha256, id);
    CHECK_STATUS(receive(&node, 0, &packet, 1), RNS_OK);
    static const struct {
        rns_packet_type_t type;
        rns_packet_context_t context;
        uint32_t length;
        uint32_t parts;
    } talk[] = {{RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE_ADV, 50, 0},
                {RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 0, 0},
                {RNS_PACKET_DATA, RNS_CONTEXT_RESOURCE, 1, 1},
                {RNS_PACKET_PROOF, RNS_CONTEXT_NONE, RNS_PACKET_HASH_BYTES - 1u, 1},
                {RNS_PACKET_PROOF, RNS_CONTEXT_NONE, RNS_PACKET_HASH_BYTES, 1}};
    for (uint32_t i = 0; i < COUNT_OF(talk); ++i) {
        packet = packet_of(&f, &(recipe_t){.type = talk[i].type,
                                           .destination_type = RNS_DESTINATION_LINK,
                                           .context = talk[i].context,
                                           .address = id,
                                           .length = talk[i].length,
                                           .number = i});
        CHECK_STATUS(receive(&node, 0, &packet, 2u + i), RNS_OK);
        CHECK_EQUAL(entries_of(&node, RNS_TRANSPORT_PARTS_IN), talk[i].parts);
        CHECK_EQUAL(node.events[node.event_count - 1u].kind, RNS_DELIVERY_LINK_DATA);
        check_node(&node);
    }
    CHECK_COUNT(rns_transport_stats(&node.transport).proofs, 0);
    node_end(&node);
    bytes_fixture_end(&f);
}

void suite_transport_full(void)
{
    RUN(test_the_list_of_hashes_overwrites_the_oldest);
    RUN(test_paths_cull_the_oldest_and_announces_are_refused);
    RUN(test_without_room_for_the_way_back_packets_are_forwarded_all_the_same);
    RUN(test_a_link_for_which_there_is_no_room_is_not_forwarded);
    RUN(test_a_fifth_link_to_this_node_is_dropped);
    RUN(test_a_link_proof_without_room_leaves_the_link_pending);
    RUN(test_tags_are_overwritten_and_own_requests_refused);
    RUN(test_destinations_are_refused_and_receipts_done_without);
    RUN(test_parts_and_transfers_without_room_are_delivered_but_not_kept);
    RUN(test_other_policies_leave_nothing_behind_either);
    RUN(test_an_empty_store_drops_counts_and_recovers);
    RUN(test_a_part_without_content_is_not_kept_and_a_short_proof_settles_nothing);
}
