/// @file rns_transport_inline.h
/// What the tables of a transport hold, and the steps its sources share; for them alone.
#ifndef RNS_TRANSPORT_INLINE_H
#define RNS_TRANSPORT_INLINE_H

#include "rns_transport.h"

#if RNS_STATS
#    define RNS_TRANSPORT_ADD(self, counter, value)                                               \
        ((void)((self)->stats.counter += (rns_counter_t)(value)))
#else
#    define RNS_TRANSPORT_ADD(self, counter, value) ((void)(self), (void)(value))
#endif
#define RNS_TRANSPORT_COUNT(self, counter) RNS_TRANSPORT_ADD(self, counter, 1u)

#define RNS_TRANSPORT_PART_KEY_BYTES (RNS_PACKET_ADDRESS_BYTES + 4u)
#define RNS_TRANSPORT_TAG_KEY_BYTES  (2u * RNS_PACKET_ADDRESS_BYTES)

/* ---- Values; handles come first ----------------------------------------------------------------
 */

typedef struct {
    rns_packet_t packet; ///< The announce as it arrived: the answer to a path request.
    uint32_t interface;
    uint8_t hops;
    uint8_t blob_count;
    uint8_t blob_next; ///< Where the next one is written, over the oldest.
    uint8_t next_hop[RNS_PACKET_ADDRESS_BYTES];
    uint8_t blobs[RNS_TRANSPORT_BLOBS][RNS_PACKET_RANDOM_HASH_BYTES];
} transport_path_t;

typedef struct {
    rns_packet_t packet; ///< As it arrived; once sent on, as it was sent.
    uint64_t due_ns;
    uint32_t sent_count;  ///< Attempts, the failed ones too.
    uint32_t heard_count; ///< Neighbours that sent it on as well.
    uint8_t hops;
    bool is_rewritten;
} transport_announce_t;

typedef struct {
    uint32_t from_interface;
    uint32_t to_interface;
} transport_reverse_t;

typedef struct {
    uint32_t from_interface; ///< Towards who asked for the link,
    uint32_t to_interface;   ///< and towards who was asked.
    uint8_t from_hops;       ///< Hops of packets that come from either side.
    uint8_t to_hops;
    bool is_proven;
    uint64_t proof_due_ns;
} transport_link_t;

typedef struct {
    rns_bytes_t public_key;
    rns_bytes_t app_data;
} transport_known_t;

typedef struct {
    uint8_t hash[RNS_PACKET_HASH_BYTES];
} transport_receipt_t;

/// A local link, active.
typedef struct {
    uint32_t interface;
} transport_active_t;

typedef struct {
    uint32_t part_count; ///< Kept, under numbers from 0.
    bool is_proven;
} transport_resource_t;

typedef struct {
    rns_bytes_t raw;
} transport_part_t;

/* ---- Arrivals --------------------------------------------------------------------------------
 */

/// What became of a packet that came in; each is counted under its name.
typedef enum {
    TRANSPORT_FORWARDED,
    TRANSPORT_DELIVERED,
    TRANSPORT_ANNOUNCE,
    TRANSPORT_PATH_REQUEST,
    TRANSPORT_DUPLICATE,
    TRANSPORT_MALFORMED,
    TRANSPORT_NO_MEMORY,
    TRANSPORT_TABLE_FULL,
    TRANSPORT_NO_ROUTE,
    TRANSPORT_HOPS,
    TRANSPORT_STALE,
} transport_outcome_t;

/// A packet that came in.
typedef struct {
    rns_packet_t packet;
    uint32_t interface;
    uint8_t hops; ///< Those in the packet, and the one that brought it here.
    uint8_t hash[RNS_PACKET_HASH_BYTES];
    uint64_t now_ns;
    rns_status_t status; ///< Why, where the outcome is MALFORMED or NO_MEMORY.
} transport_arrival_t;

static inline transport_outcome_t transport_fail(transport_arrival_t* arrival,
                                                 transport_outcome_t outcome, rns_status_t status)
{
    arrival->status = status;
    return outcome;
}

/* rns_transport.c */

/// Send to an interface, or to each of them (RNS_TRANSPORT_NO_INTERFACE); return to how many.
uint32_t rns_transport_transmit(rns_transport_t* self, uint32_t interface, const rns_bytes_t* raw);

