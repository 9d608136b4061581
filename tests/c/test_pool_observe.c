/* The observer of a pool: what it is told, and when it is told nothing. */
#include "pool_fixture.h"
#include "suites.h"

#if RNS_OBSERVE

#    define EVENTS_MAX 16u

typedef struct {
    const void* slot;
    size_t size_bytes; ///< 0: a give.
    rns_status_t status;
    uint64_t number; ///< That giving() returned.
} event_t;

typedef struct {
    event_t events[EVENTS_MAX];
    uint32_t count;
    uint64_t begun; ///< Gives.
} witness_t;

static void on_take(void* context, const void* slot, size_t size_bytes)
{
    witness_t* const self = context;
    self->events[self->count % EVENTS_MAX] = (event_t){.slot = slot, .size_bytes = size_bytes};
    ++self->count;
}

static uint64_t on_giving(void* context)
{
    witness_t* const self = context;
    ++self->begun;
    return 100u + self->begun;
}

static void on_gave(void* context, uint64_t number, const void* slot, rns_status_t status)
{
    witness_t* const self = context;
    self->events[self->count % EVENTS_MAX] =
        (event_t){.slot = slot, .status = status, .number = number};
    ++self->count;
}

static void test_an_observer_is_told_of_every_take_served_and_every_give(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 1}};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    witness_t witness = {.count = 0};
    const rns_observer_t observer = {
        .took = on_take, .giving = on_giving, .gave = on_gave, .context = &witness};
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(rns_pool_observe(&f.pool, &observer));
    void* const slot = pool_take(&f, 7);
    CHECK_EQUAL(witness.count, 1);
    CHECK(witness.events[0].slot == slot && witness.events[0].size_bytes == 7);
    CHECK(pool_take(&f, 8) == NULL);
    CHECK_EQUAL(witness.count, 1); /* a miss */
    CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_OK);
    CHECK_STATUS(rns_pool_give(&f.pool, slot), RNS_MISUSE_DOUBLE_GIVE);
    CHECK_EQUAL(witness.count, 3);
    for (uint32_t i = 1; i < 3u; ++i) {
        CHECK(witness.events[i].slot == slot && witness.events[i].size_bytes == 0);
        CHECK_EQUAL(witness.events[i].number, 100u + i);
        CHECK_STATUS(witness.events[i].status, i == 1u ? RNS_OK : RNS_MISUSE_DOUBLE_GIVE);
    }
    CHECK(rns_pool_observe(&f.pool, NULL));
    CHECK_STATUS(rns_pool_give(&f.pool, pool_take(&f, 7)), RNS_OK);
    CHECK_EQUAL(witness.count, 3);
    CHECK_EQUAL(witness.begun, 2);
    pool_fixture_end(&f);
}

#else

static void test_a_pool_built_without_an_observer_says_so(void)
{
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 16, .slot_count = 1}};
    static const rns_observer_t observer = {.context = NULL};
    const rns_pool_config_t config = POOL_CONFIG(tiers, RNS_POLICY_STRICT);
    pool_fixture_t f;
    pool_fixture_init(&f, &config);
    CHECK(!rns_pool_observe(&f.pool, &observer));
    CHECK_STATUS(rns_pool_give(&f.pool, pool_take(&f, 7)), RNS_OK);
    pool_fixture_end(&f);
}

#endif

void suite_pool_observe(void)
{
#if RNS_OBSERVE
    RUN(test_an_observer_is_told_of_every_take_served_and_every_give);
#else
    RUN(test_a_pool_built_without_an_observer_says_so);
#endif
}
