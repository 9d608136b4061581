/* rns_table: what the drop hook and a visitor may do. */
#include "table_fixture.h"

static void change_from_the_hook(void* context)
{
    table_fixture_t* const f = context;
    const drop_t told = f->drops[f->drop_count - 1u];
    uint32_t out = 99;
    f->in_hook = NULL;
    CHECK_STATUS(put(f, 500, 0, 0), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(drop(f, 1), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(touch(f, 1, 0), RNS_MISUSE_REENTRANT);
    CHECK_STATUS(rns_table_expire(&f->table, UINT64_MAX, 0, &out), RNS_MISUSE_REENTRANT);
    CHECK_EQUAL(out, 0);
    CHECK_STATUS(rns_table_reset(&f->table), RNS_MISUSE_REENTRANT);
    CHECK(find(f, told.number) == NULL); /* it is gone already */
    CHECK(find(f, 4) != NULL);           /* the others are not */
}

static void test_the_hook_may_read_the_table_and_not_change_it(void)
{
    table_fixture_t* const f = table_begin(RNS_TABLE_CULL_OLDEST, 5); /* 5, down to 4 */
    fill(f, 0, 5);
    f->in_hook = change_from_the_hook;
    CHECK_STATUS(put(f, 5, 0, 5), RNS_OK);
    CHECK_EQUAL(f->drop_count, 1);
    CHECK_COUNTER(table_stats(f).reentrant, 5);
    CHECK_EQUAL(rns_table_count(&f->table), 5);
    CHECK_STATUS(drop(f, 1), RNS_OK); /* and may be changed again afterwards */
    table_fixture_end(f);
}

/// What a visitor saw, and what it is to do.
typedef struct {
    table_fixture_t* f;
    uint32_t seen[64];
    uint32_t seen_count;
    uint32_t at;         ///< Act when this number is visited,
    uint32_t removes[4]; ///< removing these numbers
    uint32_t remove_count;
    uint32_t puts; ///< and putting so many numbers from 100 on.
    uint32_t stop_at;
} visit_t;

static bool visit_and_act(void* context, const void* key, void* value, uint64_t time_ns)
{
    visit_t* const v = context;
    const uint32_t number = number_of(v->f, key);
    CHECK_EQUAL(value_in(v->f, value), number + 7u);
    CHECK_EQUAL(time_ns, number);
    if (v->seen_count < COUNT_OF(v->seen)) {
        v->seen[v->seen_count] = number;
        ++v->seen_count;
    }
    CHECK_STATUS(rns_table_each(&v->f->table, visit_and_act, v), RNS_MISUSE_REENTRANT);
    if (number == v->at) {
        for (uint32_t i = 0; i < v->remove_count; ++i) {
            CHECK_STATUS(drop(v->f, v->removes[i]), RNS_OK);
        }
        for (uint32_t i = 0; i < v->puts; ++i) {
            CHECK_STATUS(put(v->f, 100u + i, 107u + i, 100u + i), RNS_OK);
        }
    }
    return number != v->stop_at;
}

static void check_visits(rns_table_policy_t policy, visit_t visit, const uint32_t* expected,
                         uint32_t expected_count)
{
    table_fixture_t* const f = table_begin(policy, 8);
    fill(f, 0, 6);
    visit.f = f;
    CHECK_STATUS(rns_table_each(&f->table, visit_and_act, &visit), RNS_OK);
    CHECK_EQUAL(visit.seen_count, expected_count);
    for (uint32_t i = 0; i < expected_count; ++i) {
        CHECK_EQUAL(visit.seen[i], expected[i]);
    }
    CHECK_COUNTER(table_stats(f).reentrant, expected_count);
    table_fixture_end(f);
}

static void test_each_visits_in_the_order_of_insertion_until_told_to_stop(void)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5};
    check_visits(RNS_TABLE_RING, (visit_t){.at = 99, .stop_at = 99}, all, 6);
    check_visits(RNS_TABLE_RING, (visit_t){.at = 99, .stop_at = 2}, all, 3);
}

/// Return a visit that removes the first `count` of three numbers.
static visit_t removing(visit_t visit, uint32_t count, uint32_t a, uint32_t b, uint32_t c)
{
    visit.remove_count = count;
    visit.removes[0] = a;
    visit.removes[1] = b;
    visit.removes[2] = c;
    return visit;
}

