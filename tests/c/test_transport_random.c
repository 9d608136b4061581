/* rns_transport: packets at random, right, wrong, damaged and garbage, into stores of any size. */
#include "node_fixture.h"

#include <string.h>

#define OPERATIONS 8000u /* for each size of the store */
#define LINKS_MAX  4u

typedef struct {
    bytes_fixture_t f;
    node_t node;
    uint64_t random;
    uint64_t now_ns;
    uint8_t links[LINKS_MAX][RNS_PACKET_HASH_BYTES]; ///< Ids that may be in use.
    uint32_t forwarded_count;
    uint32_t malformed_count;
} chaos_t;

static uint32_t below(chaos_t* self, uint32_t bound)
{
    return random_below(&self->random, bound);
}

static rns_packet_context_t random_context(chaos_t* self)
{
    const uint32_t number = below(self, 21);
    return (rns_packet_context_t)(number < 15u ? number : 0xFAu + number - 15u);
}

/// Draw a packet that often means something to the node.
static recipe_t random_recipe(chaos_t* self)
{
    recipe_t recipe = {.type = (rns_packet_type_t)below(self, 4),
                       .destination_type = (rns_destination_type_t)below(self, 4),
                       .context = random_context(self),
                       .destination = below(self, 24),
                       .via = below(self, 2) * (NODE + below(self, 2)),
                       .hops = (uint8_t)below(self, 4),
                       .length = below(self, 465),
                       .number = below(self, 1000)};
    if (recipe.type == RNS_PACKET_ANNOUNCE || recipe.type == RNS_PACKET_LINK_REQUEST) {
        recipe.destination_type = RNS_DESTINATION_SINGLE;
    }
    if (recipe.destination_type == RNS_DESTINATION_LINK) {
        recipe.address = self->links[below(self, LINKS_MAX)];
        recipe.via = 0;
        recipe.hops = (uint8_t)below(self, 2);
    } else if (recipe.destination_type == RNS_DESTINATION_PLAIN) {
        recipe.address = rns_path_request_address;
        recipe.via = 0;
        recipe.hops = 0;
    }
    return recipe;
}

static void hear(chaos_t* self)
{
    uint8_t frame[FRAME_MAX];
    const recipe_t recipe = random_recipe(self);
    uint32_t length = frame_of(&recipe, frame);
    const uint32_t how = below(self, 10);
    if (how == 0) { /* garbage */
        length = below(self, 520);
        for (uint32_t i = 0; i < length; ++i) {
            frame[i] = (uint8_t)below(self, 256);
        }
    } else if (how == 1u) { /* cut short */
        length = below(self, length + 1u);
    } else if (how == 2u) { /* bits flipped */
        for (uint32_t i = below(self, 5) + 1u; i > 0 && length > 0; --i) {
            frame[below(self, length < 40u ? length : 40u)] ^= (uint8_t)(1u << below(self, 8));
        }
    }
    const uint32_t interface = below(self, INTERFACES + (how == 3u ? 1u : 0u));
    const rns_status_t status =
        rns_transport_inbound(&self->node.transport, interface, frame, length, self->now_ns);
    self->forwarded_count += status == RNS_OK ? 1u : 0u;
    self->malformed_count += status < 0 ? 1u : 0u;
    if (self->node.event_count > 0) {
        const event_t* const event = &self->node.events[0];
        if (event->kind == RNS_DELIVERY_LINK_REQUEST) {
            memcpy(self->links[below(self, LINKS_MAX)], event->address, 16);
        }
        self->node.event_count = 0;
    }
    if (recipe.type == RNS_PACKET_LINK_REQUEST && length > 100u && below(self, 4) == 0) {
        rns_packet_t packet; /* a link in transit, which the node does not tell */
        rns_bytes_t raw;
        const rns_packet_medium_t medium = {.mtu_bytes = RNS_PACKET_MTU_BYTES};
        if (rns_bytes_init(&raw, &self->f.store, frame, length) == RNS_OK) {
            if (rns_packet_parse(&packet, &medium, &raw) == RNS_OK) {
                rns_packet_link_id(&packet, sha256, self->links[below(self, LINKS_MAX)]);
            }
            rns_packet_drop(&packet, &self->f.store);
            rns_bytes_clear(&raw, &self->f.store);
        }
    }
}

