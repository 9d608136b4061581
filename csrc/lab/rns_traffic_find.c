#include "rns_traffic_parts.h"

#include <string.h>

#define ADDED_BY_HEADER_2  (RNS_PACKET_HEADER_2_BYTES - RNS_PACKET_HEADER_1_BYTES)
#define LINK_DATA_MIN      83u  ///< Header 1, a token, one block.
#define EXPLICIT_PROOF_MIN 115u ///< Header 1, a hash, a signature.
#define ANSWER_ROWS        4u   ///< How far on the log tells how a packet went out.
#define KEEPALIVE          0xFFu
#define KEEPALIVE_ANSWER   0xFEu

/// Where DATA without context goes.
typedef enum { TO_NOBODY, TO_DESTINATION, TO_LINK } aim_t;

static void put(rns_traffic_letter_t* letter, const void* start, size_t bytes)
{
    letter->content[letter->content_count++] = (rns_span_t){.start = start, .bytes = bytes};
}

static void address_to(rns_traffic_t* self, rns_traffic_letter_t* letter,
                       rns_destination_type_t type, const uint8_t* address)
{
    letter->is_found = true;
    letter->header.destination_type = type;
    memcpy(self->address, address, RNS_PACKET_ADDRESS_BYTES);
}

/* ---- Announces and path requests ------------------------------------------------------------ */

/// Tell whether an announce comes from the leaf's transport node: if it is long enough for that.
static bool is_passed_on(const rns_traffic_t* self, const rns_traffic_row_t* row)
{
    return self->is_leaf && row->direction == RNS_TRAFFIC_IN &&
           row->length >= RNS_PACKET_HEADER_2_BYTES + RNS_PACKET_ANNOUNCE_BYTES_MIN;
}

uint32_t rns_traffic_announced_by(rns_traffic_t* self, const rns_traffic_row_t* row)
{
    const uint32_t header_bytes =
        is_passed_on(self, row) ? RNS_PACKET_HEADER_2_BYTES : RNS_PACKET_HEADER_1_BYTES;
    const uint32_t least_bytes = header_bytes + RNS_PACKET_ANNOUNCE_BYTES_MIN;
    const uint32_t app_bytes = row->length > least_bytes ? row->length - least_bytes : 0;
    return rns_traffic_destination(self, app_bytes, row->direction == RNS_TRAFFIC_PACK);
}

static void announce(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    const uint32_t index = rns_traffic_announced_by(self, letter->row);
    const rns_traffic_destination_t* const destination = &self->destinations[index];
    if (!destination->is_own) {
        rns_traffic_announced(self, index);
    }
    letter->interface = destination->interface;
    letter->header.transport_id = is_passed_on(self, letter->row) ? self->neighbour : NULL;
    address_to(self, letter, RNS_DESTINATION_SINGLE, destination->address);
    /* The second half is when it was emitted, which makes the later of two the better one. */
    rns_traffic_fill(self, letter->emission, 5u);
    uint64_t seconds = (uint64_t)letter->row->t_ns / 1000000000u;
    for (uint32_t i = RNS_PACKET_RANDOM_HASH_BYTES; i-- > 5u; seconds >>= 8) {
        letter->emission[i] = (uint8_t)seconds;
    }
    put(letter, destination->public_key, RNS_PACKET_PUBLIC_KEY_BYTES);
    put(letter, destination->name_hash, RNS_PACKET_NAME_HASH_BYTES);
    put(letter, letter->emission, RNS_PACKET_RANDOM_HASH_BYTES);
}

static void path_request(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    address_to(self, letter, RNS_DESTINATION_PLAIN, rns_path_request_address);
    if (self->destination_count > 0) {
        const rns_traffic_destination_t* const wanted =
            &self->destinations[rns_traffic_draw(self, self->destination_count)];
        letter->interface = self->is_leaf ? 0 : 1u - wanted->interface;
        put(letter, wanted->address, RNS_PACKET_ADDRESS_BYTES);
    }
}

/* ---- To a destination ----------------------------------------------------------------------- */