static void test_a_visitor_may_remove_any_entry_and_none_is_visited_after_it_went(void)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5};
    static const uint32_t without_3[] = {0, 1, 2, 4, 5};
    static const uint32_t without_3_4[] = {0, 1, 2, 5};
    static const uint32_t without_5[] = {0, 1, 2, 3, 4};
    static const uint32_t to_2[] = {0, 1, 2};
    const visit_t plain = {.at = 2, .stop_at = 99};
    check_visits(RNS_TABLE_RING, removing(plain, 1, 2, 0, 0), all, 6);
    check_visits(RNS_TABLE_RING, removing(plain, 2, 0, 1, 0), all, 6);
    check_visits(RNS_TABLE_RING, removing(plain, 1, 3, 0, 0), without_3, 5);
    check_visits(RNS_TABLE_RING, removing(plain, 2, 3, 4, 0), without_3_4, 4);
    check_visits(RNS_TABLE_RING, removing(plain, 1, 5, 0, 0), without_5, 5);
    check_visits(RNS_TABLE_RING, removing(plain, 3, 5, 4, 3), to_2, 3);
    check_visits(RNS_TABLE_RING, removing((visit_t){.at = 5, .stop_at = 99}, 2, 5, 0, 0), all, 6);
}

static void test_what_a_visitor_puts_is_not_visited_even_in_a_freed_entry(void)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5};
    static const uint32_t without_3[] = {0, 1, 2, 4, 5};
    static const uint32_t without_5[] = {0, 1, 2, 3, 4};
    static const uint32_t ring[] = {0, 1, 5};
    static const uint32_t without_1[] = {0, 2, 3, 4, 5};
    visit_t visit = {.at = 2, .stop_at = 99, .puts = 2};
    check_visits(RNS_TABLE_REJECT, visit, all, 6);
    visit.remove_count = 1;
    visit.removes[0] = 3;
    check_visits(RNS_TABLE_REJECT, visit, without_3, 5);
    visit.removes[0] = 5;
    check_visits(RNS_TABLE_REJECT, visit, without_5, 5);
    /* 2 free, then 5 overwritten: 0 1 2 3 4 of which the last three are still to come. */
    check_visits(RNS_TABLE_RING, (visit_t){.at = 1, .stop_at = 99, .puts = 7}, ring, 3);
    check_visits(RNS_TABLE_RING, (visit_t){.at = 1, .stop_at = 99, .puts = 12}, ring, 2);
    /* 2 free, then 0 and 1 culled. */
    check_visits(RNS_TABLE_CULL_OLDEST, (visit_t){.at = 0, .stop_at = 99, .puts = 3}, without_1,
                 5);
}

static bool expire_then_reset(void* context, const void* key, void* value, uint64_t time_ns)
{
    table_fixture_t* const f = context;
    (void)key;
    (void)value;
    CHECK(time_ns == 0 || time_ns == 4); /* 1, 2, 3 expired, 5 was reset */
    if (time_ns == 0) {
        uint32_t expired = 0;
        CHECK_STATUS(rns_table_expire(&f->table, 9, 5, &expired), RNS_OK);
        CHECK_EQUAL(expired, 4);
    } else {
        CHECK_STATUS(rns_table_reset(&f->table), RNS_OK);
        CHECK_STATUS(put(f, 6, 6, 6), RNS_OK);
    }
    return true;
}

static void test_a_visitor_may_expire_and_reset_the_table(void)
{
    table_fixture_t* const f = table_begin(RNS_TABLE_REJECT, 8);
    fill(f, 0, 6);
    CHECK_STATUS(rns_table_each(&f->table, expire_then_reset, f), RNS_OK);
    CHECK_EQUAL(f->drop_count, 6);
    CHECK_EQUAL(rns_table_count(&f->table), 1);
    table_fixture_end(f);
}

void suite_table_each(void)
{
    RUN(test_a_visitor_may_expire_and_reset_the_table);
    RUN(test_the_hook_may_read_the_table_and_not_change_it);
    RUN(test_each_visits_in_the_order_of_insertion_until_told_to_stop);
    RUN(test_a_visitor_may_remove_any_entry_and_none_is_visited_after_it_went);
    RUN(test_what_a_visitor_puts_is_not_visited_even_in_a_freed_entry);
}
