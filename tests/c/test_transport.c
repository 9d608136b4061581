/* rns_transport: what becomes of a packet that comes in or is sent; configuration; check. */
#include "node_fixture.h"

#include <stdlib.h>
#include <string.h>

#define NODE  50u /* numbers of identities */
#define NEXT  60u
#define OTHER 70u
#define FAR   5u /* numbers of destinations: two hops away, */
#define NEAR  6u /* one, */
#define OWN   7u /* none */

typedef struct {
    bytes_fixture_t f;
    node_t node;
} alone_t;

static alone_t* alone(void)
{
    static alone_t self;
    uint8_t address[16];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 64});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&self.node, &self.f, &config);
    rns_packet_t announce = announce_of(&self.f, FAR, 1, NEXT);
    CHECK_STATUS(rns_packet_set_hops(&announce, &self.f.store, 1), RNS_OK);
    CHECK_STATUS(receive(&self.node, 1, &announce, 0), RNS_OK);
    announce = announce_of(&self.f, NEAR, 1, 0);
    CHECK_STATUS(receive(&self.node, 2, &announce, 0), RNS_OK);
    CHECK_STATUS(rns_transport_add_destination(&self.node.transport, address_of(OWN, address), 0),
                 RNS_OK);
    self.node.event_count = 0;
    return &self;
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

static rns_counter_t copies_of(alone_t* self)
{
    return rns_store_stats(&self->f.store).cow_copies;
}

static void test_forwarding_changes_the_frame_in_place(void)
{
    alone_t* const self = alone();
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
    CHECK_COUNT(stats_of(self).forwarded, 1);
    alone_end(self);
}

static void test_forwarding_a_frame_that_somebody_else_holds_copies_it_once(void)
{
    alone_t* const self = alone();
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
    alone_end(self);
}

static void test_the_last_hop_strips_the_transport_id_in_place(void)
{
    alone_t* const self = alone();
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
    alone_end(self);
}

static void test_a_proof_finds_the_way_back_once_and_from_the_right_side_only(void)
{
    alone_t* const self = alone();
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
    alone_end(self);
}

static void test_packets_for_own_destinations_are_delivered_with_their_hash(void)
{
    alone_t* const self = alone();
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
    CHECK_COUNT(stats_of(self).delivered, 2);
    alone_end(self);
}

static void test_a_packet_seen_before_is_dropped_but_not_one_that_was_dropped(void)
{
    alone_t* const self = alone();
    recipe_t recipe = {.destination = OWN, .length = 100};
    rns_packet_t packet = packet_of(&self->f, &recipe);
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    recipe.hops = 3; /* comes by another way */
    packet = packet_of(&self->f, &recipe);
    CHECK_STATUS(receive(&self->node, 1, &packet, 2), RNS_MISS_PRESENT);
    CHECK_COUNT(stats_of(self).duplicates, 1);
    CHECK_EQUAL(self->node.event_count, 1);
    recipe = (recipe_t){.destination = FAR, .via = NODE, .length = 300};
    packet = packet_of(&self->f, &recipe);
    rns_bytes_t held = rns_bytes_share(&packet.raw, &self->f.store);
    rns_fault_fail_nth(&self->f.fault, 1, true);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &packet.raw, 3),
                 RNS_MISS_EXHAUSTED);
    rns_fault_fail_nth(&self->f.fault, 0, false);
    CHECK_COUNT(stats_of(self).dropped_no_memory, 1);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &held, 4), RNS_OK);
    alone_end(self);
}

static void test_contexts_that_repeat_themselves_are_not_told_apart_by_hash(void)
{
    static const uint8_t contexts[] = {RNS_CONTEXT_RESOURCE, RNS_CONTEXT_RESOURCE_REQ,
                                       RNS_CONTEXT_CACHE_REQUEST, RNS_CONTEXT_CHANNEL};
    alone_t* const self = alone();
    for (size_t i = 0; i < 2u * COUNT_OF(contexts); ++i) {
        rns_packet_t packet =
            packet_of(&self->f, &(recipe_t){.destination = OWN,
                                            .context = (rns_packet_context_t)contexts[i / 2u],
                                            .length = 40});
        CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    }
    CHECK_EQUAL(self->node.event_count, 8);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_SEEN), 0);
    alone_end(self);
}

