/* rns_transport: configuration, hooks, time, reset and check. */
#include "node_fixture.h"

#include <stdlib.h>
#include <string.h>

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
    routed_t* const self = routed();
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
    routed_end(self);
}

static void test_the_default_timers_are_those_of_the_inventory(void)
{
    const uint64_t second_ns = UINT64_C(1000000000);
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    CHECK_EQUAL(config.timers.job_ns, second_ns / 4u);
    CHECK_EQUAL(config.timers.links_ns, second_ns);
    CHECK_EQUAL(config.timers.cull_ns, 5u * second_ns);
    CHECK_EQUAL(config.timers.grace_ns, 5u * second_ns);
    CHECK_EQUAL(config.timers.jitter_ns, second_ns / 2u);
    CHECK_EQUAL(config.timers.path_ns, 604800u * second_ns);
    CHECK_EQUAL(config.timers.reverse_ns, 480u * second_ns);
    CHECK_EQUAL(config.timers.link_ns, 900u * second_ns);
    CHECK_EQUAL(config.timers.hop_ns, 6u * second_ns);
    CHECK_EQUAL(config.timers.stale_ns, 720u * second_ns);
    CHECK_EQUAL(config.timers.resource_ns, 96u * second_ns);
    CHECK_EQUAL(config.timers.request_ns, 20u * second_ns);
    CHECK_EQUAL(config.timers.announce_retries, 1);
    CHECK_EQUAL(config.timers.heard_max, 2);
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
    routed_t* const self = routed();
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
    routed_end(self);
}

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
    routed_t* const self = routed();
    self->node.in_hook = call_everything;
    rns_packet_t packet =
        packet_of(&self->f, &(recipe_t){.destination = FAR, .via = NODE, .length = 90});
    CHECK_STATUS(receive(&self->node, 0, &packet, 1), RNS_OK);
    CHECK_EQUAL(self->node.sent_count, 1);
    CHECK_COUNT(routed_stats(self).packets_in, 3); /* two announces, and this */
    CHECK_COUNT(routed_stats(self).sends + routed_stats(self).send_failures, 0);
    routed_end(self);
}

static void test_a_tick_is_due_when_it_says(void)
{
    routed_t* const self = routed();
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
    routed_end(self);
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

/// Verify the check with a byte of a place written over.
static void check_damaged(routed_t* self, uint8_t* place, uint8_t value,
                          rns_transport_table_t table, const char* invariant)
{
    const uint8_t before = *place;
    *place = value;
    const rns_damage_t damage = rns_transport_check(&self->node.transport);
    CHECK_TEXT(damage.invariant, invariant);
    CHECK_EQUAL(damage.tier_index, table);
    *place = before;
    CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, NULL);
}

static void* value_of(routed_t* self, rns_transport_table_t table, const uint8_t* key)
{
    void* value = NULL;
    CHECK_STATUS(rns_table_find(&self->node.transport.tables[table], key, &value), RNS_OK);
    return value;
}

static void test_the_check_finds_announces_that_are_none(void)
{
    routed_t* const self = routed();
    uint8_t id[16];
    (void)address_of(FAR, id);
    const rns_transport_table_t tables[] = {RNS_TRANSPORT_PATHS, RNS_TRANSPORT_ANNOUNCES};
    for (size_t i = 0; i < COUNT_OF(tables); ++i) {
        rns_packet_t* const packet = value_of(self, tables[i], id);
        const rns_packet_t before = *packet;
        uint8_t* const bytes = rns_buffer_bytes(packet->raw.buffer) + packet->raw.offset;
        uint8_t* const destination = bytes + RNS_PACKET_HEADER_2_BYTES - 17u;
        check_damaged(self, destination, (uint8_t)(*destination + 1u), RNS_TRANSPORT_PATHS, "I21");
        *packet = (rns_packet_t){0};
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I21");
        *packet = before;
        const uint8_t flags = bytes[0];
        bytes[0] = packet->flags = (uint8_t)((flags & ~3u) | RNS_PACKET_DATA);
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I21");
        bytes[0] = packet->flags = flags;
    }
    rns_bytes_t* const key = value_of(self, RNS_TRANSPORT_KNOWN, id);
    --key->length;
    CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I21");
    CHECK_EQUAL(rns_transport_check(&self->node.transport).tier_index, RNS_TRANSPORT_KNOWN);
    ++key->length;
    routed_end(self);
}

