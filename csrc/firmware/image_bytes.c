/* A workload on Bytes, as Python's run_ops runs it. */
#include "image.h"
#include "rns_ops.h"

#define HANDLES_MAX 64u
#define OPS_MAX     32768u
#define LENGTH_MAX  2048u

static int16_t status[OPS_MAX];
static rns_bytes_t handles[HANDLES_MAX];
static uint8_t pattern[LENGTH_MAX + RNS_OPS_PATTERN];

static uint32_t sum_of_handles(void)
{
    uint32_t sum = IMAGE_SUM;
    for (uint32_t i = 0; i < HANDLES_MAX; ++i) {
        const uint8_t* const data = rns_bytes_data(&handles[i]);
        sum = image_sum(sum, handles[i].length);
        for (uint32_t j = 0; j < handles[i].length; ++j) {
            sum = image_sum(sum, data[j]);
        }
    }
    return sum;
}

int image_bytes(void)
{
    static const rns_tier_config_t tiers[] = {
        {.slot_bytes = 64, .slot_count = 24},
        {.slot_bytes = 256, .slot_count = 16},
        {.slot_bytes = 1024, .slot_count = 8},
    };
    static rns_pool_t pool;
    static rns_store_t store;
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 3, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    const rns_store_options_t options = {.tag = 0};
    const rns_op_t* const ops = (const rns_op_t*)(const void*)image_ops_begin;
    const size_t count = (size_t)(image_ops_end - image_ops_begin) / sizeof *ops;
    if (count == 0 || count > OPS_MAX || !image_pool_init(&pool, &config) ||
        rns_store_init(&store, &pool, &options) != RNS_OK) {
        return 1;
    }
    for (uint32_t i = 0; i < sizeof pattern; ++i) {
        pattern[i] = (uint8_t)i;
    }
    rns_ops_t run = {&store, NULL, handles, pattern, ops, status};
    int failures = rns_ops_run(&run, 0, count) == RNS_OK ? 0 : 1;
    uint32_t sum = IMAGE_SUM;
    for (size_t i = 0; i < count; ++i) {
        sum = image_sum(sum, (uint64_t)(int64_t)status[i]);
    }
    image_pool("bytes", &pool);
    image_line("bytes", "copies", rns_store_stats(&store).cow_copies);
    image_line("bytes", "avoided", rns_store_stats(&store).copies_avoided);
    image_line("bytes", "status", sum);
    image_line("bytes", "content", sum_of_handles());
    rns_ops_end(&run, HANDLES_MAX);
    return failures + (rns_pool_check(&pool).status == RNS_OK ? 0 : 1);
}
