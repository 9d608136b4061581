/* Each function of rns_pool.h, rns_preset.h and rns_status.h, on pools of four tiers, by policy
 * and fallback, after any two takes and with counters that hold any numbers; in RNS_PROFILE_SMALL
 * with any bitmaps, too. */
#include "rns_pool.h"
#include "rns_preset.h"

static const rns_tier_config_t tiers[] = {
    {.slot_bytes = 16, .slot_count = 3, .low_water_count = 2, .hysteresis_count = 1},
    {.slot_bytes = 32, .slot_count = 33, .reserve_count = 1},
    {.slot_bytes = 48, .slot_count = 2},
    {.slot_bytes = 64, .slot_count = 1},
};
#define TIERS     4u
#define ADDRESSES 1400u ///< More than the slots and their words take.

static unsigned char memory[4096];
static rns_pool_t pool;
static void* no_block(void* context, size_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    return NULL;
}

static bool not_mine(void* context, void* block)
{
    (void)context;
    (void)block;
    return nondet(0, 1) != 0;
}

static void heard(void* context, uint32_t tier_index, uint32_t free_count, bool low)
{
    (void)context;
    (void)low;
    harness_assert(tier_index < TIERS);
    /* Of a small pool, bits and counts are any: they need not agree. */
    harness_assert(free_count <= (RNS_PROFILE == RNS_PROFILE_FULL ? 33u : 34u));
}

static rns_pool_config_t config_of(uint32_t header_bytes)
{
    return (rns_pool_config_t){
        .tiers = tiers,
        .tier_count = TIERS,
        .policy = shape % 2u == 0 ? RNS_POLICY_STRICT : RNS_POLICY_SPILL,
        .header_bytes = header_bytes,
        .fallback = {shape < 2u ? NULL : no_block, shape < 2u ? NULL : not_mine, NULL, 0},
        .low_water = {.notify = shape < 4u ? NULL : heard}};
}

static size_t any_size(void)
{
    return (size_t)nondet(0, SIZE_MAX);
}

static rns_priority_t any_priority(void)
{
    return nondet(0, 1) == 0 ? RNS_PRIORITY_NORMAL : RNS_PRIORITY_HIGH;
}

#if RNS_PROFILE != RNS_PROFILE_FULL
/// Let a tier have any free slots, and count any numbers of them.
static void any_tier(rns_pool_tier_t* tier)
{
    if (tier->slot_count <= 32u) {
        tier->free.bits = (uint32_t)nondet(0, ((uint64_t)1 << tier->slot_count) - 1u);
    } else {
        tier->free.words[0] = (uint32_t)nondet(0, UINT32_MAX);
        tier->free.words[1] = (uint32_t)nondet(0, 1);
    }
    tier->free_count = (uint16_t)nondet(0, tier->slot_count);
    tier->high_water = (uint16_t)nondet(0, tier->slot_count);
    tier->window_high_water = (uint16_t)nondet(0, tier->slot_count);
    tier->is_low = nondet(0, 1) != 0;
    tier->exhausted = (rns_counter_t)nondet(0, UINT32_MAX);
}
#endif

static void any_pool(void)
{
    const rns_pool_config_t config = config_of(0);
    const rns_status_t status =
        rns_pool_init(&pool, &config, (rns_memory_t){memory, sizeof memory});
    harness_assume(status == RNS_OK); /* the memory is aligned */
    for (uint32_t i = 0; i < 2u; ++i) {
        void* slot = memory;
        if (rns_pool_take(&pool, i == 0 ? 16u : 32u, RNS_PRIORITY_NORMAL, &slot) != RNS_OK) {
            harness_assert(slot == NULL);
        }
    }
#if RNS_PROFILE != RNS_PROFILE_FULL
    for (uint32_t i = 0; i < TIERS; ++i) {
        any_tier(&pool.tiers[i]);
    }
#endif
    pool.fallbacks = (rns_counter_t)nondet(0, (rns_counter_t)-1);
    pool.fallback_gives = (rns_counter_t)nondet(0, (rns_counter_t)-1);
    pool.oversize = (rns_counter_t)nondet(0, (rns_counter_t)-1);
}

static void* any_address(void)
{
    return &memory[nondet(0, sizeof memory - 1u)];
}

void harness_rns_pool_storage_bytes(void)
{
    rns_tier_config_t any[SHAPES];
    rns_pool_config_t config = config_of((uint32_t)nondet(0, UINT32_MAX));
    size_t bytes = 1;
    for (uint32_t i = 0; i < SHAPES; ++i) {
        any[i] = (rns_tier_config_t){.slot_bytes = any_size(),
                                     .slot_count = (uint32_t)nondet(0, UINT32_MAX),
                                     .reserve_count = (uint32_t)nondet(0, UINT32_MAX),
                                     .low_water_count = (uint32_t)nondet(0, UINT32_MAX),
                                     .hysteresis_count = (uint32_t)nondet(0, UINT32_MAX),
                                     .region = (uint8_t)nondet(0, UINT8_MAX)};
    }
    config.tiers = any;
    config.tier_count = shape;
    if (rns_pool_storage_bytes(&config, &bytes) != RNS_OK) {
        harness_assert(bytes == 0);
    }
}