static void test_each_drop_has_its_status_and_its_counter(void)
{
    alone_t* const self = alone();
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
        rns_transport_stats_t before = stats_of(self);
        rns_packet_t packet = packet_of(&self->f, &drops[i].recipe);
        CHECK_STATUS(receive(&self->node, 0, &packet, 1), drops[i].status);
        rns_transport_stats_t after = stats_of(self);
        rns_counter_t was = 0;
        rns_counter_t is = 0;
        memcpy(&was, (const uint8_t*)&before + drops[i].counter, sizeof was);
        memcpy(&is, (const uint8_t*)&after + drops[i].counter, sizeof is);
        CHECK_COUNT(is - was, 1);
        check_node(&self->node);
    }
    CHECK_EQUAL(self->node.sent_count + self->node.event_count, 0);
    alone_end(self);
}

static void test_malformed_frames_leave_no_slot_in_use(void)
{
    alone_t* const self = alone();
    CHECK_STATUS(rns_transport_reset(&self->node.transport), RNS_OK);
    uint8_t frame[600] = {0};
    rns_transport_t* const node = &self->node.transport;
    for (size_t length = 0; length < 19u; ++length) {
        CHECK_STATUS(rns_transport_inbound(node, 0, frame, length, 1), RNS_INPUT_SHORT);
    }
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 501, 1), RNS_INPUT_LONG);
    CHECK_STATUS(rns_transport_inbound(node, INTERFACES, frame, 100, 1), RNS_INPUT_RANGE);
    frame[0] = 0x40;
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 100, 1), RNS_INPUT_FLAGS);
    frame[0] = 0x80;
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, 100, 1), RNS_INPUT_IFAC);
    CHECK_EQUAL(in_use_of(&self->f), 0);
    CHECK_COUNT(stats_of(self).dropped_malformed, 23);
    CHECK_COUNT(stats_of(self).packets_in, 23);
    alone_end(self);
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

/* ---- Sending -------------------------------------------------------------------------------- */

static void check_sent(alone_t* self, uint32_t count, uint32_t interface, uint32_t length,
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
    alone_t* const self = alone();
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
    CHECK_COUNT(stats_of(self).proofs, 1);
    CHECK_COUNT(stats_of(self).receipts_failed, 2);
    CHECK_COUNT(stats_of(self).originated, 2 + INTERFACES);
    alone_end(self);
}

static void test_what_is_sent_and_comes_back_is_a_duplicate(void)
{
    alone_t* const self = alone();
    uint8_t id[16];
    const rns_transport_order_t order = {.address = address_of(99, id)};
    CHECK_STATUS(node_send(&self->node, &order, 96, 1, NULL), RNS_OK);
    rns_bytes_t echo = rns_bytes_share(&self->node.sent[0].raw, &self->f.store);
    CHECK_STATUS(rns_transport_inbound_bytes(&self->node.transport, 0, &echo, 2),
                 RNS_MISS_PRESENT);
    alone_end(self);
}

static void test_a_refused_order_gives_the_payload_back(void)
{
    alone_t* const self = alone();
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
    CHECK_COUNT(stats_of(self).send_failures, COUNT_OF(refusals) + 1u);
    CHECK_EQUAL(entries_of(&self->node, RNS_TRANSPORT_RECEIPTS), 0);
    alone_end(self);
}

static void test_a_fifth_pending_link_is_refused_and_its_payload_given_back(void)
{
    alone_t* const self = alone();
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
    CHECK_COUNT(stats_of(self).links_failed, 4);
    alone_end(self);
}

/* ---- Hooks and time ------------------------------------------------------------------------- */

static void call_everything(node_t* self)
{
    uint8_t id[16];
    uint8_t frame[FRAME_MAX];
    rns_transport_t* const node = &self->transport;
    const uint32_t length =
        frame_of(&(recipe_t){.destination = FAR, .via = NODE, .length = 90, .number = 1}, frame);
    const rns_transport_order_t order = {.address = address_of(FAR, id)};
    rns_bytes_t payload = payload_of(self->f, 64, 1);
    rns_bytes_t raw = payload_of(self->f, 64, 1);
    CHECK_STATUS(rns_transport_reset(node), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_transport_add_destination(node, id, 0), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_transport_inbound(node, 0, frame, length, 0), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_transport_inbound_bytes(node, 0, &raw, 0), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_transport_send(node, &order, &payload, 0, NULL), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_transport_request_path(node, id, 0), RNS_MISUSE_REENTRANT);
    CHECK(raw.buffer == NULL && payload.length == 64);
    bytes_end(self->f, &payload);
}

