/* Announces: what they change, who hears them next, and the answers to path requests. */
#include "rns_transport_inline.h"

#define EMISSION_AT (RNS_PACKET_RANDOM_HASH_BYTES - 5u)

/* ---- Paths ---------------------------------------------------------------------------------- */

/// Return when an announce was emitted, in seconds of its sender's clock.
static uint64_t emission_s(const uint8_t* blob)
{
    uint64_t seconds = 0;
    for (uint32_t i = EMISSION_AT; i < RNS_PACKET_RANDOM_HASH_BYTES; ++i) {
        seconds = seconds << 8 | blob[i];
    }
    return seconds;
}

/// Tell whether an announce is better than the path that is known: never heard, and as short or
/// emitted later.
static bool is_news(const transport_path_t* path, const uint8_t* blob, uint8_t hops)
{
    uint64_t latest_s = 0;
    for (uint32_t i = 0; i < path->blob_count; ++i) {
        if (transport_equal(path->blobs[i], blob, RNS_PACKET_RANDOM_HASH_BYTES)) {
            return false;
        }
        const uint64_t seconds = emission_s(path->blobs[i]);
        latest_s = seconds > latest_s ? seconds : latest_s;
    }
    return hops <= path->hops || emission_s(blob) > latest_s;
}

/// Write what an announce says over a path, which is all zero if it is new.
static void set_path(rns_transport_t* self, transport_path_t* path,
                     const transport_arrival_t* arrival, const uint8_t* blob)
{
    const uint8_t* const transport_id = rns_packet_transport_id(&arrival->packet);
    rns_packet_drop(&path->packet, self->store);
    path->packet = rns_packet_share(&arrival->packet, self->store);
    path->interface = arrival->interface;
    path->hops = arrival->hops;
    transport_copy(path->next_hop,
                   transport_id != NULL ? transport_id : rns_packet_destination(&arrival->packet),
                   RNS_PACKET_ADDRESS_BYTES);
    transport_copy(path->blobs[path->blob_next], blob, RNS_PACKET_RANDOM_HASH_BYTES);
    path->blob_next = (uint8_t)((path->blob_next + 1u) % RNS_TRANSPORT_BLOBS);
    path->blob_count = (uint8_t)(path->blob_count + (path->blob_count < RNS_TRANSPORT_BLOBS));
}

/* ---- Known destinations --------------------------------------------------------------------- */

static bool is_content(const rns_bytes_t* bytes, rns_span_t span)
{
    return rns_bytes_compare(bytes, span.start, span.bytes) == 0;
}

/// Keep key and application data of a destination, in slots of their size: they stay for days.
static void remember(rns_transport_t* self, const transport_arrival_t* arrival,
                     const rns_announce_t* announce)
{
    const uint8_t* const destination = rns_packet_destination(&arrival->packet);
    const transport_known_t* const known = transport_find(self, RNS_TRANSPORT_KNOWN, destination);
    if (known != NULL && is_content(&known->public_key, announce->public_key) &&
        is_content(&known->app_data, announce->app_data)) {
        (void)transport_touch(self, RNS_TRANSPORT_KNOWN, destination, arrival->now_ns);
        return;
    }
    rns_store_t* const store = self->store;
    transport_known_t fresh = {
        .public_key = rns_packet_slice(&arrival->packet, store, announce->public_key),
        .app_data = rns_packet_slice(&arrival->packet, store, announce->app_data)};
    rns_status_t status = rns_bytes_compact(&fresh.public_key, store);
    if (status == RNS_OK) {
        status = rns_bytes_compact(&fresh.app_data, store);
    }
    if (status == RNS_OK) {
        status = rns_table_put(&self->tables[RNS_TRANSPORT_KNOWN], destination, &fresh,
                               arrival->now_ns, NULL);
    }
    if (status != RNS_OK && status != RNS_MISS_PRESENT) {
        RNS_TRANSPORT_COUNT(self, known_misses);
        rns_bytes_clear(&fresh.public_key, store);
        rns_bytes_clear(&fresh.app_data, store);
    }
}

/* ---- Sending on ----------------------------------------------------------------------------- */

/// Return when to send an announce that waits at least `wait_ns`.
static uint64_t due_ns(rns_transport_t* self, uint64_t now_ns, uint64_t wait_ns)
{
    const uint64_t jitter_ns = self->timers.jitter_ns;
    return now_ns + wait_ns + (jitter_ns > 0 ? transport_random(self) % jitter_ns : 0);
}

