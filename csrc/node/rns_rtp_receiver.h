/// @file rns_rtp_receiver.h
/// The receiver's half of a bandwidth estimator for RTP: packets in, the bit rate for REMB out.
///
/// Owns: the streams it hears, the open group of packets, the rate window, the estimate; all in
/// storage that the caller gave, but for the packet infos, which are slots of the caller's pool.
/// Does not: own the pool, read a clock (every call is told the time), write RTCP, or know of
/// loss, which the draft leaves to the sender.
///
/// Source: draft-ietf-rmcat-gcc-02, sections 5.1 to 5.5, with abs-send-time as departure time.
///
/// Grouping is the draft's (5.2), by both rules: a packet joins the open group if it was sent at
/// most 5 ms after the group's first, or if it arrived less than 5 ms after the group's last and
/// came nearer to it on the way by more than one tick of the sender's clock (without that tick
/// mere rounding would join packets), until 100 ms after the group's first as in libwebrtc.
/// Grouping by the arrival gap alone would take a queue that builds up, whose packets arrive
/// spread out, for separate groups, and a paced burst of a frame as well.
///
/// A packet info lives from its packet's arrival until its group is settled: when the first packet
/// of the next group arrives, time has jumped, no stream is left, or on reset. What it holds is
/// needed until then: the group's first and last packet decide who joins, and each is compared
/// with what arrives, so that a packet that the network doubled counts once. A group has at most
/// RNS_RTP_GROUP_PACKETS infos: as many as packets 1 ms apart need. A packet beyond takes the
/// newest info's place, which changes no estimate. So a receiver never has more than
/// RNS_RTP_GROUP_PACKETS slots in use, whatever the traffic, and a tier with that many for each
/// receiver never misses. That is the only memory it takes.
///
/// When the pool refuses a slot, the packet is counted in the rate, and in the open group as one
/// beyond; only if it had to open a group the delay filter does not see it. The receiver goes on.
///
/// Time that jumps: a gap of more than 2 s between arrivals, or of more than 3 s between send
/// times, starts the delay filter anew. A packet sent before the last one is late, and the
/// arrival-time model ignores it, as the draft says. The sender's clock is one for all its
/// streams.
///
/// Cost: a packet is O(RNS_RTP_GROUP_PACKETS), one rns_table_put(), and one take; one that settles
/// a group costs a filter sample (rns_rtp_delay.h) and a rate update (rns_rtp_rate.h) too.
///
/// Threads: unsynchronised, in every RNS_SYNC; one owner at a time. The pool is shared as its own
/// header says: many receivers and threads may draw from one.
///
/// Invariants (rns_rtp_receiver_check; R1 and R2 of the rate, and those of the table, as well):
///   R3  The group is a list of group_count infos, newest first, each a slot in use of the pool;
///       group_count <= RNS_RTP_GROUP_PACKETS.
///   R4  Along it neither send times nor arrivals ascend.
///   R5  takes - gives = group_count.
///   R6  packets = the sum of the outcomes (rns_rtp_counts_t).
///   R7  The threshold is in its bounds.
#ifndef RNS_RTP_RECEIVER_H
#define RNS_RTP_RECEIVER_H

#include "rns_rtp.h"
#include "rns_rtp_rate.h"
#include "rns_table.h"

#define RNS_RTP_GROUP_PACKETS 6u ///< Slots one receiver needs at most.

#define RNS_RTP_STREAM_AGE_NS 2000000000u ///< A stream silent for longer is forgotten.
#define RNS_RTP_REMB_NS       1000000000u ///< Between two REMBs, unless the estimate fell 3 %.

/// When a packet left and arrived.
typedef struct {
    uint64_t arrival_ns;
    uint64_t send_ticks; ///< abs-send-time, unwrapped (rns_rtp_unwrap).
} rns_rtp_moment_t;

/// One packet of the open group, in a slot of the pool.
typedef struct rns_rtp_info {
    struct rns_rtp_info* older; ///< NULL in the group's first.
    rns_rtp_moment_t at;
    uint32_t ssrc;
    uint16_t sequence;
} rns_rtp_info_t;

/// A receiver as the caller wants it; not needed after rns_rtp_receiver_init().
typedef struct {
    rns_pool_t* pool;     ///< With a tier for sizeof(rns_rtp_info_t), without headers. Outlives.
    uint8_t extension_id; ///< Of abs-send-time, as negotiated; not 0.
    rns_rtp_filter_t filter;
    rns_rtp_bounds_t bounds;
    uint32_t bucket_count; ///< Of the rate window, RNS_RTP_BUCKETS_MIN to RNS_RTP_BUCKETS_MAX.
    uint32_t stream_count; ///< Streams it hears at once, by SSRC.
    rns_table_policy_t stream_policy; ///< What happens to one more: reject it, or cull others.
    uint64_t seed;                    ///< Of the table's hash: senders choose SSRCs.
} rns_rtp_config_t;

/// What became of packets, and what was done. Zero where RNS_STATS is off.
///
/// packets = malformed + rejected + duplicates + timeless + late + missed + grouped;
/// of those grouped, `beyond` are without an info of their own.
typedef struct {
    rns_counter_t packets;
    rns_counter_t malformed;  ///< RNS_INPUT_*.
    rns_counter_t rejected;   ///< Of a stream that found no room. Nothing was kept.
    rns_counter_t duplicates; ///< Already in the open group. Nothing was kept.
    rns_counter_t timeless;   ///< Without abs-send-time: counted in the rate only.
    rns_counter_t late;       ///< Sent before the last one: counted in the rate only.
    rns_counter_t missed;     ///< No slot to open a group with: counted in the rate only.
    rns_counter_t grouped;
    rns_counter_t beyond;
    rns_counter_t takes;    ///< Slots from the pool.
    rns_counter_t gives;    ///< Slots back to it.
    rns_counter_t refusals; ///< Takes that the pool refused: missed, and some of `beyond`.
    rns_counter_t groups;   ///< Settled.
    rns_counter_t restarts; ///< Of the delay filter, because time jumped.
    rns_counter_t overuses; ///< Groups after which the detector signalled over-use.
    rns_counter_t rembs;
} rns_rtp_counts_t;

