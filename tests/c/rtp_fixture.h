/// @file rtp_fixture.h
/// What the suites of the RTP receiver share: packets built from their parts, and a receiver over
/// a pool of its own, both in memory of exactly the bytes they ask for.
#ifndef RTP_FIXTURE_H
#define RTP_FIXTURE_H

#include "pool_fixture.h"
#include "rns_rtp_receiver.h"

void suite_rtp(void);
void suite_rtp_receiver(void);
void suite_rtp_slots(void);
void suite_rtp_random(void);
void suite_rtp_vector(void);

#define MILLISECOND     ((uint64_t)1000000u)
#define SECOND          ((uint64_t)1000000000u)
#define PACKET_BYTES    1400u ///< Most that make_packet() writes.
#define EXTENSION_BYTES 8u    ///< Profile, length and one padded element of abs-send-time.

/// Return the 24 bits of abs-send-time at `ns`.
uint32_t send_time_at(uint64_t ns);

/// Write a packet with abs-send-time (id 3) and `payload_bytes` of payload; return its length.
size_t make_packet(unsigned char* bytes, const rns_rtp_info_t* info, uint32_t payload_bytes);

typedef struct {
    pool_fixture_t pool;
    rns_rtp_receiver_t receiver;
    rns_memory_t storage;
    rns_rtp_config_t config;
    uint16_t sequence;
} rtp_fixture_t;

/// Make the default receiver over a pool of `slot_count` slots.
void rtp_begin(rtp_fixture_t* self, uint32_t slot_count);

/// Make a receiver over the fixture's pool; `config->pool` is set here.
void rtp_begin_with(rtp_fixture_t* self, uint32_t slot_count, const rns_rtp_config_t* config);

/// Verify everything, reset, verify that no slot is in use, and free all.
void rtp_end(rtp_fixture_t* self);

/// Receive the next packet of stream 1, sent and arrived at these times, with 100 bytes.
rns_status_t rtp_receive(rtp_fixture_t* self, uint64_t sent_ns, uint64_t arrived_ns);

/// As above, of any stream, sequence number and size.
rns_status_t rtp_receive_info(rtp_fixture_t* self, const rns_rtp_info_t* info,
                              uint32_t payload_bytes);

rns_rtp_stats_t rtp_stats(const rtp_fixture_t* self);

/// Verify invariants and identities of receiver and pool.
void check_rtp(rtp_fixture_t* self);

/// Verify a counter, which is zero where RNS_STATS is off.
#define CHECK_COUNTER(actual, expected)                                                           \
    check_equal((actual), RNS_STATS ? (expected) : 0, #actual, __FILE__, __LINE__)

#endif