static void plan_rebroadcast(rns_transport_t* self, const transport_arrival_t* arrival)
{
    transport_announce_t* const announce = transport_put(
        self, RNS_TRANSPORT_ANNOUNCES, rns_packet_destination(&arrival->packet), arrival->now_ns);
    if (announce == NULL) {
        RNS_TRANSPORT_COUNT(self, rebroadcast_misses);
        return;
    }
    rns_packet_drop(&announce->packet, self->store);
    *announce = (transport_announce_t){.packet = rns_packet_share(&arrival->packet, self->store),
                                       .due_ns = due_ns(self, arrival->now_ns, 0),
                                       .hops = arrival->hops};
}

/// Note that a neighbour sent on what this node is to send on, or has.
static void note_neighbour(rns_transport_t* self, const transport_arrival_t* arrival)
{
    const uint8_t* const destination = rns_packet_destination(&arrival->packet);
    transport_announce_t* const announce =
        transport_find(self, RNS_TRANSPORT_ANNOUNCES, destination);
    if (announce == NULL || !rns_packet_has_transport_id(&arrival->packet)) {
        return;
    }
    announce->heard_count += arrival->packet.hops == announce->hops ? 1u : 0u;
    const bool is_passed_on = arrival->packet.hops == announce->hops + 1u;
    const bool is_enough = announce->heard_count >= self->timers.heard_max;
    const bool is_done = is_passed_on || is_enough;
    if (announce->sent_count > 0 && is_done) {
        (void)transport_remove(self, RNS_TRANSPORT_ANNOUNCES, destination);
    }
}

/// Make an announce one of this node's: header 2, its own transport id, hops so far.
static rns_status_t rewrite(rns_transport_t* self, rns_packet_t* packet, uint8_t hops)
{
    const uint32_t more_bytes = rns_packet_has_transport_id(packet) ? 0 : RNS_PACKET_ADDRESS_BYTES;
    if (packet->raw.length + more_bytes > self->mtu_bytes) {
        return RNS_INPUT_LONG;
    }
    return rns_packet_set_route(packet, self->store, hops, self->identity);
}

/// Send an announce on: rewritten the first time, and kept so for the next.
static void send_on(rns_transport_t* self, transport_announce_t* announce)
{
    ++announce->sent_count;
    if (!announce->is_rewritten) {
        rns_packet_t packet = rns_packet_share(&announce->packet, self->store);
        announce->is_rewritten = rewrite(self, &packet, announce->hops) == RNS_OK;
        rns_packet_drop(announce->is_rewritten ? &announce->packet : &packet, self->store);
        if (!announce->is_rewritten) {
            RNS_TRANSPORT_COUNT(self, rebroadcast_misses);
            return;
        }
        announce->packet = packet;
    }
    const uint32_t sent_count =
        rns_transport_transmit(self, RNS_TRANSPORT_NO_INTERFACE, &announce->packet.raw);
    RNS_TRANSPORT_ADD(self, rebroadcasts, sent_count);
}

typedef struct {
    rns_transport_t* self;
    uint64_t now_ns;
} announce_job_t;

static bool visit_announce(void* context, const void* key, void* value, uint64_t planned_ns)
{
    const announce_job_t* const job = context;
    rns_transport_t* const self = job->self;
    transport_announce_t* const announce = value;
    (void)planned_ns;
    if (job->now_ns < announce->due_ns) {
        return true;
    }
    send_on(self, announce);
    announce->due_ns = due_ns(self, job->now_ns, self->timers.grace_ns);
    if (announce->sent_count > self->timers.announce_retries) {
        (void)transport_remove(self, RNS_TRANSPORT_ANNOUNCES, key);
    }
    return true;
}

void rns_transport_announce_job(rns_transport_t* self, uint64_t now_ns)
{
    announce_job_t job = {.self = self, .now_ns = now_ns};
    (void)rns_table_each(&self->tables[RNS_TRANSPORT_ANNOUNCES], visit_announce, &job);
}

/* ---- In ------------------------------------------------------------------------------------- */

