#include "rns_heap_block.h"

static uint32_t order_bytes(const rns_heap_t* self, uint32_t order)
{
    return self->block_min_bytes << order;
}

static uint8_t* control_of(const rns_heap_t* self, uint32_t block)
{
    return &self->orders[block / self->block_min_bytes];
}

static void enter(rns_heap_t* self, uint32_t block, uint32_t order)
{
    *control_of(self, block) = (uint8_t)(order | RNS_HEAP_ORDER_FREE);
    rns_heap_link(self, block, order_bytes(self, order));
    rns_heap_index_set(&self->index, block, order_bytes(self, order));
}

/// Cut the arena into the largest aligned blocks that fit, from its start.
void rns_heap_buddy_init(rns_heap_t* self)
{
    uint32_t block = 0;
    for (uint32_t order = 31u; order-- > 0;) {
        const uint64_t bytes = (uint64_t)self->block_min_bytes << order;
        if (block + bytes <= self->end_bytes) {
            enter(self, block, order);
            block += (uint32_t)bytes;
        }
    }
}

/// Take a free block out and halve it until it has `block_bytes`; return it.
uint32_t rns_heap_buddy_take(rns_heap_t* self, uint32_t block, uint32_t block_bytes)
{
    uint32_t order = *control_of(self, block) & ~RNS_HEAP_ORDER_FREE;
    rns_heap_unlink(self, block, order_bytes(self, order));
    while (order_bytes(self, order) > block_bytes) {
        --order;
        enter(self, block + order_bytes(self, order), order);
    }
    *control_of(self, block) = (uint8_t)order;
    rns_heap_index_set(&self->index, block, 0);
    self->free_bytes -= block_bytes;
    return block;
}

/// Free a block and merge it with its buddy, and the result with its own, while they are free.
rns_status_t rns_heap_buddy_give(rns_heap_t* self, uint32_t block)
{
    uint32_t order = *control_of(self, block);
    if ((order & RNS_HEAP_ORDER_FREE) != 0) {
        return RNS_MISUSE_DOUBLE_GIVE;
    }
    self->free_bytes += order_bytes(self, order);
    *control_of(self, block) |= RNS_HEAP_ORDER_FREE; /* seen by a second give, if it merges */
    for (;;) {
        const uint32_t buddy = block ^ order_bytes(self, order);
        const bool is_there = buddy < self->end_bytes;
        if (!is_there || *control_of(self, buddy) != (order | RNS_HEAP_ORDER_FREE)) {
            break;
        }
        rns_heap_unlink(self, buddy, order_bytes(self, order));
        rns_heap_index_set(&self->index, buddy, 0);
        block &= ~order_bytes(self, order);
        ++order;
    }
    enter(self, block, order);
    return RNS_OK;
}
