/// @file rns_packet.h
/// A Reticulum packet over Bytes: its header read and rewritten where it lies.
///
/// Owns: one handle of the whole packet, and the meaning of its first bytes.
/// Does not: encrypt, sign or verify, nor compute access codes: what follows the header is of the
/// right length and otherwise opaque. SHA-256 comes from the caller (rns_hash_hook_t).
///
/// Layout: flags, hops, [access code], [transport id 16], destination 16, context, payload. Header
/// 2 has the transport id (next hop), header 1 has not. Source: Reticulum 1.4.2, RNS/Packet.py.
///
/// No field is copied out: destination, transport id and payload are read in the buffer, and
/// rns_packet_slice() makes any of them a Bytes that shares it. A packet holds no slice of itself,
/// so that its header is changed in place as long as nobody else shares the buffer; else the
/// change copies the packet.
///
/// Cost: parse is O(1) and takes nothing; the rewriting functions are O(1) in place, O(length)
/// where they copy. On every status but RNS_OK packet and arguments are as they were, and what is
/// being made is empty.
///
/// Threads: as rns_bytes_t.
///
/// Invariants:
///   I18  raw is empty and every field 0, or raw holds the header of its form, and the fields are
///        those in it.
#ifndef RNS_PACKET_H
#define RNS_PACKET_H

#include "rns_bytes.h"

#define RNS_PACKET_MTU_BYTES          500u
#define RNS_PACKET_HEADER_1_BYTES     19u
#define RNS_PACKET_HEADER_2_BYTES     35u
#define RNS_PACKET_HASH_BYTES         32u ///< SHA-256.
#define RNS_PACKET_ADDRESS_BYTES      16u ///< The front of one: destination, link, identity.
#define RNS_PACKET_HOPS_MAX           128u
#define RNS_PACKET_PUBLIC_KEY_BYTES   64u
#define RNS_PACKET_NAME_HASH_BYTES    10u
#define RNS_PACKET_RANDOM_HASH_BYTES  10u
#define RNS_PACKET_RATCHET_BYTES      32u
#define RNS_PACKET_SIGNATURE_BYTES    64u
#define RNS_PACKET_ANNOUNCE_BYTES_MIN 148u ///< Payload without ratchet and application data.
#define RNS_PACKET_LINK_KEYS_BYTES    64u  ///< Payload of a link request; signalling may follow.

typedef enum {
    RNS_PACKET_DATA = 0,
    RNS_PACKET_ANNOUNCE = 1,
    RNS_PACKET_LINK_REQUEST = 2,
    RNS_PACKET_PROOF = 3,
} rns_packet_type_t;

typedef enum {
    RNS_DESTINATION_SINGLE = 0,
    RNS_DESTINATION_GROUP = 1,
    RNS_DESTINATION_PLAIN = 2,
    RNS_DESTINATION_LINK = 3,
} rns_destination_type_t;

/// What a packet is for. Others than these are carried as they are.
typedef enum {
    RNS_CONTEXT_NONE = 0x00,
    RNS_CONTEXT_RESOURCE = 0x01,
    RNS_CONTEXT_RESOURCE_ADV = 0x02,
    RNS_CONTEXT_RESOURCE_REQ = 0x03,
    RNS_CONTEXT_RESOURCE_HMU = 0x04,
    RNS_CONTEXT_RESOURCE_PRF = 0x05,
    RNS_CONTEXT_RESOURCE_ICL = 0x06,
    RNS_CONTEXT_RESOURCE_RCL = 0x07,
    RNS_CONTEXT_CACHE_REQUEST = 0x08,
    RNS_CONTEXT_REQUEST = 0x09,
    RNS_CONTEXT_RESPONSE = 0x0A,
    RNS_CONTEXT_PATH_RESPONSE = 0x0B,
    RNS_CONTEXT_COMMAND = 0x0C,
    RNS_CONTEXT_COMMAND_STATUS = 0x0D,
    RNS_CONTEXT_CHANNEL = 0x0E,
    RNS_CONTEXT_KEEPALIVE = 0xFA,
    RNS_CONTEXT_LINKIDENTIFY = 0xFB,
    RNS_CONTEXT_LINKCLOSE = 0xFC,
    RNS_CONTEXT_LINKPROOF = 0xFD,
    RNS_CONTEXT_LRRTT = 0xFE,
    RNS_CONTEXT_LRPROOF = 0xFF,
} rns_packet_context_t;

