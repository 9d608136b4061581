/// @file rns_malloc_fallback.h
/// The process's own heap as a pool's fallback, for the laboratory.
#ifndef RNS_MALLOC_FALLBACK_H
#define RNS_MALLOC_FALLBACK_H

#include "rns_pool.h"

/// Return a hook over malloc() and free(). free() cannot tell a foreign pointer; see
/// rns_fallback_t.
rns_fallback_t rns_malloc_fallback(void);

#endif
