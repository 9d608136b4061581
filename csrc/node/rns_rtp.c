#include "rns_rtp.h"

#define FIXED_BYTES    12u
#define ONE_BYTE       0xBEDEu
#define TWO_BYTE       0x1000u
#define TWO_BYTE_MASK  0xFFF0u ///< The last four bits are the application's.
#define STOP_ID        15u     ///< With one-byte headers: ignore what follows.
#define SEND_TIME_SIZE 3u

/// One extension element, and where the next begins.
typedef struct {
    uint32_t id; ///< 0: padding, of one byte.
    size_t start;
    size_t end;
} element_t;

static uint32_t big_endian(const uint8_t* bytes, uint32_t count)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; ++i) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static rns_span_t span(const uint8_t* start, size_t bytes)
{
    const rns_span_t found = {.start = start, .bytes = bytes};
    const rns_span_t nothing = {.start = NULL, .bytes = 0};
    return bytes == 0 ? nothing : found;
}

static bool is_two_byte(uint16_t profile)
{
    return (profile & TWO_BYTE_MASK) == TWO_BYTE;
}

/// Read the element at `at`, which is below the extension's end; its end may be above.
static element_t element_at(const rns_rtp_header_t* self, size_t at)
{
    const uint8_t* const bytes = self->extension.start;
    element_t element = {.id = bytes[at], .start = at + 1u, .end = at + 1u};
    if (element.id == 0) {
        return element;
    }
    if (!is_two_byte(self->extension_profile)) {
        element.id = bytes[at] >> 4;
        element.end = element.start + (bytes[at] & 15u) + 1u;
    } else if (element.start < self->extension.bytes) {
        element.end = element.start + 1u + bytes[element.start];
        element.start += 1u;
    } else {
        element.end = element.start + 1u; /* its length is beyond the end */
    }
    return element;
}

/// Tell whether elements can be read at all: other profiles have a form of their own.
static bool has_elements(const rns_rtp_header_t* self)
{
    return self->extension_profile == ONE_BYTE || is_two_byte(self->extension_profile);
}

static bool is_stop(const rns_rtp_header_t* self, element_t element)
{
    return element.id == STOP_ID && self->extension_profile == ONE_BYTE;
}

static rns_status_t check_elements(const rns_rtp_header_t* self)
{
    size_t at = 0;
    while (has_elements(self) && at < self->extension.bytes) {
        const element_t element = element_at(self, at);
        if (is_stop(self, element)) {
            break;
        }
        if (element.end > self->extension.bytes) {
            return RNS_INPUT_EXTENSION;
        }
        at = element.end;
    }
    return RNS_OK;
}

/// Read what follows the fixed header; `at` is behind the CSRC list.
static rns_status_t parse_rest(rns_rtp_header_t* self, rns_span_t packet, size_t at)
{
    const uint8_t* const bytes = packet.start;
    if ((bytes[0] & 0x10u) != 0) {
        if (packet.bytes - at < 4u) {
            return RNS_INPUT_SHORT;
        }
        self->extension_profile = (uint16_t)big_endian(bytes + at, 2);
        const size_t extension_bytes = 4u * (size_t)big_endian(bytes + at + 2u, 2);
        at += 4u;
        if (packet.bytes - at < extension_bytes) {
            return RNS_INPUT_SHORT;
        }
        self->extension = span(bytes + at, extension_bytes);
        at += extension_bytes;
        if (check_elements(self) != RNS_OK) {
            return RNS_INPUT_EXTENSION;
        }
    }
    if ((bytes[0] & 0x20u) != 0) {
        self->padding_bytes = bytes[packet.bytes - 1u];
        if (self->padding_bytes == 0 || self->padding_bytes > packet.bytes - at) {
            return RNS_INPUT_PADDING;
        }
    }
    self->payload = span(bytes + at, packet.bytes - at - self->padding_bytes);
    return RNS_OK;
}

rns_status_t rns_rtp_header_parse(rns_span_t packet, rns_rtp_header_t* out)
{
    const uint8_t* const bytes = packet.start;
    *out = (rns_rtp_header_t){0};
    if (packet.bytes < FIXED_BYTES) {
        return RNS_INPUT_SHORT;
    }
    if (bytes[0] >> 6 != 2) {
        return RNS_INPUT_VERSION;
    }
    const uint8_t csrc_count = bytes[0] & 15u;
    if (packet.bytes - FIXED_BYTES < 4u * (size_t)csrc_count) {
        return RNS_INPUT_SHORT;
    }
    rns_rtp_header_t header = {.ssrc = big_endian(bytes + 8, 4),
                               .timestamp = big_endian(bytes + 4, 4),
                               .sequence = (uint16_t)big_endian(bytes + 2, 2),
                               .payload_type = bytes[1] & 127u,
                               .csrc_count = csrc_count,
                               .marker = bytes[1] >> 7 != 0,
                               .csrc = span(bytes + FIXED_BYTES, 4u * (size_t)csrc_count)};
    const rns_status_t status = parse_rest(&header, packet, FIXED_BYTES + 4u * (size_t)csrc_count);
    if (status == RNS_OK) {
        *out = header;
    }
    return status;
}

rns_status_t rns_rtp_extension_find(const rns_rtp_header_t* self, uint8_t id, rns_span_t* out)
{
    *out = (rns_span_t){0};
    size_t at = 0;
    while (has_elements(self) && at < self->extension.bytes) {
        const element_t element = element_at(self, at);
        if (is_stop(self, element)) {
            break;
        }
        if (element.id == id && id != 0) {
            out->start = (const uint8_t*)self->extension.start + element.start;
            out->bytes = element.end - element.start;
            return RNS_OK;
        }
        at = element.end;
    }
    return RNS_MISS_ABSENT;
}

rns_status_t rns_rtp_send_time(const rns_rtp_header_t* self, uint8_t id, uint32_t* out)
{
    *out = 0;
    rns_span_t data;
    const rns_status_t status = rns_rtp_extension_find(self, id, &data);
    if (status != RNS_OK) {
        return status;
    }
    if (data.bytes != SEND_TIME_SIZE) {
        return RNS_INPUT_EXTENSION;
    }
    *out = big_endian(data.start, SEND_TIME_SIZE);
    return RNS_OK;
}
