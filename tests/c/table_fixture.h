/// @file table_fixture.h
/// What the suites of the table share: a table in memory of exactly the bytes it asks for,
/// numbered keys and values, and a log of what the drop hook was told.
#ifndef TABLE_FIXTURE_H
#define TABLE_FIXTURE_H

#include "check.h"
#include "rns_table.h"

void suite_table(void);
void suite_table_index(void);
void suite_table_each(void);
void suite_table_config(void);
void suite_table_random(void);
void suite_table_check(void);

#define DROPS_MAX 4096u

/// A value that left, by the number of its key.
typedef struct {
    uint32_t number;
    uint64_t value;
} drop_t;

typedef struct {
    rns_table_t table;
    rns_memory_t storage;
    rns_table_config_t config;
    drop_t drops[DROPS_MAX];
    uint32_t drop_count;
    void (*in_hook)(void* fixture); ///< Called by the hook, too, if set.
} table_fixture_t;

/// Return a configuration of 16-byte keys and 8-byte values.
rns_table_config_t table_config(rns_table_policy_t policy, uint32_t capacity);

/// Make a table whose drop hook writes the log; its storage is its own block of the heap.
void table_fixture_init(table_fixture_t* self, const rns_table_config_t* config);

/// Make the one fixture that most tests use; it is too large for a stack.
table_fixture_t* table_begin(rns_table_policy_t policy, uint32_t capacity);
table_fixture_t* table_begin_with(const rns_table_config_t* config);

/// Verify identities and invariants, and free the storage.
void table_fixture_end(table_fixture_t* self);

/// Verify what must hold after every operation.
void check_table(const table_fixture_t* self);

rns_table_stats_t table_stats(const table_fixture_t* self);

/// Write the key of a number: key_bytes, the first four of which are the number.
void make_key(const table_fixture_t* self, uint32_t number, unsigned char* key);

/// Return the number of a key.
uint32_t number_of(const table_fixture_t* self, const void* key);

/// Write a value's value_bytes, and read them back, verifying all.
void make_value(const table_fixture_t* self, uint64_t value, unsigned char* bytes);
uint64_t value_in(const table_fixture_t* self, const void* bytes);

/// The operations by number.
rns_status_t put(table_fixture_t* self, uint32_t number, uint64_t value, uint64_t now_ns);
rns_status_t touch(table_fixture_t* self, uint32_t number, uint64_t now_ns);
rns_status_t drop(table_fixture_t* self, uint32_t number);

/// Put the numbers from `first` to below `end`, each at the time of its number, valued 7 more.
void fill(table_fixture_t* self, uint32_t first, uint32_t end);

/// Return the address of a value, NULL if the key is not there.
void* find(table_fixture_t* self, uint32_t number);

/// Write the first `count` numbers whose keys have this home in the index (and this tag, unless it
/// is UINT32_MAX).
void find_colliding(const table_fixture_t* self, uint32_t home, uint32_t tag, uint32_t* numbers,
                    uint32_t count);

/// Verify a counter, which is zero where RNS_STATS is off.
#define CHECK_COUNTER(actual, expected)                                                           \
    check_equal((actual), RNS_STATS ? (expected) : 0, #actual, __FILE__, __LINE__)

#endif