static void to_destination(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    const bool is_to_own = self->is_leaf && !letter->is_order;
    const rns_traffic_destination_t* const destination =
        is_to_own ? rns_traffic_draw_own(self) : rns_traffic_draw_destination(self);
    if (destination == NULL) {
        return;
    }
    address_to(self, letter, RNS_DESTINATION_SINGLE, destination->address);
    if (!self->is_leaf) {
        letter->interface = 1u - destination->interface;
        letter->header.transport_id = self->identity;
    }
}

/* ---- On a link ------------------------------------------------------------------------------ */

static void on_link(rns_traffic_t* self, rns_traffic_letter_t* letter,
                    const rns_traffic_link_t* link, bool is_by_initiator)
{
    address_to(self, letter, RNS_DESTINATION_LINK, link->id);
    letter->interface = self->is_leaf || is_by_initiator ? link->interface : 1u - link->interface;
}

/// Tell whether the initiator of `link` sends; `is_by_initiator` is of one in transit.
static bool is_sent_by_initiator(const rns_traffic_t* self, const rns_traffic_letter_t* letter,
                                 const rns_traffic_link_t* link, bool is_by_initiator)
{
    return self->is_leaf ? letter->is_order == link->is_own : is_by_initiator;
}

static void link_proof(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    letter->header.destination_type = RNS_DESTINATION_LINK;
    rns_traffic_link_t* const link =
        rns_traffic_next_link(self, false, self->is_leaf && !letter->is_order);
    if (link != NULL) {
        link->is_proven = true;
        on_link(self, letter, link, false);
    }
}

static void keepalive(rns_traffic_t* self, rns_traffic_letter_t* letter, rns_traffic_link_t* link)
{
    static const uint8_t contents[] = {KEEPALIVE_ANSWER, KEEPALIVE};
    const bool is_asking = is_sent_by_initiator(self, letter, link, !link->is_asked);
    link->is_asked = is_asking;
    on_link(self, letter, link, is_asking);
    put(letter, &contents[is_asking ? 1 : 0], 1);
}

static bool is_from_sender(uint8_t context)
{
    return context != RNS_CONTEXT_RESOURCE_REQ && context != RNS_CONTEXT_RESOURCE_PRF &&
           context != RNS_CONTEXT_RESOURCE_RCL;
}

static bool is_last(uint8_t context)
{
    return context == RNS_CONTEXT_RESOURCE_PRF || context == RNS_CONTEXT_RESOURCE_RCL ||
           context == RNS_CONTEXT_RESOURCE_ICL;
}

/// Find the latest transfer that the packet may belong to: in transit any of them.
static rns_traffic_transfer_t* transfer_of(rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    for (uint32_t i = self->transfer_count; i-- > 0;) {
        rns_traffic_transfer_t* const transfer = &self->transfers[i];
        const bool is_by_initiator =
            is_from_sender(letter->row->context) == transfer->is_from_initiator;
        const rns_traffic_link_t* const link = rns_traffic_link_of(self, transfer);
        if (is_sent_by_initiator(self, letter, link, is_by_initiator) == is_by_initiator) {
            return transfer;
        }
    }
    return NULL;
}

static void resource(rns_traffic_t* self, rns_traffic_letter_t* letter,
                     const rns_traffic_link_t* drawn)
{
    const uint8_t context = letter->row->context;
    const bool is_either = rns_traffic_draw(self, 2) == 0;
    if (context == RNS_CONTEXT_RESOURCE_ADV) {
        const bool is_by_initiator = is_sent_by_initiator(self, letter, drawn, is_either);
        rns_traffic_add_transfer(self, drawn, is_by_initiator);
    }
    rns_traffic_transfer_t* const transfer = transfer_of(self, letter);
    if (transfer == NULL) {
        on_link(self, letter, drawn, is_sent_by_initiator(self, letter, drawn, is_either));
        return;
    }
    on_link(self, letter, rns_traffic_link_of(self, transfer),
            is_from_sender(context) == transfer->is_from_initiator);
    if (is_last(context)) {
        rns_traffic_remove_transfer(self, transfer);
    }
}

