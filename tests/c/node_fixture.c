#include "node_fixture.h"

#include <stdlib.h>
#include <string.h>

/* ---- SHA-256 (FIPS 180-4) ------------------------------------------------------------------- */

static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static void sha256_block(uint32_t state[8], const uint8_t* block)
{
    uint32_t w[64];
    for (size_t i = 0; i < 16u; ++i) {
        w[i] = (uint32_t)block[4u * i] << 24 | (uint32_t)block[4u * i + 1u] << 16 |
               (uint32_t)block[4u * i + 2u] << 8 | block[4u * i + 3u];
    }
    for (uint32_t i = 16; i < 64u; ++i) {
        const uint32_t a = w[i - 15u];
        const uint32_t b = w[i - 2u];
        w[i] = w[i - 16u] + w[i - 7u] +
               (rns_rotate_right(a, 7) ^ rns_rotate_right(a, 18) ^ a >> 3) +
               (rns_rotate_right(b, 17) ^ rns_rotate_right(b, 19) ^ b >> 10);
    }
    uint32_t v[8];
    memcpy(v, state, sizeof v);
    for (uint32_t i = 0; i < 64u; ++i) {
        const uint32_t e =
            rns_rotate_right(v[4], 6) ^ rns_rotate_right(v[4], 11) ^ rns_rotate_right(v[4], 25);
        const uint32_t a =
            rns_rotate_right(v[0], 2) ^ rns_rotate_right(v[0], 13) ^ rns_rotate_right(v[0], 22);
        const uint32_t one =
            v[7] + e + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_constants[i] + w[i];
        const uint32_t two = a + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7u * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }
    for (uint32_t i = 0; i < 8u; ++i) {
        state[i] += v[i];
    }
}

static void sha256_of(void* context, const rns_span_t* spans, size_t count, uint8_t* out)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t block[64];
    uint64_t total = 0;
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        const uint8_t* const bytes = spans[i].start;
        for (size_t k = 0; k < spans[i].bytes; ++k) {
            block[total % 64u] = bytes[k];
            ++total;
            if (total % 64u == 0) {
                sha256_block(state, block);
            }
        }
    }
    size_t at = (size_t)(total % 64u);
    block[at] = 0x80;
    memset(block + at + 1u, 0, 63u - at);
    if (at >= 56u) {
        sha256_block(state, block);
        memset(block, 0, 64);
    }
    for (uint32_t i = 0; i < 8u; ++i) {
        block[63u - i] = (uint8_t)(total * 8u >> (8u * i));
    }
    sha256_block(state, block);
    for (uint32_t i = 0; i < 32u; ++i) {
        out[i] = (uint8_t)(state[i / 4u] >> (24u - 8u * (i % 4u)));
    }
}

const rns_hash_hook_t sha256 = {sha256_of, NULL};

/* ---- Packets -------------------------------------------------------------------------------- */

const uint8_t* address_of(uint32_t number, uint8_t* out)
{
    for (uint32_t i = 0; i < RNS_PACKET_ADDRESS_BYTES; ++i) {
        out[i] = (uint8_t)(i < 4u ? number >> (8u * i) : number * 7u + i);
    }
    return out;
}

rns_bytes_t payload_of(bytes_fixture_t* f, size_t length, uint32_t number)
{
    uint8_t bytes[1024];
    rns_bytes_t payload;
    for (uint32_t i = 0; i < length; ++i) {
        bytes[i] = (uint8_t)(i < 4u ? number >> (8u * i) : number * 13u + i);
    }
    CHECK_STATUS(rns_bytes_init(&payload, &f->store, bytes, length), RNS_OK);
    return payload;
}

rns_packet_t packet_of(bytes_fixture_t* f, const recipe_t* recipe)
{
    uint8_t destination[RNS_PACKET_ADDRESS_BYTES];
    uint8_t via[RNS_PACKET_ADDRESS_BYTES];
    rns_bytes_t payload = payload_of(f, recipe->length, recipe->number);
    const rns_packet_header_t header = {
        .type = recipe->type,
        .destination_type = recipe->destination_type,
        .context = recipe->context,
        .hops = recipe->hops,
        .destination = recipe->address != NULL ? recipe->address
                                               : address_of(recipe->destination, destination),
        .transport_id = recipe->via > 0 ? address_of(recipe->via, via) : NULL};
    rns_packet_t packet;
    CHECK_STATUS(rns_packet_build(&packet, &f->store, &header, &payload), RNS_OK);
    return packet;
}

