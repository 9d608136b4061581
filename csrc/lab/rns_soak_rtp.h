/// @file rns_soak_rtp.h
/// Calls for days: RTP packets that arrive and wait, as Bytes, for the moment at which they are
/// played, once over the pool and once over the heap beside it.
///
/// A call of one to ten minutes sends sound every 20 ms, a packet of 80 to 160 bytes, and with
/// every third of these a picture of 400 to 2400 bytes in packets of at most 480; then there is
/// silence for up to three minutes. All goes through a link whose capacity changes every half
/// minute: what would wait there for more than half a second is lost, and so are two packets of a
/// thousand. None overtakes another. A packet is played 200 ms after it was sent, or at once if it
/// arrives later than that.
///
/// Owns: sender, link and playout buffer.
/// Does not: own receiver, buffer and stores. The receiver's infos are no Bytes and lie elsewhere
/// (rns_rtp_receiver_init() refuses a pool with headers); it hears each packet once.
///
/// Cost: a packet is that of the receiver and of two buffers.  Threads: one.  Integers only, so
/// that a seed gives the same calls everywhere.
///
/// Invariants between calls:
///   I1  The packets that wait ascend in due_ns, and due_ns is at or after soak->now_ns.
///   I2  next.arrival_ns is at or after that of the packet before.
///   I3  sent = lost + late + played + waiting_count + 1, the one being `next`, once begun.
#ifndef RNS_SOAK_RTP_H
#define RNS_SOAK_RTP_H

#include "rns_rtp_run.h"
#include "rns_soak.h"

#define RNS_SOAK_RTP_PACKET_BYTES 480u ///< The largest.
/// Packets that can wait: sound and at most 6 packets of picture, 11 times within 200 ms.
#define RNS_SOAK_RTP_WAITING_MAX 128u

typedef struct {
    rns_bytes_t lanes[RNS_SOAK_LANES]; ///< Empty where no buffer was to be had.
    int64_t due_ns;
} rns_soak_rtp_waiting_t;

typedef struct {
    rns_soak_t* soak;
    rns_store_t* stores[RNS_SOAK_LANES];
    rns_rtp_receiver_t* receiver; ///< Its extension_id is RNS_RTP_RUN_EXTENSION_ID.
    uint8_t* buffer;              ///< RNS_SOAK_RTP_PACKET_BYTES, all zero.
    uint64_t random;              ///< The seed, not 0. The fields below are zero at first.
    uint64_t calls;
    uint64_t sent;
    uint64_t lost;
    uint64_t late; ///< Arrived after the moment at which it should have been played.
    uint64_t played;
    int64_t send_ns;         ///< The sender's clock,
    int64_t call_end_ns;     ///< when it hangs up,
    uint32_t picture_bytes;  ///< what is left to send of the picture,
    uint32_t sounds;         ///< and how many packets of sound the call has sent.
    uint16_t sequence[2];    ///< Of sound and of pictures.
    uint32_t capacity_bps;   ///< The link's,
    int64_t capacity_end_ns; ///< until then.
    int64_t link_free_ns;
    rns_rtp_run_packet_t next;                                ///< What arrives next.
    rns_soak_rtp_waiting_t waiting[RNS_SOAK_RTP_WAITING_MAX]; ///< A ring.
    uint32_t waiting_first;
    uint32_t waiting_count;
} rns_soak_rtp_t;

/// Let all arrive and be played that does before `end_ns`.
void rns_soak_rtp_until(rns_soak_rtp_t* self, int64_t end_ns);

/// Return how many buffers of the pool wait.
uint32_t rns_soak_rtp_held(const rns_soak_rtp_t* self);

/// Drop all that waits.
void rns_soak_rtp_drop(rns_soak_rtp_t* self);

#endif
