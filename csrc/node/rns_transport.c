/* Inbound: what becomes of a packet that came in. */
#include "rns_transport_inline.h"

/* ---- Out ------------------------------------------------------------------------------------ */

uint32_t rns_transport_transmit(rns_transport_t* self, uint32_t interface, const rns_bytes_t* raw)
{
    const bool is_all = interface == RNS_TRANSPORT_NO_INTERFACE;
    const uint32_t first = is_all ? 0 : interface;
    const uint32_t end = is_all ? self->interface_count : interface + 1u;
    for (uint32_t i = first; i < end; ++i) {
        self->hooks.send(self->hooks.context, i, raw);
    }
    RNS_TRANSPORT_ADD(self, packets_out, end - first);
    RNS_TRANSPORT_ADD(self, bytes_out, (end - first) * (rns_counter_t)raw->length);
    return end - first;
}

void rns_transport_deliver(rns_transport_t* self, const transport_arrival_t* arrival,
                           rns_delivery_kind_t kind, const uint8_t* address, const uint8_t* hash)
{
    if (self->hooks.deliver != NULL) {
        const rns_delivery_t delivery = {.kind = kind,
                                         .interface = arrival->interface,
                                         .packet = &arrival->packet,
                                         .address = address,
                                         .hash = hash != NULL ? hash : arrival->hash};
        self->hooks.deliver(self->hooks.context, &delivery);
    }
}

transport_outcome_t rns_transport_pass_on(rns_transport_t* self, transport_arrival_t* arrival,
                                          uint32_t interface)
{
    const rns_status_t status = rns_packet_set_hops(&arrival->packet, self->store, arrival->hops);
    if (status != RNS_OK) {
        return transport_fail(arrival, TRANSPORT_NO_MEMORY, status);
    }
    (void)rns_transport_transmit(self, interface, &arrival->packet.raw);
    return TRANSPORT_FORWARDED;
}

/* ---- Forwarding along a path ---------------------------------------------------------------- */

/// Remember the way back: of a link request for its link, of all else for its proof.
static bool remember_way_back(rns_transport_t* self, const transport_arrival_t* arrival,
                              const transport_path_t* path)
{
    if (rns_packet_type(&arrival->packet) == RNS_PACKET_LINK_REQUEST) {
        uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
        rns_packet_link_id(&arrival->packet, self->hooks.hash, link_id);
        transport_link_t* const link =
            transport_put(self, RNS_TRANSPORT_LINKS, link_id, arrival->now_ns);
        if (link != NULL) {
            *link = (transport_link_t){.from_interface = arrival->interface,
                                       .to_interface = path->interface,
                                       .from_hops = arrival->hops,
                                       .to_hops = path->hops,
                                       .proof_due_ns =
                                           arrival->now_ns + self->timers.hop_ns * path->hops};
        }
        return link != NULL;
    }
    transport_reverse_t* const way =
        transport_put(self, RNS_TRANSPORT_REVERSE, arrival->hash, arrival->now_ns);
    if (way != NULL) {
        *way = (transport_reverse_t){.from_interface = arrival->interface,
                                     .to_interface = path->interface};
    }
    return true; /* without it only the proof finds no way */
}

/// Send a packet that names this node as its next hop to the hop after it.
static transport_outcome_t forward(rns_transport_t* self, transport_arrival_t* arrival)
{
    uint8_t destination[RNS_PACKET_ADDRESS_BYTES];
    transport_copy(destination, rns_packet_destination(&arrival->packet), sizeof destination);
    const transport_path_t* const path = transport_find(self, RNS_TRANSPORT_PATHS, destination);
    if (!self->is_transport || path == NULL) {
        return TRANSPORT_NO_ROUTE;
    }
    const rns_status_t status = rns_packet_set_route(&arrival->packet, self->store, arrival->hops,
                                                     path->hops > 1u ? path->next_hop : NULL);
    if (status != RNS_OK) {
        return transport_fail(arrival, TRANSPORT_NO_MEMORY, status);
    }
    if (!remember_way_back(self, arrival, path)) {
        return TRANSPORT_TABLE_FULL;
    }
    (void)transport_touch(self, RNS_TRANSPORT_PATHS, destination, arrival->now_ns);
    (void)rns_transport_transmit(self, path->interface, &arrival->packet.raw);
    return TRANSPORT_FORWARDED;
}

/* ---- In ------------------------------------------------------------------------------------- */

