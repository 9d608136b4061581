/* Everything there is, instead of samples: all states of a bitmap for take, all states and all
 * addresses for give, all sequences of operations on a small pool.
 *
 * Usage: exhaustive_main [words=COUNT] [gives] [sequences=LENGTH]
 * COUNT up to 2^32, which are all words; fewer lie evenly among them.
 */
#include "check.h"
#include "exhaustive_target.h"
#include "rns_pool.h"

#define WORD_SLOTS 32u
#define GIVE_SLOTS 16u
#define AROUND     32u ///< Bytes before and behind the slots.
#define TIERS      2u
#define TIER_SLOTS 3u
#define SLOTS      (TIERS * TIER_SLOTS)
#define MOVES      (TIERS + 1u + SLOTS) ///< Take of each size and of too much, give of each slot.

/* Bugs of each kind, to show that they are found. */
#ifndef EXHAUSTIVE_PLANT
#    define EXHAUSTIVE_PLANT 0
#endif

/// Take with a bitmap of `bits`; return whether all is as it has to be.
static bool is_take_right(target_t* target, uint32_t bits)
{
    void* slot = target;
    target_set(target, bits);
    const rns_status_t status = target_take(target, &slot);
    if (bits == 0) {
        return status == RNS_MISS_EXHAUSTED && slot == NULL && target_is(target, 0, 0);
    }
    const uint32_t index =
        (uint32_t)__builtin_ctz(bits) + (EXHAUSTIVE_PLANT == 1 && (bits & 0xFFFu) == 6u);
    const unsigned char* const wanted = target->slots + (size_t)index * target_stride(target);
    return status == RNS_OK && slot == (const void*)wanted &&
           target_is(target, bits & (bits - 1u), 1);
}

static void test_take_is_right_in_every_state_of_a_bitmap(void)
{
    target_t target;
    uint64_t bad = 0;
    target_init(&target, 16, WORD_SLOTS);
    for (uint64_t i = 0; i < check_state.iterations; ++i) {
        /* An odd factor maps the numbers below 2^32 onto themselves. */
        bad += is_take_right(&target, (uint32_t)i * 2654435761u) ? 0 : 1u;
    }
    CHECK_EQUAL(bad, 0);
    check_state.operations += check_state.iterations;
    target_end(&target);
}

static rns_status_t give_of(int64_t stride, uint32_t free_bits, int64_t offset)
{
    if (offset < 0 || offset >= stride * GIVE_SLOTS) {
        return RNS_MISUSE_FOREIGN;
    }
    if (offset % stride != 0) {
        return offset % RNS_ALIGN_BYTES != 0 ? RNS_MISUSE_MISALIGNED : RNS_MISUSE_INTERIOR;
    }
    return (free_bits >> (offset / stride) & 1u) != 0 ? RNS_MISUSE_DOUBLE_GIVE : RNS_OK;
}

static void test_give_is_right_in_every_state_and_for_every_address(void)
{
    target_t target;
    uint64_t bad = 0;
    target_init(&target, 40, GIVE_SLOTS);
    const uintptr_t start = (uintptr_t)target.slots;
    const int64_t stride = target_stride(&target);
    for (uint32_t bits = 0; bits < 1u << GIVE_SLOTS; ++bits) {
        for (int64_t offset = -(int64_t)AROUND; offset < stride * GIVE_SLOTS + AROUND; ++offset) {
            target_set(&target, bits);
            const rns_status_t status =
                target_give(&target, pointer_to(start + (uintptr_t)offset));
            const rns_status_t wanted = give_of(stride, bits, offset);
            const uint32_t bit = 1u << (offset < 0 ? 0 : offset / stride);
            const uint32_t left = wanted == RNS_OK ? bits | bit : bits;
            bad += status == wanted && target_is(&target, left, 0) ? 0 : 1u;
            bad += EXHAUSTIVE_PLANT == 2 && bits == 9u && wanted == RNS_MISUSE_INTERIOR ? 1u : 0;
            check_state.operations += 1u;
        }
    }
    CHECK_EQUAL(bad, 0);
    target_end(&target);
}

/// A pool and what is known of it.
typedef struct {
    rns_pool_t* pool;
    unsigned char* start[TIERS];
    uint32_t stride[TIERS];
    bool can_spill;
    uint64_t bad;
    uint64_t sequences;
} small_t;

static void* slot_of(const small_t* self, uint32_t slot)
{
    const uint32_t tier = slot / TIER_SLOTS;
    return self->start[tier] + (size_t)(slot % TIER_SLOTS) * self->stride[tier];
}

