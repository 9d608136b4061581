/* rns_heap: random operations; live blocks keep what was written to them and the invariants hold.
 * Placement against a slow model is tests/test_heaps.py's part. */
#include "heap_fixture.h"
#include "pool_fixture.h"

#define LIVE_MAX 512u

typedef struct {
    uint32_t offset;
    uint32_t size;
} live_t;

typedef struct {
    heap_fixture_t f;
    live_t live[LIVE_MAX];
    uint32_t live_count;
    uint64_t random;
    uint64_t served;
    uint64_t missed;
} state_t;

/// Write what tells this block from every other: no two live ones have the same offset.
static void fill_payload(const state_t* s, const live_t* block)
{
    memset(payload_at(&s->f, block->offset), (int)(block->offset * 31u >> 2 & 0xFFu), block->size);
}

static void check_payload(const state_t* s, const live_t* block)
{
    const unsigned char* const payload = payload_at(&s->f, block->offset);
    const unsigned char expected = (unsigned char)(block->offset * 31u >> 2 & 0xFFu);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < block->size; ++i) {
        wrong += payload[i] != expected ? 1u : 0;
    }
    CHECK_EQUAL(wrong, 0);
}

static void random_take(state_t* s)
{
    live_t* const block = &s->live[s->live_count];
    const uint32_t total = rns_heap_total_free(&s->f.heap);
    const uint32_t draw = random_below(&s->random, 100);
    block->size = draw < 60   ? random_below(&s->random, 64)
                  : draw < 97 ? random_below(&s->random, 600)
                              : random_below(&s->random, 5000);
    const bool fits = rns_heap_fits(&s->f.heap, block->size);
    if (rns_heap_take(&s->f.heap, block->size, &block->offset) != RNS_OK) {
        CHECK(!fits);
        CHECK_EQUAL(rns_heap_total_free(&s->f.heap), total);
        ++s->missed;
        return;
    }
    CHECK(fits);
    CHECK_EQUAL(block->offset % s->f.heap.alignment_bytes, 0);
    CHECK(block->offset + block->size <= s->f.heap.end_bytes);
    fill_payload(s, block);
    ++s->served;
    ++s->live_count;
}

static void random_give(state_t* s)
{
    const uint32_t which = random_below(&s->random, s->live_count);
    check_payload(s, &s->live[which]);
    give(&s->f, s->live[which].offset);
    s->live[which] = s->live[--s->live_count];
}

/// Run with as many takes as gives at a mean fill that swings, so that full and empty come.
static void run(const rns_heap_config_t* config, uint32_t operations, uint64_t seed)
{
    static state_t state;
    state_t* const s = &state;
    memset(s, 0, sizeof *s);
    heap_fixture_init(&s->f, config);
    s->random = seed;
    const uint32_t total = rns_heap_total_free(&s->f.heap);
    for (uint32_t i = 0; i < operations; ++i) {
        const uint32_t takes_in_100 = (i / 4096u) % 3u == 0 ? 65 : 47;
        const bool is_take = random_below(&s->random, 100) < takes_in_100;
        if (s->live_count == 0 || (is_take && s->live_count < LIVE_MAX)) {
            random_take(s);
        } else {
            random_give(s);
        }
        if (i % 64u == 0) {
            check_heap(&s->f);
        }
        ++check_state.operations;
    }
    CHECK(s->served > operations / 4u);
    CHECK(s->missed > 0);
    while (s->live_count > 0) {
        random_give(s);
    }
    CHECK_EQUAL(rns_heap_total_free(&s->f.heap), total);
    heap_fixture_end(&s->f);
}

static uint32_t operations_each;

static void test_live_blocks_keep_their_contents_and_the_invariants_hold(void)
{
    static const uint32_t layouts[][2] = {{4, 4}, {4, 8}, {8, 8}}; /* word, alignment */
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        for (uint32_t i = 0; i < COUNT_OF(layouts); ++i) {
            rns_heap_config_t config = heap_config((rns_heap_kind_t)kind, 12345u + 4000u * i);
            config.word_bytes = layouts[i][0];
            config.alignment_bytes = layouts[i][1];
            run(&config, operations_each, 7u + i);
        }
    }
}

void suite_heap_random(uint32_t operations)
{
    operations_each = operations;
    RUN(test_live_blocks_keep_their_contents_and_the_invariants_hold);
}