/// Tell whether a packet is dropped if it was seen before. Those of other contexts may be the same
/// twice; announces are told apart by their random hash, path requests by their tag.
static bool is_told_apart_by_hash(const rns_packet_t* packet)
{
    switch (packet->context) {
    case RNS_CONTEXT_KEEPALIVE:
    case RNS_CONTEXT_RESOURCE_REQ:
    case RNS_CONTEXT_RESOURCE_PRF:
    case RNS_CONTEXT_RESOURCE:
    case RNS_CONTEXT_CACHE_REQUEST:
    case RNS_CONTEXT_CHANNEL:
        return false;
    default:
        return rns_packet_type(packet) != RNS_PACKET_ANNOUNCE &&
               rns_packet_destination_type(packet) != RNS_DESTINATION_PLAIN;
    }
}

/// Let the one part of the node that a packet is for take it.
static transport_outcome_t dispatch(rns_transport_t* self, transport_arrival_t* arrival)
{
    const rns_packet_t* const packet = &arrival->packet;
    const uint8_t* const destination = rns_packet_destination(packet);
    const rns_packet_type_t type = rns_packet_type(packet);
    if (type == RNS_PACKET_ANNOUNCE) {
        return rns_transport_take_announce(self, arrival);
    }
    if (rns_packet_destination_type(packet) == RNS_DESTINATION_LINK) {
        return rns_transport_take_link(self, arrival);
    }
    if (type == RNS_PACKET_PROOF) {
        return rns_transport_take_proof(self, arrival);
    }
    if (transport_equal(destination, rns_path_request_address, RNS_PACKET_ADDRESS_BYTES)) {
        return rns_transport_take_path_request(self, arrival);
    }
    void* value = NULL;
    if (rns_table_find(&self->tables[RNS_TRANSPORT_DESTINATIONS], destination, &value) == RNS_OK) {
        if (type == RNS_PACKET_LINK_REQUEST) {
            return rns_transport_take_link_request(self, arrival);
        }
        rns_transport_deliver(self, arrival, RNS_DELIVERY_DATA, destination, NULL);
        return TRANSPORT_DELIVERED;
    }
    return rns_packet_has_transport_id(packet) ? forward(self, arrival) : TRANSPORT_NO_ROUTE;
}

/// Drop what is not for this node, too far from home or seen before; let the rest be dispatched.
static transport_outcome_t filter(rns_transport_t* self, transport_arrival_t* arrival)
{
    const rns_packet_t* const packet = &arrival->packet;
    const rns_destination_type_t kind = rns_packet_destination_type(packet);
    const bool is_near_only = kind == RNS_DESTINATION_PLAIN || kind == RNS_DESTINATION_GROUP;
    const uint32_t hops_end = is_near_only ? 1u : RNS_PACKET_HOPS_MAX;
    const uint8_t* const transport_id = rns_packet_transport_id(packet);
    if (packet->hops >= hops_end) {
        return TRANSPORT_HOPS;
    }
    arrival->hops = (uint8_t)(packet->hops + 1u);
    if (transport_id != NULL && rns_packet_type(packet) != RNS_PACKET_ANNOUNCE &&
        !transport_equal(transport_id, self->identity, RNS_PACKET_ADDRESS_BYTES)) {
        return TRANSPORT_NO_ROUTE;
    }
    rns_packet_hash(packet, self->hooks.hash, arrival->hash);
    if (!is_told_apart_by_hash(packet)) {
        return dispatch(self, arrival);
    }
    void* value = NULL;
    if (rns_table_find(&self->tables[RNS_TRANSPORT_SEEN], arrival->hash, &value) == RNS_OK) {
        return TRANSPORT_DUPLICATE;
    }
    const transport_outcome_t outcome = dispatch(self, arrival);
    if (outcome == TRANSPORT_FORWARDED || outcome == TRANSPORT_DELIVERED) {
        /* not before, so that what was dropped may be sent again */
        (void)transport_put(self, RNS_TRANSPORT_SEEN, arrival->hash, arrival->now_ns);
    }
    return outcome;
}

