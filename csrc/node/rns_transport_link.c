/* Links: in transit, where packets of both directions pass, and local. And proofs of packets,
 * which travel back likewise. */
#include "rns_transport_inline.h"

/* ---- In transit ----------------------------------------------------------------------------- */

/// Pass a packet of a link on, if it comes from one of its sides.
static transport_outcome_t pass_along(rns_transport_t* self, transport_arrival_t* arrival,
                                      transport_link_t* link)
{
    uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
    const uint32_t interface = arrival->interface;
    const bool is_from_end = interface == link->to_interface && arrival->hops == link->to_hops;
    const bool is_proof = arrival->packet.context == RNS_CONTEXT_LRPROOF;
    const bool is_from_start =
        !is_proof && interface == link->from_interface && arrival->hops == link->from_hops;
    if (!is_from_end && !is_from_start) {
        return TRANSPORT_HOPS;
    }
    transport_copy(link_id, rns_packet_destination(&arrival->packet), sizeof link_id);
    const transport_outcome_t outcome = rns_transport_pass_on(
        self, arrival, is_from_end ? link->from_interface : link->to_interface);
    if (outcome == TRANSPORT_FORWARDED) {
        link->is_proven = link->is_proven || is_proof;
        (void)transport_touch(self, RNS_TRANSPORT_LINKS, link_id, arrival->now_ns);
    }
    return outcome;
}

/* ---- Local ---------------------------------------------------------------------------------- */

/// Make a link active; false if the table refuses.
static bool activate(rns_transport_t* self, const transport_arrival_t* arrival,
                     const uint8_t* link_id)
{
    transport_active_t* const link =
        transport_put(self, RNS_TRANSPORT_ACTIVE, link_id, arrival->now_ns);
    if (link == NULL) {
        return false;
    }
    link->interface = arrival->interface;
    RNS_TRANSPORT_COUNT(self, links_opened);
    return true;
}

transport_outcome_t rns_transport_take_link_request(rns_transport_t* self,
                                                    transport_arrival_t* arrival)
{
    uint8_t link_id[RNS_PACKET_ADDRESS_BYTES];
    if (rns_packet_payload(&arrival->packet).bytes < RNS_PACKET_LINK_KEYS_BYTES) {
        return transport_fail(arrival, TRANSPORT_MALFORMED, RNS_INPUT_SHORT);
    }
    rns_packet_link_id(&arrival->packet, self->hooks.hash, link_id);
    if (!activate(self, arrival, link_id)) {
        return TRANSPORT_TABLE_FULL;
    }
    rns_transport_deliver(self, arrival, RNS_DELIVERY_LINK_REQUEST, link_id, NULL);
    return TRANSPORT_DELIVERED;
}

/// Take the proof of a link that this node asked for.
static transport_outcome_t take_link_proof(rns_transport_t* self, transport_arrival_t* arrival,
                                           const uint8_t* link_id)
{
    uint8_t unused[1];
    void* value = NULL;
    if (rns_table_find(&self->tables[RNS_TRANSPORT_PENDING], link_id, &value) != RNS_OK) {
        return TRANSPORT_NO_ROUTE;
    }
    if (!activate(self, arrival, link_id)) {
        return TRANSPORT_TABLE_FULL;
    }
    /* A value taken over is not told to the drop hook, which counts links that failed. */
    (void)transport_take(self, RNS_TRANSPORT_PENDING, link_id, unused);
    rns_transport_deliver(self, arrival, RNS_DELIVERY_LINK_PROOF, link_id, NULL);
    return TRANSPORT_DELIVERED;
}

/// Settle the receipt that a proof is for; false if there is none.
static bool settle(rns_transport_t* self, const transport_arrival_t* arrival, const uint8_t* key)
{
    transport_receipt_t receipt;
    if (!transport_take(self, RNS_TRANSPORT_RECEIPTS, key, &receipt)) {
        return false;
    }
    RNS_TRANSPORT_COUNT(self, proofs);
    rns_transport_deliver(self, arrival, RNS_DELIVERY_PROOF,
                          rns_packet_destination(&arrival->packet), receipt.hash);
    return true;
}

