/* rns_fault, and what failing requests leave behind: through every function that takes a buffer,
 * the n-th request fails for every n, once and from then on. */
#include "bytes_fixture.h"

#include <string.h>

#define HANDLES 5u

/// What each call is run on: 0 and 1 share 100 bytes, 2 is unique and fills its slot, 3 is a short
/// slice of a long buffer, 4 is empty.
typedef struct {
    bytes_fixture_t f;
    rns_bytes_t handle[HANDLES];
    rns_bytes_t pinned;
    uint8_t content[HANDLES][128];
    rns_bytes_t before[HANDLES];
    uint32_t in_use;
} scene_t;

static void scene_init(scene_t* self, const bytes_setup_t* setup)
{
    bytes_fixture_init(&self->f, setup);
    self->handle[0] = bytes_filled(&self->f, 'a', 100);
    self->handle[1] = rns_bytes_share(&self->handle[0], &self->f.store);
    CHECK_STATUS(rns_bytes_append(&self->handle[1], &self->f.store, "x", 1), RNS_OK);
    CHECK_STATUS(rns_bytes_resize(&self->handle[1], &self->f.store, 100), RNS_OK);
    self->handle[2] = bytes_filled(&self->f, '5', 64);
    self->pinned = bytes_filled(&self->f, 'd', 1000);
    self->handle[3] = rns_bytes_slice(&self->pinned, &self->f.store, 10, 16);
    self->handle[4] = (rns_bytes_t){0};
    for (size_t i = 0; i < HANDLES; ++i) {
        self->before[i] = self->handle[i];
        for (size_t k = 0; k < self->handle[i].length; ++k) {
            self->content[i][k] = rns_bytes_data(&self->handle[i])[k];
        }
    }
    self->in_use = in_use_of(&self->f);
}

static void scene_end(scene_t* self)
{
    check_refs(&self->f,
               (const rns_bytes_t[]){self->handle[0], self->handle[1], self->handle[2],
                                     self->handle[3], self->handle[4], self->pinned},
               HANDLES + 1u, NULL, 0);
    for (size_t i = 0; i < HANDLES; ++i) {
        bytes_end(&self->f, &self->handle[i]);
    }
    bytes_end(&self->f, &self->pinned);
    bytes_fixture_end(&self->f);
}

/// Verify that every handle is as it was and nothing leaked.
static void check_unchanged(scene_t* self)
{
    for (size_t i = 0; i < HANDLES; ++i) {
        CHECK(self->handle[i].buffer == self->before[i].buffer);
        CHECK_EQUAL(self->handle[i].offset, self->before[i].offset);
        CHECK(bytes_are(&self->handle[i], self->content[i], self->before[i].length));
    }
    CHECK_EQUAL(in_use_of(&self->f), self->in_use);
}

static rns_status_t call(scene_t* s, uint32_t number)
{
    rns_store_t* const store = &s->f.store;
    rns_bytes_t* const h = s->handle;
    static const uint8_t data[300] = {0};
    const rns_span_t spans[] = {rns_bytes_span(&h[0]), rns_bytes_span(&h[2])};
    uint8_t* out = NULL;
    switch (number) {
    case 0:
        return rns_bytes_init(&h[4], store, data, 10);
    case 1:
        return rns_bytes_assign(&h[0], store, rns_bytes_data(&h[0]) + 10, 50);
    case 2:
        return rns_bytes_assign(&h[2], store, data, 300);
    case 3:
        return rns_bytes_append(&h[0], store, data, 10);
    case 4:
        return rns_bytes_append(&h[2], store, rns_bytes_data(&h[2]), 64);
    case 5:
        return rns_bytes_append(&h[4], store, data, 10);
    case 6:
        return rns_bytes_append_bytes(&h[0], store, &h[0]);
    case 7:
        return rns_bytes_append_bytes(&h[2], store, &h[3]);
    case 8:
        return rns_bytes_append_byte(&h[2], store, 1);
    case 9:
        return rns_bytes_prepend(&h[0], store, data, 10);
    case 10:
        return rns_bytes_prepend(&h[2], store, data, 300);
    case 11:
        return rns_bytes_prepend_bytes(&h[2], store, &h[2]);
    case 12:
        return rns_bytes_concat(&h[0], store, &h[0], &h[2]);
    case 13:
        return rns_bytes_concat(&h[4], store, &h[3], &h[3]);
    case 14:
        return rns_bytes_gather(&h[2], store, spans, 2);
    case 15:
        return rns_bytes_set(&h[1], store, 3, 1);
    case 16:
        return rns_bytes_resize(&h[0], store, 200);
    case 17:
        return rns_bytes_resize(&h[2], store, 65);
    case 18:
        return rns_bytes_reserve(&h[0], store, 1);
    case 19:
        return rns_bytes_reserve(&h[4], store, 1000);
    case 20:
        return rns_bytes_reserve_room(&h[2], store, 1, 0);
    case 21:
        return rns_bytes_writable(&h[0], store, 20, &out);
    case 22:
        return rns_bytes_writable(&h[2], store, 100, &out);
    case 23:
        return rns_bytes_compact(&h[3], store);
    case 24:
        return rns_bytes_append_hex(&h[2], store, (const char*)rns_bytes_data(&h[2]), 64);
    case 25:
        return rns_bytes_append_hex(&h[0], store, "0123", 4);
    case 26:
        return rns_bytes_assign_hex(&h[1], store, "0123", 4);
    case 27: { /* empties its argument, so on copies */
        rns_bytes_t other = rns_bytes_share(&h[3], store);
        const rns_status_t status = rns_bytes_unsplit(&h[2], store, &other);
        CHECK((status == RNS_OK) == (other.buffer == NULL));
        (void)rns_bytes_drop(&other, store);
        return status;
    }
    default:
        return RNS_INPUT_RANGE;
    }
}

