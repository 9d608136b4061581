/* Resources: who keeps which packets of a transfer, and until when. The receiver keeps each part
 * from its arrival, the sender from its sending, until the transfer is proven, cancelled, timed
 * out, or its link closed. One transfer a link goes on at a time in each direction. */
#include "rns_transport_inline.h"

/// The tables of one direction.
typedef struct {
    rns_transport_table_t resources;
    rns_transport_table_t parts;
} direction_t;

static const direction_t incoming = {RNS_TRANSPORT_RESOURCES_IN, RNS_TRANSPORT_PARTS_IN};
static const direction_t outgoing = {RNS_TRANSPORT_RESOURCES_OUT, RNS_TRANSPORT_PARTS_OUT};

/// Keep a part under the next number of its transfer: its payload where it arrived, or all of it
/// as it was sent, ready to be sent again.
static void keep_part(rns_transport_t* self, direction_t direction, const rns_packet_t* packet,
                      uint64_t now_ns)
{
    const uint8_t* const link_id = rns_packet_destination(packet);
    transport_resource_t* const resource = transport_find(self, direction.resources, link_id);
    const rns_span_t payload = rns_packet_payload(packet);
    if (resource == NULL || payload.bytes == 0) {
        return;
    }
    uint8_t key[RNS_TRANSPORT_PART_KEY_BYTES];
    rns_transport_part_key(link_id, resource->part_count, key);
    transport_part_t* const part = transport_put(self, direction.parts, key, now_ns);
    if (part == NULL) {
        RNS_TRANSPORT_COUNT(self, part_misses);
        return;
    }
    part->raw = direction.parts == RNS_TRANSPORT_PARTS_IN
                    ? rns_packet_slice(packet, self->store, payload)
                    : rns_bytes_share(&packet->raw, self->store);
    ++resource->part_count;
}

/// End a transfer, with its parts.
static void end(rns_transport_t* self, direction_t direction, const uint8_t* link_id,
                bool is_proven)
{
    transport_resource_t* const resource = transport_find(self, direction.resources, link_id);
    if (resource != NULL) {
        resource->is_proven = is_proven;
        (void)transport_remove(self, direction.resources, link_id);
    }
}

void rns_transport_note_resource(rns_transport_t* self, const rns_packet_t* packet, bool is_sent,
                                 uint64_t now_ns)
{
    const uint8_t* const link_id = rns_packet_destination(packet);
    /* The packets of the sender of a resource, and those of its receiver. */
    const direction_t as_sender = is_sent ? outgoing : incoming;
    const direction_t as_receiver = is_sent ? incoming : outgoing;
    switch (packet->context) {
    case RNS_CONTEXT_RESOURCE_ADV:
        (void)transport_put(self, as_sender.resources, link_id, now_ns);
        break;
    case RNS_CONTEXT_RESOURCE:
        (void)transport_touch(self, as_sender.resources, link_id, now_ns);
        keep_part(self, as_sender, packet, now_ns);
        break;
    case RNS_CONTEXT_RESOURCE_HMU:
        (void)transport_touch(self, as_sender.resources, link_id, now_ns);
        break;
    case RNS_CONTEXT_RESOURCE_REQ:
        (void)transport_touch(self, as_receiver.resources, link_id, now_ns);
        break;
    case RNS_CONTEXT_RESOURCE_PRF:
        end(self, as_receiver, link_id, true);
        break;
    case RNS_CONTEXT_RESOURCE_ICL:
        end(self, as_sender, link_id, false);
        break;
    case RNS_CONTEXT_RESOURCE_RCL:
        end(self, as_receiver, link_id, false);
        break;
    default:
        break;
    }
}
