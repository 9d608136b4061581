#include "rns_packet.h"

#define FLAG_IFAC          0x80u
#define FLAG_HEADER_2      0x40u
#define FLAG_CONTEXT       0x20u
#define FLAG_TRANSPORT     0x10u
#define FLAGS_HASHED       0x0Fu ///< Destination type and type: those that stay on the way.
#define FIXED_BYTES        2u    ///< Flags and hops.
#define FORMS_DIFFER_BYTES RNS_PACKET_ADDRESS_BYTES
#define IFAC_BYTES_MAX     64u

static void copy_bytes(uint8_t* to, const void* from, size_t count)
{
    (void)__builtin_memcpy(to, from, count);
}

/// Tell whether header form, transport, type and destination type go together.
static bool are_consistent(uint8_t flags)
{
    const bool has_id = (flags & FLAG_HEADER_2) != 0;
    const bool is_transported = (flags & FLAG_TRANSPORT) != 0;
    const uint8_t type = flags & 0x03u;
    const bool needs_single = type == RNS_PACKET_ANNOUNCE || type == RNS_PACKET_LINK_REQUEST;
    const bool is_single = (flags >> 2 & 0x03u) == RNS_DESTINATION_SINGLE;
    const bool fits_type = is_single || !needs_single;
    return has_id == is_transported && fits_type;
}

/* ---- Reading -------------------------------------------------------------------------------- */

rns_status_t rns_packet_parse(rns_packet_t* self, const rns_packet_medium_t* medium,
                              rns_bytes_t* raw)
{
    *self = (rns_packet_t){0};
    const uint8_t* const data = rns_bytes_data(raw);
    if (raw->length < FIXED_BYTES) {
        return RNS_INPUT_SHORT;
    }
    if (raw->length > medium->mtu_bytes) {
        return RNS_INPUT_LONG;
    }
    if (((data[0] & FLAG_IFAC) != 0) != (medium->ifac_bytes > 0)) {
        return RNS_INPUT_IFAC;
    }
    if (!are_consistent(data[0])) {
        return RNS_INPUT_FLAGS;
    }
    const rns_packet_t parsed = {
        .flags = data[0], .hops = data[1], .ifac_bytes = (uint8_t)medium->ifac_bytes};
    const uint32_t header_bytes = rns_packet_header_bytes(&parsed);
    if (medium->ifac_bytes > IFAC_BYTES_MAX || raw->length < header_bytes) {
        return RNS_INPUT_SHORT;
    }
    *self = parsed;
    self->context = data[header_bytes - 1u];
    self->raw = *raw;
    *raw = (rns_bytes_t){0};
    return RNS_OK;
}

/// Hash what stays the same on the way, but for the last `left_out_bytes`.
static void hash_front(const rns_packet_t* self, rns_hash_hook_t hook, size_t left_out_bytes,
                       uint8_t* out)
{
    const uint8_t flags = self->flags & FLAGS_HASHED;
    const uint8_t* const destination = rns_packet_destination(self);
    const size_t before = (size_t)(destination - rns_packet_data(self));
    const rns_span_t spans[2] = {
        {.start = &flags, .bytes = 1},
        {.start = destination, .bytes = self->raw.length - before - left_out_bytes}};
    hook.sha256(hook.context, spans, 2, out);
}

void rns_packet_hash(const rns_packet_t* self, rns_hash_hook_t hook, uint8_t* out)
{
    hash_front(self, hook, 0, out);
}

void rns_packet_link_id(const rns_packet_t* self, rns_hash_hook_t hook, uint8_t* out)
{
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    const size_t payload_bytes = rns_packet_payload(self).bytes;
    hash_front(self, hook,
               payload_bytes > RNS_PACKET_LINK_KEYS_BYTES
                   ? payload_bytes - RNS_PACKET_LINK_KEYS_BYTES
                   : 0,
               hash);
    copy_bytes(out, hash, RNS_PACKET_ADDRESS_BYTES);
}

/// Cut the next field off a span.
static rns_span_t cut(rns_span_t* rest, size_t bytes)
{
    const rns_span_t field = {.start = rest->start, .bytes = bytes};
    rest->start = (const uint8_t*)rest->start + bytes;
    rest->bytes -= bytes;
    return field;
}

