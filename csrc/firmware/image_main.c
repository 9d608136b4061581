#include "board.h"
#include "image.h"

#define POOL_BYTES (384u * 1024u)

static _Alignas(RNS_ALIGN_BYTES) uint8_t pool_memory[POOL_BYTES];

void image_line(const char* part, const char* name, uint64_t number)
{
    char digits[24] = {0};
    uint32_t at = sizeof digits - 2u;
    digits[at] = '\n';
    do {
        digits[--at] = (char)('0' + (char)(number % 10u));
        number /= 10u;
    } while (number > 0);
    board_print(part);
    board_print(" ");
    board_print(name);
    board_print(" ");
    board_print(&digits[at]);
}

uint32_t image_sum(uint32_t sum, uint64_t number)
{
    sum = (sum ^ (uint32_t)number) * 16777619u;
    sum = (sum << 13 | sum >> 19) ^ (uint32_t)(number >> 32);
    return sum * 16777619u;
}

bool image_pool_init(rns_pool_t* pool, const rns_pool_config_t* config)
{
    const rns_memory_t memory = {pool_memory, sizeof pool_memory};
    return rns_pool_init(pool, config, memory) == RNS_OK;
}

void image_pool(const char* part, rns_pool_t* pool)
{
    static rns_pool_stats_t stats; /* large for a small stack */
    uint32_t sum = IMAGE_SUM;
    rns_pool_stats(pool, &stats);
    image_line(part, "requests", stats.requests);
    image_line(part, "hits", stats.hits);
    image_line(part, "spills", stats.spills);
    image_line(part, "exhausted", stats.exhausted);
    image_line(part, "oversize", stats.oversize);
    image_line(part, "in_use", stats.in_use);
    for (uint32_t i = 0; i < stats.tier_count; ++i) {
        const rns_tier_stats_t* const tier = &stats.tiers[i];
        sum = image_sum(sum, tier->requests);
        sum = image_sum(sum, tier->hits);
        sum = image_sum(sum, tier->takes);
        sum = image_sum(sum, tier->gives);
        image_line(part, "high_water", tier->high_water);
    }
    image_line(part, "tiers", sum);
}

int image_main(void)
{
#if IMAGE_PLANT == 2
    *(volatile uint32_t*)0xF0000000u = 1; /* there is nothing */
#endif
    int failures = 0;
#if IMAGE_PARTS & 1
    failures += image_trace();
#endif
#if IMAGE_PARTS & 2
    failures += image_bytes();
#endif
#if IMAGE_PARTS & 4
    failures += image_node();
#endif
#if IMAGE_PARTS & 8
    failures += image_cost();
#endif
#if IMAGE_PARTS & 16
    failures += image_wrap();
#endif
    image_line("image", "failures", (uint64_t)failures);
    return failures == 0 ? 0 : 1;
}