static void link_data(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    const uint8_t context = letter->row->context;
    const bool is_rtt = context == RNS_CONTEXT_LRRTT;
    letter->header.destination_type = RNS_DESTINATION_LINK;
    rns_traffic_link_t* const link =
        is_rtt ? rns_traffic_next_link(self, true, letter->is_order) : rns_traffic_draw_link(self);
    if (link == NULL) {
        return;
    }
    if (context == RNS_CONTEXT_KEEPALIVE) {
        keepalive(self, letter, link);
    } else if (context >= RNS_CONTEXT_RESOURCE && context <= RNS_CONTEXT_RESOURCE_RCL) {
        resource(self, letter, link);
    } else {
        bool is_by_initiator = is_rtt || context == RNS_CONTEXT_REQUEST;
        is_by_initiator = is_by_initiator || context == RNS_CONTEXT_LINKIDENTIFY;
        if (!is_by_initiator && context != RNS_CONTEXT_RESPONSE) {
            is_by_initiator = rns_traffic_draw(self, 2) == 0;
        }
        on_link(self, letter, link, is_sent_by_initiator(self, letter, link, is_by_initiator));
    }
    if (context == RNS_CONTEXT_LINKCLOSE) {
        rns_traffic_remove_link(self, link);
    }
}

/* ---- Proofs --------------------------------------------------------------------------------- */

static void proof(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    const bool is_explicit = letter->row->length >= EXPLICIT_PROOF_MIN;
    rns_traffic_unproven_t* const proven = &letter->proven;
    if (!rns_traffic_take_unproven(self, is_explicit, self->is_leaf && !letter->is_order,
                                   proven)) {
        return;
    }
    letter->interface = proven->interface;
    if (proven->is_on_link) {
        address_to(self, letter, RNS_DESTINATION_LINK, proven->link_id);
    } else {
        address_to(self, letter, RNS_DESTINATION_SINGLE, proven->hash);
    }
    if (is_explicit) {
        put(letter, proven->hash, RNS_PACKET_HASH_BYTES);
    }
}

/* ---- Which of them -------------------------------------------------------------------------- */

/// Tell where DATA without context goes (see the file comment of rns_traffic.h).
static aim_t aim_of(rns_traffic_t* self, const rns_traffic_row_t* row)
{
    if (self->is_leaf && row->direction == RNS_TRAFFIC_IN) {
        return self->link_count > 0 ? TO_LINK : TO_DESTINATION;
    }
    if (!self->has_answers) {
        return self->link_count > 0 && rns_traffic_draw(self, 2) == 0 ? TO_LINK : TO_DESTINATION;
    }
    const size_t index = (size_t)(row - self->rows);
    for (size_t i = index + 1u; i < self->row_count && i <= index + ANSWER_ROWS; ++i) {
        const rns_traffic_row_t* const out = &self->rows[i];
        const bool is_kind = out->type == row->type && out->context == row->context;
        if (out->direction == RNS_TRAFFIC_OUT && is_kind && out->length == row->length) {
            return TO_LINK;
        }
        if (out->direction == RNS_TRAFFIC_OUT && is_kind &&
            (out->length + ADDED_BY_HEADER_2 == row->length ||
             row->length + ADDED_BY_HEADER_2 == out->length)) {
            return TO_DESTINATION;
        }
    }
    return TO_NOBODY;
}

static void data(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    if (letter->row->context != RNS_CONTEXT_NONE) {
        link_data(self, letter);
    } else if (letter->row->length < LINK_DATA_MIN) {
        path_request(self, letter);
    } else {
        const aim_t aim = aim_of(self, letter->row);
        if (aim == TO_DESTINATION) {
            to_destination(self, letter);
        } else if (aim == TO_LINK) {
            link_data(self, letter);
        }
    }
}

void rns_traffic_find(rns_traffic_t* self, rns_traffic_letter_t* letter)
{
    const uint8_t context = letter->row->context;
    switch ((rns_packet_type_t)letter->row->type) {
    case RNS_PACKET_ANNOUNCE:
        announce(self, letter);
        break;
    case RNS_PACKET_LINK_REQUEST:
        to_destination(self, letter);
        break;
    case RNS_PACKET_PROOF:
        if (context == RNS_CONTEXT_LRPROOF) {
            link_proof(self, letter);
        } else if (context == RNS_CONTEXT_RESOURCE_PRF) {
            link_data(self, letter);
        } else {
            proof(self, letter);
        }
        break;
    case RNS_PACKET_DATA:
        data(self, letter);
        break;
    }
}
