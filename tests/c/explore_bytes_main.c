/* Every schedule of two or three threads that share, write and drop Bytes of one buffer.
 *
 * A program of its own: it compiles the sources that it explores into itself.
 * Usage: explore_bytes_main MODE [SCENARIO], with the modes of explore_main.c
 */
#include "explore_main.h"

#define HANDLES  2u
#define CAPACITY (size_t)8

/// What the threads of a world do, a letter for each call. Each has a handle of the same buffer at
/// the start, "one", and none in the other place.
///   s    share one: the other
///   n    make the other, of a byte
///   d D  drop the other; one
///   w W  write the first byte of the other; of one
///   a    append a byte to one
///   u    get the bytes of one for writing, and write them all
///   m    the same if that needs no copy
///   e v  export one; drop the export
///   x    drop a handle that all threads have a copy of, which is misuse for all but one
typedef struct {
    const char* programs[EXPLORE_THREADS_MAX];
    uint32_t slot_counts[2];
    scenario_size_t size;
} scenario_t;

static const scenario_t scenarios[] = {
    {{"D", "D"}, {2, 1}, SIZE_SMALL},           {{"D", "D", "D"}, {2, 1}, SIZE_SMALL},
    {{"sd", "sd"}, {2, 1}, SIZE_SMALL},         {{"x", "x"}, {2, 1}, SIZE_SMALL},
    {{"x", "x", "x"}, {2, 1}, SIZE_LARGE},      {{"mD", "D"}, {2, 1}, SIZE_SMALL},
    {{"WD", "WD"}, {3, 1}, SIZE_LARGE},         {{"WD", "D"}, {2, 1}, SIZE_SMALL},
    {{"WD", "WD"}, {2, 1}, SIZE_LARGE},         {{"aD", "aD"}, {3, 1}, SIZE_LARGE},
    {{"aaD", "aD"}, {2, 1}, SIZE_LARGE},        {{"sdsd", "sdsd"}, {2, 1}, SIZE_LARGE},
    {{"swdD", "swdD"}, {3, 1}, SIZE_LARGE},     {{"saWd", "uDnd"}, {3, 1}, SIZE_LARGE},
    {{"sdmD", "sdmD"}, {2, 1}, SIZE_LARGE},     {{"eWv", "aeDv"}, {3, 1}, SIZE_LARGE},
    {{"Dnd", "Dnd"}, {1, 1}, SIZE_LARGE},       {{"WD", "aD", "sdD"}, {3, 1}, SIZE_LARGE},
    {{"WD", "WD", "WD"}, {3, 1}, SIZE_LARGE},   {{"mD", "mD", "mD"}, {2, 1}, SIZE_LARGE},
    {{"evD", "uD", "Dnd"}, {2, 1}, SIZE_LARGE}, {{"x", "x", "nd"}, {1, 1}, SIZE_LARGE},
};

/// What a handle or an export has to read.
typedef struct {
    uint32_t length; ///< 0: it is not to be looked at.
    uint8_t bytes[CAPACITY];
} model_t;

/// Everything that changes.
typedef struct {
    rns_pool_t pool;
    rns_store_t store;
    rns_bytes_t handles[EXPLORE_THREADS_MAX][HANDLES];
    model_t models[EXPLORE_THREADS_MAX][HANDLES];
    rns_bytes_view_t views[EXPLORE_THREADS_MAX];
    model_t view_models[EXPLORE_THREADS_MAX];
    rns_bytes_t contested;
    uint32_t contest_wins;
    uint32_t contest_refusals;
    uint32_t stolen_count; ///< Drops that were refused since another thread had given the buffer.
    uint32_t share_count;
    bool is_torn; ///< A handle does not read what it has to.
    _Alignas(RNS_ALIGN_BYTES) unsigned char storage[512];
} world_t;

static _Alignas(RNS_ALIGN_BYTES) world_t world;
static const scenario_t* scenario;

/// While a call is on its way, nobody looks at its handle.
static model_t unsettle(model_t* model)
{
    const model_t before = *model;
    *model = (model_t){0};
    return before;
}

static void share(uint32_t thread)
{
    world.handles[thread][1] = rns_bytes_share(&world.handles[thread][0], &world.store);
    world.models[thread][1] = world.models[thread][0];
    ++world.share_count;
}

static void make_other(uint32_t thread)
{
    const uint8_t byte = (uint8_t)('A' + thread);
    const rns_status_t status = rns_bytes_init(&world.handles[thread][1], &world.store, &byte, 1);
    EXPECT(status == RNS_OK || status == RNS_MISS_EXHAUSTED);
    world.models[thread][1] = (model_t){.length = status == RNS_OK, .bytes = {byte}};
}

