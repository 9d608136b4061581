/* rns_transport: through a scenario of everything, the n-th request for memory fails, for every n,
 * once and from then on. */
#include "node_fixture.h"

#include <string.h>

typedef struct {
    bytes_fixture_t f;
    node_t node;
    uint64_t now_ns;
} scene_t;

static void hear(scene_t* self, uint32_t interface, const recipe_t* recipe)
{
    uint8_t frame[FRAME_MAX];
    const uint32_t length = frame_of(recipe, frame);
    self->now_ns += SECOND_NS / 100u;
    (void)rns_transport_inbound(&self->node.transport, interface, frame, length, self->now_ns);
    check_node(&self->node);
    node_hush(&self->node);
}

static void say(scene_t* self, const rns_transport_order_t* order, uint32_t length, uint8_t* hash)
{
    uint8_t bytes[500] = {(uint8_t)length};
    rns_bytes_t payload;
    memset(hash, 0, RNS_PACKET_HASH_BYTES);
    if (rns_bytes_init(&payload, &self->f.store, bytes, length) == RNS_OK) {
        const rns_status_t status =
            rns_transport_send(&self->node.transport, order, &payload, self->now_ns, hash);
        CHECK_EQUAL(payload.length, status == RNS_OK ? 0 : length);
        rns_bytes_clear(&payload, &self->f.store);
    }
    check_node(&self->node);
    node_hush(&self->node);
}

static void tick(scene_t* self, uint64_t seconds)
{
    self->now_ns += seconds * SECOND_NS;
    CHECK_STATUS(rns_transport_tick(&self->node.transport, self->now_ns), RNS_OK);
    check_node(&self->node);
    node_hush(&self->node);
}

/// Announces, a path request, packets to be forwarded, and a link in transit.
static void act_for_others(scene_t* self)
{
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    for (uint32_t i = 0; i < 3u; ++i) {
        hear(self, 1,
             &(recipe_t){.type = RNS_PACKET_ANNOUNCE,
                         .destination = FAR + i % 2u,
                         .via = i % 2u == 0 ? NEXT : 0,
                         .hops = i % 2u == 0 ? 1 : 0,
                         .length = 170 + i * 60u,
                         .number = i});
    }
    tick(self, 1);
    hear(self, 2,
         &(recipe_t){.destination_type = RNS_DESTINATION_PLAIN,
                     .address = rns_path_request_address,
                     .length = 32,
                     .number = 3});
    hear(self, 0, &(recipe_t){.destination = FAR, .via = NODE, .length = 300});
    hear(self, 0, &(recipe_t){.destination = NEAR, .via = NODE, .length = 100});
    const recipe_t ask = {
        .type = RNS_PACKET_LINK_REQUEST, .destination = FAR, .via = NODE, .length = 67};
    uint8_t frame[FRAME_MAX];
    const uint32_t length = frame_of(&ask, frame);
    frame[17] = 0; /* in front of the destination stands what is hashed of the flags */
    frame[17] = (uint8_t)(frame[0] & 0x0Fu);
    sha256.sha256(NULL, &(rns_span_t){frame + 17, length - 17u - 3u}, 1, hash);
    hear(self, 0, &ask);
    for (uint32_t i = 0; i < 4u; ++i) {
        hear(self, i % 2u == 0 ? 1 : 0,
             &(recipe_t){.type = i == 0 ? RNS_PACKET_PROOF : RNS_PACKET_DATA,
                         .destination_type = RNS_DESTINATION_LINK,
                         .context = i == 0 ? RNS_CONTEXT_LRPROOF : RNS_CONTEXT_NONE,
                         .address = hash,
                         .hops = i % 2u == 0 ? 1 : 0,
                         .length = 99,
                         .number = i});
    }
    tick(self, 7);
}