rns_status_t rns_packet_announce(const rns_packet_t* self, rns_announce_t* out)
{
    *out = (rns_announce_t){0};
    if (self->raw.length == 0 || rns_packet_type(self) != RNS_PACKET_ANNOUNCE) {
        return RNS_INPUT_FLAGS;
    }
    const size_t ratchet_bytes = rns_packet_has_context_flag(self) ? RNS_PACKET_RATCHET_BYTES : 0;
    rns_span_t rest = rns_packet_payload(self);
    if (rest.bytes < RNS_PACKET_ANNOUNCE_BYTES_MIN + ratchet_bytes) {
        return RNS_INPUT_SHORT;
    }
    out->public_key = cut(&rest, RNS_PACKET_PUBLIC_KEY_BYTES);
    out->name_hash = cut(&rest, RNS_PACKET_NAME_HASH_BYTES);
    out->random_hash = cut(&rest, RNS_PACKET_RANDOM_HASH_BYTES);
    out->ratchet = cut(&rest, ratchet_bytes);
    out->signature = cut(&rest, RNS_PACKET_SIGNATURE_BYTES);
    out->app_data = rest;
    return RNS_OK;
}

/* ---- Making --------------------------------------------------------------------------------- */

rns_status_t rns_packet_build(rns_packet_t* self, rns_store_t* store,
                              const rns_packet_header_t* header, rns_bytes_t* payload)
{
    *self = (rns_packet_t){0};
    const bool has_id = header->transport_id != NULL;
    const uint32_t flags = (has_id ? FLAG_HEADER_2 | FLAG_TRANSPORT : 0u) |
                           (header->has_context_flag ? FLAG_CONTEXT : 0u) |
                           ((uint32_t)header->destination_type & 0x03u) << 2 |
                           ((uint32_t)header->type & 0x03u);
    if (!are_consistent((uint8_t)flags)) {
        return RNS_INPUT_FLAGS;
    }
    rns_packet_t built = {
        .flags = (uint8_t)flags, .hops = header->hops, .context = (uint8_t)header->context};
    uint8_t bytes[RNS_PACKET_HEADER_2_BYTES] = {built.flags, built.hops};
    const uint32_t header_bytes = rns_packet_header_bytes(&built);
    if (has_id) {
        copy_bytes(bytes + FIXED_BYTES, header->transport_id, RNS_PACKET_ADDRESS_BYTES);
    }
    copy_bytes(bytes + header_bytes - 1u - RNS_PACKET_ADDRESS_BYTES, header->destination,
               RNS_PACKET_ADDRESS_BYTES);
    bytes[header_bytes - 1u] = built.context;
    const rns_status_t status = rns_bytes_prepend(payload, store, bytes, header_bytes);
    if (status == RNS_OK) {
        built.raw = *payload;
        *payload = (rns_bytes_t){0};
        *self = built;
    }
    return status;
}

/* ---- Rewriting ------------------------------------------------------------------------------ */

/// Make the packet writable, and return its first byte; NULL, and a status, if that fails.
static uint8_t* open_header(rns_packet_t* self, rns_store_t* store, rns_status_t* status)
{
    uint8_t* data = NULL;
    *status = rns_bytes_writable(&self->raw, store, self->raw.length, &data);
    return data;
}

rns_status_t rns_packet_set_hops(rns_packet_t* self, rns_store_t* store, uint8_t hops)
{
    rns_status_t status = RNS_OK;
    uint8_t* const data = open_header(self, store, &status);
    if (data != NULL) {
        data[1] = hops;
        self->hops = hops;
    }
    return status;
}

rns_status_t rns_packet_set_context(rns_packet_t* self, rns_store_t* store,
                                    rns_packet_context_t context)
{
    rns_status_t status = RNS_OK;
    uint8_t* const data = open_header(self, store, &status);
    if (data != NULL) {
        data[rns_packet_header_bytes(self) - 1u] = (uint8_t)context;
        self->context = (uint8_t)context;
    }
    return status;
}

/// Move the front of the packet by the 16 bytes in which its forms differ; flags and hops are
/// indeterminate then.
static rns_status_t change_form(rns_packet_t* self, rns_store_t* store)
{
    static const uint8_t room[FORMS_DIFFER_BYTES] = {0};
    if (!rns_packet_has_transport_id(self)) {
        return rns_bytes_prepend(&self->raw, store, room, FORMS_DIFFER_BYTES);
    }
    rns_bytes_t rest = self->raw; /* the same reference with a later beginning */
    uint8_t* data = NULL;
    rest.offset += FORMS_DIFFER_BYTES;
    rest.length -= FORMS_DIFFER_BYTES;
    const rns_status_t status = rns_bytes_writable(&rest, store, rest.length, &data);
    if (status == RNS_OK) {
        self->raw = rest;
    }
    return status;
}