transport_outcome_t rns_transport_take_announce(rns_transport_t* self,
                                                transport_arrival_t* arrival)
{
    rns_announce_t announce;
    const uint8_t* const destination = rns_packet_destination(&arrival->packet);
    const rns_status_t status = rns_packet_announce(&arrival->packet, &announce);
    if (status != RNS_OK) {
        return transport_fail(arrival, TRANSPORT_MALFORMED, status);
    }
    void* value = NULL;
    if (rns_table_find(&self->tables[RNS_TRANSPORT_DESTINATIONS], destination, &value) == RNS_OK) {
        return TRANSPORT_STALE; /* one of this node's own comes back */
    }
    note_neighbour(self, arrival);
    const uint8_t* const blob = announce.random_hash.start;
    transport_path_t* path = transport_find(self, RNS_TRANSPORT_PATHS, destination);
    if (path != NULL && !is_news(path, blob, arrival->hops)) {
        return TRANSPORT_STALE;
    }
    path = transport_put(self, RNS_TRANSPORT_PATHS, destination, arrival->now_ns);
    if (path == NULL) {
        return TRANSPORT_TABLE_FULL;
    }
    set_path(self, path, arrival, blob);
    (void)transport_remove(self, RNS_TRANSPORT_REQUESTS, destination);
    remember(self, arrival, &announce);
    if (self->is_transport && arrival->packet.context != RNS_CONTEXT_PATH_RESPONSE) {
        plan_rebroadcast(self, arrival);
    }
    rns_transport_deliver(self, arrival, RNS_DELIVERY_ANNOUNCE, destination, NULL);
    return TRANSPORT_ANNOUNCE;
}

/// Answer a path request with the announce that the path is known from.
static void respond(rns_transport_t* self, const transport_path_t* path, uint32_t interface)
{
    rns_packet_t packet = rns_packet_share(&path->packet, self->store);
    rns_status_t status = rewrite(self, &packet, path->hops);
    if (status == RNS_OK) {
        status = rns_packet_set_context(&packet, self->store, RNS_CONTEXT_PATH_RESPONSE);
    }
    if (status == RNS_OK) {
        (void)rns_transport_transmit(self, interface, &packet.raw);
        RNS_TRANSPORT_COUNT(self, path_responses);
    } else {
        RNS_TRANSPORT_COUNT(self, response_misses);
    }
    rns_packet_drop(&packet, self->store);
}

transport_outcome_t rns_transport_take_path_request(rns_transport_t* self,
                                                    transport_arrival_t* arrival)
{
    const rns_span_t payload = rns_packet_payload(&arrival->packet);
    const uint8_t* const wanted = payload.start;
    const uint32_t id_bytes = RNS_PACKET_ADDRESS_BYTES;
    const uint32_t all_bytes = (uint32_t)payload.bytes;
    if (all_bytes <= id_bytes) {
        return transport_fail(arrival, TRANSPORT_MALFORMED, RNS_INPUT_SHORT);
    }
    /* A node that forwards names itself between destination and tag. */
    const uint32_t tag_at = all_bytes > 2u * id_bytes ? 2u * id_bytes : id_bytes;
    const uint32_t tag_bytes = all_bytes - tag_at;
    uint8_t key[RNS_TRANSPORT_TAG_KEY_BYTES] = {0};
    transport_copy(key, wanted, id_bytes);
    transport_copy(key + id_bytes, wanted + tag_at, tag_bytes < id_bytes ? tag_bytes : id_bytes);
    if (rns_table_put(&self->tables[RNS_TRANSPORT_REQUEST_TAGS], key, NULL, arrival->now_ns,
                      NULL) == RNS_MISS_PRESENT) {
        return TRANSPORT_DUPLICATE;
    }
    void* value = NULL;
    const transport_path_t* const path = transport_find(self, RNS_TRANSPORT_PATHS, wanted);
    if (rns_table_find(&self->tables[RNS_TRANSPORT_DESTINATIONS], wanted, &value) == RNS_OK) {
        rns_transport_deliver(self, arrival, RNS_DELIVERY_PATH_REQUEST, wanted, NULL);
    } else if (self->is_transport && path != NULL) {
        const bool is_from_next_hop =
            tag_at > id_bytes && transport_equal(wanted + id_bytes, path->next_hop, id_bytes);
        if (!is_from_next_hop) { /* whose path would lead back to it */
            respond(self, path, arrival->interface);
        }
    }
    return TRANSPORT_PATH_REQUEST;
}