/// Transfers of resources in both directions over a link, and its end.
static void act_on_link(scene_t* self, const uint8_t* link_id)
{
    uint8_t unused[RNS_PACKET_HASH_BYTES];
    static const uint8_t contexts[] = {RNS_CONTEXT_RESOURCE_ADV, RNS_CONTEXT_RESOURCE,
                                       RNS_CONTEXT_RESOURCE,     RNS_CONTEXT_RESOURCE_PRF,
                                       RNS_CONTEXT_RESOURCE_ADV, RNS_CONTEXT_RESOURCE,
                                       RNS_CONTEXT_LINKCLOSE};
    for (uint32_t i = 0; i < 2u * COUNT_OF(contexts); ++i) {
        const uint8_t context = contexts[i / 2u];
        const bool is_proof = context == RNS_CONTEXT_RESOURCE_PRF;
        const rns_transport_order_t order = {.type = is_proof ? RNS_PACKET_PROOF : RNS_PACKET_DATA,
                                             .destination_type = RNS_DESTINATION_LINK,
                                             .context = (rns_packet_context_t)context,
                                             .address = link_id};
        if (i % 2u == 0) {
            hear(self, 1,
                 &(recipe_t){.type = order.type,
                             .destination_type = RNS_DESTINATION_LINK,
                             .context = order.context,
                             .address = link_id,
                             .length = 464,
                             .number = i});
        } else {
            say(self, &order, 464, unused);
        }
    }
}

/// Packets for and from this node, a link to it and one from it.
static void act_for_self(scene_t* self)
{
    uint8_t id[16];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    hear(self, 0, &(recipe_t){.destination = OWN, .length = 200});
    const rns_transport_order_t announce = {.type = RNS_PACKET_ANNOUNCE,
                                            .address = address_of(OWN, id)};
    say(self, &announce, 180, hash);
    rns_transport_order_t order = {.address = address_of(FAR, id)};
    say(self, &order, 200, hash);
    hear(self, 1, &(recipe_t){.type = RNS_PACKET_PROOF, .address = hash, .length = 64});
    order.type = RNS_PACKET_LINK_REQUEST;
    say(self, &order, 67, hash);
    hear(self, 1,
         &(recipe_t){.type = RNS_PACKET_PROOF,
                     .destination_type = RNS_DESTINATION_LINK,
                     .context = RNS_CONTEXT_LRPROOF,
                     .address = hash,
                     .length = 99});
    act_on_link(self, hash);
    self->node.event_count = 0;
    hear(self, 1, &(recipe_t){.type = RNS_PACKET_LINK_REQUEST, .destination = OWN, .length = 64});
    if (self->node.event_count > 0) {
        uint8_t link_id[16];
        memcpy(link_id, self->node.events[0].address, 16);
        act_on_link(self, link_id);
    }
    CHECK(rns_transport_request_path(&self->node.transport, address_of(99, id), self->now_ns) >=
          RNS_OK);
    tick(self, 7);
}

/// Play the scenario; `nth` 0 fails nothing. Return how many requests there were.
static uint64_t play(uint64_t nth, bool is_sticky)
{
    static scene_t self;
    uint8_t id[16];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = 16});
    const rns_transport_config_t config = node_config(NODE);
    node_init(&self.node, &self.f, &config);
    self.now_ns = 0;
    CHECK_STATUS(rns_transport_add_destination(&self.node.transport, address_of(OWN, id), 0),
                 RNS_OK);
    rns_fault_fail_nth(&self.f.fault, (rns_counter_t)nth, is_sticky);
    act_for_others(&self);
    act_for_self(&self);
    const uint64_t requests = requests_of(&self.f);
    const rns_transport_stats_t stats = rns_transport_stats(&self.node.transport);
    if (nth == 0) {
        CHECK_COUNT(stats.forwarded, 7);
        CHECK_COUNT(stats.path_requests, 1);
        CHECK_COUNT(stats.announces, 3);
        CHECK_COUNT(stats.links_opened, 2);
        CHECK_COUNT(stats.resources_done, 4);
        CHECK_COUNT(stats.resources_failed, 4);
        CHECK_COUNT(stats.links_closed, 2);
        CHECK_COUNT(stats.send_failures, 2); /* on links that the other end has closed */
        CHECK_COUNT(stats.dropped_no_memory + stats.known_misses, 0);
    } else {
        CHECK(rns_cell_load(&self.f.fault.failures) > 0);
    }
    ++check_state.operations;
    rns_fault_init(&self.f.fault);
    node_end(&self.node);
    bytes_fixture_end(&self.f);
    return requests;
}

static void test_wherever_memory_fails_nothing_leaks_and_the_counts_add_up(void)
{
    const uint64_t requests = play(0, false);
    CHECK(requests > 50u);
    for (uint64_t nth = 1; nth <= requests; ++nth) {
        (void)play(nth, false);
        (void)play(nth, true);
    }
}

void suite_transport_fault(void)
{
    RUN(test_wherever_memory_fails_nothing_leaks_and_the_counts_add_up);
}
