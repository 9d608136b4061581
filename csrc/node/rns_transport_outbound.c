/* Packets that the host sends: where they go, and what the node keeps of them. */
#include "rns_transport_inline.h"

/// Where a packet goes.
typedef struct {
    uint32_t interface;      ///< RNS_TRANSPORT_NO_INTERFACE: to each.
    const uint8_t* next_hop; ///< NULL: header 1.
    uint8_t hops;            ///< As far as is known, at least 1.
} route_t;

static bool is_on_link(const rns_transport_order_t* order)
{
    return order->destination_type == RNS_DESTINATION_LINK;
}

/// Find the way of a proof, to where its packet came from.
static rns_status_t route_proof(const rns_transport_t* self, const rns_transport_order_t* order,
                                route_t* out)
{
    out->interface = order->interface;
    if (order->destination_type != RNS_DESTINATION_SINGLE) {
        return RNS_INPUT_FLAGS;
    }
    return order->interface < self->interface_count ? RNS_OK : RNS_INPUT_RANGE;
}

static rns_status_t find_route(rns_transport_t* self, const rns_transport_order_t* order,
                               route_t* out)
{
    *out = (route_t){.interface = RNS_TRANSPORT_NO_INTERFACE, .hops = 1};
    if (is_on_link(order)) {
        const transport_active_t* const link =
            transport_find(self, RNS_TRANSPORT_ACTIVE, order->address);
        if (link != NULL) {
            out->interface = link->interface;
        }
        return link != NULL ? RNS_OK : RNS_MISS_ABSENT;
    }
    if (order->type == RNS_PACKET_PROOF) {
        return route_proof(self, order, out);
    }
    if (order->type == RNS_PACKET_ANNOUNCE || order->destination_type != RNS_DESTINATION_SINGLE) {
        return RNS_OK;
    }
    const transport_path_t* const path = transport_find(self, RNS_TRANSPORT_PATHS, order->address);
    if (path != NULL) {
        *out = (route_t){.interface = path->interface,
                         .next_hop = path->hops > 1u ? path->next_hop : NULL,
                         .hops = path->hops};
    }
    return RNS_OK;
}

/// Tell whether the host can expect a proof: of data that is not about a link or a resource.
static bool has_receipt(const rns_transport_order_t* order)
{
    const uint32_t context = order->context;
    const bool is_about_link = context >= RNS_CONTEXT_KEEPALIVE;
    const bool is_about_resource =
        context >= RNS_CONTEXT_RESOURCE && context <= RNS_CONTEXT_RESOURCE_RCL;
    return order->type == RNS_PACKET_DATA && !is_about_link && !is_about_resource &&
           order->destination_type != RNS_DESTINATION_PLAIN;
}

/// Put a header in front of the payload.
static rns_status_t build(rns_transport_t* self, const rns_transport_order_t* order,
                          const route_t* route, rns_bytes_t* payload, rns_packet_t* out)
{
    const rns_packet_header_t header = {.type = order->type,
                                        .destination_type = order->destination_type,
                                        .context = order->context,
                                        .has_context_flag = order->has_context_flag,
                                        .destination = order->address,
                                        .transport_id = route->next_hop};
    const uint32_t header_bytes =
        route->next_hop != NULL ? RNS_PACKET_HEADER_2_BYTES : RNS_PACKET_HEADER_1_BYTES;
    *out = (rns_packet_t){0};
    if (payload->length > self->mtu_bytes || payload->length + header_bytes > self->mtu_bytes) {
        return RNS_INPUT_LONG;
    }
    if (order->type == RNS_PACKET_LINK_REQUEST && payload->length < RNS_PACKET_LINK_KEYS_BYTES) {
        return RNS_INPUT_SHORT;
    }
    return rns_packet_build(out, self->store, &header, payload);
}

/// Give the payload back of a packet that cannot be sent: the same reference without the header.
static void unbuild(rns_packet_t* packet, rns_bytes_t* payload)
{
    const uint32_t header_bytes = rns_packet_header_bytes(packet);
    *payload = packet->raw;
    payload->offset += header_bytes;
    payload->length -= header_bytes;
    *packet = (rns_packet_t){0};
}

/// Keep what the answer to a packet will be held against. False if that cannot do without.
static bool expect_answer(rns_transport_t* self, const rns_transport_order_t* order,
                          uint64_t deadline_ns, const uint8_t* hash)
{
    if (order->type == RNS_PACKET_LINK_REQUEST) {
        const rns_status_t status =
            rns_table_put(&self->tables[RNS_TRANSPORT_PENDING], hash, NULL, deadline_ns, NULL);
        return status == RNS_OK || status == RNS_MISS_PRESENT;
    }
    if (has_receipt(order)) {
        transport_receipt_t* const receipt =
            transport_put(self, RNS_TRANSPORT_RECEIPTS, hash, deadline_ns);
        if (receipt != NULL) {
            transport_copy(receipt->hash, hash, RNS_PACKET_HASH_BYTES);
        }
    }
    return true;
}

