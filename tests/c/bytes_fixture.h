/// @file bytes_fixture.h
/// What the suites of Bytes share: a store over a small pool, a fallback that knows its blocks,
/// and checks of content, storage and reference counts.
#ifndef BYTES_FIXTURE_H
#define BYTES_FIXTURE_H

#include "check.h"
#include "pool_fixture.h"
#include "rns_bytes.h"

void suite_bytes(void);
void suite_bytes_shape(void);
void suite_bytes_text(void);
void suite_bytes_peers(void);
void suite_bytes_random(void);
void suite_bytes_fault(void);
void suite_store(void);
void suite_bytes_threads(void);

#define BLOCKS_MAX 64u

/// Run a test that takes from a fallback, where there is one.
#define RUN_WITH_FALLBACK(test) (RNS_EXTRAS ? RUN(test) : (void)(test))

/// The heap as a fallback; refuses what it did not hand out.
typedef struct {
    void* blocks[BLOCKS_MAX];
    uint32_t out_count;
    bool is_off;
} test_heap_t;

typedef struct {
    pool_fixture_t pool;
    test_heap_t heap;
    rns_fault_t fault;
    rns_store_t store;
} bytes_fixture_t;

/// How a fixture differs from 64 x 8, 256 x 8, 512 x 8, 1024 x 8, strict, no fallback, no rooms.
typedef struct {
    bool has_fallback;
    bool is_spilling;
    uint32_t slot_count; ///< Of each tier; 0: 8.
    rns_store_options_t options;
} bytes_setup_t;

void bytes_fixture_init(bytes_fixture_t* self, const bytes_setup_t* setup);

/// As bytes_fixture_init() with nothing different.
void bytes_fixture_plain(bytes_fixture_t* self);

/// Verify that nothing is in use any more, and every invariant; free the memory.
void bytes_fixture_end(bytes_fixture_t* self);

/// Make a Bytes of text, of a byte repeated, or a unique one with room behind it.
rns_bytes_t bytes_of(bytes_fixture_t* self, const char* text);
rns_bytes_t bytes_filled(bytes_fixture_t* self, uint8_t byte, size_t length);

/// Verify the content.
bool bytes_are(const rns_bytes_t* bytes, const void* data, size_t length);
bool bytes_read(const rns_bytes_t* bytes, const char* text);
bool bytes_are_all(const rns_bytes_t* bytes, uint8_t byte, size_t length);

/// Drop what must be droppable.
void bytes_end(bytes_fixture_t* self, rns_bytes_t* bytes);

/// Requests of the pool so far.
uint64_t requests_of(bytes_fixture_t* self);

uint32_t in_use_of(bytes_fixture_t* self);

/// Verify that every live buffer has as many references as there are handles and pins of it.
void check_refs(bytes_fixture_t* self, const rns_bytes_t* handles, size_t handle_count,
                const rns_bytes_view_t* views, size_t view_count);

#endif