static void test_calls_from_a_hook_are_refused_and_change_nothing(void)
{
    alone_t* const self = alone();
    self->node.in_hook = call_everything;
    rns_packet_t packet =
        packet_of(&self->f, &(recipe_t){.destination = FAR, .via = NODE, .length = 90});
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, 1);
    CHECK_COUNT(stats_of(self).packets_in, 3); /* two announces, and this */
    CHECK_COUNT(stats_of(self).sends + stats_of(self).send_failures, 0);
    alone_end(self);
}

static void test_a_tick_is_due_when_it_says(void)
{
    alone_t* const self = alone();
    rns_transport_t* const node = &self->node.transport;
    uint32_t tick_count = 0;
    self->node.is_deaf = true;
    uint64_t now_ns = rns_transport_due_ns(node);
    CHECK_EQUAL(now_ns, 0);
    while (now_ns < 20u * SECOND_NS) {
        CHECK_STATUS(rns_transport_tick(node, now_ns), RNS_OK);
        CHECK(rns_transport_due_ns(node) > now_ns);
        now_ns = rns_transport_due_ns(node);
        ++tick_count;
    }
    CHECK_EQUAL(tick_count, 80); /* every 0.25 s, with the slower ones among them */
    alone_end(self);
}

static void test_after_a_reset_everything_happens_again_alike(void)
{
    static node_t node;
    bytes_fixture_t f;
    rns_transport_stats_t stats[2];
    uint64_t due_ns[2] = {0, 0};
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 64});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&node, &f, &config);
    node.is_deaf = true;
    for (uint32_t i = 0; i < 2u; ++i) {
        rns_packet_t packet = announce_of(&f, FAR, 1, 0);
        CHECK_STATUS(receive(&node, 0, &packet, 0), RNS_OK);
        while (due_ns[i] < SECOND_NS && rns_transport_stats(&node.transport).packets_out == 0) {
            due_ns[i] += SECOND_NS / 1000u;
            node.transport.next_job_ns = 0; /* look every millisecond */
            CHECK_STATUS(rns_transport_tick(&node.transport, due_ns[i]), RNS_OK);
        }
        stats[i] = rns_transport_stats(&node.transport);
        CHECK_STATUS(rns_transport_reset(&node.transport), RNS_OK);
        CHECK_EQUAL(in_use_of(&f), 0);
    }
    CHECK_EQUAL(due_ns[0], due_ns[1]);
    CHECK_COUNT(stats[0].packets_out, INTERFACES);
    CHECK_EQUAL(stats[0].bytes_out, stats[1].bytes_out);
    node_end(&node);
    bytes_fixture_end(&f);
}

/* ---- Configuration and check ---------------------------------------------------------------- */

static void test_the_default_tables_are_those_of_the_inventory(void)
{
    static const struct {
        const char* name;
        uint32_t capacity;
        rns_table_policy_t policy;
    } inventory[RNS_TRANSPORT_TABLES] = {
        {"seen", 64, RNS_TABLE_RING},           {"paths", 16, RNS_TABLE_CULL_OLDEST},
        {"announces", 8, RNS_TABLE_REJECT},     {"reverse", 8, RNS_TABLE_REJECT},
        {"links", 8, RNS_TABLE_REJECT},         {"known", 2048, RNS_TABLE_CULL_OLDEST},
        {"request_tags", 32, RNS_TABLE_RING},   {"requests", 8, RNS_TABLE_REJECT},
        {"destinations", 32, RNS_TABLE_REJECT}, {"receipts", 8, RNS_TABLE_REJECT},
        {"pending_links", 4, RNS_TABLE_REJECT}, {"active_links", 4, RNS_TABLE_REJECT},
        {"resources_in", 8, RNS_TABLE_REJECT},  {"resources_out", 8, RNS_TABLE_REJECT},
        {"parts_in", 256, RNS_TABLE_REJECT},    {"parts_out", 256, RNS_TABLE_REJECT},
    };
    alone_t* const self = alone();
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        const rns_transport_table_t table = (rns_transport_table_t)i;
        rns_table_stats_t stats;
        rns_table_stats(rns_transport_table(&self->node.transport, table), &stats);
        CHECK_TEXT(rns_transport_table_name(table), inventory[i].name);
        CHECK_EQUAL(stats.capacity, inventory[i].capacity);
        CHECK_EQUAL(config.tables[i].policy, inventory[i].policy);
    }
    CHECK(rns_transport_table(&self->node.transport, RNS_TRANSPORT_TABLES) == NULL);
    CHECK_TEXT(rns_transport_table_name(RNS_TRANSPORT_TABLES), NULL);
    alone_end(self);
}

