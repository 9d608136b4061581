/// @file rns_mix.h
/// A hash of 32 bytes that is not cryptographic, where SHA-256 would take most of a long run.
///
/// Different contents give different hashes, by all that chance allows, and that is all that a
/// model of a node needs of them. It is no SHA-256, and whoever uses it says so.
///
/// Cost: a multiplication for 8 bytes.  Threads: pure.
#ifndef RNS_MIX_H
#define RNS_MIX_H

#include "rns_packet.h"

/// Return the hook.
rns_hash_hook_t rns_mix_hook(void);

#endif