/// What the two ends of an interface agree on.
typedef struct {
    uint32_t mtu_bytes;
    uint32_t ifac_bytes; ///< Of the access code that each packet carries; 0: none does.
} rns_packet_medium_t;

/// A header to be built.
typedef struct {
    rns_packet_type_t type;
    rns_destination_type_t destination_type;
    rns_packet_context_t context;
    bool has_context_flag; ///< Of an announce: it has a ratchet.
    uint8_t hops;
    const uint8_t* destination;  ///< RNS_PACKET_ADDRESS_BYTES.
    const uint8_t* transport_id; ///< Likewise, for header 2; NULL for header 1.
} rns_packet_header_t;

/// A packet; all zero is none.
typedef struct {
    rns_bytes_t raw; ///< All of it. To be read; written to only by the functions below.
    uint8_t flags;
    uint8_t hops;
    uint8_t context;    ///< A rns_packet_context_t, or a number that has no name yet.
    uint8_t ifac_bytes; ///< Of the access code that is still in it.
} rns_packet_t;

/// SHA-256 of spans that follow one another, so that nothing is put together for it.
typedef struct {
    void (*sha256)(void* context, const rns_span_t* spans, size_t count,
                   uint8_t out[RNS_PACKET_HASH_BYTES]);
    void* context;
} rns_hash_hook_t;

/* ---- Reading -------------------------------------------------------------------------------- */

static inline rns_packet_type_t rns_packet_type(const rns_packet_t* self)
{
    return (rns_packet_type_t)(self->flags & 0x03u);
}

static inline rns_destination_type_t rns_packet_destination_type(const rns_packet_t* self)
{
    return (rns_destination_type_t)(self->flags >> 2 & 0x03u);
}

/// Tell whether the packet has header 2.
static inline bool rns_packet_has_transport_id(const rns_packet_t* self)
{
    return (self->flags & 0x40u) != 0;
}

static inline bool rns_packet_has_context_flag(const rns_packet_t* self)
{
    return (self->flags & 0x20u) != 0;
}

/// Return the number of bytes in front of the payload.
static inline uint32_t rns_packet_header_bytes(const rns_packet_t* self)
{
    return self->ifac_bytes + (rns_packet_has_transport_id(self) ? RNS_PACKET_HEADER_2_BYTES
                                                                 : RNS_PACKET_HEADER_1_BYTES);
}

/// Return the first byte. No packet of which this or what lies behind it is asked is empty.
static inline const uint8_t* rns_packet_data(const rns_packet_t* self)
{
    return rns_buffer_bytes(self->raw.buffer) + self->raw.offset;
}

/// Return the destination, RNS_PACKET_ADDRESS_BYTES inside the packet.
static inline const uint8_t* rns_packet_destination(const rns_packet_t* self)
{
    return rns_packet_data(self) + rns_packet_header_bytes(self) - 1u - RNS_PACKET_ADDRESS_BYTES;
}

/// Return the transport id as rns_packet_destination(); NULL if it has none.
static inline const uint8_t* rns_packet_transport_id(const rns_packet_t* self)
{
    return rns_packet_has_transport_id(self) ? rns_packet_data(self) + self->ifac_bytes + 2u
                                             : NULL;
}

/// Return where the payload lies in the packet.
static inline rns_span_t rns_packet_payload(const rns_packet_t* self)
{
    const uint32_t header_bytes = rns_packet_header_bytes(self);
    return (rns_span_t){.start = rns_packet_data(self) + header_bytes,
                        .bytes = self->raw.length - header_bytes};
}

/// Return a part of the packet as Bytes that share its buffer.
///
/// @param part  Inside the packet: its payload, or a field of its announce.
///
/// Counts: slices by one, unless empty.  Cost: O(1).
RNS_MUST_USE static inline rns_bytes_t rns_packet_slice(const rns_packet_t* self,
                                                        rns_store_t* store, rns_span_t part)
{
    const uint8_t* const start = part.start;
    const size_t from = part.bytes == 0 ? 0 : (size_t)(start - rns_packet_data(self));
    return rns_bytes_slice(&self->raw, store, from, part.bytes);
}

/// Compute the hash of what stays the same on the way: all but hops, transport id and the flags
/// that say how the packet travels.
///
/// @param out  Receives RNS_PACKET_HASH_BYTES; the first RNS_PACKET_ADDRESS_BYTES are the
///             truncated hash.
void rns_packet_hash(const rns_packet_t* self, rns_hash_hook_t hook, uint8_t* out);

