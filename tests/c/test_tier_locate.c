/* rns_tier: which addresses are slots, for every byte of a tier and some around it. */
#include "check.h"
#include "suites.h"
#include "tier_fixture.h"

#define AROUND_BYTES 32u

static const size_t all_slot_bytes[] = {1, 16, 24, 40, 48, 112, 272, 1000, 1040, 4096, 4112};
static const uint32_t all_counts[] = {1, 3, 32, 33};

/// Return what an offset from the first slot is, by plain division.
static rns_status_t status_of(const tier_fixture_t* f, uintptr_t offset, uint32_t* index)
{
    *index = UINT32_MAX;
    if (offset >= (uintptr_t)f->tier.slot_count * f->tier.stride_bytes) {
        return RNS_MISUSE_FOREIGN;
    }
    if (offset % f->tier.stride_bytes == 0) {
        *index = (uint32_t)(offset / f->tier.stride_bytes);
        return RNS_OK;
    }
    return offset % RNS_ALIGN_BYTES != 0 ? RNS_MISUSE_MISALIGNED : RNS_MISUSE_INTERIOR;
}

static void test_every_byte_address_is_located_as_division_does(void)
{
    for (size_t i = 0; i < COUNT_OF(all_slot_bytes); ++i) {
        for (size_t k = 0; k < COUNT_OF(all_counts); ++k) {
            tier_fixture_t f;
            tier_fixture_init(&f, all_slot_bytes[i], 0, all_counts[k]);
            const uintptr_t slots = (uintptr_t)f.slots;
            for (uintptr_t offset = (uintptr_t)0 - AROUND_BYTES;
                 offset != f.layout.slots_bytes + AROUND_BYTES; ++offset) {
                uint32_t expected = 0;
                uint32_t index = 7;
                const rns_status_t status = status_of(&f, offset, &expected);
                /* Never read through: outside of the tier it is no object's address. */
                CHECK_STATUS(rns_tier_locate(&f.tier, pointer_to(slots + offset), &index), status);
                CHECK_EQUAL(index, expected);
            }
            tier_fixture_end(&f);
        }
    }
}

static void test_addresses_anywhere_else_are_foreign(void)
{
    tier_fixture_t f;
    tier_fixture_init(&f, 48, 0, 20);
    uint32_t index = 0;
    CHECK_STATUS(rns_tier_locate(&f.tier, NULL, &index), RNS_MISUSE_FOREIGN);
    CHECK_STATUS(rns_tier_locate(&f.tier, &index, &index), RNS_MISUSE_FOREIGN);
    CHECK_STATUS(rns_tier_locate(&f.tier, pointer_to(UINTPTR_MAX), &index), RNS_MISUSE_FOREIGN);
    for (uint32_t bit = 12; bit < 8u * sizeof(void*); ++bit) {
        const uintptr_t far = (uintptr_t)f.slots ^ (uintptr_t)1 << bit;
        CHECK_STATUS(rns_tier_locate(&f.tier, pointer_to(far), &index), RNS_MISUSE_FOREIGN);
    }
    tier_fixture_end(&f);
}

static void test_a_refused_give_changes_no_slot_and_no_count(void)
{
    static const uint32_t counts[] = {20, 40};
    for (size_t i = 0; i < COUNT_OF(counts); ++i) {
        tier_fixture_t f;
        tier_fixture_init(&f, 48, 0, counts[i]);
        for (uint32_t index = 0; index < counts[i] / 2u; ++index) {
            CHECK_EQUAL(tier_take_index(&f), index);
        }
        const rns_tier_counts_t before = rns_tier_counts(&f.tier);
        const uint32_t live = rns_tier_live_bits(&f.tier, 0);
        const uint32_t stride = f.tier.stride_bytes;
        CHECK_STATUS(rns_tier_give(&f.tier, NULL), RNS_MISUSE_FOREIGN);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots - stride), RNS_MISUSE_FOREIGN);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots + f.layout.slots_bytes), RNS_MISUSE_FOREIGN);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots + 1), RNS_MISUSE_MISALIGNED);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots + stride - 1u), RNS_MISUSE_MISALIGNED);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots + RNS_ALIGN_BYTES), RNS_MISUSE_INTERIOR);
        CHECK_STATUS(rns_tier_give(&f.tier, f.slots + (size_t)2 * stride - RNS_ALIGN_BYTES),
                     RNS_MISUSE_INTERIOR);
        CHECK_STATUS(tier_give_index(&f, counts[i] / 2u), RNS_MISUSE_DOUBLE_GIVE);
        CHECK_STATUS(tier_give_index(&f, counts[i] - 1u), RNS_MISUSE_DOUBLE_GIVE);
        const rns_tier_counts_t after = rns_tier_counts(&f.tier);
        CHECK_EQUAL(after.takes, before.takes);
        CHECK_EQUAL(after.gives, before.gives);
        CHECK_EQUAL(after.in_use, counts[i] / 2u);
        CHECK_EQUAL(rns_tier_live_bits(&f.tier, 0), live);
        tier_fixture_end(&f);
    }
}

void suite_tier_locate(void)
{
    RUN(test_every_byte_address_is_located_as_division_does);
    RUN(test_addresses_anywhere_else_are_foreign);
    RUN(test_a_refused_give_changes_no_slot_and_no_count);
}