/// Do to a local link what a packet on it means for this end.
static void note_link(rns_transport_t* self, const rns_packet_t* packet, uint64_t now_ns)
{
    uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
    transport_copy(link_id, rns_packet_destination(packet), sizeof link_id);
    (void)transport_touch(self, RNS_TRANSPORT_ACTIVE, link_id, now_ns);
    rns_transport_note_resource(self, packet, true, now_ns);
    if (packet->context == RNS_CONTEXT_LINKCLOSE) {
        (void)transport_remove(self, RNS_TRANSPORT_ACTIVE, link_id);
    }
}

static rns_status_t send_packet(rns_transport_t* self, const rns_transport_order_t* order,
                                rns_bytes_t* payload, uint64_t now_ns, uint8_t* hash)
{
    route_t route;
    rns_packet_t packet = {0};
    rns_status_t status = find_route(self, order, &route);
    if (status == RNS_OK) {
        status = build(self, order, &route, payload, &packet);
    }
    if (status != RNS_OK) {
        return status;
    }
    uint8_t packet_hash[RNS_PACKET_HASH_BYTES];
    rns_packet_hash(&packet, self->hooks.hash, packet_hash);
    transport_copy(hash, packet_hash, RNS_PACKET_HASH_BYTES);
    if (order->type == RNS_PACKET_LINK_REQUEST) {
        (void)__builtin_memset(hash, 0, RNS_PACKET_HASH_BYTES);
        rns_packet_link_id(&packet, self->hooks.hash, hash);
    }
    if (!expect_answer(self, order, now_ns + self->timers.hop_ns * route.hops, hash)) {
        (void)__builtin_memset(hash, 0, RNS_PACKET_HASH_BYTES);
        unbuild(&packet, payload);
        return RNS_MISS_EXHAUSTED;
    }
    if (order->type != RNS_PACKET_ANNOUNCE) { /* its echo is a duplicate */
        (void)transport_put(self, RNS_TRANSPORT_SEEN, packet_hash, now_ns);
    }
    const uint32_t sent_count = rns_transport_transmit(self, route.interface, &packet.raw);
    RNS_TRANSPORT_ADD(self, originated, sent_count);
    if (is_on_link(order)) {
        note_link(self, &packet, now_ns);
    }
    rns_packet_drop(&packet, self->store);
    return RNS_OK;
}

rns_status_t rns_transport_send(rns_transport_t* self, const rns_transport_order_t* order,
                                rns_bytes_t* payload, uint64_t now_ns, uint8_t* hash_out)
{
    uint8_t hash[RNS_PACKET_HASH_BYTES] = {0};
    rns_status_t status = RNS_MISUSE_REENTRANT;
    if (!self->is_busy) {
        self->is_busy = true;
        status = send_packet(self, order, payload, now_ns, hash);
        self->is_busy = false;
        if (status == RNS_OK) {
            RNS_TRANSPORT_COUNT(self, sends);
        } else {
            RNS_TRANSPORT_COUNT(self, send_failures);
        }
    }
    if (hash_out != NULL) {
        transport_copy(hash_out, hash, RNS_PACKET_HASH_BYTES);
    }
    return status;
}

/* ---- Path requests -------------------------------------------------------------------------- */

/// Write destination, own id if this node forwards, and a random tag; return how many bytes.
static uint32_t write_request(rns_transport_t* self, const uint8_t* address, uint8_t* out)
{
    const uint32_t id_bytes = RNS_PACKET_ADDRESS_BYTES;
    uint32_t at = id_bytes;
    transport_copy(out, address, id_bytes);
    if (self->is_transport) {
        transport_copy(out + at, self->identity, id_bytes);
        at += id_bytes;
    }
    for (uint32_t i = 0; i < id_bytes; ++i) {
        out[at + i] = (uint8_t)(transport_random(self) >> 32);
    }
    return at + id_bytes;
}

rns_status_t rns_transport_request_path(rns_transport_t* self, const uint8_t* address,
                                        uint64_t now_ns)
{
    if (self->is_busy) {
        return RNS_MISUSE_REENTRANT;
    }
    rns_table_t* const requests = &self->tables[RNS_TRANSPORT_REQUESTS];
    (void)rns_table_expire(requests, now_ns, self->timers.request_ns, NULL);
    void* value = NULL;
    if (rns_table_find(requests, address, &value) == RNS_OK) {
        return RNS_MISS_PRESENT;
    }
    uint8_t text[3u * RNS_PACKET_ADDRESS_BYTES];
    rns_bytes_t payload = {0};
    const rns_transport_order_t order = {.type = RNS_PACKET_DATA,
                                         .destination_type = RNS_DESTINATION_PLAIN,
                                         .address = rns_path_request_address};
    rns_status_t status = rns_table_put(requests, address, NULL, now_ns, NULL);
    if (status != RNS_OK) {
        return status;
    }
    status = rns_bytes_init(&payload, self->store, text, write_request(self, address, text));
    if (status == RNS_OK) {
        status = rns_transport_send(self, &order, &payload, now_ns, NULL);
    }
    if (status != RNS_OK) {
        rns_bytes_clear(&payload, self->store);
        (void)transport_remove(self, RNS_TRANSPORT_REQUESTS, address);
    }
    return status;
}
