/* rns_heap_check: every invariant, broken on purpose, is named. */
#include "heap_fixture.h"
#include "rns_heap_block.h"

/// Make a heap with free blocks at both ends and between live ones.
static heap_fixture_t* begin(rns_heap_kind_t kind, uint32_t offsets[6])
{
    heap_fixture_t* const f = heap_begin(kind, 4096);
    for (uint32_t i = 0; i < 6; ++i) {
        offsets[i] = take(f, 60);
    }
    give(f, offsets[1]);
    give(f, offsets[4]);
    check_heap(f);
    return f;
}

/// Verify that the heap is damaged in `invariant`, undo it, and verify that it is not.
static void expect(heap_fixture_t* f, const char* invariant, uint32_t* word, uint32_t before)
{
    const rns_heap_damage_t damage = rns_heap_check(&f->heap);
    CHECK_STATUS(damage.status, RNS_DAMAGE_INVARIANT);
    CHECK_TEXT(damage.invariant, invariant);
    *word = before;
    check_heap(f);
}

static void plant(heap_fixture_t* f, const char* invariant, uint32_t* word, uint32_t planted)
{
    const uint32_t before = *word;
    *word = planted;
    expect(f, invariant, word, before);
}

static void test_a_block_whose_size_cannot_be_is_found(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        uint32_t offsets[6];
        heap_fixture_t* const f = begin((rns_heap_kind_t)kind, offsets);
        const uint32_t block = offsets[2] - f->heap.header_bytes;
        if (kind == RNS_HEAP_BUDDY) {
            uint8_t* const order = &f->heap.orders[block / 32u];
            const uint8_t before = *order;
            static const uint8_t planted[] = {7, 31, 127};
            for (size_t i = 0; i < COUNT_OF(planted); ++i) {
                *order = planted[i];
                CHECK_TEXT(rns_heap_check(&f->heap).invariant, "I1");
            }
            *order = before;
        } else {
            uint32_t* const word = rns_heap_word(&f->heap, block, 0);
            plant(f, "I1", word, 0);
            plant(f, "I1", word, 0xFFFFFFF8u);
            plant(f, "I1", word, 4096);
            plant(f, "I1", word, *word + 2u * f->heap.unit_bytes + 4u % f->heap.unit_bytes);
        }
        heap_fixture_end(f);
    }
}

static void test_free_neighbours_and_wrong_marks_are_found(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        uint32_t offsets[6];
        heap_fixture_t* const f = begin((rns_heap_kind_t)kind, offsets);
        const uint32_t block = offsets[2] - f->heap.header_bytes;
        if (kind != RNS_HEAP_BUDDY) {
            uint32_t* const word = rns_heap_word(&f->heap, block, 0);
            plant(f, "I2", word, *word | RNS_HEAP_FREE);
            plant(f, "I3", word, *word & ~RNS_HEAP_BEFORE_FREE);
            plant(f, "I3", rns_heap_word_before(&f->heap, block), 1);
        } else {
            const uint32_t buddy = offsets[1] ^ 64u;
            CHECK_EQUAL(buddy, offsets[0]);
            uint8_t* const order = &f->heap.orders[buddy / 32u];
            *order |= RNS_HEAP_ORDER_FREE;
            rns_heap_index_set(&f->heap.index, buddy, 64);
            CHECK_TEXT(rns_heap_check(&f->heap).invariant, "I2");
            rns_heap_index_set(&f->heap.index, buddy, 0);
            CHECK_TEXT(rns_heap_check(&f->heap).invariant, buddy < offsets[1] ? "I5" : "I2");
            *order = (uint8_t)(*order & ~RNS_HEAP_ORDER_FREE);
            CHECK_EQUAL(*order, 1);
        }
        heap_fixture_end(f);
    }
}

static void test_a_wrong_sum_and_a_wrong_index_are_found(void)
{
    for (uint32_t kind = 0; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        uint32_t offsets[6];
        heap_fixture_t* const f = begin((rns_heap_kind_t)kind, offsets);
        const uint32_t live = (offsets[2] - f->heap.header_bytes) / 16u;
        const uint32_t free_leaf = (offsets[1] - f->heap.header_bytes) / 16u;
        uint32_t** const levels = f->heap.index.levels;
        plant(f, "I4", &f->heap.free_bytes, f->heap.free_bytes + 8u);
        plant(f, "I5", &levels[0][live], 64);
        plant(f, "I5", &levels[0][free_leaf], levels[0][free_leaf] ^ 1u);
        plant(f, "I5", &levels[f->heap.index.level_count - 1u][0], 64);
        plant(f, "I5", &levels[1][free_leaf / 8u], 0);
        heap_fixture_end(f);
    }
}

static void test_a_list_that_leads_astray_is_found(void)
{
    for (uint32_t kind = RNS_HEAP_BEST_FIT; kind < RNS_HEAP_KIND_COUNT; ++kind) {
        uint32_t offsets[6];
        heap_fixture_t* const f = begin((rns_heap_kind_t)kind, offsets);
        const uint32_t first = offsets[1] - f->heap.header_bytes;
        const uint32_t head = offsets[4] - f->heap.header_bytes; /* given last */
        uint32_t* const next = rns_heap_word(&f->heap, head, RNS_HEAP_LINK_NEXT);
        CHECK_EQUAL(*next, first);
        plant(f, "I6", next, RNS_HEAP_NONE);
        plant(f, "I6", next, head);
        plant(f, "I6", next, offsets[2] - f->heap.header_bytes);
        plant(f, "I6", next, 0xFFFFFFF0u);
        plant(f, "I6", next, 2);
        plant(f, "I6", rns_heap_word(&f->heap, first, RNS_HEAP_LINK_PREVIOUS), RNS_HEAP_NONE);
        plant(f, "I6", &f->heap.bins.first_bits, f->heap.bins.first_bits ^ 4u);
        plant(f, "I6", &f->heap.bins.second_bits[0], f->heap.bins.second_bits[0] ^ 1u);
        heap_fixture_end(f);
    }
}

static void test_a_write_after_give_is_found_where_it_hits_a_link(void)
{
    uint32_t offsets[6];
    heap_fixture_t* const f = begin(RNS_HEAP_TLSF, offsets);
    unsigned char before[60];
    memcpy(before, payload_at(f, offsets[1]), sizeof before);
    memset(payload_at(f, offsets[1]), 0x5A, sizeof before);
    CHECK_TEXT(rns_heap_check(&f->heap).invariant, "I3"); /* the size at its end comes first */
    memcpy(payload_at(f, offsets[1]), before, sizeof before);
    heap_fixture_end(f);
}

void suite_heap_check(void)
{
    RUN(test_a_block_whose_size_cannot_be_is_found);
    RUN(test_free_neighbours_and_wrong_marks_are_found);
    RUN(test_a_wrong_sum_and_a_wrong_index_are_found);
    RUN(test_a_list_that_leads_astray_is_found);
    RUN(test_a_write_after_give_is_found_where_it_hits_a_link);
}
