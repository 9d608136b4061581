/* A program whose malloc is wrapped: random calls beside a model of what each has to return. */
#include "board.h"
#include "image.h"
#include "rns_malloc_wrap.h"
#include <stdlib.h>
#include <string.h>

#define BLOCKS     64u
#define STEPS      20000u
#define SIZE_MOST  600u
#define TIER_COUNT 3u

/// Which fault it is built with: 0 none, 1 a block is freed twice.
#ifndef WRAP_PLANT
#    define WRAP_PLANT 0
#endif

typedef struct {
    uint8_t* start;
    uint32_t bytes;
    uint32_t tier; ///< TIER_COUNT: of the C library.
    uint8_t fill;
} block_t;

static const rns_tier_config_t tiers[TIER_COUNT] = {
    {.slot_bytes = 32, .slot_count = 12},
    {.slot_bytes = 128, .slot_count = 34},
    {.slot_bytes = 512, .slot_count = 5},
};

static rns_pool_t pool;
static rns_malloc_wrap_t wrapped;
static block_t blocks[BLOCKS];
static uint32_t in_use[TIER_COUNT];
static uint32_t expected[RNS_VIOLATION_COUNT];
static uint32_t random_state = 1;
static uint32_t failures;

static void expect(bool holds)
{
    failures += holds ? 0u : 1u;
}

static uint32_t below(uint32_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 16) % bound;
}

static bool passes(void)
{
    return wrapped.policy == RNS_MALLOC_PASS;
}

static void write_all(block_t* block)
{
    block->fill = (uint8_t)(block->fill + 1u);
    memset(block->start, block->fill, block->bytes);
}

static void expect_content(const block_t* block, uint32_t bytes, uint8_t value)
{
    for (uint32_t i = 0; i < bytes; ++i) {
        expect(block->start[i] == value);
    }
}

/// Return the tier that has to serve, TIER_COUNT if none; counts what has to be counted.
static uint32_t serve(uint32_t bytes)
{
    uint32_t tier = 0;
    while (tier < TIER_COUNT && tiers[tier].slot_bytes < bytes) {
        ++tier;
    }
    if (tier == TIER_COUNT) {
        ++expected[RNS_VIOLATION_OVERSIZE];
    } else if (in_use[tier] == tiers[tier].slot_count) {
        ++expected[RNS_VIOLATION_EXHAUSTED];
        tier = TIER_COUNT;
    } else {
        ++in_use[tier];
    }
    return tier;
}

/// Note what a call for a new block returned.
static bool receive(block_t* block, void* start, uint32_t bytes, uint32_t tier)
{
    uint32_t found = TIER_COUNT;
    uint32_t index = 0;
    expect((start != NULL) == (tier < TIER_COUNT || passes()));
    if (start == NULL) {
        return false;
    }
    const bool is_slot = rns_pool_locate(&pool, start, &found, &index) == RNS_OK;
    expect(is_slot == (tier < TIER_COUNT) && (!is_slot || found == tier));
    block->start = start;
    block->bytes = bytes;
    block->tier = tier;
    return true;
}

static void release(const block_t* block)
{
    if (block->tier < TIER_COUNT) {
        --in_use[block->tier];
    }
}

static void step_new(block_t* block, uint32_t bytes)
{
    const uint32_t tier = serve(bytes);
    if (below(2) == 0) {
        if (receive(block, malloc(bytes), bytes, tier)) {
            write_all(block);
        }
    } else if (receive(block, calloc(bytes / 4u, 4), bytes / 4u * 4u, tier)) {
        expect_content(block, block->bytes, 0);
        write_all(block);
    }
}

static void step_free(block_t* block)
{
    expect_content(block, block->bytes, block->fill);
    release(block);
    free(block->start);
    block->start = NULL;
}