#define CALLS 28u

static void test_every_failing_request_leaves_every_handle_valid_and_unchanged(void)
{
    uint64_t sites = 0;
    for (uint32_t number = 0; number < CALLS; ++number) {
        scene_t scene;
        scene_init(&scene, &(bytes_setup_t){0});
        rns_fault_fail_nth(&scene.f.fault, 0, false);
        CHECK_STATUS(call(&scene, number), RNS_OK);
        const uint64_t requests = requests_of(&scene.f);
        scene_end(&scene);
        CHECK(requests > 0);
        sites += requests;
        for (uint64_t nth = 1; nth <= requests; ++nth) {
            for (int is_sticky = 0; is_sticky < 2; ++is_sticky) {
                scene_init(&scene, &(bytes_setup_t){0});
                rns_fault_fail_nth(&scene.f.fault, (rns_counter_t)nth, is_sticky != 0);
                CHECK_STATUS(call(&scene, number), RNS_MISS_EXHAUSTED);
                CHECK(rns_cell_load(&scene.f.fault.failures) > 0);
                check_unchanged(&scene);
                rns_fault_fail_nth(&scene.f.fault, 0, false);
                CHECK_STATUS(call(&scene, number), RNS_OK); /* and works when there is memory */
                scene_end(&scene);
            }
        }
    }
    CHECK_EQUAL(sites, CALLS);
}

static void test_a_really_empty_pool_leaves_every_handle_valid_and_unchanged(void)
{
    for (uint32_t number = 0; number < CALLS; ++number) {
        scene_t scene;
        scene_init(&scene, &(bytes_setup_t){.is_spilling = true, .has_fallback = true});
        scene.f.heap.is_off = true;
        rns_buffer_t* taken[64];
        uint32_t count = 0;
        while (rns_store_take(&scene.f.store, 1, 0, &taken[count]) == RNS_OK) {
            ++count;
        }
        CHECK(taken[count] == NULL);
        CHECK_EQUAL(in_use_of(&scene.f), 32);
        scene.in_use = 32;
        CHECK_STATUS(call(&scene, number), RNS_MISS_EXHAUSTED);
        check_unchanged(&scene);
        while (count-- > 0) {
            CHECK_STATUS(rns_buffer_release(taken[count], &scene.f.store), RNS_OK);
        }
        scene_end(&scene);
    }
}

static void test_what_needs_no_buffer_works_while_every_request_fails(void)
{
    scene_t scene;
    scene_init(&scene, &(bytes_setup_t){0});
    rns_store_t* const store = &scene.f.store;
    rns_fault_fail_nth(&scene.f.fault, 1, true);
    rns_bytes_t shared = rns_bytes_share(&scene.handle[0], store);
    rns_bytes_t part;
    CHECK_STATUS(rns_bytes_split_off(&shared, store, 40, &part), RNS_OK);
    CHECK_STATUS(rns_bytes_unsplit(&shared, store, &part), RNS_OK);
    CHECK_STATUS(rns_bytes_resize(&shared, store, 10), RNS_OK);
    CHECK_STATUS(rns_bytes_set(&scene.handle[2], store, 0, '5'), RNS_OK);
    rns_bytes_assign_bytes(&shared, store, &scene.handle[3]);
    CHECK(rns_bytes_equal(&shared, &scene.handle[3]));
    CHECK_EQUAL(requests_of(&scene.f), 0);
    bytes_end(&scene.f, &shared);
    check_unchanged(&scene);
    rns_fault_init(&scene.f.fault);
    scene_end(&scene);
}