/// Count an outcome; return the status that tells it.
static rns_status_t conclude(rns_transport_t* self, transport_outcome_t outcome,
                             rns_status_t reason)
{
    switch (outcome) {
    case TRANSPORT_FORWARDED:
        RNS_TRANSPORT_COUNT(self, forwarded);
        return RNS_OK;
    case TRANSPORT_DELIVERED:
        RNS_TRANSPORT_COUNT(self, delivered);
        return RNS_OK;
    case TRANSPORT_ANNOUNCE:
        RNS_TRANSPORT_COUNT(self, announces);
        return RNS_OK;
    case TRANSPORT_PATH_REQUEST:
        RNS_TRANSPORT_COUNT(self, path_requests);
        return RNS_OK;
    case TRANSPORT_DUPLICATE:
        RNS_TRANSPORT_COUNT(self, duplicates);
        return RNS_MISS_PRESENT;
    case TRANSPORT_STALE:
        RNS_TRANSPORT_COUNT(self, dropped_stale);
        return RNS_MISS_PRESENT;
    case TRANSPORT_NO_ROUTE:
        RNS_TRANSPORT_COUNT(self, dropped_no_route);
        return RNS_MISS_ABSENT;
    case TRANSPORT_HOPS:
        RNS_TRANSPORT_COUNT(self, dropped_hops);
        return RNS_MISS_ABSENT;
    case TRANSPORT_TABLE_FULL:
        RNS_TRANSPORT_COUNT(self, dropped_table_full);
        return RNS_MISS_EXHAUSTED;
    case TRANSPORT_NO_MEMORY:
        RNS_TRANSPORT_COUNT(self, dropped_no_memory);
        return reason;
    case TRANSPORT_MALFORMED:
    default:
        RNS_TRANSPORT_COUNT(self, dropped_malformed);
        return reason;
    }
}

rns_status_t rns_transport_inbound_bytes(rns_transport_t* self, uint32_t interface,
                                         rns_bytes_t* raw, uint64_t now_ns)
{
    if (self->is_busy) {
        rns_bytes_clear(raw, self->store);
        return RNS_MISUSE_REENTRANT;
    }
    self->is_busy = true;
    RNS_TRANSPORT_COUNT(self, packets_in);
    RNS_TRANSPORT_ADD(self, bytes_in, raw->length);
    transport_arrival_t arrival = {.interface = interface, .now_ns = now_ns};
    const rns_packet_medium_t medium = {.mtu_bytes = self->mtu_bytes};
    arrival.status = interface < self->interface_count
                         ? rns_packet_parse(&arrival.packet, &medium, raw)
                         : RNS_INPUT_RANGE;
    const transport_outcome_t outcome =
        arrival.status == RNS_OK ? filter(self, &arrival) : TRANSPORT_MALFORMED;
    const rns_status_t status = conclude(self, outcome, arrival.status);
    rns_packet_drop(&arrival.packet, self->store);
    rns_bytes_clear(raw, self->store);
    self->is_busy = false;
    return status;
}

rns_status_t rns_transport_inbound(rns_transport_t* self, uint32_t interface, const void* data,
                                   size_t length, uint64_t now_ns)
{
    if (self->is_busy) {
        return RNS_MISUSE_REENTRANT;
    }
    rns_bytes_t raw = {0};
    const bool is_long = length > self->mtu_bytes; /* then it may not fit any slot */
    const rns_status_t status =
        is_long ? RNS_INPUT_LONG : rns_bytes_init(&raw, self->store, data, length);
    if (status == RNS_OK) {
        return rns_transport_inbound_bytes(self, interface, &raw, now_ns);
    }
    RNS_TRANSPORT_COUNT(self, packets_in);
    RNS_TRANSPORT_ADD(self, bytes_in, length);
    return conclude(self, is_long ? TRANSPORT_MALFORMED : TRANSPORT_NO_MEMORY, status);
}

/* ---- Time ----------------------------------------------------------------------------------- */

rns_status_t rns_transport_tick(rns_transport_t* self, uint64_t now_ns)
{
    if (self->is_busy) {
        return RNS_MISUSE_REENTRANT;
    }
    self->is_busy = true;
    if (now_ns >= self->next_job_ns) {
        self->next_job_ns = now_ns + self->timers.job_ns;
        rns_transport_announce_job(self, now_ns);
    }
    if (now_ns >= self->next_links_ns) {
        self->next_links_ns = now_ns + self->timers.links_ns;
        rns_transport_link_job(self, now_ns);
    }
    if (now_ns >= self->next_cull_ns) {
        self->next_cull_ns = now_ns + self->timers.cull_ns;
        rns_table_t* const tables = self->tables;
        (void)rns_table_expire(&tables[RNS_TRANSPORT_PATHS], now_ns, self->timers.path_ns, NULL);
        (void)rns_table_expire(&tables[RNS_TRANSPORT_REVERSE], now_ns, self->timers.reverse_ns,
                               NULL);
        (void)rns_table_expire(&tables[RNS_TRANSPORT_LINKS], now_ns, self->timers.link_ns, NULL);
        (void)rns_table_expire(&tables[RNS_TRANSPORT_REQUESTS], now_ns, self->timers.request_ns,
                               NULL);
    }
    self->is_busy = false;
    return RNS_OK;
}

uint64_t rns_transport_due_ns(const rns_transport_t* self)
{
    const uint64_t job_or_links =
        self->next_job_ns < self->next_links_ns ? self->next_job_ns : self->next_links_ns;
    return job_or_links < self->next_cull_ns ? job_or_links : self->next_cull_ns;
}
