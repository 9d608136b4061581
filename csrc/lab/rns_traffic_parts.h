/// @file rns_traffic_parts.h
/// What rns_traffic*.c share, and nobody else: a packet in the making, and the population.
#ifndef RNS_TRAFFIC_PARTS_H
#define RNS_TRAFFIC_PARTS_H

#include "rns_traffic.h"

#define RNS_TRAFFIC_CONTENT_MAX 3u

/// What a row becomes, while its parts are being found.
typedef struct {
    const rns_traffic_row_t* row;
    bool is_order;      ///< The host of the leaf sends it; else it arrives.
    uint32_t interface; ///< Where.
    bool is_found;      ///< Somebody is there for it.
    rns_packet_header_t header;
    rns_span_t
        content[RNS_TRAFFIC_CONTENT_MAX]; ///< With what the payload begins; the rest is random.
    uint32_t content_count;
    rns_traffic_unproven_t proven;                  ///< Of a proof.
    uint8_t emission[RNS_PACKET_RANDOM_HASH_BYTES]; ///< Of an announce.
} rns_traffic_letter_t;

/// Find out who sends what a row tells of, and to whom.
void rns_traffic_find(rns_traffic_t* self, rns_traffic_letter_t* letter);

/// Return the destination that an announce is of, made if it is new.
uint32_t rns_traffic_announced_by(rns_traffic_t* self, const rns_traffic_row_t* row);

/* ---- The population --------------------------------------------------------------------------
 */

/// Return a number below `count`, which is not 0.
uint32_t rns_traffic_draw(rns_traffic_t* self, uint32_t count);

/// Fill with random bytes.
void rns_traffic_fill(rns_traffic_t* self, uint8_t* out, uint32_t bytes);

/// Return the destination whose turn it is to announce with so much application data, made if it
/// is new.
uint32_t rns_traffic_destination(rns_traffic_t* self, uint32_t app_bytes, bool is_own);

/// Note that a destination announced.
void rns_traffic_announced(rns_traffic_t* self, uint32_t destination);

/// Draw a destination that others may write to; NULL if none has announced.
const rns_traffic_destination_t* rns_traffic_draw_destination(rns_traffic_t* self);

/// Draw a destination of the leaf; NULL if it has none.
const rns_traffic_destination_t* rns_traffic_draw_own(rns_traffic_t* self);

/// Add a link that was asked for; the oldest goes if there are too many.
void rns_traffic_add_link(rns_traffic_t* self, const rns_traffic_link_t* link);

/// Forget a link and its transfers.
void rns_traffic_remove_link(rns_traffic_t* self, rns_traffic_link_t* link);

/// Draw a proven link; NULL if there is none.
rns_traffic_link_t* rns_traffic_draw_link(rns_traffic_t* self);

/// Return the oldest link that is not proven, or the newest that is, of the leaf or not; or NULL.
rns_traffic_link_t* rns_traffic_next_link(rns_traffic_t* self, bool is_proven, bool is_own);

/// Return the link of a transfer.
rns_traffic_link_t* rns_traffic_link_of(rns_traffic_t* self,
                                        const rns_traffic_transfer_t* transfer);

/// Begin a transfer; the oldest goes if there are too many.
void rns_traffic_add_transfer(rns_traffic_t* self, const rns_traffic_link_t* link,
                              bool is_from_initiator);

void rns_traffic_remove_transfer(rns_traffic_t* self, rns_traffic_transfer_t* transfer);

/// Remember a packet; the oldest goes if there are too many.
void rns_traffic_add_unproven(rns_traffic_t* self, const rns_traffic_unproven_t* packet);

/// Take the latest unproven packet of that kind, else the latest of the other kind.
///
/// @return Whether there was one; `out` is all zero if not.
bool rns_traffic_take_unproven(rns_traffic_t* self, bool is_on_link, bool is_own,
                               rns_traffic_unproven_t* out);

#endif