/// Tell the host. `address` as in rns_delivery_t; `hash` NULL for that of the arrival.
void rns_transport_deliver(rns_transport_t* self, const transport_arrival_t* arrival,
                           rns_delivery_kind_t kind, const uint8_t* address, const uint8_t* hash);

/// Send an arrival on as it is, with its hops.
transport_outcome_t rns_transport_pass_on(rns_transport_t* self, transport_arrival_t* arrival,
                                          uint32_t interface);

/* rns_transport_announce.c */

transport_outcome_t rns_transport_take_announce(rns_transport_t* self,
                                                transport_arrival_t* arrival);
transport_outcome_t rns_transport_take_path_request(rns_transport_t* self,
                                                    transport_arrival_t* arrival);

/// Send on the announces that are due.
void rns_transport_announce_job(rns_transport_t* self, uint64_t now_ns);

/* rns_transport_link.c */

/// Take what is addressed to a link, in transit or local.
transport_outcome_t rns_transport_take_link(rns_transport_t* self, transport_arrival_t* arrival);

/// Take the proof of a packet that was forwarded or sent.
transport_outcome_t rns_transport_take_proof(rns_transport_t* self, transport_arrival_t* arrival);

/// Take a link request for a local destination.
transport_outcome_t rns_transport_take_link_request(rns_transport_t* self,
                                                    transport_arrival_t* arrival);

/// Expire what waits for an answer.
void rns_transport_link_job(rns_transport_t* self, uint64_t now_ns);

/* rns_transport_resource.c */

/// Note a packet of a transfer on an active link, received or (`is_sent`) sent.
void rns_transport_note_resource(rns_transport_t* self, const rns_packet_t* packet, bool is_sent,
                                 uint64_t now_ns);

/* ---- Tables (rns_transport_tables.c) ---------------------------------------------------------
 */

/// Return a value of a table; NULL if the key is not there.
static inline void* transport_find(rns_transport_t* self, rns_transport_table_t table,
                                   const uint8_t* key)
{
    void* value = NULL;
    return rns_table_find(&self->tables[table], key, &value) == RNS_OK ? value : NULL;
}

/// Put a key and return its value, to be filled in; NULL if the table refuses.
static inline void* transport_put(rns_transport_t* self, rns_transport_table_t table,
                                  const uint8_t* key, uint64_t now_ns)
{
    void* value = NULL;
    const rns_status_t status = rns_table_put(&self->tables[table], key, NULL, now_ns, &value);
    return status == RNS_OK || status == RNS_MISS_PRESENT ? value : NULL;
}

/// Remove a key and take its value over; the drop hook is not told. Returns whether it was there.
static inline bool transport_take(rns_transport_t* self, rns_transport_table_t table,
                                  const uint8_t* key, void* value_out)
{
    return rns_table_remove(&self->tables[table], key, value_out) == RNS_OK;
}

/// Remove a key; the drop hook is told. Returns whether it was there.
static inline bool transport_remove(rns_transport_t* self, rns_transport_table_t table,
                                    const uint8_t* key)
{
    return transport_take(self, table, key, NULL);
}

/// Renew the time stamp of a key. Returns whether it is there.
static inline bool transport_touch(rns_transport_t* self, rns_transport_table_t table,
                                   const uint8_t* key, uint64_t now_ns)
{
    return rns_table_touch(&self->tables[table], key, now_ns) == RNS_OK;
}

/// Write the key of a part, and read its number.
void rns_transport_part_key(const uint8_t* link_id, uint32_t number, uint8_t* out);
uint32_t rns_transport_part_number(const uint8_t* key);

/* ---- Bytes of fixed length -------------------------------------------------------------------
 */

static inline void transport_copy(uint8_t* to, const uint8_t* from, uint32_t count)
{
    (void)__builtin_memcpy(to, from, count);
}

static inline bool transport_equal(const uint8_t* a, const uint8_t* b, uint32_t count)
{
    uint8_t difference = 0;
    for (uint32_t i = 0; i < count; ++i) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}

/// Return the next number of a reproducible sequence (xorshift64).
static inline uint64_t transport_random(rns_transport_t* self)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random;
}

#endif
