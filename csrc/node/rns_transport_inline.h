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
    rns_bytes_t raw; ///< The announce as it arrived: the answer to a path request.
    uint32_t interface;
    uint8_t hops;
    uint8_t blob_count;
    uint8_t blob_next; ///< Where the next one is written, over the oldest.
    uint8_t next_hop[RNS_PACKET_ADDRESS_BYTES];
    uint8_t blobs[RNS_TRANSPORT_BLOBS][RNS_PACKET_RANDOM_HASH_BYTES];
} transport_path_t;

typedef struct {
    rns_bytes_t raw; ///< As it arrived; once sent on, as it was sent.
    uint64_t due_ns;
    uint8_t hops;
    uint8_t sent_count;
    uint8_t heard_count; ///< Neighbours that sent it on as well.
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
} transport_link_t;

typedef struct {
    rns_bytes_t public_key;
    rns_bytes_t app_data;
} transport_known_t;

typedef struct {
    uint8_t hash[RNS_PACKET_HASH_BYTES];
} transport_receipt_t;

/// A local link, pending or active.
typedef struct {
    uint32_t interface; ///< RNS_TRANSPORT_NO_INTERFACE while pending along an unknown path.
    uint8_t destination[RNS_PACKET_ADDRESS_BYTES];
} transport_local_link_t;

typedef struct {
    uint32_t part_count; ///< Kept, under numbers from 0.
    bool is_proven;
} transport_resource_t;

typedef struct {
    rns_bytes_t raw;
} transport_part_t;

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

/// Remove a key; the drop hook is told. Returns whether it was there.
static inline bool transport_remove(rns_transport_t* self, rns_transport_table_t table,
                                    const uint8_t* key)
{
    return rns_table_remove(&self->tables[table], key, NULL) == RNS_OK;
}

/// Renew the time stamp of a key. Returns whether it is there.
static inline bool transport_touch(rns_transport_t* self, rns_transport_table_t table,
                                   const uint8_t* key, uint64_t now_ns)
{
    return rns_table_touch(&self->tables[table], key, now_ns) == RNS_OK;
}

/// Write the key of a part.
void rns_transport_part_key(const uint8_t* link_id, uint32_t number, uint8_t* out);

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
