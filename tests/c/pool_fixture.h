/// @file pool_fixture.h
/// What the suites of the pool share: a pool in memory of exactly the bytes it asks for, all its
/// numbers side by side, and an image of everything that a refusal must not change.
#ifndef POOL_FIXTURE_H
#define POOL_FIXTURE_H

#include "check.h"
#include "rns_pool.h"

/// A configuration of tiers that stand in an array.
#define POOL_CONFIG(tier_array, chosen_policy)                                                    \
    {                                                                                             \
        .tiers = (tier_array), .tier_count = (uint32_t)COUNT_OF(tier_array),                      \
        .policy = (chosen_policy)                                                                 \
    }

typedef struct {
    rns_pool_t pool;
    rns_memory_t storage;
} pool_fixture_t;

/// Make a pool; its storage is its own block of the heap.
void pool_fixture_init(pool_fixture_t* self, const rns_pool_config_t* config);

/// Verify identities and invariants, and free the storage.
void pool_fixture_end(pool_fixture_t* self);

/// Take for a size at normal priority; NULL is a miss.
void* pool_take(pool_fixture_t* self, size_t size_bytes);

/// Take at high priority; NULL is a miss.
void* pool_take_high(pool_fixture_t* self, size_t size_bytes);

rns_pool_stats_t pool_stats(pool_fixture_t* self);

/// Return from one slot of a tier to the next.
uint32_t pool_stride(const pool_fixture_t* self, uint32_t tier_index);

/// Verify every identity of a snapshot taken at rest.
void check_identities(const rns_pool_stats_t* stats);

/// Verify rns_pool_check() and the identities.
void check_sound(rns_pool_t* pool);

/// Everything in a snapshot but the durations, one number after the other.
#define POOL_NUMBERS_MAX 200u
typedef struct {
    uint32_t count;
    uint64_t number[POOL_NUMBERS_MAX];
} pool_numbers_t;

/// The place of each misuse counter among the numbers.
typedef enum {
    NUMBER_FOREIGN,
    NUMBER_OUT_OF_RANGE,
    NUMBER_INTERIOR,
    NUMBER_MISALIGNED,
    NUMBER_DOUBLE_GIVE,
    NUMBER_WRONG_POOL,
    NUMBER_CANARY,
    NUMBER_WRITE_AFTER_GIVE,
    NUMBER_NONE, ///< The first that is no misuse counter.
} pool_number_t;

pool_numbers_t pool_numbers(const rns_pool_stats_t* stats);

/// All numbers, all slots in use, and all bytes of the storage.
typedef struct {
    pool_numbers_t numbers;
    uint64_t live_hash;
    unsigned char* bytes;
    size_t bytes_count;
} pool_image_t;

pool_image_t pool_image(pool_fixture_t* self);

/// Verify that since `before` nothing changed but one misuse counter (NUMBER_NONE: nothing at
/// all), by one; then free the image.
void check_only_counted(pool_fixture_t* self, pool_image_t* before, pool_number_t counter);

/// Return the next number of a reproducible sequence (xorshift64*); the state is not 0.
uint64_t random_next(uint64_t* state);

/// Return a number below `bound`.
uint32_t random_below(uint64_t* state, uint32_t bound);

#endif