static void test_a_tier_can_be_made_to_fail(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true, .is_spilling = true});
    rns_fault_fail_tier(&f.fault, 1);
    rns_fault_fail_tier(&f.fault, 4);
    rns_bytes_t a = {0};
    static const uint8_t data[2000] = {0};
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, data, 200), RNS_MISS_EXHAUSTED);
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, data, 2000), RNS_MISS_OVERSIZE);
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, data, 64), RNS_OK);
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, data, 257), RNS_OK);
    CHECK_EQUAL(rns_cell_load(&f.fault.requests), 4);
    CHECK_EQUAL(rns_cell_load(&f.fault.failures), 2);
#if RNS_STATS
    CHECK_EQUAL(pool_stats(&f.pool).requests, 2); /* the pool saw nothing of the others */
#endif
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_a_rate_is_met_and_its_seed_repeats_it(void)
{
    static const uint32_t rates[] = {0, 655, 32768, 65000, RNS_FAULT_RATE_ONE};
    for (size_t i = 0; i < COUNT_OF(rates); ++i) {
        rns_fault_t first;
        rns_fault_t second;
        rns_fault_t other;
        rns_fault_init(&first);
        rns_fault_init(&second);
        rns_fault_init(&other);
        rns_fault_fail_rate(&first, rates[i], 7);
        rns_fault_fail_rate(&second, rates[i], 7);
        rns_fault_fail_rate(&other, rates[i], 8);
        uint32_t failures = 0;
        uint32_t differences = 0;
        for (uint32_t n = 0; n < 20000; ++n) {
            const bool strikes = rns_fault_strikes(&first, 0);
            failures += strikes ? 1u : 0u;
            CHECK(rns_fault_strikes(&second, 0) == strikes);
            differences += rns_fault_strikes(&other, 0) != strikes ? 1u : 0u;
        }
        const double expected = 20000.0 * rates[i] / RNS_FAULT_RATE_ONE;
        CHECK(failures <= expected + 400 && failures + 400 >= expected);
        CHECK((differences > 0) == (rates[i] != 0 && rates[i] != RNS_FAULT_RATE_ONE));
        CHECK_EQUAL(rns_cell_load(&first.failures), failures);
        CHECK_EQUAL(rns_cell_load(&first.requests), 20000);
    }
}

static void test_the_nth_request_fails_once_or_from_then_on(void)
{
    rns_fault_t fault;
    rns_fault_init(&fault);
    for (int is_sticky = 0; is_sticky < 2; ++is_sticky) {
        rns_fault_fail_nth(&fault, 3, is_sticky != 0);
        for (uint32_t n = 1; n <= 6; ++n) {
            CHECK(rns_fault_strikes(&fault, 0) == (is_sticky ? n >= 3 : n == 3));
        }
        CHECK_EQUAL(rns_cell_load(&fault.failures), is_sticky ? 4 : 1);
    }
}

static void test_the_seed_that_would_never_draw_anything_else_draws_like_others(void)
{
    rns_fault_t fault;
    uint32_t failures = 0;
    rns_fault_init(&fault);
    rns_fault_fail_rate(&fault, RNS_FAULT_RATE_ONE / 2u, 0xB3C82CC3u); /* spread to 0 */
    CHECK_EQUAL(rns_cell_load(&fault.random), 1);
    for (uint32_t n = 0; n < 1000u; ++n) {
        failures += rns_fault_strikes(&fault, 0) ? 1u : 0u;
    }
    CHECK(failures > 400u && failures < 600u);
}

static void test_a_rate_draws_the_numbers_of_xorshift32(void)
{
    uint32_t state = 5u * 0x9E3779B9u + 0x7F4A7C15u;
    rns_fault_t fault;
    rns_fault_init(&fault);
    rns_fault_fail_rate(&fault, 30000, 5);
    for (uint32_t n = 0; n < 1000u; ++n) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        CHECK(rns_fault_strikes(&fault, 0) == (state >> 16 < 30000u));
        CHECK_EQUAL(rns_cell_load(&fault.random), state);
    }
}

void suite_bytes_fault(void)
{
    RUN(test_every_failing_request_leaves_every_handle_valid_and_unchanged);
    RUN(test_a_really_empty_pool_leaves_every_handle_valid_and_unchanged);
    RUN(test_what_needs_no_buffer_works_while_every_request_fails);
    RUN_WITH_FALLBACK(test_a_tier_can_be_made_to_fail);
    RUN(test_a_rate_is_met_and_its_seed_repeats_it);
    RUN(test_the_nth_request_fails_once_or_from_then_on);
    RUN(test_the_seed_that_would_never_draw_anything_else_draws_like_others);
    RUN(test_a_rate_draws_the_numbers_of_xorshift32);
}