rns_status_t rns_packet_set_route(rns_packet_t* self, rns_store_t* store, uint8_t hops,
                                  const uint8_t* transport_id)
{
    uint8_t id[RNS_PACKET_ADDRESS_BYTES] = {0};
    if (self->ifac_bytes > 0) {
        return RNS_INPUT_IFAC;
    }
    if (transport_id != NULL) { /* it may lie in the buffer that is about to change */
        copy_bytes(id, transport_id, sizeof id);
    }
    rns_status_t status = RNS_OK;
    if (rns_packet_has_transport_id(self) != (transport_id != NULL)) {
        status = change_form(self, store);
    }
    uint8_t* const data = status == RNS_OK ? open_header(self, store, &status) : NULL;
    if (data == NULL) {
        return status;
    }
    const uint8_t form = FLAG_HEADER_2 | FLAG_TRANSPORT;
    self->flags = (uint8_t)((self->flags & ~(uint32_t)form) | (transport_id != NULL ? form : 0u));
    self->hops = hops;
    data[0] = self->flags;
    data[1] = self->hops;
    if (transport_id != NULL) {
        copy_bytes(data + FIXED_BYTES, id, sizeof id);
    }
    return RNS_OK;
}

rns_status_t rns_packet_remove_ifac(rns_packet_t* self, rns_store_t* store)
{
    if (self->ifac_bytes == 0) {
        return RNS_OK;
    }
    rns_bytes_t rest = self->raw;
    uint8_t* data = NULL;
    rest.offset += self->ifac_bytes;
    rest.length -= self->ifac_bytes;
    const rns_status_t status = rns_bytes_writable(&rest, store, rest.length, &data);
    if (status == RNS_OK) {
        self->raw = rest;
        self->ifac_bytes = 0;
        self->flags &= (uint8_t)~FLAG_IFAC;
        data[0] = self->flags;
        data[1] = self->hops;
    }
    return status;
}

rns_status_t rns_packet_add_ifac(rns_packet_t* self, rns_store_t* store, rns_span_t code)
{
    uint8_t front[FIXED_BYTES + IFAC_BYTES_MAX];
    const bool fits = code.bytes > 0 && code.bytes <= IFAC_BYTES_MAX;
    if (self->ifac_bytes > 0 || !fits) {
        return RNS_INPUT_IFAC;
    }
    front[0] = (uint8_t)(self->flags | FLAG_IFAC);
    front[1] = self->hops;
    copy_bytes(front + FIXED_BYTES, code.start, code.bytes);
    const rns_status_t status = rns_bytes_prepend(&self->raw, store, front, code.bytes);
    if (status != RNS_OK) {
        return status;
    }
    self->flags = front[0];
    self->ifac_bytes = (uint8_t)code.bytes;
    /* In place: what was prepended to is unique. */
    copy_bytes(rns_buffer_bytes(self->raw.buffer) + self->raw.offset, front,
               FIXED_BYTES + code.bytes);
    return RNS_OK;
}

/* ---- Check ---------------------------------------------------------------------------------- */

rns_damage_t rns_packet_check(const rns_packet_t* self)
{
    const rns_damage_t damage = {.status = RNS_DAMAGE_INVARIANT, .invariant = "I18"};
    if (self->raw.length == 0) {
        const uint32_t fields = self->flags | (uint32_t)self->hops;
        if ((fields | self->context | self->ifac_bytes) != 0) {
            return damage;
        }
        return (rns_damage_t){0};
    }
    const uint8_t* const data = rns_bytes_data(&self->raw);
    if (self->raw.length < rns_packet_header_bytes(self) || !are_consistent(self->flags)) {
        return damage;
    }
    const bool is_same = data[0] == self->flags && data[1] == self->hops;
    const bool has_ifac = (self->flags & FLAG_IFAC) != 0;
    if (!is_same || has_ifac != (self->ifac_bytes > 0) ||
        data[rns_packet_header_bytes(self) - 1u] != self->context) {
        return damage;
    }
    return (rns_damage_t){0};
}
