#include "rns_node_run.h"

static void send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    rns_node_run_t* const self = context;
    const uint8_t* const data = rns_bytes_data(raw);
    const uint32_t header_bytes =
        (data[0] & 0x40u) != 0 ? RNS_PACKET_HEADER_2_BYTES : RNS_PACKET_HEADER_1_BYTES;
    self->out[data[0] & 0x03u][data[header_bytes - 1u]] += 1u;
    (void)interface;
}

rns_transport_hooks_t rns_node_run_hooks(rns_node_run_t* self, rns_hash_hook_t hash)
{
    return (rns_transport_hooks_t){.send = send, .context = self, .hash = hash};
}

void rns_node_run_begin(rns_node_run_t* self)
{
    rns_traffic_begin(self->traffic);
    self->now_ns = (uint64_t)self->traffic->rows[0].t_ns;
    for (uint32_t i = 0; i < self->traffic->destination_count; ++i) {
        const rns_traffic_destination_t* const destination = &self->traffic->destinations[i];
        if (destination->is_own) {
            (void)!rns_transport_add_destination(self->node, destination->address, self->now_ns);
        }
    }
}

/// Let the timers run that are due by `t_ns`; return whether all have.
static bool run_timers(rns_node_run_t* self, uint64_t t_ns)
{
    for (uint32_t i = 0; i < RNS_NODE_RUN_TICKS; ++i) {
        const uint64_t due_ns = rns_transport_due_ns(self->node);
        if (due_ns > t_ns) {
            return true;
        }
        self->now_ns = due_ns > self->now_ns ? due_ns : self->now_ns;
        rns_meter_advance(self->meter, (int64_t)self->now_ns);
        (void)rns_transport_tick(self->node, self->now_ns);
        rns_meter_sample(self->meter, (int64_t)self->now_ns);
        self->timers += 1u;
    }
    return false;
}

static void obey(rns_node_run_t* self, const rns_traffic_step_t* step)
{
    rns_store_t* const store = self->node->store;
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    rns_bytes_t payload;
    rns_status_t status = rns_bytes_init(&payload, store, self->traffic->buffer, step->length);
    if (status == RNS_OK) {
        status = rns_transport_send(self->node, &step->order, &payload, self->now_ns, hash);
    }
    rns_bytes_clear(&payload, store);
    if (status == RNS_OK) {
        rns_traffic_sent(self->traffic, hash);
    }
}

static void act(rns_node_run_t* self, const rns_traffic_step_t* step)
{
    self->inputs += 1u;
    rns_meter_advance(self->meter, (int64_t)self->now_ns);
    if (step->act == RNS_TRAFFIC_FRAME) {
        (void)rns_transport_inbound(self->node, step->interface, self->traffic->buffer,
                                    step->length, self->now_ns);
    } else if (step->act == RNS_TRAFFIC_ORDER) {
        obey(self, step);
    } else {
        const rns_status_t status =
            rns_transport_request_path(self->node, step->order.address, self->now_ns);
        self->asks_refused += status == RNS_MISS_PRESENT ? 1u : 0u;
    }
    rns_meter_sample(self->meter, (int64_t)self->now_ns);
}

void rns_node_run_rows(rns_node_run_t* self, size_t first, size_t end, size_t* next_out)
{
    size_t row = first;
    while (row < end && run_timers(self, (uint64_t)self->traffic->rows[row].t_ns)) {
        const rns_traffic_step_t step = rns_traffic_step(self->traffic, row);
        self->now_ns = (uint64_t)self->traffic->rows[row].t_ns;
        if (step.act != RNS_TRAFFIC_NOTHING) {
            act(self, &step);
        }
        ++row;
    }
    *next_out = row;
}
