#include "heap_fixture.h"

#include <stdlib.h>

rns_heap_config_t heap_config(rns_heap_kind_t kind, uint32_t arena_bytes)
{
    return (rns_heap_config_t){.kind = kind,
                               .arena_bytes = arena_bytes,
                               .alignment_bytes = kind == RNS_HEAP_TLSF ? 4 : 8,
                               .word_bytes = 4};
}

void heap_fixture_init(heap_fixture_t* self, const rns_heap_config_t* config)
{
    CHECK_STATUS(rns_heap_storage_bytes(config, &self->storage.bytes), RNS_OK);
    self->storage.start = malloc(self->storage.bytes);
    if (self->storage.start == NULL) {
        abort();
    }
    memset(self->storage.start, 0xA5, self->storage.bytes);
    CHECK_STATUS(rns_heap_init(&self->heap, config, self->storage), RNS_OK);
}

heap_fixture_t* heap_begin(rns_heap_kind_t kind, uint32_t arena_bytes)
{
    static heap_fixture_t fixture;
    const rns_heap_config_t config = heap_config(kind, arena_bytes);
    heap_fixture_init(&fixture, &config);
    return &fixture;
}

void heap_fixture_end(heap_fixture_t* self)
{
    check_heap(self);
    free(self->storage.start);
    self->storage.start = NULL;
}

typedef struct {
    uint32_t end;
    uint32_t largest;
    uint32_t total;
} walk_t;

static void visit(void* context, uint32_t offset_bytes, uint32_t block_bytes, bool is_free)
{
    walk_t* const walk = context;
    CHECK_EQUAL(offset_bytes, walk->end);
    walk->end = offset_bytes + block_bytes;
    if (is_free) {
        walk->total += block_bytes;
        walk->largest = block_bytes > walk->largest ? block_bytes : walk->largest;
    }
}

void check_heap(const heap_fixture_t* self)
{
    const rns_heap_damage_t damage = rns_heap_check(&self->heap);
    walk_t walk = {.end = self->heap.begin_bytes};
    CHECK_STATUS(damage.status, RNS_OK);
    CHECK_TEXT(damage.invariant, "");
    rns_heap_walk(&self->heap, visit, &walk);
    CHECK_EQUAL(walk.end, self->heap.end_bytes);
    CHECK_EQUAL(walk.largest, rns_heap_largest_free(&self->heap));
    CHECK_EQUAL(walk.total, rns_heap_total_free(&self->heap));
}

unsigned char* payload_at(const heap_fixture_t* self, uint32_t offset_bytes)
{
    return (unsigned char*)self->storage.start + offset_bytes;
}

uint32_t take(heap_fixture_t* self, size_t size_bytes)
{
    uint32_t offset = 0;
    CHECK(rns_heap_fits(&self->heap, size_bytes));
    CHECK_STATUS(rns_heap_take(&self->heap, size_bytes, &offset), RNS_OK);
    CHECK_EQUAL(offset % self->heap.alignment_bytes, 0);
    return offset;
}

void give(heap_fixture_t* self, uint32_t offset_bytes)
{
    CHECK_STATUS(rns_heap_give(&self->heap, offset_bytes), RNS_OK);
}