uint32_t frame_of(const recipe_t* recipe, uint8_t* out)
{
    uint32_t at = 2;
    out[0] = (uint8_t)((recipe->via > 0 ? 0x50u : 0u) | (uint32_t)recipe->destination_type << 2 |
                       (uint32_t)recipe->type);
    out[1] = recipe->hops;
    if (recipe->via > 0) {
        (void)address_of(recipe->via, out + at);
        at += RNS_PACKET_ADDRESS_BYTES;
    }
    if (recipe->address != NULL) {
        memcpy(out + at, recipe->address, RNS_PACKET_ADDRESS_BYTES);
    } else {
        (void)address_of(recipe->destination, out + at);
    }
    at += RNS_PACKET_ADDRESS_BYTES;
    out[at] = (uint8_t)recipe->context;
    ++at;
    for (uint32_t i = 0; i < recipe->length; ++i) {
        out[at + i] = (uint8_t)(i < 4u ? recipe->number >> (8u * i) : recipe->number * 13u + i);
    }
    return at + recipe->length;
}

rns_packet_t announce_of(bytes_fixture_t* f, uint32_t destination, uint32_t number, uint32_t via)
{
    rns_packet_t packet =
        packet_of(f, &(recipe_t){.type = RNS_PACKET_ANNOUNCE,
                                 .destination = destination,
                                 .via = via,
                                 .length = RNS_PACKET_ANNOUNCE_BYTES_MIN + destination % 40u,
                                 .number = destination});
    rns_announce_t parts;
    uint8_t* data = NULL;
    CHECK_STATUS(rns_packet_announce(&packet, &parts), RNS_OK);
    const size_t at =
        (size_t)((const uint8_t*)parts.random_hash.start - rns_bytes_data(&packet.raw));
    CHECK_STATUS(rns_bytes_try_mut(&packet.raw, &f->store, &data), RNS_OK);
    for (uint32_t i = 0; i < 5u; ++i) {
        data[at + i] = (uint8_t)(number * 31u + i);
        data[at + 9u - i] = (uint8_t)((uint64_t)number >> (8u * i));
    }
    return packet;
}

/* ---- Nodes ---------------------------------------------------------------------------------- */

static void on_send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    node_t* const self = context;
    CHECK(interface < INTERFACES);
    self->reentry = rns_transport_tick(&self->transport, 0);
    if (self->in_hook != NULL) {
        self->in_hook(self);
    }
    if (!self->is_deaf && CHECK(self->sent_count < SENT_MAX)) {
        self->sent[self->sent_count] = (sent_t){interface, rns_bytes_share(raw, &self->f->store)};
        ++self->sent_count;
    }
}

static void on_deliver(void* context, const rns_delivery_t* delivery)
{
    node_t* const self = context;
    CHECK_TEXT(rns_packet_check(delivery->packet).invariant, NULL);
    if (self->event_count < EVENTS_MAX) {
        event_t* const event = &self->events[self->event_count];
        *event = (event_t){.kind = delivery->kind,
                           .interface = delivery->interface,
                           .context = delivery->packet->context,
                           .length = delivery->packet->raw.length};
        memcpy(event->address, delivery->address, RNS_PACKET_ADDRESS_BYTES);
        memcpy(event->hash, delivery->hash, RNS_PACKET_HASH_BYTES);
    }
    ++self->event_count;
}

rns_transport_config_t node_config(uint32_t number)
{
    rns_transport_config_t config;
    rns_transport_config_default(&config);
    (void)address_of(number, config.identity);
    config.interface_count = INTERFACES;
    config.seed = number + 1u;
    return config;
}