/// Compute the id of the link that a link request asks for: its truncated hash, but for what
/// follows the keys.
///
/// @param out  Receives RNS_PACKET_ADDRESS_BYTES.
void rns_packet_link_id(const rns_packet_t* self, rns_hash_hook_t hook, uint8_t* out);

/// The parts of an announce, where they lie in its packet.
typedef struct {
    rns_span_t public_key;
    rns_span_t name_hash;
    rns_span_t random_hash; ///< 5 random bytes, then the time of emission in seconds, big-endian.
    rns_span_t ratchet;     ///< Empty without the context flag.
    rns_span_t signature;
    rns_span_t app_data;
} rns_announce_t;

/// Find the parts of an announce; nothing is verified.
///
/// @param out  Receives them; empty unless RNS_OK is returned.
///
/// @retval RNS_INPUT_FLAGS  The packet is no announce.
/// @retval RNS_INPUT_SHORT  Its payload does not hold them.
RNS_MUST_USE rns_status_t rns_packet_announce(const rns_packet_t* self, rns_announce_t* out);

/* ---- Making --------------------------------------------------------------------------------- */

/// Read the header of received bytes.
///
/// @param self    Uninitialised; empty unless RNS_OK is returned.
/// @param medium  What it was received from.
/// @param raw     Moved into the packet: empty if RNS_OK is returned.
///
/// @retval RNS_INPUT_SHORT  Less than the header that the flags name, access code included.
/// @retval RNS_INPUT_LONG   Above the MTU.
/// @retval RNS_INPUT_IFAC   An access code where the medium has none, or none where it has.
/// @retval RNS_INPUT_FLAGS  Header 2 without transport or the reverse, or an announce or a link
///                          request whose destination is not SINGLE.
RNS_MUST_USE rns_status_t rns_packet_parse(rns_packet_t* self, const rns_packet_medium_t* medium,
                                           rns_bytes_t* raw);

/// Put a header in front of a payload: in place where the payload is unique and has headroom.
///
/// @param self     Uninitialised; empty unless RNS_OK is returned.
/// @param payload  Moved into the packet: empty if RNS_OK is returned.
///
/// @retval RNS_INPUT_FLAGS     As rns_packet_parse().
/// @retval RNS_MISS_EXHAUSTED, RNS_MISS_OVERSIZE  A buffer was needed.
RNS_MUST_USE rns_status_t rns_packet_build(rns_packet_t* self, rns_store_t* store,
                                           const rns_packet_header_t* header,
                                           rns_bytes_t* payload);

/// Return another handle of the packet.
RNS_MUST_USE static inline rns_packet_t rns_packet_share(const rns_packet_t* self,
                                                         rns_store_t* store)
{
    rns_packet_t other = *self;
    other.raw = rns_bytes_share(&self->raw, store);
    return other;
}

/// Drop the packet; it is empty then.
static inline void rns_packet_drop(rns_packet_t* self, rns_store_t* store)
{
    rns_bytes_clear(&self->raw, store);
    *self = (rns_packet_t){0};
}

/* ---- Rewriting: in place if unique, else into a copy ------------------------------------------
 */

/// Set the hops.
RNS_MUST_USE rns_status_t rns_packet_set_hops(rns_packet_t* self, rns_store_t* store,
                                              uint8_t hops);

/// Set the context.
RNS_MUST_USE rns_status_t rns_packet_set_context(rns_packet_t* self, rns_store_t* store,
                                                 rns_packet_context_t context);

/// Set the hops and the next hop.
///
/// @param transport_id  Of the next hop: the packet gets header 2, for which header 1 needs 16
///                      bytes of headroom or a copy. NULL: it gets header 1, in place.
///
/// @retval RNS_INPUT_IFAC  The access code has to be removed first.
RNS_MUST_USE rns_status_t rns_packet_set_route(rns_packet_t* self, rns_store_t* store,
                                               uint8_t hops, const uint8_t* transport_id);

/// Remove the access code, if it has one.
RNS_MUST_USE rns_status_t rns_packet_remove_ifac(rns_packet_t* self, rns_store_t* store);

/// Insert an access code.
///
/// @param code  1 to 64 bytes, not inside the packet.
///
/// @retval RNS_INPUT_IFAC  It has one, or `code` has another length.
RNS_MUST_USE rns_status_t rns_packet_add_ifac(rns_packet_t* self, rns_store_t* store,
                                              rns_span_t code);

/// Verify I18.
///
/// @return RNS_OK and zeros, or RNS_DAMAGE_INVARIANT and the invariant.
rns_damage_t rns_packet_check(const rns_packet_t* self);

#endif
