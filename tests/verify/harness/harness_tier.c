/* Each function of rns_tier.h, on tiers of some sizes whose bitmaps and counters hold any numbers:
 * of the invariants only this is kept, that a gate with free slots has a bit for one. */
#include "rns_tier_inline.h"

#define SLOTS_MOST 96u
#define SLOT_BYTES 16u
#define AROUND     64u

static const uint32_t slot_counts[SHAPES] = {1, 20, 32, 33, 64, SLOTS_MOST};
static unsigned char memory[AROUND + SLOTS_MOST * SLOT_BYTES + AROUND];
static uint32_t bitmap[4];
static rns_tier_t tier;

static void any_tier(void)
{
    rns_tier_layout_t layout;
    const rns_status_t status = rns_tier_layout(SLOT_BYTES, 0, slot_counts[shape], &layout);
    harness_assert(status == RNS_OK);
    rns_tier_init(&tier, &layout, memory + AROUND, bitmap);
    /* One of few numbers, and any bitmap: so the tools can tell that it is not 0. */
    const uint64_t takes = nondet(0, 1) == 0 ? 0 : UINT64_MAX << RNS_GATE_TAKES_SHIFT;
    const uint64_t free_count = nondet(0, 1) == 0 ? 1u : tier.slot_count;
    if (nondet(0, 1) == 0) {
        tier.gate = takes; /* full */
    } else if (tier.word_count > 0) {
        tier.gate = takes + nondet(1, tier.slot_count);
    } else {
        const uint64_t most = ((uint64_t)1 << tier.slot_count) - 1u;
        tier.gate = takes + (free_count << 32) + nondet(1, most);
    }
    tier.least_free = (uint32_t)nondet(0, UINT32_MAX);
    tier.window_least_free = (uint32_t)nondet(0, UINT32_MAX);
    tier.takes_carried = nondet(0, UINT64_MAX);
    for (uint32_t i = 0; i < tier.word_count; ++i) {
        tier.words[i] = (uint32_t)nondet(0, UINT32_MAX);
    }
    if (tier.word_count > 0) { /* no marks of words that are not there: they are never read */
        tier.summary[0] = (uint32_t)nondet(0, (1u << tier.word_count) - 1u);
    }
}

/// Return the address of a slot, of any byte of one, or around them.
static void* any_address(void)
{
    return &memory[nondet(0, sizeof memory - 1u)];
}

void harness_rns_tier_layout(void)
{
    rns_tier_layout_t layout;
    const rns_status_t status =
        rns_tier_layout((size_t)nondet(0, SIZE_MAX), (uint32_t)nondet(0, UINT32_MAX),
                        (uint32_t)nondet(0, UINT32_MAX), &layout);
    if (status == RNS_OK) {
        harness_assert(layout.stride_bytes >= RNS_ALIGN_BYTES);
        harness_assert(layout.slot_count <= RNS_SLOT_COUNT_MAX);
    } else {
        harness_assert(layout.slot_count == 0);
    }
}

void harness_rns_tier_init(void)
{
    any_tier();
    harness_assert(tier.slots == memory + AROUND);
}

void harness_rns_tier_take(void)
{
    void* out = memory;
    any_tier();
    const rns_status_t status = rns_tier_take(&tier, (uint32_t)nondet(0, UINT32_MAX), &out);
    if (status != RNS_OK) {
        harness_assert(out == NULL);
    }
}

void harness_rns_tier_give(void)
{
    any_tier();
    (void)rns_tier_give(&tier, any_address());
}

void harness_rns_tier_locate(void)
{
    uint32_t index = 0;
    any_tier();
    const rns_status_t status = rns_tier_locate(&tier, any_address(), &index);
    if (status == RNS_OK) {
        harness_assert(index < tier.slot_count);
    }
}

void harness_rns_tier_live_bits(void)
{
    any_tier();
    (void)rns_tier_live_bits(&tier, (uint32_t)nondet(0, (tier.slot_count - 1u) / 32u));
}

void harness_rns_tier_slot(void)
{
    any_tier();
    unsigned char* const slot = rns_tier_slot(&tier, (uint32_t)nondet(0, tier.slot_count - 1u));
    slot[0] = 1;
    slot[SLOT_BYTES - 1u] = 1;
}

void harness_rns_tier_counts(void)
{
    any_tier();
    (void)rns_tier_counts(&tier);
}

void harness_rns_tier_reset_window(void)
{
    any_tier();
    rns_tier_reset_window(&tier);
}

void harness_rns_tier_check(void)
{
    any_tier();
    (void)rns_tier_check(&tier);
}