void node_init(node_t* self, bytes_fixture_t* f, const rns_transport_config_t* config)
{
    memset(self, 0, sizeof *self);
    self->f = f;
    self->reentry = RNS_MISUSE_REENTRANT;
    rns_transport_config_t own = *config;
    own.hooks = (rns_transport_hooks_t){
        .send = on_send, .deliver = on_deliver, .context = self, .hash = sha256};
    CHECK_STATUS(rns_transport_storage_bytes(&own, &self->storage.bytes), RNS_OK);
    self->storage.start = malloc(self->storage.bytes);
    if (self->storage.start == NULL) {
        abort();
    }
    memset(self->storage.start, 0xA5, self->storage.bytes);
    CHECK_STATUS(rns_transport_init(&self->transport, &f->store, &own, self->storage), RNS_OK);
}

void check_node(node_t* self)
{
    const rns_damage_t damage = rns_transport_check(&self->transport);
    CHECK_STATUS(damage.status, RNS_OK);
    CHECK_TEXT(damage.invariant, NULL);
    CHECK_TEXT(rns_store_check(&self->f->store).invariant, NULL);
    CHECK_STATUS(self->reentry, RNS_MISUSE_REENTRANT);
}

void node_hush(node_t* self)
{
    while (self->sent_count > 0) {
        --self->sent_count;
        bytes_end(self->f, &self->sent[self->sent_count].raw);
    }
}

void node_end(node_t* self)
{
    check_node(self);
    node_hush(self);
    CHECK_STATUS(rns_transport_reset(&self->transport), RNS_OK);
    CHECK_EQUAL(self->transport.next_job_ns | self->transport.next_links_ns, 0);
    CHECK_EQUAL(self->transport.next_cull_ns, 0);
    check_node(self);
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        CHECK_EQUAL(entries_of(self, (rns_transport_table_t)i), 0);
    }
    free(self->storage.start);
    self->storage = (rns_memory_t){0};
}

uint32_t entries_of(const node_t* self, rns_transport_table_t table)
{
    return rns_table_count(rns_transport_table(&self->transport, table));
}

rns_status_t receive(node_t* self, uint32_t interface, rns_packet_t* packet, uint64_t now_ns)
{
    uint8_t frame[2048];
    const uint32_t length = packet->raw.length;
    memcpy(frame, rns_bytes_data(&packet->raw), length);
    rns_packet_drop(packet, &self->f->store);
    return rns_transport_inbound(&self->transport, interface, frame, length, now_ns);
}

uint32_t carry(node_t* from, uint32_t out, node_t* to, uint32_t in, uint64_t now_ns)
{
    sent_t wire[SENT_MAX];
    const uint32_t count = from->sent_count;
    uint32_t carried = 0;
    memcpy(wire, from->sent, sizeof wire);
    from->sent_count = 0;
    for (uint32_t i = 0; i < count; ++i) {
        if (wire[i].interface == out) {
            uint8_t frame[2048];
            const uint32_t length = wire[i].raw.length;
            memcpy(frame, rns_bytes_data(&wire[i].raw), length);
            (void)rns_transport_inbound(&to->transport, in, frame, length, now_ns);
            ++carried;
        }
        bytes_end(from->f, &wire[i].raw);
    }
    return carried;
}

rns_status_t node_send(node_t* self, const rns_transport_order_t* order, uint32_t length,
                       uint64_t now_ns, uint8_t* hash_out)
{
    static uint32_t number;
    ++number;
    rns_bytes_t payload = payload_of(self->f, length, number);
    uint8_t before[1024];
    memcpy(before, rns_bytes_data(&payload), payload.length);
    const rns_status_t status =
        rns_transport_send(&self->transport, order, &payload, now_ns, hash_out);
    if (status == RNS_OK) {
        CHECK(payload.buffer == NULL && payload.length == 0);
    } else {
        CHECK(bytes_are(&payload, before, length));
        bytes_end(self->f, &payload);
    }
    return status;
}

routed_t* routed(void)
{
    static routed_t self;
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

void routed_end(routed_t* self)
{
    node_end(&self->node);
    bytes_fixture_end(&self->f);
}

rns_transport_stats_t routed_stats(const routed_t* self)
{
    return rns_transport_stats(&self->node.transport);
}