static void test_the_check_finds_parts_without_content_transfer_or_place_in_it(void)
{
    routed_t* const self = routed();
    rns_table_t* const tables = self->node.transport.tables;
    uint8_t key[20] = {0}; /* a link, and the number of the part behind it */
    CHECK_STATUS(rns_table_put(&tables[RNS_TRANSPORT_ACTIVE], key, NULL, 0, NULL), RNS_OK);
    for (uint32_t direction = 0; direction < 2u; ++direction) {
        const rns_transport_table_t parts =
            direction == 0 ? RNS_TRANSPORT_PARTS_IN : RNS_TRANSPORT_PARTS_OUT;
        const rns_transport_table_t transfers =
            direction == 0 ? RNS_TRANSPORT_RESOURCES_IN : RNS_TRANSPORT_RESOURCES_OUT;
        void* value = NULL;
        CHECK_STATUS(rns_table_put(&tables[transfers], key, NULL, 0, &value), RNS_OK);
        uint32_t* const part_count = value; /* it comes first */
        CHECK_STATUS(rns_table_put(&tables[parts], key, NULL, 0, &value), RNS_OK);
        rns_bytes_t* const raw = value;
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I22"); /* no content */
        *raw = payload_of(&self->f, 64, 1);
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I22"); /* no place */
        CHECK_EQUAL(rns_transport_check(&self->node.transport).tier_index, parts);
        *part_count = 1;
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, NULL);
        uint8_t far_key[20] = {0};
        far_key[17] = 1; /* number 256 */
        CHECK_STATUS(rns_table_put(&tables[parts], far_key, NULL, 0, &value), RNS_OK);
        *(rns_bytes_t*)value = payload_of(&self->f, 64, 1);
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I22");
        CHECK_STATUS(rns_table_remove(&tables[parts], far_key, NULL), RNS_OK);
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, NULL);
        *part_count = 0; /* so that the part outlives its transfer */
        CHECK_STATUS(rns_table_remove(&tables[transfers], key, NULL), RNS_OK);
        CHECK_TEXT(rns_transport_check(&self->node.transport).invariant, "I22");
        CHECK_STATUS(rns_table_remove(&tables[parts], key, NULL), RNS_OK);
    }
    routed_end(self);
}

static void test_handles_are_those_that_the_tables_hold(void)
{
    routed_t* const self = routed();
    rns_transport_t* const node = &self->node.transport;
    /* Of each of two destinations: its path, its announce to send on, key and data. */
    CHECK_EQUAL(rns_transport_handles(node), 8);
    CHECK_STATUS(rns_table_reset(&node->tables[RNS_TRANSPORT_ANNOUNCES]), RNS_OK);
    CHECK_EQUAL(rns_transport_handles(node), 6);
    uint8_t id[16];
    rns_bytes_t* const known = value_of(self, RNS_TRANSPORT_KNOWN, address_of(FAR, id));
    bytes_end(&self->f, &known[1]);
    CHECK_EQUAL(rns_transport_handles(node), 5);
    routed_end(self);
}

static void test_an_init_that_is_refused_leaves_all_zero(void)
{
    static rns_transport_t node;
    rns_transport_config_t config = node_config(1);
    CHECK_STATUS(rns_transport_init(&node, NULL, &config, (rns_memory_t){0}), RNS_CONFIG_HOOKS);
    CHECK(node.interface_count == 0 && node.hooks.hash.sha256 == NULL && node.seed == 0);
    CHECK(node.tables[0].entries == NULL);
    config.hooks.send = never_send;
    config.hooks.hash = sha256;
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        config.tables[i].capacity = i == RNS_TRANSPORT_PATHS ? 1u : RNS_TABLE_CAPACITY_MAX / 2u;
    }
    size_t bytes = 1; /* each fits 32 bit, all together do not */
    CHECK_STATUS(rns_transport_storage_bytes(&config, &bytes),
                 SIZE_MAX > UINT32_MAX ? RNS_OK : RNS_CONFIG_OVERFLOW);
    CHECK_EQUAL(bytes == 0, SIZE_MAX == UINT32_MAX);
}

static void test_a_node_of_seed_0_draws_as_one_of_seed_1(void)
{
    bytes_fixture_t f;
    static node_t nodes[2];
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 64});
    rns_transport_config_t config = node_config(NODE);
    for (uint32_t i = 0; i < 2u; ++i) {
        config.seed = i;
        node_init(&nodes[i], &f, &config);
        uint8_t id[16];
        CHECK_STATUS(rns_transport_request_path(&nodes[i].transport, address_of(FAR, id), 0),
                     RNS_OK);
    }
    const rns_bytes_t* const first = &nodes[0].sent[0].raw;
    uint64_t random = 1;
    for (uint32_t i = 0; i < 16u; ++i) { /* the tag is xorshift64's */
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        CHECK_EQUAL(rns_bytes_data(first)[19u + 32u + i], random >> 32 & 0xFFu);
    }
    CHECK(bytes_are(&nodes[1].sent[0].raw, rns_bytes_data(first), first->length));
    node_end(&nodes[0]);
    node_end(&nodes[1]);
    bytes_fixture_end(&f);
}

void suite_transport_state(void)
{
    RUN(test_the_default_tables_are_those_of_the_inventory);
    RUN(test_the_default_timers_are_those_of_the_inventory);
    RUN(test_a_wrong_configuration_is_named);
    RUN(test_the_check_finds_what_does_not_add_up);
    RUN(test_calls_from_a_hook_are_refused_and_change_nothing);
    RUN(test_a_tick_is_due_when_it_says);
    RUN(test_after_a_reset_everything_happens_again_alike);
    RUN(test_the_check_finds_announces_that_are_none);
    RUN(test_the_check_finds_parts_without_content_transfer_or_place_in_it);
    RUN(test_handles_are_those_that_the_tables_hold);
    RUN(test_an_init_that_is_refused_leaves_all_zero);
    RUN(test_a_node_of_seed_0_draws_as_one_of_seed_1);
}