/// Return the slot that a request has to get, of those that are not in `used`; SLOTS: none.
static uint32_t lowest(const small_t* self, uint32_t used, uint32_t home)
{
    for (uint32_t slot = home * TIER_SLOTS; slot < SLOTS; ++slot) {
        if ((used >> slot & 1u) == 0) {
            return slot / TIER_SLOTS == home || self->can_spill ? slot : SLOTS;
        }
    }
    return SLOTS;
}

static uint32_t take(small_t* self, uint32_t used, uint32_t home)
{
    static const size_t sizes[TIERS + 1u] = {16, 32, 33};
    void* out = self;
    const uint32_t slot = home == TIERS ? SLOTS : lowest(self, used, home);
    const rns_status_t status = rns_pool_take(self->pool, sizes[home], RNS_PRIORITY_NORMAL, &out);
    if (slot == SLOTS) {
        const rns_status_t miss = home == TIERS ? RNS_MISS_OVERSIZE : RNS_MISS_EXHAUSTED;
        self->bad += status == miss && out == NULL ? 0 : 1u;
        return used;
    }
    self->bad += status == RNS_OK && out == slot_of(self, slot) ? 0 : 1u;
    return used | 1u << slot;
}

static uint32_t give(small_t* self, uint32_t used, uint32_t slot)
{
    const bool is_used = (used >> slot & 1u) != 0;
    const rns_status_t status = rns_pool_give(self->pool, slot_of(self, slot));
    self->bad += status == (is_used ? RNS_OK : RNS_MISUSE_DOUBLE_GIVE) ? 0 : 1u;
    self->bad += EXHAUSTIVE_PLANT == 3 && used == 9u && slot == 5u ? 1u : 0;
    return used & ~(1u << slot);
}

/// Try every move here, and after each every sequence of `left - 1` more.
/* As deep as the sequences are long. NOLINTNEXTLINE(misc-no-recursion) */
static void walk(small_t* self, uint32_t used, uint64_t left)
{
    const rns_pool_t before = *self->pool;
    for (uint32_t move = 0; move < MOVES; ++move) {
        const uint32_t next =
            move <= TIERS ? take(self, used, move) : give(self, used, move - TIERS - 1u);
        if (left > 1u) {
            walk(self, next, left - 1u);
        } else {
            self->sequences += 1u;
            self->bad += rns_pool_check(self->pool).status == RNS_OK ? 0 : 1u;
        }
        *self->pool = before;
    }
}

static void walk_all(bool can_spill)
{
    static const rns_tier_config_t tiers[TIERS] = {{.slot_bytes = 16, .slot_count = TIER_SLOTS},
                                                   {.slot_bytes = 32, .slot_count = TIER_SLOTS}};
    static _Alignas(RNS_ALIGN_BYTES) unsigned char storage[1024];
    static rns_pool_t pool;
    const rns_pool_config_t config = {.tiers = tiers,
                                      .tier_count = TIERS,
                                      .policy = can_spill ? RNS_POLICY_SPILL : RNS_POLICY_STRICT};
    CHECK_STATUS(rns_pool_init(&pool, &config, (rns_memory_t){storage, sizeof storage}), RNS_OK);
    small_t self = {.pool = &pool, .can_spill = can_spill};
    for (uint32_t i = 0; i < TIERS; ++i) {
        self.start[i] = rns_pool_slot(&pool, i, 0);
        self.stride[i] = (uint32_t)((unsigned char*)rns_pool_slot(&pool, i, 1) - self.start[i]);
    }
    walk(&self, 0, check_state.iterations);
    CHECK_EQUAL(self.bad, 0);
    check_state.operations += self.sequences;
}

static void test_every_sequence_of_takes_and_gives_is_served_as_the_model_says(void)
{
    walk_all(false);
    walk_all(true);
}

static void suite_words(void)
{
    RUN(test_take_is_right_in_every_state_of_a_bitmap);
}

static void suite_gives(void)
{
    RUN(test_give_is_right_in_every_state_and_for_every_address);
}

static void suite_sequences(void)
{
    RUN(test_every_sequence_of_takes_and_gives_is_served_as_the_model_says);
}

int main(int argument_count, char** arguments)
{
    static const check_suite_t suites[] = {
        {"words", suite_words, true},
        {"gives", suite_gives, true},
        {"sequences", suite_sequences, true},
    };
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
