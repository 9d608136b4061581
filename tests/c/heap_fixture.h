/// @file heap_fixture.h
/// What the suites of the heap models share: a heap in memory of exactly the bytes it asks for.
#ifndef HEAP_FIXTURE_H
#define HEAP_FIXTURE_H

#include "check.h"
#include "rns_heap.h"

void suite_heap(void);
void suite_heap_check(void);
void suite_heap_random(uint32_t operations);
void suite_packet_node(void);

typedef struct {
    rns_heap_t heap;
    rns_memory_t storage;
} heap_fixture_t;

/// Return the configuration of a device with 32-bit words, TLSF aligned to 4 and the rest to 8.
rns_heap_config_t heap_config(rns_heap_kind_t kind, uint32_t arena_bytes);

/// Make a heap in a block of its own of the process's heap.
void heap_fixture_init(heap_fixture_t* self, const rns_heap_config_t* config);

/// Make the one fixture that most tests use, from heap_config(): it is too large for a stack.
heap_fixture_t* heap_begin(rns_heap_kind_t kind, uint32_t arena_bytes);

/// Verify the invariants and free the storage.
void heap_fixture_end(heap_fixture_t* self);

/// Verify the invariants, and largest and total against a walk.
void check_heap(const heap_fixture_t* self);

/// Return the payload at an offset.
unsigned char* payload_at(const heap_fixture_t* self, uint32_t offset_bytes);

/// Take a block that must be there; return its offset.
uint32_t take(heap_fixture_t* self, size_t size_bytes);

/// Give a block back, which must succeed.
void give(heap_fixture_t* self, uint32_t offset_bytes);

#endif
