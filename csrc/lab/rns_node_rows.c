#include "rns_node_rows.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000u
#define S  1000000000u

#define TRANSPORT   16u /* The next hop's id in header 2. */
#define TOKEN       48u
#define HEADER      RNS_PACKET_HEADER_1_BYTES
#define PART_BYTES  464u
#define PARTS_NAMED 74u /* In one advertisement. */

/* In a minute. */
#define ANNOUNCES       240u
#define SINGLES         660u
#define PATH_REQUESTS   47u
#define LINKS           9u
#define BURST           40u /* Announces, of one second in every 30 minutes. */
#define BURST_EVERY_MIN 30u

static uint32_t below(rns_node_rows_t* self, uint32_t count)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (uint32_t)((self->random >> 32) * count >> 32);
}

static uint32_t between(rns_node_rows_t* self, uint32_t low, uint32_t high)
{
    return low + below(self, high - low + 1u);
}

/// Return milliseconds in ns.
static int64_t ms(uint32_t count)
{
    return (int64_t)count * MS;
}

/// Return the length of an encrypted payload: a token, and padding to blocks of 16.
static uint32_t sealed(uint32_t payload)
{
    return TOKEN + 16u * (payload / 16u + 1u);
}

static void add(rns_node_rows_t* self, int64_t t_ns, rns_packet_type_t type,
                rns_packet_context_t context, uint32_t length)
{
    if (self->count < RNS_NODE_ROWS_MAX) {
        self->rows[self->count++] = (rns_traffic_row_t){.t_ns = t_ns,
                                                        .length = length,
                                                        .direction = RNS_TRAFFIC_IN,
                                                        .type = (uint8_t)type,
                                                        .context = (uint8_t)context};
    }
}

static void add_data(rns_node_rows_t* self, int64_t t_ns, rns_packet_context_t context,
                     uint32_t length)
{
    add(self, t_ns, RNS_PACKET_DATA, context, HEADER + length);
}

/// Return a moment of the minute.
static int64_t moment(rns_node_rows_t* self)
{
    /* One draw in each statement: the order within one is the compiler's. */
    const int64_t start_ns = (int64_t)self->minute * RNS_NODE_ROWS_MINUTE_NS;
    const int64_t whole_ns = ms(below(self, 60000));
    return start_ns + whole_ns + (int64_t)below(self, MS);
}

static void add_announce(rns_node_rows_t* self, int64_t t_ns, uint32_t app_bytes)
{
    add(self, t_ns, RNS_PACKET_ANNOUNCE, RNS_CONTEXT_NONE,
        HEADER + RNS_PACKET_ANNOUNCE_BYTES_MIN + app_bytes);
}

static void add_announces(rns_node_rows_t* self)
{
    for (uint32_t i = 0; i < ANNOUNCES; ++i) {
        const int64_t t_ns = moment(self);
        add_announce(self, t_ns, below(self, RNS_NODE_ROWS_LENGTHS));
    }
    if (self->minute % BURST_EVERY_MIN != 0) {
        return;
    }
    const int64_t start_ns = moment(self);
    for (uint32_t i = 0; i < BURST; ++i) {
        const int64_t t_ns = start_ns + (int64_t)below(self, S);
        add_announce(self, t_ns, below(self, RNS_NODE_ROWS_LENGTHS));
    }
}

static void add_singles(rns_node_rows_t* self)
{
    for (uint32_t i = 0; i < SINGLES; ++i) {
        const int64_t t_ns = moment(self);
        add_data(self, t_ns, RNS_CONTEXT_NONE, TRANSPORT + 32u + sealed(below(self, 384)));
        if (below(self, 10) < 7u) {
            add(self, t_ns + (int64_t)between(self, 2 * MS, 40 * MS), RNS_PACKET_PROOF,
                RNS_CONTEXT_NONE, HEADER + RNS_PACKET_SIGNATURE_BYTES);
        }
    }
    for (uint32_t i = 0; i < PATH_REQUESTS; ++i) {
        const int64_t t_ns = moment(self);
        add_data(self, t_ns, RNS_CONTEXT_NONE, 32u + TRANSPORT * below(self, 2));
    }
}

/// Add one transfer; return when it was proven. Each request asks for a window of parts.
static int64_t add_transfer(rns_node_rows_t* self, int64_t now_ns, uint32_t parts)
{
    uint32_t known = parts < PARTS_NAMED ? parts : PARTS_NAMED;
    uint32_t sent = 0;
    uint32_t window = 4;
    add_data(self, now_ns, RNS_CONTEXT_RESOURCE_ADV, sealed(119u + 4u * known));
    while (sent < parts) {
        now_ns += (int64_t)between(self, 3 * MS, 6 * MS);
        const uint32_t asked = window < known - sent ? window : known - sent;
        if (asked == 0) {
            const uint32_t more = parts - known < PARTS_NAMED ? parts - known : PARTS_NAMED;
            known += more;
            add_data(self, now_ns, RNS_CONTEXT_RESOURCE_HMU, sealed(36u + 4u * more));
            continue;
        }
        add_data(self, now_ns, RNS_CONTEXT_RESOURCE_REQ, sealed(33u + 4u * asked));
        for (uint32_t i = 0; i < asked; ++i) {
            now_ns += (int64_t)between(self, MS / 2, 2 * MS);
            sent += 1u;
            const uint32_t bytes = sent == parts ? between(self, 48, PART_BYTES) : PART_BYTES;
            add_data(self, now_ns, RNS_CONTEXT_RESOURCE, bytes);
        }
        window = window + 4u < 36u ? window + 4u : 36u;
    }
    now_ns += ms(4);
    add(self, now_ns, RNS_PACKET_PROOF, RNS_CONTEXT_RESOURCE_PRF,
        HEADER + RNS_PACKET_SIGNATURE_BYTES);
    return now_ns;
}

