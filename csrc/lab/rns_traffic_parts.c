#include "rns_traffic_parts.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. */
static uint64_t draw_word(rns_traffic_t* self)
{
    self->random += 0x9E3779B97F4A7C15u;
    uint64_t word = self->random;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    word = (word ^ word >> 27) * 0x94D049BB133111EBu;
    return word ^ word >> 31;
}

uint32_t rns_traffic_draw(rns_traffic_t* self, uint32_t count)
{
    return (uint32_t)((draw_word(self) >> 32) * count >> 32);
}

void rns_traffic_fill(rns_traffic_t* self, uint8_t* out, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += 8u) {
        const uint64_t word = draw_word(self);
        memcpy(out + at, &word, bytes - at < 8u ? bytes - at : 8u);
    }
}

/* ---- Destinations --------------------------------------------------------------------------- */

/// An address is the hash of the name's hash and the identity, which is the hash of its keys.
static void set_address(rns_traffic_t* self, rns_traffic_destination_t* destination)
{
    uint8_t identity[RNS_PACKET_HASH_BYTES];
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    const rns_span_t keys = {destination->public_key, RNS_PACKET_PUBLIC_KEY_BYTES};
    self->hash.sha256(self->hash.context, &keys, 1, identity);
    const rns_span_t name[] = {{destination->name_hash, RNS_PACKET_NAME_HASH_BYTES},
                               {identity, RNS_PACKET_ADDRESS_BYTES}};
    self->hash.sha256(self->hash.context, name, 2, hash);
    memcpy(destination->address, hash, RNS_PACKET_ADDRESS_BYTES);
}

/// Return the destination of these properties, made if it is new.
static uint32_t destination_at(rns_traffic_t* self, uint32_t app_bytes, bool is_own,
                               uint8_t interface)
{
    const uint32_t count = self->destination_count;
    for (uint32_t i = 0; i < count; ++i) {
        const rns_traffic_destination_t* const known = &self->destinations[i];
        const bool is_there = known->is_own == is_own && known->interface == interface;
        if (is_there && known->app_bytes == app_bytes) {
            return i;
        }
    }
    if (count == RNS_TRAFFIC_DESTINATIONS_MAX) {
        return app_bytes % count;
    }
    rns_traffic_destination_t* const added = &self->destinations[self->destination_count++];
    *added = (rns_traffic_destination_t){
        .app_bytes = app_bytes, .interface = interface, .is_own = is_own};
    rns_traffic_fill(self, added->name_hash, sizeof added->name_hash);
    rns_traffic_fill(self, added->public_key, sizeof added->public_key);
    set_address(self, added);
    self->stats.destinations += 1u;
    return count;
}

uint32_t rns_traffic_destination(rns_traffic_t* self, uint32_t app_bytes, bool is_own)
{
    const uint32_t first = destination_at(self, app_bytes, is_own, 0);
    if (self->is_leaf) {
        return first;
    }
    bool* const is_others_turn = &self->destinations[first].is_others_turn;
    *is_others_turn = !*is_others_turn;
    return *is_others_turn ? first : destination_at(self, app_bytes, is_own, 1);
}

void rns_traffic_announced(rns_traffic_t* self, uint32_t destination)
{
    self->recent[self->recent_count++ % RNS_TRAFFIC_RECENT_MAX] = destination;
}

const rns_traffic_destination_t* rns_traffic_draw_destination(rns_traffic_t* self)
{
    const uint32_t count =
        self->recent_count < RNS_TRAFFIC_RECENT_MAX ? self->recent_count : RNS_TRAFFIC_RECENT_MAX;
    if (count == 0) {
        return NULL;
    }
    return &self->destinations[self->recent[rns_traffic_draw(self, count)]];
}

const rns_traffic_destination_t* rns_traffic_draw_own(rns_traffic_t* self)
{
    uint32_t own[RNS_TRAFFIC_DESTINATIONS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->destination_count; ++i) {
        if (self->destinations[i].is_own) {
            own[count++] = i;
        }
    }
    return count == 0 ? NULL : &self->destinations[own[rns_traffic_draw(self, count)]];
}

/* ---- Links ---------------------------------------------------------------------------------- */

void rns_traffic_add_link(rns_traffic_t* self, const rns_traffic_link_t* link)
{
    if (self->link_count == RNS_TRAFFIC_LINKS_MAX) {
        rns_traffic_remove_link(self, &self->links[0]);
    }
    self->links[self->link_count++] = *link;
    self->stats.links += 1u;
}

void rns_traffic_remove_link(rns_traffic_t* self, rns_traffic_link_t* link)
{
    for (uint32_t i = self->transfer_count; i-- > 0;) {
        if (rns_traffic_link_of(self, &self->transfers[i]) == link) {
            rns_traffic_remove_transfer(self, &self->transfers[i]);
        }
    }
    const size_t index = (size_t)(link - self->links);
    self->link_count -= 1u;
    memmove(link, link + 1, (self->link_count - index) * sizeof *link);
}

