/* Verifies what the header numbers. */
#include "rns_transport_inline.h"

static rns_damage_t damage(const char* invariant, uint32_t table)
{
    return (rns_damage_t){
        .status = RNS_DAMAGE_INVARIANT, .invariant = invariant, .tier_index = table};
}

static bool is_counted(const rns_transport_stats_t* s)
{
    const rns_counter_t used = s->forwarded + s->delivered + s->announces + s->path_requests;
    const rns_counter_t dropped = s->dropped_malformed + s->dropped_no_memory +
                                  s->dropped_table_full + s->dropped_no_route + s->dropped_hops +
                                  s->dropped_stale;
    return s->packets_in == used + s->duplicates + dropped;
}

static bool is_sent(const rns_transport_stats_t* s)
{
    return s->packets_out == s->forwarded + s->originated + s->rebroadcasts + s->path_responses;
}

/* ---- Contents of the tables ----------------------------------------------------------------- */

typedef struct {
    rns_transport_t* self;
    bool is_sound;
    rns_transport_table_t resources; ///< That the parts looked at are of.
} look_t;

static bool look_at_announce(void* context, const void* key, void* value, uint64_t time_ns)
{
    look_t* const look = context;
    const rns_packet_t* const packet = value; /* the front of a path and of an announce */
    (void)time_ns;
    look->is_sound =
        packet->raw.length > 0 && rns_packet_check(packet).status == RNS_OK &&
        rns_packet_type(packet) == RNS_PACKET_ANNOUNCE &&
        transport_equal(rns_packet_destination(packet), key, RNS_PACKET_ADDRESS_BYTES);
    return look->is_sound;
}

static bool look_at_known(void* context, const void* key, void* value, uint64_t time_ns)
{
    look_t* const look = context;
    const transport_known_t* const known = value;
    (void)key;
    (void)time_ns;
    look->is_sound = known->public_key.length == RNS_PACKET_PUBLIC_KEY_BYTES;
    return look->is_sound;
}

static bool look_at_resource(void* context, const void* key, void* value, uint64_t time_ns)
{
    look_t* const look = context;
    (void)value;
    (void)time_ns;
    look->is_sound = transport_find(look->self, RNS_TRANSPORT_ACTIVE, key) != NULL;
    return look->is_sound;
}

static bool look_at_part(void* context, const void* key, void* value, uint64_t time_ns)
{
    look_t* const look = context;
    const transport_part_t* const part = value;
    const transport_resource_t* const resource = transport_find(look->self, look->resources, key);
    const uint32_t number = rns_transport_part_number(key);
    (void)time_ns;
    look->is_sound = part->raw.length > 0 && resource != NULL && number < resource->part_count;
    return look->is_sound;
}

rns_damage_t rns_transport_check(rns_transport_t* self)
{
    static const struct {
        rns_transport_table_t table;
        rns_transport_table_t resources;
        rns_table_visitor_t visit;
        const char* invariant;
    } looks[] = {
        {RNS_TRANSPORT_PATHS, 0, look_at_announce, "I21"},
        {RNS_TRANSPORT_ANNOUNCES, 0, look_at_announce, "I21"},
        {RNS_TRANSPORT_KNOWN, 0, look_at_known, "I21"},
        {RNS_TRANSPORT_RESOURCES_IN, 0, look_at_resource, "I22"},
        {RNS_TRANSPORT_RESOURCES_OUT, 0, look_at_resource, "I22"},
        {RNS_TRANSPORT_PARTS_IN, RNS_TRANSPORT_RESOURCES_IN, look_at_part, "I22"},
        {RNS_TRANSPORT_PARTS_OUT, RNS_TRANSPORT_RESOURCES_OUT, look_at_part, "I22"},
    };
    for (uint32_t i = 0; i < RNS_TRANSPORT_TABLES; ++i) {
        rns_damage_t found = rns_table_check(&self->tables[i]);
        if (found.status != RNS_OK) {
            found.tier_index = i;
            return found;
        }
    }
    if (!is_counted(&self->stats)) {
        return damage("I19", 0);
    }
    if (!is_sent(&self->stats)) {
        return damage("I20", 0);
    }
    for (uint32_t i = 0; i < sizeof looks / sizeof looks[0]; ++i) {
        look_t look = {.self = self, .is_sound = true, .resources = looks[i].resources};
        (void)rns_table_each(&self->tables[looks[i].table], looks[i].visit, &look);
        if (!look.is_sound) {
            return damage(looks[i].invariant, looks[i].table);
        }
    }
    return (rns_damage_t){0};
}

/* ---- Handles -------------------------------------------------------------------------------- */

typedef struct {
    uint32_t table;
    uint64_t count;
} tally_t;

static bool count_handles(void* context, const void* key, void* value, uint64_t time_ns)
{
    tally_t* const tally = context;
    const rns_bytes_t* const handles = value; /* they come first in every value */
    const uint32_t count = tally->table == RNS_TRANSPORT_KNOWN ? 2u : 1u;
    (void)key;
    (void)time_ns;
    for (uint32_t i = 0; i < count; ++i) {
        tally->count += handles[i].buffer != NULL ? 1u : 0u;
    }
    return true;
}

uint64_t rns_transport_handles(rns_transport_t* self)
{
    static const rns_transport_table_t holders[] = {RNS_TRANSPORT_PATHS, RNS_TRANSPORT_ANNOUNCES,
                                                    RNS_TRANSPORT_KNOWN, RNS_TRANSPORT_PARTS_IN,
                                                    RNS_TRANSPORT_PARTS_OUT};
    tally_t tally = {0};
    for (uint32_t i = 0; i < sizeof holders / sizeof holders[0]; ++i) {
        tally.table = holders[i];
        (void)rns_table_each(&self->tables[holders[i]], count_handles, &tally);
    }
    return tally.count;
}
