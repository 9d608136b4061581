/* The recorded trace through the pool. */
#include "image.h"

#define BLOCKS_MAX 4096u

static void* slots[BLOCKS_MAX];
static uint16_t unused[BLOCKS_MAX];

static uint32_t next_number(const uint8_t** at)
{
    uint32_t number = 0;
    uint32_t shift = 0;
    uint8_t byte = 0;
    do {
        byte = *(*at)++;
        number |= (uint32_t)(byte & 0x7Fu) << shift;
        shift += 7u;
    } while (byte >= 0x80u);
    return number;
}

static uint32_t sum_of(const rns_pool_t* pool, uint32_t sum, const void* slot)
{
    uint32_t tier = 0;
    uint32_t index = 0;
    if (slot == NULL) {
        return image_sum(sum, UINT64_MAX);
    }
    (void)!rns_pool_locate(pool, slot, &tier, &index);
    return image_sum(sum, (uint64_t)tier << 32 | index);
}

static int replay(const char* part, rns_pool_t* pool)
{
    const uint8_t* at = image_trace_begin;
    const uint32_t block_count = next_number(&at);
    uint32_t unused_count = 0;
    uint32_t sum = IMAGE_SUM;
    int failures = 0;
    while (unused_count < block_count) {
        slots[unused_count] = NULL;
        unused[unused_count] = (uint16_t)(block_count - 1u - unused_count);
        ++unused_count;
    }
    while (at < image_trace_end) {
        const uint32_t event = next_number(&at);
        if ((event & 1u) == 0) {
            void** const slot = &slots[unused[--unused_count]];
            (void)!rns_pool_take(pool, event >> 1, RNS_PRIORITY_NORMAL, slot);
            sum = sum_of(pool, sum, *slot);
            continue;
        }
        void** const slot = &slots[event >> 1];
        unused[unused_count++] = (uint16_t)(event >> 1);
        if (*slot != NULL) {
            failures += rns_pool_give(pool, *slot) == RNS_OK ? 0 : 1;
#if IMAGE_PLANT == 1 /* a fault that has to be found, lest a test sees none anywhere */
            failures += rns_pool_give(pool, *slot) == RNS_OK ? 0 : 1;
#endif
            *slot = NULL;
        }
    }
    image_pool(part, pool);
    image_line(part, "slots", sum); /* which slot each request got */
    return failures + (rns_pool_check(pool).status == RNS_OK ? 0 : 1);
}

int image_trace(void)
{
    static rns_pool_t pool;
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 32, .slot_count = 2000},
        {.slot_bytes = 64, .slot_count = 350},
        {.slot_bytes = 256, .slot_count = 200},
        {.slot_bytes = 1024, .slot_count = 100},
    };
    const rns_policy_t policies[] = {RNS_POLICY_STRICT, RNS_POLICY_SPILL};
    const char* const parts[] = {"strict", "spill"};
    int failures = 0;
    for (uint32_t i = 0; i < 2u; ++i) {
        const rns_pool_config_t config = {.tiers = tiers, .tier_count = 4, .policy = policies[i]};
        failures += image_pool_init(&pool, &config) ? replay(parts[i], &pool) : 1;
    }
    return failures;
}
