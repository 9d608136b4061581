#include "rns_soak_node.h"

static void send(void* context, uint32_t interface, const rns_bytes_t* raw)
{
    (void)context;
    (void)interface;
    (void)raw;
}

rns_transport_hooks_t rns_soak_node_hooks(rns_hash_hook_t hash)
{
    return (rns_transport_hooks_t){.send = send, .hash = hash};
}

void rns_soak_node_begin(rns_soak_node_t* self)
{
    self->traffic->rows = self->rows->rows;
    self->traffic->row_count = rns_node_rows_population(self->rows);
    rns_traffic_begin(self->traffic);
}

/// Move the clock to an event of the node, after what else happens before it.
static void advance(rns_soak_node_t* self, int64_t t_ns)
{
    if (self->rtp != NULL) {
        rns_soak_rtp_until(self->rtp, t_ns);
    }
    rns_soak_advance(self->soak, t_ns);
}

/// Let the timers run that are due by `t_ns`.
static void run_timers(rns_soak_node_t* self, uint64_t t_ns)
{
    for (;;) {
        uint64_t due_ns = UINT64_MAX;
        for (uint32_t i = 0; i < RNS_SOAK_LANES; ++i) {
            const uint64_t mine_ns = rns_transport_due_ns(self->nodes[i]);
            due_ns = mine_ns < due_ns ? mine_ns : due_ns;
        }
        if (due_ns > t_ns) {
            return;
        }
        advance(self, (int64_t)due_ns);
        for (uint32_t i = 0; i < RNS_SOAK_LANES; ++i) {
            (void)rns_transport_tick(self->nodes[i], (uint64_t)self->soak->now_ns);
        }
        rns_soak_sample(self->soak);
        self->timers += 1u;
    }
}

static void take_frame(rns_soak_node_t* self, const rns_traffic_step_t* step, uint64_t t_ns)
{
    advance(self, (int64_t)t_ns);
    for (uint32_t i = 0; i < RNS_SOAK_LANES; ++i) {
        (void)rns_transport_inbound(self->nodes[i], step->interface, self->traffic->buffer,
                                    step->length, t_ns);
    }
    rns_soak_sample(self->soak);
    self->frames += 1u;
}

/// Take the frames of this minute that arrive before a moment.
static void run_rows(rns_soak_node_t* self, int64_t end_ns)
{
    const rns_traffic_row_t* const rows = self->rows->rows;
    for (; self->next_row < self->rows->ready; ++self->next_row) {
        const int64_t t_ns = rows[self->next_row].t_ns;
        if (t_ns >= end_ns) {
            return;
        }
        run_timers(self, (uint64_t)t_ns);
        const rns_traffic_step_t step = rns_traffic_step(self->traffic, self->next_row);
        take_frame(self, &step, (uint64_t)t_ns);
    }
}

void rns_soak_node_until(rns_soak_node_t* self, int64_t end_ns)
{
    run_rows(self, end_ns);
    while (self->next_row == self->rows->ready &&
           (int64_t)self->rows->minute * RNS_NODE_ROWS_MINUTE_NS < end_ns) {
        rns_node_rows_minute(self->rows);
        self->traffic->row_count = self->rows->ready;
        self->next_row = 0;
        run_rows(self, end_ns);
    }
}
