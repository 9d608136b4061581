/* Every schedule of two or three threads that take and give, and read the statistics meanwhile.
 *
 * A program of its own: it compiles the sources that it explores into itself.
 * Usage: explore_main MODE [SCENARIO], see explore_main.h
 */
#include "explore_main.h"

#define THREADS    EXPLORE_THREADS_MAX
#define TIERS      2u
#define SLOTS_MAX  40u
#define HELD_MAX   2u
#define MARK_BYTES 8u

/// What the threads of a world do, a letter for each call:
///   t T   take for a size of the first, the second tier
///   a     take from the first tier, past its pool
///   g     give what was taken last
///   b     give it to the first tier, past its pool
///   x     give the contested slot, as others do, too: the last that was taken at the start
///   s     read the statistics
///   w     begin a new window
typedef struct {
    const char* name;
    const char* programs[THREADS];
    uint32_t slot_counts[TIERS];
    uint32_t taken[TIERS]; ///< From the start.
    rns_policy_t policy;
    scenario_size_t size;
    uint32_t takes_before; ///< That the first tier counted already.
} scenario_t;

#define STRICT RNS_POLICY_STRICT
#define SPILL  RNS_POLICY_SPILL

/// The next take but one outgrows the gate, which carries what it counted elsewhere.
#define FULL_GATE ((1u << 25) - 2u)