static void drop(uint32_t thread, uint32_t which)
{
    (void)unsettle(&world.models[thread][which]);
    const rns_status_t status = rns_bytes_drop(&world.handles[thread][which], &world.store);
    EXPECT(status == RNS_OK || status == RNS_MISUSE_DOUBLE_GIVE);
    world.stolen_count += status != RNS_OK;
}

/// Change a handle by one of the ways to write; a call that is refused leaves it as it was.
static void change(uint32_t thread, char call)
{
    const uint32_t which = call == 'w' ? 1u : 0u;
    rns_bytes_t* const handle = &world.handles[thread][which];
    model_t model = unsettle(&world.models[thread][which]);
    const model_t before = model;
    const uint8_t byte = (uint8_t)('1' + thread);
    uint8_t* bytes = NULL;
    rns_status_t status = RNS_OK;
    if (call == 'a') {
        model.bytes[model.length++] = byte;
        status = rns_bytes_append(handle, &world.store, &byte, 1);
    } else if (call == 'u' || call == 'm') {
        memset(model.bytes, byte, model.length);
        status = call == 'u' ? rns_bytes_writable(handle, &world.store, model.length, &bytes)
                             : rns_bytes_try_mut(handle, &world.store, &bytes);
        for (uint32_t i = 0; i < model.length && bytes != NULL; ++i) {
            interleave_step("write", &bytes[i]);
            bytes[i] = byte;
        }
    } else {
        model.bytes[0] = byte;
        status = rns_bytes_set(handle, &world.store, 0, byte);
    }
    EXPECT(status == RNS_OK || status == (call == 'm' ? RNS_MISS_SHARED : RNS_MISS_EXHAUSTED));
    world.models[thread][which] = status == RNS_OK ? model : before;
}

static void export_one(uint32_t thread)
{
    world.views[thread] = rns_bytes_export(&world.handles[thread][0], &world.store);
    world.view_models[thread] = world.models[thread][0];
    ++world.share_count;
}

static void unexport_one(uint32_t thread)
{
    (void)unsettle(&world.view_models[thread]);
    EXPECT(rns_store_unexport(&world.store, world.views[thread].pin) == RNS_OK);
}

static void drop_contested(void)
{
    rns_bytes_t copy = world.contested;
    const rns_status_t status = rns_bytes_drop(&copy, &world.store);
    EXPECT(status == RNS_OK || status == RNS_MISUSE_DOUBLE_GIVE);
    world.contest_wins += status == RNS_OK;
    world.contest_refusals += status != RNS_OK;
}

static void run(uint32_t thread)
{
    for (const char* call = scenario->programs[thread]; *call != '\0'; ++call) {
        interleave_step("own", NULL); /* else what a call did could be undone in the same step */
        switch (*call) {
        case 's':
            share(thread);
            break;
        case 'n':
            make_other(thread);
            break;
        case 'd':
        case 'D':
            drop(thread, *call == 'd' ? 1u : 0u);
            break;
        case 'e':
            export_one(thread);
            break;
        case 'v':
            unexport_one(thread);
            break;
        case 'x':
            drop_contested();
            break;
        default:
            change(thread, *call);
            break;
        }
    }
}

static bool reads(const uint8_t* data, uint32_t length, const model_t* model)
{
    return length == model->length && memcmp(data, model->bytes, length) == 0;
}

/// Return how many handles and exports there are of a buffer, but those of calls on their way.
static uint32_t holders_of(const rns_buffer_t* buffer)
{
    uint32_t count = 0;
    for (uint32_t thread = 0; thread < EXPLORE_THREADS_MAX; ++thread) {
        for (uint32_t i = 0; i < HANDLES; ++i) {
            count +=
                world.models[thread][i].length > 0 && world.handles[thread][i].buffer == buffer;
        }
        count += world.view_models[thread].length > 0 && world.views[thread].pin == buffer;
    }
    return count;
}

/// Verify a slot: a free one that nobody writes to it, another its number of references.
static void check_buffer(const rns_tier_t* tier, uint32_t index)
{
    const rns_buffer_t* const buffer = rns_tier_slot(tier, index);
    const uint32_t holders = holders_of(buffer);
    if ((rns_tier_live_bits(tier, 0) >> index & 1u) == 0) {
        EXPECT(holders == 0);
        EXPECT(!RNS_POISON || rns_guard_is_filled(rns_tier_slot(tier, index), 0, tier->payload_end,
                                                  RNS_POISON_BYTE));
    } else {
        EXPECT(rns_cell_load(&buffer->refs) >= holders || holders == 0);
    }
}

