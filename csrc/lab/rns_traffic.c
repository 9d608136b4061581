#include "rns_traffic_parts.h"

#include <string.h>

static void count_lost(rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    if (letter->header.destination_type == RNS_DESTINATION_LINK) {
        self->stats.without_link += 1u;
    } else if (letter->header.type == RNS_PACKET_PROOF) {
        self->stats.without_packet += 1u;
    } else {
        self->stats.without_destination += 1u;
    }
}

/* ---- Into the buffer ------------------------------------------------------------------------ */

/// Write bytes and return where they end. What begins a packet always fits the buffer; a row that
/// is too short for its kind is cut when it is sent.
static uint32_t write(uint8_t* buffer, uint32_t at, const void* start, size_t bytes)
{
    memcpy(buffer + at, start, bytes);
    return at + (uint32_t)bytes;
}

static uint32_t write_header(const rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    const rns_packet_header_t* const header = &letter->header;
    const bool is_second = header->transport_id != NULL;
    const uint32_t flags = (is_second ? 0x50u : 0u) | (uint32_t)header->destination_type << 2 |
                           (uint32_t)header->type;
    self->buffer[0] = (uint8_t)flags;
    self->buffer[1] = header->hops;
    uint32_t at = 2;
    if (is_second) {
        at = write(self->buffer, at, header->transport_id, RNS_PACKET_ADDRESS_BYTES);
    }
    at = write(self->buffer, at, self->address, RNS_PACKET_ADDRESS_BYTES);
    return write(self->buffer, at, &letter->row->context, 1);
}

static uint32_t write_letter(rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    uint32_t length = letter->row->length;
    uint32_t at = 0;
    if (letter->is_order) {
        length -= length < RNS_PACKET_HEADER_1_BYTES ? length : RNS_PACKET_HEADER_1_BYTES;
    }
    rns_traffic_fill(self, self->buffer, length);
    if (!letter->is_order) {
        at = write_header(self, letter);
    }
    for (uint32_t i = 0; i < letter->content_count; ++i) {
        at = write(self->buffer, at, letter->content[i].start, letter->content[i].bytes);
    }
    return length;
}

/// Hash the frame in the buffer as every node does: without what changes on the way.
static void hash_frame(const rns_traffic_t* self, uint32_t length, uint8_t* out)
{
    const uint8_t flags = self->buffer[0] & 0x0Fu;
    const uint32_t from = (self->buffer[0] & 0x40u) != 0 ? 2u + RNS_PACKET_ADDRESS_BYTES : 2u;
    const rns_span_t spans[] = {{&flags, 1},
                                {self->buffer + from, length > from ? length - from : 0}};
    self->hash.sha256(self->hash.context, spans, 2, out);
}

/* ---- What follows --------------------------------------------------------------------------- */

static bool is_provable(const rns_traffic_letter_t* letter)
{
    const uint8_t context = letter->row->context;
    const bool is_kind = context == RNS_CONTEXT_NONE || context == RNS_CONTEXT_CHANNEL;
    return letter->is_found && letter->header.type == RNS_PACKET_DATA && is_kind &&
           letter->header.destination_type != RNS_DESTINATION_PLAIN;
}

/// Keep what a link or a proof will need once the packet has gone out or come in.
static void expect(rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    const bool is_on_link = letter->header.destination_type == RNS_DESTINATION_LINK;
    self->is_link_asked = letter->is_found && letter->header.type == RNS_PACKET_LINK_REQUEST;
    self->is_provable = is_provable(letter);
    self->sending = (rns_traffic_unproven_t){
        .interface = (uint8_t)(self->is_leaf ? 0 : 1u - letter->interface),
        .is_on_link = is_on_link,
        .is_own = letter->is_order};
    memcpy(self->sending.link_id, self->address, RNS_PACKET_ADDRESS_BYTES);
}

