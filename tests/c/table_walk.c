#include "table_walk.h"

#include "pool_fixture.h"
#include <string.h>

#define MODEL_MAX 2048u

typedef struct {
    uint32_t number;
    uint64_t value;
    uint64_t time_ns;
} model_entry_t;

typedef struct {
    table_fixture_t f;
    model_entry_t entries[MODEL_MAX];
    uint32_t count;
    uint32_t count_most;
    uint32_t cull_to_count;
    drop_t drops[DROPS_MAX];
    uint32_t drop_count;
    rns_table_stats_t stats;
    uint64_t random;
    uint64_t now_ns;
    uint64_t next_value;
    uint32_t visited;
    uint32_t key_count; ///< Keys are drawn below this.
} model_t;

static uint32_t model_find(const model_t* m, uint32_t number)
{
    uint32_t at = 0;
    while (at < m->count && m->entries[at].number != number) {
        ++at;
    }
    return at;
}

static void model_tell(model_t* m, uint32_t at)
{
    m->drops[m->drop_count++] = (drop_t){m->entries[at].number, m->entries[at].value};
}

static void model_erase(model_t* m, uint32_t at)
{
    --m->count;
    memmove(&m->entries[at], &m->entries[at + 1u], (m->count - at) * sizeof m->entries[0]);
}

static void model_cull(model_t* m)
{
    ++m->stats.cull_runs;
    while (m->count > m->cull_to_count) {
        uint32_t oldest = 0;
        for (uint32_t i = 1; i < m->count; ++i) {
            if (m->entries[i].time_ns < m->entries[oldest].time_ns) {
                oldest = i;
            }
        }
        ++m->stats.culls;
        model_tell(m, oldest);
        model_erase(m, oldest);
    }
}

/// Put a key that is not there.
static rns_status_t model_insert(model_t* m, uint32_t number, uint64_t value)
{
    if (m->count == m->count_most) {
        if (m->f.config.policy == RNS_TABLE_REJECT) {
            ++m->stats.rejects;
            return RNS_MISS_EXHAUSTED;
        }
        if (m->f.config.policy == RNS_TABLE_CULL_OLDEST) {
            model_cull(m);
        } else {
            ++m->stats.overwrites;
            model_tell(m, 0);
            model_erase(m, 0);
        }
    }
    m->entries[m->count++] = (model_entry_t){number, value, m->now_ns};
    m->stats.high_water = m->count > m->stats.high_water ? m->count : m->stats.high_water;
    return RNS_OK;
}

static void random_put(model_t* m, uint32_t number)
{
    const uint64_t value = m->next_value++;
    const uint32_t at = model_find(m, number);
    rns_status_t expected = RNS_MISS_PRESENT;
    ++m->stats.puts;
    if (at < m->count) {
        ++m->stats.updates;
        model_tell(m, at);
        m->entries[at].value = value;
        m->entries[at].time_ns = m->now_ns;
    } else {
        expected = model_insert(m, number, value);
    }
    CHECK_STATUS(put(&m->f, number, value, m->now_ns), expected);
}

static void random_put_in_place(model_t* m, uint32_t number)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    unsigned char zeros[64] = {0};
    void* out = NULL;
    const uint32_t at = model_find(m, number);
    rns_status_t expected = RNS_MISS_PRESENT;
    ++m->stats.puts;
    if (at < m->count) {
        ++m->stats.updates;
        m->entries[at].time_ns = m->now_ns;
    } else {
        expected = model_insert(m, number, 0);
    }
    make_key(&m->f, number, key);
    CHECK_STATUS(rns_table_put(&m->f.table, key, NULL, m->now_ns, &out), expected);
    if (expected == RNS_OK) {
        CHECK(memcmp(out, zeros, m->f.config.value_bytes) == 0);
        make_value(&m->f, 0, out);
    } else if (expected == RNS_MISS_PRESENT) {
        CHECK_EQUAL(value_in(&m->f, out), m->entries[at].value);
    } else {
        CHECK(out == NULL);
    }
}

static void random_find(model_t* m, uint32_t number)
{
    const uint32_t at = model_find(m, number);
    const void* const value = find(&m->f, number);
    ++m->stats.finds;
    m->stats.hits += at < m->count;
    CHECK_EQUAL(value != NULL, at < m->count);
    if (value != NULL && at < m->count) {
        CHECK_EQUAL(value_in(&m->f, value), m->entries[at].value);
    }
}

static void random_remove(model_t* m, uint32_t number, bool is_handed_out)
{
    unsigned char key[RNS_TABLE_KEY_BYTES_MAX];
    unsigned char value[64];
    const uint32_t at = model_find(m, number);
    const bool is_there = at < m->count;
    make_key(&m->f, number, key);
    CHECK_STATUS(rns_table_remove(&m->f.table, key, is_handed_out ? value : NULL),
                 is_there ? RNS_OK : RNS_MISS_ABSENT);
    if (!is_there) {
        return;
    }
    ++m->stats.removes;
    if (is_handed_out) {
        CHECK_EQUAL(value_in(&m->f, value), m->entries[at].value);
    } else {
        model_tell(m, at);
    }
    model_erase(m, at);
}

static void random_touch(model_t* m, uint32_t number)
{
    const uint64_t time_ns = m->now_ns - random_below(&m->random, 50);
    const uint32_t at = model_find(m, number);
    CHECK_STATUS(touch(&m->f, number, time_ns), at < m->count ? RNS_OK : RNS_MISS_ABSENT);
    if (at < m->count) {
        m->entries[at].time_ns = time_ns;
    }
}