static const scenario_t scenarios[] = {
#if RNS_SYNC != RNS_SYNC_LOCK /* the lock is the pool's */
    {"tier, 2 x 1", {"ab", "ab"}, {1, 1}, {0, 0}, STRICT, SIZE_SMALL, 0},
    {"tier, 2 x 2, 1 slot", {"abab", "abab"}, {1, 1}, {0, 0}, STRICT, SIZE_SMALL, 0},
    {"tier, 2 x 2, 2 slots", {"abab", "abab"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"tier, 3 x 1, 1 slot", {"ab", "ab", "ab"}, {1, 1}, {0, 0}, STRICT, SIZE_SMALL, 0},
    {"tier, 3 x 1, 2 slots", {"ab", "ab", "ab"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
#endif
    {"pool, 2 x 1, 1 slot", {"tg", "tg"}, {1, 1}, {0, 0}, STRICT, SIZE_SMALL, 0},
    {"pool, 2 x 1, 2 slots", {"tg", "tg"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"double give", {"x", "x"}, {2, 1}, {1, 0}, STRICT, SIZE_SMALL, 0},
    {"double give of three", {"x", "x", "x"}, {2, 1}, {1, 0}, STRICT, SIZE_SMALL, 0},
    {"double give in words", {"x", "x"}, {33, 1}, {33, 0}, STRICT, SIZE_SMALL, 0},
    {"pool, 2 x 2, strict", {"tgtg", "tgtg"}, {1, 1}, {0, 0}, STRICT, SIZE_EACH, 0},
    {"pool, 2 x 2, strict, 2 slots", {"tgtg", "tgtg"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"pool, 2 x 2, spill", {"tgtg", "tgtg"}, {1, 1}, {0, 0}, SPILL, SIZE_LARGE, 0},
    {"pool, 2 x 2, sizes, spill", {"tTgg", "Ttgg"}, {1, 1}, {0, 0}, SPILL, SIZE_LARGE, 0},
    {"pool, 3 x 1, strict", {"tg", "tg", "tg"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"pool, 3 x 1, spill", {"tg", "tg", "tg"}, {1, 1}, {0, 0}, SPILL, SIZE_LARGE, 0},
    {"words, 2 x 2", {"tgtg", "tgtg"}, {33, 1}, {31, 0}, STRICT, SIZE_LARGE, 0},
    {"words, 3 x 1", {"tg", "tg", "tg"}, {33, 1}, {31, 0}, STRICT, SIZE_LARGE, 0},
    {"words, spill", {"tg", "tg", "tg"}, {33, 1}, {32, 0}, SPILL, SIZE_LARGE, 0},
    {"double give and take", {"x", "x", "tg"}, {1, 1}, {1, 0}, STRICT, SIZE_EACH, 0},
    {"double give and take in words", {"x", "x", "tg"}, {33, 1}, {33, 0}, STRICT, SIZE_LARGE, 0},
    {"double give and spill", {"x", "x", "tg"}, {1, 1}, {1, 1}, SPILL, SIZE_EACH, 0},
    {"pool, 3 x 2, strict", {"tgtg", "tgtg", "tgtg"}, {2, 1}, {0, 0}, STRICT, SIZE_HUGE, 0},
    {"pool, 3 x 2, spill", {"tgtg", "tgtg", "tgtg"}, {1, 1}, {0, 0}, SPILL, SIZE_HUGE, 0},
    {"statistics, strict", {"tg", "tg", "s"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"statistics, carry", {"tg", "tg", "s"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, FULL_GATE},
    {"statistics, spill", {"tg", "tg", "s"}, {1, 1}, {0, 0}, SPILL, SIZE_LARGE, 0},
    {"statistics twice, spill", {"tgtg", "ss"}, {1, 1}, {1, 0}, SPILL, SIZE_LARGE, 0},
    {"statistics, words", {"tg", "tg", "s"}, {33, 1}, {31, 0}, STRICT, SIZE_LARGE, 0},
    {"window", {"tgtg", "tg", "w"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"window, then held", {"tgt", "tgt", "w"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
    {"window and statistics", {"tgtg", "ws"}, {2, 1}, {0, 0}, STRICT, SIZE_LARGE, 0},
};

/// Everything that changes.
typedef struct {
    rns_pool_t pool;
    uint8_t owners[TIERS][SLOTS_MAX]; ///< A thread + 1, or 0. Not of gives of the contested slot.
    void* held[THREADS][HELD_MAX];
    uint32_t held_count[THREADS];
    uint32_t sure_count[TIERS]; ///< Slots whose take has returned and whose give has not begun...
    uint32_t sure_most[TIERS];
    uint32_t in_use_most[TIERS]; ///< ...and in_use, between any two steps.
    uint32_t begun_count;        ///< Takes that have begun, and that have returned.
    uint32_t ended_count;
    uint32_t miss_count;
    uint32_t take_count[TIERS];
    uint32_t give_count[TIERS];
    void* contested;
    uint32_t contested_tier;
    uint32_t contest_wins;
    uint32_t contest_refusals;
    bool is_contested;      ///< More than one thread gives the contested slot.
    bool is_torn;           ///< What a thread wrote to its slot was overwritten.
    uint32_t requests_seen; ///< By the statistics read last.
    _Alignas(RNS_ALIGN_BYTES) unsigned char storage[4096];
} world_t;

static _Alignas(RNS_ALIGN_BYTES) world_t world;
static const scenario_t* scenario;

/// Return how many takes a tier had counted at the start.
static uint32_t taken_before(uint32_t tier)
{
    return scenario->taken[tier] + (tier == 0 ? scenario->takes_before : 0);
}

static void raise_to(uint32_t* most, uint32_t count)
{
    *most = *most < count ? count : *most;
}

/// Return the tier and the place among `owners` of a slot.
static uint8_t* owner_of(const void* slot, uint32_t* tier)
{
    uint32_t index = 0;
    EXPECT(rns_pool_locate(&world.pool, slot, tier, &index) == RNS_OK);
    return &world.owners[*tier][index];
}

static void begin_owning(uint32_t thread, void* slot)
{
    uint32_t tier = 0;
    uint8_t* const owner = owner_of(slot, &tier);
    EXPECT(*owner == 0); /* a slot has one owner at most */
    *owner = (uint8_t)(thread + 1u);
    memset(slot, *owner, MARK_BYTES);
    world.held[thread][world.held_count[thread]++] = slot;
    ++world.take_count[tier];
    raise_to(&world.sure_most[tier], ++world.sure_count[tier]);
}

static void* end_owning(uint32_t thread, uint32_t* tier)
{
    void* const slot = world.held[thread][--world.held_count[thread]];
    *owner_of(slot, tier) = 0;
    --world.sure_count[*tier];
    return slot;
}

static void take(uint32_t thread, size_t size_bytes)
{
    void* slot = NULL;
    ++world.begun_count;
    const rns_status_t status = rns_pool_take(&world.pool, size_bytes, RNS_PRIORITY_NORMAL, &slot);
    ++world.ended_count;
    EXPECT((status == RNS_OK) == (slot != NULL));
    if (status == RNS_OK) {
        begin_owning(thread, slot);
    } else {
        EXPECT(status == RNS_MISS_EXHAUSTED);
        ++world.miss_count;
    }
}

static void take_from_tier(uint32_t thread)
{
    void* slot = NULL;
    ++world.begun_count;
    const rns_status_t status = rns_tier_take(&world.pool.tiers[0].tier, 0, &slot);
    ++world.ended_count;
    if (status == RNS_OK) {
        begin_owning(thread, slot);
    } else {
        EXPECT(status == RNS_MISS_EXHAUSTED);
    }
}

/// Give what was taken last, if that was anything.
static void give(uint32_t thread, bool is_past_pool)
{
    if (world.held_count[thread] == 0) {
        return;
    }
    interleave_step("own", NULL); /* else the slot would come and go in one step */
    uint32_t tier = 0;
    void* const slot = end_owning(thread, &tier);
    const rns_status_t status = is_past_pool ? rns_tier_give(&world.pool.tiers[tier].tier, slot)
                                             : rns_pool_give(&world.pool, slot);
    const bool was_stolen = slot == world.contested && status == RNS_MISUSE_DOUBLE_GIVE;
    EXPECT(status == RNS_OK || was_stolen);
    world.give_count[tier] += status == RNS_OK;
    world.contest_refusals += was_stolen;
}

static void give_contested(void)
{
    const rns_status_t status = rns_pool_give(&world.pool, world.contested);
    EXPECT(status == RNS_OK || status == RNS_MISUSE_DOUBLE_GIVE);
    world.contest_wins += status == RNS_OK;
    world.contest_refusals += status != RNS_OK;
    world.give_count[world.contested_tier] += status == RNS_OK;
}

/// Verify what holds of statistics whenever they are read.
static void check_stats(const rns_pool_stats_t* stats)
{
#if RNS_STATS
    rns_counter_t requests = stats->oversize;
    for (uint32_t i = 0; i < TIERS; ++i) {
        const rns_tier_stats_t* const tier = &stats->tiers[i];
        EXPECT(tier->in_use <= tier->window_high_water);
        EXPECT(tier->window_high_water <= tier->high_water);
        EXPECT(tier->high_water <= tier->slot_count);
        EXPECT(tier->gives <= tier->takes && tier->takes - tier->gives == tier->in_use);
        EXPECT(tier->spills_in <= tier->takes);
        EXPECT(tier->requests == tier->hits + tier->spills + tier->exhausted);
        requests += tier->requests;
    }
    EXPECT(requests == stats->requests);
    EXPECT(stats->failures == stats->exhausted + stats->oversize);
#else
    (void)stats;
#endif
}

/// Read the statistics while the others go on; verify what they show of the time of the call.
static void look(void)
{
    uint32_t sure_most[TIERS];
    memcpy(sure_most, world.sure_most, sizeof sure_most);
    const uint32_t ended_count = world.ended_count;
    const uint32_t taken = taken_before(0) + taken_before(1);
    rns_pool_stats_t stats;
    rns_pool_stats(&world.pool, &stats);
    check_stats(&stats);
#if RNS_STATS
    EXPECT(stats.requests >= ended_count + taken && stats.requests <= world.begun_count + taken);
    for (uint32_t i = 0; i < TIERS; ++i) {
        EXPECT(stats.tiers[i].high_water >= sure_most[i]);
        EXPECT(stats.tiers[i].high_water <= world.in_use_most[i]);
    }
    /* A take that spills is a hit of the other tier, then none, then a spill. */
    EXPECT(stats.requests + world.begun_count - ended_count >= world.requests_seen);
    world.requests_seen = (uint32_t)stats.requests;
#else
    (void)ended_count;
    (void)taken;
#endif
}

static void run(uint32_t thread)
{
    for (const char* call = scenario->programs[thread]; *call != '\0'; ++call) {
        switch (*call) {
        case 't':
        case 'T':
            take(thread, *call == 't' ? 16 : 32);
            break;
        case 'a':
            take_from_tier(thread);
            break;
        case 'x':
            give_contested();
            break;
        case 's':
            look();
            break;
        case 'w':
            rns_pool_reset_window(&world.pool);
            break;
        default:
            give(thread, *call == 'b');
            break;
        }
    }
}

/// Verify what holds between any two steps.
static void check(void)
{
    for (uint32_t i = 0; i < TIERS; ++i) {
        const rns_tier_t* const tier = &world.pool.tiers[i].tier;
        const rns_tier_counts_t counts = rns_tier_counts(tier);
        raise_to(&world.in_use_most[i], counts.in_use);
        uint32_t free_count = 0;
        for (uint32_t group = 0; group * 32u < tier->slot_count; ++group) {
            free_count += rns_bit_count(free_bits(tier, group));
        }
        /* In the gate both change together. Above, a take counts first and a give last. */
        const uint32_t used_count = tier->slot_count - free_count;
        EXPECT(used_count <= counts.in_use);
        EXPECT(counts.in_use - used_count <= (tier->word_count == 0 ? 0 : THREADS));
        EXPECT(counts.in_use >= world.sure_count[i] || world.is_contested);
        EXPECT(!RNS_STATS || counts.high_water <= tier->slot_count);
    }
    for (uint32_t thread = 0; thread < THREADS; ++thread) {
        for (uint32_t i = 0; i < world.held_count[thread]; ++i) {
            const unsigned char* const slot = world.held[thread][i];
            for (uint32_t byte = 0; byte < MARK_BYTES; ++byte) {
                world.is_torn = world.is_torn || slot[byte] != thread + 1u;
            }
        }
    }
    EXPECT(!world.is_torn || world.is_contested);
}

/// Verify what holds when all is done. What is still taken is what was at the start.
static void check_at_end(void)
{
    /* Who gives a slot after another thread has taken it again gives that thread's, which nobody
     * can tell: the owner then writes to a free slot. But a give that is refused changes nothing.
     */
    const bool is_stolen = world.contest_wins > 1u;
    EXPECT(!world.is_torn || is_stolen);
    const char* const broken = rns_pool_check(&world.pool).invariant;
    EXPECT(broken == NULL || (is_stolen && strcmp(broken, "I6") == 0));
    rns_pool_stats_t stats;
    rns_pool_stats(&world.pool, &stats);
    check_stats(&stats);
    for (uint32_t i = 0; i < TIERS; ++i) {
        const uint32_t takes = taken_before(i) + world.take_count[i];
        const uint32_t gives =
            i == 0 ? scenario->takes_before + world.give_count[0] : world.give_count[i];
        EXPECT(stats.tiers[i].in_use == takes - gives);
        EXPECT(stats.tiers[i].in_use == world.sure_count[i]);
#if RNS_STATS
        EXPECT(stats.tiers[i].takes == takes && stats.tiers[i].gives == gives);
        EXPECT(stats.tiers[i].high_water == world.in_use_most[i]); /* exact at rest */
#endif
    }
#if RNS_STATS
    if (strchr(scenario->programs[0], 'a') == NULL) {
        const uint32_t taken = taken_before(0) + taken_before(1);
        EXPECT(stats.requests == world.begun_count + taken);
        EXPECT(stats.exhausted == world.miss_count);
    }
    EXPECT(stats.misuse.double_give == world.contest_refusals);
    EXPECT(stats.misuse.canary == 0 && stats.misuse.write_after_give == 0);
#endif
}

/// Make the pool of a scenario, with slots taken; return what explore() is given.
static explore_world_t begin_world(uint32_t index)
{
    const scenario_t* const chosen = &scenarios[index];
    scenario = chosen;
    memset(&world, 0, sizeof world);
    const rns_tier_config_t tiers[TIERS] = {
        {.slot_bytes = 16, .slot_count = chosen->slot_counts[0]},
        {.slot_bytes = 32, .slot_count = chosen->slot_counts[1]},
    };
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = TIERS, .policy = chosen->policy};
    const rns_memory_t storage = {.start = world.storage, .bytes = sizeof world.storage};
    size_t storage_bytes = 0;
    CHECK_STATUS(rns_pool_storage_bytes(&config, &storage_bytes), RNS_OK);
    CHECK_STATUS(rns_pool_init(&world.pool, &config, storage), RNS_OK);
    for (uint32_t tier = 0; tier < TIERS; ++tier) {
        for (uint32_t i = 0; i < chosen->taken[tier]; ++i) {
            CHECK_STATUS(rns_pool_take(&world.pool, tiers[tier].slot_bytes, RNS_PRIORITY_NORMAL,
                                       &world.contested),
                         RNS_OK);
            world.contested_tier = tier;
            world.sure_count[tier] = i + 1u;
            raise_to(&world.sure_most[tier], i + 1u);
            raise_to(&world.in_use_most[tier], i + 1u);
        }
    }
#if RNS_STATS
    RNS_CELL(rns_gate_t)* const gate = &world.pool.tiers[0].tier.gate;
    rns_cell_store(gate, rns_cell_load(gate) + chosen->takes_before * RNS_GATE_ONE_TAKE);
#endif
    world.is_contested = strchr(chosen->programs[0], 'x') != NULL;
    world.sure_count[world.contested_tier] -= world.is_contested ? 1u : 0u;
    return (explore_world_t){.memory = &world,
                             .memory_bytes = offsetof(world_t, storage) + storage_bytes,
                             .thread_count = count_threads(chosen->programs),
                             .run = run,
                             .check = check,
                             .check_at_end = check_at_end};
}

int main(int argument_count, char** arguments)
{
    scenario_name_t list[COUNT_OF(scenarios)];
    uint32_t count = 0;
    for (; count < COUNT_OF(scenarios); ++count) {
        list[count] = (scenario_name_t){scenarios[count].name, scenarios[count].size};
    }
    return explore_scenarios(argument_count, arguments, begin_world, list, count);
}
