#include "rns_packet_node.h"

#define NONE       UINT32_MAX
#define STEP_FREE  0u
#define STEP_SEND  1u
#define STEP_LEARN 2u

#define LOG2_BITS    16u
#define LN_2_SHIFTED 45426u /* ln 2 times 2 to the LOG2_BITS */

/// Xorshift64*, Vigna 2016.
static uint32_t next_random(rns_packet_node_t* self)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return (uint32_t)((self->random * 0x2545F4914F6CDD1Du) >> 32);
}

/// Return a uniform number from `low` to `high`.
static uint32_t draw_between(rns_packet_node_t* self, uint32_t low, uint32_t high)
{
    return low + (uint32_t)((uint64_t)next_random(self) * (high - low + 1u) >> 32);
}

/// Return log2 of a number above 0, times 2 to the LOG2_BITS, by squaring.
static uint32_t log2_shifted(uint32_t number)
{
    const uint32_t whole = 31u - (uint32_t)__builtin_clz(number);
    uint64_t mantissa = (uint64_t)number << (31u - whole); /* 1 to 2, with 31 bits behind */
    uint32_t log2 = whole;
    for (uint32_t i = 0; i < LOG2_BITS; ++i) {
        mantissa = mantissa * mantissa >> 31;
        const uint32_t bit = (uint32_t)(mantissa >> 32);
        mantissa >>= bit;
        log2 = log2 << 1 | bit;
    }
    return log2;
}

/// Return an exponential number of ticks, 1 or more: the negative logarithm of a uniform one.
static uint32_t draw_life(rns_packet_node_t* self, uint32_t mean_ticks)
{
    const uint32_t uniform = next_random(self) | 1u;
    const uint64_t log2 = (32u << LOG2_BITS) - log2_shifted(uniform);
    const uint64_t ticks = (log2 * LN_2_SHIFTED * mean_ticks) >> (2u * LOG2_BITS);
    const uint32_t life =
        ticks < RNS_PACKET_NODE_WHEEL ? (uint32_t)ticks : RNS_PACKET_NODE_WHEEL - 1u;
    return life == 0 ? 1u : life;
}

uint32_t rns_packet_node_blocks(uint32_t share_bytes)
{
    const uint32_t half_bytes = share_bytes / 2u;
    return half_bytes / RNS_PACKET_BYTES_MIN + half_bytes / RNS_ENTRY_BYTES_MIN + 1u;
}

size_t rns_packet_node_storage_bytes(uint32_t share_bytes)
{
    return rns_packet_node_blocks(share_bytes) * sizeof(rns_packet_node_block_t) +
           RNS_PACKET_NODE_WHEEL * sizeof(uint32_t);
}

rns_status_t rns_packet_node_init(rns_packet_node_t* self, uint32_t share_bytes, uint64_t seed,
                                  rns_memory_t storage)
{
    if (share_bytes > RNS_PACKET_NODE_SHARE_BYTES_MAX) {
        return RNS_CONFIG_OVERFLOW;
    }
    if (storage.start == NULL || storage.bytes < rns_packet_node_storage_bytes(share_bytes)) {
        return RNS_CONFIG_STORAGE_SMALL;
    }
    *self = (rns_packet_node_t){.share_bytes = share_bytes,
                                .block_count = rns_packet_node_blocks(share_bytes),
                                .random = (seed + 1u) * 0x9E3779B97F4A7C15u,
                                .wheel = storage.start};
    self->random |= self->random == 0 ? 1u : 0;
    self->blocks = (rns_packet_node_block_t*)(void*)(self->wheel + RNS_PACKET_NODE_WHEEL);
    for (uint32_t i = 0; i < RNS_PACKET_NODE_WHEEL; ++i) {
        self->wheel[i] = NONE;
    }
    for (uint32_t i = 0; i < self->block_count; ++i) {
        self->blocks[i].next = i + 1u < self->block_count ? i + 1u : NONE;
    }
    return RNS_OK;
}

/// Return the time of the current tick.
static int64_t now_ns(const rns_packet_node_t* self)
{
    return (int64_t)self->tick * RNS_PACKET_NODE_TICK_NS;
}

static rns_event_t free_block(rns_packet_node_t* self, uint32_t* head)
{
    const uint32_t id = *head;
    rns_packet_node_block_t* const block = &self->blocks[id];
    uint32_t* const live = block->is_entry != 0 ? &self->entry_bytes : &self->packet_bytes;
    *live -= block->size_bytes;
    *head = block->next;
    block->next = self->unused;
    self->unused = id;
    return (rns_event_t){.t_ns = now_ns(self), .id = id, .op = RNS_EVENT_FREE};
}

static rns_event_t allocate(rns_packet_node_t* self, uint32_t size_bytes, uint32_t is_entry)
{
    const uint32_t id = self->unused;
    const uint32_t mean_ticks = is_entry != 0 ? RNS_ENTRY_LIFE_TICKS : RNS_PACKET_LIFE_TICKS;
    const uint64_t death = self->tick + draw_life(self, mean_ticks);
    uint32_t* const head = &self->wheel[death & (RNS_PACKET_NODE_WHEEL - 1u)];
    uint32_t* const live = is_entry != 0 ? &self->entry_bytes : &self->packet_bytes;
    *live += size_bytes;
    self->unused = self->blocks[id].next;
    self->blocks[id] = (rns_packet_node_block_t){*head, size_bytes, is_entry};
    *head = id;
    return (rns_event_t){.t_ns = now_ns(self),
                         .id = id,
                         .size_bytes = size_bytes,
                         .site = is_entry,
                         .op = RNS_EVENT_ALLOC};
}

/// Write the next event of this tick and return true, or go on to the next step.
static bool step(rns_packet_node_t* self, rns_event_t* out)
{
    const uint32_t half_bytes = self->share_bytes / 2u;
    if (self->step == STEP_FREE) {
        uint32_t* const head = &self->wheel[self->tick & (RNS_PACKET_NODE_WHEEL - 1u)];
        if (*head != NONE) {
            *out = free_block(self, head);
            return true;
        }
        self->step = STEP_SEND;
    } else if (self->step == STEP_SEND) {
        if (self->next_packet_bytes == 0) {
            self->next_packet_bytes =
                draw_between(self, RNS_PACKET_BYTES_MIN, RNS_PACKET_BYTES_MAX);
        }
        if (self->packet_bytes + self->next_packet_bytes <= half_bytes) {
            *out = allocate(self, self->next_packet_bytes, 0);
            self->next_packet_bytes = 0;
            return true;
        }
        self->step = STEP_LEARN;
    } else {
        if (self->next_entry_bytes == 0) {
            self->next_entry_bytes = draw_between(self, RNS_ENTRY_BYTES_MIN, RNS_ENTRY_BYTES_MAX);
        }
        const bool fits = self->entry_bytes + self->next_entry_bytes <= half_bytes;
        if (fits) {
            *out = allocate(self, self->next_entry_bytes, 1);
            self->next_entry_bytes = 0;
        }
        ++self->tick;
        self->step = STEP_FREE;
        return fits;
    }
    return false;
}

void rns_packet_node_events(rns_packet_node_t* self, rns_event_t* out, size_t count)
{
    for (size_t i = 0; i < count;) {
        i += step(self, &out[i]) ? 1u : 0;
    }
}