static void say(chaos_t* self)
{
    uint8_t id[16];
    uint8_t bytes[500] = {0};
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    rns_bytes_t payload;
    const uint32_t length = below(self, 490);
    const rns_transport_order_t order = {
        .type = (rns_packet_type_t)below(self, 4),
        .destination_type =
            below(self, 2) == 0 ? RNS_DESTINATION_LINK : (rns_destination_type_t)below(self, 4),
        .context = random_context(self),
        .address = below(self, 2) == 0 ? self->links[below(self, LINKS_MAX)]
                                       : address_of(below(self, 24), id),
        .interface = below(self, INTERFACES + 1u)};
    bytes[0] = (uint8_t)below(self, 256);
    if (rns_bytes_init(&payload, &self->f.store, bytes, length) != RNS_OK) {
        return;
    }
    const rns_status_t status =
        rns_transport_send(&self->node.transport, &order, &payload, self->now_ns, hash);
    CHECK_EQUAL(payload.length, status == RNS_OK ? 0 : length);
    rns_bytes_clear(&payload, &self->f.store);
    if (status == RNS_OK && order.type == RNS_PACKET_LINK_REQUEST) {
        memcpy(self->links[below(self, LINKS_MAX)], hash, sizeof hash);
    }
}

static void step(chaos_t* self)
{
    uint8_t id[16];
    const uint32_t what = below(self, 20);
    self->now_ns += (uint64_t)below(self, 1000000) * below(self, 500);
    if (below(self, 100) == 0) { /* long enough for links to go stale, and now and then paths */
        self->now_ns += (below(self, 10) == 0 ? 700000u : 750u) * SECOND_NS;
    }
    if (what < 12u) {
        hear(self);
    } else if (what < 16u) {
        say(self);
    } else if (what < 19u) {
        CHECK_STATUS(rns_transport_tick(&self->node.transport, self->now_ns), RNS_OK);
    } else {
        CHECK(rns_transport_request_path(&self->node.transport, address_of(below(self, 24), id),
                                         self->now_ns) >= RNS_OK);
    }
    ++check_state.operations;
}

static void run(uint32_t slot_count, uint32_t rate)
{
    static chaos_t self;
    uint8_t id[16];
    bytes_fixture_init(&self.f, &(bytes_setup_t){.slot_count = slot_count,
                                                 .is_spilling = slot_count % 2u == 0,
                                                 .options = {.headroom_bytes = slot_count}});
    rns_transport_config_t config = node_config(NODE);
    config.tables[RNS_TRANSPORT_PARTS_IN].capacity = 12;
    config.tables[RNS_TRANSPORT_PARTS_OUT].capacity = 12;
    if (slot_count < 16u) { /* or they hold all there is */
        config.tables[RNS_TRANSPORT_PATHS].capacity = 2;
        config.tables[RNS_TRANSPORT_ANNOUNCES].capacity = 1;
        config.tables[RNS_TRANSPORT_KNOWN].capacity = 2;
        config.tables[RNS_TRANSPORT_PARTS_IN].capacity = 2;
        config.tables[RNS_TRANSPORT_PARTS_OUT].capacity = 2;
    }
    node_init(&self.node, &self.f, &config);
    self.node.is_deaf = true;
    self.random = 0x9E3779B97F4A7C15u + slot_count;
    self.now_ns = 0;
    self.forwarded_count = 0;
    self.malformed_count = 0;
    for (uint32_t i = 0; i < 4u; ++i) {
        CHECK_STATUS(rns_transport_add_destination(&self.node.transport, address_of(i, id), 0),
                     RNS_OK);
    }
    rns_fault_fail_rate(&self.f.fault, rate, slot_count);
    for (uint32_t i = 0; i < OPERATIONS; ++i) {
        step(&self);
        if (i % 40u == 0) {
            check_node(&self.node);
        }
    }
    CHECK(self.forwarded_count > OPERATIONS / 20u);
    CHECK(self.malformed_count > OPERATIONS / 20u);
    const rns_transport_stats_t stats = rns_transport_stats(&self.node.transport);
    CHECK(!RNS_STATS || stats.links_opened > 10u);
    CHECK(!RNS_STATS || stats.forwarded > 10u);
    CHECK(!RNS_STATS || stats.duplicates + stats.dropped_stale > 10u);
    CHECK(!RNS_STATS || rate == 0 || stats.dropped_no_memory > 100u);
    rns_fault_init(&self.f.fault);
    node_end(&self.node);
    CHECK_EQUAL(in_use_of(&self.f), 0);
    bytes_fixture_end(&self.f);
}

static void test_anything_may_come_in_and_nothing_is_lost(void)
{
    run(400, 0);
    run(32, 0);
    run(7, 0);
    run(31, RNS_FAULT_RATE_ONE / 8u);
}

void suite_transport_random(void)
{
    RUN(test_anything_may_come_in_and_nothing_is_lost);
}
