/* What the paths of packets and of the node have in common. */
#ifndef ALLOCS_NODE_H
#define ALLOCS_NODE_H

#include "rns_transport.h"

/* Write a frame with this header, as the other end of a wire sends it, into memory that is none of
 * the pool; return its length. */
uint32_t allocs_frame(uint8_t* out, const rns_packet_header_t* header, uint32_t payload_bytes);

/* SHA-256 by libnettle, which allocates nothing. */
void allocs_sha256(void* context, const rns_span_t* spans, size_t count, uint8_t* out);

#endif
