/* A pool as firmware has it: every size comes from what `pyrns-pool export` wrote. */
#ifndef EXPORT_POOL_H
#define EXPORT_POOL_H

#include "rns_pool.h"

#define EXPORT_FREE UINT32_MAX ///< As size: the block is given back.

/// One event of a packed trace.
typedef struct {
    uint32_t block; ///< Which allocation, from 0.
    uint32_t size_bytes;
} export_event_t;

/// Send a packed trace through the exported pool.
///
/// @param slots  One pointer for each block.
/// @return RNS_OK, or why the pool refused configuration, storage or a give.
rns_status_t export_replay(const export_event_t* events, size_t event_count, void** slots,
                           rns_pool_stats_t* out);

/// Return how many bytes of static storage the pool got, and how many it needs.
size_t export_storage_bytes(void);
size_t export_needed_bytes(void);

#endif
