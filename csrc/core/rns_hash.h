/// @file rns_hash.h
/// HalfSipHash-1-3: a keyed 32-bit hash for tables whose keys may come from an enemy.
///
/// Owns: the function.
/// Does not: authenticate anything; 32 bits and one round a word are enough for a table only.
///
/// Cost: (bytes / 4 + 4) rounds of 14 additions, rotations and exclusive ors in 32 bit; no
/// multiplication, no 64-bit arithmetic, no table. Source: Aumasson and Bernstein, SipHash (2012);
/// the 32-bit variant of their reference code.
#ifndef RNS_HASH_H
#define RNS_HASH_H

#include "rns_port.h"

/// Return four bytes as a little-endian number; they need no alignment.
static inline uint32_t rns_hash_word(const unsigned char* bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline void rns_hash_round(uint32_t v[4])
{
    v[0] += v[1];
    v[1] = rns_rotate_right(v[1], 32u - 5u) ^ v[0];
    v[0] = rns_rotate_right(v[0], 32u - 16u);
    v[2] += v[3];
    v[3] = rns_rotate_right(v[3], 32u - 8u) ^ v[2];
    v[0] += v[3];
    v[3] = rns_rotate_right(v[3], 32u - 7u) ^ v[0];
    v[2] += v[1];
    v[1] = rns_rotate_right(v[1], 32u - 13u) ^ v[2];
    v[2] = rns_rotate_right(v[2], 32u - 16u);
}

/// Return the hash of `byte_count` bytes under a seed.
static inline uint32_t rns_hash(uint64_t seed, const unsigned char* bytes, uint32_t byte_count)
{
    const uint32_t low = (uint32_t)seed;
    const uint32_t high = (uint32_t)(seed >> 32);
    uint32_t v[4] = {low, high, 0x6C796765u ^ low, 0x74656462u ^ high};
    uint32_t at = 0;
    for (; byte_count - at >= 4u; at += 4u) {
        const uint32_t word = rns_hash_word(bytes + at);
        v[3] ^= word;
        rns_hash_round(v);
        v[0] ^= word;
    }
    uint32_t rest = byte_count << 24;
    for (uint32_t i = 0; at + i < byte_count; ++i) {
        rest |= (uint32_t)bytes[at + i] << (8u * i);
    }
    v[3] ^= rest;
    rns_hash_round(v);
    v[0] ^= rest;
    v[2] ^= 0xFFu;
    rns_hash_round(v);
    rns_hash_round(v);
    rns_hash_round(v);
    return v[1] ^ v[3];
}

#endif