static void step_resize(block_t* block, uint32_t bytes)
{
    const block_t before = *block;
    const uint32_t kept = bytes < before.bytes ? bytes : before.bytes;
    if (before.tier == TIER_COUNT) {
        ++expected[RNS_VIOLATION_OUTSIDE];
        block->start = realloc(before.start, bytes);
        expect((block->start != NULL) == passes());
        block->start = block->start != NULL ? block->start : before.start;
        block->bytes = passes() ? bytes : before.bytes;
    } else if (bytes <= tiers[before.tier].slot_bytes) {
        expect(realloc(before.start, bytes) == before.start);
        block->bytes = bytes;
    } else {
        const uint32_t tier = serve(bytes);
        if (receive(block, realloc(before.start, bytes), bytes, tier)) {
            expect(block->start != before.start);
            release(&before);
        }
    }
    expect_content(block, block->bytes < kept ? block->bytes : kept, before.fill);
    write_all(block);
}

static void step(uint32_t number)
{
    block_t* const block = &blocks[below(BLOCKS)];
    const uint32_t bytes = 1u + below(below(8) == 0 ? SIZE_MOST : 130u);
    if (block->start == NULL) {
        step_new(block, bytes / 4u * 4u + 4u);
    } else if (below(3) == 0) {
        step_resize(block, bytes);
    } else {
        step_free(block);
    }
    if (WRAP_PLANT == 1 && number == 100u) {
        void* const twice = malloc(1);
        free(twice);
        free(twice);
    }
}

/// What random steps do not do: overflow, and blocks given that are none.
static void misuse(void)
{
    volatile size_t many = SIZE_MAX / 2u; /* a compiler would see the overflow */
    void* slot = malloc(32);
    uint8_t* volatile alias = slot;
    expect(slot != NULL && calloc(many, 3) == NULL);
    ++expected[RNS_VIOLATION_OVERFLOW];
    free(alias + RNS_ALIGN_BYTES);
    expect(realloc(alias + 1, 8) == NULL);
    free(slot);
    free(alias);
    expect(realloc(alias, 8) == NULL);
    expected[RNS_VIOLATION_MISUSE] += 4u;
    free(NULL);
    slot = realloc(NULL, 8);
    expect(slot != NULL && realloc(slot, 0) == NULL); /* frees */
}

static void walk(rns_malloc_policy_t policy, const char* name)
{
    uint32_t sum = IMAGE_SUM;
    wrapped.policy = policy;
    for (uint32_t i = 0; i < STEPS; ++i) {
        step(i);
        for (uint32_t k = 0; k < TIER_COUNT; ++k) {
            sum = image_sum(sum, in_use[k]);
        }
    }
    for (uint32_t i = 0; i < BLOCKS; ++i) {
        if (blocks[i].start != NULL) {
            step_free(&blocks[i]);
        }
    }
    misuse();
    for (uint32_t i = 0; i < RNS_VIOLATION_COUNT; ++i) {
        expect(wrapped.violations[i] == expected[i]);
        image_line(name, rns_violation_name((rns_violation_t)i), expected[i]);
    }
    expect(rns_pool_check(&pool).status == RNS_OK);
    image_line(name, "sum", sum);
}

int image_wrap(void)
{
    static _Alignas(RNS_ALIGN_BYTES) uint8_t storage[12u * 32u + 34u * 128u + 5u * 512u + 64u];
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = TIER_COUNT};
    expect(rns_pool_init(&pool, &config, (rns_memory_t){storage, sizeof storage}) == RNS_OK);
    uint8_t* const early = malloc(40); /* the C library's, and so it stays */
    uint8_t* const late = calloc(10, 4);
    expect(early != NULL && late != NULL);
    wrapped.pool = &pool;
    rns_malloc_wrap_begin(&wrapped);
    free(early);
    free(late);
    walk(RNS_MALLOC_REFUSE, "refuse");
    walk(RNS_MALLOC_PASS, "pass");
    rns_malloc_wrap_begin(NULL);
    return (int)failures;
}