static void random_expire(model_t* m)
{
    const uint64_t now_ns = m->now_ns - random_below(&m->random, 10);
    const uint64_t max_age_ns = 20u + random_below(&m->random, 3u * m->count_most + 1u);
    uint32_t expired = 0;
    uint32_t out = UINT32_MAX;
    for (uint32_t i = 0; i < m->count;) {
        if (m->entries[i].time_ns + max_age_ns < now_ns) {
            ++expired;
            model_tell(m, i);
            model_erase(m, i);
        } else {
            ++i;
        }
    }
    m->stats.expired += expired;
    CHECK_STATUS(rns_table_expire(&m->f.table, now_ns, max_age_ns, &out), RNS_OK);
    CHECK_EQUAL(out, expired);
}

static bool visit_next(void* context, const void* key, void* value, uint64_t time_ns)
{
    model_t* const m = context;
    if (CHECK(m->visited < m->count)) {
        const model_entry_t* const expected = &m->entries[m->visited];
        CHECK_EQUAL(number_of(&m->f, key), expected->number);
        CHECK_EQUAL(value_in(&m->f, value), expected->value);
        CHECK_EQUAL(time_ns, expected->time_ns);
    }
    ++m->visited;
    return true;
}

static void compare_all(model_t* m)
{
    m->visited = 0;
    CHECK_STATUS(rns_table_each(&m->f.table, visit_next, m), RNS_OK);
    CHECK_EQUAL(m->visited, m->count);
}

static void compare_stats(const model_t* m)
{
#if RNS_STATS
    const rns_table_stats_t s = table_stats(&m->f);
    CHECK_EQUAL(s.puts, m->stats.puts);
    CHECK_EQUAL(s.updates, m->stats.updates);
    CHECK_EQUAL(s.rejects, m->stats.rejects);
    CHECK_EQUAL(s.finds, m->stats.finds);
    CHECK_EQUAL(s.hits, m->stats.hits);
    CHECK_EQUAL(s.removes, m->stats.removes);
    CHECK_EQUAL(s.culls, m->stats.culls);
    CHECK_EQUAL(s.cull_runs, m->stats.cull_runs);
    CHECK_EQUAL(s.overwrites, m->stats.overwrites);
    CHECK_EQUAL(s.expired, m->stats.expired);
    CHECK_EQUAL(s.high_water, m->stats.high_water);
    CHECK_EQUAL(s.reentrant, 0);
#else
    (void)m;
#endif
}

/// Verify that the hook was told of the same values in the same order; begin a new log.
static void compare_drops(model_t* m)
{
    CHECK_EQUAL(m->f.drop_count, m->drop_count);
    for (uint32_t i = 0; i < m->drop_count && i < m->f.drop_count; ++i) {
        CHECK_EQUAL(m->f.drops[i].number, m->drops[i].number);
        CHECK_EQUAL(m->f.drops[i].value, m->drops[i].value);
    }
    m->f.drop_count = 0;
    m->drop_count = 0;
}

static void operate(model_t* m)
{
    const uint32_t number = random_below(&m->random, m->key_count);
    const uint32_t draw = random_below(&m->random, 1000);
    m->now_ns += random_below(&m->random, 3);
    if (draw < 400) {
        random_put(m, number);
    } else if (draw < 500) {
        random_put_in_place(m, number);
    } else if (draw < 800) {
        random_find(m, number);
    } else if (draw < 900) {
        random_remove(m, number, draw % 2u == 0);
    } else if (draw < 990) {
        random_touch(m, number);
    } else if (draw < 999) {
        random_expire(m);
    } else {
        compare_all(m);
    }
    CHECK_EQUAL(rns_table_count(&m->f.table), m->count);
    compare_drops(m);
    ++check_state.operations;
}

static model_t model; /* too large for a stack */

static model_t* begin(rns_table_policy_t policy, uint32_t capacity, uint64_t seed)
{
    model_t* const m = &model;
    memset(m, 0, sizeof *m);
    rns_table_config_t config = table_config(policy, capacity);
    config.key_bytes = 1u + (uint32_t)(seed % 3u) * 10u; /* 1, 11, 21 */
    config.value_bytes = 24;
    config.seed = seed;
    table_fixture_init(&m->f, &config);
    const bool culls = policy == RNS_TABLE_CULL_OLDEST;
    m->count_most = culls ? (capacity * 9u + 9u) / 10u : capacity;
    m->cull_to_count = capacity * 8u / 10u;
    m->random = seed;
    m->now_ns = 1000;
    m->key_count = capacity * 2u < 256u || seed % 3u != 0 ? capacity * 2u : 256u;
    return m;
}

static void end(model_t* m)
{
    compare_all(m);
    compare_stats(m);
    table_fixture_end(&m->f);
}

static void add_met(const model_t* m, rns_table_stats_t* met)
{
    met->puts += m->stats.puts;
    met->updates += m->stats.updates;
    met->rejects += m->stats.rejects;
    met->finds += m->stats.finds;
    met->hits += m->stats.hits;
    met->removes += m->stats.removes;
    met->culls += m->stats.culls;
    met->cull_runs += m->stats.cull_runs;
    met->overwrites += m->stats.overwrites;
    met->expired += m->stats.expired;
}

void table_walk(rns_table_policy_t policy, uint32_t capacity, uint64_t seed, uint32_t operations,
                bool is_checked, rns_table_stats_t* met)
{
    model_t* const m = begin(policy, capacity, seed);
    for (uint32_t i = 0; i < operations; ++i) {
        operate(m);
        if (is_checked) {
            check_table(&m->f);
        }
    }
    add_met(m, met);
    end(m);
}
