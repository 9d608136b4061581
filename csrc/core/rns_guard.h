/// @file rns_guard.h
/// Marks in a slot's bytes that show who wrote where they should not; no code if switched off.
///
/// Owns: the byte patterns of RNS_CANARY and RNS_POISON.
/// Does not: decide what follows from damage (rns_tier_t does).
#ifndef RNS_GUARD_H
#define RNS_GUARD_H

#include "rns_port.h"

#define RNS_CANARY_BYTE  0xC5u
#define RNS_POISON_BYTE  0xDEu
#define RNS_CANARY_BYTES (RNS_CANARY ? 4u : 0u) ///< At least; the rest of the stride joins in.

static inline void rns_guard_fill(unsigned char* bytes, uint32_t from, uint32_t to,
                                  unsigned char value)
{
    for (uint32_t i = from; i < to; ++i) {
        bytes[i] = value;
    }
}

static inline bool rns_guard_is_filled(const unsigned char* bytes, uint32_t from, uint32_t to,
                                       unsigned char value)
{
    for (uint32_t i = from; i < to; ++i) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

#endif
