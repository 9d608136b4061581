/// @file rns_rtp.h
/// The header of an RTP packet, read in place.
///
/// Owns: the form of the fixed header, CSRC list, header extension and padding (RFC 3550 5.1), of
/// extension elements with one-byte and two-byte headers (RFC 8285 4.2, 4.3), and of
/// abs-send-time.
/// Does not: copy, keep or allocate anything: what is found points into the packet.
///
/// Cost: O(1) for a header, O(extension bytes) for its elements.
/// Threads: pure.
#ifndef RNS_RTP_H
#define RNS_RTP_H

#include "rns_bytes.h"

#define RNS_RTP_EXTENSION_ID_MAX 255u ///< Above 14 only elements with two-byte headers.

/// abs-send-time is 24 bits of 6.18 fixed point seconds: a tick is 2^-18 s, and it wraps at 64 s.
#define RNS_RTP_SEND_TIME_BITS 24u
#define RNS_RTP_TICKS_SECOND   ((uint32_t)1 << 18)

/// A header as it came. Spans have a NULL start where there is nothing.
typedef struct {
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t sequence;
    uint16_t extension_profile; ///< 0xBEDE: one-byte headers; 0x1000 to 0x100F: two-byte.
    uint8_t payload_type;
    uint8_t csrc_count;
    uint8_t padding_bytes; ///< Behind the payload, the byte that counts them included.
    bool marker;
    rns_span_t csrc;      ///< csrc_count words of 4 bytes, big-endian.
    rns_span_t extension; ///< Its elements, without profile and length.
    rns_span_t payload;   ///< Without the padding.
} rns_rtp_header_t;

/// Read the header of a packet.
///
/// @param packet  The whole RTP packet; outlives what is found in it.
/// @param out     Receives the header; all zero unless RNS_OK is returned.
///
/// @retval RNS_INPUT_VERSION    Not version 2.
/// @retval RNS_INPUT_SHORT      Ends within the fixed header, CSRC list or extension.
/// @retval RNS_INPUT_EXTENSION  An element runs past the end of its extension.
/// @retval RNS_INPUT_PADDING    Padding of no byte, or of more than there are.
RNS_MUST_USE rns_status_t rns_rtp_header_parse(rns_span_t packet, rns_rtp_header_t* out);

/// Find the first extension element with this id.
///
/// @param id   1 to RNS_RTP_EXTENSION_ID_MAX.
/// @param out  Receives the element's data, which may be of no byte; a NULL start unless RNS_OK
///             is returned.
///
/// @retval RNS_MISS_ABSENT  There is none, or the extension has neither form of RFC 8285.
RNS_MUST_USE rns_status_t rns_rtp_extension_find(const rns_rtp_header_t* self, uint8_t id,
                                                 rns_span_t* out);

/// Read the abs-send-time of a packet.
///
/// @param out  Receives the 24 bits; 0 unless RNS_OK is returned.
///
/// @retval RNS_MISS_ABSENT      There is no element with this id.
/// @retval RNS_INPUT_EXTENSION  There is one, but not of 3 bytes.
RNS_MUST_USE rns_status_t rns_rtp_send_time(const rns_rtp_header_t* self, uint8_t id,
                                            uint32_t* out);

/// Return the tick count that has `send_time` in its low 24 bits and is nearest to `reference`: up
/// to 32 s before it (which must not reach below 0) or less than 32 s after.
static inline uint64_t rns_rtp_unwrap(uint64_t reference, uint32_t send_time)
{
    const uint32_t half = (uint32_t)1 << (RNS_RTP_SEND_TIME_BITS - 1u);
    const uint32_t ahead = (send_time - (uint32_t)reference + half) & (2u * half - 1u);
    return reference + ahead - half;
}

#endif