transport_outcome_t rns_transport_take_link(rns_transport_t* self, transport_arrival_t* arrival)
{
    const rns_packet_t* const packet = &arrival->packet;
    const uint8_t* const link_id = rns_packet_destination(packet);
    transport_link_t* const link = transport_find(self, RNS_TRANSPORT_LINKS, link_id);
    if (link != NULL) {
        return pass_along(self, arrival, link);
    }
    if (packet->context == RNS_CONTEXT_LRPROOF) {
        return take_link_proof(self, arrival, link_id);
    }
    const transport_active_t* const active = transport_find(self, RNS_TRANSPORT_ACTIVE, link_id);
    if (active == NULL || active->interface != arrival->interface) {
        return TRANSPORT_NO_ROUTE;
    }
    (void)transport_touch(self, RNS_TRANSPORT_ACTIVE, link_id, arrival->now_ns);
    rns_transport_note_resource(self, packet, false, arrival->now_ns);
    const rns_span_t payload = rns_packet_payload(packet);
    const bool is_proof = rns_packet_type(packet) == RNS_PACKET_PROOF;
    if (is_proof && packet->context == RNS_CONTEXT_NONE &&
        payload.bytes >= RNS_PACKET_HASH_BYTES && settle(self, arrival, payload.start)) {
        return TRANSPORT_DELIVERED;
    }
    const bool is_close = packet->context == RNS_CONTEXT_LINKCLOSE;
    rns_transport_deliver(
        self, arrival, is_close ? RNS_DELIVERY_LINK_CLOSE : RNS_DELIVERY_LINK_DATA, link_id, NULL);
    if (is_close) {
        (void)transport_remove(self, RNS_TRANSPORT_ACTIVE, link_id);
    }
    return TRANSPORT_DELIVERED;
}

/* ---- Proofs of packets ---------------------------------------------------------------------- */

transport_outcome_t rns_transport_take_proof(rns_transport_t* self, transport_arrival_t* arrival)
{
    const uint8_t* const hash = rns_packet_destination(&arrival->packet);
    transport_reverse_t way;
    if (transport_take(self, RNS_TRANSPORT_REVERSE, hash, &way)) {
        return way.to_interface == arrival->interface ? rns_transport_pass_on(self, arrival,
                                                                              way.from_interface)
                                                      : TRANSPORT_NO_ROUTE;
    }
    return settle(self, arrival, hash) ? TRANSPORT_DELIVERED : TRANSPORT_NO_ROUTE;
}

/* ---- Time ----------------------------------------------------------------------------------- */

typedef struct {
    rns_transport_t* self;
    uint64_t now_ns;
} link_job_t;

static bool visit_link(void* context, const void* key, void* value, uint64_t time_ns)
{
    const link_job_t* const job = context;
    const transport_link_t* const link = value;
    (void)time_ns;
    if (!link->is_proven && job->now_ns > link->proof_due_ns) {
        (void)transport_remove(job->self, RNS_TRANSPORT_LINKS, key);
    }
    return true;
}

void rns_transport_link_job(rns_transport_t* self, uint64_t now_ns)
{
    rns_table_t* const tables = self->tables;
    link_job_t job = {.self = self, .now_ns = now_ns};
    (void)rns_table_each(&tables[RNS_TRANSPORT_LINKS], visit_link, &job);
    /* Receipts and pending links are stamped with the time when they are given up. */
    (void)rns_table_expire(&tables[RNS_TRANSPORT_RECEIPTS], now_ns, 0, NULL);
    (void)rns_table_expire(&tables[RNS_TRANSPORT_PENDING], now_ns, 0, NULL);
    (void)rns_table_expire(&tables[RNS_TRANSPORT_ACTIVE], now_ns, self->timers.stale_ns, NULL);
    (void)rns_table_expire(&tables[RNS_TRANSPORT_RESOURCES_IN], now_ns, self->timers.resource_ns,
                           NULL);
    (void)rns_table_expire(&tables[RNS_TRANSPORT_RESOURCES_OUT], now_ns, self->timers.resource_ns,
                           NULL);
}
