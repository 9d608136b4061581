#include "rns_mix.h"

#include <string.h>

#define BLOCK_BYTES 64u
#define LANES       (RNS_PACKET_HASH_BYTES / 8u)

typedef struct {
    uint64_t lanes[LANES];
    uint64_t bytes;
    uint8_t block[BLOCK_BYTES]; ///< Filled up to bytes % BLOCK_BYTES.
} mix_t;

/// Spread each bit of a word over all of it (the finaliser of SplitMix64; Stafford's Mix13).
static uint64_t spread(uint64_t word)
{
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
}

static void mix_block(mix_t* self)
{
    for (uint32_t i = 0; i < BLOCK_BYTES / 8u; ++i) {
        uint64_t word;
        memcpy(&word, self->block + (size_t)i * 8u, sizeof word);
        uint64_t* const lane = &self->lanes[i % LANES];
        *lane = (*lane ^ word) * 0x9E3779B97F4A7C15u;
        *lane ^= *lane >> 29;
    }
}

static void feed(mix_t* self, const uint8_t* start, size_t bytes)
{
    while (bytes > 0) {
        const size_t filled = (size_t)(self->bytes % BLOCK_BYTES);
        const size_t room = BLOCK_BYTES - filled;
        const size_t part = bytes < room ? bytes : room;
        memcpy(self->block + filled, start, part);
        self->bytes += part;
        start += part;
        bytes -= part;
        if (part == room) {
            mix_block(self);
        }
    }
}

static void mix(void* context, const rns_span_t* spans, size_t count, uint8_t* out)
{
    mix_t self = {.lanes = {1, 2, 3, 4}};
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        feed(&self, spans[i].start, spans[i].bytes);
    }
    const size_t filled = (size_t)(self.bytes % BLOCK_BYTES);
    memset(self.block + filled, 0, BLOCK_BYTES - filled);
    mix_block(&self);
    uint64_t all = self.bytes;
    for (uint32_t i = 0; i < LANES; ++i) {
        all = spread(all ^ self.lanes[i]);
    }
    for (uint32_t i = 0; i < LANES; ++i) {
        const uint64_t word = spread(all + self.lanes[i] + i);
        memcpy(out + (size_t)i * 8u, &word, sizeof word);
    }
}

rns_hash_hook_t rns_mix_hook(void)
{
    return (rns_hash_hook_t){.sha256 = mix};
}
