/* The body of the transport is on its way; what is declared can be linked. */
#include "rns_transport_inline.h"

rns_status_t rns_transport_inbound(rns_transport_t* self, uint32_t interface, const void* data,
                                   size_t length, uint64_t now_ns)
{
    (void)self;
    (void)interface;
    (void)data;
    (void)length;
    (void)now_ns;
    return RNS_MISS_ABSENT;
}

rns_status_t rns_transport_inbound_bytes(rns_transport_t* self, uint32_t interface,
                                         rns_bytes_t* raw, uint64_t now_ns)
{
    (void)interface;
    (void)now_ns;
    rns_bytes_clear(raw, self->store);
    return RNS_MISS_ABSENT;
}

rns_status_t rns_transport_send(rns_transport_t* self, const rns_transport_order_t* order,
                                rns_bytes_t* payload, uint64_t now_ns, uint8_t* hash_out)
{
    (void)self;
    (void)order;
    (void)payload;
    (void)now_ns;
    for (uint32_t i = 0; i < RNS_PACKET_HASH_BYTES && hash_out != NULL; ++i) {
        hash_out[i] = 0;
    }
    return RNS_MISS_ABSENT;
}

rns_status_t rns_transport_request_path(rns_transport_t* self, const uint8_t* address,
                                        uint64_t now_ns)
{
    (void)self;
    (void)address;
    (void)now_ns;
    return RNS_MISS_ABSENT;
}

rns_status_t rns_transport_tick(rns_transport_t* self, uint64_t now_ns)
{
    (void)self;
    (void)now_ns;
    return RNS_OK;
}

uint64_t rns_transport_due_ns(const rns_transport_t* self)
{
    return self->next_job_ns;
}

rns_damage_t rns_transport_check(rns_transport_t* self)
{
    (void)self;
    return (rns_damage_t){0};
}