/// Verify what holds between any two steps.
static void check(void)
{
    for (uint32_t thread = 0; thread < EXPLORE_THREADS_MAX; ++thread) {
        for (uint32_t i = 0; i < HANDLES; ++i) {
            const rns_bytes_t* const handle = &world.handles[thread][i];
            world.is_torn = world.is_torn || (world.models[thread][i].length > 0 &&
                                              !reads(rns_bytes_data(handle), handle->length,
                                                     &world.models[thread][i]));
        }
        const rns_bytes_view_t* const view = &world.views[thread];
        EXPECT(world.view_models[thread].length == 0 ||
               reads(view->data, view->length, &world.view_models[thread]));
    }
    EXPECT(!world.is_torn || world.contested.buffer != NULL);
    if (world.contested.buffer != NULL) {
        return; /* who drops what is not his breaks what follows */
    }
    for (uint32_t tier = 0; tier < 2; ++tier) {
        for (uint32_t i = 0; i < world.pool.tiers[tier].tier.slot_count; ++i) {
            check_buffer(&world.pool.tiers[tier].tier, i);
        }
    }
}

/// Verify what holds when all is done.
static void check_at_end(void)
{
    EXPECT(world.contested.buffer == NULL || world.contest_wins >= 1u);
    if (world.contest_wins > 1u) {
        return; /* dropped what another thread had made meanwhile, which nobody can tell */
    }
    EXPECT(world.stolen_count == 0 && !world.is_torn);
    EXPECT(rns_store_check(&world.store).invariant == NULL);
    rns_pool_stats_t stats;
    rns_pool_stats(&world.pool, &stats);
    for (uint32_t i = 0; i < 2; ++i) {
        const rns_tier_t* const tier = &world.pool.tiers[i].tier;
        uint32_t live_count = 0;
        for (uint32_t index = 0; index < tier->slot_count; ++index) {
            const rns_buffer_t* const buffer = rns_tier_slot(tier, index);
            const uint32_t holders = holders_of(buffer);
            EXPECT(holders == 0 || rns_cell_load(&buffer->refs) == holders);
            live_count += holders > 0;
        }
        EXPECT(stats.tiers[i].in_use == live_count); /* none is lost */
    }
#if RNS_STATS
    EXPECT(stats.misuse.double_give == world.contest_refusals);
    EXPECT(rns_store_stats(&world.store).shares == world.share_count);
#endif
}

/// Make the buffer of a scenario and the handles of its threads; return what explore() is given.
static explore_world_t begin_world(uint32_t index)
{
    scenario = &scenarios[index];
    memset(&world, 0, sizeof world);
    const rns_tier_config_t tiers[] = {
        {.slot_bytes = CAPACITY, .slot_count = scenario->slot_counts[0]},
        {.slot_bytes = 2 * CAPACITY, .slot_count = scenario->slot_counts[1]},
    };
    const rns_pool_config_t config = {
        .tiers = tiers, .tier_count = 2, .header_bytes = RNS_BUFFER_HEADER_BYTES};
    const rns_memory_t storage = {.start = world.storage, .bytes = sizeof world.storage};
    CHECK_STATUS(rns_pool_init(&world.pool, &config, storage), RNS_OK);
    CHECK_STATUS(rns_store_init(&world.store, &world.pool, &(rns_store_options_t){0}), RNS_OK);
    rns_bytes_t first = {0};
    CHECK_STATUS(rns_bytes_init(&first, &world.store, "abcd", 4), RNS_OK);
    const uint32_t thread_count = count_threads(scenario->programs);
    const bool is_contested = scenario->programs[0][0] == 'x';
    for (uint32_t thread = 0; thread < thread_count && !is_contested; ++thread) {
        world.models[thread][0] = (model_t){.length = 4, .bytes = "abcd"};
        world.handles[thread][0] = thread == 0 ? first : rns_bytes_share(&first, &world.store);
        world.share_count += thread != 0;
    }
    if (is_contested) {
        world.contested = first;
    }
    return (explore_world_t){.memory = &world,
                             .memory_bytes = sizeof world,
                             .thread_count = thread_count,
                             .run = run,
                             .check = check,
                             .check_at_end = check_at_end};
}

int main(int argument_count, char** arguments)
{
    char names[COUNT_OF(scenarios)][32];
    scenario_name_t list[COUNT_OF(scenarios)];
    for (uint32_t i = 0; i < COUNT_OF(scenarios); ++i) {
        const char* const third = scenarios[i].programs[2];
        (void)snprintf(names[i], sizeof names[i], "%s | %s%s%s", scenarios[i].programs[0],
                       scenarios[i].programs[1], third == NULL ? "" : " | ",
                       third == NULL ? "" : third);
        list[i] = (scenario_name_t){.name = names[i], .size = scenarios[i].size};
    }
    return explore_scenarios(argument_count, arguments, begin_world, list, COUNT_OF(scenarios));
}