void harness_rns_pool_init(void)
{
    const rns_pool_config_t config = config_of(0);
    const rns_status_t status =
        rns_pool_init(&pool, &config, (rns_memory_t){memory, (size_t)nondet(0, sizeof memory)});
    if (status != RNS_OK) {
        harness_assert(pool.tier_count == 0);
    }
}

void harness_rns_pool_take(void)
{
    void* slot = memory;
    any_pool();
    const rns_status_t status = rns_pool_take(&pool, any_size(), any_priority(), &slot);
    if (status == RNS_OK) {
        *(unsigned char*)slot = 1;
    } else {
        harness_assert(slot == NULL);
    }
}

/* In the full pool one address after the other, each exact: Eva would take an index that may be
 * anything to words that a tier with its bitmap in the gate does not have. GIVE_STEP is from the
 * command line. */
void harness_rns_pool_give(void)
{
    any_pool();
#if RNS_PROFILE == RNS_PROFILE_FULL
    /*@ loop unroll ADDRESSES; */
    for (uint32_t i = 0; i < ADDRESSES; i += GIVE_STEP) {
        const rns_status_t status = rns_pool_give(&pool, &memory[i]);
        harness_assert(status <= RNS_OK);
    }
#else
    const rns_status_t status = rns_pool_give(&pool, any_address());
    harness_assert(status <= RNS_OK);
#endif
}

#if RNS_PROFILE == RNS_PROFILE_FULL
void harness_rns_pool_observe(void)
{
    any_pool();
    harness_assert(!rns_pool_observe(&pool, NULL));
}
#endif

void harness_rns_pool_home(void)
{
    any_pool();
    harness_assert(rns_pool_home(&pool, any_size()) <= TIERS);
}

void harness_rns_pool_locate(void)
{
    uint32_t tier = 0;
    uint32_t slot = 0;
    any_pool();
    if (rns_pool_locate(&pool, any_address(), &tier, &slot) == RNS_OK) {
        harness_assert(tier < TIERS);
        harness_assert(slot < 33u);
    } else {
        harness_assert(tier == UINT32_MAX);
    }
}

/// Return any tier of the pool, and any of its slots.
static uint32_t any_place(uint32_t* slot_index)
{
    const uint32_t tier_index = (uint32_t)nondet(0, TIERS - 1u);
    *slot_index = (uint32_t)nondet(0, tiers[tier_index].slot_count - 1u);
    return tier_index;
}

void harness_rns_pool_slot(void)
{
    uint32_t slot = 0;
    any_pool();
    const uint32_t tier = any_place(&slot);
    *(unsigned char*)rns_pool_slot(&pool, tier, slot) = 1;
}

void harness_rns_pool_is_live(void)
{
    uint32_t slot = 0;
    any_pool();
    const uint32_t tier = any_place(&slot);
    (void)rns_pool_is_live(&pool, tier, slot);
}

void harness_rns_pool_link(void)
{
    static rns_pool_t other;
    any_pool();
    other = pool;
    other.next = &other;
    rns_pool_link(&pool, &other);
    harness_assert(pool.next == &other);
    rns_pool_link(&other, &pool);
    harness_assert(pool.next == &other);
}

void harness_rns_pool_unlink(void)
{
    static rns_pool_t other;
    any_pool();
    other.next = &pool;
    pool.next = &other;
    rns_pool_unlink(&pool);
    harness_assert(other.next == &other);
}

void harness_rns_pool_stats(void)
{
    rns_pool_stats_t stats;
    any_pool();
    rns_pool_stats(&pool, &stats);
    harness_assert(stats.tier_count == TIERS);
}

void harness_rns_pool_reset_window(void)
{
    any_pool();
    rns_pool_reset_window(&pool);
}

void harness_rns_pool_check(void)
{
    any_pool();
    (void)rns_pool_check(&pool);
}

static void look(void* context, uint32_t tier_index, uint32_t slot_index, void* slot)
{
    (void)context;
    (void)slot_index;
    harness_assert(tier_index < TIERS);
    *(unsigned char*)slot = 1;
}

void harness_rns_pool_each_live(void)
{
    any_pool();
    rns_pool_each_live(&pool, look, NULL);
}

static void write_nothing(void* context, const char* text, size_t text_bytes)
{
    (void)context;
    harness_assert(text_bytes <= 20u);
    if (text_bytes > 0) {
        harness_assert(text[text_bytes - 1u] != '\0');
    }
}

void harness_rns_pool_log(void)
{
    any_pool();
    rns_pool_log(&pool, (rns_sink_t){.write = write_nothing});
}

void harness_rns_preset_find(void)
{
    char name[8];
    for (uint32_t i = 0; i < 7u; ++i) {
        name[i] = (char)nondet(0, 127);
    }
    name[7] = '\0';
    (void)rns_preset_find(name);
}

void harness_rns_status_name(void)
{
    (void)rns_status_name((rns_status_t)((int)nondet(0, 200) - 100));
}