/// Everything a receiver knows of itself at one moment.
typedef struct {
    rns_rtp_counts_t counts;
    rns_table_stats_t streams;
    rns_rtp_signal_t signal;
    rns_rtp_rate_state_t state;
    int64_t trend_ns;
    int64_t threshold_ns;
    uint32_t incoming_bps; ///< When the last packet arrived; 0: unknown.
    uint32_t estimate_bps;
    uint32_t in_use; ///< Slots.
} rns_rtp_stats_t;

typedef struct {
    rns_pool_t* pool;
    rns_table_t streams; ///< Keys are SSRCs (uint32_t), without values; for rns_table_each().
    rns_rtp_rate_t rate;
    rns_rtp_delay_t delay;
    rns_rtp_info_t* newest; ///< Of the open group; NULL: none is open.
    uint32_t group_count;
    rns_rtp_moment_t opened;  ///< The first packet of the open group.
    rns_rtp_moment_t settled; ///< The last packet of the group before.
    bool has_settled;
    uint8_t extension_id;
    uint64_t now_ns; ///< Latest arrival.
    uint64_t remb_ns;
    uint32_t remb_bps; ///< 0: none was sent.
    rns_rtp_counts_t counts;
} rns_rtp_receiver_t;

/// Return the defaults: trendline, 10 kbit/s to 30 Mbit/s from 300 kbit/s, 100 buckets of 10 ms,
/// 8 streams (culled), extension id 3.
rns_rtp_config_t rns_rtp_config_default(rns_pool_t* pool);

/// Compute how much storage rns_rtp_receiver_init() needs: some 4 bytes a bucket, 40 a stream.
///
/// @param out  Receives the bytes; 0 unless RNS_OK is returned.
///
/// @retval RNS_CONFIG_*  As rns_rtp_receiver_init(), but for the storage and the pool.
///
/// Cost: O(1).  Threads: pure.
RNS_MUST_USE rns_status_t rns_rtp_receiver_storage_bytes(const rns_rtp_config_t* config,
                                                         size_t* out);

/// Make a receiver that has heard nothing.
///
/// @param self     Uninitialised memory for the receiver; left all zero unless RNS_OK is returned.
/// @param storage  Aligned to RNS_ALIGN_BYTES (and to uint64_t), outlives the receiver.
///
/// @retval RNS_CONFIG_RTP      Id, filter, bounds or bucket_count out of range.
/// @retval RNS_CONFIG_HEADER   The pool puts headers in front of its slots: it is one for Bytes.
/// @retval RNS_CONFIG_SLOT_BYTES  None of the pool's tiers has room for an info.
/// @retval RNS_CONFIG_*        As rns_table_init(), of the streams and of the storage.
///
/// Cost: O(stream_count + bucket_count). Takes nothing from the pool.
RNS_MUST_USE rns_status_t rns_rtp_receiver_init(rns_rtp_receiver_t* self,
                                                const rns_rtp_config_t* config,
                                                rns_memory_t storage);

/// Forget everything heard and give back every slot; the estimate is where it starts, and the
/// statistics begin anew.
///
/// Cost: O(stream_count + bucket_count).
void rns_rtp_receiver_reset(rns_rtp_receiver_t* self);

/// Take in one packet.
///
/// @param packet  The whole RTP packet; not needed afterwards.
/// @param now_ns  When it arrived; a time before the latest arrival counts as that one.
///
/// @retval RNS_OK              Grouped, late or a duplicate: see the counts.
/// @retval RNS_MISS_ABSENT     Without abs-send-time.
/// @retval RNS_MISS_EXHAUSTED  A slot, or room for its stream, was refused; see the file comment.
/// @retval RNS_INPUT_*         Malformed; nothing was kept.
///
/// Counts: packets, and one outcome.  Cost: see the file comment.
RNS_MUST_USE rns_status_t rns_rtp_receiver_receive(rns_rtp_receiver_t* self, rns_span_t packet,
                                                   uint64_t now_ns);

/// Forget streams that fell silent, and tell whether a REMB is due. Call it after each packet, or
/// ten times a second.
///
/// Due it is if none was sent before, a second after the last, and at once when the estimate is
/// 3 % or more below what the last one said. With the last stream the open group goes, too.
///
/// @param out  Receives the bit rate to send for the SSRCs in `streams`; 0 unless RNS_OK is
///             returned.
///
/// @retval RNS_OK           Send it now: the receiver takes it as sent.
/// @retval RNS_MISS_ABSENT  Nothing is due, or there is no stream.
///
/// Counts: rembs.  Cost: O(streams).
RNS_MUST_USE rns_status_t rns_rtp_receiver_remb(rns_rtp_receiver_t* self, uint64_t now_ns,
                                                uint32_t* out);

/// Return a snapshot.
void rns_rtp_receiver_stats(const rns_rtp_receiver_t* self, rns_rtp_stats_t* out);

/// Verify R1 to R7 and the table of streams.
///
/// Cost: O(stream_count + bucket_count).
rns_damage_t rns_rtp_receiver_check(const rns_rtp_receiver_t* self);

#endif