rns_traffic_link_t* rns_traffic_draw_link(rns_traffic_t* self)
{
    uint32_t proven[RNS_TRAFFIC_LINKS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->link_count; ++i) {
        if (self->links[i].is_proven) {
            proven[count++] = i;
        }
    }
    return count == 0 ? NULL : &self->links[proven[rns_traffic_draw(self, count)]];
}

rns_traffic_link_t* rns_traffic_next_link(rns_traffic_t* self, bool is_proven, bool is_own)
{
    rns_traffic_link_t* found = NULL;
    for (uint32_t i = 0; i < self->link_count; ++i) {
        rns_traffic_link_t* const link = &self->links[i];
        if (link->is_proven == is_proven && link->is_own == is_own) {
            found = found == NULL || is_proven ? link : found;
        }
    }
    return found;
}

/* ---- Transfers ------------------------------------------------------------------------------ */

rns_traffic_link_t* rns_traffic_link_of(rns_traffic_t* self,
                                        const rns_traffic_transfer_t* transfer)
{
    uint32_t i = 0;
    while (memcmp(self->links[i].id, transfer->link_id, RNS_PACKET_ADDRESS_BYTES) != 0) {
        ++i; /* I2: there is one */
    }
    return &self->links[i];
}

void rns_traffic_add_transfer(rns_traffic_t* self, const rns_traffic_link_t* link,
                              bool is_from_initiator)
{
    if (self->transfer_count == RNS_TRAFFIC_TRANSFERS_MAX) {
        rns_traffic_remove_transfer(self, &self->transfers[0]);
    }
    rns_traffic_transfer_t* const added = &self->transfers[self->transfer_count++];
    memcpy(added->link_id, link->id, RNS_PACKET_ADDRESS_BYTES);
    added->is_from_initiator = is_from_initiator;
    self->stats.transfers += 1u;
}

void rns_traffic_remove_transfer(rns_traffic_t* self, rns_traffic_transfer_t* transfer)
{
    const size_t index = (size_t)(transfer - self->transfers);
    self->transfer_count -= 1u;
    memmove(transfer, transfer + 1, (self->transfer_count - index) * sizeof *transfer);
}

/* ---- Packets without a proof ---------------------------------------------------------------- */

static void remove_unproven(rns_traffic_t* self, uint32_t index)
{
    self->unproven_count -= 1u;
    rns_traffic_unproven_t* const packet = &self->unproven[index];
    memmove(packet, packet + 1, (self->unproven_count - index) * sizeof *packet);
}

void rns_traffic_add_unproven(rns_traffic_t* self, const rns_traffic_unproven_t* packet)
{
    if (self->unproven_count == RNS_TRAFFIC_UNPROVEN_MAX) {
        remove_unproven(self, 0);
    }
    self->unproven[self->unproven_count++] = *packet;
}

bool rns_traffic_take_unproven(rns_traffic_t* self, bool is_on_link, bool is_own,
                               rns_traffic_unproven_t* out)
{
    uint32_t found = self->unproven_count;
    for (uint32_t i = 0; i < self->unproven_count; ++i) {
        const rns_traffic_unproven_t* const packet = &self->unproven[i];
        const bool is_better = packet->is_on_link == is_on_link || found == self->unproven_count ||
                               self->unproven[found].is_on_link != is_on_link;
        if (packet->is_own == is_own && is_better) {
            found = i;
        }
    }
    *out = (rns_traffic_unproven_t){0};
    if (found == self->unproven_count) {
        return false;
    }
    *out = self->unproven[found];
    remove_unproven(self, found);
    return true;
}

/* ---- Verification --------------------------------------------------------------------------- */

static bool has_proven_link(const rns_traffic_t* self, const rns_traffic_transfer_t* transfer)
{
    for (uint32_t i = 0; i < self->link_count; ++i) {
        const rns_traffic_link_t* const link = &self->links[i];
        if (memcmp(link->id, transfer->link_id, RNS_PACKET_ADDRESS_BYTES) == 0) {
            return link->is_proven;
        }
    }
    return false;
}

rns_damage_t rns_traffic_check(const rns_traffic_t* self)
{
    const bool is_within = self->destination_count <= RNS_TRAFFIC_DESTINATIONS_MAX &&
                           self->link_count <= RNS_TRAFFIC_LINKS_MAX &&
                           self->transfer_count <= RNS_TRAFFIC_TRANSFERS_MAX &&
                           self->unproven_count <= RNS_TRAFFIC_UNPROVEN_MAX;
    if (!is_within) {
        return (rns_damage_t){.status = RNS_DAMAGE_INVARIANT, .invariant = "I1"};
    }
    for (uint32_t i = 0; i < self->transfer_count; ++i) {
        if (!has_proven_link(self, &self->transfers[i])) {
            return (rns_damage_t){.status = RNS_DAMAGE_INVARIANT, .invariant = "I2"};
        }
    }
    return (rns_damage_t){.status = RNS_OK};
}