static void never_send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    (void)context;
    (void)interface;
    (void)raw;
}

static void check_config(const rns_transport_config_t* config, rns_status_t status)
{
    size_t bytes = 1;
    CHECK_STATUS(rns_transport_storage_bytes(config, &bytes), status);
    CHECK(bytes > 0 || status != RNS_OK);
}

static void test_a_wrong_configuration_is_named(void)
{
    static rns_transport_t node;
    rns_transport_config_t config = node_config(1);
    check_config(&config, RNS_CONFIG_HOOKS);
    config.hooks.send = never_send;
    check_config(&config, RNS_CONFIG_HOOKS);
    config.hooks.hash = sha256;
    check_config(&config, RNS_OK);
    config.interface_count = 0;
    check_config(&config, RNS_CONFIG_INTERFACES);
    config.interface_count = RNS_TRANSPORT_INTERFACES_MAX + 1u;
    check_config(&config, RNS_CONFIG_INTERFACES);
    config.interface_count = 1;
    config.tables[RNS_TRANSPORT_PATHS].capacity = 0;
    check_config(&config, RNS_CONFIG_SLOT_COUNT);
    config.tables[RNS_TRANSPORT_PATHS] = (rns_transport_table_config_t){4, RNS_TABLE_RING};
    size_t bytes = 0;
    CHECK_STATUS(rns_transport_storage_bytes(&config, &bytes), RNS_OK);
    uint8_t* const start = malloc(bytes + 16u);
    CHECK_STATUS(rns_transport_init(&node, NULL, &config, (rns_memory_t){start, bytes - 1u}),
                 RNS_CONFIG_STORAGE_SMALL);
    CHECK_STATUS(rns_transport_init(&node, NULL, &config, (rns_memory_t){start + 1, bytes}),
                 RNS_CONFIG_STORAGE_ALIGN);
    CHECK(node.store == NULL && node.interface_count == 0);
    CHECK_STATUS(rns_transport_init(&node, NULL, &config, (rns_memory_t){start, bytes}), RNS_OK);
    free(start);
}

static void test_the_check_finds_what_does_not_add_up(void)
{
    alone_t* const self = alone();
    rns_transport_t* const node = &self->node.transport;
    uint8_t id[16];
    void* value = NULL;
    ++node->stats.packets_in;
    CHECK_TEXT(rns_transport_check(node).invariant, "I19");
    --node->stats.packets_in;
    ++node->stats.rebroadcasts;
    CHECK_TEXT(rns_transport_check(node).invariant, "I20");
    --node->stats.rebroadcasts;
    CHECK_STATUS(rns_table_find(&node->tables[RNS_TRANSPORT_PATHS], address_of(FAR, id), &value),
                 RNS_OK);
    rns_packet_t* const packet = value;
    ++packet->hops;
    CHECK_TEXT(rns_transport_check(node).invariant, "I21");
    CHECK_EQUAL(rns_transport_check(node).tier_index, RNS_TRANSPORT_PATHS);
    --packet->hops;
    CHECK_STATUS(rns_table_put(&node->tables[RNS_TRANSPORT_RESOURCES_IN], id, NULL, 0, NULL),
                 RNS_OK);
    CHECK_TEXT(rns_transport_check(node).invariant, "I22");
    CHECK_STATUS(rns_table_remove(&node->tables[RNS_TRANSPORT_RESOURCES_IN], id, NULL), RNS_OK);
    node->tables[RNS_TRANSPORT_SEEN].count += 1u;
    CHECK(rns_transport_check(node).invariant != NULL); /* one of the table's */
    node->tables[RNS_TRANSPORT_SEEN].count -= 1u;
    alone_end(self);
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
    RUN(test_data_goes_along_its_path_and_a_proof_settles_its_receipt);
    RUN(test_what_is_sent_and_comes_back_is_a_duplicate);
    RUN(test_a_refused_order_gives_the_payload_back);
    RUN(test_a_fifth_pending_link_is_refused_and_its_payload_given_back);
    RUN(test_calls_from_a_hook_are_refused_and_change_nothing);
    RUN(test_a_tick_is_due_when_it_says);
    RUN(test_after_a_reset_everything_happens_again_alike);
    RUN(test_the_default_tables_are_those_of_the_inventory);
    RUN(test_a_wrong_configuration_is_named);
    RUN(test_the_check_finds_what_does_not_add_up);
}