/// Add transfers, one after the other: many are short, few have 258 parts.
static void add_transfers(rns_node_rows_t* self, int64_t now_ns)
{
    static const uint32_t parts[4][2] = {{3, 5}, {3, 5}, {13, 16}, {70, 258}};
    for (uint32_t i = between(self, 5, 11); i > 0; --i) {
        const uint32_t kind = below(self, 4);
        now_ns += ms(between(self, 50, 3000));
        const uint32_t count = between(self, parts[kind][0], parts[kind][1]);
        now_ns = add_transfer(self, now_ns, count);
    }
}

/// Add what a link proves: data and channel messages.
static void add_proven(rns_node_rows_t* self, int64_t start_ns, uint32_t span_ms,
                       rns_packet_context_t context)
{
    const bool is_channel = context == RNS_CONTEXT_CHANNEL;
    for (uint32_t i = is_channel ? between(self, 7, 21) : between(self, 9, 27); i > 0; --i) {
        const int64_t t_ns = start_ns + ms(below(self, span_ms));
        add_data(self, t_ns, context, sealed(below(self, is_channel ? 399 : 431)));
        add(self, t_ns + (int64_t)between(self, 2 * MS, 9 * MS), RNS_PACKET_PROOF,
            RNS_CONTEXT_NONE, HEADER + RNS_PACKET_HASH_BYTES + RNS_PACKET_SIGNATURE_BYTES);
    }
}

/// Add what is small on a link and is answered: requests, keepalives.
static void add_answered(rns_node_rows_t* self, int64_t start_ns, uint32_t span_ms)
{
    static const uint32_t bytes[3][2] = {{31, 63}, {47, 223}, {191, 431}};
    for (uint32_t i = between(self, 2, 9); i > 0; --i) {
        const int64_t t_ns = start_ns + ms(below(self, span_ms));
        const uint32_t kind = below(self, 3);
        add_data(self, t_ns, RNS_CONTEXT_REQUEST, sealed(bytes[kind][0]));
        if (below(self, 4) != 0) {
            add_data(self, t_ns + ms(5), RNS_CONTEXT_RESPONSE, sealed(bytes[kind][1]));
        }
    }
    for (uint32_t i = between(self, 1, 4); i > 0; --i) {
        const int64_t t_ns = start_ns + ms(below(self, span_ms));
        add_data(self, t_ns, RNS_CONTEXT_KEEPALIVE, 1);
        add_data(self, t_ns + ms(4), RNS_CONTEXT_KEEPALIVE, 1);
    }
}

/// Add a link from its request to its end.
static void add_link(rns_node_rows_t* self)
{
    const int64_t t_ns = moment(self);
    const int64_t start_ns = t_ns + ms(12);
    const uint32_t span_ms = between(self, 10000, 60000);
    add(self, t_ns, RNS_PACKET_LINK_REQUEST, RNS_CONTEXT_NONE, HEADER + TRANSPORT + 67u);
    add(self, t_ns + ms(3), RNS_PACKET_PROOF, RNS_CONTEXT_LRPROOF, 118);
    add_data(self, t_ns + ms(6), RNS_CONTEXT_LRRTT, sealed(9));
    if (below(self, 2) != 0) {
        add_data(self, t_ns + ms(9), RNS_CONTEXT_LINKIDENTIFY, sealed(128));
    }
    add_proven(self, start_ns, span_ms, RNS_CONTEXT_NONE);
    add_proven(self, start_ns, span_ms, RNS_CONTEXT_CHANNEL);
    add_answered(self, start_ns, span_ms);
    add_transfers(self, start_ns);
    add_data(self, start_ns + ms(span_ms), RNS_CONTEXT_LINKCLOSE, sealed(16));
}

/// Order rows by time. Those that differ in nothing may change places unseen.
static int compare(const void* left, const void* right)
{
    const rns_traffic_row_t* const a = left;
    const rns_traffic_row_t* const b = right;
    if (a->t_ns != b->t_ns) {
        return a->t_ns < b->t_ns ? -1 : 1;
    }
    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    const int a_kind = a->type * 256 + a->context;
    const int b_kind = b->type * 256 + b->context;
    return a_kind - b_kind;
}

uint32_t rns_node_rows_population(rns_node_rows_t* self)
{
    self->count = 0;
    for (uint32_t i = 0; i < RNS_NODE_ROWS_LENGTHS; ++i) {
        add_announce(self, 0, i);
        add_announce(self, 0, i);
    }
    const uint32_t count = self->count;
    self->count = 0;
    return count;
}

void rns_node_rows_minute(rns_node_rows_t* self)
{
    self->count -= self->ready;
    memmove(self->rows, self->rows + self->ready, self->count * sizeof *self->rows);
    add_announces(self);
    add_singles(self);
    for (uint32_t i = 0; i < LINKS; ++i) {
        add_link(self);
    }
    qsort(self->rows, self->count, sizeof *self->rows, compare);
    self->minute += 1u;
    const int64_t end_ns = (int64_t)self->minute * RNS_NODE_ROWS_MINUTE_NS;
    self->ready = 0;
    while (self->ready < self->count && self->rows[self->ready].t_ns < end_ns) {
        self->ready += 1u;
    }
}
