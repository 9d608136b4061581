#include "rns_soak_rtp.h"

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

#define TICK_NS       (20 * MS) /* Between packets of sound. */
#define PICTURE_TICKS 3u
#define PACING_NS     (MS / 5) /* Between packets of a picture. */
#define DELAY_NS      (20 * MS)
#define JITTER_NS     2000000u
#define QUEUE_NS      (S / 2)
#define PLAYOUT_NS    (200 * MS)
#define LOST_OF_1000  2u

static uint32_t below(rns_soak_rtp_t* self, uint32_t count)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (uint32_t)((self->random >> 32) * count >> 32);
}

static uint32_t between(rns_soak_rtp_t* self, uint32_t low, uint32_t high)
{
    return low + below(self, high - low + 1u);
}

/* ---- Sender --------------------------------------------------------------------------------- */

static void begin_call(rns_soak_rtp_t* self)
{
    self->calls += 1u;
    self->send_ns += between(self, 1, 180) * S;
    self->call_end_ns = self->send_ns + between(self, 60, 600) * S;
    self->sounds = 0;
}

/// Make the next packet that the sender sends; it has not gone through the link yet.
static void send_next(rns_soak_rtp_t* self)
{
    const bool is_picture = self->picture_bytes > 0;
    if (is_picture) {
        self->send_ns += PACING_NS;
    } else {
        /* Packets of a picture are paced, but the tick that follows is on the beat. */
        self->send_ns += TICK_NS - self->send_ns % TICK_NS;
        if (self->send_ns >= self->call_end_ns) {
            begin_call(self);
        }
    }
    uint32_t size = between(self, 80, 160);
    if (is_picture) {
        const uint32_t rest = self->picture_bytes;
        size = rest < RNS_SOAK_RTP_PACKET_BYTES ? rest : RNS_SOAK_RTP_PACKET_BYTES;
        self->picture_bytes -= size;
        size = size < RNS_RTP_RUN_HEADER_BYTES ? RNS_RTP_RUN_HEADER_BYTES : size;
    } else if (self->sounds++ % PICTURE_TICKS == 0) {
        self->picture_bytes = between(self, 400, 2400);
    }
    self->sent += 1u;
    self->next = (rns_rtp_run_packet_t){.arrival_ns = self->next.arrival_ns,
                                        .send_ns = self->send_ns,
                                        .size = size,
                                        .ssrc = (uint32_t)self->calls * 2u + is_picture,
                                        .seq = self->sequence[is_picture]++};
}

/* ---- Link ----------------------------------------------------------------------------------- */

/// Return whether `next` arrives, and set when.
static bool pass_link(rns_soak_rtp_t* self)
{
    static const uint32_t capacities_bps[] = {200000, 300000, 600000, 1000000};
    const int64_t send_ns = self->next.send_ns;
    if (send_ns >= self->capacity_end_ns) {
        self->capacity_bps = capacities_bps[below(self, 4)];
        self->capacity_end_ns = send_ns + between(self, 20, 40) * S;
    }
    const int64_t begin_ns = send_ns > self->link_free_ns ? send_ns : self->link_free_ns;
    if (begin_ns - send_ns > QUEUE_NS) {
        return false;
    }
    self->link_free_ns = begin_ns + (int64_t)self->next.size * 8 * S / self->capacity_bps;
    if (below(self, 1000) < LOST_OF_1000) {
        return false;
    }
    const int64_t arrival_ns = self->link_free_ns + DELAY_NS + (int64_t)below(self, JITTER_NS);
    if (arrival_ns > self->next.arrival_ns) {
        self->next.arrival_ns = arrival_ns;
    }
    return true;
}

static void find_next(rns_soak_rtp_t* self)
{
    send_next(self);
    while (!pass_link(self)) {
        self->lost += 1u;
        send_next(self);
    }
}

/* ---- Playout -------------------------------------------------------------------------------- */

static void clear(rns_soak_rtp_t* self, rns_soak_rtp_waiting_t* packet)
{
    for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
        rns_bytes_clear(&packet->lanes[lane], self->stores[lane]);
    }
}

static void receive(rns_soak_rtp_t* self)
{
    const rns_rtp_run_packet_t* const packet = &self->next;
    const uint64_t now_ns = (uint64_t)packet->arrival_ns;
    rns_soak_rtp_waiting_t arrived = {.due_ns = packet->send_ns + PLAYOUT_NS};
    rns_soak_advance(self->soak, packet->arrival_ns);
    rns_rtp_run_build(self->buffer, packet);
    const rns_span_t span = {.start = self->buffer, .bytes = packet->size};
    uint32_t remb_bps = 0;
    (void)!rns_rtp_receiver_receive(self->receiver, span, now_ns);
    (void)!rns_rtp_receiver_remb(self->receiver, now_ns, &remb_bps);
    for (uint32_t lane = 0; lane < RNS_SOAK_LANES; ++lane) {
        (void)!rns_bytes_init(&arrived.lanes[lane], self->stores[lane], self->buffer, span.bytes);
    }
    if (arrived.due_ns < packet->arrival_ns) {
        clear(self, &arrived);
        self->late += 1u;
    } else {
        RNS_ASSERT(self->waiting_count < RNS_SOAK_RTP_WAITING_MAX);
        const uint32_t last = self->waiting_first + self->waiting_count;
        self->waiting[last % RNS_SOAK_RTP_WAITING_MAX] = arrived;
        self->waiting_count += 1u;
    }
    rns_soak_sample(self->soak);
    find_next(self);
}

static rns_soak_rtp_waiting_t* oldest(rns_soak_rtp_t* self)
{
    return &self->waiting[self->waiting_first];
}

static void pop(rns_soak_rtp_t* self)
{
    clear(self, oldest(self));
    self->waiting_first = (self->waiting_first + 1u) % RNS_SOAK_RTP_WAITING_MAX;
    self->waiting_count -= 1u;
}

static void play(rns_soak_rtp_t* self)
{
    rns_soak_advance(self->soak, oldest(self)->due_ns);
    pop(self);
    self->played += 1u;
    rns_soak_sample(self->soak);
}

void rns_soak_rtp_until(rns_soak_rtp_t* self, int64_t end_ns)
{
    if (self->sent == 0) {
        find_next(self);
    }
    for (;;) {
        const int64_t arrival_ns = self->next.arrival_ns;
        const bool is_due = self->waiting_count > 0 && oldest(self)->due_ns <= arrival_ns;
        if ((is_due ? oldest(self)->due_ns : arrival_ns) >= end_ns) {
            return;
        }
        if (is_due) {
            play(self);
        } else {
            receive(self);
        }
    }
}

uint32_t rns_soak_rtp_held(const rns_soak_rtp_t* self)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < self->waiting_count; ++i) {
        const uint32_t at = (self->waiting_first + i) % RNS_SOAK_RTP_WAITING_MAX;
        held += self->waiting[at].lanes[0].buffer != NULL ? 1u : 0u;
    }
    return held;
}

void rns_soak_rtp_drop(rns_soak_rtp_t* self)
{
    while (self->waiting_count > 0) {
        pop(self);
    }
}