void rns_traffic_sent(rns_traffic_t* self, const uint8_t* hash)
{
    if (self->is_link_asked) {
        rns_traffic_link_t link = {.is_own = self->sending.is_own};
        link.interface = self->is_leaf ? 0 : 1u - self->sending.interface;
        memcpy(link.id, hash, RNS_PACKET_ADDRESS_BYTES);
        rns_traffic_add_link(self, &link);
    } else if (self->is_provable) {
        memcpy(self->sending.hash, hash, RNS_PACKET_HASH_BYTES);
        rns_traffic_add_unproven(self, &self->sending);
    }
}

static rns_traffic_step_t deliver(rns_traffic_t* self, const rns_traffic_letter_t* letter)
{
    uint32_t length = letter->row->length;
    if (self->is_link_asked || self->is_provable) {
        uint8_t hash[RNS_PACKET_HASH_BYTES];
        const uint32_t header_bytes = letter->header.transport_id != NULL
                                          ? RNS_PACKET_HEADER_2_BYTES
                                          : RNS_PACKET_HEADER_1_BYTES;
        const uint32_t keys_end = header_bytes + RNS_PACKET_LINK_KEYS_BYTES;
        length = self->is_link_asked && length > keys_end ? keys_end : length;
        hash_frame(self, length, hash);
        rns_traffic_sent(self, hash);
    }
    return (rns_traffic_step_t){
        .act = RNS_TRAFFIC_FRAME, .interface = letter->interface, .length = letter->row->length};
}

static rns_traffic_step_t order(const rns_traffic_t* self, const rns_traffic_letter_t* letter,
                                uint32_t length)
{
    const rns_packet_header_t* const header = &letter->header;
    const bool is_path_request = header->destination_type == RNS_DESTINATION_PLAIN;
    return (rns_traffic_step_t){
        .act = is_path_request ? RNS_TRAFFIC_ASK : RNS_TRAFFIC_ORDER,
        .length = length,
        .order = {.type = header->type,
                  .destination_type = header->destination_type,
                  .context = (rns_packet_context_t)letter->row->context,
                  .address = is_path_request ? self->buffer : self->address,
                  .interface = letter->interface}};
}

/// Tell whether a row is put into the node (see the file comment of rns_traffic.h).
static bool is_input(const rns_traffic_t* self, const rns_traffic_row_t* row)
{
    const bool is_part = row->type == RNS_PACKET_DATA && row->context == RNS_CONTEXT_RESOURCE;
    const rns_direction_t order = is_part ? RNS_TRAFFIC_OUT : RNS_TRAFFIC_PACK;
    return row->direction == RNS_TRAFFIC_IN || (self->is_leaf && row->direction == order);
}

rns_traffic_step_t rns_traffic_step(rns_traffic_t* self, size_t row_index)
{
    const rns_traffic_row_t* const row = &self->rows[row_index];
    if (!is_input(self, row)) {
        return (rns_traffic_step_t){.act = RNS_TRAFFIC_NOTHING};
    }
    rns_traffic_letter_t letter = {.row = row, .is_order = row->direction != RNS_TRAFFIC_IN};
    letter.header.type = (rns_packet_type_t)row->type;
    letter.header.hops = self->is_leaf ? 1u : 0u;
    rns_traffic_fill(self, self->address, sizeof self->address);
    rns_traffic_find(self, &letter);
    if (!letter.is_found) {
        count_lost(self, &letter);
    }
    const uint32_t length = write_letter(self, &letter);
    expect(self, &letter);
    return letter.is_order ? order(self, &letter, length) : deliver(self, &letter);
}

void rns_traffic_begin(rns_traffic_t* self)
{
    rns_traffic_fill(self, self->neighbour, sizeof self->neighbour);
    /* All of them now: a path request may ask for one that is not there yet. */
    for (size_t i = 0; i < self->row_count; ++i) {
        const rns_traffic_row_t* const row = &self->rows[i];
        if (row->type == RNS_PACKET_ANNOUNCE && is_input(self, row)) {
            (void)rns_traffic_announced_by(self, row);
        }
        self->has_answers = self->has_answers ||
                            (row->direction == RNS_TRAFFIC_OUT && row->type == RNS_PACKET_DATA);
    }
    for (uint32_t i = 0; i < self->destination_count; ++i) {
        self->destinations[i].is_others_turn = false;
    }
}
